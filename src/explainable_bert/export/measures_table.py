"""Summary rows as a table: a line per metric and method, a cell with value, interval and its drawing."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from explainable_bert.export.axes import Axis, Whisker, spanning, whisker
from explainable_bert.export.definitions import Definition
from explainable_bert.export.numerals import alike, interval, texts
from explainable_bert.metrics.metric import Metric
from explainable_bert.results import SummaryRow

Naming = Callable[[SummaryRow], str]


@dataclass(frozen=True)
class Cell:
    """One number: `text` with its interval, what is to be said beside it, its place on the measure's line."""

    text: str
    interval: str
    remarks: tuple[str, ...]
    whisker: Whisker | None
    title: str


@dataclass(frozen=True)
class Line:
    """The cells of one metric and, unless `label` is empty, one method; None where nothing was measured."""

    label: str
    count: str
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Measure:
    """All lines of one metric; they share one drawn line, on which `zero` is the place of 0 if it is on it."""

    definition: Definition
    lines: tuple[Line, ...]
    zero: float | None


@dataclass(frozen=True)
class Table:
    """Measures in order of appearance, with a heading for each column."""

    columns: tuple[str, ...]
    measures: tuple[Measure, ...]


def measures_table(
    rows: Sequence[SummaryRow], defined: Mapping[str, Definition], column: Naming, line: Naming
) -> Table:
    """Rows laid out by metric; `column` and `line` name where in the metric's lines a row stands."""
    columns = tuple(dict.fromkeys(column(row) for row in rows))
    by_metric: dict[str, list[SummaryRow]] = {}
    for row in rows:
        by_metric.setdefault(row.metric, []).append(row)
    return Table(
        columns, tuple(_measure(found, defined[name], columns, column, line) for name, found in by_metric.items())
    )


def _measure(
    rows: list[SummaryRow], definition: Definition, columns: tuple[str, ...], column: Naming, line: Naming
) -> Measure:
    axis = _axis(rows, definition.metric)
    lines = []
    for label in dict.fromkeys(line(row) for row in rows):
        found = {column(row): row for row in rows if line(row) == label}
        cells = tuple(_cell(found[name], definition, axis) if name in found else None for name in columns)
        lines.append(Line(label, _count(list(found.values())), cells))
    return Measure(definition, tuple(lines), None if axis is None else axis.inner(0.0))


def _axis(rows: list[SummaryRow], metric: Metric) -> Axis | None:
    """Around all values of the metric; a value alone is shown on the metric's range, if that has ends."""
    if sum(row.value is not None for row in rows) > 1:
        return spanning(end for row in rows for end in (row.low, row.value, row.high))
    return Axis(metric.low, metric.high) if math.isfinite(metric.high - metric.low) else None


def _cell(row: SummaryRow, definition: Definition, axis: Axis | None) -> Cell:
    text = alike(row.value, row.low, row.high)[0]
    remarks = [f"undefined for {texts(row.n_undefined)}"] if row.n_undefined else []
    if row.value is None and remarks:
        text = remarks.pop()
    drawn = None if axis is None else whisker(axis, row.low, row.value, row.high)
    shown = interval(row.low, row.high, row.value)
    said = (*remarks, row.note) if row.note else tuple(remarks)
    return Cell(text, shown, said, drawn, f"{definition.sentence} {_facts(row, text, shown)}")


def _facts(row: SummaryRow, text: str, shown: str) -> str:
    """What one cell says, in a line of its own."""
    who = " · ".join(part for part in (row.model, row.method) if part)
    ends = f" (95 % interval {shown})" if shown else ""
    undefined = f", undefined for {texts(row.n_undefined)}" if row.n_undefined and row.value is not None else ""
    return f"{who}: {text}{ends}; over {texts(row.n)}{undefined}."


def _count(rows: list[SummaryRow]) -> str:
    """Over how many texts the line's values are."""
    low, high = min(row.n for row in rows), max(row.n for row in rows)
    return f"n = {low:,}" if low == high else f"n = {low:,}\u2013{high:,}"
