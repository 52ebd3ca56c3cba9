"""Files cut into pieces and read piece by piece: every row once, whatever the format, and every bad one named."""

import csv
import io
import json

import fsspec
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explainable_bert.errors import FileError, InputError
from explainable_bert.jobs import pieces
from explainable_bert.jobs.formats import FORMATS, Fault
from explainable_bert.jobs.pieces import BadRow, Columns, plan, rows_of
from explainable_bert.jobs.sources import source_files

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
ROWS = st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=30)
ON_DISK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def of(path):
    return source_files([str(path)], path.parent / "elsewhere")[0]


def in_pieces(path, size, columns=("a", "b")):
    """All cells, read span by span of about so many bytes."""
    file = of(path)
    spans = list(FORMATS[file.suffix].spans(file, columns, size))
    found = [list(FORMATS[file.suffix].cells(file, columns, span)) for span in spans]
    assert [len(rows) for rows in found] == [span.n_rows for span in spans]
    return [row for rows in found for row in rows], len(spans)


@ON_DISK
@given(rows=ROWS, size=st.integers(1, 80))
def test_csv_in_pieces_is_what_the_csv_module_reads(tmp_path, rows, size):
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])
    path = tmp_path / "x.csv"
    path.write_bytes(stream.getvalue().encode())
    found, _ = in_pieces(path, size)
    assert [tuple(cells.values()) for cells in found] == rows


@ON_DISK
@given(rows=ROWS, size=st.integers(1, 80))
def test_json_lines_in_pieces(tmp_path, rows, size):
    path = tmp_path / "x.jsonl"
    path.write_text("\n\n".join(json.dumps({"a": a, "b": b}) for a, b in rows), encoding="utf-8")
    found, _ = in_pieces(path, size)
    assert [tuple(cells.values()) for cells in found] == rows


@ON_DISK
@given(rows=ROWS, size=st.integers(1, 80), group=st.integers(1, 9))
def test_parquet_in_pieces(tmp_path, rows, size, group):
    path = tmp_path / "x.parquet"
    table = pa.table({"a": [a for a, _ in rows], "b": [b for _, b in rows], "c": [1] * len(rows)})
    pyarrow.parquet.write_table(table, path, row_group_size=group)
    found, _ = in_pieces(path, size)
    assert [tuple(cells.values()) for cells in found] == rows


@ON_DISK
@given(
    lines=st.lists(st.text(st.sampled_from("aé \t\"',"), max_size=9), min_size=1, max_size=30), size=st.integers(1, 40)
)
def test_text_in_pieces(tmp_path, lines, size):
    path = tmp_path / "x.txt"
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\n").encode())
    found, _ = in_pieces(path, size, ("text",))
    assert [cells["text"] for cells in found] == lines


def test_tabs_know_no_quotation(tmp_path):
    path = tmp_path / "x.tsv"
    path.write_text('a\tb\n"x\t1\ny"\t2\n')
    found, n_pieces = in_pieces(path, 1)
    assert [tuple(cells.values()) for cells in found] == [('"x', "1"), ('y"', "2")]
    assert n_pieces == 2


CSV_FAULTS = [
    (b"a,b\n1,2\n1,2,3\n4,5\n", 2, "3 cells given; accepted: 2"),
    (b"a,b\n1,2\n1\n4,5\n", 2, "1 cells given; accepted: 2"),
    (b"a,b\n1,2\nx,caf\xe9\n4,5\n", 2, "not UTF-8"),
    (b'a,b\n1,2\n"x"y,3\n4,5\n', 2, "no CSV: "),
    (b'a,b\n1,2\n4,5\n"x,3\n', 3, "no CSV: unexpected end of data"),
]


@pytest.mark.parametrize(("content", "place", "reason"), CSV_FAULTS)
@pytest.mark.parametrize("size", [1, 1000])
def test_a_bad_record_is_named_and_the_others_are_read(tmp_path, content, place, reason, size):
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    found, _ = in_pieces(path, size)
    assert [isinstance(row, Fault) for row in found] == [number == place for number in (1, 2, 3)]
    assert reason in found[place - 1].reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "no JSON"),
        (b"[1]", "list given; accepted: a JSON object"),
        (b'"x"', "str given"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_a_bad_line_of_json_is_named(tmp_path, line, reason):
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"a": "1"}\n' + line + b'\n{"a": "2"}\n')
    found, _ = in_pieces(path, 1000, ("a",))
    assert reason in found[1].reason
    assert (found[0], found[2]) == ({"a": "1"}, {"a": "2"})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "text: nothing given; accepted: a string"),
        (7, "text: int given; accepted: a string"),
        (["good"], "text: list given"),
        ("", "text: a blank string given"),
        (" \u200b\n", "text: a blank string given"),
    ],
)
def test_values_that_are_no_text(tmp_path, value, reason):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"text": "good", "id": 3}) + "\n" + json.dumps({"text": value}) + "\n")
    planned = plan([of(path)], Columns(kept=("id",)), None, lambda *_: None)
    good, bad = rows_of(planned.pieces[0], Columns(kept=("id",)))
    assert (good.text, good.kept) == ("good", ("3",))
    assert bad == BadRow(2, bad.reason)
    assert bad.reason.startswith(reason)


def test_a_column_that_a_row_lacks(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"other": "good"}\n{"text": "good"}\n')
    planned = plan([of(path)], Columns(), None, lambda *_: None)
    assert [isinstance(row, BadRow) for row in rows_of(planned.pieces[0], Columns())] == [True, False]


def test_pairs_need_both(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("q,a\ngood,film\ngood,\n")
    columns = Columns(("q", "a"))
    planned = plan([of(path)], columns, None, lambda *_: None)
    first, second = rows_of(planned.pieces[0], columns)
    assert first.text == ("good", "film")
    assert second.reason == "a: a blank string given; accepted: one with a visible character"


def test_files_that_cannot_be_read_stop_no_other(tmp_path):
    (tmp_path / "a.csv").write_text("text\ngood\n")
    (tmp_path / "b.csv").write_text("other\ngood\n")
    (tmp_path / "c.jsonl").write_bytes(b"")
    pyarrow.parquet.write_table(pa.table({"text": ["good"] * 99}), tmp_path / "d.parquet")
    whole = (tmp_path / "d.parquet").read_bytes()
    (tmp_path / "d.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "e.csv").write_text("")
    planned = plan(source_files([str(tmp_path)], tmp_path / "out"), Columns(), None, lambda *_: None)
    assert [piece.span.n_rows for piece in planned.pieces] == [1]
    reasons = {address.rpartition("/")[2]: reason for address, reason in planned.unreadable.items()}
    assert reasons.keys() == {"b.csv", "d.parquet", "e.csv"}
    assert reasons["b.csv"] == "column 'text' is not there; there are 'other'"
    assert "magic bytes" in reasons["d.parquet"]
    assert reasons["e.csv"] == "there is no header"


def test_no_row_at_all_is_an_error(tmp_path):
    (tmp_path / "a.csv").write_text("other\ngood\n")
    with pytest.raises(InputError, match=r"input: no row to read in 1 files \(.*column 'text' is not there"):
        plan(source_files([str(tmp_path)], tmp_path / "out"), Columns(), None, lambda *_: None)


@pytest.mark.parametrize("limit", [1, 3, 4, 5, 9, 99])
def test_the_first_rows_alone(tmp_path, limit, monkeypatch):
    monkeypatch.setattr(pieces, "_SMALLEST", 8)
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text("good\nfilm\nplot\nvery\n")
    planned = plan(source_files([str(tmp_path)], tmp_path / "out"), Columns(), limit, lambda *_: None)
    read = [row.text for piece in planned.pieces for row in rows_of(piece, Columns())]
    assert read == (["good", "film", "plot", "very"] * 2)[:limit]
    assert planned.n_rows == min(limit, 8)


def test_a_file_that_changed_meanwhile(tmp_path):
    path = tmp_path / "x.txt"
    path.write_text("good\nfilm\n")
    (piece,) = plan([of(path)], Columns(), None, lambda *_: None).pieces
    path.write_text("good\n")
    with pytest.raises(FileError, match=r"x.txt' is not what it was: row 2 is gone"):
        list(rows_of(piece, Columns()))


class TestSources:
    def test_folders_patterns_and_files_each_once(self, tmp_path):
        (tmp_path / "in" / "deep").mkdir(parents=True)
        for name in ("in/b.txt", "in/a.csv", "in/deep/c.jsonl", "in/.hidden.txt", "in/_SUCCESS.txt", "in/d.pdf"):
            (tmp_path / name).write_text("text\n")
        given = [str(tmp_path / "in" / "*.txt"), str(tmp_path / "in"), str(tmp_path / "in" / "a.csv")]
        found = [file.address.removeprefix(f"{tmp_path}/in/") for file in source_files(given, tmp_path / "out")]
        assert found == ["b.txt", "a.csv", "deep/c.jsonl"]

    def test_what_the_job_writes_is_no_input_of_it(self, tmp_path):
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "part-000000.parquet").write_bytes(b"x")
        (tmp_path / "a.txt").write_text("good\n")
        assert [file.address for file in source_files([str(tmp_path)], tmp_path / "out")] == [str(tmp_path / "a.txt")]
        with pytest.raises(InputError, match="all of its files are in the output folder"):
            source_files([str(tmp_path / "out")], tmp_path / "out")

    def test_addresses_of_other_file_systems(self, tmp_path):
        with fsspec.open("memory://bucket/x.csv", "w") as stream:
            stream.write("text\ngood\nawful\n")
        (file,) = source_files(["memory://bucket/*.csv"], tmp_path)
        assert file.address == "memory:///bucket/x.csv"
        (piece,) = plan([file], Columns(), None, lambda *_: None).pieces
        assert [row.text for row in rows_of(piece, Columns())] == ["good", "awful"]

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ("missing.csv", "input: there is nothing at 'missing.csv'"),
            ("no*.csv", "there is nothing at"),
            ("x.pdf", "'x.pdf' cannot be read by its extension; accepted: .csv"),
            ("empty", "'empty' holds no file that can be read; accepted: .csv"),
            ("nowhere://x.csv", "'nowhere://x.csv' is no address that can be read"),
        ],
    )
    def test_inputs_that_are_none(self, tmp_path, monkeypatch, given, message):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "x.pdf").write_text("x")
        (tmp_path / "empty").mkdir()
        with pytest.raises((InputError, FileError), match=message):
            source_files([given], tmp_path / "out")
