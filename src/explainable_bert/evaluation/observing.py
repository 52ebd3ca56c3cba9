"""Observing some texts: explain them by every method, ask all that the measures ask, and note the values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from explainable_bert.data.labelled import Example, input_of
from explainable_bert.data.lexicon import load_lexicon, valences
from explainable_bert.data.rationales import UnitRationales, on_units
from explainable_bert.errors import FileError
from explainable_bert.evaluation.asking import ErasedPredictions, answer_all
from explainable_bert.evaluation.erasing import Observation
from explainable_bert.evaluation.measures import Measure, Need
from explainable_bert.evaluation.noise import noisy_scores
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.subject import Subject
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Explanation, Unit
from explainable_bert.text.encoding import TextInput


@dataclass(frozen=True)
class Observed:
    """What was observed of one text under one method (None: whatever the method), by measure; None where undefined.

    `row` counts the examples from 1. `explanation` is that of the method; a model's or control's has no scores.
    """

    row: int
    method: str | None
    explanation: Explanation
    gold: str
    share_lost: float
    rationale_size: int | None
    erasure: str
    values: Mapping[str, tuple[float, ...] | None]

    def fields(self) -> dict[str, Any]:
        """A row of the examples table."""
        prediction, attribution = self.explanation.prediction, self.explanation.attribution
        has_scores = self.method == attribution.method
        pair = {} if self.explanation.text_pair is None else {"text_pair": self.explanation.text_pair}
        return {
            "row": self.row,
            "text": self.explanation.text,
            **pair,
            "gold": self.gold,
            "prediction": prediction.label,
            "probability": prediction.probabilities[prediction.label],
            "n_windows": prediction.n_windows,
            "n_tokens_dropped": prediction.n_tokens_dropped,
            "rationale_share_lost": self.share_lost,
            "rationale_size": self.rationale_size,
            "erasure": self.erasure,
            "method": self.method,
            "units": [unit.text for unit in attribution.units],
            "scores": list(attribution.scores) if has_scores else None,
            **{name: _cell(value) for name, value in self.values.items()},
        }


def _cell(value: tuple[float, ...] | None) -> float | list[float] | None:
    """What a metric is computed from: a number for each text, or several."""
    if value is None:
        return None
    return value[0] if len(value) == 1 else list(value)


class Observer:
    """Observes examples with one model; what it prepares once is shared by all of them."""

    def __init__(
        self,
        classifier: ExplainableClassifier,
        settings: EvaluationSettings,
        measures: Mapping[str, Measure],
        rationale_size: int | None,
    ) -> None:
        self._classifier, self._settings, self._measures = classifier, settings, measures
        self._rationale_size = rationale_size
        self._needs = {measure.needs for measure in measures.values()}
        self._lexicon = _lexicon(self._needs)

    def observe(self, examples: Sequence[tuple[int, Example]]) -> list[dict[str, Any]]:
        """The rows of the examples table for some numbered examples: per text, the model's, the methods', controls'."""
        texts = [input_of(example) for _, example in examples]
        subjects = list(self._subjects(examples, texts))
        plan = [item for subject in subjects for item in self._plan(*subject)]
        predictions = ErasedPredictions(self._classifier, texts, self._settings.erasure, self._settings.level)
        found = answer_all([(place, observation(subject)) for place, _, _, subject, observation in plan], predictions)
        values: dict[tuple[int, str | None], dict[str, tuple[float, ...] | None]] = {}
        shown: dict[tuple[int, str | None], Subject] = {}
        for (place, method, measure, subject, _), value in zip(plan, found, strict=True):
            values.setdefault((place, method), {})[measure] = value
            shown.setdefault((place, method), subject)
        return [
            _observed(examples[place], method, shown[place, method], of_method, self._settings.erasure).fields()
            for (place, method), of_method in sorted(values.items(), key=lambda item: item[0][0])
        ]

    def _plan(
        self, place: int, method: str, subject: Subject
    ) -> Iterator[tuple[int, str | None, str, Subject, Observation]]:
        first = method == self._settings.methods[0]
        for name, measure in self._measures.items():
            if not measure.of_model:
                yield place, method, name, subject, measure.observe
            elif first:
                yield place, None, name, subject, measure.observe
            if first:
                for control, observation in measure.controls.items():
                    yield place, control, name, subject, observation

    def _subjects(
        self, examples: Sequence[tuple[int, Example]], texts: Sequence[TextInput]
    ) -> Iterator[tuple[int, str, Subject]]:
        settings, classifier = self._settings, self._classifier
        heads = classifier.head_attention(texts, settings.level) if "heads" in self._needs else None
        for method in settings.methods:
            explanations = classifier.explain(texts, method, level=settings.level, seed=settings.seed)
            noisy = (
                noisy_scores(classifier, texts, method, settings.level, settings.seed)
                if "noise" in self._needs
                else None
            )
            for place, (_, example) in enumerate(examples):
                yield (
                    place,
                    method,
                    self._subject(
                        explanations[place],
                        example,
                        None if heads is None else heads[place],
                        None if noisy is None else noisy[place],
                    ),
                )

    def _subject(
        self,
        explanation: Explanation,
        example: Example,
        heads: Float[np.ndarray, "head unit"] | None,
        noisy: Float[np.ndarray, "draw unit"] | None,
    ) -> Subject:
        labels, units = self._classifier.labels, explanation.attribution.units
        return Subject(
            explanation=explanation,
            target=labels.index(explanation.target),
            gold=labels.index(example.label),
            seed=self._settings.seed,
            rationales=rationales_of(example, units),
            rationale_size=self._rationale_size,
            valences=valences(units, self._lexicon) if self._lexicon else None,
            heads=heads,
            noisy_scores=noisy,
        )


def _lexicon(needs: set[Need | None]) -> Mapping[str, float]:
    """The lexicon where a metric needs it; where it is but a control beside rationales, only if it can be had."""
    if "lexicon" in needs:
        return load_lexicon()
    if "rationales" not in needs:
        return {}
    try:
        return load_lexicon()
    except FileError:
        return {}


def rationales_of(example: Example, units: Sequence[Unit]) -> UnitRationales | None:
    """The example's rationales over its units, or None where nobody marked it."""
    return on_units(example, units) if example.rationales else None


def _observed(
    example: tuple[int, Example],
    method: str | None,
    subject: Subject,
    values: Mapping[str, tuple[float, ...] | None],
    erasure: str,
) -> Observed:
    row, given = example
    share_lost = 0.0 if subject.rationales is None else subject.rationales.share_lost
    size = subject.rationale_size
    return Observed(row, method, subject.explanation, given.label, share_lost, size, erasure, values)
