"""Panels: which explanations belong together, what is said of each strip, and all of it as plain text."""

import dataclasses

from explainable_bert.export.panels import description, panels, row
from export_samples import explain, from_vanilla, with_map


def test_methods_on_one_text_share_a_panel_and_a_repeated_one_starts_another():
    found = panels([explain(), explain(method="occlusion"), explain("b", (1.0,)), explain(), explain()])
    assert [[row.facts.method for row in panel.rows] for panel in found] == [
        ["contributions", "occlusion"],
        ["contributions"],
        ["contributions"],
        ["contributions"],
    ]
    assert [panel.number for panel in found] == [1, 2, 3, 4]


def test_each_method_has_its_own_scale():
    (panel,) = panels([explain(), explain(scores=(3.0, 0.0, 0.0, 0.0), method="occlusion", signed=False)])
    assert [row.legend.scale for row in panel.rows] == [
        "full colour = 1.00, the largest on this text",
        "full colour = 3.00, the largest on this text",
    ]
    assert [(row.legend.low, row.legend.high) for row in panel.rows] == [
        ("against positive", "towards positive"),
        ("less", "more"),
    ]


def test_the_same_map_is_shown_once():
    (panel,) = panels([with_map(explain()), with_map(explain(method="occlusion")), with_map(from_vanilla())])
    assert [grid.heading for grid in panel.grids] == ["additive", "vanilla"]
    assert panels([explain()])[0].grids == ()


def test_two_models_have_three_rows_and_three_maps_on_one_scale():
    (panel,) = panels([with_map(explain())], [with_map(from_vanilla(), (0.4, 0.0))])
    assert [row.heading for row in panel.rows] == [
        "additive · contributions",
        "vanilla · attention",
        "difference: vanilla · attention minus additive · contributions",
    ]
    assert len({row.strip.scale for row in panel.rows}) == 1
    assert panel.rows[2].facts is None
    assert panel.rows[2].notes == ("shares keep their sign: more is more towards positive",)
    assert [grid.heading for grid in panel.grids] == ["additive · contributions", "vanilla · attention", "difference"]


def test_without_a_sign_on_both_sides_the_difference_says_so():
    (panel,) = panels([explain()], [from_vanilla(signed=False)])
    assert [row.legend.signed for row in panel.rows] == [True, False, True]
    assert panel.rows[2].notes == (
        "absolute shares of the text's total are compared: how much, not in which direction",
    )


def test_where_one_side_has_no_sign_each_keeps_its_own_scale():
    base, versus = explain(), from_vanilla(scores=(1.0, 2.0, 3.0, 4.0), signed=False)
    (panel,) = panels([base], [versus])
    names = panel.rows[0].heading, panel.rows[1].heading
    assert panel.rows[:2] == (row(base, names[0]), row(versus, names[1]))
    assert panel.rows[2].heading == f"difference: {names[1]} minus {names[0]}"
    assert [shown.legend.scale.endswith("the largest on this text") for shown in panel.rows] == [True] * 3


def test_maps_are_compared_only_if_both_have_one():
    assert panels([with_map(explain())], [from_vanilla()])[0].grids == ()


def test_no_score_at_all_is_said_once_per_row():
    (panel,) = panels([explain(scores=(0.0,) * 4)], [from_vanilla(scores=(0.0,) * 4)])
    assert {row.legend.scale for row in panel.rows} == {"no score differs from zero on this text"}


def test_the_description_has_all_words():
    record = dataclasses.replace(with_map(explain(bias=0.5, logit=0.25)), text_pair="more\ntext")
    lines = description(panels([record, explain("b", (1.0,))])).splitlines()
    assert lines[:8] == [
        "Text 1 of 2",
        "predicted positive 75.0% · target positive · design additive · method contributions",
        "good bad so so",
        "more",
        "text",
        "good +0.50; bad -1.00; so +0.25; so +0.00",
        "against positive to towards positive; full colour = 1.00, the largest on this text",
        "bias 0.500 + sum of words -0.250 = logit 0.250 (unrounded difference 0.0e+00)",
    ]
    assert lines[8].startswith("Attention of the final block")
    assert lines[9:11] == ["additive: full colour = 0.75", "Text 2 of 2"]
