"""What the page says of each model: what it is, how it was trained, how true its pictures were measured to be."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explainable_bert.data.corpora import CORPORA, load_corpus, sample
from explainable_bert.data.labelled import Example
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.evaluation.run import evaluate
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.interfaces.page.fragments import fragment
from explainable_bert.model.configuration import DESIGNS
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.results import SummaryRow
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import REPORT_FILE

N_MEASURED = 30
_METRIC = "range-normalised-comprehensiveness"
_SETTINGS = EvaluationSettings(methods=("built-in", "random"), metrics=(_METRIC, "effective-words"))

# In words that need no knowledge of the field.
_WHAT_IT_IS: Mapping[str, str] = MappingProxyType(
    {
        "vanilla": "Plain BERT. Its picture is where its last layer looked, averaged over several views. Much of the "
        "decision does not go through that picture.",
        "single-head": "BERT whose last layer looks once, not twelve times. Its picture is sharper; that does not make "
        "it the reason for the decision.",
        "additive": "The decision is a sum with one number per word position, and the picture shows these numbers. A "
        "position has read its whole sentence, so its number is not that word's alone.",
        "lexical": "The decision is a sum with one number per word, taken from a layer where words have hardly read "
        "their neighbours yet.",
        "explainable": "The decision is a sum with one number per word, close to the words, learnt from a plain BERT "
        "so that accuracy is kept.",
    }
)


@dataclass(frozen=True)
class Card:
    """One model. `report` is None where it was not trained here, `measured` None where nothing was measured yet."""

    name: str
    design: str
    summary: str
    words: str
    labels: tuple[str, ...]
    n_parameters: int
    report: TrainingReport | None
    measured: Mapping[str, SummaryRow] | None
    folder_is_there: bool


def card(name: str, folder: str, classifier: ExplainableClassifier, measured: Mapping[str, SummaryRow] | None) -> Card:
    """What is known of a model."""
    design = classifier.provenance.design
    return Card(
        name,
        design,
        DESIGNS[design].summary,
        _WHAT_IT_IS.get(design, ""),
        classifier.labels,
        classifier.model.num_parameters(),
        _report(folder),
        measured,
        Path(folder).is_dir(),
    )


def _report(folder: str) -> TrainingReport | None:
    """The folder's training report, if it has one that says what the card tells."""
    try:
        report = TrainingReport.load(Path(folder) / REPORT_FILE)
        rows = report.run["corpus"]["rows"]
        return report if {"train", "test"} <= rows.keys() and "name" in report.run["corpus"] else None
    except (ExplainableBertError, KeyError, TypeError, AttributeError):
        return None


def cards(shown: Sequence[Card]) -> str:
    """All models, and what no picture says."""
    return fragment("models.html.j2", cards=shown, n_measured=N_MEASURED)


def held_out(folder: str, n_rows: int) -> tuple[Example, ...]:
    """Rows that the model in the folder was not trained on: of its corpus, where that is known and at hand."""
    report = _report(folder)
    name = None if report is None else report.run["corpus"]["name"]
    try:
        return sample(load_corpus(name).test, n_rows) if name in CORPORA else ()
    except ExplainableBertError:
        return ()


def n_passes(examples: Sequence[Example]) -> int:
    """About how many texts `measured` runs the model on: a search tries every word that is left, time and again."""
    return sum(len(example.text.split()) ** 2 for example in examples)


def check_measurable(name: str, examples: Sequence[Example]) -> None:
    """Raise InputError where there is nothing to measure a model on."""
    if not examples:
        raise InputError(
            f"measure: no held-out texts of {name!r} are known; measure it with explainable-bert evaluate on texts of "
            "your own"
        )


def measured(classifier: ExplainableClassifier, examples: Sequence[Example]) -> dict[str, SummaryRow]:
    """How much of what a search can find the model's own picture finds, and how sharp it is, by metric and method."""
    with tempfile.TemporaryDirectory() as folder:
        found = evaluate(classifier, examples, Path(folder) / "measured", _SETTINGS)
    return {f"{row.metric}, {row.method}": row for row in found.rows}
