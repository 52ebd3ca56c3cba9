"""Checks as records: passed or failed by a threshold, descriptive, or not applicable; and shares in words."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from explainable_bert.results import Check

Relation = Literal["at least", "at most"]


def judged(name: str, value: float, threshold: float, relation: Relation, n: int, *, passed: str, failed: str) -> Check:
    """A value against its threshold, with what to say either way."""
    good = value >= threshold if relation == "at least" else value <= threshold
    return Check(name, value, threshold, good, passed if good else failed, relation, n)


def descriptive(name: str, value: float, n: int, meaning: str) -> Check:
    """A value that nothing is to be passed with."""
    return Check(name, value, None, None, meaning, n=n)


def not_applicable(name: str, reason: str, n: int = 0) -> Check:
    """Nothing that could pass or fail; `reason` is a sentence."""
    return Check(name, None, None, None, f"Not applicable: {reason}", n=n)


def mean(values: Sequence[float] | Sequence[bool]) -> float:
    """The mean of at least one value, or the share of what is true."""
    return float(np.mean(np.asarray(values, dtype=np.float64)))


def percent(share: float) -> str:
    """A share as a whole percentage; never 0 % or 100 % where it is not exactly that."""
    rounded = round(100 * share)
    if rounded == 0 and share > 0:
        return "less than 1 %"
    if rounded == 100 and share < 1:
        return "more than 99 %"
    return f"{rounded} %"
