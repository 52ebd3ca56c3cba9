"""What a metric declares about itself: its name, what it measures, its range, its direction and its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Direction = Literal["higher", "lower"]


@dataclass(frozen=True)
class Metric:
    """One metric: `name` as tables show it, `summary` in one sentence with its unit, range from `low` to `high`.

    `better` says which direction is the better one; None marks a descriptive number, of which neither is.
    """

    name: str
    summary: str
    low: float
    high: float
    better: Direction | None
    source: str


def table(metrics: Iterable[Metric]) -> Mapping[str, Metric]:
    """The metrics by their names."""
    return MappingProxyType({metric.name: metric for metric in metrics})
