"""The command that measures speed on the user's own machine: bench."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Column, Table

from explainable_bert.interfaces.options import Seed
from explainable_bert.interfaces.terminal import Terminal, measuring_bar, quiet_libraries, say

if TYPE_CHECKING:
    from explainable_bert.pipeline import ExplainableClassifier
    from explainable_bert.speed.bench import BenchReport

BENCH_EXAMPLE = "Example: explainable-bert bench runs/x --lengths 25,120 --output bench.json"


def bench(
    model: Annotated[
        str, typer.Argument(metavar="[MODEL]", help="Model folder, or a base, which becomes explainable.")
    ] = "minilm",
    output: Annotated[
        Path | None, typer.Option(help="JSON file for the results; a stopped run is continued there.")
    ] = None,
    lengths: Annotated[
        str, typer.Option(metavar="NAME[,NAME...]", help="Word pieces of the texts: 25, 120, 512, mixed.")
    ] = "25,120,512,mixed",
    rounds: Annotated[int, typer.Option(help="Rounds that count; one before them does not.")] = 9,
    seed: Seed = 0,
) -> None:
    """Time explained predictions beside those of a stock BERT, here."""
    quiet_libraries()
    from explainable_bert.speed.bench import BenchSettings
    from explainable_bert.speed.bench import bench as run_bench

    settings = BenchSettings(tuple(name.strip() for name in lengths.split(",")), rounds=rounds, seed=seed)
    classifier = _classifier(model, seed)
    say("each side is a process of its own; leave the machine alone while they take turns")
    with measuring_bar() as progress:
        report = run_bench(classifier, settings, progress, output)
    print_report(report)
    if output is not None:
        say(f"wrote {output}")


def _classifier(model: str, seed: int) -> "ExplainableClassifier":
    """The trained model, or the explainable design of a base, with weights drawn where it has none.

    No time depends on them; the same seed draws the same, so that a stopped benchmark finds its model again.
    """
    import torch

    from explainable_bert.model.checkpoint import is_classifier, load_tokenizer, read_config, resolve_base
    from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
    from explainable_bert.pipeline import ExplainableClassifier

    source = resolve_base(model)
    if is_classifier(read_config(source, "model")):
        return ExplainableClassifier.load(source)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        base = ExplainableBertForSequenceClassification.from_base(source, design="explainable")
    return ExplainableClassifier(base, load_tokenizer(source), name=model)


def print_report(report: "BenchReport") -> None:
    """Print a table for each of our sides: how many times as fast it is as each other side."""
    from explainable_bert.speed.sides import SIDES

    stdout = Terminal()
    stdout.print(f"{report.model}, design {report.design}; {report.machine}", markup=False, soft_wrap=True)
    for ours in dict.fromkeys(found.ours for contest in report.contests for found in contest.ratios):
        stdout.print(f"\n{ours} ({SIDES[ours].summary}): times as fast as", style="bold", markup=False)
        stdout.print(_table(report, ours))
    stdout.print(f"medians of {report.rounds} rounds, under them the least and the most; above 1 ours is faster")


def _table(report: "BenchReport", ours: str) -> Table:
    rows = [
        (contest, {found.other: found for found in contest.ratios if found.ours == ours}) for contest in report.contests
    ]
    others = list(dict.fromkeys(other for _, found in rows for other in found))
    headers = ["word\npieces", "given", *map(_in_lines, others), "ours, ms\nper text"]
    table = Table(*(Column(header) for header in headers), box=SIMPLE_HEAD, pad_edge=False)
    for contest, found in rows:
        cells = [f"{found[other].median:.2f}\n{found[other].low:.2f}-{found[other].high:.2f}" for other in others]
        milliseconds = 1000 * next(iter(found.values())).ours_seconds
        table.add_row(contest.lengths, contest.given, *cells, f"{milliseconds:.1f}")
    return table


def _in_lines(name: str) -> str:
    return name.replace(" ", "\n").replace(".", "\n.")
