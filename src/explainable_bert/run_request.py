"""What a long run was asked for, kept in its folder, so that only the same run continues there."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from explainable_bert.errors import FileError, first_line
from explainable_bert.json_fields import parse_json
from explainable_bert.locking import is_new
from explainable_bert.records import read_json_text
from explainable_bert.writing import write_text

Request = Mapping[str, Mapping[str, Any]]

_HASH_NAMES = ("fingerprint", "sha256")


def claim(output: Path, file_name: str, described: Request, not_decisive: Sequence[str] = ()) -> None:
    """Make `output` the folder of the run that `described` says, in parts with named values.

    Fields that are `not_decisive` may differ from those of the run that was here. Raises FileError when the folder
    holds another run, or anything else.
    """
    check_folder(output)
    if not is_new(output):
        check_claim(output, file_name, described, not_decisive)
    else:
        write_text(output / file_name, json.dumps(described, indent=2) + "\n")


def check_claim(output: Path, file_name: str, described: Request, not_decisive: Sequence[str] = ()) -> None:
    """Raise FileError unless the run that the folder `output` was claimed for agrees with what is described."""
    request_file = output / file_name
    if not request_file.is_file():
        raise FileError(f"output: folder {str(output)!r} holds something else; accepted: a new or empty folder")
    check_same(output, _read(request_file), described, not_decisive)


def check_folder(output: Path) -> None:
    """Raise FileError when `output` is a file."""
    if output.exists() and not output.is_dir():
        raise FileError(f"output: {str(output)!r} is a file; accepted: a new or empty folder, or one of the same run")


def check_same(output: Path, found: Request, described: Request, not_decisive: Sequence[str] = ()) -> None:
    """Raise FileError, naming what differs, unless both describe the same run."""
    different = [
        f"{_shown(part)} {difference}"
        for part, values in json.loads(json.dumps(described)).items()
        for difference in _differences(found.get(part, {}), values, not_decisive)
    ]
    if different:
        raise FileError(
            f"output: folder {str(output)!r} holds another run ({'; '.join(different[:3])}); "
            "accepted: a new or empty folder, or one of the same run: choose another output, or remove that folder"
        )


def _differences(found: Mapping[str, Any], asked: Mapping[str, Any], not_decisive: Sequence[str]) -> Iterator[str]:
    """What differs of one part: its hashes only where nothing does that says more to people."""
    names = [name for name, value in asked.items() if name not in not_decisive and found.get(name) != value]
    for name in [name for name in names if not name.endswith(_HASH_NAMES)] or names:
        yield from _contrasted(name, found.get(name), asked[name])


def _contrasted(name: str, found: Any, asked: Any) -> Iterator[str]:
    """Two values that differ; of mappings, those of their items that do."""
    if not (isinstance(found, dict) and isinstance(asked, dict)):
        yield f"{_shown(name)} {_shown(found)} there, {_shown(asked)} asked for"
        return
    for key in sorted({*found, *asked}):
        if (key in found, found.get(key)) != (key in asked, asked.get(key)):
            yield from _contrasted(f"{name} {key}", found.get(key), asked.get(key))


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        found = parse_json(read_json_text(file))
    except ValueError as error:
        raise FileError(
            f"output: {str(file)!r} is damaged ({first_line(error)}); remove the folder to start anew"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(part, dict) for part in found.values()):
        raise FileError(f"output: {str(file)!r} describes no run; remove the folder to start anew")
    return found


def _shown(value: Any) -> str:
    # Names and paths as they are, but on one line.
    text = " ".join(str(value).split())
    if re.fullmatch("[0-9a-f]{64}", text):
        return f"{text[:8]}..."
    return text if len(text) <= 40 else text[:37] + "..."
