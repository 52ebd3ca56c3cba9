"""The command that trains: a design on a corpus, after its vanilla twin where it has one."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explainable_bert.export.strips import visible
from explainable_bert.interfaces.options import LabelColumn, LongTexts, PairColumn, TextColumn
from explainable_bert.interfaces.terminal import (
    TrainingBar,
    end_process,
    is_main_process,
    quiet_libraries,
    say,
    say_left_out,
)

if TYPE_CHECKING:
    from explainable_bert.data.corpora import Corpus
    from explainable_bert.text.encoding import TextInput
    from explainable_bert.training.report import TrainingReport
    from explainable_bert.training.settings import ModelRequest, TrainingSettings

TRAIN_EXAMPLE = (
    "Example: explainable-bert train --base minilm --data movie-snippets --unlabelled tweets --output runs/x"
)


def train(
    data: Annotated[str, typer.Option(help="Named corpus, file, folder of splits, or hub dataset.")],
    output: Annotated[Path, typer.Option(help="Model folder to make; a stopped run is continued there.")],
    design: Annotated[
        str, typer.Option(help="explainable, vanilla, single-head, additive or lexical.")
    ] = "explainable",
    base: Annotated[
        str | None, typer.Option(help="A folder or a hub name of a BERT checkpoint. Default: minilm.")
    ] = None,
    value_layer: Annotated[
        int | None, typer.Option(help="For explainable and lexical: 0 (embeddings) to the last block - 1.")
    ] = None,
    attention_function: Annotated[str, typer.Option(help="softmax, entmax15, sparsemax or uniform.")] = "softmax",
    teacher: Annotated[
        str | None,
        typer.Option(help="Trained model to learn from; explainable starts from it too. Its default: its own twin."),
    ] = None,
    unlabelled: Annotated[
        list[str] | None, typer.Option(help="Corpus or file whose texts the teacher labels; repeat it for more.")
    ] = None,
    masked_fine_tuning: Annotated[
        bool,
        typer.Option("--masked-fine-tuning", help="Show part of the texts with [MASK] holes; explainable always does."),
    ] = False,
    values_apart: Annotated[
        bool, typer.Option("--values-apart", help="Values learn apart from the attention; explainable's always do.")
    ] = False,
    bf16: Annotated[bool, typer.Option("--bf16", help="Multiply in bfloat16, where that is faster.")] = False,
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
    epochs: Annotated[int, typer.Option(help="At most so many passes over the training rows.")] = 3,
    batch_size: Annotated[int, typer.Option(help="Texts per step, over all processes.")] = 32,
    learning_rate: Annotated[float | None, typer.Option(help="Default: 1e-4 below 512 wide, else 3e-5.")] = None,
    max_length: Annotated[int, typer.Option(help="Tokens read of each text, or of each window of it.")] = 512,
    long: LongTexts = "window",
    gradient_accumulation: Annotated[int, typer.Option(help="Passes that a step is shared out to.")] = 1,
    gradient_checkpointing: Annotated[
        bool, typer.Option("--gradient-checkpointing", help="Less memory, more time.")
    ] = False,
    early_stopping_patience: Annotated[int, typer.Option(help="Epochs to wait for a better one.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the run.")] = 0,
    report_to: Annotated[
        list[str] | None,
        typer.Option(help="Send the training's numbers to tensorboard, mlflow or trackio; repeat it for more."),
    ] = None,
) -> None:
    """Train a design on a corpus into a model folder."""
    from explainable_bert.run_request import check_folder
    from explainable_bert.training.settings import ModelRequest, TrainingSettings

    # What is known at once is said before libraries are loaded, and these before a corpus is read.
    check_folder(output)
    settings = TrainingSettings(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        masked_fine_tuning=masked_fine_tuning,
        values_apart=values_apart,
        max_length=max_length,
        long=long,
        gradient_accumulation=gradient_accumulation,
        gradient_checkpointing=gradient_checkpointing,
        bf16=bf16,
        early_stopping_patience=early_stopping_patience,
        seed=seed,
    )
    quiet_libraries()
    from explainable_bert.data.corpora import Columns, load_corpus, unlabelled_texts
    from explainable_bert.model.checkpoint import MINILM
    from explainable_bert.model.configuration import check_design, has_twin

    check_design(design)
    columns = Columns(text=text_column, label=label_column, pair=pair_column)
    corpus = load_corpus(data, columns)
    say_left_out(corpus)
    texts = [text for name in unlabelled or () for text in unlabelled_texts(name, columns)]
    started_from = base or (teacher if has_twin(design) else None) or MINILM
    request = ModelRequest(started_from, design, value_layer, attention_function, teacher=teacher)
    _train(request, corpus, output, settings, texts, tuple(report_to or ()))
    end_process()


def _train(
    request: "ModelRequest",
    corpus: "Corpus",
    output: Path,
    settings: "TrainingSettings",
    unlabelled: "Sequence[TextInput]",
    report_to: tuple[str, ...],
) -> None:
    """Train under a bar, and say what came of it."""
    from explainable_bert.model.configuration import has_twin
    from explainable_bert.training.run import train as train_alone
    from explainable_bert.training.twin import recipe, train_with_twin, twin_folder

    twin = twin_folder(output) if has_twin(request.design) and request.teacher is None else None
    with TrainingBar() as bar:
        bar.start(request.design)
        try:
            if twin is not None:
                report = train_with_twin(
                    request, corpus, output, settings, bar.update, unlabelled, bar.start, report_to
                )
            else:
                settings = recipe(settings) if has_twin(request.design) else settings
                report = train_alone(request, corpus, output, settings, bar.update, unlabelled, report_to)
        except KeyboardInterrupt:
            say("interrupted; the same command continues after the last finished epoch")
            raise
    if is_main_process():
        if not bar.has_begun:
            say(f"{str(output)!r} holds this very run, finished: nothing was trained")
        _tell(report, output, twin)


def _tell(report: "TrainingReport", output: Path, twin: Path | None) -> None:
    if report.n_tokens_dropped:
        say(f"{report.n_tokens_dropped} tokens were beyond the window of their text and not read")
    print(f"validation accuracy {report.validation_accuracy:.4f} (epoch {report.best_epoch})")
    if report.test_accuracy is not None:
        n_rows = report.run["corpus"]["rows"]["test"]
        sure = f"± {report.test_accuracy_se:.4f} (standard error), over {n_rows} rows"
        print(f"test accuracy {report.test_accuracy:.4f} {sure}")
    print(f"model {visible(str(output))}")
    if twin is not None:
        print(f"vanilla twin {visible(str(twin))}")
