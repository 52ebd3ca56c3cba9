"""Makes docs/licences.md: the licence of every package of docs/sbom.json, and why it is installed."""

from collections.abc import Mapping
from typing import Any, Final

from packaging.utils import canonicalize_name

from dependencies.declared import ROOT
from dependencies.sbom import BROUGHT_BY

LICENCES: Final = ROOT / "docs" / "licences.md"

UNKNOWN: Final = "unknown"

# A licence that a package gives as its whole text is named by the text's first words alone.
_LONGEST: Final = 60

_CLASSIFIER: Final = "License :: OSI Approved :: "

_HEAD: Final = """\
# Licences of what is installed

Made by `make sbom` from [the bill of materials](sbom.json): all that this project installs for its users, as on the
machine where it was made (Linux, the CPU build of torch). A licence is the one that the package's own metadata
declares; nobody looked into the packages. Which part brings a package: `runtime` is every installation, the others
are extras.

"""


def page(bill: Mapping[str, Any]) -> str:
    """The page of a bill of materials."""
    parts = sorted(bill["components"], key=lambda part: canonicalize_name(part["name"]))
    rows = [f"| {part['name']} | {part['version']} | {licence(part)} | {_brought_by(part)} |" for part in parts]
    table = "\n".join(["| package | version | licence | brought by |", "| --- | --- | --- | --- |", *rows])
    return _HEAD + _silent([part["name"] for part in parts if licence(part) == UNKNOWN]) + table + "\n"


def licence(part: Mapping[str, Any]) -> str:
    """The licences that a component declares, or `unknown`."""
    choices = part.get("licenses", ())
    # Beside an identifier of SPDX the older ways to say the same are left out.
    exact = [choice for choice in choices if "expression" in choice or "id" in choice["license"]]
    found = [_name(choice) for choice in exact or choices]
    return ", ".join(dict.fromkeys(found)).replace("|", "\\|") or UNKNOWN


def _name(choice: Mapping[str, Any]) -> str:
    given = choice.get("expression") or choice["license"].get("id") or choice["license"].get("name") or UNKNOWN
    first = str(given).removeprefix(_CLASSIFIER).strip().splitlines()[0]
    return first if len(first) <= _LONGEST or "expression" in choice else first[:_LONGEST] + " ..."


def _brought_by(part: Mapping[str, Any]) -> str:
    return ", ".join(item["value"] for item in part["properties"] if item["name"] == BROUGHT_BY)


def _silent(names: list[str]) -> str:
    if not names:
        return "Every package declares a licence.\n\n"
    return f"Declared nowhere in the package's metadata, so unknown here ({len(names)}): {', '.join(names)}.\n\n"
