"""Where labels go in a drawing, so that they cover neither one another nor any mark, each near to its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

# How fine the places are that are tried, and how much nearer a label would have to be to cover one line, or to be
# joined to its mark by a line over something else.
_STEP = 4.0
_LINE_COST = 30.0
_CROSSING_COST = 60.0
_N_SAMPLES = 9
# Right of its mark a label reads best.
_LEFT_COST = 6.0


@dataclass(frozen=True)
class Box:
    """A rectangle, y downwards."""

    left: float
    top: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Wanted:
    """A label of some size for the mark at (x, y)."""

    x: float
    y: float
    width: float
    height: float


def place(wanted: Sequence[Wanted], frame: Box, filled: Sequence[Box], lines: Sequence[Box]) -> tuple[Box | None, ...]:
    """A box for each label inside the frame, the first ones choosing first; None where no room is left.

    No box covers another one or what is `filled`; `lines` are covered where there is no better place.
    """
    taken, found = list(filled), []
    for label in wanted:
        box = _best(label, frame, taken, lines)
        found.append(box)
        taken += [] if box is None else [box]
    return tuple(found)


def _best(label: Wanted, frame: Box, taken: Sequence[Box], lines: Sequence[Box]) -> Box | None:
    lefts, tops = np.meshgrid(
        np.arange(frame.left, frame.right - label.width, _STEP),
        np.arange(frame.top, frame.bottom - label.height, _STEP),
    )
    free = np.ones(lefts.shape, dtype=bool)
    for box in taken:
        free &= ~_covers(lefts, tops, label, box)
    if not free.any():
        return None
    cost = _distance(lefts, tops, label) + _LEFT_COST * (lefts + label.width / 2 < label.x)
    for line in lines:
        cost += _LINE_COST * _covers(lefts, tops, label, line)
    for box in taken:
        if not _holds(box, np.float64(label.x), np.float64(label.y)):
            cost += _CROSSING_COST * _joined_over(lefts, tops, label, box)
    best = int(np.where(free, cost, np.inf).argmin())
    return Box(float(lefts.flat[best]), float(tops.flat[best]), label.width, label.height)


def _covers(
    lefts: Float[np.ndarray, "row column"], tops: Float[np.ndarray, "row column"], label: Wanted, box: Box
) -> Bool[np.ndarray, "row column"]:
    return np.asarray(
        (lefts < box.right) & (lefts + label.width > box.left) & (tops < box.bottom) & (tops + label.height > box.top)
    )


def _distance(
    lefts: Float[np.ndarray, "row column"], tops: Float[np.ndarray, "row column"], label: Wanted
) -> Float[np.ndarray, "row column"]:
    """From the mark to the nearest point of the label."""
    x, y = _nearest(lefts, tops, label)
    return np.asarray(np.hypot(x - label.x, y - label.y))


def _joined_over(
    lefts: Float[np.ndarray, "row column"], tops: Float[np.ndarray, "row column"], label: Wanted, box: Box
) -> Bool[np.ndarray, "row column"]:
    """Whether the line from the mark to the label passes over the box."""
    x, y = _nearest(lefts, tops, label)
    shares = np.linspace(0.0, 1.0, _N_SAMPLES)
    passed = [_holds(box, label.x + share * (x - label.x), label.y + share * (y - label.y)) for share in shares]
    return np.asarray(np.any(passed, axis=0))


def _nearest(
    lefts: Float[np.ndarray, "row column"], tops: Float[np.ndarray, "row column"], label: Wanted
) -> tuple[Float[np.ndarray, "row column"], Float[np.ndarray, "row column"]]:
    """The point of the label that is nearest to its mark."""
    return np.clip(label.x, lefts, lefts + label.width), np.clip(label.y, tops, tops + label.height)


def _holds(
    box: Box, x: Float[np.ndarray, "*axes"] | np.float64, y: Float[np.ndarray, "*axes"] | np.float64
) -> Bool[np.ndarray, "*axes"]:
    return np.asarray((x >= box.left) & (x <= box.right) & (y >= box.top) & (y <= box.bottom))
