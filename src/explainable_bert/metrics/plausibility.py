"""How far an attribution agrees with human rationales, and people with one another; one text at a time.

`scores` are higher where a unit is more important: the caller passes signed scores or their absolute values. `marked`
are the units of the human rationale. Agreement with people is not faithfulness to the model.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float, Int

from explainable_bert.errors import InputError
from explainable_bert.metrics.metric import Metric, table


@dataclass(frozen=True)
class IouCounts:
    """Spans matched in one text, as shares in [0, 1].

    `precision` is over predicted spans, None where nothing is predicted; `recall` is over human spans, None where
    nothing is marked.
    """

    precision: float | None
    recall: float | None


def average_precision(scores: Float[np.ndarray, " unit"], marked: Bool[np.ndarray, " unit"]) -> float | None:
    """Mean precision at the ranks where marked units stand, in [0, 1]; higher is better.

    Σ (R_i - R_(i-1)) P_i over the distinct scores from the highest: units with the same score enter together, at the
    precision that holds after all of them. None if all units are marked, or none.

    Raises InputError on arrays of unequal length and on scores that are not finite.
    Source: Manning et al. 2008, section 8.4; ties as in scikit-learn. ERASER, too, leaves such texts out.
    """
    _check_scores(scores, marked)
    if not marked.any() or marked.all():
        return None
    precision, recall = _precision_recall(scores, marked)
    return float((np.diff(recall, prepend=0) * precision).sum())


def auprc(scores: Float[np.ndarray, " unit"], marked: Bool[np.ndarray, " unit"]) -> float | None:
    """Area under the precision-recall curve by the trapezoid rule, in [0, 1]; higher is better.

    The curve starts at recall 0, precision 1; units with the same score enter together. Straight lines between its
    points are optimistic: report average_precision beside it. 1 if all units are marked; None if none are, where recall
    is undefined.

    Raises InputError on arrays of unequal length and on scores that are not finite.
    Source: DeYoung et al. 2020 (ERASER), section 4 and code, which keeps texts with all units marked.
    """
    _check_scores(scores, marked)
    if not marked.any():
        return None
    precision, recall = _precision_recall(scores, marked)
    return float(np.trapezoid(np.append(1, precision), np.append(0, recall)))


def token_f1(predicted: Bool[np.ndarray, " unit"], marked: Bool[np.ndarray, " unit"]) -> float:
    """F1 of the predicted units against the marked ones, in [0, 1]; higher is better. 0 when either side is empty.

    A corpus has the mean over its texts.

    Raises InputError on arrays of unequal length.
    Source: DeYoung et al. 2020 (ERASER), section 4 and code.
    """
    _check_units("predicted", predicted, marked)
    n_named = np.count_nonzero(predicted) + np.count_nonzero(marked)
    return 2 * np.count_nonzero(predicted & marked) / n_named if n_named else 0.0


def iou_f1(
    predicted: Bool[np.ndarray, " unit"], marked: Bool[np.ndarray, " unit"], threshold: float = 0.5
) -> IouCounts:
    """Shares of spans that match in one text; f1_of_means makes one F1 of all texts' shares.

    A span is a longest run of units in a row. A predicted span matches if its intersection over union with any human
    span is at least `threshold`; precision and recall divide the number of those by that of predicted, or human, spans.

    Raises InputError on arrays of unequal length, and on a threshold outside [0.5, 1]: below, two predicted spans could
    match one human span, and recall exceed 1.
    Source: DeYoung et al. 2020 (ERASER), section 4 and code.
    """
    _check_units("predicted", predicted, marked)
    if not 0.5 <= threshold <= 1:
        raise InputError(f"threshold: {threshold} given; accepted: [0.5, 1]")
    of_model, of_human = _spans(predicted), _spans(marked)
    starts = np.maximum(of_model[:, None, 0], of_human[None, :, 0])
    ends = np.minimum(of_model[:, None, 1], of_human[None, :, 1])
    shared = ends - starts  # negative for spans apart, which then match at no threshold
    lengths = np.diff(of_model) + np.diff(of_human).T
    n_matched = int((shared / (lengths - shared) >= threshold).any(axis=1).sum())
    return IouCounts(_share(n_matched, len(of_model)), _share(n_matched, len(of_human)))


def f1_of_means(precisions_and_recalls: Float[np.ndarray, "row 2"]) -> float:
    """F1 of the mean precision and the mean recall over texts, in [0, 1]; higher is better.

    Not the mean of the texts' F1. Rows are texts where both are defined.

    Raises InputError on no rows.
    Source: DeYoung et al. 2020 (ERASER), code: the macro average of IOU-F1.
    """
    if not len(precisions_and_recalls):
        raise InputError("precisions_and_recalls: 0 rows given; accepted: at least 1")
    precision, recall = precisions_and_recalls.mean(axis=0).tolist()
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def top_units(scores: Float[np.ndarray, " unit"], k: int, generator: np.random.Generator) -> Bool[np.ndarray, " unit"]:
    """The predicted rationale: the `k` units with the highest scores, ties broken at random; all if there are fewer.

    Raises InputError on a negative k and on scores that are not finite.
    """
    _check_finite(scores)
    if k < 0:
        raise InputError(f"k: {k} given; accepted: at least 0")
    order = np.lexsort((generator.random(len(scores)), -scores))
    chosen = np.zeros(len(scores), dtype=bool)
    chosen[order[:k]] = True
    return chosen


def pairwise_token_f1(masks: Bool[np.ndarray, "annotator unit"]) -> float | None:
    """Mean token_f1 over pairs of annotators, in [0, 1]: the ceiling for attributions. None with fewer than two."""
    return _mean_over_pairs(token_f1, masks)


def pairwise_iou(masks: Bool[np.ndarray, "annotator unit"]) -> float | None:
    """Mean over pairs of annotators of the units both marked over those either marked, in [0, 1].

    0 for a pair that marked nothing. None with fewer than two annotators.
    """
    return _mean_over_pairs(_set_iou, masks)


def shuffled(
    masks: Bool[np.ndarray, "annotator unit"], generator: np.random.Generator
) -> Bool[np.ndarray, "annotator unit"]:
    """The control for agreement: each annotator's number of marks, at random units."""
    return generator.permuted(masks, axis=1)


def _precision_recall(
    scores: Float[np.ndarray, " unit"], marked: Bool[np.ndarray, " unit"]
) -> tuple[Float[np.ndarray, " threshold"], Float[np.ndarray, " threshold"]]:
    """Precision and recall of the units at or above each distinct score, from the highest; something is marked."""
    order = np.argsort(-scores)
    ranked = scores[order]
    last_of_ties = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    n_found = np.cumsum(marked[order])[last_of_ties]
    return n_found / (last_of_ties + 1), n_found / n_found[-1]


def _spans(mask: Bool[np.ndarray, " unit"]) -> Int[np.ndarray, "span 2"]:
    """Start, and end (exclusive), of each longest run of marked units."""
    changes = np.flatnonzero(np.diff(mask, prepend=False, append=False))
    return changes.reshape(-1, 2)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _set_iou(one: Bool[np.ndarray, " unit"], other: Bool[np.ndarray, " unit"]) -> float:
    n_either = np.count_nonzero(one | other)
    return np.count_nonzero(one & other) / n_either if n_either else 0.0


def _mean_over_pairs(
    agreement: Callable[[np.ndarray, np.ndarray], float], masks: Bool[np.ndarray, "annotator unit"]
) -> float | None:
    found = [agreement(one, other) for one, other in combinations(masks, 2)]
    return sum(found) / len(found) if found else None


def _check_units(name: str, given: np.ndarray, marked: np.ndarray) -> None:
    if len(given) != len(marked):
        raise InputError(f"{name}, marked: {len(given)} and {len(marked)} units given; accepted: as many")


def _check_finite(scores: np.ndarray) -> None:
    if not np.isfinite(scores).all():
        raise InputError(f"scores: {scores.tolist()!r} given; accepted: all finite")


def _check_scores(scores: np.ndarray, marked: np.ndarray) -> None:
    _check_units("scores", scores, marked)
    _check_finite(scores)


METRICS = table(
    [
        Metric(
            "average-precision",
            "Share of human-marked units among those scored as high or higher, averaged over the marked units.",
            0.0,
            1.0,
            "higher",
            "Manning et al. 2008, section 8.4",
        ),
        Metric(
            "auprc",
            "Share of human-marked units among the highest-scored ones, averaged from the first found to all found "
            "(area under a curve).",
            0.0,
            1.0,
            "higher",
            "DeYoung et al. 2020 (ERASER), section 4",
        ),
        Metric(
            "token-f1",
            "Overlap of the highest-scored units with the human-marked ones, as a share of the size of both (F1).",
            0.0,
            1.0,
            "higher",
            "DeYoung et al. 2020 (ERASER), section 4",
        ),
        Metric(
            "iou-f1",
            "Share of passages that match (F1): a highest-scored and a human-marked passage that share at least half "
            "of the units they cover together.",
            0.0,
            1.0,
            "higher",
            "DeYoung et al. 2020 (ERASER), section 4",
        ),
    ]
)
