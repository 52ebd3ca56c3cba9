"""Explainers that follow values through the blocks: value-weighted norm, rollout, value zeroing."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import cosine_similarity

from explainable_bert.attribution.blocks import after_attention, block_attention, sent_values, weighted_sent_values
from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, final_pass
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.model.network import FinalInput

# Queries times zeroed keys that value zeroing recomputes at a time.
_ROWS_AT_ONCE = 8192


@torch.inference_mode()
def value_weighted_norm(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """‖Σ_h α_hj f_h(x_j)‖₂ in the final block's [CLS] row: the length of what a key sends, not its weight alone.

    Source: Kobayashi et al. 2020.
    """
    given, weights, logits = final_pass(model, **batch.inputs)
    scores = _final_sent(model, given, weights).norm(dim=-1)
    return BatchAttribution(logits, batch.chosen(logits), scores, weights.mean(dim=1))


@torch.inference_mode()
def rollout(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """The [CLS] row of the product of all blocks' mean attention, each with half of its weight on the residual.

    Additive designs have no residual in the final block, and take their values from the states of `value_layer`: the
    row starts as the final attention, and runs down from there.

    Source: Abnar & Zuidema 2020.
    """
    given, weights, logits = final_pass(model, **batch.inputs)
    attention = weights.mean(dim=1)
    row = attention
    if model.config.readout == "pooler":
        row = (attention + _cls_position(given)) / 2
    for block, states in _blocks_downward(model, given):
        mean_over_heads = block_attention(block, states, given.present).mean(dim=1)
        row = (torch.einsum("bq,bqk->bk", row, mean_over_heads) + row) / 2
    return BatchAttribution(logits, batch.chosen(logits), row, attention)


@torch.inference_mode()
def value_zeroing(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """How much each state turns when a key's value is set to zero, rolled out from [CLS] down to the embeddings.

    In each block 1 - cos(x̃_i, x̃_i without the value of j), rows normalised; in the additive designs' final block, which
    has nothing after the attention, x̃ is the mixed value itself.

    Source: Mohebbi et al. 2023.
    """
    given, weights, logits = final_pass(model, **batch.inputs)
    row = _normalised(_final_turns(model, given, weights) * given.allowed)
    for block, states in _blocks_downward(model, given):
        attention = block_attention(block, states, given.present)
        turns = _turns(block, states, attention) * given.present[:, None]
        row = torch.einsum("bq,bqk->bk", row, _normalised(turns).to(row.dtype))
    return BatchAttribution(logits, batch.chosen(logits), row, weights.mean(dim=1))


def _blocks_downward(
    model: ExplainableBertForSequenceClassification, given: FinalInput
) -> list[tuple[torch.nn.Module, Tensor]]:
    """The blocks between the embeddings and the states that the final values are read from, topmost first."""
    blocks = list(zip(model.bert.encoder.layer, given.states, strict=False))[: model.config.values_from]
    return blocks[::-1]


def _cls_position(given: FinalInput) -> Float[Tensor, "batch key"]:
    length = given.states[0].shape[1]
    return torch.nn.functional.one_hot(given.cls_index, length).to(given.states[0].dtype)


def _final_sent(
    model: ExplainableBertForSequenceClassification, given: FinalInput, weights: Float[Tensor, "batch head key"]
) -> Float[Tensor, "batch key hidden"]:
    """What each key sends to [CLS] in the final block, summed over heads."""
    if model.config.readout == "additive":
        attention, output = model.final_block.attention.self, model.final_block.attention.output.dense
        value_states = given.states[model.config.values_from]
        values: Tensor = output(attention.value(value_states))
        return weights.transpose(1, 2) * values
    return weighted_sent_values(model.final_block, given.states[-1], weights)


def _final_turns(
    model: ExplainableBertForSequenceClassification, given: FinalInput, weights: Float[Tensor, "batch head key"]
) -> Float[Tensor, "batch key"]:
    """1 - cos for each key zeroed in the final block, seen from [CLS]."""
    sent = _final_sent(model, given, weights)
    mixed = sent.sum(dim=1, keepdim=True)
    if model.config.readout == "additive":
        return _turn(mixed, mixed - sent)
    cls_state = given.cls_state[:, None]
    whole = after_attention(model.final_block, mixed, cls_state)
    return _turn(whole, after_attention(model.final_block, mixed - sent, cls_state))


def _turns(
    block: torch.nn.Module, states: Float[Tensor, "batch key hidden"], attention: Float[Tensor, "batch head query key"]
) -> Float[Tensor, "batch query key"]:
    """1 - cos of every query's output for each key zeroed in turn."""
    sent = sent_values(block, states)
    mixed = torch.einsum("bhqk,bhkd->bqd", attention, sent)
    whole = after_attention(block, mixed, states)
    keys_at_once = max(1, _ROWS_AT_ONCE // (states.shape[0] * states.shape[1]))
    turned = []
    for start in range(0, states.shape[1], keys_at_once):
        keys = slice(start, start + keys_at_once)
        lost = torch.einsum("bhqk,bhkd->bqkd", attention[..., keys], sent[:, :, keys])
        without = after_attention(block, mixed[:, :, None] - lost, states[:, :, None].expand_as(lost))
        turned.append(_turn(whole[:, :, None], without))
    return torch.cat(turned, dim=-1)


def _turn(whole: Float[Tensor, "... hidden"], without: Float[Tensor, "*rows hidden"]) -> Float[Tensor, "*rows"]:
    # In float32, as cosines near 1 are told apart; rounding can still make one larger than 1.
    return (1 - cosine_similarity(whole.float(), without.float(), dim=-1)).clamp(min=0)


def _normalised(scores: Float[Tensor, "*rows key"]) -> Float[Tensor, "*rows key"]:
    total = scores.sum(dim=-1, keepdim=True)
    return torch.where(total > 0, scores / total.clamp(min=torch.finfo(scores.dtype).tiny), 0.0)
