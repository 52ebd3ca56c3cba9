"""What holds for every explainer: batches, units, targets, seeds, signs, passes, and the texts at the edges."""

import numpy as np
import pytest
import torch
from transformers import BertTokenizer

from explainable_bert import ExplainableClassifier
from explainable_bert.attribution.explainer import Passes
from explainable_bert.attribution.methods import EXPLAINERS, explainer
from explainable_bert.errors import InputError
from explainable_bert.model.configuration import DESIGNS
from test_attribution_batch import APPLIED, LONG, PAIR, SHORT, attribute, kept, scores_of, token_batch
from tiny import ADDITIVE, VOCABULARY

# Methods that mask a unit as a whole: its tokens share the unit's score equally. The others score tokens.
WHOLE_UNITS = {"occlusion", "lime", "kernel-shap", "random"}
MASKING = {"occlusion", "lime", "kernel-shap", "integrated-gradients"}
DRAWING = {"smoothgrad", "lime", "kernel-shap", "random"}
# One run or two per text; the others run variants.
CHEAP = [
    "built-in",
    "attention",
    "attention-max",
    "attention-product",
    "attention-x-gradient",
    "value-weighted-norm",
    "rollout",
    "saliency",
    "input-x-gradient",
    "decompx",
]
LABELS = ("LABEL_0", "LABEL_1", "LABEL_2")
NO_UNITS = "\u0301"  # an accent alone: the tokenizer strips it, [CLS] [SEP] remain

every_method = pytest.mark.parametrize(("method", "design"), APPLIED)


def test_eighteen_methods_and_where_they_apply():
    assert len(EXPLAINERS) == 18
    assert len(APPLIED) == 18 * 5 - 2 * 4  # two methods need several heads, which four designs lack


@every_method
def test_a_padded_batch_gives_what_each_text_gives_alone(classifier, method, design):
    clf = kept(classifier, design)
    texts = [LONG, SHORT, PAIR]
    together, batch = attribute(clf, method, texts), token_batch(clf, texts)
    assert together.scores.shape == together.attention.shape == (3, 13)
    assert together.logits.shape == (3, 3)
    assert together.scores.abs().max() > 1e-3
    padding = batch.attention_mask == 0
    assert padding.sum() == 8 + 2
    assert together.scores[padding].abs().max() == 0
    for row, text in enumerate(texts):
        alone = attribute(clf, method, [text])
        n_tokens = alone.scores.shape[1]
        torch.testing.assert_close(together.scores[row, :n_tokens], alone.scores[0], atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(together.attention[row, :n_tokens], alone.attention[0], atol=1e-5, rtol=0)
        torch.testing.assert_close(together.logits[row], alone.logits[0], atol=1e-5, rtol=0)
        assert together.targets[row] == alone.targets[0]
        assert (together.bias is None) == (alone.bias is None)
        if alone.bias is not None:
            torch.testing.assert_close(together.bias[row], alone.bias[0], atol=1e-5, rtol=0)


@every_method
def test_what_is_explained_is_the_prediction(classifier, method, design):
    clf = kept(classifier, design)
    found, batch = attribute(clf, method), token_batch(clf)
    with torch.no_grad():
        output = clf.model(**batch.inputs)
    torch.testing.assert_close(found.logits, output.logits, atol=1e-5, rtol=0)
    assert torch.equal(found.targets, output.logits.argmax(dim=1))
    if method not in ("attention-max", "attention-product"):  # these tell their own attention
        torch.testing.assert_close(found.attention, output.attention, atol=1e-5, rtol=0)


@every_method
def test_words_are_units_and_special_tokens_are_none(classifier, method, design):
    (explanation,) = kept(classifier, design).explain([LONG], method)
    assert [unit.text for unit in explanation.attribution.units] == [
        "the", "unbelievable", "movie", "was", "very", ",", "very", "good", "!"
    ]  # fmt: skip
    assert np.isfinite(explanation.attribution.scores).all()
    # Nine words with a score each: no score is lost, and none is that of [CLS] or [SEP].
    found, batch = attribute(kept(classifier, design), method, [LONG]), token_batch(kept(classifier, design), [LONG])
    by_hand = [found.scores[0][batch.unit_ids[0] == unit].sum().item() for unit in range(9)]
    assert explanation.attribution.scores == pytest.approx(by_hand, abs=1e-6)


@every_method
def test_a_word_has_the_sum_of_its_pieces_or_is_masked_whole(classifier, method, design):
    clf = kept(classifier, design)
    by_token = scores_of(clf, method, LONG, level="token")
    by_word = scores_of(clf, method, LONG)
    assert (len(by_token), len(by_word)) == (11, 9)
    pieces = found_pieces(clf, method)
    if method in WHOLE_UNITS:
        # "unbelievable" is one unit: its three pieces have a third of its score each, and no score of their own.
        assert pieces == pytest.approx([by_word[1] / 3] * 3, abs=1e-6)
        assert abs(by_token[1:4].sum() - by_word[1]) > 1e-4
    else:
        summed = [by_token[0], by_token[1:4].sum(), *by_token[4:]]
        assert by_word == pytest.approx(summed, abs=1e-6)
        assert max(pieces) - min(pieces) > 1e-4


def found_pieces(clf, method):
    """The scores of the three tokens of "unbelievable"."""
    return attribute(clf, method, [LONG]).scores[0, 2:5].tolist()


@every_method
def test_the_target_counts_where_a_method_says_so(classifier, method, design):
    clf = kept(classifier, design)
    first, second, third = (scores_of(clf, method, LONG, target=label) for label in LABELS)
    if EXPLAINERS[method].per_label(DESIGNS[design]):
        assert np.abs(first - second).max() > 1e-3
        assert np.abs(first - third).max() > 1e-3
    else:
        assert np.array_equal(first, second)
        assert np.array_equal(first, third)


@every_method
def test_scores_below_zero_where_a_method_is_signed(classifier, method, design):
    clf = kept(classifier, design)
    weight, signed = clf.model.classifier.weight, EXPLAINERS[method].signed(DESIGNS[design])
    scores = []
    for _ in range(2):  # the labels, and what speaks against them; after two turns the weights are what they were
        scores += [scores_of(clf, method, LONG, target=label) for label in LABELS]
        with torch.no_grad():
            weight.neg_()
    scores = np.concatenate(scores)
    assert clf.explain([LONG], method)[0].attribution.signed == signed
    assert (scores.min() < 0) == signed
    assert scores.max() > 0


@every_method
def test_the_model_is_left_as_it_was(classifier, method, design):
    clf = classifier(design)
    clf.model.train()
    clf.model.classifier.eval()
    clf.model.bert.embeddings.requires_grad_(False)
    modes = [module.training for module in clf.model.modules()]
    flags = [weight.requires_grad for weight in clf.model.parameters()]
    assert {*modes} == {*flags} == {True, False}
    weights = {name: weight.clone() for name, weight in clf.model.state_dict().items()}
    attribute(clf, method)
    assert [module.training for module in clf.model.modules()] == modes
    assert [weight.requires_grad for weight in clf.model.parameters()] == flags
    assert all(weight.grad is None for weight in clf.model.parameters())
    assert all(torch.equal(weight, weights[name]) for name, weight in clf.model.state_dict().items())
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("method", ["saliency", "integrated-gradients"])
def test_the_flags_of_the_weights_survive_an_error(classifier, method, monkeypatch):
    clf = kept(classifier, "vanilla")
    batch = token_batch(clf)
    grad = torch.autograd.grad
    calls = []

    def fails(*_, **__):
        calls.append(grad)
        raise MemoryError

    monkeypatch.setattr(torch.autograd, "grad", fails)
    with pytest.raises(MemoryError):
        EXPLAINERS[method].attribute(clf.model, batch)
    assert len(calls) == 1
    assert all(weight.requires_grad for weight in clf.model.parameters())


@pytest.mark.parametrize(
    "method", ["attention-x-gradient", "saliency", "integrated-gradients", "smoothgrad", "decompx"]
)
def test_gradients_are_there_where_the_caller_wants_none(classifier, method):
    clf = kept(classifier, "lexical")
    expected = attribute(clf, method).scores
    with torch.no_grad():
        assert torch.equal(attribute(clf, method).scores, expected)
        assert not torch.is_grad_enabled()


@every_method
def test_seeds(classifier, method, design):
    clf = kept(classifier, design)
    first, again, other = (scores_of(clf, method, LONG, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (method not in DRAWING)


@pytest.mark.parametrize("design", ["single-head", *ADDITIVE])
@pytest.mark.parametrize("method", ["attention-max", "attention-product"])
def test_what_merges_heads_needs_several(classifier, method, design):
    able = ", ".join(name for name in EXPLAINERS if name not in ("attention-max", "attention-product"))
    with pytest.raises(InputError) as refused:
        kept(classifier, design).explain([SHORT], method)
    assert str(refused.value) == (
        f"method: '{method}' given for design '{design}': "
        f"its final block has one head, whose weights method 'attention' gives; accepted: {able}"
    )


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("integrated-gradient", "did you mean integrated-gradients or integrated-gradients-pad or "),
        ("kernelshap", "did you mean kernel-shap? "),
        ("Lime", "did you mean lime"),
        ("magic", ""),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(given, hint):
    with pytest.raises(InputError) as refused:
        explainer(given, "vanilla")
    message = str(refused.value)
    assert message.startswith(f"method: '{given}' given; {hint}")
    assert message.endswith(f"accepted: {', '.join(EXPLAINERS)}")
    assert ("did you mean" in message) == bool(hint)


# ---------------------------------------------------------------------------------------------- passes


def test_passes_of_a_text():
    assert Passes(258, 2).count(7) == 272
    assert [str(passes) for passes in (Passes(1), Passes(0, 1), Passes(1, 1), Passes(258, 2))] == [
        "1", "n", "n + 1", "2n + 258"
    ]  # fmt: skip


def rows_run(clf, method, text):
    """Rows that go forward and backward through the lowest block for one text: how often the encoder really runs."""
    counted, n_tokens = {"forward": 0, "backward": 0}, token_batch(clf, [text]).input_ids.shape[1]

    def count(_module, _args, output):
        rows = output[..., 0].numel() // n_tokens
        counted["forward"] += rows
        if output.requires_grad:
            output.register_hook(lambda _: counted.update(backward=counted["backward"] + rows))

    hook = clf.model.bert.encoder.layer[0].intermediate.dense.register_forward_hook(count)
    try:
        attribute(clf, method, [text])
    finally:
        hook.remove()
    return counted


# value-zeroing replays every lower block once whole and once per token, special ones too: 13 tokens, 9 units.
# kernel-shap runs few units exactly: for 3 units the whole text, the empty one, and 2³ - 2 coalitions.
# attention-x-gradient goes back through the readout alone, so no gradient reaches the encoder.
RUN_OTHERWISE = {
    ("value-zeroing", LONG): {"forward": 1 + 1 + 13, "backward": 0},
    ("value-zeroing", SHORT): {"forward": 1 + 1 + 5, "backward": 0},
    ("kernel-shap", SHORT): {"forward": 1 + 1 + 6, "backward": 0},
    ("attention-x-gradient", LONG): {"forward": 1, "backward": 0},
    ("attention-x-gradient", SHORT): {"forward": 1, "backward": 0},
}


@pytest.mark.parametrize(("text", "n_units"), [(LONG, 9), (SHORT, 3)])
@every_method
def test_as_many_passes_as_declared(classifier, method, design, text, n_units):
    # With values from the embeddings, as a sixth of five blocks is, some methods have nothing to run below them.
    clf = classifier(design, value_layer=1) if design == "explainable" else kept(classifier, design)
    counted, declared = rows_run(clf, method, text), EXPLAINERS[method]
    expected = {"forward": declared.forward.count(n_units), "backward": declared.backward.count(n_units)}
    assert counted == RUN_OTHERWISE.get((method, text), expected)


# ---------------------------------------------------------------------------------------------- edges


@every_method
def test_a_text_of_one_word(classifier, method, design):
    (explanation,) = kept(classifier, design).explain(["awful"], method)
    assert [unit.text for unit in explanation.attribution.units] == ["awful"]
    assert np.isfinite(explanation.attribution.scores[0])
    assert explanation.attribution.scores[0] != 0


@every_method
def test_a_text_without_units_has_no_scores(classifier, method, design):
    (explanation,) = kept(classifier, design).explain([NO_UNITS], method)
    assert explanation.attribution.units == explanation.attribution.scores == ()
    (expected,) = kept(classifier, design).predict([NO_UNITS])
    assert explanation.prediction.probabilities == pytest.approx(expected.probabilities, abs=1e-6)


@every_method
def test_a_text_without_units_beside_others(classifier, method, design):
    clf = kept(classifier, design)
    found = attribute(clf, method, [NO_UNITS, SHORT])
    torch.testing.assert_close(found.scores[1], attribute(clf, method, [SHORT]).scores[0], atol=1e-5, rtol=1e-5)
    assert torch.isfinite(found.scores).all()


@every_method
def test_a_text_longer_than_the_window(classifier, method, design):
    (explanation,) = kept(classifier, design).explain(["the dull plot " * 19], method)
    assert (explanation.prediction.n_windows, explanation.prediction.n_tokens_dropped) == (2, 0)
    assert len(explanation.attribution.scores) == 57  # of which 39 fit into a window
    assert np.isfinite(explanation.attribution.scores).all()


@every_method
def test_both_texts_of_a_pair_have_scores(classifier, method, design):
    clf = kept(classifier, design)
    (explanation,) = clf.explain([PAIR], method)
    assert [(unit.part, unit.text) for unit in explanation.attribution.units] == [
        (0, "don't"), (0, "!"), (1, "unbelievable"), (1, "plot")
    ]  # fmt: skip
    assert all(score != 0 for score in explanation.attribution.scores)
    # The second text is read as the second: with all of it in one text the scores are others.
    joined = scores_of(clf, method, " ".join(PAIR))
    assert np.abs(joined - explanation.attribution.scores).max() > 1e-4


@every_method
def test_special_tokens_that_a_user_typed_are_units(classifier, method, design):
    clf = kept(classifier, design)
    (explanation,) = clf.explain(["a [SEP] plot [MASK] !"], method, target="LABEL_1")
    assert [unit.text for unit in explanation.attribution.units] == ["a", "[SEP]", "plot", "[MASK]", "!"]
    scores = np.array(explanation.attribution.scores)
    assert np.isfinite(scores).all()
    assert (scores[[0, 2, 4]] != 0).all()
    # A mask in place of a mask changes nothing (LIME's fit leaves a rest), and the way from [MASK] to it is no way.
    assert (abs(scores[3]) < 1e-6) == (method in ("occlusion", "kernel-shap", "integrated-gradients"))


@pytest.mark.parametrize("design", ADDITIVE)
@pytest.mark.parametrize("method", ["built-in", "attention", "attention-x-gradient", "value-weighted-norm"])
def test_additive_designs_give_a_typed_separator_nothing(classifier, method, design):
    scores = scores_of(kept(classifier, design), method, "a [SEP] plot", target="LABEL_1")
    assert scores[1] == 0
    assert (scores[[0, 2]] != 0).all()


@every_method
def test_only_methods_that_mask_need_a_mask_token(classifier, method, design):
    tokenizer = BertTokenizer(vocab=dict(VOCABULARY))
    tokenizer.mask_token = None
    clf = ExplainableClassifier(kept(classifier, design).model, tokenizer)
    if method in MASKING:
        with pytest.raises(InputError, match=r"has no \[MASK\] token to mask words with; accepted: built-in"):
            clf.explain([SHORT], method)
    else:
        assert len(clf.explain([SHORT], method)[0].attribution.scores) == 3


@pytest.mark.parametrize(("method", "design"), [(method, design) for method, design in APPLIED if method in CHEAP])
def test_half_precision_gives_about_the_same(classifier, method, design):
    clf = classifier(design)
    expected = attribute(clf, method, target="LABEL_1")
    clf.model.to(torch.bfloat16)
    found = attribute(clf, method, target="LABEL_1")
    # Eight bits of mantissa: a hundredth per number, and five blocks of them.
    distance = (found.scores.float() - expected.scores).abs().max() / expected.scores.abs().max()
    assert distance < 0.15
    (explanation,) = clf.explain([LONG], method, target="LABEL_1")
    assert np.isfinite(explanation.attribution.scores).all()


@pytest.mark.parametrize("method", sorted(EXPLAINERS.keys() - {*CHEAP}))
def test_half_precision_runs(classifier, method):
    clf = classifier("vanilla")
    clf.model.to(torch.bfloat16)
    assert np.isfinite(scores_of(clf, method, LONG)).all()


def test_texts_come_back_in_order_with_progress(classifier):
    seen = []
    texts = [SHORT, LONG, SHORT, *[LONG] * 5]
    explanations = kept(classifier, "lexical").explain(texts, "lime", progress=lambda *done: seen.append(done))
    assert [explanation.text for explanation in explanations] == texts
    assert len(seen) > 1
    assert seen == sorted(seen)
    assert seen[-1] == (8, 8)
    assert explanations[0].attribution.scores == pytest.approx(explanations[2].attribution.scores, abs=1e-5)


def test_methods_have_the_text_of_a_table():
    rows = EXPLAINERS.values()
    assert all(row.summary and row.source and row.forward.fixed >= 1 for row in rows)
    assert len({row.summary for row in rows}) == 18
