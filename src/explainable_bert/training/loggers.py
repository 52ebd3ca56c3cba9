"""Loggers that the numbers of a training may be sent to: transformers' own callbacks, switched on by name."""

from collections.abc import Sequence
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
# What says whether a logger is there, and the package that brings it: all of mlflow takes no pandas 3.
_AVAILABLE = {
    "tensorboard": (is_tensorboard_available, "tensorboard"),
    "mlflow": (is_mlflow_available, "mlflow-skinny"),
    "trackio": (is_trackio_available, "trackio"),
}
LOGGERS = tuple(_AVAILABLE)


def check_loggers(names: Sequence[str]) -> None:
    """Raise InputError on a logger that is not known, or not installed."""
    for name in names:
        if name not in _AVAILABLE:
            raise InputError(f"report_to: {name!r} given; accepted: {', '.join(LOGGERS)}")
        is_available, package = _AVAILABLE[name]
        if not is_available():
            raise InputError(f"report_to: {name!r} given, but it is not installed; run: pip install {package}")


def logger_callbacks(names: Sequence[str], output: Path) -> list[TrainerCallback]:
    """The callbacks of checked loggers. They are told settings, the model's config and metrics, never a text.

    TensorBoard writes to `output`/logs, unless TENSORBOARD_LOGGING_DIR says where.
    """
    made = {"tensorboard": lambda: _tensorboard(output), "mlflow": MLflowCallback, "trackio": TrackioCallback}
    return [made[name]() for name in dict.fromkeys(names)]


def _tensorboard(output: Path) -> TensorBoardCallback:
    callback = TensorBoardCallback()
    # Its default lies among the checkpoints, which are removed when a run is finished.
    callback.logging_dir = callback.logging_dir or str(output / _FOLDER)
    return callback
