"""The forward function in captum's hands: integrated gradients are complete, ablation is our occlusion."""

import pytest
import torch
from captum.attr import FeatureAblation, IntegratedGradients, LayerIntegratedGradients

from explainable_bert.attribution.forward import context_of, forward_func, masked_ids
from explainable_bert.attribution.perturbation import occlusion
from tiny import DESIGNS

TEXTS = ["the film is unbelievable!", "a dull plot"]


@pytest.fixture
def ready(classifier):
    def make(design):
        made = classifier(design)
        return made.model, made.token_batch(TEXTS, target=made.labels[1])

    return make


@pytest.mark.parametrize("design", DESIGNS)
def test_integrated_gradients_are_complete(ready, design):
    model, batch = ready(design)
    forward, layer = forward_func(model), model.bert.embeddings.word_embeddings
    asked = {"target": 1, "additional_forward_args": context_of(batch), "n_steps": 100, "method": "gausslegendre"}
    by_layer = LayerIntegratedGradients(forward, layer).attribute(batch.input_ids, masked_ids(batch), **asked)
    embedded = layer(batch.input_ids).detach(), layer(masked_ids(batch)).detach()
    by_embeddings = IntegratedGradients(forward).attribute(*embedded, **asked)
    context = context_of(batch)
    with torch.no_grad():
        change = (forward(batch.input_ids, *context) - forward(masked_ids(batch), *context))[:, 1]
    assert change.abs().min() > 1e-3
    for found in (by_layer, by_embeddings):
        torch.testing.assert_close(found.sum(dim=(1, 2)).float(), change, atol=2e-3, rtol=1e-2)


@pytest.mark.parametrize("design", DESIGNS)
def test_ablation_is_occlusion(ready, design):
    model, batch = ready(design)
    with torch.no_grad():
        found = FeatureAblation(forward_func(model)).attribute(
            batch.input_ids,
            masked_ids(batch),
            target=1,
            additional_forward_args=context_of(batch),
            feature_mask=batch.unit_ids + 1,  # 0 are the special tokens, which their baseline leaves as they are
        )
    ours = occlusion(model, batch).scores
    for row, units in enumerate(batch.unit_ids):
        for unit in range(int(units.max()) + 1):
            expected = ours[row][units == unit].sum()  # ours shares a unit's score out to its tokens
            torch.testing.assert_close(found[row][units == unit].float()[0], expected, atol=1e-5, rtol=1e-4)
    assert ours.abs().max() > 1e-3
