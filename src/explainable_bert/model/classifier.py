"""The classifier: stock BERT below, the design's final block and readout on top, logits and explanation in one pass."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import AutoModelForSequenceClassification
from transformers.masking_utils import create_bidirectional_mask
from transformers.models.bert.modeling_bert import BertModel, BertPreTrainedModel
from transformers.utils.generic import ModelOutput, can_return_tuple

from explainable_bert.errors import ModelError
from explainable_bert.model.attention import (
    attention_map,
    cls_attention,
    cls_context,
    final_block,
    label_directions,
)
from explainable_bert.model.checkpoint import checked_base, checked_loading, refuse_missing
from explainable_bert.model.configuration import ExplainableBertConfig


@dataclass
class ExplainableBertOutput(ModelOutput):
    """What one forward pass gives.

    `attention` is the [CLS] row of the final attention (mean over heads for `vanilla`), zero on padding and, for
    additive designs, on special tokens. `contributions` (additive designs) sum over keys, with the classifier's bias,
    to the logits. `attention_map` has every row, where asked for. `hidden_states` run from the embeddings to the
    final block's input: the final block computes the [CLS] state only.
    """

    loss: Float[Tensor, ""] | None = None
    logits: Float[Tensor, "batch label"] | None = None
    attention: Float[Tensor, "batch key"] | None = None
    contributions: Float[Tensor, "batch key label"] | None = None
    attention_map: Float[Tensor, "batch query key"] | None = None
    hidden_states: tuple[Float[Tensor, "batch key hidden"], ...] | None = None


class ExplainableBertForSequenceClassification(BertPreTrainedModel):
    """BERT for sequence classification in one of the designs of ExplainableBertConfig.

    Parameter names are those of BertForSequenceClassification; additive designs lack the pooler and most of the
    final block. `from_base` starts a design from any BERT checkpoint, `from_pretrained` loads a saved one.
    """

    config_class = ExplainableBertConfig
    # Heads of other tasks, and the parts of the final block that additive designs do without.
    _keys_to_ignore_on_load_unexpected = [  # noqa: RUF012
        r"^cls\.",
        r"pooler",
        r"encoder\.layer\.\d+\.",
        r"position_ids",
    ]

    def __init__(self, config: ExplainableBertConfig) -> None:
        super().__init__(config)
        self.num_labels = config.num_labels
        self.bert = BertModel(config, add_pooling_layer=config.readout == "pooler")
        self.bert.encoder.layer[-1] = final_block(config)
        rate = config.hidden_dropout_prob if config.classifier_dropout is None else config.classifier_dropout
        self.dropout = nn.Dropout(rate)
        self.classifier = nn.Linear(config.hidden_size, len(config.id2label or ()))
        self.post_init()

    @classmethod
    def from_base(
        cls,
        name_or_folder: str | Path,
        design: str = "single-head",
        value_layer: int | None = None,
        num_labels: int = 2,
        **config: Any,
    ) -> "ExplainableBertForSequenceClassification":
        """Start `design` from a BERT checkpoint: a folder, a hub name, or `minilm`.

        Any stock class serves (BertModel, BertForMaskedLM, BertForSequenceClassification, sentence-transformers
        folders); a classifier is kept where it has `num_labels` outputs, else it is drawn anew. `config` are further
        fields of ExplainableBertConfig.

        Raises ModelError when the checkpoint is no BERT, has no safetensors weights, or the config does not fit.
        """
        base = checked_base(name_or_folder)
        settings = {**base.config, **({} if base.n_labels == num_labels else {"id2label": None, "label2id": None})}
        settings |= {"num_labels": num_labels, "special_token_ids": base.special_token_ids, **config}
        family_config = ExplainableBertConfig(**settings, design=design, value_layer=value_layer)
        with checked_loading(str(name_or_folder)):
            loaded: Any = super().from_pretrained(
                base.source,
                config=family_config,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        model: ExplainableBertForSequenceClassification
        model, report = loaded
        # A base need not have a classifier, nor a pooler: those are drawn anew.
        refuse_missing(report, str(name_or_folder), "base", may_be_new=("classifier.", "bert.pooler."))
        return model

    @classmethod
    def from_pretrained(  # type: ignore[override]  # its options pass through as they are
        cls, pretrained_model_name_or_path: str | Path, *args: Any, **kwargs: Any
    ) -> Any:
        """Load a saved model as transformers does, from safetensors only.

        Raises ModelError when the folder holds no model that can be loaded.
        """
        if kwargs.setdefault("use_safetensors", True) is not True:
            raise ModelError("use_safetensors: False given; weights are loaded from safetensors only")
        with checked_loading(str(pretrained_model_name_or_path)):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    @can_return_tuple
    def forward(
        self,
        input_ids: Int[Tensor, "batch key"] | None = None,
        attention_mask: Int[Tensor, "batch key"] | Bool[Tensor, "batch key"] | None = None,
        token_type_ids: Int[Tensor, "batch key"] | None = None,
        special_tokens_mask: Int[Tensor, "batch key"] | Bool[Tensor, "batch key"] | None = None,
        inputs_embeds: Float[Tensor, "batch key hidden"] | None = None,
        labels: Int[Tensor, " batch"] | None = None,
        return_attention_map: bool = False,
        output_hidden_states: bool = False,
    ) -> ExplainableBertOutput:
        """Logits and their explanation for a padded batch; padding may be on either side.

        `special_tokens_mask` is 1 on [CLS], [SEP] and padding; without it they are found by `special_token_ids` of
        the config. Raises ValueError unless exactly one of `input_ids` and `inputs_embeds` is given, and when an
        additive design cannot tell which tokens are special.
        """
        given = input_ids if inputs_embeds is None else inputs_embeds
        if given is None or (input_ids is not None and inputs_embeds is not None):
            raise ValueError("input_ids, inputs_embeds: give exactly one of them")
        everywhere = torch.ones(given.shape[:2], dtype=torch.bool, device=given.device)
        present = everywhere if attention_mask is None else attention_mask.bool()
        allowed = present
        if self.config.readout == "additive":
            allowed = present & ~self._special(input_ids, special_tokens_mask)
        # [CLS] is the first token that is no padding: positions count from it, whatever the padding side.
        cls_index = present.int().argmax(dim=-1)
        position_ids = (torch.arange(given.shape[1], device=given.device) - cls_index[:, None]).clamp(min=0)
        embedded = self.bert.embeddings(
            input_ids=input_ids,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            inputs_embeds=inputs_embeds,
        )
        states = self._lower_states(embedded, attention_mask)
        return self._read_out(
            states,
            cls_index,
            allowed,
            labels,
            queries=present if return_attention_map else None,
            output_hidden_states=output_hidden_states,
        )

    @property
    def _final_block(self) -> Any:  # to a type checker, the parts of a torch module may be tensors
        return self.bert.encoder.layer[-1]

    def _special(
        self, input_ids: Int[Tensor, "batch key"] | None, special_tokens_mask: Tensor | None
    ) -> Bool[Tensor, "batch key"]:
        if special_tokens_mask is not None:
            return special_tokens_mask.bool()
        if input_ids is None:
            raise ValueError(
                f"special_tokens_mask: None given; design {self.config.design!r} does not attend special tokens "
                "and cannot tell them from inputs_embeds: give a (batch, key) mask that is 1 on them"
            )
        if self.config.special_token_ids is None:
            raise ValueError(
                f"special_tokens_mask: None given; design {self.config.design!r} does not attend special tokens: "
                "give the mask, or set config.special_token_ids"
            )
        return torch.isin(input_ids, torch.tensor(self.config.special_token_ids, device=input_ids.device))

    def _lower_states(
        self, embedded: Float[Tensor, "batch key hidden"], attention_mask: Tensor | None
    ) -> tuple[Float[Tensor, "batch key hidden"], ...]:
        mask = create_bidirectional_mask(config=self.config, inputs_embeds=embedded, attention_mask=attention_mask)
        states = [embedded]
        for block in self.bert.encoder.layer[:-1]:
            states.append(block(states[-1], mask))
        return tuple(states)

    def _read_out(
        self,
        states: tuple[Float[Tensor, "batch key hidden"], ...],
        cls_index: Int[Tensor, " batch"],
        allowed: Bool[Tensor, "batch key"],
        labels: Int[Tensor, " batch"] | None,
        queries: Bool[Tensor, "batch key"] | None,
        output_hidden_states: bool,
    ) -> ExplainableBertOutput:
        attention = self._final_block.attention.self
        function = self.config.attention_function
        cls_state = states[-1][torch.arange(len(cls_index), device=cls_index.device), cls_index]
        weights = cls_attention(attention, cls_state, states[-1], allowed, function)
        contributions = None
        if self.config.readout == "additive":
            contributions = self._contributions(attention.dropout(weights), states[self.config.values_from])
            logits = self.classifier.bias + contributions.sum(dim=1)
        else:
            logits = self._pooled_logits(attention.dropout(weights), cls_state, states[-1])
        whole = None if queries is None else attention_map(attention, states[-1], queries, allowed, function)
        return ExplainableBertOutput(
            loss=None if labels is None else nn.functional.cross_entropy(logits.float(), labels),
            logits=logits,
            attention=weights.mean(dim=1),
            contributions=contributions,
            attention_map=whole,
            hidden_states=states if output_hidden_states else None,
        )

    def _contributions(
        self, weights: Float[Tensor, "batch 1 key"], value_states: Float[Tensor, "batch key hidden"]
    ) -> Float[Tensor, "batch key label"]:
        directions = label_directions(self._final_block, self.classifier.weight)
        return weights.transpose(1, 2) * nn.functional.linear(value_states, directions)

    def _pooled_logits(
        self,
        weights: Float[Tensor, "batch head key"],
        cls_state: Float[Tensor, "batch hidden"],
        states: Float[Tensor, "batch key hidden"],
    ) -> Float[Tensor, "batch label"]:
        block = self._final_block
        attended = block.attention.output(cls_context(block.attention.self, weights, states), cls_state)
        final_state = block.output(block.intermediate(attended), attended)
        pooler: Any = self.bert.pooler
        logits: Tensor = self.classifier(self.dropout(pooler(final_state[:, None])))
        return logits


AutoModelForSequenceClassification.register(ExplainableBertConfig, ExplainableBertForSequenceClassification)
