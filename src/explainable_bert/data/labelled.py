"""Turning the columns of a table into labelled examples."""

import math
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa

from explainable_bert.errors import InputError
from explainable_bert.text.encoding import TextInput, is_blank

_ACCEPTED_LABELS = "accepted are strings, whole numbers and booleans"


@dataclass(frozen=True)
class Example:
    """One text, or pair of texts, with its label; and, where people marked why, their rationales.

    `words` are spans (start, end) in characters of `text`: the words that could be marked. `rationales` has one mask
    over them per annotator. Raises InputError when a mask does not have a value per word.
    """

    text: str
    label: str
    text_pair: str | None = None
    words: tuple[tuple[int, int], ...] = ()
    rationales: tuple[tuple[bool, ...], ...] = ()

    def __post_init__(self) -> None:
        for mask in self.rationales:
            if len(mask) != len(self.words):
                raise InputError(
                    f"rationales: {len(mask)} values given for {len(self.words)} words; one per word is needed"
                )


def input_of(example: Example) -> TextInput:
    """The example as a model reads it."""
    return example.text if example.text_pair is None else (example.text, example.text_pair)


def with_label_names(examples: Sequence[Example], labels: Sequence[str]) -> tuple[Example, ...]:
    """The examples with labels as a model calls them: numbers that are none of its `labels` count these from 0.

    Labels that are neither stay as they are.
    """
    given = {example.label for example in examples}
    by_number = {str(number): label for number, label in enumerate(labels)}
    if given <= set(labels) or not given <= by_number.keys():
        return tuple(examples)
    return tuple(replace(example, label=by_number[example.label]) for example in examples)


@dataclass(frozen=True)
class Columns:
    """Which columns of a table hold the text, the label and, for pairs, the second text."""

    text: str = "text"
    label: str = "label"
    pair: str | None = None


@dataclass(frozen=True)
class LabelledRows:
    """The usable rows of one table in order, and a name with the reason for every row left out.

    `numbers` are the rows' own in the table, from 1; without them, the examples are counted.
    """

    examples: tuple[Example, ...]
    skipped: tuple[str, ...] = ()
    numbers: tuple[int, ...] = ()

    def numbered(self) -> Iterator[tuple[int, Example]]:
        """Each example with the number of its row."""
        return zip(self.numbers or range(1, len(self.examples) + 1), self.examples, strict=True)


@dataclass(frozen=True)
class UnlabelledRows:
    """The usable texts of one table with their row numbers from 1, and a name with the reason for every row left out.

    A pair of texts is a tuple of two.
    """

    texts: tuple[tuple[int, TextInput], ...]
    skipped: tuple[str, ...] = ()


def unlabelled_rows(table: pa.Table, columns: Columns, source: str, argument: str = "--input") -> UnlabelledRows:
    """The table's texts, labelled or not; rows that lack a text are left out and named after `source`.

    Raises InputError when a column is not there or holds no strings, and, naming `argument`, when no row is usable.
    """
    texts, pairs = _text_columns(table, columns, source)
    usable: list[tuple[int, TextInput]] = []
    skipped = []
    for row, (text, pair) in enumerate(zip(texts, pairs, strict=True), start=1):
        fault = _fault(text) or (None if columns.pair is None else _fault(pair))
        if fault or text is None:
            skipped.append(f"{source} row {row}: text is {fault}")
        else:
            usable.append((row, text if pair is None else (text, pair)))
    if not usable:
        first = skipped[0] if skipped else "no rows"
        raise InputError(f"{argument}: {source} has no row with a text (first: {first}); accepted: one or more")
    return UnlabelledRows(tuple(usable), tuple(skipped))


def labelled_rows(table: pa.Table, columns: Columns, source: str) -> LabelledRows:
    """The table's examples; rows that lack a text or a label are left out and named after `source`.

    Raises InputError when a column is not there or holds values of a type that cannot be used.
    """
    texts, pairs = _text_columns(table, columns, source)
    labels = _labels(table, columns.label, source)
    examples, skipped, numbers = [], [], []
    for row, (text, label, pair) in enumerate(zip(texts, labels, pairs, strict=True), start=1):
        needed = {"text": text, "label": label} | ({} if columns.pair is None else {"second text": pair})
        faults = [f"{part} is {fault}" for part, value in needed.items() if (fault := _fault(value))]
        if faults or text is None or label is None:
            skipped.append(f"{source} row {row}: {faults[0]}")
        else:
            examples.append(Example(text, label, pair))
            numbers.append(row)
    return LabelledRows(tuple(examples), tuple(skipped), tuple(numbers))


def _fault(value: str | None) -> str | None:
    if value is None:
        return "missing"
    return "empty" if is_blank(value) else None


def _column(table: pa.Table, name: str, argument: str, source: str) -> pa.ChunkedArray:
    if name not in table.column_names:
        there = ", ".join(map(repr, table.column_names))
        known = " (a .txt file has a text on each line, and no labels)" if source.lower().endswith(".txt") else ""
        raise InputError(f"{argument}: no column {name!r} in {source}; its columns are {there}{known}")
    column = table.column(name)
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _text_columns(table: pa.Table, columns: Columns, source: str) -> tuple[Sequence[str | None], Sequence[str | None]]:
    texts = _texts(table, columns.text, "--text-column", source)
    if columns.pair is None:
        return texts, [None] * len(texts)
    return texts, _texts(table, columns.pair, "--pair-column", source)


def _texts(table: pa.Table, name: str, argument: str, source: str) -> list[str | None]:
    column = _column(table, name, argument, source)
    if not (holds_strings(column.type) or pa.types.is_null(column.type)):
        raise InputError(f"{argument}: column {name!r} of {source} holds {_shown(column.type)}; accepted are strings")
    values: list[str | None] = column.to_pylist()
    return values


def _labels(table: pa.Table, name: str, source: str) -> list[str | None]:
    column = _column(table, name, "--label-column", source)
    kind = column.type
    if pa.types.is_floating(kind):
        return [_integral_label(value, name, source) for value in column.to_pylist()]
    plain = holds_strings(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_null(kind)
    if not plain:
        raise InputError(f"--label-column: column {name!r} of {source} holds {_shown(kind)}; {_ACCEPTED_LABELS}")
    return [None if value is None else str(value) for value in column.to_pylist()]


def _integral_label(value: float | None, name: str, source: str) -> str | None:
    if value is None or math.isnan(value):
        return None
    if not value.is_integer():
        raise InputError(f"--label-column: column {name!r} of {source} holds {value}; {_ACCEPTED_LABELS}")
    return str(int(value))


def _shown(kind: pa.DataType) -> str:
    """The type on one line that is not too long: those of nested values name their fields."""
    return textwrap.shorten(str(kind), 80, placeholder="...")


def holds_strings(kind: pa.DataType) -> bool:
    """Whether a column of this type holds text."""
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
