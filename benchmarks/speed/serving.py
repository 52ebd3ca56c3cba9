"""Explained predictions beside predictions of stock models; for MiniLM, and both sides compiled, too."""

from dataclasses import replace

from explainable_bert.speed.bench import BenchSettings, bench

from .models import SHAPES, classifier
from .results import path_of

COMPILED = "compiled"
_COMPILED_SETTINGS = BenchSettings(
    lengths=("25", "120", "512"), given=("all",), sides=("ours, compiled", "stock SDPA", "stock compiled")
)


def part_of(shape: str) -> str:
    """The name of a shape's results."""
    return f"serving_{shape}"


def run(rounds: int) -> None:
    """Measure what is not saved yet; a line for every round."""

    def told(what: str, done: int, total: int) -> None:
        print(f"{what}: round {done} of {total}", flush=True)

    for shape in SHAPES:
        fewer = rounds if shape == "MiniLM-L6" else max(3, rounds // 3)  # BERT-base takes eight times as long
        bench(classifier(shape), BenchSettings(rounds=fewer), told, path_of(part_of(shape)))
    bench(classifier("MiniLM-L6"), replace(_COMPILED_SETTINGS, rounds=rounds), told, path_of(COMPILED))
