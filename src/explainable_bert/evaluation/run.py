"""One evaluation: from a model and examples to a folder with every example's values and a summary with intervals."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from explainable_bert.data.labelled import Example, input_of
from explainable_bert.errors import InputError
from explainable_bert.evaluation.measures import MEASURES, Measure, Need
from explainable_bert.evaluation.observing import Observer, rationales_of
from explainable_bert.evaluation.parts import (
    REQUEST_FILE,
    Rows,
    finished_examples,
    read_part,
    write_part,
    write_stated,
    write_whole,
)
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.stating import notes, stated_settings
from explainable_bert.evaluation.summary import Column, Named, SeedColumns, columns, curves, summary_row
from explainable_bert.locking import held
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.results import EvaluationReport
from explainable_bert.run_request import check_folder, claim
from explainable_bert.version import __version__

# So many units make a part: few enough to lose little when stopped, enough to fill the passes.
_UNITS_PER_PART = 1200
_TEXTS_PER_PART = 64

Progress = Callable[[int, int], None]


def evaluate(
    classifier: ExplainableClassifier,
    examples: Sequence[Example],
    output: Path,
    settings: EvaluationSettings | None = None,
    progress: Progress | None = None,
    source: str = "examples given",
) -> EvaluationReport:
    """Measure the model and its explanations into the folder `output`: examples.parquet (.csv, .jsonl), summary.json.

    What has to be stated with the summary is in stated.json. A stopped evaluation continues when it is asked for again;
    a finished one is summarised anew. `progress` is called with the number of texts done and their total; `source` says
    where the examples are from.

    Raises InputError when the model cannot be explained by a method, does not know an example's label, or no example or
    metric is left; FileError when `output` holds something else or another process works there.
    """
    settings = settings or EvaluationSettings()
    check_folder(output)
    with held(output):
        return _evaluated(classifier, examples, output, settings, progress, source)


def _evaluated(
    classifier: ExplainableClassifier,
    examples: Sequence[Example],
    output: Path,
    settings: EvaluationSettings,
    progress: Progress | None,
    source: str,
) -> EvaluationReport:
    observed = observe(classifier, examples, output, settings, progress)
    model = Named(classifier.name, classifier.provenance.design)
    rows = tuple(
        summary_row(model, SeedColumns((column,)), MEASURES[column.measure], settings) for column in observed.columns
    )
    stated = stated_settings(settings, len({line["row"] for line in observed.rows}), source)
    write_stated(output, stated)
    write_whole(output, observed.rows, rows)
    return EvaluationReport(
        rows=rows,
        curves=tuple(curves(model, observed.columns, settings.seed)),
        metrics={name: measure.metric for name, measure in observed.measures.items()},
        settings=stated,
        notes=tuple(notes(settings, observed.measures, len(examples), observed.rows)),
    )


@dataclass(frozen=True)
class Observations:
    """What was observed of every example, as rows of a table and as columns by measure and method."""

    measures: Mapping[str, Measure]
    rows: Rows
    columns: tuple[Column, ...]


def observe(
    classifier: ExplainableClassifier,
    examples: Sequence[Example],
    output: Path,
    settings: EvaluationSettings,
    progress: Progress | None = None,
) -> Observations:
    """The observations of an evaluation in the folder `output`: those kept there, and the ones still to be made.

    Arguments and errors are those of `evaluate`, which writes them as tables.
    """
    _check(classifier, examples, settings)
    measures = _measurable(settings.measures, examples)
    claim(output, REQUEST_FILE, _describe(classifier, examples, settings))
    rows = finished_examples(output)
    if rows is None:
        rows = _observe(classifier, examples, output, settings, measures, progress)
    return Observations(measures, rows, tuple(columns(rows, measures, settings.methods)))


def _check(classifier: ExplainableClassifier, examples: Sequence[Example], settings: EvaluationSettings) -> None:
    for method in settings.methods:
        classifier.check(method, level=settings.level, seed=settings.seed)
    classifier.check_erasure(settings.erasure)
    if not examples:
        raise InputError("examples: none given; at least one is needed")
    for row, example in enumerate(examples, start=1):
        if example.label not in classifier.labels:
            raise InputError(
                f"examples: row {row} has label {example.label!r}; accepted by {classifier.name!r}: "
                f"{', '.join(map(repr, classifier.labels))}"
            )


def _measurable(measures: Mapping[str, Measure], examples: Sequence[Example]) -> dict[str, Measure]:
    """The measures that these examples allow."""
    lacking = _lacking(examples)
    able = {name: measure for name, measure in measures.items() if measure.needs not in lacking}
    if not able:
        raise InputError(f"metrics: {', '.join(measures)} given; without {', '.join(lacking)} none can be measured")
    return able


def _lacking(examples: Sequence[Example]) -> set[Need]:
    return set() if any(example.rationales for example in examples) else {"rationales"}


def _describe(
    classifier: ExplainableClassifier, examples: Sequence[Example], settings: EvaluationSettings
) -> dict[str, dict[str, Any]]:
    """Everything that decides the outcome."""
    return {
        "model": {
            "fingerprint": classifier.provenance.fingerprint,
            "labels": list(classifier.labels),
            "long": classifier.long,
        },
        "data": described(examples),
        "settings": {
            "methods": list(settings.methods),
            "metrics": list(settings.measures),
            "erasure": settings.erasure,
            "level": settings.level,
            "seed": settings.seed,
            "version": __version__,
        },
    }


def described(examples: Sequence[Example]) -> dict[str, Any]:
    """The examples' number and a hash of all that is in them."""
    content = json.dumps([[e.text, e.text_pair, e.label, e.words, e.rationales] for e in examples])
    return {"examples": len(examples), "sha256": hashlib.sha256(content.encode("ascii")).hexdigest()}


def _observe(
    classifier: ExplainableClassifier,
    examples: Sequence[Example],
    output: Path,
    settings: EvaluationSettings,
    measures: Mapping[str, Measure],
    progress: Progress | None,
) -> Rows:
    units = classifier.units([input_of(example) for example in examples], settings.level)
    size = _rationale_size(examples, units)
    observer = Observer(classifier, settings, measures, size)
    observed: Rows = []
    done, parts = 0, _parts([len(of_text) for of_text in units])
    total = sum(len(part) for part in parts)
    told = progress or (lambda _done, _total: None)
    for index, places in enumerate(parts):
        rows = read_part(output, index)
        if rows is None:
            told(done, total)
            rows = observer.observe([(place + 1, examples[place]) for place in places])
            write_part(output, index, rows)
        observed += rows
        done += len(places)
    told(done, total)
    if not observed:
        raise InputError("examples: none has a word; at least one is needed")
    return sorted(observed, key=lambda line: line["row"])


def _rationale_size(examples: Sequence[Example], units: Sequence[Sequence[Any]]) -> int | None:
    """The mean number of units that a person marks, rounded, at least one; the same for all texts and methods."""
    counts = [
        int(mask.sum())
        for example, of_text in zip(examples, units, strict=True)
        if (found := rationales_of(example, of_text)) is not None
        for mask in found.masks
    ]
    return max(1, round(float(np.mean(counts)))) if counts else None


def _parts(n_units: Sequence[int]) -> list[list[int]]:
    """Places of the texts that have units, longest first, so that those of a part are of similar length."""
    parts: list[list[int]] = []
    held = 0
    for place in sorted(range(len(n_units)), key=lambda place: -n_units[place]):
        if n_units[place] == 0:
            continue
        if not parts or held + n_units[place] > _UNITS_PER_PART or len(parts[-1]) == _TEXTS_PER_PART:
            parts.append([])
            held = 0
        parts[-1].append(place)
        held += n_units[place]
    return parts
