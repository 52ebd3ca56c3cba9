"""What a drawn sheet is made of: words, boxes, strokes and rasters at places in points, from the top left."""

import dataclasses
from collections.abc import Iterable, Sequence

import numpy as np

from explainable_bert.export.drawing.palette import INK, LINE, Colour


@dataclasses.dataclass(frozen=True)
class Words:
    """Text on a baseline that starts at (x, y), or runs upward from there if `turned`; `title` is shown on hover."""

    x: float
    y: float
    text: str
    size: float
    colour: Colour = INK
    bold: bool = False
    turned: bool = False
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Box:
    """A filled rectangle whose top left corner is (x, y)."""

    x: float
    y: float
    width: float
    height: float
    colour: Colour
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Stroke:
    """A line from (x, y), `across` to the right and `down`."""

    x: float
    y: float
    across: float = 0.0
    down: float = 0.0
    colour: Colour = LINE
    weight: float = 0.75
    dashed: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Raster:
    """Pixels of red, green and blue stretched over a rectangle whose top left corner is (x, y)."""

    x: float
    y: float
    width: float
    height: float
    pixels: np.ndarray


Mark = Words | Box | Stroke | Raster


@dataclasses.dataclass(frozen=True)
class Block:
    """Marks that stay together, placed from the block's own top left."""

    height: float
    marks: tuple[Mark, ...] = ()


def moved(marks: Iterable[Mark], across: float = 0.0, down: float = 0.0) -> tuple[Mark, ...]:
    """The marks at another place."""
    return tuple(dataclasses.replace(mark, x=mark.x + across, y=mark.y + down) for mark in marks)


def stacked(blocks: Sequence[Block], gap: float = 0.0) -> Block:
    """The blocks below each other, those without a height left out."""
    marks: list[Mark] = []
    height = 0.0
    for block in blocks:
        if block.height == 0:
            continue
        height += gap if height else 0.0
        marks.extend(moved(block.marks, down=height))
        height += block.height
    return Block(height, tuple(marks))
