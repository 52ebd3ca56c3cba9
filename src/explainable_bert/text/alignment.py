"""Tokens to the units a reader sees: words of the original string, and sums of token scores over them.

A word is what the tokenizer splits at spaces and punctuation, put together again where a reader sees one word:
an apostrophe or hyphen between letters or digits (don't, co-writer), a point or comma between digits (3.5), and a run
of punctuation (..., :-), !!). Punctuation beside a word is a unit of its own.
"""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from explainable_bert.records import Level, Unit
from explainable_bert.text.encoding import Encoding

# Apostrophes and hyphens, straight and typographic.
_WORD_JOINERS = "'\N{RIGHT SINGLE QUOTATION MARK}-\N{HYPHEN}\N{NON-BREAKING HYPHEN}"
_NUMBER_JOINERS = ".,"


@dataclass(frozen=True)
class Group:
    """Tokens (by position in the encoding) that make up one unit, and its span in text `part`."""

    part: int
    start: int
    end: int
    tokens: tuple[int, ...]


def align(encoding: Encoding, level: Level) -> list[Group]:
    """The units of an encoding in reading order; special tokens belong to none."""
    tokens = [
        Group(part, *span, (position,))
        for position, (part, span) in enumerate(zip(encoding.parts, encoding.spans, strict=True))
        if not encoding.special[position]
    ]
    if level == "token":
        return tokens
    marked = [_with_marks(token, encoding) for token in tokens]
    return _join_words(_join_pieces(marked, encoding.word_ids), encoding)


def unit_ids(rows: Sequence[Sequence[Group]], length: int) -> Int[np.ndarray, "batch key"]:
    """Which unit of its text each token of a padded batch belongs to, counted from 0; -1 where it belongs to none."""
    places = [
        (row, token, unit)
        for row, groups in enumerate(rows)
        for unit, group in enumerate(groups)
        for token in group.tokens
    ]
    ids = np.full((len(rows), length), -1)
    row_of, token_of, unit_of = np.array(places, dtype=np.int64).reshape(-1, 3).T
    ids[row_of, token_of] = unit_of
    return ids


def units(groups: Sequence[Group], encoding: Encoding) -> tuple[Unit, ...]:
    """The groups as they are shown: with their text, as written in the original string."""
    return tuple(
        Unit(_part_text(encoding, group.part)[group.start : group.end], group.start, group.end, group.part)
        for group in groups
    )


def sum_scores(groups: Sequence[Group], scores: Float[np.ndarray, " token"]) -> tuple[float, ...]:
    """Each group's score: the sum over its tokens, so that the total is kept."""
    by_token = scores.tolist()
    return tuple(math.fsum(by_token[token] for token in group.tokens) for group in groups)


def _with_marks(token: Group, encoding: Encoding) -> Group:
    """The token with the accents that follow it: a tokenizer that strips accents gives no offset to them."""
    text, end = _part_text(encoding, token.part), token.end
    while end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end += 1
    return token if end == token.end else replace(token, end=end)


def _join_pieces(tokens: Sequence[Group], word_ids: Sequence[int]) -> list[Group]:
    pretokens: list[Group] = []
    for token in tokens:
        previous = pretokens[-1] if pretokens else None
        if previous is not None and previous.part == token.part:
            same_word = word_ids[previous.tokens[-1]] == word_ids[token.tokens[0]]
            if same_word or token.start < previous.end:
                pretokens[-1] = _joined(previous, token)
                continue
        pretokens.append(token)
    return pretokens


def _join_words(pretokens: Sequence[Group], encoding: Encoding) -> list[Group]:
    words: list[Group] = []
    for index, group in enumerate(pretokens):
        if index and _belong_together(pretokens, index, encoding):
            words[-1] = _joined(words[-1], group)
        else:
            words.append(group)
    return words


def _belong_together(pretokens: Sequence[Group], index: int, encoding: Encoding) -> bool:
    """Whether pre-token `index` continues the word of the one before it."""
    left, right = pretokens[index - 1], pretokens[index]
    if left.part != right.part or left.end != right.start:
        return False
    return (
        _is_joiner(pretokens, index - 1, encoding)
        or _is_joiner(pretokens, index, encoding)
        or (_is_punctuation(left, encoding) and _is_punctuation(right, encoding))
    )


def _is_joiner(pretokens: Sequence[Group], index: int, encoding: Encoding) -> bool:
    if not 0 < index < len(pretokens) - 1:
        return False
    left, joiner, right = pretokens[index - 1 : index + 2]
    if not (left.part == joiner.part == right.part and left.end == joiner.start and joiner.end == right.start):
        return False
    text = _part_text(encoding, joiner.part)
    between = text[joiner.start : joiner.end]
    before, after = text[left.end - 1], text[right.start]
    if between in _WORD_JOINERS:
        return before.isalnum() and after.isalnum()
    return between in _NUMBER_JOINERS and before.isdigit() and after.isdigit()


def _is_punctuation(group: Group, encoding: Encoding) -> bool:
    text = _part_text(encoding, group.part)[group.start : group.end]
    return all(unicodedata.category(character)[0] in "PS" for character in text)


def _joined(left: Group, right: Group) -> Group:
    return Group(left.part, left.start, max(left.end, right.end), left.tokens + right.tokens)


def _part_text(encoding: Encoding, part: int) -> str:
    if part == 1 and encoding.text_pair is not None:
        return encoding.text_pair
    return encoding.text
