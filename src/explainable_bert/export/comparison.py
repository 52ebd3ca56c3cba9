"""Two models on the same text: each score as a share of its text's total, and what one has more of than the other."""

import dataclasses
import math
from collections.abc import Sequence

from explainable_bert.errors import InputError
from explainable_bert.export.origins import N_FINGERPRINT_SHOWN
from explainable_bert.export.strips import largest, one_line
from explainable_bert.records import Explanation

_LONGEST_OWN_NAME = 32


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The same text three times, with shares as scores and one scale: of base, of versus, and versus minus base."""

    base: Explanation
    versus: Explanation
    difference: Explanation
    scale: float


def compare(base: Explanation, versus: Explanation) -> Comparison:
    """Shares keep their sign where both explanations are signed; otherwise absolute shares are compared."""
    signed = base.attribution.signed and versus.attribution.signed
    one, other = (shares(item.attribution.scores, signed=signed) for item in (base, versus))
    difference = tuple(right - left for left, right in zip(one, other, strict=True))
    return Comparison(
        _with_scores(base, one, signed=signed),
        _with_scores(versus, other, signed=signed),
        _with_scores(versus, difference, signed=True),
        largest((*one, *other, *difference)),
    )


def shares(scores: Sequence[float], *, signed: bool) -> tuple[float, ...]:
    """Each score divided by the sum of absolute scores, without its sign unless `signed`; zeros where that is zero."""
    total = sum(abs(score) for score in scores if math.isfinite(score))
    kept = scores if signed else [abs(score) for score in scores]
    return tuple(score / total if total > 0 else 0.0 for score in kept)


def names(base: Explanation, versus: Explanation) -> tuple[str, str]:
    """Short names that tell the two models apart.

    By the same method, the models' own names where these are short and no paths; else design and method, and where
    these are equal, more of the provenance.
    """
    own = tuple(one_line(item.provenance.model) for item in (base, versus))
    if base.attribution.method == versus.attribution.method and own[0] != own[1] and all(map(_is_short, own)):
        return own[0], own[1]
    pairs = [_name(item, 2) for item in (base, versus)]
    for n_words in (3, 4):
        if pairs[0] != pairs[1]:
            break
        pairs = [_name(item, n_words) for item in (base, versus)]
    if pairs[0] == pairs[1]:
        return f"{pairs[0]} (first)", f"{pairs[1]} (second)"
    return pairs[0], pairs[1]


def check_comparable(explanations: Sequence[Explanation], versus: Sequence[Explanation]) -> None:
    """Raise InputError unless `versus` explains the same texts, targets and units in the same order."""
    if len(explanations) != len(versus):
        raise InputError(
            f"versus: {len(versus)} explanations given for {len(explanations)} of the first model;"
            " one per explanation is needed, in the same order"
        )
    for number, (one, other) in enumerate(zip(explanations, versus, strict=True), start=1):
        _check_pair(number, one, other)


def _check_pair(number: int, one: Explanation, other: Explanation) -> None:
    if (one.text, one.text_pair) != (other.text, other.text_pair):
        raise InputError(f"versus: number {number} explains another text; the same texts in the same order are needed")
    if one.target != other.target:
        raise InputError(
            f"versus: number {number} explains {one_line(other.target)!r}, the first model {one_line(one.target)!r};"
            " give both the same target"
        )
    if one.attribution.level != other.attribution.level:
        raise InputError(
            f"versus: number {number} is of level {other.attribution.level!r}, of the first model"
            f" {one.attribution.level!r}; give both the same level"
        )
    if _spans(one) != _spans(other):
        raise InputError(f"versus: number {number}: the models split the text differently; their units must be equal")


def _spans(explanation: Explanation) -> list[tuple[int, int, int]]:
    return [(unit.part, unit.start, unit.end) for unit in explanation.attribution.units]


def _name(explanation: Explanation, n_words: int) -> str:
    provenance = explanation.provenance
    words = (
        provenance.design,
        explanation.attribution.method,
        provenance.model,
        provenance.fingerprint[:N_FINGERPRINT_SHOWN],
    )
    return one_line(" · ".join(words[:n_words]))


def _is_short(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_OWN_NAME and not set(name) & set("/\\")


def _with_scores(explanation: Explanation, scores: tuple[float, ...], *, signed: bool) -> Explanation:
    attribution = dataclasses.replace(explanation.attribution, scores=scores, signed=signed)
    return dataclasses.replace(explanation, attribution=attribution)
