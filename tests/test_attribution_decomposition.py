"""DecompX against a decomposition that carries a vector for every pair of tokens through every block, by loops."""

import math

import numpy as np
import pytest
import torch

from test_attribution_batch import LONG, SHORT, attribute, kept, token_batch
from tiny import ADDITIVE, DESIGNS


@pytest.fixture
def ready(classifier):
    return lambda design: kept(classifier, design)


def array(tensor):
    return tensor.detach().double().numpy()


def layer_norm(norm, parts, state):
    """Parts (source, hidden) of one state through a layer norm whose deviation is that of the state itself."""
    deviation = math.sqrt(state.var() + norm.eps)
    out = np.array([array(norm.weight) * (part - part.mean()) / deviation for part in parts])
    out[-1] += array(norm.bias)
    return out


def linear(layer, parts):
    """Parts (source, width) through a linear layer; its bias joins the last part, which stems from no token."""
    out = np.array([array(layer.weight) @ part for part in parts])
    if layer.bias is not None:
        out[-1] += array(layer.bias)
    return out


def sloped(function, parts):
    """Parts of one state through an activation: each times f(x) / x of the state."""
    state = parts.sum(axis=0)
    return parts * (np.array([function(x) for x in state]) / state)


def gelu(x):
    return x * 0.5 * (1 + math.erf(x / math.sqrt(2)))


def attention_rows(block, states, queries, allowed):
    """Softmax attention per head of some queries, by loops."""
    attention = block.attention.self
    width = 21 // attention.num_attention_heads
    weights = np.zeros((attention.num_attention_heads, len(queries), len(states)))
    project = {name: array(getattr(attention, name).weight) for name in ("query", "key")}
    shift = {name: array(getattr(attention, name).bias) for name in ("query", "key")}
    for head in range(attention.num_attention_heads):
        part = slice(head * width, (head + 1) * width)
        for row, query in enumerate(queries):
            asked = (project["query"] @ states[query] + shift["query"])[part]
            given = [(project["key"] @ state + shift["key"])[part] for state in states]
            powers = [math.exp(asked @ key / math.sqrt(width)) * may for key, may in zip(given, allowed, strict=True)]
            weights[head, row] = np.array(powers) / sum(powers)
    return weights


def mixed_parts(block, weights, parts):
    """Σ_h Σ_j α_hj W_O^h (W_V^h x_{j⇐k} + b_V^h): what one query is sent, by source; no output bias yet."""
    width, sent = 21 // len(weights), np.zeros_like(parts[0])
    output = array(block.attention.output.dense.weight)
    for key in range(len(parts)):
        values = linear(block.attention.self.value, parts[key])
        for head in range(len(weights)):
            part = slice(head * width, (head + 1) * width)
            sent += weights[head, key] * np.array([output[:, part] @ value[part] for value in values])
    return sent


def block_parts(block, weights, parts, query):
    """The parts of a query's state after a whole block."""
    sent = mixed_parts(block, weights, parts)
    if block.attention.output.dense.bias is not None:
        sent[-1] += array(block.attention.output.dense.bias)
    summed = sent + parts[query]
    attended = layer_norm(block.attention.output.LayerNorm, summed, summed.sum(axis=0))
    inner = sloped(gelu, linear(block.intermediate.dense, attended))
    summed = linear(block.output.dense, inner) + attended
    return layer_norm(block.output.LayerNorm, summed, summed.sum(axis=0))


def decomposition(clf, text):
    """Parts of all states below the final block, and of the logits: the last part is that of biases alone."""
    model, batch = clf.model, token_batch(clf, [text])
    with torch.no_grad():
        output = model(**batch.inputs, output_hidden_states=True)
    states = [array(state[0]) for state in output.hidden_states]
    n_tokens, everyone = len(states[0]), [True] * len(states[0])
    parts = np.zeros((n_tokens, n_tokens + 1, 21))
    for token in range(n_tokens):
        parts[token, token] = states[0][token]
    levels = [parts]
    for level in range(4):
        block = model.bert.encoder.layer[level]
        weights = attention_rows(block, states[level], range(n_tokens), everyone)
        parts = levels[-1]
        levels.append(np.array([block_parts(block, weights[:, query], parts, query) for query in range(n_tokens)]))
    allowed = everyone
    if model.config.readout == "additive":
        allowed = [not special for special in batch.special[0].tolist()]
    weights = attention_rows(model.final_block, states[-1], [0], allowed)[:, 0]
    values = levels[model.config.values_from]
    if model.config.readout == "additive":
        final = mixed_parts(model.final_block, weights, values)
    else:
        final = sloped(math.tanh, linear(model.bert.pooler.dense, block_parts(model.final_block, weights, values, 0)))
    return levels, states, linear(model.classifier, final), array(output.logits[0])


@pytest.mark.parametrize("text", [LONG, SHORT])
@pytest.mark.parametrize("design", DESIGNS)
def test_parts_sum_to_the_state_in_every_block_and_in_the_end_they_are_the_scores(ready, design, text):
    clf = ready(design)
    levels, states, logit_parts, logits = decomposition(clf, text)
    assert len(levels) == len(states) == 5
    for parts, state in zip(levels, states, strict=True):
        assert parts.shape == (len(state), len(state) + 1, 21)
        assert parts.sum(axis=1) == pytest.approx(state, abs=1e-4)
    assert logit_parts.sum(axis=0) == pytest.approx(logits, abs=1e-4)
    n_tokens = len(states[0])
    for label in range(3):
        found = attribute(clf, "decompx", [LONG, text], target=f"LABEL_{label}")
        scores, bias = found.scores[1, :n_tokens].numpy(), float(found.bias[1])
        by_hand = logit_parts[:-1, label]
        assert scores == pytest.approx(by_hand, abs=1e-4)
        assert np.abs(by_hand).max() > 0.01
        # What special tokens give is no unit's: it is told with the biases.
        assert bias == pytest.approx(logit_parts[-1, label] + by_hand[0] + by_hand[-1], abs=1e-4)
        assert bias + scores[1:-1].sum() == pytest.approx(logits[label], abs=1e-4)


@pytest.mark.parametrize("value_layer", [0, 3, 4])
def test_values_from_any_layer(classifier, value_layer):
    clf = classifier("lexical", value_layer=value_layer)
    _, _, logit_parts, logits = decomposition(clf, SHORT)
    found = attribute(clf, "decompx", [LONG, SHORT], target="LABEL_1")
    assert found.scores[1, :5].numpy() == pytest.approx(logit_parts[:-1, 1], abs=1e-4)
    assert float(found.bias[1] + found.scores[1, 1:4].sum()) == pytest.approx(logits[1], abs=1e-4)


def test_values_of_the_embeddings_are_the_words_own(classifier):
    """With values from layer 0 nothing is mixed below them: DecompX is then the contribution, word by word."""
    clf = classifier("lexical", value_layer=0)
    torch.testing.assert_close(
        attribute(clf, "decompx", target="LABEL_1").scores,
        attribute(clf, "built-in", target="LABEL_1").scores,
        atol=1e-5,
        rtol=1e-5,
    )


@pytest.mark.parametrize("design", DESIGNS)
def test_words_and_bias_sum_to_the_logit(ready, design):
    clf = ready(design)
    for target in ("LABEL_0", "LABEL_1", "LABEL_2"):
        for explanation in clf.explain([LONG, SHORT], "decompx", target=target):
            assert explanation.attribution.completeness_error < 1e-5
            assert max(map(abs, explanation.attribution.scores)) > 1e-3


@pytest.mark.parametrize("design", ADDITIVE)
def test_special_tokens_count_in_the_states_below_though_they_are_not_attended(ready, design):
    found = attribute(ready(design), "decompx", [LONG], target="LABEL_1")
    assert found.attention[0, 0] == found.attention[0, -1] == 0
    assert found.scores[0, 0].abs() > 1e-3


def test_an_activation_at_zero_has_a_slope(classifier):
    """GELU(x) / x at x = 0 is 0 / 0; its limit is a half, and no score may be lost to it."""
    clf = classifier("vanilla")
    with torch.no_grad():
        for block in clf.model.bert.encoder.layer:
            block.intermediate.dense.weight[:7] = 0
            block.intermediate.dense.bias[:7] = 0
    found = attribute(clf, "decompx", target="LABEL_1")
    assert torch.isfinite(found.scores).all()
    total = found.bias + (found.scores * (token_batch(clf).unit_ids >= 0)).sum(dim=1)
    torch.testing.assert_close(total, found.logits[:, 1], atol=1e-5, rtol=0)
