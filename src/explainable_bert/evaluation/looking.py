"""Observations that need no erasure: how sharp scores are, whether people agree with them, what the model predicts."""

import itertools
from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

from explainable_bert.data.lexicon import STRONG
from explainable_bert.evaluation.asking import Asking
from explainable_bert.evaluation.erasing import Observation, single
from explainable_bert.evaluation.subject import Subject
from explainable_bert.metrics.agreement import max_sensitivity
from explainable_bert.metrics.classification import brier
from explainable_bert.metrics.plausibility import (
    average_precision,
    iou_f1,
    shuffled,
    token_f1,
    top_units,
)
from explainable_bert.metrics.sharpness import effective_units

Values = tuple[float, ...] | None
Look = Callable[[Subject], Values]
Scores = Float[np.ndarray, " unit"]
# What is held against an annotator's mask: scores, or another mask.
Predicted = Scores | Bool[np.ndarray, " unit"]
Agreement = Callable[[Subject, Predicted, Bool[np.ndarray, " unit"]], Values]


def at_once(look: Look) -> Observation:
    """An observation that asks nothing."""

    def observe(subject: Subject) -> Asking[Values]:
        return look(subject)
        yield  # never reached: it makes this a generator, as every observation is

    return observe


def of_scores(metric: Callable[[Scores], float | None]) -> Observation:
    """A metric of the scores alone."""
    return at_once(lambda subject: single(metric(subject.scores)))


def stated_completeness_error(subject: Subject) -> Values:
    """What the explanation itself leaves out of the logit, where it claims to share it out."""
    return single(subject.explanation.attribution.completeness_error)


def sensitivity(subject: Subject) -> Values:
    """The largest relative change of the scores under noise."""
    if subject.noisy_scores is None:
        return None
    return single(max_sensitivity(subject.scores, subject.noisy_scores))


def special_token_mass(subject: Subject) -> Values:
    """The attention that special tokens receive, mean over heads."""
    if subject.heads is None:
        return None
    return (max(0.0, float(1 - subject.heads.sum(axis=1).mean())),)


def effective_words_per_head(subject: Subject) -> Values:
    """The mean over heads of how many units each head attends."""
    if subject.heads is None:
        return None
    return (float(np.mean([effective_units(head) for head in subject.heads])),)


def classification(subject: Subject) -> Values:
    """The true label's index and the probability of every label."""
    if subject.gold is None:
        return None
    return float(subject.gold), *subject.explanation.prediction.probabilities.values()


def lexicon_average_precision(subject: Subject) -> Values:
    """Average precision of |scores| against words of strong valence."""
    if subject.valences is None:
        return None
    return single(average_precision(np.abs(subject.scores), np.abs(subject.valences) >= STRONG))


def of_ranking(metric: Callable[[Scores, Bool[np.ndarray, " unit"]], float | None]) -> Agreement:
    """A metric of scores, or of a mask as scores, against a mask."""

    def agreement(_: Subject, predicted: Predicted, marked: Bool[np.ndarray, " unit"]) -> Values:
        return single(metric(predicted.astype(np.float64), marked))

    return agreement


def of_words(subject: Subject, predicted: Predicted, marked: Bool[np.ndarray, " unit"]) -> Values:
    """Token-F1 of the predicted rationale."""
    return (token_f1(_rationale(subject, predicted), marked),)


def of_spans(subject: Subject, predicted: Predicted, marked: Bool[np.ndarray, " unit"]) -> Values:
    """Precision of the predicted rationale's spans and whether there are any, and so recall of the marked ones."""
    counted = iou_f1(_rationale(subject, predicted), marked)
    precision, recall = counted.precision, counted.recall
    return precision or 0.0, float(precision is not None), recall or 0.0, float(recall is not None)


def is_right(subject: Subject) -> Values:
    """1 where the predicted label is the true one, else 0."""
    return None if subject.gold is None else (float(subject.gold == subject.target),)


def squared_error(subject: Subject) -> Values:
    """Brier's squared error of the probabilities of one text."""
    if subject.gold is None:
        return None
    probabilities = np.array([list(subject.explanation.prediction.probabilities.values())])
    return (brier(probabilities, np.array([subject.gold])),)


def against_people(agreement: Agreement) -> Observation:
    """How the scores agree with people, mean over annotators."""
    return at_once(lambda subject: _mean_over_annotators(subject, agreement, subject.scores))


def people_against_people(agreement: Agreement) -> Observation:
    """How people agree with one another: the ceiling. Mean over ordered pairs."""

    def look(subject: Subject) -> Values:
        pairs = itertools.permutations(_masks(subject), 2)
        return _mean([agreement(subject, predicted, marked) for predicted, marked in pairs])

    return at_once(look)


def shuffled_people(agreement: Agreement) -> Observation:
    """The same after the marks of the one that predicts were dealt out anew: the floor."""

    def look(subject: Subject) -> Values:
        masks = _masks(subject)
        pairs = itertools.permutations(range(len(masks)), 2)
        dealt = shuffled(masks, subject.generator("shuffled"))
        return _mean([agreement(subject, dealt[one], masks[other]) for one, other in pairs])

    return at_once(look)


def lexicon_against_people(agreement: Agreement) -> Observation:
    """How a word list that knows no context agrees with people: |valence| as the score."""

    def look(subject: Subject) -> Values:
        if subject.valences is None:
            return None
        return _mean_over_annotators(subject, agreement, np.abs(subject.valences))

    return at_once(look)


def _rationale(subject: Subject, predicted: Predicted) -> Bool[np.ndarray, " unit"]:
    """A mask as it is; of scores as many units as people mark on average."""
    if predicted.dtype == np.bool_ or subject.rationale_size is None:
        return predicted.astype(bool)
    return top_units(predicted, min(subject.rationale_size, len(predicted)), subject.generator("rationale"))


def _masks(subject: Subject) -> Bool[np.ndarray, "annotator unit"]:
    return np.zeros((0, subject.n_units), dtype=bool) if subject.rationales is None else subject.rationales.masks


def _mean_over_annotators(subject: Subject, agreement: Agreement, predicted: Predicted) -> Values:
    return _mean([agreement(subject, predicted, mask) for mask in _masks(subject)])


def _mean(values: list[Values]) -> Values:
    known = [value for value in values if value is not None]
    return tuple(np.mean(known, axis=0).tolist()) if known else None
