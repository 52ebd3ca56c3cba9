"""How the golden files were made, by the first release: `python tests/golden/make.py`. They are never made anew.

A later version that writes another format gets files beside these; these stay, and are to be read for ever.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import torch  # noqa: E402
from transformers import BertConfig, BertForSequenceClassification, BertTokenizer  # noqa: E402

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier  # noqa: E402
from explainable_bert.export.onnx import export_onnx  # noqa: E402
from explainable_bert.manifest import write_manifest  # noqa: E402
from explainable_bert.records import save_explanations  # noqa: E402
from tiny import SIZES, TEXTS, VOCABULARY  # noqa: E402


def main() -> None:
    """A model folder with its manifest, its graph, and what it says of a few texts."""
    torch.manual_seed(0)
    base, folder = HERE / "base", HERE / "model"
    names = {"id2label": {0: "bad", 1: "good"}, "label2id": {"bad": 0, "good": 1}}
    BertForSequenceClassification(BertConfig(**SIZES, **names)).save_pretrained(base)
    tokenizer = BertTokenizer(vocab=dict(VOCABULARY))
    tokenizer.save_pretrained(base)
    ExplainableBertForSequenceClassification.from_base(base, design="explainable").save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_manifest(folder, [path.name for path in folder.iterdir()])
    classifier = ExplainableClassifier.load(folder)
    explanations = classifier.explain(TEXTS)
    save_explanations(explanations, HERE / "explanations.json")
    save_explanations(explanations, HERE / "explanations.parquet")
    export_onnx(classifier, HERE / "graph")


if __name__ == "__main__":
    main()
