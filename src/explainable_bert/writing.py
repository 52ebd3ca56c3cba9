"""Writing files so that a reader sees the old content or the new, never half of it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from explainable_bert.errors import FileError

_ASIDE = ".aside"


def check_place(path: Path) -> None:
    """Raise FileError where `path` can certainly not be written; for asking before any work."""
    if path.is_dir():
        raise FileError(f"output: {str(path)!r} is a folder; accepted: the name of a file")
    parent = next(folder for folder in path.absolute().parents if folder.exists())
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise FileError(f"output: cannot write {str(path)!r}: {str(parent)!r} is no folder that can be written to")


@contextmanager
def writing(path: Path) -> Iterator[BinaryIO]:
    """A stream into a file beside `path`, which is renamed into place once it is on the disk; parent folders are made.

    Whatever stops it leaves nothing behind. Raises FileError if the place cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=_ASIDE)
    except OSError as error:
        raise FileError(f"output: cannot write {str(path)!r}: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        share(Path(aside))
        Path(aside).replace(path)
        sync_folder(path.parent)
    except FileError:  # what whoever writes has to say, of another file it may be
        raise
    except OSError as error:
        # Libraries raise some that have words alone.
        raise FileError(f"output: cannot write {str(path)!r}: {error.strerror or error}") from error
    finally:
        Path(aside).unlink(missing_ok=True)


def share(file: Path) -> None:
    """Give a file that was made private, as mkstemp and safetensors do, the mode that a plain open() gives."""
    mask = os.umask(0)
    os.umask(mask)
    file.chmod(0o666 & ~mask)


def sync_folder(folder: Path) -> None:
    """Have the folder's names on the disk, as far as the system can: what was renamed stays so when power is cut."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_folder(folder: Path, output: Path) -> None:
    """Rename a finished folder to `output`, for good; raises FileError where another process was there first."""
    try:
        folder.rename(output)
    except OSError as error:
        raise FileError(f"output: cannot make folder {str(output)!r}: {error.strerror}") from error
    sync_folder(output.parent)


def remove_asides(folder: Path) -> None:
    """Remove what killed processes were writing in the folder and below; nobody may be writing there."""
    for half in folder.rglob(f".*{_ASIDE}"):
        if half.is_dir():
            shutil.rmtree(half, ignore_errors=True)
        else:
            half.unlink(missing_ok=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` whole or not at all, as `writing` does."""
    with writing(path) as stream:
        stream.write(content)


def write_text(path: Path, content: str) -> None:
    """Like write_bytes, in UTF-8 and made expressible in it."""
    write_bytes(path, expressible(content).encode("utf-8"))


def expressible(text: str) -> str:
    """The text with lone surrogates, which UTF-8 cannot express, as U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
