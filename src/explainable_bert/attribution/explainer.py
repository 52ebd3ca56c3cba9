"""What every explainer takes and gives, one batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from explainable_bert.model.classifier import ExplainableBertForSequenceClassification


@dataclass(frozen=True)
class BatchAttribution:
    """Token scores for one target label per text, with what the same passes tell about them.

    `scores` are zero on padding; on special tokens they are whatever the method gives, and never reported.
    `special_token_mass` is the attention on special tokens, in [0, 1]. `bias` and `target_logits` are given where the
    scores are an exact decomposition: bias + scores.sum(key) == target_logits.
    """

    logits: Float[np.ndarray, "batch label"]
    targets: Int[np.ndarray, " batch"]
    scores: Float[np.ndarray, "batch key"]
    signed: bool
    special_token_mass: Float[np.ndarray, " batch"]
    bias: Float[np.ndarray, " batch"] | None = None
    target_logits: Float[np.ndarray, " batch"] | None = None


class Explainer(Protocol):
    """Scores a padded batch for the given targets, by default for each text's prediction."""

    def __call__(
        self,
        model: ExplainableBertForSequenceClassification,
        inputs: dict[str, Tensor],
        targets: Sequence[int] | None,
    ) -> BatchAttribution:
        """Attribute; `inputs` are those of the model's forward, `special_tokens_mask` among them."""
        ...
