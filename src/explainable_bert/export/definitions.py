"""What each metric on a page means, to be read in its footnotes and on hovering."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from explainable_bert.errors import InputError
from explainable_bert.export.numerals import extent
from explainable_bert.metrics.metric import Direction, Metric

_WORDS: Mapping[Direction | None, str] = {
    "higher": "higher is better",
    "lower": "lower is better",
    None: "descriptive: neither direction is better",
}
_SIGNS: Mapping[Direction | None, str] = {"higher": "↑", "lower": "↓", None: ""}


@dataclass(frozen=True)
class Definition:
    """One metric with the `anchor` under which the page defines it; `sign` is the arrow of its direction."""

    anchor: str
    metric: Metric
    extent: str
    direction: str
    sign: str

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        summary, source = (part.rstrip(". ") for part in (self.metric.summary, self.metric.source))
        return f"{self.metric.name}: {summary}. Range: {self.extent}; {self.direction}. Source: {source}."


def definitions(used: Iterable[str], metrics: Mapping[str, Metric]) -> Mapping[str, Definition]:
    """The definition of every metric in `used`, in order of appearance; raises InputError where one is missing."""
    names = list(dict.fromkeys(used))
    missing = [name for name in names if name not in metrics]
    if missing:
        raise InputError(f"metrics: none named {missing[0]!r} given, which a row is about; accepted: one for each")
    return {name: _definition(number, metrics[name]) for number, name in enumerate(names, start=1)}


def _definition(number: int, metric: Metric) -> Definition:
    return Definition(f"metric-{number}", metric, extent(metric), _WORDS[metric.better], _SIGNS[metric.better])
