"""TokenBatch: what explainers are given; and the few helpers that the tests of explainers share."""

from dataclasses import replace

import numpy as np
import torch

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.model.configuration import DESIGNS

# 13, 5 and 11 tokens; 9, 3 and 4 words; "unbelievable" has three pieces.
LONG, SHORT = "the unbelievable movie was very, very good!", "a dull plot"
PAIR = ("don't!", "unbelievable plot")
LONG_UNITS = [-1, 0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, -1]
# Every method with every design that it explains.
APPLIED = [
    (method, design)
    for method, explainer in EXPLAINERS.items()
    for design, traits in DESIGNS.items()
    if explainer.refusal(traits) is None
]
_KEPT = {}


def kept(classifier, design):
    """The classifier of that design, made once: for tests that leave it as it is."""
    if design not in _KEPT:
        _KEPT[design] = classifier(design)
    return _KEPT[design]


def token_batch(clf, texts=(LONG, SHORT), level="word", target=None, seed=0, **changes):
    """The texts as `clf` hands them to an explainer, padded to one length."""
    chosen = None if target is None else clf.labels.index(target)
    return replace(clf.engine.token_batch([text.row for text in clf.read(list(texts), level)], chosen, seed), **changes)


def attribute(clf, method, *args, **kwargs):
    """The BatchAttribution of `method`, for the arguments of token_batch."""
    return EXPLAINERS[method].attribute(clf.model, token_batch(clf, *args, **kwargs))


def scores_of(clf, method, text, **asked):
    """The scores of one text's units, as an array."""
    (explanation,) = clf.explain([text], method, **asked)
    return np.array(explanation.attribution.scores)


def test_units_of_a_padded_batch(classifier):
    batch = token_batch(classifier("vanilla"))
    assert batch.unit_ids.tolist() == [LONG_UNITS, [-1, 0, 1, 2, -1, *[-1] * 8]]
    assert batch.n_units == [9, 3]
    assert batch.special[1].tolist() == [True, False, False, False, True, *[True] * 8]
    by_token = token_batch(classifier("vanilla"), level="token")
    assert by_token.unit_ids.tolist() == [[-1, *range(11), -1], [-1, 0, 1, 2, -1, *[-1] * 8]]


def test_targets_are_the_predictions_unless_given(classifier):
    clf = classifier("vanilla")
    logits = torch.tensor([[0.0, 3.0, 1.0], [5.0, 3.0, 1.0]])
    assert token_batch(clf).chosen(logits).tolist() == [1, 0]
    assert token_batch(clf, target="LABEL_2").chosen(logits).tolist() == [2, 2]


def test_draws_depend_on_the_seed_and_the_text_alone(classifier):
    clf = classifier("vanilla")

    def drawn(row, *args, **kwargs):
        return token_batch(clf, *args, **kwargs).generator(row).standard_normal(7).tolist()

    expected = drawn(1)
    assert drawn(0, [SHORT]) == expected  # padding and the rest of the batch do not count
    assert drawn(1, target="LABEL_2") == expected
    assert drawn(1, seed=1) != expected
    assert drawn(0) != expected
