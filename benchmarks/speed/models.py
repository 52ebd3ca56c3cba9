"""The models that speed is measured on: MiniLM's weights, and BERT-base with drawn ones, reading one vocabulary."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from transformers import BertConfig, BertModel

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.model.checkpoint import load_tokenizer, resolve_base

DESIGN = "explainable"
# None: the checkpoint that is at hand. No time depends on weights.
SHAPES: Mapping[str, dict[str, Any] | None] = MappingProxyType({"MiniLM-L6": None, "BERT-base": {}})


def classifier(shape: str, seed: int = 0) -> ExplainableClassifier:
    """An explainable classifier of a shape."""
    tokenizer, sizes = load_tokenizer(resolve_base("minilm")), SHAPES[shape]
    torch.manual_seed(seed)  # so that a stopped benchmark finds the model again that it began with
    if sizes is None:
        model = ExplainableBertForSequenceClassification.from_base("minilm", design=DESIGN)
        return ExplainableClassifier(model, tokenizer, name=shape)
    with tempfile.TemporaryDirectory() as folder:
        BertModel(BertConfig(**{"vocab_size": len(tokenizer), **sizes})).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        model = ExplainableBertForSequenceClassification.from_base(folder, design=DESIGN)
    return ExplainableClassifier(model, tokenizer, name=f"{shape}, weights drawn")


@contextmanager
def saved(shape: str) -> Iterator[Path]:
    """The folder of a classifier of that shape, for as long as it is needed."""
    made = classifier(shape)
    with tempfile.TemporaryDirectory() as folder:
        made.model.save_pretrained(folder)
        made.tokenizer.save_pretrained(folder)
        yield Path(folder)
