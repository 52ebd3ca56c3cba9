"""A few of the kills of `python -m benchmarks.faults`."""

import json
import subprocess
import sys

import pytest
from benchmarks.faults import COMMANDS, unsound

# Writing a graph takes its time.
KILLS = (("train,evaluate,corpus,explain", 2), ("export", 1))


def test_killed_commands_recover(tmp_path):
    saved = tmp_path / "faults.json"
    for names, kills in KILLS:
        arguments = ["--kills", str(kills), "--commands", names, "--output", saved]
        done = subprocess.run([sys.executable, "-m", "benchmarks.faults", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    found = json.loads(saved.read_text())["commands"]
    assert found.keys() == COMMANDS.keys()
    for name, tried in found.items():
        assert (tried["recovered"], tried["unsound"]) == (tried["kills"], []), name


@pytest.mark.parametrize("name", ["x.json", "x.jsonl", "x.parquet", "x.safetensors", "x.html"])
def test_half_files_are_seen(tmp_path, name):
    (tmp_path / name).write_text('{"half": ')
    assert unsound(tmp_path) == [name]
    (tmp_path / name).rename(tmp_path / f".{name}.aside")
    assert unsound(tmp_path) == []
