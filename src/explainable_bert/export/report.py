"""The demo's page: the same sentences explained by every design, and what each design costs and scores."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explainable_bert.errors import InputError
from explainable_bert.export.axes import Axis
from explainable_bert.export.pages import page_html
from explainable_bert.metrics.sharpness import effective_units
from explainable_bert.records import Explanation
from explainable_bert.writing import write_text

_AXIS_STEP = 0.05


@dataclass(frozen=True)
class DesignRow:
    """What one trained design scored on the test split, and its explanations of the report's sentences.

    `accuracy` and its standard error are in [0, 1]; `effective_words` is the mean number of words that share the
    scores; `contribution_error` is the largest |bias + sum - logit|, or None where the scores are no decomposition.
    """

    design: str
    value_layer: int
    accuracy: float
    accuracy_se: float
    effective_words: float
    parameters: int
    seconds: float
    contribution_error: float | None
    explanations: tuple[Explanation, ...]


@dataclass(frozen=True)
class DemoReport:
    """Everything on the page: trained designs, those still `pending`, how they were trained, the caller's notes.

    Every row explains the same sentences, in the order of `gold_labels`. `summaries` say in words what a design is.
    """

    rows: tuple[DesignRow, ...]
    n_train: int
    n_test: int
    corpus: str
    base: str
    seed: int
    machine: str
    gold_labels: tuple[str, ...]
    pending: tuple[str, ...]
    summaries: Mapping[str, str]
    notes: tuple[str, ...]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.explanations) != len(self.gold_labels):
                raise InputError(
                    f"explanations: {len(row.explanations)} given by {row.design} for {len(self.gold_labels)}"
                    " gold labels; one per label is needed"
                )
            if _texts(row) != _texts(self.rows[0]):
                raise InputError(f"explanations: {row.design} explains other texts than {self.rows[0].design}")


def write_report(report: DemoReport, path: Path) -> None:
    """Write the report as one self-contained HTML page; raises FileError if the place cannot be written."""
    page = page_html(
        "report.html.j2",
        [item for row in report.rows for item in row.explanations],
        report=report,
        sentences=_sentences(report),
        accuracy_axis=_accuracy_axis(report.rows),
        words_axis=Axis(0.0, max((row.effective_words for row in report.rows), default=1.0) or 1.0),
        effective_words=effective_words,
    )
    write_text(path, page)


def _sentences(report: DemoReport) -> list[tuple[str, list[tuple[DesignRow, Explanation]]]]:
    """Each gold label with every design's explanation of that sentence."""
    return [
        (label, [(row, row.explanations[index]) for row in report.rows])
        for index, label in enumerate(report.gold_labels)
    ]


def _texts(row: DesignRow) -> list[tuple[str, str | None]]:
    return [(item.text, item.text_pair) for item in row.explanations]


def _accuracy_axis(rows: Sequence[DesignRow]) -> Axis:
    """Round ends that hold every accuracy with its standard error, inside [0, 1]."""
    lows = [row.accuracy - row.accuracy_se for row in rows]
    highs = [row.accuracy + row.accuracy_se for row in rows]
    low = math.floor(min(lows, default=0.0) / _AXIS_STEP) * _AXIS_STEP
    high = math.ceil(max(highs, default=1.0) / _AXIS_STEP) * _AXIS_STEP
    return Axis(max(low, 0.0), min(high, 1.0)) if low < min(high, 1.0) else Axis(0.0, 1.0)


def effective_words(explanation: Explanation) -> float:
    """Over how many words an explanation is spread, from 1 to their number; see metrics.sharpness."""
    return effective_units(np.array(explanation.attribution.scores))
