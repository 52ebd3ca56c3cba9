"""How different an attention could be and still lead to the same prediction: exactly where possible, else by search."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from explainable_bert.audit.attention_swaps import SAME_OUTPUT
from explainable_bert.audit.divergences import total_variation
from explainable_bert.audit.outcomes import descriptive, mean, not_applicable
from explainable_bert.audit.reading import StoredTexts, of_rows
from explainable_bert.audit.subject import Answer, Subject
from explainable_bert.results import Check

N_STARTS = 5
# Jain & Wallace take 500 steps of 0.01. Larger steps from peaked starts get as far in fewer: on additive designs of
# two labels, where the exact maximum is known, above 90 % of it on small models.
N_STEPS = 60
_STEP = 0.2
_START_DEVIATION = 4.0
_PENALTY = 500.0
# The search aims at a little less than what is allowed, so that it ends inside.
_AIMED_AT = 0.8 * SAME_OUTPUT

_NAME = "adversarial-attention"


def adversarial_attention(subject: Subject) -> list[Check]:
    """The largest total variation between the map and one that leads to the same prediction, mean over texts.

    The same prediction: the same label, and an output within total variation 0.05. Exact for additive designs of two
    labels, otherwise what gradient search finds: a lower bound.

    Source: Jain & Wallace 2019, section 4.2.2; the exact maximum is this package's.
    """
    exact = subject.additive and subject.model.config.num_labels == 2
    generator = subject.generator(_NAME)
    shifts: list[float] = []
    for texts, found in subject:
        several = texts.given.allowed.sum(dim=1) >= 2
        found_shifts = _exact(subject, texts, found) if exact else _searched(subject, texts, found, generator)
        shifts += found_shifts[several].tolist()
    if not shifts:
        return [not_applicable(_NAME, "no text has two keys to attend.")]
    return [descriptive(_NAME, mean(shifts), len(shifts), _meaning(mean(shifts), exact, subject.additive))]


def _meaning(value: float, exact: bool, additive: bool) -> str:
    how = "The most different map" if exact else "The most different map that was found"
    rest = (
        "Read what each word contributes, not how much it is attended."
        if additive
        else "The weights shown are those used, not the only ones that could have led there."
    )
    return (
        f"{how} with the same prediction differs by {value:.2f} of at most 1 on average. Such maps exist for every "
        f"model of this kind with more keys than labels. {rest}"
    )


def _exact(subject: Subject, texts: StoredTexts, found: Answer) -> Float[Tensor, " batch"]:
    """Largest shifts; nothing limits the number of keys but the model's window, and pairs of 512 take milliseconds."""
    # Weights of one everywhere lay the values bare: what each key would add if it were all that is attended.
    _, values = subject.model.read_out(texts.given, torch.ones_like(found.weights))
    assert values is not None
    shifts = []
    for row, target in enumerate(found.targets.tolist()):
        allowed = texts.given.allowed[row]
        bias = subject.model.classifier.bias.double()
        offset = float(bias[target] - bias[1 - target])
        low, high = _margins_alike(float(found.probabilities[row, target]))
        of_key = (values[row, :, target] - values[row, :, 1 - target]).double()[allowed].numpy()
        weights = found.weights[row, 0].double()[allowed].numpy()
        shifts.append(largest_shift(weights, of_key, low - offset, high - offset))
    return torch.tensor(shifts, dtype=torch.float64)


def _margins_alike(probability: float) -> tuple[float, float]:
    """Between which margins the label stays and its probability moves by no more than 0.05."""
    below, above = probability - SAME_OUTPUT, probability + SAME_OUTPUT
    low = float(np.log(below / (1 - below)))
    return max(0.0, low), float(np.log(above / (1 - above))) if above < 1 else np.inf


def largest_shift(
    weights: Float[np.ndarray, " key"], values: Float[np.ndarray, " key"], low: float, high: float
) -> float:
    """The largest ½ Σ|α̃ - α| over all weights α̃ with low ≤ Σ α̃ v ≤ high.

    Such α̃ form a polytope and total variation is convex, so a corner has the maximum: one key alone whose value lies
    inside, or two whose mixture lies on a bound.
    """
    inside = (values >= low) & (values <= high)
    largest = float((1 - weights[inside]).max(initial=0.0))
    for bound in (low, high):
        if np.isfinite(bound):
            largest = max(largest, _largest_on(bound, weights, values))
    return largest


def _largest_on(bound: float, weights: Float[np.ndarray, " key"], values: Float[np.ndarray, " key"]) -> float:
    above, below = values > bound, values < bound
    over, under = values[above][:, None], values[below][None]
    share = (bound - under) / (over - under)
    of_over, of_under = weights[above][:, None], weights[below][None]
    shifts = (np.abs(share - of_over) + np.abs(1 - share - of_under) + 1 - of_over - of_under) / 2
    return float(shifts.max(initial=0.0))


@torch.enable_grad()
def _searched(
    subject: Subject, texts: StoredTexts, found: Answer, generator: np.random.Generator
) -> Float[Tensor, " batch"]:
    """The largest shift that ascent from five random attentions passes through; each head has weights of its own."""
    rows = torch.arange(len(texts)).repeat_interleave(N_STARTS)
    given, own, output = of_rows(texts.given, rows), found.weights.mean(dim=1)[rows], found.probabilities[rows].float()
    # Heads start alike: otherwise their mean, which is what is shown, would start near uniform.
    drawn = torch.from_numpy(generator.standard_normal(tuple(own.shape), dtype=np.float32)) * _START_DEVIATION
    scores = drawn[:, None].repeat(1, found.weights.shape[1], 1).requires_grad_()
    optimiser = torch.optim.Adam([scores], lr=_STEP, amsgrad=True)
    largest = torch.zeros(len(rows))
    for _ in range(N_STEPS):
        weights = scores.masked_fill(~given.allowed[:, None], torch.finfo(scores.dtype).min).softmax(dim=-1)
        other = subject.model.read_out(given, weights)[0].softmax(dim=-1)
        moved, shift = total_variation(other, output), total_variation(weights.mean(dim=1), own)
        same = (moved <= SAME_OUTPUT) & (other.argmax(dim=-1) == output.argmax(dim=-1))
        largest = torch.where(same, torch.maximum(largest, shift.detach()), largest)
        optimiser.zero_grad()
        (_PENALTY * (moved - _AIMED_AT).clamp(min=0) - shift).sum().backward()
        optimiser.step()
    best: Tensor = largest.unflatten(0, (-1, N_STARTS)).amax(dim=1)
    return best.double()
