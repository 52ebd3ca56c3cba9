"""Heat maps: the text comes through whole and inert, colours say what the scores say, words stay legible."""

import dataclasses
import io
import itertools
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from explainable_bert.errors import FileError, InputError
from explainable_bert.export.heatmap import page_html, provenances, render, strip_html, to_terminal
from explainable_bert.export.strips import cut, format_score, notes, scale_note, visible
from explainable_bert.records import Attribution, Explanation, Prediction, Provenance, Unit

VOID = {"meta"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "footer", "h1", "section", "dl", "div", "dt", "dd"),
    *("p", "bdi", "span", "ul", "li", "b"),
}
HOSTILE = (
    "<script>alert(1)</script> \"><img src=x onerror='alert(2)'> ]]> --> </style> {{ 7*7 }} &lt; \x00 \x1b[31mred\x07 "
    "\x9b2J \x7f \u202egnp.exe\u202c \u2066i\u2069 \ud800 https://evil.example/x [bold]b[/bold]"
)


def explain(text="good bad so so", scores=(0.5, -1.0, 0.25, 0.0), units=None, **changes):
    if units is None:
        units = tuple(Unit(found.group(), *found.span()) for found in re.finditer(r"\S+", text))
    fields = {"signed": True, "bias": None, "logit": None, "method": "contributions", "level": "word"}
    fields.update({key: changes.pop(key) for key in list(changes) if key in fields})
    record = Explanation(
        text=text,
        prediction=Prediction("positive", {"positive": 0.75, "negative": 0.25}, 0),
        target="positive",
        attribution=Attribution(units=tuple(units), scores=tuple(scores), **fields),
        provenance=Provenance("runs/a", "additive", 2, "0123456789abcdef", "0.1.0", "torch 2.13.0"),
    )
    return dataclasses.replace(record, **changes)


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


def read(tmp_path, *explanations):
    path = tmp_path / "map.html"
    render(explanations, path)
    return path.read_text(encoding="utf-8")


def assert_inert(html, elements=ELEMENTS):
    page = Page(html)
    assert set(page.elements) <= elements
    allowed = {"class", "style", "title", "lang", "charset", "http-equiv", "content", "name", "scope", "colspan"}
    assert {name for _, name, _ in page.attributes} <= allowed | {"tabindex"}
    assert [value for _, _, value in page.attributes if re.search(r"https?:|//|javascript:|url\(", value or "")] == []
    style = re.search(r"<style>(.*?)</style>", html, re.DOTALL).group(1)
    assert not re.search(r"url\(|@import|https?:", style)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html.replace("&#39;", "'")
    return page


def console_output(explanation, **settings):
    stream = io.StringIO()
    Console(file=stream, width=200, _environ={}, **settings).print(to_terminal(explanation))
    return stream.getvalue()


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


def test_visible_replaces_what_could_act_and_nothing_else():
    assert visible("a\tb\nc é 好 👍🏽 <&>") == "a\tb\nc é 好 👍🏽 <&>"
    assert visible("a\r\nb\rc") == "a\nb\nc"
    assert visible("\x00\x1b\x7f\x9b\ud800") == "\u2400\u241b\u2421\ufffd\ufffd"
    assert visible("\u202ex\u2069") == "⟨U+202E⟩x⟨U+2069⟩"


@settings(deadline=None)
@given(any_text)
def test_visible_text_has_no_control_character_left(text):
    codes = {ord(character) for character in visible(text)}
    forbidden = {
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0xD800, 0xE000),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    }
    assert codes & (forbidden - {0x09, 0x0A}) == set()


def test_hostile_text_and_names_stay_inert(tmp_path):
    hostile = explain(
        HOSTILE,
        range(len(HOSTILE.split())),
        [Unit(found.group(), *found.span()) for found in re.finditer(r"\S+", HOSTILE)],
        text_pair=HOSTILE,
        target=HOSTILE,
        method=HOSTILE,
        prediction=Prediction(HOSTILE, {HOSTILE: 1.0}, 0),
        provenance=Provenance(HOSTILE, HOSTILE, 0, HOSTILE, HOSTILE, HOSTILE),
    )
    html = read(tmp_path, hostile)
    page = assert_inert(re.sub(r"https?://evil\.example/x", "x", html))
    assert page.texts == [visible(HOSTILE).replace("https://evil.example/x", "x")] * 2
    assert not set(html) & {"\x00", "\x1b", "\x07", "\x9b", "\x7f", "\u202e", "\u2066"}


def test_an_ordinary_page_uses_only_our_elements_and_nothing_from_elsewhere(tmp_path):
    page = assert_inert(read(tmp_path, explain(), explain(signed=False)))
    assert set(page.elements) == ELEMENTS
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


@pytest.mark.parametrize(
    ("score", "scale", "signed", "expected"),
    [
        (1.234, 1.234, True, "+1.23"),
        (-0.001, 1.234, True, "-0.00"),
        (-0.0, 1.0, True, "+0.00"),
        (0.0123, 0.0456, False, "0.0123"),
        (123.4, 150.0, True, "+123"),
        (1e-9, 2e-9, True, "+1.00e-09"),
        (12345.0, 12345.0, False, "1.23e+04"),
        (float("nan"), 1.0, True, "+nan"),
        (0.0, 0.0, True, "+0.00"),
    ],
)
def test_format_score(score, scale, signed, expected):
    assert format_score(score, scale, signed) == expected


def test_scores_that_are_not_finite_do_not_set_the_scale():
    strip = cut(explain("a b c", (float("inf"), -2.0, float("nan"))))
    assert strip.scale == 2.0
    assert [piece.intensity for piece in strip.parts[0] if piece.direction != "between"] == [0.0, 1.0, 0.0]
    assert [piece.text for piece in strip.strongest] == ["b"]


def test_a_text_without_any_score_says_so():
    strip = cut(explain("a b", (0.0, 0.0)))
    assert scale_note(strip) == "no score differs from zero on this text"
    assert strip.strongest == ()


def test_notes_tell_what_was_dropped_and_how_the_words_add_up():
    # 0.25 + (0.5 - 1.0 + 0.25 + 0.0) = 0.0, which is 0.5 away from the logit -0.5.
    record = explain(bias=0.25, logit=-0.5)
    assert notes(record) == ("bias 0.250 + sum of words -0.250 = logit -0.500 (unrounded difference 5.0e-01)",)
    assert notes(dataclasses.replace(record, prediction=Prediction("x", {}, 1)))[0] == "1 token at the end was not read"
    assert notes(explain(prediction=Prediction("x", {}, 1234))) == ("1,234 tokens at the end were not read",)
    assert notes(explain()) == ()


def test_page_states_prediction_target_design_method_and_notes(tmp_path):
    record = explain(target="negative", bias=0.25, logit=0.0, prediction=Prediction("positive", {"positive": 0.75}, 7))
    html = read(tmp_path, record)
    prose = Page(html).prose
    assert "predicted positive 75.0% target negative design additive method contributions" in prose
    assert 'style="width:75.0%"' in html
    assert "7 tokens at the end were not read" in prose
    assert "bias 0.250 + sum of words -0.250 = logit 0.000 (unrounded difference 0.0e+00)" in prose
    assert "model runs/a · design additive · value layer 2 · weights 0123456789ab ·" in prose


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


# --- files ---


def test_an_unknown_extension_is_refused_before_any_work(tmp_path):
    path = tmp_path / "map.gif"
    with pytest.raises(InputError) as caught:
        render([explain()], path)
    assert str(caught.value) == f"path: {str(path)!r} given; pictures are written as .html"
    with pytest.raises(InputError, match=r"written as \.html"):
        render([], path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_list_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"^explanations: an empty list given; at least one is needed$"):
        render([], tmp_path / "map.html")


def test_the_extension_may_be_written_in_capitals_and_the_path_as_a_string(tmp_path):
    render([explain()], str(tmp_path / "MAP.HTML"))
    assert (tmp_path / "MAP.HTML").read_text(encoding="utf-8").startswith('<!doctype html>\n<html lang="en">')


def test_a_place_that_cannot_be_written_is_a_file_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        render([explain()], tmp_path / "file" / "map.html")


def test_template_text_in_data_is_not_run():
    record = explain("{{ 7*7 }}", (1,), [Unit("7*7", 3, 6)])
    assert Page(page_html("heatmap.html.j2", [record], explanations=[record])).texts == ["{{ 7*7 }}"]


# --- terminal ---


def test_terminal_shows_every_word_with_its_score_without_colour():
    record = explain(bias=0.25, logit=0.0, prediction=Prediction("positive", {"positive": 0.75}, 3))
    lines = console_output(record, no_color=True, force_terminal=False).splitlines()
    assert [line.rstrip() for line in lines] == [
        "predicted positive 75.0% · target positive · design additive · method contributions",
        "",
        "good(+0.50) bad(-1.00) so(+0.25) so(+0.00)",
        "",
        " +  towards positive   -  against positive  (full colour = 1.00, the largest on this text)",
        "3 tokens at the end were not read",
        "bias 0.250 + sum of words -0.250 = logit 0.000 (unrounded difference 0.0e+00)",
    ]


def test_terminal_colours_follow_the_sign():
    coloured = console_output(explain(), force_terminal=True, color_system="truecolor")
    assert "48;2;90;169;230m + " in coloured
    assert "48;2;242;153;74mbad\x1b[0m" in coloured
    # Half of the scale: half way from white, 255 + 0.5 * (90 - 255) = 172.5 and so on.
    assert re.search(r"48;2;172;212;242mgood\x1b\[0m", coloured)


def test_terminal_pair_and_unsigned_scores():
    units = [Unit("one", 0, 3, 0), Unit("two", 0, 3, 1)]
    record = explain("one", (1.0, 0.5), units, text_pair="two", signed=False)
    output = console_output(record, no_color=True)
    assert "first text\none(1.00)\nsecond text\ntwo(0.50)\n" in output
    assert "how much, without a direction" in output


@settings(deadline=None)
@given(any_text)
def test_terminal_output_has_no_escape_or_control_from_the_text(text):
    units = [Unit(text, 0, len(text))]
    record = explain(text, (1.0,), units, text_pair=text, target=text, prediction=Prediction(text, {text: 1.0}, 0))
    output = console_output(record, force_terminal=True, color_system="truecolor")
    plain = re.sub(r"\x1b\[[\d;]*m", "", output)
    assert not {character for character in plain if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0} - {"\n"}


def test_terminal_neutralises_escape_sequences_and_ignores_markup():
    hostile = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] :smile:"
    record = explain(hostile, (1.0,), [Unit("red", 5, 8)])
    coloured = console_output(record, force_terminal=True, color_system="truecolor")
    assert "\x1b[31m" not in coloured
    assert "\x1b]" not in coloured
    plain = console_output(record, no_color=True)
    assert "␛[31mred(+1.00)␛]0;title␇ [bold]x[/bold] :smile:" in plain
