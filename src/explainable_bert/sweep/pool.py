"""Places in which points are run at the same time: here, processes that share the cores or devices of this machine."""

import os
from collections.abc import Mapping
from multiprocessing.connection import wait
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch

from explainable_bert.sweep.arm import Point
from explainable_bert.sweep.experiment import Experiment
from explainable_bert.sweep.slot import Slot


@runtime_checkable
class Pool(Protocol):
    """Runs as many points as it has places."""

    @property
    def size(self) -> int:
        """How many places."""

    @property
    def running(self) -> Mapping[Point, float]:
        """What is being run, and since when (time.monotonic)."""

    def start(self, point: Point, experiment: Experiment, output: Path, folder: Path) -> None:
        """Start to run the point, with its record in `folder`, in a free place."""

    def ended(self) -> list[tuple[Point, str | None]]:
        """Wait until a point has ended; those that have, with why they failed, or None."""

    def stop(self) -> None:
        """End whatever is run."""


class ProcessPool:
    """By default as many processes as CUDA devices, without any as cores; the cores are shared out among them."""

    def __init__(self, n_processes: int | None, most: int) -> None:
        self._slots = slots(min(n_processes or len(devices()) or n_cores(), most))

    @property
    def size(self) -> int:
        """How many processes."""
        return len(self._slots)

    @property
    def running(self) -> Mapping[Point, float]:
        """What is being run, and since when."""
        return {slot.point: slot.started for slot in self._slots if slot.point is not None}

    def start(self, point: Point, experiment: Experiment, output: Path, folder: Path) -> None:
        """In the first free process."""
        next(slot for slot in self._slots if slot.point is None).start(point, experiment, output, folder)

    def ended(self) -> list[tuple[Point, str | None]]:
        """Wait for a process that is done with its point, or has ended."""
        busy = {slot.connection: slot for slot in self._slots if slot.point is not None}
        done = [next(slot for one, slot in busy.items() if one is connection) for connection in wait(busy)]
        return [(point, slot.problem()) for slot in done if (point := slot.point) is not None]

    def stop(self) -> None:
        """End the processes."""
        for slot in self._slots:
            slot.stop()


def n_cores() -> int:
    """The processor's cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def devices() -> list[str]:
    """The CUDA devices that this process may use, as its children have to call them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    count = torch.cuda.device_count()
    return [name.strip() for name in visible.split(",")][:count] if visible else [str(index) for index in range(count)]


def slots(n_processes: int) -> list[Slot]:
    """As many, with the devices in turn and an equal share of the cores."""
    there = devices()
    return [
        Slot(there[index % len(there)] if there else None, max(1, n_cores() // n_processes))
        for index in range(n_processes)
    ]
