"""What all points of a sweep share: the texts to train on, and what every model is measured on."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from explainable_bert.data.corpora import (
    DEFAULT_COLUMNS,
    Columns,
    Corpus,
    held_out,
    load_corpus,
    sample,
    unlabelled_texts,
)
from explainable_bert.data.labelled import Example, with_label_names
from explainable_bert.data.rationales import load_rationales
from explainable_bert.errors import InputError
from explainable_bert.evaluation.run import described
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.run_request import Request
from explainable_bert.sweep.arm import Arm, Point
from explainable_bert.text.encoding import TextInput

_SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class TrainingData:
    """The corpus to train on, by name, and at most how many of its training rows; all of its validation rows are used.

    `n_unlabelled` is at most how many texts of each corpus are used without labels. The columns are those of every
    corpus of the sweep.
    """

    corpus: str
    columns: Columns = DEFAULT_COLUMNS
    n_train: int | None = None
    n_unlabelled: int | None = None


@dataclass(frozen=True)
class Drawn:
    """At most `n_rows` of one split of a corpus, drawn by their texts; None takes all.

    Raises InputError on a split that does not exist.
    """

    corpus: str
    split: str
    n_rows: int | None = None

    def __post_init__(self) -> None:
        if self.split not in _SPLITS:
            raise InputError(f"split: {self.split!r} given; accepted: {', '.join(_SPLITS)}")

    @property
    def name(self) -> str:
        """What records call the set."""
        return f"{self.corpus} {self.split}"


@dataclass(frozen=True)
class Measuring:
    """What is measured of every model: labels on the sets `predicted`, explanations on the sets `explained`.

    Methods that cannot explain a design are left out for it. `rationales` is a file of human rationales, of which at
    most `n_rationales` rows are explained for the metrics that need them, in a set named as the file.

    Raises InputError on sets of one name, and on rationales without such a metric.
    """

    predicted: tuple[Drawn, ...]
    explained: tuple[Drawn, ...]
    evaluation: EvaluationSettings
    rationales: str | None = None
    n_rationales: int | None = None

    def __post_init__(self) -> None:
        for sets in (self.predicted, self.explained):
            if len({drawn.name for drawn in sets}) < len(sets):
                raise InputError(f"sets: {', '.join(drawn.name for drawn in sets)} given; accepted: each once")
        if self.rationales is not None and not self.rationale_metrics:
            raise InputError(
                "rationales: given, but no metric needs them; accepted: with one such as average-precision"
            )

    @property
    def rationale_metrics(self) -> tuple[str, ...]:
        """The metrics that need human rationales."""
        measures = self.evaluation.measures.items()
        return tuple(name for name, measure in measures if measure.needs == "rationales")


@dataclass(frozen=True)
class ExplainedSet:
    """Examples to explain, and by what they are measured."""

    examples: tuple[Example, ...]
    settings: EvaluationSettings


@dataclass(frozen=True)
class Experiment:
    """All texts that the points of a sweep need, read once, so that all points see the same.

    `corpus` has no test rows: what is to be tested is among the sets. `unlabelled` are texts by the name of
    their corpus.
    """

    corpus: Corpus
    unlabelled: Mapping[str, tuple[TextInput, ...]]
    predicted: Mapping[str, tuple[Example, ...]]
    explained: Mapping[str, ExplainedSet]

    def described(self, point: Point) -> Request:
        """Everything that decides the outcome of a point."""
        arm = point.arm
        return {
            "arm": {"name": arm.name, "teacher": arm.teacher, "base": arm.base},
            "request": asdict(arm.request),
            "settings": asdict(point.settings),
            "data": {"corpus": self.corpus.name, "fingerprint": self.corpus.fingerprint},
            "unlabelled": {name: _hashed(self.unlabelled[name]) for name in arm.unlabelled},
            "predicted": {name: described(examples) for name, examples in self.predicted.items()},
            "explained": {name: described(shown.examples) for name, shown in self.explained.items()},
            "measured": {name: _described(shown.settings) for name, shown in self.explained.items()},
        }


def load_experiment(arms: Sequence[Arm], data: TrainingData, measuring: Measuring) -> Experiment:
    """Read the texts that the arms are trained and measured on.

    Labels that are numbers count those of the corpus from 0, where it has no such labels. Raises InputError or
    FileError where texts cannot be read, a set is empty or has labels that the corpus to train on does not know, and
    where unlabelled texts are among those that this corpus validates or tests on.
    """
    measured_on = [drawn.corpus for drawn in (*measuring.predicted, *measuring.explained)]
    corpora = {name: load_corpus(name, data.columns) for name in dict.fromkeys([data.corpus, *measured_on])}
    corpus = replace(corpora[data.corpus].limited(data.n_train), test=())
    explained = {
        drawn.name: ExplainedSet(_rows(drawn, corpora, corpus.labels), _without_rationales(measuring))
        for drawn in measuring.explained
    }
    if measuring.rationales is not None:
        explained[measuring.rationales] = _marked(measuring.rationales, measuring, corpus.labels)
    return Experiment(
        corpus,
        {
            name: _unlabelled(name, corpora[data.corpus], data)
            for name in dict.fromkeys(name for arm in arms for name in arm.unlabelled)
        },
        {drawn.name: _rows(drawn, corpora, corpus.labels) for drawn in measuring.predicted},
        explained,
    )


def _rows(drawn: Drawn, corpora: Mapping[str, Corpus], labels: tuple[str, ...]) -> tuple[Example, ...]:
    rows: tuple[Example, ...] = getattr(corpora[drawn.corpus], drawn.split)
    if not rows:
        raise InputError(f"data: {drawn.corpus!r} has no rows in its {drawn.split} split; at least one is needed")
    return _known(sample(rows, drawn.n_rows), labels, drawn.name)


def _unlabelled(name: str, corpus: Corpus, data: TrainingData) -> tuple[TextInput, ...]:
    # Here, as training no longer sees the test rows.
    texts = unlabelled_texts(name, data.columns, data.n_unlabelled)
    unseen = held_out(corpus, texts)
    if unseen:
        raise InputError(
            f"unlabelled: {name!r} holds {len(unseen)} texts that {corpus.name!r} is validated or tested on, such as "
            f"{unseen[0]!r}; accepted: other texts"
        )
    return texts


def _marked(path: str, measuring: Measuring, labels: tuple[str, ...]) -> ExplainedSet:
    rows = sample(load_rationales(path).examples, measuring.n_rationales)
    settings = replace(measuring.evaluation, metrics=measuring.rationale_metrics)
    return ExplainedSet(_known(rows, labels, Path(path).name), settings)


def _without_rationales(measuring: Measuring) -> EvaluationSettings:
    others = [name for name in measuring.evaluation.measures if name not in measuring.rationale_metrics]
    return replace(measuring.evaluation, metrics=tuple(others))


def _known(rows: Sequence[Example], labels: tuple[str, ...], source: str) -> tuple[Example, ...]:
    """The rows with labels as the models call them."""
    named = with_label_names(rows, labels)
    unknown = sorted({row.label for row in named} - set(labels))
    if unknown:
        raise InputError(f"data: label {unknown[0]!r} of {source} given; accepted: {', '.join(labels)}")
    return named


def _hashed(texts: Sequence[TextInput]) -> dict[str, Any]:
    return {"texts": len(texts), "sha256": hashlib.sha256(json.dumps(texts).encode("ascii")).hexdigest()}


def _described(settings: EvaluationSettings) -> dict[str, Any]:
    return {
        "methods": list(settings.methods),
        "metrics": list(settings.measures),
        "erasure": settings.erasure,
        "level": settings.level,
        "seed": settings.seed,
    }
