"""Running points, as many at a time as there are cores or devices, each in a process; what was stopped continues."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from explainable_bert.errors import InputError
from explainable_bert.locking import held
from explainable_bert.model.checkpoint import checked_base
from explainable_bert.run_request import claim
from explainable_bert.sweep.arm import Point, needed
from explainable_bert.sweep.experiment import Experiment
from explainable_bert.sweep.point import POINT_FILE, has_model
from explainable_bert.sweep.pool import Pool, ProcessPool
from explainable_bert.sweep.record import PointRecord
from explainable_bert.sweep.schedule import Schedule

POINTS = "points"
_REQUEST_FILE = "request.json"


@dataclass(frozen=True)
class SweepProgress:
    """Where a sweep is: points with a record, of all; those that run; those that failed or were skipped, and why.

    `seconds_left` is estimated from the finished points; None before the first one.
    """

    n_done: int
    n_points: int
    running: tuple[Point, ...]
    failed: Mapping[Point, str]
    seconds_left: float | None


@dataclass(frozen=True)
class Outcome:
    """The records of a sweep in the order of its points, and why the other points have none."""

    records: tuple[PointRecord, ...]
    failed: Mapping[Point, str]


Progress = Callable[[SweepProgress], None]
# Makes places to run points in: so many, if that is given, of which at most so many are needed.
MakePool = Callable[[int | None, int], Pool]


def run_points(
    points: Sequence[Point],
    experiment: Experiment,
    output: Path,
    n_processes: int | None = None,
    progress: Progress | None = None,
    kept_in: str = POINTS,
    pool: MakePool = ProcessPool,
) -> Outcome:
    """Train the points' models into `output`/models, measure them, and keep a record of each in `output`/`kept_in`.

    Points that have a record are not run again, unless others need their models and these are gone. A point that fails
    is reported, with what needs it, while the others go on; the next start tries it again. `pool` makes the places to
    run them in: how many, see there, unless `n_processes` says it.

    Raises InputError on points that lack one that they need, or n_processes below 1, ModelError where what a point is
    to start from is no BERT, and FileError where a folder holds another run or another process works in `output`.
    """
    if n_processes is not None and n_processes < 1:
        raise InputError(f"n_processes: {n_processes} given; accepted: 1 or more")
    needs = needed(points)
    folders = {point: output / kept_in / point.slug for point in points}
    # Before anything is claimed or trained: a mended command finds the folder as it was.
    _check_bases([point for point, folder in folders.items() if not _is_done(folder)])
    with held(output):
        for point, folder in folders.items():
            claim(folder, _REQUEST_FILE, experiment.described(point))
        sweep = _Sweep(needs, experiment, output, folders, partial(pool, n_processes))
        sweep.run(progress or (lambda _: None))
    return Outcome(tuple(sweep.records[point] for point in points if point in sweep.records), sweep.failed)


def _check_bases(points: Sequence[Point]) -> None:
    for base in dict.fromkeys(point.arm.request.base for point in points if point.arm.base is None):
        checked_base(base)


def _file(folder: Path) -> Path:
    return folder / POINT_FILE


def _is_done(folder: Path) -> bool:
    return _file(folder).is_file()


def _tasks(
    needs: Mapping[Point, tuple[Point, ...]], records: Mapping[Point, PointRecord], output: Path
) -> dict[Point, tuple[Point, ...]]:
    """What is to be run, after what: points without a record, and those whose models these need and that are gone."""
    tasks = [point for point in needs if point not in records]
    for point in tasks:
        tasks += [other for other in needs[point] if other not in tasks and not has_model(output, other)]
    return {point: tuple(other for other in needs[point] if other in tasks) for point in tasks}


class _Sweep:
    """Starts points in slots, and notes what becomes of them."""

    def __init__(
        self,
        needs: Mapping[Point, tuple[Point, ...]],
        experiment: Experiment,
        output: Path,
        folders: Mapping[Point, Path],
        pool: Callable[[int], Pool],
    ) -> None:
        self._experiment, self._output, self._folders = experiment, output, folders
        self.records = {point: PointRecord.load(_file(folder)) for point, folder in folders.items() if _is_done(folder)}
        self.failed: dict[Point, str] = {}
        tasks = _tasks(needs, self.records, output)
        self._schedule = Schedule(tasks)
        self._pool = pool(len(tasks)) if tasks else None

    def run(self, progress: Progress) -> None:
        """Run all that can be run; whatever ends it ends its processes."""
        if self._pool is None:
            progress(self._progress())
            return
        try:
            self._fill(self._pool)
            progress(self._progress())
            while self._pool.running:
                for point, problem in self._pool.ended():
                    self._collect(point, problem)
                self._fill(self._pool)
                progress(self._progress())
        finally:
            self._pool.stop()

    def _fill(self, pool: Pool) -> None:
        while len(pool.running) < pool.size and (point := self._schedule.take()) is not None:
            pool.start(point, self._experiment, self._output, self._folders[point])

    def _collect(self, point: Point, problem: str | None) -> None:
        if problem is None:
            self.records[point] = PointRecord.load(_file(self._folders[point]))
            self._schedule.done(point)
            return
        self.failed[point] = problem
        for lost in self._schedule.failed(point):
            self.failed[lost] = f"skipped: it needs {point}, which failed"

    def _progress(self) -> SweepProgress:
        n_points = len(self._folders)
        return SweepProgress(
            n_done=len(self.records),
            n_points=n_points,
            running=tuple(self._pool.running) if self._pool is not None else (),
            failed=dict(self.failed),
            seconds_left=self._seconds_left(n_points - len(self.records.keys() | self.failed.keys())),
        )

    def _seconds_left(self, n_to_do: int) -> float | None:
        if not self.records or self._pool is None:
            return None
        mean = sum(record.training_s + record.measuring_s for record in self.records.values()) / len(self.records)
        spent = sum(min(mean, time.monotonic() - started) for started in self._pool.running.values())
        return max(0.0, n_to_do * mean - spent) / self._pool.size
