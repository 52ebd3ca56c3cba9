"""Which installed fonts can draw a text, and how wide it gets; sizes and widths are in points."""

import functools
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.font_manager import FontEntry, FontProperties

MAIN_FAMILY = "DejaVu Sans"
BOX = "\u25a1"
BOX_NOTE = "characters that no installed font has are drawn as boxes"

_MEASURED_SIZE = 10.0
_PREFERRED = ("Noto Sans", "Noto", "Droid Sans Fallback")
# Their glyphs are bitmaps or stand for a missing glyph; neither can be drawn as an outline.
_UNFIT = ("Color Emoji", "Last Resort", "LastResort")
_BYTE_ORDER_MARK = 0xFEFF
_SKIN_TONES = range(0x1F3FB, 0x1F400)


class Typeface:
    """The main font with the fallbacks that these characters need; the names of its `families` in order."""

    def __init__(self, characters: Iterable[str]) -> None:
        missing = {ord(character) for character in characters if not character.isspace()}
        self.families: list[str] = []
        wanted = set(missing)
        for entry in (_main_font(), *_fallback_fonts()):
            found = _drawn_by(entry, missing)
            if found or not self.families:
                self.families.append(entry.name)
                missing -= found
            if not missing:
                break
        self._only_in_fallbacks = wanted - _drawn_by(_main_font(), wanted)
        # A byte order mark is nothing to see, and where it stands first, matplotlib cannot write it into a PDF.
        self._substitutes = {**{code: _substitute(code) for code in missing}, _BYTE_ORDER_MARK: ""}
        self._widths: dict[tuple[str, bool], float] = {}
        self._frames: dict[FontProperties, float] = {}

    @property
    def has_boxes(self) -> bool:
        """Whether some character is drawn as a box, for want of a font."""
        return BOX in self._substitutes.values()

    def drawable(self, text: str) -> str:
        """The text with characters that no font has as boxes, or left out where they would be invisible."""
        return text.translate(self._substitutes)

    def width(self, text: str, size: float, *, bold: bool = False) -> float:
        """How far the text runs."""
        key = (text, bold)
        if key not in self._widths:
            self._widths[key] = self._measured(text, bold)
        return self._widths[key] * size / _MEASURED_SIZE

    def elided(self, text: str, size: float, limit: float, *, bold: bool = False) -> str:
        """The text, cut with an ellipsis where it is wider than `limit`."""
        if self.width(text, size, bold=bold) <= limit:
            return text
        fitting = 0
        while self.width(text[: fitting + 1] + "…", size, bold=bold) <= limit:
            fitting += 1
        return text[:fitting].rstrip() + "…"

    def properties(self, text: str, size: float, *, bold: bool = False) -> "FontProperties":
        """The font for a text as matplotlib wants it; what the main font lacks is not set in bold either."""
        from matplotlib.font_manager import FontProperties

        if self._only_in_fallbacks.isdisjoint(map(ord, text)):
            return FontProperties(family=MAIN_FAMILY, size=size, weight="bold" if bold else "normal")
        return FontProperties(family=self.families, size=size)

    def _measured(self, text: str, bold: bool) -> float:
        from matplotlib.textpath import text_to_path

        properties = self.properties(text, _MEASURED_SIZE, bold=bold)
        # A space at the end counts for nothing there, so that it is measured between two strokes.
        with quiet_on_marks():
            framed = text_to_path.get_text_width_height_descent(f"|{self.drawable(text)}|", properties, ismath=False)[0]
        if properties not in self._frames:
            frame = text_to_path.get_text_width_height_descent("||", properties, ismath=False)[0]
            self._frames[properties] = float(frame)
        return float(framed) - self._frames[properties]


@contextmanager
def quiet_on_marks() -> Iterator[None]:
    """A mark that no font has beside its letter is the one thing that may still be missing, and no reason to warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"(?s).*missing from font")
        yield


def _main_font() -> "FontEntry":
    from matplotlib.font_manager import fontManager

    return next(entry for entry in fontManager.ttflist if entry.name == MAIN_FAMILY and _is_upright(entry))


@functools.cache
def _fallback_fonts() -> tuple["FontEntry", ...]:
    """The other upright fonts, those made to cover many scripts first; matplotlib reads its list once as well."""
    from matplotlib.font_manager import fontManager

    names: dict[str, FontEntry] = {}
    for entry in fontManager.ttflist:
        if _is_upright(entry) and entry.name != MAIN_FAMILY and not any(word in entry.name for word in _UNFIT):
            names.setdefault(entry.name, entry)
    return tuple(sorted(names.values(), key=lambda entry: (_rank(entry.name), entry.name)))


def _is_upright(entry: "FontEntry") -> bool:
    return (entry.style, entry.variant, entry.weight, entry.stretch) == ("normal", "normal", 400, "normal")


def _rank(name: str) -> int:
    return next((rank for rank, start in enumerate(_PREFERRED) if name.startswith(start)), len(_PREFERRED))


def _drawn_by(entry: "FontEntry", codes: set[int]) -> set[int]:
    from matplotlib.font_manager import get_font

    try:
        font = get_font(entry.fname)
    except (OSError, RuntimeError):
        return set()
    return {code for code in codes if font.get_char_index(code)}


def _substitute(code: int) -> str:
    is_invisible = unicodedata.category(chr(code)) in ("Cf", "Mn", "Me") or code in _SKIN_TONES
    return "" if is_invisible else BOX
