"""The attention map of an explanation: between units, by hand from the whole map of tokens."""

import numpy as np
import pytest
import torch

from test_attribution_batch import LONG, LONG_UNITS, PAIR, SHORT, kept, scores_of, token_batch
from tiny import ADDITIVE, DESIGNS

every_design = pytest.mark.parametrize("design", DESIGNS)


@pytest.fixture
def ready(classifier):
    return lambda design: kept(classifier, design)


def map_of(clf, text, **asked):
    """The map of `text`, explained beside longer ones: weights (row, unit), and what special tokens received."""
    explanations = clf.explain([LONG, text, PAIR], attention_map=True, **asked)
    found = explanations[1].attention_map
    return np.array(found.weights), np.array(found.special_token_mass)


@pytest.mark.parametrize("text", [LONG, SHORT, PAIR])
@pytest.mark.parametrize("level", ["word", "token"])
@every_design
def test_rows_and_their_rest_sum_to_one(ready, design, level, text):
    weights, rest = map_of(ready(design), text, level=level)
    n_units = token_batch(ready(design), [text], level).n_units[0]
    assert weights.shape == (n_units + 1, n_units)
    assert weights.sum(axis=1) + rest == pytest.approx(np.ones(n_units + 1), abs=1e-5)
    assert weights.min() > 0
    assert (rest == 0).all() == (design in ADDITIVE)


@pytest.mark.parametrize("level", ["word", "token"])
@every_design
def test_the_first_row_is_the_attention(ready, design, level):
    clf = ready(design)
    for text in (LONG, SHORT, PAIR):
        weights, rest = map_of(clf, text, level=level)
        assert weights[0] == pytest.approx(scores_of(clf, "attention", text, level=level), abs=1e-6)
        (explanation,) = clf.explain([text], "attention", level=level)
        assert rest[0] == pytest.approx(explanation.attribution.special_token_mass, abs=1e-6)
        assert np.abs(weights[1:] - weights[0]).max() > 0.005  # other rows are others


@every_design
def test_pieces_are_summed_as_keys_and_averaged_as_queries(ready, design):
    clf = ready(design)
    with torch.no_grad():
        given = clf.model.final_input(**token_batch(clf, [LONG]).inputs)
        whole = clf.model.final_attention_map(given)[0].tolist()
    weights, rest = map_of(clf, LONG)
    places = {unit: [place for place, owner in enumerate(LONG_UNITS) if owner == unit] for unit in range(9)}
    assert places[1] == [2, 3, 4]
    queries = [[0], *places.values()]
    for row, tokens in enumerate(queries):
        for column, keys in places.items():
            by_hand = sum(sum(whole[token][key] for key in keys) for token in tokens) / len(tokens)
            assert weights[row, column] == pytest.approx(by_hand, abs=1e-6)
        special = sum(whole[token][0] + whole[token][12] for token in tokens) / len(tokens)
        assert rest[row] == pytest.approx(special, abs=1e-6)


def test_the_map_does_not_depend_on_the_method(ready):
    clf = ready("lexical")
    expected, _ = map_of(clf, SHORT)
    for method in ("saliency", "kernel-shap", "decompx"):
        assert map_of(clf, SHORT, method=method)[0] == pytest.approx(expected, abs=1e-6)


def test_a_map_is_there_when_asked_for_alone(ready):
    (explanation,) = ready("vanilla").explain([SHORT])
    assert explanation.attention_map is None


@every_design
def test_a_text_without_units_has_a_row_without_columns(ready, design):
    (explanation,) = ready(design).explain(["\u0301"], attention_map=True)
    assert explanation.attention_map.weights == ((),)
    (rest,) = explanation.attention_map.special_token_mass
    # [CLS] and [SEP] have all of it, or are not attended.
    assert rest == pytest.approx(0 if design in ADDITIVE else 1, abs=1e-6)
