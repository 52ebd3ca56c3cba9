"""Sharpness against values worked by hand and second arithmetic."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from explainable_bert.errors import InputError
from explainable_bert.metrics.sharpness import effective_units, entropy, gini, normalised_entropy, top_mass

score_lists = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=17)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3.0], 1),
        ([0, 5, 0], 1),
        ([1, 1, 1, 1, 0], 4),
        ([-2, 2], 2),
        ([2, -1, 1], 2**1.5),  # shares 1/2, 1/4, 1/4: entropy 1.5 ln 2
        ([0, 0, 0], 3),
    ],
)
def test_effective_units(scores, expected):
    assert effective_units(np.array(scores, dtype=float)) == pytest.approx(expected)


@given(score_lists, st.floats(1e-3, 1e3))
def test_effective_units_bounds_and_scale(scores, factor):
    value = effective_units(np.array(scores))
    assert 1 <= value <= len(scores)
    assert effective_units(np.array(scores)[::-1]) == pytest.approx(value)
    if all(score == 0 or abs(score) > 1e-6 for score in scores):
        assert effective_units(np.array(scores) * factor) == pytest.approx(value)


@pytest.mark.parametrize(
    ("scores", "nats", "share"),
    [
        ([3.0], 0, None),
        ([0.0], 0, None),
        ([0, 5, 0], 0, 0),
        ([1, -1, 1], math.log(3), 1),
        ([0, 0, 0], math.log(3), 1),
        ([2, -1, 1, 0], 1.5 * math.log(2), 0.75),  # of ln 4 = 2 ln 2
    ],
)
def test_entropy(scores, nats, share):
    assert entropy(np.array(scores, dtype=float)) == pytest.approx(nats)
    assert normalised_entropy(np.array(scores, dtype=float)) == (share if share is None else pytest.approx(share))


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3.0], 0),
        ([1, 1, -1, 1], 0),
        ([0, 0, 0, -8], 0.75),  # 1 - 1/4
        ([3, -1], 0.25),  # (-1 · 1 + 1 · 3) / (2 · 4)
        ([6, 0, -3, 1], 0.5),  # (-3 · 0 - 1 · 1 + 1 · 3 + 3 · 6) / (4 · 10)
        ([0, 0], None),
    ],
)
def test_gini(scores, expected):
    assert gini(np.array(scores, dtype=float)) == (expected if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("scores", "k", "expected"),
    [
        ([1, -5, 2, 2], 1, 0.5),
        ([1, -5, 2, 2], 3, 0.9),
        ([1, -5, 2, 2], 4, 1),
        ([1, -5], 3, 1),
        ([0, 0], 1, None),
        ([0, 0], 3, None),
    ],
)
def test_top_mass(scores, k, expected):
    assert top_mass(np.array(scores, dtype=float), k) == (expected if expected is None else pytest.approx(expected))


@settings(deadline=None)
@given(score_lists, st.integers(1, 19))
def test_as_defined(scores, k):
    array, magnitudes = np.array(scores), [abs(score) for score in scores]
    if sum(magnitudes) < 1e-3:
        return
    total = math.fsum(magnitudes)
    assert entropy(array) == pytest.approx(stats.entropy(magnitudes), abs=1e-9)
    assert effective_units(array) == pytest.approx(math.exp(entropy(array)))
    # half the relative mean difference
    differences = math.fsum(abs(a - b) for a in magnitudes for b in magnitudes)
    assert gini(array) == pytest.approx(differences / (2 * len(scores) * total), abs=1e-9)
    assert top_mass(array, k) == pytest.approx(math.fsum(sorted(magnitudes, reverse=True)[:k]) / total, abs=1e-9)


@given(score_lists, st.randoms(use_true_random=False), st.floats(1e-3, 1e3))
def test_bounds_order_and_scale(scores, random, factor):
    array = np.array([0.0 if abs(score) < 1e-3 else score for score in scores])
    moved = array[random.sample(range(array.size), array.size)] * -factor
    upper = {entropy: math.log(array.size), normalised_entropy: 1, gini: 1 - 1 / array.size}
    for metric, highest in upper.items():
        value = metric(array)
        assert value is None or 0 <= value <= highest
        assert metric(moved) == (value if value is None else pytest.approx(value, abs=1e-9))
    masses = [top_mass(array, k) for k in range(1, array.size + 2)]
    if array.any():
        assert all(low <= high + 1e-12 for low, high in pairwise(masses))
        assert 1 / array.size - 1e-12 <= masses[0]
        assert masses[-2:] == [1, 1]
    else:
        assert set(masses) == {None}


@given(
    st.lists(st.floats(0.01, 100), min_size=2, max_size=11),
    st.data(),
    st.floats(0, 1),
)
def test_what_moves_from_a_smaller_to_a_larger_score_sharpens(scores, data, share):
    i, j = data.draw(st.lists(st.integers(0, len(scores) - 1), min_size=2, max_size=2, unique=True))
    small, large = (i, j) if scores[i] <= scores[j] else (j, i)
    before, after = np.array(scores), np.array(scores)
    after[small] -= share * before[small]
    after[large] += share * before[small]
    assert entropy(after) <= entropy(before) + 1e-12
    assert normalised_entropy(after) <= normalised_entropy(before) + 1e-12
    assert effective_units(after) <= effective_units(before) + 1e-9
    assert gini(after) >= gini(before) - 1e-12
    for k in (1, 3):
        assert top_mass(after, k) >= top_mass(before, k) - 1e-12


@pytest.mark.parametrize("n_units", range(2, 60))
def test_rounding_leaves_no_bound(n_units):
    even = np.ones(n_units)
    assert entropy(even) <= math.log(n_units)
    assert normalised_entropy(even) <= 1
    assert effective_units(even) <= n_units
    assert gini(even) >= 0


def test_strictly_sharper():
    even, sharp = np.array([1.0, 1.0, 1.0, 1.0]), np.array([2.0, 1.0, 1.0, 0.0])
    assert entropy(sharp) < entropy(even) - 0.1
    assert gini(sharp) > gini(even) + 0.1
    assert top_mass(sharp, 1) > top_mass(even, 1) + 0.1


@given(st.integers(1, 5), st.integers(2, 7), st.integers(0, 99))
def test_the_mean_over_heads_is_no_sharper_than_its_heads(n_heads, n_units, seed):
    heads = np.random.default_rng(seed).dirichlet(np.full(n_units, 0.5), size=n_heads)
    assert entropy(heads.mean(axis=0)) >= np.mean([entropy(head) for head in heads]) - 1e-9


@pytest.mark.parametrize(
    "metric", [effective_units, entropy, normalised_entropy, gini, lambda scores: top_mass(scores, 1)]
)
@pytest.mark.parametrize("scores", [[], [1.0, math.nan], [math.inf]])
def test_what_is_no_score(metric, scores):
    with pytest.raises(InputError, match=r"^scores: .* given; accepted: at least one, all finite$"):
        metric(np.array(scores))


@pytest.mark.parametrize("k", [0, -1])
def test_top_mass_of_no_unit(k):
    with pytest.raises(InputError, match=rf"^k: {k} given; accepted: at least 1$"):
        top_mass(np.ones(3), k)


def test_no_argument_is_changed():
    scores = np.array([1.0, -2.0, 0.0])
    scores.flags.writeable = False
    for metric in (effective_units, entropy, normalised_entropy, gini):
        metric(scores)
    top_mass(scores, 1)
    assert scores.tolist() == [1, -2, 0]
