"""Running texts with some of their units masked, many at once, and the explainer that masks one at a time."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float

from explainable_bert.attribution.explainer import TOKENS_AT_ONCE, BatchAttribution, TokenBatch, run, target_logits
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.text.erasure import mask_units


@torch.inference_mode()
def occlusion(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """The drop of the target's logit when a unit is masked by [MASK], unit by unit.

    Source: Zeiler & Fergus 2014; leave-one-out of Li et al. 2016.
    """
    logits, attention = run(model, **batch.inputs)
    targets = batch.chosen(logits)
    whole = target_logits(logits, targets).float().cpu().numpy()
    keeps = [~np.eye(n_units, dtype=bool) for n_units in batch.n_units]
    without = masked_target_logits(model, batch, targets.tolist(), keeps)
    drops = [whole[row] - of_text for row, of_text in enumerate(without)]
    return BatchAttribution(logits, targets, spread(batch, drops), attention)


def masked_target_logits(
    model: ExplainableBertForSequenceClassification,
    batch: TokenBatch,
    targets: Sequence[int],
    keeps: Sequence[Bool[np.ndarray, "_ _"]],
) -> list[Float[np.ndarray, " variant"]]:
    """For each text, the target's logit under each row of its `keeps` (variant, unit): True stays, False is masked.

    Variants of all texts share the forward passes.
    """
    ids, unit_ids = batch.input_ids.cpu().numpy(), batch.unit_ids.cpu().numpy()
    variants = np.concatenate(
        [mask_units(ids[row], unit_ids[row], keep, batch.mask_token_id) for row, keep in enumerate(keeps)]
    )
    rows = np.repeat(np.arange(len(keeps)), [len(keep) for keep in keeps])
    logits = np.empty(len(rows), dtype=np.float64)
    lengths = batch.attention_mask.sum(dim=1).cpu().numpy()[rows]
    for chunk in _chunks(lengths):
        row, length = torch.from_numpy(rows[chunk]), int(lengths[chunk].max())
        context = {name: tensor[row.to(tensor.device), :length] for name, tensor in batch.context.items()}
        chunk_ids = torch.from_numpy(variants[chunk, :length]).to(batch.input_ids.device)
        found = run(model, input_ids=chunk_ids, **context)[0].float().cpu().numpy()
        logits[chunk] = found[np.arange(len(found)), np.asarray(targets)[rows[chunk]]]
    return np.split(logits, np.cumsum([len(keep) for keep in keeps])[:-1])


def spread(batch: TokenBatch, unit_scores: Sequence[Float[np.ndarray, " _"]]) -> Float[torch.Tensor, "batch key"]:
    """Scores of units as scores of tokens that sum to them: each token of a unit has an equal part."""
    scores = np.zeros(tuple(batch.unit_ids.shape), dtype=np.float32)
    for row, of_units in enumerate(unit_scores):
        ids = batch.unit_ids[row].cpu().numpy()
        inside = ids >= 0
        n_tokens = np.bincount(ids[inside], minlength=len(of_units))
        scores[row, inside] = (of_units / np.maximum(n_tokens, 1))[ids[inside]]
    return torch.from_numpy(scores).to(batch.input_ids.device)


def _chunks(lengths: np.ndarray) -> list[slice]:
    """Consecutive variants of about TOKENS_AT_ONCE tokens, padding included."""
    chunks, start = [], 0
    while start < len(lengths):
        size = max(1, TOKENS_AT_ONCE // int(lengths[start : start + TOKENS_AT_ONCE].max()))
        chunks.append(slice(start, min(start + size, len(lengths))))
        start += size
    return chunks
