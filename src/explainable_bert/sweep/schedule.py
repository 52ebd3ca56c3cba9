"""Which point can start next: those that others need come first, and what needs a failed one never starts."""

from collections.abc import Mapping

from explainable_bert.sweep.arm import Point


class Schedule:
    """The points still to be run, each taken once when all that it needs is done.

    `needs` has every point that is to be run, with those among them that have to be done before.
    """

    def __init__(self, needs: Mapping[Point, tuple[Point, ...]]) -> None:
        self._waiting = {point: set(wanted) for point, wanted in needs.items()}
        self._n_dependants = {point: sum(point in wanted for wanted in needs.values()) for point in needs}

    def take(self) -> Point | None:
        """The next point to start; None where none can start now."""
        ready = [point for point, wanted in self._waiting.items() if not wanted]
        if not ready:
            return None
        first = max(ready, key=lambda point: self._n_dependants[point])  # of equals, the first
        del self._waiting[first]
        return first

    def done(self, point: Point) -> None:
        """What needs this point may start."""
        for wanted in self._waiting.values():
            wanted.discard(point)

    def failed(self, point: Point) -> tuple[Point, ...]:
        """What needs this point, directly or not, is given up: these points."""
        lost = [point]
        for gone in lost:
            lost += [other for other, wanted in self._waiting.items() if gone in wanted and other not in lost]
        for other in lost[1:]:
            del self._waiting[other]
        return tuple(lost[1:])
