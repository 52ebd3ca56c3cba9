"""docs/performance.md, written from the saved results: goals first, then every table, then what falls short."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.paper.page import table

from explainable_bert.speed.bench import BenchReport, median_ratios
from explainable_bert.speed.ratios import Ratio
from explainable_bert.speed.sides import SIDES

from . import commands, growth, methods, phases, serving, training
from .goals import Goal, goals
from .models import SHAPES
from .results import load, path_of

PAGE = Path(__file__).parent.parent.parent / "docs" / "performance.md"
_GIVEN = {"one": "one by one", "all": "all at once", "best": "at best"}
# Sides of a shape's contests, ours and others', in the order of SIDES.
_OURS = ("ours, torch", "ours, ONNX")
_OTHERS = ("stock SDPA", "stock eager, attentions", "transformers.pipeline", "stock ONNX")


def page() -> str:
    """The whole page in Markdown."""
    parts = [
        _head(),
        _goals(goals()),
        *(_serving(shape) for shape in SHAPES),
        _compiled(),
        _methods(),
        _training(),
        _phases(),
        _limits(),
        _growth(),
        _commands(),
        _not_done(),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def spread(found: Ratio) -> str:
    """A ratio with the least and the most of its rounds."""
    return f"{_figure(found.median)} ({_figure(found.low)} to {_figure(found.high)})"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _head() -> str:
    saved = load(phases.PART)
    libraries = ", ".join(f"{name} {number}" for name, number in saved["versions"].items())
    return f"""# Performance

Written by `make bench` from `benchmarks/results/speed_*.json`; measure your own machine and model with
`explainable-bert bench MODEL`.

All of it was measured on one machine: {saved["machine"]}; {libraries}. Ratios are of times taken beside each other in
one run, each side a process of its own, in another order every round: the median, and in brackets the least and the
most of the rounds. Above 1, ours is faster. Absolute times are this machine's alone. The machine is a virtual one that
shares its processor with others, which the ranges show.

![How many times as fast as each alternative an explained prediction is](performance.svg)"""


def _goals(reached: Sequence[Goal]) -> str:
    lines = [(goal.what, goal.wanted, goal.found, goal.verdict) for goal in reached]
    return "## Goals\n\n" + table(("what", "goal", "measured", ""), lines)


def _serving(shape: str) -> str:
    report = BenchReport.load(path_of(serving.part_of(shape)))
    found = median_ratios(report)
    others = [name for name in _OTHERS if name in report.contests[0].peak_bytes]
    tables = []
    for ours in _OURS:
        lines = []
        for contest in report.contests:
            ratios = [found[contest.lengths, contest.given, ours, other] for other in others]
            milliseconds = f"{1000 * ratios[0].ours_seconds:.1f}"
            lines.append((contest.lengths, _GIVEN[contest.given], *map(spread, ratios), milliseconds))
        head = ("word pieces", "given", *others, "ours, ms per text, here")
        tables.append(f"**{ours}**: {SIDES[ours].summary}, times as fast as\n\n" + table(head, lines))
    told = "; ".join(f"{name}: {SIDES[name].summary}" for name in others)
    memory = _memory(report)
    return (
        f"## An explained prediction beside a plain one: {shape}\n\n"
        f"Design `{report.design}`, from texts to records: tokenised, run, words put together. {told}. "
        f"{report.rounds} rounds.\n\n" + "\n\n".join(tables) + f"\n\n{memory}"
    )


def _memory(report: BenchReport) -> str:
    peaks = {
        name: max(contest.peak_bytes[name] for contest in report.contests) for name in report.contests[0].peak_bytes
    }
    return (
        "Most memory that each side's process held: "
        + ", ".join(f"{name} {peak / 2**20:,.0f} MiB" for name, peak in peaks.items())
        + "."
    )


def _compiled() -> str:
    if not path_of(serving.COMPILED).exists():
        return ""
    report = BenchReport.load(path_of(serving.COMPILED))
    lines = [(contest.lengths, *(spread(found) for found in contest.ratios)) for contest in report.contests]
    head = ("word pieces", *(f"{found.ours} : {found.other}" for found in report.contests[0].ratios))
    return f"""## Compiled by torch

`ExplainableClassifier.load(path, compiled=True)` takes most of a minute to load, and wants a C++ compiler on a
processor. All texts at once, {report.rounds} rounds.

{table(head, lines)}"""


def _methods() -> str:
    if not path_of(methods.PART).exists():
        return ""
    saved = load(methods.PART)
    lines = []
    for name, row in saved["rows"].items():
        method, _, given = name.rpartition(", ")
        found = Ratio(**row)
        lines.append(
            (method, _GIVEN[given], spread(found), f"{found.other_seconds:.3g}", f"{1000 * found.ours_seconds:.1f}")
        )
    settings = saved["settings"]
    head = ("method", "texts given", "ours is faster, times", "theirs, s per text, here", "ours, ms per text, here")
    return f"""## Explanations by other packages

Ours is `built-in`, in torch: the words' exact contributions to the logit, from the pass that predicts. Theirs explain a
stock {settings["shape"]}; sentences of {settings["lengths"]} word pieces. They answer other questions
([results.md](results.md) compares how faithful they are); this is what an explanation costs. One by one with each
package's defaults; at best: {settings["texts"]} texts together where a package takes that, in its best batches
([settings](../benchmarks/speed/peers/worker.py)), beside ours of a whole bag of texts. {settings["rounds"]} rounds, of
LIME 2.

{table(head, lines)}"""


def _training() -> str:
    if not path_of(training.PART).exists():
        return ""
    saved = load(training.PART)
    rates, found = saved["rows"]["rows_per_second"], [Ratio(**row) for row in saved["rows"]["ratios"]]
    plain = list(dict.fromkeys(row.other for row in found))
    lines = []
    for ours in dict.fromkeys(row.ours for row in found):
        by_other = {row.other: row for row in found if row.ours == ours}
        lines.append((ours, *(spread(by_other[other]) for other in plain), f"{rates[ours]:.0f}"))
    settings = saved["settings"]
    return f"""## Training

Rows per second of `train`, beside a plain `Trainer` on the stock class: {settings["rows"]} rows of
{settings["corpus"]}, one epoch from {settings["base"]} with its validation and its checkpoint, batches of 32.
`explainable` listens to a teacher and hides words, which is more work for each row; a first run trains that teacher,
too, as `vanilla`, at the speed of `single-head`. {settings["rounds"]} rounds.

{table(("", *plain, "rows per second, here"), lines)}"""


def _phases() -> str:
    rows = load(phases.PART)["rows"]
    lines = []
    for name, row in rows.items():
        explain = row["explain_seconds"]
        rest = explain - row["reading_seconds"] - row["aligning_seconds"] - row["passes_seconds"]
        parts = (row["reading_seconds"], row["aligning_seconds"], row["passes_seconds"], rest)
        share = f"{row['explain_share']:.0%} ({row['explain_share_low']:.0%} to {row['explain_share_high']:.0%})"
        flops = f"{row['flops_per_token'] / 1e6:.1f} (stock {row['stock_flops_per_token'] / 1e6:.1f})"
        lines.append(
            (name, *(f"{part / explain:.0%}" for part in parts), flops, f"{row['passes_share']:.0%}", share,
             f"{row['padding_share']:.1%}")
        )  # fmt: skip
    peak = ", ".join(f"{row['peak_gflops']:.0f}" for row in rows.values())
    side = load(phases.PART)["settings"]["matrices"]
    head = (
        "model, word pieces", "reading", "words", "passes", "records", "MFLOP per token", "passes: share of peak",
        "explain: share of peak", "padding",
    )  # fmt: skip
    return f"""## Where the time goes

Shares of the time of `explain`, all texts at once, torch: reading (tokeniser), words (pieces put together), passes (the
model), records (all else). FLOPs are those of matrix products; the peak is the rate of a product of two square matrices
of {side} rows in the same rounds ({peak} GFLOP/s). What the passes do besides products (GELU, softmax, layer norms,
copies of heads) takes the rest.

{table(head, lines)}"""


def _limits() -> str:
    """What no engine could exceed: stock's time over that of our matrix products at the peak rate."""
    rows, lines = load(phases.PART)["rows"], []
    for shape in SHAPES:
        found = median_ratios(BenchReport.load(path_of(serving.part_of(shape))))
        for lengths in ("25", "120", "512"):
            row = rows[f"{shape} {lengths}"]
            at_peak = row["flops_per_token"] * int(lengths) / (row["peak_gflops"] * 1e9)
            ratios = [found[lengths, given, "ours, ONNX", "stock SDPA"] for given in ("one", "all")]
            cells = [f"{ratio.other_seconds / at_peak:.2f} ({ratio.median:.2f})" for ratio in ratios]
            arithmetic = row["stock_flops_per_token"] / row["flops_per_token"]
            lines.append((f"{shape}, {lengths}", f"{arithmetic:.2f}", f"{1000 * at_peak:.1f}", *cells))
    head = (
        "model, word pieces", "FLOPs, stock : ours", "ours at the peak rate, ms per text",
        "most that is possible beside stock SDPA, one by one (ONNX reached)", "all at once (ONNX reached)",
    )  # fmt: skip
    return f"""## How much faster it could be

Were our matrix products done at the peak rate and all else free, an explained prediction would be so many times as
fast as stock's prediction is on this machine. Where that is below a goal, no engine reaches the goal here: stock itself
is near the peak on longer texts.

{table(head, lines)}"""


def _growth() -> str:
    rows = load(growth.PART)["rows"]
    lines = []
    for axis, row in rows.items():
        times = ", ".join(f"{size}: {second:.3g}" for size, second in zip(row["sizes"], row["seconds"], strict=True))
        memory = ", ".join(
            f"{size}: {amount / 2**20:.0f}" for size, amount in zip(row["sizes"], row["added_bytes"], strict=True)
        )
        lines.append((axis, f"{row['exponent']:.2f}", times, memory))
    head = ("grown", "exponent of time", "seconds, here", "MiB beside the loaded model")
    return f"""## Growth

Seconds and memory of `explain` with {load(growth.PART)["settings"]["shape"]}: {growth.N_LONG} texts of ever more word
pieces, and ever more texts of {growth.SHORT} word pieces. An exponent of 1 is linear.

{table(head, lines)}"""


def _commands() -> str:
    if not path_of(commands.PART).exists():
        return ""
    rows = load(commands.PART)["rows"]
    starts = [(f"`{name}`", _seconds_of(row)) for name, row in rows["starts"].items()]
    counts = [
        (f"{count:,}", f"{row['seconds']:.0f}", f"{row['peak_bytes'] / 2**20:,.0f}")
        for count in commands.N_TEXTS
        for row in (rows[f"{count} texts"],)
    ]
    return f"""## Whole commands

{table(("start", "seconds, here"), starts)}

`explainable-bert explain MODEL --input texts.csv --output explained.parquet`, {commands.SHAPE}, texts of 5 to 15 word
pieces; the exponent of time over texts is {commands.growth(rows):.2f}.

{table(("texts", "seconds, here", "most memory, MiB"), counts)}"""


def _seconds_of(row: Mapping[str, float]) -> str:
    return f"{row['median']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def _not_done() -> str:
    rows: dict[str, Any] = load(phases.PART)["rows"]
    mixed = max(row["padding_share"] for row in rows.values())
    return f"""## What is not there, and why

- **Packed lower blocks** (texts side by side without padding) are not built: batches of texts sorted by length end
  before padding costs as much as another pass, so that at most {mixed:.1%} of the tokens that are run are padding. That
  is all that packing could save.
- **bfloat16** is `ExplainableClassifier.load(path, dtype="bfloat16")`. This processor has no instructions for it, so
  nothing is claimed; tests hold that contributions still sum to the logits.
- **An accelerator** was not at hand. Transfers from and to CUDA are pinned and overlapped, one batch is computed while
  records are made of the one before, and a test fails if a pass looks at a value on the device; the test of equal
  numbers on CUDA is skipped where there is none. No figure is given.
- **OpenVINO** was not tried."""
