"""Human rationales: reading the words that people marked as evidence, and carrying their marks over to units.

Three forms are read. Yelp-HAT: JSON lines of text, label, words and annotators, the last a list of 0/1 over the words
per person. HateXplain: dataset.json. ERASER: a split file such as movies/test.jsonl, with its documents beside it.
"""

import json
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Bool

from explainable_bert.data.labelled import Example, LabelledRows
from explainable_bert.errors import FileError, InputError
from explainable_bert.records import Unit, read_json_text
from explainable_bert.text.encoding import is_blank

_ACCEPTED = "HateXplain's .json, and .jsonl with words and annotators (as Yelp-HAT) or evidences (as ERASER)"
_KINDS: Mapping[type, str] = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}

_Span = tuple[int, int]
_Row = TypeVar("_Row")
_Kind = TypeVar("_Kind")
_Entry = TypeVar("_Entry")


class _Fault(Exception):
    """Why a row cannot be used."""


@dataclass(frozen=True)
class UnitRationales:
    """Which units the annotators marked, a row per annotator.

    `share_lost`, in [0, 1], is the share of marked words (over all annotators) that no unit covers, such as evidence
    beyond the model's window; 0 where nothing is marked.
    """

    masks: Bool[np.ndarray, "annotator unit"]
    share_lost: float


@dataclass(frozen=True)
class _Evidence:
    """Tokens `start` to `end`, exclusive, of one document."""

    document: str
    start: int
    end: int


def holds_rationales(path: str | Path) -> bool:
    """Whether load_rationales, rather than load_corpus, is the reader for what is at `path`; no row is checked.

    Raises FileError when a file is there but cannot be read.
    """
    return Path(path).is_file() and _reader(Path(path)) is not None


def load_rationales(path: str | Path) -> LabelledRows:
    """The examples at `path` with their words and rationales, and a name with the reason for every row left out.

    Yelp-HAT: the row's own label, whatever the annotators' labels. HateXplain: every post, of all splits, its tokens
    joined by spaces, with the label that more than half of the annotators gave; a post without rationales has no masks.
    ERASER: one annotator, who marked the union of the evidence; a row without evidence has no masks. Its query is not
    part of the input, so it has to be the same question in all rows, as in Movies.
    Blank words are no words, and their marks are dropped. Raises FileError when a file cannot be read, InputError for
    other forms and when no row is usable.
    Source: Sen et al. 2020 (Yelp-HAT); Mathew et al. 2021 (HateXplain); DeYoung et al. 2020 (ERASER), whose
    rationale_benchmark/utils.py defines tokens and offsets.
    """
    reader = _reader(Path(path))
    if reader is None:
        raise InputError(f"path: {str(path)!r} holds no rationales that can be read; accepted are {_ACCEPTED}")
    return reader(Path(path))


def on_units(example: Example, units: Sequence[Unit]) -> UnitRationales:
    """The rationales over `units` of the text: a unit is marked when it shares a character with a marked word.

    Where words are split at spaces, the mark of "great!" therefore reaches both "great" and "!": people marked the
    whole, and nothing says which part they meant. Units of a second text are never marked.
    """
    marked = np.array(example.rationales, dtype=bool).reshape(len(example.rationales), len(example.words))
    shared = _sharing(example.words, units)
    lost = marked & ~shared.any(axis=1)
    share_lost = float(lost.sum() / marked.sum()) if marked.any() else 0.0
    return UnitRationales(masks=marked @ shared, share_lost=share_lost)


def _sharing(words: Sequence[_Span], units: Sequence[Unit]) -> Bool[np.ndarray, "word unit"]:
    word_spans = np.array(words, dtype=np.int64).reshape(-1, 1, 2)
    unit_spans = np.array([(unit.start, unit.end) for unit in units], dtype=np.int64).reshape(1, -1, 2)
    first_text = np.array([unit.part == 0 for unit in units], dtype=bool)
    starts = np.maximum(word_spans[..., 0], unit_spans[..., 0])
    ends = np.minimum(word_spans[..., 1], unit_spans[..., 1])
    shared: Bool[np.ndarray, "word unit"] = (starts < ends) & first_text
    return shared


def _reader(path: Path) -> Callable[[Path], LabelledRows] | None:
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        return _jsonl_reader(path)
    return _hatexplain_rows if suffix == ".json" else None


def _jsonl_reader(path: Path) -> Callable[[Path], LabelledRows] | None:
    """The reader for the first row that has the fields of one, so that a broken first row decides nothing."""
    try:
        with path.open("rb") as lines:
            readers = (_row_reader(line) for line in lines)
            return next((reader for reader in readers if reader is not None), None)
    except OSError as error:
        raise FileError(f"path: cannot read {str(path)!r}: {error.strerror}") from error


def _row_reader(line: bytes) -> Callable[[Path], LabelledRows] | None:
    # Looking for the bytes first spares parsing a large corpus of another form.
    if b'"evidences"' in line and "evidences" in _object_or_empty(line):
        return _eraser_rows
    if b'"annotators"' in line and {"annotators", "words"} <= _object_or_empty(line).keys():
        return _yelp_hat_rows
    return None


def _usable(path: Path, rows: Iterable[tuple[str, _Row]], to_example: Callable[[_Row], Example]) -> LabelledRows:
    examples, skipped = [], []
    for name, row in rows:
        try:
            examples.append(to_example(row))
        except _Fault as fault:
            skipped.append(f"{path.name} {name}: {fault}")
    if not examples:
        reason = f" ({len(skipped)} left out, first: {skipped[0]})" if skipped else ""
        raise InputError(f"path: {str(path)!r} has no usable row{reason}; accepted are {_ACCEPTED}")
    return LabelledRows(tuple(examples), tuple(skipped))


def _lines(path: Path) -> list[tuple[str, str]]:
    content = read_json_text(path).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    return [(f"row {row}", line) for row, line in enumerate(content.split("\n"), start=1) if line.strip()]


def _object(line: str | bytes) -> dict[str, Any]:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise _Fault(f"is no well-formed JSON ({error.msg}, character {error.pos})") from error
    except (ValueError, RecursionError) as error:  # a number of too many digits, lists nested too deeply
        raise _Fault(f"is no JSON that can be read ({error})") from error
    return _of_kind(value, "the row", dict)


def _object_or_empty(line: str | bytes) -> dict[str, Any]:
    try:
        return _object(line)
    except _Fault:
        return {}


def _of_kind(value: object, name: str, kind: type[_Kind]) -> _Kind:
    # JSON's true and false are no numbers, although Python's are.
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise _Fault(f"{name} is {reprlib.repr(value)}; accepted is {_KINDS[kind]}")
    return value


def _field(row: Mapping[str, Any], name: str, kind: type[_Kind]) -> _Kind:
    if name not in row:
        raise _Fault(f"{name} is missing")
    return _of_kind(row[name], name, kind)


def _items(row: Mapping[str, Any], name: str, kind: type[_Kind]) -> list[_Kind]:
    values = _field(row, name, list)
    return [_of_kind(value, f"{name}, number {number},", kind) for number, value in enumerate(values, start=1)]


def _label(row: Mapping[str, Any], name: str) -> str:
    if name not in row:
        raise _Fault(f"{name} is missing")
    if not isinstance(row[name], str | int):
        raise _Fault(f"{name} is {reprlib.repr(row[name])}; accepted are strings, whole numbers and booleans")
    return _not_blank(str(row[name]), name)


def _not_blank(text: str, name: str) -> str:
    if is_blank(text):
        raise _Fault(f"{name} is empty")
    return text


def _spans(text: str, words: Sequence[str]) -> list[_Span]:
    """Where each word stands in the text, sought in order, each after the one before it."""
    spans, position = [], 0
    for number, word in enumerate(words, start=1):
        start = text.find(word, position)
        # A word is not sought inside another one: what lies between two of them has neither letters nor digits.
        if start < 0 or any(character.isalnum() for character in text[position:start]):
            raise _Fault(
                f"word {number} {reprlib.repr(word)} does not come next in the text after character {position}"
            )
        position = start + len(word)
        spans.append((start, position))
    return spans


def _masks(row: Mapping[str, Any], name: str, n_words: int) -> list[list[bool]]:
    masks = _items(row, name, list)
    for number, mask in enumerate(masks, start=1):
        if len(mask) != n_words:
            raise _Fault(f"{name}, number {number}, has {len(mask)} values for {n_words} words")
        odd = [value for value in mask if value not in (0, 1)]
        if odd:
            raise _Fault(f"{name}, number {number}, holds {reprlib.repr(odd[0])}; accepted are 0 and 1")
    return [[bool(value) for value in mask] for mask in masks]


def _example(text: str, label: str, words: Sequence[_Span], masks: Sequence[Sequence[bool]]) -> Example:
    visible = [index for index, (start, end) in enumerate(words) if not is_blank(text[start:end])]
    return Example(
        text,
        label,
        words=tuple(words[index] for index in visible),
        rationales=tuple(tuple(mask[index] for index in visible) for mask in masks),
    )


def _yelp_hat_rows(path: Path) -> LabelledRows:
    return _usable(path, _lines(path), lambda line: _yelp_hat_example(_object(line)))


def _yelp_hat_example(row: Mapping[str, Any]) -> Example:
    text = _not_blank(_field(row, "text", str), "text")
    words = _spans(text, _items(row, "words", str))
    return _example(text, _label(row, "label"), words, _masks(row, "annotators", len(words)))


def _hatexplain_rows(path: Path) -> LabelledRows:
    try:
        posts = json.loads(read_json_text(path).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"path: {str(path)!r} is no JSON that can be read: {error}") from error
    if not isinstance(posts, dict):
        raise InputError(f"path: {str(path)!r} holds {reprlib.repr(posts)}; accepted is an object of posts by their id")
    rows = ((f"row {row} ({reprlib.repr(key)})", post) for row, (key, post) in enumerate(posts.items(), start=1))
    return _usable(path, rows, lambda post: _hatexplain_example(_of_kind(post, "the post", dict)))


def _hatexplain_example(post: Mapping[str, Any]) -> Example:
    tokens = _items(post, "post_tokens", str)
    text = _not_blank(" ".join(tokens), "text")
    return _example(text, _majority(post), _spans(text, tokens), _masks(post, "rationales", len(tokens)))


def _majority(post: Mapping[str, Any]) -> str:
    labels = [_label(annotator, "label") for annotator in _items(post, "annotators", dict)]
    for label, count in Counter(labels).items():
        if 2 * count > len(labels):
            return label
    raise _Fault(f"the annotators' labels {reprlib.repr(labels)} have no majority")


def _eraser_rows(path: Path) -> LabelledRows:
    lines, read_document = _lines(path), _documents(path.parent)
    queries = {query for _, line in lines if isinstance(query := _object_or_empty(line).get("query"), str)}
    if len(queries) > 1:
        raise InputError(
            f"path: {str(path)!r} has {len(queries)} different queries; accepted is one question for all rows, "
            "as in Movies, since the query is not part of the input"
        )
    return _usable(path, lines, lambda line: _eraser_example(_object(line), read_document))


def _eraser_example(row: Mapping[str, Any], read_document: Callable[[str], str]) -> Example:
    evidence = _evidence(row)
    text = _not_blank(read_document(_document_name(row, evidence)), "text")
    tokens = _tokens(text)
    marked: set[int] = set()
    for piece in evidence:
        if not 0 <= piece.start < piece.end <= len(tokens):
            raise _Fault(f"evidence from token {piece.start} to {piece.end} is not within {len(tokens)} tokens")
        marked.update(range(piece.start, piece.end))
    masks = [[token in marked for token in range(len(tokens))]] if evidence else []
    return _example(text, _label(row, "classification"), tokens, masks)


def _evidence(row: Mapping[str, Any]) -> list[_Evidence]:
    # The evidence's own text is left alone: the benchmark calls it "some representation", the offsets official.
    pieces = [_of_kind(piece, "evidence", dict) for group in _items(row, "evidences", list) for piece in group]
    return [
        _Evidence(_field(piece, "docid", str), _field(piece, "start_token", int), _field(piece, "end_token", int))
        for piece in pieces
    ]


def _document_name(row: Mapping[str, Any], evidence: Sequence[_Evidence]) -> str:
    names = {piece.document for piece in evidence}
    if row.get("docids") is not None:
        names.update(_items(row, "docids", str))
    if len(names) > 1:
        raise _Fault(f"it has {len(names)} documents; accepted is one")
    return names.pop() if names else _field(row, "annotation_id", str)


def _tokens(document: str) -> list[_Span]:
    """Runs of anything but the space, in lines without their outer white space: other white space parts no tokens."""
    spans, line_start = [], 0
    for line in document.split("\n"):
        start = line_start + len(line) - len(line.lstrip())
        spans += [(start + run.start(), start + run.end()) for run in re.finditer("[^ ]+", line.strip())]
        line_start += len(line) + 1
    return spans


def _documents(folder: Path) -> Callable[[str], str]:
    """What gives a document by its name: from the folder docs, or from docs.jsonl."""
    if (folder / "docs").is_dir():
        # Names are looked up among what is there, so that none leads out of the folder.
        files = {entry.name: entry for entry in _entries(folder / "docs")}
        return lambda name: _document_text(_named(files, name))
    if (folder / "docs.jsonl").is_file():
        rows = [_object_or_empty(line) for _, line in _lines(folder / "docs.jsonl")]
        texts = {row["docid"]: row.get("document") for row in rows if isinstance(row.get("docid"), str)}
        return lambda name: _of_kind(_named(texts, name), f"document {reprlib.repr(name)}", str)
    raise FileError(f"path: no documents in {str(folder)!r}; accepted are a folder 'docs' and a file 'docs.jsonl'")


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise FileError(f"path: cannot read {str(folder)!r}: {error.strerror}") from error


def _named(entries: Mapping[str, _Entry], name: str) -> _Entry:
    if name not in entries:
        raise _Fault(f"document {reprlib.repr(name)} is not there")
    return entries[name]


def _document_text(path: Path) -> str:
    try:
        return read_json_text(path)
    except FileError as error:
        raise _Fault(f"document {reprlib.repr(path.name)} cannot be read: {error}") from error
