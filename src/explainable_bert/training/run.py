"""One training run: from a request and a corpus to a finished model folder with its report."""

import dataclasses
import hashlib
import json
import platform
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import torch
import transformers
from accelerate import PartialState
from transformers import PreTrainedTokenizerFast, set_seed

from explainable_bert.data.corpora import Corpus, Example, held_out
from explainable_bert.errors import InputError, ModelError
from explainable_bert.locking import held
from explainable_bert.metrics.classification import accuracy_standard_error
from explainable_bert.model.checkpoint import check_vocabulary, fingerprint, load_tokenizer, resolve_base
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification, load_trained
from explainable_bert.model.configuration import DESIGNS, has_twin, label_names
from explainable_bert.records import Long
from explainable_bert.run_request import check_folder
from explainable_bert.text.encoding import Reader, TextInput, check_texts
from explainable_bert.text.windows import in_windows, read_long
from explainable_bert.training.loggers import check_loggers, logger_callbacks
from explainable_bert.training.report import EpochMetrics, TrainingReport
from explainable_bert.training.run_folder import checkpoints_folder, finish, finished_report, prepare
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.trainer import UNLABELLED, ClassifierTrainer, ProgressCallback, Row
from explainable_bert.version import __version__


def train(
    request: ModelRequest,
    corpus: Corpus,
    output: Path,
    settings: TrainingSettings | None = None,
    progress: ProgressCallback | None = None,
    unlabelled: Sequence[TextInput] = (),
    report_to: Sequence[str] = (),
) -> TrainingReport:
    """Train into the model folder `output`, choosing the epoch by validation accuracy, and test it once.

    `unlabelled` are further texts, to learn the teacher's opinion of; `report_to` names training.loggers.LOGGERS. A run
    that was stopped continues from its newest complete checkpoint; a finished one returns its report. Runs in one
    process, or in several under torchrun or accelerate launch.

    Raises FileError when `output` holds something else or another process works there, ModelError or InputError when
    the request does not fit.
    """
    settings = settings or TrainingSettings()
    check_request(request, corpus, settings, unlabelled)
    check_loggers(report_to)
    check_folder(output)
    processes = PartialState(cpu=not torch.accelerator.is_available())
    with held(output) if processes.is_main_process else nullcontext():
        return _trained(request, corpus, output, settings, progress, unlabelled, report_to, processes)


def _trained(
    request: ModelRequest,
    corpus: Corpus,
    output: Path,
    settings: TrainingSettings,
    progress: ProgressCallback | None,
    unlabelled: Sequence[TextInput],
    report_to: Sequence[str],
    processes: PartialState,
) -> TrainingReport:
    started = time.monotonic()
    set_seed(settings.seed)
    teacher = None if request.teacher is None else _teacher(request.teacher, corpus)
    model = new_model(request, corpus)
    described = _describe(request, corpus, settings, model, teacher, unlabelled)
    finished = finished_report(output, described)
    if finished is not None:
        return finished
    tokenizer = _tokenizer(request, settings, model, teacher)
    with processes.main_process_first():
        checkpoint = prepare(output, described)
    encoded = _Encoded(tokenizer, corpus, settings.long)
    trainer = ClassifierTrainer(
        model,
        settings,
        checkpoints_folder(output),
        rows=(encoded.rows(corpus.train) + encoded.unlabelled(unlabelled), encoded.rows(corpus.validation)),
        token_ids=(tokenizer.pad_token_id, tokenizer.mask_token_id),
        teacher=teacher,
        progress=progress,
        loggers=logger_callbacks(report_to, output),
    )
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    test_accuracy = _test_accuracy(trainer, encoded.rows(corpus.test))
    report = TrainingReport(
        run=described,
        readout=model.config.readout,
        value_layer=model.config.values_from,
        n_parameters=model.num_parameters(),
        **_outcome(trainer.state.log_history),
        test_accuracy=test_accuracy,
        test_accuracy_se=None if test_accuracy is None else accuracy_standard_error(test_accuracy, len(corpus.test)),
        n_tokens_dropped=encoded.n_tokens_dropped,
        wall_time_s=time.monotonic() - started,
        resumed=checkpoint is not None,
        versions=_versions(),
    )
    if trainer.is_world_process_zero():
        finish(output, model, tokenizer, report)
    processes.wait_for_everyone()
    return report


def check_request(
    request: ModelRequest, corpus: Corpus, settings: TrainingSettings, unlabelled: Sequence[TextInput]
) -> None:
    """Raise InputError where a request does not go with its settings or texts."""
    if has_twin(request.design) and request.teacher is None:
        raise InputError(
            f"teacher: none given for design {request.design!r}; accepted: a trained model's folder, or "
            "training.twin.train_with_twin, which trains one"
        )
    _check_unlabelled(unlabelled, request, corpus)
    _check_values(request, settings)


def _check_unlabelled(texts: Sequence[TextInput], request: ModelRequest, corpus: Corpus) -> None:
    if texts and request.teacher is None:
        raise InputError(
            f"unlabelled: {len(texts)} texts given, but no teacher; accepted: texts for a teacher to label"
        )
    unseen = held_out(corpus, texts)
    if unseen:
        raise InputError(
            f"unlabelled: {len(unseen)} texts given that {corpus.name!r} is validated or tested on, "
            f"such as {unseen[0]!r}; accepted: other texts"
        )


def _check_values(request: ModelRequest, settings: TrainingSettings) -> None:
    additive = [name for name, design in DESIGNS.items() if design.readout == "additive"]
    if settings.values_apart and request.design in DESIGNS and request.design not in additive:
        raise InputError(f"values_apart: given for design {request.design!r}; accepted: {', '.join(additive)}")


class _Encoded:
    """Splits as rows of ids, with a count of the tokens that did not fit."""

    def __init__(self, tokenizer: PreTrainedTokenizerFast, corpus: Corpus, long: Long) -> None:
        self._reader = Reader.of(tokenizer.backend_tokenizer, tokenizer.model_max_length)
        self._labels = {label: index for index, label in enumerate(corpus.labels)}
        self._long = long
        self.n_tokens_dropped = 0

    def rows(self, examples: tuple[Example, ...]) -> list[Row]:
        texts = [(example.text, example.text_pair) for example in examples]
        return self._rows(texts, [self._labels[example.label] for example in examples])

    def unlabelled(self, texts: Sequence[TextInput]) -> list[Row]:
        checked = check_texts(texts, "unlabelled")
        return self._rows(checked, [UNLABELLED] * len(checked))

    def _rows(self, texts: Sequence[tuple[str, str | None]], labels: Sequence[int]) -> list[Row]:
        """A row per text, or per window of it."""
        read = read_long(self._reader, texts, self._long)
        self.n_tokens_dropped += sum(encoding.n_tokens_dropped for encoding in read)
        return [
            Row(encoding=window, label=label, text=number, input_ids=window.input_ids)
            for number, (encoding, label) in enumerate(zip(read, labels, strict=True))
            for window in in_windows(encoding, self._reader.window)
        ]


def _describe(
    request: ModelRequest,
    corpus: Corpus,
    settings: TrainingSettings,
    model: ExplainableBertForSequenceClassification,
    teacher: ExplainableBertForSequenceClassification | None,
    unlabelled: Sequence[TextInput],
) -> dict[str, dict[str, Any]]:
    """Everything that decides the outcome: runs of equal description may share a folder and a result."""
    return {
        "request": {
            **dataclasses.asdict(request),
            "base_fingerprint": fingerprint(model.bert),
            "teacher_fingerprint": None if teacher is None else fingerprint(teacher),
        },
        "settings": dataclasses.asdict(settings),
        "corpus": {
            **corpus_identity(corpus),
            "n_skipped": corpus.n_skipped,
            "n_duplicates": corpus.n_duplicates,
        },
        "unlabelled": {
            "texts": len(unlabelled),
            "sha256": hashlib.sha256(json.dumps(list(unlabelled)).encode("ascii")).hexdigest(),
        },
    }


def corpus_identity(corpus: Corpus) -> dict[str, Any]:
    """What tells a corpus from others, as a run is described."""
    return {
        "name": corpus.name,
        "fingerprint": corpus.fingerprint,
        "labels": list(corpus.labels),
        "rows": {"train": len(corpus.train), "validation": len(corpus.validation), "test": len(corpus.test)},
    }


def _teacher(folder: str, corpus: Corpus) -> ExplainableBertForSequenceClassification:
    if not Path(folder).is_dir():
        raise ModelError(f"teacher: {folder!r} given; accepted: a model folder made by explainable-bert train")
    teacher = load_trained(folder, argument="teacher")
    labels = label_names(teacher.config)
    if labels != corpus.labels:
        raise InputError(f"teacher: {folder!r} knows labels {', '.join(labels)}; accepted: {', '.join(corpus.labels)}")
    teacher.float()
    return teacher


def _tokenizer(
    request: ModelRequest,
    settings: TrainingSettings,
    model: ExplainableBertForSequenceClassification,
    teacher: ExplainableBertForSequenceClassification | None,
) -> PreTrainedTokenizerFast:
    """The base's tokenizer, with the window that the model is trained on."""
    tokenizer = load_tokenizer(resolve_base(request.base), argument="base")
    check_vocabulary(tokenizer, model.config, request.base, "base")
    needs_mask = settings.masked_fine_tuning or settings.values_apart
    if tokenizer.pad_token_id is None or (needs_mask and tokenizer.mask_token_id is None):
        raise ModelError(f"base: the tokenizer of {request.base!r} lacks [PAD], or the [MASK] that masking needs")
    windows = [settings.max_length, model.config.max_position_embeddings]
    if teacher is not None:
        windows.append(teacher.config.max_position_embeddings)
        if load_tokenizer(str(request.teacher), argument="teacher").get_vocab() != tokenizer.get_vocab():
            raise InputError(f"teacher: {request.teacher!r} has another vocabulary than base {request.base!r}")
    tokenizer.model_max_length = min(windows)
    return tokenizer


def new_model(request: ModelRequest, corpus: Corpus) -> ExplainableBertForSequenceClassification:
    """The model that a training starts with. Raises ModelError where the base or the design's fields do not fit."""
    model = ExplainableBertForSequenceClassification.from_base(
        request.base,
        design=request.design,
        value_layer=request.value_layer,
        num_labels=len(corpus.labels),
        attention_function=request.attention_function,
    )
    model.config.id2label = dict(enumerate(corpus.labels))
    model.config.label2id = {label: index for index, label in enumerate(corpus.labels)}
    # Checkpoints saved in half precision are trained in full.
    model.float()
    return model


def _test_accuracy(trainer: ClassifierTrainer, rows: list[Row]) -> float | None:
    metrics = trainer.predict(rows).metrics if rows else None  # type: ignore[arg-type]  # a list is such a dataset
    return None if metrics is None else metrics["test_accuracy"]


def _outcome(history: list[dict[str, float]]) -> dict[str, Any]:
    epochs = _epochs(history)
    best = max(epochs, key=lambda epoch: epoch.validation_accuracy)
    return {"epochs": epochs, "best_epoch": best.epoch, "validation_accuracy": best.validation_accuracy}


def _versions() -> dict[str, str]:
    return {
        "explainable_bert": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
    }


def _epochs(history: list[dict[str, float]]) -> tuple[EpochMetrics, ...]:
    """The Trainer logs an epoch's training loss, then its evaluation."""
    losses = {round(entry["epoch"]): entry["loss"] for entry in history if "loss" in entry}
    return tuple(
        EpochMetrics(
            epoch=round(entry["epoch"]),
            train_loss=losses[round(entry["epoch"])],
            validation_loss=entry["eval_loss"],
            validation_accuracy=entry["eval_accuracy"],
        )
        for entry in history
        if "eval_accuracy" in entry
    )
