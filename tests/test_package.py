"""What is built and shipped: the wheel and the source distribution hold what they should, and the wheel works alone."""

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

from explainable_bert import __version__

ROOT = Path(__file__).parent.parent
SOURCES = {
    str(path.relative_to(ROOT / "src"))
    for path in (ROOT / "src" / "explainable_bert").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the wheel and the source distribution; nothing is fetched, as the builder is installed."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_has_the_package_and_nothing_else(built):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
        inside = f"explainable_bert-{__version__}.dist-info"
        metadata = wheel.read(f"{inside}/METADATA").decode()
    assert {name for name in names if not name.startswith(inside)} == SOURCES
    assert {"explainable_bert/py.typed", f"{inside}/licenses/LICENSE"} <= names
    assert f"\nVersion: {__version__}\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(re.findall(r"^Provides-Extra: (\S+)$", metadata, flags=re.MULTILINE)) == set(extras)


def test_the_source_distribution_has_sources_and_tests(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"src/{name}" for name in SOURCES} <= names
    assert {"LICENSE", "README.md", "pyproject.toml", "tests/conftest.py", "PKG-INFO"} <= names
    assert {name.partition("/")[0] for name in names} <= {
        *("src", "tests", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md"),
        *("pyproject.toml", "constraints.txt", "PKG-INFO", ".gitignore"),
    }
    assert not any("__pycache__" in name for name in names)


def test_the_wheel_works_without_the_repository(built, tmp_path, stock_folder):
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "installed"), "HF_HUB_OFFLINE": "1"}
    where = "import explainable_bert; print(explainable_bert.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where], env=environment, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(tmp_path / "installed"))
    # Templates, styles and fonts are in it: a page is made of them.
    command = ["-m", "explainable_bert", "explain", str(stock_folder), "good film", "--output", "page.html"]
    subprocess.run([sys.executable, *command], env=environment, cwd=tmp_path, check=True, capture_output=True)
    assert "film" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_one_place_says_the_version():
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(
        rf"^## {re.escape(__version__)}\b", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
