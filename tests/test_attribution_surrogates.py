"""Occlusion, LIME and KernelSHAP: against forward passes one by one, other solvers, and exact Shapley values."""

import itertools
import math

import numpy as np
import pytest
import torch
from captum.attr import ShapleyValues
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import cosine_distances

from explainable_bert.attribution import perturbation, surrogates
from test_attribution_batch import LONG, PAIR, SHORT, attribute, kept, scores_of, token_batch
from tiny import DESIGNS, VOCABULARY

every_design = pytest.mark.parametrize("design", DESIGNS)
FOUR_UNITS = "unbelievable dull plot!"
FIVE_UNITS = "the unbelievable plot don't bad"


@pytest.fixture
def ready(classifier):
    return lambda design: kept(classifier, design)


def logit_with(clf, text, keep, label=1):
    """The logit of a text of which only the units in `keep` are left, in a forward pass of its own."""
    batch = token_batch(clf, [text])
    ids = [
        VOCABULARY["[MASK]"] if unit >= 0 and unit not in keep else token
        for token, unit in zip(batch.input_ids[0].tolist(), batch.unit_ids[0].tolist(), strict=True)
    ]
    with torch.no_grad():
        return float(clf.model(input_ids=torch.tensor([ids]), **batch.context).logits[0, label])


@pytest.mark.parametrize("level", ["word", "token"])
@every_design
def test_occlusion_one_unit_at_a_time(ready, design, level):
    clf = ready(design)
    for text in (LONG, SHORT, PAIR):
        ids = token_batch(clf, [text], level).unit_ids[0].tolist()
        units = range(max(ids) + 1)
        given = token_batch(clf, [text], level)
        by_hand = []
        for unit in units:
            masked = given.input_ids.clone()
            masked[0, [place for place, owner in enumerate(ids) if owner == unit]] = VOCABULARY["[MASK]"]
            with torch.no_grad():
                whole = clf.model(**given.inputs).logits[0, 1]
                by_hand.append(float(whole - clf.model(input_ids=masked, **given.context).logits[0, 1]))
        found = scores_of(clf, "occlusion", text, level=level, target="LABEL_1")
        assert found == pytest.approx(by_hand, abs=1e-5)
        assert np.abs(by_hand).max() > 1e-3


def test_variants_of_many_texts_in_small_passes_are_the_same(ready, monkeypatch):
    clf = ready("additive")
    texts = [LONG, SHORT, PAIR]
    expected = attribute(clf, "occlusion", texts, target="LABEL_1").scores
    rows, whole = [], perturbation.run
    monkeypatch.setattr(perturbation, "tokens_at_once", lambda _: 3 * 13)

    def watched(model, **inputs):
        rows.append(tuple(inputs["attention_mask"].shape))
        return whole(model, **inputs)

    monkeypatch.setattr(perturbation, "run", watched)
    torch.testing.assert_close(attribute(clf, "occlusion", texts, target="LABEL_1").scores, expected, atol=1e-6, rtol=0)
    # The texts themselves, then a variant for each of 9 + 3 + 4 words, three of 13 tokens or more of fewer at a time.
    assert rows[0] == (3, 13)
    assert sum(n_rows for n_rows, _ in rows[1:]) == 9 + 3 + 4
    assert max(n_rows * n_tokens for n_rows, n_tokens in rows) == 3 * 13


def play(monkeypatch, game):
    """Let `game` (an array of kept units to a number) answer in place of a model; gives what was asked."""
    asked = []

    def answers(_model, _batch, _targets, keeps):
        asked.extend(keeps)
        return [np.array([game(row) for row in keep], dtype=np.float64) for keep in keeps]

    monkeypatch.setattr(surrogates, "masked_target_logits", answers)
    return asked


def lime_by_sklearn(keep, values):
    """The paper's kernel on cosine distances times 100, and ridge regression with penalty 1."""
    present = keep.astype(float)
    distance = 100 * cosine_distances(present, np.ones((1, present.shape[1])))[:, 0]
    fit = Ridge(alpha=1.0, fit_intercept=True).fit(present, values, sample_weight=np.exp(-(distance**2) / 25**2))
    return fit.coef_


def test_lime_recovers_what_is_linear_in_the_words(ready, monkeypatch):
    weights = np.array([3.0, -2.0, 0.5, 0.0, 1.0, -1.0, 4.0, 0.25, -0.75])
    asked = play(monkeypatch, lambda row: 1.5 + row @ weights)
    found = scores_of(ready("vanilla"), "lime", LONG)
    (keep,) = asked
    assert found == pytest.approx(lime_by_sklearn(keep, 1.5 + keep @ weights), abs=1e-5)
    # The penalty draws weights towards nought, by less than a tenth of the largest with 256 variants.
    assert np.abs(found - weights).max() < 0.4
    assert np.argsort(found).tolist()[-3:] == np.argsort(weights).tolist()[-3:]


@every_design
def test_lime_of_a_model_by_another_solver(ready, design, monkeypatch):
    clf, asked, whole = ready(design), [], surrogates.masked_target_logits

    def watched(model, batch, targets, keeps):
        asked.extend(keeps)
        return whole(model, batch, targets, keeps)

    monkeypatch.setattr(surrogates, "masked_target_logits", watched)
    found = scores_of(clf, "lime", SHORT, target="LABEL_1")
    (keep,) = asked
    logits = {kept_units: logit_with(clf, SHORT, kept_units) for kept_units in subsets(3)}
    values = [logits[tuple(np.flatnonzero(row))] for row in keep]
    assert found == pytest.approx(lime_by_sklearn(keep, values), abs=1e-5)
    assert np.abs(found).max() > 1e-3


def test_lime_masks_any_number_of_units_equally_often(ready, monkeypatch):
    asked = play(monkeypatch, lambda row: float(row.sum()))
    for seed in range(20):
        scores_of(ready("vanilla"), "lime", LONG, seed=seed)
    assert [keep.shape for keep in asked] == [(256, 9)] * 20
    assert all(keep[0].all() for keep in asked)
    n_masked = np.concatenate([(~keep[1:]).sum(axis=1) for keep in asked])
    shares = np.bincount(n_masked, minlength=10) / len(n_masked)  # 5100 draws: a share of 1/9 ± 0.0044
    assert shares[0] == 0
    assert shares[1:] == pytest.approx([1 / 9] * 9, abs=0.02)
    # Every unit is masked as often as any other: (1 + 9) / 2 of 9.
    by_unit = np.mean([(~keep[1:]).mean(axis=0) for keep in asked], axis=0)
    assert by_unit == pytest.approx([5 / 9] * 9, abs=0.03)


# ---------------------------------------------------------------------------------------------- Shapley values


def subsets(n_units):
    return [units for size in range(n_units + 1) for units in itertools.combinations(range(n_units), size)]


def shapley_by_orders(n_units, value):
    """The mean over all orders of what a unit adds when it joins those before it."""
    total = np.zeros(n_units)
    for order in itertools.permutations(range(n_units)):
        for place, unit in enumerate(order):
            total[unit] += value[tuple(sorted(order[: place + 1]))] - value[tuple(sorted(order[:place]))]
    return total / math.factorial(n_units)


def shapley_by_subsets(n_units, value):
    """Σ over subsets without the unit of |S|! (n - |S| - 1)! / n! times what it adds; quicker than all orders."""
    found = np.zeros(n_units)
    for units in subsets(n_units):
        share = math.factorial(len(units)) * math.factorial(n_units - len(units) - 1) if len(units) < n_units else 0
        for unit in set(range(n_units)) - set(units):
            found[unit] += share * (value[tuple(sorted((*units, unit)))] - value[units])
    return found / math.factorial(n_units)


@pytest.mark.parametrize(("text", "n_units"), [(FOUR_UNITS, 4), (FIVE_UNITS, 5)])
@every_design
def test_few_units_have_their_exact_shapley_values(ready, design, text, n_units):
    clf = ready(design)
    value = {units: logit_with(clf, text, units) for units in subsets(n_units)}
    exact = shapley_by_orders(n_units, value)
    assert exact == pytest.approx(shapley_by_subsets(n_units, value), abs=1e-12)
    (explanation,) = clf.explain([text], "kernel-shap", target="LABEL_1")
    found = explanation.attribution
    assert found.scores == pytest.approx(exact, abs=1e-6)
    assert np.abs(exact).max() > 1e-3
    assert found.bias == pytest.approx(value[()], abs=1e-6)
    assert found.completeness_error < 1e-5


@every_design
def test_exact_shapley_values_as_captum_has_them(ready, design):
    clf = ready(design)
    batch = token_batch(clf, [FOUR_UNITS])
    # captum takes features from 0: the special tokens are one more, which is what it is in the baseline, too.
    features = torch.where(batch.unit_ids < 0, 4, batch.unit_ids)
    baseline = torch.where(batch.unit_ids < 0, batch.input_ids, VOCABULARY["[MASK]"])

    def logits(ids):
        context = {name: tensor.expand(len(ids), -1) for name, tensor in batch.context.items()}
        return clf.model(input_ids=ids, **context).logits

    with torch.no_grad():
        by_captum = ShapleyValues(logits).attribute(
            batch.input_ids, baseline, target=1, feature_mask=features, perturbations_per_eval=5
        )[0]
    expected = [float(by_captum[batch.unit_ids[0] == unit][0]) for unit in range(4)]
    assert scores_of(clf, "kernel-shap", FOUR_UNITS, target="LABEL_1") == pytest.approx(expected, abs=1e-4)
    assert np.abs(expected).max() > 1e-3


def random_game(n_units, seed):
    """Words with weights of their own, pairs that strengthen or weaken each other, and a rest of any kind."""
    generator = np.random.default_rng(seed)
    alone, pairs = generator.normal(size=n_units), generator.normal(size=(n_units, n_units)) / 2
    rest = dict(zip(subsets(n_units), generator.normal(size=2**n_units) / 10, strict=True))

    def game(row):
        present = np.asarray(row, dtype=float)
        return float(present @ alone + present @ pairs @ present + rest[tuple(np.flatnonzero(row).tolist())])

    return game


TEN_UNITS = "the film was good a very dull plot is bad"


def played(clf, monkeypatch, game, text, n_units, seed=0):
    """KernelSHAP's values for a game; the whole text's value is the model's logit, so the game is moved to fit it."""
    logit = logit_with(clf, text, range(n_units))
    whole = game(np.ones(n_units, dtype=bool))
    play(monkeypatch, lambda row: game(row) - whole + logit)
    return scores_of(clf, "kernel-shap", text, target="LABEL_1", seed=seed)


def test_many_units_estimate_their_shapley_values(ready, monkeypatch):
    clf, game = ready("vanilla"), random_game(10, 3)
    value = {units: game(np.isin(np.arange(10), units)) for units in subsets(10)}
    exact = shapley_by_subsets(10, value)
    found = np.array([played(clf, monkeypatch, game, TEN_UNITS, 10, seed) for seed in range(32)])
    errors = np.abs(found - exact).mean(axis=1)
    # 276 of 1022 coalitions, in complementary pairs: each seed is near, and their mean is nearer.
    assert found.std(axis=0).min() > 0
    assert errors.max() < 0.1 * np.abs(exact).mean()
    assert np.abs(found.mean(axis=0) - exact).mean() < errors.mean() / 3
    assert found.sum(axis=1) == pytest.approx([value[tuple(range(10))] - value[()]] * 32, abs=1e-4)


@pytest.mark.parametrize(("text", "n_units"), [(TEN_UNITS, 10), ("good bad plot " * 13, 39)])
def test_an_additive_game_is_recovered_exactly(ready, monkeypatch, text, n_units):
    weights = np.random.default_rng(1).normal(size=n_units)
    found = played(ready("vanilla"), monkeypatch, lambda row: 0.5 + float(row @ weights), text, n_units)
    assert found == pytest.approx(weights, abs=1e-5)


@every_design
def test_many_units_sum_to_what_they_do_together(ready, design):
    clf, text = ready(design), "the unbelievable plot is very dull, bad, awful! " * 3
    (explanation,) = clf.explain([text], "kernel-shap", target="LABEL_1")
    n_units = len(explanation.attribution.scores)
    assert n_units > 20
    difference = logit_with(clf, text, range(n_units)) - logit_with(clf, text, ())
    assert sum(explanation.attribution.scores) == pytest.approx(difference, abs=1e-5)
    assert abs(difference) > 1e-3
    assert explanation.attribution.completeness_error < 1e-5


def test_coalitions_come_in_complementary_pairs_with_the_kernels_sizes(ready, monkeypatch):
    asked = play(monkeypatch, lambda row: float(row.sum()))
    for seed in range(20):
        scores_of(ready("vanilla"), "kernel-shap", TEN_UNITS, seed=seed)
    sizes = []
    for keep in asked:
        assert keep.shape == (1 + 256 + 20, 10)
        assert not keep[0].any()
        assert np.array_equal(keep[1:139], ~keep[139:])
        sizes.extend(keep[1:].sum(axis=1))
    # P(s) ∝ 1 / (s (10 - s)): 1/9, 1/16, 1/21, 1/24, 1/25, and back.
    mass = np.array([1 / (size * (10 - size)) for size in range(1, 10)])
    assert np.bincount(sizes, minlength=11)[[0, 10]].tolist() == [0, 0]
    assert np.bincount(sizes, minlength=11)[1:10] / len(sizes) == pytest.approx(mass / mass.sum(), abs=0.02)


def test_one_unit_has_all_of_the_difference(ready):
    clf = ready("lexical")
    difference = logit_with(clf, "unbelievable", (0,)) - logit_with(clf, "unbelievable", ())
    assert scores_of(clf, "kernel-shap", "unbelievable", target="LABEL_1") == pytest.approx([difference], abs=1e-6)
    assert scores_of(clf, "occlusion", "unbelievable", target="LABEL_1") == pytest.approx([difference], abs=1e-6)
    assert abs(difference) > 1e-3
