"""Every fast path gives what the plain path gives: batches in flight, streams, compiled models, other number types."""

import json
import subprocess
import sys
import threading
from contextlib import nullcontext

import pytest
import torch

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier, pipeline
from explainable_bert.engines import torch_engine
from explainable_bert.errors import InputError
from explainable_bert.model.configuration import DESIGNS
from explainable_bert.text.encoding import TOKENS_AT_ONCE, tokens_at_once
from tiny import TEXTS


@pytest.fixture
def folder(stock_folder, tokenizer, tmp_path):
    """Where a trained model of a design lies."""

    def make(design, **config):
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design, num_labels=3, **config)
        model.save_pretrained(tmp_path / design)
        tokenizer.save_pretrained(tmp_path / design)
        return tmp_path / design

    return make


def plain(clf, text):
    """One text's tokens, cut to the window, run by the model: logits, attention and what contributions it has."""
    parts = (text,) if isinstance(text, str) else text
    given = clf.tokenizer(*parts, truncation=True, max_length=41, return_tensors="pt", return_special_tokens_mask=True)
    with torch.no_grad():
        return clf.model(**given), given["special_tokens_mask"][0] == 0


def assert_plain(clf, found, tolerance):
    for text, explanation in zip(TEXTS, found, strict=True):
        output, is_word = plain(clf, text)
        label = clf.labels.index(explanation.target)
        scores = output.attention if output.contributions is None else output.contributions[..., label]
        assert explanation.attribution.scores == pytest.approx(scores[0][is_word].tolist(), abs=tolerance)
        probabilities = list(explanation.prediction.probabilities.values())
        assert probabilities == pytest.approx(output.logits[0].softmax(dim=-1).tolist(), abs=tolerance)


@pytest.mark.parametrize("n_tokens", [1, 60, 100_000])
@pytest.mark.parametrize("design", DESIGNS)
def test_batches_give_what_texts_alone_give(classifier, monkeypatch, design, n_tokens):
    clf = classifier(design)
    clf.long = "truncate"
    monkeypatch.setattr(torch_engine, "tokens_at_once", lambda _: n_tokens)
    assert_plain(clf, clf.explain(TEXTS, level="token"), 1e-5)


@pytest.mark.parametrize("n_in_flight", [0, 1, 3, 20])
def test_batches_in_flight_come_back_in_order(classifier, monkeypatch, n_in_flight):
    clf, open_batches, most_open = classifier("lexical"), set(), []
    clf.long = "truncate"
    begin = clf.engine.attribute

    def attribute(*given):
        end = begin(*given)
        open_batches.add(end)
        most_open.append(len(open_batches))

        def ended():
            open_batches.remove(end)
            return end()

        return ended

    monkeypatch.setattr(clf.engine, "attribute", attribute)
    monkeypatch.setattr(torch_engine, "tokens_at_once", lambda _: 1)
    monkeypatch.setattr(torch_engine.TorchEngine, "n_in_flight", n_in_flight)
    seen = []
    found = clf.explain(TEXTS, level="token", progress=lambda done, total: seen.append((done, total)))
    assert max(most_open) == min(n_in_flight + 1, len(TEXTS))
    assert not open_batches
    assert seen == [(done, len(TEXTS)) for done in range(1, len(TEXTS) + 1)]
    assert_plain(clf, found, 1e-5)
    assert [item.label for item in clf.predict(TEXTS)] == [item.prediction.label for item in found]


def test_a_stream_asks_for_texts_as_they_are_needed(classifier, monkeypatch):
    monkeypatch.setattr(pipeline, "_TEXTS_AT_ONCE", 2)

    class Drawn(list):
        """Texts that note when they are asked for."""

        def __getitem__(self, which):
            asked.append((which.start, which.stop))
            reads.release()
            return super().__getitem__(which)

    asked, reads = [], threading.Semaphore(0)
    texts, clf = Drawn(TEXTS), classifier("lexical")
    stream = clf.iter_explanations(texts)
    assert asked == []
    found = [next(stream)]
    # The second chunk is read beside the run of the first, so maybe a moment later; the third is not looked at.
    assert all(reads.acquire(timeout=60) for _ in range(2))
    assert asked == [(0, 2), (2, 4)]
    found += stream
    assert found == clf.explain(TEXTS)
    blank = clf.iter_explanations([*TEXTS[:4], "\n"])
    assert [next(blank).text for _ in range(2)] == TEXTS[:2]
    with pytest.raises(InputError, match=r"texts\[4\]: '\\n' given"):
        list(blank)
    with pytest.raises(InputError, match=r"texts\[4\]: '\\n' given"):
        next(iter(clf.explain([*TEXTS[:4], "\n"])))


@pytest.mark.parametrize("design", DESIGNS)
def test_a_pass_never_waits_for_an_accelerator(build, design, monkeypatch):
    """Tensors without data can be computed with, but not looked at: whoever looks fails here."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # there is none for tensors without data
    model = build(design).eval().to("meta")
    ids = torch.ones((2, 7), dtype=torch.long, device="meta")
    with torch.inference_mode():
        output = model(input_ids=ids, attention_mask=ids, token_type_ids=ids, special_tokens_mask=ids)
    assert output.logits.shape == (2, 3)
    with pytest.raises(RuntimeError, match="meta"):
        bool(output.logits.any())


def test_texts_of_one_length_are_run_without_a_mask(classifier, monkeypatch):
    clf, masks = classifier("lexical"), []
    for block in clf.model.bert.encoder.layer[:-1]:
        run = block.forward
        monkeypatch.setattr(block, "forward", lambda states, mask, run=run: (masks.append(mask), run(states, mask))[1])
    clf.explain(["the film is good", "a bad movie .", "awful ! ! !"])
    assert masks == [None] * 4
    clf.explain(["the film is good", "a bad movie"])
    assert all(mask is not None for mask in masks[4:])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("design", DESIGNS)
def test_a_cuda_device_gives_the_same(folder, design):
    made = folder(design)
    found = ExplainableClassifier.load(made, device="cuda").explain(TEXTS, level="token")
    assert_plain(ExplainableClassifier.load(made, device="cpu"), found, 1e-4)


def test_an_accelerator_gets_larger_passes():
    assert tokens_at_once("cpu") == TOKENS_AT_ONCE < tokens_at_once("cuda")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("design", DESIGNS)
def test_short_numbers_keep_the_sum_exact(folder, design, dtype):
    made = folder(design)
    clf = ExplainableClassifier.load(made, dtype=dtype)
    assert {weight.dtype for weight in clf.model.parameters()} == {getattr(torch, dtype)}
    found, exact = clf.explain(TEXTS), ExplainableClassifier.load(made).explain(TEXTS, target="LABEL_0")
    for explanation in found:
        if DESIGNS[design].readout == "additive":
            assert explanation.attribution.completeness_error < 1e-5
    found = clf.explain(TEXTS, target="LABEL_0")
    for ours, theirs in zip(found, exact, strict=True):
        assert ours.attribution.scores == pytest.approx(theirs.attribution.scores, abs=0.25)
        assert ours.attribution.scores != theirs.attribution.scores


def test_number_types_that_there_are(folder):
    with pytest.raises(InputError, match="dtype: 'int8' given; accepted: float32, bfloat16, float16"):
        ExplainableClassifier.load(folder("lexical"), dtype="int8")


# In a process of its own: the checks of shapes that these tests run under would be compiled, too.
COMPILED = """
import dataclasses, json, sys
from explainable_bert import ExplainableClassifier
texts = [tuple(text) if isinstance(text, list) else text for text in json.loads(sys.argv[2])]
clf = ExplainableClassifier.load(sys.argv[1], compiled=True)
import torch._dynamo.utils
before = torch._dynamo.utils.counters["stats"]["unique_graphs"]
found = clf.explain(texts, level="token") + [clf.explain([text], level="token")[0] for text in texts]
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == before > 0, "compiled again while it was used"
print(json.dumps([[item.target, item.attribution.scores, item.prediction.probabilities] for item in found]))
"""


def test_a_compiled_model_gives_the_same(folder):
    made = folder("lexical", num_hidden_layers=2)  # each block takes seconds to compile
    ran = subprocess.run([sys.executable, "-c", COMPILED, made, json.dumps(TEXTS)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    expected = ExplainableClassifier.load(made).explain(TEXTS, level="token")
    for (target, scores, probabilities), plainly in zip(json.loads(ran.stdout), expected * 2, strict=True):
        assert target == plainly.target
        assert scores == pytest.approx(plainly.attribution.scores, abs=1e-5)
        assert probabilities == pytest.approx(plainly.prediction.probabilities, abs=1e-5)


def test_a_model_that_cannot_be_compiled(folder):
    code = "import sys; from explainable_bert import ExplainableClassifier as C; C.load(sys.argv[1], compiled=True)"
    made = folder("lexical", num_hidden_layers=2)
    ran = subprocess.run(
        [sys.executable, "-c", code, made], capture_output=True, text=True, env={"PATH": "/nowhere", "CXX": "/nowhere"}
    )
    assert f"ModelError: model: {str(made)!r} cannot be compiled here: " in ran.stderr
