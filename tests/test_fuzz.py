"""The parsers of files from outside on valid and damaged inputs, as `python -m fuzz` draws them, without atheris."""

import dataclasses
from random import Random

import pytest
from fuzz.findings import finding
from fuzz.parsers import PARSERS

from explainable_bert.errors import FileError, InputError

# The slowest parsers take a millisecond or two for one input.
N_MUTATED = 160
# A seed that differs from what the run is asked for is refused as it should be.
REFUSED = {("request", 1): FileError}


def drawn(parser, n_inputs, seed=0):
    rng, seeds = Random(seed), parser.seeds()
    for _ in range(n_inputs):
        content = rng.choice(seeds)
        for _ in range(rng.randint(1, 3)):
            content = parser.mutate(content, rng)
        yield content


@pytest.mark.parametrize("name", PARSERS)
def test_valid_inputs_are_read(tmp_path, name):
    parser = PARSERS[name]
    for number, content in enumerate(parser.seeds()):
        if (name, number) in REFUSED:
            with pytest.raises(REFUSED[name, number]):
                parser.read(content, tmp_path)
        else:
            parser.read(content, tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_damaged_inputs_are_read_or_refused_in_one_line(tmp_path, name):
    parser = PARSERS[name]
    found = [finding(parser, content, tmp_path) for content in drawn(parser, N_MUTATED)]
    assert [item for item in found if item is not None] == []


@pytest.mark.parametrize("name", ["records", "table-csv", "corpus-parquet"])
def test_inputs_are_drawn_by_the_seed_alone(name):
    first, again, other = (list(drawn(PARSERS[name], 20, seed)) for seed in (1, 1, 2))
    assert first == again != other


def test_json_is_changed_within_its_structure():
    changed = list(drawn(PARSERS["point-record"], 300))
    assert len(set(changed)) > 250
    assert sum(content.startswith(b'{"') for content in changed) > 150
    assert any(b"NaN" in content for content in changed)
    assert any(b"[" * 400 in content for content in changed)
    assert any(b"\\ud800" in content for content in changed)


def raising(error):
    def read(_content, _folder):
        raise error

    return dataclasses.replace(PARSERS["records"], read=read)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (KeyError("text"), "KeyError"),
        (RecursionError("too deep"), "RecursionError"),
        (MemoryError(), "MemoryError"),
        (ValueError("bare"), "ValueError"),
        (InputError("one\ntwo"), "InputError of several lines"),
        (InputError(""), "InputError of several lines"),
        (InputError("text: 3 given; accepted: a string"), None),
        (FileError("path: cannot read 'x'"), None),
    ],
)
def test_what_is_a_finding(tmp_path, error, kind):
    found = finding(raising(error), b"\x00\xff", tmp_path)
    assert (found and found.kind) == kind
    assert found is None or bytes.fromhex(found.content) == b"\x00\xff"


def test_what_takes_long_is_a_finding(tmp_path, monkeypatch):
    monkeypatch.setattr("fuzz.findings.SLOW_S", -1.0)
    found = finding(PARSERS["evaluation-part"], b"[]", tmp_path)
    assert found is not None
    assert found.kind == "slow"
