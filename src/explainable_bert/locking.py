"""Keeping a folder to one process while something is written there."""

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from explainable_bert.errors import FileError
from explainable_bert.writing import check_place, put_folder, remove_asides

LOCK_FILE = ".lock"


@contextmanager
def held(output: Path) -> Iterator[None]:
    """Keep the folder `output` to this process; it is made if need be, and removed again where nothing came into it.

    What a killed process left half-written is removed. However the process ends, the folder is free then.

    Raises FileError when `output` is a file, when nothing can be written there, and, naming who holds it, when another
    process has it.
    """
    import filelock

    file = output / LOCK_FILE
    ours_to_remove = _made(output) or file.exists()  # or a killed process made it
    lock = filelock.FileLock(file, blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise FileError(
            f"output: folder {str(output)!r} is being written by {_holder(file)}; accepted: another folder, or this "
            "one once that has ended"
        ) from error
    except OSError as error:
        raise FileError(f"output: cannot write into folder {str(output)!r}: {error.strerror}") from error
    try:
        file.write_text(_ourselves(), encoding="utf-8")
        remove_asides(output)
        yield
    finally:
        # While it is held: whoever waits for the file that is gone looks for the new one.
        file.unlink(missing_ok=True)
        lock.release()
        if ours_to_remove and not any(output.iterdir()):
            output.rmdir()


def aside_of(output: Path) -> Path:
    """A folder beside `output` to be held by whoever makes what has its place there only when it is done."""
    return output.parent / f".{output.name}.aside"


def check_makeable(output: Path) -> None:
    """Raise FileError where `output` is there already, or can certainly not be made; for asking before any work."""
    if output.exists():
        raise FileError(f"output: {str(output)!r} is there already; accepted: a folder to be made")
    check_place(output)


@contextmanager
def making(output: Path) -> Iterator[Path]:
    """A folder to fill, which takes its place as `output` once the block has ended, whole or not at all.

    Raises FileError when `output` is there already, when its place cannot be written, and as `held` does.
    """
    check_makeable(output)
    aside = aside_of(output)
    with held(aside), tempfile.TemporaryDirectory(dir=aside, prefix=".", suffix=".aside") as place:
        folder = Path(place) / output.name
        folder.mkdir()
        yield folder
        put_folder(folder, output)


def is_new(output: Path) -> bool:
    """Whether nothing is in the folder `output` but a process that holds it, or there is no such folder."""
    return not output.is_dir() or all(entry.name == LOCK_FILE for entry in output.iterdir())


def _made(output: Path) -> bool:
    """Make the folder unless it is there."""
    try:
        output.mkdir(parents=True)
    except FileExistsError as error:
        if not output.is_dir():
            raise FileError(f"output: {str(output)!r} is a file; accepted: a folder") from error
        return False
    except OSError as error:
        raise FileError(f"output: cannot make folder {str(output)!r}: {error.strerror}") from error
    return True


def _ourselves() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _holder(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8") or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"
