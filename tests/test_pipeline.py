"""ExplainableClassifier: texts in, records out, in order, whatever the batch."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel, BertTokenizer

from explainable_bert import ExplainableClassifier, pipeline
from explainable_bert.engines import torch_engine
from explainable_bert.errors import InputError, ModelError
from explainable_bert.pipeline import explain_versus
from tiny import ADDITIVE, DESIGNS, SIZES, VOCABULARY

TEXTS = [
    "the film is good",
    "awful",
    "a very, very dull movie! don't ...",
    "Unbelievable 😀 plot",
    "the " * 50,
    ("good film", "bad co-writer"),
]


@pytest.mark.parametrize("design", DESIGNS)
def test_explanations_by_the_forward_pass(classifier, design):
    clf = classifier(design)
    for text in (TEXTS[3], TEXTS[5]):
        texts = (text,) if isinstance(text, str) else text
        encoded = clf.tokenizer(*texts, return_tensors="pt", return_special_tokens_mask=True)
        with torch.no_grad():
            output = clf.model(**encoded)
        (explanation,) = clf.explain([text], level="token")
        label = output.logits.argmax().item()
        scores = output.attention[0] if output.contributions is None else output.contributions[0, :, label]
        keep = encoded["special_tokens_mask"][0] == 0
        assert explanation.attribution.scores == pytest.approx(scores[keep].tolist(), abs=1e-6)
        assert explanation.target == explanation.prediction.label == clf.labels[label]
        assert explanation.prediction.probabilities == pytest.approx(
            dict(zip(clf.labels, output.logits[0].softmax(dim=-1).tolist(), strict=True)), abs=1e-6
        )
        assert explanation.attribution.signed == (design in ADDITIVE)
        special_mass = output.attention[0][~keep].sum().item()
        assert explanation.attribution.special_token_mass == pytest.approx(special_mass, abs=1e-6)
        assert (explanation.text, explanation.text_pair) == (texts[0], texts[1] if len(texts) == 2 else None)


@pytest.mark.parametrize("design", ADDITIVE)
@pytest.mark.parametrize("target", [None, "LABEL_0", "LABEL_2"])
def test_words_sum_to_the_logit(classifier, design, target):
    for explanation in classifier(design).explain(TEXTS, target=target):
        assert explanation.attribution.completeness_error < 1e-5
        assert abs(explanation.attribution.logit) > 1e-3
        assert explanation.target == (target or explanation.prediction.label)
        assert explanation.attribution.special_token_mass == 0


@pytest.mark.parametrize("design", ["vanilla", "single-head"])
def test_attention_of_words_and_special_tokens_sums_to_one(classifier, design):
    for explanation in classifier(design).explain(TEXTS):
        assert explanation.attribution.completeness_error is None
        mass = sum(explanation.attribution.scores) + explanation.attribution.special_token_mass
        assert mass == pytest.approx(1, abs=1e-5)
        assert explanation.attribution.special_token_mass > 0.01


def test_units_are_the_words_as_written(classifier):
    explanation = classifier("lexical").explain([TEXTS[2]])[0]
    assert [unit.text for unit in explanation.attribution.units] == [
        "a", "very", ",", "very", "dull", "movie", "!", "don't", "..."
    ]  # fmt: skip
    for unit in explanation.attribution.units:
        assert TEXTS[2][unit.start : unit.end] == unit.text


# Six texts, the longest of 41 tokens stands alone; chunks are sorted each by itself.
@pytest.mark.parametrize(
    ("chunk", "steps"),
    [(6, [(1, 6), (4, 6), (6, 6)]), (4, [(3, 6), (4, 6), (5, 6), (6, 6)]), (5, [(1, 6), (4, 6), (5, 6), (6, 6)])],
)
@pytest.mark.parametrize("design", DESIGNS)
def test_order_and_batches_change_nothing(classifier, design, monkeypatch, chunk, steps):
    clf = classifier(design)
    clf.long = "truncate"
    one_by_one = [clf.explain([text])[0] for text in TEXTS]
    seen = []
    monkeypatch.setattr(torch_engine, "tokens_at_once", lambda _: 300)
    monkeypatch.setattr(pipeline, "_TEXTS_AT_ONCE", chunk)
    together = clf.explain(TEXTS, progress=lambda done, total: seen.append((done, total)))
    assert seen == steps
    for alone, batched in zip(one_by_one, together, strict=True):
        assert batched.text == alone.text
        assert batched.attribution.units == alone.attribution.units
        assert batched.attribution.scores == pytest.approx(alone.attribution.scores, abs=1e-5)
        assert batched.prediction.probabilities == pytest.approx(alone.prediction.probabilities, abs=1e-5)
    predictions = clf.predict(TEXTS)
    assert [prediction.label for prediction in predictions] == [item.prediction.label for item in one_by_one]


def test_dropped_tokens_are_told(classifier):
    clf = classifier("lexical")
    clf.long = "truncate"
    expected = [0, 0, 0, 0, 50 - 39, 0]  # 41 positions less [CLS] and [SEP]
    assert [prediction.n_tokens_dropped for prediction in clf.predict(TEXTS)] == expected
    assert [item.prediction.n_tokens_dropped for item in clf.explain(TEXTS)] == expected


def test_two_models_explain_the_same_targets(classifier):
    base, versus = classifier("vanilla"), classifier("lexical")
    with torch.no_grad():  # so that the two disagree somewhere
        versus.model.classifier.bias.copy_(torch.tensor([0.0, 0.0, 30.0]))
        base.model.classifier.bias.copy_(torch.tensor([0.0, 3.0, 0.0]))
    ours, theirs = explain_versus(base, versus, TEXTS, method="saliency")
    assert ours == base.explain(TEXTS, method="saliency")
    assert [item.target for item in theirs] == [item.prediction.label for item in ours]
    assert [item.text for item in theirs] == [item.text for item in ours]
    assert {item.prediction.label for item in theirs} == {"LABEL_2"} != {item.target for item in theirs}
    (alone,) = versus.explain([TEXTS[2]], "saliency", target=ours[2].target)
    assert theirs[2].attribution.scores == pytest.approx(alone.attribution.scores, abs=1e-5)
    _, asked = explain_versus(base, versus, TEXTS[:2], target="LABEL_0")
    assert [item.target for item in asked] == ["LABEL_0"] * 2


def test_nothing_is_computed_when_the_other_model_cannot_be_explained_so(classifier, monkeypatch):
    monkeypatch.setattr(ExplainableClassifier, "explain", None)
    with pytest.raises(InputError, match="method: 'attention-max' given for design 'single-head'"):
        explain_versus(classifier("vanilla"), classifier("single-head"), TEXTS, method="attention-max")


@pytest.mark.parametrize("seed", [-1, 1.5, "x"])
def test_seeds_that_are_none(classifier, seed):
    with pytest.raises(InputError, match=r"seed: .* given; accepted: a whole number from 0"):
        classifier("vanilla").explain(["good"], "random", seed=seed)


def test_the_record_holds_the_seed_of_methods_that_draw(classifier):
    clf = classifier("vanilla")
    seeds = {
        method: clf.explain(["good film"], method, seed=7)[0].attribution.seed
        for method in ("random", "lime", "saliency")
    }
    assert seeds == {"random": 7, "lime": 7, "saliency": None}


def test_the_bias_is_named_for_what_it_is(classifier):
    clf = classifier("lexical")
    named = {
        method: clf.explain(["good film"], method)[0].attribution.bias_name
        for method in ("built-in", "decompx", "integrated-gradients", "kernel-shap", "occlusion")
    }
    assert named == {
        "built-in": "bias",
        "decompx": "biases and special tokens",
        "integrated-gradients": "baseline",
        "kernel-shap": "all words masked",
        "occlusion": None,
    }


def test_explaining_in_threads_leaves_the_weights_trainable(classifier):
    clf = classifier("single-head")
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: clf.explain(TEXTS[:2], "saliency"), range(40)))
    assert all(weight.requires_grad for weight in clf.model.parameters())


def test_models_of_other_labels_are_not_compared(classifier):
    versus = classifier("lexical")
    versus.model.config.id2label = {0: "a", 1: "b", 2: "c"}
    with pytest.raises(InputError, match="versus: 'tiny' knows labels a, b, c; accepted: LABEL_0, LABEL_1, LABEL_2"):
        explain_versus(classifier("vanilla"), versus, ["good"])


@pytest.mark.parametrize("method", ["saliency", "attention-x-gradient", "decompx", "integrated-gradients"])
def test_gradients_are_had_within_inference_mode(classifier, method):
    clf = classifier("single-head")
    with torch.inference_mode():
        (within,) = clf.explain(TEXTS[:1], method)
    assert within.attribution.scores == pytest.approx(clf.explain(TEXTS[:1], method)[0].attribution.scores)


def test_no_texts_no_records(classifier):
    assert classifier("vanilla").predict([]) == []
    assert classifier("vanilla").explain([]) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"texts": ["good", ""]}, r"texts\[1\]: '' given"),
        ({"texts": ["good"], "method": "magic"}, "method: 'magic' given; accepted: built-in"),
        ({"texts": ["good"], "target": "LABEL_3"}, "target: 'LABEL_3' given; accepted: LABEL_0, LABEL_1, LABEL_2"),
        ({"texts": ["good"], "level": "letter"}, "level: 'letter' given; accepted: word, token"),
    ],
)
def test_what_cannot_be_explained(classifier, arguments, message):
    with pytest.raises(InputError, match=message):
        classifier("lexical").explain(**arguments)


@pytest.mark.parametrize("design", DESIGNS)
def test_loading_a_model_folder(build, tokenizer, tmp_path, design, classifier):
    build(design).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    clf = ExplainableClassifier.load(tmp_path)
    expected = classifier(design).explain(TEXTS)
    for loaded, built in zip(clf.explain(TEXTS), expected, strict=True):
        assert loaded.attribution == built.attribution
        assert loaded.provenance.design == design
        assert loaded.provenance.fingerprint == built.provenance.fingerprint
        assert loaded.provenance.model == str(tmp_path)


def test_a_stock_classifier_loads_as_vanilla(stock_folder, classifier):
    clf = ExplainableClassifier.load(stock_folder)
    assert clf.provenance.design == "vanilla"
    assert clf.labels == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert clf.predict(TEXTS) == classifier("vanilla").predict(TEXTS)


def test_folders_that_hold_no_classifier(tmp_path, tokenizer, build):
    with pytest.raises(ModelError, match=r"^model: folder .* is not a model: it has no config.json"):
        ExplainableClassifier.load(tmp_path)
    BertModel(BertConfig(**SIZES)).save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="without a trained classifier; make one with: explainable-bert train --base"):
        ExplainableClassifier.load(tmp_path)
    build("lexical").save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=r"holds no .*tokenizer"):
        ExplainableClassifier.load(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    assert ExplainableClassifier.load(tmp_path).predict(["good"])


@pytest.mark.parametrize("name", ["classifier.weight", "bert.encoder.layer.4.attention.self.query.bias"])
def test_a_folder_that_lacks_weights_is_refused(tmp_path, tokenizer, build, name):
    build("vanilla").save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights[name]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"^model: .* lacks or misshapes 1 weights, such as {name}"):
        ExplainableClassifier.load(tmp_path)


def test_the_tokenizer_is_left_as_it_was(build):
    tokenizer = BertTokenizer(vocab=dict(VOCABULARY))
    before = tokenizer("good " * 60)["input_ids"]
    ExplainableClassifier(build("vanilla"), tokenizer).predict(["good " * 60])
    assert tokenizer("good " * 60)["input_ids"] == before
    assert len(before) == 62


def test_models_that_choose_no_single_label_are_refused(stock_folder, tmp_path):
    for file in stock_folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "problem_type": "multi_label_classification"}))
    with pytest.raises(ModelError, match="is for multi_label_classification; accepted: single_label_classification"):
        ExplainableClassifier.load(tmp_path)


def test_the_window_of_the_tokenizer_counts(build):
    tokenizer = BertTokenizer(vocab=dict(VOCABULARY), model_max_length=7)
    (prediction,) = ExplainableClassifier(build("vanilla"), tokenizer).predict(["good " * 9])
    assert prediction.n_windows == 2
    (prediction,) = ExplainableClassifier(build("vanilla"), tokenizer, long="truncate").predict(["good " * 9])
    assert prediction.n_tokens_dropped == 4


# --- what an explanation forecasts of a text without some of its words ---


def test_forecasts_of_all_texts_and_variants(classifier):
    clf = classifier("lexical")
    texts = ["the film is unbelievable , very good", ("a good film", "bad, don't"), "good"]
    random = np.random.default_rng(0)
    keeps = [random.random((4, len(of_text))) < 0.6 for of_text in clf.units(texts)]
    for keep in keeps:
        keep[0], keep[1] = True, False
    found = clf.forecast_erased(texts, keeps)
    assert [logits.shape for logits in found] == [(4, 3)] * 3
    bias = clf.model.classifier.bias.detach().numpy()
    for text, keep, logits in zip(texts, keeps, found, strict=True):
        whole = [clf.explain([text], target=label)[0].attribution for label in clf.labels]
        assert logits[0] == pytest.approx([attribution.logit for attribution in whole], abs=1e-5)
        assert logits[1] == pytest.approx(bias, abs=1e-6)
        attention = clf.head_attention([text])[0][0]
        for row, of_row in zip(keep[2:], logits[2:], strict=True):
            sums = np.array([np.array(attribution.scores)[row].sum() for attribution in whole])
            assert of_row == pytest.approx(bias + (sums / attention[row].sum() if row.any() else 0), abs=1e-5)


def test_forecasts_by_tokens(classifier):
    clf = classifier("additive")
    (tokens,) = clf.units(["unbelievable"], "token")
    keep = np.eye(len(tokens), dtype=bool)
    (found,) = clf.forecast_erased(["unbelievable"], [keep], "token")
    assert found.shape == (3, 3)
    assert np.ptp(found, axis=0).max() > 1e-3


@pytest.mark.parametrize(
    ("design", "config", "said"),
    [
        ("vanilla", {}, "model: design 'vanilla' given; accepted: those whose logits are sums over words"),
        ("single-head", {}, "model: design 'single-head' given; accepted: those whose logits are sums over words"),
        (
            "additive",
            {"attention_function": "sparsemax"},
            "model: attention function 'sparsemax' given; accepted: softmax, uniform",
        ),
    ],
)
def test_models_that_forecast_nothing(classifier, design, config, said):
    clf = classifier(design, **config)
    for ask in (clf.check_forecast, lambda: clf.forecast_erased(["good"], [np.array([[True]])])):
        with pytest.raises(InputError, match=f"^{re.escape(said)}$"):
            ask()


def test_forecasts_refuse_what_does_not_fit(classifier):
    clf = classifier("additive")
    with pytest.raises(InputError, match=r"^keeps: 2 given for 1 texts; one per text is needed$"):
        clf.forecast_erased(["good"], [np.array([[True]])] * 2)
    with pytest.raises(InputError, match=r"^keeps\[0\]: shape \(1, 2\) given; accepted: \(variants, 1 units\)$"):
        clf.forecast_erased(["good"], [np.array([[True, True]])])
    with pytest.raises(InputError, match=r"^texts\[0\]: \d+ windows given; accepted: a text of one$"):
        clf.forecast_erased(["good film " * 200], [np.ones((1, 400), dtype=bool)])
