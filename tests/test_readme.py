"""What README says holds: its numbers are those of the saved results, its commands and its map exist."""

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from explainable_bert.interfaces.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.split("#")[0].strip() for line in README.splitlines() if line.startswith("explainable-bert ")]


def test_the_tables_are_those_of_the_saved_results():
    spec = importlib.util.spec_from_file_location("readme_tables", ROOT / "benchmarks" / "readme_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    assert tables.demo_table() in README
    assert tables.methods_table() in README
    assert tables.speed_table() in README
    assert tables.performance_table() in README
    assert tables.comparison_table() in README
    assert tables.audit_table() in README
    assert tables.plausibility_table() in README
    assert tables.evaluation_speed_table() in README


def test_there_are_commands():
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_name_options_that_exist(line):
    check_command(shlex.split(line))


def check_command(words):
    """Every option that the line names is one of its command's."""
    _, name, *arguments = words
    command = [name, arguments[0]] if name == "export" else [name]
    answer = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert answer.exit_code == 0
    for argument in arguments:
        if argument.startswith("--"):
            assert argument in answer.output


def test_the_map_names_what_is_there():
    block = re.search(r"```\nsrc/explainable_bert/\n(.*?)```", README, flags=re.DOTALL)[1]
    package = ROOT / "src" / "explainable_bert"
    named = {word for line in block.splitlines() for word in line.split() if word.endswith(("/", ".py"))}
    folders = {f"{path.name}/" for path in package.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders <= named
    for word in named:
        assert (package / word).exists() or (ROOT / word).exists(), word


def test_the_example_in_help_is_a_command_that_exists():
    commands = typer.main.get_command(app).commands
    assert set(commands) == {
        *("demo", "train", "predict", "explain", "methods", "info"),
        *("evaluate", "compare", "audit", "check", "frontier", "app", "export", "bench", "corpus"),
    }
