"""A drawing in 256 colours, each close to the one it stands for: a third of the bytes."""

import numpy as np
from jaxtyping import Float, UInt8

_N_COLOURS = 256
# So many of the most frequent colours stay as they are: paper, ink, and the words of one colour.
_N_KEPT = 64


def fewer_colours(
    pixels: UInt8[np.ndarray, "row column 3"],
) -> tuple[UInt8[np.ndarray, "row column"], UInt8[np.ndarray, "colour 3"]]:
    """The palette's colour number of every pixel, and the palette.

    After the frequent ones, the palette takes the colour farthest from all that it has, again and again (Gonzalez
    1985): a rare shade of a scale is not given up for the many greys at the edges of letters, as by counting.
    """
    colours, which, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    exact = colours.astype(np.float64)
    chosen = np.argsort(-counts, kind="stable")[:_N_KEPT].tolist()
    distances = np.stack([_distances(exact, exact[one]) for one in chosen])
    nearest, distance = distances.argmin(axis=0), distances.min(axis=0)
    while len(chosen) < min(_N_COLOURS, len(colours)):
        chosen.append(int(distance.argmax()))
        to_new = _distances(exact, exact[chosen[-1]])
        nearest[to_new < distance] = len(chosen) - 1
        distance = np.minimum(distance, to_new)
    return nearest[which].reshape(pixels.shape[:2]).astype(np.uint8), colours[chosen]


def _distances(colours: Float[np.ndarray, "colour 3"], to: Float[np.ndarray, " 3"]) -> Float[np.ndarray, " colour"]:
    squared: Float[np.ndarray, " colour"] = ((colours - to) ** 2).sum(axis=1)
    return squared
