"""Paired differences as tables: a table per pair of models, and all verdicts at a glance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explainable_bert.export.axes import Axis, Whisker, around_zero, whisker
from explainable_bert.export.definitions import Definition
from explainable_bert.export.numerals import alike, interval, number, p_value, texts
from explainable_bert.results import Pair

_SIGNS: Mapping[str, str] = {
    "better": "▲",
    "worse": "▼",
    "equivalent": "=",
    "no difference shown": "○",
    "higher": "↑",
    "lower": "↓",
}
_TONES: Mapping[str, str] = {"better": "good", "worse": "bad"}


@dataclass(frozen=True)
class Verdict:
    """A verdict with a `sign` and a `tone`, so that it is told by word, shape and colour."""

    word: str
    sign: str
    tone: str


@dataclass(frozen=True)
class Difference:
    """One paired difference in words, and its place on a line with zero in the middle.

    `margin` is where the band of differences that count as none begins and how wide it is; None without one.
    """

    anchor: str
    definition: Definition
    method: str
    text: str
    interval: str
    whisker: Whisker | None
    margin: tuple[float, float] | None
    p: str
    remarks: tuple[str, ...]
    verdict: Verdict
    detectable: str
    count: str
    title: str


@dataclass(frozen=True)
class PairTable:
    """All differences between two models."""

    anchor: str
    a: str
    b: str
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class GlanceLine:
    """What was found for one metric and method in each pair, in the order of the tables; None where not compared."""

    definition: Definition
    method: str
    differences: tuple[Difference | None, ...]


_Measured = tuple[str, str]


def pair_tables(pairs: Sequence[Pair], defined: Mapping[str, Definition]) -> tuple[PairTable, ...]:
    """A table per pair in order of appearance; a metric's line has the same length in all of them."""
    axes = _axes(pairs)
    groups: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        groups.setdefault((pair.a, pair.b), []).append(pair)
    return tuple(
        PairTable(
            f"pair-{number}",
            a,
            b,
            tuple(
                _difference(f"pair-{number}-{place}", pair, defined[pair.metric], axes[_measured(pair)])
                for place, pair in enumerate(found, start=1)
            ),
        )
        for number, ((a, b), found) in enumerate(groups.items(), start=1)
    )


def glance(tables: Sequence[PairTable]) -> tuple[GlanceLine, ...]:
    """The same differences by metric and method."""
    found = [{(item.definition.metric.name, item.method): item for item in table.differences} for table in tables]
    keys = dict.fromkeys(key for differences in found for key in differences)
    lines = []
    for key in keys:
        cells = tuple(differences.get(key) for differences in found)
        first = next(cell for cell in cells if cell is not None)
        lines.append(GlanceLine(first.definition, first.method, cells))
    return tuple(lines)


def _measured(pair: Pair) -> _Measured:
    return pair.metric, pair.method or ""


def _axes(pairs: Sequence[Pair]) -> dict[_Measured, Axis]:
    ends: dict[_Measured, list[float | None]] = {}
    for pair in pairs:
        ends.setdefault(_measured(pair), []).extend((pair.low, pair.difference, pair.high, pair.margin))
    return {measured: around_zero(found) for measured, found in ends.items()}


def _difference(anchor: str, pair: Pair, definition: Definition, axis: Axis) -> Difference:
    return Difference(
        anchor,
        definition,
        pair.method or "",
        alike(pair.difference, pair.low, pair.high)[0],
        interval(pair.low, pair.high, pair.difference),
        whisker(axis, pair.low, pair.difference, pair.high),
        _band(axis, pair.margin),
        p_value(pair.p_holm),
        tuple(_remarks(pair)),
        Verdict(pair.verdict, _SIGNS.get(pair.verdict, ""), _TONES.get(pair.verdict, "plain")),
        "not stated" if pair.smallest_detectable is None else number(pair.smallest_detectable),
        f"n = {pair.n:,}",
        f"{definition.sentence} {_title(pair)}",
    )


def _band(axis: Axis, margin: float | None) -> tuple[float, float] | None:
    if margin is None:
        return None
    start, end = axis.place(-margin), axis.place(margin)
    return start, end - start


def _remarks(pair: Pair) -> list[str]:
    """Which test, and what the test of equivalence said."""
    remarks = [pair.test] if pair.test else []
    if pair.p_equivalence is not None and pair.margin is not None:
        remarks.append(f"within ±{number(pair.margin)}: p\u00a0{_related(pair.p_equivalence)}")
    return remarks


def _related(p: float) -> str:
    printed = p_value(p)
    return printed if printed.startswith("<") else f"=\u00a0{printed}"


def _title(pair: Pair) -> str:
    difference = alike(pair.difference, pair.low, pair.high)[0]
    shown = interval(pair.low, pair.high, pair.difference)
    ends = f" (95 % interval {shown})" if shown else ""
    p = "" if pair.p_value is None else f"; p {_related(pair.p_value)} before Holm's correction"
    of = f" of {pair.method}" if pair.method else ""
    return f"{pair.a} minus {pair.b}{of}: {difference}{ends}{p}; over {texts(pair.n)}."
