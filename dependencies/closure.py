"""Finds in this environment which packages each extra brings along."""

from collections.abc import Iterable
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

Node = tuple[NormalizedName, str]


def reached(direct: Iterable[Requirement]) -> set[NormalizedName]:
    """The names of all packages that these requirements install, themselves among them.

    Raises importlib.metadata.PackageNotFoundError if one is not installed here.
    """
    seen: set[Node] = set()
    waiting = [node for requirement in direct for node in _nodes(requirement)]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += _next(node)
    return {name for name, _ in seen}


def _nodes(requirement: Requirement) -> list[Node]:
    # A package is asked for by itself and with each of its extras, as ray[data] is.
    return [(canonicalize_name(requirement.name), extra) for extra in ("", *requirement.extras)]


def _next(node: Node) -> list[Node]:
    name, extra = node
    needed = [Requirement(line) for line in requires(name) or ()]
    wanted = [each for each in needed if each.marker is None or each.marker.evaluate({"extra": extra})]
    return [node for each in wanted for node in _nodes(each)]
