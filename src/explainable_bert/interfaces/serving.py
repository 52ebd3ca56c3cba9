"""The commands that write a model for others: export onnx, for serving, and export hub, for publishing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explainable_bert.interfaces.options import LabelColumn, Model, PairColumn, Split, TextColumn
from explainable_bert.interfaces.reading import labelled_examples, load_model
from explainable_bert.interfaces.terminal import quiet_libraries, say
from explainable_bert.locking import check_makeable

if TYPE_CHECKING:
    from explainable_bert.data.labelled import Example

ONNX_EXAMPLE = "Example: explainable-bert export onnx runs/x --output runs/x-onnx --data movie-snippets"
HUB_EXAMPLE = "Example: explainable-bert export hub runs/x --output runs/x-hub --evaluation runs/x-evaluated"
_N_SAMPLE = 200

export = typer.Typer(help="Write a model for serving or publishing.", no_args_is_help=True)


@export.command(epilog=ONNX_EXAMPLE)
def onnx(
    model: Model,
    output: Annotated[Path, typer.Option(help="Folder to make.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Weights of matrix products in 8 bits: faster, inexact.")
    ] = False,
    data: Annotated[
        str | None, typer.Option(help="Labelled texts to compare graph and model on: named corpus, file or folder.")
    ] = None,
    split: Split = "test",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many of them.")] = _N_SAMPLE,
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
) -> None:
    """Write one ONNX graph with logits, attention and contributions, checked against the model."""
    check_makeable(output)
    quiet_libraries()
    from explainable_bert.data.corpora import sample
    from explainable_bert.data.labelled import Columns
    from explainable_bert.export.onnx import export_onnx

    classifier = load_model(model)
    examples: tuple[Example, ...] = ()
    if data is not None:
        columns = Columns(text=text_column, label=label_column, pair=pair_column)
        examples = sample(labelled_examples(data, split, columns, classifier.labels, [model])[0], limit)
    say("writing the graph: half a minute or so")
    report = export_onnx(classifier, output, int8=int8, sample=examples)
    say(f"graph and model differ by at most {report.largest_difference:.1e}{' before it was quantised' * int8}")
    if report.accuracy is not None:
        say(f"accuracy on {report.n_sample} texts: graph {report.accuracy:.3f}, model {report.model_accuracy:.3f}")
    tau = "undefined" if report.rank_agreement is None else f"{report.rank_agreement:.3f}"
    say(f"same label on {report.same_label:.1%} of {report.n_sample} texts; Kendall's tau of the words' order {tau}")
    say(f"wrote {output}; ExplainableClassifier.load({str(output)!r}) runs it without torch")


@export.command(epilog=HUB_EXAMPLE)
def hub(
    model: Model,
    output: Annotated[Path, typer.Option(help="Folder to make; its name is the model's in the card.")],
    evaluation: Annotated[
        Path | None, typer.Option(help="Folder that explainable-bert evaluate wrote, for the card.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Text that the card shows as an example.")] = None,
) -> None:
    """Write a folder for the hub: weights, tokenizer, a code file that needs no package, and a card."""
    check_makeable(output)
    quiet_libraries()
    from explainable_bert.export.hub import CARD_FILE, EXAMPLE_TEXT, export_hub

    classifier = load_model(model)
    export_hub(classifier, output, evaluation=evaluation, text=EXAMPLE_TEXT if text is None else text)
    say(f"wrote {output}; read its {CARD_FILE} and add to it, then: hf upload USER/NAME {output}")
