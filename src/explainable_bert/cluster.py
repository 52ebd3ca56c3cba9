"""Ray, where it is asked for: a cluster that is joined, or one started on this machine for as long as needed."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from explainable_bert.errors import InputError, MissingExtraError, first_line


def check_ray() -> None:
    """Raise MissingExtraError where Ray is not installed; for asking before any work."""
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray", "jobs") from error


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connected to the cluster at `address`, as ray.init takes it; None: to what is connected already, or a new one.

    Raises InputError where it cannot be reached.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    try:
        ray.init(
            address=address or "local",
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False if address is None else None,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"address: {address!r} cannot be reached: {first_line(error)}") from error
    try:
        yield
    finally:
        ray.shutdown()
