"""Loggers of a training: the numbers arrive, no text does, and what is not there is refused before any work."""

import dataclasses
import sys
from importlib.machinery import ModuleSpec
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from explainable_bert.data.files import write_table
from explainable_bert.errors import InputError
from explainable_bert.interfaces.cli import app
from explainable_bert.training import loggers
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import train_with_twin
from tiny import toy_corpus

SETTINGS = TrainingSettings(epochs=2, batch_size=8)


@pytest.fixture(autouse=True)
def no_folder_named(monkeypatch):
    monkeypatch.delenv("TENSORBOARD_LOGGING_DIR", raising=False)


def events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def scalars(folder, name):
    return {event.step: event.value for event in events(folder).Scalars(name)}


def test_tensorboard_has_the_numbers_of_the_report_and_no_text(stock_folder, tmp_path):
    corpus, output = toy_corpus(), tmp_path / "model"
    report = train(ModelRequest(str(stock_folder), "vanilla"), corpus, output, SETTINGS, report_to=["tensorboard"])
    steps = [3, 6]
    accuracies = [epoch.validation_accuracy for epoch in report.epochs]
    losses = [epoch.train_loss for epoch in report.epochs]
    assert scalars(output / "logs", "eval/accuracy") == pytest.approx(dict(zip(steps, accuracies, strict=True)))
    assert scalars(output / "logs", "train/loss") == pytest.approx(dict(zip(steps, losses, strict=True)))
    written = b"".join(path.read_bytes() for path in (output / "logs").iterdir())
    assert b"positive" in written  # the labels' names, in the model's config
    for example in (*corpus.train, *corpus.validation, *corpus.test):
        assert example.text.encode() not in written


def test_the_twin_is_logged_apart_and_loggers_are_no_part_of_the_run(stock_folder, tmp_path):
    request, output = ModelRequest(str(stock_folder), "explainable"), tmp_path / "model"
    settings = TrainingSettings(epochs=1, batch_size=8)
    report = train_with_twin(request, toy_corpus(), output, settings, report_to=["tensorboard"])
    for folder in (output, tmp_path / "twin-of-model"):
        assert list(scalars(folder / "logs", "eval/accuracy")) == [3]
    assert train_with_twin(request, toy_corpus(), output, settings) == report


def test_the_folder_of_tensorboard_may_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("TENSORBOARD_LOGGING_DIR", str(tmp_path / "elsewhere"))
    (callback,) = loggers.logger_callbacks(["tensorboard", "tensorboard"], tmp_path)
    assert callback.logging_dir == str(tmp_path / "elsewhere")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wandb", "report_to: 'wandb' given; accepted: tensorboard, mlflow, trackio"),
        ("mlflow", "report_to: 'mlflow' given, but it is not installed; run: pip install mlflow-skinny"),
    ],
)
def test_loggers_that_are_not_there(stock_folder, tmp_path, monkeypatch, name, message):
    absent = dataclasses.replace(loggers._LOGGERS["mlflow"], is_available=lambda: False)
    monkeypatch.setitem(loggers._LOGGERS, "mlflow", absent)
    for run, design in ((train, "vanilla"), (train_with_twin, "explainable")):
        with pytest.raises(InputError) as error:
            run(ModelRequest(str(stock_folder), design), toy_corpus(), tmp_path / "model", report_to=[name])
        assert str(error.value) == message
    assert list(tmp_path.iterdir()) == []


class Settings(dict):
    def update(self, found, **_):
        super().update(found)


def test_trackio_is_told_the_metrics_and_stays_on_this_machine(stock_folder, tmp_path, monkeypatch):
    """The callback is transformers' own: here with a module that notes what it is told."""
    spec, told = ModuleSpec("trackio", loader=None), []
    trackio = SimpleNamespace(
        init=lambda **options: told.append({name: options[name] for name in ("project", "name", "space_id")}),
        config=Settings(),
        context_vars=SimpleNamespace(current_space_id=SimpleNamespace(get=lambda: None)),
        log=lambda metrics, **_: told.append(metrics),
        finish=lambda: told.append("finished"),
        __version__="0.43.0",
        __spec__=spec,
    )
    monkeypatch.setitem(sys.modules, "trackio", trackio)
    request = ModelRequest(str(stock_folder), "vanilla")
    report = train(request, toy_corpus(), tmp_path / "model", SETTINGS, report_to=["trackio"])
    of_run = told[: told.index("finished")]
    assert of_run[0] == {"project": "explainable-bert", "name": "model", "space_id": None}
    accuracies = [metrics["eval/accuracy"] for metrics in of_run if "eval/accuracy" in metrics]
    assert accuracies == [epoch.validation_accuracy for epoch in report.epochs]


def test_the_command_passes_the_loggers_on(stock_folder, tmp_path):
    data = tmp_path / "data.jsonl"
    write_table([{"text": f"the film is {'great' if i % 2 else 'awful'} {i}", "label": i % 2} for i in range(60)], data)
    arguments = ["train", "--data", str(data), "--output", str(tmp_path / "x"), "--base", str(stock_folder)]
    arguments += ["--design", "vanilla", "--report-to", "tensorboard", "--report-to", "wandb"]
    result = CliRunner().invoke(app, arguments)
    assert str(result.exception) == "report_to: 'wandb' given; accepted: tensorboard, mlflow, trackio"
