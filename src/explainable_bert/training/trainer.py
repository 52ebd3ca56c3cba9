"""The Trainer of transformers with this project's loss: masked fine-tuning and distillation, both optional."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypedDict

import numpy as np
import torch
from accelerate import PartialState
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
from transformers.trainer_utils import rotate_checkpoints

from explainable_bert.errors import InputError
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.text.encoding import Encoding, pad
from explainable_bert.text.windows import shares
from explainable_bert.training.run_folder import mark_complete
from explainable_bert.training.settings import TrainingSettings

# The label of a text that has none: cross_entropy leaves it out.
UNLABELLED = -100

# What a row says beside its tokens: its label, and which text it is of.
_LABEL_NAMES = ("labels", "texts")

# The newest, to go on from, and the best.
_N_CHECKPOINTS = 2

# Small models bear, and need, a larger step: below this hidden size the larger of the two default rates is taken.
_SMALL_HIDDEN_SIZE = 512
_RATE_SMALL, _RATE_LARGE = 1e-4, 3e-5


class Row(TypedDict):
    """A text of a split, or a window of one; `input_ids` repeats the encoding's, for the sampler that groups by length.

    `label` is UNLABELLED for a text that only the teacher has an opinion on; `text` is the same for a text's windows.
    """

    encoding: Encoding
    label: int
    text: int
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

    # It is a mean over the texts of a pass, so that a step's passes have to share it.
    loss_is_scaled_for_ga = False

    def __init__(
        self,
        model: ExplainableBertForSequenceClassification,
        settings: TrainingSettings,
        checkpoints: Path,
        rows: tuple[Sequence[Row], Sequence[Row]],
        token_ids: tuple[int, int],
        teacher: ExplainableBertForSequenceClassification | None,
        progress: ProgressCallback | None,
        loggers: Sequence[TrainerCallback] = (),
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
            callbacks=[EarlyStoppingCallback(settings.early_stopping_patience), _FolderCallback(progress), *loggers],
        )
        self.remove_callback(PrinterCallback)
        self._settings = settings
        self._teacher = None if teacher is None else teacher.eval().to(self.args.device)
        # The step, and which of its passes was the last.
        self._pass = (-1, 0)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        """The Trainer's, with the readout's weights at their own learning rate."""
        optimizer = super().create_optimizer(model)
        readout = {id(weight) for weight in self._readout_weights()}
        for group in list(optimizer.param_groups):
            apart = [weight for weight in group["params"] if id(weight) in readout]
            group["params"] = [weight for weight in group["params"] if id(weight) not in readout]
            rate = self.args.learning_rate * self._settings.readout_rate
            optimizer.add_param_group({**group, "params": apart, "lr": rate})
        return optimizer

    def _readout_weights(self) -> list[Tensor]:
        """What turns states into scores of labels: the final block's values and output, and the classifier."""
        unwrapped: Any = self.accelerator.unwrap_model(self.model)
        attention = unwrapped.final_block.attention
        parts = (attention.self.value, attention.output.dense, unwrapped.classifier)
        return [weight for part in parts for weight in part.parameters()]

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Any:
        """Cross-entropy; in training on masked inputs and mixed with the divergence to the teacher."""
        if not model.training:
            output = model(**_texts(inputs), labels=inputs["labels"])
            return (output.loss, output) if return_outputs else output.loss
        generator = self._generator()
        read = self._with_holes(inputs, generator) if self._settings.masked_fine_tuning else inputs
        output = model(**_texts(read))
        if not self._settings.values_apart:
            loss = self._loss(output.logits, read)
        else:
            bias = self.accelerator.unwrap_model(model).classifier.bias
            chosen = bias + (output.attention[..., None] * output.value_scores.detach()).sum(dim=1)
            untouched = (read["input_ids"] == inputs["input_ids"]).all(dim=1)
            loss = self._loss(chosen, read) + self._values_loss(output.value_scores, bias, read, untouched, generator)
        return (loss, output) if return_outputs else loss

    def _loss(self, logits: Float[Tensor, "batch label"], read: dict[str, Tensor]) -> Float[Tensor, ""]:
        of_labels = labelled_loss(logits, read["labels"])
        if self._teacher is None:
            return of_labels
        weight = self._settings.distillation_weight
        return (1 - weight) * of_labels + weight * self._distillation_loss(self._teacher, logits, read)

    def _distillation_loss(
        self, teacher: nn.Module, logits: Float[Tensor, "batch label"], read: dict[str, Tensor]
    ) -> Float[Tensor, ""]:
        with torch.no_grad():
            taught = teacher(**_texts(read)).logits
        return distillation_loss(logits, taught, self._settings.distillation_temperature)

    def _values_loss(
        self,
        values: Float[Tensor, "batch key label"],
        bias: Float[Tensor, " label"],
        read: dict[str, Tensor],
        rows: Bool[Tensor, " batch"],
        generator: torch.Generator,
    ) -> Float[Tensor, ""]:
        """How far random mixes of some words' values are from what is right for a text of these words alone.

        Of the rows without holes, divided by the number of all rows.
        """
        if not rows.any():
            return values.sum() * 0
        maskable = _maskable(read)
        left_out = draw_mask(maskable.cpu(), 1.0, generator).to(maskable.device)
        weights = draw_weights((maskable & ~left_out).cpu(), generator).to(values.device)
        mixed = (bias + (weights[..., None] * values).sum(dim=1))[rows]
        alone = {name: value[rows] for name, value in self._hidden(read, left_out).items()}
        if self._teacher is None:
            loss = labelled_loss(mixed, alone["labels"])
        else:
            loss = self._distillation_loss(self._teacher, mixed, alone)
        return loss * rows.float().mean()

    def _generator(self) -> torch.Generator:
        # Drawn from the step number, not from a running state: a resumed run masks as an unbroken one would.
        step = self.state.global_step
        self._pass = (step, self._pass[1] + 1) if self._pass[0] == step else (step, 0)
        share = self.args.process_index * self._settings.gradient_accumulation + self._pass[1]
        seed = (self._settings.seed * 1_000_003 + step) * 1009 + share
        return torch.Generator().manual_seed(seed % 2**63)

    def _with_holes(self, inputs: dict[str, Tensor], generator: torch.Generator) -> dict[str, Tensor]:
        holes = draw_mask(_maskable(inputs).cpu(), self._settings.masked_share, generator)
        return self._hidden(inputs, holes.to(inputs["input_ids"].device))

    def _hidden(self, inputs: dict[str, Tensor], holes: Bool[Tensor, "batch key"]) -> dict[str, Tensor]:
        return {**inputs, "input_ids": inputs["input_ids"].masked_fill(holes, self._mask_token_id)}


def _maskable(inputs: dict[str, Tensor]) -> Bool[Tensor, "batch key"]:
    return inputs["attention_mask"].bool() & ~inputs["special_tokens_mask"].bool()


def _texts(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in inputs.items() if name not in _LABEL_NAMES}


def collate(rows: Sequence[Row], pad_token_id: int) -> dict[str, Tensor]:
    """Rows as one batch of tensors, padded to the longest of them."""
    batch = pad([row["encoding"] for row in rows], pad_token_id)
    tensors = {name: torch.from_numpy(array) for name, array in vars(batch).items()}
    told = {"labels": [row["label"] for row in rows], "texts": [row["text"] for row in rows]}
    return {**tensors, **{name: torch.tensor(values) for name, values in told.items()}}


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


def draw_weights(kept: Bool[Tensor, "batch key"], generator: torch.Generator) -> Float[Tensor, "batch key"]:
    """Random weights over each row's kept tokens, summing to one: every mix is as likely as any other.

    That is a flat Dirichlet distribution: exponential draws over their sum. A row that keeps nothing has zeros.
    """
    draws = -torch.rand(kept.shape, generator=generator).clamp(min=torch.finfo(torch.float32).tiny).log() * kept
    return draws / draws.sum(dim=1, keepdim=True).clamp(min=torch.finfo(torch.float32).tiny)


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
        PartialState().wait_for_everyone()  # each process writes a part of it
        if state.is_world_process_zero:
            mark_complete(Path(str(args.output_dir)) / f"checkpoint-{state.global_step}")
            # Not by the Trainer, which asks the clock which ones are old, and does so before the newest is complete.
            rotate_checkpoints(str(args.output_dir), _N_CHECKPOINTS, state.best_model_checkpoint)

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


def _checkpointing(wanted: bool) -> dict[str, Any]:
    # Older releases of transformers know it by its old name alone, of which newer ones warn.
    names = {field.name for field in fields(TrainingArguments)}
    return {"activation_checkpointing" if "activation_checkpointing" in names else "gradient_checkpointing": wanted}


def _arguments(settings: TrainingSettings, checkpoints: Path, hidden_size: int) -> TrainingArguments:
    default_rate = _RATE_SMALL if hidden_size < _SMALL_HIDDEN_SIZE else _RATE_LARGE
    return TrainingArguments(
        output_dir=str(checkpoints),
        num_train_epochs=settings.epochs,
        per_device_train_batch_size=_texts_per_pass(settings),
        per_device_eval_batch_size=4 * _texts_per_pass(settings),
        gradient_accumulation_steps=settings.gradient_accumulation,
        **_checkpointing(settings.gradient_checkpointing),
        learning_rate=settings.learning_rate or default_rate,
        lr_scheduler_type="linear",
        warmup_steps=settings.warmup_share if settings.warmup_share < 1 else 0.999,
        weight_decay=settings.weight_decay,
        train_sampling_strategy="group_by_length",
        eval_strategy="epoch",
        save_strategy="epoch",
        logging_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="accuracy",
        greater_is_better=True,
        restore_callback_states_from_checkpoint=True,
        bf16=settings.bf16,
        use_cpu=not torch.accelerator.is_available(),
        remove_unused_columns=False,
        label_names=list(_LABEL_NAMES),
        report_to="none",  # loggers are given as callbacks, which know the run's folder
        run_name=checkpoints.absolute().parent.name,
        project="explainable-bert",
        disable_tqdm=True,
        ddp_find_unused_parameters=False,
        dataloader_pin_memory=torch.cuda.is_available(),
        seed=settings.seed,
    )


def _texts_per_pass(settings: TrainingSettings) -> int:
    """A process's part of a step's texts in one pass. Raises InputError where they cannot be shared out evenly."""
    n_parts = int(os.environ.get("WORLD_SIZE", "1")) * settings.gradient_accumulation
    if settings.batch_size % n_parts:
        raise InputError(
            f"batch_size: {settings.batch_size} given; accepted: a multiple of {n_parts}, the processes times the "
            "passes of a step"
        )
    return settings.batch_size // n_parts


def _accuracy(evaluated: EvalPrediction) -> dict[str, float]:
    """Over texts: a long one has the mean of its windows' logits, as it has when it is predicted."""
    logits, (labels, texts) = np.asarray(evaluated.predictions), np.asarray(evaluated.label_ids)
    places = np.split(np.argsort(texts, kind="stable"), np.cumsum(np.unique(texts, return_counts=True)[1])[:-1])
    right = [labels[of_text[0]] == (shares(logits[of_text]) @ logits[of_text]).argmax() for of_text in places]
    return {"accuracy": float(np.mean(right))}
