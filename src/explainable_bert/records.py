"""Frozen records that cross layers: what the package predicts and explains, with their JSON and Parquet files."""

import dataclasses
import json
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Literal, Self

from explainable_bert.errors import FileError, InputError, first_line
from explainable_bert.explanation_table import from_parquet, write_parquet
from explainable_bert.json_fields import from_fields, parse_json, read_value
from explainable_bert.writing import writing

EXPLANATION_SCHEMA_VERSION = 3
# Version 2 had no count of windows: texts had one.
_READABLE_VERSIONS = (2, 3)

Level = Literal["word", "token"]
LEVELS: tuple[Level, ...] = ("word", "token")
# What is done with a text that is longer than the model's window.
Long = Literal["window", "truncate", "error"]
LONG: tuple[Long, ...] = ("window", "truncate", "error")


@dataclass(frozen=True)
class Prediction:
    """What the model decided about one text.

    `probabilities` are in [0, 1] and sum to one over the labels; `n_tokens_dropped` counts the word pieces that did
    not fit into the model's window and were therefore not read; `n_windows` in how many windows the text was read.
    """

    label: str
    probabilities: dict[str, float]
    n_tokens_dropped: int
    n_windows: int = 1


@dataclass(frozen=True)
class Unit:
    """A scored piece of text: `text == original[start:end]`, in characters of the original string.

    `part` is 0, or 1 for the second text of a pair.
    """

    text: str
    start: int
    end: int
    part: int = 0


@dataclass(frozen=True)
class Attribution:
    """One real score per unit for one target label.

    `signed` says whether negative scores mean "against the target". `bias` and `logit` are given where the scores
    share out the target's logit: `bias + sum(scores) == logit`, up to `completeness_error`. `bias` is what the logit
    is without any unit, and `bias_name` says what that is made of. `special_token_mass` is the final attention, in
    [0, 1], that special tokens received; they never receive a reported score. `seed` is that of methods that draw.
    """

    units: tuple[Unit, ...]
    scores: tuple[float, ...]
    method: str
    level: Level
    signed: bool
    special_token_mass: float | None = None
    bias: float | None = None
    bias_name: str | None = None
    logit: float | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        if len(self.units) != len(self.scores):
            raise InputError(f"scores: {len(self.scores)} given for {len(self.units)} units; one per unit is needed")

    @property
    def completeness_error(self) -> float | None:
        """|bias + sum of scores - logit|, or None where the scores are no decomposition of the logit."""
        if self.bias is None or self.logit is None:
            return None
        return abs(self.bias + sum(self.scores) - self.logit)


@dataclass(frozen=True)
class AttentionMap:
    """The final block's attention between the units of an attribution, mean over its heads.

    `weights` has a row for [CLS], the query that decides, then one per unit (the mean over its tokens), with a column
    per unit (the sum over its tokens), as Clark et al. 2019 merge word pieces. `special_token_mass` is the rest of each
    row: what special tokens received; a row and its rest sum to 1.
    """

    weights: tuple[tuple[float, ...], ...]
    special_token_mass: tuple[float, ...]


@dataclass(frozen=True)
class Provenance:
    """Which model made an explanation, and with which software.

    The model's name as given, its design, a hash of its weights, the version of this package and of its `libraries`.
    """

    model: str
    design: str
    value_layer: int
    fingerprint: str
    version: str
    libraries: str


@dataclass(frozen=True)
class Explanation:
    """A text, what the model predicted, and how much each unit did for `target`; with the attention map if asked for.

    Raises InputError when the map does not fit the units.
    """

    text: str
    prediction: Prediction
    target: str
    attribution: Attribution
    provenance: Provenance
    text_pair: str | None = None
    attention_map: AttentionMap | None = None

    def __post_init__(self) -> None:
        if self.attention_map is None:
            return
        n_units, weights = len(self.attribution.units), self.attention_map.weights
        if len(weights) != n_units + 1 or any(len(row) != n_units for row in weights):
            raise InputError(
                f"attention_map: {len(weights)} rows given for {n_units} units; [CLS] and each unit has one"
            )
        if len(self.attention_map.special_token_mass) != n_units + 1:
            raise InputError("attention_map: special_token_mass needs one number per row")

    def to_json(self) -> str:
        """The record as one JSON object; ASCII only, so that any string survives, even with lone surrogates."""
        return json.dumps({"schema_version": EXPLANATION_SCHEMA_VERSION, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, content: str) -> Self:
        """The inverse of to_json; raises InputError when `content` is no explanation of this schema."""
        try:
            return cls.from_fields(parse_json(content))
        except InputError:
            raise
        except ValueError as error:
            raise InputError(f"not an explanation saved by explainable-bert: {first_line(error)}") from error

    @classmethod
    def from_fields(cls, fields: object) -> Self:
        """The record of nested fields, as JSON holds them.

        Raises InputError when they are of another schema version, ValueError when they are no explanation at all.
        """
        named: dict[str, Any] = read_value(dict[str, Any], fields, "the explanation")
        version = named.get("schema_version")
        if version is None:
            raise ValueError("no schema_version given")
        if version not in _READABLE_VERSIONS:
            accepted = " and ".join(map(str, _READABLE_VERSIONS))
            raise InputError(f"schema_version: {reprlib.repr(version)} given; this version reads {accepted}")
        own = {name: value for name, value in named.items() if name != "schema_version"}
        return from_fields(cls, own, "the explanation")

    def save(self, path: str | Path) -> None:
        """Write the record to `path`, a .json or .parquet file."""
        save_explanations([self], path)

    @classmethod
    def load(cls, path: str | Path) -> "Explanation":
        """Read the one record of a file that `save` wrote; raises FileError or InputError."""
        explanations = load_explanations(path)
        if len(explanations) != 1:
            raise InputError(f"path: {str(path)!r} holds {len(explanations)} explanations; use load_explanations")
        return explanations[0]


def save_explanations(explanations: Iterable[Explanation], path: str | Path) -> None:
    """Write records as they come, without loss: .json as one object, or a list of them; .parquet with a row for each.

    Raises InputError for another extension, FileError if the place cannot be written.
    """
    writer, _ = _file_format(path)
    with writing(Path(path)) as stream:
        writer(explanations, stream)


def holds_records(path: str | Path) -> bool:
    """Whether `save_explanations` writes such a file, by its extension."""
    return Path(path).suffix.lower() in _FILE_FORMATS


def load_explanations(path: str | Path) -> list[Explanation]:
    """Read what `save_explanations` or `Explanation.save` wrote; raises FileError or InputError."""
    _, reader = _file_format(path)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise FileError(f"path: cannot read {str(path)!r}: {error.strerror}") from error
    try:
        return reader(content)
    except InputError:
        raise
    except ValueError as error:
        said = first_line(error)
        raise InputError(f"path: {str(path)!r} is not an explanation file of explainable-bert: {said}") from error


def _write_json(explanations: Iterable[Explanation], stream: BinaryIO) -> None:
    records = (explanation.to_json().encode("ascii") for explanation in explanations)
    first = list(islice(records, 2))
    if len(first) == 1:
        stream.write(first[0] + b"\n")
        return
    stream.write(b"[")
    for index, record in enumerate(chain(first, records)):
        stream.write((b",\n" if index else b"") + record)
    stream.write(b"]\n")


def _from_json(content: bytes) -> list[Explanation]:
    fields = parse_json(content)
    return [Explanation.from_fields(item) for item in (fields if isinstance(fields, list) else [fields])]


def _write_parquet(explanations: Iterable[Explanation], stream: BinaryIO) -> None:
    # By way of JSON, so that a row is made of what a record in JSON holds, and of nothing else.
    write_parquet((json.loads(explanation.to_json()) for explanation in explanations), stream)


def _from_parquet(content: bytes) -> list[Explanation]:
    return [Explanation.from_fields(item) for item in from_parquet(content)]


_Writer = Callable[[Iterable[Explanation], BinaryIO], None]
_Reader = Callable[[bytes], list[Explanation]]
_FILE_FORMATS: Mapping[str, tuple[_Writer, _Reader]] = MappingProxyType(
    {".json": (_write_json, _from_json), ".parquet": (_write_parquet, _from_parquet)}
)


def _file_format(path: str | Path) -> tuple[_Writer, _Reader]:
    suffix = Path(path).suffix.lower()
    if suffix not in _FILE_FORMATS:
        raise InputError(f"path: {str(path)!r} given; accepted for explanations: {', '.join(_FILE_FORMATS)}")
    return _FILE_FORMATS[suffix]


def read_json_text(path: Path) -> str:
    """The file's text; raises FileError when it is missing or not UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"path: cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"path: {str(path)!r} is not UTF-8 text") from error
