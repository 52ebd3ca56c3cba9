"""Agreement metrics against values worked by hand and second arithmetic in plain Python."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from explainable_bert.errors import InputError
from explainable_bert.metrics.agreement import (
    completeness_error,
    infidelity,
    leave_one_out_tau,
    max_sensitivity,
    polarity_violation,
)

# No number so small that its square is lost, and many ties.
number = st.one_of(st.integers(-3, 3).map(float), st.floats(-10, 10).map(lambda value: round(value, 4)))
positive = st.floats(0.01, 100)


def pairs(min_size=1):
    return st.lists(st.tuples(number, number), min_size=min_size, max_size=11)


def tau_b(pairs):
    concordant = sum(
        np.sign((a - c) * (b - d)) for i, (a, b) in enumerate(pairs) for c, d in pairs[:i] if a != c and b != d
    )
    untied_first = sum(a != c for i, (a, _) in enumerate(pairs) for c, _ in pairs[:i])
    untied_second = sum(b != d for i, (_, b) in enumerate(pairs) for _, d in pairs[:i])
    return concordant / math.sqrt(untied_first * untied_second) if untied_first and untied_second else None


@pytest.mark.parametrize(
    ("scores", "drops", "tau"),
    [
        ([0.1, 0.2, 0.7], [0, 1, 2], 1),
        ([0.1, 0.2, 0.7], [2, 1, 0], -1),
        ([1, 2, 3, 4], [1, 2, 4, 3], 4 / 6),  # 5 pairs in order, 1 not, of 6
        ([1, 1, 2], [1, 2, 3], 2 / math.sqrt(2 * 3)),  # 2 in order; 2 untied scores, 3 untied drops
        ([1, 2], [5, 9], 1),
        ([1, 1, 1], [1, 2, 3], None),
        ([1, 2, 3], [4, 4, 4], None),
        ([1], [2], None),
        ([], [], None),
    ],
)
def test_leave_one_out_tau(scores, drops, tau):
    found = leave_one_out_tau(np.array(scores, dtype=float), np.array(drops, dtype=float))
    assert found == (tau if tau is None else pytest.approx(tau))


@settings(deadline=None)  # the first call imports SciPy
@given(pairs(), positive, st.randoms(use_true_random=False))
def test_leave_one_out_tau_as_defined(pairs, scale, random):
    scores, drops = np.array(pairs).T
    value = leave_one_out_tau(scores, drops)
    expected = tau_b(pairs)
    assert value == (expected if expected is None else pytest.approx(expected))
    assert value is None or -1 <= value <= 1
    order = random.sample(range(len(pairs)), len(pairs))
    assert leave_one_out_tau(scores[order], drops[order]) == (value if value is None else pytest.approx(value))
    opposite = leave_one_out_tau(-scores * scale, drops)
    assert opposite == (value if value is None else pytest.approx(-value))


@pytest.mark.parametrize(
    ("scores", "drops", "share"),
    [
        ([1, -2, 3, -4], [0.1, -0.1, -0.1, 0.1], 0.5),
        ([1, 2, 3], [0.1, 0.2, 0.3], 0),
        ([-1, 2], [1, -1], 1),
        ([0, 0, 1, 0], [0, 1, 0, -1], 0.75),  # right on nothing alone; silence on 1 and -1, and 1 for nothing
        ([], [], None),
    ],
)
def test_polarity_violation(scores, drops, share):
    assert polarity_violation(np.array(scores, dtype=float), np.array(drops, dtype=float)) == share


@given(pairs(), positive)
def test_polarity_violation_bounds_and_scale(pairs, scale):
    scores, drops = np.array(pairs).T
    value = polarity_violation(scores, drops)
    wrong = sum((a > 0) != (b > 0) or (a < 0) != (b < 0) for a, b in pairs)
    assert value == pytest.approx(wrong / len(pairs))
    assert polarity_violation(scores[::-1] * scale, drops[::-1]) == pytest.approx(value)
    assert polarity_violation(drops, drops) == 0
    assert polarity_violation(-drops, drops) == pytest.approx(sum(b != 0 for _, b in pairs) / len(pairs))


def test_infidelity_by_hand():
    scores = np.array([1.0, 2.0])
    erased = np.array([[True, False], [False, True], [True, True]])
    # Iᵀφ = 1, 2, 3; Δ = 2, 4, 3: β = (2 + 8 + 9)/(1 + 4 + 9) = 19/14
    # errors 2 - 19/14 = 9/14, 4 - 38/14 = 18/14, 3 - 57/14 = -15/14; squares 81, 324, 225 of 196: 630/196/3
    assert infidelity(scores, erased, np.array([2.0, 4.0, 3.0])) == pytest.approx(630 / 196 / 3)


def test_infidelity_where_no_draw_erases_a_score():
    drops = np.array([1.0, -3.0])  # β = 0: (1 + 9) / 2
    erased = np.array([[True, False], [True, False]])
    assert infidelity(np.array([0.0, 7.0]), erased, drops) == pytest.approx(5)
    assert infidelity(np.array([4.0, 7.0]), np.zeros((2, 2), dtype=bool), drops) == pytest.approx(5)
    assert infidelity(np.zeros(2), erased, drops) == pytest.approx(5)


draws = st.integers(1, 5).flatmap(
    lambda n_units: st.tuples(
        st.lists(number, min_size=n_units, max_size=n_units),
        st.lists(
            st.tuples(st.lists(st.booleans(), min_size=n_units, max_size=n_units), number), min_size=1, max_size=7
        ),
    )
)


@given(draws, positive, st.floats(-5, 5))
def test_infidelity_is_the_least_of_all_scales(case, scale, other_beta):
    scores, rows = case
    erased, drops = np.array([row for row, _ in rows]), np.array([drop for _, drop in rows])
    value = infidelity(np.array(scores), erased, drops)
    forecasts = [math.fsum(s for s, out in zip(scores, row, strict=True) if out) for row, _ in rows]
    assume(all(forecast == 0 or abs(forecast) > 1e-6 for forecast in forecasts))
    squares = sum(forecast**2 for forecast in forecasts)
    beta = sum(f * d for f, (_, d) in zip(forecasts, rows, strict=True)) / squares if squares else 0

    def mean_error(beta):
        return sum((d - beta * f) ** 2 for f, (_, d) in zip(forecasts, rows, strict=True)) / len(rows)

    assert value == pytest.approx(mean_error(beta), abs=1e-9)
    assert 0 <= value <= mean_error(other_beta) + 1e-9
    assert infidelity(np.array(scores) * scale, erased, drops) == pytest.approx(value, abs=1e-9)
    assert infidelity(np.array(scores)[::-1], erased[:, ::-1], drops) == pytest.approx(value, abs=1e-9)


@given(draws, positive)
def test_infidelity_of_a_linear_model_is_zero(case, scale):
    scores, rows = case
    erased = np.array([row for row, _ in rows])
    drops = np.array([math.fsum(s for s, out in zip(scores, row, strict=True) if out) for row, _ in rows])
    assert infidelity(np.array(scores) * scale, erased, drops) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("scale", [1e-250, 1e250])
def test_infidelity_of_scores_whose_squares_are_no_floats(scale):
    erased, drops = np.eye(2, dtype=bool), np.array([1.0, 2.0])
    assert infidelity(np.array([1.0, 2.0]) * scale, erased, drops) == pytest.approx(0)


def test_max_sensitivity_by_hand():
    scores = np.array([3.0, -4.0])  # norm 5
    perturbed = np.array([[3.0, -4.0], [3.0, 0.0], [0.0, -3.0]])  # changes 0, 4, √(9 + 1)
    assert max_sensitivity(scores, perturbed) == pytest.approx(0.8)
    assert max_sensitivity(scores, perturbed[[0, 2]]) == pytest.approx(math.sqrt(10) / 5)
    assert max_sensitivity(scores, perturbed[:1]) == 0


def test_max_sensitivity_of_nothing():
    assert max_sensitivity(np.zeros(3), np.ones((2, 3))) is None
    assert max_sensitivity(np.ones(3), np.ones((0, 3))) is None


@given(draws, positive)
def test_max_sensitivity_as_defined(case, scale):
    scores, rows = case
    assume(any(scores))
    perturbed = np.array([[score + drop * out for score, out in zip(scores, row, strict=True)] for row, drop in rows])
    value = max_sensitivity(np.array(scores), perturbed)
    norm = math.hypot(*scores)
    assert value == pytest.approx(max(math.dist(row, scores) for row in perturbed.tolist()) / norm)
    assert max_sensitivity(np.array(scores) * scale, perturbed * scale) == pytest.approx(value)
    assert max_sensitivity(np.array(scores), perturbed[::-1]) == value
    assert max_sensitivity(np.array(scores), perturbed[:1]) <= value


def test_completeness_error():
    assert completeness_error(0.5, np.array([1.0, -2.0]), -0.25) == pytest.approx(0.25)  # .5 + 1 - 2 + .25
    assert completeness_error(0.5, np.array([]), 0.5) == 0
    # in single precision 1e8 + 1 is 1e8
    assert completeness_error(0.0, np.array([1e8, 1, -1e8], dtype=np.float32), 1.0) == 0


@given(number, st.lists(number, max_size=7), number)
def test_completeness_error_as_defined(bias, scores, logit):
    value = completeness_error(bias, np.array(scores, dtype=float), logit)
    assert value == pytest.approx(abs(math.fsum([bias, *scores, -logit])), abs=1e-12)
    assert completeness_error(-bias, -np.array(scores, dtype=float), -logit) == pytest.approx(value)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_numbers_that_are_not_finite(bad):
    good, wrong = np.array([1.0, 2.0]), np.array([1.0, bad])
    erased = np.eye(2, dtype=bool)
    for name, call in [
        ("scores", lambda: leave_one_out_tau(wrong, good)),
        ("drops", lambda: leave_one_out_tau(good, wrong)),
        ("scores", lambda: polarity_violation(wrong, good)),
        ("drops", lambda: polarity_violation(good, wrong)),
        ("scores", lambda: infidelity(wrong, erased, good)),
        ("drops", lambda: infidelity(good, erased, wrong)),
        ("scores", lambda: max_sensitivity(wrong, good[None])),
        ("perturbed", lambda: max_sensitivity(good, wrong[None])),
        ("scores", lambda: completeness_error(0.0, wrong, 0.0)),
        ("bias, logit", lambda: completeness_error(bad, good, 0.0)),
        ("bias, logit", lambda: completeness_error(0.0, good, bad)),
    ]:
        with pytest.raises(InputError, match=rf"^{name}: .* given; accepted: all finite$"):
            call()


def test_infidelity_without_draws():
    with pytest.raises(InputError, match=r"^drops: none given; accepted: one for each draw, at least 1$"):
        infidelity(np.ones(2), np.ones((0, 2), dtype=bool), np.array([]))


def test_importing_the_metrics_imports_nothing_heavy():
    names = ", ".join(f"explainable_bert.metrics.{name}" for name in ("agreement", "faithfulness", "sharpness"))
    code = f"import sys, {names}; print(sorted({{'torch', 'scipy', 'sklearn'}} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
