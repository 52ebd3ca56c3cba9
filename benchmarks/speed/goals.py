"""The goals of speed, and what was measured for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from explainable_bert.speed.bench import BenchReport, median_ratios
from explainable_bert.speed.ratios import Ratio

from . import commands, methods, phases, serving, training
from .results import load, path_of

_Ratios = Mapping[tuple[str, str, str, str], Ratio]
_SHAPES = {"MiniLM-L6": 1.18, "BERT-base": 1.08}
_OURS = ("ours, torch", "ours, ONNX")
_THROUGHPUT = ("25", "120", "512", "mixed")


@dataclass(frozen=True)
class Goal:
    """A goal in words, what was measured in words, and whether it is reached: None where it was not measured."""

    what: str
    wanted: str
    found: str
    reached: bool | None

    @property
    def verdict(self) -> str:
        """In a word."""
        return {True: "reached", False: "missed", None: "not measured"}[self.reached]


def goals() -> Sequence[Goal]:
    """Every goal, in order."""
    found = {shape: median_ratios(BenchReport.load(path_of(serving.part_of(shape)))) for shape in _SHAPES}
    return [
        *(goal for shape in _SHAPES for goal in _same_batches(shape, found[shape])),
        *(_today(found["MiniLM-L6"], other) for other in ("stock eager, attentions", "transformers.pipeline")),
        *_batch_one(found["MiniLM-L6"]),
        *_method("captum-ig", "captum, integrated gradients of 50 steps", 100),
        *_method("shap-partition", "shap, partition explainer", 200),
        *_training(),
        *_shares(),
        _memory(),
        _start("import explainable_bert", 0.3),
        _start("explainable-bert --help", 0.5),
    ]


def _same_batches(shape: str, found: _Ratios) -> Sequence[Goal]:
    """The faster of our two engines, on each bag."""
    ratios = {
        lengths: max((found[lengths, "all", ours, "stock SDPA"] for ours in _OURS), key=lambda ratio: ratio.median)
        for lengths in _THROUGHPUT
    }
    what = f"explained prediction : stock SDPA prediction, same batches, {shape}"
    return [
        _at_least(f"{what}, {lengths}", _SHAPES[shape], ratio.median, _engine(ratio))
        for lengths, ratio in ratios.items()
    ]


def _at_least(what: str, wanted: float, measured: float, by: str = "") -> Goal:
    said = f"{measured:.2f}" + (f" ({by})" if by else "")
    return Goal(what, f"at least {wanted}", said, measured >= wanted)


def _engine(ratio: Ratio) -> str:
    return ratio.ours.removeprefix("ours, ")


def _today(found: _Ratios, other: str) -> Goal:
    ratio = max((found["mixed", "all", ours, other] for ours in _OURS), key=lambda one: one.median)
    return _at_least(f"explained prediction : {other}, MiniLM, mixed", 2.2, ratio.median, _engine(ratio))


def _batch_one(found: _Ratios) -> Sequence[Goal]:
    return [
        _at_least(
            f"ONNX explained, batch 1 : stock PyTorch batch 1, MiniLM, {lengths}",
            2.4,
            found[lengths, "one", "ours, ONNX", "stock SDPA"].median,
        )
        for lengths in _THROUGHPUT
    ]


def _method(name: str, what: str, wanted: int) -> Sequence[Goal]:
    """Both one text after another, and each at its best batch size."""
    rows = _rows(methods.PART)
    goals = []
    for given, said in (("one", "one by one"), ("best", "each at its best batch size")):
        measured = Ratio(**rows[f"{name}, {given}"]) if f"{name}, {given}" in rows else None
        goals.append(
            Goal(
                f"explanation : {what}, {said}",
                f"at least {wanted}",
                "—" if measured is None else f"{measured.median:.0f}",
                None if measured is None else measured.median >= wanted,
            )
        )
    return goals


def _training() -> Sequence[Goal]:
    ratios = [Ratio(**row) for row in _rows(training.PART).get("ratios", ())]
    what, wanted = "training rows per second : plain Trainer, default padding, SST-2 train", 1.5
    if not ratios:
        return [Goal(what, f"at least {wanted}", "—", None)]
    return [
        _at_least(f"training rows per second, {ratio.ours} : {ratio.other}, SST-2 train", wanted, ratio.median)
        for ratio in ratios
    ]


def _shares() -> Sequence[Goal]:
    rows = load(phases.PART)["rows"]
    return [
        Goal(
            f"share of the matrix-product peak, MiniLM, all at once, {lengths}",
            "at least 75 %",
            f"{row['passes_share']:.0%} in the model's passes, {row['explain_share']:.0%} from texts to records",
            row["passes_share"] >= 0.75,
        )
        for lengths in _THROUGHPUT
        for row in (rows[f"MiniLM-L6 {lengths}"],)
    ]


def _memory() -> Goal:
    rows, what = _rows(commands.PART), "peak memory of explaining 100,000 short texts from a file : of 1,000"
    if "100000 texts" not in rows:
        return Goal(what, "at most 1.1", "—", None)
    ratio = rows["100000 texts"]["peak_bytes"] / rows["1000 texts"]["peak_bytes"]
    return Goal(what, "at most 1.1", f"{ratio:.3f}", ratio <= 1.1)


def _start(name: str, wanted: float) -> Goal:
    starts = _rows(commands.PART).get("starts")
    median = None if starts is None else starts[name]["median"]
    said = "—" if median is None else f"{median:.2f}"
    return Goal(f"`{name}`, seconds", f"at most {wanted}", said, None if median is None else median <= wanted)


def _rows(part: str) -> Mapping[str, Any]:
    """What was measured of a part: nothing, where it was not run."""
    rows: Mapping[str, Any] = load(part)["rows"] if path_of(part).exists() else {}
    return rows
