"""The model family's config: the named designs and what each does to the final block."""

import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from transformers import AutoConfig, BertConfig, PreTrainedConfig

from explainable_bert.errors import ModelError

# Of model folders, in config.json: what a newer version writes otherwise, an older one refuses.
FORMAT_VERSION = 1

AttentionFunction = Literal["softmax", "entmax15", "sparsemax", "uniform"]
ATTENTION_FUNCTIONS: tuple[AttentionFunction, ...] = ("softmax", "entmax15", "sparsemax", "uniform")


@dataclass(frozen=True)
class Design:
    """What a design changes in the final block of BERT.

    `default_value_layer` maps the number of blocks to the states the values are read from (0 = embeddings);
    `free_value_layer` says whether another one may be chosen; `has_twin`, whether training starts from a vanilla twin,
    is taught by it, and keeps values apart.
    """

    single_head: bool
    readout: Literal["pooler", "additive"]
    default_value_layer: Callable[[int], int]
    free_value_layer: bool
    summary: str
    has_twin: bool = False


def _last(n_blocks: int) -> int:
    return n_blocks - 1


def _a_third(n_blocks: int) -> int:
    return n_blocks // 3


def _a_sixth(n_blocks: int) -> int:
    return n_blocks // 6


DESIGNS: Mapping[str, Design] = MappingProxyType(
    {
        "vanilla": Design(False, "pooler", _last, False, "stock BERT, the twin for every comparison"),
        "single-head": Design(True, "pooler", _last, False, "one full-width head in the final block, same parameters"),
        "additive": Design(True, "additive", _last, False, "logit = bias + sum of contributions, exactly"),
        "lexical": Design(
            True, "additive", _a_third, True, "additive, with values read from states close to the words"
        ),
        "explainable": Design(
            True,
            "additive",
            _a_sixth,
            True,
            "the default: values closer still, taught by a vanilla twin",
            has_twin=True,
        ),
    }
)


def check_design(design: str) -> None:
    """Raise ModelError when there is no design of that name."""
    if not isinstance(design, str) or design not in DESIGNS:
        raise ModelError(f"design: {design!r} given; accepted: {', '.join(DESIGNS)}")


def has_twin(design: str) -> bool:
    """Whether the design is one that is trained from a twin; False for names that are none."""
    return design in DESIGNS and DESIGNS[design].has_twin


class ExplainableBertConfig(BertConfig):
    """BertConfig plus the design of the final block.

    `design` is a name in DESIGNS. `value_layer` k makes the final values be read from the states after block k, with 0
    for the embeddings; None takes the design's default: the last states, a third of the depth for `lexical`, a sixth
    for `explainable`. `attention_function` turns final attention scores into weights: softmax, the sparse entmax15
    (Peters et al. 2019) or sparsemax (Martins & Astudillo 2016), or, as a control that does not choose, uniform.
    `special_token_ids` are the ids of [CLS], [SEP] and [PAD], which additive designs do not attend; without them
    `forward` needs a `special_tokens_mask`.

    Raises ModelError on a design, value layer or attention function that does not exist or does not fit.
    """

    model_type = "explainable_bert"
    # What Trainer leaves out of the gathered predictions: maps have as many columns as the longest text of a batch.
    keys_to_ignore_at_inference: ClassVar[list[str]] = [
        "attention",
        "value_scores",
        "contributions",
        "attention_map",
        "hidden_states",
    ]

    format_version: int = FORMAT_VERSION
    design: str = "single-head"
    value_layer: int | None = None
    attention_function: str = "softmax"
    special_token_ids: list[int] | None = None

    def __post_init__(self, **kwargs: Any) -> None:
        super().__post_init__(**kwargs)
        self._check()

    @property
    def _traits(self) -> Design:
        return DESIGNS[self.design]

    @property
    def n_final_heads(self) -> int:
        """Heads of the final block: one, or the base's number for `vanilla`."""
        return 1 if self._traits.single_head else self.num_attention_heads

    @property
    def readout(self) -> Literal["pooler", "additive"]:
        """How the final attention becomes logits: BERT's pooler, or an exact sum of contributions."""
        return self._traits.readout

    @property
    def values_from(self) -> int:
        """The states that final values are read from, `value_layer` or the design's default: 0 to last block - 1."""
        if self.value_layer is not None:
            return self.value_layer
        return self._traits.default_value_layer(self.num_hidden_layers)

    def _check(self) -> None:
        check_design(self.design)
        if self.attention_function not in ATTENTION_FUNCTIONS:
            accepted = ", ".join(ATTENTION_FUNCTIONS)
            raise ModelError(f"attention_function: {self.attention_function!r} given; accepted: {accepted}")
        if self.attention_function != "softmax" and not self._traits.single_head:
            raise ModelError(f"attention_function: {self.attention_function!r} given; vanilla accepts softmax only")
        if self.value_layer is not None and type(self.value_layer) is not int:
            raise ModelError(f"value_layer: {self.value_layer!r} given; accepted: a whole number, or none")
        last = self.num_hidden_layers - 1
        if not 0 <= self.values_from <= last:
            raise ModelError(f"value_layer: {self.value_layer} given; accepted: 0 (embeddings) to {last}")
        if not self._traits.free_value_layer and self.values_from != last:
            raise ModelError(
                f"value_layer: {self.value_layer} given; design {self.design!r} reads the last states ({last}): "
                "use design 'explainable' or 'lexical' for other value layers"
            )
        if self.num_labels is not None and self.num_labels < 2:
            raise ModelError(f"num_labels: {self.num_labels} given; accepted: 2 or more")


def label_names(config: PreTrainedConfig) -> tuple[str, ...]:
    """The names of the labels in the order of the logits; raises ModelError where a logit has none."""
    names: dict[Any, str] = config.id2label or {}
    if set(names) != set(range(len(names))):
        raise ModelError(f"id2label: names of {reprlib.repr(list(names))} given; accepted: of 0 to {len(names) - 1}")
    return tuple(names[index] for index in range(len(names)))


AutoConfig.register(ExplainableBertConfig.model_type, ExplainableBertConfig)
