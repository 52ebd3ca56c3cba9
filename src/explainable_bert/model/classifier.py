"""The classifier as it is loaded and saved: started in a design from a base, read from a checked folder."""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification

from explainable_bert.errors import ModelError
from explainable_bert.manifest import MANIFEST_FILE
from explainable_bert.model.checkpoint import (
    DESIGN_FIELDS,
    BaseCheckpoint,
    checked_base,
    checked_loading,
    is_classifier,
    read_config,
    refuse_missing,
    refuse_not_finite,
)
from explainable_bert.model.configuration import ExplainableBertConfig
from explainable_bert.model.network import ExplainableBertNetwork
from explainable_bert.writing import share


class ExplainableBertForSequenceClassification(ExplainableBertNetwork):
    """The network with all that is needed to start, load and save it.

    `from_base` starts a design from any BERT checkpoint, `from_pretrained` loads a saved one.
    """

    @classmethod
    def from_base(
        cls,
        name_or_folder: str | Path,
        design: str = "single-head",
        value_layer: int | None = None,
        num_labels: int = 2,
        **config: Any,
    ) -> "ExplainableBertForSequenceClassification":
        """Start `design` from a BERT checkpoint: a folder, a hub name, or `minilm`.

        Any stock class serves (BertModel, BertForMaskedLM, BertForSequenceClassification, sentence-transformers
        folders); a classifier is kept where it has `num_labels` outputs, else it is drawn anew. `config` are further
        fields of ExplainableBertConfig.

        Raises ModelError when the checkpoint is no BERT, has no safetensors weights, or the config does not fit.
        """
        given = str(name_or_folder)
        base = checked_base(given)
        family_config = _family_config(base, design, value_layer, num_labels, config)
        with checked_loading(given, argument="base"):
            loaded: Any = super().from_pretrained(
                base.source,
                config=family_config,
                use_safetensors=True,
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
        model: ExplainableBertForSequenceClassification
        model, report = loaded
        # A base need not have a classifier, nor a pooler: those are drawn anew.
        refuse_missing(report, given, "base", may_be_new=("classifier.", "bert.pooler."))
        if family_config.readout == "additive":
            model._centre_classifier()
        return model

    @classmethod
    def from_pretrained(  # type: ignore[override]  # its options pass through as they are
        cls, pretrained_model_name_or_path: str | Path, *args: Any, **kwargs: Any
    ) -> Any:
        """Load as transformers does, from safetensors only; a stock checkpoint becomes the `design` given with it.

        Raises ModelError when there is no model that can be loaded.
        """
        source = str(pretrained_model_name_or_path)
        if kwargs.setdefault("use_safetensors", True) is not True:
            raise ModelError(f"use_safetensors: {kwargs['use_safetensors']} given; accepted: True (no pickles)")
        if "config" not in kwargs and read_config(source, "model").model_type == "bert":
            base = checked_base(source, "model")
            chosen = {name: kwargs.pop(name) for name in DESIGN_FIELDS if name in kwargs}
            n_labels = kwargs.pop("num_labels", base.n_labels or 2)
            design, value_layer = chosen.pop("design", "single-head"), chosen.pop("value_layer", None)
            kwargs["config"] = _family_config(base, design, value_layer, n_labels, chosen)
        with checked_loading(source):
            return super().from_pretrained(pretrained_model_name_or_path, *args, **kwargs)

    def save_pretrained(  # type: ignore[override]  # its options pass through as they are
        self, save_directory: str | Path, *args: Any, **kwargs: Any
    ) -> None:
        """Save as transformers does, for all to read, without the manifest of what the folder held before.

        Nor does the config name a code file (export.hub writes one), which would not be there.
        """
        vars(self.config).pop("auto_map", None)
        (Path(save_directory) / MANIFEST_FILE).unlink(missing_ok=True)
        super().save_pretrained(save_directory, *args, **kwargs)
        for file in Path(save_directory).glob("*.safetensors"):
            share(file)

    def _centre_classifier(self) -> None:
        """Take from each label's weights and bias their mean over labels, which no prediction depends on.

        Softmax sees differences of logits only, so that mean would stay as it was drawn or inherited, and add the same
        score to a word's contribution to every label.
        """
        with torch.no_grad():
            self.classifier.weight.sub_(self.classifier.weight.mean(dim=0, keepdim=True))
            self.classifier.bias.sub_(self.classifier.bias.mean())


def load_trained(source: str, argument: str = "model") -> ExplainableBertForSequenceClassification:
    """A trained classifier with all its weights; a stock BertForSequenceClassification loads as `vanilla`.

    Raises ModelError, naming `argument`, when there is none at `source`, or one that does not choose one label.
    """
    config = read_config(source, argument)
    if config.problem_type not in (None, "single_label_classification"):
        raise ModelError(f"{argument}: {source!r} is for {config.problem_type}; accepted: single_label_classification")
    if config.model_type == "bert":
        if not is_classifier(config):
            raise ModelError(
                f"{argument}: {source!r} is a BERT without a trained classifier; "
                f"make one with: explainable-bert train --base {source}"
            )
        config = _family_config(checked_base(source, argument), "vanilla", None, config.num_labels, {})
    with checked_loading(source, argument):
        loaded: Any = ExplainableBertForSequenceClassification.from_pretrained(
            source, config=config, ignore_mismatched_sizes=True, output_loading_info=True
        )
    model: ExplainableBertForSequenceClassification
    model, report = loaded
    refuse_missing(report, source, argument)
    refuse_not_finite(model, source, argument)
    return model


def _family_config(
    base: BaseCheckpoint, design: str, value_layer: int | None, num_labels: int, config: dict[str, Any]
) -> ExplainableBertConfig:
    accepted = {field.name for field in dataclasses.fields(ExplainableBertConfig)} | {"id2label", "label2id"}
    unknown = sorted(config.keys() - accepted)
    if unknown:
        raise ModelError(f"{unknown[0]}: given, but no field of ExplainableBertConfig")
    labels = {} if base.n_labels == num_labels else {"id2label": None, "label2id": None}
    settings = {**base.config, **labels, "num_labels": num_labels, "special_token_ids": base.special_token_ids}
    return ExplainableBertConfig(**{**settings, **config, "design": design, "value_layer": value_layer})


AutoModelForSequenceClassification.register(ExplainableBertConfig, ExplainableBertForSequenceClassification)
