"""Tokens to words of the original string, by hand and over arbitrary Unicode."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertTokenizer

from explainable_bert.text.alignment import align, sum_scores, units
from explainable_bert.text.encoding import check_texts, encode, is_blank
from tiny import VOCABULARY

TOKENIZER = BertTokenizer(vocab=dict(VOCABULARY))


def words(text, text_pair=None, level="word"):
    (encoding,) = encode(TOKENIZER, [(text, text_pair)], max_length=41)
    return [unit.text for unit in units(align(encoding, level), encoding)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Unbelievable FILM", ["Unbelievable", "FILM"]),
        ("I don't know", ["I", "don't", "know"]),
        ("the ‘co-writer’s’ film", ["the", "‘", "co-writer’s", "’", "film"]),
        ("3.5 or 1,000.", ["3.5", "or", "1,000", "."]),
        ("good.Bad", ["good", ".", "Bad"]),
        ("wow!!! ... :-)", ["wow", "!!!", "...", ":-)"]),
        ("movie--which", ["movie", "--", "which"]),
        ("-good- 'film'", ["-", "good", "-", "'", "film", "'"]),
        ("great 😀 Café ß", ["great", "😀", "Café", "ß"]),
        ("日本 film", ["日", "本", "film"]),
        ("한국 e\u0301te\u0301", ["한국", "e\u0301te\u0301"]),
        ("good\x00film a\u200bb", ["good\x00film", "a\u200bb"]),
    ],
)
def test_words_as_a_reader_sees_them(text, expected):
    assert words(text) == expected


def test_tokens_of_a_word():
    assert words("an unbelievable film", level="token") == ["an", "un", "believ", "able", "film"]


def test_pairs_keep_their_parts():
    (encoding,) = encode(TOKENIZER, [("good film", "bad, awful")], max_length=41)
    shown = [(unit.text, unit.part, unit.start, unit.end) for unit in units(align(encoding, "word"), encoding)]
    assert shown == [("good", 0, 0, 4), ("film", 0, 5, 9), ("bad", 1, 0, 3), (",", 1, 3, 4), ("awful", 1, 5, 10)]
    assert words("don", "'t") == ["don", "'", "t"]


def test_scores_are_summed_over_a_word():
    (encoding,) = encode(TOKENIZER, [("un" + "believable film", None)], max_length=41)
    # [CLS] un ##believ ##able film [SEP]
    scores = np.array([9.0, 0.5, -0.25, 1.0, 0.125, 9.0])
    assert sum_scores(align(encoding, "word"), scores) == (1.25, 0.125)
    assert sum_scores(align(encoding, "token"), scores) == (0.5, -0.25, 1.0, 0.125)


TEXTS = st.text(st.characters(codec=None), max_size=40) | st.text("ab'-’ .,3!😀日한\u0301[]SEP", max_size=40)


@settings(max_examples=300, deadline=None)
@given(text=TEXTS, text_pair=st.none() | TEXTS)
def test_every_token_is_in_one_word_and_every_word_in_the_text(text, text_pair):
    pair = (text,) if text_pair is None else (text, text_pair)
    if any(is_blank(part) for part in pair):
        return
    (encoding,) = encode(TOKENIZER, check_texts([pair if len(pair) == 2 else text]), max_length=41)
    groups = align(encoding, "word")
    covered = [token for group in groups for token in group.tokens]
    assert covered == [place for place, special in enumerate(encoding.special) if not special]
    shown = units(groups, encoding)
    for before, after in itertools.pairwise(shown):
        assert before.part < after.part or (before.part == after.part and before.end <= after.start)
    for unit in shown:
        assert unit.text == pair[unit.part][unit.start : unit.end]
        assert unit.text
    scores = np.random.default_rng(0).normal(size=len(encoding))
    total = scores[np.logical_not(encoding.special)].sum()
    assert sum(sum_scores(groups, scores)) == pytest.approx(total, abs=1e-9)
    tokens = align(encoding, "token")
    assert sum(sum_scores(tokens, scores)) == pytest.approx(total, abs=1e-9)
