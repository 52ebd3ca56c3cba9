"""The final block, pooler and classifier trained on stored states; the lower blocks stay as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from explainable_bert.audit.drawing_anew import top
from explainable_bert.audit.reading import StoredTexts
from explainable_bert.audit.subject import answer
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification


@dataclass(frozen=True)
class Training:
    """Steps of AdamW, each over all texts, and their learning rate."""

    n_steps: int
    learning_rate: float

    def __str__(self) -> str:
        return f"{self.n_steps} steps of AdamW at {self.learning_rate:g}"


@torch.enable_grad()
def retrain(
    model: ExplainableBertForSequenceClassification,
    texts: Sequence[StoredTexts],
    labels: Sequence[Int[Tensor, " _"]],
    training: Training,
) -> None:
    """Train the top of the model in place, without dropout; the caller puts its weights back."""
    weights = [weight for module in top(model) for weight in module.parameters()]
    n_texts = sum(len(stored) for stored in texts)
    for weight in weights:
        weight.requires_grad_(True)
    optimiser = torch.optim.AdamW(weights, lr=training.learning_rate)
    for _ in range(training.n_steps):
        optimiser.zero_grad()
        for stored, of_texts in zip(texts, labels, strict=True):
            logits = answer(model, stored.given).logits
            (cross_entropy(logits, of_texts, reduction="sum") / n_texts).backward()
        optimiser.step()
    for weight in weights:
        weight.requires_grad_(False)
        weight.grad = None


def share_correct(
    model: ExplainableBertForSequenceClassification,
    texts: Sequence[StoredTexts],
    labels: Sequence[Int[Tensor, " _"]],
) -> float:
    """The share of texts whose prediction is the label given."""
    right = [answer(model, stored.given).targets == of_texts for stored, of_texts in zip(texts, labels, strict=True)]
    return float(torch.cat(right).double().mean())
