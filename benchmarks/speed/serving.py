"""Explained predictions beside predictions of stock models; for MiniLM, and both sides compiled, too."""

from dataclasses import replace

from explainable_bert.speed.bench import DEFAULT_SIDES, BenchSettings, bench

from .models import SHAPES, classifier
from .results import path_of

COMPILED = "compiled"
_LARGE_SIDES = tuple(name for name in DEFAULT_SIDES if "attentions" not in name)
_COMPILED_SETTINGS = BenchSettings(
    lengths=("25", "120"), given=("all",), sides=("ours, compiled", "stock SDPA", "stock compiled")
)


def part_of(shape: str) -> str:
    """The name of a shape's results."""
    return f"serving_{shape}"


def run(rounds: int) -> None:
    """Measure what is not saved yet; a line for every round."""

    def told(what: str, done: int, total: int) -> None:
        print(f"{what}: round {done} of {total}", flush=True)

    for shape in SHAPES:
        settings = BenchSettings(rounds=rounds)
        if shape != "MiniLM-L6":
            # BERT-base takes eight times as long, and minutes for all maps of texts that are padded to the longest.
            settings = replace(settings, rounds=max(3, rounds // 3), sides=_LARGE_SIDES)
        bench(classifier(shape), settings, told, path_of(part_of(shape)))
    bench(classifier("MiniLM-L6"), replace(_COMPILED_SETTINGS, rounds=rounds), told, path_of(COMPILED))
