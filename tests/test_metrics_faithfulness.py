"""Erasure metrics against values worked by hand and the published definitions in plain Python."""

import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert.errors import InputError
from explainable_bert.metrics import agreement, faithfulness, sharpness
from explainable_bert.metrics.faithfulness import (
    SHARES,
    aopc,
    area_under_curve,
    comprehensiveness,
    flip_share,
    log_odds,
    normalised_comprehensiveness,
    normalised_sufficiency,
    null_difference,
    range_normalised,
    rationale_size,
    sufficiency,
)

probability = st.floats(0, 1)
probabilities = st.lists(probability, min_size=1, max_size=7)
margins = st.floats(-20, 20)


def test_sizes_are_those_of_eraser():
    assert SHARES == (0.01, 0.05, 0.1, 0.2, 0.5)


@pytest.mark.parametrize(
    ("share", "n_units", "size"),
    [
        (0.1, 10, 1),
        (0.05, 20, 1),
        (0.2, 15, 3),
        (0.07, 100, 7),  # 0.07 · 100 = 7.000000000000001 in floats
        (0.2, 16, 4),  # ⌈3.2⌉
        (0.01, 7, 1),  # ⌈0.07⌉
        (0.5, 1, 1),
        (1, 13, 13),
        (0, 13, 0),
        (1e-15, 13, 1),
    ],
)
def test_rationale_size(share, n_units, size):
    assert rationale_size(float(share), n_units) == size


@given(st.integers(0, 1000), st.integers(1, 10_000))
def test_rationale_size_is_that_of_the_decimal(thousandths, n_units):
    exact = Decimal(thousandths) / 1000 * n_units
    assert rationale_size(thousandths / 1000, n_units) == math.ceil(exact)


@pytest.mark.parametrize(("share", "n_units"), [(-0.1, 5), (1.1, 5), (math.nan, 5), (0.1, 0)])
def test_rationale_size_of_no_share(share, n_units):
    with pytest.raises(InputError, match=r"^share, n_units: .* accepted: \[0, 1\] and at least 1$"):
        rationale_size(share, n_units)


def test_eraser_by_hand():
    # .9 - (.9, .7, .5, .2, .1) = 0, .2, .4, .7, .8: sum 2.1, over 5
    drops = comprehensiveness(0.9, np.array([0.9, 0.7, 0.5, 0.2, 0.1]))
    np.testing.assert_allclose(drops, [0, 0.2, 0.4, 0.7, 0.8], atol=1e-12)
    assert aopc(drops) == pytest.approx(0.42)
    # .6 - (.1, .3, .5, .6, .8) = .5, .3, .1, 0, -.2: sum .7, over 5
    drops = sufficiency(0.6, np.array([0.1, 0.3, 0.5, 0.6, 0.8]))
    np.testing.assert_allclose(drops, [0.5, 0.3, 0.1, 0, -0.2], atol=1e-12)
    assert aopc(drops) == pytest.approx(0.14)


@given(st.one_of(st.tuples(probability, probabilities), st.tuples(margins, st.lists(margins, min_size=1, max_size=7))))
def test_eraser_as_published(scores):
    full, others = scores
    published = [full - other for other in others]
    for found in (comprehensiveness(full, np.array(others)), sufficiency(full, np.array(others))):
        assert found.tolist() == pytest.approx(published, abs=1e-9)
        # as the code of ERASER, over the sizes; over the sizes and the empty rationale it is 5/6 of that for five sizes
        assert aopc(found) == pytest.approx(sum(published) / len(others), abs=1e-9)
        assert aopc(np.append(found, 0.0)) * (len(others) + 1) / len(others) == pytest.approx(aopc(found), abs=1e-9)


def test_single_precision_is_not_kept():
    erased = np.array([0.1, 0.2], dtype=np.float32)
    drops = comprehensiveness(0.3, erased)
    assert drops.dtype == np.float64
    assert drops[0] == 0.3 - float(erased[0])
    assert erased.dtype == np.float32


@given(probability, probabilities, probability)
def test_normalised_as_published(full, others, empty):
    def clip(value):
        return min(max(value, 0.0), 1.0)

    null = clip(full - empty)
    comprehensive, sufficient = [], []
    for other in others:
        sufficient_raw = 1 - clip(full - other)
        sufficient.append(0.0 if null < 1e-5 else clip((sufficient_raw - (1 - null)) / null))
        comprehensive.append(0.0 if null < 1e-5 else clip(clip(full - other) / null))
    assert null_difference(full, empty) == pytest.approx(null, abs=1e-9)
    found = normalised_comprehensiveness(full, np.array(others), empty)
    assert found.tolist() == pytest.approx(comprehensive, abs=1e-9)
    found = normalised_sufficiency(full, np.array(others), empty)
    assert found.tolist() == pytest.approx(sufficient, abs=1e-9)


def test_normalised_by_hand():
    # Δ = .9 - .4 = .5; comp .1/.5, .5/.5, .7/.5 clipped, clip(-.05)/.5
    probabilities = np.array([0.8, 0.4, 0.2, 0.95])
    np.testing.assert_allclose(normalised_comprehensiveness(0.9, probabilities, 0.4), [0.2, 1, 1, 0])
    # suff 1 - .1, 1 - .5, 1 - .7, 1 - 0; minus 1 - .5; over .5: .8, 0, -.4 clipped, 1
    np.testing.assert_allclose(normalised_sufficiency(0.9, probabilities, 0.4), [0.8, 0, 0, 1], atol=1e-12)
    assert null_difference(0.9, 0.4) == pytest.approx(0.5)


@pytest.mark.parametrize("empty", [0.9, 1.0, 0.9 - 9e-6])
def test_normalised_where_an_empty_text_predicts_as_much(empty):
    erased = np.array([0.1, 0.5])
    assert normalised_comprehensiveness(0.9, erased, empty).tolist() == [0, 0]
    assert normalised_sufficiency(0.9, erased, empty).tolist() == [0, 0]
    assert null_difference(0.9, empty) < 1e-5


def test_normalised_just_above_the_limit():
    assert normalised_comprehensiveness(0.9, np.array([0.1]), 0.9 - 2e-5).tolist() == [1]


def test_range_normalised():
    assert range_normalised(0.3, 0.1, 0.5) == pytest.approx(0.5)  # .2 / .4
    assert range_normalised(0.05, 0.1, 0.5) == pytest.approx(-0.125)
    assert range_normalised(0.6, 0.1, 0.5) == pytest.approx(1.25)
    # sufficiency, lower is better: (.3 - .2) / (.3 - .05) = .4
    assert range_normalised(0.2, 0.3, 0.05) == pytest.approx(0.4)
    assert range_normalised(0.2, 0.3, 0.3 + 9e-7) is None
    assert range_normalised(0.2, 0.3, 0.3) is None
    assert range_normalised(0.3 + 2e-6, 0.3, 0.3 + 2e-6) == pytest.approx(1)


@given(probability, probability, probability, st.floats(-5, 5), st.floats(0.1, 10))
def test_range_normalised_has_no_unit(method, random, best, shift, scale):
    value = range_normalised(method, random, best)
    moved = range_normalised(shift + scale * method, shift + scale * random, shift + scale * best)
    mirrored = range_normalised(-method, -random, -best)  # a metric of which the lower is the better
    assert mirrored == value
    if abs(best - random) > 1e-4:
        assert moved == pytest.approx(value, abs=1e-6)
        assert range_normalised(random, random, best) == 0
        assert range_normalised(best, random, best) == 1


def test_log_odds():
    # ln(.4 / .8), ln 1, ln(1 / .8); 0 counts as 1e-6
    found = log_odds(0.8, np.array([0.4, 0.8, 1.0, 0.0]))
    np.testing.assert_allclose(found, [-math.log(2), 0, math.log(1.25), math.log(1e-6 / 0.8)])
    np.testing.assert_allclose(log_odds(0.0, np.array([0.0, 1e-7, 1.0])), [0, 0, 6 * math.log(10)])


@given(probability, probabilities)
def test_log_odds_bounds(full, erased):
    found = log_odds(full, np.array(erased)).tolist()
    declared = faithfulness.METRICS["log-odds"]
    assert all(declared.low - 1e-9 <= value <= declared.high + 1e-9 for value in found)
    assert found == pytest.approx([math.log(max(p, 1e-6)) - math.log(max(full, 1e-6)) for p in erased], abs=1e-9)


@pytest.mark.parametrize(
    ("labels", "share"),
    [
        ([1, 0, 1, 1], 0.5),  # differs at k = 2 of 4, whatever follows
        ([0, 1, 1, 1], 0.25),
        ([1, 1, 1, 2], 1),
        ([1, 1, 1, 1], 1),
        ([0], 1),
    ],
)
def test_flip_share(labels, share):
    assert flip_share(np.array(labels), 1) == share


@given(st.lists(st.integers(0, 2), min_size=1, max_size=23), st.integers(0, 2))
def test_flip_share_is_a_share_of_units(labels, predicted):
    share = flip_share(np.array(labels), predicted)
    assert 0 < share <= 1
    n_erased = round(share * len(labels))
    assert share == n_erased / len(labels)
    assert all(label == predicted for label in labels[: n_erased - 1])
    assert n_erased == len(labels) or labels[n_erased - 1] != predicted


def test_area_under_curve_by_hand():
    # (1 + .5)/2 · .5 + (.5 + 0)/2 · .5 = .5
    assert area_under_curve(np.array([0, 0.5, 1]), np.array([1, 0.5, 0])) == pytest.approx(0.5)
    # (.8 + .4)/2 · .1 + (.4 + .2)/2 · .3 = .15 over the range .4
    assert area_under_curve(np.array([0.1, 0.2, 0.5]), np.array([0.8, 0.4, 0.2])) == pytest.approx(0.375)
    assert area_under_curve(np.array([0.0, 0.0, 1.0]), np.array([0.0, 1.0, 1.0])) == pytest.approx(1)  # a step


@given(st.lists(margins, min_size=2, max_size=13))
def test_area_under_curve_is_a_mean_height(values):
    shares = np.arange(len(values)) / (len(values) - 1)
    area = area_under_curve(shares, np.array(values))
    assert min(values) - 1e-9 <= area <= max(values) + 1e-9
    inner = sum(values) - (values[0] + values[-1]) / 2
    assert area == pytest.approx(inner / (len(values) - 1), abs=1e-9)
    assert area_under_curve(shares / 2, np.array(values)) == pytest.approx(area, abs=1e-9)
    above = area_under_curve(shares, np.array(values) + 1)
    assert above == pytest.approx(area + 1, abs=1e-9)


@settings(deadline=None)
@given(probability, probabilities)
def test_no_argument_is_changed(full, erased):
    given_scores, shares = np.array(erased), np.arange(len(erased)) / len(erased)
    for array in (given_scores, shares):
        array.flags.writeable = False
    comprehensiveness(full, given_scores)
    normalised_comprehensiveness(full, given_scores, 0.0)
    normalised_sufficiency(full, given_scores, 0.0)
    log_odds(full, given_scores)
    if len(erased) > 1:
        area_under_curve(shares, given_scores)
    assert given_scores.tolist() == erased


@pytest.mark.parametrize("bad", [[], [0.5, math.nan], [math.inf]])
def test_scores_that_are_none(bad):
    scores = np.array(bad, dtype=float)
    for name, call in {
        "erased": lambda: comprehensiveness(0.5, scores),
        "kept": lambda: sufficiency(0.5, scores),
        "differences": lambda: aopc(scores),
        "shares": lambda: area_under_curve(scores, scores),
    }.items():
        with pytest.raises(InputError, match=rf"^{name}: .* accepted: at least one, all finite$"):
            call()
    with pytest.raises(InputError, match=r"^values: "):
        area_under_curve(np.array([0.0, 1.0]), np.array([0.5, math.nan]))
    with pytest.raises(InputError, match=r"^full: "):
        comprehensiveness(math.nan, np.array([0.5]))
    with pytest.raises(InputError, match=r"^method, random, best: "):
        range_normalised(0.1, math.nan, 0.2)


@pytest.mark.parametrize("bad", [-0.1, 1.1, math.nan, 3.0])
def test_scores_that_are_no_probabilities(bad):
    one = np.array([0.5])
    for name, call in {
        "erased": lambda: normalised_comprehensiveness(0.5, np.array([0.5, bad]), 0.1),
        "kept": lambda: normalised_sufficiency(0.5, np.array([0.5, bad]), 0.1),
        "full, empty": lambda: null_difference(0.5, bad),
        "full": lambda: log_odds(bad, one),
    }.items():
        with pytest.raises(InputError, match=rf"^{name}: .* all probabilities in \[0, 1\]$"):
            call()
    with pytest.raises(InputError, match=r"^erased: "):
        log_odds(0.5, np.array([bad]))
    with pytest.raises(InputError, match=r"^erased: "):
        log_odds(0.5, np.array([]))


def test_probabilities_of_a_softmax_in_single_precision():
    above = float(np.nextafter(np.float32(1), np.float32(2)))
    assert null_difference(above, 0.0) == 1
    assert normalised_comprehensiveness(above, np.array([0.5]), 0.0).tolist() == pytest.approx([0.5], abs=1e-6)


@pytest.mark.parametrize("shares", [[0.0], [0.5, 0.5], [1.0, 0.0], [0.0, 0.6, 0.5]])
def test_shares_that_do_not_ascend(shares):
    with pytest.raises(InputError, match=r"^shares: .* accepted: ascending, at least 2 that differ$"):
        area_under_curve(np.array(shares), np.ones(len(shares)))


def test_flip_share_without_labels():
    with pytest.raises(InputError, match=r"^labels: none given"):
        flip_share(np.array([], dtype=int), 0)


@pytest.mark.parametrize(
    "module", [faithfulness, agreement, sharpness], ids=lambda module: module.__name__.rpartition(".")[2]
)
def test_every_metric_is_well_formed(module):
    assert module.METRICS
    for name, metric in module.METRICS.items():
        assert metric.name == name
        assert metric.low < metric.high
        assert metric.better in ("higher", "lower", None)
        assert metric.source.strip()
        assert metric.summary.endswith(".")
        assert not metric.summary.endswith("..")
        assert ". " not in metric.summary  # one sentence
        assert "  " not in metric.summary
        assert metric.summary[0].isupper()


def test_directions():
    better = {
        name: metric.better
        for module in (faithfulness, agreement, sharpness)
        for name, metric in module.METRICS.items()
    }
    lower = {"aopc-sufficiency", "log-odds", "flip-share", "deletion-auc", "special-token-mass"}
    lower |= {"polarity-violation", "infidelity", "max-sensitivity", "completeness-error"}
    assert {better[name] for name in lower} == {"lower"}
    higher = {"aopc-comprehensiveness", "range-normalised-comprehensiveness", "top-unit-flips", "insertion-auc"}
    assert {better[name] for name in higher} == {"higher"}
    descriptive = {"entropy", "normalised-entropy", "effective-words", "gini", "top-1-mass", "top-3-mass"}
    assert {better[name] for name in descriptive | {"leave-one-out-tau"}} == {None}
