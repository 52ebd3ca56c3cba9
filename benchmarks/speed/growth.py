"""How time and memory grow with the length of texts and with how many are given at once; one process per point."""

import math
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explainable_bert import ExplainableClassifier
from explainable_bert.speed.texts import plain_words
from explainable_bert.speed.turns import Side, Turn, serve, take_turns

from .models import saved
from .results import Results

PART = "growth"
SHAPE = "MiniLM-L6"
LENGTHS = (16, 32, 64, 128, 256, 512)
COUNTS = (1, 4, 16, 64, 256, 1024)
SHORT, N_LONG = 25, 32


@dataclass(frozen=True)
class Axis:
    """What grows: (word pieces, texts) of each point."""

    name: str
    points: tuple[tuple[int, int], ...]
    grown: int


AXES = (
    Axis("length", tuple((length, N_LONG) for length in LENGTHS), grown=0),
    Axis("texts at once", tuple((SHORT, count) for count in COUNTS), grown=1),
)


def run(rounds: int) -> None:
    """Measure what is not saved yet."""
    results = Results(PART, {"rounds": rounds, "shape": SHAPE})
    missing = [axis for axis in AXES if axis.name not in results]
    if not missing:
        return
    with saved(SHAPE) as folder:
        for axis in missing:
            sides = [Side(str(point[axis.grown]), _command(folder, *point)) for point in axis.points]
            results.add(axis.name, _row(axis, take_turns(sides, rounds, seed=0)))


def _command(folder: Path, length: int, count: int) -> tuple[str, ...]:
    return (sys.executable, "-m", "benchmarks.speed.growth", str(folder), str(length), str(count))


def _row(axis: Axis, turns: dict[str, tuple[Turn, ...]]) -> dict[str, object]:
    sizes = [point[axis.grown] for point in axis.points]
    seconds = [statistics.median(turn.seconds for turn in turns[str(size)]) for size in sizes]
    added = [max(turn.peak_bytes - turn.idle_bytes for turn in turns[str(size)]) for size in sizes]
    return {
        "sizes": sizes,
        "seconds": seconds,
        "exponent": exponent(sizes, seconds),
        "idle_bytes": statistics.median(turn.idle_bytes for found in turns.values() for turn in found),
        "added_bytes": added,
        "added_exponent": exponent(sizes, added) if all(amount > 0 for amount in added) else None,
    }


def exponent(sizes: Sequence[float], amounts: Sequence[float]) -> float:
    """The slope of log amount over log size by least squares: 1 is linear growth."""
    slope, _ = np.polyfit([math.log(size) for size in sizes], [math.log(amount) for amount in amounts], 1)
    return float(slope)


def main() -> None:
    """Serve one point: explain so many texts of a length."""
    folder, length, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    classifier = ExplainableClassifier.load(folder)
    words = plain_words(classifier.tokenizer.backend_tokenizer)
    generator = np.random.default_rng(0)
    texts = [" ".join(generator.choice(words, length - 2)) for _ in range(count)]
    serve(lambda: classifier.explain(texts))


if __name__ == "__main__":
    main()
