"""Tiny BERT checkpoints and tokenizers, made in memory."""

import os

os.environ["HF_HUB_OFFLINE"] = "1"  # before any hub library is imported: no test may reach for the network

import jaxtyping
import pytest
import torch
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from tiny import SIZES, VOCABULARY

# Of two processes, the one that came to a long file last would end alone.
LONG_FILES = (
    "test_real.py",
    "test_sweep_run.py",
    "test_jobs_ray.py",
    "test_export_onnx.py",
    "test_faults.py",
    "test_speed.py",
    "test_training.py",
    "test_frontier_command.py",
    "test_jobs.py",
    "test_bad_inputs.py",
    "test_readme.py",
    "test_notebooks.py",
    "test_estimator.py",
    "test_export_hub.py",
)


def pytest_collection_modifyitems(items):
    """Long files first."""
    place = {name: index for index, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session")
def tokenizer():
    return BertTokenizer(vocab=dict(VOCABULARY))


@pytest.fixture(scope="session")
def stock_folder(tmp_path_factory, tokenizer):
    """A stock classifier of three labels with biases that are not zero."""
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig(**SIZES, num_labels=3)).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias"):
                weight.normal_(std=0.3)
    folder = tmp_path_factory.mktemp("stock")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def stock(stock_folder):
    return BertForSequenceClassification.from_pretrained(stock_folder).eval()


@pytest.fixture
def build(stock_folder):
    """Makes a design from the stock classifier, with its classifier kept."""

    def make(design, **config):
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=3, **config)
        return model.eval()

    return make


@pytest.fixture
def classifier(build, tokenizer):
    return lambda design, **config: ExplainableClassifier(build(design, **config), tokenizer, name="tiny")


@pytest.fixture
def without_type_checks(monkeypatch):
    """For bf16: accelerate rebuilds a model's output from one dict, which ModelOutput takes but annotations do not."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(scope="session")
def batch():
    """Two rows of 11 and 7 tokens, of which the shorter is padded on the right."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(5, len(VOCABULARY), (2, 11), generator=generator)
    ids[:, 0] = VOCABULARY["[CLS]"]
    ids[0, 10] = ids[1, 6] = VOCABULARY["[SEP]"]
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    return {"input_ids": ids * mask, "attention_mask": mask}
