"""The final block of stock BERT and of the designs, side by side: `python -m drawings.architecture` (`make diagram`).

Writes docs/architecture.svg. What the columns hold is written here once; boxes are placed from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup, escape

from explainable_bert.writing import write_text

OUTPUT = Path(__file__).parent.parent / "docs" / "architecture.svg"

_BOX_HEIGHT, _GAP, _WIDTH, _MARGIN = 46, 20, 284, 24
_TOP, _LINE = 74, 16


@dataclass(frozen=True)
class Box:
    """A step: its lines of text, and whether it is `stock`, `changed` or the `picture` that people see."""

    lines: tuple[str, ...]
    kind: str = "stock"
    n_parts: int = 1


@dataclass(frozen=True)
class Column:
    """A design: its name, what it is, its steps from the last to the first, and what enters the first."""

    name: str
    says: str
    boxes: tuple[Box, ...]
    enters: str


_AFTER = (
    Box(("classifier",)),
    Box(("pooler, tanh",)),
    Box(("feed-forward, add and norm",)),
    Box(("add and norm",)),
)
COLUMNS = (
    Column(
        "Stock BERT",
        "12 maps, and much after them",
        (*_AFTER, Box(("12 heads, each a twelfth wide", "for every position"), n_parts=12)),
        "queries, keys and values: last states",
    ),
    Column(
        "single-head",
        "one map, and as much after it",
        (*_AFTER, Box(("1 head of full width, same weights", "for [CLS] alone"), "changed")),
        "[CLS] query; keys and values: last states",
    ),
    Column(
        "explainable",
        "nothing after the sum",
        (
            Box(("logit = bias + sum of contributions",), "changed"),
            Box(
                ("contribution of each word to each label", "attention · classifier · output · value"),
                "picture",
            ),
            Box(("1 head of full width, same weights", "for [CLS] alone; words only"), "changed"),
        ),
        "query, keys: last states; values: block k",
    ),
)
SHARED = "word pieces, embeddings and blocks 1 to L-1: as in the pretrained checkpoint"

_STYLE = """
text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1a1a1a; text-anchor: middle }
.name { font-size: 17px; font-weight: 600 }
.says { fill: #555 }
.box { stroke: #666; fill: #f2f2f2 }
.changed { fill: #cfe6f5; stroke: #0072b2; stroke-width: 1.5 }
.picture { fill: #ffe3c2; stroke: #d55e00; stroke-width: 1.5 }
.part { stroke: #999; fill: none }
.line, .arrow { stroke: #666; fill: none }
.arrow { marker-end: url(#head) }
.head { fill: #666 }
@media (prefers-color-scheme: dark) {
  text { fill: #eee } .says { fill: #aaa }
  .box { fill: #2a2a2a; stroke: #999 } .changed { fill: #123a52; stroke: #56b4e9 }
  .picture { fill: #50300f; stroke: #e69f00 } .part { stroke: #777 } .line, .arrow { stroke: #999 } .head { fill: #999 }
}
"""


def drawing() -> str:
    """The picture as SVG: legible in print, in the dark, and without colours."""
    deepest = max(len(column.boxes) for column in COLUMNS)
    bottom = _TOP + deepest * (_BOX_HEIGHT + _GAP) + 2 * _GAP
    width = len(COLUMNS) * (_WIDTH + _MARGIN) + _MARGIN
    height = bottom + _BOX_HEIGHT + 2 * _LINE
    marks = [mark for index, column in enumerate(COLUMNS) for mark in _column(column, index, bottom)]
    shared = _box(Box((SHARED,)), _MARGIN, bottom, width - 2 * _MARGIN)
    title = "The final block of stock BERT, of single-head and of explainable"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">\n<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n'
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0 8 4 0 8z"/></marker></defs>\n'
        + "\n".join([*marks, *shared])
        + "\n"
        + _legend(height - _LINE // 2)
        + "\n</svg>\n"
    )


def _column(column: Column, index: int, bottom: int) -> Iterator[Markup]:
    left = _MARGIN + index * (_WIDTH + _MARGIN)
    middle = left + _WIDTH // 2
    yield _text(column.name, middle, 26, "name")
    yield _text(column.says, middle, 46, "says")
    step = _BOX_HEIGHT + _GAP
    first = bottom - 2 * _GAP - len(column.boxes) * step
    yield _arrow(middle, first, middle, _TOP - 16)
    for place, box in enumerate(column.boxes):
        top = first + place * step
        yield from _box(box, left, top, _WIDTH)
        if place + 1 < len(column.boxes):
            yield _arrow(middle, top + step, middle, top + _BOX_HEIGHT)
    # The arrow leaves room for the words.
    yield Markup('<path class="line" d="M{} {}V{}"/>').format(middle, bottom, bottom - _GAP + 2)
    yield _text(column.enters, middle, bottom - _GAP - 4, "says")
    yield _arrow(middle, bottom - 2 * _GAP + 2, middle, bottom - 3 * _GAP)


def _box(box: Box, left: int, top: int, width: int) -> Iterator[Markup]:
    shape = '<rect class="box {}" x="{}" y="{}" width="{}" height="{}" rx="6"/>'
    yield Markup(shape).format(box.kind, left, top, width, _BOX_HEIGHT)
    part = width / box.n_parts
    for number in range(1, box.n_parts):
        x = round(left + number * part, 1)
        yield Markup('<path class="part" d="M{} {}v6M{} {}v6"/>').format(x, top, x, top + _BOX_HEIGHT - 6)
    height = (len(box.lines) - 1) * _LINE
    for number, line in enumerate(box.lines):
        y = top + _BOX_HEIGHT // 2 - height // 2 + number * _LINE + 5
        yield _text(line, left + width // 2, y, "step")


def _text(words: str, x: int, y: int, kind: str) -> Markup:
    return Markup('<text class="{}" x="{}" y="{}">{}</text>').format(kind, x, y, words)


def _arrow(x: int, y: int, to_x: int, to_y: int) -> Markup:
    return Markup('<path class="arrow" d="M{} {}L{} {}"/>').format(x, y, to_x, to_y)


def _legend(y: int) -> str:
    marks = []
    for place, (kind, words) in enumerate((("changed", "changed"), ("picture", "what people see: the picture"))):
        x = _MARGIN + place * 110
        marks.append(f'<rect class="box {kind}" x="{x}" y="{y - 12}" width="16" height="14" rx="3"/>')
        marks.append(f'<text x="{x + 22}" y="{y}" style="text-anchor:start">{words}</text>')
    return "".join(marks)


if __name__ == "__main__":
    write_text(OUTPUT, drawing())
