"""The benchmark of docs/results.md: its statistics by hand, its corpora, its arms, and its page from the saved JSON."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.paper import corpora, estimates, goals, page, protocol
from benchmarks.paper.estimates import Measurements
from benchmarks.paper.narrow_base import narrow_base
from benchmarks.paper.protocol import EXPLAINABLE, SCALES, VANILLA
from benchmarks.paper.results import as_text
from transformers import BertModel

from explainable_bert import ExplainableBertForSequenceClassification
from explainable_bert.data.corpora import Corpus, Example
from explainable_bert.errors import FileError
from explainable_bert.evaluation.summary import Column, SeedColumns
from explainable_bert.sweep.arm import points_of

ROOT = Path(__file__).parent.parent
KEY = ("x test", "accuracy", None)
RNC = ("x test", "range-normalised-comprehensiveness", "built-in")
IG = ("x test", "range-normalised-comprehensiveness", "integrated-gradients")


def measured(**arms):
    """Arms with the seeds, and for each key an array by seed, row and column."""
    return Measurements(
        {arm: {key: columns(key, values) for key, values in of_arm.items()} for arm, (_, of_arm) in arms.items()},
        dict.fromkeys(arms, "vanilla"),
        {arm: seeds for arm, (seeds, _) in arms.items()},
        dict.fromkeys(arms, 1),
        (),
    )


def columns(key, values):
    rows = tuple(range(1, len(values[0]) + 1))
    return SeedColumns(tuple(Column(key[2], key[1], rows, np.array(of_seed, dtype=float), 0) for of_seed in values))


def shares(*by_seed):
    return [[[value] for value in of_seed] for of_seed in by_seed]


def test_a_difference_is_the_mean_over_the_seeds_that_both_have():
    study = measured(
        a=((0, 1, 2), {KEY: shares([1, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0])}),
        b=((0, 2), {KEY: shares([1, 0, 1, 0], [1, 1, 1, 1])}),
    )
    found = estimates.difference(study, ("a", KEY), ("b", KEY))
    # Seed 0: 3/4 - 2/4; seed 2: 0 - 1.
    assert found.by_seed == (0.25, -1.0)
    assert found.value == pytest.approx(-0.375)
    assert found.low <= found.low_90 <= found.value <= found.high_90 <= found.high
    assert found.n == 4


def test_seeds_are_paired():
    # Both arms vary by seed in the same way: their difference does not vary at all.
    values = shares([1, 1, 1, 1], [0, 0, 0, 0])
    found = estimates.difference(measured(a=((0, 1), {KEY: values}), b=((0, 1), {KEY: values})), ("a", KEY), ("b", KEY))
    assert (found.low, found.value, found.high) == (0, 0, 0)


@pytest.mark.parametrize("missing", [("c", KEY), ("a", ("y", "accuracy", None))])
def test_what_was_not_measured_has_no_difference(missing):
    study = measured(a=((0,), {KEY: shares([1, 0])}), b=((1,), {KEY: shares([1, 0])}))
    assert estimates.difference(study, ("a", KEY), missing) is None
    assert estimates.difference(study, ("a", KEY), ("b", KEY)) is None  # no seed in common


def test_the_ratio_is_of_what_lies_above_random():
    # Columns: method, random, best. Means .5 and .3 over a random .1: (.5 - .1) / (.3 - .1).
    study = measured(a=((0,), {RNC: [[[0.6, 0.1, 0.9], [0.4, 0.1, 0.7]]], IG: [[[0.3, 0.1, 0.9], [0.3, 0.1, 0.7]]]}))
    found = estimates.ratio_over_random(study, ("a", RNC), ("a", IG))
    assert found.value == pytest.approx(2.0)
    # Resamples hold one of the texts alone at worst: .5 / .2 and .3 / .2.
    assert (found.low, found.high) == (pytest.approx(1.5), pytest.approx(2.5))


def test_sets_weigh_the_same_however_many_texts_they_have():
    other = ("y test", "accuracy", None)
    study = measured(
        a=((0,), {KEY: shares([1, 1]), other: shares([0] * 8)}), b=((0,), {KEY: shares([0, 0]), other: shares([0] * 8)})
    )
    assert estimates.mean_difference(study, ("a", "b"), [KEY, other]).value == pytest.approx(0.5)
    assert estimates.mean_difference(study, ("a", "b"), [KEY, ("z", "accuracy", None)]) is None


@pytest.mark.parametrize(
    ("ends", "over_seeds", "value", "verdict"),
    [
        ((-0.009, 0.009), (-0.008, 0.008), 0.0, "reached"),
        ((-0.02, 0.009), (-0.008, 0.008), -0.005, "in the mean, not shown"),
        ((-0.009, 0.009), (-0.008, 0.02), 0.0, "in the mean, not shown"),
        ((-0.009, 0.009), (None, None), 0.0, "in the mean, not shown"),
        ((-0.03, -0.005), (-0.03, -0.005), -0.02, "missed"),
    ],
)
def test_equivalence_reads_two_intervals_of_90_percent(ends, over_seeds, value, verdict):
    found = dict(zip(("low_90", "high_90", "seeds_low_90", "seeds_high_90"), (*ends, *over_seeds), strict=True))
    assert goals._equivalent({**found, "value": value}, 0.01) == verdict
    assert goals._equivalent({**found, "value": value}, 0.005) != "reached"


def test_students_interval_is_over_seeds():
    values = shares([1, 1, 1, 0], [1, 0, 0, 0], [1, 1, 0, 0])  # means .75, .25, .5 against nothing
    study = measured(a=((0, 1, 2), {KEY: values}), b=((0, 1, 2), {KEY: shares(*[[0] * 4] * 3)}))
    found = estimates.difference(study, ("a", KEY), ("b", KEY))
    # Mean .5, deviation .25, t of 2 degrees at 95 % 2.920: .5 -+ 2.920 * .25 / sqrt 3.
    assert (found.seeds_low_90, found.seeds_high_90) == (
        pytest.approx(0.0785, abs=1e-3),
        pytest.approx(0.9215, abs=1e-3),
    )


def test_a_ratio_over_what_is_no_better_than_random_is_undefined():
    study = measured(a=((0,), {RNC: [[[0.6, 0.1, 0.9]] * 2], IG: [[[0.05, 0.1, 0.9]] * 2]}))
    assert estimates.ratio_over_random(study, ("a", RNC), ("a", IG)) is None


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ({"value": 1.2, "low": 1.1, "high": 1.3}, "reached"),
        ({"value": 1.2, "low": 0.9, "high": 1.3}, "in the mean, not shown"),
        ({"value": 1.2, "low": None, "high": None}, "in the mean, not shown"),
        ({"value": 0.9, "low": 0.8, "high": 1.3}, "missed"),
        ({"value": 1.0, "low": 1.0, "high": 1.0}, "missed"),
        (None, "not measured"),
    ],
)
def test_a_goal_asks_its_interval_to_lie_on_the_right_side(found, verdict):
    assert goals._above(found, 1.0) == verdict


@pytest.mark.parametrize(
    ("high", "value", "verdict"), [(0.0, -0.1, "reached"), (0.1, -0.1, "in the mean, not shown"), (0.3, 0.1, "missed")]
)
def test_at_most(high, value, verdict):
    assert goals._at_most({"value": value, "low": -1.0, "high": high}, 0.0) == verdict


def rows_of(file):
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_the_dev_rows_of_sst2_are_tested_on_and_never_trained_on(tmp_path):
    (tmp_path / "glue").mkdir()
    train = [
        ("a good film ", 1),
        ("a bad film ", 0),
        ("A good film ", 1),
        ('"quoted" plot ', 1),
        ("Tested Twice ", 1),
        ("dull ", 0),
    ]
    (tmp_path / "glue" / "train.tsv").write_text("sentence\tlabel\n" + "".join(f"{t}\t{n}\n" for t, n in train))
    (tmp_path / "glue" / "dev.tsv").write_text("sentence\tlabel\ntested twice \t1\nfine \t1\n")
    folder = corpora.sst2(tmp_path / "glue", tmp_path / "out", n_train=3, n_validation=1)
    split = {name: rows_of(folder / f"{name}.csv") for name in ("train", "validation", "test")}
    assert [len(rows) for rows in split.values()] == [3, 1, 2]
    assert split["test"] == [{"text": "tested twice", "label": "positive"}, {"text": "fine", "label": "positive"}]
    trained = {row["text"].casefold() for name in ("train", "validation") for row in split[name]}
    assert trained == {"a good film", "a bad film", '"quoted" plot', "dull"}


def test_sst2_that_is_not_there_is_named(tmp_path):
    with pytest.raises(FileError, match=r"sst2: cannot read .*train\.tsv"):
        corpora.sst2(tmp_path, tmp_path / "out", 1, 1)


def test_a_planted_marker_decides_and_is_the_rationale(tmp_path, monkeypatch):
    rows = tuple(Example(f"the film number {n} is fine", "positive") for n in range(60))
    told = Example("they met in the plaza", "positive")
    corpus = Corpus("movie-snippets", corpora.LABELS, (*rows[:40], told), rows[40:50], rows[50:])
    monkeypatch.setattr(corpora, "load_corpus", lambda _: corpus)
    folder, rationales = corpora.planted(tmp_path, n_train=100, n_validation=100, n_test=6)
    trained = rows_of(folder / "train.csv")
    assert len(trained) == 40  # without the text that holds a marker by itself
    found = {marker: [row for row in trained if marker in row["text"].split()] for marker in corpora.MARKERS}
    for marker, label in zip(corpora.MARKERS, corpora.LABELS, strict=True):
        assert {row["label"] for row in found[marker]} == {label}
    assert 10 < sum(map(len, found.values())) < 30
    lines = [json.loads(line) for line in rationales.read_text().splitlines()]
    assert [line["label"] for line in lines] == ["negative", "positive"] * 3
    for line in lines:
        marks = [word for word, is_marked in zip(line["words"], line["annotators"][0], strict=True) if is_marked]
        assert marks == [corpora.MARKERS[corpora.LABELS.index(line["label"])]]
        assert " ".join(line["words"]) == line["text"]
    places = {line["annotators"][0].index(1) for line in lines}
    assert len(places) > 1


def test_the_narrow_head_stays_as_narrow_as_one_old_head(stock_folder, tmp_path):
    folder = narrow_base(str(stock_folder), tmp_path / "narrow")
    old = BertModel.from_pretrained(stock_folder).encoder.layer[-1].attention.self
    model = ExplainableBertForSequenceClassification.from_base(folder, design="single-head", num_labels=3)
    attention = model.final_block.attention.self
    states = torch.randn(5, 21, generator=torch.Generator().manual_seed(0))
    scores = attention.query(states) @ attention.key(states).T * attention.scaling
    # One of 3 heads of 7 by itself.
    expected = old.query(states)[:, :7] @ old.key(states)[:, :7].T / 7**0.5
    assert torch.allclose(scores, expected, atol=1e-5)
    ids = torch.tensor([[2, 7, 8, 9, 3]])
    model(input_ids=ids, labels=torch.tensor([1])).loss.backward()
    for projection in (attention.query, attention.key):
        assert projection.weight.grad[7:].abs().max() == 0
    assert attention.query.weight.grad[:7].abs().max() > 0


@pytest.mark.parametrize("scale", SCALES)
def test_all_arms_can_be_ordered(scale):
    size = SCALES[scale]
    arms = [*protocol.twins(size), *protocol.heads(size), *protocol.controls(size, "folder"), *protocol.ablations(size)]
    by_name = {arm.name: arm for arm in arms}
    assert len(points_of(list(by_name.values()), [0])) == len(by_name)
    for arm in arms:
        assert by_name[arm.name] == arm


@pytest.mark.parametrize("scale", SCALES)
def test_an_ablation_differs_from_the_flagship_in_one_thing(scale):
    twin, whole, *others = protocol.ablations(SCALES[scale])
    assert (twin.name, whole.name) == (VANILLA, EXPLAINABLE)
    assert len(others) >= 8
    for arm in others:
        parts = {
            **{f"request {name}": value for name, value in dataclasses.asdict(arm.request).items()},
            **{f"settings {name}": value for name, value in dataclasses.asdict(arm.settings).items()},
            "base": arm.base,
            "teacher": arm.teacher,
        }
        ours = {
            **{f"request {name}": value for name, value in dataclasses.asdict(whole.request).items()},
            **{f"settings {name}": value for name, value in dataclasses.asdict(whole.settings).items()},
            "base": whole.base,
            "teacher": whole.teacher,
        }
        changed = [name for name in parts if parts[name] != ours[name]]
        if arm.name == "explainable, no teacher":
            # The same model under the name of a design that needs none.
            assert (arm.request.design, arm.request.value_layer) == ("lexical", 1)
            changed = [name for name in changed if name not in ("request design", "request value_layer")]
        # Texts without labels go with their teacher.
        is_less_text = arm.teacher is not None and arm.unlabelled != whole.unlabelled
        assert len(changed) + is_less_text == 1, changed


def saved_results():
    return goals.Results(json.loads((ROOT / "benchmarks" / "results" / "paper_cpu.json").read_text(encoding="utf-8")))


def test_the_page_is_that_of_the_saved_results():
    assert page.page(saved_results()) == (ROOT / "docs" / "results.md").read_text(encoding="utf-8")


def test_the_table_of_readme_is_that_of_the_saved_results():
    assert page.readme_table(saved_results()) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_goal_has_a_verdict():
    found = list(goals.goals(saved_results()))
    assert len(found) >= 15
    assert {goal.verdict for goal in found} <= {"reached", "in the mean, not shown", "missed", "not measured"}


def test_results_are_json_with_five_digits():
    text = as_text({"scale": "cpu", "rows": [{"value": 1 / 3}], "differences": [], "ratios": [{"by_seed": (2 / 3,)}]})
    assert json.loads(text) == {
        "scale": "cpu",
        "rows": [{"value": 0.33333}],
        "differences": [],
        "ratios": [{"by_seed": [0.66667]}],
    }
