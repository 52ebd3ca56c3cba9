"""What a job counts: sums that are the same in whatever order pieces are put together, with the error of those cut."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from explainable_bert.json_fields import from_fields
from explainable_bert.records import Explanation

# So many words of each label are passed on by a piece, and kept of all pieces; what the others had is an error.
_KEPT_OF_PIECE, _KEPT = 2000, 50_000


@dataclass(frozen=True)
class Pushes:
    """How much words pushed towards a label, over the texts that were predicted to have it.

    `sums` has, by word in lower case, how often it stood there and the sum of its scores. A word that was left out
    somewhere may lack up to `error` of its sum.
    """

    sums: Mapping[str, tuple[int, float]] = field(default_factory=dict)
    error: float = 0.0

    def plus(self, other: "Pushes", kept: int) -> "Pushes":
        """Both together, cut to the words of the largest sums."""
        sums = dict(self.sums)
        for word, (count, score) in other.sums.items():
            had_count, had_score = sums.get(word, (0, 0.0))
            sums[word] = (had_count + count, had_score + score)
        return Pushes(sums, self.error + other.error).cut(kept)

    def cut(self, kept: int) -> "Pushes":
        """The words of the largest sums, in absolute value; the largest of the others is an error of any."""
        if len(self.sums) <= kept:
            return self
        ordered = sorted(self.sums.items(), key=lambda item: (-abs(item[1][1]), item[0]))
        return Pushes(dict(ordered[:kept]), self.error + abs(ordered[kept][1][1]))


@dataclass(frozen=True)
class Tally:
    """Of some rows: how many were explained, could not be, or were cut; their labels, and the words that pushed."""

    rows: int = 0
    errors: int = 0
    truncated: int = 0
    tokens_dropped: int = 0
    in_windows: int = 0
    labels: Mapping[str, int] = field(default_factory=dict)
    pushes: Mapping[str, Pushes] = field(default_factory=dict)

    def plus(self, other: Self) -> "Tally":
        """Both together."""
        names = dict.fromkeys((*self.pushes, *other.pushes))
        return Tally(
            rows=self.rows + other.rows,
            errors=self.errors + other.errors,
            truncated=self.truncated + other.truncated,
            tokens_dropped=self.tokens_dropped + other.tokens_dropped,
            in_windows=self.in_windows + other.in_windows,
            labels=dict(Counter(self.labels) + Counter(other.labels)),
            pushes={
                name: self.pushes.get(name, Pushes()).plus(other.pushes.get(name, Pushes()), _KEPT) for name in names
            },
        )

    def fields(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)

    @classmethod
    def of_fields(cls, fields: object) -> Self:
        """The inverse of `fields`; raises ValueError when they are of no tally."""
        return from_fields(cls, fields, "tally")


class Counting:
    """Counts explanations, one after the other."""

    def __init__(self) -> None:
        self._rows = self._truncated = self._dropped = self._in_windows = 0
        self._labels: Counter[str] = Counter()
        self._sums: dict[str, dict[str, tuple[int, float]]] = {}

    def add(self, explanation: Explanation) -> None:
        """Count one."""
        prediction, attribution = explanation.prediction, explanation.attribution
        self._rows += 1
        self._truncated += prediction.n_tokens_dropped > 0
        self._dropped += prediction.n_tokens_dropped
        self._in_windows += prediction.n_windows > 1
        self._labels[prediction.label] += 1
        sums = self._sums.setdefault(explanation.target, {})
        for unit, score in zip(attribution.units, attribution.scores, strict=True):
            word = unit.text.lower()
            count, total = sums.get(word, (0, 0.0))
            sums[word] = (count + 1, total + score)

    def tally(self, n_errors: int) -> Tally:
        """What was counted, beside so many rows that could not be explained."""
        return Tally(
            rows=self._rows,
            errors=n_errors,
            truncated=self._truncated,
            tokens_dropped=self._dropped,
            in_windows=self._in_windows,
            labels=dict(self._labels),
            pushes={label: Pushes(sums).cut(_KEPT_OF_PIECE) for label, sums in self._sums.items()},
        )


def most_pushing(pushes: Pushes, count: int) -> list[tuple[str, int, float]]:
    """The words that pushed most towards the label, with how often they stood there and their sums."""
    ordered = sorted(pushes.sums.items(), key=lambda item: (-item[1][1], item[0]))
    return [(word, times, score) for word, (times, score) in ordered[:count]]
