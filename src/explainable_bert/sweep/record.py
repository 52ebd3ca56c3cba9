"""What is kept of a measured point: enough to compute every statistic without the model."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explainable_bert.errors import InputError, first_line
from explainable_bert.evaluation.summary import Column
from explainable_bert.json_fields import from_fields, parse_json
from explainable_bert.records import read_json_text
from explainable_bert.run_request import Request
from explainable_bert.writing import write_text

_N_DIGITS = 6

# What a measure found in one text: a number, several that it is computed from, or None where it is undefined.
Value = float | tuple[float, ...] | None


@dataclass(frozen=True)
class Predicted:
    """Whether each row of a set was predicted right, as a string of 0 and 1 in the order of the rows.

    `sha256` is that of the rows.
    """

    sha256: str
    right: str

    @property
    def column(self) -> Column:
        """The rows as a column of accuracy."""
        values = np.array([[digit == "1"] for digit in self.right], dtype=np.float64)
        return Column(None, "accuracy", tuple(range(1, len(values) + 1)), values, 0)


@dataclass(frozen=True)
class Measured:
    """One measure of one method (None: of the model alone) on every explained text, to 6 significant digits."""

    method: str | None
    measure: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        sizes = {len(value) if isinstance(value, tuple) else None for value in self.values if value is not None}
        if len(sizes) > 1:
            raise InputError(f"values: of {len(sizes)} sizes given for {self.measure!r}; accepted: of one size")

    @classmethod
    def of(cls, column: Column, n_texts: int) -> "Measured":
        """A column of observations; texts that it leaves out are undefined."""
        values: list[Value] = [None] * n_texts
        for row, found in zip(column.rows, column.values.tolist(), strict=True):
            rounded = tuple(float(f"{number:.{_N_DIGITS}g}") for number in found)
            values[row - 1] = rounded[0] if len(rounded) == 1 else rounded
        return cls(column.method, column.measure, tuple(values))

    @property
    def column(self) -> Column:
        """The values as a column of observations."""
        known = [(row, value) for row, value in enumerate(self.values, start=1) if value is not None]
        values = np.array([value for _, value in known], dtype=np.float64).reshape(len(known), -1 if known else 0)
        return Column(self.method, self.measure, tuple(row for row, _ in known), values, len(self.values) - len(known))


@dataclass(frozen=True)
class Explained:
    """The measures on the explained texts of one set; `sha256` is that of the texts."""

    sha256: str
    measures: tuple[Measured, ...]

    def column(self, measure: str, method: str | None) -> Column | None:
        """The column of one measure of one method, or None where it was not measured."""
        found = (kept for kept in self.measures if (kept.measure, kept.method) == (measure, method))
        return next((kept.column for kept in found), None)


@dataclass(frozen=True)
class PointRecord:
    """A trained and measured point.

    `asked` is what the point was asked for. `predicted` and `explained` are by the names of sets. `training_s` and
    `measuring_s` are in seconds, of the last start only where it was resumed.
    """

    arm: str
    seed: int
    design: str
    asked: Request
    predicted: Mapping[str, Predicted]
    explained: Mapping[str, Explained]
    n_parameters: int
    best_epoch: int
    training_s: float
    measuring_s: float
    versions: Mapping[str, str]
    machine: str

    def save(self, path: Path) -> None:
        """Write the record as JSON on one line."""
        write_text(path, json.dumps(dataclasses.asdict(self), allow_nan=False) + "\n")

    @classmethod
    def load(cls, path: Path) -> "PointRecord":
        """Read a record that `save` wrote; raises FileError or InputError."""
        try:
            return from_fields(cls, parse_json(read_json_text(path)), "the record")
        except ValueError as error:
            raise InputError(f"{str(path)!r} is no record of a sweep's point: {first_line(error)}") from error
