"""What is run on each side, from texts to records: `python -m explainable_bert.speed.sides SIDE FOLDER TEXTS`.

FOLDER is one that speed.bench made; TEXTS a JSON file of groups of texts, each of which is given at once.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.special import softmax

from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.speed.turns import serve
from explainable_bert.text.encoding import TOKENS_AT_ONCE, by_length

OURS, OURS_GRAPH, STOCK, STOCK_GRAPH = "ours", "ours-onnx", "stock", "stock.onnx"
# Texts of a batch where nobody thought about it.
_BATCH_SIZE = 32

Work = Callable[[list[str]], Any]


@dataclass(frozen=True)
class Kind:
    """One side: what a reader should know of it, and how it is made from a folder."""

    summary: str
    make: Callable[[Path], Work]
    explains: bool = False
    needs_onnx: bool = False


def _ours(folder: Path, *, compiled: bool = False) -> Work:
    return ExplainableClassifier.load(folder / OURS, compiled=compiled).explain


def _ours_graph(folder: Path) -> Work:
    return ExplainableClassifier.load(folder / OURS_GRAPH).explain


def _stock(folder: Path, *, compiled: bool = False) -> Work:
    """As a careful engineer would: read once, sorted, filled batches, the label and its probability."""
    import torch

    model, tokenizer = _stock_model(folder), _tokenizer(folder)
    if compiled:
        model.compile(dynamic=True)

    def work(texts: list[str]) -> Any:
        with torch.inference_mode():
            return _labels(texts, tokenizer, lambda batch: model(**batch.convert_to_tensors("pt")).logits.numpy())

    return work


def _stock_attentions(folder: Path) -> Work:
    """As is done today for a picture: eager attention, every map put out, batches as the texts come."""
    import torch

    model, tokenizer = _stock_model(folder, attn_implementation="eager"), _tokenizer(folder)

    def work(texts: list[str]) -> Any:
        found = []
        with torch.inference_mode():
            for start in range(0, len(texts), _BATCH_SIZE):
                batch = tokenizer(
                    texts[start : start + _BATCH_SIZE], truncation=True, padding=True, return_tensors="pt"
                )
                output = model(**batch, output_attentions=True)
                shown = output.attentions[-1].mean(dim=1)[:, 0]
                found += list(zip(output.logits.softmax(dim=-1).tolist(), shown.tolist(), strict=True))
        return found

    return work


def _pipeline(folder: Path) -> Work:
    from transformers import pipeline

    classify: Any = pipeline("text-classification", model=_stock_model(folder), tokenizer=_tokenizer(folder))
    return lambda texts: classify(texts, truncation=True)


def _stock_graph(folder: Path) -> Work:
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / STOCK_GRAPH, providers=["CPUExecutionProvider"])
    tokenizer = _tokenizer(folder)

    def run(batch: Any) -> np.ndarray:
        arrays = batch.convert_to_tensors("np")
        (logits,) = session.run(["logits"], {name: np.asarray(array, np.int64) for name, array in arrays.items()})
        return np.asarray(logits)

    return lambda texts: _labels(texts, tokenizer, run)


SIDES: Mapping[str, Kind] = MappingProxyType(
    {
        "ours, torch": Kind("prediction and explanation", _ours, explains=True),
        "ours, ONNX": Kind("prediction and explanation", _ours_graph, explains=True, needs_onnx=True),
        "stock SDPA": Kind("prediction alone, the same batches", _stock),
        "stock eager, attentions": Kind("prediction and its maps, batches of 32 as texts come", _stock_attentions),
        "transformers.pipeline": Kind("prediction alone, defaults", _pipeline),
        "stock ONNX": Kind("prediction alone, the same batches", _stock_graph, needs_onnx=True),
        "ours, compiled": Kind("prediction and explanation", partial(_ours, compiled=True), explains=True),
        "stock compiled": Kind("prediction alone, the same batches", partial(_stock, compiled=True)),
    }
)


def _stock_model(folder: Path, **options: Any) -> Any:
    from transformers import BertForSequenceClassification

    return BertForSequenceClassification.from_pretrained(folder / STOCK, **options).eval()


def _tokenizer(folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder / STOCK)


def _labels(texts: list[str], tokenizer: Any, logits: Callable[[Any], np.ndarray]) -> list[tuple[int, float]]:
    """Label and probability of each text, in order; batches are those of our own side."""
    found: dict[int, tuple[int, float]] = {}
    for places, batch in _batches(texts, tokenizer):
        probabilities = softmax(logits(batch), axis=1)
        labels = probabilities.argmax(axis=1)
        found.update(zip(places, zip(labels.tolist(), probabilities.max(axis=1).tolist(), strict=True), strict=True))
    return [found[place] for place in range(len(texts))]


def _batches(texts: list[str], tokenizer: Any) -> Iterator[tuple[list[int], Any]]:
    read = tokenizer(texts, truncation=True)
    lengths = [len(ids) for ids in read["input_ids"]]
    for places in by_length(lengths, TOKENS_AT_ONCE):
        yield places, tokenizer.pad({name: [rows[place] for place in places] for name, rows in read.items()})


def main() -> None:
    """Serve one side."""
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    name, folder, file = sys.argv[1:]
    groups = json.loads(Path(file).read_text(encoding="utf-8"))
    run = SIDES[name].make(Path(folder))

    def work() -> None:
        for texts in groups:
            run(texts)

    serve(work)


if __name__ == "__main__":
    main()
