"""The table of measures: which metric, how it is observed on one text, how texts are put together.

A new metric is a function and a declaration in metrics/, and one row here.
"""

import dataclasses
import difflib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import numpy as np
from jaxtyping import Float

from explainable_bert.errors import InputError
from explainable_bert.evaluation.erasing import (
    CURVE_SHARES,
    Observation,
    against_search,
    carton,
    curve,
    drop_curve,
    loo_agreement,
    mean_comprehensiveness,
    mean_sufficiency,
    polarity,
    scaled_infidelity,
    top_log_odds,
    top_unit_flips,
    units_to_flip,
)
from explainable_bert.evaluation.looking import (
    Agreement,
    Look,
    against_people,
    at_once,
    classification,
    effective_words_per_head,
    is_right,
    lexicon_against_people,
    lexicon_average_precision,
    of_ranking,
    of_scores,
    of_spans,
    of_words,
    people_against_people,
    sensitivity,
    shuffled_people,
    special_token_mass,
    squared_error,
    stated_completeness_error,
)
from explainable_bert.evaluation.subject import only_top, without_top
from explainable_bert.metrics import agreement, faithfulness, plausibility, sharpness
from explainable_bert.metrics import classification as predicting
from explainable_bert.metrics.metric import Metric
from explainable_bert.metrics.significance import Statistic, mean_of

Family = Literal["classification", "faithfulness", "agreement", "sharpness", "plausibility"]
# What a measure cannot do without, beside a text and its explanation.
Need = Literal["rationales", "lexicon", "heads", "noise"]


@dataclass(frozen=True)
class Measure:
    """One row: `observe` gives a text's values (None where undefined), `aggregate` the number for all texts.

    `of_model`: the same for every method. `share_of_texts`: what each text has or has not. `has_interval`: resampling
    texts says how sure the number is. `controls` are observed once per text and shown beside the methods.
    """

    metric: Metric
    family: Family
    observe: Observation
    aggregate: Statistic = mean_of
    of_model: bool = False
    share_of_texts: bool = False
    has_interval: bool = True
    needs: Need | None = None
    controls: Mapping[str, Observation] = field(default_factory=dict)


Values = Float[np.ndarray, "row column"]


def _range_normalised(values: Values) -> float | None:
    return faithfulness.range_normalised(*values.mean(axis=0).tolist())


def _area(values: Values) -> float | None:
    return faithfulness.area_under_curve(np.array(CURVE_SHARES), values.mean(axis=0))


def _f1_of_spans(values: Values) -> float | None:
    """F1 of the mean precision where something is predicted and the mean recall where something is marked."""
    precisions, predicted, recalls, marked = values.sum(axis=0).tolist()
    if not predicted or not marked:
        return None
    return plausibility.f1_of_means(np.array([[precisions / predicted, recalls / marked]]))


def _macro_f1(values: Values) -> float | None:
    n_labels = values.shape[1] - 1
    return predicting.macro_f1(values[:, 1:].argmax(axis=1), _gold(values), n_labels)


def _auroc(values: Values) -> float | None:
    return predicting.auroc(values[:, 1:], _gold(values))


def _calibration_error(values: Values) -> float | None:
    return predicting.expected_calibration_error(values[:, 1:], _gold(values))


def _gold(values: Values) -> np.ndarray:
    return values[:, 0].astype(np.int64)


def _predicting() -> Iterator[Measure]:
    observed: Mapping[str, tuple[Look, Statistic]] = {
        "accuracy": (is_right, mean_of),
        "macro-f1": (classification, _macro_f1),
        "auroc": (classification, _auroc),
        "expected-calibration-error": (classification, _calibration_error),
        "brier": (squared_error, mean_of),
    }
    for name, (look, aggregate) in observed.items():
        metric = predicting.METRICS[name]
        # Binned calibration error is biased upwards, and biased again on resamples: their interval may miss it.
        has_interval = name != "expected-calibration-error"
        yield Measure(
            metric,
            "classification",
            at_once(look),
            aggregate,
            of_model=True,
            share_of_texts=name == "accuracy",
            has_interval=has_interval,
        )


def _faithfulness() -> Iterator[Measure]:
    declared = faithfulness.METRICS
    both_scores = {
        "aopc-comprehensiveness": (mean_comprehensiveness, mean_of),
        "aopc-sufficiency": (mean_sufficiency, mean_of),
        "range-normalised-comprehensiveness": (lambda score: against_search(score, without_top), _range_normalised),
        "range-normalised-sufficiency": (lambda score: against_search(score, only_top), _range_normalised),
        "deletion-auc": (lambda score: curve(score, without_top), _area),
        "insertion-auc": (lambda score: curve(score, only_top), _area),
    }
    for name, (observation, aggregate) in both_scores.items():
        yield Measure(declared[name], "faithfulness", observation("probability"), aggregate)
        yield Measure(_on_margins(declared[name]), "faithfulness", observation("margin"), aggregate)
    yield Measure(declared["deletion-drop-auc"], "faithfulness", drop_curve, _area)
    yield Measure(declared["normalised-comprehensiveness"], "faithfulness", carton(without_top))
    yield Measure(declared["normalised-sufficiency"], "faithfulness", carton(only_top))
    yield Measure(declared["log-odds"], "faithfulness", top_log_odds)
    yield Measure(declared["top-unit-flips"], "faithfulness", top_unit_flips, share_of_texts=True)
    yield Measure(declared["flip-share"], "faithfulness", units_to_flip)


def _agreement() -> Iterator[Measure]:
    declared = agreement.METRICS
    yield Measure(declared["leave-one-out-tau"], "agreement", loo_agreement)
    yield Measure(declared["polarity-violation"], "agreement", polarity)
    yield Measure(declared["infidelity"], "agreement", scaled_infidelity("probability"))
    yield Measure(_on_margins(declared["infidelity"]), "agreement", scaled_infidelity("margin"))
    yield Measure(declared["max-sensitivity"], "agreement", at_once(sensitivity), needs="noise")
    yield Measure(declared["completeness-error"], "agreement", at_once(stated_completeness_error))


def _sharpness() -> Iterator[Measure]:
    declared = sharpness.METRICS
    metrics = {
        "effective-words": sharpness.effective_units,
        "entropy": sharpness.entropy,
        "normalised-entropy": sharpness.normalised_entropy,
        "gini": sharpness.gini,
        "top-1-mass": lambda scores: sharpness.top_mass(scores, 1),
        "top-3-mass": lambda scores: sharpness.top_mass(scores, 3),
    }
    for name, metric in metrics.items():
        yield Measure(declared[name], "sharpness", of_scores(metric))
    of_heads = at_once(effective_words_per_head)
    yield Measure(declared["head-effective-words"], "sharpness", of_heads, of_model=True, needs="heads")
    of_special = at_once(special_token_mass)
    yield Measure(declared["special-token-mass"], "sharpness", of_special, of_model=True, needs="heads")


def _plausibility() -> Iterator[Measure]:
    agreements: Mapping[str, tuple[Agreement, Statistic]] = {
        "average-precision": (of_ranking(plausibility.average_precision), mean_of),
        "auprc": (of_ranking(plausibility.auprc), mean_of),
        "token-f1": (of_words, mean_of),
        "iou-f1": (of_spans, _f1_of_spans),
    }
    for name, (against, aggregate) in agreements.items():
        controls = {
            "human": people_against_people(against),
            "shuffled-human": shuffled_people(against),
            "lexicon": lexicon_against_people(against),
        }
        yield Measure(
            plausibility.METRICS[name],
            "plausibility",
            against_people(against),
            aggregate,
            needs="rationales",
            controls=controls,
        )
    of_lexicon = dataclasses.replace(
        plausibility.METRICS["average-precision"],
        name="lexicon-average-precision",
        summary="Average precision of the ranking against words that people rated as clearly positive or negative "
        "without their context (|valence| of 1 or more in VADER's lexicon): whether sentiment words come first.",
    )
    yield Measure(of_lexicon, "plausibility", at_once(lexicon_average_precision), needs="lexicon")


def _on_margins(metric: Metric) -> Metric:
    """The same of the predicted label's lead over the best other logit, which does not saturate as probability does."""
    return dataclasses.replace(
        metric,
        name=f"{metric.name}-margin",
        summary=metric.summary.removesuffix(".") + "; on the margin between logits instead of the probability.",
        low=metric.low if metric.low == 0 and metric.name == "infidelity" else -math.inf,
        high=metric.high if metric.name.startswith("range-normalised") else math.inf,
    )


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        measure.metric.name: measure
        for family in (_predicting, _faithfulness, _agreement, _sharpness, _plausibility)
        for measure in family()
    }
)
FAMILIES: tuple[Family, ...] = ("classification", "faithfulness", "agreement", "sharpness", "plausibility")
# Those that cost no more than the passes of AOPC, and fetch nothing.
DEFAULT_METRICS: tuple[str, ...] = (
    "classification",
    "aopc-comprehensiveness",
    "aopc-sufficiency",
    "deletion-auc",
    "insertion-auc",
    "log-odds",
    "top-unit-flips",
    "sharpness",
    "average-precision",
    "auprc",
    "token-f1",
    "iou-f1",
)


def chosen_measures(names: Sequence[str]) -> dict[str, Measure]:
    """The measures of the names, of families of them or of "all", in the table's order; raises InputError."""
    accepted = [*MEASURES, *FAMILIES, "all"]
    for name in names:
        if name not in accepted:
            close = difflib.get_close_matches(name, accepted, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise InputError(f"metrics: {name!r} given{hint}; accepted: {', '.join(accepted)}")
    return {
        name: measure
        for name, measure in MEASURES.items()
        if name in names or measure.family in names or "all" in names
    }
