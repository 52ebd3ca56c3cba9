"""Where a number lies on a drawn line, in percent of its length."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MARGIN = 0.04


@dataclass(frozen=True)
class Axis:
    """A line from `low` to `high`."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """From 0 to 100; beyond the ends at the ends; the middle of a line without length."""
        if self.high <= self.low:
            return 50.0
        return 100 * min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def inner(self, value: float) -> float | None:
        """Like `place`, but None where the value does not lie between the ends."""
        return self.place(value) if self.low < value < self.high else None


@dataclass(frozen=True)
class Whisker:
    """A dot with its interval, in percent of the line: the whisker starts at `start` and is `width` long."""

    dot: float
    start: float
    width: float


def spanning(ends: Iterable[float | None]) -> Axis:
    """A line that holds all the numbers that there are, with a little room at both ends."""
    known = _finite(ends)
    if not known:
        return Axis(0.0, 0.0)
    room = _MARGIN * (max(known) - min(known))
    return Axis(min(known) - room, max(known) + room)


def around_zero(ends: Iterable[float | None]) -> Axis:
    """A line with zero in its middle that holds all the numbers that there are."""
    reach = (1 + _MARGIN) * max((abs(end) for end in _finite(ends)), default=0.0)
    return Axis(-reach, reach)


def whisker(axis: Axis, low: float | None, value: float | None, high: float | None) -> Whisker | None:
    """Where the value and its interval are drawn; None without a value, a dot alone without an interval."""
    if value is None or not math.isfinite(value):
        return None
    start, end = (axis.place(value if end is None or math.isnan(end) else end) for end in (low, high))
    return Whisker(axis.place(value), start, end - start)


def _finite(numbers: Iterable[float | None]) -> Sequence[float]:
    return [number for number in numbers if number is not None and math.isfinite(number)]
