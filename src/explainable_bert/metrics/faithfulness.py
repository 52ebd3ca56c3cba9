"""How much of one text's prediction rests on the units that an attribution ranks highest, found by erasing units.

Scores of the predicted label are probabilities, or logit margins where a function does not ask for probabilities;
`erased` and `kept` hold one score for each size of the rationale. The label is that of the full text throughout.
"""

import math

import numpy as np
from jaxtyping import Float, Int

from explainable_bert.errors import InputError
from explainable_bert.metrics.metric import Metric, table

# Sizes of rationales as shares of a text's units. Source: DeYoung et al. 2020 (ERASER).
SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
# Below it a text predicts its label hardly more than an empty one: nothing to share out. Source: Carton et al. 2020.
SMALLEST_NULL_DIFFERENCE = 1e-5
_SMALLEST_RANGE = 1e-6
_SMALLEST_PROBABILITY = 1e-6
# A softmax in single precision may leave [0, 1] by its rounding.
_ROUNDING = 1e-6


def rationale_size(share: float, n_units: int) -> int:
    """Number of units that make up `share` of `n_units`, rounded up: ⌈share · n⌉.

    It is the decimal share that counts, not its float, which may lie above: 10 % of 10 units are 1. Raises InputError
    unless 0 <= share <= 1 and n_units >= 1.
    """
    if not 0 <= share <= 1 or n_units < 1:
        raise InputError(f"share, n_units: {share}, {n_units} given; accepted: [0, 1] and at least 1")
    return math.ceil(share * n_units * (1 - 1e-12))


def comprehensiveness(full: float, erased: Float[np.ndarray, " size"]) -> Float[np.ndarray, " size"]:
    """Drop of the score when the rationale is erased, full - erased, in [-1, 1] for probabilities; higher is better.

    Raises InputError on no sizes or on a score that is not finite.
    Source: DeYoung et al. 2020 (ERASER).
    """
    return _drops(full, "erased", erased)


def sufficiency(full: float, kept: Float[np.ndarray, " size"]) -> Float[np.ndarray, " size"]:
    """Drop of the score when only the rationale is kept, full - kept, in [-1, 1] for probabilities; lower is better.

    Negative where the rationale alone predicts the label more surely than the text. Raises InputError on no sizes or on
    a score that is not finite.
    Source: DeYoung et al. 2020 (ERASER).
    """
    return _drops(full, "kept", kept)


def aopc(differences: Float[np.ndarray, " size"]) -> float:
    """Mean of comprehensiveness or sufficiency over the sizes of the rationale, in the unit of the scores.

    Divided by the number of sizes, as ERASER's code does. Others count the empty rationale, whose difference is 0, as
    one more size: for five sizes, 6/5 of their number is ours. Raises InputError on no sizes or on a difference that is
    not finite.
    Source: DeYoung et al. 2020 (ERASER).
    """
    _check_finite("differences", differences)
    return float(differences.mean(dtype=np.float64))


def null_difference(full: float, empty: float) -> float:
    """Drop of the probability when all units are erased, clipped to [0, 1]: what there is to be explained.

    Near 0 where the label is also what the model says of an empty text. Raises InputError on what is no probability.
    Source: Carton et al. 2020.
    """
    _check_probabilities("full, empty", np.array([full, empty]))
    return min(max(full - empty, 0.0), 1.0)


def normalised_comprehensiveness(
    full: float, erased: Float[np.ndarray, " size"], empty: float
) -> Float[np.ndarray, " size"]:
    """Comprehensiveness as a share of the null difference, clipped to [0, 1]; higher is better.

    0 where the null difference is below 1e-5. `empty` is the probability with all units erased. Raises InputError on no
    sizes or on what is no probability.
    Source: Carton et al. 2020.
    """
    null = null_difference(full, empty)
    _check_probabilities("erased", erased)
    return _share_of_null(comprehensiveness(full, erased), null)


def normalised_sufficiency(full: float, kept: Float[np.ndarray, " size"], empty: float) -> Float[np.ndarray, " size"]:
    """How far the rationale alone leads from an empty text to the full one's probability, in [0, 1]; higher is better.

    (suff - (1 - Δ)) / Δ with suff = 1 - sufficiency and Δ the null difference; 0 where Δ is below 1e-5.
    `empty` is the probability with all units erased. Raises InputError on no sizes or on what is no probability.
    Source: Carton et al. 2020.
    """
    null = null_difference(full, empty)
    _check_probabilities("kept", kept)
    return _share_of_null(null - sufficiency(full, kept), null)


def range_normalised(method: float, random: float, best: float) -> float | None:
    """Where a method lies between random order, 0, and the best rationales a search found, 1; higher is better.

    (method - random) / (best - random) on means over the data set. For comprehensiveness `best` is the search's
    ceiling, for sufficiency its floor: then both differences are negative and the signs cancel. Below 0 is worse than
    random; above 1 is possible, as no search is sure of the best. None where random and best differ by less than 1e-6.
    Raises InputError on a mean that is not finite.
    Source: this project; the search as best rationale from Hase et al. 2021.
    """
    _check_finite("method, random, best", np.array([method, random, best]))
    if abs(best - random) < _SMALLEST_RANGE:
        return None
    return (method - random) / (best - random)


def log_odds(full: float, erased: Float[np.ndarray, " size"]) -> Float[np.ndarray, " size"]:
    """log(erased / full) of probabilities, in nats; lower is better.

    Probabilities below 1e-6 count as 1e-6. Raises InputError on no sizes or on what is no probability.
    Source: Sanyal & Ren 2021.
    """
    _check_probabilities("full", np.array([full]))
    _check_probabilities("erased", erased)
    ratio = erased.astype(np.float64).clip(_SMALLEST_PROBABILITY) / max(full, _SMALLEST_PROBABILITY)
    logs: Float[np.ndarray, " size"] = np.log(ratio)
    return logs


def flip_share(labels: Int[np.ndarray, " step"], predicted: int) -> float:
    """Smallest share of units, erased from the highest-ranked on, that changes the label, in (0, 1]; lower is better.

    `labels[k - 1]` is the label after erasing the k highest-ranked units, for k = 1 … number of units. 1 where none
    differs from `predicted`: also say how many texts never flip. Raises InputError on no labels.
    Source: after Serrano & Smith 2019, who set attention weights to zero instead.
    """
    if labels.size == 0:
        raise InputError("labels: none given; accepted: one for each unit, at least 1")
    flipped = np.flatnonzero(labels != predicted)
    return (int(flipped[0]) + 1) / labels.size if flipped.size else 1.0


def area_under_curve(shares: Float[np.ndarray, " point"], values: Float[np.ndarray, " point"]) -> float:
    """Mean height of a curve of values over shares, in the unit of the values: trapezoids over the range of shares.

    Raises InputError on fewer than 2 points, shares that do not ascend or anything that is not finite.
    Source: Petsiuk et al. 2018, divided by the range so that curves which end early compare.
    """
    _check_finite("shares", shares)
    _check_finite("values", values)
    exact = shares.astype(np.float64)
    if not (np.diff(exact) >= 0).all() or exact[0] == exact[-1]:
        raise InputError(f"shares: {shares.tolist()!r} given; accepted: ascending, at least 2 that differ")
    return float(np.trapezoid(values.astype(np.float64), exact) / (exact[-1] - exact[0]))


def _drops(full: float, name: str, scores: Float[np.ndarray, " size"]) -> Float[np.ndarray, " size"]:
    _check_finite("full", np.array([full]))
    _check_finite(name, scores)
    drops: Float[np.ndarray, " size"] = full - scores.astype(np.float64)
    return drops


def _share_of_null(part: Float[np.ndarray, " size"], null: float) -> Float[np.ndarray, " size"]:
    return (part / null).clip(0, 1) if null >= SMALLEST_NULL_DIFFERENCE else np.zeros_like(part)


def _check_finite(name: str, values: Float[np.ndarray, " _"]) -> None:
    if values.size == 0 or not np.isfinite(values).all():
        raise InputError(f"{name}: {values.tolist()!r} given; accepted: at least one, all finite")


def _check_probabilities(name: str, values: Float[np.ndarray, " _"]) -> None:
    if values.size == 0 or not ((values >= -_ROUNDING) & (values <= 1 + _ROUNDING)).all():
        raise InputError(f"{name}: {values.tolist()!r} given; accepted: at least one, all probabilities in [0, 1]")


_ERASER = "DeYoung et al. 2020 (ERASER), divided by the five sizes as in its code"
_CARTON = "Carton et al. 2020"
_RANGE = "This project; the search as best rationale from Hase et al. 2021"
_CURVES = "Petsiuk et al. 2018"

# Ranges are those for probabilities: on logit margins, differences and areas have no bounds.
METRICS = table(
    [
        Metric(
            "aopc-comprehensiveness",
            "Drop of the label's score, in probability unless logit margins are stated, when the highest-ranked units "
            "are erased, mean over erasing 1, 5, 10, 20 and 50 % of the units, rounded up.",
            -1.0,
            1.0,
            "higher",
            _ERASER,
        ),
        Metric(
            "aopc-sufficiency",
            "Drop of the label's score, in probability unless logit margins are stated, when only the highest-ranked "
            "units are kept, mean over keeping 1, 5, 10, 20 and 50 % of the units, rounded up.",
            -1.0,
            1.0,
            "lower",
            _ERASER,
        ),
        Metric(
            "normalised-comprehensiveness",
            "Of the probability lost by erasing all units, the share (0 to 1) that erasing the highest-ranked already "
            "loses, mean over erasing 1, 5, 10, 20 and 50 % of the units, rounded up.",
            0.0,
            1.0,
            "higher",
            _CARTON,
        ),
        Metric(
            "normalised-sufficiency",
            "Of the probability lost by erasing all units, the share (0 to 1) that keeping the highest-ranked saves, "
            "mean over keeping 1, 5, 10, 20 and 50 % of the units, rounded up.",
            0.0,
            1.0,
            "higher",
            _CARTON,
        ),
        Metric(
            "range-normalised-comprehensiveness",
            "Comprehensiveness on a scale of this model's own, where 0 is random order and 1 the best units that a "
            "search found, from means over erasing 1, 5, 10, 20 and 50 % of the units, rounded up.",
            -math.inf,
            math.inf,
            "higher",
            _RANGE,
        ),
        Metric(
            "range-normalised-sufficiency",
            "Sufficiency on a scale of this model's own, where 0 is random order and 1 the best units that a search "
            "found, from means over keeping 1, 5, 10, 20 and 50 % of the units, rounded up.",
            -math.inf,
            math.inf,
            "higher",
            _RANGE,
        ),
        Metric(
            "log-odds",
            "Natural logarithm of the ratio of the label's probability after to before erasing the highest-ranked 20 "
            "% of the units, rounded up, where -0.69 says halved.",
            math.log(_SMALLEST_PROBABILITY),
            -math.log(_SMALLEST_PROBABILITY),
            "lower",
            "Sanyal & Ren 2021",
        ),
        Metric(
            "top-unit-flips",
            "Share of texts (0 to 1) whose predicted label changes when the single highest-ranked unit is erased.",
            0.0,
            1.0,
            "higher",
            "Chrysostomou & Aletras 2021",
        ),
        Metric(
            "flip-share",
            "Smallest share of the units (0 to 1) that changes the predicted label when erased from the "
            "highest-ranked on, 1 where it never changes.",
            0.0,
            1.0,
            "lower",
            "After Serrano & Smith 2019, who set attention weights to zero instead",
        ),
        Metric(
            "deletion-auc",
            "Mean probability of the label (0 to 1) while the units are erased by tenths, highest-ranked first; a "
            "model that is unsure from the start gets a low one for free.",
            0.0,
            1.0,
            "lower",
            _CURVES,
        ),
        Metric(
            "deletion-drop-auc",
            "Mean drop of the label's score, in probability unless logit margins are stated, while the units are "
            "erased by tenths, highest-ranked first.",
            -1.0,
            1.0,
            "higher",
            "After Petsiuk et al. 2018, measured from the full text's score",
        ),
        Metric(
            "insertion-auc",
            "Mean probability of the label (0 to 1) while the units are put back by tenths into a text with all "
            "erased, highest-ranked first.",
            0.0,
            1.0,
            "higher",
            _CURVES,
        ),
    ]
)
