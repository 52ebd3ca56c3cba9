"""One parser under atheris in this process, as `python -m fuzz` starts it; libFuzzer ends the process itself.

How far it is, is written down each second: `python -m fuzz.worker PARSER PROGRESS FOLDER [libFuzzer's options]`.
"""

import json
import sys
import time
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import atheris

with atheris.instrument_imports(include=["explainable_bert"]):
    from .findings import Finding, finding
    from .parsers import PARSERS

if TYPE_CHECKING:
    from .parsers import Parser

# So often atheris changes the bytes itself, after what comparisons in the code looked for.
_SHARE_OF_BYTES = 0.1
_SECONDS_BETWEEN = 1.0
_MOST_KEPT = 50


class _Counted:
    """Runs a parser on inputs, counts them, and keeps the shortest input of each kind of finding."""

    def __init__(self, parser: "Parser", progress: Path, folder: Path, executions: int) -> None:
        self._parser, self._progress, self._folder, self._wanted = parser, progress, folder, executions
        self._executions, self._written, self._started = 0, 0.0, time.monotonic()
        self._findings: dict[tuple[str, str], Finding] = {}

    def run(self, content: bytes) -> None:
        """One execution."""
        self._executions += 1
        found = finding(self._parser, content, self._folder)
        if found is not None:
            self._keep(found)
        if self._executions == self._wanted or time.monotonic() - self._written > _SECONDS_BETWEEN:
            self._write()

    def _keep(self, found: Finding) -> None:
        key = (found.kind, found.where)
        kept = self._findings.get(key)
        if len(self._findings) < _MOST_KEPT and (kept is None or len(found.content) < len(kept.content)):
            self._findings[key] = found

    def _write(self) -> None:
        self._written = time.monotonic()
        told = {
            "executions": self._executions,
            "seconds": round(self._written - self._started, 1),
            "findings": [vars(found) for found in self._findings.values()],
        }
        self._progress.write_text(json.dumps(told), encoding="ascii")


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough."""
    name, progress, folder, *options = sys.argv[1:]
    parser = PARSERS[name]
    runs = next(int(option.removeprefix("-runs=")) for option in options if option.startswith("-runs="))
    counted = _Counted(parser, Path(progress), Path(folder), runs)

    def mutate(content: bytes, most: int, seed: int) -> bytes:
        rng = Random(seed)
        if rng.random() < _SHARE_OF_BYTES:
            return bytes(atheris.Mutate(content, most))
        return parser.mutate(content, rng)[:most]

    atheris.Setup(["fuzz", *options], counted.run, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
