"""Bounds on a model's numbers: which rows they are held against, and on which side of the limit a row passes."""

import io
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from explainable_bert.evaluation.bounds import BOUNDS, Bounded, bounded
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.interfaces.terminal import print_bounds
from explainable_bert.results import SummaryRow


def row(metric="accuracy", value=0.8, method=None, low=None, high=None):
    return SummaryRow("tiny", "lexical", method, metric, value, low, high, 10)


@pytest.mark.parametrize(
    ("relation", "value", "passed"),
    [
        ("at least", 0.8, True),
        ("at least", math.nextafter(0.8, 0), False),
        ("at least", math.nextafter(0.8, 1), True),
        ("at most", 0.8, True),
        ("at most", math.nextafter(0.8, 1), False),
        ("at most", math.nextafter(0.8, 0), True),
        ("at least", None, False),
        ("at most", None, False),
    ],
)
def test_a_value_on_the_limit_passes_and_one_beyond_does_not(relation, value, passed):
    assert Bounded(row(value=value), relation, 0.8).passed is passed


def test_the_value_decides_and_not_its_interval():
    assert Bounded(row(value=0.8, low=0.5, high=0.9), "at least", 0.75).passed
    assert not Bounded(row(value=0.7, low=0.5, high=0.9), "at least", 0.75).passed


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_a_value_fails_on_one_side_unless_it_is_the_limit(value, limit):
    passed = [Bounded(row(value=value), relation, limit).passed for relation in ("at least", "at most")]
    assert passed == ([True, True] if value == limit else [value > limit, value < limit])


def test_a_limit_that_is_no_number_is_kept_by_nothing():
    assert not any(Bounded(row(), relation, math.nan).passed for relation in ("at least", "at most"))


def test_limits_are_held_against_the_rows_of_the_method_and_of_the_model():
    rows = [
        row("accuracy", 0.8),
        row("effective-words", 4.0, "built-in"),
        row("effective-words", 9.0, "random"),
        row("special-token-mass", 0.1),
        row("macro-f1", 0.7),
    ]
    limits = {"max-effective-words": 5.0, "min-accuracy": 0.9, "max-special-token-mass": 0.1}
    found = bounded(rows, limits, "built-in")
    assert [(item.row, item.relation, item.limit, item.passed) for item in found] == [
        (rows[1], "at most", 5.0, True),
        (rows[0], "at least", 0.9, False),
        (rows[3], "at most", 0.1, True),
    ]
    assert [item.row for item in bounded(rows, {"max-effective-words": 5.0}, "random")] == [rows[2]]
    assert bounded(rows, {}, "built-in") == []


@pytest.mark.parametrize("name", BOUNDS)
def test_every_bound_is_on_the_worse_side_of_its_metric(name):
    metric, relation = BOUNDS[name]
    assert name.startswith({"at least": "min-", "at most": "max-"}[relation])
    # A descriptive metric may be bounded from either side; of the others the better side has to stay open.
    better = MEASURES[metric].metric.better
    assert better in (None, {"at least": "higher", "at most": "lower"}[relation])


def printed(*found):
    out = io.StringIO()
    print_bounds(Console(file=out, width=40), found)
    return out.getvalue().splitlines()


def test_one_line_for_each_bound():
    lines = printed(
        Bounded(row(value=0.8123, low=0.7, high=0.9), "at least", 0.75),
        Bounded(row("effective-words", 6.5, "built-in"), "at most", 5.0),
        Bounded(row("macro-f1", None), "at least", 0.5),
    )
    assert [" ".join(line.split()) for line in lines] == [
        "pass accuracy 0.812 (0.700 to 0.900) at least 0.75",
        "FAIL effective-words 6.500 at most 5",
        "FAIL macro-f1 undefined at least 0.5",
    ]


def test_a_near_miss_is_not_printed_as_the_limit():
    (line,) = printed(Bounded(row(value=0.79996), "at least", 0.8))
    assert " ".join(line.split()) == "FAIL accuracy 0.799960 at least 0.8"
