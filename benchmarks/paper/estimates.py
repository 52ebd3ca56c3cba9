"""From the records of points to rows, paired differences and ratios with intervals over seeds and texts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.stats

from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.summary import CONFIDENCE, N_RESAMPLES, Named, SeedColumns, summary_row
from explainable_bert.metrics.significance import Statistic, mean_of, nested_interval
from explainable_bert.results import SummaryRow
from explainable_bert.sweep.point import POINT_FILE
from explainable_bert.sweep.record import PointRecord

# Two one-sided tests at 5 % each are one interval of 90 % inside the margin.
EQUIVALENCE_CONFIDENCE = 0.90
_SEED = 0

# Set, measure and method; and an arm's.
Key = tuple[str, str, str | None]
Place = tuple[str, Key]


@dataclass(frozen=True)
class Estimate:
    """A number, mean over seeds, with its 95 % interval over seeds and texts, and each seed's own number.

    Equivalence reads intervals of 90 %: the bootstrap's, and Student's over the seeds' numbers, which does not
    underestimate the spread of few seeds but knows nothing of other texts; None with one seed.
    """

    value: float
    low: float
    high: float
    low_90: float
    high_90: float
    seeds_low_90: float | None
    seeds_high_90: float | None
    by_seed: tuple[float, ...]
    n: int


@dataclass(frozen=True)
class Measurements:
    """All columns of one study: by arm, then by set, measure and method; one column for each seed."""

    arms: Mapping[str, Mapping[Key, SeedColumns]]
    designs: Mapping[str, str]
    seeds: Mapping[str, tuple[int, ...]]
    parameters: Mapping[str, int]
    records: tuple[PointRecord, ...]

    def of(self, *places: Place) -> tuple[SeedColumns, ...] | None:
        """The columns at these places, for the seeds that all of their arms have; None where one is missing."""
        if any(key not in self.arms.get(arm, {}) for arm, key in places):
            return None
        shared = sorted(set.intersection(*(set(self.seeds[arm]) for arm, _ in places)))
        if not shared:
            return None
        return tuple(
            SeedColumns(tuple(self.arms[arm][key].columns[self.seeds[arm].index(seed)] for seed in shared))
            for arm, key in places
        )


def load(folder: Path) -> Measurements | None:
    """The study whose records are in the folder; None where there are none."""
    records = [PointRecord.load(file) for file in sorted(folder.glob(f"*/{POINT_FILE}"))]
    if not records:
        return None
    by_arm: dict[str, list[PointRecord]] = {}
    for record in sorted(records, key=lambda record: record.seed):
        by_arm.setdefault(record.arm, []).append(record)
    return Measurements(
        {arm: dict(_columns(of_arm)) for arm, of_arm in by_arm.items()},
        {arm: of_arm[0].design for arm, of_arm in by_arm.items()},
        {arm: tuple(record.seed for record in of_arm) for arm, of_arm in by_arm.items()},
        {arm: of_arm[0].n_parameters for arm, of_arm in by_arm.items()},
        tuple(records),
    )


def short(name: str) -> str:
    """A set's name without the folders that its data happened to lie in."""
    return Path(name).name


def _columns(records: Sequence[PointRecord]) -> Iterator[tuple[Key, SeedColumns]]:
    for name in _shared([record.predicted for record in records]):
        yield (short(name), "accuracy", None), SeedColumns(tuple(record.predicted[name].column for record in records))
    for name in _shared([record.explained for record in records]):
        for measured in records[0].explained[name].measures:
            found = [record.explained[name].column(measured.measure, measured.method) for record in records]
            known = tuple(column for column in found if column is not None)
            if len(known) == len(records):
                yield (short(name), measured.measure, measured.method), SeedColumns(known)


def _shared(by_name: Sequence[Mapping[str, object]]) -> list[str]:
    """The names that all of them have, in the order of the first."""
    return [name for name in by_name[0] if all(name in other for other in by_name)]


def rows(found: Measurements, settings: EvaluationSettings) -> Iterator[tuple[str, SummaryRow]]:
    """Every number with its interval, with the set that it was measured on."""
    for arm, columns in found.arms.items():
        for (name, measure, _), of_arm in columns.items():
            yield name, summary_row(Named(arm, found.designs[arm]), of_arm, MEASURES[measure], settings)


def difference(found: Measurements, a: Place, b: Place) -> Estimate | None:
    """How far a lies above b in one measure, by the texts and seeds that both have; None where that cannot be.

    Seeds are paired: points of one seed saw the same batches, and a taught model its own teacher.
    """
    return _of_two(found, a, b, lambda ours, theirs: ours - theirs)


def ratio_over_random(found: Measurements, a: Place, b: Place) -> Estimate | None:
    """How much more of a model's range than `b` the method at `a` reaches, both of one model: 1 is as much.

    Of range-normalised comprehensiveness: (a - random) / (b - random), as both are divided by the same range. Undefined
    where b is no better than random.
    """
    return _of_two(found, a, b, lambda ours, theirs: ours / theirs if theirs > 0 else None)


def _of_two(
    found: Measurements, a: Place, b: Place, combined: Callable[[float, float], float | None]
) -> Estimate | None:
    sides = found.of(a, b)
    if sides is None:
        return None
    aggregate = MEASURES[a[1][1]].aggregate

    def statistic(values: np.ndarray) -> float | None:
        ours, theirs = (aggregate(half) for half in np.split(values, 2, axis=1))
        return None if ours is None or theirs is None else combined(ours, theirs)

    return _estimate(sides, statistic)


def mean_difference(found: Measurements, arms: tuple[str, str], keys: Sequence[Key]) -> Estimate | None:
    """The mean over sets of texts of how far the first arm's mean lies above the second's; None where one is missing.

    Each set weighs the same, however many texts it has.
    """
    pairs = [found.of((arms[0], key), (arms[1], key)) for key in keys]
    known = [pair for pair in pairs if pair is not None]
    if len(known) < len(pairs):
        return None
    by_set = []
    for a, b in known:
        shared = sorted(set(a.rows) & set(b.rows))
        by_set.append(a.values(shared)[..., :1] - b.values(shared)[..., :1])
    n_rows = sum(values.shape[1] for values in by_set)
    weighed = [values * n_rows / (len(by_set) * values.shape[1]) for values in by_set]
    return _interval_of(np.concatenate(weighed, axis=1), mean_of)


def _estimate(sides: Sequence[SeedColumns], statistic: Statistic) -> Estimate | None:
    shared = sorted(set.intersection(*(set(side.rows) for side in sides)))
    return _interval_of(np.concatenate([side.values(shared) for side in sides], axis=2), statistic)


def _interval_of(values: np.ndarray, statistic: Statistic) -> Estimate | None:
    """`values` by seed, row and column."""
    if values.shape[1] < 2:
        return None
    by_seed = [statistic(of_seed) for of_seed in values]
    ends = [
        nested_interval(values, statistic, np.random.default_rng(_SEED), N_RESAMPLES, confidence)
        for confidence in (CONFIDENCE, EQUIVALENCE_CONFIDENCE)
    ]
    known = [value for value in by_seed if value is not None]
    wide, narrow = ends
    if len(known) < len(by_seed) or wide is None or narrow is None:
        return None
    mean = float(np.mean(known))
    return Estimate(
        mean, wide.low, wide.high, narrow.low, narrow.high, *_students(known), tuple(known), values.shape[1]
    )


def _students(by_seed: Sequence[float]) -> tuple[float | None, float | None]:
    """Student's interval of 90 % over seeds."""
    if len(by_seed) < 2:
        return None, None
    half = scipy.stats.t.ppf((1 + EQUIVALENCE_CONFIDENCE) / 2, len(by_seed) - 1) * np.std(by_seed, ddof=1)
    half /= len(by_seed) ** 0.5
    return float(np.mean(by_seed) - half), float(np.mean(by_seed) + half)
