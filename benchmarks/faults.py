"""Kills commands at random moments, and looks whether the next run ends as if nothing had happened.

`python -m benchmarks.faults [--kills 20] [--commands train,...] [--output FILE]`, saved in results/faults.json for
docs/security.md. A process that has imported everything forks one for each run, so that moments are those of the work,
not of the imports. What is done is not done again; some minutes on two cores.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.tables import between_marks

from explainable_bert.writing import write_text

os.environ["OMP_NUM_THREADS"] = "1"  # a process that was forked cannot share its parent's threads
os.environ["HF_HUB_OFFLINE"] = "1"

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "faults.json"
PAGE = ROOT / "docs" / "security.md"
_WORDS = ("film", "movie", "plot", "writer", "very", "the", "a", "is", "was", "good", "great", "bad", "awful", "dull")
_LONGEST_RUN_S = 300.0

Outcome = Mapping[str, Any]


@dataclass(frozen=True)
class Tried:
    """One command, killed again and again: after how many kills the next run ended like the unbroken one.

    `n_continued` of these found something to go on from; `unsound` names files that were no whole ones under their
    final names, or left behind.
    """

    kills: int
    recovered: int
    n_continued: int
    seconds: float
    unsound: tuple[str, ...]


@dataclass(frozen=True)
class Command:
    """A command's arguments, given the folder of samples and the output, and what it is to yield.

    `goes_on` is whether a killed one left something to go on from, `is_done` whether it left an output that another
    run refuses to write over.
    """

    arguments: Callable[[Path, Path], Sequence[str]]
    outcome: Callable[[Path], Outcome]
    goes_on: Callable[[Path], bool] = lambda _: False
    is_done: Callable[[Path], bool] = lambda _: False


def _train(samples: Path, output: Path) -> list[str]:
    return [
        *("train", "--base", str(samples / "model"), "--design", "additive", "--data", str(samples / "corpus")),
        *("--output", str(output), "--epochs", "6", "--batch-size", "8", "--early-stopping-patience", "6"),
    ]


def _trained(output: Path) -> Outcome:
    report = json.loads((output / "training_report.json").read_text())
    return {"weights": _sha256(output / "model.safetensors"), "epochs": report["epochs"], "best": report["best_epoch"]}


def _evaluate(samples: Path, output: Path) -> list[str]:
    return [
        *("evaluate", str(samples / "model"), "--data", str(samples / "corpus" / "train.csv")),
        *("--methods", "built-in,random", "--output", str(output)),
    ]


def _corpus(samples: Path, output: Path) -> list[str]:
    return ["corpus", str(samples / "model"), str(samples / "wide.csv"), "--output", str(output)]


def _shards(output: Path) -> Outcome:
    import pyarrow.parquet

    rows = [row for part in sorted(output.glob("part-*")) for row in pyarrow.parquet.read_table(part).to_pylist()]
    manifest = json.loads((output / "manifest.json").read_text())
    return {"rows": rows, "shards": [shard["sha256"] for shard in manifest["shards"]], "complete": manifest["complete"]}


def _export(samples: Path, output: Path) -> list[str]:
    return ["export", "onnx", str(samples / "model"), "--output", str(output)]


def _report(samples: Path, output: Path) -> list[str]:
    page = str(output / "page.html")
    return ["explain", str(samples / "model"), "--input", str(samples / "some.csv"), "--output", page]


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "train": Command(_train, _trained, lambda output: bool(list(output.glob("checkpoints/*/manifest.json")))),
        "evaluate": Command(
            _evaluate,
            lambda output: {name: _sha256(output / name) for name in ("examples.csv", "summary.json")},
            lambda output: bool(list(output.glob("parts/*.json"))),
        ),
        "corpus": Command(_corpus, _shards, lambda output: bool(list(output.glob("part-*.parquet")))),
        "export": Command(
            _export, lambda output: {"files": sorted(path.name for path in output.iterdir())}, is_done=Path.exists
        ),
        "explain": Command(_report, lambda output: {"page": _sha256(output / "page.html")}),
    }
)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _make_samples(folder: Path) -> None:
    """A tiny model, a corpus of two labels in splits, and a table of which few rows make a piece of a job."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *_WORDS]
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 24,
        "num_attention_heads": 3,
        "num_hidden_layers": 4,
        "intermediate_size": 32,
    }
    names: dict[str, Any] = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    config = BertConfig(**sizes, vocab_size=len(words), max_position_embeddings=40, initializer_range=0.2, **names)
    BertForSequenceClassification(config).save_pretrained(folder / "model")
    BertTokenizer(vocab={word: index for index, word in enumerate(words)}).save_pretrained(folder / "model")
    drawn = random.Random(0)
    texts = [" ".join(drawn.choices(_WORDS, k=drawn.randint(4, 14))) for _ in range(900)]
    rows = [f"{text},{'good' if 'good' in text else 'bad'}" for text in dict.fromkeys(texts)]
    (folder / "corpus").mkdir()
    for name, some in (("train", rows[:160]), ("validation", rows[160:200]), ("test", rows[200:240])):
        (folder / "corpus" / f"{name}.csv").write_text("\n".join(["text,label", *some]) + "\n")
    (folder / "some.csv").write_text("\n".join(["text", *texts[:60]]) + "\n")
    # Pieces are of so many bytes: a cell that nobody reads makes them of few rows.
    (folder / "wide.csv").write_text("\n".join(["text,wide", *(f"{text},{'x' * 3000}" for text in texts)]) + "\n")


def _in_child(work: Callable[[], None], log: Path) -> int:
    """The number of a new process that does the work; what it prints goes to the log."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        os.dup2(opened, 1)
        os.dup2(opened, 2)
        work()
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 1
    finally:
        sys.stdout.flush()
        os._exit(code)


def _command(arguments: Sequence[str]) -> Callable[[], None]:
    def run() -> None:
        from explainable_bert.interfaces.cli import main

        sys.argv = ["explainable-bert", *arguments]
        main()

    return run


def _ended(child: int, within: float) -> int | None:
    """The status that the process ended with, or None if it has not."""
    ends = time.monotonic() + within
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def _run_whole(arguments: Sequence[str], log: Path) -> None:
    status = _ended(_in_child(_command(arguments), log), _LONGEST_RUN_S)
    if status != 0:
        raise RuntimeError(f"{arguments[0]} ended with {status}: {log.read_text()[-2000:]}")


def _killed(arguments: Sequence[str], log: Path, after: float) -> bool:
    """Whether it was still at work when it was killed."""
    child = _in_child(_command(arguments), log)
    if _ended(child, after) is not None:
        return False
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def unsound(output: Path) -> list[str]:
    """Files under their final names that are no whole ones of their kind."""
    found = []
    for path in (path for path in output.rglob("*") if path.is_file()):
        is_hidden = any(part.startswith(".") for part in path.relative_to(output).parts)
        # A checkpoint is one once it has a manifest: nobody reads it before.
        is_half = "checkpoints" in path.parts and not (path.parent / "manifest.json").is_file()
        if not is_hidden and not is_half and not _is_whole(path):
            found.append(path.name)
    return found


def _is_whole(path: Path) -> bool:
    import pyarrow.parquet
    from safetensors import safe_open

    readers: Mapping[str, Callable[[], object]] = {
        ".json": lambda: json.loads(path.read_text()),
        ".jsonl": lambda: [json.loads(line) for line in path.read_text().splitlines()],
        ".parquet": lambda: pyarrow.parquet.read_table(path),
        ".safetensors": lambda: safe_open(path, framework="numpy"),
        ".html": lambda: path.read_text().rindex("</html>"),
    }
    try:
        readers.get(path.suffix, lambda: None)()
    except Exception:  # noqa: BLE001  # whatever its reader says of it
        return False
    return True


def try_command(name: str, kills: int, folder: Path, seed: int = 0) -> Tried:
    """Kill the command so often, each time in a new output folder, and run it to its end afterwards."""
    command, drawn, samples = COMMANDS[name], random.Random(f"{seed} {name}"), folder / "samples"
    log, whole = folder / f"{name}.log", folder / f"{name}-whole"
    started = time.monotonic()
    _run_whole(command.arguments(samples, whole), log)
    seconds = time.monotonic() - started
    expected, recovered, continued, trouble = command.outcome(whole), 0, 0, unsound(whole)
    done = 0
    while done < kills:
        output = folder / f"{name}-{done}"
        shutil.rmtree(output, ignore_errors=True)
        arguments = command.arguments(samples, output)
        if not _killed(arguments, log, drawn.uniform(0, seconds)):
            continue  # it was done before
        done += 1
        trouble += unsound(output)
        continued += command.goes_on(output)
        if not command.is_done(output):
            _run_whole(arguments, log)
        recovered += command.outcome(output) == expected
        trouble += unsound(output)
        trouble += [path.name for path in folder.rglob(".*") if path.name.endswith((".aside", ".lock"))]
        shutil.rmtree(output)
    return Tried(done, recovered, continued, round(seconds, 2), tuple(sorted(set(trouble))))


def prepare(folder: Path) -> None:
    """Import what the commands need, and make the samples, in a process of their own: here no thread may begin."""
    import datasets  # noqa: F401
    import matplotlib.pyplot  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import torch
    import transformers  # noqa: F401

    import explainable_bert.export.onnx
    import explainable_bert.jobs.job
    import explainable_bert.training.run  # noqa: F401

    torch.set_num_threads(1)
    if _ended(_in_child(lambda: _make_samples(folder / "samples"), folder / "samples.log"), _LONGEST_RUN_S) != 0:
        raise RuntimeError((folder / "samples.log").read_text())


def table(commands: Mapping[str, Mapping[str, Any]]) -> str:
    """The page's rows, one for each command."""
    rows = [
        "| command | kills | recovered | of these, went on from what was there | files that were no whole ones |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for name, tried in commands.items():
        unsound_files = ", ".join(tried["unsound"]) or "none"
        rows.append(f"| {name} | {tried['kills']} | {tried['recovered']} | {tried['n_continued']} | {unsound_files} |")
    return "\n".join(rows)


def main() -> None:
    """Try what has not been tried so often yet, and keep each command's result once it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--commands", default=",".join(COMMANDS))
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    kept = json.loads(given.output.read_text()) if given.output.is_file() else {"commands": {}}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "samples").mkdir()
        prepare(folder)
        from explainable_bert.speed.machine import machine, versions

        for name in given.commands.split(","):
            if kept["commands"].get(name, {"kills": 0})["kills"] >= given.kills:
                continue
            tried = try_command(name, given.kills, folder)
            print(f"{name}: {tried}", flush=True)
            kept["commands"][name] = asdict(tried)
            kept |= {"seed": 0, "machine": machine(), "versions": versions(), "command": "python -m benchmarks.faults"}
            write_text(given.output, json.dumps(kept, indent=2) + "\n")
    if given.output == RESULTS:
        page = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, between_marks(page, {"faults": table(kept["commands"])}))


if __name__ == "__main__":
    main()
