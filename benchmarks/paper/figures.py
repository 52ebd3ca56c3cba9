"""The figures of docs/results.md: the front of the arms, and every explainer on the flagship and its twin."""

import dataclasses
import shutil
import tempfile
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.export.frontier_page import write_frontier
from explainable_bert.results import Difference, FrontierReport, FrontRow, SummaryRow
from explainable_bert.sweep.front import (
    ACCURACY,
    FAITHFULNESS,
    LEXICON_PLAUSIBILITY,
    SHARPNESS,
    front,
)

from . import protocol
from .goals import Results
from .page import RNC
from .protocol import EXPLAINABLE, IN_DOMAIN, VANILLA
from .results import BUILT_IN, COMPARED, OWN, in_domain

_COLOURS = {EXPLAINABLE: "#0072b2", VANILLA: "#d55e00"}


def draw_front(results: Results, file: Path) -> None:
    """Accuracy against faithfulness, sharpness and plausibility of every arm."""
    arms = tuple(_front_row(results, arm) for arm in results.arms(OWN))
    report = FrontierReport(
        rows=arms,
        reference=VANILLA,
        within=1.0,
        front=front(arms),
        pick=None,
        nearest=None,
        tested=(),
        verdicts=(),
        metrics={name: MEASURES[name].metric for name in (ACCURACY, FAITHFULNESS, SHARPNESS, LEXICON_PLAUSIBILITY)},
        settings={"data": f"{IN_DOMAIN}, test split", "scale": results.all["scale"]},
        notes=(),
    )
    with tempfile.TemporaryDirectory() as folder:
        write_frontier(report, Path(folder))
        shutil.copyfile(Path(folder) / "frontier.svg", file)


def _front_row(results: Results, arm: str) -> FrontRow:
    about = results.all["arms"][OWN][arm]
    return FrontRow(
        arm=arm,
        design=about["design"],
        seeds=tuple(about["seeds"]),
        accuracy=_summary(results, arm, ACCURACY, None),
        faithfulness=_summary(results, arm, FAITHFULNESS, BUILT_IN),
        sharpness=_summary(results, arm, SHARPNESS, BUILT_IN),
        plausibility=_summary(results, arm, LEXICON_PLAUSIBILITY, BUILT_IN),
        accuracy_difference=_difference(results, arm, ACCURACY),
        faithfulness_difference=_difference(results, arm, FAITHFULNESS),
    )


def _summary(results: Results, arm: str, metric: str, method: str | None) -> SummaryRow:
    row = results.row(OWN, in_domain(OWN), arm, metric, method) or {}
    kept = {field.name: row[field.name] for field in dataclasses.fields(SummaryRow) if field.name in row}
    missing = {"model": arm, "design": "", "method": method, "metric": metric, "value": None, "low": None, "high": None}
    return SummaryRow(**{**missing, "n": 0, **kept})


def _difference(results: Results, arm: str, metric: str) -> Difference | None:
    found = results.difference(OWN, in_domain(OWN), metric, arm, VANILLA)
    return None if found is None else Difference(found["value"], found["low"], found["high"])


def draw_explainers(results: Results, file: Path) -> None:
    """A dot and its interval for each explainer and model, on the scale from random order to search."""
    reviews = in_domain(OWN)
    methods = [m for m in protocol.EXPLAINERS if m in results.methods(COMPARED, reviews, VANILLA, RNC)]
    figure = Figure(figsize=(7.2, 0.42 * len(methods) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    for shift, arm in ((-0.14, EXPLAINABLE), (0.14, VANILLA)):
        found = [(place, results.row(COMPARED, reviews, arm, RNC, method)) for place, method in enumerate(methods)]
        known = [(place + shift, row) for place, row in found if row is not None and row["low"] is not None]
        axes.errorbar(
            [row["value"] for _, row in known],
            [place for place, _ in known],
            xerr=[
                [row["value"] - row["low"] for _, row in known],
                [row["high"] - row["value"] for _, row in known],
            ],
            fmt="o" if arm == EXPLAINABLE else "s",
            color=_COLOURS[arm],
            label=f"on {arm}",
            capsize=3,
        )
    axes.axvline(1, color="0.6", linewidth=1, linestyle=":")
    axes.axvline(0, color="0.6", linewidth=1, linestyle=":")
    axes.set_yticks(range(len(methods)), methods)
    axes.invert_yaxis()
    axes.set_xlabel("comprehensiveness: 0 random order, 1 the best order that a search found")
    axes.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=2)
    axes.spines[["top", "right"]].set_visible(False)
    # The same numbers make the same file.
    with matplotlib.rc_context({"svg.hashsalt": file.name}):
        figure.savefig(file, metadata={"Date": None})
