"""Figures: parsed again, they hold only what we drew, say it in words too, and are the same each time."""

import io
import itertools
import json
import logging
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree

import matplotlib
import pytest
from PIL import Image

from explainable_bert.export.drawing import palette
from explainable_bert.export.drawing.fonts import BOX, BOX_NOTE, Typeface
from explainable_bert.export.drawing.map_layout import MOST_UNITS_BESIDE, maps_block
from explainable_bert.export.drawing.marks import Raster, Words
from explainable_bert.export.drawing.sheets import PAGE_HEIGHT, PAGE_WIDTH, one_sheet, pages
from explainable_bert.export.figures import pdf_bytes, png_bytes, svg_bytes
from explainable_bert.export.heatmap import render
from explainable_bert.export.maps import grid
from explainable_bert.export.origins import origin, provenances
from explainable_bert.export.panels import panels
from explainable_bert.export.strips import visible
from export_samples import HOSTILE, explain, from_vanilla, hostile, long, with_map

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
ELEMENTS = {"svg", "title", "desc", "metadata", "defs", "clipPath", "rect", "g", "path", "use", "image"}
ATTRIBUTES = {
    *("width", "height", "viewBox", "version", "role", "aria-labelledby", "style", "id", "d", "x", "y", "transform"),
    *("clip-path", HREF),
}


def sheet(*explanations, versus=None, values=False):
    sources = [*explanations, *(versus or ())]
    return one_sheet(panels(explanations, versus), origin(sources), values=values)


def parsed(*explanations, **options):
    content = svg_bytes(sheet(*explanations, **options))
    root = ElementTree.fromstring(content)
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= ELEMENTS
    assert {name for element in root.iter() for name in element.attrib} <= ATTRIBUTES
    references = [element.get(HREF) for element in root.iter() if element.get(HREF) is not None]
    assert [value for value in references if not re.fullmatch(r"#[\w-]+|data:image/png;base64,[\w+/=]+", value)] == []
    styles = [element.get("style", "") + element.get("clip-path", "") for element in root.iter()]
    assert [style for style in styles if re.search(r"url\((?!#\w+\))|@|expression|javascript", style)] == []
    assert b"<!DOCTYPE" not in content
    return root


def hover(root):
    return [element.text for element in root.iter(f"{SVG}title")][1:]


def description(root):
    return root.find(f"{SVG}desc").text


# --- SVG ---


def test_an_svg_says_on_hover_what_each_unit_scored():
    assert hover(parsed(explain())) == [
        *("+0.50", "-1.00", "+0.25", "+0.00"),
        *("+0.50", "-1.00", "+0.25", "+0.00"),
    ]


def test_an_svg_says_everything_in_words():
    root = parsed(with_map(explain(bias=0.5, logit=0.25)), versus=[with_map(from_vanilla())])
    words = description(root)
    for expected in (
        "good bad so so",
        "predicted positive 75.0% · target positive · design additive · method contributions",
        "full colour = 0.571 of the text's total |score|, in all three rows",
        "more in additive · contributions to more in vanilla · attention",
        "bias 0.500 + sum of words",
        "Each row is renormalised over the units",
        "model runs/b · design vanilla · value layer 2 · weights fedcba987654 · explainable-bert 0.1.0 (torch 2.13.0)",
    ):
        assert expected in words
    assert root.find(f"{SVG}title").text == "Word explanations"
    assert (root.get("role"), root.get("aria-labelledby")) == ("img", "title description")


def test_an_svg_holds_its_provenance():
    metadata = json.loads(parsed(explain(), from_vanilla()).find(f"{SVG}metadata").text)
    assert metadata == provenances([explain(), from_vanilla()])
    assert [item["targets"] for item in metadata] == [["positive"], ["positive"]]


def test_hostile_text_is_inert_in_an_svg():
    root = parsed(hostile(), versus=[hostile()], values=True)
    assert visible(HOSTILE) in description(root)
    assert visible(HOSTILE) == visible(visible(HOSTILE))
    names = {name.lower() for element in root.iter() for name in element.attrib}
    assert not {name for name in names if name.startswith("on")}


def test_formulas_stay_text():
    root = parsed(explain("$x^2$ $\\frac{1}{0}$", (1.0, 2.0)))
    titled = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    n_glyphs = [len(list(group.iter(f"{SVG}use"))) for group in titled]
    # As formulas they would be set without dollar signs, commands and braces. The boxes behind them have no glyph.
    assert n_glyphs == [0, 0, len("$x^2$"), len("$\\frac{1}{0}$")]


def test_values_are_drawn_only_when_asked_for():
    def texts(values):
        return [mark.text for mark in sheet(explain(), values=values).marks if isinstance(mark, Words)]

    assert {"+0.50", "-1.00"} <= set(texts(True))
    assert not {"+0.50", "-1.00"} & set(texts(False))


def test_directions_have_lines_as_well_as_colours():
    root = ElementTree.tostring(parsed(explain())).decode()
    assert root.count("stroke-dasharray") == 1
    assert root.count("stroke: #165c9e") == 2


# --- PNG and PDF ---


def test_a_png_is_as_wide_as_a_page_and_holds_words_and_provenance():
    content = png_bytes(sheet(explain()))
    picture = Image.open(io.BytesIO(content))
    assert picture.width == int(PAGE_WIDTH / 72 * 200)
    assert picture.getpixel((0, 0))[:3] == (255, 255, 255)
    assert json.loads(picture.text["explainable-bert"]) == provenances([explain()])
    assert "good bad so so" in picture.text["Description"]


def test_a_png_has_the_colours_of_the_page():
    picture = Image.open(io.BytesIO(png_bytes(sheet(explain())))).convert("RGB")
    found = {colour for _, colour in picture.getcolors(1 << 20)}
    assert {palette.HUES["against"], palette.tint("towards", 0.5), palette.INK} <= found


def test_a_pdf_has_pages_and_tells_its_provenance():
    record = explain()
    shown = pages(panels([record] * 12), origin([record] * 12), values=False)
    content = pdf_bytes(shown)
    assert content.startswith(b"%PDF")
    assert len(shown) == content.count(b"/Type /Page ") == 2
    assert b"/Keywords ([{" in content
    assert b"0123456789abcdef" in content
    assert b"/CreationDate" not in content


def test_a_page_grows_if_one_panel_needs_more():
    tall = explain("a\n" * 100, (), ())
    short = explain("b", (1.0,))
    heights = [page.height for page in pages(panels([short, tall, short]), origin([short]), values=False)]
    assert [height > PAGE_HEIGHT for height in heights] == [False, True, False]


# --- the same each time, whatever the machine ---


@pytest.mark.parametrize("draw", [svg_bytes, png_bytes, lambda drawn: pdf_bytes([drawn])])
def test_equal_input_gives_equal_bytes(draw):
    with matplotlib.rc_context({"font.size": 30, "savefig.bbox": "tight", "svg.fonttype": "none"}):
        first = draw(sheet(with_map(explain()), values=True))
    assert draw(sheet(with_map(explain()), values=True)) == first


def test_the_users_settings_are_left_alone():
    before = dict(matplotlib.rcParams)
    svg_bytes(sheet(explain()))
    assert dict(matplotlib.rcParams) == before
    code = (
        "import sys; from explainable_bert.export.heatmap import render; import test_export_figures as t;"
        "t.svg_bytes(t.sheet(t.explain())); print('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd="tests"
    ).stdout == ("False\n")


# --- fonts ---


def test_scripts_without_a_font_are_boxes_with_a_note_and_no_warning(tmp_path, caplog):
    unknown = "\U0010fffd \u0378\u0301 \u0f00\U0001f3ff\u200d \U000e0041"
    record = explain(f"{unknown} אב 你好 e\u0301", (), (), target=f"{unknown} 你")
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        for suffix in ("svg", "png", "pdf"):
            render([record], tmp_path / f"x.{suffix}", [record], values=True)
    assert caplog.records == []
    drawn = sheet(record)
    assert drawn.typeface.drawable("\U0010fffd") == BOX
    assert BOX_NOTE.split()[-1] in [mark.text for mark in drawn.marks if isinstance(mark, Words)]
    assert "boxes" not in [mark.text for mark in sheet(explain()).marks if isinstance(mark, Words)]


def test_a_box_is_drawn_for_an_unknown_letter_and_nothing_for_an_invisible_one():
    root = parsed(explain("\U0010fffda\U000e0041", (1.0,)))
    titled = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}title") is not None]
    assert [len(list(group.iter(f"{SVG}use"))) for group in titled] == [0, 2]


def test_a_typeface_measures_elides_and_leaves_out_what_is_invisible():
    typeface = Typeface("abc …\U0010fffd\U000e0041")
    assert typeface.families[0] == "DejaVu Sans"
    assert typeface.width("abab", 10) == pytest.approx(2 * typeface.width("ab", 10), rel=0.02)
    assert typeface.width("a a", 10) > typeface.width("aa", 10)
    assert typeface.width(" ", 10) > 1
    assert typeface.width("ab", 20) == 2 * typeface.width("ab", 10)
    assert typeface.elided("abc", 10, 100) == "abc"
    cut = typeface.elided("abcabcabc", 10, 30)
    assert cut.endswith("…")
    assert typeface.width(cut, 10) <= 30
    assert typeface.elided("abc", 10, 0.1) == "…"
    assert typeface.drawable("a\U0010fffd\U000e0041") == f"a{BOX}"


# --- maps ---


def map_words(*grids):
    typeface = Typeface("".join(chr(code) for code in range(32, 127)) + "…")
    return [mark for mark in maps_block(grids, "", typeface).marks if isinstance(mark, Words)]


def test_a_map_names_its_rows_and_columns():
    texts = [mark.text for mark in map_words(grid(with_map(explain()), "name"))]
    assert texts[0] == "name"
    assert [texts.count(label) for label in ("good", "bad", "so", "special", "[CLS] (decides)")] == [2, 2, 4, 1, 1]
    assert {"0", "0.75"} <= set(texts)


def test_labels_of_many_units_are_thinned_and_long_ones_cut():
    marks = map_words(grid(long(), "name"))
    turned = sorted(mark.x for mark in marks if mark.turned)
    assert 20 < len(turned) < 100
    assert min(right - left for left, right in itertools.pairwise(turned)) >= 6.9
    wide = with_map(explain("a" * 99 + " b", (1.0, 2.0)))
    cut = [mark.turned for mark in map_words(grid(wide, "name")) if mark.text.endswith("a…")]
    assert sorted(cut) == [False, True]


def test_maps_stand_side_by_side_or_below_each_other_if_there_is_no_room():
    few = grid(with_map(explain()), "name")
    typeface = Typeface("abc")
    assert maps_block((few, few), "", typeface).height == maps_block((few,), "", typeface).height
    many = grid(long(MOST_UNITS_BESIDE + 1), "name")
    assert maps_block((many, many), "", typeface).height > 2 * maps_block((many,), "", typeface).height


def test_the_cells_have_the_colours_of_their_weights():
    (weights,) = [
        mark.pixels
        for mark in maps_block((grid(with_map(explain()), "name"),), "", Typeface("abc")).marks
        if isinstance(mark, Raster) and mark.height > 50
        if mark.width > 50
    ]
    # A row is 0.25, 0.75, 0, 0 with 0.75 as full colour.
    n = weights.shape[1] // 4
    corners = [tuple(weights[0, n * column]) for column in range(4)]
    assert corners[1] == (62, 36, 116)
    assert corners[2] == corners[3] == (255, 255, 255)
    assert corners[0] not in (corners[1], corners[2])


def test_the_palette_is_that_of_the_page(tmp_path):
    render([explain()], tmp_path / "x.html")
    style = (tmp_path / "x.html").read_text(encoding="utf-8").split("@media")[0]
    for name, colour in (
        *palette.HUES.items(),
        *((f"{name}-edge", colour) for name, colour in palette.EDGES.items()),
        ("ink", palette.INK),
        ("muted", palette.MUTED),
        ("line", palette.LINE),
        ("page", palette.PAPER),
    ):
        assert f"--{name}: {' '.join(map(str, colour))};" in style
