"""The explanation a design comes with, from the forward pass that makes the prediction."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from explainable_bert.attribution.explainer import BatchAttribution
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification


def built_in(
    model: ExplainableBertForSequenceClassification,
    inputs: dict[str, Tensor],
    targets: Sequence[int] | None,
) -> BatchAttribution:
    """Contributions to the target's logit (additive designs), or the [CLS] row of the final attention.

    One forward pass; signed and per label for contributions, neither for attention.
    """
    output = model(**inputs)
    logits = output.logits.float()
    chosen = logits.argmax(dim=-1) if targets is None else torch.tensor(targets, device=logits.device)
    special = inputs["special_tokens_mask"].bool()
    mass = (output.attention.float() * special).sum(dim=-1)
    if output.contributions is None:
        return BatchAttribution(
            logits=_numpy(logits),
            targets=_numpy(chosen),
            scores=_numpy(output.attention),
            signed=False,
            special_token_mass=_numpy(mass),
        )
    rows = torch.arange(len(chosen), device=chosen.device)
    return BatchAttribution(
        logits=_numpy(logits),
        targets=_numpy(chosen),
        scores=_numpy(output.contributions[rows, :, chosen]),
        signed=True,
        special_token_mass=_numpy(mass),
        bias=_numpy(model.classifier.bias[chosen]),
        target_logits=_numpy(logits[rows, chosen]),
    )


def _numpy(tensor: Tensor) -> np.ndarray:
    wide = tensor.detach().float() if tensor.is_floating_point() else tensor.detach()
    return np.asarray(wide.cpu().numpy())
