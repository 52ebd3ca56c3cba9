"""An explanation cut into the pieces that a picture shows: harmless text with a score and an intensity."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from explainable_bert.records import Attribution, Explanation, Unit

STRONG_FROM = 0.25
N_STRONGEST = 5
_MOST_DECIMALS = 6

Direction = Literal["towards", "against", "unsigned", "zero", "between", "unread"]

# Embeddings, overrides and isolates can make a text read differently from what it says; show them instead.
_BIDI_CONTROLS = frozenset([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class Piece:
    """A stretch of visible text; `intensity` in [0, 1] is its share of the strip's scale, `label` its score in words.

    Stretches between units, and behind the last unit of a text that was cut short, have neither.
    """

    text: str
    score: float = 0.0
    intensity: float = 0.0
    direction: Direction = "between"
    label: str = ""

    @property
    def is_unit(self) -> bool:
        """Whether the piece is a scored unit."""
        return self.direction not in ("between", "unread")

    @property
    def is_strong(self) -> bool:
        """Whether the piece is marked by a line as well as by colour."""
        return self.intensity >= STRONG_FROM


@dataclass(frozen=True)
class Strip:
    """The pieces of each text in reading order, the strongest units first to last, and what full colour stands for."""

    parts: tuple[tuple[Piece, ...], ...]
    strongest: tuple[Piece, ...]
    scale: float


def cut(explanation: Explanation, scale: float | None = None) -> Strip:
    """Every character of the text in exactly one piece; where units overlap, the earlier one keeps the overlap.

    Full colour stands for `scale`, or else for the largest |score| on the text.
    """
    attribution = explanation.attribution
    scale = largest(attribution.scores) if scale is None else scale
    texts = [explanation.text] if explanation.text_pair is None else [explanation.text, explanation.text_pair]
    is_cut_short = explanation.prediction.n_tokens_dropped > 0
    parts = tuple(_cut_part(text, part, attribution, scale, is_cut_short) for part, text in enumerate(texts))
    return Strip(parts, _strongest(attribution, scale), scale)


def largest(scores: Iterable[float]) -> float:
    """The largest |score| that is a finite number, or 0 without any."""
    return max((abs(score) for score in scores if math.isfinite(score)), default=0.0)


def visible(text: str) -> str:
    """The text with whatever could act or that XML cannot hold replaced by visible signs.

    That is: control characters, bidirectional controls, lone surrogates and the two non-characters U+FFFE and U+FFFF.
    """
    return "".join(_visible_characters(text))


def one_line(text: str) -> str:
    """The visible text with every stretch of white space as one space; for names and labels."""
    return " ".join(visible(text).split())


def format_score(score: float, scale: float, signed: bool) -> str:
    """`score` with as many decimals as give `scale` three digits, and with a sign if `signed`."""
    sign = "+" if signed else ""
    if scale == 0 or not math.isfinite(score):
        return f"{score + 0.0:{sign}.2f}"
    decimals = 2 - math.floor(math.log10(scale))
    if not 0 <= decimals <= _MOST_DECIMALS:
        return f"{score + 0.0:{sign}.2e}"
    # Rounded first, as adding zero then turns a minus zero into zero.
    return f"{round(score, decimals) + 0.0:{sign}.{decimals}f}"


def shows_zero(score: float, scale: float) -> bool:
    """Whether `format_score` rounds it to zero."""
    return float(format_score(score, scale, signed=False)) == 0


def scale_note(strip: Strip) -> str:
    """What full colour stands for, in words."""
    if strip.scale == 0:
        return "no score differs from zero on this text"
    return f"full colour = {format_score(strip.scale, strip.scale, signed=False)}, the largest on this text"


def notes(explanation: Explanation) -> tuple[str, ...]:
    """Sentences that belong under the text: what was not read, or how, and how the words add up to the decision."""
    attribution = explanation.attribution
    n_dropped = explanation.prediction.n_tokens_dropped
    found = []
    if n_dropped > 0:
        number = "1 token at the end was" if n_dropped == 1 else f"{n_dropped:,} tokens at the end were"
        found.append(f"{number} not read")
    if explanation.prediction.n_windows > 1:
        found.append(f"read in {explanation.prediction.n_windows} windows that overlap; the decision is their mean")
    if attribution.bias is not None and attribution.logit is not None:
        total = sum(attribution.scores)
        found.append(
            f"{one_line(attribution.bias_name or 'bias')} {_thousandths(attribution.bias)}"
            f" + sum of {attribution.level}s {_thousandths(total)} = logit {_thousandths(attribution.logit)}"
            f" (unrounded difference {attribution.completeness_error:.1e})"
        )
    if attribution.special_token_mass:
        found.append(
            f"{attribution.special_token_mass:.1%} of the attention is on special tokens, not on words of the text"
        )
    return tuple(found)


def _thousandths(value: float) -> str:
    # Adding zero after rounding turns a minus zero into zero.
    return f"{round(value, 3) + 0.0:.3f}"


def _cut_part(text: str, part: int, attribution: Attribution, scale: float, is_cut_short: bool) -> tuple[Piece, ...]:
    characters = _visible_characters(text)
    scored = sorted(_scored_units(attribution, part), key=lambda pair: (pair[0].start, pair[0].end))
    pieces: list[Piece] = []
    reached = 0
    for unit, score in scored:
        start, end = max(unit.start, reached), min(unit.end, len(text))
        if start >= end:
            continue
        pieces.append(Piece("".join(characters[reached:start])))
        pieces.append(_scored_piece("".join(characters[start:end]), score, scale, attribution.signed))
        reached = end
    tail = "".join(characters[reached:])
    pieces.append(Piece(tail, direction="unread" if is_cut_short and tail.strip() else "between"))
    return tuple(piece for piece in pieces if piece.text)


def _scored_units(attribution: Attribution, part: int) -> list[tuple[Unit, float]]:
    pairs = zip(attribution.units, attribution.scores, strict=True)
    return [(unit, score) for unit, score in pairs if unit.part == part]


def _strongest(attribution: Attribution, scale: float) -> tuple[Piece, ...]:
    pairs = zip(attribution.units, attribution.scores, strict=True)
    telling = [(unit, score) for unit, score in pairs if math.isfinite(score) and not shows_zero(score, scale)]
    ranked = sorted(telling, key=lambda pair: -abs(pair[1]))[:N_STRONGEST]
    return tuple(_scored_piece(visible(unit.text), score, scale, attribution.signed) for unit, score in ranked)


def _scored_piece(text: str, score: float, scale: float, signed: bool) -> Piece:
    intensity = abs(score) / scale if scale > 0 and math.isfinite(score) else 0.0
    return Piece(text, score, min(intensity, 1.0), _direction(score, signed), format_score(score, scale, signed))


def _direction(score: float, signed: bool) -> Direction:
    if not signed:
        return "unsigned"
    if score > 0:
        return "towards"
    return "against" if score < 0 else "zero"


def _visible_characters(text: str) -> list[str]:
    """One string per character of `text`, so that offsets into the original still hold."""
    following = [*text[1:], ""]
    return [_visible_character(here, after) for here, after in zip(text, following, strict=False)]


def _visible_character(character: str, following: str) -> str:
    code = ord(character)
    if character == "\r":
        return "" if following == "\n" else "\n"
    if code < 0x20 and character not in "\n\t":
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0x80 <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in (0xFFFE, 0xFFFF):
        return "\ufffd"
    return f"\u27e8U+{code:04X}\u27e9" if code in _BIDI_CONTROLS else character
