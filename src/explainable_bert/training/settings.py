"""What to train and how: the request and the settings of one training run."""

from dataclasses import dataclass

from explainable_bert.errors import InputError
from explainable_bert.records import LONG, Long


@dataclass(frozen=True)
class ModelRequest:
    """What to train: a design from a base checkpoint, taught by the model in folder `teacher` if one is named.

    The default design needs a teacher; `twin.train_with_twin` trains one first.
    """

    base: str = "minilm"
    design: str = "explainable"
    value_layer: int | None = None
    attention_function: str = "softmax"
    teacher: str | None = None


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the defaults fit MiniLM and BERT-base.

    `learning_rate` None means 1e-4 for models narrower than 512, else 3e-5; it rises linearly over the first
    `warmup_share` of the steps, then falls linearly to zero. With masked fine-tuning (Madsen et al. 2024), each text
    of a batch is, with probability `masked_share`, shown with a random share (uniform in [0, 1]) of its word pieces
    replaced by [MASK]. With a teacher, `distillation_weight` of the loss is the KL divergence to its logits at
    `distillation_temperature` (times the temperature squared, Hinton et al. 2015), the rest cross-entropy. With
    `values_apart`, for additive designs, the values learn only from random words under random weights (from the teacher
    alone, where there is one), and the attention only to choose among them, so that it cannot use a word as a sign for
    something else (after Jethani et al. 2021, whose predictor learns from random subsets). `bf16` multiplies matrices
    in bfloat16, faster where processor or device do so natively; weights stay float32. A step is of `batch_size` texts
    over all processes, each taking its part in `gradient_accumulation` passes; `gradient_checkpointing` computes states
    twice in place of keeping them. Texts of more than `max_length` tokens are, as `long` says, learnt window by window,
    each with the label of its text, cut, or refused. The final block's values and
    output, and the classifier, learn at `readout_rate` times the rate of the others. Training stops after
    `early_stopping_patience` epochs without a better validation accuracy.

    Raises InputError on a value out of range.
    """

    epochs: int = 3
    batch_size: int = 32
    learning_rate: float | None = None
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    masked_fine_tuning: bool = False
    masked_share: float = 0.5
    distillation_weight: float = 0.5
    distillation_temperature: float = 2.0
    values_apart: bool = False
    readout_rate: float = 1.0
    max_length: int = 512
    long: Long = "window"
    gradient_accumulation: int = 1
    gradient_checkpointing: bool = False
    bf16: bool = False
    early_stopping_patience: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "early_stopping_patience", "gradient_accumulation"):
            self._require(name, getattr(self, name) >= 1, "1 or more")
        for name in ("warmup_share", "masked_share", "distillation_weight"):
            self._require(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        self._require("learning_rate", self.learning_rate is None or 0 < self.learning_rate < 1, "above 0, below 1")
        self._require("weight_decay", 0 <= self.weight_decay < 1, "0 or more, below 1")
        self._require("readout_rate", 0 < self.readout_rate <= 1000, "above 0, to 1000")
        self._require("distillation_temperature", self.distillation_temperature > 0, "above 0")
        self._require("max_length", self.max_length >= 3, "3 or more")
        self._require("long", self.long in LONG, ", ".join(LONG))
        self._require("seed", 0 <= self.seed < 2**32, "0 to 4294967295")

    def _require(self, name: str, holds: bool, accepted: str) -> None:
        if not holds:
            raise InputError(f"{name}: {getattr(self, name)} given; accepted: {accepted}")
