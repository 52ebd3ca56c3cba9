"""The human valence of words: VADER's lexicon, and its values for the units of a text."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

from explainable_bert.data.vader import source_file
from explainable_bert.records import Unit

STRONG = 1.0
"""From this absolute valence on, a word bears sentiment."""

_JOINERS = re.compile("['\N{RIGHT SINGLE QUOTATION MARK}\N{HYPHEN}\N{NON-BREAKING HYPHEN}-]")


def load_lexicon() -> Mapping[str, float]:
    """Some 7 500 words, slang and emoticons in lower case, with the mean of ten human ratings, in [-4, 4].

    Of entries that differ in case alone, the last counts. The source distribution of vaderSentiment is downloaded once
    and then kept. Raises FileError when it can be neither found nor downloaded.
    Source: Hutto & Gilbert 2014 (VADER), vader_lexicon.txt.
    """
    lines = source_file("vaderSentiment/vader_lexicon.txt").decode("utf-8").split("\n")
    rows = [line.split("\t") for line in lines if line.strip()]
    return MappingProxyType({word.casefold(): float(valence) for word, valence, *_ in rows})


def valences(units: Sequence[Unit], lexicon: Mapping[str, float]) -> Float[np.ndarray, " unit"]:
    """Each unit's valence whatever its case, in the lexicon's range; 0 for what is not in the lexicon.

    A word with hyphens or apostrophes that is not there as a whole has the valence of its strongest part (feel-good has
    that of good). No context is read: "not good" is two units, of which the second is positive.
    """
    return np.array([_valence(unit.text.casefold(), lexicon) for unit in units], dtype=np.float64)


def _valence(word: str, lexicon: Mapping[str, float]) -> float:
    if word in lexicon:
        return lexicon[word]
    # Single letters are no words here: the lexicon rates a lone "l", which l'amour is not.
    parts = [part for part in _JOINERS.split(word) if len(part) > 1]
    return max((lexicon.get(part, 0.0) for part in parts), key=abs, default=0.0)
