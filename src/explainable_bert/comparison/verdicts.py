"""The outcome of a comparison in plain sentences, generated from its tests."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from explainable_bert.results import Pair, SummaryRow

Number = Callable[[float], str]


@dataclass(frozen=True)
class _Topic:
    """A metric worth a sentence: how it is called, how its differences are written."""

    metric: str
    method: str | None
    title: str
    better: str
    worse: str
    number: Number


def _points(value: float) -> str:
    return f"{100 * value:.1f} points"


def _plain(value: float) -> str:
    return f"{value:.2f}"


_TOPICS = (
    _Topic("accuracy", None, "Accuracy", "is more accurate than", "is less accurate than", _points),
    _Topic(
        "range-normalised-comprehensiveness",
        "built-in",
        "Faithfulness of a model's own explanation",
        "explains itself more faithfully than",
        "explains itself less faithfully than",
        _plain,
    ),
    _Topic(
        "effective-words",
        "built-in",
        "Sharpness",
        "spreads over more words than",
        "spreads over fewer words than",
        _plain,
    ),
    _Topic(
        "token-f1",
        "built-in",
        "Agreement with people",
        "agrees more with people than",
        "agrees less with people than",
        _plain,
    ),
)
_RISES = ("better", "higher")


def verdicts(rows: Sequence[SummaryRow], pairs: Sequence[Pair]) -> Iterator[str]:
    """What was shown, what was not, and how large a difference would have been found; the most important first."""
    yield from _advice(rows, pairs)
    for topic in _TOPICS:
        about = [pair for pair in pairs if (pair.metric, pair.method) == (topic.metric, topic.method)]
        if about:
            yield _sentence(topic, about)
    yield (
        "None of this says that the explanation of a single text is right: these are means over texts, and each "
        "picture is to be read with its own notes."
    )


def _sentence(topic: _Topic, pairs: Sequence[Pair]) -> str:
    parts = [_shown(topic, pair) for pair in pairs if pair.verdict not in ("no difference shown", "equivalent")]
    equal = [f"{pair.a} and {pair.b}" for pair in pairs if pair.verdict == "equivalent"]
    if equal:
        parts.append(f"shown to lie within {topic.number(pairs[0].margin or 0)} of each other: {', '.join(equal)}")
    open_ = [pair for pair in pairs if pair.verdict == "no difference shown"]
    if open_:
        parts.append(_not_shown(topic, open_))
    return f"{topic.title}: {'; '.join(parts)}."


def _shown(topic: _Topic, pair: Pair) -> str:
    rises = (pair.difference or 0) > 0
    is_better = pair.verdict == "better" if pair.verdict in ("better", "worse") else rises
    size = topic.number(abs(pair.difference or 0))
    ends = sorted(abs(end) for end in (pair.low, pair.high) if end is not None)
    between = f" (95 %: {' to '.join(topic.number(end) for end in ends)})" if len(ends) == 2 else ""
    return f"{pair.a} {topic.better if is_better else topic.worse} {pair.b} by {size}{between}"


def _not_shown(topic: _Topic, pairs: Sequence[Pair]) -> str:
    names = ", ".join(f"{pair.a} and {pair.b}" for pair in pairs)
    known = [pair.smallest_detectable for pair in pairs if pair.smallest_detectable is not None]
    if not known:
        return f"no difference shown between {names}, and none could have been: too few texts define it"
    return (
        f"no difference shown between {names}; these texts would have shown differences of "
        f"{topic.number(max(known))} or more"
    )


def _advice(rows: Sequence[SummaryRow], pairs: Sequence[Pair]) -> Iterator[str]:
    """Which model to trust: the one with the most faithful explanation of itself, and what it costs."""
    faithful = [
        row
        for row in rows
        if (row.metric, row.method) == ("range-normalised-comprehensiveness", "built-in") and row.value is not None
    ]
    if not faithful:
        return
    best = max(faithful, key=lambda row: row.value or 0.0)
    beaten = _beaten(best.model, pairs, "range-normalised-comprehensiveness", "built-in")
    rest = [row.model for row in faithful if row.model != best.model and row.model not in beaten]
    interval = "" if best.low is None else f" (95 %: {best.low:.2f} to {best.high:.2f})"
    text = (
        f"Most faithful in explaining itself, as measured here: {best.model}, at {best.value:.2f}{interval} on a scale "
        "from 0, a random order of words, to 1, the best that a search found"
    )
    text += f"; shown to be above {', '.join(beaten)}" if beaten else "; not shown to be above any other"
    text += f", not shown to be above {', '.join(rest)}" if beaten and rest else ""
    more_accurate = _losing_to(best.model, pairs)
    cost = (
        f"Shown to be more accurate: {', '.join(more_accurate)}"
        if more_accurate
        else "No model is shown to be more accurate"
    )
    yield f"{text}. {cost}."


def _beaten(model: str, pairs: Sequence[Pair], metric: str, method: str | None) -> list[str]:
    about = [pair for pair in pairs if (pair.metric, pair.method) == (metric, method)]
    above = [pair.b for pair in about if pair.a == model and pair.verdict == "better"]
    return above + [pair.a for pair in about if pair.b == model and pair.verdict == "worse"]


def _losing_to(model: str, pairs: Sequence[Pair]) -> list[str]:
    about = [pair for pair in pairs if pair.metric == "accuracy"]
    worse = [pair.b for pair in about if pair.a == model and pair.verdict == "worse"]
    return worse + [pair.a for pair in about if pair.b == model and pair.verdict == "better"]
