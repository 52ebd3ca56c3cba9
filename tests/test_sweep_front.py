"""Records of points by hand: what is kept, the numbers made of it, the front and the pick."""

import dataclasses
import json

import numpy as np
import pytest

from explainable_bert.errors import FileError, InputError
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.summary import Column
from explainable_bert.results import Difference
from explainable_bert.sweep import front as fronts
from explainable_bert.sweep.front import View, front, front_rows, is_settled, lies_within, nearest, pick
from explainable_bert.sweep.record import Explained, Measured, PointRecord, Predicted
from explainable_bert.sweep.verdicts import verdict_on_test, verdicts
from frontier_samples import ROWS, row

VIEW = View("films validation", "films validation", None, EvaluationSettings(("built-in",), (fronts.FAITHFULNESS,)))
N_ROWS = 40


def record(arm, seed, n_right, gained, words=3.0, **changes):
    """A point that is right on the first rows; of what the best of a search gains, it gains a share."""
    values = tuple((gained, 0.0, 1.0) for _ in range(5))
    measures = (
        Measured("built-in", fronts.FAITHFULNESS, values),
        Measured("built-in", fronts.SHARPNESS, (words, None, words, words, words)),
    )
    fields = {
        "design": arm.partition(" ")[0],
        "asked": {"arm": {"name": arm}},
        "predicted": {VIEW.predicted: Predicted("rows", "1" * n_right + "0" * (N_ROWS - n_right))},
        "explained": {VIEW.explained: Explained("texts", measures)},
        "n_parameters": 100,
        "best_epoch": 2,
        "training_s": 3.5,
        "measuring_s": 1.25,
        "versions": {"torch": "2"},
        "machine": "a machine",
    }
    return PointRecord(arm=arm, seed=seed, **{**fields, **changes})


# --- records -------------------------------------------------------------------------------------------------------


def test_a_record_survives_its_file(tmp_path):
    kept = record("lexical é", 7, 30, 0.5)
    kept.save(tmp_path / "point.json")
    assert PointRecord.load(tmp_path / "point.json") == kept
    assert (
        json.loads((tmp_path / "point.json").read_text())["predicted"]["films validation"]["right"][:31]
        == "1" * 30 + "0"
    )


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"predicted": {}, "explained": {}, "else": 1}', '{"predicted": 3}']
)
def test_what_is_no_record(tmp_path, content):
    (tmp_path / "point.json").write_text(content)
    with pytest.raises(InputError, match=r"point\.json.* no record"):
        PointRecord.load(tmp_path / "point.json")
    with pytest.raises(FileError):
        PointRecord.load(tmp_path / "other.json")


def test_columns_are_kept_to_six_digits_and_read_back():
    column = Column("built-in", "effective-words", (1, 3), np.array([[1.23456789], [1234567.8]]), 1)
    kept = Measured.of(column, 4)
    assert kept == Measured("built-in", "effective-words", (1.23457, None, 1234570.0, None))
    assert (kept.column.rows, kept.column.values.tolist()) == ((1, 3), [[1.23457], [1234570.0]])
    assert kept.column.n_undefined == 2
    of_several = Measured.of(Column("a", "b", (2,), np.array([[1 / 3, 2.0]]), 0), 2)
    assert of_several.values == (None, (0.333333, 2.0))
    assert of_several.column.values.tolist() == [[0.333333, 2.0]]
    assert Measured("a", "b", (None,)).column.values.shape == (0, 0)


def test_predictions_are_a_column_of_accuracy():
    assert Predicted("x", "1001").column.values.ravel().tolist() == [1, 0, 0, 1]
    assert record("a", 0, 1, 1.0).explained[VIEW.explained].column("gini", "built-in") is None


# --- arms ----------------------------------------------------------------------------------------------------------


def test_numbers_are_means_over_seeds_and_differences_are_to_the_reference():
    records = [
        *[record("vanilla", 0, 30, 0.2), record("vanilla", 1, 34, 0.4)],
        *[record("lexical", 0, 28, 0.6), record("lexical", 1, 30, 0.9)],
    ]
    reference, found = front_rows(records, VIEW, "vanilla")
    assert (found.arm, found.design, found.seeds) == ("lexical", "lexical", (0, 1))
    # (28 + 30) / 2 / 40 and (30 + 34) / 2 / 40; the share of the search's gain is .6 and .9, .2 and .4.
    assert found.accuracy.value == pytest.approx(0.725)
    assert found.accuracy_difference.value == pytest.approx(-0.075)
    assert found.faithfulness.value == pytest.approx(0.75)
    assert found.faithfulness_difference.value == pytest.approx(0.45)
    assert found.accuracy.low < 0.725 < found.accuracy.high
    assert found.accuracy_difference.low < -0.075 < found.accuracy_difference.high
    assert (found.sharpness.value, found.sharpness.n, found.sharpness.n_undefined) == (3.0, 4, 1)
    assert found.plausibility is None
    assert (reference.accuracy_difference, reference.faithfulness_difference) == (None, None)


def test_one_row_has_no_interval():
    short = {VIEW.predicted: Predicted("rows", "1")}
    records = [record("vanilla", 0, 1, 0.2, predicted=short), record("lexical", 0, 1, 0.2, predicted=short)]
    found = front_rows(records, VIEW, "vanilla")[1]
    assert found.accuracy_difference == Difference(0.0, None, None)
    assert lies_within(found, 0.5)
    assert not is_settled(found, 0.5)


def test_points_have_to_be_of_the_same_texts_and_beside_the_reference():
    records = [record("vanilla", 0, 30, 0.2), record("lexical", 0, 28, 0.6)]
    with pytest.raises(InputError, match="'vanilla'"):
        front_rows(records[1:], VIEW, "vanilla")
    for changes in (
        {"predicted": {VIEW.predicted: Predicted("other rows", "1" * N_ROWS)}},
        {"explained": {VIEW.explained: Explained("other texts", records[1].explained[VIEW.explained].measures)}},
    ):
        with pytest.raises(InputError, match=r"'lexical'.*other texts"):
            front_rows([records[0], dataclasses.replace(records[1], **changes)], VIEW, "vanilla")
    unmeasured = dataclasses.replace(records[1], explained={VIEW.explained: Explained("texts", ())})
    with pytest.raises(InputError, match=r"comprehensiveness.*lexical"):
        front_rows([records[0], unmeasured], VIEW, "vanilla")


# --- the front and the pick ----------------------------------------------------------------------------------------


def test_the_front_is_what_nothing_beats():
    rows = (
        row("vanilla", 0.9, 0.3),
        row("both worse", 0.88, 0.29),
        row("as accurate, less faithful", 0.9, 0.2),
        row("as faithful, less accurate", 0.8, 0.6),
        row("faithful", 0.85, 0.6),
        row("its double", 0.85, 0.6),
        row("undefined", 0.95, None),
    )
    assert front(rows) == ("vanilla", "faithful", "its double")


def test_the_pick_is_the_most_faithful_within_the_constraint():
    rows = (
        row("vanilla", 0.9, 0.95),
        row("too far", 0.8949, 0.9),
        row("at the edge", 0.895, 0.7),
        row("undefined", 0.9, None),
        row("better but less faithful", 0.91, 0.6),
    )
    assert pick(rows, 0.5).arm == "at the edge"
    assert pick(rows, 0.49).arm == "better but less faithful"
    assert pick(rows, 0.51).arm == "too far"
    assert nearest(rows).arm == "better but less faithful"


def test_of_equally_faithful_ones_the_more_accurate_is_picked():
    rows = (row("vanilla", 0.9, 0.3), row("a", 0.896, 0.7), row("b", 0.898, 0.7), row("c", 0.897, 0.7))
    assert pick(rows, 0.5).arm == "b"


def test_where_none_lies_within_the_nearest_is_named():
    rows = (row("vanilla", 0.9, 0.3), row("far", 0.8, 0.9), row("less far", 0.87, 0.6))
    assert pick(rows, 0.5) is None
    assert nearest(rows).arm == "less far"
    said = list(verdicts(rows, "vanilla", 0.5, None, front(rows)))
    assert said[0].startswith("No pick: no arm lies within 0.5 points of vanilla's accuracy. The nearest is less far. ")
    assert "Accuracy 0.870, 3.0 points below vanilla's (95 % interval of the difference -4.2 to -1.8)" in said[0]
    assert "shown to lie beyond 0.5 points" in said[0]
    assert said[1].endswith(": vanilla; far; less far.")


@pytest.mark.parametrize(
    ("low", "high", "n", "settled"),
    [
        (-0.004, 0.01, 500, True),
        (-0.005, 0.01, 500, True),
        (-0.02, 0.01, 500, False),
        (-0.02, -0.006, 500, True),
        (None, None, 500, False),
        # On so many rows .995^n of the models that differ on one text in 200 would not have shown it.
        (0.0, 0.0, 597, False),
        (0.0, 0.0, 598, True),
    ],
)
def test_the_constraint_is_settled_where_the_whole_interval_lies_on_one_side(low, high, n, settled):
    found = row("lexical", 0.9, 0.5, accuracy_difference=Difference(0.0, low, high))
    found = dataclasses.replace(found, accuracy=dataclasses.replace(found.accuracy, n=n))
    assert is_settled(found, 0.5) is settled


def test_the_pick_is_said_with_what_is_sure_of_it():
    picked = pick(ROWS, 0.5)
    said = list(verdicts(ROWS, "vanilla", 0.5, picked, front(ROWS)))
    assert said[0] == (
        "Pick: lexical value_layer=1 attention_function=entmax15, the most faithful of the 4 arms within 0.5 points of "
        "vanilla's accuracy. Accuracy 0.897, 0.3 points below vanilla's (95 % interval of the difference -1.5 to "
        "+0.9), so that it lies beyond 0.5 points is not ruled out. Faithfulness 0.712, 0.412 above vanilla's "
        "(95 % interval of the difference +0.362 to +0.462)."
    )
    assert "lexical value_layer=2" not in said[1]
    level = row(picked.arm, 0.9, 0.28, faithfulness_difference=Difference(-0.02, -0.1, 0.06))
    tested = verdict_on_test([row("vanilla", 0.9, 0.3), level], picked, "vanilla", 0.5)
    assert "the constraint holds there too. Accuracy 0.900, level with vanilla's" in tested
    assert "0.020 below vanilla's" in tested
    assert tested.endswith(", no difference shown.")
    far = row(picked.arm, 0.85, None)
    assert "does not hold there" in verdict_on_test([ROWS[0], far], picked, "vanilla", 0.5)
    assert "undefined for one" in verdict_on_test([ROWS[0], far], picked, "vanilla", 0.5)


def test_nothing_to_pick_from():
    assert next(verdicts(ROWS[:1], "vanilla", 0.5, None, ())) == "No pick: no arm beside vanilla was measured."
    undefined = (ROWS[0], row("lexical", 0.9, None))
    assert "undefined" in next(verdicts(undefined, "vanilla", 0.5, pick(undefined, 0.5), ()))
