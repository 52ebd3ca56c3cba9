"""Texts as they are run, in one window or several, and what was found in the windows put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Int

from explainable_bert.engines.engine import Attributed, Row
from explainable_bert.records import Level
from explainable_bert.text.alignment import Group, align, sum_scores
from explainable_bert.text.encoding import Encoding
from explainable_bert.text.windows import shares, taken, windows


@dataclass(frozen=True)
class Window:
    """A window of a text as a row, and where in the text its tokens and units are."""

    row: Row
    tokens: Int[np.ndarray, " token"]
    units: Int[np.ndarray, " unit"]
    is_whole: bool


@dataclass(frozen=True)
class WindowedText:
    """A whole text with its units, and the windows that it is run in: one, the row itself, where it fits."""

    row: Row
    windows: tuple[Window, ...]

    @classmethod
    def of(cls, window: Window) -> Self:
        """The text that fits into a window."""
        return cls(window.row, (window,))

    @property
    def is_long(self) -> bool:
        """Whether there are several windows."""
        return len(self.windows) > 1


@dataclass(frozen=True)
class RowAttribution:
    """One text's or window's part of an Attributed."""

    logits: Float[np.ndarray, " label"]
    target: int
    scores: Float[np.ndarray, " key"]
    attention: Float[np.ndarray, " key"]
    bias: float | None


def windowed(encoding: Encoding, level: Level | None, size: int) -> WindowedText:
    """The text in windows of at most `size` tokens, with its units where a level is given."""
    groups = () if level is None else tuple(align(encoding, level))
    row = Row(encoding, groups)
    if len(encoding) <= size:
        return WindowedText.of(Window(row, np.arange(len(encoding)), np.arange(len(groups)), is_whole=True))
    unit_of = {token: unit for unit, group in enumerate(groups) for token in group.tokens}
    return WindowedText(row, tuple(_window(row, unit_of, positions) for positions in windows(encoding, size)))


def _window(whole: Row, unit_of: dict[int, int], positions: Sequence[int]) -> Window:
    tokens: dict[int, list[int]] = {}
    for place, position in enumerate(positions):
        if position in unit_of:
            tokens.setdefault(unit_of[position], []).append(place)
    groups = tuple(_with_tokens(whole.groups[unit], places) for unit, places in tokens.items())
    row = Row(taken(whole.encoding, positions), groups)
    return Window(row, np.array(positions), np.array(list(tokens), dtype=np.int64), is_whole=False)


def _with_tokens(group: Group, places: Sequence[int]) -> Group:
    return Group(group.part, group.start, group.end, tuple(places))


def of_row(attributed: Attributed, index: int) -> RowAttribution:
    """What was found for one row of a batch."""
    return RowAttribution(
        logits=attributed.logits[index],
        target=int(attributed.targets[index]),
        scores=attributed.scores[index],
        attention=attributed.attention[index],
        bias=None if attributed.bias is None else float(attributed.bias[index]),
    )


def combined_logits(logits: Sequence[Float[np.ndarray, " label"]]) -> Float[np.ndarray, " label"]:
    """A text's logits: the mean of its windows' by their shares."""
    stacked = np.stack(logits)
    return np.asarray(shares(stacked) @ stacked)


def combined(text: WindowedText, found: Sequence[RowAttribution]) -> RowAttribution:
    """What the windows say of one target, as said of the text: every mean is by the windows' shares.

    So scores that sum to the windows' logits, with their biases, sum to the text's.
    """
    logits = np.stack([of_window.logits for of_window in found])
    parts = shares(logits)
    biases = [of_window.bias for of_window in found if of_window.bias is not None]
    return RowAttribution(
        logits=parts @ logits,
        target=found[0].target,
        scores=_scattered(text, parts, [of_window.scores for of_window in found]),
        attention=_scattered(text, parts, [of_window.attention for of_window in found]),
        bias=float(parts @ biases) if biases else None,
    )


def by_unit(
    text: WindowedText, found: Sequence[tuple[Float[np.ndarray, "head _"], Float[np.ndarray, " label"]]]
) -> Float[np.ndarray, "head unit"]:
    """The windows' attention by head, given with their logits, as the text's, summed over each unit's tokens."""
    parts = shares(np.stack([logits for _, logits in found]))
    heads = _scattered(text, parts, [weights for weights, _ in found])
    return np.array([sum_scores(text.row.groups, head) for head in heads])


def distinct(keep: Bool[np.ndarray, "variant unit"]) -> tuple[Bool[np.ndarray, "_ unit"], Int[np.ndarray, " variant"]]:
    """The variants without repetition, and which of them each was: what texts' variants share of a window runs once."""
    places: dict[bytes, int] = {}
    inverse = np.array([places.setdefault(row.tobytes(), len(places)) for row in keep], dtype=np.int64)
    _, first = np.unique(inverse, return_index=True)
    return keep[first], inverse


def of_variants(found: Sequence[Float[np.ndarray, "variant label"]]) -> Float[np.ndarray, "variant label"]:
    """A text's logits under each variant, from those of its windows; each variant has shares of its own."""
    if len(found) == 1:
        return found[0]
    return np.array([combined_logits(of_variant) for of_variant in zip(*found, strict=True)])


def _scattered(
    text: WindowedText, parts: Float[np.ndarray, " window"], values: Sequence[Float[np.ndarray, "*_ _key"]]
) -> Float[np.ndarray, "*_ key"]:
    whole = np.zeros((*values[0].shape[:-1], len(text.row.encoding)))
    for window, part, of_window in zip(text.windows, parts, values, strict=True):
        whole[..., window.tokens] += part * of_window[..., : len(window.tokens)]
    return whole
