"""A visitor's table: its columns of text, every row predicted and explained, and which words push each label most."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from explainable_bert.data.files import read_table
from explainable_bert.data.labelled import Columns, holds_strings, unlabelled_rows
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.export.strips import format_score, largest, shows_zero
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Explanation

READABLE = (".csv", ".tsv", ".jsonl", ".parquet")
MOST_ROWS = 5_000
_N_TOP, _N_GLOBAL = 3, 10
# How exactly the page tells what a word did.
PUSH_DECIMALS = 3
# A word that came once says nothing of the file.
_FEWEST_TIMES = 2
# What is looked at first, on a narrow screen too.
_FIRST_IN_VIEW = ("row", "label", "top words", "probability", "text")
# Hardly ever otherwise.
_USUAL = {"windows": 1, "tokens not read": 0}
# Rows that tell what a column is like.
_N_LOOKED_AT = 100


@dataclass(frozen=True)
class Push:
    """How much a word did for one label over a file: its mean score in the rows where it stood, and their number."""

    word: str
    label: str
    mean: float
    times: int


@dataclass(frozen=True)
class Explained:
    """A file's rows with label, probability and top words; the words that push each label; what was left out.

    `signed` says whether scores speak for and against a label, or only of attention.
    """

    rows: tuple[dict[str, object], ...]
    pushes: tuple[Push, ...]
    skipped: tuple[str, ...]
    signed: bool


def opened(path: Path) -> tuple[pa.Table, tuple[str, ...]]:
    """The table and the names of its columns of text, the likeliest first.

    Raises InputError or FileError that name the file as the visitor does, and no place on this machine.
    """
    if path.suffix.lower() not in READABLE:
        raise InputError(f"file: {path.name!r} given; accepted: {', '.join(READABLE)}")
    try:
        table = read_table(path)
    except ExplainableBertError as error:
        told = str(error).replace(repr(str(path)), repr(path.name)).replace("path: ", "file: ", 1)
        raise InputError(told) from error
    if table.num_rows > MOST_ROWS:
        raise InputError(
            f"file: {path.name!r} has {table.num_rows:,} rows; accepted: at most {MOST_ROWS:,} (the command "
            "explainable-bert explain takes larger ones)"
        )
    names = [
        field.name
        for field in table.schema
        if holds_strings(field.type) and not _holds_numbers(table.column(field.name).slice(0, _N_LOOKED_AT).to_pylist())
    ]
    if not names:
        raise InputError(f"file: {path.name!r} has no column of text; its columns: {', '.join(table.column_names)}")
    return table, tuple(sorted(names, key=lambda name: -_mean_length(table, name)))


def explained(classifier: ExplainableClassifier, table: pa.Table, column: str) -> Explained:
    """Every row that has a text, explained by the model's built-in method. Raises InputError where none has."""
    try:
        usable = unlabelled_rows(table, Columns(text=column), "file")
    except InputError as error:
        raise InputError(f"column: {column!r} given; accepted: a column that holds a text in some row") from error
    found = classifier.explain([text for _, text in usable.texts])
    others = table.drop_columns([column]).to_pylist()
    rows = [
        _row(number, explanation, others[number - 1])
        for (number, _), explanation in zip(usable.texts, found, strict=True)
    ]
    return Explained(tuple(rows), _pushes(found), usable.skipped, found[0].attribution.signed)


def in_view(rows: Sequence[Mapping[str, object]]) -> tuple[tuple[str, ...], list[list[object]]]:
    """Names and cells of what there is to look at of explained rows: what was found, then what else is in the file.

    Without what is the same in all: the model, and windows and tokens not read where these are as usual.
    """
    left_out = {"model", *(name for name, usual in _USUAL.items() if all(line[name] == usual for line in rows))}
    others = (name for name in rows[0] if name not in left_out and name not in _FIRST_IN_VIEW)
    names = (*_FIRST_IN_VIEW, *others)
    return names, [[line[name] for name in names] for line in rows]


def _row(number: int, explanation: Explanation, others: dict[str, object]) -> dict[str, object]:
    """What was found of a row, and what else stands in it; a name of both is told apart."""
    prediction = explanation.prediction
    found: dict[str, object] = {
        "row": number,
        "text": explanation.text,
        "label": prediction.label,
        "probability": round(prediction.probabilities[prediction.label], 4),
        "top words": ", ".join(_top(explanation)),
        "windows": prediction.n_windows,
        "tokens not read": prediction.n_tokens_dropped,
        "model": explanation.provenance.model,
    }
    return found | {f"{name} (in the file)" if name in found else name: value for name, value in others.items()}


def _top(explanation: Explanation) -> list[str]:
    attribution = explanation.attribution
    scale = largest(attribution.scores)
    pairs = sorted(zip(attribution.scores, attribution.units, strict=True), key=lambda pair: -abs(pair[0]))
    return [
        f"{unit.text} ({format_score(score, scale, attribution.signed)})"
        for score, unit in pairs[:_N_TOP]
        if not shows_zero(score, scale)
    ]


def _pushes(explanations: Sequence[Explanation]) -> tuple[Push, ...]:
    """Of each label, the words with the largest mean score towards it, if it is towards it as far as is told."""
    scores: dict[tuple[str, str], list[float]] = defaultdict(list)
    for explanation in explanations:
        attribution = explanation.attribution
        in_row: dict[str, float] = defaultdict(float)
        for unit, score in zip(attribution.units, attribution.scores, strict=True):
            if any(character.isalnum() for character in unit.text):
                in_row[unit.text.lower()] += score
        for word, score in in_row.items():
            scores[explanation.target, word].append(score)
    by_label: dict[str, list[Push]] = defaultdict(list)
    for (label, word), found in scores.items():
        mean = sum(found) / len(found)
        if len(found) >= _FEWEST_TIMES and round(mean, PUSH_DECIMALS) > 0:
            by_label[label].append(Push(word, label, mean, len(found)))
    return tuple(
        push for label in sorted(by_label) for push in sorted(by_label[label], key=lambda push: -push.mean)[:_N_GLOBAL]
    )


def _holds_numbers(values: Sequence[str | None]) -> bool:
    """Whether there are values, and all are numbers: CSV knows no other type than text."""
    written = [value for value in values if value and value.strip()]
    try:
        return bool([float(value) for value in written])
    except ValueError:
        return False


def _mean_length(table: pa.Table, name: str) -> float:
    values = [len(value) for value in table.column(name).slice(0, _N_LOOKED_AT).to_pylist() if value]
    return sum(values) / len(values) if values else 0.0
