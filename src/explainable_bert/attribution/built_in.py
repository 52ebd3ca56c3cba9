"""Explanations that the final block states itself: contributions, its attention, and its heads put together."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, final_pass, target_logits
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification

Merge = Callable[[Float[Tensor, "batch head key"]], Float[Tensor, "batch key"]]


@torch.inference_mode()
def built_in(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """Contributions to the target's logit (additive designs), or the [CLS] row of the final attention.

    The forward pass that predicts is all it takes.
    """
    output = model(**batch.inputs)
    targets = batch.chosen(output.logits)
    if output.contributions is None:
        return BatchAttribution(output.logits, targets, output.attention, output.attention)
    scores = output.contributions.gather(2, targets[:, None, None].expand(-1, output.contributions.shape[1], 1))[..., 0]
    bias = model.classifier.bias[targets]
    return BatchAttribution(output.logits, targets, scores, output.attention, bias)


def merged_attention(
    merge: Merge,
) -> Callable[[ExplainableBertForSequenceClassification, TokenBatch], BatchAttribution]:
    """An explainer that gives the [CLS] row of the final attention with its heads merged by `merge`."""

    @torch.inference_mode()
    def attribute(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
        _, weights, logits = final_pass(model, **batch.inputs)
        merged = merge(weights)
        return BatchAttribution(logits, batch.chosen(logits), merged, merged)

    return attribute


def mean_over_heads(weights: Float[Tensor, "batch head key"]) -> Float[Tensor, "batch key"]:
    """The usual summary of several heads."""
    return weights.mean(dim=1)


def max_over_heads(weights: Float[Tensor, "batch head key"]) -> Float[Tensor, "batch key"]:
    """The largest weight that any head gives a key, as shares that sum to one."""
    return _shares(weights.amax(dim=1))


def product_of_heads(weights: Float[Tensor, "batch head key"]) -> Float[Tensor, "batch key"]:
    """The heads as a product of experts, Π_h α_h^(1/√H), as shares that sum to one.

    What one full-width head with the same query and key weights would attend: its scores are √H times the mean of the
    heads' scores.
    """
    n_heads = weights.shape[1]
    logs = weights.float().clamp(min=torch.finfo(torch.float32).tiny).log().sum(dim=1) / n_heads**0.5
    nowhere: Bool[Tensor, "batch key"] = (weights == 0).all(dim=1)
    return torch.where(nowhere, 0.0, logs.masked_fill(nowhere, -torch.inf).softmax(dim=-1)).to(weights.dtype)


def attention_x_gradient(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """Σ_h α_hj ∂y/∂α_hj: what the logit y would change, to first order, if the weights on a key were removed.

    Source: Serrano & Smith 2019; on additive designs it equals the contributions.
    """
    with torch.no_grad():
        given = model.final_input(**batch.inputs)
        weights = model.final_attention(given)
    with torch.enable_grad():
        weights = weights.detach().requires_grad_()
        logits, _ = model.read_out(given, weights)
        targets = batch.chosen(logits)
        (gradient,) = torch.autograd.grad(target_logits(logits, targets).sum(), weights)
    weights = weights.detach()
    return BatchAttribution(logits.detach(), targets, (weights * gradient).sum(dim=1), weights.mean(dim=1))


def _shares(scores: Float[Tensor, "batch key"]) -> Float[Tensor, "batch key"]:
    return scores / scores.sum(dim=-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).tiny)
