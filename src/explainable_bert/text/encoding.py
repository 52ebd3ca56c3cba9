"""Texts to token ids with offsets into the original string, and batches of them padded to one length."""

import copy
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int

from explainable_bert.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Encoding as Encoded
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

TextInput = str | tuple[str, str]
# Texts, or variants of them, share passes of about so many tokens: enough to keep the processor busy, few enough for
# its caches and for the gradients' memory. On two cores, 512 to 4096 did alike; 8192 and more were slower.
TOKENS_AT_ONCE = 2048
# An accelerator is kept busy by more; how many was not measured.
_TOKENS_AT_ONCE_ACCELERATED = 32768
# So much of a full pass may be padding: more of it would cost as much as another pass.
PADDING_SHARE = 1 / 16
_SURROGATE = re.compile("[\ud800-\udfff]")
_TORN = re.compile("[\ud800-\udbff][\udc00-\udfff]")


@dataclass(frozen=True)
class Encoding:
    """One text (or pair) as the model reads it; all tuples run over its tokens, special ones included.

    `spans` are (start, end) in characters of the original string, `parts` 0 or 1 for the text of a pair, `word_ids`
    the tokenizer's pre-tokens within a part; a special token has part and word id -1.
    `n_tokens_dropped` counts the tokens that did not fit.
    """

    text: str
    text_pair: str | None
    input_ids: tuple[int, ...]
    token_type_ids: tuple[int, ...]
    special: tuple[bool, ...]
    spans: tuple[tuple[int, int], ...]
    parts: tuple[int, ...]
    word_ids: tuple[int, ...]
    n_tokens_dropped: int

    def __len__(self) -> int:
        return len(self.input_ids)


@dataclass(frozen=True)
class Batch:
    """Encodings padded to one length."""

    input_ids: Int[np.ndarray, "batch key"]
    attention_mask: Int[np.ndarray, "batch key"]
    token_type_ids: Int[np.ndarray, "batch key"]
    special_tokens_mask: Int[np.ndarray, "batch key"]


def is_blank(text: str) -> bool:
    """Whether the text holds nothing but spaces, control and format characters."""
    return all(unicodedata.category(character)[0] in "ZC" for character in text)


def check_texts(texts: Sequence[object], argument: str = "texts", first: int = 0) -> list[tuple[str, str | None]]:
    """The texts as (text, second text or None).

    Raises InputError, naming `argument` and the place (counted from `first`), for anything that is no text, and for
    blank texts.
    """
    if isinstance(texts, str):
        raise InputError(f"{argument}: one string given; accepted: a list of strings, or of pairs of strings")
    checked: list[tuple[str, str | None]] = []
    for index, given in enumerate(texts, start=first):
        pair = (given,) if isinstance(given, str) else given
        if not isinstance(pair, tuple | list) or len(pair) not in (1, 2) or not all(isinstance(t, str) for t in pair):
            kind = type(given).__name__
            raise InputError(f"{argument}[{index}]: {kind} given; accepted: a string, or a pair of strings")
        if any(is_blank(text) for text in pair):
            raise InputError(
                f"{argument}[{index}]: {given!r} given; accepted: a text with at least one visible character"
            )
        first_text, *second_text = map(_mended, pair)
        checked.append((first_text, second_text[0] if second_text else None))
    return checked


def _mended(text: str) -> str:
    """The text with halves of one character that stand side by side as that character, as JSON and UTF-16 read them."""
    return _TORN.sub(lambda halves: halves[0].encode("utf-16", "surrogatepass").decode("utf-16"), text)


@dataclass(frozen=True)
class Reader:
    """Reads texts as a model does, many at a time: `whole` as they are, and `cut` those longer than `window` tokens."""

    whole: "Tokenizer"
    cut: "Tokenizer"
    window: int

    @classmethod
    def of(cls, tokenizer: "Tokenizer", window: int) -> "Reader":
        """A reader with tokenizers of its own: what is set on `tokenizer` meanwhile, or by others, changes nothing."""
        whole, cut = copy.deepcopy(tokenizer), copy.deepcopy(tokenizer)
        for own in (whole, cut):
            own.no_padding()
        whole.no_truncation()
        cut.enable_truncation(window, strategy="longest_first")
        return cls(whole, cut, window)

    def encode_whole(self, texts: Sequence[tuple[str, str | None]]) -> list[Encoding]:
        """Checked texts, however long they are."""
        whole = self.whole.encode_batch(_given(texts))
        return [_encoding(text, found, len(found)) for text, found in zip(texts, whole, strict=True)]

    def encode(self, texts: Sequence[tuple[str, str | None]]) -> list[Encoding]:
        """Checked texts, each cut to the window (a pair at its longer text first)."""
        given = _given(texts)
        whole = self.whole.encode_batch(given)
        long = [place for place, found in enumerate(whole) if len(found) > self.window]
        shown = dict(enumerate(whole)) | dict(zip(long, self.cut.encode_batch([given[p] for p in long]), strict=True))
        return [_encoding(texts[place], shown[place], len(found)) for place, found in enumerate(whole)]


def encode(
    tokenizer: "PreTrainedTokenizerFast", texts: Sequence[tuple[str, str | None]], max_length: int
) -> list[Encoding]:
    """Encode checked texts, each cut to `max_length` tokens (a pair at its longer text first)."""
    return Reader.of(tokenizer.backend_tokenizer, max_length).encode(texts)


def _encoding(given: tuple[str, str | None], found: "Encoded", n_tokens: int) -> Encoding:
    return Encoding(
        text=given[0],
        text_pair=given[1],
        input_ids=tuple(found.ids),
        token_type_ids=tuple(found.type_ids),
        special=tuple(map(bool, found.special_tokens_mask)),
        spans=tuple(found.offsets),
        parts=tuple(-1 if part is None else part for part in found.sequence_ids),
        word_ids=tuple(-1 if word is None else word for word in found.word_ids),
        n_tokens_dropped=n_tokens - len(found),
    )


def _given(texts: Sequence[tuple[str, str | None]]) -> list[str | tuple[str, str]]:
    return [text if pair is None else (text, pair) for text, pair in map(_without_surrogates, texts)]


def _without_surrogates(given: tuple[str, str | None]) -> tuple[str, str | None]:
    # The tokenizer takes valid Unicode only; one character for one, so that offsets still fit the original.
    text, pair = (None if part is None else _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", part) for part in given)
    return str(text), pair


def tokens_at_once(device_type: str) -> int:
    """How many tokens share a pass on such a device: `cpu`, or another one's name in torch."""
    return TOKENS_AT_ONCE if device_type == "cpu" else _TOKENS_AT_ONCE_ACCELERATED


def by_length(
    lengths: Sequence[int],
    n_tokens: int,
    n_passes: Callable[[int], int] = lambda _: 1,
    padding_share: float = PADDING_SHARE,
) -> Iterator[list[int]]:
    """Places of texts of these lengths in batches, longest first: little is padding, the largest batch comes first.

    A batch has at most `n_tokens` tokens, of which `padding_share` may be padding; `n_passes` says how
    often a text of a length is run, all of which share the batch. There is always one text at least.
    """
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    while start < len(order):
        longest = lengths[order[start]]
        room = n_tokens // n_passes(longest)
        batch, padding = order[start : start + 1], 0
        for place in order[start + 1 : start + room // longest]:
            padding += longest - lengths[place]
            if padding > room * padding_share:
                break
            batch.append(place)
        yield batch
        start += len(batch)


def pad(encodings: Sequence[Encoding], pad_token_id: int) -> Batch:
    """One batch, padded on the right to its longest encoding."""
    length = max(len(encoding) for encoding in encodings)

    def filled(rows: Sequence[Sequence[int]], padding: int) -> Int[np.ndarray, "batch key"]:
        return np.array([[*row, *[padding] * (length - len(row))] for row in rows], dtype=np.int64)

    return Batch(
        input_ids=filled([encoding.input_ids for encoding in encodings], pad_token_id),
        attention_mask=filled([[1] * len(encoding) for encoding in encodings], 0),
        token_type_ids=filled([encoding.token_type_ids for encoding in encodings], 0),
        special_tokens_mask=filled([encoding.special for encoding in encodings], 1),
    )
