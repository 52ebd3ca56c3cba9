"""The page of a sweep: the pick in words, the front as a drawing, every arm's numbers, and the test of the pick."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explainable_bert.export.axes import Whisker, spanning, whisker
from explainable_bert.export.definitions import Definition, definitions
from explainable_bert.export.front_figure import Kind, front_figure, kind_of
from explainable_bert.export.measurement_origin import measured_origin
from explainable_bert.export.numerals import alike, interval, texts
from explainable_bert.export.pages import page_from
from explainable_bert.results import Difference, FrontierReport, FrontRow, SummaryRow
from explainable_bert.writing import write_text

_PLACES: Mapping[Kind, str] = MappingProxyType(
    {"pick": "the pick", "reference": "the reference", "front": "on the front", "dominated": "beaten by another arm"}
)


@dataclass(frozen=True)
class _Number:
    """A number with its interval as it is printed; `n` is None for differences."""

    value: float | None
    low: float | None
    high: float | None
    text: str
    interval: str
    n: int | None


@dataclass(frozen=True)
class _Column:
    """A column's heading, with the definition of its metric unless it is a difference."""

    name: str
    definition: Definition | None


@dataclass(frozen=True)
class _Cell:
    """One number as the table shows it; `zero` is the place of 0 on the column's line."""

    text: str
    interval: str
    whisker: Whisker | None
    zero: float | None
    title: str


@dataclass(frozen=True)
class _Line:
    """One arm; None where nothing was measured."""

    arm: str
    kind: Kind
    place: str
    cells: tuple[_Cell | None, ...]


@dataclass(frozen=True)
class _Table:
    columns: tuple[_Column, ...]
    lines: tuple[_Line, ...]


def write_frontier(report: FrontierReport, folder: Path) -> None:
    """Write report.html and frontier.svg into `folder`; both need nothing from elsewhere.

    Raises InputError where a metric is not defined, FileError if the place cannot be written.
    """
    defined = definitions((row.metric for row in _summaries(report.rows)), report.metrics)
    came_from = measured_origin(((row.arm, row.design) for row in report.rows), report.settings)
    figure = front_figure(report)
    present = {kind_of(row, report) for row in report.rows}
    meanings = {**_PLACES, "reference": f"{report.reference}, the reference"}
    keys = [(kind, meaning) for kind, meaning in meanings.items() if kind in present]
    page = page_from(
        "frontier.html.j2",
        came_from,
        report=report,
        figure=figure,
        keys_shown=keys,
        table=_table(report.rows, report, defined),
        tested=_table(report.tested, report, defined) if report.tested else None,
        definitions=list(defined.values()),
    )
    write_text(folder / "report.html", page)
    drawing = page_from("frontier.svg.j2", came_from, report=report, figure=figure, keys_shown=keys)
    write_text(folder / "frontier.svg", drawing)


def _summaries(rows: Sequence[FrontRow]) -> list[SummaryRow]:
    found = [(row.accuracy, row.faithfulness, row.sharpness, row.plausibility) for row in rows]
    return [summary for of_arm in found for summary in of_arm if summary is not None]


def _table(rows: Sequence[FrontRow], report: FrontierReport, defined: Mapping[str, Definition]) -> _Table:
    numbers: dict[str, list[_Number | None]] = {
        "accuracy": [_summary(row.accuracy) for row in rows],
        f"minus {report.reference}, points": [_difference(row.accuracy_difference, 100, 1) for row in rows],
        "faithfulness": [_summary(row.faithfulness) for row in rows],
        f"faithfulness minus {report.reference}": [_difference(row.faithfulness_difference, 1, 3) for row in rows],
        "effective words": [_summary(row.sharpness) for row in rows],
        "plausibility": [_summary(row.plausibility) for row in rows],
    }
    metrics = {
        "accuracy": rows[0].accuracy,
        "faithfulness": rows[0].faithfulness,
        "effective words": rows[0].sharpness,
        "plausibility": rows[0].plausibility,
    }
    shown = {name: column for name, column in numbers.items() if any(number is not None for number in column)}
    columns = tuple(_Column(name, _defined(metrics.get(name), defined)) for name in shown)
    cells = [_cells(name, [row.arm for row in rows], column) for name, column in shown.items()]
    kinds = [kind_of(row, report) for row in rows]
    by_arm = zip(rows, kinds, zip(*cells, strict=True), strict=True)
    return _Table(columns, tuple(_Line(row.arm, kind, _place(row, kind), of_arm) for row, kind, of_arm in by_arm))


def _defined(row: SummaryRow | None, defined: Mapping[str, Definition]) -> Definition | None:
    return None if row is None else defined[row.metric]


def _place(row: FrontRow, kind: Kind) -> str:
    seeds = "1 seed" if len(row.seeds) == 1 else f"{len(row.seeds)} seeds"
    return f"{row.design} · {seeds} · {_PLACES[kind]}"


def _summary(row: SummaryRow | None) -> _Number | None:
    if row is None:
        return None
    text = alike(row.value, row.low, row.high)[0]
    return _Number(row.value, row.low, row.high, text, interval(row.low, row.high, row.value), row.n)


def _difference(found: Difference | None, scale: float, n_decimals: int) -> _Number | None:
    """With its sign, and without one where it is rounded to zero."""
    if found is None:
        return None
    value, low, high = (None if end is None else scale * end for end in (found.value, found.low, found.high))
    text, first, last = ("" if end is None else f"{end:+z.{n_decimals}f}" for end in (value, low, high))
    return _Number(value, low, high, text, f"{first} to {last}" if first and last else "", None)


def _cells(name: str, arms: Sequence[str], numbers: Sequence[_Number | None]) -> list[_Cell | None]:
    """The cells of a column, drawn on one line."""
    axis = spanning(end for number in numbers if number is not None for end in (number.low, number.value, number.high))
    return [
        None
        if number is None
        else _Cell(
            text=number.text,
            interval=number.interval,
            whisker=whisker(axis, number.low, number.value, number.high),
            zero=axis.inner(0.0),
            title=_fact(name, arm, number),
        )
        for arm, number in zip(arms, numbers, strict=True)
    ]


def _fact(name: str, arm: str, number: _Number) -> str:
    """What one cell says, in a line of its own."""
    ends = f" (95 % interval {number.interval})" if number.interval else ""
    over = "" if number.n is None else f"; over {texts(number.n)}"
    return f"{arm}, {name}: {number.text}{ends}{over}."
