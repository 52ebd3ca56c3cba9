"""A place for one process at a time, in which points are run one after the other."""

import multiprocessing
import pickle
import time
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from explainable_bert.sweep.arm import Point
from explainable_bert.sweep.experiment import Experiment
from explainable_bert.sweep.worker import reason, work

# A process that is told to end is given so long.
_PATIENCE_S = 10


class Slot:
    """Runs a point in a process of its own, which is kept for the next one unless it ends.

    `point` is the one that is being run, `started` since when.
    """

    def __init__(self, device: str | None, n_threads: int) -> None:
        self.point: Point | None = None
        self.started = 0.0
        self._folder = Path()
        self._device, self._n_threads = device, n_threads
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """Has something to read when the point is done or its process has ended."""
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            self._process = context.Process(target=work, args=(theirs, self._device, self._n_threads), daemon=True)
            self._process.start()
            theirs.close()  # so that the end of the process ends the connection
            self._connection = ours
        return self._connection

    def start(self, point: Point, experiment: Experiment, output: Path, folder: Path) -> None:
        """Start to run the point, with its record in `folder`."""
        self.point, self.started, self._folder = point, time.monotonic(), folder
        task = pickle.dumps((point, experiment, output))
        try:
            self.connection.send((folder, task))
        except BrokenPipeError:
            pass  # the process has ended meanwhile, which `problem` finds

    def problem(self) -> str | None:
        """Why the point failed, in a line, or None if it did not; the slot is free then. Waits for its end."""
        self.point = None
        try:
            self.connection.recv()
            return None
        except (EOFError, ConnectionResetError):
            code = self._end()
        return reason(self._folder, f"its process ended with code {code} (below 0: by that signal)")

    def stop(self) -> None:
        """End the process, whatever it does; one that waits for a point ends by itself."""
        if self._process is not None:
            if self.point is not None:
                self._process.terminate()
            self._end()

    def _end(self) -> int | None:
        process, connection = self._process, self._connection
        self._process = self._connection = None
        if process is None or connection is None:
            return None
        connection.close()
        process.join(_PATIENCE_S)
        process.kill()
        process.join()
        return process.exitcode
