"""Texts of given lengths to measure with: words that are one piece each, drawn at random."""

import random
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from explainable_bert.errors import InputError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Word pieces of the texts of a bag, special tokens included: like single sentences, like reviews, whole windows, and
# all of them, of which half are sentences. Where texts are run one by one, every so-manieth is taken.
BAGS: Mapping[str, tuple[int, ...]] = MappingProxyType(
    {
        "25": (25,) * 128,
        "120": (120,) * 32,
        "512": (512,) * 8,
        "mixed": (25,) * 32 + (60,) * 8 + (120,) * 12 + (250,) * 4 + (512,) * 2,
    }
)
_N_ONE_BY_ONE = 8


def texts_of(bag: str, tokenizer: "Tokenizer", window: int, *, one_by_one: bool, seed: int) -> list[str]:
    """The texts of a bag, shuffled; none is longer than `window` word pieces. Raises InputError on an unknown bag."""
    if bag not in BAGS:
        raise InputError(f"lengths: {bag!r} given; accepted: {', '.join(BAGS)}")
    lengths = BAGS[bag]
    if one_by_one:
        lengths = lengths[:: max(1, len(lengths) // _N_ONE_BY_ONE)]
    generator = random.Random(seed)
    vocabulary = plain_words(tokenizer)
    texts = [" ".join(generator.choices(vocabulary, k=min(length, window) - 2)) for length in lengths]
    generator.shuffle(texts)
    return texts


def plain_words(tokenizer: "Tokenizer") -> list[str]:
    """Words that stay one piece each, so that a text has as many pieces as words, and two special tokens."""
    words = sorted(word for word in tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2)
    kept = [word for word in words if len(tokenizer.encode(word, add_special_tokens=False)) == 1]
    return kept or words
