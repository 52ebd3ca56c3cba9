"""Weights drawn anew as before any training, or trained otherwise for a while; and put back."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from explainable_bert.model.classifier import ExplainableBertForSequenceClassification


@contextmanager
def put_back(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Whatever happens inside, the modules have their weights again afterwards."""
    saved = [{name: weight.clone() for name, weight in module.state_dict().items()} for module in modules]
    try:
        yield
    finally:
        for module, weights in zip(modules, saved, strict=True):
            module.load_state_dict(weights)


def top(model: ExplainableBertForSequenceClassification) -> list[nn.Module]:
    """What comes after the lower blocks: the final block, the pooler where there is one, the classifier."""
    pooler: Any = model.bert.pooler
    return [model.final_block, *([] if pooler is None else [pooler]), model.classifier]


@torch.no_grad()
def draw_anew(
    model: ExplainableBertForSequenceClassification, modules: Sequence[nn.Module], generator: np.random.Generator
) -> None:
    """Weights from the initial distribution of BERT, with the classifier centred as `from_base` does it."""
    for module in modules:
        for part in module.modules():
            if isinstance(part, nn.Linear):
                part.weight.copy_(_normal(part.weight, model.config.initializer_range, generator))
                if part.bias is not None:
                    part.bias.zero_()
            elif isinstance(part, nn.LayerNorm):
                part.weight.fill_(1.0)
                part.bias.zero_()
        if module is model.classifier:
            model.classifier.weight.sub_(model.classifier.weight.mean(dim=0, keepdim=True))


def _normal(like: Tensor, deviation: float, generator: np.random.Generator) -> Tensor:
    return torch.from_numpy(generator.standard_normal(tuple(like.shape), dtype=np.float32)) * deviation
