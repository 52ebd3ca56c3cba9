"""The final block of each design: its parameters, its attention for the [CLS] query alone, and its whole map.

Only the [CLS] state leaves the final block, so its projections can be absorbed: with q = W_Q x_CLS + b_Q,

    scores_j = (W_K x_j + b_K) · q = x_j · (W_Kᵀ q) + b_K · q
    context  = Σ_j α_j (W_V x_j + b_V) = W_V (Σ_j α_j x_j) + b_V Σ_j α_j

and no matrix product per token is left. The same holds for each of several heads.
"""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from transformers.models.bert.modeling_bert import BertLayer, BertSelfAttention

from explainable_bert.errors import ModelError
from explainable_bert.model.configuration import AttentionFunction, ExplainableBertConfig

# Sparse maps give exactly zero to scores more than 2 (entmax15) or 1 (sparsemax) below the maximum, while their
# closed forms square the scores: a masked score lies safely outside the support, yet small.
_BELOW_SUPPORT = 10.0
_SPARSE = ("entmax15", "sparsemax")


def final_block(config: ExplainableBertConfig) -> BertLayer:
    """Stock BERT's last block with the design's heads, less what its readout makes unused.

    The additive readout needs no feed-forward part and no layer norm, and its value and output biases would only
    shift the classifier's bias, as attention weights sum to one.

    Raises ModelError when the attention function is a sparse one, and the package that computes it is not installed.
    """
    if config.attention_function in _SPARSE:
        _sparse(config.attention_function)
    block = BertLayer(config, layer_idx=config.num_hidden_layers - 1)
    attention = block.attention.self
    attention.num_attention_heads = config.n_final_heads
    attention.attention_head_size = config.hidden_size // config.n_final_heads
    attention.scaling = attention.attention_head_size**-0.5
    if config.readout == "additive":
        del block.intermediate, block.output, block.attention.output.LayerNorm, block.attention.output.dropout
        attention.value = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
        block.attention.output.dense = nn.Linear(config.hidden_size, config.hidden_size, bias=False)
    return block


def attention_weights(
    scores: Float[Tensor, "*rows key"], allowed: Bool[Tensor, "*#rows key"], function: AttentionFunction
) -> Float[Tensor, "*rows key"]:
    """Weights over the allowed keys, summing to one; exactly zero elsewhere, and a row of zeros if none is allowed."""
    if function == "softmax":
        # The lowest finite number, not -inf: a row without an allowed key must not become NaN.
        weights = scores.masked_fill(~allowed, torch.finfo(scores.dtype).min).softmax(dim=-1)
    elif function == "uniform":
        # Times zero, so that no parameter is left out of the graph.
        weights = (scores * 0).masked_fill(~allowed, torch.finfo(scores.dtype).min).softmax(dim=-1)
    else:
        wide = scores.float()
        top = wide.masked_fill(~allowed, -torch.inf).amax(dim=-1, keepdim=True)
        masked = torch.where(allowed, wide - top.nan_to_num(neginf=0.0), -_BELOW_SUPPORT)
        weights = _sparse(function)(masked, dim=-1).to(scores.dtype)
    return torch.where(allowed, weights, 0.0)


def _sparse(function: str) -> Callable[..., Tensor]:
    """The function of that name in entmax, which is imported where it is asked for only: few models need it."""
    try:
        import entmax
    except ModuleNotFoundError as error:
        raise ModelError(
            f"attention_function: {function!r} needs the package entmax, which is missing; run: pip install entmax"
        ) from error
    found: Callable[..., Tensor] = getattr(entmax, function)
    return found


def cls_attention(
    attention: BertSelfAttention,
    cls_state: Float[Tensor, "batch hidden"],
    states: Float[Tensor, "batch key hidden"],
    allowed: Bool[Tensor, "batch key"],
    function: AttentionFunction,
) -> Float[Tensor, "batch head key"]:
    """The [CLS] row of the attention, per head, with the key projection absorbed into the query."""
    heads = attention.num_attention_heads
    query = attention.query(cls_state).unflatten(-1, (heads, -1)).transpose(0, 1)
    key_weight = attention.key.weight.unflatten(0, (heads, -1))
    key_bias = attention.key.bias.unflatten(0, (heads, -1, 1))
    absorbed = torch.bmm(query, key_weight).transpose(0, 1)
    # The same for every key, so no weight depends on it; kept so that no parameter is left out of the graph.
    offset = torch.bmm(query, key_bias).transpose(0, 1)
    scores = (torch.bmm(absorbed, states.transpose(1, 2)) + offset) * attention.scaling
    return attention_weights(scores, allowed[:, None, :], function)


def cls_context(
    attention: BertSelfAttention,
    weights: Float[Tensor, "batch head key"],
    states: Float[Tensor, "batch key hidden"],
) -> Float[Tensor, "batch hidden"]:
    """The values mixed by the weights, heads side by side, with the value projection after the mixing."""
    heads = attention.num_attention_heads
    mixed = torch.bmm(weights, states).transpose(0, 1)
    value_weight = attention.value.weight.unflatten(0, (heads, -1))
    context = torch.bmm(mixed, value_weight.transpose(1, 2)).transpose(0, 1).flatten(1)
    bias: Tensor = weights.sum(dim=-1, keepdim=True) * attention.value.bias.unflatten(0, (heads, -1))
    return context + bias.flatten(1)


def attention_map(
    attention: BertSelfAttention,
    states: Float[Tensor, "batch query hidden"],
    queries: Bool[Tensor, "batch query"],
    allowed: Bool[Tensor, "batch query"],
    function: AttentionFunction,
) -> Float[Tensor, "batch query query"]:
    """All attention rows of the final block, mean over heads; rows of padding queries are zero."""
    return attention_rows(attention, states, allowed, function).mean(dim=1) * queries[:, :, None]


def attention_rows(
    attention: BertSelfAttention,
    states: Float[Tensor, "batch query hidden"],
    allowed: Bool[Tensor, "batch query"],
    function: AttentionFunction,
) -> Float[Tensor, "batch head query query"]:
    """Every query's attention over the allowed keys, per head."""
    query, key = by_head(attention, attention.query(states)), by_head(attention, attention.key(states))
    scores = query @ key.transpose(2, 3) * attention.scaling
    return attention_weights(scores, allowed[:, None, None, :], function)


def by_head(
    attention: BertSelfAttention, projected: Float[Tensor, "*batch key hidden"]
) -> Float[Tensor, "*batch head key width"]:
    """Projected states with each head's part of the width apart."""
    n_heads: int = attention.num_attention_heads
    parted: Tensor = projected.unflatten(-1, (n_heads, -1)).transpose(-3, -2)
    return parted


def label_directions(block: BertLayer, classifier: Float[Tensor, "label hidden"]) -> Float[Tensor, "label hidden"]:
    """w_cᵀ W_O W_V for every label c: the score a state adds to each logit when fully attended; float32."""
    output, value = block.attention.output.dense.weight, block.attention.self.value.weight
    return classifier.float() @ output.float() @ value.float()
