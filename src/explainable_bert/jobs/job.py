"""A corpus job in its folder: what it was asked for, what is done, and its manifest; started again, it continues."""

import hashlib
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from explainable_bert.errors import InputError
from explainable_bert.jobs.pieces import Columns, Piece, Plan, plan
from explainable_bert.jobs.plan_file import read_plan, write_plan
from explainable_bert.jobs.shard import Shard, read_shard
from explainable_bert.jobs.sources import SourceFile, source_files
from explainable_bert.jobs.tally import Tally
from explainable_bert.jobs.work import Work, Worker
from explainable_bert.locking import held, is_new
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Long, Provenance
from explainable_bert.run_request import check_folder, claim
from explainable_bert.writing import write_text

MANIFEST = "manifest.json"
_REQUEST, _PLAN = "request.json", "plan.json"
_FORMAT_VERSION = 1
# The manifest is written anew so often, and at the end.
_SECONDS_BETWEEN = 10.0

# What is being done, how far it is, and of how much.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class JobSettings:
    """What is read and kept: see pieces.Columns and shard.Shape; of the first `limit` rows, if that is given.

    `batch_tokens` is how many tokens share a pass, `long` what is done with texts longer than the model's window.
    Raises InputError on numbers below 1.
    """

    columns: Columns = field(default_factory=Columns)
    top_words: int | None = 10
    long: Long = "window"
    batch_tokens: int | None = None
    limit: int | None = None

    def __post_init__(self) -> None:
        for name in ("top_words", "batch_tokens", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"{name}: {value} given; accepted: 1 or more")


@dataclass(frozen=True)
class JobReport:
    """How a job ended: what was counted over all of its rows, and the files that could not be read, with the reason."""

    tally: Tally
    n_shards: int
    unreadable: Mapping[str, str]


# Explains pieces, in whatever order; told how many rows of those begun are done.
Engine = Callable[[Sequence[Piece], Work, Callable[[int], None]], Iterator[Shard]]


def run_locally(pieces: Sequence[Piece], work: Work, progress: Callable[[int], None]) -> Iterator[Shard]:
    """One after the other, in this process."""
    worker, done = Worker(work), 0
    for piece in pieces:
        yield worker.run(piece, lambda of_piece: progress(done + of_piece))  # noqa: B023
        done += piece.span.n_rows


def run_job(
    model: str,
    inputs: Sequence[str],
    output: Path,
    settings: JobSettings | None = None,
    engine: Engine = run_locally,
    progress: Progress = lambda *_: None,
) -> JobReport:
    """Predict and explain every row of the inputs into shards in the folder `output`.

    Every row ends up once, in a shard or, with the reason, under errors/. Stopped at any moment, the same call goes on.
    Raises InputError or FileError on inputs that cannot be read at all, FileError when `output` holds another job or
    another process works there, ModelError when there is no classifier at `model`.
    """
    check_folder(output)
    with held(output):
        return _run_job(model, inputs, output, settings or JobSettings(), engine, progress)


def _run_job(
    model: str, inputs: Sequence[str], output: Path, settings: JobSettings, engine: Engine, progress: Progress
) -> JobReport:
    files = source_files(inputs, output)
    provenance = ExplainableClassifier.load(model, long=settings.long).provenance
    described = _described(provenance, files, settings)
    planned = _planned(output, described, files, settings, progress)
    said = {"format_version": _FORMAT_VERSION, "provenance": asdict(provenance), **described}
    work = Work(model, output, settings.columns, settings.top_words, settings.long, settings.batch_tokens, said)
    found = (read_shard(output, piece) for piece in planned.pieces)
    keeper = _Keeper(output, said, planned, (shard for shard in found if shard is not None))
    left = [piece for piece in planned.pieces if piece.number not in keeper.done]
    n_done = planned.n_rows - sum(piece.span.n_rows for piece in left)
    progress("explaining", n_done, planned.n_rows)
    try:
        for shard in engine(left, work, lambda rows: progress("explaining", n_done + rows, planned.n_rows)):
            keeper.add(shard)
    finally:
        keeper.write()
    return JobReport(keeper.tally, len(planned.pieces), planned.unreadable)


class _Keeper:
    """Keeps the manifest: which shards there are, of which rows, and what they hold in all."""

    def __init__(self, output: Path, said: Mapping[str, Any], planned: Plan, done: Iterator[Shard]) -> None:
        self._output, self._said, self._planned = output, said, planned
        self._entries: dict[int, dict[str, Any]] = {}
        self._tally, self._written = Tally(), 0.0
        for shard in done:
            self._note(shard)
        self.write()

    def _note(self, shard: Shard) -> None:
        self._entries[shard.piece] = _entry(shard, self._planned.pieces[shard.piece])
        self._tally = self._tally.plus(shard.tally)

    def add(self, shard: Shard) -> None:
        """Note a shard, and write it down once in a while."""
        self._note(shard)
        if time.monotonic() - self._written > _SECONDS_BETWEEN:
            self.write()

    @property
    def done(self) -> Collection[int]:
        """The numbers of the pieces that have a shard."""
        return self._entries.keys()

    @property
    def tally(self) -> Tally:
        """What was counted over all shards."""
        return self._tally

    def write(self) -> None:
        """Write the manifest as things stand."""
        shards = [self._entries[number] for number in sorted(self._entries)]
        manifest = {
            **self._said,
            "complete": len(shards) == len(self._planned.pieces),
            "rows": self._tally.rows,
            "errors": self._tally.errors,
            "unreadable": dict(self._planned.unreadable),
            "shards": shards,
        }
        write_text(self._output / MANIFEST, json.dumps(manifest, indent=2) + "\n")
        self._written = time.monotonic()


def _entry(shard: Shard, piece: Piece) -> dict[str, Any]:
    return {
        "name": shard.name,
        "rows": shard.rows,
        "errors": shard.errors,
        "bytes": shard.bytes,
        "sha256": shard.sha256,
        "input": {"file": piece.file.address, "first_row": piece.first_row, "n_rows": piece.span.n_rows},
    }


def _described(provenance: Provenance, files: Sequence[SourceFile], settings: JobSettings) -> dict[str, dict[str, Any]]:
    """What decides the results: a folder is of one such job."""
    listed = "\n".join(f"{file.address}\t{file.size}\t{file.version}" for file in files)
    return {
        "model": {"fingerprint": provenance.fingerprint, "design": provenance.design},
        "inputs": {
            "files": len(files),
            "sha256": hashlib.sha256(listed.encode("utf-8", "surrogateescape")).hexdigest(),
        },
        "settings": {
            "columns": list(settings.columns.texts),
            "keep": list(settings.columns.kept),
            "top_words": settings.top_words,
            "long": settings.long,
            "limit": settings.limit,
        },
    }


def _planned(
    output: Path,
    described: Mapping[str, Mapping[str, Any]],
    files: Sequence[SourceFile],
    settings: JobSettings,
    progress: Progress,
) -> Plan:
    """The plan that the job in the folder was begun with. A new one is kept: large files take long to look through."""
    path = output / _PLAN
    if not is_new(output):
        claim(output, _REQUEST, described)
    if path.is_file():
        return read_plan(path, files)
    found = plan(files, settings.columns, settings.limit, progress)
    # Only now: a mistake leaves no folder behind.
    claim(output, _REQUEST, described)
    write_plan(path, found, files)
    return found
