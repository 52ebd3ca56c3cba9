"""ExplainableBertEstimator: training, prediction and explanation behind scikit-learn's interface."""

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float, Int

from explainable_bert.data.corpora import Corpus
from explainable_bert.data.labelled import Example
from explainable_bert.errors import FileError, InputError, MissingExtraError
from explainable_bert.locking import held, is_new
from explainable_bert.model.configuration import has_twin
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Explanation, Level
from explainable_bert.run_request import check_folder
from explainable_bert.text.encoding import check_texts
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run import train
from explainable_bert.training.run_folder import REPORT_FILE, finish
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import train_with_twin

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils import Tags, assert_all_finite, check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d
except ModuleNotFoundError as missing:
    raise MissingExtraError("scikit-learn", "sklearn") from missing

_ACCEPTED = "a list, 1-D array or pandas Series of strings"
_CORPUS_NAME = "the X and y of fit"
_TWIN = "a vanilla twin, not kept"


class ExplainableBertEstimator(ClassifierMixin, BaseEstimator):
    """A classifier of texts with `fit`, `predict`, `predict_proba`, `explain` and `score`.

    X is a list, 1-D array or pandas Series of strings, y a label (string, integer or boolean) for each. `base`,
    `design`, `value_layer`, `epochs`, `batch_size`, `learning_rate` and `max_length` are those of ModelRequest and
    TrainingSettings; designs with a twin train it too, as the command does. Of the texts, `validation_fraction` of each
    label, at least one in all, are not learnt from: they choose the epoch. `random_state` seeds that choice and the
    training: an integer gives the same model again, None another one each time, a RandomState the next of its numbers.

    After `fit`: `classes_`, sorted; `classifier_`, an ExplainableClassifier; `report_`, the TrainingReport. Weights are
    held in memory, so that a fitted estimator can be copied and pickled; `save` writes them as a model folder, and
    `load` reads one. Raises InputError or ModelError on what cannot be used, in `fit`, not before.
    """

    def __init__(
        self,
        base: str = "minilm",
        design: str = "explainable",
        *,
        value_layer: int | None = None,
        epochs: int = 3,
        batch_size: int = 32,
        learning_rate: float | None = None,
        max_length: int = 512,
        validation_fraction: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.base = base
        self.design = design
        self.value_layer = value_layer
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.max_length = max_length
        self.validation_fraction = validation_fraction
        self.random_state = random_state

    def fit(self, X: Sequence[str], y: Sequence[Any]) -> Self:
        """Train on texts and their labels. Raises as said above, and ValueError where X and y do not fit."""
        texts, labels = _texts(X), _labels(y)
        check_consistent_length(texts, labels)
        classes, indices = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise InputError(f"y: one class, {classes[0]!r}, given; accepted: labels of two classes or more")
        seed = int(check_random_state(self.random_state).randint(2**31))
        settings = TrainingSettings(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            max_length=self.max_length,
            seed=seed,
        )
        held_out = _held_out(indices, self.validation_fraction, np.random.default_rng(seed))
        corpus = _corpus(texts, [str(label) for label in classes], indices, held_out)
        request = ModelRequest(str(self.base), self.design, self.value_layer)
        with tempfile.TemporaryDirectory() as folder, _randomness_kept():
            run = train_with_twin if has_twin(self.design) else train
            report = run(request, corpus, Path(folder) / "model", settings)
            classifier = ExplainableClassifier.load(Path(folder) / "model")
        classifier.name = "unsaved"
        self.classes_, self.classifier_, self.report_ = classes, classifier, _without_folders(report, str(self.base))
        return self

    def predict(self, X: Sequence[str]) -> np.ndarray:
        """The most probable class of each text, of the type that y had."""
        probabilities = self.predict_proba(X)
        chosen: np.ndarray = self.classes_[probabilities.argmax(axis=1)]
        return chosen

    def predict_proba(self, X: Sequence[str]) -> Float[np.ndarray, "text label"]:
        """The probability of each of `classes_`, in their order."""
        check_is_fitted(self)
        predictions = self.classifier_.predict(_texts(X))
        return np.array([[found.probabilities[label] for label in self.classifier_.labels] for found in predictions])

    def explain(
        self,
        X: Sequence[str],
        method: str = "built-in",
        target: Any = None,
        level: Level = "word",
    ) -> list[Explanation]:
        """Each text's explanation, as ExplainableClassifier.explain gives it; `target` is one of `classes_`."""
        check_is_fitted(self)
        wanted = None if target is None else str(target)
        return self.classifier_.explain(_texts(X), method, wanted, level)

    def save(self, folder: str | Path) -> None:
        """Write the model into a new folder, as training does: the command and `load` read it.

        Raises FileError where something is there already.
        """
        check_is_fitted(self)
        output = Path(folder)
        check_folder(output)
        with held(output):
            if not is_new(output):
                raise FileError(f"folder: {str(output)!r} is not empty; accepted: a new folder")
            finish(output, self.classifier_.model, self.classifier_.tokenizer, self.report_)
        self.classifier_.name = str(output)

    @classmethod
    def load(cls, folder: str | Path) -> Self:
        """A fitted estimator from a folder that `save` or the command's `train` made; its classes are strings.

        Raises ModelError, FileError or InputError where there is none.
        """
        classifier = ExplainableClassifier.load(folder)
        report = TrainingReport.load(Path(folder) / REPORT_FILE)
        request, settings = report.run["request"], report.run["settings"]
        named = {name: request[name] for name in ("base", "design", "value_layer")}
        named |= {name: settings[name] for name in ("epochs", "batch_size", "learning_rate", "max_length")}
        estimator = cls(**named)
        estimator.classes_ = np.array(classifier.labels)
        estimator.classifier_, estimator.report_ = classifier, report
        return estimator

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.one_d_array, tags.input_tags.two_d_array = True, False
        return tags


def _texts(given: Any) -> list[str]:
    if isinstance(given, str) or getattr(given, "ndim", 1) != 1 or not hasattr(given, "__len__"):
        shape = f" of shape {given.shape}" if hasattr(given, "shape") else ""
        raise InputError(f"X: {type(given).__name__}{shape} given; accepted: {_ACCEPTED}")
    if len(given) == 0:
        raise InputError(f"X: 0 texts given; accepted: {_ACCEPTED}")
    texts = [str(text) if isinstance(text, str) else text for text in given]
    for index, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"X[{index}]: {type(text).__name__} given; accepted: a string")
    return [text for text, _ in check_texts(texts, "X")]


def _labels(given: Any) -> np.ndarray:
    if given is None:
        # In scikit-learn's words, which its tools look for.
        raise InputError("y: fit requires y to be passed, but the target y is None; accepted: a label for each text")
    labels: np.ndarray = column_or_1d(given, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    return labels


def _held_out(classes: Int[np.ndarray, " text"], share: float, generator: np.random.Generator) -> list[int]:
    """Places of the texts that choose the epoch: a share of each class, but never all of one."""
    if not 0 < share < 1:
        raise InputError(f"validation_fraction: {share} given; accepted: above 0, below 1")
    places = [generator.permutation(np.flatnonzero(classes == number)) for number in range(classes.max() + 1)]
    chosen = [int(place) for of_class in places for place in of_class[: int(share * len(of_class))]]
    if not chosen:
        # Too few for a share of any: one text of the largest class.
        largest = max(places, key=len)
        if len(largest) == 1:
            raise InputError(
                "y: one text of each label given; accepted: a label with two texts or more, to validate on"
            )
        chosen = [int(largest[0])]
    return sorted(chosen)


def _corpus(texts: list[str], labels: list[str], indices: Int[np.ndarray, " text"], held_out: list[int]) -> Corpus:
    examples = [Example(text, labels[index]) for text, index in zip(texts, indices, strict=True)]
    kept_back = set(held_out)
    return Corpus(
        name=_CORPUS_NAME,
        labels=tuple(labels),
        train=tuple(example for place, example in enumerate(examples) if place not in kept_back),
        validation=tuple(examples[place] for place in held_out),
        test=(),
    )


def _without_folders(report: TrainingReport, base: str) -> TrainingReport:
    """The report with what was asked for, in place of folders that are gone."""
    request = dict(report.run["request"])
    if request["teacher"] is not None:
        request |= {"base": base, "teacher": _TWIN}
    return replace(report, run={**report.run, "request": request})


@contextmanager
def _randomness_kept() -> Iterator[None]:
    """Training seeds the generators of Python, NumPy and torch: what else draws from them goes on as it would have."""
    of_python, of_numpy = random.getstate(), np.random.get_state()  # noqa: NPY002  # the one that training seeds
    with torch.random.fork_rng():
        try:
            yield
        finally:
            random.setstate(of_python)
            np.random.set_state(of_numpy)  # noqa: NPY002
