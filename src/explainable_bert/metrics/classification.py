"""How well labels are predicted, and how far their probabilities can be trusted.

Labels are arrays with one entry per row; those that index the columns of `probabilities` are counted from 0.
"""

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from explainable_bert.errors import InputError
from explainable_bert.metrics.metric import Metric, table

# Rows of probabilities in half precision sum to one within this; logits do not.
_SUM_TOLERANCE = 1e-3


def accuracy(predicted: Shaped[np.ndarray, " row"], gold: Shaped[np.ndarray, " row"]) -> float:
    """Share of predictions that equal the gold label, in [0, 1]; higher is better.

    Raises InputError on arrays that are empty or of unequal length, and on ints given against strings.
    Source: Manning et al. 2008, section 8.3.
    """
    _check_rows("predicted", predicted, gold)
    if (predicted.dtype.kind in "iu") != (gold.dtype.kind in "iu"):  # NumPy finds them all unequal, without a word
        raise InputError(
            f"predicted, gold: labels of type {predicted.dtype} and {gold.dtype} given; accepted: both ints or both "
            "strings"
        )
    return float(np.count_nonzero(predicted == gold) / len(gold))


def accuracy_standard_error(accuracy: float, n_rows: int) -> float:
    """Binomial standard error of an accuracy measured on `n_rows` rows, in [0, 0.5]: √(p(1 - p) / n).

    Raises InputError unless 0 <= accuracy <= 1 and n_rows >= 1.
    """
    if not 0 <= accuracy <= 1 or n_rows < 1:
        raise InputError(f"accuracy, n_rows: {accuracy}, {n_rows} given; accepted: [0, 1] and at least 1")
    return float((accuracy * (1 - accuracy) / n_rows) ** 0.5)


def macro_f1(predicted: Int[np.ndarray, " row"], gold: Int[np.ndarray, " row"], n_labels: int) -> float:
    """Mean over labels of F1 = 2TP / (2TP + FP + FN), in [0, 1]; higher is better.

    Labels that are neither gold nor predicted anywhere have no F1 and are left out of the mean; one that is either, but
    never both, counts 0.

    Raises InputError on arrays that are empty or of unequal length, and on labels outside 0 ... n_labels - 1.
    Source: Opitz & Burst 2019, equation 2 ("averaged F1"), where labels found nowhere count 0.
    """
    _check_rows("predicted", predicted, gold)
    _check_labels("predicted", predicted, n_labels)
    _check_labels("gold", gold, n_labels)
    n_right = np.bincount(gold[predicted == gold], minlength=n_labels)
    n_named = np.bincount(predicted, minlength=n_labels) + np.bincount(gold, minlength=n_labels)
    present = n_named > 0
    return float((2 * n_right[present] / n_named[present]).mean())


def auroc(probabilities: Float[np.ndarray, "row label"], gold: Int[np.ndarray, " row"]) -> float | None:
    """Area under the ROC curve, in [0, 1]; higher is better, 0.5 is chance.

    The chance that a random row of a label gets a higher probability of it than a random row of another label, ties
    counting half. With two labels that of label 1; with more the mean over labels, each against the rest, without those
    that no row or every row has. None if fewer than two labels are present.

    Raises InputError on arrays that are empty or of unequal length, on what are no probabilities (at least 0, rows sum
    to 1), and on gold labels without a column.
    Source: Hanley & McNeil 1982; one against the rest, unweighted.
    """
    _check_probabilities(probabilities, gold)
    n_labels = probabilities.shape[1]
    labels = [1] if n_labels == 2 else range(n_labels)
    areas = [_area(probabilities[:, label], gold == label) for label in labels]
    defined = [area for area in areas if area is not None]
    return sum(defined) / len(defined) if defined else None


def expected_calibration_error(
    probabilities: Float[np.ndarray, "row label"], gold: Int[np.ndarray, " row"], n_bins: int = 15
) -> float:
    """Mean gap between confidence and accuracy, in [0, 1]; lower is better.

    Confidence is the largest probability of a row. Rows are put into `n_bins` intervals of equal width, the m-th being
    ((m - 1) / n_bins, m / n_bins]; the gap is that of the means in an interval, weighted by its number of rows.

    Raises InputError as auroc does, and on n_bins < 1.
    Source: Naeini et al. 2015; intervals and the largest probability as in Guo et al. 2017, section 2.
    """
    _check_probabilities(probabilities, gold)
    if n_bins < 1:
        raise InputError(f"n_bins: {n_bins} given; accepted: at least 1")
    exact = probabilities.astype(np.float64)
    confidence = exact.max(axis=1)
    surplus = confidence - (exact.argmax(axis=1) == gold)
    # Only the inner bounds are searched: rounding may have put a confidence above 1.
    bins = np.searchsorted(np.arange(1, n_bins) / n_bins, confidence, side="left")
    return float(np.abs(np.bincount(bins, weights=surplus)).sum() / len(gold))


def brier(probabilities: Float[np.ndarray, "row label"], gold: Int[np.ndarray, " row"]) -> float:
    """Squared distance of the probabilities to the gold label's 0/1 vector, mean over rows, in [0, 2]; lower is better.

    Raises InputError as auroc does.
    Source: Brier 1950: the sum over all labels; with two labels twice the score whose range is [0, 1].
    """
    _check_probabilities(probabilities, gold)
    errors = probabilities.astype(np.float64)
    errors[np.arange(len(gold)), gold] -= 1
    return float((errors**2).sum() / len(gold))


def _area(scores: Float[np.ndarray, " row"], of_label: Bool[np.ndarray, " row"]) -> float | None:
    inside, outside = scores[of_label], np.sort(scores[~of_label])
    if not inside.size or not outside.size:
        return None
    below = np.searchsorted(outside, inside, side="left").sum()
    not_above = np.searchsorted(outside, inside, side="right").sum()
    return float((below + not_above) / (2 * inside.size * outside.size))


def _check_rows(name: str, given: Shaped[np.ndarray, "row ..."], gold: Shaped[np.ndarray, " gold"]) -> None:
    if len(given) != len(gold) or not len(gold):
        raise InputError(f"{name}, gold: {len(given)} and {len(gold)} rows given; accepted: as many, at least 1")


def _check_labels(name: str, labels: Int[np.ndarray, " row"], n_labels: int) -> None:
    low, high = labels.min(), labels.max()
    if low < 0 or high >= n_labels:
        raise InputError(f"{name}: labels from {low} to {high} given; accepted: 0 to {n_labels - 1}")


def _check_probabilities(probabilities: Float[np.ndarray, "row label"], gold: Int[np.ndarray, " gold"]) -> None:
    _check_rows("probabilities", probabilities, gold)
    _check_labels("gold", gold, probabilities.shape[1])
    low, worst = probabilities.min(), np.abs(probabilities.sum(axis=1, dtype=np.float64) - 1).max()
    if not (low >= 0 and worst <= _SUM_TOLERANCE):  # true of NaN as well
        raise InputError(
            f"probabilities: the smallest is {low:g}, a row's sum is off 1 by {worst:g}; accepted: at least 0, rows "
            "that sum to 1"
        )


METRICS = table(
    [
        Metric(
            "accuracy",
            "Share of texts whose predicted label is the true one.",
            0.0,
            1.0,
            "higher",
            "Manning et al. 2008, section 8.3",
        ),
        Metric(
            "macro-f1",
            "How well texts of a label are found without naming others so (F1, a share), rare labels counting as much "
            "as frequent ones.",
            0.0,
            1.0,
            "higher",
            "Opitz & Burst 2019, equation 2",
        ),
        Metric(
            "auroc",
            "Chance that a text of a label gets a higher probability of it than a text of another label; 0.5 is "
            "guessing.",
            0.0,
            1.0,
            "higher",
            "Hanley & McNeil 1982",
        ),
        Metric(
            "expected-calibration-error",
            "Mean gap between how sure predictions are and the share of them that is right, both from 0 to 1.",
            0.0,
            1.0,
            "lower",
            "Guo et al. 2017, section 2",
        ),
        Metric(
            "brier",
            "Mean squared distance between the predicted probabilities and the true label; 0 is certain and right, 2 "
            "certain and wrong.",
            0.0,
            2.0,
            "lower",
            "Brier 1950",
        ),
    ]
)
