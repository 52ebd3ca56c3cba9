"""Frozen records that cross layers, with their JSON form: what the package predicts, explains and reports."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from explainable_bert.errors import FileError, InputError
from explainable_bert.writing import write_text

EXPLANATION_SCHEMA_VERSION = 1

Level = Literal["word", "token"]


@dataclass(frozen=True)
class Prediction:
    """What the model decided about one text.

    `probabilities` are in [0, 1] and sum to one over the labels; `n_tokens_dropped` counts the word pieces that did
    not fit into the model's window and were therefore not read.
    """

    label: str
    probabilities: dict[str, float]
    n_tokens_dropped: int


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

    `signed` says whether negative scores mean "against the target". `bias` and `logit` are given where the scores are
    an exact decomposition: `bias + sum(scores) == logit` up to float error. `special_token_mass` is the attention, in
    [0, 1], that special tokens received; they never receive a reported score.
    """

    units: tuple[Unit, ...]
    scores: tuple[float, ...]
    method: str
    level: Level
    signed: bool
    special_token_mass: float | None = None
    bias: float | None = None
    logit: float | None = None

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
class Provenance:
    """Which model made an explanation: its name as given, its design, a hash of its weights, the package version."""

    model: str
    design: str
    value_layer: int
    fingerprint: str
    version: str


@dataclass(frozen=True)
class Explanation:
    """A text, what the model predicted, and how much each unit did for `target`."""

    text: str
    prediction: Prediction
    target: str
    attribution: Attribution
    provenance: Provenance
    text_pair: str | None = None

    def to_json(self) -> str:
        """The record as one JSON object; ASCII only, so that any string survives, even with lone surrogates."""
        return json.dumps({"schema_version": EXPLANATION_SCHEMA_VERSION, **dataclasses.asdict(self)})

    @classmethod
    def from_json(cls, content: str) -> Self:
        """The inverse of to_json; raises InputError when `content` is no explanation of this schema."""
        try:
            fields = json.loads(content)
            version = fields.pop("schema_version")
            if version != EXPLANATION_SCHEMA_VERSION:
                raise InputError(f"schema_version: {version!r} given; this version reads {EXPLANATION_SCHEMA_VERSION}")
            attribution = fields.pop("attribution")
            units = tuple(Unit(**unit) for unit in attribution.pop("units"))
            scores = tuple(float(score) for score in attribution.pop("scores"))
            return cls(
                prediction=Prediction(**fields.pop("prediction")),
                attribution=Attribution(units=units, scores=scores, **attribution),
                provenance=Provenance(**fields.pop("provenance")),
                **fields,
            )
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"not an explanation saved by explainable-bert: {error}") from error

    def save(self, path: str | Path) -> None:
        """Write the record to `path`, which must end in .json."""
        write_text(_json_path(path), self.to_json() + "\n")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a record that `save` wrote; raises FileError or InputError."""
        return cls.from_json(read_json_text(_json_path(path)))


@dataclass(frozen=True)
class EpochMetrics:
    """What was measured on the validation split after one epoch; `accuracy` in [0, 1]."""

    epoch: int
    train_loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True)
class TrainingReport:
    """How a model folder came to be.

    `run` describes what was asked for: request, settings, corpus (with its fingerprint). `best_epoch` was chosen by
    validation accuracy; the test split was read once, afterwards. `wall_time_s` is in seconds, of the last start only
    when `resumed`.
    """

    run: Mapping[str, Mapping[str, Any]]
    readout: str
    value_layer: int
    n_parameters: int
    epochs: tuple[EpochMetrics, ...]
    best_epoch: int
    validation_accuracy: float
    test_accuracy: float | None
    test_accuracy_se: float | None
    n_tokens_dropped: int
    wall_time_s: float
    resumed: bool
    versions: Mapping[str, str]

    def save(self, path: Path) -> None:
        """Write the report as indented JSON."""
        write_text(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a report that `save` wrote; raises FileError or InputError."""
        try:
            fields = json.loads(read_json_text(path))
            epochs = tuple(EpochMetrics(**epoch) for epoch in fields.pop("epochs"))
            return cls(epochs=epochs, **fields)
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{str(path)!r} is not a training report of explainable-bert: {error}") from error


def read_json_text(path: Path) -> str:
    """The file's text; raises FileError when it is missing or not UTF-8 text."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError(f"path: cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"path: {str(path)!r} is not UTF-8 text") from error


def _json_path(path: str | Path) -> Path:
    if Path(path).suffix != ".json":
        raise InputError(f"path: {str(path)!r} given; explanations are saved as .json")
    return Path(path)
