"""The plan of a job in its folder: kept once, since large files take long to look through."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.errors import FileError, first_line
from explainable_bert.jobs.formats import Span
from explainable_bert.jobs.pieces import Piece, Plan
from explainable_bert.jobs.sources import SourceFile
from explainable_bert.json_fields import from_fields, parse_json
from explainable_bert.records import read_json_text
from explainable_bert.writing import write_text


@dataclass(frozen=True)
class _Kept:
    """As the file holds it: of each piece its file, its first row, its number of rows, where they start and stop."""

    pieces: tuple[tuple[int, int, int, int, int], ...]
    unreadable: Mapping[str, str]


def write_plan(path: Path, plan: Plan, files: Sequence[SourceFile]) -> None:
    """Keep a plan of these files."""
    places = {file: place for place, file in enumerate(files)}
    pieces = [[places[p.file], p.first_row, p.span.n_rows, p.span.start, p.span.stop] for p in plan.pieces]
    write_text(path, json.dumps({"pieces": pieces, "unreadable": dict(plan.unreadable)}) + "\n")


def read_plan(path: Path, files: Sequence[SourceFile]) -> Plan:
    """The plan that was kept of these files; raises FileError where it is no such plan."""
    try:
        kept = from_fields(_Kept, parse_json(read_json_text(path)), "the plan")
        pieces = [_piece(number, files, *place) for number, place in enumerate(kept.pieces)]
    except ValueError as error:
        raise FileError(
            f"output: {str(path)!r} is damaged ({first_line(error)}); remove it, and the files are looked through again"
        ) from error
    return Plan(tuple(pieces), kept.unreadable)


def _piece(number: int, files: Sequence[SourceFile], file: int, first_row: int, *span: int) -> Piece:
    if not 0 <= file < len(files):
        raise ValueError(f"pieces: file {file} given; accepted: 0 to {len(files) - 1}")
    if first_row < 1 or min(span) < 0:
        raise ValueError(f"pieces: rows from {first_row} at {list(span)} given; accepted: from 1, at 0 or more")
    return Piece(number, files[file], first_row, Span(*span))
