"""How well the scores of one text's units agree with what the model does when units are erased or inputs shaken.

`drops` are score(full) - score(erased) of the label that is explained, in probability or logit.
"""

import math

import numpy as np
from jaxtyping import Bool, Float

from explainable_bert.errors import InputError
from explainable_bert.metrics.metric import Metric, table


def leave_one_out_tau(scores: Float[np.ndarray, " unit"], drops: Float[np.ndarray, " unit"]) -> float | None:
    """Kendall's tau-b of the scores with the drops by each unit alone, in [-1, 1]: 1 is the same order.

    Descriptive: what single units do is not all that a model does. None for fewer than 2 units, and where scores or
    drops are all equal. Raises InputError on a number that is not finite.
    Source: Attanasio et al. 2023 (ferret, taucorr_loo).
    """
    _check_finite("scores", scores)
    _check_finite("drops", drops)
    return kendall_tau(scores, drops)


def kendall_tau(one: Float[np.ndarray, " unit"], other: Float[np.ndarray, " unit"]) -> float | None:
    """Kendall's tau-b of two orders of the same units, in [-1, 1].

    None for fewer than 2 units, and where either has all its numbers equal.
    """
    if one.size < 2 or (one == one[0]).all() or (other == other[0]).all():
        return None
    from scipy.stats import kendalltau

    return float(kendalltau(one, other, variant="b").statistic)


def polarity_violation(scores: Float[np.ndarray, " unit"], drops: Float[np.ndarray, " unit"]) -> float | None:
    """Share of units whose score has another sign than the drop by that unit alone, in [0, 1]; lower is better.

    Zero is a sign of its own: a zero score is right where the drop is zero and a violation where it is not, so that
    silence on a unit that counts is no gain. Scores that are never negative, like attention, fail by design. None
    without units. Raises InputError on a number that is not finite.
    Source: Liu et al. 2022.
    """
    _check_finite("scores", scores)
    _check_finite("drops", drops)
    if scores.size == 0:
        return None
    return float((np.sign(scores) != np.sign(drops)).mean())


def infidelity(
    scores: Float[np.ndarray, " unit"], erased: Bool[np.ndarray, "draw unit"], drops: Float[np.ndarray, " draw"]
) -> float:
    """Mean squared error of β Σ scores[erased] as a forecast of the drop, in squared units of it; lower is better.

    β = E[IᵀφΔ] / E[(Iᵀφ)²] is the best scale, so that scores of any unit compare; 0 where no draw erases any score. As
    β may be negative, scores and their negatives measure the same: `polarity_violation` tells them apart. Raises
    InputError on no draws or on a number that is not finite.
    Source: Yeh et al. 2019, with the scale of their code.
    """
    _check_finite("scores", scores)
    _check_finite("drops", drops)
    if drops.size == 0:
        raise InputError("drops: none given; accepted: one for each draw, at least 1")
    exact_drops = drops.astype(np.float64)
    forecast = erased @ scores.astype(np.float64)
    largest = np.abs(forecast).max()
    if largest > 0:
        forecast = forecast / largest  # the scale is free, and squares of very small or large scores are lost
        forecast = forecast * (forecast @ exact_drops / (forecast @ forecast))
    return float(((exact_drops - forecast) ** 2).mean())


def max_sensitivity(scores: Float[np.ndarray, " unit"], perturbed: Float[np.ndarray, "draw unit"]) -> float | None:
    """Largest change of the scores over small changes of the input, max ‖φ' - φ‖ / ‖φ‖, 0 or more; lower is better.

    Each row of `perturbed` holds the scores after one change; leave out changes that alter the prediction. None where
    the scores are all zero, and without draws. Raises InputError on a number that is not finite.
    Source: Yeh et al. 2019, relative to the scores' norm as in their code.
    """
    _check_finite("scores", scores)
    _check_finite("perturbed", perturbed)
    exact = scores.astype(np.float64)
    norm = np.linalg.norm(exact)
    if norm == 0 or len(perturbed) == 0:
        return None
    return float(np.linalg.norm(perturbed.astype(np.float64) - exact, axis=1).max() / norm)


def completeness_error(bias: float, scores: Float[np.ndarray, " unit"], logit: float) -> float:
    """|bias + Σ scores - logit|, in logits, 0 or more: what the scores leave unexplained; lower is better.

    Summed in double precision. Raises InputError on a number that is not finite.
    Source: Sundararajan et al. 2017, completeness, with the bias as the output without any unit.
    """
    _check_finite("bias, logit", np.array([bias, logit]))
    _check_finite("scores", scores)
    return abs(bias + float(scores.sum(dtype=np.float64)) - logit)


def _check_finite(name: str, values: Float[np.ndarray, "..."]) -> None:
    if not np.isfinite(values).all():
        raise InputError(f"{name}: {values.tolist()!r} given; accepted: all finite")


METRICS = table(
    [
        Metric(
            "leave-one-out-tau",
            "Rank correlation (Kendall's tau, -1 to 1) of the units' scores with the drop of the label's score when "
            "each unit alone is erased.",
            -1.0,
            1.0,
            None,
            "Attanasio et al. 2023 (ferret)",
        ),
        Metric(
            "polarity-violation",
            "Share of units (0 to 1) whose score has another sign than the drop of the label's score when that unit "
            "alone is erased; scores that are never negative fail by design.",
            0.0,
            1.0,
            "lower",
            "Liu et al. 2022",
        ),
        Metric(
            "infidelity",
            "Mean squared error, in squared units of the label's score, when the scores of randomly erased units, "
            "summed and put on the best common scale, forecast its drop.",
            0.0,
            math.inf,
            "lower",
            "Yeh et al. 2019, with the scale of their code",
        ),
        Metric(
            "max-sensitivity",
            "Largest change of the scores over small random changes of the input, as a ratio to the scores' own size.",
            0.0,
            math.inf,
            "lower",
            "Yeh et al. 2019, relative to the scores' norm as in their code",
        ),
        Metric(
            "completeness-error",
            "Distance, in logits, of what the bias and the units' scores add up to from the logit that they explain.",
            0.0,
            math.inf,
            "lower",
            "Sundararajan et al. 2017",
        ),
    ]
)
