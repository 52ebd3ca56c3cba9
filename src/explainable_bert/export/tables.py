"""Explanations as a table with a row per unit, for spreadsheets."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from explainable_bert.export.panels import Pair, grouped
from explainable_bert.records import Explanation

_UNIT_COLUMNS = ("part", "start", "end", "unit", "score")


def write_csv(explanations: Sequence[Explanation], versus: Sequence[Explanation] | None, path: Path) -> None:
    """Write all explanations to one CSV file; raises FileError if the place cannot be written."""
    from explainable_bert.data.files import write_table

    rows = [row for number, group in enumerate(grouped(explanations, versus), start=1) for row in _rows(number, group)]
    write_table(rows, path)


def _rows(number: int, group: list[Pair]) -> Iterator[dict[str, Any]]:
    for pair in group:
        for explanation in pair:
            if explanation is not None:
                yield from ({"text_number": number, **fields} for fields in _unit_rows(explanation))


def _unit_rows(explanation: Explanation) -> Iterator[dict[str, Any]]:
    """A row per unit; a text without units has one row, in which the unit's columns are empty."""
    prediction, attribution = explanation.prediction, explanation.attribution
    before = {
        "text": explanation.text,
        "text_pair": explanation.text_pair,
        "label": prediction.label,
        "probability": prediction.probabilities.get(prediction.label),
        "target": explanation.target,
        "method": attribution.method,
        "level": attribution.level,
    }
    after = {
        "signed": attribution.signed,
        "special_token_mass": attribution.special_token_mass,
        "bias": attribution.bias,
        "bias_name": attribution.bias_name,
        "logit": attribution.logit,
        "seed": attribution.seed,
        "n_windows": prediction.n_windows,
        "n_tokens_dropped": prediction.n_tokens_dropped,
        **dataclasses.asdict(explanation.provenance),
    }
    for cells in _unit_cells(explanation) or [(None,) * len(_UNIT_COLUMNS)]:
        yield {**before, **dict(zip(_UNIT_COLUMNS, cells, strict=True)), **after}


def _unit_cells(explanation: Explanation) -> list[tuple[Any, ...]]:
    attribution = explanation.attribution
    return [
        (unit.part, unit.start, unit.end, unit.text, score)
        for unit, score in zip(attribution.units, attribution.scores, strict=True)
    ]
