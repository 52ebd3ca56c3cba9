"""The network in one file: the package's own sources put together, for whoever loads a model without the package."""

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.version import __version__

CODE_FILE = "modeling_explainable_bert.py"
CONFIG_CLASS, MODEL_CLASS = "ExplainableBertConfig", "ExplainableBertForSequenceClassification"
_PACKAGE = "explainable_bert"
_NETWORK, _NETWORK_CLASS = f"{_PACKAGE}.model.network", "ExplainableBertNetwork"
# Shapes in annotations are checked by a package that the file does without.
_SHAPED = ("Bool", "Float", "Int")
_HEADER = f'''"""A BERT text classifier whose explanation is part of its computation, in one file.

Written by `explainable-bert export hub` out of the sources of explainable-bert {__version__} (Apache-2.0), not by hand.
It needs torch, transformers and safetensors, and entmax where a model's attention is sparse. Where the package itself
has been imported, its own classes are used instead of these.
"""
'''
_MODEL = f'''class {MODEL_CLASS}({_NETWORK_CLASS}):
    """The network under the name that a model's config gives it."""
'''


@dataclass(frozen=True)
class _Statement:
    """A definition at the top of a module: its text with the comments before it, what it defines and what it names."""

    text: str
    defines: frozenset[str]
    names: frozenset[str]


@dataclass(frozen=True)
class _Module:
    """What a module defines, says of itself and imports: `imports` are the name's import from outside the package."""

    name: str
    words: str
    statements: tuple[_Statement, ...]
    imports: dict[str, tuple[str, str | None]]
    needs: tuple[str, ...]


def model_code() -> str:
    """The source of a module with the config and the network, and of the package no more than these need."""
    modules = list(_below(_NETWORK, set()))
    kept = _kept(modules, {_NETWORK_CLASS})
    used = frozenset[str]().union(*(statement.names for statement in kept))
    imports = {name: source for module in modules for name, source in module.imports.items() if name in used}
    parts = [_HEADER, _import_lines(imports)]
    for module in modules:
        own = [statement.text for statement in module.statements if statement in kept]
        if own:
            parts += [module.words, *own]
    return "\n\n".join(part.strip("\n") + "\n" for part in [*parts, _MODEL])


def _below(name: str, seen: set[str]) -> Iterator[_Module]:
    """The modules of the package that this one is made of, lowest first, itself last."""
    if name in seen:
        return
    seen.add(name)
    module = _read(name)
    for needed in module.needs:
        yield from _below(needed, seen)
    yield module


def _kept(modules: list[_Module], wanted: set[str]) -> set[_Statement]:
    """The statements that define what is wanted, and all that these name in turn.

    Raises ValueError where two modules define the same name: in one file the later would replace the other.
    """
    owners: dict[str, _Statement] = {}
    for statement in (statement for module in modules for statement in module.statements):
        twice = statement.defines & owners.keys()
        if twice:
            raise ValueError(f"{sorted(twice)[0]} is defined by two modules")
        owners.update(dict.fromkeys(statement.defines, statement))
    kept: set[_Statement] = set()
    pending = [owners[name] for name in wanted]
    while pending:
        statement = pending.pop()
        if statement not in kept:
            kept.add(statement)
            pending += [owners[name] for name in statement.names & owners.keys()]
    return kept


def _read(name: str) -> _Module:
    source = _plain(_source(name))
    tree, lines = ast.parse(source), source.splitlines()
    statements, imports, needs = [], {}, []
    end = 0
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(_PACKAGE):
            needs.append(node.module)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imports.update({alias.asname or alias.name: _import(node, alias) for alias in node.names})
        elif defined := _defined(node):
            named = frozenset(_named(node))
            # From where the last one ended: comments belong to what they stand before.
            text = "\n".join(lines[end : node.end_lineno]).strip("\n") + "\n"
            statements.append(_Statement(text, defined, named - defined))
        end = node.end_lineno or end
    return _Module(name, _words(name, ast.get_docstring(tree) or ""), tuple(statements), imports, tuple(needs))


def _source(name: str) -> str:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"there is no module {name}")
    return Path(spec.origin).read_text(encoding="utf-8")


def _plain(source: str) -> str:
    """The source with `Tensor` where an annotation says `Float[Tensor, "batch key"]`."""
    lines = [line.encode("utf-8") for line in source.splitlines()]
    shaped = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Subscript) and _is_shaped(node)]
    # From the end, so that places before stay where they are.
    for node in sorted(shaped, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        place = node.lineno - 1
        lines[place] = lines[place][: node.col_offset] + b"Tensor" + lines[place][node.end_col_offset :]
    return b"\n".join(lines).decode("utf-8") + "\n"


def _is_shaped(node: ast.Subscript) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in _SHAPED


def _defined(node: ast.stmt) -> frozenset[str]:
    """The names that a statement at the top of a module defines."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return frozenset({node.name})
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return frozenset(part.id for target in targets for part in ast.walk(target) if isinstance(part, ast.Name))


def _named(node: ast.stmt) -> Iterator[str]:
    """The names that a statement reads."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            yield part.id


def _import(node: ast.Import | ast.ImportFrom, alias: ast.alias) -> tuple[str, str | None]:
    """Where a name is from, and what it is called there; None for a whole module."""
    return (alias.name, None) if isinstance(node, ast.Import) else (node.module or "", alias.name)


def _import_lines(imports: dict[str, tuple[str, str | None]]) -> str:
    """Those of the standard library first, as sorted as in the package."""
    whole = {module for module, name in imports.values() if name is None}
    parts: dict[str, list[str]] = {}
    for module, name in imports.values():
        if name is not None:
            parts.setdefault(module, []).append(name)
    lines = [(module, f"import {module}") for module in whole]
    lines += [(module, f"from {module} import {', '.join(sorted(names))}") for module, names in parts.items()]
    lines.sort(key=lambda line: (line[1].startswith("from"), line[0]))
    known = sys.stdlib_module_names
    groups = [[text for module, text in lines if (module.split(".")[0] in known) == own] for own in (True, False)]
    return "\n\n".join("\n".join(group) for group in groups if group)


def _words(name: str, docstring: str) -> str:
    """What a module says of itself, as a comment."""
    return "\n".join(re.sub(r"\s+$", "", f"# {line}") for line in (f"{name}:", *docstring.splitlines()))
