"""What the checks work on: the audit's own copy of the model, the texts as its final block reads them, its answers."""

import copy
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from explainable_bert.audit.reading import StoredTexts, read
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.model.network import FinalInput
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.text.encoding import Encoding


@dataclass(frozen=True)
class Answer:
    """The final block's attention for [CLS] and what follows from it; `contributions` in additive designs."""

    weights: Float[Tensor, "batch head key"]
    logits: Float[Tensor, "batch label"]
    contributions: Float[Tensor, "batch key label"] | None

    @property
    def probabilities(self) -> Float[Tensor, "batch label"]:
        """Softmax of the logits, in float64: small differences are measured."""
        return self.logits.double().softmax(dim=-1)

    @property
    def targets(self) -> Int[Tensor, " batch"]:
        """The predicted labels."""
        return self.logits.argmax(dim=-1)


@dataclass(frozen=True)
class Subject:
    """The audited model and texts.

    `model` is a copy of the caller's, in float32 on the CPU, in eval mode and without gradients: checks may change its
    weights so long as they put them back. `reader` is a copy where the caller's model is, which runs the lower blocks.
    """

    model: ExplainableBertForSequenceClassification
    reader: ExplainableBertForSequenceClassification
    tokenizer: PreTrainedTokenizerFast
    encodings: tuple[Encoding, ...]
    texts: tuple[StoredTexts, ...]
    answers: tuple[Answer, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.encodings)

    def __iter__(self) -> Iterator[tuple[StoredTexts, Answer]]:
        """The texts, with the model's answers to them."""
        return iter(zip(self.texts, self.answers, strict=True))

    @property
    def additive(self) -> bool:
        """Whether the logits are a sum of contributions."""
        return bool(self.model.config.readout == "additive")

    def generator(self, name: str) -> np.random.Generator:
        """The generator of one check: what others draw does not matter to it."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])


def subject(classifier: ExplainableClassifier, encodings: Sequence[Encoding], seed: int) -> Subject:
    """Copy the model and run the texts."""
    reader = copy.deepcopy(classifier.model).eval().requires_grad_(False)
    as_replayed = reader.device.type == "cpu" and reader.dtype == torch.float32
    model = reader if as_replayed else copy.deepcopy(reader).float().cpu()
    texts = read(reader, classifier.tokenizer, encodings)
    answers = tuple(answer(model, stored.given) for stored in texts)
    return Subject(model, reader, classifier.tokenizer, tuple(encodings), texts, answers, seed)


def answer(model: ExplainableBertForSequenceClassification, given: FinalInput) -> Answer:
    """What the final block makes of what it reads."""
    weights = model.final_attention(given)
    return Answer(weights, *model.read_out(given, weights))


def probabilities(
    model: ExplainableBertForSequenceClassification, given: FinalInput, weights: Float[Tensor, "batch head key"]
) -> Float[Tensor, "batch label"]:
    """The output that other attention weights lead to, in float64."""
    return model.read_out(given, weights)[0].double().softmax(dim=-1)


def unit_scores(texts: StoredTexts, found: Answer, targets: Int[Tensor, " batch"]) -> list[Float[np.ndarray, " unit"]]:
    """The built-in explanation of each text for its target, per word: contributions, or the attention row."""
    if found.contributions is None:
        scores = found.weights.mean(dim=1)
    else:
        scores = found.contributions[torch.arange(len(targets)), :, targets]
    units = []
    for row, n_units in enumerate(texts.n_units):
        ids = texts.unit_ids[row]
        sums = torch.zeros(n_units).index_add_(0, ids[ids >= 0], scores[row, ids >= 0])
        units.append(np.asarray(sums.double().numpy()))
    return units
