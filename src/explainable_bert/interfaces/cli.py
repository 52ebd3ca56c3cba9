"""The `explainable-bert` command: parse, call the library, print results to stdout and all else to stderr."""

import sys
from collections.abc import Iterable, Iterator
from itertools import chain, takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from explainable_bert.errors import ExplainableBertError
from explainable_bert.export.strips import one_line
from explainable_bert.interfaces import benching, jobs, measuring, serving, showing, sweeping, training
from explainable_bert.interfaces.options import (
    Input,
    LongTexts,
    Model,
    Pair,
    PairColumn,
    TextColumn,
    Texts,
)
from explainable_bert.interfaces.reading import given_texts, load_model
from explainable_bert.interfaces.terminal import (
    Terminal,
    print_methods,
    quiet_libraries,
    read_of,
    reading_bar,
    say,
    say_long,
)
from explainable_bert.records import Level, Long, holds_records, save_explanations
from explainable_bert.version import __version__

if TYPE_CHECKING:
    from explainable_bert.pipeline import ExplainableClassifier
    from explainable_bert.records import Explanation
    from explainable_bert.text.encoding import TextInput

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="BERT text classifiers whose explanation is part of their computation.",
)


def main() -> None:
    """Run the command; a user's mistake is one line on stderr and exit code 1, wrong usage exit code 2."""
    hidden = _hidden_option(sys.argv[1:])
    if hidden is not None:
        # Typer would print it as it is.
        say(f"error: option {hidden} given; accepted: those that --help lists (texts come after --)", style="bold red")
        sys.exit(2)
    try:
        app()
    except ExplainableBertError as error:
        say(f"error: {' '.join(str(error).split())}", style="bold red")
        sys.exit(1)


def _hidden_option(words: list[str]) -> str | None:
    """The first option whose name holds characters that a terminal would act on, made visible."""
    options = (word.partition("=")[0] for word in takewhile(lambda word: word != "--", words) if word[:1] == "-")
    return next((one_line(name) for name in options if one_line(name) != name), None)


app.command(epilog=showing.DEMO_EXAMPLE)(showing.demo)
app.command(epilog=training.TRAIN_EXAMPLE)(training.train)


@app.command(epilog='Example: explainable-bert predict runs/x "A warm, funny film." "Dull."')
def predict(
    model: Model,
    texts: Texts = None,
    input_: Input = None,
    output: Annotated[Path | None, typer.Option(help="File for the predictions: .csv .jsonl .parquet")] = None,
    pair: Pair = None,
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    long: LongTexts = "window",
) -> None:
    """Predict the label of texts."""
    from explainable_bert.data.files import check_writable, write_table

    if output is not None:
        check_writable(output)
    rows = given_texts(texts, input_, pair, text_column, pair_column)
    classifier = load_model(model, long)
    with reading_bar("predicting") as progress:
        predictions = classifier.predict([text for _, text in rows], progress)
    say_long([read_of(prediction) for prediction in predictions])
    table = [
        {
            "row": number,
            **({"text": text} if isinstance(text, str) else {"text": text[0], "text_pair": text[1]}),
            "label": prediction.label,
            "probability": prediction.probabilities[prediction.label],
            **{f"probability_{label}": value for label, value in prediction.probabilities.items()},
            "n_windows": prediction.n_windows,
            "n_tokens_dropped": prediction.n_tokens_dropped,
        }
        for (number, text), prediction in zip(rows, predictions, strict=True)
    ]
    if output is not None:
        write_table(table, output)
        say(f"wrote {output}")
        return
    for line in table:
        shown = " | ".join(str(line[name]) for name in ("text", "text_pair") if name in line)
        print(f"{one_line(str(line['label']))}\t{line['probability']:.4f}\t{one_line(shown)}")


@app.command(epilog='Example: explainable-bert explain runs/x "A warm, funny film." --output strip.svg')
def explain(
    model: Model,
    texts: Texts = None,
    input_: Input = None,
    output: Annotated[Path | None, typer.Option(help="File to write: .html .svg .png .pdf .json .csv .parquet")] = None,
    method: Annotated[str, typer.Option(metavar="NAME[,NAME...]", help="See explainable-bert methods.")] = "built-in",
    target: Annotated[str | None, typer.Option(help="Label to explain. Default: the predicted one.")] = None,
    level: Annotated[Level, typer.Option(help="What is scored.")] = "word",
    versus: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Model to compare with, on the same words.")
    ] = None,
    map_: Annotated[
        bool, typer.Option("--map", help="Add the final block's query x key map (not shown here).")
    ] = False,
    values: Annotated[bool, typer.Option("--values", help="Print each score in the picture.")] = False,
    split: Annotated[bool, typer.Option("--split", help="One file per text.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of methods that draw at random.")] = 0,
    pair: Pair = None,
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    long: LongTexts = "window",
) -> None:
    """Show what each word did for the decision, here or as a picture."""
    from explainable_bert.export.heatmap import check_format, render
    from explainable_bert.export.terminal import sheet_to_terminal

    if output is not None:
        check_format(output)
    elif map_ or values or split:
        raise typer.BadParameter("--map, --values and --split are for files: give --output too")
    names = list(dict.fromkeys(name.strip() for name in method.split(",")))
    rows = [text for _, text in given_texts(texts, input_, pair, text_column, pair_column)]
    asked = {"target": target, "level": level, "attention_map": map_, "seed": seed}
    if output is not None and holds_records(output) and versus is None and not split:
        _write_records(_loaded_for(model, long, names, asked), rows, names, asked, output)
        return
    base, other = _loaded_for(model, long, names, asked), None if versus is None else load_model(versus, long)
    ours, theirs = _explain(base, other, rows, names, asked)
    say_long([read_of(explanation.prediction) for explanation in ours[:: len(names)]])
    if output is None:
        Terminal().print(sheet_to_terminal(ours, theirs))
        return
    for path in render(ours, output, versus=theirs, values=values, split=split):
        say(f"wrote {path}")


def _write_records(
    base: "ExplainableClassifier", texts: list["TextInput"], methods: list[str], asked: dict[str, Any], output: Path
) -> None:
    """The explanations of each text, method after method, written as they come, in memory that does not grow."""
    lengths: list[tuple[int, int]] = []

    def noted(explanations: Iterable["Explanation"]) -> Iterator["Explanation"]:
        for number, explanation in enumerate(explanations):
            if number % len(methods) == 0:
                lengths.append(read_of(explanation.prediction))
            yield explanation

    with reading_bar(f"explaining by {', '.join(methods)}") as progress:
        by_method = [base.iter_explanations(texts, name, progress=progress, **asked) for name in methods]
        save_explanations(noted(chain.from_iterable(zip(*by_method, strict=True))), output)
    say_long(lengths)
    say(f"wrote {output}")


def _loaded_for(model: str, long: Long, methods: list[str], asked: dict[str, Any]) -> "ExplainableClassifier":
    """The model, once it is known that it can be explained so."""
    quiet_libraries()
    from explainable_bert.attribution.methods import check_method

    for name in methods:
        check_method(name)
    base = load_model(model, long)
    for name in methods:
        base.check(name, asked["target"], asked["level"], asked["seed"])
    return base


def _explain(
    base: "ExplainableClassifier",
    other: "ExplainableClassifier | None",
    texts: list["TextInput"],
    methods: list[str],
    asked: dict[str, Any],
) -> tuple[list["Explanation"], list["Explanation"] | None]:
    """The explanations of each text, method after method; those of `versus` beside them."""
    from explainable_bert.pipeline import explain_versus

    if other is not None:
        for name in methods:
            other.check(name)
    by_method: list[tuple[list[Explanation], list[Explanation]]] = []
    for name in methods:
        with reading_bar(f"explaining by {name}") as progress:
            if other is None:
                by_method.append((base.explain(texts, name, progress=progress, **asked), []))
            else:
                by_method.append(explain_versus(base, other, texts, progress, name, **asked))
    ours, theirs = ([*chain.from_iterable(zip(*side, strict=True))] for side in zip(*by_method, strict=True))
    return ours, None if other is None else theirs


app.command(epilog=measuring.EVALUATE_EXAMPLE)(measuring.evaluate)
app.command(epilog=measuring.COMPARE_EXAMPLE)(measuring.compare)
app.command(epilog=measuring.AUDIT_EXAMPLE)(measuring.audit)
app.command(epilog=measuring.CHECK_EXAMPLE)(measuring.check)
app.command(epilog=jobs.CORPUS_EXAMPLE)(jobs.corpus)
app.command(epilog=sweeping.FRONTIER_EXAMPLE)(sweeping.frontier)
app.command(name="app", epilog=showing.APP_EXAMPLE)(showing.serve_app)
app.add_typer(serving.export, name="export")
app.command(epilog=benching.BENCH_EXAMPLE)(benching.bench)


@app.command(epilog="Example: explainable-bert methods")
def methods() -> None:
    """List the attribution methods: cost, meaning, which designs."""
    quiet_libraries()
    from explainable_bert.attribution.methods import EXPLAINERS
    from explainable_bert.model.configuration import DESIGNS

    print_methods(Terminal(), EXPLAINERS, DESIGNS)


@app.command(epilog="Example: explainable-bert info runs/x")
def info(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Model folder or exported graph; none: what there is.")
    ] = None,
) -> None:
    """Say what a model is, or which designs and corpora there are."""
    facts = _general_facts() if model is None else _model_facts(model)
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print(f"{name:<{width}}  {one_line(value)}")


def _general_facts() -> list[tuple[str, str]]:
    from explainable_bert.data.corpora import CORPORA
    from explainable_bert.model.configuration import DESIGNS

    return [
        ("version", __version__),
        *((f"design {name}", design.summary) for name, design in DESIGNS.items()),
        *((f"corpus {name}", corpus.description) for name, corpus in CORPORA.items()),
        ("base minilm", "all-MiniLM-L6-v2: 6 blocks, 384 wide, 22.7 million parameters"),
    ]


def _model_facts(model: str) -> list[tuple[str, str]]:
    from explainable_bert.engines.onnx_engine import is_exported

    if is_exported(model):
        return _graph_facts(model)
    from explainable_bert.training.run_folder import kept_report

    classifier = load_model(model)
    config = classifier.model.config
    facts = [
        ("model", model),
        ("design", config.design),
        (
            "blocks",
            f"{config.num_hidden_layers}, {config.hidden_size} wide, {config.n_final_heads} head(s) in the last",
        ),
        ("values from", f"layer {config.values_from}"),
        ("attention", config.attention_function),
        ("parameters", f"{classifier.model.num_parameters():,}"),
        ("labels", ", ".join(classifier.labels)),
        ("window", f"{config.max_position_embeddings} tokens"),
        ("fingerprint", classifier.provenance.fingerprint),
    ]
    report = kept_report(Path(model))
    if report is not None:
        facts += [
            ("corpus", f"{report.run['corpus']['name']}, {report.run['corpus']['rows']['train']} training rows"),
            ("validation", f"accuracy {report.validation_accuracy:.4f}"),
        ]
        if report.test_accuracy is not None:
            n_rows = report.run["corpus"]["rows"]["test"]
            tested = f"accuracy {report.test_accuracy:.4f} ± {report.test_accuracy_se:.4f} over {n_rows} rows"
            facts.append(("test", tested))
    return facts


def _graph_facts(model: str) -> list[tuple[str, str]]:
    classifier = load_model(model)
    known, reading = classifier.provenance, classifier.engine.reading
    return [
        ("model", model),
        ("exported", f"one ONNX graph, run by {known.libraries}"),
        ("design", known.design),
        ("values from", f"layer {known.value_layer}"),
        ("labels", ", ".join(classifier.labels)),
        ("window", f"{reading.window} tokens"),
        ("fingerprint", known.fingerprint),
    ]
