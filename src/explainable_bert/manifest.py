"""The files that a folder was written with, their sizes and checksums, so that damage is found and named."""

import hashlib
import json
import os
import reprlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from explainable_bert.errors import ModelError
from explainable_bert.version import __version__
from explainable_bert.writing import write_text

MANIFEST_FILE = "manifest.json"
FORMAT_VERSION = 1


def write_manifest(folder: Path, names: Iterable[str]) -> None:
    """Write down the files `names` of the folder, once they have reached the disk."""
    files = {name: _entry(folder / name) for name in sorted(names)}
    said = {"format_version": FORMAT_VERSION, "explainable_bert": __version__, "files": files}
    write_text(folder / MANIFEST_FILE, json.dumps(said, indent=2) + "\n")


def check_manifest(folder: Path, argument: str) -> None:
    """Check the folder's files against its manifest, if it has one; `argument` is named in errors.

    Raises ModelError, naming the file, when one is missing or is not as it was written, and when the manifest is
    damaged or of a newer version.
    """
    file = folder / MANIFEST_FILE
    if not file.is_file():
        return
    for name, entry in _files(file, argument).items():
        path = folder / name
        if not _is_there(path):
            named = reprlib.repr(name)
            raise ModelError(f"{argument}: folder {str(folder)!r} lacks {named}, which its {MANIFEST_FILE} names")
        if path.stat().st_size != entry["bytes"] or _sha256(path) != entry["sha256"]:
            raise ModelError(
                f"{argument}: {str(path)!r} is not as it was written (another checksum than in {MANIFEST_FILE}); "
                f"accepted: the file as it was, or, where it was changed on purpose, the folder without {MANIFEST_FILE}"
            )


def _is_there(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than names can be
        return False


def _files(file: Path, argument: str) -> dict[str, dict[str, Any]]:
    try:
        said = json.loads(file.read_bytes())
        version, files = said["format_version"], said["files"]
        sound = all(Path(name).name == name and {"bytes", "sha256"} <= entry.keys() for name, entry in files.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{argument}: {str(file)!r} is damaged: it is no manifest of explainable-bert") from error
    if version != FORMAT_VERSION:
        raise ModelError(
            f"{argument}: {str(file)!r} has format_version {version!r}; this version of explainable-bert reads "
            f"{FORMAT_VERSION}: install a newer one"
        )
    if not sound:
        raise ModelError(f"{argument}: {str(file)!r} is damaged: it is no manifest of explainable-bert")
    return dict(files)


def _entry(path: Path) -> dict[str, Any]:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return {"bytes": path.stat().st_size, "sha256": _sha256(path)}


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
