"""Changing valid inputs a little: JSON by its structure, tables by their cells and lines, anything by its bytes.

Plain Python, drawn from a generator that is passed: the same with atheris and without it.
"""

import copy
import io
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet

Mutate = Callable[[bytes, Random], bytes]

# Stand-ins for what json.dumps does not write; replaced in its text.
_LISTS, _OBJECTS, _DIGITS = "@lists@", "@objects@", "@digits@"
_DEPTHS = (40, 400, 1500)
_ODD_NAMES = ("", "a\nb", "\ud800", "self", "cls", "__class__", "schema_version", "model_type", "0", "x" * 200)
_ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 2**31, 2**63, -(2**63) - 1, 10**400, 0.5, -0.0, 1e308, 1e-320),
    *(float("nan"), float("inf"), float("-inf")),
    *("", " ", "a", "a\nb", "\r", "\u2028", "\0", "\ud800", "\udfff\ud800", "\ufeff", "😀", "x" * 300),
    *([], {}, [[]], [None], [1, 2], ["a", "b"], {"": None}, {"a": {"b": 1}}, [{}], _LISTS, _OBJECTS, _DIGITS),
)
_ODD_BYTES = (
    *(b"\0", b"\n", b"\r", b"\r\n", b"\n\n", b'"', b'""', b"'", b",", b"\t", b";", b"{", b"}", b"[", b"]", b"\\"),
    *(
        b"\xff",
        b"\xc3",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xf4\x90\x80\x80",
    ),
    *(
        b"NaN",
        b"null",
        b"true",
        b"1e999",
        b"-0",
        b"2026-01-01",
        b"2026-01-01 00:00:00",
        b"9" * 40,
        b"\\ud800",
        b" " * 9,
    ),
)


def mutate_bytes(content: bytes, rng: Random) -> bytes:
    """One to four small changes anywhere."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(changed) + 1)
        length = min(rng.choice((1, 1, 2, 4, 16, 64)), len(changed) - place)
        rng.choice(_BYTE_EDITS)(changed, place, length, rng)
    return bytes(changed)


def _delete(changed: bytearray, place: int, length: int, rng: Random) -> None:  # noqa: ARG001
    del changed[place : place + length]


def _insert(changed: bytearray, place: int, length: int, rng: Random) -> None:  # noqa: ARG001
    changed[place:place] = rng.choice(_ODD_BYTES)


def _repeat(changed: bytearray, place: int, length: int, rng: Random) -> None:
    changed[place:place] = changed[place : place + length] * rng.choice((1, 2, 30))


def _overwrite(changed: bytearray, place: int, length: int, rng: Random) -> None:
    changed[place : place + length] = rng.randbytes(length)


def _flip(changed: bytearray, place: int, length: int, rng: Random) -> None:
    if length:
        changed[place] ^= 1 << rng.randrange(8)


_BYTE_EDITS = (_delete, _insert, _repeat, _overwrite, _flip)


def mutate_json(content: bytes, rng: Random) -> bytes:
    """One to three edits of what the JSON says; of the bytes where it is none, and now and then anyway."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return mutate_bytes(content, rng)
    if rng.random() < 0.1:
        return mutate_bytes(content, rng)
    # In a list of its own, the outermost value can be edited as any other.
    root = [value]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        _edit(root, rng)
    return _written(root[0] if root else None, rng)


def _edit(root: list[Any], rng: Random) -> None:
    if not root:
        return
    container, key = _place(root, rng)
    if rng.random() < 0.1:
        # Another part of the whole, by its text: the same object twice might end up within itself.
        there, name = _place(root, rng)
        container[key] = json.loads(json.dumps(there[name]))
    else:
        rng.choice(_JSON_EDITS)(container, key, rng)


def _place(root: list[Any], rng: Random) -> tuple[Any, Any]:
    """Any value within, as its container and its key or index there; found by going down, which is fast."""
    container: Any = root
    while True:
        key = rng.choice(list(container)) if isinstance(container, dict) else rng.randrange(len(container))
        value = container[key]
        if not (isinstance(value, dict | list) and value) or rng.random() < 0.2:
            return container, key
        container = value


def _drop(container: Any, key: Any, rng: Random) -> None:  # noqa: ARG001
    del container[key]


def _rename(container: Any, key: Any, rng: Random) -> None:
    value = container[key]
    if isinstance(container, dict):
        del container[key]
        container[rng.choice((*_ODD_NAMES, *container))] = value
    else:
        container.insert(rng.randint(0, len(container)), value)


def _retype(container: Any, key: Any, rng: Random) -> None:
    container[key] = _odd(rng)


def _wrap(container: Any, key: Any, rng: Random) -> None:
    value = container[key]
    container[key] = rng.choice(([value], {"a": value}, [value, value], str(value), json.dumps(value)))


def _unwrap(container: Any, key: Any, rng: Random) -> None:
    value = container[key]
    parts = list(value.values()) if isinstance(value, dict) else value
    container[key] = rng.choice(parts) if isinstance(parts, list | str) and parts else _odd(rng)


def _nudge(container: Any, key: Any, rng: Random) -> None:
    """The same type, another value."""
    value = container[key]
    if isinstance(value, str):
        place = rng.randint(0, len(value))
        container[key] = value[:place] + rng.choice(("\ud800", "\n", " ", "a", "\u0301", "😀")) + value[place:]
    elif isinstance(value, int | float):
        container[key] = rng.choice((value + 1, value - 1, -value, value / 2 if abs(value) < 2**1000 else 0))
    else:
        _extend(value, rng)


def _extend(value: Any, rng: Random) -> None:
    if isinstance(value, list):
        value.insert(rng.randint(0, len(value)), _odd(rng))
    elif isinstance(value, dict):
        value[rng.choice(_ODD_NAMES)] = _odd(rng)


_JSON_EDITS = (_drop, _rename, _retype, _retype, _wrap, _unwrap, _nudge, _nudge)


def _odd(rng: Random) -> Any:
    value = rng.choice(_ODD_VALUES)
    return copy.deepcopy(value) if isinstance(value, dict | list) else value


def _written(value: Any, rng: Random) -> bytes:
    """As JSON, now and then with a key twice; stand-ins become what they stand for."""
    text = json.dumps(value, ensure_ascii=rng.random() < 0.8)
    if "@" in text:
        depth = rng.choice(_DEPTHS)
        text = text.replace(f'"{_LISTS}"', "[" * depth + "]" * depth)
        text = text.replace(f'"{_OBJECTS}"', '{"a":' * depth + "1" + "}" * depth)
        text = text.replace(f'"{_DIGITS}"', "9" * 5000)
    if rng.random() < 0.05:
        text = _with_a_key_twice(text, rng)
    return text.encode("utf-8", "surrogatepass")


def _with_a_key_twice(text: str, rng: Random) -> str:
    starts = [place for place in range(len(text)) if text.startswith('{"', place)]
    if not starts:
        return text
    start = rng.choice(starts)
    name = text[start + 1 : text.find('"', start + 2) + 1]
    return f"{text[: start + 1]}{name}: {rng.choice(('null', '1', '{}', '[]', 'NaN'))}, {text[start + 1 :]}"


def mutate_json_lines(content: bytes, rng: Random) -> bytes:
    """A row edited as JSON, or rows dropped, repeated and put elsewhere."""
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    if rng.random() < 0.9:
        lines[place] = mutate_json(lines[place], rng)
    else:
        _move(lines, place, rng)
    return b"\n".join(lines)


def _move(lines: list[bytes], place: int, rng: Random) -> None:
    line = lines[place] if rng.random() < 0.5 else lines.pop(place)
    if rng.random() < 0.7:
        lines.insert(rng.randint(0, len(lines)), line)


def mutate_table_text(content: bytes, rng: Random) -> bytes:
    """Lines moved, cells replaced by odd ones, or bytes changed."""
    drawn = rng.random()
    if drawn < 0.5:
        return mutate_bytes(content, rng)
    lines = content.split(b"\n")
    place = rng.randrange(len(lines))
    if drawn < 0.7:
        _move(lines, place, rng)
    else:
        lines[place] = _with_an_odd_cell(lines[place], rng)
    return b"\n".join(lines)


def _with_an_odd_cell(line: bytes, rng: Random) -> bytes:
    separator = b"\t" if b"\t" in line else b","
    cells = line.split(separator)
    cells[rng.randrange(len(cells))] = rng.choice((*_ODD_BYTES, b"", b"text", b"label"))
    return separator.join(cells)


def mutate_parquet(content: bytes, rng: Random) -> bytes:
    """Bytes changed, most often in the footer; now and then a column dropped, renamed or of another type."""
    if rng.random() < 0.03:
        return _with_another_column(content, rng)
    footer = max(0, len(content) - rng.choice((8, 400, 4000)))
    return content[:footer] + mutate_bytes(content[footer:], rng) if rng.random() < 0.8 else mutate_bytes(content, rng)


def _with_another_column(content: bytes, rng: Random) -> bytes:
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError):
        return mutate_bytes(content, rng)
    if not table.num_columns:
        return mutate_bytes(content, rng)
    place = rng.randrange(table.num_columns)
    name, odd = table.column_names[place], rng.choice(_odd_columns(table.num_rows))
    changed = table.remove_column(place)
    if rng.random() < 0.8:
        changed = changed.append_column(name if rng.random() < 0.7 else rng.choice(("text", "a", "")), odd)
    stream = io.BytesIO()
    pyarrow.parquet.write_table(changed, stream)
    return stream.getvalue()


def _odd_columns(n_rows: int) -> Sequence[pa.Array]:
    values: tuple[Any, ...] = (
        None,
        True,
        -1,
        2**62,
        float("nan"),
        "",
        "a\nb",
        "{",
        '{"schema_version": 3}',
        b"\xff",
        [],
        [1],
        {"a": 1},
    )
    # Far beyond what Python's own types hold.
    times = (pa.timestamp("s"), pa.duration("s"))
    return [
        *(pa.array([value] * n_rows) for value in values),
        *(pa.array([2**50] * n_rows, pa.int64()).cast(kind) for kind in times),
        pa.array([2**31 - 1] * n_rows, pa.int32()).cast(pa.date32()),
    ]
