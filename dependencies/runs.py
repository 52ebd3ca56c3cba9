"""Keeps what the tests last said of the lowest and of the newest versions, and tells it in docs/dependencies.md."""

import json
import platform
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree

from packaging.utils import canonicalize_name
from packaging.version import Version

from dependencies.declared import ROOT, pins

RUNS: Final = ROOT / "docs" / "dependencies.json"
PAGE: Final = ROOT / "docs" / "dependencies.md"
BEGIN: Final = "<!-- runs: `make lowest` and `make newest` write this -->\n"
END: Final = "<!-- end of runs -->\n"

_PREFIX: Final = "tests.test_"


def record(name: str, reports: list[Path]) -> None:
    """Keep what pytest's JUnit reports say of the environment that runs this, and tell it in the page."""
    runs = json.loads(RUNS.read_text(encoding="utf-8")) if RUNS.exists() else {}
    runs[name] = counted([ElementTree.parse(report).getroot() for report in reports]) | {
        "python": platform.python_version(),
        "other": other(),
    }
    RUNS.write_text(json.dumps(runs, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    PAGE.write_text(told(PAGE.read_text(encoding="utf-8"), runs), encoding="utf-8")


def counted(reports: list[ElementTree.Element]) -> dict[str, Any]:
    """How many tests of which files passed, failed and were skipped, and when; a test run again counts as the last."""
    every = [case for report in reports for case in report.iter("testcase")]
    cases = list({(case.attrib["classname"], case.attrib["name"]): case for case in every}.values())
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [case for case in cases if case.find("skipped") is not None]
    return {
        "date": max(suite.attrib["timestamp"][:10] for report in reports for suite in report.iter("testsuite")),
        "failed": sorted({_test(case) for case in failed}),
        "files": sorted({case.attrib["classname"].removeprefix(_PREFIX).partition(".")[0] for case in cases}),
        "passed": len(cases) - len(failed) - len(skipped),
        "skipped": len(skipped),
    }


def other() -> dict[str, str]:
    """The versions here of those pinned packages that are here in another version than the pinned one."""
    pinned = pins()
    here = {canonicalize_name(each.name): each.version for each in distributions()}
    return {name: here[name] for name in sorted(set(here) & set(pinned)) if _differs(here[name], pinned[name])}


def told(page: str, runs: Mapping[str, Any]) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    lines = ["| versions | day | Python | passed | skipped | failed |", "| --- | --- | --- | ---: | ---: | --- |"]
    for name, run in sorted(runs.items()):
        failed = ", ".join(f"`{test}`" for test in run["failed"]) or "none"
        lines.append(f"| {name} | {run['date']} | {run['python']} | {run['passed']} | {run['skipped']} | {failed} |")
    said = [f"Files of the {name} run: {', '.join(run['files'])}.\n" for name, run in sorted(runs.items())]
    return before + BEGIN + "\n".join([*lines, "", *said]) + END + after


def _differs(here: str, pinned: str) -> bool:
    return Version(here).public != Version(pinned).public


def _test(case: ElementTree.Element) -> str:
    return f"{case.attrib['classname'].removeprefix(_PREFIX)}::{case.attrib['name'].partition('[')[0]}"
