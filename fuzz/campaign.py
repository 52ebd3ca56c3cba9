"""Fuzzing a parser in a process of its own until enough was run, and keeping what was found in a JSON file.

A process that dies of an input (a crash in a library, memory, more than a minute) leaves the input behind, which is a
finding; another one goes on from there.
"""

import hashlib
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explainable_bert.speed.machine import machine
from explainable_bert.writing import write_text

from .findings import finding
from .parsers import PARSERS

ROOT = Path(__file__).parent.parent
_MEMORY = Path("/dev/shm")
_LIMITS = ("-timeout=60", "-rss_limit_mb=4096", "-max_len=16384", "-print_final_stats=0")
_MOST_DEATHS = 20
_SECONDS_BETWEEN = 5.0


@dataclass(frozen=True)
class Campaign:
    """What was run of a parser and what was found; `edges` are those that libFuzzer counts in the package.

    `sources` is a hash of the package and of this folder: of others, nothing is continued.
    """

    parser: str
    seed: int
    sources: str
    commit: str
    atheris: str
    python: str
    machine: str
    executions: int = 0
    seconds: float = 0.0
    edges: int | None = None
    findings: tuple[Mapping[str, Any], ...] = field(default=())


@dataclass(frozen=True)
class Enough:
    """When a campaign has run long enough: so many executions in all, or so many seconds from now."""

    executions: int | None = None
    seconds: float | None = None


def load_results(path: Path) -> dict[str, Campaign]:
    """The campaigns that the file holds, by parser."""
    if not path.is_file():
        return {}
    kept = json.loads(path.read_text(encoding="utf-8"))["parsers"]
    return {fields["parser"]: Campaign(**{**fields, "findings": tuple(fields["findings"])}) for fields in kept}


class Results:
    """The campaigns of a file, which is written anew whenever one of them has gone on; several threads may tell it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._campaigns = load_results(path)
        self._lock = threading.Lock()

    @property
    def campaigns(self) -> Mapping[str, Campaign]:
        """What is kept, by parser."""
        return MappingProxyType(self._campaigns)

    def keep(self, campaign: Campaign) -> None:
        """Write the file with this campaign in the place of the parser's last, in the order of the parsers."""
        with self._lock:
            self._campaigns[campaign.parser] = campaign
            kept = [asdict(self._campaigns[name]) for name in PARSERS if name in self._campaigns]
            write_text(self._path, json.dumps({"parsers": kept}, indent=1) + "\n")


def table(campaigns: Mapping[str, Campaign]) -> str:
    """The rows of docs/security.md: what was run of each parser; of those that nothing was run of, that."""
    rows = ["| parser | executions | edges | findings left | commit |", "| --- | ---: | ---: | ---: | --- |"]
    for name in PARSERS:
        if name in campaigns:
            done = campaigns[name]
            rows.append(f"| {name} | {done.executions:,} | {done.edges} | {len(done.findings)} | {done.commit[:7]} |")
        else:
            rows.append(f"| {name} | not yet | | | |")
    return "\n".join(rows)


def begun(name: str, seed: int, kept: Mapping[str, Campaign]) -> Campaign:
    """The campaign to go on with: what is kept where it is of the same sources and seed, else a new one."""
    new = Campaign(
        parser=name,
        seed=seed,
        sources=_sources(),
        commit=_commit(),
        atheris=importlib.metadata.version("atheris"),
        python=platform.python_version(),
        machine=machine(),
    )
    same = ("sources", "seed", "atheris", "python", "machine")
    old = kept.get(name)
    return old if old is not None and all(getattr(old, key) == getattr(new, key) for key in same) else new


def read_again(campaign: Campaign) -> Campaign:
    """The campaign with what is still a finding when its input is read once more: a busy machine makes slow ones."""
    with tempfile.TemporaryDirectory() as folder:
        parser = PARSERS[campaign.parser]
        kept = [
            item
            for item in campaign.findings
            if finding(parser, bytes.fromhex(item["content"]), Path(folder)) is not None
        ]
    return replace(campaign, findings=tuple(kept))


def run(campaign: Campaign, enough: Enough, keep: Callable[[Campaign], None]) -> Campaign:
    """Run until it is enough, or too many processes died; `keep` is told every few seconds how things stand."""
    until = None if enough.seconds is None else time.monotonic() + enough.seconds
    with tempfile.TemporaryDirectory(dir=_MEMORY if _MEMORY.is_dir() else None) as scratch:
        _write_seeds(campaign.parser, Path(scratch))
        for _ in range(_MOST_DEATHS):
            left_runs = 2**31 - 1 if enough.executions is None else enough.executions - campaign.executions
            left_s = 2**31 - 1 if until is None else int(until - time.monotonic())
            if left_runs <= 0 or left_s <= 0:
                break
            campaign = _one_process(campaign, Path(scratch), left_runs, left_s, keep)
    return campaign


def _write_seeds(name: str, scratch: Path) -> None:
    for folder in ("seeds", "corpus", "files", "deadly"):
        (scratch / folder).mkdir()
    for number, content in enumerate(PARSERS[name].seeds()):
        (scratch / "seeds" / str(number)).write_bytes(content)


def _one_process(
    before: Campaign, scratch: Path, runs: int, seconds: int, keep: Callable[[Campaign], None]
) -> Campaign:
    # Every process draws otherwise; libFuzzer takes 0 for none.
    seed = before.seed + 1 + before.executions
    options = (f"-runs={runs}", f"-max_total_time={seconds}", f"-seed={seed}", *_LIMITS)
    deadly, progress, log = scratch / "deadly", scratch / "progress.json", scratch / "log"
    progress.unlink(missing_ok=True)
    places = [str(scratch / "corpus"), str(scratch / "seeds")]
    command = [sys.executable, "-m", "fuzz.worker", before.parser, str(progress), str(scratch / "files"), *options]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, f"-artifact_prefix={deadly}/", *places], cwd=ROOT, stdout=stream, stderr=stream
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(_SECONDS_BETWEEN)
                except subprocess.TimeoutExpired:
                    keep(_with_progress(before, progress, log))
        finally:
            process.terminate()
            process.wait()
    after = _with_deaths(_with_progress(before, progress, log), deadly)
    if process.returncode != 0 and after.executions == before.executions:
        raise RuntimeError(f"{before.parser}: nothing was run: {log.read_text(errors='replace')[-2000:]}")
    keep(after)
    return after


def _with_progress(before: Campaign, progress: Path, log: Path) -> Campaign:
    try:
        told = json.loads(progress.read_text(encoding="ascii"))
    except (OSError, ValueError):  # not there yet, or being written
        return before
    edges = [int(number) for number in re.findall(r"cov: (\d+)", log.read_text(encoding="utf-8", errors="replace"))]
    return replace(
        before,
        executions=before.executions + told["executions"],
        seconds=round(before.seconds + told["seconds"], 1),
        edges=max([*edges, before.edges or 0]) or None,
        findings=_together(before.findings, told["findings"]),
    )


def _together(known: tuple[Mapping[str, Any], ...], found: list[Mapping[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    there = {(item["kind"], item["where"]) for item in known}
    return (*known, *(item for item in found if (item["kind"], item["where"]) not in there))


def _with_deaths(campaign: Campaign, deadly: Path) -> Campaign:
    """LibFuzzer names the file of a deadly input by what it died of: crash, timeout or oom."""
    for file in sorted(deadly.iterdir()):
        kind = file.name.partition("-")[0]
        told = {"kind": kind, "where": file.name, "message": "the process ended", "content": file.read_bytes().hex()}
        campaign = replace(campaign, findings=(*campaign.findings, told))
        file.unlink()
    return campaign


def _sources() -> str:
    digest = hashlib.sha256()
    for folder in ("src", "fuzz"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(ROOT)}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def _commit() -> str:
    """The commit that is checked out, marked where the sources are not those of it."""
    told = [_git("rev-parse", "HEAD"), _git("status", "--porcelain", "--", "src", "fuzz/*.py")]
    return f"{told[0]}, changed" if told[1] else told[0]


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
