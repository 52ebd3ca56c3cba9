"""Sheets drawn by matplotlib: as SVG, PNG or PDF, the same bytes for the same sheet."""

import io
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from explainable_bert.errors import InputError
from explainable_bert.export.drawing.fewer_colours import fewer_colours
from explainable_bert.export.drawing.fonts import quiet_on_marks
from explainable_bert.export.drawing.marks import Box, Mark, Raster, Stroke, Words
from explainable_bert.export.drawing.palette import PAPER, Colour
from explainable_bert.export.drawing.sheets import Sheet
from explainable_bert.export.drawing.svg import finished

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS_PER_INCH = 72.0
_PNG_DPI = 200
_SMALL_PNG_DPI = 120
_PNG_MOST_PIXELS = 2**16 - 1
_ROUNDING = 1.6
_DASHES = (0.0, (3.0, 1.6))


def svg_bytes(sheet: Sheet) -> bytes:
    """The sheet as SVG that needs no font, with a title on each scored word for hovering."""
    with _quiet_matplotlib():
        figure, titles = _figure(sheet)
        stream = io.BytesIO()
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return finished(stream.getvalue(), sheet, titles)


def png_bytes(sheet: Sheet) -> bytes:
    """The sheet as PNG; raises InputError where it would be higher than a PNG can be drawn."""
    return _png(sheet, _PNG_DPI)


def small_png_bytes(sheet: Sheet) -> bytes:
    """The sheet as a PNG for screens, of fewer pixels and colours, a fifth of the size; raises as `png_bytes`."""
    from PIL import Image

    drawn = Image.open(io.BytesIO(_png(sheet, _SMALL_PNG_DPI))).convert("RGB")
    pixels, palette = fewer_colours(np.asarray(drawn))
    small = Image.fromarray(pixels).convert("P")
    small.putpalette(palette.ravel().tolist())
    stream = io.BytesIO()
    small.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _png(sheet: Sheet, dpi: int) -> bytes:
    if math.ceil(sheet.height / _POINTS_PER_INCH * dpi) > _PNG_MOST_PIXELS:
        raise InputError(
            f"path: the picture would be higher than {_PNG_MOST_PIXELS:,} pixels, the most of a .png;"
            " write .pdf or .html, or a file per text"
        )
    texts = {"Title": sheet.title, "Description": sheet.description, "explainable-bert": sheet.metadata}
    with _quiet_matplotlib():
        figure, _ = _figure(sheet)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", dpi=dpi, metadata=texts)
    return stream.getvalue()


def pdf_bytes(sheets: Sequence[Sheet]) -> bytes:
    """A page per sheet, with the first sheet's words as the document's."""
    from matplotlib.backends.backend_pdf import PdfPages

    first = sheets[0]
    stream = io.BytesIO()
    texts = {"Title": first.title, "Subject": first.description, "Keywords": first.metadata, "CreationDate": None}
    with _quiet_matplotlib(), PdfPages(stream, metadata=texts) as pages:
        for sheet in sheets:
            pages.savefig(_figure(sheet)[0])
    return stream.getvalue()


@contextmanager
def _quiet_matplotlib() -> Iterator[None]:
    """Our settings for as long as one picture is drawn, whatever the user's are."""
    import matplotlib

    with matplotlib.rc_context(), quiet_on_marks():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(
            {
                "svg.fonttype": "path",
                "svg.hashsalt": "explainable-bert",
                "pdf.fonttype": 42,
                "text.hinting": "none",
                "path.simplify": False,
            }
        )
        yield


def _figure(sheet: Sheet) -> tuple["Figure", dict[str, str]]:
    """The figure, and what is shown on hover by the id of the element."""
    from matplotlib.figure import Figure

    figure = Figure((sheet.width / _POINTS_PER_INCH, sheet.height / _POINTS_PER_INCH), facecolor=_unit(PAPER))
    titles: dict[str, str] = {}
    for number, mark in enumerate(sheet.marks):
        gid = f"mark-{number}"
        _draw(figure, mark, sheet, gid)
        title = getattr(mark, "title", "")
        if title:
            titles[gid] = title
    return figure, titles


def _draw(figure: "Figure", mark: Mark, sheet: Sheet, gid: str) -> None:
    match mark:
        case Words():
            _draw_words(figure, mark, sheet, gid)
        case Box():
            _draw_box(figure, mark, sheet, gid)
        case Stroke():
            _draw_stroke(figure, mark, sheet)
        case Raster():
            _draw_raster(figure, mark, sheet)


def _draw_words(figure: "Figure", mark: Words, sheet: Sheet, gid: str) -> None:
    figure.text(
        mark.x / _POINTS_PER_INCH,
        (sheet.height - mark.y) / _POINTS_PER_INCH,
        sheet.typeface.drawable(mark.text),
        transform=figure.dpi_scale_trans,
        fontproperties=sheet.typeface.properties(mark.text, mark.size, bold=mark.bold),
        color=_unit(mark.colour),
        verticalalignment="baseline",
        rotation=90 if mark.turned else 0,
        rotation_mode="anchor",
        parse_math=False,
        gid=gid,
    )


def _draw_box(figure: "Figure", mark: Box, sheet: Sheet, gid: str) -> None:
    from matplotlib.patches import FancyBboxPatch, Rectangle

    place = (mark.x / _POINTS_PER_INCH, (sheet.height - mark.y - mark.height) / _POINTS_PER_INCH)
    width, height = mark.width / _POINTS_PER_INCH, mark.height / _POINTS_PER_INCH
    look: dict[str, Any] = {"facecolor": _unit(mark.colour), "edgecolor": "none", "linewidth": 0, "gid": gid}
    look["transform"] = figure.dpi_scale_trans
    if mark.title:
        rounding = min(_ROUNDING / _POINTS_PER_INCH, width / 2)
        style = f"round,pad=0,rounding_size={rounding}"
        figure.add_artist(FancyBboxPatch(place, width, height, boxstyle=style, **look))
    else:
        figure.add_artist(Rectangle(place, width, height, **look))


def _draw_stroke(figure: "Figure", mark: Stroke, sheet: Sheet) -> None:
    from matplotlib.lines import Line2D

    figure.add_artist(
        Line2D(
            [mark.x / _POINTS_PER_INCH, (mark.x + mark.across) / _POINTS_PER_INCH],
            [(sheet.height - mark.y) / _POINTS_PER_INCH, (sheet.height - mark.y - mark.down) / _POINTS_PER_INCH],
            color=_unit(mark.colour),
            linewidth=mark.weight,
            linestyle=_DASHES if mark.dashed else "solid",
            transform=figure.dpi_scale_trans,
        )
    )


def _draw_raster(figure: "Figure", mark: Raster, sheet: Sheet) -> None:
    bottom = (sheet.height - mark.y - mark.height) / sheet.height
    axes = figure.add_axes(
        (mark.x / sheet.width, bottom, mark.width / sheet.width, mark.height / sheet.height), zorder=1.5
    )
    axes.set_axis_off()
    axes.imshow(mark.pixels, aspect="auto", interpolation="none")


def _unit(colour: Colour) -> tuple[float, float, float]:
    red, green, blue = (channel / 255 for channel in colour)
    return red, green, blue
