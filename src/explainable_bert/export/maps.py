"""Attention maps as pictures show them: queries in rows, units in columns, each row renormalised over the units."""

import dataclasses

import numpy as np

from explainable_bert.export.strips import one_line
from explainable_bert.records import AttentionMap, Explanation

CLS_LABEL = "[CLS] (decides)"
CAPTION = (
    "Attention of the final block, mean over its heads: rows look at columns. Each row is renormalised over the units,"
    " so that it sums to 1; the narrow column is the share of the row's attention on special tokens before that,"
    " white 0 to full colour 1."
)
_CAPTION_OF_DIFFERENCE = (
    " The first two maps have one scale. The third is {versus} minus {base}: blue is more in {versus}, orange more in"
    " {base}; its narrow column runs from -1 to 1."
)


@dataclasses.dataclass(frozen=True)
class Grid:
    """One map: a row for [CLS] and for each label, a column for each label; `limit` is the value of full colour.

    A difference of two maps has values of both signs, down to -`limit`.
    """

    heading: str
    labels: tuple[str, ...]
    weights: np.ndarray
    special: np.ndarray
    limit: float
    is_difference: bool = False


def grid(explanation: Explanation, heading: str) -> Grid | None:
    """The map of an explanation, or None where it has none or no units."""
    if explanation.attention_map is None or not explanation.attribution.units:
        return None
    weights = renormalised(explanation.attention_map)
    return Grid(
        heading,
        tuple(one_line(unit.text) for unit in explanation.attribution.units),
        weights,
        np.asarray(explanation.attention_map.special_token_mass, dtype=np.float64),
        _limit(weights),
    )


def compared(base: Grid, versus: Grid) -> tuple[Grid, Grid, Grid]:
    """Both maps on one scale, and versus minus base on its own."""
    limit = max(base.limit, versus.limit)
    weights = versus.weights - base.weights
    difference = Grid(
        "difference",
        base.labels,
        weights,
        versus.special - base.special,
        _limit(weights),
        is_difference=True,
    )
    return dataclasses.replace(base, limit=limit), dataclasses.replace(versus, limit=limit), difference


def caption(grids: tuple[Grid, ...]) -> str:
    """What the maps beside each other show, in words."""
    if not grids:
        return ""
    if not grids[-1].is_difference:
        return CAPTION
    return CAPTION + _CAPTION_OF_DIFFERENCE.format(base=grids[0].heading, versus=grids[1].heading)


def renormalised(attention_map: AttentionMap) -> np.ndarray:
    """Each row divided by its sum; a row of zeros stays."""
    weights = np.asarray(attention_map.weights, dtype=np.float64)
    sums = weights.sum(axis=1, keepdims=True)
    shared: np.ndarray = np.divide(weights, sums, out=np.zeros_like(weights), where=sums > 0)
    return shared


def _limit(weights: np.ndarray) -> float:
    return float(np.max(np.abs(weights), where=np.isfinite(weights), initial=0.0))
