"""Makes docs/sbom.json: the bill of materials of what a user of this project installs, as CycloneDX 1.6."""

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import metadata
from pathlib import Path
from typing import Any, Final

from packaging.utils import NormalizedName, canonicalize_name

from dependencies.closure import reached
from dependencies.declared import DEVELOPMENT, PYPROJECT, ROOT, requirements
from explainable_bert.version import __version__

SBOM: Final = ROOT / "docs" / "sbom.json"

# The property of a component that says which part of the project installs it.
BROUGHT_BY: Final = "explainable-bert:brought-by"

# Which parts of the project bring each package.
Reasons = Mapping[NormalizedName, list[str]]


def make(tool: Path) -> str:
    """The bill of this environment by `tool`, the cyclonedx-py of another one.

    Raises subprocess.CalledProcessError if the tool fails.
    """
    command: list[str | Path] = [tool, "environment", "--spec-version", "1.6", "--output-reproducible"]
    command += ["--pyproject", PYPROJECT, "--mc-type", "library", sys.executable]
    made = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return (
        json.dumps(narrowed(completed(json.loads(made)), reasons()), indent=1, sort_keys=True, ensure_ascii=False)
        + "\n"
    )


def reasons() -> Reasons:
    """Which parts of the project, extras among them, install each package of this environment."""
    found: dict[NormalizedName, list[str]] = {}
    for group, direct in requirements().items():
        for name in reached(direct) if group not in DEVELOPMENT else ():
            found.setdefault(name, []).append(group)
    return found


def completed(bill: dict[str, Any]) -> dict[str, Any]:
    """The bill with the licences that packages of this environment declare in words, which the tool passes over."""
    return bill | {"components": [part if "licenses" in part else _in_words(part) for part in bill["components"]]}


def _in_words(part: dict[str, Any]) -> dict[str, Any]:
    words = metadata(part["name"]).json.get("license")
    return part | ({"licenses": [{"license": {"name": words, "acknowledgement": "declared"}}]} if words else {})


def narrowed(bill: dict[str, Any], brought_by: Reasons) -> dict[str, Any]:
    """The bill without what no user installs, and without what would differ in another folder."""
    kept = [part for part in bill["components"] if canonicalize_name(part["name"]) in brought_by]
    components = [_component(part, brought_by) for part in sorted(kept, key=_reference)]
    root = bill["metadata"]["component"] | {"version": __version__}
    references = {_reference(part) for part in components} | {_reference(root)}
    return bill | {
        "metadata": bill["metadata"] | {"component": root},
        "components": components,
        "dependencies": [_edges(edge, references) for edge in bill["dependencies"] if edge["ref"] in references],
    }


def _reference(part: dict[str, Any]) -> str:
    return str(part["bom-ref"])


def _component(part: dict[str, Any], brought_by: Reasons) -> dict[str, Any]:
    groups = brought_by[canonicalize_name(part["name"])]
    return part | {"properties": [{"name": BROUGHT_BY, "value": group} for group in groups]}


def _edges(edge: dict[str, Any], references: set[str]) -> dict[str, Any]:
    inside = sorted(set(edge.get("dependsOn", ())) & references)
    return {"ref": edge["ref"]} | ({"dependsOn": inside} if inside else {})
