"""One point: train its model, measure it, and keep the record, after which the model is no longer needed."""

import os
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.data.labelled import Example, input_of
from explainable_bert.evaluation.run import described, observe
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.model.configuration import DESIGNS
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.sweep.arm import Point, folder_name
from explainable_bert.sweep.experiment import Experiment, ExplainedSet
from explainable_bert.sweep.record import Explained, Measured, PointRecord, Predicted
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run import train
from explainable_bert.training.run_folder import REPORT_FILE

POINT_FILE = "point.json"
MODELS = "models"
_OBSERVED = "observed"


def model_folder(output: Path, arm: str, seed: int) -> Path:
    """Where a sweep in the folder `output` keeps an arm's model of one seed."""
    return output / MODELS / folder_name(arm, seed)


def has_model(output: Path, point: Point) -> bool:
    """Whether the point's model is trained and still there."""
    return (model_folder(output, point.arm.name, point.seed) / REPORT_FILE).is_file()


def run_point(point: Point, experiment: Experiment, output: Path, folder: Path) -> None:
    """Train the point in the sweep's folder `output`, and measure it unless its record is in `folder` already.

    What was stopped continues. The models of the points that it needs have to be there. Raises ExplainableBertError as
    train and observe do.
    """
    report = _trained(point, experiment, output)
    if (folder / POINT_FILE).is_file():
        return
    started = time.monotonic()
    classifier = ExplainableClassifier.load(model_folder(output, point.arm.name, point.seed))
    predicted = {name: _predicted(classifier, examples) for name, examples in experiment.predicted.items()}
    explained = {
        name: _explained(classifier, shown, folder / _OBSERVED / str(number))
        for number, (name, shown) in enumerate(experiment.explained.items(), start=1)
    }
    record = PointRecord(
        arm=point.arm.name,
        seed=point.seed,
        design=classifier.provenance.design,
        asked=experiment.described(point),
        predicted=predicted,
        explained=explained,
        n_parameters=report.n_parameters,
        best_epoch=report.best_epoch,
        training_s=round(report.wall_time_s, 3),
        measuring_s=round(time.monotonic() - started, 3),
        versions=report.versions,
        machine=_machine(),
    )
    record.save(folder / POINT_FILE)
    shutil.rmtree(folder / _OBSERVED, ignore_errors=True)


def _trained(point: Point, experiment: Experiment, output: Path) -> TrainingReport:
    arm, request = point.arm, point.arm.request
    # In full, as a training that is continued from another working folder has to name the same base.
    if arm.teacher is not None:
        request = replace(request, teacher=str(model_folder(output, arm.teacher, point.seed).resolve()))
    if arm.base is not None:
        request = replace(request, base=str(model_folder(output, arm.base, point.seed).resolve()))
    texts = [text for name in arm.unlabelled for text in experiment.unlabelled[name]]
    folder = model_folder(output, arm.name, point.seed)
    return train(request, experiment.corpus, folder, point.settings, unlabelled=texts)


def _predicted(classifier: ExplainableClassifier, examples: Sequence[Example]) -> Predicted:
    found = classifier.predict([input_of(example) for example in examples])
    right = (prediction.label == example.label for prediction, example in zip(found, examples, strict=True))
    return Predicted(described(examples)["sha256"], "".join("01"[is_right] for is_right in right))


def _explained(classifier: ExplainableClassifier, shown: ExplainedSet, folder: Path) -> Explained:
    settings = replace(shown.settings, methods=_able(shown.settings, classifier.provenance.design))
    columns = observe(classifier, shown.examples, folder, settings).columns
    return Explained(
        described(shown.examples)["sha256"], tuple(Measured.of(column, len(shown.examples)) for column in columns)
    )


def _able(settings: EvaluationSettings, design: str) -> tuple[str, ...]:
    """The methods that can explain the design."""
    return tuple(name for name in settings.methods if EXPLAINERS[name].refusal(DESIGNS[design]) is None)


def _machine() -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return f"{platform.machine()}, {os.cpu_count()} cores, {device}"
