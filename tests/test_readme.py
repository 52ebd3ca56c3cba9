"""What README says holds: its table is that of the saved results, its commands and snippets run as written."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from benchmarks import tables

from explainable_bert.interfaces.cli import app
from page_runner import blocks

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", tables.PAGES)
def test_tables_are_those_of_the_saved_results(page):
    content = (ROOT / page).read_text(encoding="utf-8")
    assert all(f"<!-- {name} table -->" in content for name in tables.PAGES[page])
    assert tables.with_tables(page, content) == content


def test_everything_in_readme_runs_as_written(tmp_path):
    ran = [content for _, content in blocks(README)]
    assert len(ran) >= 15
    paths = os.pathsep.join([str(ROOT / "src"), str(ROOT / "tests"), str(tmp_path / "packages")])
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    command = [sys.executable, str(ROOT / "tests" / "page_runner.py"), str(ROOT / "README.md")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    assert all(f">>> {content}" in done.stdout for content in ran)
    written = ("strip.svg", "page.html", "predicted.parquet", "bert.html", "runs/compared/comparison.json")
    assert [name for name in written if not (tmp_path / name).is_file()] == []


def test_links_and_pictures_are_there():
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert (ROOT / target).exists(), target


def test_the_commands_are_those_that_readme_and_docs_know():
    commands = typer.main.get_command(app).commands
    assert set(commands) == {
        *("demo", "train", "predict", "explain", "methods", "info"),
        *("evaluate", "compare", "audit", "check", "frontier", "app", "export", "bench", "corpus"),
    }
