"""Ways to close the gap that were tried and are not in the package: trained and measured as ablations are.

They replace a class of the package while one of their points runs, as nothing in it waits for them.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from unittest.mock import patch

import torch
from jaxtyping import Float
from safetensors.torch import load_model
from torch import Tensor, nn

from explainable_bert.data.corpora import Corpus
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification, load_trained
from explainable_bert.model.network import FinalInput
from explainable_bert.sweep.arm import Point
from explainable_bert.sweep.experiment import load_experiment
from explainable_bert.sweep.point import POINT_FILE, run_point
from explainable_bert.training.run import new_model
from explainable_bert.training.settings import ModelRequest
from explainable_bert.training.trainer import ClassifierTrainer

from . import protocol
from .protocol import EXPLAINABLE, Scale
from .studies import Study

MIXED, TOLD = f"{EXPLAINABLE}, learned mix of value depths", f"{EXPLAINABLE}, masked-word loss"

# So that the mix can leave uniform shares in a few hundred steps at the rate of all other weights.
_MIX_SCALE = 100.0
_WORDS_WEIGHT, _WORDS_SHARE = 0.1, 0.15


class MixedDepths(ExplainableBertForSequenceClassification):
    """Values read from a learned convex mix of the states after every block below the last, embeddings included."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.value_mix = nn.Parameter(torch.zeros(config.num_hidden_layers))

    def value_scores(self, given: FinalInput) -> Float[Tensor, "batch key label"]:
        """The design's, of the mixed states."""
        shares = (_MIX_SCALE * self.value_mix).softmax(dim=0)
        mixed = (shares[:, None, None, None] * torch.stack(given.states)).sum(dim=0)
        return super().value_scores(replace(given, states=(mixed,) * len(given.states)))


class MaskedWords(ClassifierTrainer):
    """Also asks the states that values are read from which word stands there, masked or not, of 15 % of the words."""

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """The package's loss, in training with that of the words."""
        unwrapped: Any = self.accelerator.unwrap_model(model)
        unwrapped.config.output_hidden_states = model.training
        loss, output = super().compute_loss(model, inputs, True, num_items_in_batch)
        if model.training:
            drawn = torch.rand(inputs["input_ids"].shape, generator=self._generator()).to(loss.device) < _WORDS_SHARE
            asked = drawn & ~inputs["special_tokens_mask"].bool()
            states = output.hidden_states[unwrapped.config.values_from][asked]
            # The embeddings stay what they are: the states are to come to them.
            scores = states @ unwrapped.bert.embeddings.word_embeddings.weight.detach().T
            of_words = nn.functional.cross_entropy(scores.float(), inputs["input_ids"][asked], reduction="sum")
            loss = loss + _WORDS_WEIGHT * of_words / asked.sum().clamp(min=1)
        return (loss, output) if return_outputs else loss


def _mixed(request: ModelRequest, corpus: Corpus) -> MixedDepths:
    start = new_model(request, corpus)
    mixed = MixedDepths(start.config)
    mixed.load_state_dict(start.state_dict(), strict=False)
    return mixed


def _load_mixed(source: str) -> MixedDepths:
    mixed = MixedDepths(load_trained(source).config)
    load_model(mixed, Path(source) / "model.safetensors")
    return mixed


_PATCHES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        MIXED: {
            "explainable_bert.training.run.new_model": _mixed,
            "explainable_bert.pipeline.load_trained": _load_mixed,
        },
        TOLD: {"explainable_bert.training.run.ClassifierTrainer": MaskedWords},
    }
)


def run_not_taken(study: Study, scale: Scale) -> None:
    """Train and measure what has no record yet, as the points of the study `ablations` are, whose twins it needs."""
    arms = [replace(protocol.twins(scale)[1], name=name) for name in _PATCHES]
    experiment = load_experiment(arms, study.data, study.measuring)
    for seed in range(scale.seeds_of_ablations):
        for arm in arms:
            point = Point(arm, seed)
            folder = study.models / study.name / point.slug
            if not (folder / POINT_FILE).is_file():
                print(f"{study.models.name}, {study.name}: {point}", flush=True)
                with ExitStack() as replaced:
                    for place, stand_in in _PATCHES[arm.name].items():
                        replaced.enter_context(patch(place, stand_in))
                    run_point(point, experiment, study.models, folder)
