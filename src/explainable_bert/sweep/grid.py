"""From a declared grid, such as value_layer=0,1,2, to the arms of a sweep, with vanilla as their reference."""

import dataclasses
import itertools
import types
import typing
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from explainable_bert.errors import InputError
from explainable_bert.model.configuration import ATTENTION_FUNCTIONS, DESIGNS, check_design, has_twin
from explainable_bert.records import LONG
from explainable_bert.sweep.arm import Arm
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import recipe

VANILLA = "vanilla"
# Set by the sweep itself: by its seeds, and by which arm teaches.
_NOT_IN_GRID = ("seed", "teacher")
_NAMED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"design": tuple(DESIGNS), "attention_function": ATTENTION_FUNCTIONS, "long": LONG}
)
_BOOLEANS: Mapping[str, bool] = MappingProxyType({"true": True, "false": False})
_KINDS: Mapping[type, str] = MappingProxyType({int: "whole numbers", float: "numbers", str: "names"})

Grid = Mapping[str, tuple[Any, ...]]


def parse_grid(given: Sequence[str]) -> Grid:
    """The values of each field of ModelRequest or TrainingSettings, from texts such as "value_layer=0,1,2".

    "none" is the value None, where a field may be that. Raises InputError on a field that does not exist or comes
    twice, and on a value that it cannot have or that comes twice.
    """
    kinds = _field_kinds()
    grid: dict[str, tuple[Any, ...]] = {}
    for text in given:
        field, _, listed = text.partition("=")
        if field not in kinds:
            raise InputError(f"grid: {text!r} given; accepted: FIELD=VALUE,VALUE... with a field of {', '.join(kinds)}")
        if field in grid:
            raise InputError(f"grid: {field!r} given more than once; accepted: each field once, with all its values")
        values = tuple(_value(field, part.strip(), kinds[field]) for part in listed.split(","))
        if len(set(values)) < len(values):
            raise InputError(f"grid: {text!r} given; accepted: each value once")
        grid[field] = values
    return grid


def grid_arms(
    grid: Grid,
    request: ModelRequest,
    settings: TrainingSettings,
    *,
    is_taught: bool = False,
    from_teacher: bool = False,
    unlabelled: Sequence[str] = (),
) -> tuple[Arm, ...]:
    """The arm `vanilla`, then one for each combination of the grid's values, which replace those of the others given.

    `is_taught`: vanilla teaches the arms of the grid, on the texts of the corpora `unlabelled` too; `from_teacher`:
    they start from it. Designs that have a twin are trained by their recipe, vanilla being the twin, but for what the
    grid says. Raises ModelError on a design that is none, InputError on values out of range, and on what takes a
    teacher without one.
    """
    designs = grid.get("design", (request.design,))
    for design in designs:
        check_design(design)
    if (from_teacher or unlabelled) and not is_taught and not all(map(has_twin, designs)):
        raise InputError("teacher: none given, which from_teacher and unlabelled take; accepted: vanilla")
    reference = Arm(VANILLA, ModelRequest(base=request.base, design=VANILLA), settings)
    arms = [reference]
    for values in itertools.product(*grid.values()):
        chosen = dict(zip(grid, values, strict=True))
        asked = dataclasses.replace(request, **_of(ModelRequest, chosen))
        is_twin = has_twin(asked.design)
        arm = Arm(
            _name(chosen, request),
            asked,
            dataclasses.replace(recipe(settings) if is_twin else settings, **_of(TrainingSettings, chosen)),
            teacher=VANILLA if is_taught or is_twin else None,
            base=VANILLA if from_teacher or is_twin else None,
            unlabelled=tuple(unlabelled),
        )
        # The reference itself, where designs are part of the grid.
        if arm.name != VANILLA:
            arms.append(arm)
    return tuple(arms)


def _name(chosen: Mapping[str, Any], request: ModelRequest) -> str:
    others = (f"{field}={_shown(value)}" for field, value in chosen.items() if field != "design")
    return " ".join([chosen.get("design", request.design), *others])


def _shown(value: Any) -> str:
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)


def _of(settings: type, chosen: Mapping[str, Any]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(settings)}
    return {field: value for field, value in chosen.items() if field in names}


def _field_kinds() -> dict[str, tuple[type, ...]]:
    """The fields that a grid may have, with the types that their annotations allow."""
    hints = {**typing.get_type_hints(ModelRequest), **typing.get_type_hints(TrainingSettings)}
    return {
        name: typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
        for name, hint in hints.items()
        if name not in _NOT_IN_GRID
    }


def _value(field: str, text: str, kinds: tuple[type, ...]) -> Any:
    if text == "none" and types.NoneType in kinds:
        return None
    if bool in kinds and text in _BOOLEANS:
        return _BOOLEANS[text]
    if text in _NAMED.get(field, ()):
        return text
    for kind in kinds:
        if kind in _KINDS and field not in _NAMED and text:
            try:
                return kind(text)
            except ValueError:
                continue
    raise InputError(f"{field}: {text!r} given; accepted: {_accepted(field, kinds)}")


def _accepted(field: str, kinds: tuple[type, ...]) -> str:
    if field in _NAMED:
        return ", ".join(_NAMED[field])
    if bool in kinds:
        return ", ".join(_BOOLEANS)
    named = [_KINDS[kind] for kind in kinds if kind in _KINDS]
    return ", ".join([*named, *(["none"] if types.NoneType in kinds else [])])
