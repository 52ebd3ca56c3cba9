"""The table of docs/concepts.md, from the saved results of the benchmark."""

import json
from typing import Final

from benchmarks.paper.goals import Results, number
from benchmarks.paper.page import RNC, table
from benchmarks.paper.results import BUILT_IN, OWN, in_domain
from benchmarks.tables import RESULTS, between_marks

from documentation.pages import DOCS

PAGE: Final = DOCS / "concepts.md"
_ARMS: Final = ("vanilla", "single-head", "additive", "explainable")


def page() -> str:
    """The page, its table filled in anew."""
    return between_marks(PAGE.read_text(encoding="utf-8"), {"concepts": _table()})


def _table() -> str:
    results = Results(json.loads((RESULTS / "paper_cpu.json").read_text(encoding="utf-8")))
    columns = ((RNC, BUILT_IN, 2), ("effective-words", BUILT_IN, 1), ("special-token-mass", None, 2))
    head = (
        "design",
        "its own picture is",
        "faithfulness, 0 random, 1 best found",
        "effective words",
        "on special tokens",
    )
    lines = [
        [
            arm,
            "attention" if arm in ("vanilla", "single-head") else "contributions",
            *(
                number(results.row(OWN, in_domain(OWN), arm, metric, method), digits)
                for metric, method, digits in columns
            ),
        ]
        for arm in _ARMS
    ]
    return table(head, lines)
