"""Bounds that a model's measured numbers have to keep, for checks in continuous integration."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

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


def bounded(rows: Sequence[SummaryRow], limits: Mapping[str, float], method: str) -> list[Bounded]:
    """The rows of `method`, or of the model itself, that `limits` (by the names in BOUNDS) are set for."""
    found = []
    for name, limit in limits.items():
        metric, relation = BOUNDS[name]
        found += [
            Bounded(row, relation, limit) for row in rows if row.metric == metric and row.method in (None, method)
        ]
    return found
