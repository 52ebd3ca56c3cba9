"""A visitor's table: what can be read, every row explained, and which words push each label."""

import pyarrow as pa
import pytest

from explainable_bert.data.files import write_table
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.interfaces.page import table
from explainable_bert.interfaces.page.table import Push
from explainable_bert.records import Prediction
from export_samples import explain

ROWS = [
    {"id": 1, "title": "one", "review": "the film is very good", "stars": 4.5},
    {"id": 2, "title": "two", "review": "a dull plot , don't", "stars": 1.0},
]


@pytest.fixture
def folder(tmp_path):
    """A place that no message may name."""
    (tmp_path / "uploads-of-visitors").mkdir()
    return tmp_path / "uploads-of-visitors"


def refused(path):
    """What opening the file is answered with, as the page tells it."""
    with pytest.raises(ExplainableBertError) as found:
        table.opened(path)
    told = str(found.value)
    assert told.startswith("file: ")
    assert path.name in told
    assert "uploads-of-visitors" not in told
    assert "/" not in told
    return told


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        ("films.csv", ("review", "title")),
        ("films.jsonl", ("review", "title")),
        ("films.parquet", ("review", "title")),
        ("FILMS.CSV", ("review", "title")),
    ],
)
def test_columns_of_text_are_offered_the_longest_first(folder, name, texts):
    write_table(ROWS, folder / name)
    read, names = table.opened(folder / name)
    assert names == texts
    assert read.column_names == ["id", "title", "review", "stars"]
    assert read.column("review").to_pylist() == [row["review"] for row in ROWS]


def test_tabs_part_columns_too(folder):
    (folder / "films.tsv").write_text("id\treview\n1\tgood; not dull\n")
    read, names = table.opened(folder / "films.tsv")
    assert (names, read.column_names) == (("review",), ["id", "review"])


def test_a_file_of_numbers_has_no_text(folder):
    (folder / "numbers.csv").write_text("id,stars\n1,4.5\n2,\n")
    assert refused(folder / "numbers.csv") == "file: 'numbers.csv' has no column of text; its columns: id, stars"


def test_a_column_of_blanks_is_not_the_likeliest(folder):
    write_table([{"empty": "", "half": "good film", "text": "bad"}, {"empty": "", "half": "", "text": "dull"}],
                folder / "films.csv")  # fmt: skip
    assert table.opened(folder / "films.csv")[1] == ("half", "text", "empty")


@pytest.mark.parametrize("name", ["films.txt", "films.xlsx", "films"])
def test_files_of_other_types_are_refused(folder, name):
    (folder / name).write_text("text\ngood\n")
    assert refused(folder / name) == f"file: {name!r} given; accepted: .csv, .tsv, .jsonl, .parquet"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "file: 'a.csv' is empty; at least one row is needed"),
        ("a.csv", b"a,b\nonly one\n", "file: 'a.csv' is not a well-formed .csv file: "),
        ("a.csv", b"id;text\n1;good\n", "file: 'a.csv' is not a well-formed .csv file: its one column is 'id;text'; "),
        ("a.csv", b"text\n\xff\xfe\n", "file: 'a.csv' is not UTF-8 text (byte 5); save it as UTF-8"),
        ("it's.csv", b"a,a\n1,2\n", "file: \"it's.csv\" has several columns called 'a'; names must differ"),
        ("a.jsonl", b"{", "file: 'a.jsonl' is not a well-formed .jsonl file: "),
        ("a.jsonl", b'{"n": 1, "m": null}\n', "file: 'a.jsonl' has no column of text; its columns: n, m"),
        ("a.parquet", b"PAR1", "file: 'a.parquet' is not a well-formed .parquet file: "),
    ],
)
def test_what_is_wrong_with_a_file_is_said_without_its_place(folder, name, content, message):
    (folder / name).write_bytes(content)
    assert refused(folder / name).startswith(message)


def test_a_file_that_is_not_there(folder):
    assert refused(folder / "gone.csv").startswith("file: cannot read 'gone.csv': No such file")


def test_large_files_are_sent_to_the_command_line(folder, monkeypatch):
    monkeypatch.setattr(table, "MOST_ROWS", 1999)
    write_table([{"text": "good"}] * 1999, folder / "films.csv")
    assert table.opened(folder / "films.csv")[0].num_rows == 1999
    write_table([{"text": "good"}] * 2000, folder / "films.csv")
    told = refused(folder / "films.csv")
    assert told.startswith("file: 'films.csv' has 2,000 rows; accepted: at most 1,999 (the command explainable-bert")


# --- every row explained ---


def test_rows_keep_their_numbers_and_blank_ones_are_told(classifier):
    clf = classifier("lexical")
    texts = ["good film", "", None, "the " * 50, " \u200b", "awful"]
    found = table.explained(clf, pa.table({"id": range(6), "said": texts}), "said")
    predictions = clf.predict([texts[0], texts[3], texts[5]])
    assert [list(row) for row in found.rows] == [
        ["row", "text", "label", "probability", "top words", "windows", "tokens not read", "model", "id"]
    ] * 3
    assert [(row["row"], row["text"], row["windows"]) for row in found.rows] == [
        (1, "good film", 1), (4, "the " * 50, 2), (6, "awful", 1)
    ]  # fmt: skip
    assert [row["id"] for row in found.rows] == [0, 3, 5]
    assert {row["model"] for row in found.rows} == {"tiny"}
    assert [row["label"] for row in found.rows] == [prediction.label for prediction in predictions]
    assert [row["probability"] for row in found.rows] == pytest.approx(
        [prediction.probabilities[prediction.label] for prediction in predictions], abs=1e-4
    )
    assert [reason.partition("row ")[2] for reason in found.skipped] == [
        "2: text is empty", "3: text is missing", "5: text is empty"
    ]  # fmt: skip
    assert found.signed
    assert not table.explained(classifier("vanilla"), pa.table({"said": ["good"]}), "said").signed


def test_what_was_found_is_looked_at_first_and_what_is_always_the_same_is_not(classifier):
    clf = classifier("lexical")
    read = pa.table({"id": [7, 8], "said": ["good film", "dull plot"], "model": ["mine", "yours"]})
    rows = table.explained(clf, read, "said").rows
    names, cells = table.in_view(rows)
    assert names == ("row", "label", "top words", "probability", "text", "id", "model (in the file)")
    assert cells[1] == [rows[1][name] for name in names]
    for usual, unusual in (("windows", 2), ("tokens not read", 1)):
        names, cells = table.in_view([rows[0], {**rows[1], usual: unusual}])
        assert names == ("row", "label", "top words", "probability", "text", usual, "id", "model (in the file)")
        assert cells[1][5] == unusual


@pytest.mark.parametrize("texts", [["", None], [], [None]])
def test_a_column_without_any_text_is_refused(classifier, texts):
    with pytest.raises(InputError, match=r"^column: 'text' given; accepted: a column that holds a text"):
        table.explained(classifier("vanilla"), pa.table({"text": pa.array(texts, pa.string())}), "text")


class Scripted:
    """A classifier that explains as it was told to."""

    def __init__(self, *explanations):
        self.explanations = list(explanations)

    def explain(self, texts):
        assert texts == [explanation.text for explanation in self.explanations]
        return self.explanations


def over(*explanations):
    return table.explained(Scripted(*explanations), pa.table({"text": [item.text for item in explanations]}), "text")


def test_top_words_are_the_three_that_weigh_most():
    signed = explain("good bad so so", (0.5, -1.004, 0.25, 0.125))
    found = over(signed, explain("a b", (0.0, -0.5)), explain("a b", (0.25, 0.5), signed=False))
    assert [row["top words"] for row in found.rows] == [
        "bad (-1.00), good (+0.50), so (+0.25)", "b (-0.500)", "b (0.500), a (0.250)"
    ]  # fmt: skip


def test_the_probability_is_that_of_the_label_given():
    prediction = Prediction("negative", {"positive": 0.25, "negative": 0.7499999}, 3)
    (row,) = over(explain(prediction=prediction, target="positive")).rows
    assert (row["label"], row["probability"], row["tokens not read"]) == ("negative", 0.75, 3)


def test_what_the_file_says_is_told_from_what_the_model_says(classifier):
    read = pa.table({"label": ["right"], "said": ["good film"], "text": ["a title"]})
    (row,) = table.explained(classifier("lexical"), read, "said").rows
    assert (row["text"], row["text (in the file)"]) == ("good film", "a title")
    assert row["label"].startswith("LABEL_")
    assert row["label (in the file)"] == "right"


def test_a_word_pushes_once_two_rows_of_a_label_hold_it():
    found = over(
        explain("Good film !", (0.5, -1.0, 2.0)),
        explain("good dull film GOOD", (1.0, 4.0, 0.5, 0.25)),
        # Of another label, where "film" came in one row only, and "bad" three times in two.
        explain("film bad BAD plot", (9.0, 1.0, 2.0, 9.0), target="negative"),
        explain("Bad", (3.0,), target="negative"),
    )
    assert found.pushes == (
        Push("bad", "negative", 3.0, 2),
        Push("good", "positive", 0.875, 2),
    )


def test_what_is_told_as_zero_is_not_among_the_words_that_weigh_or_push():
    weak, zero = explain("good so", (0.5, 0.0006)), explain("good so", (0.5, -0.0004))
    found = over(weak, zero)
    assert [row["top words"] for row in found.rows] == ["good (+0.500), so (+0.001)", "good (+0.500)"]
    assert [push.word for push in found.pushes] == ["good"]


def test_each_label_shows_the_ten_words_that_push_it_most():
    words = [f"w{number}" for number in range(12)]
    text, scores = " ".join(words), [float(number) for number in range(12)]
    rows = [explain(text, scores), explain(text, scores[::-1], target="negative")]
    found = over(*rows, *rows)
    positive = [push.word for push in found.pushes if push.label == "positive"]
    negative = [push.word for push in found.pushes if push.label == "negative"]
    assert positive == words[:1:-1]
    assert negative == words[:10]
