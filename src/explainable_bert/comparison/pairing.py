"""Paired statistics of two arms on the same texts, metric by metric, and the verdict that they allow."""

import itertools
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from explainable_bert.evaluation.measures import MEASURES, Measure
from explainable_bert.evaluation.summary import SeedColumns
from explainable_bert.metrics.significance import (
    PairedDifference,
    almost_stochastic_order,
    equivalence,
    holm,
    mcnemar,
    mean_of,
    paired_bootstrap,
    smallest_detectable,
    wilcoxon,
)
from explainable_bert.results import Pair

SIGNIFICANCE = 0.05
# Many, as the smallest p-value that a bootstrap can give has to survive the correction for many pairs.
N_RESAMPLES = 10_000
# Of these the raw values of two models may be compared; raw erasure scores depend on how a model takes to holes.
COMPARED = (
    "accuracy",
    "expected-calibration-error",
    "effective-words",
    "special-token-mass",
    "range-normalised-comprehensiveness",
    "average-precision",
    "token-f1",
)

Key = tuple[str | None, str]


def pair_up(arms: Mapping[str, Mapping[Key, SeedColumns]], margin: float, seed: int) -> tuple[Pair, ...]:
    """All pairs of arms in all compared measures that both have, corrected together; `margin` is that of accuracy."""
    found = [
        _pair((a, b), key, arms[a][key], arms[b][key], margin, seed)
        for a, b in itertools.combinations(arms, 2)
        for key in arms[a]
        if key[1] in COMPARED and key in arms[b]
    ]
    tested = [pair.p_value for pair in found if pair.p_value is not None]
    corrected = iter(holm(tested))
    return tuple(
        with_verdict(replace(pair, p_holm=None if pair.p_value is None else next(corrected))) for pair in found
    )


def _pair(names: tuple[str, str], key: Key, of_a: SeedColumns, of_b: SeedColumns, margin: float, seed: int) -> Pair:
    method, name = key
    measure = MEASURES[name]
    rows = sorted(set(of_a.rows) & set(of_b.rows))
    nothing = Pair(*names, method, name, None, None, None, None, None, "no difference shown", len(rows))
    if not rows:
        return replace(nothing, test="none: no text defines it for both")
    a, b = of_a.values(rows), of_b.values(rows)
    found = paired_bootstrap(a, b, measure.aggregate, np.random.default_rng(seed), N_RESAMPLES)
    if found is None:
        return replace(nothing, test="none: it takes at least 2 texts that define it")
    p_value, test = _tested(found, measure, a, b)
    within = margin if name == "accuracy" else None
    return replace(
        nothing,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=p_value,
        test=test,
        smallest_detectable=smallest_detectable(found.standard_error),
        margin=within,
        p_equivalence=None if within is None else equivalence(found.difference, found.standard_error, within),
        p_wilcoxon=_by_ranks(measure, a, b),
        almost_dominates=_by_seeds(measure, a, b, seed),
    )


def _tested(
    found: PairedDifference,
    measure: Measure,
    a: Float[np.ndarray, "seed_a row column"],
    b: Float[np.ndarray, "seed_b row column"],
) -> tuple[float, str]:
    if measure.metric.name == "accuracy" and len(a) == len(b) == 1:
        return mcnemar(a[0, :, 0] == 1, b[0, :, 0] == 1), "McNemar, exact"
    nested = " of seeds and texts" if max(len(a), len(b)) > 1 else " of texts"
    return found.p_value, f"paired bootstrap{nested}, {N_RESAMPLES} resamples"


def _by_ranks(
    measure: Measure, a: Float[np.ndarray, "seed_a row column"], b: Float[np.ndarray, "seed_b row column"]
) -> float | None:
    if measure.aggregate is not mean_of or len(a) != 1 or len(b) != 1:
        return None
    return wilcoxon(a[0, :, 0] - b[0, :, 0])


def _by_seeds(
    measure: Measure, a: Float[np.ndarray, "seed_a row column"], b: Float[np.ndarray, "seed_b row column"], seed: int
) -> float | None:
    if min(len(a), len(b)) < 2:
        return None
    sign = -1.0 if measure.metric.better == "lower" else 1.0
    scores = [np.array([measure.aggregate(of_seed) for of_seed in arm], dtype=np.float64) * sign for arm in (a, b)]
    if not all(np.isfinite(of_arm).all() for of_arm in scores):
        return None
    return almost_stochastic_order(scores[0], scores[1], np.random.default_rng(seed))


def with_verdict(pair: Pair) -> Pair:
    """The pair with what its tests allow to say."""
    if pair.p_holm is not None and pair.p_holm < SIGNIFICANCE and pair.difference:
        return replace(pair, verdict=_direction(pair))
    if pair.p_equivalence is not None and pair.p_equivalence < SIGNIFICANCE:
        return replace(pair, verdict="equivalent")
    return replace(pair, verdict="no difference shown")


def _direction(pair: Pair) -> str:
    is_higher = (pair.difference or 0) > 0
    better = MEASURES[pair.metric].metric.better
    if better is None:
        return "higher" if is_higher else "lower"
    return "better" if is_higher == (better == "higher") else "worse"
