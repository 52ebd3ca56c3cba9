"""Sides of a comparison, each a process of its own, that do their work in turn; and how such a process answers.

Sides in one process would disturb each other: the threads of one library go on spinning while another one works.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from explainable_bert.errors import ExplainableBertError

# Rounds before the first that counts, in which libraries choose their kernels.
N_WARM_UPS = 1
_KIB = 1 if sys.platform == "darwin" else 1024

RoundsDone = Callable[[int, int], None]


class SideError(ExplainableBertError):
    """A side's process ended, or answered something else than its time."""


@dataclass(frozen=True)
class Side:
    """What is compared, and the command that starts a process which calls `serve`."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Turn:
    """One turn of a side: how long it took, and the most memory that its process ever held, in it and before all."""

    seconds: float
    peak_bytes: int
    idle_bytes: int


def take_turns(
    sides: Sequence[Side],
    rounds: int,
    seed: int,
    progress: RoundsDone | None = None,
    n_warm_ups: int = N_WARM_UPS,
) -> dict[str, tuple[Turn, ...]]:
    """The turns of each side, round by round; every round has another order, so that none is favoured.

    Raises SideError when a side cannot be started or stops.
    """
    generator = random.Random(seed)
    found: dict[str, list[Turn]] = {side.name: [] for side in sides}
    with ExitStack() as stack:
        running = {side.name: stack.enter_context(_started(side)) for side in sides}
        for one in running.values():  # they load at the same time
            one.answer(None)
        for number in range(n_warm_ups + rounds):
            for name in generator.sample(list(running), len(running)):
                turn = Turn(**running[name].answer("turn"))
                if number >= n_warm_ups:
                    found[name].append(turn)
            if progress is not None:
                progress(number + 1, n_warm_ups + rounds)
    return {name: tuple(turns) for name, turns in found.items()}


def serve(work: Callable[[], object]) -> None:
    """The process of a side: do the work once for every line that comes in, and answer with the time it took."""
    answer, sys.stdout = sys.stdout, sys.stderr  # what libraries print is no answer
    idle = _peak_bytes()
    print(json.dumps({"ready": True}), file=answer, flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        work()
        seconds = time.perf_counter() - started
        turn = {"seconds": seconds, "peak_bytes": _peak_bytes(), "idle_bytes": idle}
        print(json.dumps(turn), file=answer, flush=True)


def _peak_bytes() -> int:
    # Linux's ru_maxrss counts what the process was before it became this program: a copy of the one that started it.
    described = Path("/proc/self/status")
    lines = described.read_text(encoding="ascii", errors="replace").splitlines() if described.exists() else []
    highest = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
    return highest[0] if highest else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


class _Running:
    """A side's process with what it says on stderr."""

    def __init__(self, name: str, process: "subprocess.Popen[str]", errors: IO[str]) -> None:
        self._name, self._process, self._errors = name, process, errors

    def answer(self, asked: str | None) -> Mapping[str, Any]:
        """The next line it writes, after `asked` where that is given."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            if asked is not None:
                stdin.write(asked + "\n")
                stdin.flush()
            answered: Mapping[str, Any] = json.loads(stdout.readline())
        except (OSError, json.JSONDecodeError) as error:
            raise SideError(f"side {self._name!r} stopped: {self._last_words()}") from error
        return answered

    def _last_words(self) -> str:
        self._process.wait(timeout=10)
        self._errors.seek(0)
        lines = [line.strip() for line in self._errors if line.strip()]
        return lines[-1] if lines else f"exit code {self._process.returncode}"


@contextmanager
def _started(side: Side) -> Iterator[_Running]:
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        try:
            process = subprocess.Popen(
                side.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        except OSError as error:
            raise SideError(f"side {side.name!r} cannot be started: {error.strerror}") from error
        with process:
            try:
                yield _Running(side.name, process, errors)
            finally:
                process.kill()
