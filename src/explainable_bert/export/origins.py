"""Where explanations come from: the provenance that every picture carries, for machines and for readers."""

import dataclasses
import json
from collections.abc import Iterable, Sequence
from typing import Any

from explainable_bert.export.strips import one_line
from explainable_bert.records import Explanation

N_FINGERPRINT_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Origin:
    """Lines for readers, one per provenance and method; `metadata` is the same whole, as JSON in ASCII."""

    footers: tuple[str, ...]
    metadata: str


def provenances(explanations: Iterable[Explanation]) -> list[dict[str, Any]]:
    """Each distinct provenance with its attribution method and the targets it explains, in order of appearance."""
    targets: dict[Any, dict[str, None]] = {}
    for item in explanations:
        targets.setdefault((item.provenance, item.attribution.method), {})[item.target] = None
    return [
        {**dataclasses.asdict(provenance), "method": method, "targets": list(names)}
        for (provenance, method), names in targets.items()
    ]


def origin(explanations: Sequence[Explanation]) -> Origin:
    """What a picture says of where its explanations come from."""
    found = provenances(explanations)
    return Origin(tuple(_footer(item) for item in found), json.dumps(found))


def _footer(item: dict[str, Any]) -> str:
    return one_line(
        f"model {item['model']} · design {item['design']} · value layer {item['value_layer']}"
        f" · weights {item['fingerprint'][:N_FINGERPRINT_SHOWN]} · explainable-bert {item['version']}"
        f" ({item['libraries']}) · method {item['method']} · target {', '.join(item['targets'])}"
    )
