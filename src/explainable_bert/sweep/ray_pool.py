"""Points as tasks of Ray, on this machine or on a cluster whose hosts all see the sweep's folder."""

import pickle
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from explainable_bert.cluster import connected
from explainable_bert.sweep.arm import Point
from explainable_bert.sweep.experiment import Experiment
from explainable_bert.sweep.worker import reason, run_logged


class RayPool:
    """As many tasks at a time as there are GPUs, without any as cores; or `n_processes`, which share them out."""

    def __init__(self, address: str | None, n_processes: int | None, most: int) -> None:
        self._stack = ExitStack()
        self._stack.enter_context(connected(address))
        import ray

        there = ray.cluster_resources()
        n_gpus, n_cpus = int(there.get("GPU", 0)), int(there.get("CPU", 1))
        self.size = max(1, min(n_processes or n_gpus or n_cpus, most))
        self._n_threads = max(1, n_cpus // self.size)
        # A process of its own for each point: nothing that one may leave behind can reach another.
        alone = ray.remote(num_cpus=self._n_threads, num_gpus=min(1.0, n_gpus / self.size), max_calls=1, max_retries=0)
        self._task: Any = alone(run_logged)
        self._running: dict[Point, tuple[Any, float, Path]] = {}

    @property
    def running(self) -> Mapping[Point, float]:
        """What is being run, and since when."""
        return {point: started for point, (_, started, _) in self._running.items()}

    def start(self, point: Point, experiment: Experiment, output: Path, folder: Path) -> None:
        """As a task."""
        place = folder.resolve()
        arguments = pickle.dumps((point, experiment, output.resolve()))
        task = self._task.remote(arguments, place, self._n_threads)
        self._running[point] = (task, time.monotonic(), place)

    def ended(self) -> list[tuple[Point, str | None]]:
        """Wait for a task that has ended."""
        import ray

        by_task = {task: point for point, (task, _, _) in self._running.items()}
        done, _ = ray.wait(list(by_task), num_returns=1)
        return [(by_task[task], self._problem(by_task[task])) for task in done]

    def _problem(self, point: Point) -> str | None:
        import ray

        task, _, folder = self._running.pop(point)
        try:
            ray.get(task)
        except ray.exceptions.RayError as error:
            return reason(folder, f"its process ended: {type(error).__name__}")
        return None

    def stop(self) -> None:
        """Cancel the tasks, and leave Ray."""
        import ray

        for task, _, _ in self._running.values():
            ray.cancel(task, force=True)
        self._stack.close()
