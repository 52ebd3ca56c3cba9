"""The figure of docs/performance.md: how many times as fast as each alternative an explained prediction is."""

from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FormatStrFormatter, NullLocator

from explainable_bert.speed.bench import BenchReport, median_ratios

from .models import SHAPES
from .results import path_of
from .serving import part_of

FIGURE = Path(__file__).parent.parent.parent / "docs" / "performance.svg"
_COLOURS = {"ours, torch": ("#0072b2", "o", 0.14), "ours, ONNX": ("#d55e00", "s", -0.14)}
_OTHERS = ("stock SDPA", "stock ONNX", "stock eager, attentions", "transformers.pipeline")
_ROWS = (("mixed", "one", "one by one"), ("mixed", "all", "all at once"))
_TICKS = (0.5, 1, 2, 5, 10, 20)


def draw() -> None:
    """Write the figure: a panel for each model and way of giving texts, of mixed lengths."""
    figure = Figure(figsize=(9, 5.2), layout="constrained", facecolor="white")
    panels = figure.subplots(len(_ROWS), len(SHAPES), sharex=True, sharey=True, squeeze=False)
    for column, shape in enumerate(SHAPES):
        report = BenchReport.load(path_of(part_of(shape)))
        for row, (lengths, given, said) in enumerate(_ROWS):
            axes = panels[row][column]
            _panel(axes, report, lengths, given)
            axes.set_title(f"{shape}, mixed lengths, {said}", fontsize=10, loc="left")
    figure.supxlabel("ours is so many times as fast (log scale; whiskers: least and most of the rounds)", fontsize=9)
    panels[0][0].legend(fontsize=9, frameon=False, loc="lower right")
    # Without a date and with ids that stay the same, so that the same results give the same file.
    with matplotlib.rc_context({"svg.hashsalt": "speed", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        figure.savefig(FIGURE, metadata={"Date": None, "Creator": None})


def _panel(axes: Axes, report: BenchReport, lengths: str, given: str) -> None:
    found = median_ratios(report)
    for ours, (colour, marker, shift) in _COLOURS.items():
        places = [place for place, other in enumerate(_OTHERS) if (lengths, given, ours, other) in found]
        ratios = [found[lengths, given, ours, _OTHERS[place]] for place in places]
        axes.errorbar(
            [ratio.median for ratio in ratios],
            [place + shift for place in places],
            xerr=[[ratio.median - ratio.low for ratio in ratios], [ratio.high - ratio.median for ratio in ratios]],
            fmt=marker, color=colour, capsize=2, markersize=5, label=f"{ours}, explained",
        )  # fmt: skip
    axes.axvline(1, color="#57606a", linewidth=1, linestyle="--")
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
    axes.set_yticks(range(len(_OTHERS)), [f"beside {other}" for other in _OTHERS], fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
