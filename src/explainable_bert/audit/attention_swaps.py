"""Does the output need these attention weights: permuted, replaced by uniform ones, and with one key knocked out.

The lower blocks' states stay as they are; only the weights by which the final block mixes them change. In a block of
several heads all of them are changed alike.
"""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from explainable_bert.audit.divergences import jensen_shannon, total_variation
from explainable_bert.audit.outcomes import descriptive, judged, mean, not_applicable, percent
from explainable_bert.audit.reading import StoredTexts
from explainable_bert.audit.subject import Answer, Subject, probabilities
from explainable_bert.results import Check

N_PERMUTATIONS = 100
N_RANDOM_KEYS = 10
# Jain & Wallace 2019 let an attention count as predicting the same when the output moves by no more than 0.05. Other
# weights that move it by less, on average, are therefore by their own criterion as good.
SAME_OUTPUT = 0.05
# A map that puts half of its weight on one word piece says that this one is what matters.
PEAKED = 0.5
# Halfway between chance, 0.5, and always.
KNOCK_OUT_SHARE = 0.75
# Rounding moves probabilities by about 1e-7, and the divergence grows with the square.
_TIED = 1e-12

_PERMUTATION, _PEAKED_PERMUTATION = "attention-permutation", "attention-permutation: peaked maps"
_UNIFORM, _UNIFORM_LABELS, _KNOCK_OUT = "uniform-swap", "uniform-swap: labels", "knock-out"
_ONE_KEY = "no text has two word pieces whose weights could be exchanged."


def attention_permutation(subject: Subject) -> list[Check]:
    """Median total variation of the output over 100 random permutations of the weights on words, mean over texts.

    Once over all texts with two word pieces, once over those whose largest weight is 0.5 or more. Special tokens keep
    their weights.

    Source: Jain & Wallace 2019, section 4.2.1.
    """
    generator = subject.generator(_PERMUTATION)
    medians, peaks = [], []
    for texts, found in subject:
        moved = _moved_by_permutation(subject, texts, found, generator)
        for row in torch.nonzero(texts.movable.sum(dim=1) >= 2)[:, 0].tolist():
            medians.append(float(np.median(moved[row])))
            peaks.append(float((found.weights[row].mean(dim=0) * texts.movable[row]).max()))
    if not medians:
        return [not_applicable(name, _ONE_KEY) for name in (_PERMUTATION, _PEAKED_PERMUTATION)]
    of_peaked = [median for median, peak in zip(medians, peaks, strict=True) if peak >= PEAKED]
    return [_permutation_check(_PERMUTATION, medians, "the map"), _peaked_check(of_peaked)]


def _moved_by_permutation(
    subject: Subject, texts: StoredTexts, found: Answer, generator: np.random.Generator
) -> Float[np.ndarray, "batch draw"]:
    moved = []
    for _ in range(N_PERMUTATIONS):
        order = permutation_of_keys(texts.movable, generator)
        permuted = found.weights.gather(2, order[:, None].expand_as(found.weights))
        other = probabilities(subject.model, texts.given, permuted)
        moved.append(total_variation(other, found.probabilities).numpy())
    return np.stack(moved, axis=1)


def permutation_of_keys(movable: Bool[Tensor, "batch key"], generator: np.random.Generator) -> Int[Tensor, "batch key"]:
    """For every key, whose weight it gets: movable ones exchange theirs at random, the others keep their own."""
    keys = torch.arange(movable.shape[1]).expand(movable.shape)
    drawn = torch.from_numpy(generator.random(tuple(movable.shape)))
    # Movable keys first, once in their order and once in a random one; the others after them in the same order.
    last = 1 + keys
    in_order = torch.where(movable, -1 / last.double(), last.double()).argsort(dim=1)
    at_random = torch.where(movable, -drawn, last.double()).argsort(dim=1)
    return torch.empty_like(in_order).scatter_(1, in_order, at_random)


def _permutation_check(name: str, medians: list[float], what: str) -> Check:
    value = mean(medians)
    return judged(
        name,
        value,
        SAME_OUTPUT,
        "at least",
        len(medians),
        passed=f"Which word gets which weight matters: exchanged at random in {what}, weights move the output by "
        f"{value:.2f} of at most 1 in the median.",
        failed=f"Which word gets which weight hardly matters: exchanged at random in {what}, weights move the output "
        f"by only {value:.3f} of at most 1 in the median. Do not read the weights as reasons.",
    )


def _peaked_check(medians: list[float]) -> Check:
    if not medians:
        reason = f"no text's map puts {PEAKED:g} or more of its weight on one word piece."
        return not_applicable(_PEAKED_PERMUTATION, reason)
    what = f"the {len(medians)} maps that put {PEAKED:g} or more on one word piece"
    return _permutation_check(_PEAKED_PERMUTATION, medians, what)


def uniform_swap(subject: Subject) -> list[Check]:
    """Mean total variation of the output, and the share of labels changed, when all attended keys weigh the same.

    Source: after Wiegreffe & Pinter 2019, section 3.2, who train such a model; here nothing is trained again.
    """
    moved: list[float] = []
    changed: list[bool] = []
    for texts, found in subject:
        several = texts.given.allowed.sum(dim=1) >= 2
        allowed = texts.given.allowed.to(found.weights.dtype)
        uniform = (allowed / allowed.sum(dim=1, keepdim=True).clamp(min=1))[:, None].expand_as(found.weights)
        other = probabilities(subject.model, texts.given, uniform)
        moved += total_variation(other, found.probabilities)[several].tolist()
        changed += (other.argmax(dim=-1) != found.targets)[several].tolist()
    if not moved:
        return [not_applicable(name, "no text has two keys to attend.") for name in (_UNIFORM, _UNIFORM_LABELS)]
    value, share = mean(moved), mean(changed)
    return [
        judged(
            _UNIFORM,
            value,
            SAME_OUTPUT,
            "at least",
            len(moved),
            passed=f"The model needs its weights: equal ones for all word pieces move the output by {value:.2f} of at "
            "most 1 on average.",
            failed=f"The model hardly needs its weights: equal ones for all word pieces move the output by only "
            f"{value:.3f} of at most 1 on average. What decides is in the states that are attended, not in the map.",
        ),
        descriptive(
            _UNIFORM_LABELS,
            share,
            len(changed),
            f"With equal weights for all word pieces {percent(share)} of the texts get another label; the model was "
            "not trained again for them.",
        ),
    ]


def knock_out(subject: Subject) -> list[Check]:
    """How often the output turns more when the key of the largest weight is zeroed than when another one is.

    Turns are Jensen-Shannon divergences; the other key is drawn at random from the text's words, ten times; a tie
    counts half.

    Source: Serrano & Smith 2019, section 4.
    """
    generator = subject.generator(_KNOCK_OUT)
    shares: list[float] = []
    for texts, found in subject:
        rows = torch.nonzero(texts.movable.sum(dim=1) >= 2)[:, 0]
        if len(rows):
            shares += _top_ahead(subject, texts.rows(rows), _of_rows(found, rows), generator)
    if not shares:
        return [not_applicable(_KNOCK_OUT, "no text has two word pieces to compare.")]
    value = mean(shares)
    return [
        judged(
            _KNOCK_OUT,
            value,
            KNOCK_OUT_SHARE,
            "at least",
            len(shares),
            passed=f"The word piece of the largest weight turns the output more than another one in {percent(value)} "
            "of comparisons (chance: 50 %): the map's first place means something, be these turns large or small.",
            failed=f"The word piece of the largest weight turns the output more than another one in only "
            f"{percent(value)} of comparisons (chance: 50 %): do not take the map's first place for what matters most.",
        )
    ]


def _top_ahead(subject: Subject, texts: StoredTexts, found: Answer, generator: np.random.Generator) -> list[float]:
    shown = found.weights.mean(dim=1).masked_fill(~texts.movable, -1.0)
    top = shown.argmax(dim=1)
    others = texts.movable.clone()
    others[torch.arange(len(top)), top] = False
    of_top = _turned(subject, texts, found, top)
    ahead = torch.zeros(len(top), dtype=torch.float64)
    for _ in range(N_RANDOM_KEYS):
        drawn = torch.from_numpy(generator.random(tuple(others.shape))).masked_fill(~others, -1.0)
        gained = of_top - _turned(subject, texts, found, drawn.argmax(dim=1))
        ahead += torch.where(gained.abs() <= _TIED, 0.5, (gained > 0).double())
    return [float(share) for share in ahead / N_RANDOM_KEYS]


def _turned(
    subject: Subject, texts: StoredTexts, found: Answer, keys: Int[Tensor, " batch"]
) -> Float[Tensor, " batch"]:
    rest = found.weights.clone()
    rest[torch.arange(len(keys)), :, keys] = 0.0
    mass = rest.sum(dim=-1, keepdim=True)
    # A sparse head may have attended that key alone: then nothing is left to share its weight.
    rest = torch.where(mass > 0, rest / mass.clamp(min=torch.finfo(rest.dtype).tiny), 0.0)
    return jensen_shannon(probabilities(subject.model, texts.given, rest), found.probabilities)


def _of_rows(found: Answer, rows: Int[Tensor, " row"]) -> Answer:
    contributions = None if found.contributions is None else found.contributions[rows]
    return Answer(found.weights[rows], found.logits[rows], contributions)
