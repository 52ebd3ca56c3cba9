"""Frozen records out of JSON from outside: every field is checked against the type that its dataclass declares."""

import dataclasses
import json
import reprlib
import types
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

_Record = TypeVar("_Record")
# Makes of what JSON holds under a name what a type declares, or raises ValueError.
_Reader = Callable[[Any, str], Any]


def parse_json(content: str | bytes) -> Any:
    """What a JSON text says; raises ValueError, and nothing else, where it cannot be read."""
    try:
        return json.loads(content)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def from_fields(record: type[_Record], fields: object, name: str = "the whole") -> _Record:
    """The dataclass of what JSON holds under `name`; fields that are not there take their defaults.

    Raises ValueError, in one line that names the field, what is given and what is accepted.
    """
    given = _of_kind(fields, name, dict, "an object")
    kind: Any = record
    readers, needed = _fields_of(kind)
    unknown = [key for key in given if key not in readers]
    missing = [key for key in needed if key not in given]
    if unknown or missing:
        accepted = f"accepted: {', '.join(readers)}"
        raise ValueError(f"{name}: {f'{unknown[0]!r} given' if unknown else f'no {missing[0]!r} given'}; {accepted}")
    return record(**{key: readers[key](value, key) for key, value in given.items()})


def read_value(kind: Any, value: object, name: str) -> Any:
    """The value that JSON holds under `name` as this type of a field; raises ValueError as `from_fields` does."""
    return _reader(kind)(value, name)


@cache
def _fields_of(record: Any) -> tuple[Mapping[str, _Reader], tuple[str, ...]]:
    """How to read each field, and those that have no default."""
    hints = get_type_hints(record)
    fields = dataclasses.fields(record)
    readers = {field.name: _reader(hints[field.name]) for field in fields}
    nothing = dataclasses.MISSING
    return readers, tuple(f.name for f in fields if f.default is nothing and f.default_factory is nothing)


@cache
def _reader(kind: Any) -> _Reader:
    origin, parts = get_origin(kind), get_args(kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    if origin in (Union, types.UnionType):
        return _one_of(parts)
    if origin is Literal:
        return lambda value, name: _literal(value, name, parts)
    if origin is tuple:
        return _items(_reader(parts[0])) if parts[1:] == (...,) else _places(tuple(map(_reader, parts)))
    if origin in (dict, Mapping):
        return _entries(_reader(parts[1]))
    return lambda value, name: from_fields(kind, value, name)


def _of_kind(value: object, name: str, kind: type, accepted: str) -> Any:
    # JSON's true and false are no numbers, although Python's are.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _refused(value, name, accepted)
    return value


def _number(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(value, name, "a number")
    try:
        return float(value)
    except OverflowError as error:
        raise _refused(value, name, "a number of double precision") from error


def _nothing(value: object, name: str) -> None:
    if value is not None:
        raise _refused(value, name, "null")


def _refused(value: object, name: str, accepted: str) -> ValueError:
    return ValueError(f"{name}: {reprlib.repr(value)} given; accepted: {accepted}")


_PLAIN: Mapping[Any, _Reader] = types.MappingProxyType(
    {
        Any: lambda value, _: value,
        str: lambda value, name: _of_kind(value, name, str, "a string"),
        bool: lambda value, name: _of_kind(value, name, bool, "true or false"),
        int: lambda value, name: _of_kind(value, name, int, "a whole number"),
        float: _number,
        type(None): _nothing,
    }
)


def _one_of(kinds: tuple[Any, ...]) -> _Reader:
    """The first that takes the value; the last but null says why none does."""
    readers = [_reader(kind) for kind in kinds if kind is not type(None)]
    nullable = len(readers) < len(kinds)

    def read(value: Any, name: str) -> Any:
        if value is None and nullable:
            return None
        for reader in readers[:-1]:
            try:
                return reader(value, name)
            except ValueError:
                continue
        return readers[-1](value, name)

    return read


def _literal(value: object, name: str, accepted: tuple[Any, ...]) -> Any:
    if not isinstance(value, str) or value not in accepted:
        raise _refused(value, name, ", ".join(accepted))
    return value


def _items(reader: _Reader) -> _Reader:
    def read(value: Any, name: str) -> tuple[Any, ...]:
        return tuple(reader(item, name) for item in _of_kind(value, name, list, "a list"))

    return read


def _places(readers: tuple[_Reader, ...]) -> _Reader:
    def read(value: Any, name: str) -> tuple[Any, ...]:
        items = _of_kind(value, name, list, "a list")
        if len(items) != len(readers):
            raise _refused(value, name, f"a list of {len(readers)}")
        return tuple(reader(item, name) for reader, item in zip(readers, items, strict=True))

    return read


def _entries(reader: _Reader) -> _Reader:
    def read(value: Any, name: str) -> dict[str, Any]:
        return {key: reader(item, name) for key, item in _of_kind(value, name, dict, "an object").items()}

    return read
