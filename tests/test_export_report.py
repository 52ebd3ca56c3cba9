"""The demo's page: every design on every sentence, the table's numbers, the designs still in training."""

import dataclasses
import re
from html.parser import HTMLParser

import pytest

from explainable_bert.errors import FileError, InputError
from explainable_bert.export.report import DemoReport, DesignRow, write_report
from explainable_bert.records import Attribution, Explanation, Prediction, Provenance, Unit

SENTENCES = ("good film", "bad film here")
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "footer", "section", "div", "p", "bdi", "span", "ul"),
    *("li", "b", "h1", "h2", "h3", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"class", "style", "title", "lang", "charset", "http-equiv", "content", "name", "scope", "colspan"}
HOSTILE = "<script>x</script> \"><img src=x onerror='y'> </style> {{ 7*7 }} \x00\x1b[31m \u202e \ud800"


def explain(text, design, scores=None, label="positive"):
    units = tuple(Unit(found.group(), *found.span()) for found in re.finditer(r"\S+", text))
    signed = design not in ("vanilla", "single-head")
    return Explanation(
        text=text,
        prediction=Prediction(label, {label: 0.625}, 0),
        target="positive",
        attribution=Attribution(units, tuple(scores or [1.0] * len(units)), f"{design}-method", "word", signed),
        provenance=Provenance("m", design, 2, "f" * 64, "0.1.0", "torch 2.13.0"),
    )


def row(design, **changes):
    fields = {
        "design": design,
        "value_layer": 2,
        "accuracy": 0.8125,
        "accuracy_se": 0.0125,
        "effective_words": 4.5,
        "parameters": 22713986,
        "seconds": 1234.4,
        "contribution_error": None,
        "explanations": tuple(explain(text, design) for text in SENTENCES),
    }
    return DesignRow(**{**fields, **changes})


def report(**changes):
    fields = {
        "rows": (row("vanilla"), row("additive", accuracy=0.79, effective_words=1.5, contribution_error=3.2e-6)),
        "n_train": 8530,
        "n_test": 1066,
        "corpus": "movie-snippets",
        "base": "minilm",
        "seed": 7,
        "machine": "two cores",
        "gold_labels": ("positive", "negative"),
        "pending": ("single-head", "lexical"),
        "summaries": {name: f"what {name} is" for name in ("vanilla", "additive", "single-head", "lexical")},
        "notes": ("Computed note one.", "Computed note two."),
    }
    return DemoReport(**{**fields, **changes})


class Page(HTMLParser):
    """What a reader gets: elements, attributes, table cells, the coloured texts, the headings, all words."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.open = [], [], []
        self.cells, self.texts, self.headings, self.words = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes.extend(attrs)
        kind = "text" if ("class", "text") in attrs else tag
        if tag != "meta":
            self.open.append(kind)
        started = {"tr": (self.cells, []), "text": (self.texts, ""), "h2": (self.headings, "")}.get(kind)
        if started is not None:
            started[0].append(started[1])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() in (tag, "text")

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1][-1] += data
        if "text" in self.open:
            self.texts[-1] += data
        if "h2" in self.open:
            self.headings[-1] += data
        if "style" not in self.open:
            self.words.append(data)

    @property
    def prose(self):
        return " ".join(" ".join(self.words).split())


def written(tmp_path, **changes):
    path = tmp_path / "report.html"
    write_report(report(**changes), path)
    return path.read_text(encoding="utf-8")


def test_each_sentence_is_shown_once_per_design_in_order(tmp_path):
    page = Page(written(tmp_path))
    assert page.texts == ["good film", "good film", "bad film here", "bad film here"]
    assert page.headings == [
        "Sentence 1 · true label positive",
        "Sentence 2 · true label negative",
        "What the designs score",
        "How to read this",
    ]


def test_each_strip_has_its_design_verdict_probability_and_effective_words(tmp_path):
    # Two equal scores are spread over exp(ln 2) = 2 words, three equal ones over 3; predicting positive is wrong in 2.
    prose = Page(written(tmp_path)).prose
    first, second = prose.split("Sentence 2 ")
    for design in ("vanilla", "additive"):
        assert f"{design} predicts positive 62.5% 2.0 effective words" in first
        assert f"{design} predicts positive (wrong) 62.5% 3.0 effective words" in second


def test_effective_words_of_an_uneven_text(tmp_path):
    # Shares 1/2, 1/4, 1/4: entropy = ln 2 / 2 + 2 * ln 4 / 4 = 1.5 ln 2; exp of it = 2 ** 1.5 = 2.83; no signs.
    explained = (explain("good film", "additive", (0.0, 0.0)), explain("bad film here", "additive", (-2.0, 1.0, -1.0)))
    prose = Page(written(tmp_path, rows=(row("additive", explanations=explained),))).prose
    assert "2.8 effective words" in prose
    assert "2.0 effective words" in prose  # all-zero scores point nowhere: both words


def test_table_holds_every_value_and_the_pending_designs(tmp_path):
    cells = Page(written(tmp_path)).cells
    assert cells[1:3] == [
        ["vanillawhat vanilla is", "81.2 ± 1.2%", "4.5", "22,713,986", "1,234", "—"],
        ["additivewhat additive isvalue layer 2", "79.0 ± 1.2%", "1.5", "22,713,986", "1,234", "3.2e-06"],
    ]
    assert cells[3:] == [
        ["single-headwhat single-head is", "training…"],
        ["lexicalwhat lexical is", "training…"],
    ]
    assert cells[0] == ["design", "accuracy ± s.e.", "effective words", "parameters", "seconds", "contribution error"]


def test_figure_places_dots_whiskers_and_bars(tmp_path):
    # Lowest end 0.79 - 0.0125 = 0.7775 -> 75 %, highest 0.8125 + 0.0125 = 0.825 -> 85 %: the axis spans 0.10.
    # vanilla: dot (0.8125 - 0.75) / 0.10 = 62.5 %, whisker from 50 % and 25 % wide; bars are shares of 4.5 words.
    html = written(tmp_path)
    assert re.findall(r'class="dot" style="left:([\d.]+)%"', html) == ["62.50", "40.00"]
    assert re.findall(r'class="whisker" style="left:([\d.]+)%;width:([\d.]+)%"', html) == [
        ("50.00", "25.00"),
        ("27.50", "25.00"),
    ]
    assert re.findall(r'class="length" style="width:([\d.]+)%"', html) == ["100.00", "33.33"]
    assert "<span>75%</span><span>85%</span>" in html


@pytest.mark.parametrize(("accuracy", "error", "ends"), [(1.0, 0.0, "0%|100%"), (0.99, 0.05, "90%|100%")])
def test_the_accuracy_axis_stays_inside_zero_and_one(tmp_path, accuracy, error, ends):
    html = written(tmp_path, rows=(row("vanilla", accuracy=accuracy, accuracy_se=error),))
    low, high = ends.split("|")
    assert f"<span>{low}</span><span>{high}</span>" in html
    assert [float(place) <= 100 for place in re.findall(r"left:([\d.]+)%", html)] == [True, True]


def test_notes_setting_and_honest_reading_are_printed(tmp_path):
    prose = Page(written(tmp_path)).prose
    assert "Computed note one. Computed note two." in prose
    assert "movie-snippets · 8,530 training texts, 1,066 test texts · base minilm · seed 7 · two cores" in prose
    assert "Still training: single-head, lexical." in prose
    assert "say where the model looked, not why it decided" in prose
    assert "Sharper is not truer" in prose
    assert "Only the contributions (additive, lexical, explainable) sum to the decision" in prose
    assert "one seed, so differences within the standard errors mean nothing" in prose


def test_a_finished_report_waits_for_nothing(tmp_path):
    prose = Page(written(tmp_path, pending=())).prose
    assert "training…" not in prose
    assert "Still training" not in prose


def test_a_report_with_nothing_trained_yet_lists_the_pending_designs(tmp_path):
    page = Page(written(tmp_path, rows=(), pending=("vanilla", "mine")))
    assert [cells[1:] for cells in page.cells[1:]] == [["training…"], ["training…"]]
    assert page.texts == []


def test_a_design_without_a_description_is_shown_by_name(tmp_path):
    assert Page(written(tmp_path, rows=(row("mine"),))).cells[1][0] == "mine"


def test_the_page_is_ours_alone_and_hostile_data_stays_inert(tmp_path):
    explained = tuple(explain(HOSTILE, HOSTILE, label=HOSTILE) for _ in SENTENCES)
    hostile = written(
        tmp_path,
        rows=(row(HOSTILE, explanations=explained),),
        **{name: HOSTILE for name in ("corpus", "base", "machine")},
        **{name: (HOSTILE,) * 2 for name in ("gold_labels", "pending", "notes")},
    )
    for html in (hostile, written(tmp_path)):
        page = Page(html)
        assert set(page.elements) == ELEMENTS
        assert {name for name, _ in page.attributes} <= ATTRIBUTES | {"tabindex"}
        assert not re.search(r"https?:|url\(|@import|javascript:", html)
        assert not set(html) & {"\x00", "\x1b", "\u202e"}
        assert "default-src 'none'; style-src 'unsafe-inline'" in html
    assert "{{ 7*7 }}" in Page(hostile).prose


def test_the_table_scrolls_instead_of_overflowing(tmp_path):
    html = written(tmp_path)
    assert re.search(r'<div class="scroll"[^>]*>\s*<table>', html)
    assert re.search(r"\.scroll \{ overflow-x: auto; \}", html)


def test_a_missing_explanation_is_refused():
    with pytest.raises(InputError) as caught:
        report(rows=(row("additive", explanations=(explain("good film", "additive"),)),))
    expected = "explanations: 1 given by additive for 2 gold labels; one per label is needed"
    assert str(caught.value) == expected


def test_designs_must_explain_the_same_texts():
    other = row("additive", explanations=tuple(explain(text, "additive") for text in reversed(SENTENCES)))
    with pytest.raises(InputError, match=r"^explanations: additive explains other texts than vanilla$"):
        report(rows=(row("vanilla"), other))


def test_records_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        report().seed = 2


def test_a_place_that_cannot_be_written_is_a_file_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        write_report(report(), tmp_path / "file" / "report.html")
