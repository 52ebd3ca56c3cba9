"""Explains pieces as a Ray Data pipeline: actors with a loaded model each, on this machine or on a cluster."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from explainable_bert.cluster import check_ray, connected
from explainable_bert.errors import ExplainableBertError, FileError, InputError
from explainable_bert.jobs.job import Engine
from explainable_bert.jobs.pieces import Piece
from explainable_bert.jobs.shard import Shard
from explainable_bert.jobs.work import Work, Worker

# So that an actor has its next piece at hand when it is done with one.
_IN_FLIGHT = 2


@dataclass(frozen=True)
class Actors:
    """How many actors there are (None: as many as fit), and how many cores and GPUs each has, or what part of a GPU.

    `address` is that of a cluster, as ray.init takes it; None starts one on this machine.
    """

    count: int | None = None
    cpus: int = 1
    gpus: float = 0.0
    address: str | None = None


def run_on_ray(actors: Actors) -> Engine:
    """An engine of a corpus job. Raises MissingExtraError without Ray, InputError where no cluster answers."""
    check_ray(actors.address)

    def run(pieces: Sequence[Piece], work: Work, progress: Callable[[int], None]) -> Iterator[Shard]:
        if pieces:
            with connected(actors.address):
                yield from _explained(pieces, work, actors, progress)

    return run


def _explained(pieces: Sequence[Piece], work: Work, actors: Actors, progress: Callable[[int], None]) -> Iterator[Shard]:
    import ray

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars, context.print_on_execution_start = False, False
    count = min(actors.count or _most_actors(actors), len(pieces))
    # A block each: what is lost with an actor is done again piece by piece.
    tasks = ray.data.from_items([{"piece": pickle.dumps(piece)} for piece in pieces], override_num_blocks=len(pieces))
    done = tasks.map_batches(
        _Actor,
        fn_constructor_args=(work, actors.cpus),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=count, max_tasks_in_flight_per_actor=_IN_FLIGHT),
        num_cpus=actors.cpus,
        num_gpus=actors.gpus or None,
    )
    n_rows = 0
    for row in done.iter_rows():
        shard = pickle.loads(row["shard"])
        if isinstance(shard, str):
            raise FileError(shard)
        n_rows += shard.rows + shard.errors
        progress(n_rows)
        yield shard


class _Actor:
    """A loaded model that takes one piece at a time."""

    def __init__(self, work: Work, n_threads: int) -> None:
        import torch

        torch.set_num_threads(n_threads)
        self._worker = Worker(work)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        return {"shard": [self._run(pickle.loads(piece)) for piece in batch["piece"]]}

    def _run(self, piece: Piece) -> bytes:
        # Told, not raised: Ray would wrap it, and try again.
        try:
            return pickle.dumps(self._worker.run(piece))
        except ExplainableBertError as error:
            return pickle.dumps(str(error))


def _most_actors(actors: Actors) -> int:
    import ray

    there = ray.cluster_resources()
    fitting = [there.get("CPU", 0) // actors.cpus]
    if actors.gpus:
        fitting.append(there.get("GPU", 0) // actors.gpus)
    count = int(min(fitting))
    if count < 1:
        raise InputError(
            f"actors: {actors.cpus} cores and {actors.gpus:g} GPUs given for each; accepted: at most what there is, "
            f"{there.get('CPU', 0):g} cores and {there.get('GPU', 0):g} GPUs"
        )
    return count
