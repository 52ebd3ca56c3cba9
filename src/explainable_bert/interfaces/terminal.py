"""What the command shows on a terminal: progress bars, messages on stderr, the demo's results."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table
from rich.text import Text

from explainable_bert.export.strips import visible

if TYPE_CHECKING:
    from explainable_bert.attribution.explainer import Explainer
    from explainable_bert.data.corpora import Corpus
    from explainable_bert.evaluation.bounds import Bounded
    from explainable_bert.export.report import DesignRow
    from explainable_bert.model.configuration import Design
    from explainable_bert.records import Prediction
    from explainable_bert.results import AuditReport, SummaryRow
    from explainable_bert.training.trainer import TrainingProgress


# Rows that are left out are named, but a screen is not to be filled with them.
_MOST_NAMED = 10


class Terminal(Console):
    """A console on which no string can act: what would move the cursor, colour or reorder is shown as a sign."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Where rich turns each string that it prints, rules and cells of tables too, into text."""
        return super().render_str(visible(text), **options)


class _Description(TextColumn):
    """What a bar is of, with signs for what a terminal would act on: names of models are part of it."""

    def __init__(self) -> None:
        super().__init__("{task.description}")

    def render(self, task: Task) -> Text:
        """Not as markup, and not by way of Terminal.render_str, which sees no column."""
        return Text(visible(task.description))


def print_design(stdout: Console, row: "DesignRow") -> None:
    """Print one design's accuracy and its heat maps."""
    from explainable_bert.export.terminal import to_terminal

    stdout.rule(f"{row.design}: accuracy {row.accuracy:.3f} ± {row.accuracy_se:.3f}", style="bold")
    for explanation in row.explanations:
        stdout.print(to_terminal(explanation))


def print_designs(stdout: Console, rows: tuple["DesignRow", ...]) -> None:
    """Print the table of all designs."""
    headers = ("design", "accuracy ± s.e.", "effective\nwords", "parameters", "seconds", "contribution\nerror")
    table = Table(
        *(Column(header, no_wrap=True) for header in headers), box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    for row in rows:
        error = "—" if row.contribution_error is None else f"{row.contribution_error:.1e}"
        table.add_row(
            row.design,
            f"{row.accuracy:.3f} ± {row.accuracy_se:.3f}",
            f"{row.effective_words:.1f}",
            f"{row.parameters:,}",
            f"{row.seconds:.0f}",
            error,
        )
    stdout.print(table)


def print_methods(stdout: Console, explainers: Mapping[str, "Explainer"], designs: Mapping[str, "Design"]) -> None:
    """Print the table of attribution methods, with what each is under its name."""
    stdout.print(_method_line(*_METHOD_COLUMNS), style="dim")
    for name, explainer in explainers.items():
        able = [design for design, traits in designs.items() if explainer.refusal(traits) is None]
        stdout.print(
            _method_line(
                name,
                _answer(explainer.signed, designs),
                _answer(explainer.per_label, designs),
                str(explainer.forward),
                str(explainer.backward),
                "all" if len(able) == len(designs) else ", ".join(able),
            ),
            highlight=False,
        )
        stdout.print(f"  {explainer.summary} ({explainer.source})", style="dim", markup=False, highlight=False)
    for line in _METHOD_NOTES:
        stdout.print(line, style="dim")


def print_rows(stdout: Console, rows: Sequence["SummaryRow"]) -> None:
    """Print measured rows, a line each."""
    width = max(len(row.metric) for row in rows)
    for row in rows:
        stdout.print(
            f"{row.metric:<{width}}  {row.method or '-':<21} {_measured(row):<28} n {row.n}"
            + (f", undefined {row.n_undefined}" if row.n_undefined else "")
            + (f" ({row.note})" if row.note else ""),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _measured(row: "SummaryRow", n_decimals: int = 3) -> str:
    if row.value is None:
        return "undefined"
    interval = "" if row.low is None or row.high is None else f" ({row.low:.3f} to {row.high:.3f})"
    return f"{row.value:.{n_decimals}f}{interval}"


def print_bounds(stdout: Console, found: Sequence["Bounded"]) -> None:
    """Print each bound and whether it is kept."""
    width = max(len(item.row.metric) for item in found)
    for item in found:
        # A value so near to its bound that it would be printed as the bound itself gets more decimals.
        is_near = item.row.value is not None and abs(item.row.value - item.limit) < 0.001
        stdout.print(
            f"{'pass' if item.passed else 'FAIL'}  {item.row.metric:<{width}}  "
            f"{_measured(item.row, 6 if is_near else 3):<28} "
            f"{item.relation} {item.limit:g}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def print_audit(stdout: Console, report: "AuditReport") -> None:
    """Print each check with what it means."""
    marks = {True: "pass", False: "FAIL", None: "-"}
    for check in report.checks:
        value = "" if check.value is None else f" {check.value:.3g}"
        bound = "" if check.threshold is None or not check.relation else f" ({check.relation} {check.threshold:g})"
        stdout.print(
            f"{marks[check.passed]:<4}  {check.name}{value}{bound}", markup=False, highlight=False, soft_wrap=True
        )
        stdout.print(f"      {check.meaning}", style="dim", markup=False, highlight=False, soft_wrap=True)


_METHOD_COLUMNS = ("method", "signed", "per label", "forward", "backward", "designs")
_METHOD_NOTES = (
    "signed: negative scores speak against the target. per label: another --target gives other scores.",
    "forward, backward: passes per text of n words, the prediction's own included.",
)


def _method_line(name: str, *cells: str) -> str:
    return f"{name:<25}" + "".join(f"{cell:<14}" for cell in cells[:2]) + "".join(f"{cell:<9}" for cell in cells[2:])


def _answer(trait: Callable[["Design"], bool], designs: Mapping[str, "Design"]) -> str:
    having = [traits for traits in designs.values() if trait(traits)]
    if len(having) in (0, len(designs)):
        return "yes" if having else "no"
    return f"{having[0].readout} only"


class TrainingBar:
    """A bar on a terminal; elsewhere, as in a log, a line for every tenth of the steps and every epoch's end.

    `has_begun` says whether the design that was started has made a step.
    """

    def __init__(self) -> None:
        self._console = _stderr()
        self._design, self.has_begun = "", False
        self._progress = Progress(
            _Description(),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("steps"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[accuracy]}"),
            console=self._console,
            disable=not (self._console.is_terminal and is_main_process()),
            redirect_stdout=False,  # results that are printed meanwhile belong to stdout
        )
        self._task = self._progress.add_task("", total=None, accuracy="")

    def start(self, design: str) -> None:
        """Name the design; nothing is shown before its first step, as loading may yet find a mistake."""
        self._design, self.has_begun = design, False
        self._progress.reset(self._task, description=f"training {design}", total=None, accuracy="")

    def update(self, state: "TrainingProgress") -> None:
        """Show where training is."""
        self.has_begun = True
        self._progress.start()
        accuracy = state.validation_accuracy
        shown = "" if accuracy is None else f"validation accuracy {accuracy:.3f}"
        self._progress.update(self._task, completed=state.step, total=state.n_steps, accuracy=shown)
        # The last step of an epoch is told once that epoch has been validated.
        is_tenth = state.step % max(1, state.n_steps // 10) == 0 and not float(state.epoch).is_integer()
        if not self._console.is_terminal and (state.epoch_ended or is_tenth):
            told = [f"step {state.step} of {state.n_steps}", f"epoch {state.epoch:.1f}", shown, self._left()]
            say(f"training {self._design}: {', '.join(filter(None, told))}")

    def _left(self) -> str:
        """The time that remains, where steps enough have been seen."""
        left = self._progress.tasks[0].time_remaining
        return f"about {left:.0f} s left" if left else ""

    def stop(self) -> None:
        """Leave the bar as it is, so that something else can be printed."""
        self._progress.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


@contextmanager
def reading_bar(description: str) -> Iterator[Callable[[int, int], None]]:
    """A bar over texts on a terminal, nothing elsewhere."""
    console = _stderr()
    columns = (_Description(), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with _bars(console, columns) as progress:
        task = progress.add_task(description, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


@contextmanager
def measuring_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar for each thing that is measured, with the time that remains; elsewhere, as in a log, a line per tenth."""
    console = _stderr()
    log = _MeasuringLog()
    columns = (_Description(), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with _bars(console, columns) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if not console.is_terminal:
                log.show(what, done, total)
                return
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield show


@contextmanager
def auditing_bar() -> Iterator[Callable[[str, int, int], None]]:
    """A bar over the stages of an audit, with the present one's name; elsewhere, as in a log, a line for each."""
    console = _stderr()
    with _bars(console, (_Description(), BarColumn(), MofNCompleteColumn())) as progress:
        task = progress.add_task("auditing", total=None)

        def show(stage: str, done: int, total: int) -> None:
            progress.update(task, description=f"auditing: {stage}", completed=done, total=total)
            if not console.is_terminal and done < total:
                say(f"auditing: {stage} ({done + 1} of {total})")

        yield show


def _bars(console: Console, columns: Sequence[ProgressColumn]) -> Progress:
    """Bars on a terminal, gone once they are done; nothing elsewhere."""
    # What is printed meanwhile belongs to stdout.
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal, redirect_stdout=False)


class _MeasuringLog:
    """Lines on stderr for whoever reads a log: how much there is, then a tenth each once it takes over two seconds."""

    _PATIENCE_S = 2.0

    def __init__(self) -> None:
        self._what, self._started, self._tenths, self._first = "", 0.0, 0, 0

    def show(self, what: str, done: int, total: int) -> None:
        now, tenths = time.monotonic(), 10 * done // max(total, 1)
        if what != self._what:
            # What was done before the first call counts as done at once: the rest is estimated from what follows.
            self._what, self._started, self._tenths, self._first = what, now, tenths, done
            say(f"{what}: {total - done} texts, the longest first")
        if tenths > self._tenths and now - self._started > self._PATIENCE_S:
            self._tenths = tenths
            pace = (now - self._started) / max(done - self._first, 1)
            say(f"{what}: {done} of {total} texts, about {pace * (total - done):.0f} s left")


def quiet_libraries() -> None:
    """Our own bars and messages say it; transformers' would say it again."""
    import huggingface_hub.utils.logging
    import transformers

    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    huggingface_hub.utils.logging.set_verbosity_error()


def _stderr() -> Terminal:
    return Terminal(stderr=True)


def say(message: str, style: str | None = None) -> None:
    """Print a message to stderr, as it is and on one line, with signs for what a terminal would act on."""
    _stderr().print(" ".join(visible(message).splitlines()), style=style, markup=False, highlight=False, soft_wrap=True)


def say_skipped(n_skipped: int, named: tuple[str, ...]) -> None:
    """Say how many rows were left out, and which: the first of those that are named."""
    if n_skipped and is_main_process():
        shown = named[:_MOST_NAMED]
        more = "" if n_skipped == len(shown) else ", ..."
        say(f"left out {n_skipped} row{'s' * (n_skipped > 1)}: {'; '.join(shown)}{more}")


def say_left_out(corpus: "Corpus") -> None:
    """Say which rows of a file are not in the corpus: those without a text or a label, and repeated ones."""
    say_skipped(corpus.n_skipped, corpus.skipped)
    n_repeated, n_other = corpus.n_duplicates, corpus.n_contradictions
    if n_repeated and is_main_process():
        said = "1 row repeats" if n_repeated == 1 else f"{n_repeated} rows repeat"
        verb = "was" if n_repeated == 1 else "were"
        other = f"; {n_other} of them with another label, first {corpus.contradiction}" if n_other else ""
        say(f"{said} the text of an earlier one and {verb} left out{other}")


def read_of(prediction: "Prediction") -> tuple[int, int]:
    """In how many windows a text was read, and how many of its tokens were not."""
    return prediction.n_windows, prediction.n_tokens_dropped


def say_long(read: Sequence[tuple[int, int]]) -> None:
    """Say how many texts were longer than the model's window, and what became of them; see `read_of`."""
    n_in_windows = sum(windows > 1 for windows, _ in read)
    n_cut = sum(dropped > 0 for _, dropped in read)
    if n_in_windows:
        n_windows = sum(windows for windows, _ in read if windows > 1)
        say(f"texts longer than the model's window: {n_in_windows}; they were read in {n_windows} windows")
    if n_cut:
        n_dropped = sum(dropped for _, dropped in read)
        say(f"texts longer than the model's window: {n_cut}; tokens at their ends that were not read: {n_dropped}")


def is_main_process() -> bool:
    """Under torchrun and accelerate every process runs this command; one of them speaks."""
    return os.environ.get("RANK", "0") == "0"


def end_process() -> None:
    """Under torchrun and accelerate, leave at once: all is written.

    Torch's communication threads may still be letting go of Python objects; when the interpreter is torn down under
    them, about one process in twenty aborts, and the launcher calls the finished run a failure.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
