"""Value-weighted norm, rollout and value zeroing, against loops and against blocks whose values are really zeroed."""

import numpy as np
import pytest
import torch

from explainable_bert.attribution import propagation
from test_attribution_batch import LONG, SHORT, attribute, kept, token_batch
from tiny import ADDITIVE, DESIGNS


@pytest.fixture
def ready(classifier):
    return lambda design: kept(classifier, design)


def states_of(clf, text):
    """What each block reads: the states of one text without padding, from the embeddings up."""
    with torch.no_grad():
        output = clf.model(**token_batch(clf, [text]).inputs, output_hidden_states=True)
    return [state[0] for state in output.hidden_states], output.attention[0]


def loop_attention(block, states):
    """Attention of a whole block per head (head, query, key), by the formula."""
    attention = block.attention.self
    width = 21 // attention.num_attention_heads
    heads = []
    for head in range(attention.num_attention_heads):
        part = slice(head * width, (head + 1) * width)
        query, key = attention.query(states)[:, part], attention.key(states)[:, part]
        heads.append([torch.softmax(torch.stack([q @ k for k in key]) / width**0.5, dim=0) for q in query])
    return torch.stack([torch.stack(rows) for rows in heads])


def found_scores(clf, method, text):
    """Scores of the tokens of `text`, padded beside a longer one."""
    n_tokens = token_batch(clf, [text]).input_ids.shape[1]
    return attribute(clf, method, [LONG, text]).scores[1, :n_tokens]


@torch.no_grad()
@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("design", ["vanilla", "single-head"])
def test_the_norm_of_what_heads_send_by_loops(ready, design, text):
    """‖Σ_h α_hj (W_V^h x_j + b_V^h) W_O^h‖, one head and one key at a time."""
    clf = ready(design)
    block, (states, _) = clf.model.final_block, states_of(clf, text)
    weights = loop_attention(block, states[-1])[:, 0]
    width, by_hand = 21 // len(weights), []
    for key, state in enumerate(states[-1]):
        sent = torch.zeros(21)
        for head in range(len(weights)):
            part = slice(head * width, (head + 1) * width)
            value = block.attention.self.value.weight[part] @ state + block.attention.self.value.bias[part]
            sent += weights[head, key] * (block.attention.output.dense.weight[:, part] @ value)
        by_hand.append(sent.square().sum().sqrt())
    torch.testing.assert_close(found_scores(clf, "value-weighted-norm", text), torch.stack(by_hand), atol=1e-5, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("design", ADDITIVE)
def test_the_norm_of_what_one_head_sends_in_additive_designs(ready, design):
    """‖α_j W_O W_V x_j‖, with x_j from the states that the design reads its values from."""
    clf = ready(design)
    block, (states, weights) = clf.model.final_block.attention, states_of(clf, SHORT)
    values = [block.output.dense.weight @ (block.self.value.weight @ x) for x in states[clf.model.config.values_from]]
    by_hand = torch.stack([weight * value.norm() for weight, value in zip(weights, values, strict=True)])
    torch.testing.assert_close(found_scores(clf, "value-weighted-norm", SHORT), by_hand, atol=1e-5, rtol=0)
    assert by_hand[0] == by_hand[-1] == 0


@torch.no_grad()
@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("design", DESIGNS)
def test_rollout_by_matrix_products(ready, design, text):
    """Ã = (mean over heads + I) / 2 for every block, multiplied from the top; the first row is [CLS]'s.

    The additive final block has no residual: its row is the attention itself, on states after `values_from` blocks.
    """
    clf = ready(design)
    states, final_row = states_of(clf, text)
    identity = torch.eye(len(states[0]))
    product = identity
    for block, state in list(zip(clf.model.bert.encoder.layer, states, strict=True))[: clf.model.config.values_from]:
        product = (loop_attention(block, state).mean(dim=0) + identity) / 2 @ product
    if design in ADDITIVE:
        by_hand = final_row @ product
    else:
        final = loop_attention(clf.model.final_block, states[-1]).mean(dim=0)
        by_hand = ((final + identity) / 2 @ product)[0]
    found = found_scores(clf, "rollout", text)
    torch.testing.assert_close(found, by_hand, atol=1e-6, rtol=0)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert (by_hand - final_row).abs().max() > 0.01


def run_without_value(block, states, key):
    """A block run in full with the value of `key` set to zero, as Mohebbi et al. do."""

    def zero(_module, _args, value):
        value = value.clone()
        value[:, key] = 0
        return value

    hook = block.attention.self.value.register_forward_hook(zero)
    try:
        return block(states[None], None)[0]
    finally:
        hook.remove()


def turns(whole, without):
    """1 - cos of each state, in plain numbers."""
    return torch.tensor(
        [float(1 - (a @ b) / (a.norm() * b.norm())) for a, b in zip(whole.double(), without.double(), strict=True)]
    )


def zeroing_of_block(block, states):
    """The matrix (query, key) of turns, rows normalised."""
    whole = block(states[None], None)[0]
    found = torch.stack([turns(whole, run_without_value(block, states, key)) for key in range(len(states))], dim=1)
    return found / found.sum(dim=1, keepdim=True)


@torch.no_grad()
def final_zeroing(clf, states, weights):
    """The [CLS] row of the final block; additive designs mix values and do nothing afterwards."""
    if clf.model.config.readout == "pooler":
        return zeroing_of_block(clf.model.final_block, states[-1])[0]
    block = clf.model.final_block.attention
    values = [block.output.dense.weight @ (block.self.value.weight @ x) for x in states[clf.model.config.values_from]]
    sent = [weight * value for weight, value in zip(weights, values, strict=True)]
    whole = sum(sent)
    without = torch.stack([sum(sent[:key] + sent[key + 1 :]) for key in range(len(sent))])
    found = turns(whole.expand_as(without), without)
    return found / found.sum()


@torch.no_grad()
@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("design", DESIGNS)
def test_value_zeroing_by_zeroing_values(ready, design, text):
    clf = ready(design)
    states, weights = states_of(clf, text)
    by_hand = final_zeroing(clf, states, weights)
    lower = list(zip(clf.model.bert.encoder.layer, states, strict=True))[: clf.model.config.values_from]
    assert len(lower) == {"vanilla": 4, "single-head": 4, "additive": 4, "lexical": 1}[design]
    for block, state in reversed(lower):
        by_hand = by_hand @ zeroing_of_block(block, state)
    found = found_scores(clf, "value-zeroing", text)
    torch.testing.assert_close(found, by_hand.float(), atol=1e-4, rtol=0)
    assert float(found.sum()) == pytest.approx(1, abs=1e-5)
    assert by_hand.max() - by_hand.min() > 0.01


@torch.no_grad()
def test_value_zeroing_of_vanilla_is_that_of_the_stock_blocks(ready, stock):
    """The blocks of BertForSequenceClassification, on states that it computes itself."""
    ids = token_batch(ready("vanilla"), [SHORT]).input_ids
    states = [state[0] for state in stock(input_ids=ids, output_hidden_states=True).hidden_states]
    row = torch.eye(5)[0]
    for block, state in reversed(list(zip(stock.bert.encoder.layer, states, strict=False))):
        row = row @ zeroing_of_block(block, state)
    torch.testing.assert_close(found_scores(ready("vanilla"), "value-zeroing", SHORT), row.float(), atol=1e-4, rtol=0)


def test_value_zeroing_in_few_rows_at_a_time_is_the_same(ready, monkeypatch):
    expected = attribute(ready("vanilla"), "value-zeroing").scores
    sizes = []
    whole = propagation.after_attention

    def watched(block, mixed, states):
        sizes.append(mixed.shape)
        return whole(block, mixed, states)

    monkeypatch.setattr(propagation, "_ROWS_AT_ONCE", 3 * 2 * 13)
    monkeypatch.setattr(propagation, "after_attention", watched)
    torch.testing.assert_close(attribute(ready("vanilla"), "value-zeroing").scores, expected, atol=1e-6, rtol=0)
    assert {size[2] for size in sizes if len(size) == 4} == {3, 1}  # 13 keys: three at a time, and one


def test_padding_has_no_share_in_value_zeroing_even_in_half_precision(classifier):
    """A state's cosine with itself is not quite 1 in eight bits: what is left is no turn."""
    clf = classifier("vanilla")
    clf.model.to(torch.bfloat16)
    scores = attribute(clf, "value-zeroing", [LONG, SHORT]).scores[1].float().numpy()
    assert np.abs(scores[5:]).max() == 0
    assert scores[:5].sum() == pytest.approx(1, abs=0.02)
