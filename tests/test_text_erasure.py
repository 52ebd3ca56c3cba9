"""Erasing units: token ids by hand, and the logits that a model gives for texts erased by other means."""

import numpy as np
import pytest
import torch
from transformers import BertForSequenceClassification, BertTokenizer

from explainable_bert import ExplainableClassifier
from explainable_bert.attribution import perturbation
from explainable_bert.errors import InputError
from explainable_bert.text.erasure import ERASURES, attention_mask, deletion, mask, staying
from test_attribution_batch import LONG, LONG_UNITS, PAIR, SHORT, kept
from tiny import ADDITIVE, DESIGNS, VOCABULARY

CLS, SEP, MASK, PAD = (VOCABULARY[f"[{name}]"] for name in ("CLS", "SEP", "MASK", "PAD"))
# [CLS] don ' t ! [SEP] un ##believ ##able plot [SEP]
PAIR_UNITS = [-1, 0, 0, 0, 1, -1, 2, 2, 2, 3, -1]
UNITS = {LONG: LONG_UNITS, SHORT: [-1, 0, 1, 2, -1], PAIR: PAIR_UNITS}
TEXTS = list(UNITS)
every_erasure = pytest.mark.parametrize("erasure", ERASURES)
every_design = pytest.mark.parametrize("design", DESIGNS)


def drawn(text, n_variants=5, seed=0):
    """Variants of a text: nothing erased, everything erased, and some in between."""
    n_units = max(UNITS[text]) + 1
    between = np.random.default_rng(seed).random((n_variants - 2, n_units)) < 0.5
    return np.concatenate([np.ones((1, n_units), bool), np.zeros((1, n_units), bool), between])


@torch.no_grad()
def by_hand(clf, text, keep, erasure, model=None):
    """The logits of one text with the units that `keep` leaves out erased: one text, one pass, no batch."""
    texts = (text,) if isinstance(text, str) else text
    encoded = clf.tokenizer(*texts, return_special_tokens_mask=True)
    there = [unit < 0 or bool(keep[unit]) for unit in UNITS[text]]
    rows = zip(encoded["input_ids"], encoded["token_type_ids"], encoded["special_tokens_mask"], there, strict=True)
    if erasure == "mask":
        tokens = [(token if stays else MASK, kind, special, 1) for token, kind, special, stays in rows]
    elif erasure == "attention-mask":
        tokens = [(token, kind, special, int(stays)) for token, kind, special, stays in rows]
    else:
        tokens = [(token, kind, special, 1) for token, kind, special, stays in rows if stays]
    input_ids, kinds, special, present = (torch.tensor([column]) for column in zip(*tokens, strict=True))
    given = {"input_ids": input_ids, "token_type_ids": kinds, "attention_mask": present}
    if model is None:
        return clf.model(**given, special_tokens_mask=special).logits[0].numpy()
    return model(**given).logits[0].numpy()


IDS = np.array([CLS, 11, 12, 13, 14, SEP])
STAYS = np.array([[1, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 1], [1, 1, 0, 0, 0, 1]], dtype=bool)


def read(variants):
    """(ids, tokens, positions) of each variant, without what is beyond its end."""
    columns = (variants.input_ids, variants.tokens, variants.positions)
    return [
        tuple(column[row, :n_tokens].tolist() for column in columns)
        for row, n_tokens in enumerate(variants.n_tokens.tolist())
    ]


def test_mask_by_hand():
    everywhere = [0, 1, 2, 3, 4, 5]
    assert read(mask(IDS, STAYS, MASK)) == [
        ([CLS, 11, 12, 13, 14, SEP], everywhere, everywhere),
        ([CLS, MASK, 12, MASK, 14, SEP], everywhere, everywhere),
        ([CLS, 11, MASK, MASK, MASK, SEP], everywhere, everywhere),
    ]


def test_attention_mask_by_hand():
    assert read(attention_mask(IDS, STAYS, MASK)) == [
        ([CLS, 11, 12, 13, 14, SEP], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ([CLS, 12, 14, SEP], [0, 2, 4, 5], [0, 2, 4, 5]),
        ([CLS, 11, SEP], [0, 1, 5], [0, 1, 5]),
    ]


def test_deletion_by_hand():
    assert read(deletion(IDS, STAYS, MASK)) == [
        ([CLS, 11, 12, 13, 14, SEP], [0, 1, 2, 3, 4, 5], [0, 1, 2, 3, 4, 5]),
        ([CLS, 12, 14, SEP], [0, 2, 4, 5], [0, 1, 2, 3]),
        ([CLS, 11, SEP], [0, 1, 5], [0, 1, 2]),
    ]


@every_erasure
def test_operators_leave_their_arguments_alone(erasure):
    ids, stays = IDS.copy(), STAYS.copy()
    ERASURES[erasure].erase(ids, stays, MASK)
    assert (ids == IDS).all()
    assert (stays == STAYS).all()
    assert read(ERASURES[erasure].erase(ids, stays[:0], MASK)) == []


def test_all_pieces_of_a_unit_go_and_tokens_of_no_unit_stay():
    units = np.array([-1, 0, 1, 1, 2, -1])
    keep = np.array([[1, 0, 1], [0, 0, 0], [1, 1, 1]], dtype=bool)
    assert staying(units, keep).astype(int).tolist() == [
        [1, 1, 0, 0, 1, 1],
        [1, 0, 0, 0, 0, 1],
        [1, 1, 1, 1, 1, 1],
    ]
    assert staying(np.array([-1, -1]), np.zeros((2, 0), bool)).tolist() == [[True, True], [True, True]]


@every_erasure
@every_design
def test_logits_of_texts_erased_by_hand(classifier, design, erasure):
    clf = kept(classifier, design)
    keeps = [drawn(text) for text in TEXTS]
    together = clf.predict_erased(TEXTS, keeps, erasure)
    for text, keep, found in zip(TEXTS, keeps, together, strict=True):
        expected = [by_hand(clf, text, row, erasure) for row in keep]
        assert found.shape == (5, 3)
        assert found == pytest.approx(np.array(expected), abs=1e-5)
        assert np.ptp(found, axis=0).max() > 1e-2  # erasing did something
        (alone,) = clf.predict_erased([text], [keep], erasure)
        assert alone == pytest.approx(found, abs=1e-5)


@every_erasure
def test_the_stock_model_says_the_same(classifier, stock, erasure):
    clf = kept(classifier, "vanilla")
    for text in TEXTS:
        keep = drawn(text, n_variants=6, seed=1)
        (found,) = clf.predict_erased([text], [keep], erasure)
        assert found == pytest.approx(np.array([by_hand(clf, text, row, erasure, stock) for row in keep]), abs=1e-5)


def test_the_operators_differ(classifier):
    clf = kept(classifier, "vanilla")
    without_second = np.array([[True, False, True]])
    found = [clf.predict_erased([SHORT], [without_second], erasure)[0] for erasure in ERASURES]
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(found[first] - found[second]).max() > 1e-3


@every_design
@pytest.mark.parametrize(("erasure", "written"), [("deletion", "a plot"), ("mask", "a [MASK] plot")])
def test_erasing_a_word_is_writing_the_text_without_it(classifier, design, erasure, written):
    clf = kept(classifier, design)
    (logits,) = clf.predict_erased([SHORT], [np.array([[True, False, True]])], erasure)
    shares = np.exp(logits[0]) / np.exp(logits[0]).sum()
    assert shares == pytest.approx(list(clf.predict([written])[0].probabilities.values()), abs=1e-6)


@every_erasure
def test_tokens_of_a_word_apart(classifier, erasure):
    clf = kept(classifier, "lexical")
    keep = np.ones((1, 11), bool)
    keep[0, 2] = False  # ##believ, of the word un ##believ ##able
    (found,) = clf.predict_erased([LONG], [keep], erasure, level="token")
    encoded = clf.tokenizer(LONG, return_special_tokens_mask=True)
    if erasure == "mask":
        encoded["input_ids"][3] = MASK
    elif erasure == "attention-mask":
        encoded["attention_mask"][3] = 0
    else:
        encoded = {name: [*row[:3], *row[4:]] for name, row in encoded.items()}
    with torch.no_grad():
        expected = clf.model(**{name: torch.tensor([row]) for name, row in encoded.items()}).logits[0]
    assert found[0] == pytest.approx(expected.numpy(), abs=1e-5)


@pytest.mark.parametrize("design", ADDITIVE)
@pytest.mark.parametrize("erasure", ["attention-mask", "deletion"])
def test_nothing_left_leaves_the_bias(classifier, design, erasure):
    clf = kept(classifier, design)
    keeps = [np.zeros((1, 9), bool), np.zeros((1, 4), bool)]
    bias = clf.model.classifier.bias.detach().numpy()
    assert np.abs(bias).max() > 1e-2
    for found in clf.predict_erased([LONG, PAIR], keeps, erasure):
        assert found[0] == pytest.approx(bias, abs=1e-6)


@pytest.fixture
def passes(monkeypatch):
    """The inputs of every pass."""
    seen, run = [], perturbation.run
    monkeypatch.setattr(perturbation, "run", lambda model, **inputs: (seen.append(inputs), run(model, **inputs))[1])
    return seen


@every_erasure
def test_special_tokens_are_never_erased(classifier, passes, erasure):
    clf = kept(classifier, "additive")
    clf.long = "truncate"
    clf.predict_erased(TEXTS, [drawn(text) for text in TEXTS], erasure)
    n_ends = []
    for inputs in passes:
        assert (inputs["input_ids"][:, 0] == CLS).all()
        present = inputs["attention_mask"].bool()
        assert torch.equal(present, inputs["input_ids"] != PAD)
        special = torch.isin(inputs["input_ids"], torch.tensor([CLS, SEP, PAD]))
        assert torch.equal(inputs["special_tokens_mask"], special)
        n_ends += (inputs["input_ids"] == SEP).sum(dim=1).tolist()
    # A variant that is drawn twice is run once.
    n_distinct = {text: len(np.unique(drawn(text), axis=0)) for text in TEXTS}
    assert sorted(n_ends) == sorted(1 + isinstance(text, tuple) for text in TEXTS for _ in range(n_distinct[text]))


@every_erasure
def test_small_passes_change_nothing(classifier, passes, monkeypatch, erasure):
    clf = kept(classifier, "single-head")
    keeps = [drawn(text, n_variants=7) for text in TEXTS]
    expected = clf.predict_erased(TEXTS, keeps, erasure)
    n_large = len(passes)
    assert n_large <= 3
    monkeypatch.setattr(perturbation, "tokens_at_once", lambda _: 30)
    for small, large in zip(clf.predict_erased(TEXTS, keeps, erasure), expected, strict=True):
        assert small == pytest.approx(large, abs=1e-5)
    sizes = [inputs["input_ids"].numel() for inputs in passes[n_large:]]
    assert len(sizes) >= 5
    assert max(sizes) <= 30


def test_what_was_cut_off_stays_cut_off(classifier):
    clf = kept(classifier, "vanilla")
    clf.long = "truncate"
    text = "the " * 39 + "awful " * 20  # 39 words fit
    assert [len(of_text) for of_text in clf.units([text])] == [39]
    (found,) = clf.predict_erased([text], [np.arange(39)[None] < 3], "deletion")
    (expected,) = clf.predict_erased(["the the the"], [np.ones((1, 3), bool)], "deletion")
    assert found == pytest.approx(expected, abs=1e-5)


def test_texts_that_ask_for_nothing(classifier):
    clf = kept(classifier, "vanilla")
    assert clf.predict_erased([], []) == []
    nothing, something = clf.predict_erased([LONG, SHORT], [np.zeros((0, 9), bool), np.ones((1, 3), bool)])
    assert nothing.shape == (0, 3)
    assert something.shape == (1, 3)
    assert [found.shape for found in clf.predict_erased([SHORT], [np.zeros((0, 3), bool)])] == [(0, 3)]
    wordless = "\N{REPLACEMENT CHARACTER}"
    (found,) = clf.predict_erased([wordless], [np.zeros((2, 0), bool)])
    assert found[0] == pytest.approx(found[1])


def test_units_are_those_that_are_explained(classifier):
    clf = kept(classifier, "vanilla")
    for level in ("word", "token"):
        explained = [item.attribution.units for item in clf.explain(TEXTS, level=level)]
        assert clf.units(TEXTS, level) == explained


ONE = np.ones((1, 3), bool)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([SHORT], [ONE], "magic"), "erasure: 'magic' given; accepted: mask, attention-mask, deletion"),
        (([SHORT], [ONE[:, :2]]), r"keeps\[0\]: shape \(1, 2\) given; accepted: \(variants, 3 units\)"),
        (([SHORT, SHORT], [ONE, ONE[0]]), r"keeps\[1\]: shape \(3,\) given; accepted: \(variants, 3 units\)"),
        (([LONG], [np.ones((1, 9), bool)], "mask", "token"), r"keeps\[0\]: .*; accepted: \(variants, 11 units\)"),
        (([SHORT], [ONE], "mask", "letter"), "level: 'letter' given; accepted: word, token"),
        (([SHORT], []), "keeps: 0 given for 1 texts; one per text is needed"),
        (([SHORT], [ONE, ONE]), "keeps: 2 given for 1 texts"),
        (([SHORT, " "], [ONE, ONE]), r"texts\[1\]: ' ' given"),
    ],
)
def test_what_cannot_be_erased(classifier, arguments, message):
    clf = kept(classifier, "vanilla")
    with pytest.raises(InputError, match=message):
        clf.predict_erased(*arguments)


def test_units_of_no_such_level(classifier):
    clf = kept(classifier, "vanilla")
    for asked in (clf.units, clf.head_attention):
        with pytest.raises(InputError, match="level: 'letter' given; accepted: word, token"):
            asked([SHORT], "letter")


def test_a_tokenizer_without_a_mask_token(classifier):
    tokenizer = BertTokenizer(vocab=dict(VOCABULARY))
    tokenizer.mask_token = None
    clf = ExplainableClassifier(kept(classifier, "vanilla").model, tokenizer)
    with pytest.raises(
        InputError, match=r"erasure: 'mask' needs \[MASK\], .* lacks; accepted: attention-mask, deletion"
    ):
        clf.predict_erased([SHORT], [ONE])
    keep = np.array([[True, False, True]])
    for erasure in ("attention-mask", "deletion"):
        (found,) = clf.predict_erased([SHORT], [keep], erasure)
        assert found == pytest.approx(kept(classifier, "vanilla").predict_erased([SHORT], [keep], erasure)[0])


@every_design
def test_attention_of_each_head_by_unit(classifier, design):
    clf = kept(classifier, design)
    found = clf.head_attention(TEXTS)
    for text, of_text in zip(TEXTS, found, strict=True):
        texts = (text,) if isinstance(text, str) else text
        encoded = clf.tokenizer(*texts, return_tensors="pt", return_special_tokens_mask=True)
        with torch.no_grad():
            row = clf.model(**encoded).attention[0].numpy()  # mean over heads
        by_unit = [row[[unit == index for unit in UNITS[text]]].sum() for index in range(max(UNITS[text]) + 1)]
        assert of_text.shape == (3 if design == "vanilla" else 1, len(by_unit))
        assert of_text.mean(axis=0) == pytest.approx(by_unit, abs=1e-6)
        assert clf.head_attention([text])[0] == pytest.approx(of_text, abs=1e-6)


def test_attention_of_each_head_as_the_stock_model_has_it(classifier, stock_folder):
    stock = BertForSequenceClassification.from_pretrained(stock_folder, attn_implementation="eager").eval()
    clf = kept(classifier, "vanilla")
    for text, found in zip(TEXTS, clf.head_attention(TEXTS), strict=True):
        texts = (text,) if isinstance(text, str) else text
        with torch.no_grad():
            attentions = stock(**clf.tokenizer(*texts, return_tensors="pt"), output_attentions=True).attentions
        rows = attentions[-1][0, :, 0].numpy()  # heads by keys, for the query [CLS]
        expected = [
            [sum(row[key] for key, unit in enumerate(UNITS[text]) if unit == index) for index in range(found.shape[1])]
            for row in rows
        ]
        assert found == pytest.approx(np.array(expected), abs=1e-6)
        assert np.abs(found - found.mean(axis=0)).max() > 1e-3  # heads differ
