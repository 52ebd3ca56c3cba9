"""Explainers by gradients to word embeddings: saliency, input x gradient, integrated gradients, SmoothGrad."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, run, target_logits
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.text.encoding import TOKENS_AT_ONCE

N_STEPS = 64
N_NOISY_COPIES = 32
NOISE_SHARE = 0.15


def saliency(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """‖∂y/∂e_j‖₂, with e_j the word embedding of token j and y the target's logit.

    Source: Simonyan et al. 2014; the L2 norm as Bastings et al. 2022.
    """
    found, gradient = _gradient(model, batch)
    return replace(found, scores=gradient.norm(dim=-1))


def input_x_gradient(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """e_j · ∂y/∂e_j, with e_j the word embedding alone.

    Read it with care: embeddings go through a layer norm, which no scale changes, so that the gradient is orthogonal to
    the sum of word, position and token type embeddings: the score equals minus that of position and type.

    Source: Shrikumar et al. 2016.
    """
    found, gradient = _gradient(model, batch)
    return replace(found, scores=(_word_embeddings(model, batch.input_ids) * gradient).sum(dim=-1))


def integrated_gradients(
    baseline_token: str, n_steps: int = N_STEPS
) -> Callable[[ExplainableBertForSequenceClassification, TokenBatch], BatchAttribution]:
    """An explainer that integrates the gradient from a text of [MASK] or [PAD] (`baseline_token`) to the text itself.

    (e_j - e'_j) · ∫ ∂y/∂e_j along the straight path, by Gauss-Legendre quadrature of `n_steps` points; special tokens
    stay what they are, and so does what may be attended: a [PAD] on the path is read like a word. The bias is the logit
    at the baseline, so that the completeness gap is known.

    Source: Sundararajan et al. 2017, equation 1.
    """
    points, point_weights = np.polynomial.legendre.leggauss(n_steps)
    shares = torch.tensor((1 + points) / 2, dtype=torch.float32)
    step_weights = torch.tensor(point_weights / 2, dtype=torch.float32)

    def attribute(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
        found = _prediction(model, batch)
        baseline_id = batch.mask_token_id if baseline_token == "[MASK]" else batch.pad_token_id
        baseline_ids = batch.with_units_as(baseline_id)
        start, end = _word_embeddings(model, baseline_ids), _word_embeddings(model, batch.input_ids)

        def on_path(
            rows: Int[Tensor, " variant"], steps: Int[Tensor, " variant"]
        ) -> Float[Tensor, "variant key hidden"]:
            return torch.lerp(start[rows], end[rows], shares.to(start)[steps][:, None, None])

        mean_gradient = torch.zeros_like(start)
        for rows, steps, gradient in _gradients(model, batch, found.targets, n_steps, on_path):
            mean_gradient.index_add_(0, rows, gradient * step_weights.to(gradient)[steps][:, None, None])
        with torch.inference_mode():
            at_baseline, _ = run(model, inputs_embeds=start, **batch.context)
        scores = ((end - start) * mean_gradient).sum(dim=-1)
        return replace(found, scores=scores, bias=target_logits(at_baseline, found.targets))

    return attribute


def smoothgrad(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """The L2 norm of the mean gradient over 32 copies with Gaussian noise on the embeddings of units.

    The noise has 15 % of the range of the text's embeddings as its standard deviation.

    Source: Smilkov et al. 2017.
    """
    found = _prediction(model, batch)
    embeddings = _word_embeddings(model, batch.input_ids)
    noise = _noise(batch, embeddings)

    def noisy(rows: Int[Tensor, " variant"], copies: Int[Tensor, " variant"]) -> Float[Tensor, "variant key hidden"]:
        return embeddings[rows] + noise[rows, copies]

    mean_gradient = torch.zeros_like(embeddings)
    for rows, _, gradient in _gradients(model, batch, found.targets, N_NOISY_COPIES, noisy):
        mean_gradient.index_add_(0, rows, gradient / N_NOISY_COPIES)
    return replace(found, scores=mean_gradient.norm(dim=-1))


def _noise(batch: TokenBatch, embeddings: Float[Tensor, "batch key hidden"]) -> Float[Tensor, "batch copy key hidden"]:
    """Noise drawn for each text over its own length; none on special tokens."""
    drawn = torch.zeros(len(batch), N_NOISY_COPIES, *embeddings.shape[1:])
    for row in range(len(batch)):
        has_unit = (batch.unit_ids[row] >= 0).cpu()
        own = embeddings[row].cpu()[has_unit].float()
        if len(own) == 0:
            continue
        shape = (N_NOISY_COPIES, len(own), own.shape[-1])
        normal = batch.generator(row).standard_normal(shape, dtype=np.float32)
        drawn[row][:, has_unit] = torch.from_numpy(normal) * NOISE_SHARE * (own.max() - own.min())
    return drawn.to(embeddings)


def _prediction(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """What is to be explained, without scores yet."""
    with torch.no_grad():
        logits, attention = run(model, **batch.inputs)
    return BatchAttribution(logits, batch.chosen(logits), torch.zeros_like(attention), attention)


def _gradient(
    model: ExplainableBertForSequenceClassification, batch: TokenBatch
) -> tuple[BatchAttribution, Float[Tensor, "batch key hidden"]]:
    """What is to be explained, without scores yet, and the gradient of the targets' logits there."""
    with torch.enable_grad():
        embeddings = _word_embeddings(model, batch.input_ids).requires_grad_()
        logits, attention = run(model, inputs_embeds=embeddings, **batch.context)
        targets = batch.chosen(logits)
        (gradient,) = torch.autograd.grad(target_logits(logits, targets).sum(), embeddings)
    attention = attention.detach()
    return BatchAttribution(logits.detach(), targets, torch.zeros_like(attention), attention), gradient


def _gradients(
    model: ExplainableBertForSequenceClassification,
    batch: TokenBatch,
    targets: Int[Tensor, " batch"],
    n_variants: int,
    variant: Callable[[Int[Tensor, " variant"], Int[Tensor, " variant"]], Float[Tensor, "variant key hidden"]],
) -> Iterator[tuple[Int[Tensor, " variant"], Int[Tensor, " variant"], Float[Tensor, "variant key hidden"]]]:
    """Rows, numbers of their variants and gradients there, for `n_variants` of each text's embeddings."""
    every = torch.cartesian_prod(
        torch.arange(len(batch), device=targets.device), torch.arange(n_variants, device=targets.device)
    )
    for rows, numbers in (chunk.unbind(dim=1) for chunk in every.split(_at_once(batch))):
        with torch.enable_grad():
            embeddings = variant(rows, numbers).detach().requires_grad_()
            context = {name: tensor[rows] for name, tensor in batch.context.items()}
            logits, _ = run(model, inputs_embeds=embeddings, **context)
            (gradient,) = torch.autograd.grad(target_logits(logits, targets[rows]).sum(), embeddings)
        yield rows, numbers, gradient


def _at_once(batch: TokenBatch) -> int:
    return max(1, TOKENS_AT_ONCE // batch.input_ids.shape[1])


def _word_embeddings(
    model: ExplainableBertForSequenceClassification, input_ids: Int[Tensor, "batch key"]
) -> Float[Tensor, "batch key hidden"]:
    with torch.no_grad():
        embedded: Tensor = model.bert.embeddings.word_embeddings(input_ids)
    return embedded
