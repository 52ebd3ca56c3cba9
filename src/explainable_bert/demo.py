"""The demo: train every design on the same reviews and lay their explanations of the same sentences side by side."""

import dataclasses
import json
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch

from explainable_bert.data.corpora import Corpus, Example, load_corpus
from explainable_bert.errors import FileError
from explainable_bert.export.report import DemoReport, DesignRow, effective_words, write_report
from explainable_bert.metrics.classification import accuracy, accuracy_standard_error
from explainable_bert.model.configuration import DESIGNS, has_twin
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.trainer import TrainingProgress
from explainable_bert.training.twin import TWIN_DESIGN, recipe, taught_by
from explainable_bert.writing import write_text

Scale = Literal["quick", "default", "full"]

_CORPUS = "movie-snippets"
_BASE = "minilm"
_N_SENTENCES = 3
_MODELS, _PAGE, _NUMBERS = "models", "report.html", "report.json"
_CONTENTS = (_MODELS, _PAGE, _NUMBERS)
_SENTENCE_WORDS = range(10, 19)


@dataclass(frozen=True)
class _Size:
    """How much a scale trains on, validates and tests on (None is all rows), and in how large steps."""

    n_train: int | None
    n_held_out: int | None
    epochs: int
    batch_size: int


_SIZES: Mapping[Scale, _Size] = MappingProxyType(
    # Few rows make few steps, hence the small batches of the quick scale.
    {"quick": _Size(960, 300, 1, 8), "default": _Size(2700, None, 2, 32), "full": _Size(None, None, 3, 32)}
)

# Design, value layer, and the design whose model teaches it, if its recipe names none; in the order of training.
_DESIGNS: tuple[tuple[str, int | None, str | None], ...] = (
    ("vanilla", None, None),
    ("single-head", None, None),
    ("additive", None, None),
    ("lexical", 2, "vanilla"),
    ("explainable", None, None),
)


@dataclass(frozen=True)
class DemoCallbacks:
    """Whom the demo tells: that a design starts, its number and of how many, how its training goes, its row."""

    starts: Callable[[str, int, int], None]
    trains: Callable[[TrainingProgress], None]
    ready: Callable[[DesignRow], None]


def run_demo(output: Path, scale: Scale, callbacks: DemoCallbacks, seed: int = 0) -> DemoReport:
    """Train the designs into `output`/models/, and write report.html and report.json anew after each.

    Finished models of the same scale are used again. Raises ExplainableBertError as train and load_corpus do.
    """
    size = _SIZES[scale]
    _check_folder(output)
    corpus = load_corpus(_CORPUS).limited(size.n_train, size.n_held_out)
    sentences = _sentences(corpus.test)
    settings = TrainingSettings(epochs=size.epochs, batch_size=size.batch_size, masked_fine_tuning=True, seed=seed)
    rows: list[DesignRow] = []
    for number, (design, value_layer, teacher) in enumerate(_DESIGNS, start=1):
        callbacks.starts(design, number, len(_DESIGNS))
        folder = _model_folder(output, design)
        named = None if teacher is None else str(_model_folder(output, teacher))
        request, how = ModelRequest(_BASE, design, value_layer, teacher=named), settings
        if has_twin(design):
            request, how = taught_by(request, _model_folder(output, TWIN_DESIGN)), recipe(settings)
        trained = train(request, corpus, folder, how, callbacks.trains)
        rows.append(_measure(folder, trained, corpus.test, sentences))
        report = _report(rows, corpus, sentences, seed)
        write_report(report, output / _PAGE)
        write_text(output / _NUMBERS, json.dumps(_json(report), indent=2) + "\n")
        callbacks.ready(rows[-1])
    return report


def _check_folder(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise FileError(f"output: {str(output)!r} is a file; accepted: a new or empty folder, or an earlier demo's")
    foreign = sorted(path.name for path in output.glob("*") if path.name not in _CONTENTS)
    if foreign or (output.is_dir() and any(output.iterdir()) and not (output / _MODELS).is_dir()):
        held = f" ({foreign[0]!r})" if foreign else ""
        raise FileError(f"output: folder {str(output)!r} holds something else{held}; accepted: a new or empty folder")


def _model_folder(output: Path, design: str) -> Path:
    return output / _MODELS / design


def _sentences(tested: tuple[Example, ...]) -> tuple[Example, ...]:
    """The first held-out sentences of a readable length, labels in turn: chosen before any model has seen them."""
    chosen: list[Example] = []
    for example in tested:
        is_new_label = not chosen or example.label != chosen[-1].label
        if len(chosen) < _N_SENTENCES and is_new_label and len(example.text.split()) in _SENTENCE_WORDS:
            chosen.append(example)
    return tuple(chosen)


def _measure(
    folder: Path, trained: TrainingReport, tested: tuple[Example, ...], sentences: tuple[Example, ...]
) -> DesignRow:
    classifier = ExplainableClassifier.load(folder)
    explanations = classifier.explain([example.text for example in tested])
    share = accuracy(
        np.array([explanation.prediction.label for explanation in explanations]),
        np.array([example.label for example in tested]),
    )
    errors = [explanation.attribution.completeness_error for explanation in explanations]
    known_errors = [error for error in errors if error is not None]
    return DesignRow(
        design=trained.run["request"]["design"],
        value_layer=trained.value_layer,
        accuracy=share,
        accuracy_se=accuracy_standard_error(share, len(tested)),
        effective_words=sum(effective_words(explanation) for explanation in explanations) / len(explanations),
        parameters=trained.n_parameters,
        seconds=trained.wall_time_s,
        contribution_error=max(known_errors) if known_errors else None,
        explanations=tuple(explanations[tested.index(sentence)] for sentence in sentences),
    )


def _report(rows: list[DesignRow], corpus: Corpus, sentences: tuple[Example, ...], seed: int) -> DemoReport:
    done = {row.design for row in rows}
    return DemoReport(
        rows=tuple(rows),
        n_train=len(corpus.train),
        n_test=len(corpus.test),
        corpus=corpus.name,
        base=_BASE,
        seed=seed,
        machine=f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        gold_labels=tuple(sentence.label for sentence in sentences),
        pending=tuple(design for design, _, _ in _DESIGNS if design not in done),
        summaries={name: design.summary for name, design in DESIGNS.items()},
        notes=tuple(_notes(rows)),
    )


def _notes(rows: list[DesignRow]) -> list[str]:
    by_design = {row.design: row for row in rows}
    notes = []
    if {"vanilla", "single-head"} <= by_design.keys():
        vanilla, single = by_design["vanilla"], by_design["single-head"]
        difference = 100 * (single.accuracy - vanilla.accuracy)
        spread = 100 * (vanilla.accuracy_se**2 + single.accuracy_se**2) ** 0.5
        verdict = "within" if abs(difference) <= spread else "beyond"
        notes.append(
            f"single-head minus vanilla: {difference:+.1f} points of accuracy, {verdict} the standard error of the "
            f"difference ({spread:.1f}); one seed."
        )
    errors = [row.contribution_error for row in rows if row.contribution_error is not None]
    if errors:
        notes.append(
            f"Words sum to the decision: over all test texts of the additive designs, bias plus word contributions "
            f"differ from the logit by at most {max(errors):.1e}."
        )
    return notes


def _json(report: DemoReport) -> dict[str, object]:
    fields = dataclasses.asdict(report)
    rows = fields.pop("rows")
    designs = {
        row["design"]: {name: value for name, value in row.items() if name not in ("design", "explanations")}
        for row in rows
    }
    return {"designs": designs, **fields}
