"""Ray, where it is asked for: a cluster that is joined, or one started on this machine for as long as needed."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from explainable_bert.errors import InputError, MissingExtraError, first_line

# Ray itself waits for minutes, and then ends the process.
_PATIENCE_S = 10.0


def check_ray(address: str | None = None) -> None:
    """Raise MissingExtraError where Ray is not installed, InputError where nothing answers at a cluster's address.

    For asking before any work.
    """
    try:
        import ray  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray", "jobs") from error
    if address is not None:
        _check_answers(address)


def _check_answers(address: str) -> None:
    place = urlsplit(address if "://" in address else f"//{address}")
    try:
        if place.hostname is None or place.port is None:  # such as "auto", which Ray itself knows what to do with
            return
        with socket.create_connection((place.hostname, place.port), _PATIENCE_S):
            return
    except (OSError, ValueError) as error:
        raise InputError(
            f"address: {address!r} cannot be reached ({first_line(error)}); accepted: HOST:PORT of a Ray cluster"
        ) from error


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
        raise InputError(
            f"address: {address!r} cannot be reached: {first_line(error)}; accepted: HOST:PORT of a Ray cluster"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
