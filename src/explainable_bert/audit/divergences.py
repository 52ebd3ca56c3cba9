"""How far two distributions are apart: total variation and Jensen-Shannon divergence, row by row."""

import torch
from jaxtyping import Float
from torch import Tensor


def total_variation(one: Float[Tensor, "*rows entry"], other: Float[Tensor, "*rows entry"]) -> Float[Tensor, "*rows"]:
    """½ Σ |p - q|, in [0, 1]: the largest difference in what the two give to any set of entries."""
    return (one - other).abs().sum(dim=-1) / 2


def jensen_shannon(one: Float[Tensor, "*rows entry"], other: Float[Tensor, "*rows entry"]) -> Float[Tensor, "*rows"]:
    """½ KL(p ‖ m) + ½ KL(q ‖ m) in nats, with m the mean of p and q; in [0, ln 2].

    Source: Lin 1991.
    """
    mixture = (one + other) / 2

    def against_mixture(given: Float[Tensor, "*rows entry"]) -> Float[Tensor, "*rows"]:
        # An entry that has nothing adds nothing: 0 · log 0 = 0.
        return torch.xlogy(given, torch.where(given > 0, given / mixture, 1.0)).sum(dim=-1)

    return ((against_mixture(one) + against_mixture(other)) / 2).clamp(min=0.0)
