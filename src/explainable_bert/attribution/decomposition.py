"""DecompX: every state, and in the end the logit, as a sum of vectors that stem from one token each.

With the attention weights, the layer norms' standard deviations and the activations' slopes held at what they are on
this text, the model is affine in its embeddings: in every block x_i = b_i + Σ_k x_{i⇐k}, and y_c = b_c + Σ_k y_{c⇐k} in
the end. Only that last sum is wanted. As the map is affine, y_{c⇐k} = ∂y_c/∂x_k · x_k: one backward pass instead of a
vector per pair of tokens. What special tokens and biases add up to is what the same map makes of the text without its
units' embeddings, carried along beside it.
"""

from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from explainable_bert.attribution.blocks import block_attention
from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, target_logits
from explainable_bert.model.attention import by_head
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.model.network import FinalInput

# Below this an activation's slope through the origin is taken at this value: 0 / 0 is none.
_SMALLEST_INPUT = 1e-6


def decompx(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """What each token's embedding contributes to the target's logit through the whole model.

    The bias is what is left: the model's biases and the special tokens.

    Source: Modarressi et al. 2023, with the activations' slopes through the origin and the classification head. Their
    code shares the biases out over the tokens; here they stay apart, so that no score comes from no token.
    """
    with torch.no_grad():
        given = model.final_input(**batch.inputs)
        weights = model.final_attention(given)
    with torch.enable_grad():
        embeddings = given.states[0].detach().requires_grad_()
        streams = torch.stack([embeddings, embeddings.detach() * (batch.unit_ids < 0)[..., None]])
        logits, bias = affine_logits(model, given, weights, streams)
        targets = batch.chosen(logits)
        (gradient,) = torch.autograd.grad(target_logits(logits, targets).sum(), embeddings)
    scores = (gradient * embeddings.detach()).sum(dim=-1)
    return BatchAttribution(
        logits.detach(), targets, scores, weights.mean(dim=1), target_logits(bias.detach(), targets)
    )


def affine_logits(
    model: ExplainableBertForSequenceClassification,
    given: FinalInput,
    weights: Float[Tensor, "batch head key"],
    streams: Float[Tensor, "stream batch key hidden"],
) -> Float[Tensor, "stream batch label"]:
    """The logits of each stream of embeddings under the affine map that the first stream, the text's own, fixes."""
    for block in model.bert.encoder.layer[: model.config.values_from]:
        streams = _affine_block(block, streams, given.present)
    if model.config.readout == "additive":
        return _additive_logits(model, weights, streams)
    return _pooled_logits(model, given, weights, streams)


def _affine_block(
    block: Any, streams: Float[Tensor, "stream batch key hidden"], present: Bool[Tensor, "batch key"]
) -> Float[Tensor, "stream batch key hidden"]:
    with torch.no_grad():
        weights = block_attention(block, streams[0], present)
    values = by_head(block.attention.self, block.attention.self.value(streams))
    mixed = torch.einsum("bhqk,sbhkw->sbqhw", weights, values).flatten(-2)
    return _after_attention(block, mixed, streams)


def _after_attention(
    block: Any, mixed: Float[Tensor, "stream *rows hidden"], streams: Float[Tensor, "stream *rows hidden"]
) -> Float[Tensor, "stream *rows hidden"]:
    attended = _affine_norm(block.attention.output.LayerNorm, block.attention.output.dense(mixed) + streams)
    inner = block.intermediate.dense(attended)
    inner = inner * _slope(block.intermediate.intermediate_act_fn, inner[0])
    return _affine_norm(block.output.LayerNorm, block.output.dense(inner) + attended)


def _additive_logits(
    model: ExplainableBertForSequenceClassification,
    weights: Float[Tensor, "batch head key"],
    streams: Float[Tensor, "stream batch key hidden"],
) -> Float[Tensor, "stream batch label"]:
    attention, output = model.final_block.attention.self, model.final_block.attention.output.dense
    mixed = torch.einsum("bhk,sbkd->sbd", weights, streams)
    logits: Tensor = model.classifier(output(attention.value(mixed)))
    return logits


def _pooled_logits(
    model: ExplainableBertForSequenceClassification,
    given: FinalInput,
    weights: Float[Tensor, "batch head key"],
    streams: Float[Tensor, "stream batch key hidden"],
) -> Float[Tensor, "stream batch label"]:
    block = model.final_block
    pooler: Any = model.bert.pooler
    values = by_head(block.attention.self, block.attention.self.value(streams))
    mixed = torch.einsum("bhk,sbhkw->sbhw", weights, values).flatten(-2)
    rows = torch.arange(len(given.cls_index), device=streams.device)
    final_states = _after_attention(block, mixed, streams[:, rows, given.cls_index])
    pooled = pooler.dense(final_states)
    logits: Tensor = model.classifier(pooled * _slope(pooler.activation, pooled[0]))
    return logits


def _affine_norm(
    norm: nn.LayerNorm, streams: Float[Tensor, "stream *rows hidden"]
) -> Float[Tensor, "stream *rows hidden"]:
    deviation = (streams[0].detach().var(dim=-1, correction=0, keepdim=True) + norm.eps).sqrt()
    centred = streams - streams.mean(dim=-1, keepdim=True)
    return centred / deviation * norm.weight + norm.bias


def _slope(activation: Any, inputs: Float[Tensor, "*rows hidden"]) -> Float[Tensor, "*rows hidden"]:
    fixed = inputs.detach()
    fixed = torch.where(fixed.abs() < _SMALLEST_INPUT, _SMALLEST_INPUT, fixed)
    slope: Tensor = activation(fixed) / fixed
    return slope
