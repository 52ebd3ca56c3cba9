"""Panels on sheets: one sheet as high as it needs to be, or pages."""

import dataclasses
from collections.abc import Sequence

from explainable_bert.export.drawing.fonts import BOX_NOTE, Typeface
from explainable_bert.export.drawing.map_layout import maps_block
from explainable_bert.export.drawing.marks import Block, Mark, Stroke, moved, stacked
from explainable_bert.export.drawing.palette import INK
from explainable_bert.export.drawing.strip_layout import HEADING_SIZE, SMALL_SIZE, WIDTH, paragraph, strip_block
from explainable_bert.export.origins import Origin
from explainable_bert.export.panels import Panel, description

PAGE_WIDTH, PAGE_HEIGHT = 595.0, 842.0

_MARGIN = (PAGE_WIDTH - WIDTH) / 2
_ROW_GAP, _PANEL_GAP, _FOOT_GAP = 16.0, 26.0, 18.0
_FOOT_SIZE = SMALL_SIZE - 1.0


@dataclasses.dataclass(frozen=True)
class Sheet:
    """Marks on a white ground, in points, with the words for readers who do not see them and for machines."""

    width: float
    height: float
    marks: tuple[Mark, ...]
    typeface: Typeface
    title: str
    description: str
    metadata: str


def one_sheet(panels: Sequence[Panel], origin: Origin, *, values: bool) -> Sheet:
    """All panels below each other."""
    typeface = _typeface(panels, origin)
    blocks = [_panel_block(panel, len(panels), typeface, values=values) for panel in panels]
    return _sheet(blocks, _foot(origin, typeface), _blank(panels, origin, typeface))


def pages(panels: Sequence[Panel], origin: Origin, *, values: bool) -> list[Sheet]:
    """As many panels on each page as fit; a page grows if one panel needs more."""
    typeface = _typeface(panels, origin)
    foot = _foot(origin, typeface)
    room = PAGE_HEIGHT - 2 * _MARGIN - _FOOT_GAP - foot.height
    groups: list[list[Block]] = []
    for panel in panels:
        block = _panel_block(panel, len(panels), typeface, values=values)
        if groups and stacked([*groups[-1], block], _PANEL_GAP).height <= room:
            groups[-1].append(block)
        else:
            groups.append([block])
    blank = _blank(panels, origin, typeface)
    return [_sheet(group, foot, blank, PAGE_HEIGHT) for group in groups]


def map_sheet(panel: Panel) -> Sheet:
    """The maps of one panel alone, without a margin or foot, as a part of something else."""
    typeface = _typeface([panel], Origin((), ""))
    block = maps_block(panel.grids, "", typeface)
    return Sheet(WIDTH, block.height, block.marks, typeface, "Attention maps", panel.caption, "")


def _typeface(panels: Sequence[Panel], origin: Origin) -> Typeface:
    labels = "".join(label for panel in panels for grid in panel.grids for label in grid.labels)
    return Typeface(set("".join((description(panels), labels, *origin.footers))))


def _blank(panels: Sequence[Panel], origin: Origin, typeface: Typeface) -> Sheet:
    words = "\n".join((description(panels), *origin.footers))
    return Sheet(PAGE_WIDTH, 0.0, (), typeface, "Word explanations", words, origin.metadata)


def _sheet(blocks: Sequence[Block], foot: Block, blank: Sheet, least_height: float = 0.0) -> Sheet:
    body = stacked(blocks, _PANEL_GAP)
    height = max(least_height, 2 * _MARGIN + body.height + _FOOT_GAP + foot.height)
    marks = (
        *moved(body.marks, _MARGIN, _MARGIN),
        *moved(foot.marks, _MARGIN, height - _MARGIN - foot.height),
    )
    return dataclasses.replace(blank, height=height, marks=marks)


def _panel_block(panel: Panel, n_panels: int, typeface: Typeface, *, values: bool) -> Block:
    heading = f"Text {panel.number} of {n_panels}" if n_panels > 1 else ""
    rows = stacked([strip_block(row, typeface, values=values) for row in panel.rows], _ROW_GAP)
    maps = maps_block(panel.grids, panel.caption, typeface)
    body = stacked([rows, maps], _ROW_GAP)
    if not heading:
        return body
    return stacked([paragraph(heading, typeface, HEADING_SIZE + 1.5, INK, bold=True), _rule(), body], 4.0)


def _rule() -> Block:
    return Block(2.0, (Stroke(0.0, 0.0, WIDTH),))


def _foot(origin: Origin, typeface: Typeface) -> Block:
    lines = (*origin.footers, *([BOX_NOTE] if typeface.has_boxes else []))
    return stacked([_rule(), *(paragraph(line, typeface, _FOOT_SIZE) for line in lines)], 1.5)
