"""The web page as visitors see it: `python -m drawings.page VANILLA EXPLAINABLE` (`make pictures`), model folders.

Writes docs/page-explain.png and docs/page-what-if.png, from a headless Chromium that has to be installed.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

_DOCS = Path(__file__).parent.parent / "docs"
_TEXT, _WORD = "Slow at first, but never dull: a warm, funny film with one awful song.", "awful"
_SIZE = {"width": 1200, "height": 900}
_PORT = "7860"
_N_STRUCK = "2"


@contextmanager
def _served(models: list[str]) -> Iterator[str]:
    """The page's address."""
    command = [sys.executable, "-m", "explainable_bert", "app", *models, "--port", _PORT]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as server:
        said = []
        for line in server.stderr or ():
            said.append(line)
            if found := re.search(r"the page is at (http\S+)", line):
                yield found[1]
                break
        else:
            raise SystemExit("".join(said))
        server.kill()


def _explained(page: Page) -> None:
    box = page.get_by_label("Text", exact=True).first
    box.fill(_TEXT)
    box.press("Enter")
    page.get_by_text("difference: ").wait_for()
    page.wait_for_timeout(1000)  # the link below is the last to come
    page.screenshot(path=_DOCS / "page-explain.png", full_page=True)


def _changed(page: Page) -> None:
    page.get_by_role("tab", name="What if").click()
    page.locator("button.word", has_text=_WORD).click()
    page.get_by_text("Forecast: what").wait_for()
    page.get_by_role("button", name="Draw the curves").click()
    struck = page.get_by_label("number input for Words struck")
    page.get_by_text("words struck").first.wait_for()
    struck.fill(_N_STRUCK)
    struck.press("Enter")
    page.get_by_text(f"{_N_STRUCK} of ").wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)
    page.screenshot(path=_DOCS / "page-what-if.png", full_page=True)


def main() -> None:
    """Take both pictures."""
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
    with _served(sys.argv[1:3]) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=quiet)
        page = browser.new_page(viewport=_SIZE, color_scheme="light")  # type: ignore[arg-type]  # a plain dict does
        page.goto(address)
        page.get_by_role("button", name="Explain", exact=True).wait_for(timeout=60_000)
        _explained(page)
        _changed(page)
        browser.close()


if __name__ == "__main__":
    main()
