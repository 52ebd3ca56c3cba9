"""Marker words that no text holds, and texts with one of them put in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from transformers import PreTrainedTokenizerFast

from explainable_bert.text.alignment import align
from explainable_bert.text.encoding import Encoding, Reader

# Shorter words are mostly parts of names and abbreviations.
_MIN_LETTERS = 3


@dataclass(frozen=True)
class Planted:
    """The text at `place` with each of the two markers at the same spot, as the model reads it."""

    place: int
    versions: tuple[Encoding, Encoding]


def find_markers(
    tokenizer: PreTrainedTokenizerFast, encodings: Sequence[Encoding], generator: np.random.Generator
) -> dict[str, int]:
    """Two words of one token each that occur in none of the texts, with their ids; fewer if there are none.

    They are drawn from the rarer half: BERT's vocabulary lists frequent words first.
    """
    used = {token_id for encoding in encodings for token_id in encoding.input_ids}
    words = [
        (word, token_id)
        for word, token_id in sorted(tokenizer.get_vocab().items(), key=lambda entry: entry[1])
        if token_id not in used and len(word) >= _MIN_LETTERS and word.isascii() and word.isalpha()
    ]
    rarer = words[len(words) // 2 :] if len(words) >= 4 else words
    chosen: dict[str, int] = {}
    for word, token_id in (rarer[index] for index in generator.permutation(len(rarer))):
        if len(chosen) < 2 and tokenizer.tokenize(word) == [word]:
            chosen[word] = token_id
    return chosen


def plant(
    reader: Reader,
    encoding: Encoding,
    place: int,
    markers: Mapping[str, int],
    generator: np.random.Generator,
) -> Planted | None:
    """The (first) text with a marker before a random word or at the end; None where it does not fit into the window."""
    spot = int(generator.choice(_spots(encoding)))
    found = []
    for marker, marker_id in markers.items():
        text = f"{encoding.text[:spot]} {marker} {encoding.text[spot:]}"
        (planted,) = reader.encode([(text, encoding.text_pair)])
        if marker_id not in planted.input_ids:
            return None
        found.append(planted)
    return Planted(place, (found[0], found[1]))


def _spots(encoding: Encoding) -> list[int]:
    """Where words start, and the end where the whole text is read: what is cut off is not seen."""
    starts = [group.start for group in align(encoding, "word") if group.part == 0]
    whole = encoding.n_tokens_dropped == 0 or not starts
    return [*starts, len(encoding.text)] if whole else starts
