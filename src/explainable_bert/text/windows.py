"""Texts longer than a model's window, read as overlapping windows that end where sentences do, if they can."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from explainable_bert.errors import InputError
from explainable_bert.records import Long
from explainable_bert.text.encoding import Encoding, Reader

# A window ends at the last sentence end of its last quarter, and the next one begins at the first sentence begin of
# that quarter; where there is none, windows share an eighth, and no word is cut.
_QUARTER, _EIGHTH = 4, 8
# A full stop, question or exclamation mark or ellipsis before a space, with what closes behind it; those of East Asian
# scripts, which need no space; or the end of a line.
_SENTENCE_END = re.compile("[.!?\u2026]+[\"'\u201d\u2019)\\]]*\\s|[\u3002\uff01\uff1f]+|\n")


def read_long(reader: Reader, texts: Sequence[tuple[str, str | None]], long: Long, first: int = 0) -> list[Encoding]:
    """Checked texts, counted from `first`, as they are read: whole, or cut to the window if `long` is truncate.

    Raises InputError on a text beyond the window if `long` is error.
    """
    if long == "truncate":
        return reader.encode(texts)
    encodings = reader.encode_whole(texts)
    for place, encoding in enumerate(encodings if long == "error" else (), start=first):
        if len(encoding) > reader.window:
            raise InputError(
                f"texts[{place}]: {len(encoding)} tokens given; accepted: at most {reader.window}, or long: window or "
                "truncate"
            )
    return encodings


def in_windows(encoding: Encoding, size: int) -> list[Encoding]:
    """The text's windows as encodings: itself where it fits."""
    if len(encoding) <= size:
        return [encoding]
    return [taken(encoding, positions) for positions in windows(encoding, size)]


def windows(encoding: Encoding, size: int) -> list[tuple[int, ...]]:
    """The positions of each window's tokens: at most `size`, special tokens included, and every token in some window.

    Of a pair, the shorter text is in every window if it takes no more than half of one; else both move on together,
    and the one that ends first begins anew.
    """
    special = [position for position, is_special in enumerate(encoding.special) if is_special]
    parts = [_content(encoding, part) for part in sorted(set(encoding.parts) - {-1})]
    rooms = _rooms([len(part) for part in parts], size - len(special))
    slices = [list(_slices(encoding, part, room)) for part, room in zip(parts, rooms, strict=True)]
    count = max(len(of_part) for of_part in slices)
    return [
        tuple(sorted(special + [place for of_part in slices for place in of_part[index % len(of_part)]]))
        for index in range(count)
    ]


def taken(encoding: Encoding, positions: Sequence[int]) -> Encoding:
    """The encoding with these tokens alone."""

    def of(values: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(values[position] for position in positions)

    return replace(
        encoding,
        input_ids=of(encoding.input_ids),
        token_type_ids=of(encoding.token_type_ids),
        special=of(encoding.special),
        spans=of(encoding.spans),
        parts=of(encoding.parts),
        word_ids=of(encoding.word_ids),
    )


def shares(logits: Float[np.ndarray, "window label"]) -> Float[np.ndarray, " window"]:
    """Each window's share in its text, by evidence: how far its logits lie apart. They sum to 1.

    The text's logits are the mean of its windows' by these shares, and so is all that adds up to them. A window that
    decides nothing counts little, however long the text is.
    """
    apart = np.ptp(logits.astype(np.float64), axis=1)
    total = apart.sum()
    return apart / total if total > 0 else np.full(len(logits), 1 / len(logits))


def _content(encoding: Encoding, part: int) -> list[int]:
    return [position for position, of_part in enumerate(encoding.parts) if of_part == part]


def _rooms(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of each text go into a window: the shorter one's as they are, up to half of it."""
    if len(lengths) == 1:
        return [room]
    shorter = int(lengths[1] < lengths[0])
    given = min(lengths[shorter], room // 2)
    return [given if part == shorter else room - given for part in (0, 1)]


def _slices(encoding: Encoding, positions: Sequence[int], room: int) -> Iterator[Sequence[int]]:
    begins_sentence, begins_word = _beginnings(encoding, positions)
    start = 0
    while len(positions) - start > room:
        end = _first(range(start + room, start + room - room // _QUARTER, -1), begins_sentence, begins_word)
        yield positions[start:end]
        sentences = [place for place in range(end - room // _QUARTER, end) if begins_sentence[place]]
        start = sentences[0] if sentences else _first(range(end - room // _EIGHTH, end), begins_word)
    yield positions[start:]


def _first(places: range, *preferred: Bool[np.ndarray, " token"]) -> int:
    """The first place that is preferred, by the first preference that any meets; the range's start if none does."""
    found = (place for wanted in preferred for place in places if wanted[place])
    return next(found, places.start)


def _beginnings(
    encoding: Encoding, positions: Sequence[int]
) -> tuple[Bool[np.ndarray, " token"], Bool[np.ndarray, " token"]]:
    """Which tokens begin a sentence, and which a word."""
    is_pair = bool(positions) and encoding.parts[positions[0]] == 1
    text = encoding.text_pair if is_pair and encoding.text_pair is not None else encoding.text
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    passed = np.searchsorted(ends, [encoding.spans[position][0] for position in positions], side="right")
    words = np.array([encoding.word_ids[position] for position in positions])
    return np.diff(passed, prepend=0) > 0, np.diff(words, prepend=-1) != 0
