"""Writes constraints-lowest.txt: the floor of every direct dependency."""

from typing import Final

from packaging.requirements import Requirement

from dependencies.declared import ROOT, requirements

LOWEST: Final = ROOT / "constraints-lowest.txt"

_HEADER: Final = """\
# The lowest version of every direct dependency that pyproject.toml accepts; `make lowest` runs the tests with them.
# Made by `python -m dependencies lowest`. torch: no build older than this one was at hand, so none was tried.
"""
_FLOORS: Final = (">=", "==")


def floor(requirement: Requirement) -> str:
    """The lowest version that a requirement accepts.

    Raises ValueError unless the requirement names exactly one.
    """
    found = [specifier.version for specifier in requirement.specifier if specifier.operator in _FLOORS]
    if len(found) != 1:
        raise ValueError(f"{requirement}: {len(found)} floors given; exactly one is needed")
    return found[0]


def text() -> str:
    """What constraints-lowest.txt has to say."""
    direct = [requirement for group in requirements().values() for requirement in group]
    floors = {requirement.name: floor(requirement) for requirement in direct}
    return _HEADER + "".join(f"{name}=={floors[name]}\n" for name in sorted(floors))
