"""Reports made by hand, small or as large as real ones, for the tests of measurement pages."""

import dataclasses
import math

from explainable_bert.metrics.metric import Metric
from explainable_bert.results import (
    AuditReport,
    Check,
    ComparisonReport,
    Curve,
    EvaluationReport,
    Pair,
    SummaryRow,
)
from export_samples import explain

ACCURACY = Metric("accuracy", "Share of texts predicted right.", 0.0, 1.0, "higher", "by definition")
WORDS = Metric("effective words", "exp(entropy) of the scores, in words", 1.0, math.inf, "lower", "Shannon 1948")
MARGIN = Metric("log-odds", "Mean log ratio after erasing a fifth", -math.inf, math.inf, "lower", "Shrikumar 2017")
SINK = Metric("sink mass", "Attention on special tokens", 0.0, 1.0, None, "Clark et al. 2019")
METRICS = {metric.name: metric for metric in (ACCURACY, WORDS, MARGIN, SINK)}


def summary_row(metric, value, low=None, high=None, **changes):
    fields = {"model": "runs/a", "design": "additive", "method": "built-in", "n": 500}
    return SummaryRow(metric=metric, value=value, low=low, high=high, **{**fields, **changes})


def curve(**changes):
    fields = {
        "model": "runs/a",
        "design": "additive",
        "method": "built-in",
        "kind": "deletion",
        "shares": (0.0, 0.5, 1.0),
        "values": (0.9, 0.6, 0.5),
        "low": (0.85, 0.55, 0.45),
        "high": (0.95, 0.65, 0.55),
    }
    return Curve(**{**fields, **changes})


def evaluation(**changes):
    rows = (
        summary_row("accuracy", 0.912, 0.887, 0.935, method=None),
        summary_row("effective words", 4.25, 4.0, 4.5),
        summary_row("effective words", 9.5, 9.0, 10.0, method="random"),
        summary_row("log-odds", -1.25, -1.5, -1.0, n=497, n_undefined=3),
        summary_row("log-odds", None, n=0, n_undefined=500, note="constant scores", method="random"),
        summary_row("sink mass", 0.125, note="no interval: fewer than 2 texts", n=1),
    )
    record = EvaluationReport(
        rows=rows,
        curves=(curve(), curve(kind="insertion"), curve(method="random")),
        metrics=METRICS,
        settings={"erasure": "[MASK]", "level": "word", "seed": "7"},
        notes=("3 texts were left out.",),
    )
    return dataclasses.replace(record, **changes)


def pair(metric="accuracy", difference=0.02, low=0.005, high=0.035, **changes):
    fields = {
        "a": "runs/a",
        "b": "runs/b",
        "method": None,
        "p_value": 0.0004,
        "p_holm": 0.0121,
        "verdict": "better",
        "n": 500,
        "test": "McNemar exact",
        "smallest_detectable": 0.0213,
    }
    return Pair(metric=metric, difference=difference, low=low, high=high, **{**fields, **changes})


def comparison(**changes):
    second = {"model": "runs/b", "design": "vanilla"}
    rows = (
        *evaluation().rows[:3],
        summary_row("accuracy", 0.892, 0.862, 0.92, method=None, **second),
        summary_row("effective words", 7.0, 6.5, 7.5, **second),
    )
    pairs = (
        pair(),
        pair("effective words", -2.75, -3.0, -2.5, method="built-in", p_value=1e-9, p_holm=2e-9),
        pair("log-odds", None, None, None, p_value=None, p_holm=None, verdict="undefined", smallest_detectable=None),
        pair("accuracy", 0.0, -0.01, 0.01, b="runs/c", verdict="equivalent", margin=0.02, p_equivalence=0.003),
        pair("effective words", 0.1, -0.4, 0.6, b="runs/c", method="built-in", verdict="no difference shown"),
    )
    record = ComparisonReport(
        evaluation=evaluation(rows=rows),
        pairs=pairs,
        costs=(),
        verdicts=("runs/a predicts better than runs/b.", "No difference to runs/c was shown."),
        gold_labels=("positive",),
        pictures=((explain(), explain(scores=(1.0, 0.0, 0.0, 0.0))),),
    )
    return dataclasses.replace(record, **changes)


def audit(**changes):
    checks = (
        Check("closed form", 1.2e-7, 1e-5, True, "Removal needs no second pass.", "at most", 200),
        Check("uniform swap", 0.3, 0.5, False, "Attention hardly matters.", "at least", 1),
        Check("identifiability", 24.0, None, None, "How many units a map can tell apart.", "", 200),
        Check("pooler search", None, 0.05, None, "This design has no pooler.", "at most"),
    )
    record = AuditReport("runs/a", "additive", checks, {"seed": "7", "texts": "200"}, ("One text was too long.",))
    return dataclasses.replace(record, **changes)
