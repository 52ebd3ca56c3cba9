"""From the records of points to arms with intervals, the front that they span, and the arm to pick."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from explainable_bert.errors import InputError
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.summary import CONFIDENCE, N_RESAMPLES, Named, SeedColumns, summary_row
from explainable_bert.metrics.significance import paired_bootstrap
from explainable_bert.results import Difference, FrontRow, SummaryRow
from explainable_bert.sweep.record import PointRecord

ACCURACY = "accuracy"
FAITHFULNESS = "range-normalised-comprehensiveness-margin"
SHARPNESS = "effective-words"
LEXICON_PLAUSIBILITY = "lexicon-average-precision"
RATIONALE_PLAUSIBILITY = "average-precision"
METHOD = "built-in"

# Of accuracies; what rounding makes of two that are as far apart as is allowed.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class View:
    """The names of the sets that an arm's numbers are taken from, and the settings that they were measured with.

    `plausible` is the set and the metric of plausibility; None where it was not measured.
    """

    predicted: str
    explained: str
    plausible: tuple[str, str] | None
    settings: EvaluationSettings


def front_rows(records: Sequence[PointRecord], view: View, reference: str) -> tuple[FrontRow, ...]:
    """The arms in the order of their first records; intervals and differences are nested in seeds where there are two.

    Raises InputError where the reference has no record, or records are of different texts.
    """
    by_arm: dict[str, list[PointRecord]] = {}
    for record in records:
        by_arm.setdefault(record.arm, []).append(record)
    if reference not in by_arm:
        raise InputError(f"points: none of arm {reference!r}, which the others are held against, was measured")
    _check_same_texts(records, view)
    arms = {name: _Arm(of_arm, view) for name, of_arm in by_arm.items()}
    return tuple(arm.row(None if name == reference else arms[reference]) for name, arm in arms.items())


def front(rows: Sequence[FrontRow]) -> tuple[str, ...]:
    """The arms that no other one beats: none is as accurate and as faithful, and more so in one of the two."""
    known = [(row.arm, place) for row in rows if (place := _place(row)) is not None]
    return tuple(arm for arm, place in known if not any(_beats(other, place) for _, other in known))


def pick(rows: Sequence[FrontRow], within: float) -> FrontRow | None:
    """The most faithful of the arms at most `within` points of accuracy below the reference; None where none is.

    Of equally faithful ones the more accurate.
    """
    able = [row for row in rows if lies_within(row, within) and row.faithfulness.value is not None]
    return max(able, key=lambda row: (row.faithfulness.value or 0.0, row.accuracy.value or 0.0), default=None)


def nearest(rows: Sequence[FrontRow]) -> FrontRow | None:
    """The most accurate arm beside the reference, of equally accurate ones the more faithful."""
    others = [row for row in rows if row.accuracy_difference is not None]
    return max(others, key=lambda row: (row.accuracy.value or 0.0, row.faithfulness.value or 0.0), default=None)


def lies_within(row: FrontRow, within: float) -> bool:
    """Whether the arm's accuracy is at most `within` points below the reference's; False for the reference itself."""
    return row.accuracy_difference is not None and row.accuracy_difference.value >= -within / 100 - _ROUNDING


def is_settled(row: FrontRow, within: float) -> bool:
    """Whether the whole interval of the difference in accuracy lies on one side of the constraint."""
    found, margin = row.accuracy_difference, within / 100
    if found is None or found.low is None or found.high is None:
        return False
    # Models that differ on a share `margin` of all texts agree on n of them with probability (1 - margin)^n, and the
    # bootstrap then knows of no difference.
    if found.low == found.high and (1 - margin) ** row.accuracy.n > 1 - CONFIDENCE:
        return False
    return found.low >= -margin - _ROUNDING or found.high < -margin - _ROUNDING


def _place(row: FrontRow) -> tuple[float, float] | None:
    if row.accuracy.value is None or row.faithfulness.value is None:
        return None
    return row.accuracy.value, row.faithfulness.value


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return one != other and one[0] >= other[0] and one[1] >= other[1]


def _check_same_texts(records: Sequence[PointRecord], view: View) -> None:
    for record in records:
        for name in [view.explained] if view.plausible is None else [view.explained, view.plausible[0]]:
            if record.explained[name].sha256 != records[0].explained[name].sha256:
                raise InputError(f"points: those of {record.arm!r} were measured on other texts of {name!r}")
        if record.predicted[view.predicted].sha256 != records[0].predicted[view.predicted].sha256:
            raise InputError(f"points: those of {record.arm!r} were measured on other texts of {view.predicted!r}")


class _Arm:
    """The seeds of one arm, as columns of values."""

    def __init__(self, records: Sequence[PointRecord], view: View) -> None:
        self._records, self._view = records, view
        self._accuracy = SeedColumns(tuple(record.predicted[view.predicted].column for record in records))
        self._faithfulness = self._columns(view.explained, FAITHFULNESS)

    def row(self, reference: "_Arm | None") -> FrontRow:
        first, plausible = self._records[0], self._view.plausible
        return FrontRow(
            arm=first.arm,
            design=first.design,
            seeds=tuple(record.seed for record in self._records),
            accuracy=self._summary(self._accuracy),
            faithfulness=self._summary(self._faithfulness),
            sharpness=self._summary(self._columns(self._view.explained, SHARPNESS)),
            plausibility=None if plausible is None else self._summary(self._columns(*plausible)),
            accuracy_difference=None if reference is None else self._difference(self._accuracy, reference._accuracy),
            faithfulness_difference=None
            if reference is None
            else self._difference(self._faithfulness, reference._faithfulness),
        )

    def _columns(self, name: str, measure: str) -> SeedColumns:
        found = [record.explained[name].column(measure, METHOD) for record in self._records]
        known = tuple(column for column in found if column is not None)
        if len(known) < len(found):
            raise InputError(
                f"points: {measure!r} of {METHOD!r} on {name!r} was not measured for {self._records[0].arm!r}"
            )
        return SeedColumns(known)

    def _summary(self, found: SeedColumns) -> SummaryRow:
        first = self._records[0]
        return summary_row(
            Named(first.arm, first.design), found, MEASURES[found.columns[0].measure], self._view.settings
        )

    def _difference(self, ours: SeedColumns, theirs: SeedColumns) -> Difference | None:
        rows = sorted(set(ours.rows) & set(theirs.rows))
        aggregate = MEASURES[ours.columns[0].measure].aggregate
        if not rows:
            return None
        a, b = ours.values(rows), theirs.values(rows)
        generator = np.random.default_rng(self._view.settings.seed)
        found = paired_bootstrap(a, b, aggregate, generator, N_RESAMPLES, CONFIDENCE)
        if found is not None:
            return Difference(found.difference, found.low, found.high)
        of_a, of_b = ([aggregate(seed) for seed in side] for side in (a, b))
        known_a, known_b = ([value for value in side if value is not None] for side in (of_a, of_b))
        is_known = len(known_a) == len(of_a) and len(known_b) == len(of_b)
        return Difference(float(np.mean(known_a) - np.mean(known_b)), None, None) if is_known else None
