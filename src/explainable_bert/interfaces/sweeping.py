"""The command that sweeps a grid of arms over seeds: frontier."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from explainable_bert.interfaces.options import LabelColumn, PairColumn, TextColumn
from explainable_bert.interfaces.terminal import Terminal, quiet_libraries, say

if TYPE_CHECKING:
    from explainable_bert.results import Difference, FrontierReport, FrontRow, SummaryRow
    from explainable_bert.sweep.run import MakePool, SweepProgress

FRONTIER_EXAMPLE = (
    "Example: explainable-bert frontier --data movie-snippets --output runs/front --grid value_layer=0,1,2 "
    "--grid attention_function=softmax,entmax15 --seeds 3 --teacher vanilla"
)
_REFERENCE = "vanilla"


def frontier(
    data: Annotated[str, typer.Option(help="Named corpus, file, folder of splits, or hub dataset.")],
    output: Annotated[Path, typer.Option(help="Folder to make; a stopped sweep is continued there.")],
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=V[,V...]", help="Values of a field of training; repeat it for more fields."),
    ] = None,
    design: Annotated[
        str, typer.Option(help="Design of the arms: explainable, single-head, additive or lexical.")
    ] = "lexical",
    base: Annotated[str, typer.Option(help="minilm, a folder or a hub name of a BERT checkpoint.")] = "minilm",
    seeds: Annotated[int, typer.Option(min=1, help="Models of each arm, of seeds 0, 1, ...")] = 3,
    teacher: Annotated[str | None, typer.Option(help="vanilla: it teaches the other arms, seed by seed.")] = None,
    from_teacher: Annotated[bool, typer.Option("--from-teacher", help="Arms start from their teacher.")] = False,
    unlabelled: Annotated[
        list[str] | None, typer.Option(help="Corpus whose texts the teacher labels; repeat it for more.")
    ] = None,
    within: Annotated[float, typer.Option(help="Points of accuracy that the pick may lie below vanilla.")] = 0.5,
    explained: Annotated[
        int, typer.Option(min=1, help="Texts to explain and erase; labels are predicted for all.")
    ] = 100,
    rationales: Annotated[str | None, typer.Option(help="File of human rationales, in place of the lexicon.")] = None,
    epochs: Annotated[int, typer.Option(help="At most so many passes over the training rows.")] = 3,
    batch_size: Annotated[int, typer.Option(help="Texts per step.")] = 32,
    learning_rate: Annotated[float | None, typer.Option(help="Default: 1e-4 below 512 wide, else 3e-5.")] = None,
    max_length: Annotated[int, typer.Option(help="Tokens read of each text.")] = 512,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many training rows. Default: all.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="Points at a time. Default: one per CUDA device, else per core.")
    ] = None,
    engine: Annotated[
        Literal["processes", "ray"], typer.Option(help="Processes of this machine, or tasks of Ray.")
    ] = "processes",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster. Default: one is started here.")] = None,
    text_column: TextColumn = "text",
    pair_column: PairColumn = None,
    label_column: LabelColumn = "label",
) -> None:
    """Train a grid over seeds and draw accuracy against faithfulness."""
    if teacher not in (None, _REFERENCE):
        raise typer.BadParameter(f"--teacher {teacher!r}; accepted: {_REFERENCE}")
    if engine != "ray" and address is not None:
        raise typer.BadParameter("--address goes with --engine ray")
    quiet_libraries()
    from explainable_bert.data.labelled import Columns
    from explainable_bert.export.frontier_page import write_frontier
    from explainable_bert.results import frontier_json
    from explainable_bert.sweep.experiment import TrainingData
    from explainable_bert.sweep.frontier import FrontierSettings, run_frontier
    from explainable_bert.sweep.grid import grid_arms, parse_grid
    from explainable_bert.training.settings import ModelRequest, TrainingSettings
    from explainable_bert.writing import write_text

    arms = grid_arms(
        parse_grid(grid or ()),
        ModelRequest(base=base, design=design),
        TrainingSettings(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            masked_fine_tuning=True,
            max_length=max_length,
        ),
        is_taught=teacher is not None,
        from_teacher=from_teacher,
        unlabelled=unlabelled or (),
    )
    training = TrainingData(data, Columns(text=text_column, label=label_column, pair=pair_column), limit)
    settings = FrontierSettings(within, explained, rationales, processes)
    log = _Log()
    try:
        report = run_frontier(arms, range(seeds), training, output, settings, log.show, _pool(engine, address))
    except KeyboardInterrupt:
        say("interrupted; the same command continues where it was")
        raise
    write_text(output / "frontier.json", frontier_json(report))
    write_frontier(report, output)
    _print(Terminal(), report)
    say(f"wrote {output / 'frontier.json'}, {output / 'frontier.svg'} and {output / 'report.html'}")
    if log.n_failed:
        say(f"points that failed or were skipped: {log.n_failed}; the same command tries them again", style="bold red")
        sys.exit(1)


def _pool(engine: str, address: str | None) -> "MakePool":
    if engine == "processes":
        from explainable_bert.sweep.pool import ProcessPool

        return ProcessPool
    from explainable_bert.cluster import check_ray
    from explainable_bert.sweep.ray_pool import RayPool

    check_ray(address)
    return partial(RayPool, address)


class _Log:
    """Lines on stderr: how far the sweep is, and every failure once."""

    def __init__(self) -> None:
        self._said: set[tuple[str, str]] = set()

    @property
    def n_failed(self) -> int:
        return len(self._said)

    def show(self, what: str, state: "SweepProgress") -> None:
        for point, why in state.failed.items():
            if (what, str(point)) not in self._said:
                self._said.add((what, str(point)))
                say(f"{point}: {why}", style="bold red")
        running = f"; running {' | '.join(map(str, state.running))}" if state.running else ""
        left = "" if state.seconds_left is None or not state.running else f"; about {_time(state.seconds_left)} left"
        say(f"{what}: {state.n_done} of {state.n_points} points done{running}{left}")


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _print(stdout: Console, report: "FrontierReport") -> None:
    """A line per arm, then the pick and what else was found."""
    marks: dict[str, list[str]] = {row.arm: [] for row in report.rows}
    for mark, arms in (("pick", [report.pick]), ("nearest", [report.nearest]), ("front", report.front)):
        for arm in arms:
            if arm is not None:
                marks[arm].append(mark)
    lines = _lines(report.rows, marks)
    if report.tested:
        lines += ["", "on test rows", *_lines(report.tested, {})]
    for line in [*lines, "", *(f"- {sentence}" for sentence in report.verdicts)]:
        stdout.print(line, markup=False, highlight=False, soft_wrap=True)


def _lines(rows: Sequence["FrontRow"], marks: Mapping[str, Sequence[str]]) -> list[str]:
    width = max(len("arm"), *(len(row.arm) for row in rows))
    head = f"{'arm':<{width}}  {'accuracy':<24}{'minus vanilla':<24}{'faithfulness':<26}{'words':<8}{'plausible':<11}"
    return [head.rstrip(), *(_line(row, width, marks.get(row.arm, ())) for row in rows)]


def _line(row: "FrontRow", width: int, marks: Sequence[str]) -> str:
    plausible = "-" if row.plausibility is None else _number(row.plausibility)
    cells = (
        f"{_with_interval(row.accuracy):<24}{_points(row.accuracy_difference):<24}"
        f"{_with_interval(row.faithfulness):<26}{_number(row.sharpness):<8}{plausible:<11}"
    )
    return f"{row.arm:<{width}}  {cells}{', '.join(marks)}".rstrip()


def _number(row: "SummaryRow") -> str:
    return "undefined" if row.value is None else f"{row.value:.3f}"


def _with_interval(row: "SummaryRow") -> str:
    interval = "" if row.low is None or row.high is None else f" ({row.low:.3f} to {row.high:.3f})"
    return f"{_number(row)}{interval}"


def _points(found: "Difference | None") -> str:
    if found is None:
        return "-"
    interval = (
        "" if found.low is None or found.high is None else f" ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    )
    return f"{100 * found.value:+.1f}{interval}"
