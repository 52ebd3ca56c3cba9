"""HTML pages: the text comes through whole and inert, colours say what the scores say, words stay legible."""

import base64
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert.export.heatmap import render
from explainable_bert.export.origins import provenances
from explainable_bert.export.pages import strip_html
from explainable_bert.export.strips import visible
from explainable_bert.records import Prediction, Unit
from export_samples import HOSTILE, explain, from_vanilla, hostile, with_map, words_of

VOID = {"meta", "img"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "footer", "h1", "section", "dl", "div", "dt", "dd"),
    *("p", "bdi", "span", "ul", "li", "b"),
}
FURTHER_ELEMENTS = {"h2", "h3", "img", "ruby", "rt"}


class Page(HTMLParser):
    """What a reader of the page gets: its elements, attributes, and the text of every paragraph of class `text`."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.attributes = [], [], []
        self.texts, self.units, self.words = [], [], []
        self.feed(str(html))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.elements.append(tag)
        self.attributes.extend((tag, *pair) for pair in attrs)
        if tag not in VOID:
            self.open.append((tag, attributes.get("class") or ""))
        if (tag, attributes.get("class")) == ("p", "text"):
            self.texts.append("")
        if tag == "span" and (attributes.get("class") or "").startswith("unit"):
            self.units.append({**attributes, "text": ""})

    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag

    def handle_data(self, data):
        if ("p", "text") in self.open:
            self.texts[-1] += data
        if self.open and self.open[-1][1].startswith("unit"):
            self.units[-1]["text"] += data
        if self.open and self.open[-1][0] != "style":
            self.words.append(data)

    @property
    def prose(self):
        return " ".join(" ".join(self.words).split())


def read(tmp_path, *explanations, versus=None, **options):
    path = tmp_path / "map.html"
    render(explanations, path, versus, **options)
    return path.read_text(encoding="utf-8")


def assert_inert(html, elements=ELEMENTS):
    page = Page(html)
    assert set(page.elements) <= elements
    allowed = {"class", "style", "title", "lang", "charset", "http-equiv", "content", "name", "scope", "colspan"}
    assert {name for _, name, _ in page.attributes} <= allowed | {"tabindex", "alt", "src"}
    assert [value for _, _, value in page.attributes if re.search(r"https?:|//|javascript:|url\(", value or "")] == []
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert not re.search(r"url\(|@import|https?:", style)
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'" in html.replace("&#39;", "'")
    return page


# --- the text comes through whole and inert ---


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=8)
any_text = st.text(st.characters(exclude_categories=[]), max_size=30)
any_score = st.floats(width=32) | st.sampled_from([0.0, -0.0, 1e-300])


@settings(deadline=None)
@given(text=any_text | st.text("a\r\n\t\x1b\u202e\ud800<&", max_size=30), spans=spans, data=st.data())
def test_strip_text_is_the_whole_text_whatever_the_units(text, spans, data):
    units = [Unit(text[min(span) : max(span)], min(span), max(span)) for span in spans]
    scores = data.draw(st.lists(any_score, min_size=len(units), max_size=len(units)))
    page = Page(strip_html(explain(text, scores, units)))
    assert page.texts == [visible(text)]


def test_hostile_text_and_names_stay_inert(tmp_path):
    html = read(tmp_path, hostile())
    page = assert_inert(re.sub(r"https?://evil\.example/x", "x", html))
    assert page.texts == [visible(HOSTILE).replace("https://evil.example/x", "x")] * 2
    assert not set(html) & {"\x00", "\x1b", "\x07", "\x9b", "\x7f", "\u202e", "\u2066"}


def test_an_ordinary_page_uses_only_our_elements_and_nothing_from_elsewhere(tmp_path):
    page = assert_inert(read(tmp_path, explain(), explain(signed=False)), ELEMENTS | {"h2"})
    assert set(page.elements) == ELEMENTS | {"h2"}
    assert "script" not in page.elements


def test_pair_is_shown_as_two_labelled_texts():
    units = [Unit("one", 0, 3, 0), Unit("two", 0, 3, 1)]
    page = Page(strip_html(explain("one", (1.0, -1.0), units, text_pair="two\nlines")))
    assert page.texts == ["one", "two\nlines"]
    assert [unit["text"] for unit in page.units] == ["one", "two"]
    assert page.prose.startswith("first text one second text two")
    assert "first text" not in Page(strip_html(explain())).prose


# --- colours and numbers say what the scores say ---


def test_direction_intensity_and_mark_of_each_unit():
    page = Page(strip_html(explain("good bad so so", (0.5, -1.0, 0.24, 0.0))))
    shown = [(unit["text"], unit["class"], unit["style"], unit["title"]) for unit in page.units]
    assert shown == [
        ("good", "unit towards strong", "--a:0.500", "+0.50"),
        ("bad", "unit against strong", "--a:1.000", "-1.00"),
        ("so", "unit towards", "--a:0.240", "+0.24"),
        ("so", "unit zero", "--a:0.000", "+0.00"),
    ]


def test_unsigned_scores_have_one_hue_and_no_sign():
    page = Page(strip_html(explain("a b", (0.25, 1.0), signed=False)))
    assert [(unit["class"], unit["title"]) for unit in page.units] == [
        ("unit unsigned strong", "0.25"),
        ("unit unsigned strong", "1.00"),
    ]
    assert "towards" not in page.prose


def test_the_strongest_words_are_printed_by_absolute_score():
    page = Page(strip_html(explain("a b c d e f g", (1, -7, 3, -4, 5, -6, 0))))
    assert "strongest words b -7.00 f -6.00 e +5.00 d -4.00 c +3.00 against" in page.prose
    assert "full colour = 7.00, the largest on this text" in page.prose


def test_page_states_prediction_target_design_method_and_notes(tmp_path):
    record = explain(target="negative", bias=0.25, logit=0.0, prediction=Prediction("positive", {"positive": 0.75}, 7))
    html = read(tmp_path, record)
    prose = Page(html).prose
    assert "predicted positive 75.0% target negative design additive method contributions" in prose
    assert 'style="width:75.0%"' in html
    assert "7 tokens at the end were not read" in prose
    assert "bias 0.250 + sum of words -0.250 = logit 0.000 (unrounded difference 0.0e+00)" in prose
    assert (
        "model runs/a · design additive · value layer 2 · weights 0123456789ab · explainable-bert 0.1.0 (torch 2.13.0)"
        in prose
    )


def test_provenance_is_readable_by_machines_and_listed_once(tmp_path):
    attributes = Page(read(tmp_path, explain(), explain(), explain(method="attention"))).attributes
    stored = json.loads(next(value for _, name, value in attributes if name == "content" and value.startswith("[")))
    assert stored == provenances([explain(), explain(method="attention")])
    assert [source["method"] for source in stored] == ["contributions", "attention"]
    assert stored[0]["fingerprint"] == "0123456789abcdef"


# --- legible in light and dark ---


def colours(html, dark):
    """The page's colour variables, as (red, green, blue)."""
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    light, night = (block.group(1) for block in re.finditer(r":root \{(.*?)\}", style, re.DOTALL))
    found = dict(re.findall(r"--([\w-]+): (\d+ \d+ \d+);", light))
    found.update(re.findall(r"--([\w-]+): (\d+ \d+ \d+);", night) if dark else [])
    return {name: tuple(map(int, value.split())) for name, value in found.items()}


def luminance(colour):
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_formula_on_known_pairs():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((118, 118, 118), (255, 255, 255)) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("dark", [False, True])
def test_words_are_legible_on_every_colour_at_every_intensity(tmp_path, dark):
    palette = colours(read(tmp_path, explain()), dark)
    for hue, intensity in itertools.product(("towards", "against", "unsigned"), (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)):
        pairs = zip(palette["page"], palette[hue], strict=True)
        background = tuple(page + intensity * (full - page) for page, full in pairs)
        assert contrast(palette["ink"], background) >= 4.5, (hue, intensity)
    assert contrast(palette["muted"], palette["page"]) >= 4.5
    assert palette["page"] == ((20, 23, 26) if dark else (255, 255, 255))


def test_colour_is_not_the_only_carrier(tmp_path):
    html = read(tmp_path, explain())
    assert re.search(r"\.towards\.strong[^{]*\{[^}]*underline[^}]*solid", html)
    assert re.search(r"\.against\.strong[^{]*\{[^}]*underline[^}]*dashed", html)
    assert "print-color-adjust: exact" in html
    assert "white-space: pre-wrap" in html


def test_template_text_in_data_is_not_run(tmp_path):
    assert Page(read(tmp_path, explain("{{ 7*7 }}", (1,), [Unit("7*7", 3, 6)]))).texts == ["{{ 7*7 }}"]


# --- several rows, values, maps ---


def test_the_unread_end_of_a_text_is_dim(tmp_path):
    record = explain("a b c d", (1.0, 2.0), words_of("a b"), prediction=Prediction("x", {}, 2))
    html = read(tmp_path, record)
    assert '<span class="unread"> c d</span>' in html
    assert Page(html).texts == ["a b c d"]
    assert "unread" not in read(tmp_path, explain("a b c d", (1.0, 2.0), words_of("a b"))).split("</style>")[1]


def test_values_stand_below_their_units(tmp_path):
    html = read(tmp_path, explain(), values=True)
    page = assert_inert(html, ELEMENTS | {"ruby", "rt"})
    assert re.findall(r"<rt><bdi>(.*?)</bdi></rt>", html) == ["+0.50", "-1.00", "+0.25", "+0.00"]
    assert [unit["text"] for unit in page.units] == ["good", "bad", "so", "so"]
    assert "<rt>" not in read(tmp_path, explain())


def test_two_models_are_shown_in_three_rows(tmp_path):
    page = Page(read(tmp_path, explain(), versus=[from_vanilla(scores=(1.0, -2.0, 0.0, 1.0))]))
    assert page.texts == ["good bad so so"] * 3
    # Sums of |scores| are 1.75 and 4; shares 0.286, -0.571, 0.143, 0 and 0.25, -0.5, 0, 0.25.
    assert [unit["title"] for unit in page.units] == [
        *("+0.286", "-0.571", "+0.143", "+0.000"),
        *("+0.250", "-0.500", "+0.000", "+0.250"),
        *("-0.036", "+0.071", "-0.143", "+0.250"),
    ]
    prose = page.prose
    assert "difference: vanilla · attention minus additive · contributions" in prose
    assert "more in additive · contributions more in vanilla · attention full colour = 0.571 of the text's" in prose
    assert prose.count("in all three rows") == 3


def test_maps_are_embedded_drawings_with_their_caption(tmp_path):
    html = read(tmp_path, with_map(explain()))
    page = assert_inert(re.sub(r'src="data:image/svg[^"]*"', 'src="data:"', html), ELEMENTS | FURTHER_ELEMENTS)
    (content,) = re.findall(r'src="data:image/svg\+xml;base64,([\w+/=]+)"', html)
    drawing = ElementTree.fromstring(base64.b64decode(content))
    assert drawing.tag.endswith("svg")
    (caption,) = [value for _, name, value in page.attributes if name == "alt"]
    assert caption.startswith("Attention of the final block")
    assert caption in page.prose
