"""Running texts with some of their units erased, many at once, and the explainer that masks one at a time."""

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float

from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, run, target_logits
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.text.encoding import by_length, tokens_at_once
from explainable_bert.text.erasure import ERASURES, Erasure, Variants, staying


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
    """For each text, the target's logit under each row of its `keeps` (variant, unit): True stays, False is masked."""
    found = erased_logits(model, batch, keeps, ERASURES["mask"])
    return [of_text[:, target] for of_text, target in zip(found, targets, strict=True)]


def erased_logits(
    model: ExplainableBertForSequenceClassification,
    batch: TokenBatch,
    keeps: Sequence[Bool[np.ndarray, "_ _"]],
    erasure: Erasure,
) -> list[Float[np.ndarray, "variant label"]]:
    """For each text, all logits under each row of its `keeps` (variant, unit): True stays, False is erased.

    Variants of all texts share the forward passes, those of equal length side by side.
    """
    variants = [_variants(batch, row, keep, erasure) for row, keep in enumerate(keeps)]
    rows = np.repeat(np.arange(len(keeps)), [len(keep) for keep in keeps])
    n_tokens = np.concatenate([of_text.n_tokens for of_text in variants])
    firsts = np.cumsum([0, *(len(keep) for keep in keeps)]).tolist()
    logits = np.empty((len(rows), len(model.classifier.bias)), dtype=np.float64)
    for places in by_length(n_tokens.tolist(), tokens_at_once(batch.input_ids.device.type)):
        inputs = _inputs(batch, [(row, variants[row], place - firsts[row]) for row, place in _each(rows, places)])
        logits[places] = run(model, **inputs)[0].float().cpu().numpy()
    return np.split(logits, firsts[1:-1])


def _each(rows: np.ndarray, places: list[int]) -> list[tuple[int, int]]:
    return list(zip(rows[places].tolist(), places, strict=True))


def _variants(batch: TokenBatch, row: int, keep: Bool[np.ndarray, "variant unit"], erasure: Erasure) -> Variants:
    length = int(batch.attention_mask[row].sum())
    ids, unit_ids = batch.input_ids[row, :length].cpu().numpy(), batch.unit_ids[row, :length].cpu().numpy()
    return erasure.erase(ids, staying(unit_ids, keep), batch.mask_token_id)


def _inputs(batch: TokenBatch, chosen: Sequence[tuple[int, Variants, int]]) -> dict[str, torch.Tensor]:
    """The model's inputs for some variants of some texts: (row of the text, its variants, which of them)."""
    counts = np.array([variants.n_tokens[variant] for _, variants, variant in chosen])
    length, device = int(counts.max()), batch.input_ids.device

    def padded(name: str) -> torch.Tensor:
        parts = [getattr(variants, name)[variant, :length] for _, variants, variant in chosen]
        return torch.from_numpy(np.stack([np.pad(part, (0, length - len(part))) for part in parts])).to(device)

    rows = torch.tensor([row for row, _, _ in chosen], device=device)[:, None]
    tokens = padded("tokens")
    present = torch.arange(length, device=device) < torch.from_numpy(counts).to(device)[:, None]
    return {
        "input_ids": torch.where(present, padded("input_ids"), batch.pad_token_id),
        "attention_mask": present.to(batch.attention_mask.dtype),
        "token_type_ids": batch.token_type_ids[rows, tokens],
        "special_tokens_mask": batch.special[rows, tokens] | ~present,
        "position_ids": padded("positions"),
    }


def spread(batch: TokenBatch, unit_scores: Sequence[Float[np.ndarray, " _"]]) -> Float[torch.Tensor, "batch key"]:
    """Scores of units as scores of tokens that sum to them: each token of a unit has an equal part."""
    scores = np.zeros(tuple(batch.unit_ids.shape), dtype=np.float32)
    for row, of_units in enumerate(unit_scores):
        ids = batch.unit_ids[row].cpu().numpy()
        inside = ids >= 0
        n_tokens = np.bincount(ids[inside], minlength=len(of_units))
        scores[row, inside] = (of_units / np.maximum(n_tokens, 1))[ids[inside]]
    return torch.from_numpy(scores).to(batch.input_ids.device)
