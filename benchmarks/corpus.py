"""Corpus jobs and long texts measured: `python -m benchmarks.corpus`, for the tables of docs/scale.md.

What is saved is not measured again. It takes half an hour of two cores, of which nothing else should have a part.
--parts chooses among `local` (a job beside `explain` in memory), `memory` (of 10^4 and 10^5 texts), `ray` (two actors
of a core each beside one process of two), `length` (windows), `core` (a process of one core) and `page`.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import long_texts
from benchmarks.speed.commands import COMMAND_FILE, ran
from benchmarks.speed.growth import exponent
from benchmarks.speed.models import saved
from benchmarks.speed.results import Results, load
from benchmarks.tables import between_marks

from explainable_bert.data.files import write_table
from explainable_bert.model.checkpoint import load_tokenizer, resolve_base
from explainable_bert.speed.ratios import ratio
from explainable_bert.speed.texts import plain_words
from explainable_bert.speed.turns import Side, serve, take_turns

PART, COMMAND = "corpus", "python -m benchmarks.corpus"
SHAPE = "MiniLM-L6"
ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "scale.md"
# Short texts have 5 to 15 word pieces, special tokens included; so many of them in each part.
_WORDS = (3, 13)
_N_LOCAL, _N_MEMORY, _N_RAY, _N_CORE = 10_000, (10_000, 100_000), 20_000, 4_000
_LENGTHS = (500, 1_580, 5_000, 15_800, 50_000)


def texts(count: int, words_each: tuple[int, int] = _WORDS, seed: int = 0) -> list[str]:
    """Texts of words of one piece each; every tenth word ends a sentence."""
    words, generator = plain_words(load_tokenizer(resolve_base("minilm")).backend_tokenizer), random.Random(seed)
    drawn = (generator.choices(words, k=generator.randint(*words_each)) for _ in range(count))
    return [
        " ".join(f"{word}." if place % 10 == 9 else word for place, word in enumerate(of_text)) for of_text in drawn
    ]


def _local(results: Results, model: Path, folder: Path) -> None:
    if "local" in results:
        return
    source = _file(folder, _N_LOCAL)
    sides = [Side(name, _side(name, model, source)) for name in ("job", "memory")]
    turns = take_turns(sides, results.settings["rounds"], seed=0, progress=_told("local"))
    results.add("local", vars(ratio(turns, "job", "memory", _N_LOCAL)))


def _memory(results: Results, model: Path, folder: Path) -> None:
    for count in _N_MEMORY:
        if f"memory {count}" not in results:
            results.add(f"memory {count}", _whole(model, _file(folder, count), folder))


def _ray(results: Results, model: Path, folder: Path) -> None:
    """Whole commands in turn, their start included."""
    source = _file(folder, _N_RAY)
    for number in range(2):
        for name, options in (("local", ()), ("ray", ("--engine", "ray", "--actors", "2"))):
            if f"{name} {number}" not in results:
                results.add(f"{name} {number}", _whole(model, source, folder, *options))


def _length(results: Results, model: Path, folder: Path) -> None:
    if "length" in results:
        return
    sides = [Side(str(length), _side("length", model, folder, str(length))) for length in _LENGTHS]
    turns = take_turns(sides, results.settings["rounds"], seed=0, progress=_told("length"))
    seconds = [statistics.median(turn.seconds for turn in turns[str(length)]) for length in _LENGTHS]
    peaks = [max(turn.peak_bytes for turn in turns[str(length)]) for length in _LENGTHS]
    results.add(
        "length", {"words": _LENGTHS, "seconds": seconds, "exponent": exponent(_LENGTHS, seconds), "peak_bytes": peaks}
    )


def _core(results: Results, model: Path, folder: Path) -> None:
    if "core" in results:
        return
    source = _file(folder, _N_CORE)
    turns = take_turns(
        [Side("core", _side("core", model, source))], results.settings["rounds"], seed=0, progress=_told("core")
    )
    results.add("core", {"texts_per_second": _N_CORE / statistics.median(turn.seconds for turn in turns["core"])})


PARTS: Mapping[str, Callable[[Results, Path, Path], None]] = {
    "local": _local,
    "length": _length,
    "core": _core,
    "memory": _memory,
    "ray": _ray,
}


def _file(folder: Path, count: int) -> Path:
    path = folder / f"{count}.csv"
    if not path.exists():
        write_table([{"text": text} for text in texts(count)], path)
    return path


def _whole(model: Path, source: Path, folder: Path, *options: str) -> dict[str, float]:
    """Seconds and memory of the whole command."""
    found = ran((COMMAND_FILE, "corpus", str(model), str(source), "--output", str(folder / "out"), *options))
    shutil.rmtree(folder / "out")
    return vars(found)


def _side(name: str, *arguments: object) -> tuple[str, ...]:
    return (sys.executable, "-m", "benchmarks.corpus", "--side", name, *map(str, arguments))


def _serve(name: str, model: str, place: str, *more: str) -> None:
    """The process of a side."""
    from explainable_bert import ExplainableClassifier
    from explainable_bert.data.files import read_table
    from explainable_bert.jobs.job import run_job

    if name == "job":
        output = Path(tempfile.mkdtemp())

        def job() -> None:
            run_job(model, [place], output / "out")
            shutil.rmtree(output / "out")

        serve(job)
        return
    classifier = ExplainableClassifier.load(model)
    if name == "core":
        import torch

        torch.set_num_threads(1)
    given = texts(1, (int(more[0]), int(more[0]))) if name == "length" else read_table(Path(place))["text"].to_pylist()
    serve(lambda: classifier.explain(given))


def _told(what: str) -> Callable[[int, int], None]:
    return lambda done, total: print(f"{what}: round {done} of {total}", flush=True)


def tables() -> str:
    """What was measured, in words and tables."""
    saved_rows = load(PART)
    rows = saved_rows["rows"]
    local, length = rows["local"], rows["length"]
    small, large = (rows[f"memory {count}"] for count in _N_MEMORY)
    here, on_ray = (
        statistics.mean(rows[f"{name} {number}"]["seconds"] for number in range(2)) for name in ("local", "ray")
    )
    growth = large["peak_bytes"] / small["peak_bytes"]
    lines = [
        ("job : `explain` in memory, texts per second", ">= 0.90", f"{local['median']:.2f} ({local['low']:.2f} to "
         f"{local['high']:.2f}, {local['rounds']} rounds of {_N_LOCAL:,} texts)", local["median"] >= 0.9),
        ("peak memory of 10^5 texts : of 10^4", "<= 1.1", f"{growth:.3f} ({_mib(large)} : {_mib(small)} MiB)",
         growth <= 1.1),
        ("Ray, 2 actors of a core : one process of 2 threads", ">= 0.85", f"{here / on_ray:.2f} (whole commands, "
         f"{_N_RAY:,} texts, mean of 2)", here / on_ray >= 0.85),
        ("windows: exponent of time, 500 to 50,000 words", "<= 1.05", f"{length['exponent']:.2f}",
         length["exponent"] <= 1.05),
    ]  # fmt: skip
    of_lengths = [
        f"| {count:,} | {seconds:.2f} | {1000 * seconds / count:.2f} | {peak / 2**20:,.0f} |"
        for count, seconds, peak in zip(length["words"], length["seconds"], length["peak_bytes"], strict=True)
    ]
    return "\n".join(
        [
            "| what | goal | measured | |",
            "|---|---|---|---|",
            *(
                f"| {what} | {goal} | {found} | {'reached' if reached else 'missed'} |"
                for what, goal, found, reached in lines
            ),
            "",
            "| words of one text | seconds, here | ms per word | most memory, MiB |",
            "|---|---|---|---|",
            *of_lengths,
            "",
            f"{SHAPE}, texts of 5 to 15 word pieces; {saved_rows['machine']}. Made by `{COMMAND}`.",
        ]
    )


# Prices of clouds differ by place and contract: these are round numbers to compute with, not offers.
_DOLLARS_PER_CORE_HOUR = 0.04
_TEXTS = 10**9


def estimate() -> str:
    """10^9 short texts on cores, from what one core was measured to do."""
    rate = load(PART)["rows"]["core"]["texts_per_second"]
    core_hours = _TEXTS / rate / 3600
    lines = [
        f"| {cores:,} | {core_hours / cores:,.1f} | {_TEXTS / 1e6 * 100 / (core_hours / cores * 3600):.1f} |"
        for cores in (64, 512, 4_096)
    ]
    return "\n".join(
        [
            f"One core explains {rate:.0f} such texts per second here: 10^9 take {core_hours:,.0f} core-hours, about "
            f"{core_hours * _DOLLARS_PER_CORE_HOUR:,.0f} dollars at {_DOLLARS_PER_CORE_HOUR} dollars for a core-hour.",
            "",
            "| cores | hours | MB of text per second to read, at 100 bytes a text |",
            "|---|---|---|",
            *lines,
        ]
    )


def _mib(row: Mapping[str, Any]) -> str:
    return f"{row['peak_bytes'] / 2**20:,.0f}"


def page(content: str) -> str:
    """The page with its tables made anew."""
    return between_marks(content, {"scale": tables(), "rule": long_texts.table(), "estimate": estimate()})


def _write_page() -> None:
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def main(given: Sequence[str] | None = None) -> None:
    """Measure the parts that are asked for, or serve one side of them."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--parts", default=",".join([*PARTS, "page"]), help=f"of {', '.join(PARTS)}, page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", nargs="+", help=argparse.SUPPRESS)
    asked = parser.parse_args(given)
    if asked.side:
        _serve(*asked.side)
        return
    chosen = asked.parts.split(",")
    measured = [name for name in PARTS if name in chosen]
    if measured:
        results = Results(PART, {"rounds": asked.rounds, "shape": SHAPE, "words": list(_WORDS)}, COMMAND)
        with saved(SHAPE) as model, tempfile.TemporaryDirectory() as folder:
            for name in measured:
                PARTS[name](results, model, Path(folder))
    if "page" in chosen:
        _write_page()


if __name__ == "__main__":
    main()
