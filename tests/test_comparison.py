"""Comparing models: the paired statistics on columns made by hand, which models may be compared, and whole runs."""

import json
from contextlib import contextmanager
from math import sqrt
from statistics import NormalDist
from types import SimpleNamespace
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.comparison import costs, pairing
from explainable_bert.comparison import run as comparing
from explainable_bert.comparison.arms import Arm, check_units, load_arms
from explainable_bert.comparison.pairing import pair_up
from explainable_bert.comparison.run import ComparisonSettings, compare
from explainable_bert.data.labelled import Example
from explainable_bert.errors import FileError, InputError, ModelError
from explainable_bert.evaluation import summary
from explainable_bert.evaluation.summary import Column, SeedColumns
from explainable_bert.records import Provenance, Unit
from tiny import toy_corpus

SETTINGS = ComparisonSettings(n_explained=4)
ROW_FIELDS = ("model", "design", "method", "metric", "value", "low", "high", "n")
PAIR_FIELDS = ("a", "b", "metric", "difference", "low", "high", "p_value", "p_holm", "verdict")
FAITHFULNESS = "range-normalised-comprehensiveness"
CONTROLS = ("random", "human", "shuffled-human", "lexicon")


def column(metric, values, method=None, rows=None):
    """A column of values, a row each; a plain list is one column wide."""
    table = np.array(values, dtype=np.float64)
    table = table[:, None] if table.ndim == 1 else table
    return Column(method, metric, tuple(rows or range(1, len(table) + 1)), table, 0)


def arm(*seeds):
    """What an arm has, from one seed's column or several seeds' of one metric."""
    return {(seeds[0].method, seeds[0].measure): SeedColumns(tuple(seeds))}


def only_pair(a, b, margin=0.005, seed=0):
    (pair,) = pair_up({"a": a, "b": b}, margin, seed)
    return pair


def right(n_right, n_wrong):
    return [1.0] * n_right + [0.0] * n_wrong


@contextmanager
def quickly():
    """For what is not about small p-values."""
    with (
        mock.patch.object(pairing, "N_RESAMPLES", 200),
        mock.patch.object(pairing, "_RESAMPLES_PER_TEST", 1),
        mock.patch.object(summary, "N_RESAMPLES", 100),
        mock.patch.object(costs, "N_ROUNDS", 2),
    ):
        yield


# --- pairing -----------------------------------------------------------------------------------------------------


def test_accuracy_of_single_seeds_is_tested_by_mcnemar():
    # a alone is right on 12 texts, b alone on none: 2 · (1/2)^12. Accuracies are 18/20 and 6/20.
    a, b = arm(column("accuracy", right(18, 2))), arm(column("accuracy", right(6, 14)))
    pair = only_pair(a, b)
    assert (pair.difference, pair.n, pair.verdict) == (pytest.approx(0.6), 20, "better")
    assert pair.p_value == pair.p_holm == pytest.approx(2 * 0.5**12)
    assert pair.test == "McNemar, exact"
    assert pair.low < 0.6 < pair.high
    # Standard error of paired proportions: √(12/20 - (12/20)²) / √20; 95 % of a normal.
    error = sqrt((0.6 - 0.36) / 20)
    assert (pair.low, pair.high) == pytest.approx((0.6 - 1.96 * error, 0.6 + 1.96 * error), abs=0.03)
    other = only_pair(b, a)
    assert (other.difference, other.verdict, other.p_value) == (pytest.approx(-0.6), "worse", pair.p_value)
    assert (other.low, other.high) == pytest.approx((-pair.high, -pair.low))


@pytest.mark.parametrize(
    ("metric", "method", "of_a", "of_b", "difference", "verdict"),
    [
        ("brier", None, [0.1] * 20, [0.9] * 20, -0.8, "better"),
        ("brier", None, [0.9] * 20, [0.1] * 20, 0.8, "worse"),
        ("special-token-mass", None, [0.1] * 20, [0.3] * 20, -0.2, "better"),
        ("effective-words", "built-in", [4.0] * 20, [1.5] * 20, 2.5, "higher"),
        ("effective-words", "built-in", [1.5] * 20, [4.0] * 20, -2.5, "lower"),
        ("token-f1", "built-in", [0.25] * 20, [0.75] * 20, -0.5, "worse"),
        ("average-precision", "built-in", [0.75] * 20, [0.25] * 20, 0.5, "better"),
    ],
)
def test_verdicts_follow_the_direction_of_the_metric(metric, method, of_a, of_b, difference, verdict):
    with quickly():
        pair = only_pair(arm(column(metric, of_a, method)), arm(column(metric, of_b, method)))
    assert (pair.metric, pair.method) == (metric, method)
    assert pair.difference == pytest.approx(difference)
    assert pair.verdict == verdict
    assert pair.test == "paired bootstrap of texts, 200 resamples"
    # No resample on the other side of zero: the smallest p-value there is.
    assert pair.p_value == pytest.approx(2 / 201)


def test_faithfulness_is_a_ratio_of_means():
    # Method, random, best, in turn: (0.5, 0.1, 0.9) and (0.1, 0.1, 0.2) have means 0.3, 0.1, 0.55: 0.2 / 0.45. The
    # mean of the two ratios would be (0.5 + 0) / 2. b reaches a half in every text.
    a = column(FAITHFULNESS, [[0.5, 0.1, 0.9], [0.1, 0.1, 0.2]] * 8, "built-in")
    b = column(FAITHFULNESS, [[0.5, 0.1, 0.9]] * 16, "built-in")
    pair = only_pair(arm(a), arm(b))
    assert pair.difference == pytest.approx(0.2 / 0.45 - 0.5)
    assert pair.p_wilcoxon is None  # there is no difference text by text to rank


def test_several_seeds_are_resampled_with_the_texts():
    # Seeds of a are right on 16 and 12 of 16 texts, those of b on 8 and 4: 14/16 - 6/16.
    a = arm(column("accuracy", right(16, 0)), column("accuracy", right(12, 4)))
    b = arm(column("accuracy", right(8, 8)), column("accuracy", right(4, 12)))
    pair = only_pair(a, b)
    assert pair.difference == pytest.approx(0.5)
    assert pair.test == "paired bootstrap of seeds and texts, 10000 resamples"
    assert pair.p_wilcoxon is None
    assert pair.almost_dominates == 0  # every seed of a is above every seed of b
    assert only_pair(b, a).almost_dominates == 1
    # One seed against two: no order over seeds, and McNemar has no second answer to set against.
    mixed = only_pair(arm(column("accuracy", right(16, 0))), b)
    assert (mixed.almost_dominates, mixed.test[:16]) == (None, "paired bootstrap")
    assert mixed.difference == pytest.approx(1 - 6 / 16)
    assert mixed.verdict == "better"


def test_almost_stochastic_order_knows_that_lower_is_better():
    low, high = ([column("brier", [share] * 20) for share in shares] for shares in ((0.1, 0.2), (0.8, 0.9)))
    assert only_pair(arm(*low), arm(*high)).almost_dominates == 0
    assert only_pair(arm(*high), arm(*low)).almost_dominates == 1


def test_wilcoxon_is_there_to_check_by():
    # Ten differences, all positive and different: 2 / 2^10 by signed ranks.
    a = column("token-f1", [0.5 + step / 100 for step in range(10)], "built-in")
    pair = only_pair(arm(a), arm(column("token-f1", [0.4] * 10, "built-in")))
    assert pair.p_wilcoxon == pytest.approx(2 / 2**10)


def test_rows_are_matched_by_their_number():
    # Both define texts 2, 3 and 5; matched by position the first would be set against the second.
    a = column("effective-words", [1, 2, 3, 5], "built-in", rows=(1, 2, 3, 5))
    b = column("effective-words", [12, 13, 14, 15], "built-in", rows=(2, 3, 4, 5))
    pair = only_pair(arm(a), arm(b))
    assert (pair.difference, pair.low, pair.high, pair.n) == (-10, -10, -10, 3)
    # A second seed of a that lacks text 3.
    again = column("effective-words", [2, 4, 5], "built-in", rows=(2, 4, 5))
    pair = only_pair(arm(a, again), arm(b))
    assert (pair.difference, pair.n) == (-10, 2)


@pytest.mark.parametrize(("rows", "n"), [((4, 5, 6), 0), ((3, 4, 5), 1)])
def test_too_few_common_rows_give_no_test(rows, n):
    a = column("effective-words", [1, 2, 3], "built-in")
    pair = only_pair(arm(a), arm(column("effective-words", [1, 2, 3], "built-in", rows)))
    numbers = (pair.difference, pair.low, pair.high, pair.p_value, pair.p_holm, pair.smallest_detectable)
    assert numbers == (None,) * 6
    assert (pair.n, pair.verdict) == (n, "no difference shown")
    assert pair.test == f"none: it takes 2 texts that define it for both, {n} do"


def test_what_is_undefined_on_the_texts_as_a_whole_says_so():
    a = column(FAITHFULNESS, [[0.5, 0.1, 0.9]] * 5, "built-in")
    flat = column(FAITHFULNESS, [[0.1, 0.1, 0.1]] * 5, "built-in")  # nothing to be found
    pair = only_pair(arm(a), arm(flat))
    assert (pair.difference, pair.p_value, pair.n, pair.verdict) == (None, None, 5, "no difference shown")
    assert pair.test.startswith("none: it is undefined on these texts as a whole")


def test_equal_models_have_no_difference():
    values = [1.0, 0.0, 1.0] * 30
    found = {**arm(column("accuracy", values)), **arm(column("effective-words", values, "built-in"))}
    for pair in pair_up({"a": found, "b": dict(found)}, 0.005, 0):
        assert (pair.difference, pair.low, pair.high, pair.p_value, pair.p_holm) == (0, 0, 0, 1, 1)
        assert (pair.verdict, pair.smallest_detectable) == ("no difference shown", None)


def test_equivalence_is_for_accuracy_within_the_margin():
    # 5 texts each that one alone gets right, of 2000: standard error √10 / 2000.
    a, b = right(5, 5) + [1.0] * 1990, [0.0] * 5 + [1.0] * 1995
    error = sqrt(10) / 2000
    for margin, verdict in ((0.005, "equivalent"), (0.001, "no difference shown")):
        pair = only_pair(arm(column("accuracy", a)), arm(column("accuracy", b)), margin)
        assert (pair.difference, pair.margin, pair.verdict) == (0, margin, verdict)
        assert pair.p_equivalence == pytest.approx(NormalDist().cdf(-margin / error), rel=0.25)
    pair = only_pair(arm(column("token-f1", a, "built-in")), arm(column("token-f1", b, "built-in")))
    assert (pair.margin, pair.p_equivalence, pair.verdict) == (None, None, "no difference shown")


def test_equivalence_of_several_pairs_is_corrected_too():
    # A chance of 0.995^750 = 0.023 that two models that differ by the margin agree on all texts; Holm takes it three
    # times for three pairs.
    pairs = pair_up(one_of(3, "accuracy", [1.0] * 750, [1.0] * 750), 0.005, 0)
    assert [pair.p_equivalence for pair in pairs] == pytest.approx([3 * 0.995**750] * 3)
    assert [pair.verdict for pair in pairs] == ["no difference shown"] * 3
    assert only_pair(*one_of(2, "accuracy", [1.0] * 750, [1.0] * 750).values()).verdict == "equivalent"


@pytest.mark.parametrize(("n", "verdict"), [(100, "no difference shown"), (1000, "equivalent")])
def test_agreeing_on_few_texts_shows_no_equivalence(n, verdict):
    # Models that differ on 0.5 % of all texts agree on 100 of them in three of five draws.
    pair = only_pair(arm(column("accuracy", [1.0] * n)), arm(column("accuracy", [1.0] * n)))
    assert pair.p_equivalence == pytest.approx(0.995**n)
    assert pair.verdict == verdict


def test_few_texts_that_agree_show_no_difference():
    # Three texts that all speak for a never resample to the other side; by chance they do so in one of four cases.
    pair = only_pair(arm(column("token-f1", [0.9] * 3, "built-in")), arm(column("token-f1", [0.1] * 3, "built-in")))
    assert (pair.difference, pair.p_value, pair.verdict) == (pytest.approx(0.8), 0.25, "no difference shown")


def test_holm_corrects_over_all_pairs():
    generator = np.random.default_rng(1)
    shifts = {"a": 0.0, "b": 0.05, "c": 0.6, "d": 0.1}
    arms = {
        name: {
            **arm(column("token-f1", generator.normal(shift, 0.3, 40), "built-in")),
            **arm(column("effective-words", generator.normal(3 + shift, 1, 40), "built-in")),
            **arm(column("gini", generator.normal(shift, 0.3, 40), "built-in")),
        }
        for name, shift in shifts.items()
    }
    # One that cannot be tested takes nothing from the others.
    arms["a"] |= arm(column("accuracy", [1.0]))
    arms["b"] |= arm(column("accuracy", [1.0]))
    pairs = pair_up(arms, 0.005, 0)
    assert [(pair.a, pair.b) for pair in pairs[::2]][:2] == [("a", "b"), ("a", "b")]
    assert len(pairs) == 2 * 6 + 1
    tested = sorted((pair for pair in pairs if pair.p_value is not None), key=lambda pair: pair.p_value)
    assert len(tested) == 12
    highest = 0.0
    for rank, pair in enumerate(tested):
        highest = max(highest, min(1.0, (12 - rank) * pair.p_value))
        assert pair.p_holm == pytest.approx(highest)
        assert (pair.verdict == "no difference shown") == (highest >= 0.05)
    # Some survive the correction, and some are lost by it alone.
    assert any(pair.p_holm < 0.05 for pair in tested)
    assert any(pair.p_value < 0.05 <= pair.p_holm for pair in tested)


def test_what_is_no_finding_about_a_model_is_not_tested():
    methods = ("built-in", "integrated-gradients", "occlusion", "attention-product", *CONTROLS)
    metrics = ("average-precision", "token-f1", "effective-words", "gini", "aopc-comprehensiveness")
    columns = {}
    for method in methods:
        columns |= arm(column(FAITHFULNESS, [[0.5, 0.1, 0.9]] * 2, method))
        for metric in metrics:
            columns |= arm(column(metric, [0.5, 0.6], method))
    for metric in ("accuracy", "special-token-mass", "brier", "head-effective-words"):
        columns |= arm(column(metric, [0.0, 1.0]))
    for metric in ("macro-f1", "auroc", "expected-calibration-error"):
        columns |= arm(column(metric, [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]))
    with quickly():
        pairs = pair_up({"a": columns, "b": columns}, 0.005, 0)
    assert [(pair.method, pair.metric) for pair in pairs] == [
        ("built-in", FAITHFULNESS),
        ("built-in", "average-precision"),
        ("built-in", "token-f1"),
        ("built-in", "effective-words"),
        ("integrated-gradients", FAITHFULNESS),
        ("occlusion", FAITHFULNESS),
        (None, "accuracy"),
        (None, "special-token-mass"),
        (None, "brier"),
    ]


def test_what_only_one_arm_has_is_not_compared():
    a = {**arm(column("token-f1", [0.5, 0.6], "built-in")), **arm(column("accuracy", [1.0, 0.0]))}
    (pair,) = pair_up({"a": a, "b": arm(column("accuracy", [1.0, 0.0]))}, 0.005, 0)
    assert pair.metric == "accuracy"


def one_of(n_arms, metric, own, others):
    """Arms of which the first is unlike the others, which are all the same."""
    method = None if metric == "accuracy" else "built-in"
    return {f"arm {number}": arm(column(metric, others if number else own, method)) for number in range(n_arms)}


def test_a_clear_difference_survives_the_correction_for_many_tests():
    pairs = pair_up(one_of(12, "token-f1", [0.6] * 20, [0.1] * 20), 0.005, 0)
    assert [pair.verdict for pair in pairs] == ["better"] * 11 + ["no difference shown"] * 55
    assert pairs[0].p_holm == pytest.approx(66 * 2 / 10_001)


def test_more_tests_than_the_resamples_could_bear_get_more_resamples():
    # With 100 resamples the smallest p-value, 2/101, times 10 tests is 0.2.
    with mock.patch.object(pairing, "N_RESAMPLES", 100):
        pair = pair_up(one_of(5, "token-f1", [0.6] * 20, [0.1] * 20), 0.005, 0)[0]
    assert (pair.verdict, pair.test) == ("better", "paired bootstrap of texts, 800 resamples")


@pytest.mark.parametrize(("n_arms", "n_tests"), [(2, 1), (7, 21)])
def test_the_smallest_difference_that_would_have_been_found(n_arms, n_tests):
    # 60 texts that one alone and 40 that the other alone gets right, of 1000: variance (100 - 20²/1000) / 1000².
    own, others = right(60, 40) + [1.0] * 900, [0.0] * 60 + [1.0] * 940
    pairs = pair_up(one_of(n_arms, "accuracy", own, others), 0.005, 0)
    error = sqrt(100 - 20**2 / 1000) / 1000
    # Two-sided, at the share of the significance that is left to the smallest of all p-values; 80 % power.
    z = NormalDist().inv_cdf(1 - 0.025 / n_tests) + NormalDist().inv_cdf(0.8)
    assert len(pairs) == n_tests
    assert pairs[0].smallest_detectable == pytest.approx(z * error, rel=0.05)


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=7),
    st.sampled_from(["token-f1", "special-token-mass", "effective-words"]),
    st.permutations(range(7)),
)
@settings(max_examples=25, deadline=None)
def test_swapping_the_arms_swaps_the_verdict(values, metric, numbers):
    method = None if metric == "special-token-mass" else "built-in"
    a, b = (arm(column(metric, [row[side] for row in values], method)) for side in (0, 1))
    opposite = {"better": "worse", "worse": "better", "higher": "lower", "lower": "higher"}
    with mock.patch.object(pairing, "N_RESAMPLES", 100):
        pair, swapped = only_pair(a, b), only_pair(b, a)
        # Texts in another order, under other numbers: what is a fact of the texts stays as it was.
        places = sorted(range(len(values)), key=lambda place: numbers[place])
        rows = [numbers[place] for place in places]
        moved = only_pair(
            *(arm(column(metric, [values[place][side] for place in places], method, rows)) for side in (0, 1))
        )
    assert swapped.difference == pytest.approx(-pair.difference, abs=1e-12)
    assert swapped.p_value == pair.p_value
    assert swapped.verdict == opposite.get(pair.verdict, pair.verdict)
    by_text = [one - other for one, other in values]
    assert min(by_text) - 1e-12 <= pair.low <= pair.high <= max(by_text) + 1e-12
    assert 0 < pair.p_value <= pair.p_holm <= 1
    assert moved.difference == pytest.approx(pair.difference, abs=1e-12)


def test_the_same_seed_gives_the_same_numbers():
    generator = np.random.default_rng(3)
    a, b = (arm(column("token-f1", generator.random(20), "built-in")) for _ in range(2))
    assert only_pair(a, b, seed=1) == only_pair(a, b, seed=1)
    assert only_pair(a, b, seed=1).low != only_pair(a, b, seed=2).low


# --- arms --------------------------------------------------------------------------------------------------------


class StandIn(ExplainableClassifier):
    """What a comparison asks of a model before it measures."""

    labels = provenance = tokenizer = None  # properties of a real one

    def __init__(self, name, labels=("negative", "positive"), vocabulary=None, rules="", design="additive", units=None):
        self.name, self.labels = name, labels
        self.tokenizer = SimpleNamespace(
            get_vocab=lambda: vocabulary or {"film": 0, "movie": 1},
            # What a text is cut to is no rule of how it is read.
            backend_tokenizer=SimpleNamespace(to_str=lambda: json.dumps({"normalizer": rules, "truncation": name})),
        )
        self.provenance = Provenance(name, design, 1, "", "", "")
        self._units = units

    def units(self, texts):
        return [tuple(Unit(word, 0, len(word)) for word in self._units(text)) for text in texts]


@pytest.fixture
def loaded(monkeypatch):
    """Stands in for loading: the traits of what a folder holds, by its name."""
    traits = {}

    def load(path, long="window"):
        assert long == "window"
        return StandIn(str(path), **traits.get(str(path).rsplit("/", 1)[-1], {}))

    monkeypatch.setattr(ExplainableClassifier, "load", load)
    return traits


def folders(place, *names):
    for name in names:
        (place / name).mkdir()
    return [str(place / name) for name in names]


def test_patterns_find_the_seeds_of_an_arm(loaded, tmp_path):
    loaded["stock"] = {"design": "vanilla"}
    made = folders(tmp_path, "lexical-2", "lexical-1", "stock")
    arms = load_arms([str(tmp_path / "lexical-*"), made[2]])
    assert [[model.name for model in arm.seeds] for arm in arms] == [[made[1], made[0]], [made[2]]]
    assert [(arm.name, arm.design) for arm in arms] == [
        (str(tmp_path / "lexical-*"), "additive"),
        (made[2], "vanilla"),
    ]


def test_a_folder_whose_name_looks_like_a_pattern(loaded, tmp_path):
    made = folders(tmp_path, "run[1]", "run1")
    assert [[model.name for model in arm.seeds] for arm in load_arms(made)] == [[made[0]], [made[1]]]
    assert loaded == {}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "models: none given; accepted: two or more different ones"),
        (["one"], "models: one given; accepted: two or more different ones"),
        (["one", "none-*"], "models: no folder matches 'none-*'"),
        (["one", "one"], "models: 'one' given twice"),
        (["one", "./one/"], "models: './one/' given twice"),
        (["seed-*", "seed-1"], "models: 'seed-1' given twice"),
        (
            ["one", "labels"],
            "models: 'labels' knows labels positive, negative, 'one' negative, positive; accepted: models with the "
            "same labels in the same order",
        ),
        (
            ["one", "cased"],
            "models: the tokenizers of 'cased' and 'one' differ in 3 tokens, such as 'Film'; accepted: models with "
            "the same tokenizer",
        ),
        (
            ["one", "upper"],
            "models: the tokenizers of 'upper' and 'one' have the same tokens, but differ in their rules (case, "
            "accents or the like); accepted: models with the same tokenizer",
        ),
        (["one", "seed-*"], "models: 'seed-*' matches designs additive and lexical; accepted: models that differ in"),
    ],
)
def test_models_that_cannot_be_compared(loaded, tmp_path, monkeypatch, names, message):
    folders(tmp_path, "one", "labels", "cased", "upper", "seed-1", "seed-2")
    monkeypatch.chdir(tmp_path)
    loaded["labels"] = {"labels": ("positive", "negative")}
    # "film" has another number, "Film" and "movie" are in one only.
    loaded["cased"] = {"vocabulary": {"film": 1, "Film": 0}}
    loaded["upper"] = {"rules": "upper case"}
    loaded["seed-2"] = {"design": "lexical"}
    with pytest.raises(InputError) as caught:
        load_arms(names)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_there(tmp_path):
    with pytest.raises(ModelError):
        load_arms(folders(tmp_path, "one", "two"))


def test_words_that_differ_are_refused():
    def reader(name, units):
        return Arm(name, (StandIn(name, units=units),))

    whole, cut = reader("whole", str.split), reader("cut", lambda text: text.split()[:2])
    check_units([whole, cut], ["good film", "bad"])
    with pytest.raises(InputError, match=r"'cut' and 'whole' read other words of text 2 \(2 and 3\); accepted"):
        check_units([whole, cut], ["good film", "a bad film"])


# --- whole comparisons -------------------------------------------------------------------------------------------


def examples(n=6):
    """Toy texts of which two people marked the deciding word, and one the first as well."""
    found = []
    for example in toy_corpus(n_test=n).test:
        words = example.text.split()
        starts = [example.text.index(word) for word in words]
        spans = tuple((start, start + len(word)) for start, word in zip(starts, words, strict=True))
        decides = tuple(word in ("great", "awful") for word in words)
        found.append(Example(example.text, example.label, None, spans, (decides, (True, *decides[1:]))))
    return found


@pytest.fixture(scope="module")
def model_folders(tmp_path_factory, stock_folder, tokenizer):
    """Two saved designs of untrained models, the first in two seeds."""
    import torch

    place = tmp_path_factory.mktemp("models")
    for seed, (name, design) in enumerate([("vanilla-1", "vanilla"), ("vanilla-2", "vanilla"), ("lexical", "lexical")]):
        torch.manual_seed(seed)
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=2)
        model.config.id2label = {0: "negative", 1: "positive"}
        model.config.label2id = {"negative": 0, "positive": 1}
        model.save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    return place


@pytest.fixture(scope="module")
def arms(model_folders):
    return load_arms([str(model_folders / "vanilla-1"), str(model_folders / "lexical")])


def read(folder):
    """What is written, refusing the numbers that JSON does not know."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads((folder / "comparison.json").read_text(), parse_constant=refuse)


@pytest.fixture(scope="module")
def whole(arms, tmp_path_factory):
    """One comparison with the folder that it wrote."""
    folder = tmp_path_factory.mktemp("compared") / "x"
    with quickly():
        report = compare(arms, examples(), folder, SETTINGS, source="toy texts")
    return report, folder


def test_the_names_used_from_outside(whole, arms):
    report, folder = whole
    written = read(folder)
    assert all(field in row for row in written["rows"] for field in ROW_FIELDS)
    assert all(field in pair for pair in written["pairs"] for field in PAIR_FIELDS)
    assert {(row["model"], row["design"]) for row in written["rows"]} == {
        (arms[0].name, "vanilla"),
        (arms[1].name, "lexical"),
    }
    assert {(pair["a"], pair["b"]) for pair in written["pairs"]} == {(arms[0].name, arms[1].name)}
    assert written["verdicts"] == list(report.verdicts)
    assert written["rows"] == [vars(row) for row in report.evaluation.rows]
    assert written["settings"]["data"] == "toy texts: labels of 6 texts, explanations of 4 of them"


def test_what_is_compared(whole, arms):
    report, _ = whole
    compared = {(pair.method, pair.metric) for pair in report.pairs}
    assert compared == {
        (None, "accuracy"),
        (None, "brier"),
        (None, "special-token-mass"),
        ("built-in", "effective-words"),
        ("built-in", "average-precision"),
        ("built-in", "token-f1"),
        *((method, FAITHFULNESS) for method in ("built-in", "integrated-gradients", "occlusion")),
    }
    rows = {(row.model, row.method, row.metric): row for row in report.evaluation.rows}
    for pair in report.pairs:
        of_a, of_b = rows[pair.a, pair.method, pair.metric], rows[pair.b, pair.method, pair.metric]
        assert pair.difference == pytest.approx(of_a.value - of_b.value)
        assert pair.n == of_a.n == (6 if pair.metric in ("accuracy", "brier") else 4)
    # Labels of all texts, whatever is explained: the accuracy of the model itself.
    right = [arms[0].seeds[0].predict([example.text])[0].label == example.label for example in examples()]
    assert rows[arms[0].name, None, "accuracy"].value == pytest.approx(sum(right) / 6)
    assert (arms[0].name, "random", FAITHFULNESS) in rows
    assert (arms[0].name, "human", "token-f1") in rows


def test_costs_are_kept_apart_from_what_can_be_repeated(whole):
    report, folder = whole
    names = {"parameters", "gflops-per-text", "texts-per-second"}
    assert {row["metric"] for row in read(folder)["costs"]} == names
    assert not {row.metric for row in report.evaluation.rows} & names
    for row in report.costs:
        assert row.value > 0
        if row.metric == "texts-per-second":
            assert row.low <= row.value <= row.high
    assert names <= report.evaluation.metrics.keys()


def test_parameters_are_counted(whole, arms):
    report, _ = whole
    for arm_ in arms:
        (row,) = [row for row in report.costs if (row.model, row.metric) == (arm_.name, "parameters")]
        assert row.value == sum(weight.numel() for weight in arm_.seeds[0].model.parameters())


def test_arithmetic_is_that_of_one_prediction(arms):
    text = "the film is great"
    (row,) = [row for row in costs.costs(arms[:1], [text]) if row.metric == "gflops-per-text"]
    n = len(arms[0].seeds[0].tokenizer(text)["input_ids"])
    width, inner = 21, 31
    # Two operations per multiplication: query, key, value, output; feed-forward; scores and their mixture. Then the
    # pooler and the classifier of 2 labels.
    block = 2 * (4 * n * width**2 + 2 * n * width * inner + 2 * n**2 * width)
    classifying = 2 * (width**2 + 2 * width)
    # The last of 5 blocks is needed for [CLS] alone, whose query, output and feed-forward are the least there is.
    row_of_block = 2 * (2 * width**2 + 2 * width * inner)
    assert 4 * block + row_of_block + classifying <= 1e9 * row.value <= 5 * block + classifying


def test_pictures_are_of_the_same_texts(whole, arms):
    report, _ = whole
    assert len(report.pictures) == len(report.gold_labels) == 3
    labels = {example.text: example.label for example in examples()}
    for gold, shown in zip(report.gold_labels, report.pictures, strict=True):
        assert len({explanation.text for explanation in shown}) == 1
        assert gold == labels[shown[0].text]
        assert [explanation.provenance.model for explanation in shown] == [arm_.name for arm_ in arms]
        assert {explanation.attribution.method for explanation in shown} == {"built-in"}


def test_pictures_prefer_texts_of_a_readable_length(arms):
    texts = ["good", "a film", "the film is very good and the plot is great", "bad"]
    gold, pictures = comparing._pictures(arms, [Example(text, "positive") for text in texts])
    assert [shown[0].text for shown in pictures] == [texts[2], texts[0], texts[1]]
    assert gold == ("positive",) * 3


def test_the_same_command_gives_the_same_numbers(whole, arms, tmp_path):
    _, folder = whole
    with quickly():
        compare(arms, examples(), tmp_path / "again", SETTINGS, source="toy texts")
    again, first = read(tmp_path / "again"), read(folder)
    assert (again["rows"], again["pairs"], again["verdicts"]) == (first["rows"], first["pairs"], first["verdicts"])


def test_a_stopped_comparison_continues(whole, arms, tmp_path):
    _, folder = whole
    seen = []

    def stop(what, done, total):
        seen.append((what, done, total))
        if len(seen) == 6:
            raise KeyboardInterrupt

    with quickly(), pytest.raises(KeyboardInterrupt):
        compare(arms, examples(), tmp_path / "x", SETTINGS, stop, "toy texts")
    assert not (tmp_path / "x" / "comparison.json").exists()
    first, second = (arm_.name for arm_ in arms)
    assert seen == [
        *((f"predicting with {first}", done, 6) for done in (0, 6)),
        *((f"measuring {first}", done, 4) for done in (0, 4)),
        *((f"predicting with {second}", done, 6) for done in (0, 6)),
    ]
    made = {file: file.stat().st_mtime_ns for file in (tmp_path / "x").rglob("parts/*.json")}
    assert len(made) == 3
    with quickly():
        compare(arms, examples(), tmp_path / "x", SETTINGS, source="toy texts")
    assert {file: file.stat().st_mtime_ns for file in made} == made
    whole_, continued = read(folder), read(tmp_path / "x")
    assert (continued["rows"], continued["pairs"]) == (whole_["rows"], whole_["pairs"])
    with pytest.raises(FileError, match=r"holds another run \(settings n_explained 4 there, 5 asked for\)"):
        compare(arms, examples(), tmp_path / "x", ComparisonSettings(n_explained=5))


def test_seeds_of_one_design_against_another(model_folders, tmp_path):
    pattern = str(model_folders / "vanilla-*")
    seeds = load_arms([pattern, str(model_folders / "lexical")])
    said = []
    with quickly():
        report = compare(
            seeds, examples(3), tmp_path / "x", ComparisonSettings(n_explained=2), lambda what, *_: said.append(what)
        )
    assert f"measuring {pattern}, seed 2 of 2" in said
    assert f"measuring {model_folders / 'lexical'}" in said
    pair = report.pairs[0]
    assert (pair.a, pair.metric, pair.test) == (
        pattern,
        "accuracy",
        "paired bootstrap of seeds and texts, 200 resamples",
    )
    each = [
        np.mean([model.predict([example.text])[0].label == example.label for example in examples(3)])
        for model in seeds[0].seeds
    ]
    (row,) = [row for row in report.evaluation.rows if (row.model, row.metric) == (pattern, "accuracy")]
    assert row.value == pytest.approx(np.mean(each))
    assert row.design == "vanilla"
    assert len(report.costs) == 6


def test_one_text_gives_numbers_without_intervals(arms, tmp_path):
    with quickly():
        report = compare(arms, examples(1), tmp_path / "x")
    written = read(tmp_path / "x")
    assert all(pair["p_value"] is None and pair["difference"] is None for pair in written["pairs"])
    for row in written["rows"]:
        assert (row["low"], row["high"]) == (None, None)
        if row["n"] == 1 and row["metric"] != "expected-calibration-error":  # which never has one
            reason = "undefined on these texts as a whole" if row["value"] is None else "it takes at least 2 texts"
            assert reason in row["note"]
    assert "There are no intervals: it takes at least 2 texts." in report.evaluation.notes
    assert any("it could not be tested on these texts for" in sentence for sentence in report.verdicts)


def test_notes_name_the_model_they_concern(arms, monkeypatch, tmp_path):
    said = iter([["of all", "of one"], ["of all", "of the other"]])
    monkeypatch.setattr(comparing, "notes", lambda *_: next(said))
    with quickly():
        report = compare(arms, examples(2), tmp_path / "x")
    assert report.evaluation.notes == ("of all", f"{arms[0].name}: of one", f"{arms[1].name}: of the other")


@pytest.mark.parametrize(
    ("labels", "fields", "message"),
    [
        (("neutral", "negative"), {}, "examples: label 'neutral' given; accepted are the models' negative, positive"),
        (("negative", "positive"), {"erasure": "rubber"}, "erasure: 'rubber' given; accepted: mask"),
    ],
)
def test_a_mistake_leaves_no_folder(arms, tmp_path, labels, fields, message):
    given = [Example(f"good film {number}", label) for number, label in enumerate(labels)]
    with pytest.raises(InputError) as caught:
        compare(arms, given, tmp_path / "x", ComparisonSettings(**fields))
    assert str(caught.value).startswith(message)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_explained": 0}, "n_explained: 0 given; accepted: at least 1"),
        ({"margin": 0.0}, "margin: 0.0 given; accepted: between 0 and 1, such as 0.005"),
        ({"margin": 1.0}, "margin: 1.0 given"),
        ({"margin": float("nan")}, "margin: nan given"),
    ],
)
def test_settings_that_make_no_sense(fields, message):
    with pytest.raises(InputError) as caught:
        ComparisonSettings(**fields)
    assert str(caught.value).startswith(message)
