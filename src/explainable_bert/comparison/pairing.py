"""Paired statistics of two arms on the same texts, metric by metric, and the verdict that they allow."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

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
N_RESAMPLES = 10_000
# The smallest p-value that a bootstrap can give, 2 / (1 + resamples), has to survive the correction for all tests.
_RESAMPLES_PER_TEST = 4 / SIGNIFICANCE
_OWN = ("built-in",)
# What is compared, and of which methods (None: of the model alone): what models say of themselves, and by two methods
# that are the same for all. Raw erasure scores are not: they depend on how a model takes to holes in a text.
COMPARED: Mapping[str, tuple[str | None, ...]] = MappingProxyType(
    {
        "accuracy": (None,),
        # Of the probabilities; differences of binned calibration errors are mostly those of their biases.
        "brier": (None,),
        "effective-words": _OWN,
        "special-token-mass": (None,),
        "range-normalised-comprehensiveness": (*_OWN, "integrated-gradients", "occlusion"),
        "average-precision": _OWN,
        "token-f1": _OWN,
    }
)

Key = tuple[str | None, str]


@dataclass(frozen=True)
class _Protocol:
    """How every pair is tested: the margin of equal accuracy, the seed, and how many tests share the significance."""

    margin: float
    seed: int
    n_tests: int

    @property
    def n_resamples(self) -> int:
        return max(N_RESAMPLES, math.ceil(_RESAMPLES_PER_TEST * self.n_tests))


def pair_up(arms: Mapping[str, Mapping[Key, SeedColumns]], margin: float, seed: int) -> tuple[Pair, ...]:
    """All pairs of arms in all compared measures that both have, corrected together; `margin` is that of accuracy.

    Controls are left out: they say nothing about the models, and each test more takes power from the others.
    """
    asked = [
        (a, b, key)
        for a, b in itertools.combinations(arms, 2)
        for key in arms[a]
        if _is_compared(key) and key in arms[b]
    ]
    protocol = _Protocol(margin, seed, len(asked))
    found = [_pair((a, b), key, arms[a][key], arms[b][key], protocol) for a, b, key in asked]
    corrected = iter(holm([pair.p_value for pair in found if pair.p_value is not None]))
    equivalent = iter(holm([pair.p_equivalence for pair in found if pair.p_equivalence is not None]))
    return tuple(
        with_verdict(
            replace(
                pair,
                p_holm=None if pair.p_value is None else next(corrected),
                p_equivalence=None if pair.p_equivalence is None else next(equivalent),
            )
        )
        for pair in found
    )


def _is_compared(key: Key) -> bool:
    method, name = key
    return method in COMPARED.get(name, ())


def _pair(names: tuple[str, str], key: Key, of_a: SeedColumns, of_b: SeedColumns, protocol: _Protocol) -> Pair:
    method, name = key
    measure = MEASURES[name]
    rows = sorted(set(of_a.rows) & set(of_b.rows))
    nothing = Pair(*names, method, name, None, None, None, None, None, "no difference shown", len(rows))
    if len(rows) < 2:
        return replace(nothing, test=f"none: it takes 2 texts that define it for both, {len(rows)} do")
    a, b = of_a.values(rows), of_b.values(rows)
    generator = np.random.default_rng(protocol.seed)
    found = paired_bootstrap(a, b, measure.aggregate, generator, protocol.n_resamples)
    if found is None:
        return replace(nothing, test="none: it is undefined on these texts as a whole, or on most resamples of them")
    p_value, test = _tested(found, measure, a, b, protocol)
    margin = protocol.margin if name == "accuracy" else None
    return replace(
        nothing,
        difference=found.difference,
        low=found.low,
        high=found.high,
        p_value=p_value,
        test=test,
        smallest_detectable=_smallest_detectable(found, protocol),
        margin=margin,
        p_equivalence=None if margin is None else _equivalent(found, margin),
        p_wilcoxon=_by_ranks(measure, a, b),
        almost_dominates=_by_seeds(measure, a, b, protocol.seed),
    )


def _tested(
    found: PairedDifference,
    measure: Measure,
    a: Float[np.ndarray, "seed_a row column"],
    b: Float[np.ndarray, "seed_b row column"],
    protocol: _Protocol,
) -> tuple[float, str]:
    if measure.metric.name == "accuracy" and len(a) == len(b) == 1:
        return mcnemar(a[0, :, 0] == 1, b[0, :, 0] == 1), "McNemar, exact"
    nested = " of seeds and texts" if max(len(a), len(b)) > 1 else " of texts"
    # Few texts that all speak for one side never resample to the other. Where the sides are equal, n texts do so by
    # chance with probability 2^(1 - n): no paired test can give less.
    p_value = max(found.p_value, 2.0 ** (1 - found.n))
    return p_value, f"paired bootstrap{nested}, {protocol.n_resamples} resamples"


def _smallest_detectable(found: PairedDifference, protocol: _Protocol) -> float | None:
    """At the significance that Holm asks of the smallest p-value; None where no spread is there to estimate it from."""
    if found.standard_error == 0:
        return None
    return smallest_detectable(found.standard_error, significance=SIGNIFICANCE / protocol.n_tests)


def _equivalent(found: PairedDifference, margin: float) -> float:
    # Models that differ on a share `margin` of all texts agree on n of them with probability (1 - margin)^n. The
    # normal test does not see that: without a text on which they differ its standard error is 0.
    return max(equivalence(found.difference, found.standard_error, margin), (1 - margin) ** found.n)


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
