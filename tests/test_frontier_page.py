"""The page of a sweep: every number on it, labels that cover nothing, hostile names inert."""

import dataclasses
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from explainable_bert.errors import InputError
from explainable_bert.export.front_figure import front_figure, short_labels
from explainable_bert.export.frontier_page import write_frontier
from explainable_bert.export.placing import Box, Wanted, place
from explainable_bert.results import frontier_json
from export_samples import HOSTILE
from frontier_samples import ROWS, frontier, row
from test_export_measurement import Page

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE_NAME = HOSTILE.replace(" ", "_")


def written(report, folder):
    write_frontier(report, folder)
    return (folder / "report.html").read_text(), (folder / "frontier.svg").read_text()


def test_every_number_is_on_the_page_with_its_interval(tmp_path):
    report = frontier()
    page = Page(written(report, tmp_path)[0])
    by_arm = [cells for cells in page.cells if len(cells) == 7 and cells[0] != "arm"]
    assert len(by_arm) == len(ROWS) + 2
    for found, cells in zip((*report.rows, *report.tested), by_arm, strict=True):
        assert found.arm in cells[0]
        assert "3 seeds" in cells[0]
        assert f"{found.accuracy.value:.3f} {found.accuracy.low:.3f} to {found.accuracy.high:.3f}" == cells[1]
        assert f"{found.faithfulness.value:.3f} {found.faithfulness.low:.3f}" in cells[3]
        assert cells[5].startswith(f"{found.sharpness.value:.2f}"[:4])
        assert cells[6].startswith(f"{found.plausibility.value:.3f}")
        if found.accuracy_difference is not None:
            difference = found.accuracy_difference
            assert (
                cells[2]
                == f"{100 * difference.value:+z.1f} {100 * difference.low:+z.1f} to {100 * difference.high:+z.1f}"
            )
            assert cells[4].startswith(f"{found.faithfulness_difference.value:+.3f} ")
    words = page.prose
    for sentence in (*report.verdicts, *report.notes, *report.settings.values()):
        assert sentence in words
    places = [cells[0].rpartition(" · ")[2] for cells in by_arm[: len(ROWS)]]
    assert places.count("the pick") == places.count("the reference") == 1
    assert places.count("on the front") == len(report.front) - 1
    titles = [title for _, title in page.titles if title is not None]
    assert any("lexical value_layer=1 attention_function=entmax15, accuracy: 0.897" in title for title in titles)


def test_the_page_needs_nothing_from_elsewhere(tmp_path):
    html, drawing = written(frontier(), tmp_path)
    for content in (html, drawing):
        assert not re.search(r"(src|href)=\"(?!#)", content)
        assert "url(" not in content
        assert "<script" not in content


def test_names_are_inert(tmp_path):
    name = f"lexical {HOSTILE_NAME}"
    report = frontier((ROWS[0], row(name, 0.9, 0.5)))
    html, drawing = written(report, tmp_path)
    for content in (html, drawing):
        assert "<script" not in content
        assert "<img" not in content
        assert "\u202e" not in content
        assert "{{ 7*7 }}" in content or "7*7" in content
    page = Page(html)
    assert any("alert(1)" in " ".join(cells) for cells in page.cells)
    ElementTree.fromstring(drawing)


def test_the_drawing_is_whole_and_said_in_words(tmp_path):
    report = frontier()
    root = ElementTree.fromstring(written(report, tmp_path)[1])
    described = root.find(f"{SVG}desc").text
    for found in report.rows:
        assert f"{found.arm} {found.accuracy.value:.3f}, {found.faithfulness.value:.3f}" in described
    labels = [text.text for text in root.iter(f"{SVG}text") if "label" in text.get("class", "")]
    assert sorted(labels)[:3] == ["0 · entmax15"] * 3
    assert labels.count("1 · entmax15 (pick)") == 3
    assert labels.count("vanilla") == 3
    assert json.loads(root.find(f"{SVG}metadata").text)["models"][0] == {"model": "vanilla", "design": "vanilla"}


def test_a_report_without_plausibility_pick_or_test(tmp_path):
    rows = (ROWS[0], row("lexical value_layer=0", 0.5, 0.9), row("lexical value_layer=1", 0.6, None))
    rows = tuple(dataclasses.replace(found, plausibility=None) for found in rows)
    html, _ = written(frontier(rows), tmp_path)
    page = Page(html)
    assert "No pick: no arm lies within 0.5 points" in html
    assert {len(cells) for cells in page.cells} == {6}
    assert any(cells[3] == "undefined" for cells in page.cells)
    assert "The pick, tested" not in html
    figure = front_figure(frontier(rows))
    assert [(panel.title, len(panel.marks)) for panel in figure.panels] == [("faithfulness", 2), ("effective words", 3)]


def test_a_metric_that_is_not_defined(tmp_path):
    with pytest.raises(InputError, match="metrics"):
        write_frontier(frontier(metrics={}), tmp_path)


# --- the drawing ---------------------------------------------------------------------------------------------------


def boxes_of(panel):
    labels = [Box(m.label_x, m.label_y - 11, 13 * 0.58 * len(m.label), 13) for m in panel.marks if m.label]
    return labels, [Box(m.x - 5, m.y - 5, 10, 10) for m in panel.marks]


def overlap(a, b):
    return a.left < b.right and b.left < a.right and a.top < b.bottom and b.top < a.bottom


@pytest.mark.parametrize("n_arms", [2, 9, 24])
def test_labels_cover_neither_each_other_nor_marks(n_arms):
    rows = (ROWS[0], *(row(f"lexical taught {i}", 0.89 + 0.001 * (i * 7 % 11), 0.5 + 0.004 * i) for i in range(n_arms)))
    for panel in front_figure(frontier(rows)).panels:
        labels, marks = boxes_of(panel)
        assert len(labels) == n_arms + 1
        assert not [pair for pair in itertools.combinations(labels, 2) if overlap(*pair)]
        assert not [(label, mark) for label in labels for mark in marks if overlap(label, mark)]
        for box in (*labels, *marks):
            assert panel.left <= box.left < box.right <= panel.right + 1
            assert panel.top <= box.top < box.bottom <= panel.bottom


def test_places_and_ticks_follow_the_numbers():
    panel = front_figure(frontier()).panels[0]
    by_title = {mark.title.partition(":")[0]: mark for mark in panel.marks}
    vanilla, shallow = by_title["vanilla"], by_title["lexical value_layer=0 attention_function=softmax"]
    assert shallow.x < panel.limit < vanilla.x
    assert shallow.y < vanilla.y
    ticks = {tick.label: tick.place for tick in panel.x_ticks}
    assert set(ticks) == {"0.86", "0.88", "0.90"}
    # Vanilla is 0.9 accurate, and the line 0.5 points to the left of it: a quarter of the way between two ticks.
    assert vanilla.x == pytest.approx(ticks["0.90"])
    assert vanilla.x - panel.limit == pytest.approx((ticks["0.90"] - ticks["0.88"]) / 4)
    across, upwards = vanilla.bars
    assert (across.x1 + across.x2) / 2 == pytest.approx(vanilla.x)
    assert (upwards.y1 + upwards.y2) / 2 == pytest.approx(vanilla.y)
    assert [mark.kind for mark in panel.marks][:2] == ["pick", "reference"]


def test_the_stairs_go_through_the_front_alone():
    panel = front_figure(frontier()).panels[0]
    corners = [tuple(map(float, corner.split(","))) for corner in panel.stairs.split()]
    for mark in panel.marks:
        is_on = (round(mark.x, 1), round(mark.y, 1)) in corners
        assert is_on == (mark.kind in ("front", "pick"))


def test_names_are_cut_to_what_differs():
    assert short_labels(["vanilla", "lexical value_layer=0", "lexical value_layer=1"], "vanilla") == (
        {"vanilla": "vanilla", "lexical value_layer=0": "value_layer=0", "lexical value_layer=1": "value_layer=1"},
        "",
    )
    two = ["vanilla", "lexical a=0 b=x", "lexical a=1 b=y"]
    assert short_labels(two, "vanilla") == (
        {"vanilla": "vanilla", "lexical a=0 b=x": "0 · x", "lexical a=1 b=y": "1 · y"},
        "a · b",
    )
    mixed = ["vanilla", "lexical a=0 b=x", "additive"]
    assert short_labels(mixed, "vanilla")[0] == {name: name for name in mixed}
    assert short_labels(["vanilla", "lexical a=0"], "vanilla")[0]["lexical a=0"] == "lexical a=0"
    long = f"taught {'x' * 50}"
    assert short_labels(["vanilla", long], "vanilla")[0][long] == f"taught {'x' * 22}…"


def test_a_label_goes_right_of_its_mark_and_elsewhere_only_if_it_must():
    frame, mark = Box(0, 0, 200, 100), Box(93, 43, 14, 14)
    free = place([Wanted(100, 50, 40, 16)], frame, [mark], [])[0]
    assert free.left >= 100 or free.left + 20 >= 100
    wall = Box(93, 0, 107, 100)
    moved = place([Wanted(100, 50, 40, 16)], frame, [mark, wall], [])[0]
    assert moved.right <= 93
    assert place([Wanted(100, 50, 40, 16)], frame, [frame], []) == (None,)
    assert place([Wanted(100, 50, 300, 16)], frame, [], []) == (None,)


def test_json_holds_all_that_was_found():
    fields = json.loads(frontier_json(frontier()))
    assert set(fields) == {field.name for field in dataclasses.fields(frontier())} - {"metrics"}
    assert fields["pick"] == "lexical value_layer=1 attention_function=entmax15"
    assert fields["rows"][1]["accuracy"]["value"] == ROWS[1].accuracy.value
    assert fields["rows"][1]["accuracy_difference"]["low"] == ROWS[1].accuracy_difference.low
    assert fields["rows"][0]["accuracy_difference"] is None
