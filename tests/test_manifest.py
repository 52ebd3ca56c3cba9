"""Damage in a model's folder, a graph's or a checkpoint is found before anything of it is used."""

import json
import shutil

import pytest

from corpus_samples import save_classifier
from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.errors import ModelError
from explainable_bert.manifest import MANIFEST_FILE, check_manifest, write_manifest
from explainable_bert.model.checkpoint import fingerprint
from explainable_bert.training.run import train
from explainable_bert.training.run_folder import mark_complete, prepare
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from tiny import toy_corpus


@pytest.fixture(scope="module")
def trained(tmp_path_factory, stock_folder):
    folder = tmp_path_factory.mktemp("trained") / "model"
    train(ModelRequest(str(stock_folder), "additive"), toy_corpus(), folder, TrainingSettings(epochs=1, batch_size=16))
    return folder


@pytest.fixture
def copy(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "model")


def flip(path, place):
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_trained_folder_names_what_decides(trained):
    said = json.loads((trained / MANIFEST_FILE).read_text())
    assert said["format_version"] == 1
    names = {path.name for path in trained.iterdir()} - {MANIFEST_FILE, "README.md", "training_report.json"}
    assert said["files"].keys() == names >= {"model.safetensors", "config.json", "tokenizer.json"}
    ExplainableClassifier.load(trained)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"])
def test_one_flipped_bit_is_named(copy, name):
    flip(copy / name, -5)
    with pytest.raises(ModelError, match=rf"{name}' is not as it was written \(another checksum"):
        ExplainableClassifier.load(copy)
    with pytest.raises(ModelError, match=rf"^base: .*{name}' is not as it was written"):
        ExplainableBertForSequenceClassification.from_base(copy)


def test_missing_files_are_named(copy):
    (copy / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"lacks 'tokenizer.json', which its manifest.json names"):
        ExplainableClassifier.load(copy)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "is damaged: it is no manifest"),
        (b"[]", "is damaged"),
        (b'{"format_version": 1}', "is damaged"),
        (b'{"format_version": 1, "files": {"x": 3}}', "is damaged"),
        (b'{"format_version": 1, "files": {"../x": {"bytes": 1, "sha256": ""}}}', "is damaged"),
        (b'{"format_version": 2, "files": {}}', "format_version 2; .* reads 1: install a newer one"),
        (b"[" * 100_000, "is damaged"),
    ],
)
def test_manifests_that_are_none(copy, content, message):
    (copy / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        ExplainableClassifier.load(copy)


def test_whoever_saves_anew_is_not_called_damaged(copy):
    model = ExplainableBertForSequenceClassification.from_pretrained(copy)
    model.classifier.weight.data.add_(1)
    model.save_pretrained(copy)
    assert fingerprint(ExplainableBertForSequenceClassification.from_pretrained(copy)) == fingerprint(model)


def test_a_damaged_checkpoint_is_not_gone_on_from(tmp_path):
    described = {"request": {"base": "x", "teacher": None}}
    prepare(tmp_path, described)
    for step in (1, 2):
        folder = tmp_path / "checkpoints" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "optimizer.pt").write_bytes(b"state")
        mark_complete(folder)
    assert prepare(tmp_path, described) == folder
    flip(folder / "optimizer.pt", 0)
    with pytest.raises(ModelError, match=r"^output: .*checkpoint-2/optimizer.pt' is not as it was written"):
        prepare(tmp_path, described)
    shutil.rmtree(folder)
    assert prepare(tmp_path, described).name == "checkpoint-1"


def test_a_folder_without_a_manifest_is_taken_as_it_is(stock_folder, tokenizer, tmp_path):
    folder = save_classifier(stock_folder, tokenizer, tmp_path / "model")
    check_manifest(folder, "model")
    write_manifest(folder, ["config.json"])
    check_manifest(folder, "model")
