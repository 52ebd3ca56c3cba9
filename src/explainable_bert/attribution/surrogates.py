"""Explainers that fit a linear model to the logits of masked variants of the text: LIME and KernelSHAP."""

import itertools
import math

import numpy as np
import torch
from jaxtyping import Bool, Float, Int

from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, run, target_logits
from explainable_bert.attribution.perturbation import masked_target_logits, spread
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification

N_SAMPLES = 256
# In cosine distances times 100, as in the authors' code for text.
_LIME_KERNEL_WIDTH = 25.0
_LIME_RIDGE = 1.0


@torch.inference_mode()
def lime(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """Weights of a ridge regression of the target's logit on which units are there, near the whole text.

    256 variants, each with a uniform number of random units masked; weighted by exp(-d²/25²), d = 100 times the cosine
    distance to the whole text; penalty 1. The authors' code for text differs: 5 000 variants, words deleted wherever
    they occur, the probability instead of the logit, and the root of that weight.

    Source: Ribeiro et al. 2016, section 3.
    """
    logits, attention = run(model, **batch.inputs)
    targets = batch.chosen(logits)
    keeps = [_lime_samples(batch.generator(row), n_units) for row, n_units in enumerate(batch.n_units)]
    found = masked_target_logits(model, batch, targets.tolist(), keeps)
    weights = [_ridge(keep, values) for keep, values in zip(keeps, found, strict=True)]
    return BatchAttribution(logits, targets, spread(batch, weights), attention)


@torch.inference_mode()
def kernel_shap(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """Shapley values of the target's logit by weighted regression; they sum to the logit less that of all units masked.

    Exact where all 2^n - 2 coalitions fit into 256 + 2n samples, else estimated from pairs of complementary ones.

    Source: Lundberg & Lee 2017, theorem 2; paired sampling of Covert & Lee 2021.
    """
    logits, attention = run(model, **batch.inputs)
    targets = batch.chosen(logits)
    coalitions = [_coalitions(batch.generator(row), n_units) for row, n_units in enumerate(batch.n_units)]
    # The empty coalition goes first; that of all units is the text itself, and run already.
    keeps = [np.vstack([np.zeros((1, keep.shape[1]), dtype=bool), keep]) for keep, _ in coalitions]
    found = masked_target_logits(model, batch, targets.tolist(), keeps)
    whole = target_logits(logits, targets).float().cpu().numpy()
    values = [
        _shapley(keep, weights, of_text[1:] - of_text[0], float(whole[row] - of_text[0]))
        for row, ((keep, weights), of_text) in enumerate(zip(coalitions, found, strict=True))
    ]
    bias = torch.tensor([of_text[0] for of_text in found], dtype=torch.float32, device=logits.device)
    return BatchAttribution(logits, targets, spread(batch, values), attention, bias)


def _lime_samples(generator: np.random.Generator, n_units: int) -> Bool[np.ndarray, "variant unit"]:
    """The whole text, and variants with 1 to n units masked."""
    if n_units == 0:
        return np.ones((1, 0), dtype=bool)
    n_masked = generator.integers(1, n_units + 1, size=N_SAMPLES - 1)
    ranks = random_ranks(generator, N_SAMPLES - 1, n_units)
    return np.vstack([np.ones((1, n_units), dtype=bool), ranks >= n_masked[:, None]])


def random_ranks(generator: np.random.Generator, n_variants: int, n_units: int) -> Int[np.ndarray, "variant unit"]:
    """A random order of the units for each variant."""
    return generator.permuted(np.tile(np.arange(n_units), (n_variants, 1)), axis=1)


def _ridge(keep: Bool[np.ndarray, "variant unit"], values: Float[np.ndarray, " variant"]) -> Float[np.ndarray, " unit"]:
    if keep.shape[1] == 0:
        return np.zeros(0)
    # Cosine similarity of a 0/1 vector to the vector of ones is the root of its share of ones.
    distance = 100 * (1 - np.sqrt(keep.mean(axis=1)))
    weights = np.exp(-((distance / _LIME_KERNEL_WIDTH) ** 2))
    mean_keep, mean_value = np.average(keep, axis=0, weights=weights), np.average(values, weights=weights)
    centred = keep - mean_keep
    gram = (centred * weights[:, None]).T @ centred + _LIME_RIDGE * np.eye(keep.shape[1])
    return np.asarray(np.linalg.solve(gram, (centred * weights[:, None]).T @ (values - mean_value)))


def _coalitions(
    generator: np.random.Generator, n_units: int
) -> tuple[Bool[np.ndarray, "variant unit"], Float[np.ndarray, " variant"]]:
    """Coalitions other than none and all, with their weights in the regression."""
    if n_units < 2:
        return np.ones((0, n_units), dtype=bool), np.ones(0)
    n_samples = N_SAMPLES + 2 * n_units
    if 2**n_units - 2 <= n_samples:
        keep = np.array(list(itertools.product([False, True], repeat=n_units)), dtype=bool)[1:-1]
        return keep, np.array([_shapley_kernel(n_units, int(row.sum())) for row in keep], dtype=np.float64)
    sizes = np.arange(1, n_units)
    mass = (n_units - 1) / (sizes * (n_units - sizes))
    drawn = generator.choice(sizes, size=n_samples // 2, p=mass / mass.sum())
    ranks = random_ranks(generator, len(drawn), n_units)
    half = ranks < drawn[:, None]
    return np.vstack([half, ~half]), np.ones(2 * len(half))


def _shapley_kernel(n_units: int, size: int) -> float:
    return (n_units - 1) / (math.comb(n_units, size) * size * (n_units - size))


def _shapley(
    keep: Bool[np.ndarray, "variant unit"],
    weights: Float[np.ndarray, " variant"],
    values: Float[np.ndarray, " variant"],
    total: float,
) -> Float[np.ndarray, " unit"]:
    """Least squares for values ≈ keep · φ, under Σφ = total, which the last unit is eliminated by."""
    if keep.shape[1] < 2:
        return np.full(keep.shape[1], total)
    last = keep[:, -1].astype(np.float64)
    design = (keep[:, :-1] - last[:, None]) * np.sqrt(weights)[:, None]
    others, *_ = np.linalg.lstsq(design, (values - last * total) * np.sqrt(weights), rcond=None)
    return np.append(others, total - others.sum())
