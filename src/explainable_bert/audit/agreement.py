"""Rank agreement between two explanations of the same text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from explainable_bert.audit.outcomes import mean


@dataclass(frozen=True)
class Agreement:
    """Mean rank correlations over `n` texts in which both explanations rank words at all.

    `shown` is that of the scores as a reader sees them, with their signs where they have any; `absolute` that of their
    sizes alone.
    """

    shown: float
    absolute: float
    n: int


def rank_correlation(one: Float[np.ndarray, " unit"], other: Float[np.ndarray, " unit"]) -> float | None:
    """Spearman's correlation, in [-1, 1]; None where either gives the same score to all words.

    Source: Spearman 1904.
    """
    ranks = [rankdata(one), rankdata(other)]
    if any(len(rank) < 2 or np.ptp(rank) == 0 for rank in ranks):
        return None
    return float(np.corrcoef(*ranks)[0, 1])


def agreement(
    one: Sequence[Float[np.ndarray, " _"]], others: Sequence[Sequence[Float[np.ndarray, " _"]]]
) -> Agreement | None:
    """How far explanations of texts agree with each of `others`, of the same texts; None where none has ranks."""
    shown = [_correlations(one, other) for other in others]
    absolute = [_correlations([np.abs(scores) for scores in one], [np.abs(s) for s in other]) for other in others]
    of_shown, of_absolute = ([value for of_other in found for value in of_other] for found in (shown, absolute))
    if not of_shown or not of_absolute:
        return None
    return Agreement(mean(of_shown), mean(of_absolute), max(len(of_other) for of_other in shown))


def _correlations(one: Sequence[Float[np.ndarray, " _"]], other: Sequence[Float[np.ndarray, " _"]]) -> list[float]:
    found = [rank_correlation(*pair) for pair in zip(one, other, strict=True)]
    return [value for value in found if value is not None]
