"""What is in a folder from outside is data: nothing of it is run, and no memory is taken on its word."""

import io
import json
import os
import pickle
import shutil
import tarfile

import pytest
import torch

from corpus_samples import save_classifier
from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.data import vader
from explainable_bert.errors import FileError, ModelError
from explainable_bert.model.checkpoint import load_tokenizer
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from tiny import toy_corpus


@pytest.fixture
def folder(stock_folder, tokenizer, tmp_path):
    return save_classifier(stock_folder, tokenizer, tmp_path / "model")


class Trap:
    """Whoever unpickles it makes a file."""

    def __init__(self, sprung):
        self.sprung = sprung

    def __reduce__(self):
        return os.mkdir, (str(self.sprung),)


def loads_of(folder):
    return (
        lambda: ExplainableClassifier.load(folder),
        lambda: ExplainableBertForSequenceClassification.from_pretrained(folder),
        lambda: ExplainableBertForSequenceClassification.from_base(folder, design="additive"),
    )


def test_pickles_are_not_opened(folder, tmp_path):
    sprung = tmp_path / "sprung"
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin", "optimizer.pt", "tokenizer.pkl"):
        (folder / name).write_bytes(pickle.dumps(Trap(sprung)))
    for load in loads_of(folder):
        load()
    (folder / "model.safetensors").unlink()
    for load in loads_of(folder):
        with pytest.raises(ModelError, match=r"no model.safetensors; .* only \(load a .bin checkpoint"):
            load()
    assert not sprung.exists()
    pickle.loads((folder / "optimizer.pt").read_bytes())
    assert sprung.exists()  # the trap is one


def test_checkpoints_of_a_training_are_not_unpickled(stock_folder, tmp_path):
    """Not even with a manifest that says they are as they were written: the Trainer reads plain tensors alone."""
    sprung, output = tmp_path / "sprung", tmp_path / "out"

    def stop(progress):
        if progress.step == 5:
            raise KeyboardInterrupt

    asked = ModelRequest(str(stock_folder), "additive")
    settings = TrainingSettings(epochs=3, batch_size=8, early_stopping_patience=3)
    with pytest.raises(KeyboardInterrupt):
        train(asked, toy_corpus(), output, settings, stop)
    (checkpoint,) = (output / "checkpoints").glob("checkpoint-*")
    torch.save(Trap(sprung), checkpoint / "optimizer.pt")
    said = json.loads((checkpoint / "manifest.json").read_text())
    (checkpoint / "manifest.json").write_text(json.dumps({**said, "files": {}}))
    with pytest.raises(Exception, match="Weights only load failed"):
        train(asked, toy_corpus(), output, settings)
    assert not sprung.exists()


@pytest.mark.parametrize("kind", ["ours", "stock"])
def test_code_in_a_model_folder_is_not_run(folder, stock_folder, tmp_path, kind):
    sprung = tmp_path / "sprung"
    folder = folder if kind == "ours" else shutil.copytree(stock_folder, tmp_path / "stock")
    (folder / "trap.py").write_text(f"import os\nos.mkdir({str(sprung)!r})\nConfig = Model = Tokenizer = None\n")
    for name, auto_map in (
        ("config.json", {"AutoConfig": "trap.Config", "AutoModelForSequenceClassification": "trap.Model"}),
        ("tokenizer_config.json", {"AutoTokenizer": ["trap.Tokenizer", "trap.Tokenizer"]}),
    ):
        fields = json.loads((folder / name).read_text())
        (folder / name).write_text(json.dumps({**fields, "auto_map": auto_map, "tokenizer_class": "Tokenizer"}))
    for load in (*loads_of(folder), lambda: load_tokenizer(str(folder))):
        try:
            load()
        except ModelError:
            pass
    assert not sprung.exists()


@pytest.mark.parametrize("field", ["num_labels", "hidden_size", "num_hidden_layers", "vocab_size", "type_vocab_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "7", None, True, [3], 10_000_001])
def test_sizes_that_are_none_are_refused_before_memory_is_taken(folder, field, value):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value}))
    with pytest.raises(ModelError, match=rf"has {field} .* in its config; accepted: 1 to \d+$"):
        ExplainableClassifier.load(folder)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("vocab_size", 9_000_000, r"word_embeddings.weight of shape \(36, 21\); its config says \(9000000, 21\)"),
        ("max_position_embeddings", 900_000, r"position_embeddings.weight of shape"),
        ("intermediate_size", 900_000, r"intermediate.dense.weight of shape"),
        ("num_hidden_layers", 9_000, r"has the weights of 5 blocks; its config says 9000"),
    ],
)
def test_sizes_are_those_of_the_weights(folder, field, value, named):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, field: value}))
    with pytest.raises(ModelError, match=named):
        ExplainableClassifier.load(folder)


def test_what_is_downloaded_has_the_right_sum(tmp_path, monkeypatch):
    """Another archive in its place, which would write beside itself if it were unpacked, is not read."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        entry = tarfile.TarInfo("../../sprung")
        archive.addfile(entry, io.BytesIO())
    monkeypatch.setattr(vader.platformdirs, "user_cache_dir", lambda _: str(tmp_path / "cache"))
    vader.cached_archive().parent.mkdir()
    vader.cached_archive().write_bytes(stream.getvalue())

    def download(folder):
        (folder / vader.SDIST_NAME).write_bytes(stream.getvalue())

    monkeypatch.setattr(vader, "_download", download)
    with pytest.raises(FileError, match=r"the downloaded file's sha256 is [0-9a-f]{64}"):
        vader.source_file("vaderSentiment/vader_lexicon.txt")
    assert not list(tmp_path.rglob("sprung"))


def test_checkpoints_are_kept_by_their_step_whatever_the_clock_says(stock_folder, tmp_path, monkeypatch):
    """The clock goes backwards: each checkpoint seems to be older than those before it."""
    truly = os.path.getmtime

    def backwards(path):
        name, _, step = str(path).rpartition("checkpoint-")
        return -60.0 * int(step) if name else truly(path)

    monkeypatch.setattr(os.path, "getmtime", backwards)
    kept = []

    def note(progress):
        if progress.epoch_ended:
            kept.append(sorted(path.name for path in (tmp_path / "out" / "checkpoints").glob("*")))

    settings = TrainingSettings(epochs=4, batch_size=8, early_stopping_patience=4, learning_rate=1e-9)
    train(ModelRequest(str(stock_folder), "additive"), toy_corpus(), tmp_path / "out", settings, note)
    # Told before its own epoch is saved: the newest is that of the epoch before.
    assert [max(names, default=None) for names in kept] == [None, "checkpoint-3", "checkpoint-6", "checkpoint-9"]
