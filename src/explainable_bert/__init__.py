"""BERT text classifiers whose explanation is part of their computation; heavy imports wait until a name is used."""

import importlib
from typing import TYPE_CHECKING, Any

from explainable_bert.version import __version__

if TYPE_CHECKING:
    from explainable_bert.export.heatmap import render
    from explainable_bert.export.notebook import show
    from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
    from explainable_bert.model.configuration import ExplainableBertConfig
    from explainable_bert.pipeline import ExplainableClassifier
    from explainable_bert.records import Explanation, Prediction, load_explanations, save_explanations

_HOMES = {
    "ExplainableBertConfig": "explainable_bert.model.configuration",
    "ExplainableBertForSequenceClassification": "explainable_bert.model.classifier",
    "ExplainableClassifier": "explainable_bert.pipeline",
    "Explanation": "explainable_bert.records",
    "Prediction": "explainable_bert.records",
    "load_explanations": "explainable_bert.records",
    "render": "explainable_bert.export.heatmap",
    "save_explanations": "explainable_bert.records",
    "show": "explainable_bert.export.notebook",
}

__all__ = [
    "ExplainableBertConfig",
    "ExplainableBertForSequenceClassification",
    "ExplainableClassifier",
    "Explanation",
    "Prediction",
    "__version__",
    "load_explanations",
    "render",
    "save_explanations",
    "show",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
