"""What is observed: one text as one method explains it, ready to be ranked, erased and scored."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from explainable_bert.data.rationales import UnitRationales
from explainable_bert.evaluation.asking import Asking, Keep, Logits
from explainable_bert.records import Explanation

Score = Literal["probability", "margin"]

N_TIE_DRAWS = 5


@dataclass(frozen=True)
class Subject:
    """One text under one method, with what else is known of it.

    `target` is the index of the label that is predicted on the whole text and kept under erasure, `gold` that of the
    true one. What is drawn for a text depends on it and on the seed alone.
    `rationale_size` is how many units people mark on average. `heads` and `noisy_scores` are there when a measure
    needs them.
    """

    explanation: Explanation
    target: int
    gold: int | None
    seed: int
    rationales: UnitRationales | None = None
    rationale_size: int | None = None
    valences: Float[np.ndarray, " unit"] | None = None
    heads: Float[np.ndarray, "head unit"] | None = None
    noisy_scores: Float[np.ndarray, "draw unit"] | None = None

    @property
    def scores(self) -> Float[np.ndarray, " unit"]:
        """The method's scores."""
        return np.array(self.explanation.attribution.scores, dtype=np.float64)

    @property
    def n_units(self) -> int:
        """How many units can be erased."""
        return len(self.explanation.attribution.units)

    @property
    def orders(self) -> list[Int[np.ndarray, " unit"]]:
        """Units from the highest score to the lowest, ties in random order: several draws where there are ties."""
        scores, generator = self.scores, self.generator("ties")
        n_draws = 1 if len(np.unique(scores)) == len(scores) else N_TIE_DRAWS
        return [np.lexsort((generator.random(len(scores)), -scores)) for _ in range(n_draws)]

    def generator(self, purpose: str) -> np.random.Generator:
        """A generator of this text's own for one purpose."""
        text = f"{purpose}\n{self.explanation.text}\n{self.explanation.text_pair}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
        return np.random.default_rng([self.seed, int.from_bytes(digest[:8], "big")])


def without_top(order: Int[np.ndarray, " unit"], sizes: Sequence[int]) -> Keep:
    """For each size k, everything but the k first of an order."""
    return _ranks(order)[None, :] >= np.array(sizes)[:, None]


def only_top(order: Int[np.ndarray, " unit"], sizes: Sequence[int]) -> Keep:
    """For each size k, nothing but the k first of an order."""
    return ~without_top(order, sizes)


def scored(logits: Logits, target: int, score: Score) -> Float[np.ndarray, " variant"]:
    """The target's probability, or by how much its logit leads the best other one."""
    if score == "margin":
        return np.asarray(logits[:, target] - np.delete(logits, target, axis=1).max(axis=1))
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials[:, target] / exponentials.sum(axis=1))


def whole(subject: Subject, score: Score) -> Asking[float]:
    """The score of the whole text."""
    logits = yield np.ones((1, subject.n_units), dtype=bool)
    return float(scored(logits, subject.target, score)[0])


def _ranks(order: Int[np.ndarray, " unit"]) -> Int[np.ndarray, " unit"]:
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def leave_one_out(n_units: int) -> Bool[np.ndarray, "variant unit"]:
    """One variant per unit, without it."""
    return ~np.eye(n_units, dtype=bool)
