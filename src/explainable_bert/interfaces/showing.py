"""The commands that show: demo, and the web page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from explainable_bert.errors import FileError, InputError, MissingExtraError
from explainable_bert.interfaces.options import LongTexts
from explainable_bert.interfaces.terminal import (
    Terminal,
    TrainingBar,
    print_design,
    print_designs,
    quiet_libraries,
    say,
)

if TYPE_CHECKING:
    from explainable_bert.export.report import DesignRow

DEMO_EXAMPLE = "Example: explainable-bert demo --quick"
APP_EXAMPLE = "Example: explainable-bert app runs/demo/models/vanilla runs/demo/models/explainable"
_DEMO_FOLDERS = (Path("runs/demo"), Path("runs/demo-full"), Path("runs/demo-quick"))
# The base and its explainable counterpart stand side by side when the page opens.
_SHOWN_FIRST = ("vanilla", "explainable")
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
# As --auth: no password, and said so.
_NOBODY_ASKED = "none"


def demo(
    output: Annotated[Path | None, typer.Option(help="Folder for models and report. Default: runs/demo")] = None,
    full: Annotated[bool, typer.Option("--full", help="Train on all rows; half an hour or so on two cores.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Some minutes; too little training to judge by.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the run.")] = 0,
) -> None:
    """Train all designs on movie reviews and compare their pictures."""
    if full and quick:
        raise typer.BadParameter("--full and --quick exclude each other")
    from explainable_bert.demo import DemoCallbacks, Scale, run_demo

    quiet_libraries()
    scale: Scale = "full" if full else "quick" if quick else "default"
    folder = output or Path("runs") / ("demo" if scale == "default" else f"demo-{scale}")
    stdout = Terminal()

    def starts(design: str, number: int, n_designs: int) -> None:
        bar.start(f"{design}, design {number} of {n_designs}")

    def ready(row: "DesignRow") -> None:
        bar.stop()
        print_design(stdout, row)

    with TrainingBar() as bar:
        report = run_demo(folder, scale, DemoCallbacks(starts, bar.update, ready), seed)
    print_designs(stdout, report.rows)
    for note in report.notes:
        stdout.print(note, markup=False)
    models = folder / "models"
    stdout.print(f"\nLook at   {folder / 'report.html'}", markup=False, soft_wrap=True)
    example = f'explainable-bert explain {models / "explainable"} "Slow, but never dull."'
    stdout.print(f"Try next  {example}", markup=False, soft_wrap=True)
    stdout.print(f"          explainable-bert info {models / 'explainable'}", markup=False, soft_wrap=True)


def serve_app(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="[MODEL...]", help="Model folders or hub names; none: the demo's.")
    ] = None,
    train_demo: Annotated[
        bool, typer.Option("--demo", help="Train the demo's models first, if they are absent.")
    ] = False,
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 is every one of this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen at; 0: a free one.")] = 7860,
    share: Annotated[
        bool, typer.Option("--share", help="Also open a public address, through Gradio's servers.")
    ] = False,
    auth: Annotated[
        str | None,
        typer.Option(
            metavar="USER:PASSWORD-FILE", help="Ask for this user and the file's first line; none: let everyone in."
        ),
    ] = None,
    max_concurrency: Annotated[int, typer.Option(min=1, help="Questions worked on at a time.")] = 2,
    queue_size: Annotated[int, typer.Option(min=1, help="Questions that may wait; more are refused.")] = 64,
    time_limit: Annotated[float, typer.Option(min=1, help="Seconds that a question may take.")] = 600,
    long: LongTexts = "window",
) -> None:
    """Open a web page: type a text, see why, change it, see again."""
    quiet_libraries()
    folders = models or _demo_models(train_demo)
    asked = None if auth in (None, _NOBODY_ASKED) else _credentials(auth)
    if auth is None and (share or host not in _LOCAL_HOSTS):
        raise InputError(
            f"auth: none given, and {'--share' if share else f'--host {host}'} lets other machines in; accepted: "
            f"USER:PASSWORD-FILE, or {_NOBODY_ASKED} to let everyone use the page"
        )
    try:
        from explainable_bert.interfaces.app import Serving, serve
    except ModuleNotFoundError as error:
        raise MissingExtraError("gradio", "app") from error
    if auth == _NOBODY_ASKED:
        say("whoever reaches this machine can use the page")
    serving = Serving(host, port, share, asked, max_concurrency, queue_size, long, time_limit)
    serve(folders, serving, lambda address: say(f"the page is at {address} (Ctrl-C ends it)"))


def _demo_models(train_demo: bool) -> list[str]:
    """The demo's models, two of them first."""
    found = next((models for folder in _DEMO_FOLDERS if (models := _trained(folder))), None)
    if found is None and train_demo:
        demo()
        found = _trained(_DEMO_FOLDERS[0])
    if not found:
        raise InputError(
            "models: none given, and there are no models of the demo in runs/demo; accepted: model folders, or --demo, "
            "which trains them first (a quarter of an hour)"
        )
    return found


def _trained(folder: Path) -> list[str]:
    names = sorted(path.parent.name for path in (folder / "models").glob("*/training_report.json"))
    ordered = [*(name for name in _SHOWN_FIRST if name in names), *(name for name in names if name not in _SHOWN_FIRST)]
    return [str(folder / "models" / name) for name in ordered]


def _credentials(auth: str) -> tuple[str, str]:
    """User name and password; raises InputError or FileError where there are none."""
    user, separator, file = auth.partition(":")
    if not (user and separator and file):
        raise InputError(
            f"auth: {auth!r} given; accepted: a user name and a file that holds the password, as ada:password.txt"
        )
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"auth: cannot read the password from {file!r}; accepted: a text file") from error
    if not lines or not lines[0].strip():
        raise InputError(f"auth: {file!r} holds no password in its first line")
    return user, lines[0].strip()
