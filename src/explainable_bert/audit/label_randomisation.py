"""Does the built-in explanation depend on what the labels mean: the top of the model trained on permuted ones."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from explainable_bert.audit.agreement import Agreement, agreement
from explainable_bert.audit.drawing_anew import draw_anew, put_back, top
from explainable_bert.audit.outcomes import judged, not_applicable, percent
from explainable_bert.audit.parameter_randomisation import AGREEMENT, Scores, built_in_scores, correlations
from explainable_bert.audit.retraining import Training, retrain, share_correct
from explainable_bert.audit.subject import Subject
from explainable_bert.results import Check

# Fewer texts are fitted by anything.
MIN_TEXTS = 20
# Enough for weights that start anew to learn permuted labels of 200 movie sentences by heart.
TRAINING = Training(100, 1e-3)
# What was not learnt cannot show.
FITTED = 0.9

_NAME = "label-randomisation"


def label_randomisation(subject: Subject) -> list[Check]:
    """Mean rank agreement of built-in scores, as shown, between training on the model's labels and on permuted ones.

    Only what comes after the lower blocks is trained, from the same random weights both times, on these texts.

    Source: Adebayo et al. 2018, section 4.
    """
    own = [found.targets for found in subject.answers]
    if len(subject) < MIN_TEXTS:
        return [not_applicable(_NAME, f"it needs {MIN_TEXTS} texts to train on; {len(subject)} given.", len(subject))]
    if len(torch.cat(own).unique()) < 2:
        return [not_applicable(_NAME, "the model predicts the same label for all texts.", len(subject))]
    generator = subject.generator(_NAME)
    order = generator.permutation(len(subject))
    permuted = list(torch.cat(own)[torch.from_numpy(order)].split([len(labels) for labels in own]))
    start = int(generator.integers(2**32))
    of_own, own_fit = _trained(subject, own, own, start)
    of_permuted, permuted_fit = _trained(subject, permuted, own, start)
    return [_check(agreement(of_own, [of_permuted]), min(own_fit, permuted_fit), len(subject))]


def _trained(
    subject: Subject, labels: Sequence[Int[Tensor, " _"]], targets: Sequence[Int[Tensor, " _"]], start: int
) -> tuple[Scores, float]:
    """Scores for the targets once trained on the labels, and how well these are fitted."""
    model = subject.model
    with put_back(top(model)):
        draw_anew(model, top(model), np.random.default_rng(start))
        retrain(model, subject.texts, labels, TRAINING)
        return built_in_scores(model, subject.texts, targets), share_correct(model, subject.texts, labels)


def _check(found: Agreement | None, fit: float, n: int) -> Check:
    if found is None:
        return not_applicable(_NAME, "no text has two words whose scores differ, either way.", n)
    if fit < FITTED:
        reason = f"the labels could be fitted in {percent(fit)} of the texts only, which proves nothing."
        return not_applicable(_NAME, reason, found.n)
    scope = "Only the final block and classifier were trained again, and on these texts."
    return judged(
        _NAME,
        found.shown,
        AGREEMENT,
        "at most",
        found.n,
        passed="What the map shows depends on what the labels mean: trained on permuted ones, it shows something else "
        f"({correlations(found)}). {scope}",
        failed="What the map shows hardly depends on what the labels mean: trained on permuted ones, it shows much the "
        f"same ({correlations(found)}). {scope}",
    )
