"""Observations ask what the model says when units are erased; all of them are answered together, each question once.

An observation is a generator: it yields which units to keep (a row per variant) and is sent the logits of those
variants. It reads like plain sequential code, while the driver batches the questions of all texts, methods and
metrics into shared forward passes, and remembers every answer.
"""

from collections.abc import Generator, Sequence
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float

from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Level
from explainable_bert.text.encoding import TextInput

Keep = Bool[np.ndarray, "variant unit"]
Logits = Float[np.ndarray, "variant label"]
# The same of texts of several lengths.
AnyKeep = Bool[np.ndarray, "_ _"]
AnyLogits = Float[np.ndarray, "_ _"]
Result = TypeVar("Result")
Asking = Generator[Keep, Logits, Result]


class ErasedPredictions:
    """Logits of some texts with units erased, each variant run once."""

    def __init__(
        self, classifier: ExplainableClassifier, texts: Sequence[TextInput], erasure: str, level: Level
    ) -> None:
        self._classifier, self._texts, self._erasure, self._level = classifier, texts, erasure, level
        self._known: list[dict[bytes, Float[np.ndarray, " label"]]] = [{} for _ in texts]

    def answer(self, questions: Sequence[tuple[int, AnyKeep]]) -> list[AnyLogits]:
        """The logits of each question's variants; a question is the place of a text and what to keep of it."""
        asked: dict[int, dict[bytes, Bool[np.ndarray, " _"]]] = {}
        for place, keep in questions:
            new = {row.tobytes(): row for row in keep if row.tobytes() not in self._known[place]}
            asked.setdefault(place, {}).update(new)
        self._run({place: variants for place, variants in asked.items() if variants})
        return [np.array([self._known[place][row.tobytes()] for row in keep]) for place, keep in questions]

    def _run(self, asked: dict[int, dict[bytes, Bool[np.ndarray, " _"]]]) -> None:
        if not asked:
            return
        keeps = [np.array(list(variants.values())) for variants in asked.values()]
        texts = [self._texts[place] for place in asked]
        found = self._classifier.predict_erased(texts, keeps, self._erasure, self._level)
        for (place, variants), logits in zip(asked.items(), found, strict=True):
            self._known[place].update(zip(variants, logits, strict=True))


def answer_all(observations: Sequence[tuple[int, Asking[Result]]], predictions: ErasedPredictions) -> list[Result]:
    """Run all observations, each of the text at the place given with it, to their results, in the order given."""
    results: dict[int, Result] = {}
    waiting: dict[int, AnyKeep] = {}
    to_send: dict[int, AnyLogits | None] = dict.fromkeys(range(len(observations)))
    while to_send:
        for index, logits in to_send.items():
            asking = observations[index][1]
            try:
                waiting[index] = next(asking) if logits is None else asking.send(logits)
            except StopIteration as finished:
                results[index] = finished.value
        answers = predictions.answer([(observations[index][0], keep) for index, keep in waiting.items()])
        to_send, waiting = dict(zip(waiting, answers, strict=True)), {}
    return [results[index] for index in range(len(observations))]
