"""The same seed gives the same bits; other numbers of threads give the same to within what docs/security.md says."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from explainable_bert.data.files import read_table
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.evaluation.run import evaluate
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from tiny import toy_corpus

SETTINGS = TrainingSettings(epochs=2, batch_size=8, learning_rate=1e-3, masked_fine_tuning=True, seed=3)
# What sums in another order may change in a weight of the tiny model: AdamW makes steps of the learning rate, however
# small the gradients are.
ACROSS_THREADS = 1e-3
THREADS = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(int(sys.argv[3]))
sys.path[:0] = [sys.argv[4]]
from test_determinism import SETTINGS
from tiny import toy_corpus
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest
train(ModelRequest(sys.argv[1], "additive"), toy_corpus(), Path(sys.argv[2]), SETTINGS)
"""


def trained(stock_folder, output, **changed):
    settings = dataclasses.replace(SETTINGS, **changed)
    train(ModelRequest(str(stock_folder), "additive"), toy_corpus(), output, settings)
    return output


def test_training_is_the_same_to_the_bit(stock_folder, tmp_path):
    first, second, other = (
        trained(stock_folder, tmp_path / name, **changed)
        for name, changed in (("a", {}), ("b", {}), ("c", {"seed": 4}))
    )
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()
    reports = [json.loads((folder / "training_report.json").read_text()) for folder in (first, second)]
    assert reports[0]["epochs"] == reports[1]["epochs"]
    assert (first / "model.safetensors").read_bytes() != (other / "model.safetensors").read_bytes()


def test_every_metric_is_the_same_to_the_bit(stock_folder, tmp_path):
    classifier = ExplainableClassifier.load(trained(stock_folder, tmp_path / "model"))
    measured = tuple(name for name, measure in MEASURES.items() if measure.needs != "rationales")
    settings = EvaluationSettings(("built-in", "random", "rollout"), measured, seed=5)
    outputs = [tmp_path / "first", tmp_path / "second"]
    reports = [evaluate(classifier, toy_corpus().test, output, settings) for output in outputs]
    assert reports[0].rows == reports[1].rows
    assert (outputs[0] / "summary.json").read_bytes() == (outputs[1] / "summary.json").read_bytes()
    assert read_table(outputs[0] / "examples.parquet").equals(read_table(outputs[1] / "examples.parquet"))
    again = evaluate(classifier, toy_corpus().test, tmp_path / "third", dataclasses.replace(settings, seed=6))
    assert again.rows != reports[0].rows


def test_other_numbers_of_threads_change_little(stock_folder, tmp_path):
    weights = []
    for count in ("1", "2", "4"):
        command = [sys.executable, "-c", THREADS, stock_folder, tmp_path / count, count, str(Path(__file__).parent)]
        subprocess.run(command, check=True, capture_output=True)
        weights.append(load_file(tmp_path / count / "model.safetensors"))
    apart = [float(np.abs(weights[0][name] - more[name]).max()) for more in weights[1:] for name in more]
    assert max(apart) < ACROSS_THREADS
