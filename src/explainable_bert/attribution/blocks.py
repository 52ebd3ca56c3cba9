"""One block of BERT by its parts: attention weights, what each key sends to each query, and what follows."""

from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import linear

from explainable_bert.model.attention import attention_weights


def block_attention(
    block: Any, states: Float[Tensor, "batch key hidden"], present: Bool[Tensor, "batch key"]
) -> Float[Tensor, "batch head query key"]:
    """The softmax attention of a stock block over the tokens that are no padding."""
    attention = block.attention.self
    query, key = _heads(attention, attention.query(states)), _heads(attention, attention.key(states))
    scores = query @ key.transpose(2, 3) * attention.scaling
    return attention_weights(scores, present[:, None, None, :], "softmax")


def sent_values(block: Any, states: Float[Tensor, "batch key hidden"]) -> Float[Tensor, "batch head key hidden"]:
    """f_h(x_j) = (W_V^h x_j + b_V^h) W_O^h: what each head adds to a query's state for a key it fully attends."""
    attention, output = block.attention.self, block.attention.output.dense
    value = _heads(attention, attention.value(states))
    output_weight = output.weight.unflatten(1, (attention.num_attention_heads, -1))  # hidden head width
    sent: Tensor = value @ output_weight.permute(1, 2, 0)
    return sent


def weighted_sent_values(
    block: Any, states: Float[Tensor, "batch key hidden"], weights: Float[Tensor, "batch head key"]
) -> Float[Tensor, "batch key hidden"]:
    """Σ_h α_hj f_h(x_j): what each key sends to the one query with these weights."""
    attention, output = block.attention.self, block.attention.output.dense
    values = weights[..., None] * _heads(attention, attention.value(states))
    return linear(values.transpose(1, 2).flatten(2), output.weight)


def after_attention(
    block: Any, mixed: Float[Tensor, "*rows hidden"], states: Float[Tensor, "... hidden"]
) -> Float[Tensor, "*rows hidden"]:
    """The block's output for queries of `states` to whom the heads sent `mixed`, their sum without the output bias."""
    attended = block.attention.output.LayerNorm(mixed + block.attention.output.dense.bias + states)
    output: Tensor = block.output(block.intermediate(attended), attended)
    return output


def _heads(attention: Any, projected: Float[Tensor, "batch key hidden"]) -> Float[Tensor, "batch head key width"]:
    n_heads: int = attention.num_attention_heads
    by_head: Tensor = projected.unflatten(-1, (n_heads, -1)).transpose(1, 2)
    return by_head
