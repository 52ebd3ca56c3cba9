"""From what was observed of each text to rows with intervals, and to curves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from explainable_bert.evaluation.erasing import CURVE_SHARES
from explainable_bert.evaluation.measures import Measure
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.metrics.significance import Interval, nested_interval, share_interval
from explainable_bert.results import Curve, SummaryRow

CONFIDENCE = 0.95
N_RESAMPLES = 2000
_CURVES = {"deletion-auc": "deletion", "insertion-auc": "insertion"}


# Families whose numbers change with the operator that erases.
_ERASING = ("faithfulness", "agreement")


@dataclass(frozen=True)
class Named:
    """A model as rows call it."""

    name: str
    design: str


@dataclass(frozen=True)
class Column:
    """One measure of one method over the texts: `rows` number the texts that define it, `values` hold theirs."""

    method: str | None
    measure: str
    rows: tuple[int, ...]
    values: Float[np.ndarray, "row column"]
    n_undefined: int

    def at(self, rows: Sequence[int]) -> Float[np.ndarray, "row column"]:
        """The values of some of its rows, in that order."""
        place = {row: index for index, row in enumerate(self.rows)}
        return self.values[[place[row] for row in rows]]


@dataclass(frozen=True)
class SeedColumns:
    """One measure of one method, a column for every seed."""

    columns: tuple[Column, ...]

    @property
    def rows(self) -> list[int]:
        """The texts that define it for all seeds."""
        return sorted(set.intersection(*(set(column.rows) for column in self.columns)))

    def values(self, rows: Sequence[int]) -> Float[np.ndarray, "seed row column"]:
        """The values of these texts."""
        return np.stack([column.at(rows) for column in self.columns])


def columns(
    observed: Sequence[Mapping[str, Any]], measures: Mapping[str, Measure], methods: Sequence[str]
) -> list[Column]:
    """The observed rows by measure and method, in the order of the measures; controls last."""
    every = [
        _column(method, name, [(line["row"], line[name]) for line in observed if line["method"] == method])
        for name, measure in measures.items()
        for method in _observed_for(measure, methods)
    ]
    # A control that could not be had, such as a lexicon without a network, is no finding.
    return [column for column in every if column.rows or column.method in (None, *methods)]


def _observed_for(measure: Measure, methods: Sequence[str]) -> list[str | None]:
    """Whom a measure is observed for; rows of all others lack it in JSON, and have null in a table of all measures."""
    return [None] if measure.of_model else [*methods, *measure.controls]


def _column(method: str | None, measure: str, entries: Sequence[tuple[int, Any]]) -> Column:
    known = sorted((row, value) for row, value in entries if value is not None)
    values = np.array([value for _, value in known], dtype=np.float64).reshape(len(known), -1 if known else 0)
    return Column(method, measure, tuple(row for row, _ in known), values, len(entries) - len(known))


def summary_row(model: Named, found: SeedColumns, measure: Measure, settings: EvaluationSettings) -> SummaryRow:
    """The number, mean over seeds, with its interval over seeds and texts where it can be had."""
    rows, first = found.rows, found.columns[0]
    value = _over_seeds(found, measure) if rows else None
    interval = None
    if value is not None and len(rows) >= 2 and measure.has_interval:
        interval = _interval(found.values(rows), measure, settings.seed)
    return SummaryRow(
        model=model.name,
        design=model.design,
        method=first.method,
        metric=first.measure,
        value=value,
        low=None if interval is None else interval.low,
        high=None if interval is None else interval.high,
        n=len(rows),
        n_undefined=max(len(column.rows) + column.n_undefined for column in found.columns) - len(rows),
        note=_note(len(rows), value, measure, has_interval=interval is not None),
        erasure=settings.erasure if measure.family in _ERASING else "",
    )


def _interval(values: Float[np.ndarray, "seed row column"], measure: Measure, seed: int) -> Interval | None:
    """By bootstrap; Wilson's for a share of texts, as resamples of few texts, or of equal ones, know too little."""
    # Draws among ties make fractions of a text.
    if len(values) == 1 and measure.share_of_texts and np.isin(values[0, :, 0], (0, 1)).all():
        return share_interval(int(values[0, :, 0].sum()), values.shape[1], CONFIDENCE)
    return nested_interval(values, measure.aggregate, np.random.default_rng(seed), N_RESAMPLES, CONFIDENCE)


def _over_seeds(found: SeedColumns, measure: Measure) -> float | None:
    by_seed = [measure.aggregate(values) for values in found.values(found.rows)]
    known = [value for value in by_seed if value is not None]
    return float(np.mean(known)) if len(known) == len(by_seed) else None


def _note(n: int, value: float | None, measure: Measure, *, has_interval: bool) -> str:
    if has_interval:
        return ""
    if not measure.has_interval:
        return "no interval: resampling texts biases this number"
    if n == 0:
        return "undefined for every text"
    if value is None:
        return "undefined on these texts as a whole"
    if n < 2:
        return "no interval: it takes at least 2 texts"
    return "no interval: undefined on most resamples of the texts"


def curves(model: Named, found: Sequence[Column], seed: int) -> list[Curve]:
    """The deletion and insertion curves among the columns."""
    return [
        _curve(model, column.method, _CURVES[column.measure], column.values, seed)
        for column in found
        if column.measure in _CURVES and column.method is not None and len(column.rows)
    ]


def _curve(model: Named, method: str, kind: str, values: Float[np.ndarray, "row column"], seed: int) -> Curve:
    generator = np.random.default_rng(seed)
    picked = generator.integers(0, len(values), size=(N_RESAMPLES, len(values)))
    # One point after the other: all at once would take a resample by text by point of memory.
    ends = [np.quantile(point[picked].mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]) for point in values.T]
    low, high = np.array(ends).T.tolist()
    return Curve(
        model.name,
        model.design,
        method,
        kind,
        CURVE_SHARES,
        tuple(values.mean(axis=0).tolist()),
        tuple(low),
        tuple(high),
    )
