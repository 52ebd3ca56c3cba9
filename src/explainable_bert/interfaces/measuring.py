"""Commands that measure: evaluate, compare, audit, check."""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explainable_bert.interfaces.options import (
    Data,
    Erasure,
    Input,
    LabelColumn,
    LongTexts,
    Model,
    PairColumn,
    Seed,
    Split,
    TextColumn,
    Texts,
)
from explainable_bert.interfaces.reading import given_texts, labelled_examples, load_model
from explainable_bert.interfaces.terminal import (
    Terminal,
    auditing_bar,
    measuring_bar,
    print_audit,
    print_bounds,
    print_rows,
    quiet_libraries,
    say,
)
from explainable_bert.records import Level

if TYPE_CHECKING:
    from explainable_bert.data.labelled import Example
    from explainable_bert.evaluation.settings import EvaluationSettings
    from explainable_bert.pipeline import ExplainableClassifier
    from explainable_bert.results import EvaluationReport
    from explainable_bert.text.encoding import TextInput

EVALUATE_EXAMPLE = (
    "Example: explainable-bert evaluate runs/x --data movie-snippets --methods built-in,occlusion,random "
    "--limit 200 --output runs/x-evaluated"
)
COMPARE_EXAMPLE = (
    "Example: explainable-bert compare runs/demo/models/vanilla runs/demo/models/lexical --data movie-snippets "
    "--output runs/compared"
)
AUDIT_EXAMPLE = "Example: explainable-bert audit runs/x --data movie-snippets --output runs/x-audited"
CHECK_EXAMPLE = "Example: explainable-bert check runs/x --data movie-snippets --min-accuracy 0.8"

_DEFAULT_AUDIT = 200

Limit = Annotated[
    int | None, typer.Option("--limit", min=1, help="At most so many texts, sampled by a hash. Default: all.")
]


def evaluate(
    model: Model,
    data: Data,
    output: Annotated[Path, typer.Option(help="Folder to make; a stopped evaluation is continued there.")],
    methods: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="See explainable-bert methods.")
    ] = "built-in,random",
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME...]",
            help="Metrics, as docs/metrics.md lists them, or families: classification, faithfulness, agreement, "
            "sharpness, plausibility, all. Default: those that cost little.",
        ),
    ] = None,
    erasure: Erasure = "mask",
    level: Annotated[Level, typer.Option(help="What is scored and erased.")] = "word",
    limit: Limit = None,
    split: Split = "test",
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
    long: LongTexts = "window",
    seed: Seed = 0,
) -> None:
    """Measure a model and its explanations, with 95 % intervals."""
    quiet_libraries()
    from explainable_bert.evaluation.measures import DEFAULT_METRICS
    from explainable_bert.evaluation.settings import EvaluationSettings
    from explainable_bert.export.evaluation_page import write_evaluation

    settings = EvaluationSettings(
        methods=_names(methods),
        metrics=DEFAULT_METRICS if metrics is None else _names(metrics),
        erasure=erasure,
        level=level,
        seed=seed,
    )
    classifier = load_model(model, long)
    examples, source = _examples(data, split, (text_column, pair_column, label_column), classifier.labels, [model])
    with _continued():
        report = _evaluated(classifier, _limited(examples, limit), output, settings, source)
    write_evaluation(report, output)
    print_rows(Terminal(), report.rows)
    for note in report.notes:
        say(note)
    say(f"wrote {output / 'report.html'}")


def compare(
    models: Annotated[
        list[str],
        typer.Argument(metavar="A B [C...]", help="Model folders, or quoted patterns of one model's seeds."),
    ],
    data: Data,
    output: Annotated[Path, typer.Option(help="Folder to make; a stopped comparison is continued there.")],
    limit: Annotated[int, typer.Option(min=1, help="Texts to explain and erase; labels are predicted for all.")] = 200,
    margin: Annotated[float, typer.Option(help="Accuracies within it count as equivalent.")] = 0.005,
    erasure: Erasure = "mask",
    split: Split = "test",
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
    long: LongTexts = "window",
    seed: Seed = 0,
) -> None:
    """Compare models on the same texts: what differs, and how surely."""
    quiet_libraries()
    from explainable_bert.comparison.arms import load_arms
    from explainable_bert.comparison.run import ComparisonSettings
    from explainable_bert.comparison.run import compare as run_comparison
    from explainable_bert.export.comparison_page import write_comparison

    settings = ComparisonSettings(n_explained=limit, erasure=erasure, margin=margin, seed=seed)
    arms = load_arms(models, long)
    folders = [seed_of_arm.name for arm in arms for seed_of_arm in arm.seeds]
    examples, source = _examples(
        data, split, (text_column, pair_column, label_column), arms[0].seeds[0].labels, folders
    )
    with _continued(), measuring_bar() as progress:
        report = run_comparison(arms, examples, output, settings, progress, source)
    write_comparison(report, output)
    stdout = Terminal()
    for sentence in report.verdicts:
        stdout.print(f"- {sentence}", markup=False, highlight=False, soft_wrap=True)
    say(f"wrote {output / 'comparison.json'} and {output / 'report.html'}")


def audit(
    model: Model,
    texts: Texts = None,
    input_: Input = None,
    data: Annotated[str | None, typer.Option(help="Corpus to audit on, as in evaluate.")] = None,
    output: Annotated[Path | None, typer.Option(help="Folder for audit.json and report.html.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many texts.")] = _DEFAULT_AUDIT,
    split: Split = "test",
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
    seed: Seed = 0,
) -> None:
    """Test whether a model's picture of itself is to be trusted."""
    quiet_libraries()
    from explainable_bert.audit import audit_request, run_audit
    from explainable_bert.data.labelled import input_of
    from explainable_bert.evaluation.parts import REQUEST_FILE
    from explainable_bert.export.audit_page import write_audit
    from explainable_bert.locking import held
    from explainable_bert.results import audit_json
    from explainable_bert.run_request import check_folder, claim
    from explainable_bert.writing import write_text

    if output is not None:
        check_folder(output)
    if sum(given is not None for given in (texts, input_, data)) != 1:
        raise typer.BadParameter("give TEXT..., --input FILE or --data CORPUS, one of the three")
    classifier = load_model(model)
    chosen: list[TextInput]
    if data is not None:
        examples, _ = _examples(data, split, (text_column, pair_column, label_column), classifier.labels, [model])
        chosen = [input_of(example) for example in _limited(examples, limit)]
    else:
        chosen = [text for _, text in given_texts(texts, input_, None, text_column, pair_column)][:limit]
    with nullcontext() if output is None else held(output):
        if output is not None:
            claim(output, REQUEST_FILE, audit_request(classifier, chosen, seed))
        with auditing_bar() as progress:
            report = run_audit(classifier, chosen, seed, progress)
        print_audit(Terminal(), report)
        if output is not None:
            write_text(output / "audit.json", audit_json(report))
            write_audit(report, output)
            say(f"wrote {output / 'audit.json'} and {output / 'report.html'}")


def check(
    model: Model,
    data: Data,
    min_accuracy: Annotated[float | None, typer.Option(help="Least accuracy, in [0, 1].")] = None,
    min_macro_f1: Annotated[float | None, typer.Option(help="Least macro-F1, in [0, 1].")] = None,
    max_calibration_error: Annotated[float | None, typer.Option(help="Largest expected calibration error.")] = None,
    max_effective_words: Annotated[float | None, typer.Option(help="Most effective words per text.")] = None,
    max_special_token_mass: Annotated[float | None, typer.Option(help="Most attention on special tokens.")] = None,
    min_comprehensiveness: Annotated[float | None, typer.Option(help="Least AOPC of comprehensiveness.")] = None,
    max_sufficiency: Annotated[float | None, typer.Option(help="Largest AOPC of sufficiency.")] = None,
    method: Annotated[str, typer.Option(help="Whose scores are checked.")] = "built-in",
    output: Annotated[Path | None, typer.Option(help="Keep the evaluation in this folder.")] = None,
    erasure: Erasure = "mask",
    limit: Limit = None,
    split: Split = "test",
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
    long: LongTexts = "window",
    seed: Seed = 0,
) -> None:
    """Exit with code 1 when a model's numbers break a bound, for CI."""
    from explainable_bert.evaluation.bounds import BOUNDS

    given = {
        "min-accuracy": min_accuracy,
        "min-macro-f1": min_macro_f1,
        "max-calibration-error": max_calibration_error,
        "max-effective-words": max_effective_words,
        "max-special-token-mass": max_special_token_mass,
        "min-comprehensiveness": min_comprehensiveness,
        "max-sufficiency": max_sufficiency,
    }
    limits = {name: value for name, value in given.items() if value is not None}
    if not limits:
        raise typer.BadParameter(f"give at least one bound: {', '.join(f'--{name}' for name in BOUNDS)}")
    quiet_libraries()
    from explainable_bert.evaluation.bounds import bounded, check_limits
    from explainable_bert.evaluation.settings import EvaluationSettings

    check_limits(limits)
    metrics = tuple(BOUNDS[name][0] for name in limits)
    settings = EvaluationSettings(methods=(method,), metrics=metrics, erasure=erasure, seed=seed)
    classifier = load_model(model, long)
    examples, source = _examples(data, split, (text_column, pair_column, label_column), classifier.labels, [model])
    with tempfile.TemporaryDirectory() as aside:
        folder = output or Path(aside) / "evaluation"
        report = _evaluated(classifier, _limited(examples, limit), folder, settings, source)
    found = bounded(report.rows, limits, method)
    print_bounds(Terminal(), found)
    if not all(item.passed for item in found):
        sys.exit(1)


def _examples(
    data: str, split: str, columns: tuple[str, str | None, str], labels: tuple[str, ...], models: list[str]
) -> tuple[list["Example"], str]:
    from explainable_bert.data.labelled import Columns

    text, pair, label = columns
    return labelled_examples(data, split, Columns(text=text, label=label, pair=pair), labels, models)


def _evaluated(
    classifier: "ExplainableClassifier",
    examples: list["Example"],
    output: Path,
    settings: "EvaluationSettings",
    source: str,
) -> "EvaluationReport":
    from explainable_bert.evaluation.run import evaluate as run_evaluation

    with measuring_bar() as progress:
        return run_evaluation(
            classifier, examples, output, settings, lambda done, total: progress("measuring", done, total), source
        )


def _limited(examples: list["Example"], limit: int | None) -> list["Example"]:
    from explainable_bert.data.corpora import sample

    return list(sample(examples, limit, "limit"))


def _names(given: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in given.split(",") if name.strip()))


@contextmanager
def _continued() -> Iterator[None]:
    """Tell whoever interrupts that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        say("interrupted; the same command continues where it was")
        raise
