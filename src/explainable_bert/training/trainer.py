"""The Trainer of transformers with this project's loss: masked fine-tuning and distillation, both optional."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import (
    EarlyStoppingCallback,
    EvalPrediction,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.text.encoding import Encoding, pad
from explainable_bert.training.run_folder import mark_complete
from explainable_bert.training.settings import TrainingSettings

# The label of a text that has none: cross_entropy leaves it out.
UNLABELLED = -100

# Small models bear, and need, a larger step: below this hidden size the larger of the two default rates is taken.
_SMALL_HIDDEN_SIZE = 512
_RATE_SMALL, _RATE_LARGE = 1e-4, 3e-5


class Row(TypedDict):
    """One row of a split; `input_ids` repeats the encoding's, for the sampler that groups rows by length.

    `label` is UNLABELLED for a text that only the teacher has an opinion on.
    """

    encoding: Encoding
    label: int
    input_ids: tuple[int, ...]


@dataclass(frozen=True)
class TrainingProgress:
    """Where training is: optimiser steps done and in all, epochs done, the last validation accuracy in [0, 1].

    `epoch_ended` says that an epoch has just been validated.
    """

    step: int
    n_steps: int
    epoch: float
    validation_accuracy: float | None
    epoch_ended: bool


ProgressCallback = Callable[[TrainingProgress], None]


class ClassifierTrainer(Trainer):
    """Trainer whose training loss masks word pieces and listens to a teacher, as the settings say."""

    def __init__(
        self,
        model: ExplainableBertForSequenceClassification,
        settings: TrainingSettings,
        checkpoints: Path,
        rows: tuple[Sequence[Row], Sequence[Row]],
        token_ids: tuple[int, int],
        teacher: ExplainableBertForSequenceClassification | None,
        progress: ProgressCallback | None,
    ) -> None:
        """`rows` are the training and validation rows, `token_ids` those of [PAD] and [MASK]."""
        pad_token_id, self._mask_token_id = token_ids
        super().__init__(
            model=model,
            args=_arguments(settings, checkpoints, model.config.hidden_size),
            data_collator=lambda batch: collate(batch, pad_token_id),
            train_dataset=rows[0],
            eval_dataset=rows[1],
            compute_metrics=_accuracy,
            callbacks=[EarlyStoppingCallback(settings.early_stopping_patience), _FolderCallback(progress)],
        )
        self.remove_callback(PrinterCallback)
        self._settings = settings
        self._teacher = None if teacher is None else teacher.eval().to(self.args.device)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Cross-entropy; in training on masked inputs and mixed with the divergence to the teacher."""
        if not model.training:
            output = model(**inputs)
            return (output.loss, output) if return_outputs else output.loss
        read = self._with_holes(inputs) if self._settings.masked_fine_tuning else _Read(inputs, inputs, None, None)
        output = model(**_texts(read.own), output_hidden_states=self._settings.masked_word_weight > 0)
        logits = output.logits
        if read.dropped is not None:
            logits = logits - (output.contributions * read.dropped[..., None]).sum(dim=1)
        loss = labelled_loss(logits, inputs["labels"])
        if self._teacher is not None:
            with torch.no_grad():
                opinion = self._teacher(**_texts(read.taught)).logits
            weight, temperature = self._settings.distillation_weight, self._settings.distillation_temperature
            loss = (1 - weight) * loss + weight * distillation_loss(logits, opinion, temperature)
        if self._settings.masked_word_weight > 0 and read.masked is not None and read.masked.any():
            words = inputs["input_ids"][read.masked]
            states = output.hidden_states[model.config.values_from][read.masked]
            guessed = states @ model.bert.embeddings.word_embeddings.weight.T
            loss = loss + self._settings.masked_word_weight * nn.functional.cross_entropy(guessed, words)
        return (loss, output) if return_outputs else loss

    def _with_holes(self, inputs: dict[str, Tensor]) -> "_Read":
        # Drawn from the step number, not from a running state: a resumed run masks as an unbroken one would.
        seed = (self._settings.seed * 1_000_003 + self.state.global_step) * 1009 + self.args.process_index
        generator = torch.Generator().manual_seed(seed % 2**63)
        ids = inputs["input_ids"]
        maskable = (inputs["attention_mask"].bool() & ~inputs["special_tokens_mask"].bool()).cpu()
        holes = draw_mask(maskable, self._settings.masked_share, generator)
        taught = {**inputs, "input_ids": ids.masked_fill(holes.to(ids.device), self._mask_token_id)}
        share = self._settings.contribution_dropout
        if not share:
            return _Read(taught, taught, None, holes.to(ids.device))
        dropped = holes & (torch.rand(len(holes), 1, generator=generator) < share)
        masked = (holes & ~dropped).to(ids.device)
        own = {**inputs, "input_ids": ids.masked_fill(masked, self._mask_token_id)}
        return _Read(own, taught, dropped.to(ids.device), masked)


@dataclass(frozen=True)
class _Read:
    """A batch as the model and as its teacher read it, both with holes: masks over the batch's tokens.

    In the model's text a hole is a [MASK] (`masked`), or its word is read and its contribution left out (`dropped`).
    """

    own: dict[str, Tensor]
    taught: dict[str, Tensor]
    dropped: Bool[Tensor, "batch key"] | None
    masked: Bool[Tensor, "batch key"] | None


def _texts(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in inputs.items() if name != "labels"}


def collate(rows: Sequence[Row], pad_token_id: int) -> dict[str, Tensor]:
    """Rows as one batch of tensors, padded to the longest of them."""
    batch = pad([row["encoding"] for row in rows], pad_token_id)
    tensors = {name: torch.from_numpy(array) for name, array in vars(batch).items()}
    return {**tensors, "labels": torch.tensor([row["label"] for row in rows])}


def draw_mask(
    maskable: Bool[Tensor, "batch key"], masked_share: float, generator: torch.Generator
) -> Bool[Tensor, "batch key"]:
    """Which tokens to mask: each row with probability `masked_share`, then a uniform share of its maskable tokens.

    Source: the masking of Madsen et al. 2024, faithfulness measurable models.
    """
    n_rows = len(maskable)
    chosen = torch.rand(n_rows, 1, generator=generator) < masked_share
    ratio = torch.rand(n_rows, 1, generator=generator)
    return maskable & chosen & (torch.rand(maskable.shape, generator=generator) < ratio)


def labelled_loss(logits: Float[Tensor, "batch label"], labels: Int[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Cross-entropy over the rows that have a label, divided by the number of all rows, in nats.

    So a labelled row weighs the same whatever stands beside it in its batch.
    """
    return nn.functional.cross_entropy(logits.float(), labels, ignore_index=UNLABELLED, reduction="sum") / len(labels)


def distillation_loss(
    student: Float[Tensor, "batch label"], teacher: Float[Tensor, "batch label"], temperature: float
) -> Float[Tensor, ""]:
    """T² · KL(teacher || student) of the label distributions at temperature T, batch mean, in nats.

    Source: Hinton, Vinyals & Dean 2015, section 2.
    """
    divergence = nn.functional.kl_div(
        (student.float() / temperature).log_softmax(dim=-1),
        (teacher.float() / temperature).log_softmax(dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    return divergence * temperature**2


class _FolderCallback(TrainerCallback):
    """Marks checkpoints that were written to their end, and tells how far training is."""

    def __init__(self, progress: ProgressCallback | None) -> None:
        self._progress = progress
        self._accuracy: float | None = None

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        if state.is_world_process_zero:
            mark_complete(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        self._accuracy = kwargs["metrics"].get("eval_accuracy")
        self._tell(state, epoch_ended=True)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        self._tell(state, epoch_ended=False)

    def _tell(self, state: TrainerState, epoch_ended: bool) -> None:
        if self._progress is not None and state.is_world_process_zero:
            epoch = state.epoch or 0.0
            self._progress(TrainingProgress(state.global_step, state.max_steps, epoch, self._accuracy, epoch_ended))


def _arguments(settings: TrainingSettings, checkpoints: Path, hidden_size: int) -> TrainingArguments:
    default_rate = _RATE_SMALL if hidden_size < _SMALL_HIDDEN_SIZE else _RATE_LARGE
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=settings.batch_size,
        per_device_eval_batch_size=4 * settings.batch_size,
        learning_rate=settings.learning_rate or default_rate,
        lr_scheduler_type="linear",
        warmup_steps=settings.warmup_share if settings.warmup_share < 1 else 0.999,
        weight_decay=settings.weight_decay,
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        save_total_limit=2,
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        use_cpu=not torch.accelerator.is_available(),
        remove_unused_columns=False,
        label_names=["labels"],
        report_to="none",
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=settings.seed,
    )


def _accuracy(evaluated: EvalPrediction) -> dict[str, float]:
    logits = evaluated.predictions
    return {"accuracy": float((np.asarray(logits).argmax(axis=-1) == evaluated.label_ids).mean())}
