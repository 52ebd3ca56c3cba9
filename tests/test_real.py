"""The real thing, small: minilm trained for a moment on movie-snippets, and the quick demo as a user runs it."""

import json
import subprocess
import sys

import pytest

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.data.corpora import load_corpus
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings

pytestmark = pytest.mark.real


def test_a_short_training_beats_chance_by_far(tmp_path):
    corpus = load_corpus("movie-snippets").limited(n_train=1600, n_held_out=400)
    settings = TrainingSettings(epochs=1, batch_size=16)
    report = train(ModelRequest(design="single-head"), corpus, tmp_path / "x", settings)
    assert report.validation_accuracy > 0.70
    decisive = ExplainableClassifier.load(tmp_path / "x").predict(["A wonderful, moving film.", "Dull and awful."])
    assert [prediction.label for prediction in decisive] == ["positive", "negative"]


def test_minilm_starts_every_design_with_its_weights():
    stock = ExplainableBertForSequenceClassification.from_base("minilm", design="vanilla").state_dict()
    for design in ("single-head", "additive", "lexical", "explainable"):
        model = ExplainableBertForSequenceClassification.from_base("minilm", design=design)
        for name, weight in model.bert.state_dict().items():
            assert weight.equal(stock[f"bert.{name}"])
        assert model.config.special_token_ids == [0, 101, 102]


def test_the_quick_demo(tmp_path):
    output = tmp_path / "demo"
    command = [sys.executable, "-m", "explainable_bert", "demo", "--quick", "--output", str(output)]
    first = subprocess.run(command, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    report = json.loads((output / "report.json").read_text())
    assert list(report["designs"]) == ["vanilla", "single-head", "additive", "lexical", "explainable"]
    for design, row in report["designs"].items():
        assert set(row) >= {
            "accuracy", "accuracy_se", "effective_words", "parameters", "seconds", "contribution_error"
        }  # fmt: skip
        assert (row["contribution_error"] is None) == (design in ("vanilla", "single-head"))
        assert (output / "models" / design / "model.safetensors").is_file()
        assert f"{design}: accuracy" in first.stdout
    for design in ("additive", "lexical", "explainable"):
        assert report["designs"][design]["contribution_error"] < 1e-5
    # So short a training may fail for one design; all five failing is a defect.
    assert max(row["accuracy"] for row in report["designs"].values()) > 0.65
    assert report["designs"]["single-head"]["effective_words"] < report["designs"]["vanilla"]["effective_words"]
    assert (output / "report.html").read_text().count("<!doctype html>") == 1
    assert str(output / "report.html") in first.stdout.replace("\n", "")
    written = (output / "models" / "vanilla" / "model.safetensors").stat().st_mtime_ns
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert (output / "models" / "vanilla" / "model.safetensors").stat().st_mtime_ns == written
    assert json.loads((output / "report.json").read_text()) == report
