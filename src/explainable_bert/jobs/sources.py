"""Where a corpus comes from: files, folders, globs and addresses that fsspec knows, as files in a fixed order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from explainable_bert.data.files import READABLE
from explainable_bert.errors import FileError, InputError, first_line


@dataclass(frozen=True)
class SourceFile:
    """A file of a corpus: its address, its size in bytes, and what changes when it is written anew."""

    address: str
    size: int
    version: str

    @property
    def suffix(self) -> str:
        """Its extension, in lower case."""
        return Path(self.address).suffix.lower()

    def open(self) -> BinaryIO:
        """Its bytes, from any place in it. Raises FileError where it cannot be read."""
        try:
            stream: BinaryIO = fsspec.open(self.address, "rb").open()
        except OSError as error:
            raise FileError(f"input: cannot read {self.address!r}: {error.strerror or error}") from error
        return stream


def source_files(inputs: Sequence[str], output: Path) -> list[SourceFile]:
    """Every readable file of the inputs, each once, in their order and by name; nothing of the folder `output`.

    Raises FileError where an input is not there, InputError where it holds nothing that can be read.
    """
    found: dict[str, SourceFile] = {}
    for given in inputs:
        if not given:  # it would be the folder that one is in
            raise InputError("input: '' given; accepted: files, folders, patterns or addresses")
        files = list(_files(given))
        if not files:
            raise InputError(f"input: {given!r} holds no file that can be read; accepted: {', '.join(READABLE)}")
        for file in files:
            if not _is_within(file.address, output):
                found.setdefault(file.address, file)
    if not found:
        raise InputError(f"input: all of its files are in the output folder {str(output)!r}; accepted: another folder")
    return list(found.values())


def _files(given: str) -> Iterator[SourceFile]:
    system, path = _system(given)
    try:
        for name in _names(system, path, given):
            if Path(name).suffix.lower() in READABLE and not Path(name).name.startswith((".", "_")):
                yield _source_file(system, name)
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"input: cannot read {given!r}: {error}") from error


def _names(system: Any, path: str, given: str) -> list[str]:
    """The files at a path or pattern."""
    if system.isdir(path):
        return sorted(system.find(path))
    if system.isfile(path):
        if Path(path).suffix.lower() not in READABLE:
            raise InputError(f"input: {given!r} cannot be read by its extension; accepted: {', '.join(READABLE)}")
        return [path]
    names = sorted(system.glob(path)) if fsspec.core.has_magic(path) else []
    if not names:
        raise FileError(f"input: there is nothing at {given!r}; accepted: files, folders, patterns or addresses")
    return names


def _system(given: str) -> tuple[Any, str]:
    try:
        system, path = fsspec.core.url_to_fs(given)
    except ImportError as error:
        raise InputError(f"input: {given!r} needs a package that is not installed: {first_line(error)}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"input: {given!r} is no address that can be read: {error}") from error
    return system, path


def _source_file(system: Any, name: str) -> SourceFile:
    facts = system.info(name)
    version = next(
        (str(facts[key]) for key in ("ETag", "etag", "mtime", "LastModified", "created") if key in facts), ""
    )
    address = name if isinstance(system, LocalFileSystem) else system.unstrip_protocol(name)
    return SourceFile(address, int(facts["size"] or 0), version)


def _is_within(address: str, folder: Path) -> bool:
    return "://" not in address and Path(address).is_relative_to(folder.absolute())
