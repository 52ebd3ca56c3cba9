"""A shard: the results of one piece as a Parquet file that says itself what it holds, and the rows that have none."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from explainable_bert.errors import FileError, first_line
from explainable_bert.jobs.pieces import BadRow, CorpusRow, Piece
from explainable_bert.jobs.tally import Counting, Tally
from explainable_bert.json_fields import parse_json, read_value
from explainable_bert.metrics.sharpness import effective_units
from explainable_bert.records import Explanation
from explainable_bert.writing import expressible, write_text, writing

ERRORS = "errors"
_KEY = b"explainable_bert"
# Rows that are in memory together, and lie together in the file.
_ROWS_AT_ONCE = 512

Explained = tuple[CorpusRow, Explanation]


@dataclass(frozen=True)
class Shape:
    """What a row of a shard has: labels, columns that are kept, and so many words: None for all, and the text."""

    labels: tuple[str, ...]
    kept: tuple[str, ...]
    top_words: int | None

    @property
    def schema(self) -> pa.Schema:
        """The columns and their types."""
        texts = [("text", pa.string()), ("text_pair", pa.string())] if self.top_words is None else []
        return pa.schema(
            [
                ("file", pa.string()),
                ("row", pa.int64()),
                *((f"kept_{name}", pa.string()) for name in self.kept),
                *texts,
                ("label", pa.string()),
                ("probability", pa.float64()),
                *((f"probability_{label}", pa.float64()) for label in self.labels),
                ("unit", pa.list_(pa.string())),
                ("start", pa.list_(pa.int32())),
                ("end", pa.list_(pa.int32())),
                ("part", pa.list_(pa.int8())),
                ("score", pa.list_(pa.float32())),
                ("n_units", pa.int32()),
                ("effective_units", pa.float32()),
                ("bias", pa.float32()),
                ("logit", pa.float32()),
                ("special_token_mass", pa.float32()),
                ("n_windows", pa.int32()),
                ("n_tokens_dropped", pa.int32()),
            ]
        )


@dataclass(frozen=True)
class Shard:
    """A shard that is written: the piece it is of, rows with and without result, its size, checksum and tally."""

    name: str
    piece: int
    rows: int
    errors: int
    bytes: int
    sha256: str
    tally: Tally


def write_shard(
    folder: Path, piece: Piece, results: Iterable[Explained | BadRow], shape: Shape, job: Mapping[str, Any]
) -> Shard:
    """Write the results of a piece, in the order of its rows, whole or not at all; what `job` says goes with them.

    Raises FileError if the place cannot be written.
    """
    path, counting, bad = folder / f"{piece.name}.parquet", Counting(), list[BadRow]()
    with writing(path) as stream, pyarrow.parquet.ParquetWriter(stream, shape.schema, compression="zstd") as writer:
        good = _good(results, bad, counting)
        while group := list(islice(good, _ROWS_AT_ONCE)):
            writer.write_table(_table(group, piece, shape))
        tally = counting.tally(len(bad))
        said = {**job, "input": _input(piece), "tally": tally.fields()}
        writer.add_key_value_metadata({_KEY.decode(): json.dumps(said)})
        # Before the shard is there: where a shard is, its errors are.
        _write_errors(folder, piece, bad)
    return _shard(path, piece, tally)


def read_shard(folder: Path, piece: Piece) -> Shard | None:
    """The shard of a piece if it is there; raises FileError where it is no such shard."""
    path = folder / f"{piece.name}.parquet"
    if not path.is_file():
        return None
    try:
        metadata = pyarrow.parquet.read_metadata(path).metadata or {}
        said = read_value(dict[str, Any], parse_json(metadata.get(_KEY, b"{}")), "metadata")
        tally, given = Tally.of_fields(said.get("tally")), said.get("input")
    except (OSError, pa.ArrowException, ValueError) as error:
        raise FileError(
            f"output: {str(path)!r} is damaged ({first_line(error)}); remove it, and its piece is done again"
        ) from error
    if given != _input(piece):
        raise FileError(f"output: {str(path)!r} is of other rows; accepted: a new or empty folder")
    return _shard(path, piece, tally)


def _shard(path: Path, piece: Piece, tally: Tally) -> Shard:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Shard(path.name, piece.number, tally.rows, tally.errors, path.stat().st_size, digest, tally)


def _input(piece: Piece) -> dict[str, Any]:
    return {"file": piece.file.address, "first_row": piece.first_row, "n_rows": piece.span.n_rows}


def _good(results: Iterable[Explained | BadRow], bad: list[BadRow], counting: Counting) -> Iterator[Explained]:
    for result in results:
        if isinstance(result, BadRow):
            bad.append(result)
        else:
            counting.add(result[1])
            yield result


def _write_errors(folder: Path, piece: Piece, bad: Sequence[BadRow]) -> None:
    path = folder / ERRORS / f"{piece.name}.jsonl"
    if not bad:
        path.unlink(missing_ok=True)
        return
    ordered = sorted(bad, key=lambda row: row.number)
    lines = [json.dumps({"file": piece.file.address, "row": row.number, "reason": row.reason}) for row in ordered]
    write_text(path, "\n".join(lines) + "\n")


def _table(group: Sequence[Explained], piece: Piece, shape: Shape) -> pa.Table:
    explanations = [explanation for _, explanation in group]
    chosen = [_strongest(explanation, shape.top_words) for explanation in explanations]
    columns: dict[str, Sequence[Any]] = {
        "file": [piece.file.address] * len(group),
        "row": [row.number for row, _ in group],
        **{f"kept_{name}": [row.kept[place] for row, _ in group] for place, name in enumerate(shape.kept)},
        **_of_predictions(explanations, shape),
        **_of_units(explanations, chosen),
        **_of_attributions(explanations),
    }
    return pa.table([pa.array(columns[field.name], field.type) for field in shape.schema], schema=shape.schema)


def _of_predictions(explanations: Sequence[Explanation], shape: Shape) -> dict[str, Sequence[Any]]:
    predictions = [explanation.prediction for explanation in explanations]
    pairs = [explanation.text_pair for explanation in explanations]
    return {
        "text": [expressible(explanation.text) for explanation in explanations],
        "text_pair": [None if pair is None else expressible(pair) for pair in pairs],
        "label": [prediction.label for prediction in predictions],
        "probability": [prediction.probabilities[prediction.label] for prediction in predictions],
        **{
            f"probability_{label}": [prediction.probabilities[label] for prediction in predictions]
            for label in shape.labels
        },
        "n_windows": [prediction.n_windows for prediction in predictions],
        "n_tokens_dropped": [prediction.n_tokens_dropped for prediction in predictions],
    }


def _of_units(explanations: Sequence[Explanation], chosen: Sequence[Sequence[int]]) -> dict[str, Sequence[Any]]:
    attributions = [explanation.attribution for explanation in explanations]
    units = [[of.units[place] for place in places] for of, places in zip(attributions, chosen, strict=True)]
    return {
        "unit": [[expressible(unit.text) for unit in of_text] for of_text in units],
        "start": [[unit.start for unit in of_text] for of_text in units],
        "end": [[unit.end for unit in of_text] for of_text in units],
        "part": [[unit.part for unit in of_text] for of_text in units],
        "score": [[of.scores[place] for place in places] for of, places in zip(attributions, chosen, strict=True)],
        "n_units": [len(of.units) for of in attributions],
    }


def _of_attributions(explanations: Sequence[Explanation]) -> dict[str, Sequence[Any]]:
    attributions = [explanation.attribution for explanation in explanations]
    return {
        "effective_units": [effective_units(np.array(of.scores)) if of.scores else None for of in attributions],
        "bias": [of.bias for of in attributions],
        "logit": [of.logit for of in attributions],
        "special_token_mass": [of.special_token_mass for of in attributions],
    }


def _strongest(explanation: Explanation, top_words: int | None) -> Sequence[int]:
    """The places of the units to keep: of the largest scores in absolute value, the largest first; or of all."""
    scores = explanation.attribution.scores
    if top_words is None:
        return range(len(scores))
    return sorted(range(len(scores)), key=lambda place: -abs(scores[place]))[:top_words]
