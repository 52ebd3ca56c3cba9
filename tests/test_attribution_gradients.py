"""Gradients to word embeddings against finite differences, captum and loops by hand."""

import numpy as np
import pytest
import torch
from captum.attr import InputXGradient, IntegratedGradients, LayerIntegratedGradients, Saliency

from explainable_bert.attribution import gradients
from explainable_bert.attribution.gradients import integrated_gradients
from test_attribution_batch import LONG, PAIR, SHORT, attribute, kept, token_batch
from tiny import DESIGNS, VOCABULARY

every_design = pytest.mark.parametrize("design", DESIGNS)


@pytest.fixture
def ready(classifier):
    return lambda design: kept(classifier, design)


def embeddings_of(clf, ids):
    return clf.model.bert.embeddings.word_embeddings(ids).detach()


def logit_of_embeddings(clf, batch, label=1):
    """A function of word embeddings to the logits; as many copies of the batch's rows as it is given."""

    def logits(embeddings):
        n_copies = len(embeddings) // len(batch)
        context = {name: tensor.repeat(n_copies, 1) for name, tensor in batch.context.items()}
        return clf.model(inputs_embeds=embeddings, **context).logits

    return logits if label is None else lambda embeddings: logits(embeddings)[:, label]


def finite_differences(clf, text, label):
    """∂y/∂e for every token and dimension of one text, by central differences in double precision."""
    batch, step = token_batch(clf, [text]), 1e-4
    embedded = embeddings_of(clf, batch.input_ids)
    n_tokens, width = embedded.shape[1:]
    nudges = step * torch.eye(n_tokens * width, dtype=torch.float64).view(-1, n_tokens, width)
    logit = logit_of_embeddings(clf, batch, label)
    with torch.no_grad():
        slopes = (logit(embedded + nudges) - logit(embedded - nudges)) / (2 * step)
    return slopes.view(n_tokens, width), embedded[0]


@pytest.mark.parametrize("design", ["vanilla", "single-head"])
@pytest.mark.parametrize("text", [LONG, SHORT])
def test_gradients_by_finite_differences(classifier, design, text):
    clf = classifier(design)
    clf.model.double()
    slopes, embedded = finite_differences(clf, text, 2)
    for method, by_hand in (
        ("saliency", slopes.square().sum(dim=1).sqrt()),
        ("input-x-gradient", (slopes * embedded).sum(dim=1)),
    ):
        found = attribute(clf, method, [LONG, text], target="LABEL_2").scores[1, : len(by_hand)]
        torch.testing.assert_close(found, by_hand, atol=1e-7, rtol=1e-6)
        assert by_hand.abs().max() > 0.01


@pytest.mark.parametrize("design", ["additive", "lexical"])
def test_gradients_by_finite_differences_of_the_additive_readout(classifier, design):
    """The readout works in float32 whatever the model's type, so a step must be large enough to be seen in it."""
    clf = classifier(design)
    clf.model.double()
    batch = token_batch(clf, [SHORT])
    embedded, step = embeddings_of(clf, batch.input_ids), 1e-2
    nudges = step * torch.eye(5 * 21, dtype=torch.float64).view(-1, 5, 21)
    logit = logit_of_embeddings(clf, batch, 2)
    with torch.no_grad():
        slopes = ((logit(embedded + nudges) - logit(embedded - nudges)) / (2 * step)).view(5, 21).double()
    for method, by_hand in (
        ("saliency", slopes.norm(dim=1)),
        ("input-x-gradient", (slopes * embedded[0]).sum(dim=1)),
    ):
        found = attribute(clf, method, [LONG, SHORT], target="LABEL_2").scores[1, :5].double()
        torch.testing.assert_close(found, by_hand, atol=2e-3 * float(by_hand.abs().max()), rtol=0)


@every_design
def test_gradients_as_captum_has_them(ready, design):
    clf = ready(design)
    batch = token_batch(clf, [LONG, SHORT, PAIR], target="LABEL_1")
    embedded = embeddings_of(clf, batch.input_ids).requires_grad_()
    logits = logit_of_embeddings(clf, batch, None)
    real = batch.attention_mask.bool()
    for method, by_captum in (
        ("saliency", Saliency(logits).attribute(embedded, target=1, abs=False).norm(dim=-1)),
        ("input-x-gradient", InputXGradient(logits).attribute(embedded, target=1).sum(dim=-1)),
    ):
        found = attribute(clf, method, [LONG, SHORT, PAIR], target="LABEL_1").scores
        torch.testing.assert_close(found[real], by_captum[real].detach(), atol=1e-4, rtol=1e-4)
        assert by_captum.abs().max() > 0.01


def baseline_ids(batch, token):
    return torch.where(batch.unit_ids >= 0, VOCABULARY[token], batch.input_ids)


@pytest.mark.parametrize(
    ("method", "token"), [("integrated-gradients", "[MASK]"), ("integrated-gradients-pad", "[PAD]")]
)
@every_design
def test_integrated_gradients_as_captum_has_them(ready, design, method, token):
    clf = ready(design)
    texts = [LONG, SHORT, PAIR]
    found = attribute(clf, method, texts, target="LABEL_1")
    for row, text in enumerate(texts):
        batch = token_batch(clf, [text])
        start, end = embeddings_of(clf, baseline_ids(batch, token)), embeddings_of(clf, batch.input_ids)
        logits = logit_of_embeddings(clf, batch, None)
        by_captum = IntegratedGradients(logits).attribute(end, start, target=1, n_steps=64, method="gausslegendre")
        n_tokens = end.shape[1]
        torch.testing.assert_close(found.scores[row, :n_tokens], by_captum.sum(dim=-1)[0].float(), atol=1e-4, rtol=1e-4)
        assert (found.scores[row, [0, n_tokens - 1]] == 0).all()  # special tokens stay what they are
        with torch.no_grad():
            torch.testing.assert_close(found.bias[row], logits(start)[0, 1], atol=1e-5, rtol=0)
    assert found.scores.abs().max() > 0.01


@pytest.mark.parametrize(
    ("method", "token"), [("integrated-gradients", "[MASK]"), ("integrated-gradients-pad", "[PAD]")]
)
def test_integrated_gradients_of_the_stock_model_by_captum(ready, stock, method, token):
    """LayerIntegratedGradients on the word embeddings of BertForSequenceClassification, from ids to ids."""
    clf = ready("vanilla")
    batch = token_batch(clf, [LONG])

    def logits(ids):
        mask = batch.attention_mask.expand(len(ids), -1)
        return stock(input_ids=ids, attention_mask=mask).logits

    by_captum = LayerIntegratedGradients(logits, stock.bert.embeddings.word_embeddings).attribute(
        batch.input_ids, baseline_ids(batch, token), target=2, n_steps=64, method="gausslegendre"
    )
    found = attribute(clf, method, [LONG, SHORT], target="LABEL_2").scores[0]
    torch.testing.assert_close(found, by_captum.sum(dim=-1)[0].float(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("method", ["integrated-gradients", "integrated-gradients-pad"])
@every_design
def test_the_completeness_gap_is_below_a_hundredth_of_the_difference(ready, design, method):
    for label in ("LABEL_0", "LABEL_1", "LABEL_2"):
        for explanation in ready(design).explain([LONG, SHORT, PAIR], method, target=label):
            found = explanation.attribution
            difference = abs(found.logit - found.bias)
            assert found.completeness_error <= 0.01 * difference + 1e-6
            assert max(map(abs, found.scores)) > 1e-3


def test_fewer_steps_leave_a_larger_gap(ready):
    clf, gaps = ready("single-head"), []
    batch = token_batch(clf, [LONG, SHORT], target="LABEL_1")
    for n_steps in (1, 64):
        found = integrated_gradients("[MASK]", n_steps)(clf.model, batch)
        whole = found.logits[:, 1] - found.bias
        gaps.append((found.scores.sum(dim=1) - whole).abs())
    assert (gaps[0] > 10 * gaps[1]).all()
    assert (gaps[0] > 1e-4).all()


def test_one_step_is_the_gradient_half_way(ready):
    clf = ready("lexical")
    batch = token_batch(clf, [LONG, SHORT], target="LABEL_1")
    start, end = embeddings_of(clf, baseline_ids(batch, "[MASK]")), embeddings_of(clf, batch.input_ids)
    half_way = ((start + end) / 2).requires_grad_()
    (gradient,) = torch.autograd.grad(logit_of_embeddings(clf, batch)(half_way).sum(), half_way)
    expected = ((end - start) * gradient).sum(dim=-1)
    found = integrated_gradients("[MASK]", 1)(clf.model, batch).scores
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("method", ["integrated-gradients", "smoothgrad"])
def test_in_several_passes_it_is_the_same(ready, method, monkeypatch):
    clf = ready("lexical")
    expected = attribute(clf, method).scores
    rows = []
    whole = gradients.run
    monkeypatch.setattr(gradients, "TOKENS_AT_ONCE", 7 * 13)
    monkeypatch.setattr(
        gradients, "run", lambda *args, **inputs: (rows.append(_rows(inputs)), whole(*args, **inputs))[1]
    )
    torch.testing.assert_close(attribute(clf, method).scores, expected, atol=1e-6, rtol=1e-5)
    assert max(rows) == 7
    assert len(rows) > 10


def _rows(inputs):
    return len(inputs["attention_mask"])


@every_design
def test_smoothgrad_without_noise_is_saliency(ready, design, monkeypatch):
    clf = ready(design)
    expected = attribute(clf, "saliency", target="LABEL_1").scores
    assert (attribute(clf, "smoothgrad", target="LABEL_1").scores - expected).abs().max() > 1e-4
    monkeypatch.setattr(gradients, "_noise", lambda _, embedded: torch.zeros(len(embedded), 32, *embedded.shape[1:]))
    torch.testing.assert_close(attribute(clf, "smoothgrad", target="LABEL_1").scores, expected, atol=1e-6, rtol=1e-5)


@every_design
def test_smoothgrad_by_a_loop_over_given_noise(ready, design, monkeypatch):
    clf = ready(design)
    batch = token_batch(clf, [LONG, SHORT], target="LABEL_1")
    noise = 0.3 * torch.randn(2, 32, 13, 21, generator=torch.Generator().manual_seed(5))
    monkeypatch.setattr(gradients, "_noise", lambda *_: noise)
    total = torch.zeros(2, 13, 21)
    for copy in range(32):
        noisy = (embeddings_of(clf, batch.input_ids) + noise[:, copy]).requires_grad_()
        (gradient,) = torch.autograd.grad(logit_of_embeddings(clf, batch)(noisy).sum(), noisy)
        total += gradient
    found = attribute(clf, "smoothgrad", target="LABEL_1").scores
    torch.testing.assert_close(found, (total / 32).norm(dim=-1), atol=1e-6, rtol=1e-5)


def test_the_noise_has_fifteen_per_cent_of_the_range_and_spares_special_tokens(ready):
    clf = ready("vanilla")
    batch = token_batch(clf, [LONG, SHORT])
    embedded = embeddings_of(clf, batch.input_ids)
    noise = gradients._noise(batch, embedded)
    assert noise.shape == (2, 32, 13, 21)
    for row in range(2):
        inside = batch.unit_ids[row] >= 0
        own = embedded[row][inside]
        drawn = noise[row][:, inside].numpy().ravel()
        assert len(drawn) == 32 * int(inside.sum()) * 21
        assert drawn.std() == pytest.approx(0.15 * float(own.max() - own.min()), rel=0.05)
        assert abs(drawn.mean()) < 4 * drawn.std() / len(drawn) ** 0.5
        assert (noise[row][:, ~inside] == 0).all()
        assert len(np.unique(drawn)) > 0.99 * len(drawn)  # every copy has its own
