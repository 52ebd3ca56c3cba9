"""Each design in words that need no knowledge of the field."""

from collections.abc import Mapping
from types import MappingProxyType

from explainable_bert.model.configuration import DESIGNS

_IN_PLAIN_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "vanilla": "Plain BERT. Its picture is where its last layer looked, averaged over several views. Much of the "
        "decision does not go through that picture.",
        "single-head": "BERT whose last layer looks once, not twelve times. Its picture is sharper; that does not make "
        "it the reason for the decision.",
        "additive": "The decision is a sum with one number per word position, and the picture shows these numbers. A "
        "position has read its whole sentence, so its number is not that word's alone.",
        "lexical": "The decision is a sum with one number per word, taken from a layer where words have hardly read "
        "their neighbours yet.",
        "explainable": "The decision is a sum with one number per word, close to the words, learnt from a plain BERT "
        "so that accuracy is kept.",
    }
)


def in_plain_words(design: str) -> str:
    """What the design is; its summary where nobody has put it plainly yet."""
    return _IN_PLAIN_WORDS.get(design, DESIGNS[design].summary)
