"""Words into lines of a given width, in the order in which they are read; lengths are in points."""

import dataclasses
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence

from explainable_bert.export.strips import Piece

_RIGHT_TO_LEFT = ("R", "AL")
_MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
_TAB = " " * 4

Measure = Callable[[str], float]


@dataclasses.dataclass(frozen=True)
class Atom:
    """A stretch of a piece that no line break divides: a word or the space between two.

    `shown` is set below it, and `width` leaves room for the wider of the two.
    """

    text: str
    piece: Piece
    width: float
    shown: str = ""

    @property
    def is_space(self) -> bool:
        """Whether it is white space."""
        return self.text.isspace()


@dataclasses.dataclass(frozen=True)
class Placed:
    """An atom `x` to the right of the line's left end."""

    atom: Atom
    x: float


Line = tuple[Placed, ...]


@dataclasses.dataclass(frozen=True)
class Setting:
    """How lines are set: their `width`, how wide words and shown values get, and whether values are `shown`."""

    width: float
    measure: Measure
    measure_value: Measure
    shows_values: bool = False


def set_lines(pieces: Sequence[Piece], setting: Setting) -> list[Line]:
    """The pieces in lines; line breaks of the text are kept, and words wider than a line are broken."""
    is_leftward = direction("".join(piece.text for piece in pieces)) == "right"
    lines: list[Line] = []
    for paragraph in _paragraphs(pieces):
        atoms = [atom for piece in paragraph for atom in _atoms(piece, setting)]
        lines.extend(_placed(line, setting.width, is_leftward) for line in _filled(atoms, setting.width))
    return lines


def direction(text: str) -> str:
    """Where reading goes, "left" to "right" or from the "right": as the first letter with a direction says, or ""."""
    for character in text:
        bidirectional = unicodedata.bidirectional(character)
        if bidirectional == "L":
            return "left"
        if bidirectional in _RIGHT_TO_LEFT:
            return "right"
    return ""


def _paragraphs(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    paragraph: list[Piece] = []
    for piece in pieces:
        first, *others = piece.text.split("\n")
        paragraph.append(dataclasses.replace(piece, text=first))
        for text in others:
            yield paragraph
            paragraph = [dataclasses.replace(piece, text=text)]
    yield paragraph


def _atoms(piece: Piece, setting: Setting) -> Iterator[Atom]:
    """The words and spaces of a piece; its value stands under its first word."""
    shown = piece.label if setting.shows_values else ""
    for text in re.findall(r"\s+|\S+", piece.text.replace("\t", _TAB)):
        if text.isspace():
            yield Atom(text, piece, setting.measure(text))
            continue
        for part in _broken(text, setting):
            room = setting.measure_value(f" {shown} ") if shown else 0.0
            yield Atom(part, piece, max(setting.measure(part), room), shown)
            shown = ""


def _broken(word: str, setting: Setting) -> Iterator[str]:
    """The word in stretches that fit a line; between ideographs it may break anywhere, unless a value stands below."""
    may_break = not setting.shows_values and any(_may_break(*pair) for pair in itertools.pairwise(word))
    if not may_break and setting.measure(word) <= setting.width:
        yield word
        return
    stretch = ""
    for character in word:
        is_full = stretch and setting.measure(stretch + character) > setting.width
        if is_full or (stretch and _may_break(stretch[-1], character)):
            yield stretch
            stretch = ""
        stretch += character
    yield stretch


def _may_break(before: str, after: str) -> bool:
    """Whether a line may end between two characters of one word: beside ideographs, but not before punctuation."""
    is_wide = any(unicodedata.east_asian_width(character) in "WF" for character in (before, after))
    return is_wide and unicodedata.category(after)[0] not in "PM" and unicodedata.category(before) not in ("Ps", "Pi")


def _filled(atoms: Iterable[Atom], width: float) -> Iterator[list[Atom]]:
    """Lines of chunks; a chunk is a run of atoms that belong together, as a word and its full stop."""
    line: list[Atom] = []
    used = 0.0
    for chunk in _chunks(atoms):
        room = sum(atom.width for atom in chunk)
        if line and not chunk[0].is_space and used + room > width + 1e-6:
            yield _trimmed(line)
            line, used = [], 0.0
        if room > width:
            *full, chunk = _divided(chunk, width)
            yield from full
            room = sum(atom.width for atom in chunk)
        line.extend(chunk)
        used += room
    yield _trimmed(line)


def _chunks(atoms: Iterable[Atom]) -> Iterator[list[Atom]]:
    chunk: list[Atom] = []
    for atom in atoms:
        if chunk and (atom.is_space or chunk[-1].is_space or _may_break(chunk[-1].text[-1], atom.text[0])):
            yield chunk
            chunk = []
        chunk.append(atom)
    if chunk:
        yield chunk


def _divided(chunk: list[Atom], width: float) -> list[list[Atom]]:
    lines: list[list[Atom]] = [[]]
    used = 0.0
    for atom in chunk:
        if lines[-1] and used + atom.width > width:
            lines.append([])
            used = 0.0
        lines[-1].append(atom)
        used += atom.width
    return lines


def _trimmed(line: list[Atom]) -> list[Atom]:
    while line and line[-1].is_space:
        line.pop()
    return line


def _placed(line: list[Atom], width: float, is_leftward: bool) -> Line:
    """The line's atoms from left to right, starting at the left, or ending at the right."""
    ordered = _visual_order(line, is_leftward)
    x = width - sum(atom.width for atom in line) if is_leftward else 0.0
    places = itertools.accumulate((atom.width for atom in ordered), initial=x)
    return tuple(Placed(atom, place) for atom, place in zip(ordered, places, strict=False))


def _visual_order(line: list[Atom], is_leftward: bool) -> list[Atom]:
    """Runs of words against the line's direction are turned round, as the bidirectional algorithm does with letters."""
    base = "right" if is_leftward else "left"
    runs = itertools.groupby(zip(_directions(line, base), line, strict=True), key=lambda pair: pair[0])
    ordered: list[Atom] = []
    for towards, members in runs:
        run = [_faced(atom, towards) for _, atom in members]
        ordered.extend(run if towards == base else reversed(run))
    return ordered[::-1] if is_leftward else ordered


def _directions(line: list[Atom], base: str) -> list[str]:
    """Each atom's direction; one without has that of its neighbours where they agree, else the line's."""
    own = [direction(atom.text) for atom in line]
    before = list(itertools.accumulate(own, lambda last, here: here or last, initial=base))[1:]
    after = list(itertools.accumulate(reversed(own), lambda last, here: here or last, initial=base))[:0:-1]
    return [here or (left if left == right else base) for here, left, right in zip(own, before, after, strict=True)]


def _faced(atom: Atom, towards: str) -> Atom:
    """Brackets that stand alone face the reading direction."""
    if towards == "right" and not direction(atom.text):
        return dataclasses.replace(atom, text=atom.text.translate(_MIRRORED))
    return atom
