"""Comparing two models: shares worked by hand, one scale for all rows, names that tell the models apart."""

import dataclasses

import pytest

from explainable_bert.export.comparison import compare, names, shares
from export_samples import explain, from_vanilla


def scores(explanation):
    return pytest.approx(explanation.attribution.scores)


def test_a_model_beside_itself_is_told_apart_by_its_place():
    assert names(explain(), explain())[0].endswith(" (first)")
    assert names(explain(), explain())[1].endswith(" (second)")


def test_a_share_is_of_the_sum_of_absolute_scores():
    assert shares((1.0, -3.0, 0.0), signed=True) == (0.25, -0.75, 0.0)
    assert shares((1.0, -3.0, 0.0), signed=False) == (0.25, 0.75, 0.0)
    assert shares((0.0, 0.0), signed=True) == (0.0, 0.0)
    assert shares((), signed=True) == ()
    assert shares((float("inf"), 2.0, -2.0), signed=True)[1:] == (0.5, -0.5)


def test_signed_scores_are_compared_with_their_sign():
    # 4 of 10 towards and 6 of 10 against; 1 of 2 both towards: 0.5 - 0.4 and 0.5 + 0.6.
    found = compare(explain("a b", (4.0, -6.0)), from_vanilla(text="a b", scores=(1.0, 1.0)))
    assert scores(found.base) == (0.4, -0.6)
    assert scores(found.versus) == (0.5, 0.5)
    assert scores(found.difference) == (0.1, 1.1)
    assert found.scale == pytest.approx(1.1)
    assert [item.attribution.signed for item in (found.base, found.versus, found.difference)] == [True] * 3


@pytest.mark.parametrize("unsigned", [0, 1])
def test_absolute_shares_are_compared_if_one_has_no_sign(unsigned):
    signed = [True, True]
    signed[unsigned] = False
    base = explain("a b", (4.0, -6.0), signed=signed[0])
    found = compare(base, from_vanilla(text="a b", scores=(1.0, 1.0), signed=signed[1]))
    assert scores(found.base) == (0.4, 0.6)
    assert scores(found.difference) == (0.1, -0.1)
    assert found.scale == pytest.approx(0.6)
    assert [item.attribution.signed for item in (found.base, found.versus, found.difference)] == [False, False, True]


@pytest.mark.parametrize(
    ("models", "methods", "expected"),
    [
        (("tickets", "twin of\ntickets"), ("a", "a"), ("tickets", "twin of tickets")),
        (("tickets", "twin"), ("a", "b"), ("additive · a", "vanilla · b")),
        (("tickets", "runs/twin"), ("a", "a"), ("additive · a", "vanilla · a")),
        (("tickets", r"runs\twin"), ("a", "a"), ("additive · a", "vanilla · a")),
        (("tickets", "t" * 33), ("a", "a"), ("additive · a", "vanilla · a")),
        (("tickets", ""), ("a", "a"), ("additive · a", "vanilla · a")),
        (("tickets", "tickets"), ("a", "a"), ("additive · a", "vanilla · a")),
    ],
)
def test_models_are_called_by_their_own_names_where_these_are_short(models, methods, expected):
    base, versus = (
        dataclasses.replace(made(method=method), provenance=dataclasses.replace(made().provenance, model=model))
        for made, model, method in zip((explain, from_vanilla), models, methods, strict=True)
    )
    assert names(base, versus) == expected


def test_names_say_as_much_as_is_needed():
    base = explain()
    assert names(base, from_vanilla()) == ("additive · contributions", "vanilla · attention")
    other = dataclasses.replace(base, provenance=dataclasses.replace(base.provenance, model="runs/b"))
    assert names(base, other) == ("additive · contributions · runs/a", "additive · contributions · runs/b")
    other = dataclasses.replace(base, provenance=dataclasses.replace(base.provenance, fingerprint="f" * 64))
    assert [name.rsplit(" · ", 1)[1] for name in names(base, other)] == ["0123456789ab", "ffffffffffff"]
