"""Loggers that the numbers of a training may be sent to: transformers' own callbacks, switched on by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import TrainerCallback
from transformers.integrations.integration_utils import (
    MLflowCallback,
    TensorBoardCallback,
    TrackioCallback,
    is_mlflow_available,
    is_tensorboard_available,
    is_trackio_available,
)

from explainable_bert.errors import InputError

_FOLDER = "logs"


@dataclass(frozen=True)
class _Logger:
    """Whether it is there, the package that brings it, and its callback for a run's folder."""

    is_available: Callable[[], bool]
    package: str
    callback: Callable[[Path], TrainerCallback]


def _tensorboard(output: Path) -> TensorBoardCallback:
    callback = TensorBoardCallback()
    # Its default lies among the checkpoints, which are removed when a run is finished.
    callback.logging_dir = callback.logging_dir or str(output / _FOLDER)
    return callback


_LOGGERS = {
    "tensorboard": _Logger(is_tensorboard_available, "tensorboard", _tensorboard),
    # Its client; the whole of mlflow, a server with it, does as well.
    "mlflow": _Logger(is_mlflow_available, "mlflow-skinny", lambda _: MLflowCallback()),
    "trackio": _Logger(is_trackio_available, "trackio", lambda _: TrackioCallback()),
}
LOGGERS = tuple(_LOGGERS)


def check_loggers(names: Sequence[str]) -> None:
    """Raise InputError on a logger that is not known, or not installed."""
    for name in names:
        if name not in _LOGGERS:
            raise InputError(f"report_to: {name!r} given; accepted: {', '.join(LOGGERS)}")
        if not _LOGGERS[name].is_available():
            package = _LOGGERS[name].package
            raise InputError(f"report_to: {name!r} given, but it is not installed; run: pip install {package}")


def logger_callbacks(names: Sequence[str], output: Path) -> list[TrainerCallback]:
    """The callbacks of checked loggers. They are told settings, the model's config and metrics, never a text.

    TensorBoard writes to `output`/logs, unless TENSORBOARD_LOGGING_DIR says where.
    """
    return [_LOGGERS[name].callback(output) for name in dict.fromkeys(names)]
