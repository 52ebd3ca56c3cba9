"""Deletion and insertion curves as drawings: where each line, band, tick and label goes."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from explainable_bert.export.axes import Axis
from explainable_bert.export.numerals import alike
from explainable_bert.results import Curve

WIDTH, HEIGHT = 420.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 24.0, 10.0, 50.0
_N_COLOURS = 6
# As many as share no factor with the colours, so that it takes long until a pair of both returns.
_DASHES = ("", "8 4", "2 3", "11 3 2 3", "5 2")
_READING: Mapping[str, tuple[str, str]] = {
    "deletion": ("share of units erased, most important first", "the sooner the line falls, the better"),
    "insertion": ("share of units kept, most important first", "the sooner the line rises, the better"),
}


@dataclass(frozen=True)
class Look:
    """How one method's lines are told apart: a colour by its number, and a pattern of dashes."""

    method: str
    colour: int
    dashes: str


@dataclass(frozen=True)
class Tick:
    """A labelled place along an axis, in the panel's units."""

    place: float
    label: str


@dataclass(frozen=True)
class Trace:
    """One method's mean and its band, as lists of points."""

    look: Look
    points: str
    band: str


@dataclass(frozen=True)
class Panel:
    """One kind of curve of one model; `spoken` is for readers who do not see it."""

    kind: str
    reading: str
    across: str
    spoken: str
    traces: tuple[Trace, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class ModelPanels:
    """The panels of one model."""

    model: str
    design: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class CurvesFigure:
    """All panels on the same axes, and what the lines stand for."""

    models: tuple[ModelPanels, ...]
    looks: tuple[Look, ...]
    panel_width: float = WIDTH
    panel_height: float = HEIGHT


@dataclass(frozen=True)
class _Frame:
    """The axes that all panels share."""

    x: Axis
    y: Axis
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]

    def point(self, share: float, score: float) -> str:
        return f"{_across(self.x, share):.1f},{_down(self.y, score):.1f}"


def curves_figure(curves: Sequence[Curve]) -> CurvesFigure | None:
    """Panels of all curves, a row per model; None without curves."""
    if not curves:
        return None
    methods = dict.fromkeys(curve.method for curve in curves)
    looks = {
        method: Look(method, index % _N_COLOURS, _DASHES[index % len(_DASHES)]) for index, method in enumerate(methods)
    }
    frame = _frame(curves)
    models = dict.fromkeys((curve.model, curve.design) for curve in curves)
    return CurvesFigure(
        tuple(
            ModelPanels(model, design, tuple(_panels(curves, (model, design), looks, frame)))
            for model, design in models
        ),
        tuple(looks.values()),
    )


def _panels(
    curves: Sequence[Curve], whose: tuple[str, str], looks: Mapping[str, Look], frame: _Frame
) -> Iterator[Panel]:
    for kind, (across, reading) in _READING.items():
        found = [curve for curve in curves if (curve.model, curve.design) == whose and curve.kind == kind]
        if found:
            traces = tuple(_trace(curve, looks[curve.method], frame) for curve in found)
            yield Panel(kind, reading, across, _spoken(kind, found), traces, frame.x_ticks, frame.y_ticks)


def _trace(curve: Curve, look: Look, frame: _Frame) -> Trace:
    middle = itertools.starmap(frame.point, zip(curve.shares, curve.values, strict=True))
    over = list(itertools.starmap(frame.point, zip(curve.shares, curve.high, strict=True)))
    under = list(itertools.starmap(frame.point, zip(curve.shares, curve.low, strict=True)))
    return Trace(look, " ".join(middle), " ".join((*over, *reversed(under))))


def _spoken(kind: str, curves: Sequence[Curve]) -> str:
    lines = "; ".join(_spoken_line(curve) for curve in curves if curve.values)
    return f"{kind} curves of {curves[0].model}: {lines}"


def _spoken_line(curve: Curve) -> str:
    first, last = alike(curve.values[0], curve.values[-1])
    return f"{curve.method} from {first} at {curve.shares[0]:.0%} to {last} at {curve.shares[-1]:.0%}"


def _frame(curves: Sequence[Curve]) -> _Frame:
    shares = [share for curve in curves for share in curve.shares]
    scores = [score for curve in curves for score in (*curve.values, *curve.low, *curve.high)]
    x = Axis(0.0, max(shares, default=1.0) or 1.0)
    places = _round_places(min(scores, default=0.0), max(scores, default=1.0))
    y = Axis(places[0], places[-1])
    return _Frame(
        x,
        y,
        tuple(Tick(_across(x, share), f"{share:.0%}") for share in _round_places(x.low, x.high) if share <= x.high),
        tuple(Tick(_down(y, score), label) for score, label in zip(places, _labels(places), strict=True)),
    )


def _round_places(low: float, high: float) -> list[float]:
    """Round numbers, evenly spaced, from at most `low` to at least `high`."""
    from matplotlib.ticker import MaxNLocator

    # Numbers that are all alike get room on both sides.
    room = 0.0 if high > low else 0.5
    return [float(place) for place in MaxNLocator(5, steps=[1, 2, 5, 10]).tick_values(low - room, high + room)]


def _labels(places: Sequence[float]) -> list[str]:
    """With as many decimals each as the longest needs."""
    shortest = [f"{round(place, 10):.10g}" for place in places]
    n_decimals = max(len(text.partition(".")[2]) for text in shortest)
    return [f"{round(place, 10) + 0.0:.{n_decimals}f}" for place in places]


def _across(axis: Axis, share: float) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * axis.place(share) / 100


def _down(axis: Axis, score: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * axis.place(score) / 100
