"""The docs site: made pages are current, commands exist, and the built site asks no other host for anything."""

import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from documentation import concepts
from documentation.pages import DOCS, pages
from typer.testing import CliRunner

import explainable_bert
from explainable_bert.interfaces.cli import app

ROOT = DOCS.parent
LINES = [
    (str(path.relative_to(DOCS)), line.strip())
    for path in sorted(DOCS.rglob("*.md"))
    for line in path.read_text(encoding="utf-8").splitlines()
    if line.strip().startswith("explainable-bert ")
]


@pytest.mark.parametrize("name", pages())
def test_pages_made_from_the_code_are_current(name):
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "run python -m documentation"


def test_the_table_of_concepts_is_that_of_the_saved_results():
    content = concepts.PAGE.read_text(encoding="utf-8")
    assert concepts.page() == content
    assert "| explainable | contributions | 0." in content


def test_the_reference_has_every_public_name():
    named = (DOCS / "api.md").read_text(encoding="utf-8")
    public = [name for name in explainable_bert.__all__ if name != "__version__"]
    assert [name for name in public if f".{name}\n" not in named] == []


@pytest.mark.parametrize(("page", "line"), LINES)
def test_commands_name_options_that_exist(page, line):  # noqa: ARG001 - the page names the case
    check_command(shlex.split(line, comments=True))


def check_command(words):
    """Every option that the line names is one of its command's."""
    _, name, *arguments = words
    command = [name, arguments[0]] if name == "export" else [name]
    answer = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "300", "NO_COLOR": "1"})
    assert answer.exit_code == 0
    for argument in arguments:
        if argument.startswith("--"):
            assert argument in answer.output


class Fetched(HTMLParser):
    """Addresses that a browser fetches when it opens a page."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in {"script", "img", "iframe", "source"}:
            self.addresses.append(given.get("src") or "")
        if tag == "link" and given.get("rel") != "canonical":
            self.addresses.append(given.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_fetches_anything_from_another_host(site):
    found = sorted(site.rglob("*.html"))
    assert len(found) > 25
    for path in found:
        content = Fetched()
        content.feed(path.read_text(encoding="utf-8"))
        assert content.addresses
        assert not [address for address in content.addresses if re.match(r"(https?:)?//", address)], path
    for path in site.rglob("*.css"):
        assert not re.search(r"url\(['\"]?(https?:)?//", path.read_text(encoding="utf-8")), path


def test_links_out_of_docs_lead_to_files_of_the_site(site):
    assert 'href="repository/pyproject.toml"' in (site / "dependencies.html").read_text(encoding="utf-8")
    assert (site / "repository" / "pyproject.toml").read_bytes() == (ROOT / "pyproject.toml").read_bytes()
