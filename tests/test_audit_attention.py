"""Swapped, permuted, knocked out and adversarial attention, against sums by hand and grids of all attentions."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st

from explainable_bert.audit.adversary import _exact, _searched, adversarial_attention, largest_shift
from explainable_bert.audit.attention_swaps import (
    attention_permutation,
    knock_out,
    permutation_of_keys,
    uniform_swap,
)
from explainable_bert.audit.divergences import jensen_shannon, total_variation
from explainable_bert.audit.subject import Answer, subject
from explainable_bert.text.encoding import check_texts, encode
from tiny import ADDITIVE, DESIGNS

# 13, 5, 3, 8 and 8 tokens: one of a single word, one a pair.
TEXTS = [
    "the unbelievable movie was very, very good!",
    "a dull plot",
    "bad",
    "the film is great!!!",
    ("don't!", "good plot"),
]


def tokens_of(stored, row):
    return int(stored.given.present[row].sum())


@pytest.fixture
def audited(classifier):
    """The Subject of a tiny classifier and texts; `change` may alter its weights first."""

    @torch.no_grad()
    def make(design, texts=TEXTS, change=None, seed=0, **config):
        clf = classifier(design, **config)
        if change is not None:
            change(clf.model)
        return subject(clf, encode(clf.tokenizer, check_texts(texts), 41), seed)

    return make


def checks_of(stage, of):
    with torch.no_grad():
        return {check.name: check for check in stage(of)}


def test_divergences_by_hand():
    one, other = torch.tensor([[0.5, 0.5, 0.0]]).double(), torch.tensor([[0.0, 0.5, 0.5]]).double()
    # ½ (0.5 + 0 + 0.5); and the mixture is (¼, ½, ¼): each half is ½ ln 2 + ½ ln 1.
    assert total_variation(one, other).tolist() == [0.5]
    assert jensen_shannon(one, other).tolist() == pytest.approx([0.5 * np.log(2)], abs=1e-12)
    assert jensen_shannon(one, one).tolist() == [0.0]
    apart = torch.tensor([[1.0, 0.0]]).double()
    assert jensen_shannon(apart, apart.flip(1)).tolist() == pytest.approx([np.log(2)], abs=1e-12)


def test_permutations_exchange_movable_keys_alone():
    movable = torch.tensor([[False, True, True, True, False, False], [False, True, False, True, True, True]])
    seen = set()
    generator = np.random.default_rng(0)
    for _ in range(300):
        order = permutation_of_keys(movable, generator)
        assert order.sort(dim=1).values.tolist() == [[*range(6)]] * 2
        assert order[0, [0, 4, 5]].tolist() == [0, 4, 5]
        assert order[1, [0, 2]].tolist() == [0, 2]
        seen.add(tuple(order[0, 1:4].tolist()))
    assert seen == set(itertools.permutations([1, 2, 3]))


@pytest.mark.parametrize("design", DESIGNS)
def test_nothing_moves_where_all_values_are_equal(audited, design):
    """With no value matrix, what is attended is the value bias (or nothing) whatever the weights are."""

    def without_values(model):
        model.final_block.attention.self.value.weight.zero_()

    of = audited(design, change=without_values)
    permuted, uniform = checks_of(attention_permutation, of), checks_of(uniform_swap, of)
    assert permuted["attention-permutation"].value == pytest.approx(0, abs=1e-6)
    assert permuted["attention-permutation"].passed is False
    assert "hardly matters" in permuted["attention-permutation"].meaning
    assert uniform["uniform-swap"].value == pytest.approx(0, abs=1e-6)
    assert uniform["uniform-swap"].passed is False
    assert uniform["uniform-swap: labels"].value == 0
    assert uniform["uniform-swap: labels"].passed is None
    # Neither the first key nor another one does anything: all ties.
    assert checks_of(knock_out, of)["knock-out"].value == pytest.approx(0.5, abs=1e-12)
    # And the most different attention is all on the key that has least: 1 less that weight.
    if design in ADDITIVE:
        least = [
            float(found.weights[row].mean(dim=0)[stored.given.allowed[row]].min())
            for stored, found in of
            for row in range(len(stored))
            if stored.given.allowed[row].sum() > 1
        ]
        adversary = checks_of(adversarial_attention, of)["adversarial-attention"]
        assert np.mean([1 - weight for weight in least]) - 0.05 < adversary.value <= np.mean([1 - w for w in least])


@pytest.mark.parametrize("design", DESIGNS)
def test_swaps_by_hand(audited, design):
    """One text at a time, through the model's own forward functions."""
    of = audited(design)
    moved, medians, ahead_of_all, generator = [], [], [], np.random.default_rng(7)
    for stored, found in of:
        for row in range(len(stored)):
            keys = torch.nonzero(stored.movable[row])[:, 0].tolist()
            if design in ADDITIVE and len(keys) < 2:
                continue
            text = stored.rows(torch.tensor([row]))
            own, output = found.weights[row : row + 1], found.logits[row].double().softmax(-1)

            def run(weights, text=text):
                return of.model.read_out(text.given, weights)[0][0].double().softmax(-1)

            allowed = stored.given.allowed[row]
            uniform = (allowed / allowed.sum()).expand_as(own).float()
            moved.append(float((run(uniform) - output).abs().sum() / 2))
            if len(keys) < 2:
                continue
            shifts = []
            for order in [generator.permutation(keys) for _ in range(100)]:
                permuted = own.clone()
                permuted[..., keys] = own[..., order.tolist()]
                shifts.append(float((run(permuted) - output).abs().sum() / 2))
            medians.append(np.median(shifts))
            turned = []
            for key in keys:
                rest = own.clone()
                rest[..., key] = 0
                rest = rest / rest.sum(-1, keepdim=True)
                p, m = run(rest), (run(rest) + output) / 2
                turned.append(float((p * (p / m).log() + output * (output / m).log()).sum() / 2))
            top = int(own[0].mean(0)[keys].argmax())
            ahead_of_all.append([turned[top] > turned[other] for other in range(len(keys)) if other != top])
    uniform = checks_of(uniform_swap, of)
    assert uniform["uniform-swap"].value == pytest.approx(np.mean(moved), abs=1e-6)
    assert uniform["uniform-swap"].n == len(moved)
    assert np.mean(moved) > 1e-3
    found_share = checks_of(knock_out, of)["knock-out"]
    assert found_share.n == len(ahead_of_all) == 4
    # Ten random others of each text stand for all of them.
    expected = np.mean([np.mean(text) for text in ahead_of_all])
    assert found_share.value == pytest.approx(expected, abs=0.2)
    check = checks_of(attention_permutation, of)["attention-permutation"]
    assert check.n == 4
    # Medians of other draws, of which those of two words are nothing or all.
    assert 0.6 * np.mean(medians) < check.value < 1.6 * np.mean(medians)


def test_permutation_median_of_two_keys_by_hand(audited):
    """Two words: half of the permutations exchange them, so the median is 0, half the shift, or the shift."""
    of = audited("additive", ["good plot"])
    ((stored, found),) = of
    swapped = found.weights[..., [0, 2, 1, 3]]
    with torch.no_grad():
        other = of.model.read_out(stored.given, swapped)[0].double().softmax(-1)
    shift = float(total_variation(other, found.probabilities)[0])
    assert shift > 1e-4
    value = checks_of(attention_permutation, of)["attention-permutation"].value
    assert min(abs(value - share * shift) for share in (0, 0.5, 1)) < 1e-7


def test_peaked_maps_are_counted_apart(audited):
    sharp = audited("additive", change=lambda model: model.final_block.attention.self.query.weight.mul_(8))
    peaks = [
        float(found.weights[row].max())
        for stored, found in sharp
        for row in range(len(stored))
        if stored.movable[row].sum() > 1
    ]
    expected = sum(peak >= 0.5 for peak in peaks)
    assert expected >= 2
    assert checks_of(attention_permutation, sharp)["attention-permutation: peaked maps"].n == expected
    even = audited(
        "additive",
        ["the film is great"],
        change=lambda model: (
            model.final_block.attention.self.query.weight.zero_(),
            model.final_block.attention.self.query.bias.zero_(),
        ),
    )
    none = checks_of(attention_permutation, even)["attention-permutation: peaked maps"]
    assert (none.value, none.passed, none.n) == (None, None, 0)
    assert "no text's map" in none.meaning


def test_uniform_attention_is_its_own_swap(audited):
    def even(model):
        model.final_block.attention.self.query.weight.zero_()
        model.final_block.attention.self.query.bias.zero_()

    for design in DESIGNS:
        check = checks_of(uniform_swap, audited(design, change=even))["uniform-swap"]
        assert check.value == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_largest_shift_is_that_of_a_grid_over_all_attentions(seed):
    generator = np.random.default_rng(seed)
    weights, values = generator.dirichlet(np.ones(3)), generator.normal(size=3) * 2
    margin = weights @ values
    low, high = margin - 0.3, margin + 0.2
    steps = np.linspace(0, 1, 401)
    first, second = np.meshgrid(steps, steps)
    grid = np.stack([first, second, 1 - first - second], axis=-1)[first + second <= 1 + 1e-12]
    inside = (grid @ values >= low) & (grid @ values <= high)
    by_grid = np.abs(grid[inside] - weights).sum(axis=1).max() / 2
    exact = largest_shift(weights, values, low, high)
    assert by_grid - 1e-9 <= exact <= by_grid + 0.01


def test_largest_shift_by_hand():
    # Values 0, 1 and the text's own attention (¾, ¼, 0); the third key's value is 4. Between 0 and 1: all on the second
    # moves ¾, all on the first ¼; with the third at a quarter (¾, 0, ¼) a quarter; on the bound 1 the second alone.
    weights, values = np.array([0.75, 0.25, 0.0]), np.array([0.0, 1.0, 4.0])
    assert largest_shift(weights, values, 0.0, 1.0) == pytest.approx(0.75, abs=1e-12)
    # Between 0.2 and 0.3 no key alone: on 0.2 (0.8, 0.2, 0) moves 0.05 and (0.95, 0, 0.05) ½ (0.2 + 0.25 + 0.05); on
    # 0.3 (0.7, 0.3, 0) moves 0.05 and (0.925, 0, 0.075) ½ (0.175 + 0.25 + 0.075).
    assert largest_shift(weights, values, 0.2, 0.3) == pytest.approx(0.25, abs=1e-12)


@drawn(st.integers(1, 8), st.integers(0, 10_000))
def test_largest_shift_is_at_most_one_and_grows_with_what_is_allowed(n_keys, seed):
    generator = np.random.default_rng(seed)
    weights, values = generator.dirichlet(np.ones(n_keys)), generator.normal(size=n_keys)
    margin = weights @ values
    narrow, wide = (largest_shift(weights, values, margin - width, margin + width) for width in (0.1, 1.0))
    free = largest_shift(weights, values, -np.inf, np.inf)
    assert 0 <= narrow <= wide + 1e-12
    assert wide <= free + 1e-12
    assert free == pytest.approx(1 - weights.min(), abs=1e-12)


@pytest.mark.parametrize("design", ADDITIVE)
def test_search_comes_near_the_exact_maximum_and_not_above(audited, design):
    of = audited(design, texts=[text for text in TEXTS if text != "bad"])
    two = of.model
    # A classifier of two labels, of which one is decided for with less than certainty.
    two.config.num_labels = 2
    two.classifier.weight, two.classifier.bias = (
        torch.nn.Parameter(part[:2] * 3, requires_grad=False) for part in (two.classifier.weight, two.classifier.bias)
    )
    with torch.no_grad():
        for stored, _ in of:
            weights = two.final_attention(stored.given)
            found = Answer(weights, *two.read_out(stored.given, weights))
            exact, searched = _exact(of, stored, found), _searched(of, stored, found, np.random.default_rng(0))
            assert (searched <= exact + 1e-5).all()
            assert searched.mean() > 0.9 * exact.mean()


@pytest.mark.parametrize("design", DESIGNS)
def test_adversaries_of_three_labels_are_searched(audited, design):
    check = checks_of(adversarial_attention, audited(design))["adversarial-attention"]
    assert check.meaning.startswith("The most different map that was found")
    assert (check.passed, check.threshold, check.relation) == (None, None, "")
    assert 0.3 < check.value <= 1
    assert check.n == (4 if design in ADDITIVE else 5)


@pytest.mark.parametrize("design", ADDITIVE)
def test_texts_of_one_word_have_nothing_to_swap(audited, design):
    of = audited(design, ["bad", "good"])
    for stage in (attention_permutation, uniform_swap, knock_out, adversarial_attention):
        for check in checks_of(stage, of).values():
            assert (check.value, check.passed, check.n) == (None, None, 0)
            assert check.meaning.startswith("Not applicable")
