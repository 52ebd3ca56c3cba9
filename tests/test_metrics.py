"""Metrics against values worked by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.errors import InputError
from explainable_bert.metrics.classification import accuracy, accuracy_standard_error
from explainable_bert.metrics.sharpness import effective_units


def test_accuracy():
    assert accuracy(["a", "b", "a", "c"], ["a", "b", "b", "c"]) == 0.75
    with pytest.raises(InputError, match="1 and 2 labels given"):
        accuracy(["a"], ["a", "b"])
    with pytest.raises(InputError, match="0 and 0 labels given"):
        accuracy([], [])


def test_accuracy_standard_error():
    assert accuracy_standard_error(0.9, 900) == pytest.approx(0.01)  # √(.9 · .1 / 900)
    assert accuracy_standard_error(1.0, 5) == 0
    for given_accuracy, n_rows in ((1.1, 5), (-0.1, 5), (0.5, 0)):
        with pytest.raises(InputError, match=r"accepted: \[0, 1\] and at least 1"):
            accuracy_standard_error(given_accuracy, n_rows)


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


@pytest.mark.parametrize("scores", [[], [1.0, math.nan], [math.inf]])
def test_effective_units_of_what_is_no_score(scores):
    with pytest.raises(InputError, match=r"^scores: "):
        effective_units(np.array(scores))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=17), st.floats(1e-3, 1e3))
def test_effective_units_bounds_and_scale(scores, factor):
    value = effective_units(np.array(scores))
    assert 1 <= value <= len(scores)
    assert effective_units(np.array(scores)[::-1]) == pytest.approx(value)
    if all(score == 0 or abs(score) > 1e-6 for score in scores):
        assert effective_units(np.array(scores) * factor) == pytest.approx(value)
