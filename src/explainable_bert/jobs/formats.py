"""How rows lie in files of each format: where files can be cut, and what each row holds, or why it holds nothing."""

import csv
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

import pyarrow as pa

from explainable_bert.errors import InputError, first_line
from explainable_bert.jobs.sources import SourceFile
from explainable_bert.json_fields import parse_json

# A cell of more characters is a quotation mark that was never closed.
_LONGEST_CELL = 2**24
_NOT_UTF8 = "not UTF-8; accepted: files saved as UTF-8"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Span:
    """Consecutive rows of a file: how many, and where they start and stop. In bytes; of Parquet, in rows."""

    n_rows: int
    start: int
    stop: int


@dataclass(frozen=True)
class Fault:
    """Why a row cannot be used."""

    reason: str


Cells = Mapping[str, object]
# What is raised on files that cannot be read: pyarrow has errors of its own, and passes on such of text and numbers.
UNREADABLE = (InputError, OSError, ValueError, OverflowError, pa.ArrowException)


@dataclass(frozen=True)
class Format:
    """`spans` cuts a file into runs of rows of about so many bytes, `cells` reads one run. Both take column names.

    They raise one of UNREADABLE on files that are not of the format or lack a column.
    """

    spans: Callable[[SourceFile, Sequence[str], int], Iterator[Span]]
    cells: Callable[[SourceFile, Sequence[str], Span], Iterator[Cells | Fault]]


def _cut(ends: Iterator[int], start: int, size: int) -> Iterator[Span]:
    """Spans of about `size` bytes, of records that end at these places."""
    n_rows, end = 0, start
    for end in ends:
        n_rows += 1
        if end - start >= size:
            yield Span(n_rows, start, end)
            n_rows, start = 0, end
    if n_rows:
        yield Span(n_rows, start, end)


def _lines(stream: BinaryIO, start: int, stop: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Lines from byte `start`, with where each ends."""
    stream.seek(start)
    place = start
    while (stop is None or place < stop) and (line := stream.readline()):
        place += len(line)
        yield place, line


def _beginning(stream: BinaryIO) -> int:
    """Where the content begins: behind a byte order mark."""
    return len(_BYTE_ORDER_MARK) if stream.read(len(_BYTE_ORDER_MARK)) == _BYTE_ORDER_MARK else 0


def _decoded(line: bytes) -> str | Fault:
    try:
        return line.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return Fault(f"not UTF-8 (byte {error.start} of the row); accepted: files saved as UTF-8")


# Plain text: a row per line, blank ones too, so that rows are lines.


def _text_spans(file: SourceFile, columns: Sequence[str], size: int) -> Iterator[Span]:
    _check_columns(columns, ["text"])
    with file.open() as stream:
        start = _beginning(stream)
        yield from _cut((end for end, _ in _lines(stream, start)), start, size)


def _text_cells(file: SourceFile, columns: Sequence[str], span: Span) -> Iterator[Cells | Fault]:  # noqa: ARG001
    with file.open() as stream:
        for _, line in _lines(stream, span.start, span.stop):
            text = _decoded(line)
            yield text if isinstance(text, Fault) else {"text": text}


# JSON lines: a row per object; blank lines are none.


def _json_spans(file: SourceFile, columns: Sequence[str], size: int) -> Iterator[Span]:  # noqa: ARG001
    with file.open() as stream:
        start = _beginning(stream)
        yield from _cut((end for end, line in _lines(stream, start) if line.strip()), start, size)


def _json_cells(file: SourceFile, columns: Sequence[str], span: Span) -> Iterator[Cells | Fault]:  # noqa: ARG001
    with file.open() as stream:
        for _, line in _lines(stream, span.start, span.stop):
            if line.strip():
                yield _object(line)


def _object(line: bytes) -> Cells | Fault:
    text = _decoded(line)
    if isinstance(text, Fault):
        return text
    try:
        found = parse_json(text)
    except ValueError as error:
        return Fault(f"no JSON: {first_line(error)}")
    return found if isinstance(found, dict) else Fault(f"{type(found).__name__} given; accepted: a JSON object")


# CSV and TSV: a row per record; its cells stay the strings that they are.


def _csv_reader(lines: Iterator[str], *, tabs: bool) -> Iterator[list[str]]:
    csv.field_size_limit(_LONGEST_CELL)
    if tabs:  # without quoting, as in GLUE
        return csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    return csv.reader(lines, strict=True)


class _Records:
    """Records from a byte of a file on, as their cells, or as what is wrong with them; `end` is where the last ends."""

    def __init__(self, stream: BinaryIO, start: int, stop: int | None, *, tabs: bool) -> None:
        self.end = start
        self._reader = _csv_reader(self._texts(_lines(stream, start, stop)), tabs=tabs)

    def _texts(self, lines: Iterator[tuple[int, bytes]]) -> Iterator[str]:
        for self.end, line in lines:
            # What is not UTF-8 is found again in the cell that it is in.
            yield line.decode("utf-8", "surrogateescape")

    def __iter__(self) -> Iterator[list[str] | Fault]:
        while True:
            try:
                record = next(self._reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Fault(f"no CSV: {first_line(error)}")
            else:
                if record:
                    yield record


def _csv_spans(file: SourceFile, columns: Sequence[str], size: int, *, tabs: bool) -> Iterator[Span]:
    with file.open() as stream:
        _, start = _header(stream, columns, tabs=tabs)
        records = _Records(stream, start, None, tabs=tabs)
        yield from _cut((records.end for _ in records), start, size)


def _csv_cells(file: SourceFile, columns: Sequence[str], span: Span, *, tabs: bool) -> Iterator[Cells | Fault]:
    with file.open() as stream:
        header, _ = _header(stream, columns, tabs=tabs)
        for record in _Records(stream, span.start, span.stop, tabs=tabs):
            yield record if isinstance(record, Fault) else _named(header, record)


def _header(stream: BinaryIO, columns: Sequence[str], *, tabs: bool) -> tuple[list[str], int]:
    records = _Records(stream, _beginning(stream), None, tabs=tabs)
    header = next(iter(records), None)
    if header is None or isinstance(header, Fault):
        raise InputError("there is no header" if header is None else header.reason)
    _check_columns(columns, header)
    return header, records.end


def _named(header: Sequence[str], record: Sequence[str]) -> Cells | Fault:
    if len(record) != len(header):
        return Fault(f"{len(record)} cells given; accepted: {len(header)}, as the header has")
    for cell in record:
        try:
            cell.encode("utf-8")
        except UnicodeEncodeError:
            return Fault(_NOT_UTF8)
    return dict(zip(header, record, strict=True))


# Parquet: a row per row; a piece is cut by their number.


def _parquet_spans(file: SourceFile, columns: Sequence[str], size: int) -> Iterator[Span]:
    with file.open() as stream:
        found = _parquet_file(stream, columns)
        groups = [found.metadata.row_group(index) for index in range(found.num_row_groups)]
        # Of all columns: pyarrow ends the process on what it is told of one column, where that is damaged.
        n_bytes = sum(group.total_byte_size for group in groups)
        n_rows = found.metadata.num_rows
    at_once = max(1, size * n_rows // max(1, n_bytes))
    for start in range(0, n_rows, at_once):
        stop = min(start + at_once, n_rows)
        yield Span(stop - start, start, stop)


def _parquet_cells(file: SourceFile, columns: Sequence[str], span: Span) -> Iterator[Cells | Fault]:
    with file.open() as stream:
        found = _parquet_file(stream, columns)
        first = 0
        for index in range(found.num_row_groups):
            stop = first + found.metadata.row_group(index).num_rows
            if first < span.stop and span.start < stop:
                table = found.read_row_group(index, columns=list(columns))
                inside = table.slice(max(0, span.start - first), min(span.stop, stop) - max(span.start, first))
                for batch in inside.to_batches(max_chunksize=1024):
                    yield from _listed(batch)
            first = stop


def _listed(batch: Any) -> Iterator[Cells | Fault]:
    """The rows of a batch; where a string is not UTF-8, which Parquet does not look at, that row is a fault."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for number in range(len(batch)):
            try:
                (cells,) = batch.slice(number, 1).to_pylist()
            except UnicodeDecodeError:
                yield Fault(_NOT_UTF8)
            else:
                yield cells


def _parquet_file(stream: BinaryIO, columns: Sequence[str]) -> Any:
    import pyarrow.parquet

    found = pyarrow.parquet.ParquetFile(stream)
    _check_columns(columns, found.schema_arrow.names)
    return found


def _check_columns(columns: Sequence[str], there: Sequence[str]) -> None:
    for column in columns:
        if list(there).count(column) != 1:
            how = "is not there" if column not in there else "is there several times"
            raise InputError(f"column {column!r} {how}; there are {', '.join(map(reprlib.repr, there))}")


def _separated(*, tabs: bool) -> Format:
    return Format(
        lambda file, columns, size: _csv_spans(file, columns, size, tabs=tabs),
        lambda file, columns, span: _csv_cells(file, columns, span, tabs=tabs),
    )


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        ".csv": _separated(tabs=False),
        ".tsv": _separated(tabs=True),
        ".jsonl": Format(_json_spans, _json_cells),
        ".parquet": Format(_parquet_spans, _parquet_cells),
        ".txt": Format(_text_spans, _text_cells),
    }
)
