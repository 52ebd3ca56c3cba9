"""The card of a model for the hub: its metadata in the hub's format, and what was measured in words and digits."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from huggingface_hub import EvalResult, ModelCardData, constants
from huggingface_hub.errors import HFValidationError
from huggingface_hub.file_download import repo_folder_name

from explainable_bert.data.corpora import CORPORA
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.evaluation.parts import Finished
from explainable_bert.export.numerals import interval, number
from explainable_bert.model.checkpoint import MINILM, MINILM_HUB_NAME
from explainable_bert.results import SummaryRow
from explainable_bert.training.model_card import Measured, MeasuredRow, without_place
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import kept_report

TASK = "text-classification"
_UNNAMED = "texts that the evaluation does not name"


def metadata(name: str, design: str, base: str | None, report: TrainingReport | None, found: Finished | None) -> str:
    """The head of the card in YAML: what is known of language, base, corpus and results, and nothing else."""
    corpus = None if report is None else report.run["corpus"]["name"]
    results = [*_tested(report), *_evaluated(found)]
    card = ModelCardData(
        language="en" if corpus in CORPORA else None,
        library_name="transformers",
        pipeline_tag=TASK,
        tags=["explainable-bert", "bert", "explainability", design],
        base_model=base,
        datasets=[corpus] if corpus is not None and _is_of_hub(corpus, "dataset") else None,
        metrics=["accuracy"] if results else None,
        model_name=name,
        eval_results=results or None,
    )
    if not results:  # a name alone is no field of the hub's format
        del card.model_name
    return card.to_yaml() + "\n"


def base_of(report: TrainingReport | None) -> str | None:
    """The hub name of the model that training started from; a twin's own base is the base. None where it is unknown."""
    seen: set[str] = set()
    while report is not None:
        base = report.run["request"]["base"]
        if base == MINILM:
            return MINILM_HUB_NAME
        report = None if base in seen else kept_report(Path(base))
        if report is None:
            return base if _is_of_hub(base, "model") else None
        seen.add(base)
    return None


def measured(found: Finished) -> Measured:
    """The rows of an evaluation as a card prints them."""
    rows = tuple(
        MeasuredRow(
            row.metric,
            row.method or "—",
            number(row.value),
            interval(row.low, row.high, row.value) or row.note,
            row.n,
        )
        for row in found.rows
    )
    names = dict.fromkeys(row.metric for row in found.rows if row.metric in MEASURES)
    stated = {name: _without_place(value) if name == "data" else value for name, value in found.stated.items()}
    return Measured(rows, stated, {name: MEASURES[name].metric.summary for name in names})


def _tested(report: TrainingReport | None) -> Iterator[EvalResult]:
    if report is None or report.test_accuracy is None:
        return
    corpus = report.run["corpus"]
    yield _result(
        without_place(corpus["name"]),
        "test",
        "accuracy",
        report.test_accuracy,
        f"Accuracy (standard error {report.test_accuracy_se:.4f}, {corpus['rows']['test']} test rows, one seed)",
    )


def _evaluated(found: Finished | None) -> Iterator[EvalResult]:
    """What the evaluation says of the model and of its own explanation; other methods are in the card's table."""
    if found is None:
        return
    data = _without_place(found.stated.get("data", _UNNAMED))
    for row in _own(found.rows):
        if row.value is not None:
            yield _result(data, None, row.metric, row.value, _words(row))


def _own(rows: Sequence[SummaryRow]) -> list[SummaryRow]:
    return [row for row in rows if row.method in (None, "built-in")]


def _words(row: SummaryRow) -> str:
    """A metric's name with what has to be read along with its number."""
    sure = interval(row.low, row.high, row.value)
    said = [f"95 % interval {sure}" if sure else row.note, f"{row.n} texts", row.erasure and f"erasure {row.erasure}"]
    explanation = "" if row.method is None else f" of the {row.method} explanation"
    return f"{row.metric}{explanation} ({', '.join(part for part in said if part)})"


def _result(dataset: str, split: str | None, metric: str, value: float, words: str) -> EvalResult:
    return EvalResult(
        task_type=TASK,
        dataset_type=dataset.partition(", ")[0],
        dataset_name=dataset,
        dataset_split=split,
        metric_type=metric,
        metric_value=float(f"{value:.4g}"),
        metric_name=words,
    )


def _without_place(source: str) -> str:
    name, separator, rest = source.partition(", ")
    return without_place(name) + separator + rest


def _is_of_hub(name: str, kind: str) -> bool:
    """Whether the hub has been asked for it from this machine; the hub itself is not asked here."""
    try:
        folder = repo_folder_name(repo_id=name, repo_type=kind)
    except HFValidationError:  # a path, or anything else that no name on the hub is
        return False
    return (Path(constants.HF_HUB_CACHE) / folder).is_dir()
