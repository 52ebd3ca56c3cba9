"""A corpus cut into pieces: runs of rows of one file each, that are read, explained and written by themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from explainable_bert.errors import FileError, InputError, first_line
from explainable_bert.jobs.formats import FORMATS, UNREADABLE, Fault, Span
from explainable_bert.jobs.sources import SourceFile
from explainable_bert.text.encoding import TextInput, is_blank

# A corpus is cut into about so many pieces, of so many bytes at least and at most: small ones lose little when they
# are stopped, large ones make few files.
_PIECES, _SMALLEST, _LARGEST = 1024, 2**18, 2**24


@dataclass(frozen=True)
class Columns:
    """Which columns are read: that of the text, or the two of a pair; and which are kept beside the results."""

    texts: tuple[str, ...] = ("text",)
    kept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.texts) not in (1, 2) or not all(self.texts):
            raise InputError(f"columns: {','.join(self.texts)!r} given; accepted: a column of texts, or two of pairs")

    @property
    def read(self) -> tuple[str, ...]:
        """Every column that is read, once."""
        return tuple(dict.fromkeys((*self.texts, *self.kept)))


@dataclass(frozen=True)
class Piece:
    """Rows of a file, the first of which has the number `first_row`, counted from 1."""

    number: int
    file: SourceFile
    first_row: int
    span: Span

    @property
    def name(self) -> str:
        """What the files of its results are called."""
        return f"part-{self.number:06d}"


@dataclass(frozen=True)
class Plan:
    """The pieces of a corpus in order, and why some of its files cannot be read."""

    pieces: tuple[Piece, ...]
    unreadable: Mapping[str, str]

    @property
    def n_rows(self) -> int:
        """Rows in all."""
        return sum(piece.span.n_rows for piece in self.pieces)


@dataclass(frozen=True)
class CorpusRow:
    """A row that can be used: its number in its file, its text or pair of texts, and columns to keep, as strings."""

    number: int
    text: TextInput
    kept: tuple[str | None, ...]


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and why."""

    number: int
    reason: str


def plan(
    files: Sequence[SourceFile],
    columns: Columns,
    limit: int | None,
    progress: Callable[[str, int, int], None],
) -> Plan:
    """Cut the files into pieces: of all rows, or of the first `limit`. `progress` is told bytes looked through, of all.

    Raises InputError where there is no row to be read.
    """
    n_bytes = sum(file.size for file in files)
    size = min(max(n_bytes // _PIECES, _SMALLEST), _LARGEST)
    pieces: list[Piece] = []
    unreadable: dict[str, str] = {}
    n_rows = n_passed = 0
    for file in files:
        if limit is not None and n_rows >= limit:
            break
        try:
            of_file = list(_pieces(file, columns, size, None if limit is None else limit - n_rows))
        except UNREADABLE as error:
            unreadable[file.address] = first_line(error)
        else:
            pieces += [replace(piece, number=len(pieces) + index) for index, piece in enumerate(of_file)]
            n_rows += sum(piece.span.n_rows for piece in of_file)
        n_passed += file.size
        progress("looking through the files", n_passed, n_bytes)
    if not pieces:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in list(unreadable.items())[:3])
        raise InputError(f"input: no row to read in {len(files)} files{f' ({reasons})' if reasons else ''}")
    return Plan(tuple(pieces), unreadable)


def _pieces(file: SourceFile, columns: Columns, size: int, limit: int | None) -> Iterator[Piece]:
    first_row = 1
    for span in FORMATS[file.suffix].spans(file, columns.read, size):
        left = None if limit is None else limit - (first_row - 1)
        if left is not None and left <= span.n_rows:
            # It is read from its beginning, and no further than this.
            yield Piece(0, file, first_row, replace(span, n_rows=left))
            return
        yield Piece(0, file, first_row, span)
        first_row += span.n_rows


def rows_of(piece: Piece, columns: Columns) -> Iterator[CorpusRow | BadRow]:
    """The rows of a piece, in order. Raises FileError where the file is no longer what it was."""
    number, last = piece.first_row - 1, piece.first_row - 1 + piece.span.n_rows
    try:
        for cells in FORMATS[piece.file.suffix].cells(piece.file, columns.read, piece.span):
            if number == last:
                return
            number += 1
            yield BadRow(number, cells.reason) if isinstance(cells, Fault) else _row(number, cells, columns)
    except FileError:
        raise
    except UNREADABLE as error:
        raise FileError(f"input: {piece.file.address!r} is not what it was: {first_line(error)}") from error
    if number != last:
        raise FileError(f"input: {piece.file.address!r} is not what it was: row {number + 1} is gone")


def _row(number: int, cells: Mapping[str, object], columns: Columns) -> CorpusRow | BadRow:
    texts: list[str] = []
    for column in columns.texts:
        given = cells.get(column)
        if not isinstance(given, str):
            kind = "nothing" if given is None else type(given).__name__
            return BadRow(number, f"{column}: {kind} given; accepted: a string")
        if is_blank(given):
            return BadRow(number, f"{column}: a blank string given; accepted: one with a visible character")
        texts.append(given)
    text = texts[0] if len(texts) == 1 else (texts[0], texts[1])
    return CorpusRow(number, text, tuple(_kept(cells.get(column)) for column in columns.kept))


def _kept(value: object) -> str | None:
    return None if value is None else str(value)
