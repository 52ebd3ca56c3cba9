"""The table of explainers by name; a new method is one row here and one module."""

import difflib
from collections.abc import Mapping
from types import MappingProxyType

from explainable_bert.attribution.built_in import (
    attention_x_gradient,
    built_in,
    max_over_heads,
    mean_over_heads,
    merged_attention,
    product_of_heads,
)
from explainable_bert.attribution.control import random_control
from explainable_bert.attribution.decomposition import decompx
from explainable_bert.attribution.explainer import Explainer, Passes, always, in_additive, never
from explainable_bert.attribution.gradients import (
    N_NOISY_COPIES,
    N_STEPS,
    input_x_gradient,
    integrated_gradients,
    saliency,
    smoothgrad,
)
from explainable_bert.attribution.perturbation import occlusion
from explainable_bert.attribution.propagation import rollout, value_weighted_norm, value_zeroing
from explainable_bert.attribution.surrogates import N_SAMPLES, kernel_shap, lime
from explainable_bert.errors import InputError
from explainable_bert.model.configuration import DESIGNS, Design


def _one_head(design: Design) -> str | None:
    return "its final block has one head, whose weights method 'attention' gives" if design.single_head else None


EXPLAINERS: Mapping[str, Explainer] = MappingProxyType(
    {
        "built-in": Explainer(
            built_in,
            "contributions (additive designs), or the [CLS] attention row",
            "this package",
            signed=in_additive,
            per_label=in_additive,
            forward=Passes(1),
            bias_name="bias",
        ),
        "attention": Explainer(
            merged_attention(mean_over_heads),
            "final [CLS] attention row, mean over heads",
            "Bahdanau et al. 2015",
            signed=never,
            per_label=never,
            forward=Passes(1),
        ),
        "attention-max": Explainer(
            merged_attention(max_over_heads),
            "the same, largest head per key",
            "this package",
            signed=never,
            per_label=never,
            forward=Passes(1),
            refusal=_one_head,
        ),
        "attention-product": Explainer(
            merged_attention(product_of_heads),
            "the same, heads as a product of experts",
            "Hinton 2002",
            signed=never,
            per_label=never,
            forward=Passes(1),
            refusal=_one_head,
        ),
        "attention-x-gradient": Explainer(
            attention_x_gradient,
            "final attention times the logit's gradient by it",
            "Serrano & Smith 2019",
            signed=always,
            per_label=always,
            forward=Passes(1),
            backward=Passes(1),
        ),
        "value-weighted-norm": Explainer(
            value_weighted_norm,
            "length of what each key sends to [CLS]",
            "Kobayashi et al. 2020",
            signed=never,
            per_label=never,
            forward=Passes(1),
        ),
        "rollout": Explainer(
            rollout,
            "attention multiplied through all blocks",
            "Abnar & Zuidema 2020",
            signed=never,
            per_label=never,
            forward=Passes(1),
        ),
        "value-zeroing": Explainer(
            value_zeroing,
            "how states turn when a token's value is zeroed, rolled out; n tokens",
            "Mohebbi et al. 2023",
            signed=never,
            per_label=never,
            forward=Passes(1, per_unit=1),
        ),
        "decompx": Explainer(
            decompx,
            "the logit decomposed into the tokens' embeddings",
            "Modarressi et al. 2023",
            signed=always,
            per_label=always,
            forward=Passes(3),
            backward=Passes(2),
            bias_name="biases and special tokens",
        ),
        "saliency": Explainer(
            saliency,
            "L2 norm of the gradient",
            "Simonyan et al. 2014",
            signed=never,
            per_label=always,
            forward=Passes(1),
            backward=Passes(1),
        ),
        "input-x-gradient": Explainer(
            input_x_gradient,
            "word embedding times gradient",
            "Shrikumar et al. 2016",
            signed=always,
            per_label=always,
            forward=Passes(1),
            backward=Passes(1),
        ),
        "integrated-gradients": Explainer(
            integrated_gradients("[MASK]"),
            f"gradients summed on the way from [MASK], {N_STEPS} steps",
            "Sundararajan et al. 2017",
            signed=always,
            per_label=always,
            forward=Passes(N_STEPS + 2),
            backward=Passes(N_STEPS),
            bias_name="baseline",
            needs_mask_token=True,
        ),
        "integrated-gradients-pad": Explainer(
            integrated_gradients("[PAD]"),
            "the same, from [PAD]",
            "Sundararajan et al. 2017",
            signed=always,
            per_label=always,
            forward=Passes(N_STEPS + 2),
            backward=Passes(N_STEPS),
            bias_name="baseline",
        ),
        "smoothgrad": Explainer(
            smoothgrad,
            f"L2 norm of the mean gradient over {N_NOISY_COPIES} noisy copies",
            "Smilkov et al. 2017",
            signed=never,
            per_label=always,
            forward=Passes(N_NOISY_COPIES + 1),
            backward=Passes(N_NOISY_COPIES),
            draws=True,
        ),
        "occlusion": Explainer(
            occlusion,
            "drop of the logit when a unit is masked",
            "Li et al. 2016",
            signed=always,
            per_label=always,
            forward=Passes(1, per_unit=1),
            needs_mask_token=True,
        ),
        "lime": Explainer(
            lime,
            f"local linear model of {N_SAMPLES} masked variants",
            "Ribeiro et al. 2016",
            signed=always,
            per_label=always,
            forward=Passes(N_SAMPLES + 1),
            draws=True,
            needs_mask_token=True,
        ),
        "kernel-shap": Explainer(
            kernel_shap,
            f"Shapley values from up to {N_SAMPLES} + 2n masked variants",
            "Lundberg & Lee 2017",
            signed=always,
            per_label=always,
            forward=Passes(N_SAMPLES + 2, per_unit=2),
            bias_name="all words masked",
            draws=True,
            needs_mask_token=True,
        ),
        "random": Explainer(
            random_control,
            "random scores, the control",
            "this package",
            signed=always,
            per_label=never,
            forward=Passes(1),
            draws=True,
        ),
    }
)


def check_method(method: str) -> None:
    """Raise InputError, with the nearest names, when there is no explainer of that name."""
    if method not in EXPLAINERS:
        near = difflib.get_close_matches(method, EXPLAINERS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise InputError(f"method: {method!r} given; {hint}accepted: {', '.join(EXPLAINERS)}")


def explainer(method: str, design: str, *, has_mask_token: bool = True) -> Explainer:
    """The explainer of that name.

    Raises InputError when there is none, or when it cannot explain `design`, or a model without [MASK].
    """
    check_method(method)
    reason = _refusal(EXPLAINERS[method], design, has_mask_token)
    if reason is not None:
        able = [name for name, other in EXPLAINERS.items() if _refusal(other, design, has_mask_token) is None]
        raise InputError(f"method: {method!r} given for design {design!r}: {reason}; accepted: {', '.join(able)}")
    return EXPLAINERS[method]


def _refusal(asked: Explainer, design: str, has_mask_token: bool) -> str | None:
    if asked.needs_mask_token and not has_mask_token:
        return "its tokenizer has no [MASK] token to mask words with"
    return asked.refusal(DESIGNS[design])
