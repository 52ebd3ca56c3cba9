"""The network: stock BERT below, the design's final block and readout on top, logits and explanation in one pass."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers.masking_utils import create_bidirectional_mask
from transformers.models.bert.modeling_bert import BertModel, BertPreTrainedModel
from transformers.utils.generic import ModelOutput, can_return_tuple

from explainable_bert.model.attention import (
    attention_map,
    cls_attention,
    cls_context,
    final_block,
    label_directions,
)
from explainable_bert.model.configuration import ExplainableBertConfig


@dataclass
class ExplainableBertOutput(ModelOutput):
    """What one forward pass gives.

    `attention` is the [CLS] row of the final attention (mean over heads for `vanilla`), zero on padding and, for
    additive designs, on special tokens. `value_scores` (additive designs) are what each key would add to the logits if
    all attention were on it; `contributions`, attention times value scores, sum over keys, with the classifier's bias,
    to the logits. `attention_map` has every row, where asked for. `hidden_states` run from the embeddings to the final
    block's input: the final block computes the [CLS] state only.
    """

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch label"] | None = None
    attention: Float[Tensor, "batch key"] | None = None
    value_scores: Float[Tensor, "batch key label"] | None = None
    contributions: Float[Tensor, "batch key label"] | None = None
    attention_map: Float[Tensor, "batch query key"] | None = None
    hidden_states: tuple[Float[Tensor, "batch key hidden"], ...] | None = None


@dataclass(frozen=True)
class FinalInput:
    """What the final block reads, and all that is needed to replay it.

    `states` run from the embeddings to the final block's input; `allowed` says which keys it may attend, `present`
    which tokens are no padding, `cls_index` where [CLS] is.
    """

    states: tuple[Float[Tensor, "batch key hidden"], ...]
    cls_index: Int[Tensor, " batch"]
    allowed: Bool[Tensor, "batch key"]
    present: Bool[Tensor, "batch key"]

    @property
    def cls_state(self) -> Float[Tensor, "batch hidden"]:
        """The state of [CLS] that asks: the query of the final attention."""
        return self.states[-1][torch.arange(len(self.cls_index), device=self.cls_index.device), self.cls_index]


class ExplainableBertNetwork(BertPreTrainedModel):
    """BERT for sequence classification in one of the designs of ExplainableBertConfig.

    Parameter names are those of BertForSequenceClassification; additive designs lack the pooler and most of the
    final block.
    """

    config_class = ExplainableBertConfig

    def __init__(self, config: ExplainableBertConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        # Other tasks' heads, and the parts of the final block that a design does without, are left where they are.
        self._keys_to_ignore_on_load_unexpected = [
            r"^cls\.",
            r"pooler",
            r"position_ids",
            rf"encoder\.layer\.{config.num_hidden_layers - 1}\.",
        ]
        self.bert = BertModel(config, add_pooling_layer=config.readout == "pooler")
        self.bert.encoder.layer[-1] = final_block(config)
        rate = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = nn.Dropout(rate)
        self.classifier = nn.Linear(config.hidden_size, len(config.id2label or ()))
        self.post_init()

    @can_return_tuple
    def forward(
        self,
        input_ids: Int[Tensor, "batch key"] | None = None,
        attention_mask: Int[Tensor, "batch key"] | Bool[Tensor, "batch key"] | None = None,
        token_type_ids: Int[Tensor, "batch key"] | None = None,
        special_tokens_mask: Int[Tensor, "batch key"] | Bool[Tensor, "batch key"] | None = None,
        position_ids: Int[Tensor, "batch key"] | None = None,
        inputs_embeds: Float[Tensor, "batch key hidden"] | None = None,
        labels: Int[Tensor, " batch"] | None = None,
        return_attention_map: bool = False,
        output_hidden_states: bool | None = None,
    ) -> ExplainableBertOutput:
        """Logits and their explanation for a padded batch; padding may be on either side.

        `special_tokens_mask` is 1 on [CLS], [SEP] and padding; without it they are found by `special_token_ids` of
        the config. Raises ValueError unless exactly one of `input_ids` and `inputs_embeds` is given, and when an
        additive design cannot tell which tokens are special.
        """
        given = self.final_input(
            input_ids, attention_mask, token_type_ids, special_tokens_mask, position_ids, inputs_embeds
        )
        weights = self.final_attention(given)
        values = self.value_scores(given) if self.config.readout == "additive" else None
        logits, contributions = self.read_out(given, weights) if values is None else self._weighed(weights, values)
        wanted = self.config.output_hidden_states if output_hidden_states is None else output_hidden_states
        return ExplainableBertOutput(
            loss=None if labels is None else nn.functional.cross_entropy(logits.float(), labels),
            logits=logits,
            attention=weights.mean(dim=1),
            value_scores=values,
            contributions=contributions,
            attention_map=self.final_attention_map(given) if return_attention_map else None,
            hidden_states=given.states if wanted else None,
        )

    def final_input(
        self,
        input_ids: Int[Tensor, "batch key"] | None = None,
        attention_mask: Int[Tensor, "batch key"] | Bool[Tensor, "batch key"] | None = None,
        token_type_ids: Int[Tensor, "batch key"] | None = None,
        special_tokens_mask: Int[Tensor, "batch key"] | Bool[Tensor, "batch key"] | None = None,
        position_ids: Int[Tensor, "batch key"] | None = None,
        inputs_embeds: Float[Tensor, "batch key hidden"] | None = None,
    ) -> FinalInput:
        """Run everything below the final block; arguments and errors are those of `forward`."""
        given = input_ids if inputs_embeds is None else inputs_embeds
        if given is None or (input_ids is not None and inputs_embeds is not None):
            raise ValueError("input_ids, inputs_embeds: give exactly one of them")
        everywhere = torch.ones(given.shape[:2], dtype=torch.bool, device=given.device)
        present = everywhere if attention_mask is None else attention_mask.bool()
        allowed = present
        if self.config.readout == "additive":
            allowed = present & ~self.special_tokens(input_ids, special_tokens_mask)
        # [CLS] is the first token that is no padding: positions count from it, whatever the padding side.
        cls_index = present.int().argmax(dim=-1)
        if position_ids is None:
            position_ids = (torch.arange(given.shape[1], device=given.device) - cls_index[:, None]).clamp(min=0)
        embedded = self.bert.embeddings(
            input_ids=input_ids,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        return FinalInput(self._lower_states(embedded, attention_mask), cls_index, allowed, present)

    def final_attention(self, given: FinalInput) -> Float[Tensor, "batch head key"]:
        """The [CLS] row of the final block's attention, before dropout."""
        states, function = given.states[-1], self.config.attention_function
        return cls_attention(self.final_block.attention.self, given.cls_state, states, given.allowed, function)

    def read_out(
        self, given: FinalInput, weights: Float[Tensor, "batch head key"]
    ) -> tuple[Float[Tensor, "batch label"], Float[Tensor, "batch key label"] | None]:
        """The logits that the attention `weights` lead to, with their contributions in additive designs."""
        if self.config.readout == "additive":
            return self._weighed(weights, self.value_scores(given))
        weights = self.final_block.attention.self.dropout(weights)
        return self._pooled_logits(weights, given.cls_state, given.states[-1]), None

    def value_scores(self, given: FinalInput) -> Float[Tensor, "batch key label"]:
        """What each key of an additive design would add to the logits if all attention were on it."""
        value_states = given.states[self.config.values_from]
        # In float32 whatever the model's type: half a dozen thousand products, and the sum stays exact.
        with torch.autocast(value_states.device.type, enabled=False):
            return nn.functional.linear(
                value_states.float(), label_directions(self.final_block, self.classifier.weight)
            )

    def _weighed(
        self, weights: Float[Tensor, "batch 1 key"], values: Float[Tensor, "batch key label"]
    ) -> tuple[Float[Tensor, "batch label"], Float[Tensor, "batch key label"]]:
        contributions = self.final_block.attention.self.dropout(weights).float().transpose(1, 2) * values
        return self.classifier.bias.float() + contributions.sum(dim=1), contributions

    def final_attention_map(self, given: FinalInput) -> Float[Tensor, "batch key key"]:
        """Every row of the final block's attention, mean over heads; rows of padding are zero."""
        attention, function = self.final_block.attention.self, self.config.attention_function
        return attention_map(attention, given.states[-1], given.present, given.allowed, function)

    @property
    def final_block(self) -> Any:  # to a type checker, the parts of a torch module may be tensors
        """The block whose attention the design changes."""
        return self.bert.encoder.layer[-1]

    def special_tokens(
        self, input_ids: Int[Tensor, "batch key"] | None, special_tokens_mask: Tensor | None
    ) -> Bool[Tensor, "batch key"]:
        """Which tokens additive designs do not attend: the mask's, and those whose id is special.

        Raises ValueError when neither says it.
        """
        known = self.config.special_token_ids
        if input_ids is None or known is None:
            if special_tokens_mask is None:
                raise ValueError(
                    f"special_tokens_mask: None given; design {self.config.design!r} does not attend special tokens: "
                    "give a (batch, key) mask that is 1 on them, or input_ids and config.special_token_ids"
                )
            return special_tokens_mask.bool()
        # By id as well as by mask: a [SEP] that a user typed is none to the tokenizer's mask, yet acts as one.
        # (No torch.isin: it has no counterpart in ONNX. No tensor of ids: an accelerator would be waited for.)
        found = torch.zeros_like(input_ids, dtype=torch.bool)
        for token_id in known:
            found = found | (input_ids == token_id)
        return found if special_tokens_mask is None else found | special_tokens_mask.bool()

    def _lower_states(
        self, embedded: Float[Tensor, "batch key hidden"], attention_mask: Tensor | None
    ) -> tuple[Float[Tensor, "batch key hidden"], ...]:
        if attention_mask is not None and embedded.device.type != "cpu" and self.config._attn_implementation == "sdpa":
            # What is made below looks at the mask, and so would wait for an accelerator to finish what it does.
            attention_mask = attention_mask[:, None, None, :].bool()
        mask = create_bidirectional_mask(config=self.config, inputs_embeds=embedded, attention_mask=attention_mask)
        states = [embedded]
        for block in self.bert.encoder.layer[:-1]:
            states.append(block(states[-1], mask))
        return tuple(states)

    def _pooled_logits(
        self,
        weights: Float[Tensor, "batch head key"],
        cls_state: Float[Tensor, "batch hidden"],
        states: Float[Tensor, "batch key hidden"],
    ) -> Float[Tensor, "batch label"]:
        block = self.final_block
        attended = block.attention.output(cls_context(block.attention.self, weights, states), cls_state)
        final_state = block.output(block.intermediate(attended), attended)
        pooler: Any = self.bert.pooler
        logits: Tensor = self.classifier(self.dropout(pooler(final_state[:, None])))
        return logits
