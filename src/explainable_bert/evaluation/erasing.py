"""Observations of faithfulness: what happens to the prediction when units are erased in the order of their scores."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Int

from explainable_bert.attribution.surrogates import random_ranks
from explainable_bert.evaluation.asking import Asking, Keep
from explainable_bert.evaluation.search import best_sets
from explainable_bert.evaluation.subject import Score, Subject, leave_one_out, only_top, scored, whole, without_top
from explainable_bert.metrics.agreement import infidelity, leave_one_out_tau, polarity_violation
from explainable_bert.metrics.faithfulness import (
    SHARES,
    SMALLEST_NULL_DIFFERENCE,
    aopc,
    flip_share,
    log_odds,
    normalised_comprehensiveness,
    normalised_sufficiency,
    null_difference,
    rationale_size,
)

# Of the whole text, in steps that a curve is drawn from.
CURVE_SHARES = tuple(step / 10 for step in range(11))
LOG_ODDS_SHARE = 0.2
N_RANDOM_ORDERS = 10
N_SUBSETS = 100

Observation = Callable[[Subject], Asking[tuple[float, ...] | None]]
Top = Callable[[Int[np.ndarray, " unit"], list[int]], Keep]


def mean_comprehensiveness(score: Score) -> Observation:
    """AOPC of comprehensiveness, mean over tie draws."""
    return _aopc(score, without_top)


def mean_sufficiency(score: Score) -> Observation:
    """AOPC of sufficiency, mean over tie draws."""
    return _aopc(score, only_top)


def _aopc(score: Score, top: Top) -> Observation:
    def observe(subject: Subject) -> Asking[tuple[float, ...] | None]:
        full = yield from whole(subject, score)
        return (aopc(full - (yield from _scores_of(subject, score, subject.orders, top)).ravel()),)

    return observe


def _scores_of(
    subject: Subject, score: Score, orders: list[Int[np.ndarray, " unit"]], top: Top
) -> Asking[Float[np.ndarray, "draw size"]]:
    """The score with the rationale of each size erased (or alone kept), for each order."""
    sizes = _sizes(subject)
    logits = yield np.concatenate([top(order, sizes) for order in orders])
    return scored(logits, subject.target, score).reshape(len(orders), len(sizes))


def _sizes(subject: Subject) -> list[int]:
    return [rationale_size(share, subject.n_units) for share in SHARES]


def carton(top: Top) -> Observation:
    """Normalised comprehensiveness or sufficiency, mean over sizes and tie draws, and whether nothing can be lost."""
    normalised = normalised_comprehensiveness if top is without_top else normalised_sufficiency

    def observe(subject: Subject) -> Asking[tuple[float, ...] | None]:
        full = yield from whole(subject, "probability")
        empty = yield from _nothing(subject)
        found = yield from _scores_of(subject, "probability", subject.orders, top)
        return aopc(normalised(full, found.ravel(), empty)), float(
            null_difference(full, empty) < SMALLEST_NULL_DIFFERENCE
        )

    return observe


def _nothing(subject: Subject) -> Asking[float]:
    logits = yield np.zeros((1, subject.n_units), dtype=bool)
    return float(scored(logits, subject.target, "probability")[0])


def against_search(score: Score, top: Top) -> Observation:
    """AOPC of the method, of random orders, and of the best sets that a search finds."""

    def observe(subject: Subject) -> Asking[tuple[float, ...] | None]:
        full = yield from whole(subject, score)
        generator = subject.generator("random orders")
        random = [generator.permutation(subject.n_units) for _ in range(N_RANDOM_ORDERS)]
        of_method = yield from _scores_of(subject, score, subject.orders, top)
        of_random = yield from _scores_of(subject, score, random, top)
        best = yield from best_sets(subject, _sizes(subject), erased=top is without_top)
        logits = yield ~best if top is without_top else best
        of_best = scored(logits, subject.target, score)
        return tuple(aopc(full - found.ravel()) for found in (of_method, of_random, of_best))

    return observe


def top_log_odds(subject: Subject) -> Asking[tuple[float, ...] | None]:
    """Log-odds after erasing the top fifth."""
    full = yield from whole(subject, "probability")
    size = rationale_size(LOG_ODDS_SHARE, subject.n_units)
    logits = yield np.concatenate([without_top(order, [size]) for order in subject.orders])
    return (float(log_odds(full, scored(logits, subject.target, "probability")).mean()),)


def top_unit_flips(subject: Subject) -> Asking[tuple[float, ...] | None]:
    """Whether the label changes without the most important unit; a mean over tie draws."""
    logits = yield np.concatenate([without_top(order, [1]) for order in subject.orders])
    return (float((logits.argmax(axis=1) != subject.target).mean()),)


def units_to_flip(subject: Subject) -> Asking[tuple[float, ...] | None]:
    """The share of units that has to go before the label changes, and whether it never does."""
    sizes = list(range(1, subject.n_units + 1))
    logits = yield np.concatenate([without_top(order, sizes) for order in subject.orders])
    labels = logits.argmax(axis=1).reshape(len(subject.orders), len(sizes))
    never = float((labels == subject.target).all(axis=1).mean())
    return float(np.mean([flip_share(row, subject.target) for row in labels])), never


def curve(score: Score, top: Top) -> Observation:
    """The score at each of CURVE_SHARES erased (or alone kept), mean over tie draws."""

    def observe(subject: Subject) -> Asking[tuple[float, ...] | None]:
        sizes = [rationale_size(share, subject.n_units) for share in CURVE_SHARES]
        logits = yield np.concatenate([top(order, sizes) for order in subject.orders])
        found = scored(logits, subject.target, score).reshape(len(subject.orders), len(sizes))
        return tuple(found.mean(axis=0).tolist())

    return observe


def drop_curve(subject: Subject) -> Asking[tuple[float, ...] | None]:
    """What is lost at each of CURVE_SHARES erased."""
    found = yield from curve("probability", without_top)(subject)
    return None if found is None else tuple(found[0] - value for value in found)


def loo_agreement(subject: Subject) -> Asking[tuple[float, ...] | None]:
    """Kendall's tau of the scores and of what each unit's erasure costs."""
    return single(leave_one_out_tau(subject.scores, (yield from _leave_one_out_drops(subject))))


def polarity(subject: Subject) -> Asking[tuple[float, ...] | None]:
    """The share of units whose score has another sign than what its erasure costs."""
    return single(polarity_violation(subject.scores, (yield from _leave_one_out_drops(subject))))


def _leave_one_out_drops(subject: Subject) -> Asking[Float[np.ndarray, " unit"]]:
    full = yield from whole(subject, "probability")
    logits = yield leave_one_out(subject.n_units)
    return np.asarray(full - scored(logits, subject.target, "probability"))


def scaled_infidelity(score: Score) -> Observation:
    """Infidelity over random subsets of every size."""

    def observe(subject: Subject) -> Asking[tuple[float, ...] | None]:
        full = yield from whole(subject, score)
        erased = _random_subsets(subject.generator("subsets"), subject.n_units)
        logits = yield ~erased
        drops = full - scored(logits, subject.target, score)
        return (infidelity(subject.scores, erased, drops),)

    return observe


def _random_subsets(generator: np.random.Generator, n_units: int) -> Bool[np.ndarray, "draw unit"]:
    sizes = generator.integers(1, n_units + 1, size=N_SUBSETS)
    return np.asarray(random_ranks(generator, N_SUBSETS, n_units) < sizes[:, None])


def single(value: float | None) -> tuple[float, ...] | None:
    """A text's one value, as observations give it."""
    return None if value is None else (float(value),)
