"""How much of the decision goes through the final attention map, and how much past it in the [CLS] state."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from explainable_bert.audit.outcomes import judged, mean, not_applicable, percent
from explainable_bert.audit.reading import StoredTexts
from explainable_bert.audit.subject import Answer, Subject
from explainable_bert.model.attention import cls_context
from explainable_bert.model.network import FinalInput
from explainable_bert.results import Check

# More of the decision through the map than past it.
HALF = 0.5

_NAME = "share-through-map"

# Margins with the map's part and the residual part there or not: both, map only, residual only, none.
_Game = tuple[Float[Tensor, " batch"], Float[Tensor, " batch"], Float[Tensor, " batch"], Float[Tensor, " batch"]]


def share_through_map(subject: Subject) -> list[Check]:
    """|φ_map| / (|φ_map| + |φ_residual|), in [0, 1], mean over texts.

    φ are the Shapley values of a game of two players for the margin of the predicted label over the next one: what the
    attention brings (from [CLS] itself as well), and the [CLS] state that is carried past it. A player who is absent
    plays its mean over the texts.
    """
    if len(subject) < 2:
        return [not_applicable(_NAME, "it compares with the mean over texts, and needs two of them.", len(subject))]
    shares: list[float] = []
    for both, map_only, residual_only, none in _games(subject):
        of_map = shapley(both, map_only, residual_only, none).abs()
        of_residual = shapley(both, residual_only, map_only, none).abs()
        total = of_map + of_residual
        shares += (of_map / total)[total > 0].tolist()
    if not shares:
        return [not_applicable(_NAME, "all texts have the same margin.", len(subject))]
    value = mean(shares)
    return [judged(_NAME, value, HALF, "at least", len(shares), passed=_good(subject, value), failed=_bad(value))]


def shapley(
    both: Float[Tensor, " batch"], alone: Float[Tensor, " batch"], without: Float[Tensor, " batch"], none: Tensor
) -> Float[Tensor, " batch"]:
    """One player's value in a game of two: the mean of what it adds to nothing and to the other.

    Source: Shapley 1953.
    """
    return ((alone - none) + (both - without)) / 2


def _good(subject: Subject, value: float) -> str:
    if subject.additive:
        return (
            f"{percent(value)} of what moves the decision goes through the weights shown: by the design nothing is "
            "carried past them, and replacing the [CLS] state behind the attention confirms it."
        )
    return (
        f"{percent(value)} of what moves the decision comes through the attention shown; the rest is carried past it "
        "in the [CLS] state, and no map shows that part."
    )


def _bad(value: float) -> str:
    return (
        f"Only {percent(value)} of what moves the decision comes through the attention shown: most is carried past it "
        "in the [CLS] state, where the lower blocks have already decided. The map shows the smaller part."
    )


def _games(subject: Subject) -> list[_Game]:
    return _additive_games(subject) if subject.additive else _pooled_games(subject)


def _margin(logits: Float[Tensor, "batch label"], found: Answer) -> Float[Tensor, " batch"]:
    """The predicted label's logit less the next one's; both labels are those of the whole text."""
    first, second = found.logits.topk(2, dim=-1).indices.T
    return _of_label(logits, first) - _of_label(logits, second)


def _of_label(logits: Float[Tensor, "batch label"], labels: Int[Tensor, " batch"]) -> Float[Tensor, " batch"]:
    return logits.double().gather(1, labels[:, None])[:, 0]


def _pooled_games(subject: Subject) -> list[_Game]:
    attention = subject.model.final_block.attention.self
    brought = [cls_context(attention, found.weights, texts.given.states[-1]) for texts, found in subject]
    carried = [texts.given.cls_state for texts in subject.texts]
    mean_brought, mean_carried = _mean_row(brought), _mean_row(carried)
    games = []
    for found, of_map, residual in zip(subject.answers, brought, carried, strict=True):
        players = (
            (of_map, residual),
            (of_map, mean_carried.expand_as(residual)),
            (mean_brought.expand_as(of_map), residual),
            (mean_brought.expand_as(of_map), mean_carried.expand_as(residual)),
        )
        both, map_only, residual_only, none = (_margin(pooled_logits(subject, *played), found) for played in players)
        games.append((both, map_only, residual_only, none))
    return games


def pooled_logits(
    subject: Subject, brought: Float[Tensor, "batch hidden"], carried: Float[Tensor, "batch hidden"]
) -> Float[Tensor, "batch label"]:
    """The logits of a [CLS] state `carried` to which the heads' `brought` values are added, as in stock BERT."""
    model, block = subject.model, subject.model.final_block
    attended = block.attention.output(brought, carried)
    final_state = block.output(block.intermediate(attended), attended)
    pooler: Any = model.bert.pooler
    logits: Tensor = model.classifier(pooler(final_state[:, None]))
    return logits


def _additive_games(subject: Subject) -> list[_Game]:
    """Games through the model's own readout, with the [CLS] state replaced where the attention no longer asks for it.

    The map's player is the sum of contributions: the logits less the classifier's bias, whatever the [CLS] state is.
    """
    values_from = subject.model.config.values_from
    bias = subject.model.classifier.bias
    mean_carried = _mean_row([_cls_row(texts.given, values_from) for texts in subject.texts])
    mean_brought = _mean_row([found.logits - bias for found in subject.answers])
    games = []
    for texts, found in subject:
        replaced, _ = subject.model.read_out(_with_cls(texts, values_from, mean_carried), found.weights)
        moved = replaced - found.logits
        none = bias + mean_brought.expand_as(found.logits)
        played = (found.logits, replaced, none, none + moved)
        both, map_only, residual_only, neither = (_margin(logits, found) for logits in played)
        games.append((both, map_only, residual_only, neither))
    return games


def _cls_row(given: FinalInput, layer: int) -> Float[Tensor, "batch hidden"]:
    return given.states[layer][torch.arange(len(given.cls_index)), given.cls_index]


def _with_cls(texts: StoredTexts, layer: int, state: Float[Tensor, " hidden"]) -> FinalInput:
    given = texts.given
    changed = given.states[layer].clone()
    changed[torch.arange(len(texts)), given.cls_index] = state
    states = tuple(changed if index == layer else kept for index, kept in enumerate(given.states))
    return dataclasses.replace(given, states=states)


def _mean_row(rows: Sequence[Float[Tensor, "_ width"]]) -> Float[Tensor, " width"]:
    return torch.cat(list(rows)).mean(dim=0)
