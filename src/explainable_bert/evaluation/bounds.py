"""Bounds that a model's measured numbers have to keep, for checks in continuous integration."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from explainable_bert.errors import InputError
from explainable_bert.results import SummaryRow

Relation = Literal["at least", "at most"]

# The option that sets a bound, the metric that it bounds, and from which side.
BOUNDS: Mapping[str, tuple[str, Relation]] = MappingProxyType(
    {
        "min-accuracy": ("accuracy", "at least"),
        "min-macro-f1": ("macro-f1", "at least"),
        "max-calibration-error": ("expected-calibration-error", "at most"),
        "max-effective-words": ("effective-words", "at most"),
        "max-special-token-mass": ("special-token-mass", "at most"),
        "min-comprehensiveness": ("aopc-comprehensiveness", "at least"),
        "max-sufficiency": ("aopc-sufficiency", "at most"),
    }
)
# Of the metrics that are no shares.
_RANGES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "effective-words": (1.0, math.inf),
        "aopc-comprehensiveness": (-1.0, 1.0),
        "aopc-sufficiency": (-1.0, 1.0),
    }
)


@dataclass(frozen=True)
class Bounded:
    """A measured row against the bound set for it."""

    row: SummaryRow
    relation: Relation
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value, not its interval, keeps the bound; what could not be measured does not."""
        if self.row.value is None:
            return False
        return self.row.value >= self.limit if self.relation == "at least" else self.row.value <= self.limit


def check_limits(limits: Mapping[str, float]) -> None:
    """Raise InputError on a limit, by the names in BOUNDS, that its metric cannot have: every model would do, or none.

    What is not a number compares as nothing, and would never be kept.
    """
    for name, limit in limits.items():
        lowest, highest = _RANGES.get(BOUNDS[name][0], (0.0, 1.0))
        if not (lowest <= limit <= highest and math.isfinite(limit)):
            most = "" if math.isinf(highest) else f" to {highest:g}"
            raise InputError(f"{name}: {limit} given; accepted: {lowest:g}{most or ' or more'}")


def bounded(rows: Sequence[SummaryRow], limits: Mapping[str, float], method: str) -> list[Bounded]:
    """The rows of `method`, or of the model itself, that `limits` (by the names in BOUNDS) are set for."""
    found = []
    for name, limit in limits.items():
        metric, relation = BOUNDS[name]
        found += [
            Bounded(row, relation, limit) for row in rows if row.metric == metric and row.method in (None, method)
        ]
    return found
