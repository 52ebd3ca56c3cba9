"""Reads what pyproject.toml declares and what constraints.txt pins."""

import tomllib
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT: Final = Path(__file__).resolve().parent.parent
PYPROJECT: Final = ROOT / "pyproject.toml"
CONSTRAINTS: Final = ROOT / "constraints.txt"

# What every installation has, beside the extras.
RUNTIME: Final = "runtime"
# The extras of those who work on this project: nobody else installs them.
DEVELOPMENT: Final = ("docs", "dev")


def requirements() -> dict[str, list[Requirement]]:
    """The direct dependencies: those of every installation, then those of each extra, in pyproject's order."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    declared = {RUNTIME: project["dependencies"]} | project["optional-dependencies"]
    return {group: [Requirement(line) for line in lines] for group, lines in declared.items()}


def pins(path: Path = CONSTRAINTS) -> dict[NormalizedName, str]:
    """The version of each package that a constraint file pins.

    Raises ValueError for a line that pins nothing.
    """
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, given, version = line.partition("==")
            if not given:
                raise ValueError(f"{path.name}: {line!r} given; accepted: NAME==VERSION")
            found[canonicalize_name(name)] = version
    return found
