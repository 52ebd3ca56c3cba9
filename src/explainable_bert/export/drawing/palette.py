"""The colours of every picture on a light ground, the same as in the page's style sheet."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from explainable_bert.export.strips import Direction

Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
INK: Colour = (27, 31, 36)
MUTED: Colour = (90, 98, 107)
LINE: Colour = (222, 226, 230)
HUES: Mapping[Direction, Colour] = MappingProxyType(
    {"towards": (90, 169, 230), "against": (242, 153, 74), "unsigned": (176, 148, 220)}
)
EDGES: Mapping[Direction, Colour] = MappingProxyType(
    {"towards": (22, 92, 158), "against": (158, 78, 8), "unsigned": (98, 66, 158)}
)
_DEEPEST_VIOLET: Colour = (62, 36, 116)


def tint(direction: Direction, intensity: float) -> Colour:
    """The hue of a direction at an intensity in [0, 1] on white; white where the direction has no hue."""
    red, green, blue = (round(255 + (channel - 255) * intensity) for channel in HUES.get(direction, PAPER))
    return red, green, blue


def sequential(values: np.ndarray) -> np.ndarray:
    """Values in [0, 1] as bytes of red, green and blue: white to violet."""
    return _interpolated(values, (0.0, 0.5, 1.0), (PAPER, HUES["unsigned"], _DEEPEST_VIOLET))


def diverging(values: np.ndarray) -> np.ndarray:
    """Values in [-1, 1] as bytes of red, green and blue: orange over white to blue."""
    anchors = (EDGES["against"], HUES["against"], PAPER, HUES["towards"], EDGES["towards"])
    return _interpolated(values, (-1.0, -0.5, 0.0, 0.5, 1.0), anchors)


def strip_ramp(signed: bool, n_steps: int) -> np.ndarray:
    """One row of the colours that a strip uses, from its least to its largest score."""
    if signed:
        colours = (HUES["against"], PAPER, HUES["towards"])
        return _interpolated(np.linspace(-1.0, 1.0, n_steps)[None], (-1.0, 0.0, 1.0), colours)
    return _interpolated(np.linspace(0.0, 1.0, n_steps)[None], (0.0, 1.0), (PAPER, HUES["unsigned"]))


def _interpolated(values: np.ndarray, places: tuple[float, ...], colours: tuple[Colour, ...]) -> np.ndarray:
    channels = [np.interp(values, places, [colour[channel] for colour in colours]) for channel in range(3)]
    pixels: np.ndarray = np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
    return pixels
