"""The command for whole corpora: corpus."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from explainable_bert.interfaces.options import LongTexts, Model
from explainable_bert.interfaces.terminal import Terminal, measuring_bar, quiet_libraries, say

if TYPE_CHECKING:
    from explainable_bert.jobs.job import JobReport

CORPUS_EXAMPLE = "Example: explainable-bert corpus runs/x reviews/*.parquet --output runs/reviews-explained"
_WORDS_SHOWN = 10


def corpus(
    model: Model,
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...",
            help="Files (.parquet .jsonl .csv .tsv .txt), folders, patterns, or addresses (s3://...).",
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder for the shards; a stopped job is continued there.")],
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="This process, or actors of Ray, here or on a cluster.")
    ] = "local",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster. Default: one is started here.")] = None,
    actors: Annotated[int | None, typer.Option(min=1, help="With ray: models at work. Default: all that fit.")] = None,
    cpus: Annotated[int, typer.Option(min=1, help="With ray: cores of each actor.")] = 1,
    gpus: Annotated[float, typer.Option(min=0, help="With ray: GPUs of each actor, or a part of one.")] = 0.0,
    columns: Annotated[
        str, typer.Option(metavar="TEXT[,PAIR]", help="Column of the texts, or the two of pairs.")
    ] = "text",
    keep: Annotated[str, typer.Option(metavar="NAME[,NAME...]", help="Columns to keep, such as an id.")] = "",
    top_words: Annotated[
        int | None, typer.Option(min=1, help="Keep so many words of each text, the strongest. Default: 10.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Keep every word, and the text.")] = False,
    batch_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens that share a pass.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="The first so many rows. Default: all.")] = None,
    long: LongTexts = "window",
) -> None:
    """Explain a whole corpus into Parquet shards, resumable."""
    if full and top_words is not None:
        raise typer.BadParameter("--top-words and --full exclude each other")
    if engine == "local" and (address is not None or actors is not None or cpus != 1 or gpus):
        raise typer.BadParameter("--address, --actors, --cpus and --gpus go with --engine ray")
    quiet_libraries()
    from explainable_bert.jobs.job import JobSettings, run_job, run_locally
    from explainable_bert.jobs.pieces import Columns
    from explainable_bert.jobs.ray_engine import Actors, run_on_ray

    settings = JobSettings(
        columns=Columns(_names(columns), _names(keep)),
        top_words=None if full else top_words or 10,
        long=long,
        batch_tokens=batch_tokens,
        limit=limit,
    )
    chosen = run_locally if engine == "local" else run_on_ray(Actors(actors, cpus, gpus, address))
    try:
        with measuring_bar() as progress:
            report = run_job(model, inputs, output, settings, chosen, progress)
    except KeyboardInterrupt:
        say("interrupted; the same command continues where it was")
        raise
    _print(Terminal(), report, output)


def _names(given: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in given.split(",") if name.strip())


def _print(stdout: Console, report: "JobReport", output: Path) -> None:
    """What was counted, then where it is."""
    for line in _lines(report):
        stdout.print(line, markup=False, highlight=False, soft_wrap=True)
    for address, reason in report.unreadable.items():
        say(f"not read: {address}: {reason}", style="bold red")
    if report.tally.errors:
        say(f"rows without a result, with the reason: {output / 'errors'}")
    say(f"wrote {report.n_shards} shards and {output / 'manifest.json'}")


def _lines(report: "JobReport") -> list[str]:
    from explainable_bert.jobs.tally import most_pushing

    tally = report.tally
    lines = [
        f"rows {tally.rows}, errors {tally.errors}, read in windows {tally.in_windows}, truncated {tally.truncated} "
        f"({tally.tokens_dropped} tokens not read)",
        f"labels: {_shares(tally.labels, tally.rows)}",
    ]
    for label, pushes in sorted(tally.pushes.items()):
        words = ", ".join(f"{word} {score:+.1f} ({count})" for word, count, score in most_pushing(pushes, _WORDS_SHOWN))
        exact = "exact" if pushes.error == 0 else f"each to within {pushes.error:.1f}"
        lines.append(f"words that push most towards {label} (sum of scores, {exact}; times): {words}")
    return lines


def _shares(labels: Mapping[str, int], rows: int) -> str:
    return ", ".join(f"{label} {count / rows:.1%} ({count})" for label, count in sorted(labels.items()))
