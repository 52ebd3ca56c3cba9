"""Rendering: each extension its format, nothing before a mistake is found, files numbered when split."""

import csv
import dataclasses
import subprocess
import sys

import pytest

from explainable_bert.errors import FileError, InputError
from explainable_bert.export.heatmap import check_format, render
from explainable_bert.records import load_explanations
from export_samples import explain, from_vanilla, hostile, long, with_map, words_of

FORMATS = (".html", ".svg", ".png", ".pdf", ".json", ".csv", ".parquet")
STARTS = {".html": b"<!doctype html>", ".svg": b"<?xml", ".png": b"\x89PNG\r\n", ".pdf": b"%PDF-"}


def test_an_unknown_extension_is_refused_before_any_work(tmp_path):
    path = tmp_path / "map.gif"
    with pytest.raises(InputError) as caught:
        render([explain()], path)
    accepted = ".html, .svg, .png, .pdf, .json, .csv, .parquet"
    assert str(caught.value) == f"path: {str(path)!r} given; accepted for pictures: {accepted}"
    with pytest.raises(InputError, match=r"pictures: \.html, "):
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


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_holds_one_text_and_two_models(tmp_path, suffix):
    base, versus = with_map(explain()), with_map(from_vanilla(signed=False))
    for number, other in enumerate((None, [versus])):
        path = tmp_path / f"{number}{suffix}"
        assert render([base], path, other, values=True) == [path]
        assert path.read_bytes().startswith(STARTS.get(suffix, b""))
        assert path.stat().st_size > 400
    assert [item.name for item in sorted(tmp_path.iterdir())] == [f"0{suffix}", f"1{suffix}"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_takes_hostile_text_and_writes_the_same_bytes_again(tmp_path, suffix):
    for name in "ab":
        render([hostile()], tmp_path / f"{name}{suffix}", values=True)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_takes_512_units_and_an_empty_text(tmp_path, suffix):
    render([long(), explain("", ())], tmp_path / f"x{suffix}")
    assert (tmp_path / f"x{suffix}").stat().st_size > 5000


def test_split_numbers_its_files_to_one_width(tmp_path):
    records = [explain(str(number), (1.0,)) for number in range(10)]
    others = [from_vanilla(text=str(number), scores=(1.0,)) for number in range(10)]
    paths = render(records, tmp_path / "a.b.json", others, split=True)
    assert [path.name for path in paths] == [f"a.b-{number:02}.json" for number in range(1, 11)]
    assert sorted(tmp_path.iterdir()) == paths
    assert load_explanations(paths[9]) == [records[9], others[9]]
    assert [path.name for path in render(records[:2], tmp_path / "x.json", split=True)] == ["x-1.json", "x-2.json"]


def test_split_keeps_the_methods_of_a_text_together(tmp_path):
    records = [explain(text, (1.0,), method=method) for text in ("a", "b") for method in ("saliency", "occlusion")]
    paths = render(records, tmp_path / "x.json", split=True)
    assert [load_explanations(path) for path in paths] == [records[:2], records[2:]]


def test_numbers_come_back_with_both_models_side_by_side(tmp_path):
    records, others = [explain(), explain("a", (1.0,))], [from_vanilla(), from_vanilla(text="a", scores=(2.0,))]
    for suffix in (".json", ".parquet"):
        render(records, tmp_path / f"x{suffix}", others)
        assert load_explanations(tmp_path / f"x{suffix}") == [records[0], others[0], records[1], others[1]]


def test_the_table_has_a_row_per_unit(tmp_path):
    first = explain(bias=0.5, logit=0.25)
    render([first, explain("", ())], tmp_path / "x.csv", [from_vanilla(), from_vanilla(text="", scores=())])
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == [
        *("text_number", "text", "text_pair", "label", "probability", "target", "method", "level"),
        *("part", "start", "end", "unit", "score", "signed", "special_token_mass", "bias", "bias_name", "logit"),
        *("seed", "n_windows", "n_tokens_dropped", "model", "design", "value_layer"),
        *("fingerprint", "version", "libraries"),
    ]
    assert [row["text_number"] for row in rows] == ["1"] * 8 + ["2"] * 2
    assert [(row["unit"], row["start"], row["end"], row["score"]) for row in rows[:4]] == [
        *(("good", "0", "4", "0.5"), ("bad", "5", "8", "-1.0"), ("so", "9", "11", "0.25"), ("so", "12", "14", "0.0")),
    ]
    assert {(row["model"], row["method"]) for row in rows[4:8]} == {("runs/b", "attention")}
    assert [(row["unit"], row["score"]) for row in rows[8:]] == [("", ""), ("", "")]
    assert (rows[0]["bias"], rows[0]["special_token_mass"], rows[0]["signed"]) == ("0.5", "", "True")


def test_lone_surrogates_fit_into_a_table(tmp_path):
    render([explain("a\ud800", (1.0,))], tmp_path / "x.csv")
    assert "a\ufffd" in (tmp_path / "x.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("versus", "message"),
    [
        ([], "versus: 0 explanations given for 1 of the first model; one per explanation is needed, in the same order"),
        (
            [explain("good bad so sx")],
            "versus: number 1 explains another text; the same texts in the same order are needed",
        ),
        (
            [explain(text_pair="x")],
            "versus: number 1 explains another text; the same texts in the same order are needed",
        ),
        (
            [explain(target="negative")],
            "versus: number 1 explains 'negative', the first model 'positive'; give both the same target",
        ),
        (
            [explain(level="token")],
            "versus: number 1 is of level 'token', of the first model 'word'; give both the same level",
        ),
        (
            [explain(scores=(1.0,), units=words_of("good"))],
            "versus: number 1: the models split the text differently; their units must be equal",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(tmp_path, versus, message):
    with pytest.raises(InputError) as caught:
        render([explain()], tmp_path / "x.json", versus)
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


def test_a_picture_too_high_for_png_is_refused(tmp_path):
    records = [explain(f"{number}\n" * 100, (), ()) for number in range(20)]
    with pytest.raises(InputError, match=r"^path: the picture would be higher than 65,535 pixels.*a file per text"):
        render(records, tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


def test_checking_the_format_writes_nothing(tmp_path):
    check_format(tmp_path / "new" / "x.SVG")
    with pytest.raises(FileError, match="is a folder"):
        check_format(folder(tmp_path / "x.png"))
    assert [item.name for item in tmp_path.iterdir()] == ["x.png"]


def folder(path):
    path.mkdir()
    return path


def test_drawing_and_page_libraries_wait_until_a_picture_is_drawn():
    code = (
        "import sys; from explainable_bert.export import figures, heatmap, pages, report;"
        "from explainable_bert.export.drawing import sheets;"
        "print(sorted({'matplotlib', 'PIL', 'torch', 'pyarrow'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_explanations_are_left_as_they_were(tmp_path):
    record = with_map(explain())
    before = dataclasses.replace(record)
    render([record], tmp_path / "x.svg", [with_map(from_vanilla())])
    assert record == before
