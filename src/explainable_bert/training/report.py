"""How a model folder came to be: the record of a training run, and its file."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from explainable_bert.errors import InputError, first_line
from explainable_bert.json_fields import from_fields, parse_json
from explainable_bert.records import read_json_text
from explainable_bert.writing import write_text


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
            report = from_fields(cls, parse_json(read_json_text(path)), "the report")
            if "corpus" not in report.run:
                raise ValueError("run: no 'corpus' given; accepted: the corpus that the model was trained on")
        except ValueError as error:
            said = first_line(error)
            raise InputError(f"model: {str(path)!r} is not a training report of explainable-bert: {said}") from error
        return report
