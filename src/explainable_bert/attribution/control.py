"""The random control: scores that know nothing of the model, the floor for every comparison."""

import torch

from explainable_bert.attribution.explainer import BatchAttribution, TokenBatch, run
from explainable_bert.attribution.perturbation import spread
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification


@torch.inference_mode()
def random_control(model: ExplainableBertForSequenceClassification, batch: TokenBatch) -> BatchAttribution:
    """A standard normal score for each unit, the same for the same text and seed."""
    logits, attention = run(model, **batch.inputs)
    drawn = [batch.generator(row).standard_normal(n_units) for row, n_units in enumerate(batch.n_units)]
    return BatchAttribution(logits, batch.chosen(logits), spread(batch, drawn), attention)
