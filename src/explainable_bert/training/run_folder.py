"""The folder of a training run: what was asked for, complete checkpoints to resume from, the finished model."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerFast

from explainable_bert.locking import is_new
from explainable_bert.manifest import MANIFEST_FILE, check_manifest, write_manifest
from explainable_bert.run_request import Request, check_claim, check_folder, check_same, claim
from explainable_bert.training.model_card import model_card
from explainable_bert.training.report import TrainingReport
from explainable_bert.writing import write_text

REPORT_FILE = "training_report.json"
_REQUEST_FILE = "training_request.json"
_CHECKPOINTS = "checkpoints"


def checkpoints_folder(output: Path) -> Path:
    """Where a run keeps its checkpoints until it is finished."""
    return output / _CHECKPOINTS


def kept_report(folder: Path) -> TrainingReport | None:
    """The report in a model folder, None where there is none; raises as TrainingReport.load does."""
    file = folder / REPORT_FILE
    return TrainingReport.load(file) if file.is_file() else None


def finished_report(output: Path, described: Request) -> TrainingReport | None:
    """The report of a finished run with the same description, or None where nothing is finished.

    Raises FileError when `output` is a file, or a model of another run.
    """
    check_folder(output)
    report = kept_report(output)
    if report is None:
        return None
    check_same(output, report.run, described, _not_decisive(described))
    _remove_leftovers(output)
    return report


def check_claimable(output: Path, described: Request) -> None:
    """Raise FileError when `output` holds anything but a run that agrees with what is known of this one so far."""
    check_folder(output)
    report = kept_report(output)
    if report is not None:
        check_same(output, report.run, described)
    elif not is_new(output):
        check_claim(output, _REQUEST_FILE, described)


def prepare(output: Path, described: Request) -> Path | None:
    """Make the folder ready and return the newest complete checkpoint of the same run, if there is one.

    Raises FileError when the folder holds another run, or anything else, ModelError when that checkpoint is damaged.
    """
    claim(output, _REQUEST_FILE, described, _not_decisive(described))
    return _newest_complete(output)


def _not_decisive(described: Request) -> tuple[str, ...]:
    """Paths of which only the weights decide, whose fingerprints are described too: that of a teacher, or of a twin.

    And how many rows were repeated: what is left of them is described.
    """
    request = described["request"]
    paths = ("base", "teacher") if request["base"] == request["teacher"] else ("teacher",)
    return (*paths, "n_duplicates")


def mark_complete(checkpoint: Path) -> None:
    """Say that everything of a checkpoint has been written: it has a manifest then."""
    write_manifest(checkpoint, [path.name for path in checkpoint.iterdir() if path.is_file()])


def finish(output: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, report: TrainingReport) -> None:
    """Put the finished model into the folder, its report last, and remove what only the run needed."""
    config: Any = model.config
    with tempfile.TemporaryDirectory(dir=output, prefix=".", suffix=".aside") as aside:
        model.save_pretrained(aside)
        tokenizer.save_pretrained(aside)
        write_text(Path(aside) / "README.md", model_card(config, model.num_parameters(), report))
        write_manifest(Path(aside), [path.name for path in Path(aside).iterdir() if path.name != "README.md"])
        # Temporary folders are private; what is left in the model folder takes that folder's parent's habits.
        for file in Path(aside).iterdir():
            file.replace(output / file.name)
    report.save(output / REPORT_FILE)
    _remove_leftovers(output)


def _remove_leftovers(output: Path) -> None:
    shutil.rmtree(checkpoints_folder(output), ignore_errors=True)
    (output / _REQUEST_FILE).unlink(missing_ok=True)


def _newest_complete(output: Path) -> Path | None:
    """Removes half-written checkpoints, so that nobody takes them for whole ones."""
    complete: list[tuple[int, Path]] = []
    for folder in checkpoints_folder(output).glob("checkpoint-*"):
        if (folder / MANIFEST_FILE).is_file():
            complete.append((int(folder.name.rsplit("-", 1)[1]), folder))
        else:
            shutil.rmtree(folder)
    if not complete:
        return None
    newest = max(complete)[1]
    check_manifest(newest, "output")
    return newest
