"""One block of BERT by its parts: attention weights, what each key sends to each query, and what follows."""

from typing import Any

from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import linear

from explainable_bert.model.attention import attention_rows, by_head


def block_attention(
    block: Any, states: Float[Tensor, "batch key hidden"], present: Bool[Tensor, "batch key"]
) -> Float[Tensor, "batch head query key"]:
    """The softmax attention of a stock block over the tokens that are no padding."""
    return attention_rows(block.attention.self, states, present, "softmax")


def sent_values(block: Any, states: Float[Tensor, "batch key hidden"]) -> Float[Tensor, "batch head key hidden"]:
    """f_h(x_j) = (W_V^h x_j + b_V^h) W_O^h: what each head adds to a query's state for a key it fully attends."""
    attention, output = block.attention.self, block.attention.output.dense
    value = by_head(attention, attention.value(states))
    output_weight = output.weight.unflatten(1, (attention.num_attention_heads, -1))  # hidden head width
    sent: Tensor = value @ output_weight.permute(1, 2, 0)
    return sent


def weighted_sent_values(
    block: Any, states: Float[Tensor, "batch key hidden"], weights: Float[Tensor, "batch head key"]
) -> Float[Tensor, "batch key hidden"]:
    """Σ_h α_hj f_h(x_j): what each key sends to the one query with these weights."""
    attention, output = block.attention.self, block.attention.output.dense
    values = weights[..., None] * by_head(attention, attention.value(states))
    return linear(values.transpose(1, 2).flatten(2), output.weight)


def after_attention(
    block: Any, mixed: Float[Tensor, "*rows hidden"], states: Float[Tensor, "... hidden"]
) -> Float[Tensor, "*rows hidden"]:
    """The block's output for queries of `states` to whom the heads sent `mixed`, their sum without the output bias."""
    attended = block.attention.output.LayerNorm(mixed + block.attention.output.dense.bias + states)
    output: Tensor = block.output(block.intermediate(attended), attended)
    return output
