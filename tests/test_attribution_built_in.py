"""Attention, contributions and attention x gradient, by loops over heads and keys and by finite differences."""

import numpy as np
import pytest
import torch

from explainable_bert.attribution.built_in import max_over_heads, product_of_heads
from test_attribution_batch import LONG, SHORT, attribute, kept, token_batch
from tiny import ADDITIVE, DESIGNS, VOCABULARY


@pytest.fixture
def ready(classifier):
    return lambda design: kept(classifier, design)


@torch.no_grad()
def loop_attention(clf, text):
    """The [CLS] row of each head of the final block, by loops over heads and keys; special keys of no additive head."""
    batch, block = token_batch(clf, [text]), clf.model.final_block.attention.self
    with torch.no_grad():
        states = clf.model(**batch.inputs, output_hidden_states=True).hidden_states[-1][0].double()
    n_heads, width = block.num_attention_heads, 21 // block.num_attention_heads
    additive = clf.model.config.readout == "additive"
    rows = []
    for head in range(n_heads):
        part = slice(head * width, (head + 1) * width)
        query = block.query.weight[part].double() @ states[0] + block.query.bias[part]
        scores = [
            float(query @ (block.key.weight[part].double() @ state + block.key.bias[part])) / width**0.5
            for state in states
        ]
        allowed = [not (additive and batch.special[0, key]) for key in range(len(scores))]
        powers = [np.exp(score) if may else 0.0 for score, may in zip(scores, allowed, strict=True)]
        rows.append([power / sum(powers) for power in powers])
    return np.array(rows)


def found_scores(clf, method, text, **asked):
    """Scores of the tokens of `text`, padded beside a longer one."""
    n_tokens = token_batch(clf, [text]).input_ids.shape[1]
    return attribute(clf, method, [LONG, text], **asked).scores[1, :n_tokens].numpy()


@pytest.mark.parametrize("text", [LONG, SHORT])
def test_heads_put_together_by_hand(ready, text):
    clf = ready("vanilla")
    heads = loop_attention(clf, text)
    assert heads.shape[0] == 3
    assert np.abs(heads - heads.mean(axis=0)).max() > 0.01  # the heads disagree
    assert found_scores(clf, "attention", text) == pytest.approx(heads.mean(axis=0), abs=1e-6)
    assert found_scores(clf, "built-in", text) == pytest.approx(heads.mean(axis=0), abs=1e-6)
    largest = np.array([max(column) for column in heads.T])
    assert found_scores(clf, "attention-max", text) == pytest.approx(largest / largest.sum(), abs=1e-6)
    product = np.array([np.prod([weight ** (1 / 3**0.5) for weight in column]) for column in heads.T])
    assert found_scores(clf, "attention-product", text) == pytest.approx(product / product.sum(), abs=1e-6)


def test_heads_put_together_on_numbers():
    # Two heads, √2 experts' exponent 1/√2: weights (0.5, 0.25, 0.25, 0) and (0.2, 0.8, 0, 0).
    weights = torch.tensor([[[0.5, 0.25, 0.25, 0.0], [0.2, 0.8, 0.0, 0.0]]])
    # Largest: 0.5, 0.8, 0.25, 0; they sum to 1.55.
    assert max_over_heads(weights)[0].tolist() == pytest.approx([0.5 / 1.55, 0.8 / 1.55, 0.25 / 1.55, 0], abs=1e-6)
    # Products 0.1 and 0.2 to the power 1/√2; what one head gives nothing has nothing.
    first, second = 0.1**0.5**0.5, 0.2**0.5**0.5
    expected = [first / (first + second), second / (first + second), 0, 0]
    assert product_of_heads(weights)[0].tolist() == pytest.approx(expected, abs=1e-6)


def test_keys_that_no_head_may_attend_have_nothing():
    weights = torch.zeros(2, 3, 5)
    weights[0, :, 1:3] = 0.5
    for merge in (max_over_heads, product_of_heads):
        merged = merge(weights)
        assert merged[0].tolist() == pytest.approx([0, 0.5, 0.5, 0, 0], abs=1e-6)
        assert merged[1].tolist() == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("text", [LONG, SHORT])
def test_the_product_of_heads_is_what_one_head_of_the_same_weights_attends(ready, text):
    """s_single = QKᵀ/√d = √H · mean_h s_h, so α_single ∝ Π_h α_h^(1/√H): the states below are the same."""
    product = found_scores(ready("vanilla"), "attention-product", text)
    single = found_scores(ready("single-head"), "attention", text)
    assert product == pytest.approx(single, abs=1e-5)
    assert np.abs(single - found_scores(ready("vanilla"), "attention", text)).max() > 1e-3


@pytest.mark.parametrize("design", ["single-head", *ADDITIVE])
def test_one_head_by_hand(ready, design):
    clf = ready(design)
    (row,) = loop_attention(clf, SHORT)
    assert found_scores(clf, "attention", SHORT) == pytest.approx(row, abs=1e-6)
    assert (row[0] == row[-1] == 0) == (design in ADDITIVE)


@pytest.mark.parametrize("design", ADDITIVE)
@pytest.mark.parametrize("label", [0, 1, 2])
def test_contributions_by_hand(ready, design, label):
    """α_j w_cᵀ W_O W_V x_j, one key at a time, and with the bias they are the logit."""
    clf = ready(design)
    batch, block = token_batch(clf, [SHORT]), clf.model.final_block.attention
    with torch.no_grad():
        states = clf.model(**batch.inputs, output_hidden_states=True).hidden_states[clf.model.config.values_from][0]
        weights = loop_attention(clf, SHORT)[0]
        by_hand = [
            weight * float(clf.model.classifier.weight[label] @ block.output.dense(block.self.value(state)))
            for weight, state in zip(weights, states, strict=True)
        ]
    found = attribute(clf, "built-in", [SHORT], target=f"LABEL_{label}")
    assert found.scores[0].tolist() == pytest.approx(by_hand, abs=1e-5)
    assert float(found.bias[0] + found.scores[0].sum()) == pytest.approx(float(found.logits[0, label]), abs=1e-6)
    assert np.abs(by_hand).max() > 0.01


@pytest.mark.parametrize("design", ADDITIVE)
def test_attention_x_gradient_is_the_contribution_where_the_readout_is_additive(ready, design):
    for target in ("LABEL_0", "LABEL_2"):
        exact = attribute(ready(design), "built-in", target=target).scores
        found = attribute(ready(design), "attention-x-gradient", target=target).scores
        torch.testing.assert_close(found, exact, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("design", DESIGNS)
def test_attention_x_gradient_by_finite_differences(classifier, design):
    """Σ_h α_hj (y(α_hj + ε) - y(α_hj - ε)) / 2ε, one weight at a time, in double precision."""
    clf = classifier(design)
    clf.model.double()
    batch, model, step = token_batch(clf, target="LABEL_2"), clf.model, 1e-5
    with torch.no_grad():
        given = model.final_input(**batch.inputs)
        weights = model.final_attention(given)
        by_hand = torch.zeros(2, 13, dtype=torch.float64)
        for head in range(weights.shape[1]):
            for key in range(13):
                nudge = torch.zeros_like(weights)
                nudge[:, head, key] = step
                above, _ = model.read_out(given, weights + nudge)
                below, _ = model.read_out(given, weights - nudge)
                slope = (above - below)[:, 2].double() / (2 * step)
                by_hand[:, key] += weights[:, head, key] * slope
    found = attribute(clf, "attention-x-gradient", target="LABEL_2").scores
    # The additive readout works in float32, where so small a step leaves three digits of the slope.
    tolerance = 1e-2 if design in ADDITIVE else 1e-7
    assert by_hand.abs().max() > 0.01
    torch.testing.assert_close(found, by_hand, atol=tolerance * float(by_hand.abs().max()), rtol=0)


@pytest.mark.parametrize("function", ["entmax15", "sparsemax"])
def test_sparse_attention(classifier, function):
    """Keys outside the support have no weight, no contribution and no attention x gradient."""
    clf = classifier("additive", attention_function=function)
    with torch.no_grad():
        clf.model.final_block.attention.self.query.weight.mul_(3)  # sharp enough for zeros
    found = attribute(clf, "built-in", target="LABEL_1")
    nothing = (found.attention == 0) & (token_batch(clf).unit_ids >= 0)
    assert 0 < nothing.sum() < 14 - 2  # of 14 tokens some have nothing, and more than one in one of the texts has some
    for method in ("built-in", "attention-x-gradient", "value-weighted-norm"):
        scores = attribute(clf, method, target="LABEL_1").scores
        assert (scores[nothing] == 0).all()
        assert scores.abs().max() > 1e-3


def test_the_random_control_is_standard_normal_and_knows_the_text_alone(ready):
    clf = ready("vanilla")
    drawn = [attribute(clf, "random", [SHORT], seed=seed).scores[0, 1:4].numpy() for seed in range(400)]
    values = np.concatenate(drawn)  # 1200 numbers
    assert abs(values.mean()) < 4 / 1200**0.5
    assert abs(values.var() - 1) < 4 * (2 / 1200) ** 0.5
    assert np.abs(np.quantile(values, [0.1587, 0.5, 0.8413]) - [-1, 0, 1]).max() < 0.2
    other = ready("lexical")
    assert attribute(other, "random", [SHORT], seed=7, target="LABEL_1").scores[0, 1:4].tolist() == drawn[7].tolist()
    assert VOCABULARY["[MASK]"] not in token_batch(clf).input_ids


def test_pieces_of_a_word_share_its_random_score(ready):
    clf = ready("vanilla")
    pieces = attribute(clf, "random", [LONG]).scores[0, 2:5]
    first, second = token_batch(clf, [LONG]).generator(0).standard_normal(9)[:2]
    assert pieces.tolist() == pytest.approx([second / 3] * 3, abs=1e-6)
    assert attribute(clf, "random", [LONG]).scores[0, 1].item() == pytest.approx(first, abs=1e-6)
