"""How many times as fast one side is as another, from the turns that they took beside each other."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from explainable_bert.speed.turns import Turn


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as `other` the side `ours` is: median, least and most over the rounds.

    A round gives one ratio of two times, so that a drift of the machine's speed does not count. `ours_seconds` and
    `other_seconds` are medians per text; above 1 ours is faster.
    """

    ours: str
    other: str
    median: float
    low: float
    high: float
    rounds: int
    ours_seconds: float
    other_seconds: float


def ratio(
    turns: Mapping[str, Sequence[Turn]], ours: str, other: str, n_texts: int, n_other_texts: int | None = None
) -> Ratio:
    """Of two sides that did `n_texts` texts in each turn; `n_other_texts`, if the other one did not do as many."""
    mine = [turn.seconds / n_texts for turn in turns[ours]]
    theirs = [turn.seconds / (n_other_texts or n_texts) for turn in turns[other]]
    by_round = [their / my for my, their in zip(mine, theirs, strict=True)]
    return Ratio(
        ours=ours,
        other=other,
        median=statistics.median(by_round),
        low=min(by_round),
        high=max(by_round),
        rounds=len(by_round),
        ours_seconds=statistics.median(mine),
        other_seconds=statistics.median(theirs),
    )
