"""The front of a sweep as drawings: accuracy against faithfulness, sharpness and plausibility, with labels in place."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from explainable_bert.export.axes import Axis, spanning
from explainable_bert.export.curves import Tick
from explainable_bert.export.numerals import alike
from explainable_bert.export.placing import Box, Wanted, place
from explainable_bert.results import FrontierReport, FrontRow, SummaryRow

WIDTH = 480.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 14.0, 26.0, 52.0
_TALL, _LOW = 440.0, 330.0
# Room for so many labels; each one more makes a drawing taller.
_N_LABELS, _LABEL_ROOM = 8, 16.0
_FONT, _ASCENT, _LINE = 13.0, 11.0, 16.0
_LONGEST_LABEL = 30
# A label that lies farther from its mark is joined to it by a line.
_NEAR = 13.0
_MARK = 7.0

Kind = Literal["pick", "reference", "front", "dominated"]
Number = Callable[[FrontRow], SummaryRow | None]


@dataclass(frozen=True)
class Segment:
    """A straight line in the panel's units."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class Mark:
    """One arm in a panel: where it is, the two intervals, and its label with a leader where it lies apart."""

    kind: Kind
    x: float
    y: float
    bars: tuple[Segment, ...]
    title: str
    label: str
    label_x: float
    label_y: float
    leader: Segment | None


@dataclass(frozen=True)
class FrontPanel:
    """Accuracy across, another number upwards; `limit` is the place of the least accuracy allowed, `stairs` the front.

    Arms whose number is undefined are not in it. `spoken` is for readers who do not see it.
    """

    title: str
    reading: str
    spoken: str
    height: float
    marks: tuple[Mark, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    limit: float
    limit_label: str
    stairs: str
    width: float = WIDTH
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    top: float = _TOP

    @property
    def bottom(self) -> float:
        """Where the vertical axis ends."""
        return self.height - _BOTTOM


@dataclass(frozen=True)
class FrontFigure:
    """All panels, that of the front first; `fields` are what the labels give the values of, where they give no more."""

    panels: tuple[FrontPanel, ...]
    fields: str


def kind_of(row: FrontRow, report: FrontierReport) -> Kind:
    """What an arm is in a report."""
    if row.arm == report.reference:
        return "reference"
    if row.arm == report.pick:
        return "pick"
    return "front" if row.arm in report.front else "dominated"


def front_figure(report: FrontierReport) -> FrontFigure:
    """Panels of faithfulness and sharpness, and of plausibility where it was measured."""
    labels, fields = short_labels([row.arm for row in report.rows], report.reference)
    drawing = _Drawing(report, labels)
    panels = [
        drawing.panel("faithfulness", "higher is more faithful", lambda row: row.faithfulness, _TALL),
        drawing.panel("effective words", "fewer is sharper", lambda row: row.sharpness, _LOW),
    ]
    if any(row.plausibility is not None for row in report.rows):
        panels.append(drawing.panel("plausibility", "higher is more plausible", lambda row: row.plausibility, _LOW))
    return FrontFigure(tuple(panels), fields)


def _points(number: float) -> str:
    return "1 point" if number == 1 else f"{number:g} points"


def short_labels(arms: Sequence[str], reference: str) -> tuple[dict[str, str], str]:
    """What to call arms beside their marks: what differs between them, and of several fields the values alone.

    With the names of these fields, which then have to be said once; empty where names are whole.
    """
    own = {arm: arm.split() for arm in arms if arm != reference}
    have_more = all(len(words) > 1 for words in own.values())
    if len(own) > 1 and have_more and len({words[0] for words in own.values()}) == 1:
        own = {arm: words[1:] for arm, words in own.items()}
    fields = {tuple(word.partition("=")[0] for word in words) for words in own.values()}
    if len(fields) == 1 and all(len(words) > 1 and all("=" in word for word in words) for words in own.values()):
        own = {arm: [word.partition("=")[2] for word in words] for arm, words in own.items()}
        return _named(own, reference, " · "), " · ".join(fields.pop())
    return _named(own, reference, " "), ""


def _named(words: dict[str, list[str]], reference: str, between: str) -> dict[str, str]:
    joined = {arm: between.join(of_arm) for arm, of_arm in words.items()}
    cut = {
        arm: name if len(name) <= _LONGEST_LABEL else f"{name[: _LONGEST_LABEL - 1]}…" for arm, name in joined.items()
    }
    return {reference: reference, **cut}


@dataclass(frozen=True)
class _Point:
    """One arm's place in a panel before anything is labelled."""

    row: FrontRow
    number: SummaryRow
    kind: Kind
    x: float
    y: float
    bars: tuple[Segment, ...]
    label: str


class _Drawing:
    """Panels that share their horizontal axis."""

    def __init__(self, report: FrontierReport, labels: dict[str, str]) -> None:
        self._report, self._labels = report, labels
        reference = next(row for row in report.rows if row.arm == report.reference)
        self._limit = (reference.accuracy.value or 0.0) - report.within / 100
        accuracies = [row.accuracy for row in report.rows]
        self._x = _with_room(spanning([*_ends(accuracies), self._limit]))

    def panel(self, title: str, reading: str, number: Number, height: float) -> FrontPanel:
        known = [(row, found) for row in self._report.rows if (found := number(row)) is not None]
        known = [(row, found) for row, found in known if found.value is not None and row.accuracy.value is not None]
        height += _LABEL_ROOM * max(0, len(known) - _N_LABELS)
        y = _with_room(spanning(_ends([found for _, found in known])))
        points = [self._point(row, found, y, height) for row, found in known]
        limit = self._across(self._limit)
        return FrontPanel(
            title=title,
            reading=reading,
            spoken=self._spoken(title, points),
            height=height,
            marks=tuple(_labelled(points, limit, height)),
            x_ticks=tuple(Tick(self._across(value), label) for value, label in _ticks(self._x)),
            y_ticks=tuple(Tick(_down(y, value, height), label) for value, label in _ticks(y)),
            limit=limit,
            limit_label=f"{_points(self._report.within)} below {self._labels[self._report.reference]}",
            stairs=_stairs(points, height) if title == "faithfulness" else "",
        )

    def _point(self, row: FrontRow, number: SummaryRow, y: Axis, height: float) -> _Point:
        accuracy = row.accuracy
        across, down = self._across(accuracy.value or 0.0), _down(y, number.value or 0.0, height)
        bars = []
        if accuracy.low is not None and accuracy.high is not None:
            bars.append(Segment(self._across(accuracy.low), down, self._across(accuracy.high), down))
        if number.low is not None and number.high is not None:
            bars.append(Segment(across, _down(y, number.high, height), across, _down(y, number.low, height)))
        kind = kind_of(row, self._report)
        label = self._labels[row.arm] + (" (pick)" if kind == "pick" else "")
        return _Point(row, number, kind, across, down, tuple(bars), label)

    def _across(self, accuracy: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * self._x.place(accuracy) / 100

    def _spoken(self, title: str, points: Sequence[_Point]) -> str:
        arms = "; ".join(f"{point.row.arm} {_numbers(point)}" for point in points)
        return f"Accuracy against {title}: {arms}. The least accuracy allowed is {alike(self._limit)[0]}."


def _numbers(point: _Point) -> str:
    return f"{alike(point.row.accuracy.value)[0]}, {alike(point.number.value)[0]}"


def _ends(rows: Sequence[SummaryRow]) -> Iterator[float | None]:
    return itertools.chain.from_iterable((row.low, row.value, row.high) for row in rows)


def _with_room(axis: Axis) -> Axis:
    """A line without length gets some on both sides of its only number."""
    return axis if axis.high > axis.low else Axis(axis.low - 0.5, axis.high + 0.5)


def _down(axis: Axis, value: float, height: float) -> float:
    return height - _BOTTOM - (height - _TOP - _BOTTOM) * axis.place(value) / 100


def _ticks(axis: Axis) -> Iterator[tuple[float, str]]:
    """Round numbers on the line, with as many decimals each as the longest needs."""
    from matplotlib.ticker import MaxNLocator

    values = [float(value) for value in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(axis.low, axis.high)]
    inside = [round(value, 10) + 0.0 for value in values if axis.low <= value <= axis.high]
    n_decimals = max((len(f"{value:.10g}".partition(".")[2]) for value in inside), default=0)
    return ((value, f"{value:.{n_decimals}f}") for value in inside)


def _stairs(points: Sequence[_Point], height: float) -> str:
    """The edge of what the front's arms beat: no arm lies beyond it, to the right and above."""
    known = {(point.x, point.y) for point in points}
    best = sorted(
        one for one in known if not any(other != one and other[0] >= one[0] and other[1] <= one[1] for other in known)
    )
    corners, x = [], _LEFT
    for across, down in best:
        corners += [(x, down), (across, down)]
        x = across
    return " ".join(f"{across:.1f},{down:.1f}" for across, down in [*corners, (x, height - _BOTTOM)])


def _labelled(points: Sequence[_Point], limit: float, height: float) -> Iterator[Mark]:
    """The points with their labels; the pick and the reference choose their places first."""
    order = sorted(points, key=lambda point: ("pick", "reference", "front", "dominated").index(point.kind))
    wanted = [Wanted(point.x, point.y, _width(point.label), _LINE) for point in order]
    frame = Box(_LEFT + 2, _TOP, WIDTH - _LEFT - _RIGHT - 2, height - _TOP - _BOTTOM)
    marks = [Box(point.x - _MARK, point.y - _MARK, 2 * _MARK, 2 * _MARK) for point in points]
    bars = [_around(bar) for point in points for bar in point.bars]
    boxes = place(wanted, frame, marks, [*bars, Box(limit - 1, _TOP, 2, height - _TOP - _BOTTOM)])
    for point, box in zip(order, boxes, strict=True):
        yield _mark(point, box)


def _mark(point: _Point, box: Box | None) -> Mark:
    title = f"{point.row.arm}: {_numbers(point)}"
    plain = Mark(point.kind, point.x, point.y, point.bars, title, "", 0.0, 0.0, None)
    if box is None:
        return plain
    end_x = min(max(point.x, box.left), box.right)
    end_y = min(max(point.y, box.top), box.bottom)
    is_near = abs(end_x - point.x) <= _NEAR and abs(end_y - point.y) <= _NEAR
    leader = None if is_near else Segment(point.x, point.y, end_x, end_y)
    return replace(plain, label=point.label, label_x=box.left + 2, label_y=box.top + _ASCENT + 1, leader=leader)


def _around(bar: Segment) -> Box:
    return Box(bar.x1 - 1, bar.y1 - 1, bar.x2 - bar.x1 + 2, bar.y2 - bar.y1 + 2)


def _width(label: str) -> float:
    """Wide enough whatever the reader's font."""
    return 4 + _FONT * sum(0.6 if character.isascii() or character in "·…" else 1.0 for character in label)
