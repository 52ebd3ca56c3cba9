"""The final block's attention against values worked by hand and against plain code."""

import math

import pytest
import torch
from transformers.models.bert.modeling_bert import BertLayer

from explainable_bert.model.attention import attention_map, attention_weights, cls_attention, final_block
from explainable_bert.model.configuration import ExplainableBertConfig

SIZES = {"hidden_size": 15, "num_attention_heads": 3, "num_hidden_layers": 2, "intermediate_size": 7, "vocab_size": 11}


def every(*shape):
    return torch.ones(*shape, dtype=torch.bool)


def test_softmax_weights_by_hand():
    # softmax of (0, ln 2, masked, ln 5) = (1, 2, 0, 5) / 8
    scores = torch.tensor([[0.0, math.log(2), 99.0, math.log(5)]])
    allowed = torch.tensor([[True, True, False, True]])
    weights = attention_weights(scores, allowed, "softmax")
    torch.testing.assert_close(weights, torch.tensor([[0.125, 0.25, 0.0, 0.625]]))
    assert weights[0, 2] == 0


def test_sparsemax_weights_by_hand():
    # Sparsemax of (1, .6, -1): support {1, .6}, threshold (1.6 - 1) / 2 = .3: (.7, .3, 0). A masked 5 does not count.
    scores = torch.tensor([[1.0, 0.6, -1.0, 5.0]])
    allowed = torch.tensor([[True, True, True, False]])
    weights = attention_weights(scores, allowed, "sparsemax")
    torch.testing.assert_close(weights, torch.tensor([[0.7, 0.3, 0.0, 0.0]]))


def test_entmax15_weights_by_hand():
    # 1.5-entmax of (a, -a): p = (x/2 - t)^2 and sum 1. With p1 = .8² = .64 and p2 = .6² = .36, x1 - x2 = 2(.8 - .6).
    scores = torch.tensor([[0.2, -0.2, -50.0, 50.0]])
    allowed = torch.tensor([[True, True, True, False]])
    weights = attention_weights(scores, allowed, "entmax15")
    torch.testing.assert_close(weights, torch.tensor([[0.64, 0.36, 0.0, 0.0]]), atol=1e-6, rtol=0)


@pytest.mark.parametrize("function", ["softmax", "entmax15", "sparsemax"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_row_without_an_allowed_key_is_zero(function, dtype):
    scores = torch.tensor([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]], dtype=dtype, requires_grad=True)
    allowed = torch.tensor([[False, False, False], [True, False, True]])
    weights = attention_weights(scores, allowed, function)
    assert weights.dtype == dtype
    assert weights[0].tolist() == [0, 0, 0]
    assert weights[1, 1] == 0
    assert weights[1].sum().item() == pytest.approx(1, abs=4e-3)
    weights.square().sum().backward()
    assert torch.isfinite(scores.grad).all()


def test_one_head_against_the_formula():
    torch.manual_seed(0)
    attention = final_block(ExplainableBertConfig(**SIZES, design="single-head")).attention.self
    torch.nn.init.normal_(attention.key.bias)
    states = torch.randn(2, 7, 15)
    allowed = every(2, 7)
    allowed[1, 4:] = False
    weights = cls_attention(attention, states[:, 0], states, allowed, "softmax")
    for row in range(2):
        query = attention.query.weight @ states[row, 0] + attention.query.bias
        keys = [attention.key.weight @ state + attention.key.bias for state in states[row, allowed[row]]]
        exponentials = torch.stack([torch.exp(key @ query / math.sqrt(15)) for key in keys])
        torch.testing.assert_close(weights[row, 0, allowed[row]], exponentials / exponentials.sum(), atol=1e-6, rtol=0)


@pytest.mark.parametrize(("design", "heads"), [("vanilla", 3), ("single-head", 1)])
def test_the_cls_row_of_the_map_is_the_absorbed_attention(design, heads):
    torch.manual_seed(0)
    block = final_block(ExplainableBertConfig(**SIZES, design=design))
    attention = block.attention.self
    states = torch.randn(2, 7, 15)
    allowed = every(2, 7)
    allowed[1, 5:] = False
    weights = cls_attention(attention, states[:, 0], states, allowed, "softmax")
    assert weights.shape == (2, heads, 7)
    whole = attention_map(attention, states, allowed, allowed, "softmax")
    torch.testing.assert_close(whole[:, 0], weights.mean(dim=1), atol=1e-6, rtol=0)
    assert whole[1, 5:].abs().sum() == 0
    torch.testing.assert_close(whole[1, :5].sum(dim=-1), torch.ones(5))


def test_a_single_head_has_root_heads_times_the_mean_logit():
    """Scores of the merged head are √H times the mean of the old heads' scores: a product of experts."""
    torch.manual_seed(0)
    many = final_block(ExplainableBertConfig(**SIZES, design="vanilla")).attention.self
    one = final_block(ExplainableBertConfig(**SIZES, design="single-head")).attention.self
    one.load_state_dict(many.state_dict())
    states, allowed = torch.randn(2, 7, 15), every(2, 7)
    heads = cls_attention(many, states[:, 0], states, allowed, "softmax")
    experts = heads.log().mean(dim=1).mul(math.sqrt(3)).softmax(dim=-1)
    torch.testing.assert_close(cls_attention(one, states[:, 0], states, allowed, "softmax")[:, 0], experts)


def test_final_blocks_keep_or_drop_parameters():
    stock = {name: tuple(weight.shape) for name, weight in BertLayer(ExplainableBertConfig(**SIZES)).named_parameters()}
    single = final_block(ExplainableBertConfig(**SIZES, design="single-head"))
    assert {name: tuple(weight.shape) for name, weight in single.named_parameters()} == stock
    additive = final_block(ExplainableBertConfig(**SIZES, design="additive"))
    assert sorted(name for name, _ in additive.named_parameters()) == [
        "attention.output.dense.weight",
        "attention.self.key.bias",
        "attention.self.key.weight",
        "attention.self.query.bias",
        "attention.self.query.weight",
        "attention.self.value.weight",
    ]
