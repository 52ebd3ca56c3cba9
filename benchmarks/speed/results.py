"""Results of the benchmark's parts, a file each, saved after every step; what is there is not measured again."""

import json
from pathlib import Path
from typing import Any

from explainable_bert.errors import InputError
from explainable_bert.speed.machine import machine, versions
from explainable_bert.writing import write_text

FOLDER = Path(__file__).parent.parent / "results"
COMMAND = "make bench"


class Results:
    """Rows of one part, each under a name of its own.

    Raises InputError where the file was begun on another machine, with other versions or other settings.
    """

    def __init__(self, part: str, settings: dict[str, Any], command: str = COMMAND) -> None:
        self._path, self.settings = path_of(part), settings
        head = {"command": command, "machine": machine(), "versions": versions(), "settings": settings}
        self._content: dict[str, Any] = {**head, "rows": {}}
        if self._path.exists():
            saved = load(part)
            changed = [name for name, value in head.items() if saved.get(name) != value]
            if changed:
                raise InputError(f"{self._path}: begun with other {', '.join(changed)}; delete it to begin anew")
            self._content = saved

    def __contains__(self, name: str) -> bool:
        return name in self._content["rows"]

    def add(self, name: str, row: Any) -> None:
        """Save a row."""
        self._content["rows"][name] = row
        write_text(self._path, json.dumps(self._content, indent=2) + "\n")
        print(f"{self._path.stem}: {name} measured", flush=True)


def path_of(part: str) -> Path:
    """Where the results of a part are kept."""
    return FOLDER / f"speed_{part}.json"


def load(part: str) -> dict[str, Any]:
    """What was saved of a part."""
    content: dict[str, Any] = json.loads(path_of(part).read_text(encoding="utf-8"))
    return content
