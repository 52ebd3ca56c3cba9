"""Classification metrics by hand, against scikit-learn and against plain loops."""

import inspect
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, roc_auc_score

from explainable_bert.errors import InputError
from explainable_bert.metrics import classification
from explainable_bert.metrics.classification import (
    METRICS,
    accuracy,
    accuracy_standard_error,
    auroc,
    brier,
    expected_calibration_error,
    macro_f1,
)

OF_PROBABILITIES = [auroc, expected_calibration_error, brier]


def frozen(values, dtype=None):
    """An array that nobody can change."""
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


@st.composite
def measured(draw, n_labels=None):
    """Probabilities in eighths, so that they tie and rows sum to one exactly, and gold labels."""
    n_labels = n_labels or draw(st.integers(2, 5))
    n_rows = draw(st.integers(1, 31))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    probabilities = generator.multinomial(8, generator.dirichlet(np.ones(n_labels)), size=n_rows) / 8
    return frozen(probabilities), frozen(generator.integers(0, n_labels, size=n_rows))


def test_accuracy():
    assert accuracy(frozen(["a", "b", "a", "c"]), frozen(["a", "b", "b", "c"])) == 0.75
    assert accuracy(frozen([0, 1, 2]), frozen([2, 1, 0])) == pytest.approx(1 / 3)


def test_accuracy_of_what_cannot_be_compared():
    with pytest.raises(InputError, match="predicted, gold: 1 and 2 rows given"):
        inspect.unwrap(accuracy)(frozen(["a"]), frozen(["a", "b"]))
    with pytest.raises(InputError, match="predicted, gold: 0 and 0 rows given"):
        accuracy(frozen([], dtype=str), frozen([], dtype=str))
    with pytest.raises(InputError, match="type int64 and <U1 given; accepted: both ints or both strings"):
        accuracy(frozen([0, 1]), frozen(["0", "1"]))


def test_accuracy_standard_error():
    assert accuracy_standard_error(0.9, 900) == pytest.approx(0.01)  # √(.9 · .1 / 900)
    assert accuracy_standard_error(1.0, 5) == 0
    for given_accuracy, n_rows in ((1.1, 5), (-0.1, 5), (0.5, 0)):
        with pytest.raises(InputError, match=r"accepted: \[0, 1\] and at least 1"):
            accuracy_standard_error(given_accuracy, n_rows)


def test_macro_f1():
    # Label 0: 2·1 / (1 + 2) = 2/3; 1: 2·2 / (3 + 2) = 4/5; 2 is gold only and 3 predicted only: 0; 4 is nowhere.
    value = macro_f1(frozen([0, 1, 1, 1, 3]), frozen([0, 0, 1, 1, 2]), 5)
    assert value == pytest.approx((2 / 3 + 4 / 5 + 0 + 0) / 4)


def test_macro_f1_of_what_are_no_labels():
    with pytest.raises(InputError, match="predicted, gold: 1 and 2 rows given"):
        inspect.unwrap(macro_f1)(frozen([0]), frozen([0, 1]), 2)
    with pytest.raises(InputError, match="predicted: labels from 0 to 2 given; accepted: 0 to 1"):
        macro_f1(frozen([0, 2]), frozen([0, 1]), 2)
    with pytest.raises(InputError, match="gold: labels from -1 to 0 given; accepted: 0 to 1"):
        macro_f1(frozen([0, 1]), frozen([0, -1]), 2)


def test_auroc_of_two_labels():
    # Pairs of a row of label 1 and one of label 0: .9 > .6, .9 > .2, .6 = .6 (a half), .6 > .2.
    probabilities = frozen([[0.1, 0.9], [0.4, 0.6], [0.4, 0.6], [0.8, 0.2]])
    assert auroc(probabilities, frozen([1, 1, 0, 0])) == 3.5 / 4
    assert auroc(probabilities, frozen([0, 0, 1, 1])) == 0.5 / 4
    assert auroc(probabilities, frozen([1, 1, 1, 1])) is None
    assert auroc(probabilities, frozen([0, 0, 0, 0])) is None


def test_auroc_of_more_labels():
    # Label 0: .5 against .6 and .1, 1/2; label 1: .3 against .3 (a half), .9 against .3 (1), 3/4; label 2 is absent.
    probabilities = frozen([[0.5, 0.3, 0.2], [0.6, 0.3, 0.1], [0.1, 0.9, 0.0]])
    assert auroc(probabilities, frozen([0, 1, 1])) == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert auroc(probabilities, frozen([2, 2, 2])) is None


def test_expected_calibration_error():
    # Two bins. (0, .5]: confidence .5, right. (.5, 1]: .6 wrong, .9 and .7 right. (|.5 - 1| + |2.2 - 2|) / 4
    probabilities = frozen([[0.5, 0.5], [0.6, 0.4], [0.9, 0.1], [0.3, 0.7]])
    assert expected_calibration_error(probabilities, frozen([0, 1, 0, 1]), n_bins=2) == pytest.approx(0.175)
    # One bin: |2.7 - 3| / 4
    assert expected_calibration_error(probabilities, frozen([0, 1, 0, 1]), n_bins=1) == pytest.approx(0.075)
    assert expected_calibration_error(frozen([[0.0, 1.0]]), frozen([0])) == 1
    assert expected_calibration_error(frozen([[0.0, 1.0]]), frozen([1])) == 0


@pytest.mark.parametrize("m", range(8, 15))
def test_bins_are_closed_on_the_right(m):
    bound, above = m / 15, m / 15 + 1e-9
    probabilities = frozen([[bound, 1 - bound], [above, 1 - above]])
    # The first is right and the second wrong: apart, their gaps add up; in one bin they would cancel out.
    apart = ((1 - bound) + above) / 2
    assert expected_calibration_error(probabilities, frozen([0, 1])) == pytest.approx(apart, abs=1e-12)


def test_a_confidence_rounded_above_one_is_in_the_last_bin():
    probabilities = frozen([[1 + 1e-7, 0], [0.95, 0.05]], dtype=np.float32)
    assert expected_calibration_error(probabilities, frozen([0, 1])) == pytest.approx(0.475)  # |1.95 - 1| / 2


def test_brier():
    # (.3² + .3²) and (.8² + .8²), halved.
    assert brier(frozen([[0.7, 0.3], [0.2, 0.8]]), frozen([0, 0])) == pytest.approx((0.18 + 1.28) / 2)
    assert brier(frozen([[0.0, 0.0, 1.0]]), frozen([2])) == 0
    assert brier(frozen([[0.0, 0.0, 1.0]]), frozen([1])) == 2
    assert brier(frozen([[1 / 3, 1 / 3, 1 / 3]]), frozen([0])) == pytest.approx(4 / 9 + 1 / 9 + 1 / 9)


@pytest.mark.parametrize("metric", OF_PROBABILITIES)
def test_what_are_no_probabilities(metric):
    gold = frozen([0, 1])
    with pytest.raises(InputError, match="probabilities, gold: 1 and 2 rows given"):
        inspect.unwrap(metric)(frozen([[0.5, 0.5]]), gold)
    with pytest.raises(InputError, match="probabilities, gold: 0 and 0 rows given"):
        metric(np.zeros((0, 2)), frozen([], dtype=int))
    with pytest.raises(InputError, match="gold: labels from 0 to 2 given; accepted: 0 to 1"):
        metric(frozen([[0.5, 0.5], [0.5, 0.5]]), frozen([0, 2]))
    for bad in ([[0.5, 0.5], [0.5, 0.6]], [[0.5, 0.5], [-0.5, 1.5]], [[0.5, 0.5], [np.nan, 0.5]]):
        with pytest.raises(InputError, match=r"probabilities: the smallest is .+ rows that sum to 1"):
            metric(frozen(bad), gold)


def test_no_bins():
    with pytest.raises(InputError, match="n_bins: 0 given; accepted: at least 1"):
        expected_calibration_error(frozen([[0.5, 0.5]]), frozen([0]), n_bins=0)


@settings(deadline=None)
@given(measured())
def test_against_scikit_learn(case):
    probabilities, gold = case
    n_labels = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    assert accuracy(predicted, gold) == pytest.approx(accuracy_score(gold, predicted), abs=1e-9)
    expected = f1_score(gold, predicted, average="macro", zero_division=0)
    assert macro_f1(predicted, gold, n_labels) == pytest.approx(expected, abs=1e-9)
    expected = brier_score_loss(gold, probabilities, labels=list(range(n_labels)), scale_by_half=False)
    assert brier(probabilities, gold) == pytest.approx(expected, abs=1e-9)
    present = sorted(set(gold.tolist()))
    labels = [1] if n_labels == 2 else present
    expected = None
    if len(present) > 1:
        areas = [roc_auc_score(gold == label, probabilities[:, label]) for label in labels]
        expected = pytest.approx(np.mean(areas), abs=1e-9)
    assert auroc(probabilities, gold) == expected


@settings(deadline=None)
@given(measured(), st.integers(1, 17))
def test_expected_calibration_error_against_loops(case, n_bins):
    probabilities, gold = case
    rows = [(max(row), row.index(max(row)) == label) for row, label in zip(probabilities.tolist(), gold, strict=True)]
    expected = 0.0
    for m in range(1, n_bins + 1):
        inside = [(sure, right) for sure, right in rows if (m - 1) / n_bins < sure <= m / n_bins]
        if inside:
            gap = sum(sure for sure, _ in inside) / len(inside) - sum(right for _, right in inside) / len(inside)
            expected += len(inside) / len(rows) * abs(gap)
    assert expected_calibration_error(probabilities, gold, n_bins) == pytest.approx(expected, abs=1e-9)


@settings(deadline=None)
@given(measured(), st.randoms(use_true_random=False))
def test_bounds_and_order_of_rows(case, random):
    probabilities, gold = case
    order = random.sample(range(len(gold)), len(gold))
    for metric in OF_PROBABILITIES:
        value = metric(probabilities, gold)
        declared = METRICS[metric.__name__.replace("_", "-")]
        assert value is None or declared.low <= value <= declared.high
        assert metric(probabilities[order], gold[order]) == (None if value is None else pytest.approx(value, abs=1e-9))


@settings(deadline=None)
@given(measured(n_labels=2))
def test_auroc_depends_on_the_order_of_probabilities_alone(case):
    probabilities, gold = case
    value = auroc(probabilities, gold)
    squared = probabilities[:, 1] ** 2
    assert auroc(np.stack([1 - squared, squared], axis=1), gold) == value
    assert auroc(probabilities[:, ::-1], 1 - gold) == value


def test_metrics_are_named_as_their_functions():
    assert list(METRICS) == ["accuracy", "macro-f1", "auroc", "expected-calibration-error", "brier"]
    assert all(callable(getattr(classification, name.replace("-", "_"))) for name in METRICS)
    assert [name for name, metric in METRICS.items() if metric.better == "lower"] == [
        "expected-calibration-error",
        "brier",
    ]
    assert [(metric.low, metric.high) for metric in METRICS.values()] == [(0, 1), (0, 1), (0, 1), (0, 1), (0, 2)]


@pytest.mark.parametrize("module", ["classification", "plausibility"])
def test_importing_metrics_imports_nothing_heavy(module):
    heavy = "{'torch', 'scipy', 'sklearn'}"
    code = f"import sys, explainable_bert.metrics.{module}; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
