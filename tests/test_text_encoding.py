"""Texts to ids: offsets into the original, truncation counted, padding, and texts that cannot be read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.errors import InputError
from explainable_bert.text.encoding import by_length, check_texts, encode, is_blank, pad
from tiny import VOCABULARY


def test_a_pair_by_hand(tokenizer):
    (encoding,) = encode(tokenizer, [("Bad film", "unbelievable!")], max_length=41)
    tokens = ["[CLS]", "bad", "film", "[SEP]", "un", "##believ", "##able", "!", "[SEP]"]
    assert encoding.input_ids == tuple(VOCABULARY[token] for token in tokens)
    assert encoding.token_type_ids == (0, 0, 0, 0, 1, 1, 1, 1, 1)
    assert encoding.special == (True, False, False, True, False, False, False, False, True)
    assert encoding.spans == ((0, 0), (0, 3), (4, 8), (0, 0), (0, 2), (2, 8), (8, 12), (12, 13), (0, 0))
    assert encoding.parts == (-1, 0, 0, -1, 1, 1, 1, 1, -1)
    assert encoding.word_ids == (-1, 0, 1, -1, 0, 0, 0, 1, -1)
    assert encoding.n_tokens_dropped == 0


@pytest.mark.parametrize(("n_words", "n_dropped"), [(5, 0), (6, 1), (30, 25)])
def test_tokens_that_do_not_fit_are_counted(tokenizer, n_words, n_dropped):
    (encoding,) = encode(tokenizer, [("good " * n_words, None)], max_length=7)
    assert len(encoding) == min(n_words + 2, 7)
    assert encoding.n_tokens_dropped == n_dropped
    assert encoding.input_ids[-1] == VOCABULARY["[SEP]"]


def test_a_pair_is_cut_at_its_longer_text(tokenizer):
    (encoding,) = encode(tokenizer, [("good " * 9, "bad bad")], max_length=9)
    assert [encoding.parts.count(part) for part in (0, 1)] == [4, 2]
    assert encoding.n_tokens_dropped == 5


def test_special_tokens_typed_by_a_user_are_text(tokenizer):
    (encoding,) = encode(tokenizer, [("good [SEP] film", None)], max_length=41)
    assert encoding.special == (True, False, False, False, True)
    assert encoding.spans[2] == (5, 10)


def test_lone_surrogates_keep_the_offsets(tokenizer):
    (encoding,) = encode(tokenizer, [("good \ud800 film", None)], max_length=41)
    assert encoding.text == "good \ud800 film"
    assert encoding.spans[1] == (0, 4)
    assert encoding.spans[-2] == (7, 11)


def test_padding(tokenizer):
    batch = pad(encode(tokenizer, [("good", None), ("a bad film", None)], max_length=41), pad_token_id=0)
    cls, sep = VOCABULARY["[CLS]"], VOCABULARY["[SEP]"]
    bad = [cls, VOCABULARY["a"], VOCABULARY["bad"], VOCABULARY["film"], sep]
    np.testing.assert_array_equal(batch.input_ids, [[cls, VOCABULARY["good"], sep, 0, 0], bad])
    np.testing.assert_array_equal(batch.attention_mask, [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(batch.special_tokens_mask, [[1, 0, 1, 1, 1], [1, 0, 0, 0, 1]])
    np.testing.assert_array_equal(batch.token_type_ids, np.zeros((2, 5)))


@pytest.mark.parametrize("text", ["", " \t\n", "\x00\x1b", "\u200b\u200d", "\u2028\ufeff"])
def test_blank_texts(text):
    assert is_blank(text)
    with pytest.raises(InputError, match=r"^texts\[1\]: .* given; accepted: a text with at least one visible"):
        check_texts(["good", text])


@pytest.mark.parametrize("text", ["a", " . ", "😀", "日", "\x00x"])
def test_texts_that_are_not_blank(text):
    assert not is_blank(text)
    assert check_texts([text, (text, "b"), [text, "b"]]) == [(text, None), (text, "b"), (text, "b")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["a", None], r"^texts\[1\]: NoneType given; accepted: a string, or a pair of strings"),
        ([float("nan")], r"^texts\[0\]: float given"),
        ([("a", "b", "c")], r"^texts\[0\]: tuple given"),
        ([("a", None)], r"^texts\[0\]: tuple given"),
        ([("a", " ")], r"^texts\[0\]: \('a', ' '\) given"),
        ("a", r"^texts: one string given; accepted: a list of strings"),
    ],
)
def test_what_is_no_list_of_texts(given, message):
    with pytest.raises(InputError, match=message):
        check_texts(given)


lengths_of_texts = st.lists(st.integers(1, 600), min_size=1, max_size=60)


@given(lengths=lengths_of_texts, n_tokens=st.integers(1, 4000), n_passes=st.integers(1, 5))
def test_batches_hold_every_text_once_and_little_padding(lengths, n_tokens, n_passes):
    batches = list(by_length(lengths, n_tokens, lambda _: n_passes))
    assert sorted(place for batch in batches for place in batch) == list(range(len(lengths)))
    in_order = [lengths[place] for batch in batches for place in batch]
    assert in_order == sorted(lengths, reverse=True)
    for batch in batches:
        longest = lengths[batch[0]]
        padding = sum(longest - lengths[place] for place in batch)
        assert len(batch) == 1 or len(batch) * longest * n_passes <= n_tokens
        assert padding * n_passes <= n_tokens / 16


@given(length=st.integers(1, 50), n_texts=st.integers(1, 60))
def test_texts_of_one_length_fill_their_batches(length, n_texts):
    sizes = [len(batch) for batch in by_length([length] * n_texts, 300)]
    assert set(sizes[:-1]) <= {300 // length}
