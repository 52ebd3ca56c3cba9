"""How concentrated an attribution is on few units."""

import numpy as np
from jaxtyping import Float

from explainable_bert.errors import InputError


def effective_units(scores: Float[np.ndarray, " unit"]) -> float:
    """exp(entropy) of the absolute scores normalised to sum one, in [1, number of units]; lower is sharper.

    All-zero scores point nowhere: the number of units. Raises InputError on no scores or on one that is not finite.
    Source: the exponential of Shannon's entropy (perplexity of the distribution over units).
    """
    magnitudes = np.abs(scores.astype(np.float64))
    if magnitudes.size == 0 or not np.isfinite(magnitudes).all():
        raise InputError(f"scores: {scores.tolist()!r} given; accepted: at least one, all finite")
    total = magnitudes.sum()
    if total == 0:
        return float(magnitudes.size)
    shares = magnitudes / total
    shares = shares[shares > 0]  # after the division, as a share may be too small for a float
    # Clipped against rounding only: the bounds hold exactly in real arithmetic.
    return float(np.clip(np.exp(-(shares * np.log(shares)).sum()), 1, magnitudes.size))
