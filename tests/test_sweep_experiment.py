"""What the points of a sweep share: which texts are read, and what of them decides a point."""

import dataclasses
import json

import pytest

from explainable_bert.data.corpora import load_corpus, unlabelled_texts
from explainable_bert.data.files import write_table
from explainable_bert.errors import InputError
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.sweep.arm import Arm, Point
from explainable_bert.sweep.experiment import Drawn, Measuring, TrainingData, load_experiment
from explainable_bert.training.settings import ModelRequest
from tiny import toy_corpus

SETTINGS = EvaluationSettings(("built-in",), ("effective-words", "average-precision"))
TAUGHT = Arm("taught", ModelRequest(), teacher="vanilla", unlabelled=("more.csv",))


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    corpus = toy_corpus(60, 20, 20)
    for name, examples in (("train", corpus.train), ("validation", corpus.validation), ("test", corpus.test)):
        write_table([vars_of(example) for example in examples], tmp_path / "films" / f"{name}.csv")
    write_table([{"text": "a very good plot", "label": "positive"}], tmp_path / "more.csv")
    marked = {"text": "the plot was dull", "label": 0, "words": ["the", "plot", "was", "dull"]}
    lines = [
        json.dumps({**marked, "text": f"{marked['text']} {'!' * n}", "annotators": [[0, 0, 0, 1]]}) for n in range(3)
    ]
    (tmp_path / "marked.jsonl").write_text("\n".join(lines))
    return tmp_path


def vars_of(example):
    return {"text": example.text, "label": example.label}


def measuring(**changes):
    fields = {
        "predicted": (Drawn("films", "validation"), Drawn("films", "test", 3)),
        "explained": (Drawn("films", "validation", 4),),
        "evaluation": SETTINGS,
        "rationales": "marked.jsonl",
        "n_rationales": 2,
    }
    return Measuring(**{**fields, **changes})


def load(arms=(TAUGHT,), n_train=None, **changes):
    return load_experiment(arms, TrainingData("films", n_train=n_train), measuring(**changes))


def refused(call, *parts):
    with pytest.raises(InputError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


@pytest.mark.usefixtures("place")
def test_texts_are_read_once_and_test_rows_are_no_part_of_training():
    found, corpus = load(n_train=7), load_corpus("films")
    assert (len(found.corpus.train), found.corpus.validation, found.corpus.test) == (7, corpus.validation, ())
    assert found.unlabelled == {"more.csv": ("a very good plot",)}
    assert {name: len(rows) for name, rows in found.predicted.items()} == {"films validation": 20, "films test": 3}
    assert set(found.predicted["films test"]) <= set(corpus.test)
    assert {name: len(shown.examples) for name, shown in found.explained.items()} == {
        "films validation": 4,
        "marked.jsonl": 2,
    }
    # Numbers count the labels.
    assert {example.label for example in found.explained["marked.jsonl"].examples} == {"negative"}
    assert tuple(found.explained["marked.jsonl"].settings.measures) == ("average-precision",)
    assert tuple(found.explained["films validation"].settings.measures) == ("effective-words",)


@pytest.mark.usefixtures("place")
def test_all_that_decides_a_point_is_described():
    point = Point(TAUGHT, 3)
    asked = load().described(point)
    assert asked["arm"] == {"name": "taught", "teacher": "vanilla", "base": None}
    assert (asked["request"]["design"], asked["settings"]["seed"]) == ("explainable", 3)
    assert asked["unlabelled"]["more.csv"]["texts"] == 1
    assert asked["predicted"]["films test"]["examples"] == 3
    assert asked["measured"]["marked.jsonl"]["metrics"] == ["average-precision"]
    assert json.loads(json.dumps(asked)) == asked
    for other in (
        load(n_train=7),
        load(rationales=None),
        load(explained=(Drawn("films", "validation", 5),)),
        load(predicted=(Drawn("films", "test", 3),)),
        load(evaluation=EvaluationSettings(("built-in",), ("gini", "average-precision"))),
        load(evaluation=EvaluationSettings(("built-in",), ("effective-words", "average-precision"), seed=1)),
    ):
        assert other.described(point) != asked
    assert load([]).described(Point(Arm("taught", ModelRequest(), teacher="vanilla"), 3)) != asked


def test_texts_without_labels_are_limited_for_each_corpus(place):
    for name in ("more", "others"):
        write_table([{"text": f"{name} plots {'!' * n}", "label": "x"} for n in range(9)], place / f"{name}.csv")
    arms = [TAUGHT, dataclasses.replace(TAUGHT, name="taught more", unlabelled=("more.csv", "others.csv"))]
    found = {
        n_texts: load_experiment(arms, TrainingData("films", n_unlabelled=n_texts), measuring())
        for n_texts in (4, 9, None)
    }
    for n_texts, experiment in found.items():
        assert experiment.unlabelled == {
            name: unlabelled_texts(name, n_unlabelled=n_texts) for name in ("more.csv", "others.csv")
        }
        assert len(experiment.corpus.train) == 60
    assert [len(texts) for texts in found[4].unlabelled.values()] == [4, 4]
    asked, all_of_them = (found[n_texts].described(Point(arms[1], 0)) for n_texts in (4, None))
    assert {name: given["texts"] for name, given in asked["unlabelled"].items()} == {"more.csv": 4, "others.csv": 4}
    assert asked != all_of_them
    refused(
        lambda: load_experiment(arms, TrainingData("films", n_unlabelled=0), measuring()),
        "0 given; at least 1 is needed",
    )


@pytest.mark.usefixtures("place")
def test_unlabelled_texts_may_not_be_held_out(place):
    # Beside an unknown one, a row of the test split in other letters.
    text = load_corpus("films").test[0].text.upper()
    write_table([{"text": "something else", "label": "x"}, {"text": text, "label": "x"}], place / "more.csv")
    refused(load, "unlabelled", "'more.csv' holds 1 texts", "'films' is validated or tested on", text)


def test_sets_that_cannot_be_measured(place):
    refused(lambda: Drawn("films", "dev"), "split: 'dev'", "train, validation, test")
    refused(lambda: measuring(predicted=(Drawn("films", "test"), Drawn("films", "test", 3))), "each once")
    without = EvaluationSettings(("built-in",), ("effective-words",))
    refused(lambda: measuring(evaluation=without), "rationales", "average-precision")
    write_table(
        [{"text": "a film", "label": "mixed"}, {"text": "the film", "label": "positive"}], place / "odd" / "train.csv"
    )
    write_table([{"text": "dull film", "label": "mixed"}], place / "odd" / "validation.csv")
    refused(
        lambda: load(predicted=(Drawn("odd", "validation"),)), "label 'mixed' of odd validation", "negative, positive"
    )
    refused(lambda: load(predicted=(Drawn("odd", "test"),)), "'odd' has no rows in its test split")
