"""Records survive their files, and files that are no records are refused."""

import dataclasses
import json

import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert import Explanation, Prediction
from explainable_bert.errors import FileError, InputError
from explainable_bert.records import AttentionMap, Attribution, Provenance, Unit, load_explanations, save_explanations
from explainable_bert.writing import write_bytes, write_text

EXPLANATION = Explanation(
    text="Good 😀 \ud800 film",
    text_pair=None,
    prediction=Prediction("positive", {"negative": 0.25, "positive": 0.75}, n_tokens_dropped=3),
    target="positive",
    attribution=Attribution(
        units=(Unit("Good", 0, 4), Unit("film", 9, 13)),
        scores=(0.1, -0.30000000000000004),
        method="built-in",
        level="word",
        signed=True,
        special_token_mass=0.0,
        bias=0.5,
        bias_name="bias",
        logit=0.3,
        seed=3,
    ),
    provenance=Provenance("runs/x", "lexical", 2, "abc", "0.1.0", "torch 2.13.0"),
)


def test_saved_and_loaded_an_explanation_is_the_same(tmp_path):
    EXPLANATION.save(tmp_path / "deep" / "one.json")
    assert Explanation.load(tmp_path / "deep" / "one.json") == EXPLANATION
    assert json.loads((tmp_path / "deep" / "one.json").read_text())["schema_version"] == 3


def test_records_from_before_windows_are_read():
    fields = json.loads(EXPLANATION.to_json())
    del fields["prediction"]["n_windows"]
    old = json.dumps({**fields, "schema_version": 2})
    assert Explanation.from_json(old) == EXPLANATION


@given(st.text(st.characters(codec=None)), st.none() | st.text(st.characters(codec=None)), st.floats(allow_nan=False))
def test_any_text_and_score_survives(text, text_pair, score):
    attribution = dataclasses.replace(EXPLANATION.attribution, scores=(score, 0.0))
    explanation = dataclasses.replace(EXPLANATION, text=text, text_pair=text_pair, attribution=attribution)
    assert Explanation.from_json(explanation.to_json()) == explanation


WITH_MAP = dataclasses.replace(
    EXPLANATION,
    text="Good film",
    text_pair="Bad",
    attention_map=AttentionMap(((0.25, 0.5), (1.0, 0.0), (0.0, 1 / 3)), (0.25, 0.0, 2 / 3)),
)


@pytest.mark.parametrize("extension", ["json", "parquet"])
@pytest.mark.parametrize("explanations", [[EXPLANATION], [WITH_MAP], [EXPLANATION, WITH_MAP], []])
def test_files_of_explanations_lose_nothing(tmp_path, extension, explanations):
    path = tmp_path / f"x.{extension}"
    save_explanations(explanations, path)
    assert load_explanations(path) == explanations
    if len(explanations) == 1:
        assert Explanation.load(path) == explanations[0]
    else:
        with pytest.raises(InputError, match=f"holds {len(explanations)} explanations; use load_explanations"):
            Explanation.load(path)


@pytest.mark.parametrize("extension", ["json", "parquet"])
@pytest.mark.parametrize("stopped_by", [InputError("blank"), KeyboardInterrupt()])
def test_what_breaks_off_leaves_the_old_file_and_nothing_else(tmp_path, extension, stopped_by):
    path = tmp_path / f"x.{extension}"
    save_explanations([EXPLANATION], path)

    def broken():
        yield from [WITH_MAP] * 3000
        raise stopped_by

    with pytest.raises(type(stopped_by)):
        save_explanations(broken(), path)
    assert load_explanations(path) == [EXPLANATION]
    assert list(tmp_path.iterdir()) == [path]


def test_parquet_of_many_records_is_written_in_groups(tmp_path):
    many = [dataclasses.replace(EXPLANATION, text=f"film {number}") for number in range(2500)]
    save_explanations(iter(many), tmp_path / "x.parquet")
    assert load_explanations(tmp_path / "x.parquet") == many
    assert pq.ParquetFile(tmp_path / "x.parquet").num_row_groups == 5


@given(st.text(st.characters(codec=None)), st.floats())
def test_any_text_and_score_survives_parquet(tmp_path_factory, text, score):
    path = tmp_path_factory.getbasetemp() / "any.parquet"
    attribution = dataclasses.replace(EXPLANATION.attribution, scores=(score, 0.0), bias=None)
    explanation = dataclasses.replace(EXPLANATION, text=text, text_pair=text, attribution=attribution)
    explanation.save(path)
    # By their representations, as a score that is not a number differs from itself.
    assert repr(Explanation.load(path)) == repr(explanation)


def test_pandas_reads_parquet_in_one_line(tmp_path):
    save_explanations([WITH_MAP, EXPLANATION], tmp_path / "x.parquet")
    words = pd.read_parquet(tmp_path / "x.parquet").explode(["unit", "start", "end", "part", "score"])
    assert list(words["unit"]) == ["Good", "film"] * 2
    assert list(words["score"]) == [0.1, -0.30000000000000004] * 2
    assert set(words["label"]) == {"positive"}


def test_a_map_that_does_not_fit_the_units():
    with pytest.raises(InputError, match="2 rows given for 2 units"):
        dataclasses.replace(WITH_MAP, attention_map=AttentionMap(((0.5, 0.5), (1.0, 0.0)), (0.0, 0.0)))
    with pytest.raises(InputError, match="one number per row"):
        dataclasses.replace(WITH_MAP, attention_map=AttentionMap(WITH_MAP.attention_map.weights, (0.0,)))


def test_completeness_error_by_hand():
    assert EXPLANATION.attribution.completeness_error == pytest.approx(0.0)
    off = dataclasses.replace(EXPLANATION.attribution, logit=1.0)
    assert off.completeness_error == pytest.approx(0.7)  # |.5 + .1 - .3 - 1|
    assert dataclasses.replace(off, bias=None).completeness_error is None


def test_a_score_for_every_unit():
    with pytest.raises(InputError, match="1 given for 2 units"):
        dataclasses.replace(EXPLANATION.attribution, scores=(1.0,))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not an explanation file"),
        ("[]", "holds 0 explanations"),
        ("{}", "not an explanation file"),
        ('{"schema_version": 9}', "schema_version: 9 given; this version reads 2"),
        ('{"schema_version": 2, "attribution": 3}', "not an explanation file"),
    ],
)
def test_files_that_are_no_explanation(tmp_path, content, message):
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(InputError, match=message):
        Explanation.load(tmp_path / "x.json")


def test_paths_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(FileError, match=r"cannot read .*missing.json"):
        Explanation.load(tmp_path / "missing.json")
    with pytest.raises(InputError, match=r"'x.txt' given; accepted for explanations: .json, .parquet"):
        EXPLANATION.save("x.txt")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="output: cannot write"):
        EXPLANATION.save(tmp_path / "file" / "x.json")
    (tmp_path / "x.json").write_bytes(b"\xff")
    with pytest.raises(InputError, match="is not an explanation file"):
        Explanation.load(tmp_path / "x.json")


def test_writing_leaves_the_old_content_or_the_new(tmp_path):
    target = tmp_path / "x"
    write_text(target, "old")
    target_folder = tmp_path / "folder"
    target_folder.mkdir()
    with pytest.raises(FileError, match="output: cannot write"):
        write_bytes(target_folder, b"new")
    write_text(target, "new \ud800")
    assert target.read_text(encoding="utf-8") == "new \ufffd"
    assert {path.name for path in tmp_path.iterdir()} == {"x", "folder"}
    assert target.stat().st_mode & 0o777 == 0o644
