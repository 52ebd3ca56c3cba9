"""Reading and writing tables of texts: CSV, TSV, JSON lines, Parquet and plain text."""

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet

from explainable_bert.errors import FileError, InputError
from explainable_bert.writing import check_place, expressible, write_bytes

READABLE = (".csv", ".tsv", ".jsonl", ".parquet", ".txt")
WRITABLE = (".csv", ".jsonl", ".parquet")

_MAX_BLOCK_BYTES = 2**30
_MAX_CAUSE_CHARACTERS = 160
_DEEPEST = 200
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
_HEADER = re.compile(r"[^\r\n]+")
# Quotes around the whole line, or until it breaks inside of them.
_ONE_QUOTED_NAME = re.compile(r'"(?:[^"]|"")*"?')
_MAX_HEADER_CHARACTERS = 60
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"{[]}")


def read_table(path: Path) -> pa.Table:
    """The table in `path`, read as its extension says; .txt has one text per line, in the column "text".

    CSV and TSV cells stay the strings they are ("NA" and "007" too); TSV knows no quoting, as in GLUE. Raises FileError
    for a missing or unreadable file, InputError for content of another form.
    """
    suffix = _suffix(path, READABLE, "read")
    content = _content(path)
    try:
        if suffix == ".parquet":
            # Not read_table, which fails in words of its own where columns have the same name.
            with pa.parquet.ParquetFile(pa.BufferReader(content)) as file:
                table = file.read()
            table.validate(full=True)
        else:
            table = _text_table(content, suffix)
    except UnicodeDecodeError as error:
        raise InputError(f"path: {str(path)!r} is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"path: {str(path)!r} is not a well-formed {suffix} file: {_one_line(error)}") from error
    repeated = sorted({name for name in table.column_names if table.column_names.count(name) > 1})
    if repeated:
        raise InputError(f"path: {str(path)!r} has several columns called {repeated[0]!r}; names must differ")
    return table


def write_table(rows: Sequence[Mapping[str, object]], path: Path) -> None:
    """Write `rows` as .csv, .jsonl or .parquet, whole or not at all; the columns are all keys, as first met.

    A key that a row lacks is written as null (CSV: empty), a list or mapping in a CSV cell as JSON, a lone surrogate as
    U+FFFD. Raises InputError for another extension, no rows, or values that the format cannot hold.
    """
    suffix = _suffix(path, WRITABLE, "written")
    if not rows:
        raise InputError("rows: none given; a table needs at least one")
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {expressible(name): [_storable(row.get(name)) for row in rows] for name in names}
    encoders = {".csv": _csv_bytes, ".jsonl": _jsonl_bytes, ".parquet": _parquet_bytes}
    try:
        content = encoders[suffix](columns)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(f"rows: cannot be written as {suffix}: {_one_line(error)}") from error
    write_bytes(path, content)


def check_writable(path: Path) -> None:
    """Raise InputError or FileError unless a table can be written to `path`; for asking before any work."""
    _suffix(path, WRITABLE, "written")
    check_place(path)


def _suffix(path: Path, accepted: tuple[str, ...], verb: str) -> str:
    suffix = path.suffix.lower()
    if suffix not in accepted:
        raise InputError(f"path: {str(path)!r} cannot be {verb} by its extension; accepted are {', '.join(accepted)}")
    return suffix


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        accepted = ", ".join(READABLE)
        raise FileError(
            f"path: cannot read {str(path)!r}: {error.strerror}; accepted is a file ending in {accepted}"
        ) from error
    if not content.strip():
        raise InputError(f"path: {str(path)!r} is empty; at least one row is needed")
    return content


def _text_table(content: bytes, suffix: str) -> pa.Table:
    text = content.decode("utf-8-sig")
    if suffix == ".txt":
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        # A blank line stays a row, so that rows are lines; only the end of the last line starts none.
        return pa.table({"text": pa.array(lines[:-1] if lines[-1] == "" else lines, pa.string())})
    if suffix == ".jsonl":
        return _jsonl_table(content)
    if suffix == ".csv":
        _check_commas(text)
    return _delimited_table(content, tabs=suffix == ".tsv")


def _check_commas(text: str) -> None:
    """Raise ArrowInvalid where other signs stand between the names: every row would be read as one cell, or as none."""
    found = _HEADER.search(text)
    header = found[0] if found else ""
    if "," in header or not set(header) & {";", "\t"} or _ONE_QUOTED_NAME.fullmatch(header):
        return
    shown = header if len(header) <= _MAX_HEADER_CHARACTERS else header[: _MAX_HEADER_CHARACTERS - 3] + "..."
    raise pa.ArrowInvalid(f"its one column is {shown!r}; accepted: commas between columns (tabs in a .tsv file)")


def _delimited_table(content: bytes, *, tabs: bool) -> pa.Table:
    parsing = pa.csv.ParseOptions(
        delimiter="\t" if tabs else ",", quote_char=False if tabs else '"', newlines_in_values=not tabs
    )
    # Unthreaded, Arrow's messages name the row; one block, no row is too long for it.
    reading = pa.csv.ReadOptions(use_threads=False, block_size=_block_size(content))
    with pa.csv.open_csv(pa.BufferReader(content), read_options=reading, parse_options=parsing) as reader:
        names = reader.schema.names
    strings = pa.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    return pa.csv.read_csv(
        pa.BufferReader(content), read_options=reading, parse_options=parsing, convert_options=strings
    )


def _jsonl_table(content: bytes) -> pa.Table:
    _check_depth(content)
    reading = pa.json.ReadOptions(use_threads=False, block_size=_block_size(content))
    table = pa.json.read_json(pa.BufferReader(content), read_options=reading)
    # Arrow takes strings that look like times for times; JSON has none, so such columns are read again as strings.
    times = [pa.field(field.name, pa.string()) for field in table.schema if pa.types.is_temporal(field.type)]
    if not times:
        return table
    parsing = pa.json.ParseOptions(explicit_schema=pa.schema(times))
    again = pa.json.read_json(pa.BufferReader(content), read_options=reading, parse_options=parsing)
    return again.select(table.column_names)


def _check_depth(content: bytes) -> None:
    """Raise ArrowInvalid on what Arrow's reader of JSON dies of: null as the first row, values nested too deeply."""
    if not content.removeprefix(_BYTE_ORDER_MARK).lstrip().startswith(b"{"):
        raise pa.ArrowInvalid("JSON parse error: row 1 is no object")
    if content.count(b"{") + content.count(b"[") <= _DEEPEST:
        return
    brackets = _JSON_STRING.sub(b"", content).translate(None, delete=_NO_BRACKETS)
    steps = np.where(np.isin(np.frombuffer(brackets, np.uint8), list(b"{[")), 1, -1)
    if np.cumsum(steps).max(initial=0) > _DEEPEST:
        raise pa.ArrowInvalid(f"JSON parse error: a value is nested more than {_DEEPEST} deep")


def _block_size(content: bytes) -> int:
    return min(len(content) + 1, _MAX_BLOCK_BYTES)


def _csv_bytes(columns: Mapping[str, list[object]]) -> bytes:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(columns)
    for row in zip(*columns.values(), strict=True):
        writer.writerow([_json(cell) if isinstance(cell, dict | list) else cell for cell in row])
    return stream.getvalue().encode("utf-8")


def _jsonl_bytes(columns: Mapping[str, list[object]]) -> bytes:
    rows = zip(*columns.values(), strict=True)
    return "".join(_json(dict(zip(columns, row, strict=True))) + "\n" for row in rows).encode("utf-8")


def _parquet_bytes(columns: Mapping[str, list[object]]) -> bytes:
    stream = io.BytesIO()
    pa.parquet.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), stream)
    return stream.getvalue()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _storable(value: object) -> object:
    """A copy whose strings are all expressible in UTF-8 and whose tuples are lists."""
    if isinstance(value, str):
        return expressible(value)
    if isinstance(value, Mapping):
        return {expressible(str(key)): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value


def _one_line(error: Exception) -> str:
    line = " ".join(str(error).split())
    return line if len(line) <= _MAX_CAUSE_CHARACTERS else line[: _MAX_CAUSE_CHARACTERS - 3] + "..."
