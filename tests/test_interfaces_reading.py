"""What measuring commands read: corpora, files and human rationales, and labels as the model calls them."""

import json
from types import SimpleNamespace

import pytest
import typer

from explainable_bert.data import corpora
from explainable_bert.data.corpora import load_corpus
from explainable_bert.data.files import write_table
from explainable_bert.data.labelled import Columns
from explainable_bert.errors import FileError, InputError
from explainable_bert.interfaces.reading import given_texts, labelled_examples
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import REPORT_FILE

LABELS = ("negative", "positive")
ROWS = [{"text": f"film number {row}", "label": LABELS[row % 2]} for row in range(60)]


@pytest.fixture
def file(tmp_path):
    write_table(ROWS, tmp_path / "films.csv")
    return tmp_path / "films.csv"


@pytest.fixture
def read(capsys):
    """Texts with their labels, the source in words, and what is said on stderr."""

    def call(data, split="test", labels=LABELS, models=(), **columns):
        examples, source = labelled_examples(str(data), split, Columns(**columns), labels, [str(m) for m in models])
        out, err = capsys.readouterr()
        assert out == ""
        return [(example.text, example.label) for example in examples], source, err

    return call


def trained_on(folder, corpus):
    """A model folder as far as reading goes: the report of a training run."""
    folder.mkdir()
    run = {"corpus": {"name": corpus.name, "fingerprint": corpus.fingerprint}}
    report = TrainingReport(run, "pooler", 5, 1, (), 1, 0.5, None, None, 0, 1.0, False, {})
    report.save(folder / REPORT_FILE)
    return folder


def pairs(examples):
    return [(example.text, example.label) for example in examples]


# --- files ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["films.csv", "films.jsonl", "films.parquet"])
def test_a_file_gives_all_its_rows_in_order(read, tmp_path, name):
    write_table(ROWS, tmp_path / name)
    assert read(tmp_path / name) == ([(row["text"], row["label"]) for row in ROWS], f"{name}, all rows", "")


def test_columns_and_rows_left_out(read, tmp_path):
    rows = [
        {"said": "good film", "and": "bad", "stars": "positive"},
        {"said": " ", "and": "bad", "stars": "negative"},
        {"said": "bad film", "and": None, "stars": "negative"},
    ]
    write_table(rows, tmp_path / "in.jsonl")
    found, _, err = read(tmp_path / "in.jsonl", text="said", label="stars")
    assert found == [("good film", "positive"), ("bad film", "negative")]
    assert err.strip() == "left out 1 row: in.jsonl row 2: text is empty"
    examples, _ = labelled_examples(str(tmp_path / "in.jsonl"), "test", Columns("said", "stars", "and"), LABELS, [])
    assert [(example.text, example.text_pair) for example in examples] == [("good film", "bad")]


def test_a_file_that_a_model_was_trained_on_gives_what_it_did_not_see(read, file, tmp_path):
    corpus = load_corpus(str(file))
    model = trained_on(tmp_path / "model", corpus)
    assert 0 < len(corpus.test) < len(ROWS)
    for models in ([model], ["some/hub-name", model]):
        found, source, err = read(file, models=models)
        assert found == pairs(corpus.test)
        assert source == "films.csv, test split"
        assert "films.csv is what a model was trained on: measuring on one split of it alone" in err
    assert read(file, "validation", models=[model])[0] == pairs(corpus.validation)
    # It is the rows that count, not where they lie.
    copy = tmp_path / "copy.jsonl"
    write_table(ROWS, copy)
    assert read(copy, models=[model])[:2] == (pairs(corpus.test), "copy.jsonl, test split")


@pytest.mark.parametrize(
    ("repeated", "said"),
    [
        ([("Film  NUMBER 7", "positive")], "1 row repeats the text of an earlier one and was left out"),
        (
            [("Film number 7", "positive"), ("film number 8", "positive"), ("film number 9", "negative")],
            "3 rows repeat the text of an earlier one and were left out; 2 of them with another label, first row 62 "
            "('positive'; row 9: 'negative')",
        ),
    ],
)
def test_rows_that_repeat_a_text_are_said(read, tmp_path, repeated, said):
    file = tmp_path / "films.csv"
    write_table([*ROWS, *({"text": text, "label": label} for text, label in repeated)], file)
    model = trained_on(tmp_path / "model", load_corpus(str(file)))
    assert said in read(file, models=[model])[2].splitlines()


def test_several_rows_left_out(read, tmp_path):
    write_table([*ROWS, {"text": "", "label": "positive"}, {"text": "dull", "label": ""}], tmp_path / "films.csv")
    said = "left out 2 rows: films.csv row 61: text is empty; films.csv row 62: label is empty"
    assert read(tmp_path / "films.csv")[2].strip() == said


def test_a_file_that_a_model_was_not_trained_on_gives_all_its_rows(read, file, tmp_path):
    write_table(ROWS[:-1], tmp_path / "other.csv")
    model = trained_on(tmp_path / "model", load_corpus(str(tmp_path / "other.csv")))
    found, source, err = read(file, models=[model, tmp_path / "none"])
    assert (len(found), source, err) == (60, "films.csv, all rows", "")


def test_a_file_that_nothing_can_be_trained_on_is_measured_on(read, file, tmp_path):
    model = trained_on(tmp_path / "model", load_corpus(str(file)))
    write_table([{"text": "good film", "label": "positive"}], tmp_path / "one.csv")
    assert read(tmp_path / "one.csv", models=[model])[0] == [("good film", "positive")]


def test_a_damaged_training_report(read, file, tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / REPORT_FILE).write_text("[]")
    with pytest.raises(InputError, match="is not a training report of explainable-bert"):
        read(file, models=[tmp_path / "model"])


def test_what_is_not_there(read, tmp_path):
    with pytest.raises(FileError, match="path: cannot read"):
        read(tmp_path / "missing.csv")


# --- corpora -------------------------------------------------------------------------------------------------------


def test_a_folder_gives_the_split_asked_for(read, tmp_path):
    for number, split in enumerate(("train", "validation", "test")):
        write_table(ROWS[20 * number : 20 * number + 20], tmp_path / "films" / f"{split}.csv")
    for number, split in enumerate(("train", "validation", "test")):
        found, source, err = read(tmp_path / "films", split)
        assert found == [(row["text"], row["label"]) for row in ROWS[20 * number : 20 * number + 20]]
        assert source == f"films, {split} split"
        assert err == ("these are training rows: what is measured on them says little of other texts\n" * (number == 0))


def test_without_a_test_split_there_is_the_validation_split(read, tmp_path):
    write_table(ROWS[:40], tmp_path / "films" / "train.csv")
    write_table(ROWS[40:], tmp_path / "films" / "dev.csv")
    found, source, err = read(tmp_path / "films")
    assert (len(found), source) == (20, "films, validation split")
    assert "has no test split: measuring on validation, by which the training epoch was chosen" in err
    assert len(read(tmp_path / "films", "train")[0]) == 40


def test_a_named_corpus_gives_its_test_split(read, monkeypatch):
    named = corpora.LabelledRows(
        tuple(corpora.Example(row["text"], row["label"]) for row in ROWS), ("films row 61: text is empty",)
    )
    monkeypatch.setattr(corpora, "rated_rows", lambda _: named)
    found, source, err = read("movie-snippets")
    assert source == "movie-snippets, test split"
    assert found == pairs(load_corpus("movie-snippets").test)
    assert 0 < len(found) < len(named.examples)
    assert err.strip() == "left out 1 row: films row 61: text is empty"


@pytest.mark.parametrize("kind", ["file", "folder", "named"])
def test_a_split_that_does_not_exist_is_wrong_usage_whatever_the_data(file, tmp_path, kind):
    data = {"file": str(file), "folder": str(tmp_path), "named": "movie-snippets"}[kind]
    with pytest.raises(typer.BadParameter, match="--split 'dev'; accepted: test, validation, train"):
        labelled_examples(data, "dev", Columns(), LABELS, [])


# --- rationales ----------------------------------------------------------------------------------------------------


def test_human_rationales_are_known_by_what_is_in_the_file(read, tmp_path):
    rows = [
        {"text": "good film", "label": 1, "words": ["good", "film"], "annotators": [[1, 0], [1, 1]]},
        {"text": "bad film", "label": 0, "words": ["worse", "film"], "annotators": [[1, 0]]},
    ]
    (tmp_path / "marked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found, source, err = read(tmp_path / "marked.jsonl")
    assert (found, source) == ([("good film", "positive")], "marked.jsonl, with human rationales")
    assert "left out 1 row: marked.jsonl row 2: " in err
    assert "labels are numbers: 0 is negative, 1 is positive" in err
    (example,), _ = labelled_examples(str(tmp_path / "marked.jsonl"), "test", Columns(), LABELS, [])
    assert example.rationales == ((True, False), (True, True))
    assert example.label == "positive"


# --- labels --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "labels", "read_as", "is_said"),
    [
        ((0, 1, 1), LABELS, ["negative", "positive", "positive"], True),
        (("1", "1", "1"), LABELS, ["positive"] * 3, True),
        ((0, 1, 2), ("no", "maybe", "yes"), ["no", "maybe", "yes"], True),
        # The model's own names come first, numbers though they are.
        ((0, 1, 0), ("1", "0"), ["0", "1", "0"], False),
        (("positive", "negative", "positive"), LABELS, ["positive", "negative", "positive"], False),
        # Neither names nor numbers of labels: left for the evaluation to refuse.
        ((0, 1, 2), LABELS, ["0", "1", "2"], False),
        (("positive", "1", "0"), LABELS, ["positive", "1", "0"], False),
    ],
)
def test_numbers_count_the_labels_of_the_model(read, tmp_path, given, labels, read_as, is_said):
    table = [{"text": f"film {row}", "label": label} for row, label in enumerate(given)]
    write_table(table, tmp_path / "in.jsonl")
    found, _, err = read(tmp_path / "in.jsonl", labels=labels)
    assert [label for _, label in found] == read_as
    assert ("labels are numbers: 0 is " in err) == is_said


# --- texts ---------------------------------------------------------------------------------------------------------


def test_texts_come_from_one_place():
    assert given_texts(["a", "b"], None, None, "text", None) == [(1, "a"), (2, "b")]
    assert given_texts(["a"], None, "b", "text", None) == [(1, ("a", "b"))]
    for texts, file in ((None, None), (["a"], SimpleNamespace(name="x"))):
        with pytest.raises(typer.BadParameter, match="one of the two"):
            given_texts(texts, file, None, "text", None)
