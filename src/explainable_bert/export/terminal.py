"""Explanations on a terminal: coloured words with their scores in brackets, readable without colour."""

from collections.abc import Iterator, Sequence

from rich.color import Color
from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.style import Style
from rich.text import Text

from explainable_bert.export.drawing.palette import HUES, tint
from explainable_bert.export.panels import Facts, Legend, Panel, Row, panels, row
from explainable_bert.export.strips import Direction, Piece
from explainable_bert.records import Explanation

_INK = (20, 24, 28)
# Fainter than this, a background would be a white box on a dark terminal that says nothing.
_FAINTEST = 0.08


def to_terminal(explanation: Explanation) -> RenderableType:
    """One explanation for a Rich console."""
    return Group(*_row_lines(row(explanation)))


def sheet_to_terminal(
    explanations: Sequence[Explanation], versus: Sequence[Explanation] | None = None
) -> RenderableType:
    """All texts for a Rich console, a rule before each if there are several; `versus` as for `render`."""
    shown = panels(explanations, versus)
    return Group(*(line for panel in shown for line in _panel_lines(panel, len(shown))))


def _panel_lines(panel: Panel, n_panels: int) -> Iterator[RenderableType]:
    if n_panels > 1:
        yield Rule(f"text {panel.number} of {n_panels}", style="dim")
    for index, shown in enumerate(panel.rows):
        if index:
            yield Text()
        yield from _row_lines(shown)


def _row_lines(shown: Row) -> Iterator[Text]:
    if shown.heading:
        yield Text(shown.heading, style="bold")
    if shown.facts is not None:
        yield _header(shown.facts)
    yield Text()
    for label, pieces in zip(shown.part_labels, shown.strip.parts, strict=True):
        if label:
            yield Text(label, style="dim")
        yield Text.assemble(*(part for piece in pieces for part in _piece(piece)))
    yield Text()
    yield _legend(shown.legend)
    yield from (Text(note) for note in shown.notes)


def _header(facts: Facts) -> Text:
    header = Text.assemble("predicted ", (facts.label, "bold"))
    if facts.probability is not None:
        header.append(f" {facts.probability:.1%}")
    for name, value in (("target", facts.target), ("design", facts.design), ("method", facts.method)):
        header.append(f" · {name} ", style="dim").append(value)
    return header


def _piece(piece: Piece) -> list[tuple[str, Style]]:
    if not piece.is_unit:
        return [(piece.text, Style(dim=piece.direction == "unread"))]
    return [(piece.text, _style(piece.direction, piece.intensity)), (f"({piece.label})", Style(dim=True))]


def _style(direction: Direction, intensity: float) -> Style:
    if direction not in HUES or intensity < _FAINTEST:
        return Style()
    return Style(color=Color.from_rgb(*_INK), bgcolor=Color.from_rgb(*tint(direction, intensity)))


def _legend(legend: Legend) -> Text:
    if legend.signed:
        text = Text.assemble(
            (" + ", _style("towards", 1.0)), f" {legend.high}  ", (" - ", _style("against", 1.0)), f" {legend.low}"
        )
    else:
        text = Text.assemble((" ", _style("unsigned", 1.0)), " how much, without a direction")
    return text.append(f"  ({legend.scale})", style="dim")
