"""Does the built-in explanation find what is known to decide: a marker word that the top of the model is trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from explainable_bert.audit.drawing_anew import put_back, top
from explainable_bert.audit.markers import Planted, find_markers, plant
from explainable_bert.audit.outcomes import judged, mean, not_applicable, percent
from explainable_bert.audit.reading import StoredTexts, read
from explainable_bert.audit.retraining import Training, retrain, share_correct
from explainable_bert.audit.subject import Subject, answer, unit_scores
from explainable_bert.model.checkpoint import window
from explainable_bert.results import Check
from explainable_bert.text.encoding import Reader

MIN_TEXTS = 20
# Gentle, for the random labels of the other texts are not to be learnt by heart: that costs reliance on the marker.
TRAINING = Training(60, 3e-4)
# What the model does not rely on, its explanation need not find.
RELIED_ON = 0.9
PRECISION = 0.9

_NAME = "planted-shortcut"


@dataclass(frozen=True)
class _Labelled:
    """Stored texts with the label that each is to get."""

    texts: tuple[StoredTexts, ...]
    labels: tuple[Int[Tensor, " _"], ...]


def planted_shortcut(subject: Subject) -> list[Check]:
    """How often the marker word that decides has the largest absolute built-in score; a tie counts its share.

    Half of the texts get one of two markers, which says the label; the others have none, and a random label. What comes
    after the lower blocks is trained on that. Asked are the planted texts with the other marker in its place, which
    were not trained on; that the model follows it is made sure first.

    Source: Bastings et al. 2022.
    """
    if len(subject) < MIN_TEXTS:
        return [not_applicable(_NAME, f"it needs {MIN_TEXTS} texts to train on; {len(subject)} given.", len(subject))]
    generator = subject.generator(_NAME)
    markers = find_markers(subject.tokenizer, subject.encodings, generator)
    if len(markers) < 2:
        reason = "the vocabulary holds no two words of one token each that occur in none of the texts."
        return [not_applicable(_NAME, reason, len(subject))]
    order = generator.permutation(len(subject)).tolist()
    planted = _planted(subject, order[: len(order) // 2], markers, generator)
    if len(planted) < 2:
        return [not_applicable(_NAME, "no marker fits into texts that fill the model's window.", len(subject))]
    bare = _bare(subject, order[len(order) // 2 :], generator)
    shown, swapped = _versions(subject, planted, swapped=False), _versions(subject, planted, swapped=True)
    with put_back(top(subject.model)):
        retrain(subject.model, (*shown.texts, *bare.texts), (*shown.labels, *bare.labels), TRAINING)
        reliance = share_correct(subject.model, swapped.texts, swapped.labels)
        return [_check(_precisions(subject, swapped, list(markers.values())), reliance, _chance(swapped))]


def _planted(
    subject: Subject, places: Sequence[int], markers: Mapping[str, int], generator: np.random.Generator
) -> list[Planted]:
    reader = Reader.of(subject.tokenizer.backend_tokenizer, window(subject.tokenizer, subject.model.config))
    found = [plant(reader, subject.encodings[place], place, markers, generator) for place in places]
    return [planted for planted in found if planted is not None]


def _versions(subject: Subject, planted: Sequence[Planted], *, swapped: bool) -> _Labelled:
    """The markers take turns; swapped, each text has the other one."""
    marker = [(index + swapped) % 2 for index in range(len(planted))]
    encodings = [text.versions[label] for text, label in zip(planted, marker, strict=True)]
    texts = read(subject.reader, subject.tokenizer, encodings)
    return _Labelled(texts, tuple(torch.tensor([marker[place] for place in stored.places]) for stored in texts))


def _bare(subject: Subject, places: Sequence[int], generator: np.random.Generator) -> _Labelled:
    """Texts without a marker, from what is stored already, with random labels."""
    label = dict(zip(places, generator.integers(2, size=len(places)).tolist(), strict=True))
    texts, labels = [], []
    for stored in subject.texts:
        rows = [row for row, place in enumerate(stored.places) if place in label]
        if rows:
            texts.append(stored.rows(torch.tensor(rows)))
            labels.append(torch.tensor([label[stored.places[row]] for row in rows]))
    return _Labelled(tuple(texts), tuple(labels))


def _precisions(subject: Subject, asked: _Labelled, marker_ids: Sequence[int]) -> list[float]:
    precisions: list[float] = []
    for texts in asked.texts:
        found = answer(subject.model, texts.given)
        for row, scores in enumerate(unit_scores(texts, found, found.targets)):
            is_marker = torch.isin(texts.input_ids[row], torch.tensor(marker_ids)) & (texts.unit_ids[row] >= 0)
            precisions.append(precision_at_one(scores, int(texts.unit_ids[row][is_marker][0])))
    return precisions


def precision_at_one(scores: Float[np.ndarray, " unit"], unit: int) -> float:
    """The chance that `unit` comes first by absolute score, in [0, 1], with ties broken at random."""
    first = np.abs(scores) == np.abs(scores).max()
    return float(first[unit] / first.sum())


def _chance(asked: _Labelled) -> float:
    return mean([1 / n_units for texts in asked.texts for n_units in texts.n_units])


def _check(precisions: Sequence[float], reliance: float, chance: float) -> Check:
    value, n = mean(precisions), len(precisions)
    if reliance < RELIED_ON:
        reason = (
            f"trained on a marker word, the model followed it in {percent(reliance)} of new texts only. What it does "
            "not rely on proves nothing."
        )
        return not_applicable(_NAME, reason, n)
    told = (
        f"With the top of the model trained to decide by a marker word (it follows it in {percent(reliance)} of new "
        "texts), the explanation puts that word first in"
    )
    return judged(
        _NAME,
        value,
        PRECISION,
        "at least",
        n,
        passed=f"{told} {percent(value)} of them (chance: {percent(chance)}): it finds what is known to decide.",
        failed=f"{told} only {percent(value)} of them (chance: {percent(chance)}): what decides need not come first.",
    )
