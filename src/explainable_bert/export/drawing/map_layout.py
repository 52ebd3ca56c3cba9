"""Attention maps as marks: labels, the row of [CLS] set apart, the narrow column of special tokens, a colour bar."""

import dataclasses
import math

import numpy as np

from explainable_bert.export.drawing.fonts import Typeface
from explainable_bert.export.drawing.marks import Block, Box, Mark, Raster, Stroke, Words, moved, stacked
from explainable_bert.export.drawing.palette import INK, LINE, MUTED, diverging, sequential
from explainable_bert.export.drawing.strip_layout import SMALL_SIZE, WIDTH, paragraph
from explainable_bert.export.maps import CLS_LABEL, Grid

# With more units than that, three maps beside each other would have cells too small to see.
MOST_UNITS_BESIDE = 120

_LABEL_SIZE = 6.5
_LABEL_STEP = 7.0
_ROW_LABELS, _COLUMN_LABELS = 62.0, 58.0
_GAP = 18.0
_SPECIAL_GAP, _SPECIAL_WIDTH = 4.0, 9.0
_LARGEST_CELL, _LEAST_CLS_HEIGHT = 15.0, 7.0
_SIDE_ALONE = 400.0
_CLS_GAP = 3.0
_BAR_WIDTH, _BAR_HEIGHT, _BAR_STEPS = 90.0, 6.0, 128
# Viewers that smooth enlarged pixels do so over the edge of a cell only, if a cell has many.
_LEAST_PIXELS = 1024


@dataclasses.dataclass(frozen=True)
class _Frame:
    """Where things are: the sizes of a cell, of the row of [CLS] and of the labels, and where the cells begin."""

    cell: float
    cls_height: float
    left: float
    top: float
    n_units: int

    @property
    def side(self) -> float:
        return self.cell * self.n_units

    @property
    def body_top(self) -> float:
        return self.top + self.cls_height + _CLS_GAP

    @property
    def special_x(self) -> float:
        return self.left + self.side + _SPECIAL_GAP


def maps_block(grids: tuple[Grid, ...], caption: str, typeface: Typeface) -> Block:
    """The maps beside each other, or below each other where they have too many units, and their caption."""
    if not grids:
        return Block(0.0)
    n_units = max(len(grid.labels) for grid in grids)
    n_beside = len(grids) if n_units <= MOST_UNITS_BESIDE else 1
    rows = [grids[start : start + n_beside] for start in range(0, len(grids), n_beside)]
    blocks = [_beside(row, typeface) for row in rows]
    return stacked([*blocks, paragraph(caption, typeface)], gap=10.0)


def _beside(grids: tuple[Grid, ...], typeface: Typeface) -> Block:
    """Maps of the same units share the labels of the rows."""
    n_units = max(len(grid.labels) for grid in grids)
    fixed = _ROW_LABELS + (len(grids) - 1) * _GAP + len(grids) * (_SPECIAL_GAP + _SPECIAL_WIDTH)
    side = min((WIDTH - fixed) / len(grids), _SIDE_ALONE)
    cell = min(side / n_units, _LARGEST_CELL)
    across, marks, height = 0.0, list[Mark](), 0.0
    for index, grid in enumerate(grids):
        has_row_labels = index == 0 or grid.labels != grids[index - 1].labels
        block = _map_block(grid, cell, side, typeface, has_row_labels=has_row_labels)
        marks.extend(moved(block.marks, across))
        height = max(height, block.height)
        across += (_ROW_LABELS if index == 0 else 0.0) + side + _SPECIAL_GAP + _SPECIAL_WIDTH + _GAP
    return Block(height, tuple(marks))


def _map_block(grid: Grid, cell: float, room: float, typeface: Typeface, *, has_row_labels: bool) -> Block:
    column_labels = [typeface.elided(label, _LABEL_SIZE, _COLUMN_LABELS) for label in (*grid.labels, "special")]
    heading_height = SMALL_SIZE * 1.6
    frame = _Frame(
        cell,
        max(cell, _LEAST_CLS_HEIGHT),
        _ROW_LABELS if has_row_labels else 0.0,
        heading_height + max(typeface.width(label, _LABEL_SIZE) for label in column_labels) + 4.0,
        len(grid.labels),
    )
    bar_top = frame.body_top + frame.side + 7.0
    heading = typeface.elided(
        grid.heading, SMALL_SIZE, max(room, frame.side) + _SPECIAL_GAP + _SPECIAL_WIDTH, bold=True
    )
    marks = (
        Words(frame.left, SMALL_SIZE, heading, SMALL_SIZE, INK, bold=True),
        *_column_label_marks(column_labels, frame),
        *(_row_label_marks(grid, frame, typeface) if has_row_labels else ()),
        *_cell_marks(grid, frame),
        *moved(_bar_marks(grid, typeface), frame.left, bar_top),
    )
    return Block(bar_top + _BAR_HEIGHT + _LABEL_SIZE * 1.6, marks)


def _column_label_marks(labels: list[str], frame: _Frame) -> list[Mark]:
    *units, special = labels
    centres = [(frame.left + (index + 0.5) * frame.cell, units[index]) for index in _labelled(frame)]
    centres.append((frame.special_x + _SPECIAL_WIDTH / 2, special))
    return [
        Words(x + 0.36 * _LABEL_SIZE, frame.top - 3.0, text, _LABEL_SIZE, MUTED, turned=True) for x, text in centres
    ]


def _row_label_marks(grid: Grid, frame: _Frame, typeface: Typeface) -> list[Mark]:
    middles = [(frame.top + frame.cls_height / 2, CLS_LABEL, INK)]
    middles += [(frame.body_top + (index + 0.5) * frame.cell, grid.labels[index], MUTED) for index in _labelled(frame)]
    marks: list[Mark] = []
    for y, label, colour in middles:
        text = typeface.elided(label, _LABEL_SIZE, _ROW_LABELS - 4.0)
        x = frame.left - 4.0 - typeface.width(text, _LABEL_SIZE)
        marks.append(Words(x, y + 0.36 * _LABEL_SIZE, text, _LABEL_SIZE, colour))
    return marks


def _labelled(frame: _Frame) -> range:
    """Which units are labelled: as many as do not touch each other."""
    return range(0, frame.n_units, max(1, math.ceil(_LABEL_STEP / frame.cell)))


def _cell_marks(grid: Grid, frame: _Frame) -> list[Mark]:
    weights = _coloured(grid, grid.weights, grid.limit)
    special = _coloured(grid, grid.special[:, None], 1.0)
    marks: list[Mark] = []
    for x, width, pixels in ((frame.left, frame.side, weights), (frame.special_x, _SPECIAL_WIDTH, special)):
        for y, height, part in (
            (frame.top, frame.cls_height, pixels[:1]),
            (frame.body_top, frame.side, pixels[1:]),
        ):
            marks.append(Box(x - 0.5, y - 0.5, width + 1.0, height + 1.0, LINE))
            marks.append(Raster(x, y, width, height, _enlarged(part)))
    middle = frame.top + frame.cls_height + _CLS_GAP / 2
    marks.append(Stroke(frame.left, middle, frame.special_x + _SPECIAL_WIDTH - frame.left, colour=MUTED, weight=0.5))
    return marks


def _coloured(grid: Grid, values: np.ndarray, limit: float) -> np.ndarray:
    fractions = np.nan_to_num(values / limit if limit > 0 else np.zeros_like(values), posinf=0.0, neginf=0.0)
    return diverging(fractions) if grid.is_difference else sequential(fractions)


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    for axis in (0, 1):
        pixels = np.repeat(pixels, max(1, _LEAST_PIXELS // max(1, max(pixels.shape[:2]))), axis=axis)
    return pixels


def _bar_marks(grid: Grid, typeface: Typeface) -> list[Mark]:
    """The colour bar with its ends, and zero in the middle of a difference."""
    low = -1.0 if grid.is_difference else 0.0
    steps = np.linspace(low, 1.0, _BAR_STEPS)[None]
    pixels = diverging(steps) if grid.is_difference else sequential(steps)
    ends = [(1.0, f"{grid.limit:.3g}")]
    ends += [(0.0, f"-{grid.limit:.3g}"), (0.5, "0")] if grid.is_difference else [(0.0, "0")]
    marks: list[Mark] = [
        Box(-0.5, -0.5, _BAR_WIDTH + 1.0, _BAR_HEIGHT + 1.0, LINE),
        Raster(0.0, 0.0, _BAR_WIDTH, _BAR_HEIGHT, pixels),
    ]
    for place, label in ends:
        x = place * (_BAR_WIDTH - typeface.width(label, _LABEL_SIZE))
        marks.append(Words(x, _BAR_HEIGHT + _LABEL_SIZE + 2.0, label, _LABEL_SIZE, MUTED))
    return marks
