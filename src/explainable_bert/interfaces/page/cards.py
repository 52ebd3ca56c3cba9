"""What the page says of each model: what it is, how it was trained, how true its pictures were measured to be."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.data.corpora import CORPORA, load_corpus, sample
from explainable_bert.data.labelled import Example
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.evaluation.erasing import N_RANDOM_ORDERS
from explainable_bert.evaluation.run import evaluate
from explainable_bert.evaluation.search import N_CANDIDATES, N_ROUNDS
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.interfaces.page.designs import in_plain_words
from explainable_bert.interfaces.page.fragments import fragment
from explainable_bert.metrics.faithfulness import SHARES
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.results import SummaryRow
from explainable_bert.training.model_card import without_place
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import REPORT_FILE

N_MEASURED = 30
_METRIC = "range-normalised-comprehensiveness"
_SETTINGS = EvaluationSettings(methods=("built-in", "random"), metrics=(_METRIC, "effective-words"))


@dataclass(frozen=True)
class Card:
    """One model. `report` is None where it was not trained here, `measured` None where nothing was measured yet."""

    name: str
    design: str
    words: str
    labels: tuple[str, ...]
    n_parameters: int
    report: TrainingReport | None
    measured: Mapping[str, SummaryRow] | None
    folder_is_there: bool

    @property
    def corpus(self) -> str:
        """What it was trained on, as it is called; of a path, which is no visitor's business, the last part."""
        return without_place(_corpus(self.report))

    @property
    def can_be_measured(self) -> bool:
        """Whether the page knows texts to measure it on."""
        return _corpus(self.report) in CORPORA


def card(name: str, folder: str, classifier: ExplainableClassifier, measured: Mapping[str, SummaryRow] | None) -> Card:
    """What is known of a model."""
    design = classifier.provenance.design
    return Card(
        name,
        design,
        in_plain_words(design),
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


def _corpus(report: TrainingReport | None) -> str:
    return "" if report is None else str(report.run["corpus"]["name"])


def cards(shown: Sequence[Card]) -> str:
    """All models."""
    return fragment("models.html.j2", cards=shown, n_measured=N_MEASURED)


def limits() -> str:
    """What no picture says."""
    return fragment("limits.html.j2")


def held_out(folder: str, n_rows: int) -> tuple[Example, ...]:
    """Rows that the model in the folder was not trained on: of its corpus, where that is known and at hand.

    A file that its report names is not opened: the folder may be somebody else's.
    """
    name = _corpus(_report(folder))
    try:
        return sample(load_corpus(name).test, n_rows) if name in CORPORA else ()
    except ExplainableBertError:
        return ()


def n_passes(examples: Sequence[Example]) -> int:
    """About how many texts `measured` runs the model on: words struck in a dozen orders, then a search in rounds."""
    lengths = [len(example.text.split()) for example in examples]
    in_order = (len(_SETTINGS.methods) + N_RANDOM_ORDERS) * len(SHARES)
    return sum(in_order + n + min(n // 2, N_ROUNDS) * min(n // 2, N_CANDIDATES) for n in lengths)


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
