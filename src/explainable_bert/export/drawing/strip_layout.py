"""A strip as marks: facts, the coloured words, its legend and notes below each other."""

import dataclasses

from explainable_bert.export.drawing.fonts import Typeface
from explainable_bert.export.drawing.marks import Block, Box, Mark, Raster, Stroke, Words, stacked
from explainable_bert.export.drawing.palette import EDGES, INK, LINE, MUTED, Colour, strip_ramp, tint
from explainable_bert.export.drawing.typesetting import Line, Placed, Setting, set_lines
from explainable_bert.export.panels import Row
from explainable_bert.export.strips import Piece

WIDTH = 504.0
HEADING_SIZE = 9.0
SMALL_SIZE = 7.5

_TEXT_SIZE = 10.5
_VALUE_SIZE = 6.0
_LEADING = 1.75
_VALUE_LEADING = 8.0
_BOX_RISE, _BOX_DROP = 1.0, 0.32
_PAD = 0.9
_UNDERLINE = 0.2
_RAMP_WIDTH, _RAMP_HEIGHT = 72.0, 6.5
_RAMP_STEPS = 64


def strip_block(row: Row, typeface: Typeface, *, values: bool) -> Block:
    """The row from its heading to its notes."""
    texts = [
        block
        for label, pieces in zip(row.part_labels, row.strip.parts, strict=True)
        for block in (paragraph(label, typeface), _text_block(pieces, typeface, values=values))
    ]
    foot = [_legend_block(row, typeface), *(paragraph(note, typeface) for note in row.notes)]
    return stacked([head_block(row, typeface), stacked(texts, gap=2.0), stacked(foot, gap=1.5)], gap=5.0)


def head_block(row: Row, typeface: Typeface) -> Block:
    """The row's name and what the model said."""
    facts = "" if row.facts is None else str(row.facts)
    name = paragraph(row.heading, typeface, HEADING_SIZE, INK, bold=True)
    return stacked([name, paragraph(facts, typeface, SMALL_SIZE + 0.5)], gap=1.5)


def paragraph(
    text: str, typeface: Typeface, size: float = SMALL_SIZE, colour: Colour = MUTED, *, bold: bool = False
) -> Block:
    """Plain text over the whole width; nothing for an empty text."""
    if not text:
        return Block(0.0)
    setting = Setting(WIDTH, lambda word: typeface.width(word, size, bold=bold), lambda _: 0.0)
    leading = size * 1.4
    lines = set_lines([Piece(text)], setting)
    marks = [
        Words(placed.x, size + index * leading, placed.atom.text, size, colour, bold)
        for index, line in enumerate(lines)
        for placed in line
        if not placed.atom.is_space
    ]
    return Block(leading * len(lines), tuple(marks))


def _text_block(pieces: tuple[Piece, ...], typeface: Typeface, *, values: bool) -> Block:
    setting = Setting(
        WIDTH,
        lambda word: typeface.width(word, _TEXT_SIZE),
        lambda value: typeface.width(value, _VALUE_SIZE),
        shows_values=values,
    )
    leading = _TEXT_SIZE * _LEADING + (_VALUE_LEADING if values else 0.0)
    lines = set_lines(pieces, setting)
    marks: list[Mark] = []
    for index, line in enumerate(lines):
        marks.extend(_line_marks(line, _TEXT_SIZE * 1.2 + index * leading, typeface))
    return Block(leading * len(lines), tuple(marks))


def _line_marks(line: Line, baseline: float, typeface: Typeface) -> list[Mark]:
    return [mark for placed in line for mark in _atom_marks(placed, baseline, typeface)]


def _atom_marks(placed: Placed, baseline: float, typeface: Typeface) -> list[Mark]:
    atom, piece = placed.atom, placed.atom.piece
    colour = MUTED if piece.direction == "unread" else INK
    natural = typeface.width(atom.text, _TEXT_SIZE)
    x = placed.x + (atom.width - natural) / 2
    words: list[Mark] = [] if atom.is_space else [Words(x, baseline, atom.text, _TEXT_SIZE, colour, title=piece.label)]
    if not piece.is_unit:
        return words
    height = (_BOX_RISE + _BOX_DROP) * _TEXT_SIZE
    top = baseline - _BOX_RISE * _TEXT_SIZE
    box = Box(x - _PAD, top, natural + 2 * _PAD, height, tint(piece.direction, piece.intensity), piece.label)
    return [box, *words, *_underline(piece, x, natural, baseline), *_value(placed, top + height, typeface)]


def _underline(piece: Piece, x: float, width: float, baseline: float) -> list[Mark]:
    if not piece.is_strong:
        return []
    return [
        Stroke(
            x, baseline + _UNDERLINE * _TEXT_SIZE, width, colour=EDGES[piece.direction],
            weight=0.9, dashed=piece.direction == "against",
        )
    ]  # fmt: skip


def _value(placed: Placed, top: float, typeface: Typeface) -> list[Mark]:
    shown = placed.atom.shown
    if not shown:
        return []
    x = placed.x + (placed.atom.width - typeface.width(shown, _VALUE_SIZE)) / 2
    return [Words(x, top + _VALUE_SIZE + 0.5, shown, _VALUE_SIZE, MUTED)]


def _legend_block(row: Row, typeface: Typeface) -> Block:
    """Both ends of the colours with a ramp between, and what full colour is: beside it if there is room, or below."""
    legend, gap = row.legend, 5.0
    room = (WIDTH - _RAMP_WIDTH - 2 * gap) / 2
    low, high = (typeface.elided(text, SMALL_SIZE, room) for text in (legend.low, legend.high))
    ramp_x = typeface.width(low, SMALL_SIZE) + gap
    high_x = ramp_x + _RAMP_WIDTH + gap
    marks: tuple[Mark, ...] = (
        Words(0.0, SMALL_SIZE, low, SMALL_SIZE, MUTED),
        Box(ramp_x - 0.5, 1.0, _RAMP_WIDTH + 1.0, _RAMP_HEIGHT + 1.0, LINE),
        Raster(ramp_x, 1.5, _RAMP_WIDTH, _RAMP_HEIGHT, strip_ramp(legend.signed, _RAMP_STEPS)),
        Words(high_x, SMALL_SIZE, high, SMALL_SIZE, MUTED),
    )
    ends = Block(SMALL_SIZE * 1.5, marks)
    note = f"{legend.scale}; lines mark scores from a quarter of that on" if row.strip.scale else legend.scale
    scale_x = high_x + typeface.width(high, SMALL_SIZE) + 3 * gap
    if scale_x + typeface.width(note, SMALL_SIZE) > WIDTH:
        return stacked([ends, paragraph(note, typeface)], gap=1.5)
    return dataclasses.replace(ends, marks=(*marks, Words(scale_x, SMALL_SIZE, note, SMALL_SIZE, MUTED)))
