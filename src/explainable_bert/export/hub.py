"""A classifier as a folder for the hub: weights, tokenizer, one code file that needs no package, and a card."""

import json
from pathlib import Path
from typing import Any

from jinja2 import UndefinedError

from explainable_bert.errors import InputError, ModelError
from explainable_bert.evaluation.parts import Finished, read_finished
from explainable_bert.export.heatmap import render
from explainable_bert.export.hub_card import base_of, measured, metadata
from explainable_bert.export.hub_code import CODE_FILE, CONFIG_CLASS, MODEL_CLASS, model_code
from explainable_bert.locking import making
from explainable_bert.manifest import write_manifest
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Explanation
from explainable_bert.training.model_card import Picture, Publication, model_card
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import REPORT_FILE, kept_report
from explainable_bert.writing import write_text

CARD_FILE, PICTURE_FILE = "README.md", "example.png"
EXAMPLE_TEXT = "A warm, funny film with one awful song."
_MODULE = CODE_FILE.removesuffix(".py")


def export_hub(
    classifier: ExplainableClassifier, output: Path, *, evaluation: Path | None = None, text: str = EXAMPLE_TEXT
) -> None:
    """Write what `hf upload` takes into the folder `output`, whole or not at all.

    The folder loads with ExplainableClassifier.load, which does not run its code file, and, by that file, with
    transformers alone. The card is filled from the training report in the model's folder, where there is one, and from
    the `evaluation` in the folder that evaluate wrote; its example is `text`. No path of this machine is in it.

    Raises FileError when `output` is there already or `evaluation` is not, InputError when that is damaged or of other
    weights, or `text` is blank.
    """
    with making(output) as folder:
        found = None if evaluation is None else _evaluation(evaluation, classifier)
        report = kept_report(Path(classifier.name))
        explanation = _named(classifier, output.name).explain([text])[0]
        classifier.model.save_pretrained(folder)
        classifier.tokenizer.save_pretrained(folder)
        _name_code(folder / "config.json")
        write_text(folder / CODE_FILE, model_code())
        render([explanation], folder / PICTURE_FILE, values=True)
        # Whoever publishes a card goes on writing it: it is none of the files that have to stay as they are.
        write_manifest(folder, [file.name for file in folder.iterdir()])
        write_text(folder / CARD_FILE, _card(classifier, output.name, report, found, explanation))


def _evaluation(folder: Path, classifier: ExplainableClassifier) -> Finished:
    found = read_finished(folder, "evaluation")
    if found.fingerprint != classifier.provenance.fingerprint:
        raise InputError(
            f"evaluation: {str(folder)!r} is of other weights ({found.fingerprint[:12]}...) than {classifier.name!r} "
            f"({classifier.provenance.fingerprint[:12]}...); accepted: an evaluation of this very model"
        )
    return found


def _named(classifier: ExplainableClassifier, name: str) -> ExplainableClassifier:
    """The same model under the name that it is published by, not that of a folder of this machine."""
    return ExplainableClassifier(classifier.model, classifier.tokenizer, name)


def _name_code(file: Path) -> None:
    """Say in the config where transformers finds the classes that it does not have."""
    fields = json.loads(file.read_bytes())
    classes = {
        "AutoConfig": f"{_MODULE}.{CONFIG_CLASS}",
        "AutoModelForSequenceClassification": f"{_MODULE}.{MODEL_CLASS}",
    }
    write_text(file, json.dumps({**fields, "auto_map": classes}, indent=2, sort_keys=True) + "\n")


def _card(
    classifier: ExplainableClassifier,
    name: str,
    report: TrainingReport | None,
    found: Finished | None,
    explanation: Explanation,
) -> str:
    config: Any = classifier.model.config
    predicted = explanation.prediction
    picture = Picture(
        file=PICTURE_FILE,
        text=explanation.text,
        label=predicted.label,
        probability=predicted.probabilities[predicted.label],
        target=explanation.target,
        special_token_mass=explanation.attribution.special_token_mass,
    )
    try:
        publication = Publication(
            metadata=metadata(name, config.design, base_of(report), report, found),
            code_file=CODE_FILE,
            measured=None if found is None else measured(found),
            picture=picture,
        )
        return model_card(config, classifier.model.num_parameters(), report, publication)
    except (KeyError, TypeError, UndefinedError) as error:
        raise ModelError(f"model: the {REPORT_FILE} of {classifier.name!r} lacks what a card says: {error}") from error
