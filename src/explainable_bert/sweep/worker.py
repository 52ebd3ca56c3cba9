"""What a process of a sweep does: one point after the other, each with a log, until the sweep's own process ends."""

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import traceback
from multiprocessing.connection import Connection, wait
from pathlib import Path

from explainable_bert.errors import ExplainableBertError
from explainable_bert.writing import write_text

ERROR_FILE = "error.txt"
LOG_FILE = "log.txt"


def work(tasks: Connection, device: str | None, n_threads: int) -> None:
    """Run what comes as a folder for record and log and as pickled arguments of `run_point`, and answer each.

    An error is written to error.txt in the folder, and ends the process with code 1: nothing that it may have left
    behind can reach another point. What libraries print goes to log.txt there. `device` is a CUDA device.
    """
    # Whoever interrupts the sweep interrupts its first process, which then ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    threading.Thread(target=_end_with_parent, daemon=True).start()
    # Before anything imports torch, which the arguments' own classes do.
    if device is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    while True:
        try:
            folder, task = tasks.recv()
        except EOFError:  # no more is to be done
            return
        run_logged(task, folder, n_threads)
        tasks.send(None)


def run_logged(task: bytes, folder: Path, n_threads: int) -> None:
    """Run `run_point` with pickled arguments, all but the last, in this process.

    What it prints is in log.txt and an error, which is raised too, in error.txt.
    """
    (folder / ERROR_FILE).unlink(missing_ok=True)
    _log_to(folder / LOG_FILE)
    try:
        import torch

        from explainable_bert.sweep.point import run_point

        torch.set_num_threads(n_threads)
        point, experiment, output = pickle.loads(task)
        run_point(point, experiment, output, folder)
    except Exception as error:
        told = str(error) if isinstance(error, ExplainableBertError) else f"{type(error).__name__}: {error}"
        first_line = " ".join(told.split())
        write_text(folder / ERROR_FILE, f"{first_line}\n\n{''.join(traceback.format_exception(error))}")
        raise


def reason(folder: Path, otherwise: str) -> str:
    """Why a point failed, in a line: what is in its error.txt, or `otherwise`, which is written there then."""
    file = folder / ERROR_FILE
    if not file.is_file():
        write_text(file, f"{otherwise} and without an error\n")
    return file.read_text(encoding="utf-8").partition("\n")[0]


def _end_with_parent() -> None:
    """A sweep that was killed leaves nobody behind who would write where the next start of it works."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _log_to(file: Path) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
