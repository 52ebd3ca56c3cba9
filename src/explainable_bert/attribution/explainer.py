"""What every explainer takes, gives and declares, one padded batch at a time."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from torch import Tensor

from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.model.configuration import Design
from explainable_bert.model.network import FinalInput


@dataclass(frozen=True)
class TokenBatch:
    """Encoded texts as explainers take them; nothing is tokenised again.

    `unit_ids` says which unit (word, or token) a token belongs to, counted from 0 in each text, and -1 for special
    tokens and padding. `special` are the keys that additive designs do not attend. `targets` are the labels to
    explain, by default each text's prediction. What an explainer draws at random depends on `seed` and on the text
    alone.
    """

    input_ids: Int[Tensor, "batch key"]
    attention_mask: Int[Tensor, "batch key"]
    token_type_ids: Int[Tensor, "batch key"]
    special: Bool[Tensor, "batch key"]
    unit_ids: Int[Tensor, "batch key"]
    targets: Int[Tensor, " batch"] | None
    mask_token_id: int
    pad_token_id: int
    seed: int

    def __len__(self) -> int:
        return len(self.input_ids)

    @property
    def inputs(self) -> dict[str, Tensor]:
        """The arguments of the model's forward."""
        return {"input_ids": self.input_ids, **self.context}

    @property
    def context(self) -> dict[str, Tensor]:
        """The arguments of the model's forward but for the tokens themselves."""
        return {
            "attention_mask": self.attention_mask,
            "token_type_ids": self.token_type_ids,
            "special_tokens_mask": self.special,
        }

    def with_units_as(self, token_id: int) -> Int[Tensor, "batch key"]:
        """The tokens with this one in the place of every unit's: where paths to the text begin."""
        return self.input_ids.masked_fill(self.unit_ids >= 0, token_id)

    @property
    def n_units(self) -> list[int]:
        """The number of units of each text."""
        return [int(ids.max()) + 1 for ids in self.unit_ids]

    def chosen(self, logits: Float[Tensor, "batch label"]) -> Int[Tensor, " batch"]:
        """The label to explain for each text."""
        return logits.argmax(dim=-1) if self.targets is None else self.targets

    def generator(self, row: int) -> np.random.Generator:
        """A generator of the text's own: results do not depend on what else is in the batch."""
        ids = self.input_ids[row][self.attention_mask[row].bool()]
        return np.random.default_rng([self.seed, *ids.tolist()])


@dataclass(frozen=True)
class BatchAttribution:
    """Token scores for one target label per text, with what the same passes tell about them.

    `scores` are zero on padding; on special tokens they are whatever the method gives, and never reported; a unit's
    score is the sum over its tokens. `attention` is the [CLS] row of the final block, mean over heads unless the method
    merges them otherwise. `bias` is given where the scores share out the target's logit: bias + scores.sum(key) ==
    target logit, up to the method's error.
    """

    logits: Float[Tensor, "batch label"]
    targets: Int[Tensor, " batch"]
    scores: Float[Tensor, "batch key"]
    attention: Float[Tensor, "batch key"]
    bias: Float[Tensor, " batch"] | None = None


@dataclass(frozen=True)
class Passes:
    """How often a text of n units is run: `fixed` + `per_unit` · n times."""

    fixed: int
    per_unit: int = 0

    def count(self, n_units: int) -> int:
        """The number of passes for a text of `n_units` units."""
        return self.fixed + self.per_unit * n_units

    def __str__(self) -> str:
        if not self.per_unit:
            return str(self.fixed)
        slope = "n" if self.per_unit == 1 else f"{self.per_unit}n"
        return f"{slope} + {self.fixed}" if self.fixed else slope


Attribute = Callable[[ExplainableBertForSequenceClassification, TokenBatch], BatchAttribution]
# What a method is like may depend on the design that it is applied to.
Trait = Callable[[Design], bool]


@dataclass(frozen=True)
class Explainer:
    """An attribution method: how it is applied, and what a reader of its scores has to know.

    `signed`: negative scores speak against the target. `per_label`: another target gives other scores. `forward` and
    `backward` are passes per text, the prediction's own included. `bias_name` says what the bias of a BatchAttribution
    is made of, where there is one. `refusal` says why it cannot explain a design, if so.
    """

    attribute: Attribute
    summary: str
    source: str
    signed: Trait
    per_label: Trait
    forward: Passes
    backward: Passes = Passes(0)
    bias_name: str | None = None
    draws: bool = False
    needs_mask_token: bool = False
    refusal: Callable[[Design], str | None] = lambda _: None


def run(
    model: ExplainableBertForSequenceClassification, **inputs: Tensor
) -> tuple[Float[Tensor, "batch label"], Float[Tensor, "batch key"]]:
    """Logits and the [CLS] row of the final attention, mean over heads; `inputs` are those of the model's forward."""
    _, weights, logits = final_pass(model, **inputs)
    return logits, weights.mean(dim=1)


def final_pass(
    model: ExplainableBertForSequenceClassification, **inputs: Tensor
) -> tuple[FinalInput, Float[Tensor, "batch head key"], Float[Tensor, "batch label"]]:
    """What the final block reads, its [CLS] attention and the logits; `inputs` are those of the model's forward."""
    given = model.final_input(**inputs)
    weights = model.final_attention(given)
    logits, _ = model.read_out(given, weights)
    return given, weights, logits


def target_logits(logits: Float[Tensor, "batch label"], targets: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    """The logit of each text's target."""
    return logits.gather(1, targets[:, None])[:, 0]


def always(_: Design) -> bool:
    """A trait that every design gives."""
    return True


def never(_: Design) -> bool:
    """A trait that no design gives."""
    return False


def in_additive(design: Design) -> bool:
    """A trait that designs with the additive readout give."""
    return design.readout == "additive"
