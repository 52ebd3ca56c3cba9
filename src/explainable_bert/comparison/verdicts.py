"""The outcome of a comparison in plain sentences, generated from its tests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from explainable_bert.results import Pair, SummaryRow, short_names

_FAITHFULNESS = ("range-normalised-comprehensiveness", "built-in")
_ACCURACY = ("accuracy", None)


@dataclass(frozen=True)
class _Topic:
    """A metric worth a sentence: what is said of `a` above or below `b`, and how differences are written."""

    measured: tuple[str, str | None]
    title: str
    above: str
    below: str
    unit: str = ""
    scale: float = 1.0
    n_decimals: int = 2

    def number(self, value: float) -> str:
        """The value as printed, without its unit."""
        return f"{self.scale * value:z.{self.n_decimals}f}"


_TOPICS = (
    _Topic(
        _ACCURACY,
        "Accuracy",
        "is more accurate than",
        "is less accurate than",
        unit=" points",
        scale=100.0,
        n_decimals=1,
    ),
    _Topic(
        ("brier", None),
        "Probabilities (Brier score, 0 is best)",
        "gives worse probabilities than",
        "gives better probabilities than",
        n_decimals=3,
    ),
    _Topic(
        _FAITHFULNESS,
        "Faithfulness of a model's own explanation (0: random order, 1: best found)",
        "explains itself more faithfully than",
        "explains itself less faithfully than",
    ),
    _Topic(
        ("effective-words", "built-in"),
        "Sharpness of a model's own explanation",
        "is less sharp than",
        "is sharper than",
        unit=" effective words",
    ),
    _Topic(
        ("token-f1", "built-in"),
        "Agreement of a model's own explanation with people, in token-F1",
        "agrees more with people than",
        "agrees less with people than",
    ),
)


def verdicts(rows: Sequence[SummaryRow], pairs: Sequence[Pair]) -> Iterator[str]:
    """What was shown, what was not, and how large a difference would have been found; the most important first."""
    short = short_names([*(row.model for row in rows), *(name for pair in pairs for name in (pair.a, pair.b))])
    rows = [replace(row, model=short[row.model]) for row in rows]
    pairs = [replace(pair, a=short[pair.a], b=short[pair.b]) for pair in pairs]
    yield from _advice(rows, pairs)
    for topic in _TOPICS:
        about = _about(pairs, topic.measured)
        if about:
            yield f"{topic.title}: {'; '.join(_parts(topic, about))}."
    yield (
        "None of this says that the explanation of a single text is right: these are means over texts, and each "
        "picture is to be read with its own notes."
    )


def _about(pairs: Sequence[Pair], measured: tuple[str, str | None]) -> list[Pair]:
    return [pair for pair in pairs if (pair.metric, pair.method) == measured]


def _parts(topic: _Topic, pairs: Sequence[Pair]) -> Iterator[str]:
    unknown = [pair for pair in pairs if pair.difference is None]
    equivalent = [pair for pair in pairs if pair.verdict == "equivalent"]
    open_ = [pair for pair in pairs if pair.verdict == "no difference shown" and pair not in unknown]
    same = [pair for pair in open_ if pair.difference == 0 and pair.smallest_detectable is None]
    for pair in pairs:
        if pair not in (*unknown, *equivalent, *open_):
            yield _shown(topic, pair)
    if equivalent:
        margin = topic.scale * (equivalent[0].margin or 0.0)
        yield f"shown to lie within {margin:g}{topic.unit} of each other: {_names(equivalent)}"
    if different := [pair for pair in open_ if pair not in same]:
        yield f"no difference shown between {_names(different)}, {_detectable(topic, different)}"
    if same:
        yield f"no difference at all, though none is ruled out by these texts, between {_names(same)}"
    if unknown:
        yield f"it could not be tested on these texts for {_names(unknown)}"


def _names(pairs: Sequence[Pair]) -> str:
    return ", ".join(f"{pair.a} and {pair.b}" for pair in pairs)


def _shown(topic: _Topic, pair: Pair) -> str:
    difference = pair.difference or 0.0
    between = ""
    if pair.low is not None and pair.high is not None:
        # In the direction of the sentence: an end beyond zero becomes negative.
        low, high = (pair.low, pair.high) if difference > 0 else (-pair.high, -pair.low)
        between = f" (95 % interval {topic.number(low)} to {topic.number(high)})"
    said = topic.above if difference > 0 else topic.below
    return f"{pair.a} {said} {pair.b} by {topic.number(abs(difference))}{topic.unit}{between}"


def _detectable(topic: _Topic, pairs: Sequence[Pair]) -> str:
    known = [pair.smallest_detectable for pair in pairs if pair.smallest_detectable is not None]
    if not known:
        return "and these texts are too few to say how large a difference would have been found"
    return f"where one of {topic.number(max(known))}{topic.unit} would have been found with a chance of 80 % or more"


def _advice(rows: Sequence[SummaryRow], pairs: Sequence[Pair]) -> Iterator[str]:
    """Which model to trust: the one with the most faithful explanation of itself, and what it costs."""
    faithful = [row for row in rows if (row.metric, row.method) == _FAITHFULNESS and row.value is not None]
    if not faithful:
        return
    best = max(faithful, key=lambda row: row.value or 0.0)
    above = _below(best.model, _about(pairs, _FAITHFULNESS))
    rest = [row.model for row in faithful if row.model != best.model and row.model not in above]
    interval = "" if best.low is None else f" (95 % interval {best.low:z.2f} to {best.high:z.2f})"
    found = [
        f"Most faithful in explaining itself, as measured here: {best.model}, at {best.value:z.2f}{interval} on a "
        "scale from 0, a random order of words, to 1, the best that a search found"
    ]
    if best.low is None or best.low <= 0:
        found.append("not shown to be above a random order")
    if above:
        found.append(f"shown to be above {', '.join(above)}")
    if rest:
        found.append(f"not shown to be above {', '.join(rest)}")
    yield f"{'; '.join(found)}.{_cost(best.model, rows, pairs)}"


def _cost(model: str, rows: Sequence[SummaryRow], pairs: Sequence[Pair]) -> str:
    """What its accuracy is, and whether another one's is shown to be higher."""
    found = {row.model: row.value for row in rows if row.metric == "accuracy" and row.value is not None}
    if model not in found:
        return ""
    own = f" Its accuracy is {found[model]:.3f}"
    above = _above(model, _about(pairs, _ACCURACY))
    if above:
        return f"{own}; shown to be more accurate: {', '.join(above)}."
    first = max(found, key=lambda name: found[name])
    if found[first] <= found[model]:
        return f"{own}, and none is higher."
    return f"{own}; the highest is {found[first]:.3f} ({first}), which these texts do not show to be higher."


def _below(model: str, pairs: Sequence[Pair]) -> list[str]:
    """The models that `model` was shown to be better than."""
    return [pair.b for pair in pairs if (pair.a, pair.verdict) == (model, "better")] + [
        pair.a for pair in pairs if (pair.b, pair.verdict) == (model, "worse")
    ]


def _above(model: str, pairs: Sequence[Pair]) -> list[str]:
    """The models that were shown to be better than `model`."""
    return [pair.b for pair in pairs if (pair.a, pair.verdict) == (model, "worse")] + [
        pair.a for pair in pairs if (pair.b, pair.verdict) == (model, "better")
    ]
