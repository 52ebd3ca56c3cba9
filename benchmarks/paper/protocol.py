"""What is trained and measured: arms, corpora, seeds and methods of each study, at two scales.

The recipe was chosen by validation rows; `docs/results.md` says how, and what was cut for time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.sweep.arm import Arm
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import recipe

VANILLA, PLAIN, AGAIN, EXPLAINABLE = "vanilla", "vanilla, no masking", "vanilla, taught again", "explainable"
# As tables list them; others follow.
ORDER = (VANILLA, PLAIN, AGAIN, "single-head", "single-head, keys of one old head", "additive")
# Texts that the twin's opinion of is learnt, labels unused. Editorials stay unseen: a domain that nothing trains on.
UNLABELLED = ("amazon-snippets", "tweets")
IN_DOMAIN, OUT_OF_DOMAIN = "movie-snippets", ("amazon-snippets", "tweets", "editorials")

_FAITHFUL = (
    "aopc-comprehensiveness",
    "aopc-comprehensiveness-margin",
    "aopc-sufficiency",
    "aopc-sufficiency-margin",
    "range-normalised-comprehensiveness",
    "range-normalised-comprehensiveness-margin",
)
_LOOKED_AT = ("effective-words", "special-token-mass", "lexicon-average-precision", "completeness-error")
_MARKED = ("average-precision", "token-f1")
EXPLAINERS = (
    "built-in",
    "integrated-gradients",
    "occlusion",
    "saliency",
    "decompx",
    "attention-product",
    "random",
)
# Dearer than all others together: on the models of the first seed only.
SURROGATES = ("built-in", "lime", "random")
OWN = ("built-in", "attention-product", "random")


@dataclass(frozen=True)
class Scale:
    """How much of everything; None takes all rows. Seeds are counted from 0. `margin` is that of equal accuracy.

    `seeds` are those of the twin, the flagship and the single head; `seeds_of_others` those of the twin taught again
    and the additive design.
    """

    base: str
    margin: float
    n_train: int | None
    n_unlabelled: int | None
    epochs: int
    bf16: bool
    seeds: int
    seeds_of_others: int
    seeds_of_controls: int
    seeds_compared: int
    seeds_of_ablations: int
    seeds_of_sst2: int
    seeds_of_shortcut: int
    n_sst2: int
    n_planted: int
    n_explained: int
    n_compared: int
    n_rationales: int
    n_rationales_compared: int


SCALES: Mapping[str, Scale] = MappingProxyType(
    {
        "cpu": Scale(
            base="minilm",
            margin=0.01,
            n_train=4000,
            n_unlabelled=1000,
            epochs=2,
            bf16=True,
            seeds=5,
            seeds_of_others=3,
            seeds_of_controls=1,
            seeds_compared=5,
            seeds_of_ablations=1,
            seeds_of_sst2=3,
            seeds_of_shortcut=3,
            n_sst2=2500,
            n_planted=1200,
            n_explained=40,
            n_compared=40,
            n_rationales=300,
            n_rationales_compared=15,
        ),
        "gpu": Scale(
            base="minilm",
            margin=0.005,
            n_train=None,
            n_unlabelled=None,
            epochs=3,
            bf16=True,
            seeds=10,
            seeds_of_others=10,
            seeds_of_controls=5,
            seeds_compared=10,
            seeds_of_ablations=3,
            seeds_of_sst2=10,
            seeds_of_shortcut=5,
            n_sst2=60000,
            n_planted=5000,
            n_explained=300,
            n_compared=300,
            n_rationales=300,
            n_rationales_compared=300,
        ),
    }
)


def settings(scale: Scale) -> TrainingSettings:
    """How every arm is trained, but for what its name says."""
    return TrainingSettings(epochs=scale.epochs, masked_fine_tuning=True, bf16=scale.bf16)


def twins(scale: Scale, unlabelled: tuple[str, ...] = UNLABELLED) -> tuple[Arm, ...]:
    """The vanilla twin, the flagship that it teaches, and the twin given the flagship's own schedule once more."""
    masked = settings(scale)
    taught: dict[str, Any] = {"teacher": VANILLA, "base": VANILLA, "unlabelled": unlabelled}
    return (
        Arm(VANILLA, ModelRequest(scale.base, "vanilla"), masked),
        Arm(EXPLAINABLE, ModelRequest(scale.base, "explainable"), recipe(masked), **taught),
        Arm(AGAIN, ModelRequest(scale.base, "vanilla"), masked, **taught),
    )


def heads(scale: Scale) -> tuple[Arm, ...]:
    """The founding designs."""
    masked = settings(scale)
    return (
        Arm("single-head", ModelRequest(scale.base, "single-head"), masked),
        Arm("additive", ModelRequest(scale.base, "additive"), masked),
    )


def controls(scale: Scale, narrow_base: str) -> tuple[Arm, ...]:
    """What the founding and the new claims have to be held against.

    No masking; a single head whose queries and keys are as narrow as one old head's (`narrow_base`); shallow values
    without a teacher; attention that does not choose.
    """
    masked = settings(scale)
    return (
        Arm(PLAIN, ModelRequest(scale.base, "vanilla"), replace(masked, masked_fine_tuning=False)),
        Arm("single-head, keys of one old head", ModelRequest(narrow_base, "single-head"), masked),
        Arm("lexical, values after block 2", ModelRequest(scale.base, "lexical", 2), masked),
        Arm("lexical, values from embeddings", ModelRequest(scale.base, "lexical", 0), masked),
        Arm("additive, uniform attention", ModelRequest(scale.base, "additive", None, "uniform"), masked),
    )


def ablations(scale: Scale) -> tuple[Arm, ...]:
    """The flagship less, or with another, one of its parts; the twin first, as they need it."""
    twin, whole, _ = twins(scale)

    def other(name: str, request: ModelRequest | None = None, **changed: object) -> Arm:
        with_settings = replace(whole.settings, **changed)  # type: ignore[arg-type]  # names are TrainingSettings'
        return replace(whole, name=f"explainable, {name}", request=request or whole.request, settings=with_settings)

    def at(value_layer: int) -> ModelRequest:
        return replace(whole.request, value_layer=value_layer)

    return (
        twin,
        whole,
        other("values not apart", values_apart=False),
        other("readout at the common rate", readout_rate=1.0),
        replace(other("no unlabelled texts"), unlabelled=()),
        replace(other("not started from the twin"), base=None),
        # The same model under the name of a design that needs no teacher.
        replace(other("no teacher", replace(at(1), design="lexical")), teacher=None, unlabelled=()),
        other("values after block 2", at(2)),
        other("values from embeddings", at(0)),
        other("entmax15", replace(whole.request, attention_function="entmax15")),
        other("taught alone", distillation_weight=1.0),
        other("twice the epochs", epochs=2 * whole.settings.epochs),
        other("values after block 5", at(5)),
        other("a quarter masked", masked_share=0.25),
    )


def own() -> EvaluationSettings:
    """What is measured of every arm's own explanation."""
    return EvaluationSettings(methods=OWN, metrics=(*_FAITHFUL, *_LOOKED_AT, *_MARKED))


def compared(methods: tuple[str, ...]) -> EvaluationSettings:
    """What every explainer is measured by, on the flagship and on its twin."""
    return EvaluationSettings(methods=methods, metrics=(*_FAITHFUL, "lexicon-average-precision", *_MARKED))


def ablated() -> EvaluationSettings:
    """What is measured of an ablation: whether its picture is as true as the best that can be had of the model."""
    return EvaluationSettings(methods=("built-in", "occlusion", "random"), metrics=(*_FAITHFUL[:4], *_LOOKED_AT))


def shortcut() -> EvaluationSettings:
    """Whether a planted marker comes first."""
    methods = ("built-in", "saliency", "occlusion", "random")
    return EvaluationSettings(methods=methods, metrics=_MARKED)
