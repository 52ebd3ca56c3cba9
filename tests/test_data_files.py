"""Reading and writing tables of texts."""

import os
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.data.files import READABLE, WRITABLE, read_table, write_table
from explainable_bert.errors import FileError, InputError

ODD_TEXTS = ["NA", "null", "None", "007", "1.0", "2020-01-01", "2020-01-01T00:00:00", "true"]


def written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def rows_of(path: Path) -> list[dict[str, object]]:
    return read_table(path).to_pylist()


def test_extensions():
    assert READABLE == (".csv", ".tsv", ".jsonl", ".parquet", ".txt")
    assert WRITABLE == (".csv", ".jsonl", ".parquet")


def test_csv_cells_stay_strings(tmp_path):
    content = "text,label\n" + "".join(f"{text},1\n" for text in ODD_TEXTS)
    table = read_table(written(tmp_path, "a.csv", content.encode()))
    assert table.column("text").to_pylist() == ODD_TEXTS
    assert table.column("label").to_pylist() == ["1"] * len(ODD_TEXTS)


def test_csv_quotes_line_breaks_and_byte_order_mark(tmp_path):
    content = b'\xef\xbb\xbftext,label\r\n"two\n\nlines, ""quoted""",a\r\n,b\r\n'
    assert rows_of(written(tmp_path, "a.CSV", content)) == [
        {"text": 'two\n\nlines, "quoted"', "label": "a"},
        {"text": "", "label": "b"},
    ]


@pytest.mark.parametrize(
    ("content", "header"),
    [
        (b"id;message\n1;good\n", "id;message"),
        (b"\xef\xbb\xbfid;message\r\n1;good, not bad\r\n", "id;message"),
        (b'\n"id";"message"\n1;"good"\n', '"id";"message"'),
        (b"id\tmessage\n1\tgood\n", r"id\tmessage"),
        (b";" * 300 + b"\n", ";" * 57 + "..."),
    ],
)
def test_csv_without_commas_is_no_table_of_one_column(tmp_path, content, header):
    path = written(tmp_path, "a.csv", content)
    with pytest.raises(InputError) as found:
        read_table(path)
    assert str(found.value) == (
        f"path: {str(path)!r} is not a well-formed .csv file: its one column is '{header}'; accepted: commas between "
        "columns (tabs in a .tsv file)"
    )


@pytest.mark.parametrize(
    ("content", "name", "cell"),
    [
        (b"text\ngood; bad\tdull\n", "text", "good; bad\tdull"),
        (b'"a;b"\ngood\n', "a;b", "good"),
        (b'"a;\nb"\ngood\n', "a;\nb", "good"),
        (b'"a ""b"";c"\ngood\n', 'a "b";c', "good"),
        (b"a;b,c\ngood,bad\n", "a;b", "good"),
    ],
)
def test_csv_of_one_column_is_read(tmp_path, content, name, cell):
    assert rows_of(written(tmp_path, "a.csv", content))[0][name] == cell


def test_csv_row_longer_than_arrows_default_block(tmp_path):
    long_text = "word " * 500_000  # 2.5 MB; Arrow's blocks are 1 MiB unless told otherwise
    assert rows_of(written(tmp_path, "a.csv", f'text\n"{long_text}"\nb\n'.encode()))[0]["text"] == long_text


def test_tsv_knows_no_quotes(tmp_path):
    content = b'sentence\tlabel\n"half a quote\t0\nsay "hi"\t1\n'
    assert rows_of(written(tmp_path, "a.tsv", content)) == [
        {"sentence": '"half a quote', "label": "0"},
        {"sentence": 'say "hi"', "label": "1"},
    ]


def test_jsonl_keeps_types_and_strings_that_look_like_times(tmp_path):
    content = b'{"id":1,"text":"2020-01-01T00:00:00"}\n\n{"id":2,"text":"2021-01-01T00:00:00","new":null}\n'
    path = written(tmp_path, "a.jsonl", content)
    assert read_table(path).column_names == ["id", "text", "new"]
    assert rows_of(path) == [
        {"id": 1, "text": "2020-01-01T00:00:00", "new": None},
        {"id": 2, "text": "2021-01-01T00:00:00", "new": None},
    ]


def test_jsonl_row_longer_than_arrows_default_block(tmp_path):
    long_text = "word " * 500_000
    assert rows_of(written(tmp_path, "a.jsonl", f'{{"text":"{long_text}"}}\n'.encode()))[0]["text"] == long_text


def test_parquet(tmp_path):
    pq.write_table(pa.table({"text": ["NA", None], "label": [1.5, 2.0]}), tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet") == [{"text": "NA", "label": 1.5}, {"text": None, "label": 2.0}]


def test_txt_has_a_row_for_every_line(tmp_path):
    content = '\ufeffone, "two"\r\n\n  \nline\u2028separator \nNA'.encode()
    assert rows_of(written(tmp_path, "a.txt", content)) == [
        {"text": 'one, "two"'},
        {"text": ""},
        {"text": "  "},
        {"text": "line\u2028separator "},
        {"text": "NA"},
    ]
    assert rows_of(written(tmp_path, "b.txt", b"one\n\ntwo\n")) == [{"text": "one"}, {"text": ""}, {"text": "two"}]


def test_unknown_extension(tmp_path):
    message = (
        r"^path: '.*a\.xlsx' cannot be read by its extension; accepted are \.csv, \.tsv, \.jsonl, \.parquet, \.txt$"
    )
    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "a.xlsx")


@pytest.mark.parametrize("suffix", READABLE)
def test_missing_file(tmp_path, suffix):
    message = (
        r"^path: cannot read '.*gone\.\w+': No such file or directory; accepted is a file ending in \.csv, .*\.txt$"
    )
    with pytest.raises(FileError, match=message):
        read_table(tmp_path / f"gone{suffix}")


@pytest.mark.parametrize("suffix", READABLE)
def test_directory(tmp_path, suffix):
    (tmp_path / f"folder{suffix}").mkdir()
    with pytest.raises(FileError, match=r"^path: cannot read '.*folder\.\w+': Is a directory; accepted is a file"):
        read_table(tmp_path / f"folder{suffix}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_forbidden_file(tmp_path):
    path = written(tmp_path, "a.csv", b"text\na\n")
    path.chmod(0)
    with pytest.raises(FileError, match=r"Permission denied"):
        read_table(path)


@pytest.mark.parametrize("suffix", READABLE)
@pytest.mark.parametrize("content", [b"", b" \n\r\n"])
def test_empty_file(tmp_path, suffix, content):
    with pytest.raises(InputError, match=r"^path: '.*a\.\w+' is empty; at least one row is needed$"):
        read_table(written(tmp_path, f"a{suffix}", content))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", b"text,label\ncaf\xe9,1\n"),
        ("a.csv", b"caf\xe9,label\na,1\n"),
        ("a.tsv", b"text\nabcdefg\xe9\n"),
        ("a.jsonl", b'{"text": "caf\xe9"}\n'),
        ("a.txt", b"caf\xe9\n"),
    ],
)
def test_invalid_utf8(tmp_path, name, content):
    message = rf"^path: '.*{name}' is not UTF-8 text \(byte {content.index(0xE9)}\); save it as UTF-8$"
    with pytest.raises(InputError, match=message):
        read_table(written(tmp_path, name, content))


def test_invalid_utf8_inside_parquet(tmp_path):
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"caf\xe9"]).buffers())
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"^path: '.*a\.parquet' is not a well-formed \.parquet file: .*UTF8"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("a.csv", b'text,label\na,1\n"b\nb",2,3\n', r"CSV parse error: Row #3: Expected 2 columns, got 3: \S.*"),
        ("a.csv", b"text,label\na\n", r"CSV parse error: Row #2: Expected 2 columns, got 1: a"),
        ("a.tsv", b"text\tlabel\na\t1\t2\n", r"CSV parse error: Row #2: Expected 2 columns, got 3: a.1.2"),
        ("a.jsonl", b'{"text": 1}\n{"text": "a"}\n', r"JSON parse error: .*changed from number to string in row 1"),
        ("a.jsonl", b'{"text": "a"\n', r"JSON parse error: Missing a comma .*"),
        ("a.jsonl", b"[1]\n", r"JSON parse error: .*"),
        ("a.parquet", b"text\n", r"Parquet file size is 5 bytes.*"),
    ],
)
def test_ill_formed(tmp_path, name, content, cause):
    message = rf"^path: '.*{name}' is not a well-formed {Path(name).suffix} file: {cause}$"
    with pytest.raises(InputError, match=message) as caught:
        read_table(written(tmp_path, name, content))
    assert "\n" not in str(caught.value)


def test_long_cause_is_cut(tmp_path):
    path = written(tmp_path, "a.csv", b"text,label\n" + b"word " * 1000 + b"\n")
    with pytest.raises(InputError, match=r"\.\.\.$") as caught:
        read_table(path)
    assert len(str(caught.value)) < len(str(path)) + 220


def test_repeated_column(tmp_path):
    message = r"^path: '.*a\.csv' has several columns called 'text'; names must differ$"
    with pytest.raises(InputError, match=message):
        read_table(written(tmp_path, "a.csv", b"text,label,text\na,1,b\n"))


@pytest.mark.parametrize("suffix", WRITABLE)
def test_written_tables_read_back(tmp_path, suffix):
    path = tmp_path / "new" / f"a{suffix}"
    rows = [{"text": text, "n": 3, "p": 0.25} for text in ODD_TEXTS]
    write_table(rows, path)
    expected = [{"text": text, "n": "3", "p": "0.25"} for text in ODD_TEXTS] if suffix == ".csv" else rows
    assert rows_of(path) == expected
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", WRITABLE)
def test_columns_are_all_keys_as_first_met(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    write_table([{"b": "x"}, {"a": "y", "b": "z"}], path)
    missing = "" if suffix == ".csv" else None
    assert read_table(path).column_names == ["b", "a"]
    assert rows_of(path) == [{"b": "x", "a": missing}, {"b": "z", "a": "y"}]


@pytest.mark.parametrize("suffix", WRITABLE)
def test_nested_values_and_lone_surrogates(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    row = {"text": "a\ud800é", "words": ("x", "y"), "shares": {"no": 0.5}}
    write_table([row], path)
    words, shares = (['["x", "y"]'], ['{"no": 0.5}']) if suffix == ".csv" else ([["x", "y"]], [{"no": 0.5}])
    assert read_table(path).to_pydict() == {"text": ["a\ufffdé"], "words": words, "shares": shares}
    assert row == {"text": "a\ud800é", "words": ("x", "y"), "shares": {"no": 0.5}}


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.lists(texts, min_size=1), st.sampled_from(WRITABLE))
def test_any_text_survives(values, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{suffix}"
        write_table([{"text": value} for value in values], path)
        assert read_table(path).column("text").to_pylist() == values


@pytest.mark.parametrize("suffix", [".tsv", ".txt", ".json", ""])
def test_unwritable_extension(tmp_path, suffix):
    message = r"^path: '.*' cannot be written by its extension; accepted are \.csv, \.jsonl, \.parquet$"
    with pytest.raises(InputError, match=message):
        write_table([{"text": "a"}], tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_no_rows(tmp_path):
    with pytest.raises(InputError, match=r"^rows: none given; a table needs at least one$"):
        write_table([], tmp_path / "a.csv")


@pytest.mark.parametrize(
    ("suffix", "value", "cause"),
    [
        (".jsonl", float("nan"), r"Out of range float values are not JSON compliant.*"),
        (".jsonl", object(), r"Object of type object is not JSON serializable"),
        (".csv", [object()], r"Object of type object is not JSON serializable"),
        (".parquet", object(), r".+"),
    ],
)
def test_values_that_the_format_cannot_hold(tmp_path, suffix, value, cause):
    with pytest.raises(InputError, match=rf"^rows: cannot be written as {suffix}: {cause}$"):
        write_table([{"text": value}], tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_unwritable_place(tmp_path):
    written(tmp_path, "file", b"x")
    with pytest.raises(FileError, match=r"^output: cannot write '.*a\.csv': "):
        write_table([{"text": "a"}], tmp_path / "file" / "a.csv")
