"""What a measurement page says of where it comes from: models, designs, settings, this package's version."""

import json
from collections.abc import Iterable, Mapping, Sequence

from explainable_bert.export.origins import Origin, origin, provenances
from explainable_bert.export.strips import one_line
from explainable_bert.records import Explanation
from explainable_bert.version import __version__


def measured_origin(
    models: Iterable[tuple[str, str]], settings: Mapping[str, str], explanations: Sequence[Explanation] = ()
) -> Origin:
    """`models` are names with designs; `explanations` are those that the page shows."""
    distinct = list(dict.fromkeys(models))
    lines = [one_line(f"model {model} · design {design}") for model, design in distinct]
    metadata = {
        "version": __version__,
        "models": [{"model": model, "design": design} for model, design in distinct],
        "settings": dict(settings),
        "explanations": provenances(explanations),
    }
    return Origin(
        (*lines, *origin(explanations).footers, f"measured by explainable-bert {__version__}"), json.dumps(metadata)
    )
