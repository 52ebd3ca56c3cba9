"""What a picture shows of each text, whatever its format: strips with facts, legends and notes, and maps."""

import dataclasses
from collections.abc import Iterator, Sequence

from explainable_bert.export import maps
from explainable_bert.export.comparison import Comparison, check_comparable, compare, names
from explainable_bert.export.maps import Grid
from explainable_bert.export.strips import Strip, cut, format_score, notes, one_line, scale_note
from explainable_bert.records import Explanation, Provenance

PART_LABELS = ("first text", "second text")
Pair = tuple[Explanation, Explanation | None]


@dataclasses.dataclass(frozen=True)
class Facts:
    """What is said above a strip; `probability` is the prediction's, in [0, 1], where it is known."""

    label: str
    probability: float | None
    target: str
    design: str
    method: str

    def __str__(self) -> str:
        chance = "" if self.probability is None else f" {self.probability:.1%}"
        return f"predicted {self.label}{chance} · target {self.target} · design {self.design} · method {self.method}"


@dataclasses.dataclass(frozen=True)
class Legend:
    """What the two ends of the strip's colours mean, and what full colour stands for."""

    low: str
    high: str
    scale: str
    signed: bool


@dataclasses.dataclass(frozen=True)
class Row:
    """One strip with its words; `level` names its units."""

    strip: Strip
    legend: Legend
    level: str
    facts: Facts | None = None
    heading: str = ""
    notes: tuple[str, ...] = ()

    @property
    def part_labels(self) -> tuple[str, ...]:
        """A heading for each text of a pair; empty for a text alone."""
        return PART_LABELS if len(self.strip.parts) > 1 else ("",)


@dataclasses.dataclass(frozen=True)
class Panel:
    """All that is shown of one text; `number` counts the texts from 1, `caption` belongs to the grids."""

    number: int
    rows: tuple[Row, ...]
    grids: tuple[Grid, ...] = ()
    caption: str = ""


def panels(explanations: Sequence[Explanation], versus: Sequence[Explanation] | None = None) -> tuple[Panel, ...]:
    """One panel per text: a strip per explanation, or three per pair of models; raises as check_comparable."""
    groups = grouped(explanations, versus)
    return tuple(_panel(number, group) for number, group in enumerate(groups, start=1))


def grouped(explanations: Sequence[Explanation], versus: Sequence[Explanation] | None = None) -> list[list[Pair]]:
    """Explanations of the same text that follow each other belong together, unless one says what another said."""
    if versus is not None:
        check_comparable(explanations, versus)
    others = [None] * len(explanations) if versus is None else versus
    groups: list[list[Pair]] = []
    for pair in zip(explanations, others, strict=True):
        if groups and _belongs(pair, groups[-1]):
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return groups


def row(explanation: Explanation, heading: str = "") -> Row:
    """The strip of one explanation with its raw scores."""
    strip = cut(explanation)
    return Row(
        strip, _legend(explanation, scale_note(strip)), explanation.attribution.level, facts(explanation), heading,
        notes(explanation),
    )  # fmt: skip


def facts(explanation: Explanation) -> Facts:
    """Prediction, target, design and method."""
    prediction = explanation.prediction
    return Facts(
        one_line(prediction.label),
        prediction.probabilities.get(prediction.label),
        one_line(explanation.target),
        one_line(explanation.provenance.design),
        one_line(explanation.attribution.method),
    )


def description(shown: Sequence[Panel]) -> str:
    """All words of the panels as plain text, for readers who do not see the picture."""
    return "\n".join(line for panel in shown for line in _panel_lines(panel, len(shown)))


def _belongs(pair: Pair, group: list[Pair]) -> bool:
    first = group[0][0]
    if (pair[0].text, pair[0].text_pair) != (first.text, first.text_pair):
        return False
    return _identity(pair) not in [_identity(other) for other in group]


def _identity(pair: Pair) -> list[object]:
    return [
        (item.provenance, item.target, item.attribution.method, item.attribution.level)
        for item in pair
        if item is not None
    ]


def _panel(number: int, group: list[Pair]) -> Panel:
    rows = tuple(found for pair in group for found in _rows(pair))
    grids = _distinct_grids(group) or next((found for pair in group if (found := _compared_grids(pair))), ())
    return Panel(number, rows, grids, maps.caption(grids))


def _rows(pair: Pair) -> tuple[Row, ...]:
    base, versus = pair
    return (row(base),) if versus is None else _compared_rows(base, versus)


def _compared_rows(base: Explanation, versus: Explanation) -> tuple[Row, ...]:
    base_name, versus_name = names(base, versus)
    if base.attribution.signed != versus.attribution.signed:
        # Shares of both could have no direction: each shows its own scores, and keeps what direction it has.
        return row(base, base_name), row(versus, versus_name), difference_row(base, versus)
    comparison = compare(base, versus)
    scale = _shared_scale_note(comparison)
    level = base.attribution.level
    first, second = (
        Row(
            cut(shown, comparison.scale), _legend(shown, scale), level, facts(explanation), name, notes(explanation)
        )
        for shown, explanation, name in (
            (comparison.base, base, base_name),
            (comparison.versus, versus, versus_name),
        )
    )  # fmt: skip
    return first, second, _difference_row(comparison, (base_name, versus_name), comparison.scale, scale)


def difference_row(base: Explanation, versus: Explanation) -> Row:
    """What one model has more of than the other, by a scale of its own."""
    comparison = compare(base, versus)
    return _difference_row(comparison, names(base, versus), None, "")


def _difference_row(comparison: Comparison, named: tuple[str, str], scale: float | None, told: str) -> Row:
    strip = cut(comparison.difference, scale)
    legend = Legend(f"more in {named[0]}", f"more in {named[1]}", told or scale_note(strip), signed=True)
    note = (
        f"shares keep their sign: more is more towards {one_line(comparison.base.target)}"
        if comparison.base.attribution.signed
        else "absolute shares of the text's total are compared: how much, not in which direction"
    )
    heading = f"difference: {named[1]} minus {named[0]}"
    return Row(strip, legend, comparison.base.attribution.level, None, heading, (note,))


def _shared_scale_note(comparison: Comparison) -> str:
    if comparison.scale == 0:
        return "no score differs from zero on this text"
    scale = format_score(comparison.scale, comparison.scale, signed=False)
    return f"full colour = {scale} of the text's total |score|, in all three rows"


def _legend(explanation: Explanation, scale: str) -> Legend:
    if explanation.attribution.signed:
        target = one_line(explanation.target)
        return Legend(f"against {target}", f"towards {target}", scale, signed=True)
    return Legend("less", "more", scale, signed=False)


def _compared_grids(pair: Pair) -> tuple[Grid, ...]:
    base, versus = pair
    if versus is None:
        return ()
    base_name, versus_name = names(base, versus)
    one, other = maps.grid(base, base_name), maps.grid(versus, versus_name)
    return () if one is None or other is None else maps.compared(one, other)


def _distinct_grids(group: list[Pair]) -> tuple[Grid, ...]:
    """Without a second model, one map per model: its methods look at the same attention."""
    bearers: dict[Provenance, Explanation] = {}
    for item, versus in group:
        if versus is None and item.attention_map is not None:
            bearers.setdefault(item.provenance, item)
    found = (maps.grid(item, one_line(item.provenance.design)) for item in bearers.values())
    return tuple(item for item in found if item is not None)


def _panel_lines(panel: Panel, n_panels: int) -> Iterator[str]:
    if n_panels > 1:
        yield f"Text {panel.number} of {n_panels}"
    for index, shown in enumerate(panel.rows):
        yield from filter(None, (shown.heading, str(shown.facts or "")))
        if index == 0:
            yield from ("".join(piece.text for piece in pieces) for pieces in shown.strip.parts)
        scored = (piece for pieces in shown.strip.parts for piece in pieces if piece.is_unit)
        yield "; ".join(f"{' '.join(piece.text.split())} {piece.label}" for piece in scored)
        yield f"{shown.legend.low} to {shown.legend.high}; {shown.legend.scale}"
        yield from shown.notes
    if panel.caption:
        yield panel.caption
        yield from (f"{item.heading}: full colour = {item.limit:.3g}" for item in panel.grids)
