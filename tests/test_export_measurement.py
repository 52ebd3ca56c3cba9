"""Pages of measurements: every number with its interval and meaning, words inert, nothing undefined as a number."""

import dataclasses
import json
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.errors import FileError, InputError
from explainable_bert.export.audit_page import write_audit
from explainable_bert.export.axes import Axis, around_zero, spanning, whisker
from explainable_bert.export.comparison_page import write_comparison
from explainable_bert.export.curves import curves_figure
from explainable_bert.export.definitions import definitions
from explainable_bert.export.evaluation_page import write_evaluation
from explainable_bert.export.measurement_origin import measured_origin
from explainable_bert.export.numerals import alike, extent, interval, number, p_value, texts
from explainable_bert.metrics.metric import Metric
from explainable_bert.results import Check, EvaluationReport
from export_samples import HOSTILE, explain, hostile
from measurement_samples import METRICS, audit, comparison, curve, evaluation, pair, summary_row

WRITERS = {"evaluation": write_evaluation, "comparison": write_comparison, "audit": write_audit}
SAMPLES = {"evaluation": evaluation, "comparison": comparison, "audit": audit}
VOID = {"meta", "wbr", "line", "polygon"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "main", "footer", "section", "nav", "h1", "h2", "h3", "h4"),
    *("p", "div", "span", "bdi", "b", "a", "ul", "ol", "li", "dl", "dt", "dd", "wbr", "figure", "figcaption"),
    *("table", "thead", "tbody", "tr", "th", "td", "svg", "line", "text", "polygon", "polyline"),
}
ATTRIBUTES = {
    *("class", "style", "title", "lang", "charset", "http-equiv", "content", "name", "scope", "colspan", "tabindex"),
    *("role", "aria-label", "aria-hidden", "href", "id", "width", "height", "viewbox", "x", "y", "x1", "x2", "y1"),
    *("y2", "text-anchor", "points", "stroke-dasharray"),
}


class Page(HTMLParser):
    """What a reader gets: elements, attributes, rows of cells with their titles, all words outside of styles."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.attributes, self.open, self.words = [], [], [], []
        self.rows, self.titles = [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes.extend(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.titles.append((tag, dict(attrs).get("title")))

    def handle_startendtag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes.extend(attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += f" {data}"

    @property
    def prose(self):
        return " ".join(" ".join(self.words).split())

    @property
    def cells(self):
        return [[" ".join(cell.split()) for cell in row] for row in self.rows]

    def values(self, name):
        return [value for key, value in self.attributes if key == name]


def written(folder, report):
    kind = {"EvaluationReport": "evaluation", "ComparisonReport": "comparison", "AuditReport": "audit"}
    WRITERS[kind[type(report).__name__]](report, folder)
    return (folder / "report.html").read_text(encoding="utf-8")


def page_of(folder, report):
    return Page(written(folder, report))


# --- numbers ---


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.91249, "0.912"),
        (-0.0004999, "-5.0e-04"),
        (0.00051, "0.001"),
        (1.2e-7, "1.2e-07"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (9.9994, "9.999"),
        (12.345, "12.35"),
        (385.0, "385"),
        (187.34, "187.3"),
        (22713986.0, "22,713,986"),
        (1234.5678, "1,235"),
        (1.41e9, "1.41e+09"),
        (None, "undefined"),
        (math.nan, "undefined"),
    ],
)
def test_a_number_has_the_digits_that_tell_something(value, printed):
    assert number(value) == printed


def test_numbers_that_belong_together_have_the_same_digits():
    # The largest of the three, 0.021, asks for three decimals; 2e-5 alone would be printed as a power of ten.
    assert alike(0.00002, -0.0001, 0.021) == ("0.000", "0.000", "0.021")
    assert alike(9.5, None, 12.0) == ("9.50", "undefined", "12.00")
    assert interval(-0.01, 0.013) == "-0.010 to 0.013"
    assert interval(None, 0.013) == interval(0.0, math.nan) == ""


@given(st.lists(st.none() | st.floats(), min_size=1, max_size=4))
def test_no_number_is_ever_printed_as_nan_or_infinite(values):
    for value, printed in zip(values, alike(*values), strict=True):
        assert (printed == "undefined") == (value is None or not math.isfinite(value))
        assert not re.search(r"nan|inf|None|^-[0.]+$", printed)


@pytest.mark.parametrize(
    ("p", "printed"), [(0.00099, "< 0.001"), (0.001, "0.001"), (0.0312, "0.031"), (1.0, "1.000"), (None, "no test")]
)
def test_p_values(p, printed):
    assert p_value(p) == printed


def test_ranges_and_counts_in_words():
    assert [texts(1), texts(1200)] == ["1 text", "1,200 texts"]
    limits = [(0.0, 1.0), (-1.0, math.inf), (-math.inf, 0.0), (-math.inf, math.inf), (-13.8155, 13.8155)]
    assert [extent(Metric("m", "s", low, high, None, "x")) for low, high in limits] == [
        *("from 0 to 1", "from -1 upwards", "up to 0", "any number", "from -13.8 to 13.8")
    ]


# --- places on lines ---


def test_places_are_shares_of_the_line():
    axis = Axis(-1.0, 3.0)
    assert [axis.place(value) for value in (-1, 0, 3, 9, -9)] == [0, 25, 100, 100, 0]
    assert (axis.inner(0.0), axis.inner(3.0), axis.inner(-2.0)) == (25, None, None)
    assert Axis(2.0, 2.0).place(2.0) == 50


def test_lines_hold_all_that_there_is_with_a_little_room():
    # 4 % of the length 10 on both sides; around zero, 4 % beyond the farthest end, which is -2.
    assert spanning([None, 0.0, 10.0, math.nan]) == Axis(-0.4, 10.4)
    assert around_zero([1.0, None, -2.0]) == Axis(-2.08, 2.08)
    assert spanning([None]) == Axis(0.0, 0.0)


def test_whiskers():
    drawn = whisker(Axis(0.0, 10.0), 2.0, 3.0, 6.0)
    assert (drawn.start, drawn.dot, drawn.width) == (20, 30, 40)
    alone = whisker(Axis(0.0, 10.0), None, 3.0, None)
    assert (alone.start, alone.dot, alone.width) == (30, 30, 0)
    assert whisker(Axis(0.0, 10.0), None, None, None) is None


@given(st.lists(st.floats(-1e9, 1e9), min_size=3, max_size=3))
def test_a_whisker_stays_on_its_line_and_around_its_dot(ends):
    low, value, high = sorted(ends)
    drawn = whisker(spanning(ends), low, value, high)
    assert 0 <= drawn.start <= drawn.dot + 1e-9
    assert drawn.dot <= drawn.start + drawn.width + 1e-9 <= 100 + 2e-9


# --- definitions ---


def test_a_definition_says_summary_range_direction_and_source():
    found = definitions(["log-odds", "accuracy", "log-odds"], METRICS)
    assert [item.anchor for item in found.values()] == ["metric-1", "metric-2"]
    assert found["accuracy"].sentence == (
        "accuracy: Share of texts predicted right. Range: from 0 to 1; higher is better. Source: by definition."
    )
    assert (found["log-odds"].sign, definitions(["sink mass"], METRICS)["sink mass"].sign) == ("↓", "")


def test_a_metric_without_a_definition_is_refused(tmp_path):
    expected = r"^metrics: none named 'tau' given, which a row is about; accepted: one for each$"
    with pytest.raises(InputError, match=expected):
        write_evaluation(evaluation(rows=(summary_row("tau", 0.5),)), tmp_path)
    with pytest.raises(InputError, match=expected):
        write_comparison(comparison(pairs=(pair("tau"),)), tmp_path)


# --- every page ---


@pytest.mark.parametrize("kind", WRITERS)
def test_every_link_has_its_place_and_every_number_its_definition(tmp_path, kind):
    page = page_of(tmp_path, SAMPLES[kind]())
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {link for link in page.values("href") if link[1:] not in ids or link[0] != "#"} == set()
    # Every cell but those of verdict, drawing, p and detectable difference, whose row has its metric's link.
    titled = [title for tag, title in page.titles if tag == "td" and title]
    assert kind == "audit" or len(titled) >= 7
    assert all("Source: " in title or title in ("not measured", "not compared") for title in titled)


@pytest.mark.parametrize("kind", WRITERS)
def test_pages_need_nothing_from_elsewhere_and_are_the_same_each_time(tmp_path, kind):
    html = written(tmp_path / "one", SAMPLES[kind]())
    assert not re.search(r"https?:|url\(|@import|javascript:|<script|<img|<link|src=", html)
    assert "default-src 'none'; style-src 'unsafe-inline'" in html
    assert html == written(tmp_path / "two", SAMPLES[kind]())
    assert not re.search(r"\b(None|nan|NaN|inf)\b", html.split("</style>")[1])


@pytest.mark.parametrize("kind", WRITERS)
def test_pages_say_where_they_come_from_settings_and_notes(tmp_path, kind):
    report = SAMPLES[kind]()
    page = page_of(tmp_path, report)
    inner = report.evaluation if kind == "comparison" else report
    for label, value in inner.settings.items():
        assert f"{label} {value}" in page.prose
    assert inner.notes[0] in page.prose
    assert "model runs/a · design additive" in page.prose.split("measured by explainable-bert")[0]
    stored = json.loads(next(value for value in page.values("content") if value.startswith("{")))
    assert stored["settings"] == dict(inner.settings)
    assert stored["models"][0] == {"model": "runs/a", "design": "additive"}


def test_a_pages_origin_names_each_model_once():
    found = measured_origin([("a", "x"), ("b\ny", "z"), ("a", "x")], {})
    assert found.footers[:2] == ("model a · design x", "model b y · design z")
    assert len(found.footers) == 3


def hostile_evaluation():
    metric = Metric(HOSTILE, HOSTILE, 0.0, 1.0, "higher", HOSTILE)
    row = summary_row(HOSTILE, 0.5, 0.4, 0.6, model=HOSTILE, design=HOSTILE, method=HOSTILE, note=HOSTILE)
    return EvaluationReport(
        rows=(row, dataclasses.replace(row, method=None), dataclasses.replace(row, model="b", value=None, low=None)),
        curves=(curve(model=HOSTILE, design=HOSTILE, method=HOSTILE),),
        metrics={HOSTILE: metric},
        settings={HOSTILE: HOSTILE},
        notes=(HOSTILE,),
    )


def hostile_reports():
    one = pair(HOSTILE, a=HOSTILE, b=HOSTILE, method=HOSTILE, verdict=HOSTILE, test=HOSTILE)
    check = Check(HOSTILE, 0.5, 0.4, True, HOSTILE, "at least", 3)
    changes = {"verdicts": (HOSTILE,), "gold_labels": (HOSTILE,), "pictures": ((hostile(),),)}
    return (
        hostile_evaluation(),
        comparison(evaluation=hostile_evaluation(), pairs=(one,), **changes),
        audit(model=HOSTILE, design=HOSTILE, checks=(check,), settings={HOSTILE: HOSTILE}, notes=(HOSTILE,)),
    )


@pytest.mark.parametrize("number", [0, 1, 2])
def test_hostile_words_stay_words(tmp_path, number):
    html = written(tmp_path, hostile_reports()[number])
    page = Page(html)
    assert set(page.elements) <= ELEMENTS
    assert {name for name, _ in page.attributes} <= ATTRIBUTES
    assert {link[0] for link in page.values("href")} <= {"#"}
    assert not set(html) & {"\x00", "\x1b", "\x9b", "\u202e", "\u2066", "\ufffe"}
    assert page.prose.count("<script>alert(1)</script>") >= 5
    assert "{{ 7*7 }}" in page.prose


@pytest.mark.parametrize("kind", WRITERS)
def test_a_place_that_cannot_be_written_is_a_file_error(tmp_path, kind):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot write"):
        WRITERS[kind](SAMPLES[kind](), tmp_path / "file")


def test_importing_the_pages_imports_nothing_heavy():
    modules = ", ".join(f"explainable_bert.export.{kind}_page" for kind in WRITERS)
    code = (
        f"import sys, {modules}; print(sorted({{'torch', 'transformers', 'matplotlib', 'scipy'}} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize("kind", ["evaluation", "comparison"])
def test_tables_scroll_by_keyboard_inside_their_own_box(tmp_path, kind):
    html = written(tmp_path, SAMPLES[kind]())
    tables, boxes = html.count("<table"), re.findall(r'<div class="scroll" tabindex="0" role="region" aria-label', html)
    assert tables == len(boxes) >= 2


# --- the evaluation ---


def test_evaluation_tables_hold_values_intervals_counts_and_reasons(tmp_path):
    cells = page_of(tmp_path, evaluation()).cells
    assert cells == [
        ["metric", "runs/ a"],
        ["accuracy ↑ higher is better · n = 500", "0.912 0.887 to 0.935"],
        ["metric", "built-in", "random"],
        ["effective words ↓ lower is better · n = 500", "4.250 4.000 to 4.500", "9.50 9.00 to 10.00"],
        [
            "log-odds ↓ lower is better · n = 0\u2013497",
            "-1.250 -1.500 to -1.000 undefined for 3 texts",
            "undefined for 500 texts constant scores",
        ],
        ["sink mass descriptive · n = 1", "0.125 no interval: fewer than 2 texts", "—"],
    ]


def test_a_cell_is_defined_where_the_pointer_rests(tmp_path):
    titles = [title for tag, title in page_of(tmp_path, evaluation()).titles if tag == "td"]
    assert titles[3] == (
        "log-odds: Mean log ratio after erasing a fifth. Range: any number; lower is better."
        " Source: Shrikumar 2017. runs/a · built-in: -1.250 (95 % interval -1.500 to -1.000); over 497 texts,"
        " undefined for 3 texts."
    )


def test_dots_of_a_metric_share_one_line(tmp_path):
    # Effective words: ends 4 and 10, 4 % of 6 = 0.24 on both sides: from 3.76 to 10.24, 6.48 long.
    # 4.25 lies at 0.49 / 6.48 = 7.56 %, 9.5 at 5.74 / 6.48 = 88.58 %; whiskers are 0.5 and 1 long: 7.72 %, 15.43 %.
    html = written(tmp_path, evaluation())
    assert re.findall(r'class="dot" style="left:([\d.]+)%', html) == ["91.20", "7.56", "88.58", "12.50"]
    # Accuracy and sink mass are alone in their lines: 0 to 1. Log-odds too, but without ends there is no line.
    assert re.findall(r'class="whisker" style="left:[\d.]+%;width:([\d.]+)%', html) == ["4.80", "7.72", "15.43"]


@pytest.mark.parametrize("value", [0.3, -0.3])
def test_zero_is_marked_where_it_lies_inside_the_line(tmp_path, value):
    rows = (summary_row("log-odds", value, -0.5, 0.5), summary_row("log-odds", 0.1, -0.1, 0.2, method="random"))
    assert written(tmp_path, evaluation(rows=rows)).count('class="zero" style="left:50.00%"') == 2
    rows = (summary_row("log-odds", 0.3, 0.2, 0.4), summary_row("log-odds", 0.5, 0.4, 0.6, method="random"))
    assert 'class="zero"' not in written(tmp_path, evaluation(rows=rows))


def test_several_models_have_a_table_each(tmp_path):
    other = summary_row("effective words", 6.0, 5.5, 6.5, model="runs/b", design="vanilla")
    page = page_of(tmp_path, evaluation(rows=(*evaluation().rows, other)))
    assert "Evaluation of 2 models" in page.prose
    assert "Its explanations: runs/ b vanilla" in page.prose
    assert page.cells[-2:] == [
        ["metric", "built-in"],
        ["effective words ↓ lower is better · n = 500", "6.000 5.500 to 6.500"],
    ]


def test_an_empty_evaluation_is_a_page_without_tables_or_figure(tmp_path):
    page = page_of(tmp_path, EvaluationReport((), (), {}, {}, ()))
    assert {"table", "svg", "dl"} & set(page.elements) == set()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


# --- curves ---


def down(scores, axis):
    return [230 - 220 * (score - axis[0]) / (axis[-1] - axis[0]) for score in scores]


def test_curves_lie_where_their_numbers_say():
    figure = curves_figure((curve(), curve(kind="insertion"), curve(model="runs/b", method="random")))
    assert [[panel.kind for panel in shown.panels] for shown in figure.models] == [
        ["deletion", "insertion"],
        ["deletion"],
    ]
    panel = figure.models[0].panels[0]
    scores = [float(tick.label) for tick in panel.y_ticks]
    assert scores[0] <= 0.45
    assert scores[-1] >= 0.95
    # 420 wide less margins of 52 and 24, 280 high less 10 and 50: half-way across is 52 + 172; down from 230 by 220.
    points = [tuple(map(float, point.split(","))) for point in panel.traces[0].points.split()]
    heights = down((0.9, 0.6, 0.5), scores)
    assert points == [pytest.approx(place, abs=0.051) for place in zip((52, 224, 396), heights, strict=True)]
    assert [tick.label for tick in panel.x_ticks] == ["0%", "20%", "40%", "60%", "80%", "100%"]
    band = [float(point.split(",")[1]) for point in panel.traces[0].band.split()]
    ends = [
        230 - 220 * (score - scores[0]) / (scores[-1] - scores[0]) for score in (0.95, 0.65, 0.55, 0.45, 0.55, 0.85)
    ]
    assert band == pytest.approx(ends, abs=0.051)


def test_curves_are_told_apart_by_colour_and_dashes():
    figure = curves_figure([curve(method=f"method {index}") for index in range(30)])
    assert len({(look.colour, look.dashes) for look in figure.looks}) == 30
    assert len({look.colour for look in figure.looks[:5]}) == len({look.dashes for look in figure.looks[:5]}) == 5


def test_a_flat_or_unbounded_curve_has_an_axis():
    flat = curve(values=(0.5,) * 3, low=(0.5,) * 3, high=(0.5,) * 3)
    ticks = [float(tick.label) for tick in curves_figure((flat,)).models[0].panels[0].y_ticks]
    assert ticks[0] < 0.5 < ticks[-1]
    margins = curve(values=(7.0, 0.0, -3.0), low=(6.0, -1.0, -4.0), high=(8.0, 1.0, -2.0))
    ticks = [float(tick.label) for tick in curves_figure((margins,)).models[0].panels[0].y_ticks]
    assert (ticks[0] <= -4, ticks[-1] >= 8, 0.0 in ticks) == (True, True, True)
    assert curves_figure(()) is None


def test_the_page_shows_curves_with_words_for_those_who_do_not_see_them(tmp_path):
    page = page_of(tmp_path, evaluation())
    assert "deletion curves of runs/a: built-in from 0.900 at 0% to 0.500 at 100%; random from 0.900" in " ".join(
        page.values("aria-label")
    )
    assert "makes deletion fall, and insertion rise, early" in page.prose
    assert page.elements.count("polyline") == 3 + 2  # the curves, and a sample of each method


@pytest.mark.parametrize("report", [evaluation(), hostile_evaluation()])
def test_the_curves_file_is_a_drawing_by_itself(tmp_path, report):
    write_evaluation(report, tmp_path)
    content = (tmp_path / "curves.svg").read_bytes()
    root = ElementTree.fromstring(content)
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {
        *("svg", "title", "desc", "metadata", "style", "rect", "g", "polyline", "polygon", "line", "text", "tspan")
    }
    assert not re.search(rb"url\(|@import|href=|<script", content)
    sizes = re.findall(rb"font-size: (\d+)px", content)
    assert min(map(int, sizes)) * 0.75 >= 8  # points
    before = content
    write_evaluation(report, tmp_path)
    assert (tmp_path / "curves.svg").read_bytes() == before


def luminance(colour):
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("number", "ground"), [(0, "#ffffff"), (1, "#14171a")])
def test_lines_stand_out_from_the_ground(tmp_path, number, ground):
    blocks = re.findall(r"\.curves \{ (--c0.*?)\}", written(tmp_path, evaluation()), re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#\w{6});", blocks[number]))
    assert {f"c{index}" for index in range(6)} <= set(colours)
    for name in set(colours) - {"grid"}:
        low, high = sorted((luminance(colours[name]), luminance(ground)))
        assert (high + 0.05) / (low + 0.05) >= (3 if name.startswith("c") else 4.5), name


# --- the comparison ---


def test_verdicts_come_first_and_in_order(tmp_path):
    prose = page_of(tmp_path, comparison()).prose
    places = [prose.index(words) for words in (*comparison().verdicts, "At a glance", "Pair by pair")]
    assert places == sorted(places)


def test_pairs_have_difference_interval_p_verdict_and_what_could_have_been_seen(tmp_path):
    cells = page_of(tmp_path, comparison()).cells
    start = next(place for place, row in enumerate(cells) if row[1:2] == ["verdict on a"])
    assert cells[start][2:4] == ["difference around zero", "a minus b"]
    assert cells[start][4:] == ["p, corrected by Holm", "smallest difference it could have seen"]
    assert cells[start + 1 : start + 4] == [
        [
            "accuracy ↑ higher is better · n = 500",
            *("▲ better", "", "0.020 0.005 to 0.035", "0.012 McNemar exact", "0.021"),
        ],
        [
            "effective words built-in ↓ lower is better · n = 500",
            *("▲ better", "", "-2.750 -3.000 to -2.500", "< 0.001 McNemar exact", "0.021"),
        ],
        [
            "log-odds ↓ lower is better · n = 500",
            *("undefined", "", "undefined no interval", "no test McNemar exact", "not stated"),
        ],
    ]
    assert cells[start + 5][1:5] == [
        *("= equivalent", "", "0.000 -0.010 to 0.010", "0.012 McNemar exact within ±0.020: p = 0.003")
    ]


def test_a_metric_has_the_same_line_in_every_pair(tmp_path):
    # Accuracy: the farthest end is 0.035, with 4 % more 0.0364; 0.02 lies at (0.02 + 0.0364) / 0.0728 = 77.47 %,
    # the margin from (-0.02 + 0.0364) / 0.0728 = 22.53 % on and 54.95 % wide, the other pair's 0 in the middle.
    html = written(tmp_path, comparison())
    first, second = html.split('id="pair-1"')[1].split('id="pair-2"')
    assert re.search(r'id="pair-1-1".*?class="dot" style="left:77.47%"', first)
    second_row = re.search(r'id="pair-2-1".*', second).group()
    assert 'class="margin" style="left:22.53%;width:54.95%"' in second_row
    assert 'class="dot" style="left:50.00%"' in second_row
    assert 'class="margin"' not in first


def test_all_verdicts_at_a_glance_lead_to_their_numbers(tmp_path):
    page = page_of(tmp_path, comparison())
    assert page.cells[:4] == [
        ["metric", "a against b", "a against c"],
        ["accuracy", "▲ better", "= equivalent"],
        ["effective words built-in", "▲ better", "○ no difference shown"],
        ["log-odds", "undefined", "—"],
    ]
    links = [link for link in page.values("href") if link.startswith("#pair-")]
    assert links == ["#pair-1-1", "#pair-2-1", "#pair-1-2", "#pair-2-2", "#pair-1-3"]


@pytest.mark.parametrize(
    ("verdict", "shown", "tone"),
    [
        ("better", "▲ better", "good"),
        ("worse", "▼ worse", "bad"),
        ("equivalent", "= equivalent", "plain"),
        ("no difference shown", "○ no difference shown", "plain"),
        ("higher", "↑ higher", "plain"),
        ("lower", "↓ lower", "plain"),
        ("not compared: other texts", "not compared: other texts", "plain"),
    ],
)
def test_a_verdict_is_told_by_word_sign_and_tone(tmp_path, verdict, shown, tone):
    html = written(tmp_path, comparison(pairs=(pair(verdict=verdict),)))
    assert Page(html).cells[1][1] == shown
    assert html.count(f'class="mark {tone}"') == 2


def test_every_models_numbers_are_side_by_side(tmp_path):
    cells = page_of(tmp_path, comparison()).cells
    assert cells[cells.index(["metric", "a", "b"]) :] == [
        ["metric", "a", "b"],
        ["accuracy ↑ higher is better · n = 500", "0.912 0.887 to 0.935", "0.892 0.862 to 0.920"],
        ["effective words ↓ lower is better"],
        ["built-in n = 500", "4.250 4.000 to 4.500", "7.000 6.500 to 7.500"],
        ["random n = 500", "9.50 9.00 to 10.00", "—"],
    ]


def test_examples_show_each_model_on_the_same_text(tmp_path):
    html = written(tmp_path, comparison(gold_labels=("negative",)))
    assert "Text 1 · true label negative" in Page(html).prose
    assert html.count('class="strip"') == 2
    assert Page(html).prose.count("predicts positive (wrong)") == 2
    assert "(wrong)" not in Page(written(tmp_path, comparison())).prose


def test_pictures_without_a_gold_label_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"^gold_labels: 0 given for 1 pictured texts; one per text is needed$"):
        write_comparison(comparison(gold_labels=(), pictures=((explain(),),)), tmp_path)


def test_a_comparison_of_nothing_is_still_a_page(tmp_path):
    empty = comparison(pairs=(), verdicts=(), gold_labels=(), pictures=(), evaluation=evaluation(curves=()))
    html = written(tmp_path, empty)
    assert not {'href="#glance"', 'href="#examples"', 'href="#curves"'} & set(re.findall(r'href="#\w+"', html))
    assert "svg" not in Page(html).elements


def test_the_comparison_says_what_its_verdicts_do_not_mean(tmp_path):
    prose = page_of(tmp_path, comparison()).prose
    assert "Overlapping intervals of two models do not show that they are equal" in prose
    assert "No difference shown is not “no difference”" in prose
    assert "raw erasure scores do not compare" in prose


# --- the audit ---


def test_the_audit_counts_and_sorts_by_outcome(tmp_path):
    prose = page_of(tmp_path, audit()).prose
    assert "✗ 1 failed ✓ 1 passed ○ 1 measured \u2013 1 does not apply" in prose
    order = [
        "Failed uniform swap ✗ failed Attention hardly matters. 0.300 ; at least 0.500 passes · on 1 text",
        "Passed closed form ✓ passed Removal needs no second pass. 1.2e-07 ; at most 1.0e-05 passes · on 200 texts",
        "Measured, with nothing to pass identifiability ○ measured How many units a map can tell apart. 24 ·",
        "Does not apply pooler search \u2013 does not apply This design has no pooler.",
    ]
    places = [prose.index(words) for words in order]
    assert places == sorted(places)


def test_the_audits_lines_shade_what_passes(tmp_path):
    # 0.3 against at least 0.5: the line ends at 1.15 * 0.5 = 0.575; 52.17 %, 86.96 %, and the rest of 13.04 % passes.
    # 1.2e-7 against at most 1e-5: the line ends at 1.15e-5; 1.04 %, and up to 86.96 % passes.
    html = written(tmp_path, audit())
    assert re.findall(r'class="dot" style="left:([\d.]+)%', html) == ["52.17", "1.04"]
    assert re.findall(r'class="threshold" style="left:([\d.]+)%', html) == ["86.96", "86.96"]
    assert re.findall(r'class="margin" style="left:([\d.]+)%;width:([\d.]+)%', html) == [
        ("86.96", "13.04"),
        ("0.00", "86.96"),
    ]


def test_an_audit_where_all_passed_has_no_section_of_failures(tmp_path):
    page = page_of(tmp_path, audit(checks=(audit().checks[0],), notes=()))
    assert "✗ 0 failed ✓ 1 passed" in page.prose
    assert "Failed closed" not in page.prose
    assert page.elements.count("h2") == 3  # what passed, how to read it, how it was measured


def test_negative_values_have_zero_inside_the_line(tmp_path):
    # From 1.15 * -0.2 = -0.23 to 1.15 * 0.3 = 0.345, 0.575 long: zero at 40 %.
    check = Check("correlation", -0.2, 0.3, True, "They differ.", "at most", 5)
    assert 'class="zero" style="left:40.00%"' in written(tmp_path, audit(checks=(check,)))
