"""The folder of an evaluation: its parts while it runs, so that a stopped one continues, and the whole at the end."""

import dataclasses
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explainable_bert.data.files import read_table, write_table
from explainable_bert.errors import FileError, InputError, first_line
from explainable_bert.json_fields import parse_json, read_value
from explainable_bert.records import read_json_text
from explainable_bert.results import SummaryRow
from explainable_bert.writing import write_text

REQUEST_FILE = "request.json"
SUMMARY_FILE = "summary.json"
STATED_FILE = "stated.json"
_PARTS = "parts"
_EXAMPLES = ("examples.parquet", "examples.csv", "examples.jsonl")

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Finished:
    """A finished evaluation: the hash of the weights that it is of, its rows, and what has to be stated with them."""

    fingerprint: str
    rows: tuple[SummaryRow, ...]
    stated: Mapping[str, str]


def read_finished(folder: Path, argument: str) -> Finished:
    """What an evaluation left in its folder; raises FileError or InputError, naming `argument`."""
    if not (folder / SUMMARY_FILE).is_file():
        raise FileError(
            f"{argument}: {str(folder)!r} holds no {SUMMARY_FILE}; accepted: a folder that explainable-bert evaluate "
            "has finished"
        )
    try:
        model = _json(folder / REQUEST_FILE, dict[str, Any])["model"]
        fingerprint = read_value(str, model["fingerprint"], "fingerprint")
        rows = _json(folder / SUMMARY_FILE, tuple[SummaryRow, ...])
        # Evaluations of older versions did not write it down.
        there = (folder / STATED_FILE).is_file()
        stated = _json(folder / STATED_FILE, dict[str, str]) if there else {}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{argument}: {str(folder)!r} is no evaluation by explainable-bert: {first_line(error)}"
        ) from error
    return Finished(fingerprint, rows, stated)


def _json(file: Path, kind: Any) -> Any:
    return read_value(kind, parse_json(read_json_text(file)), file.name)


def write_stated(output: Path, stated: Mapping[str, str]) -> None:
    """Keep what has to be stated with the numbers, as label and value."""
    write_text(output / STATED_FILE, json.dumps(dict(stated), indent=1) + "\n")


def finished_examples(output: Path) -> Rows | None:
    """The examples of a finished evaluation, or None."""
    if not all((output / name).is_file() for name in (SUMMARY_FILE, _EXAMPLES[0])):
        return None
    rows: Rows = read_table(output / _EXAMPLES[0]).to_pylist()
    return rows


def read_part(output: Path, index: int) -> Rows | None:
    """The rows of a finished part, or None."""
    try:
        rows: Rows = json.loads(read_json_text(_part(output, index)))
    except (FileError, ValueError, RecursionError):  # not there, or damaged: observed anew
        return None
    return rows if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows) else None


def write_part(output: Path, index: int, rows: Rows) -> None:
    """Keep the rows of a part."""
    write_text(_part(output, index), json.dumps(rows, allow_nan=False) + "\n")


def write_whole(output: Path, examples: Rows, summary: Sequence[SummaryRow]) -> None:
    """Write the tables of examples, then the summary, and remove the parts."""
    for name in _EXAMPLES:
        write_table(examples, output / name)
    write_text(output / SUMMARY_FILE, rows_json(summary))
    shutil.rmtree(output / _PARTS, ignore_errors=True)


def rows_json(rows: Sequence[SummaryRow]) -> str:
    """Summary rows as a JSON list."""
    fields = [dataclasses.asdict(row) for row in rows]
    return json.dumps(fields, indent=1, allow_nan=False) + "\n"


def _part(output: Path, index: int) -> Path:
    return output / _PARTS / f"{index:05}.json"
