"""Arms, their grid, the points that they make, and which of these may start."""

import dataclasses

import pytest

from explainable_bert.errors import InputError
from explainable_bert.sweep.arm import Arm, Point, needed, points_of
from explainable_bert.sweep.grid import grid_arms, parse_grid
from explainable_bert.sweep.schedule import Schedule
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import recipe

REQUEST = ModelRequest(base="folder", design="lexical")
SETTINGS = TrainingSettings(epochs=2, masked_fine_tuning=True)


def arm(name, **fields):
    return Arm(name, REQUEST, SETTINGS, **fields)


def refused(call, *parts):
    with pytest.raises(InputError) as caught:
        call()
    for part in parts:
        assert part in str(caught.value)


# --- the grid ------------------------------------------------------------------------------------------------------


def test_values_have_the_types_of_their_fields():
    grid = parse_grid(
        [
            "value_layer=none,0, 2",
            "attention_function=softmax,entmax15",
            "masked_share=0.5,1",
            "epochs=3",
            "masked_fine_tuning=false",
            "learning_rate=none,1e-4",
            "base=minilm,a/folder",
        ]
    )
    assert grid == {
        "value_layer": (None, 0, 2),
        "attention_function": ("softmax", "entmax15"),
        "masked_share": (0.5, 1.0),
        "epochs": (3,),
        "masked_fine_tuning": (False,),
        "learning_rate": (None, 1e-4),
        "base": ("minilm", "a/folder"),
    }
    assert [type(value) for value in grid["masked_share"]] == [float, float]


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ("layer=1", ["'layer=1'", "FIELD=VALUE", "value_layer", "epochs"]),
        ("seed=1,2", ["'seed=1,2'", "FIELD"]),
        ("teacher=x", ["'teacher=x'", "FIELD"]),
        ("value_layer=1.5", ["value_layer", "'1.5'", "whole numbers, none"]),
        ("value_layer", ["value_layer", "''"]),
        ("epochs=none", ["epochs", "'none'", "accepted: whole numbers"]),
        ("masked_share=much", ["masked_share", "'much'", "accepted: numbers"]),
        ("masked_fine_tuning=yes", ["masked_fine_tuning", "'yes'", "true, false"]),
        ("attention_function=relu", ["attention_function", "'relu'", "softmax, entmax15, sparsemax"]),
        ("design=deep", ["design", "'deep'", "vanilla, single-head, additive, lexical"]),
        ("base=", ["base", "''"]),
        ("value_layer=1,1", ["each value once"]),
    ],
)
def test_what_a_grid_cannot_hold_is_named_with_what_it_can(given, parts):
    refused(lambda: parse_grid([given]), *parts)


def test_a_field_comes_once():
    refused(lambda: parse_grid(["epochs=1", "epochs=2"]), "'epochs'", "more than once")


def test_every_combination_is_an_arm_beside_vanilla():
    arms = grid_arms(parse_grid(["value_layer=0,2", "masked_share=0.5,1"]), REQUEST, SETTINGS)
    assert [found.name for found in arms] == [
        "vanilla",
        "lexical value_layer=0 masked_share=0.5",
        "lexical value_layer=0 masked_share=1.0",
        "lexical value_layer=2 masked_share=0.5",
        "lexical value_layer=2 masked_share=1.0",
    ]
    assert arms[0].request == ModelRequest(base="folder", design="vanilla")
    assert arms[0].settings == SETTINGS
    assert arms[3].request == dataclasses.replace(REQUEST, value_layer=2)
    assert arms[2].settings == dataclasses.replace(SETTINGS, masked_share=1.0)
    assert {(found.teacher, found.base) for found in arms} == {(None, None)}


def test_vanilla_teaches_all_others_if_asked():
    grid = parse_grid(["value_layer=0", "design=lexical"])
    taught = grid_arms(grid, REQUEST, SETTINGS, is_taught=True, from_teacher=True, unlabelled=["tweets"])
    assert [(one.name, one.teacher, one.base, one.unlabelled) for one in taught] == [
        ("vanilla", None, None, ()),
        ("lexical value_layer=0", "vanilla", "vanilla", ("tweets",)),
    ]
    refused(lambda: grid_arms({}, REQUEST, SETTINGS, from_teacher=True), "teacher", "from_teacher")
    refused(lambda: grid_arms({}, REQUEST, SETTINGS, unlabelled=["tweets"]), "teacher", "unlabelled")


def test_vanilla_in_the_grid_is_the_reference():
    arms = grid_arms(parse_grid(["design=vanilla,additive"]), REQUEST, SETTINGS, is_taught=True)
    assert [found.name for found in arms] == ["vanilla", "additive"]


def test_designs_with_a_twin_are_trained_by_their_recipe():
    grid = parse_grid(["design=explainable,lexical", "value_layer=0,1"])
    vanilla, *arms = grid_arms(grid, REQUEST, SETTINGS)
    assert (vanilla.settings, vanilla.teacher) == (SETTINGS, None)
    for made in arms:
        is_twin = made.request.design == "explainable"
        assert (made.teacher, made.base) == (("vanilla", "vanilla") if is_twin else (None, None))
        assert made.settings == (recipe(SETTINGS) if is_twin else SETTINGS)
    # What the grid says goes before the recipe, and texts without labels need no other teacher.
    request = dataclasses.replace(REQUEST, design="explainable")
    _, together, apart = grid_arms(parse_grid(["values_apart=false,true"]), request, SETTINGS, unlabelled=["tweets"])
    assert together.settings == dataclasses.replace(recipe(SETTINGS), values_apart=False)
    assert apart.settings == recipe(SETTINGS)
    assert together.unlabelled == ("tweets",)
    refused(lambda: grid_arms(grid, REQUEST, SETTINGS, unlabelled=["tweets"]), "teacher", "unlabelled")


def test_values_out_of_range_are_refused():
    refused(lambda: grid_arms(parse_grid(["epochs=0"]), REQUEST, SETTINGS), "epochs: 0")


# --- arms and points -----------------------------------------------------------------------------------------------


def test_names_become_folders():
    assert Point(arm("lexical value_layer=1 base=a/b"), 3).slug == "lexical-value_layer=1-base=a-b-seed-3"
    assert Point(arm("../é"), 0).slug == "..--seed-0"


def test_points_come_after_what_they_need():
    arms = [arm("c", teacher="b", base="a"), arm("b", base="a"), arm("a")]
    points = points_of(arms, (4, 2))
    assert [(point.arm.name, point.seed) for point in points] == [
        *[("a", 4), ("b", 4), ("c", 4)],
        *[("a", 2), ("b", 2), ("c", 2)],
    ]
    needs = needed(points)
    assert needs[points[5]] == (points[4], points[3])
    assert needs[points[0]] == ()
    assert points[3].settings == dataclasses.replace(SETTINGS, seed=2)


@pytest.mark.parametrize(
    ("arms", "parts"),
    [
        ([arm("a"), arm("a")], ["'a'", "different names"]),
        ([arm("a b"), arm("A/b")], ["a b", "different names"]),
        ([arm(" ")], ["' '", "characters"]),
        ([arm("a" * 300)], ["characters"]),
        ([arm("a", teacher="b")], ["teacher", "'b'", "accepted: a"]),
        ([arm("a", base="b")], ["base", "'b'", "accepted: a"]),
        ([arm("a", teacher="b"), arm("b", base="a")], ["'a' needs 'b'"]),
        ([arm("a", teacher="a")], ["'a' needs 'a'"]),
        ([arm("a", unlabelled=("tweets",))], ["unlabelled", "'a'", "no teacher"]),
        ([Arm("a", ModelRequest(teacher="folder"), teacher="b"), arm("b")], ["teacher", "an arm and a folder"]),
    ],
)
def test_arms_that_cannot_be_swept(arms, parts):
    refused(lambda: points_of(arms, [0]), *parts)


@pytest.mark.parametrize("seeds", [[], [1, 1], [-1]])
def test_seeds_that_cannot_be_swept(seeds):
    refused(lambda: points_of([arm("a")], seeds), "seed")


def test_a_point_without_what_it_needs():
    lonely = Point(arm("a", teacher="b"), 1)
    refused(lambda: needed([lonely, Point(arm("b"), 2)]), "a, seed 1", "'b'")


# --- what may start ------------------------------------------------------------------------------------------------


def scheduled():
    points = points_of([arm("a"), arm("t"), arm("b", teacher="t"), arm("c", base="b")], [0])
    by_name = {point.arm.name: point for point in points}
    return Schedule(needed(points)), by_name


def test_what_others_need_starts_first_and_they_when_it_is_done():
    schedule, points = scheduled()
    assert [schedule.take(), schedule.take(), schedule.take()] == [points["t"], points["a"], None]
    schedule.done(points["a"])
    assert schedule.take() is None
    schedule.done(points["t"])
    assert [schedule.take(), schedule.take()] == [points["b"], None]
    schedule.done(points["b"])
    assert [schedule.take(), schedule.take()] == [points["c"], None]


def test_what_needs_a_failed_point_never_starts():
    schedule, points = scheduled()
    assert schedule.take() == points["t"]
    assert schedule.failed(points["t"]) == (points["b"], points["c"])
    assert [schedule.take(), schedule.take()] == [points["a"], None]
    assert schedule.failed(points["a"]) == ()


def test_what_needs_two_failed_points_is_given_up_once():
    teacher, base, both = points_of([arm("t"), arm("b"), arm("c", teacher="t", base="b")], [0])
    schedule = Schedule(needed([teacher, base, both]))
    assert {schedule.take(), schedule.take()} == {teacher, base}
    assert schedule.failed(teacher) == (both,)
    assert schedule.failed(base) == ()
