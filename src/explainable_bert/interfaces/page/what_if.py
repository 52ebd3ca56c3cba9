"""What if: a text with some of its words masked or deleted, what a model makes of it, and what its picture forecast."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import softmax

from explainable_bert.errors import InputError
from explainable_bert.interfaces.page.asking import PREDICTED, Question
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Explanation, Unit

How = Literal["mask", "delete"]
HOWS: tuple[How, ...] = ("mask", "delete")
# Enough for a curve; each is a pass.
_MOST_STRUCK_STEPS = 50


def words(question: Question, offered: OfferedModels) -> tuple[Unit, ...]:
    """The words of the question's text, as all models asked read them. Raises InputError where they read others."""
    read = {offered.classifier(name).units([question.texts])[0] for name in question.models}
    if len(read) > 1:
        raise InputError("models: these two read the text differently; accepted: models of the same window and words")
    return read.pop()


def changed(question: Question, offered: OfferedModels, erased: Sequence[int], how: How) -> tuple[str, str]:
    """Text and second text with the words of these numbers masked, a [MASK] per word piece, or deleted."""
    classifier = offered.classifier(question.first)
    units = words(question, offered)
    unknown = [number for number in erased if not 0 <= number < len(units)]
    if unknown:
        raise InputError(f"words: number {unknown[0]} given; accepted: 0 to {len(units) - 1}")
    if how == "mask" and classifier.tokenizer.mask_token is None:
        raise InputError("how: mask given for a model without [MASK]; accepted: delete")
    tokens = classifier.units([question.texts], level="token")[0]
    parts = [question.text, question.pair]
    for unit in sorted((units[number] for number in set(erased)), key=lambda unit: -unit.start):
        pieces = sum(_within(token, unit) for token in tokens)
        before, after = parts[unit.part][: unit.start], parts[unit.part][unit.end :]
        if how == "mask":
            parts[unit.part] = before + " ".join([str(classifier.tokenizer.mask_token)] * pieces) + after
        else:
            parts[unit.part] = _closed(before, after)
    return parts[0], parts[1]


def _closed(before: str, after: str) -> str:
    """Both sides of a word that is cut out, with one space between them where there were two."""
    if after.startswith(" ") and (not before or before.endswith(" ")):
        return before + after[1:]
    return before[:-1] if not after and before.endswith(" ") else before + after


def _within(token: Unit, unit: Unit) -> bool:
    return token.part == unit.part and unit.start <= token.start and token.end <= unit.end


def forecast(question: Question, classifier: ExplainableClassifier, erased: Sequence[int]) -> dict[str, float] | None:
    """The probabilities that the explanation alone says would remain without these words in the final sum.

    None for models and texts of which an explanation says no such thing: see ExplainableClassifier.forecast_erased.
    """
    stays = np.ones((1, len(classifier.units([question.texts])[0])), dtype=bool)
    stays[0, list(erased)] = False
    try:
        logits = classifier.forecast_erased([question.texts], [stays])[0][0]
    except InputError:
        return None
    return dict(zip(classifier.labels, softmax(logits).tolist(), strict=True))


@dataclass(frozen=True)
class Struck:
    """A model's probability of `target` with its most important words masked one after the other.

    `order` has the numbers of the words, most important first; `probabilities[i]` belongs to `counts[i]` words struck.
    """

    model: str
    target: str
    order: tuple[int, ...]
    counts: tuple[int, ...]
    probabilities: tuple[float, ...]

    def at(self, count: int) -> float:
        """The probability at the nearest measured number of struck words that is no larger."""
        return self.probabilities[max(place for place, known in enumerate(self.counts) if known <= count)]


def n_passes_struck(question: Question, n_words: int) -> int:
    """How many texts `struck` runs models on."""
    return len(question.models) * (min(n_words, _MOST_STRUCK_STEPS) + 2)


def struck(question: Question, offered: OfferedModels) -> tuple[Struck, ...]:
    """The curve of every model asked, each by its own built-in explanation: comprehensiveness, made visible."""
    found: list[Struck] = []
    target = None if question.target == PREDICTED else question.target
    for name in question.models:
        classifier = offered.classifier(name)
        explanation = classifier.explain([question.texts], target=target)[0]
        target = explanation.target
        found.append(_curve(name, classifier, question, explanation))
    return tuple(found)


def _curve(name: str, classifier: ExplainableClassifier, question: Question, explanation: Explanation) -> Struck:
    scores = np.array(explanation.attribution.scores)
    order = np.argsort(-(scores if explanation.attribution.signed else np.abs(scores)), kind="stable")
    counts = np.unique(np.linspace(0, len(order), min(len(order), _MOST_STRUCK_STEPS) + 1).round().astype(int))
    ranks = np.argsort(order)
    keeps = ranks[None, :] >= counts[:, None]
    logits = classifier.predict_erased([question.texts], [keeps], "mask")[0].astype(np.float64)
    chances = softmax(logits, axis=1)
    of_target = chances[:, classifier.labels.index(explanation.target)]
    return Struck(name, explanation.target, tuple(order.tolist()), tuple(counts.tolist()), tuple(of_target.tolist()))
