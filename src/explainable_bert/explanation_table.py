"""The fields of explanations as rows of a Parquet table that pandas reads as they are, and back without loss."""

import io
import json
from collections.abc import Iterable, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any, BinaryIO

from explainable_bert.errors import first_line
from explainable_bert.json_fields import parse_json
from explainable_bert.writing import expressible

# Rows that are in memory together, and lie together in the file.
_ROWS_AT_ONCE = 512
# Columns that are fields of the record itself, of its prediction, its attribution and its provenance.
_OWN = {"schema_version": "int64", "text": "string", "text_pair": "string", "target": "string"}
_PREDICTION = {"label": "string", "n_tokens_dropped": "int64", "n_windows": "int64"}
_ATTRIBUTION = {
    "method": "string",
    "level": "string",
    "signed": "bool",
    "special_token_mass": "float64",
    "bias": "float64",
    "bias_name": "string",
    "logit": "float64",
    "seed": "int64",
}
_PROVENANCE = {
    "model": "string",
    "design": "string",
    "value_layer": "int64",
    "fingerprint": "string",
    "version": "string",
    "libraries": "string",
}
# Lists over units, of which the first is named `unit` where the record says `text`.
_UNITS = {"unit": "list string", "start": "list int64", "end": "list int64", "part": "list int64"}
_COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        **_OWN,
        **_PREDICTION,
        "labels": "list string",
        "probabilities": "list float64",
        **_UNITS,
        "score": "list float64",
        **_ATTRIBUTION,
        **_PROVENANCE,
        "map_weights": "list list float64",
        "map_special_token_mass": "list float64",
        # The record as JSON where UTF-8 cannot express its text (lone surrogates), else empty.
        "exact": "string",
    }
)


def write_parquet(records: Iterable[Mapping[str, Any]], stream: BinaryIO) -> None:
    """A Parquet file with a row per record, written as they come; `records` are the nested fields of explanations."""
    import pyarrow as pa
    import pyarrow.parquet

    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in _COLUMNS.items()])
    rows = map(_to_row, records)
    with pyarrow.parquet.ParquetWriter(stream, schema) as writer:
        while group := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))


def from_parquet(content: bytes) -> list[dict[str, Any]]:
    """The inverse of `write_parquet`; raises ValueError when it is no such file."""
    import pyarrow as pa
    import pyarrow.parquet

    try:
        return [_from_row(row) for row in pyarrow.parquet.read_table(io.BytesIO(content)).to_pylist()]
    except KeyError as error:
        raise ValueError(f"there is no column {error}") from error
    except (pa.ArrowException, OSError, TypeError, OverflowError) as error:
        raise ValueError(first_line(error)) from error


def _arrow_type(kind: str) -> Any:
    import pyarrow as pa

    inner = kind.removeprefix("list ")
    return pa.type_for_alias(kind) if inner == kind else pa.list_(_arrow_type(inner))


def _to_row(record: Mapping[str, Any]) -> dict[str, Any]:
    prediction, attribution, provenance = record["prediction"], record["attribution"], record["provenance"]
    attention_map = record["attention_map"] or {}
    row = {
        **{name: record[name] for name in _OWN},
        **{name: prediction[name] for name in _PREDICTION},
        "labels": list(prediction["probabilities"]),
        "probabilities": list(prediction["probabilities"].values()),
        **{name: [unit[_unit_field(name)] for unit in attribution["units"]] for name in _UNITS},
        "score": attribution["scores"],
        **{name: attribution[name] for name in _ATTRIBUTION},
        **{name: provenance[name] for name in _PROVENANCE},
        "map_weights": attention_map.get("weights"),
        "map_special_token_mass": attention_map.get("special_token_mass"),
    }
    storable = _storable(row)
    return {**storable, "exact": None if storable == row else json.dumps(record)}


def _from_row(row: Mapping[str, Any]) -> dict[str, Any]:
    if row["exact"] is not None:
        exact: dict[str, Any] = parse_json(row["exact"])
        return exact
    spans = zip(*(row[name] for name in _UNITS), strict=True)
    attention_map = None
    if row["map_weights"] is not None:
        attention_map = {"weights": row["map_weights"], "special_token_mass": row["map_special_token_mass"]}
    return {
        **{name: row[name] for name in _OWN},
        "prediction": {
            **{name: row[name] for name in _PREDICTION if name in row},
            "probabilities": dict(zip(row["labels"], row["probabilities"], strict=True)),
        },
        "attribution": {
            "units": [dict(zip(map(_unit_field, _UNITS), span, strict=True)) for span in spans],
            "scores": row["score"],
            **{name: row[name] for name in _ATTRIBUTION},
        },
        "provenance": {name: row[name] for name in _PROVENANCE},
        "attention_map": attention_map,
    }


def _unit_field(column: str) -> str:
    return "text" if column == "unit" else column


def _storable(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _expressible(value) for name, value in row.items()}


def _expressible(value: Any) -> Any:
    if isinstance(value, str):
        return expressible(value)
    return [_expressible(item) for item in value] if isinstance(value, list) else value
