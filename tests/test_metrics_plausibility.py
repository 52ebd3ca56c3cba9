"""Agreement with human rationales by hand, against scikit-learn and against plain loops."""

import inspect
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc, average_precision_score, f1_score, jaccard_score, precision_recall_curve

from explainable_bert.errors import InputError
from explainable_bert.metrics import plausibility
from explainable_bert.metrics.plausibility import (
    METRICS,
    IouCounts,
    auprc,
    average_precision,
    f1_of_means,
    iou_f1,
    pairwise_iou,
    pairwise_token_f1,
    shuffled,
    token_f1,
    top_units,
)


def mask(marks):
    """Units from a string: x is marked."""
    array = np.array([mark == "x" for mark in marks], dtype=bool)
    array.flags.writeable = False
    return array


def masks(*rows):
    return np.array([mask(row) for row in rows])


def scored(values):
    array = np.array(values, dtype=float)
    array.flags.writeable = False
    return array


@st.composite
def two_masks(draw):
    n_units = draw(st.integers(0, 23))
    return tuple(mask(draw(st.text("x.", min_size=n_units, max_size=n_units))) for _ in range(2))


@st.composite
def scores_and_mask(draw):
    """Scores that often tie, and a mask."""
    units = draw(st.lists(st.tuples(st.integers(-4, 4) | st.floats(-1e3, 1e3), st.booleans()), min_size=1, max_size=23))
    return scored([score for score, _ in units]), np.array([marked for _, marked in units])


SCORES, MARKED = scored([3, 4, 1, 3]), mask("xx.x")
# From the highest score: 4 marked, P 1, R 1/3; the two of 3 together, both marked: P 1, R 1; 1 not.
TIED_SCORES, TIED_MARKED = scored([3, 4, 1, 3]), mask(".xxx")
# 4: P 1, R 1/3; the two of 3, one of them marked: P 2/3, R 2/3; 1: P 3/4, R 1.


def test_average_precision():
    assert average_precision(SCORES, MARKED) == 1
    assert average_precision(TIED_SCORES, TIED_MARKED) == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    assert average_precision(scored([1, 2, 3, 4]), mask("x...")) == pytest.approx(1 / 4)
    assert average_precision(scored([2, 2, 2, 2]), mask("x...")) == pytest.approx(1 / 4)


@pytest.mark.parametrize("marks", ["xxxx", "....", ""])
def test_average_precision_of_one_class_is_undefined(marks):
    assert average_precision(scored(range(len(marks))), mask(marks)) is None


def test_auprc():
    assert auprc(SCORES, MARKED) == 1
    # Trapezoids a third wide: from (0, 1) to P 1, to 2/3, to 3/4.
    assert auprc(TIED_SCORES, TIED_MARKED) == pytest.approx(((1 + 1) / 2 + (1 + 2 / 3) / 2 + (2 / 3 + 3 / 4) / 2) / 3)
    assert auprc(scored([2, 2, 2, 2]), mask("x...")) == pytest.approx((1 + 1 / 4) / 2)


def test_auprc_of_one_class():
    assert auprc(scored([1, 5, 3]), mask("xxx")) == 1
    assert auprc(scored([1, 5, 3]), mask("...")) is None
    assert auprc(scored([]), mask("")) is None


@settings(deadline=None)
@given(scores_and_mask())
def test_curves_against_scikit_learn(case):
    scores, marked = case
    if marked.any():
        precision, recall, _ = precision_recall_curve(marked, scores)
        assert auprc(scores, marked) == pytest.approx(auc(recall, precision), abs=1e-9)
    else:
        assert auprc(scores, marked) is None
    if len(set(marked.tolist())) == 2:
        assert average_precision(scores, marked) == pytest.approx(average_precision_score(marked, scores), abs=1e-9)
    else:
        assert average_precision(scores, marked) is None


@settings(deadline=None)
@given(scores_and_mask(), st.randoms(use_true_random=False))
def test_curves_depend_on_the_ranking_alone(case, random):
    scores, marked = case
    order = random.sample(range(len(scores)), len(scores))
    ranks = np.unique(scores, return_inverse=True)[1].astype(float)
    for metric in (average_precision, auprc):
        value = metric(scores, marked)
        assert value is None or 0 < value <= 1
        expected = None if value is None else pytest.approx(value, abs=1e-9)
        assert metric(scores[order], marked[order]) == expected
        assert metric(ranks, marked) == expected
    if marked.any():
        assert auprc(marked.astype(float), marked) == 1  # the human rationale itself


@pytest.mark.parametrize("metric", [average_precision, auprc])
def test_scores_that_cannot_be_ranked(metric):
    with pytest.raises(InputError, match="scores, marked: 3 and 4 units given; accepted: as many"):
        inspect.unwrap(metric)(scored([1, 2, 3]), mask("x..x"))
    for bad in (np.nan, np.inf):
        with pytest.raises(InputError, match=r"scores: \[1.0, (nan|inf)\] given; accepted: all finite"):
            metric(scored([1, bad]), mask("x."))


def test_token_f1():
    # 2 shared of 3 predicted and 4 marked: 2·2 / (3 + 4)
    assert token_f1(mask("xxx...."), mask(".xx.x.x")) == pytest.approx(4 / 7)
    assert token_f1(mask("xx."), mask("xx.")) == 1
    assert token_f1(mask("..."), mask("x..")) == token_f1(mask("x.."), mask("...")) == 0
    assert token_f1(mask("..."), mask("...")) == 0
    with pytest.raises(InputError, match="predicted, marked: 2 and 3 units given"):
        inspect.unwrap(token_f1)(mask("x."), mask("x.."))


@settings(deadline=None)
@given(two_masks())
def test_token_f1_against_scikit_learn(case):
    predicted, marked = case
    expected = f1_score(marked, predicted, zero_division=0) if len(marked) else 0
    assert token_f1(predicted, marked) == pytest.approx(expected, abs=1e-9)
    assert token_f1(marked, predicted) == token_f1(predicted, marked)


def test_iou_f1():
    # Spans 0-2, 5, 8-9 against 1-2, 5-6: the best IoU are 2/3, 1/2 and 0.
    predicted, marked = mask("xxx..x..xx"), mask(".xx..xx...")
    assert iou_f1(predicted, marked) == IouCounts(precision=2 / 3, recall=2 / 2)
    assert iou_f1(predicted, marked, threshold=0.6) == IouCounts(precision=1 / 3, recall=1 / 2)
    assert iou_f1(predicted, marked, threshold=1.0) == IouCounts(precision=0.0, recall=0.0)
    # One span over two human ones: IoU 1/3 with each, whatever the units.
    assert iou_f1(mask("xxx"), mask("x.x")) == IouCounts(precision=0.0, recall=0.0)


def test_iou_f1_where_a_side_is_empty():
    assert iou_f1(mask("..."), mask("x..")) == IouCounts(precision=None, recall=0.0)
    assert iou_f1(mask("x.."), mask("...")) == IouCounts(precision=0.0, recall=None)
    assert iou_f1(mask(""), mask("")) == IouCounts(precision=None, recall=None)


def test_iou_f1_of_what_it_does_not_take():
    with pytest.raises(InputError, match="predicted, marked: 2 and 3 units given"):
        inspect.unwrap(iou_f1)(mask("x."), mask("x.."))
    for threshold in (0.49, 1.01):
        with pytest.raises(InputError, match=rf"threshold: {threshold} given; accepted: \[0.5, 1\]"):
            iou_f1(mask("x."), mask("x."), threshold)


def runs(marked):
    """Sets of neighbouring marked units, one unit after the other."""
    found, previous = [], False
    for unit, is_marked in enumerate(marked.tolist()):
        if is_marked and not previous:
            found.append(set())
        if is_marked:
            found[-1].add(unit)
        previous = is_marked
    return found


@settings(deadline=None)
@given(two_masks(), st.sampled_from([0.5, 0.6, 0.75, 1.0]))
def test_iou_f1_against_sets(case, threshold):
    predicted, marked = case
    of_model, of_human = runs(predicted), runs(marked)
    best = [max([len(one & other) / len(one | other) for other in of_human], default=0) for one in of_model]
    n_matched = sum(iou >= threshold for iou in best)
    counts = iou_f1(predicted, marked, threshold)
    assert counts.precision == (n_matched / len(of_model) if of_model else None)
    assert counts.recall == (n_matched / len(of_human) if of_human else None)
    assert counts.recall is None or 0 <= counts.recall <= 1


def test_f1_of_means():
    # Mean precision .75, mean recall .25: 2 · .1875 / 1; the mean of the texts' F1, (2/3 + 0) / 2, is another number.
    assert f1_of_means(np.array([[1.0, 0.5], [0.5, 0.0]])) == pytest.approx(0.375)
    assert f1_of_means(np.array([[1.0, 1.0]])) == 1
    assert f1_of_means(np.zeros((3, 2))) == 0
    with pytest.raises(InputError, match="precisions_and_recalls: 0 rows given; accepted: at least 1"):
        f1_of_means(np.zeros((0, 2)))


def test_top_units():
    scores = scored([0.1, -3, 2, 0.5, 0.5])
    generator = np.random.default_rng(0)
    assert top_units(scores, 0, generator).tolist() == mask(".....").tolist()
    assert top_units(scores, 1, generator).tolist() == mask("..x..").tolist()
    assert top_units(scores, 3, generator).tolist() == mask("..xxx").tolist()
    assert top_units(scores, 4, generator).tolist() == mask("x.xxx").tolist()
    assert top_units(scores, 11, generator).tolist() == mask("xxxxx").tolist()
    with pytest.raises(InputError, match="k: -1 given; accepted: at least 0"):
        top_units(scores, -1, generator)
    with pytest.raises(InputError, match="accepted: all finite"):
        top_units(scored([1, np.nan]), 1, generator)


def test_ties_are_broken_evenly():
    # Beside the highest, 2 of 5 tied units: each in 2/5 of 2 000 draws, 800, standard deviation √(2000 · .4 · .6) = 22.
    generator = np.random.default_rng(7)
    scores = scored([1, 1, 2, 1, 1, 1, 0])
    counts = sum(top_units(scores, 3, generator).astype(int) for _ in range(2000))
    assert counts[2] == 2000
    assert counts[6] == 0
    assert (abs(counts[[0, 1, 3, 4, 5]] - 800) < 100).all()
    seeded = [top_units(scores, 3, np.random.default_rng(seed)).tolist() for seed in (1, 1)]
    assert seeded[0] == seeded[1]


@settings(deadline=None)
@given(scores_and_mask(), st.integers(0, 29), st.integers(0, 2**32 - 1))
def test_no_unit_left_out_is_higher(case, k, seed):
    scores, _ = case
    chosen = top_units(scores, k, np.random.default_rng(seed))
    assert chosen.sum() == min(k, len(scores))
    assert not chosen.any() or chosen.all() or scores[chosen].min() >= scores[~chosen].max()


def test_agreement_of_annotators():
    three = masks("xx...", ".xx..", "....x")
    # Token-F1 of the pairs: 2·1 / (2 + 2), 0, 0; IoU: 1/3, 0, 0.
    assert pairwise_token_f1(three) == pytest.approx(1 / 6)
    assert pairwise_iou(three) == pytest.approx(1 / 9)
    assert pairwise_token_f1(masks("x.", "x.")) == pairwise_iou(masks("x.", "x.")) == 1
    assert pairwise_token_f1(masks("..", "..")) == pairwise_iou(masks("..", "..")) == 0
    assert pairwise_token_f1(masks("x.")) is None
    assert pairwise_iou(masks("x.")) is None


@settings(deadline=None)
@given(st.integers(2, 5), st.integers(1, 13), st.integers(0, 2**32 - 1))
def test_agreement_against_scikit_learn(n_annotators, n_units, seed):
    marked = np.random.default_rng(seed).random((n_annotators, n_units)) < 0.4
    pairs = list(combinations(marked, 2))
    f1 = np.mean([f1_score(one, other, zero_division=0) for one, other in pairs])
    iou = np.mean([jaccard_score(one, other, zero_division=0) for one, other in pairs])
    assert pairwise_token_f1(marked) == pytest.approx(f1, abs=1e-9)
    assert pairwise_iou(marked) == pytest.approx(iou, abs=1e-9)
    assert pairwise_token_f1(marked[::-1]) == pytest.approx(f1, abs=1e-9)


def test_shuffled_keeps_counts_and_nothing_else():
    generator = np.random.default_rng(3)
    marked = masks("xxx....", "xx.....")
    marked.flags.writeable = False
    draws = [shuffled(marked, generator) for _ in range(2000)]
    assert all(draw.sum(axis=1).tolist() == [3, 2] for draw in draws)
    # Drawn apart, they share 3 · 2 / 7 units on average: F1 2 · (6/7) / (3 + 2). Its standard deviation over draws is
    # 2/5 · √(2 · 3/7 · 4/7 · 5/6) = .256, of the mean .0057.
    assert np.mean([pairwise_token_f1(draw) for draw in draws]) == pytest.approx(12 / 35, abs=0.025)
    assert np.allclose(np.mean(draws, axis=0), [[3 / 7], [2 / 7]], atol=0.05)


def test_metrics_are_named_as_their_functions():
    assert list(METRICS) == ["average-precision", "auprc", "token-f1", "iou-f1"]
    assert all(callable(getattr(plausibility, name.replace("-", "_"))) for name in METRICS)
    assert {(metric.low, metric.high, metric.better) for metric in METRICS.values()} == {(0, 1, "higher")}
