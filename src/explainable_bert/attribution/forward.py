"""A forward function for tools that attribute by themselves, such as captum: tensors in, logits out."""

from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from explainable_bert.attribution.explainer import TokenBatch
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification

Forward = Callable[..., Float[Tensor, "batch label"]]


def forward_func(model: ExplainableBertForSequenceClassification) -> Forward:
    """A function from ids (batch, key), or word embeddings (batch, key, hidden), and `context_of` to logits."""

    def forward(given: Tensor, attention_mask: Tensor, token_type_ids: Tensor, special_tokens_mask: Tensor) -> Tensor:
        name = "inputs_embeds" if given.is_floating_point() else "input_ids"
        output = model(
            **{name: given},
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            special_tokens_mask=special_tokens_mask,
        )
        logits: Tensor = output.logits
        return logits

    return forward


def context_of(batch: TokenBatch) -> tuple[Tensor, Tensor, Tensor]:
    """What `forward_func`'s functions take beside the tokens, in their order: captum's additional_forward_args."""
    return batch.attention_mask, batch.token_type_ids, batch.special


def masked_ids(batch: TokenBatch) -> Tensor:
    """The ids with [MASK] in the place of every unit: captum's baselines."""
    return batch.with_units_as(batch.mask_token_id)
