"""What commands read: models, texts from the command line or a file, labelled examples."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from explainable_bert.interfaces.terminal import quiet_libraries, say, say_left_out, say_skipped

if TYPE_CHECKING:
    from explainable_bert.data.labelled import Columns, Example
    from explainable_bert.pipeline import ExplainableClassifier
    from explainable_bert.records import Long
    from explainable_bert.text.encoding import TextInput

_SPLITS = ("test", "validation", "train")


def load_model(model: str, long: "Long" = "window") -> "ExplainableClassifier":
    """The classifier of a model folder or hub name; `long` is what it does with texts longer than its window."""
    quiet_libraries()
    from explainable_bert.pipeline import ExplainableClassifier

    return ExplainableClassifier.load(model, long=long)


def given_texts(
    texts: list[str] | None, input_: Path | None, pair: str | None, text_column: str, pair_column: str | None
) -> list[tuple[int, "TextInput"]]:
    """Row numbers, from 1, with their texts, from the command line or a file; rows without a text are named."""
    if (texts is None) == (input_ is None):
        raise typer.BadParameter("give TEXT... or --input FILE, one of the two")
    if input_ is None:
        texts = texts or []
        if pair is not None and len(texts) != 1:
            raise typer.BadParameter(f"--pair given with {len(texts)} texts; it goes with one")
        return [(row, text if pair is None else (text, pair)) for row, text in enumerate(texts, start=1)]
    if pair is not None:
        raise typer.BadParameter("--pair goes with TEXT; with --input, name a --pair-column")
    from explainable_bert.data.files import read_table
    from explainable_bert.data.labelled import Columns, unlabelled_rows

    rows = unlabelled_rows(read_table(input_), Columns(text=text_column, pair=pair_column), input_.name)
    say_skipped(len(rows.skipped), rows.skipped)
    return list(rows.texts)


def labelled_examples(
    data: str, split: str, columns: "Columns", labels: tuple[str, ...], models: list[str]
) -> tuple[list["Example"], str]:
    """The examples to measure on, and what they are in words.

    A file gives all its rows, unless one of the `models` was trained on that very file: then the split that it did not
    see. Corpora, folders and hub data sets give their `split`, or where there is no test split the validation split.
    Labels that are numbers count the model's labels from 0.
    """
    from explainable_bert.data.rationales import holds_rationales, load_rationales

    if split not in _SPLITS:
        raise typer.BadParameter(f"--split {split!r}; accepted: {', '.join(_SPLITS)}")
    if holds_rationales(data):
        rows = load_rationales(data)
        say_skipped(len(rows.skipped), rows.skipped)
        examples, source = list(rows.examples), f"{Path(data).name}, with human rationales"
    elif Path(data).is_file() and not _trained_on(data, columns, models):
        from explainable_bert.data.files import read_table
        from explainable_bert.data.labelled import labelled_rows

        rows = labelled_rows(read_table(Path(data)), columns, Path(data).name)
        say_skipped(len(rows.skipped), rows.skipped)
        examples, source = list(rows.examples), f"{Path(data).name}, all rows"
    else:
        examples, source = _split_of_corpus(data, split, columns)
    return _named(examples, labels), source


def _split_of_corpus(data: str, split: str, columns: "Columns") -> tuple[list["Example"], str]:
    from explainable_bert.data.corpora import load_corpus

    corpus = load_corpus(data, columns)
    say_left_out(corpus)
    if split == "test" and not corpus.test:
        say(f"{data} has no test split: measuring on validation, by which the training epoch was chosen")
        split = "validation"
    if split == "train":
        say("these are training rows: what is measured on them says little of other texts")
    return list(getattr(corpus, split)), f"{Path(data).name}, {split} split"


def _trained_on(data: str, columns: "Columns", models: list[str]) -> bool:
    """Whether a model's training report names this very corpus."""
    reports = [found for model in models if (found := _training_corpus(model)) is not None]
    if not reports:
        return False
    from explainable_bert.data.corpora import load_corpus
    from explainable_bert.errors import InputError

    try:
        fingerprint = load_corpus(data, columns).fingerprint
    except InputError:  # no corpus to train on, such as one of a single label
        return False
    if fingerprint not in reports:
        return False
    say(f"{data} is what a model was trained on: measuring on one split of it alone")
    return True


def _training_corpus(model: str) -> Any:
    from explainable_bert.training.run_folder import kept_report

    report = kept_report(Path(model))
    return None if report is None else report.run["corpus"].get("fingerprint")


def _named(examples: list["Example"], labels: tuple[str, ...]) -> list["Example"]:
    """The examples with labels as the model calls them."""
    from explainable_bert.data.labelled import with_label_names

    named = list(with_label_names(examples, labels))
    if named != examples:
        say("labels are numbers: " + ", ".join(f"{number} is {label}" for number, label in enumerate(labels)))
    return named
