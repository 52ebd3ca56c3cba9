"""Search for the sets of units whose erasure costs the prediction most, or which alone serve it best.

What a search finds bounds what any explanation can reach, from below: an explanation's comprehensiveness is read
against it. Greedy, with the same budget for every model: the set grows by the units that help most beside those already
in it, by at most a tenth of the largest set at once (one unit a round in texts of up to 20), of the N_CANDIDATES that
helped most before.

Source: the search of Hase et al. 2021, section 4, with a beam of one. On 16 sentences of SST-2 it found sets that cost
as much as those of parallel local search (ibid.) or more, with fewer predictions.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float

from explainable_bert.evaluation.asking import Asking
from explainable_bert.evaluation.subject import Subject, scored

# As many, and one more for each size on the way that is no whole number of them.
N_ROUNDS = 10
N_CANDIDATES = 16


def best_sets(subject: Subject, sizes: Sequence[int], *, erased: bool) -> Asking[Bool[np.ndarray, "size unit"]]:
    """For each size, units that leave a low margin when erased, or a high one when they alone are kept.

    By the margin, which orders sets as the probability does (with two labels exactly so) and does not saturate.
    """
    grown = np.zeros(subject.n_units, dtype=bool)
    cost_with = np.zeros(subject.n_units)
    found = {0: grown}
    for size in _growth(sizes):
        outside = np.flatnonzero(~grown)
        candidates = outside[np.argsort(cost_with[outside], kind="stable")]
        if grown.any():
            candidates = candidates[: max(N_CANDIDATES, size - grown.sum())]
        costs = yield from _costs(subject, grown | (candidates[:, None] == np.arange(subject.n_units)), erased=erased)
        cost_with[candidates] = costs
        grown = grown.copy()
        grown[candidates[np.argsort(costs, kind="stable")[: size - grown.sum()]]] = True
        found[size] = grown
    return np.array([found[size] for size in sizes])


def _growth(sizes: Sequence[int]) -> Iterator[int]:
    """The size after each round: every size asked for is met, and no round adds more than a tenth of the largest."""
    at_most = -(-max(sizes) // N_ROUNDS)
    size = 0
    for wanted in sorted(set(sizes)):
        while size < wanted:
            size = min(size + at_most, wanted)
            yield size


def _costs(
    subject: Subject, sets: Bool[np.ndarray, "variant unit"], *, erased: bool
) -> Asking[Float[np.ndarray, " variant"]]:
    """What is to be made small."""
    logits = yield ~sets if erased else sets
    margins = scored(logits, subject.target, "margin")
    return margins if erased else -margins
