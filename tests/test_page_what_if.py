"""What if words were gone: the changed text, what the picture forecast, and curves of words struck in order."""

import dataclasses
import threading

import numpy as np
import pytest
import torch
from transformers import BertTokenizer

from explainable_bert import ExplainableClassifier
from explainable_bert.errors import InputError
from explainable_bert.interfaces.page import what_if
from explainable_bert.interfaces.page.asking import NONE
from explainable_bert.interfaces.page.offered import OfferedModels, Watch
from explainable_bert.interfaces.page.what_if import Struck
from page_samples import question, save_model, save_models

TEXT = "the film is unbelievable , very good"
PAIR = {"text": "a good film", "pair": "bad co-writer , don't"}


@pytest.fixture(scope="module")
def offered(stock_folder, tmp_path_factory):
    return OfferedModels(save_models(stock_folder, tmp_path_factory.mktemp("models")))


def softmax(logits):
    exponentials = np.exp(logits - logits.max())
    return (exponentials / exponentials.sum()).tolist()


def probabilities(classifier, texts):
    return list(classifier.predict([texts])[0].probabilities.values())


# --- the changed text ---


def test_words_are_those_that_are_scored(offered):
    asked = question(**PAIR, level="token")
    units = what_if.words(asked, offered)
    assert [(unit.text, unit.part) for unit in units] == [
        ("a", 0), ("good", 0), ("film", 0), ("bad", 1), ("co-writer", 1), (",", 1), ("don't", 1)
    ]  # fmt: skip
    assert units == offered.classifier("additive").explain([asked.texts])[0].attribution.units


@pytest.mark.parametrize(
    ("asked", "erased", "how", "expected"),
    [
        # A [MASK] for each word piece: un ##believ ##able, and don ' t.
        ({"text": TEXT}, [3], "mask", ("the film is [MASK] [MASK] [MASK] , very good", "")),
        ({"text": "good,don't!"}, [2, 0], "mask", ("[MASK],[MASK] [MASK] [MASK]!", "")),
        ({"text": TEXT}, [6, 0, 6], "mask", ("[MASK] film is unbelievable , very [MASK]", "")),
        ({"text": TEXT}, [], "mask", (TEXT, "")),
        ({"text": TEXT}, [0, 3, 6], "delete", ("film is , very", "")),
        ({"text": "good,don't!"}, [2], "delete", ("good,!", "")),
        ({"text": "good\nfilm"}, [0, 1], "delete", ("\n", "")),
        ({"text": "good film"}, [0, 1], "delete", ("", "")),
        ({"text": " very  good  film "}, [1], "delete", (" very   film ", "")),
        (PAIR, [1, 3], "mask", ("a [MASK] film", "[MASK] co-writer , don't")),
        (PAIR, [4, 0], "delete", ("good film", "bad , don't")),
        ({"text": "good good good"}, [1], "mask", ("good [MASK] good", "")),
        ({"text": "😀 Ünbelievable GOOD"}, [2], "mask", ("😀 Ünbelievable [MASK]", "")),
    ],
)
def test_words_are_masked_or_cut_out_where_they_stand(offered, asked, erased, how, expected):
    assert what_if.changed(question(**asked), offered, erased, how) == expected


@pytest.mark.parametrize("design", ["vanilla", "lexical"])
@pytest.mark.parametrize(
    ("asked", "erased"), [({"text": TEXT}, [3, 6]), ({"text": "Good,don't!"}, [0, 2]), (PAIR, [0, 1, 4, 6])]
)
def test_a_masked_text_is_read_as_if_its_words_were_erased(offered, design, asked, erased):
    before, classifier = question(**asked, first=design), offered.classifier(design)
    text, pair = what_if.changed(before, offered, erased, "mask")
    keep = np.ones((1, len(what_if.words(before, offered))), dtype=bool)
    keep[0, erased] = False
    (logits,) = classifier.predict_erased([before.texts], [keep], "mask")
    found = probabilities(classifier, dataclasses.replace(before, text=text, pair=pair).texts)
    assert found == pytest.approx(softmax(logits[0]), abs=1e-6)
    assert found != pytest.approx(probabilities(classifier, before.texts), abs=1e-3)


@pytest.mark.parametrize("number", [-1, 7])
def test_numbers_of_no_word_are_refused(offered, number):
    with pytest.raises(InputError, match=f"^words: number {number} given; accepted: 0 to 6$"):
        what_if.changed(question(TEXT), offered, [0, number], "delete")


def test_models_without_a_mask_token_delete_only(classifier):
    clf = classifier("additive")

    class Unmasking:
        def __getattr__(self, name):
            return None if name.startswith("mask_token") else getattr(clf.tokenizer, name)

        def __call__(self, *given, **named):
            return clf.tokenizer(*given, **named)

    class Offered:
        def classifier(self, _):
            return ExplainableClassifier(clf.model, Unmasking())

    with pytest.raises(InputError, match=r"^how: mask given for a model without \[MASK\]; accepted: delete$"):
        what_if.changed(question(TEXT), Offered(), [0], "mask")
    assert what_if.changed(question(TEXT), Offered(), [0], "delete") == (TEXT[4:], "")


# --- what the picture forecast ---

# Of "the film is unbelievable , very good": the tokens of each word, [CLS] being token 0.
TOKENS = ([1], [2], [3], [4, 5, 6], [7], [8], [9])


def read(classifier, text):
    encoded = classifier.tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    with torch.no_grad():
        return classifier.model.final_input(**encoded), classifier.model(**encoded)


@pytest.mark.parametrize("design", ["additive", "lexical", "uniform"])
@pytest.mark.parametrize("erased", [[], [3], [0, 1, 4, 6]])
def test_forecast_is_the_sum_without_these_words(offered, classifier, design, erased):
    uniform = design == "uniform"
    clf = classifier("additive", attention_function="uniform") if uniform else offered.classifier(design)
    found = what_if.forecast(question(TEXT, first=design), clf, erased)
    assert tuple(found) == clf.labels
    given, output = read(clf, TEXT)
    gone = [token for word in erased for token in TOKENS[word]]

    # The final block that may not look at these tokens, all states as they were.
    allowed = given.allowed.clone()
    allowed[0, gone] = False
    with torch.no_grad():
        masked = dataclasses.replace(given, allowed=allowed)
        logits, _ = clf.model.read_out(masked, clf.model.final_attention(masked))
    assert list(found.values()) == pytest.approx(softmax(logits[0].numpy()), abs=1e-6)

    # The contributions of the others, over their share of the attention.
    stays = [token for word in TOKENS for token in word if token not in gone]
    attention, contributions = output.attention[0], output.contributions[0]
    by_hand = clf.model.classifier.bias.detach() + contributions[stays].sum(dim=0) / attention[stays].sum()
    assert list(found.values()) == pytest.approx(softmax(by_hand.numpy()), abs=1e-6)

    whole = probabilities(clf, TEXT)
    assert (list(found.values()) == pytest.approx(whole, abs=1e-4)) == (not erased)


def test_forecast_of_a_pair_and_of_no_word_at_all(offered):
    asked, clf = question(**PAIR), offered.classifier("additive")
    encoded = clf.tokenizer(*asked.texts, return_tensors="pt", return_special_tokens_mask=True)
    with torch.no_grad():
        output = clf.model(**encoded)
    # [CLS] a good film [SEP] bad co - writer , don ' t [SEP]: without "film" and "co-writer".
    stays = [1, 2, 5, 9, 10, 11, 12]
    bias = clf.model.classifier.bias.detach()
    logits = bias + output.contributions[0, stays].sum(dim=0) / output.attention[0, stays].sum()
    assert list(what_if.forecast(asked, clf, [2, 4]).values()) == pytest.approx(softmax(logits.numpy()), abs=1e-6)
    assert list(what_if.forecast(asked, clf, range(7)).values()) == pytest.approx(softmax(bias.numpy()), abs=1e-6)


@pytest.mark.parametrize(
    ("design", "config"),
    [
        ("vanilla", {}),
        ("single-head", {}),
        ("additive", {"attention_function": "sparsemax"}),
        ("lexical", {"attention_function": "entmax15"}),
    ],
)
def test_nothing_is_forecast_where_logits_are_no_such_sum(classifier, design, config):
    assert what_if.forecast(question(TEXT), classifier(design, **config), [3]) is None


# --- words struck in order ---


@pytest.mark.parametrize("design", ["vanilla", "additive"])
def test_a_curve_strikes_the_most_important_words_first(offered, design):
    asked, classifier = question(TEXT, first=design), offered.classifier(design)
    (curve,) = what_if.struck(asked, offered)
    explanation = classifier.explain([TEXT])[0]
    scores = explanation.attribution.scores
    assert (curve.model, curve.target) == (design, explanation.prediction.label)
    assert sorted(curve.order) == list(range(7))
    in_order = [scores[number] for number in curve.order]
    assert in_order == sorted(scores, reverse=True)
    assert len(set(scores)) == 7
    assert curve.counts == tuple(range(8))
    assert curve.probabilities[0] == pytest.approx(explanation.prediction.probabilities[curve.target], abs=1e-6)
    for count, chance in zip(curve.counts, curve.probabilities, strict=True):
        text, _ = what_if.changed(asked, offered, curve.order[:count], "mask")
        assert classifier.predict([text])[0].probabilities[curve.target] == pytest.approx(chance, abs=1e-6)


def test_words_that_speak_against_the_target_are_struck_last(offered):
    (curve,) = what_if.struck(question(TEXT, first="lexical", target="LABEL_2"), offered)
    scores = offered.classifier("lexical").explain([TEXT], target="LABEL_2")[0].attribution.scores
    assert curve.target == "LABEL_2"
    against = {number for number, score in enumerate(scores) if score < 0}
    assert set(curve.order[-len(against) :]) == against
    # However much they weigh.
    assert max(range(7), key=lambda number: abs(scores[number])) not in against
    assert sorted(range(7), key=lambda number: -abs(scores[number]))[1] in against


def test_both_models_strike_for_the_label_of_the_first(offered):
    asked = question(**PAIR, first="vanilla", second="lexical")
    curves = what_if.struck(asked, offered)
    labels = [offered.classifier(name).predict([asked.texts])[0].label for name in ("vanilla", "lexical")]
    assert labels[0] != labels[1]
    assert [(curve.model, curve.target) for curve in curves] == [("vanilla", labels[0]), ("lexical", labels[0])]
    for curve in curves:
        before = offered.classifier(curve.model).predict([asked.texts])[0].probabilities
        assert curve.probabilities[0] == pytest.approx(before[labels[0]], abs=1e-6)
    assert curves[0].order != curves[1].order


@pytest.mark.parametrize("most", [4, 50])
@pytest.mark.parametrize("second", [NONE, "vanilla"])
def test_long_texts_are_struck_in_steps(offered, monkeypatch, most, second):
    monkeypatch.setattr(what_if, "_MOST_STRUCK_STEPS", most)
    asked, told = question(TEXT, second=second), []
    with offered.watched(Watch(told.append, threading.Event())):
        curves = what_if.struck(asked, offered)
    assert sum(told) == what_if.n_passes_struck(asked, 7)
    for curve in curves:
        assert len(curve.counts) == len(curve.probabilities) == min(most, 7) + 1
        assert (curve.counts[0], curve.counts[-1]) == (0, 7)
        assert list(curve.counts) == sorted(set(curve.counts))
        assert sorted(curve.order) == list(range(7))


def test_a_curve_in_steps_has_the_points_of_the_whole_one(offered, monkeypatch):
    (whole,) = what_if.struck(question(TEXT), offered)
    monkeypatch.setattr(what_if, "_MOST_STRUCK_STEPS", 3)
    (coarse,) = what_if.struck(question(TEXT), offered)
    assert coarse.order == whole.order
    assert len(coarse.counts) == 4
    expected = [whole.probabilities[count] for count in coarse.counts]
    assert list(coarse.probabilities) == pytest.approx(expected, abs=1e-6)


def test_between_steps_the_lower_one_holds():
    curve = Struck("m", "good", tuple(range(9)), (0, 3, 5, 9), (0.9, 0.6, 0.5, 0.1))
    found = [curve.at(count) for count in range(11)]
    assert found == [0.9, 0.9, 0.9, 0.6, 0.6, 0.5, 0.5, 0.5, 0.5, 0.1, 0.1]


def test_a_text_without_any_attention_foretells_the_bias(offered):
    found = what_if.forecast(question("[SEP]"), offered.classifier("additive"), [0])
    assert sum(found.values()) == pytest.approx(1)


def test_models_that_read_other_words_are_not_compared(stock_folder, tmp_path):
    folders = [save_model(stock_folder, tmp_path / name, name) for name in ("vanilla", "additive")]
    tokenizer = BertTokenizer.from_pretrained(folders[0])
    tokenizer.model_max_length = 7
    tokenizer.save_pretrained(folders[0])
    short = OfferedModels([str(folder) for folder in folders], "truncate")
    with pytest.raises(InputError, match=r"^models: these two read the text differently"):
        what_if.words(question("the film is very good and dull", first="vanilla", second="additive"), short)
