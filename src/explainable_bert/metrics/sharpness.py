"""How concentrated an attribution is on few units.

Everything here is about the absolute scores normalised to sum one, and describes: sharper is not more faithful.
"""

import math

import numpy as np
from jaxtyping import Float

from explainable_bert.errors import InputError
from explainable_bert.metrics.metric import Metric, table


def entropy(scores: Float[np.ndarray, " unit"]) -> float:
    """Shannon entropy of the normalised absolute scores in nats, in [0, ln(number of units)]; lower is sharper.

    All-zero scores point nowhere: ln(number of units). Raises InputError on no scores or on one that is not finite.
    Source: Bhatt et al. 2020 (complexity).
    """
    shares = _shares(scores)
    highest = math.log(scores.size)
    if shares is None:
        return highest
    shares = shares[shares > 0]  # after the division, as a share may be too small for a float
    # Clipped against rounding only: the bounds hold exactly in real arithmetic.
    return min(max(float(-(shares * np.log(shares)).sum()), 0.0), highest)


def normalised_entropy(scores: Float[np.ndarray, " unit"]) -> float | None:
    """Entropy as a share of the largest possible, ln(number of units), in [0, 1]; lower is sharper.

    All-zero scores give 1. None for one unit, where there is nothing to be spread over. Raises InputError on no scores
    or on one that is not finite.
    """
    found = entropy(scores)
    return found / math.log(scores.size) if scores.size > 1 else None


def effective_units(scores: Float[np.ndarray, " unit"]) -> float:
    """exp(entropy) of the absolute scores normalised to sum one, in [1, number of units]; lower is sharper.

    All-zero scores point nowhere: the number of units. Raises InputError on no scores or on one that is not finite.
    Source: the exponential of Shannon's entropy (perplexity of the distribution over units).
    """
    return float(scores.size) if _shares(scores) is None else min(math.exp(entropy(scores)), float(scores.size))


def gini(scores: Float[np.ndarray, " unit"]) -> float | None:
    """Gini index of the absolute scores, in [0, 1 - 1/number of units]; higher is sharper, 0 is even.

    Σ (2i - n - 1) s_i / n with the n shares s_i ascending. None where all scores are zero. Raises InputError on no
    scores or on one that is not finite.
    Source: Hurley & Rickard 2009; for attributions Chalasani et al. 2020.
    """
    shares = _shares(scores)
    if shares is None:
        return None
    n_units = shares.size
    ranks = np.arange(1, n_units + 1)
    index = float(((2 * ranks - n_units - 1) * np.sort(shares)).sum()) / n_units
    return min(max(index, 0.0), 1 - 1 / n_units)


def top_mass(scores: Float[np.ndarray, " unit"], k: int) -> float | None:
    """Share of the absolute scores' sum that the k largest hold, in (0, 1]; higher is sharper.

    1 where there are no more than k units; None where all scores are zero. Raises InputError on k < 1, on no scores or
    on one that is not finite.
    """
    if k < 1:
        raise InputError(f"k: {k} given; accepted: at least 1")
    shares = _shares(scores)
    if shares is None:
        return None
    return min(float(np.sort(shares)[-k:].sum()), 1.0) if k < shares.size else 1.0


def _shares(scores: Float[np.ndarray, " unit"]) -> Float[np.ndarray, " unit"] | None:
    """The absolute scores normalised to sum one; None where all are zero."""
    magnitudes = np.abs(scores.astype(np.float64))
    if magnitudes.size == 0 or not np.isfinite(magnitudes).all():
        raise InputError(f"scores: {scores.tolist()!r} given; accepted: at least one, all finite")
    total = magnitudes.sum()
    return None if total == 0 else magnitudes / total


METRICS = table(
    [
        Metric(
            "entropy",
            "Spread of the absolute scores over the units as Shannon's entropy, in nats: 0 where one unit has "
            "everything, and higher in longer texts.",
            0.0,
            math.inf,
            None,
            "Bhatt et al. 2020",
        ),
        Metric(
            "normalised-entropy",
            "Spread of the absolute scores over the units as a share (0 to 1) of that of an even spread, which takes "
            "the text's length out.",
            0.0,
            1.0,
            None,
            "Shannon's entropy over its maximum, the logarithm of the number of units",
        ),
        Metric(
            "effective-words",
            "Over how many units the absolute scores are spread: 1 where one unit has everything, all units where the "
            "spread is even.",
            1.0,
            math.inf,
            None,
            "The exponential of Shannon's entropy",
        ),
        Metric(
            "gini",
            "Inequality of the absolute scores (Gini index, 0 to 1): 0 where all units have the same, near 1 where "
            "few of many have everything.",
            0.0,
            1.0,
            None,
            "Hurley & Rickard 2009; for attributions Chalasani et al. 2020",
        ),
        Metric(
            "top-1-mass",
            "Share (0 to 1) of the sum of absolute scores that the unit with the largest holds.",
            0.0,
            1.0,
            None,
            "A direct count",
        ),
        Metric(
            "top-3-mass",
            "Share (0 to 1) of the sum of absolute scores that the three units with the largest hold.",
            0.0,
            1.0,
            None,
            "A direct count",
        ),
        Metric(
            "special-token-mass",
            "Share of the attention (0 to 1) that special tokens get, which no reader sees, before the rest is "
            "normalised to sum one.",
            0.0,
            1.0,
            "lower",
            "Clark et al. 2019",
        ),
        Metric(
            "head-effective-words",
            "Over how many units each head's attention is spread, mean over the heads, as the attention averaged over "
            "several heads is by concavity never sharper than they are; a single head stands for itself.",
            1.0,
            math.inf,
            None,
            "The exponential of Shannon's entropy, head by head",
        ),
    ]
)
