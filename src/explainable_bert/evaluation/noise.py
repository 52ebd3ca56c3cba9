"""Explaining texts with small noise on their word embeddings, for metrics of sensitivity."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float

from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Level
from explainable_bert.text.encoding import TextInput

N_DRAWS = 10
RADIUS = 0.02


def noisy_scores(
    classifier: ExplainableClassifier, texts: Sequence[TextInput], method: str, level: Level, seed: int
) -> list[Float[np.ndarray, "draw unit"]]:
    """Each text's scores under N_DRAWS draws of noise; draws that change the predicted label are left out.

    Noise is uniform in the L∞ ball of RADIUS, one vector per position, the same for all that a method runs.

    Source: Yeh et al. 2019, definition 2.3.
    """
    plain = classifier.predict(texts)
    found: list[list[tuple[float, ...]]] = [[] for _ in texts]
    for draw in range(N_DRAWS):
        with _noise(classifier, np.random.default_rng([seed, draw])):
            explanations = classifier.explain(texts, method, level=level, seed=seed)
        for place, explanation in enumerate(explanations):
            if explanation.prediction.label == plain[place].label:
                found[place].append(explanation.attribution.scores)
    n_units = [len(of_text) for of_text in classifier.units(texts, level)]
    return [
        np.array(scores, dtype=np.float64).reshape(len(scores), n) for scores, n in zip(found, n_units, strict=True)
    ]


@contextmanager
def _noise(classifier: ExplainableClassifier, generator: np.random.Generator) -> Iterator[None]:
    model = classifier.model
    shape = (model.config.max_position_embeddings, model.config.hidden_size)
    noise = torch.from_numpy(generator.uniform(-RADIUS, RADIUS, size=shape)).to(model.device, model.dtype)

    def add(_module: torch.nn.Module, _given: object, embedded: torch.Tensor) -> torch.Tensor:
        return embedded + noise[: embedded.shape[1]]

    handle = model.get_input_embeddings().register_forward_hook(add)
    try:
        yield
    finally:
        handle.remove()
