"""The identities that additive designs promise, held against computing the same thing another way."""

import dataclasses

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from explainable_bert.audit.outcomes import judged, not_applicable
from explainable_bert.audit.reading import StoredTexts
from explainable_bert.audit.subject import Answer, Subject, answer
from explainable_bert.results import Check

N_SETS = 5
# Relative to the largest logit or contribution (or 1): what float32 leaves of sums of a few hundred products.
REMOVAL_ERROR = 1e-5
COMPLETENESS_ERROR = 1e-5

_REMOVAL, _COMPLETENESS = "closed-form-removal", "completeness"
_NOT_ADDITIVE = "only additive designs promise it; this model's logits are no sum over words."


def closed_form_removal(subject: Subject) -> list[Check]:
    """The largest difference between the closed form for removing keys from the pooling and masking them.

    y(full) - y(without S) = Σ_S α_j (v_j - F) / (1 - A_S), for five random sets S of every text and all labels,
    relative to the largest value (or 1). S is never all keys, where the logits are the bias by convention.
    """
    if not subject.additive:
        return [not_applicable(_REMOVAL, _NOT_ADDITIVE)]
    if subject.model.config.attention_function != "softmax":
        function = subject.model.config.attention_function
        return [not_applicable(_REMOVAL, f"weights by {function} do not keep their ratios when a key is masked.")]
    generator = subject.generator(_REMOVAL)
    errors: list[float] = []
    for texts, found in subject:
        several = texts.given.allowed.sum(dim=1) >= 2
        for _ in range(N_SETS):
            removed = random_sets(texts.given.allowed, generator)
            difference = closed_form(found, removed) - masked(subject, texts, found, removed)
            scale = value_scale(found).clamp(min=1.0)
            errors += (difference.abs().amax(dim=1) / scale)[several].tolist()
    if not errors:
        return [not_applicable(_REMOVAL, "no text has two keys, of which one could be removed.")]
    value = max(errors)
    return [
        judged(
            _REMOVAL,
            value,
            REMOVAL_ERROR,
            "at most",
            len(errors) // N_SETS,
            passed="What the logits would be without some words in the final sum can be computed from the explanation "
            "alone: it agrees with masking these words' keys there. That is not the same as deleting words.",
            failed=f"The closed form for leaving words out of the final sum misses what masking their keys gives by up "
            f"to {value:.0e}: do not compute removals from this model's contributions.",
        )
    ]


def random_sets(allowed: Bool[Tensor, "batch key"], generator: np.random.Generator) -> Bool[Tensor, "batch key"]:
    """Some of the allowed keys of each text, at least one and never all; none where there is but one."""
    drawn = torch.from_numpy(generator.random(tuple(allowed.shape))).masked_fill(~allowed, torch.inf)
    n_allowed = allowed.sum(dim=1).numpy()
    sizes = torch.from_numpy(generator.integers(1, np.maximum(n_allowed, 2)) * (n_allowed > 1))
    return drawn.argsort(dim=1).argsort(dim=1) < sizes[:, None]


def closed_form(found: Answer, removed: Bool[Tensor, "batch key"]) -> Float[Tensor, "batch label"]:
    """Σ_S α_j (v_j - F) / (1 - A_S): what the logits lose with the keys in S, from weights and contributions alone."""
    assert found.contributions is not None
    contributions, weights = found.contributions.double(), found.weights[:, 0].double()
    # The mass that stays is summed up, as 1 - A_S has no digits left where S has nearly all of it.
    staying = (weights * ~removed).sum(dim=1)
    lost = (contributions * removed[..., None]).sum(dim=1)
    whole = contributions.sum(dim=1) / weights.sum(dim=1)[:, None]
    mass = (weights * removed).sum(dim=1)
    return (lost - mass[:, None] * whole) / staying[:, None]


def masked(
    subject: Subject, texts: StoredTexts, found: Answer, removed: Bool[Tensor, "batch key"]
) -> Float[Tensor, "batch label"]:
    """The same by masking the keys in S and attending anew."""
    without = dataclasses.replace(texts.given, allowed=texts.given.allowed & ~removed)
    return (found.logits - answer(subject.model, without).logits).double()


def value_scale(found: Answer) -> Float[Tensor, " batch"]:
    """The largest value v of a key: what its contribution would be if it were all that is attended."""
    assert found.contributions is not None
    weights = found.weights[:, 0, :, None]
    values = torch.where(weights > 0, found.contributions / weights.clamp(min=torch.finfo(weights.dtype).tiny), 0.0)
    return values.abs().amax(dim=(1, 2)).double()


def completeness(subject: Subject) -> list[Check]:
    """The largest |bias + Σ contributions - logit|, relative to the largest logit (or 1).

    The logits are computed layer by layer: mix the states, then value, output and classifier, as a network would.
    """
    if not subject.additive:
        return [not_applicable(_COMPLETENESS, _NOT_ADDITIVE)]
    errors: list[float] = []
    for texts, found in subject:
        assert found.contributions is not None
        summed = subject.model.classifier.bias.double() + found.contributions.double().sum(dim=1)
        by_layers = layer_by_layer(subject, texts, found).double()
        scale = by_layers.abs().amax(dim=1).clamp(min=1.0)
        errors += ((summed - by_layers).abs().amax(dim=1) / scale).tolist()
    value = max(errors)
    return [
        judged(
            _COMPLETENESS,
            value,
            COMPLETENESS_ERROR,
            "at most",
            len(errors),
            passed="The contributions shown and the bias add up to the logit: nothing of the decision is left out. "
            "They belong to places in the text, whose states have taken up their neighbours.",
            failed=f"The contributions shown and the bias miss the logit by up to {value:.0e}: part of the decision is "
            "not in the explanation.",
        )
    ]


def layer_by_layer(subject: Subject, texts: StoredTexts, found: Answer) -> Float[Tensor, "batch label"]:
    """The logits without contributions: the mixed state through the final block's layers and the classifier."""
    model, attention = subject.model, subject.model.final_block.attention
    mixed = torch.bmm(found.weights, texts.given.states[model.config.values_from])[:, 0]
    logits: Tensor = model.classifier(attention.output.dense(attention.self.value(mixed)))
    return logits
