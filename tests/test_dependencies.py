"""What is made from the declared dependencies: the lowest set, the bill of materials, the licences, the audit."""

import json
import sys
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from dependencies import closure, declared, licences, lowest, runs, sbom, vulnerabilities
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from explainable_bert import __version__

BILL = json.loads(sbom.SBOM.read_text(encoding="utf-8"))
DIRECT = [requirement for group in declared.requirements().values() for requirement in group]


def test_the_lowest_set_is_that_of_pyproject():
    assert lowest.LOWEST.read_text(encoding="utf-8") == lowest.text()
    assert set(declared.pins(lowest.LOWEST)) == {canonicalize_name(requirement.name) for requirement in DIRECT}


def test_pinned_versions_are_accepted_and_none_is_below_its_floor():
    pinned, floors = declared.pins(), declared.pins(lowest.LOWEST)
    for requirement in DIRECT:
        name = canonicalize_name(requirement.name)
        assert requirement.specifier.contains(pinned[name]), requirement
        assert Version(floors[name]) <= Version(pinned[name])


@pytest.mark.parametrize("line", ["rich", "rich<15", "rich>=13,>=14"])
def test_a_dependency_without_one_floor_is_refused(line):
    with pytest.raises(ValueError, match="exactly one is needed"):
        lowest.floor(Requirement(line))


def test_a_line_that_pins_nothing_is_refused(tmp_path):
    path = tmp_path / "constraints.txt"
    path.write_text("# a comment\n\nrich==15.0.0\ntyper>=1\n", encoding="utf-8")
    with pytest.raises(ValueError, match="'typer>=1' given; accepted: NAME==VERSION"):
        declared.pins(path)


def test_every_package_here_that_the_project_brings_is_pinned():
    reached = closure.reached(DIRECT)
    assert {"torch", "ray", "msgpack", "pytest", "execnet"} <= reached
    assert reached - set(declared.pins()) == set()


def test_the_bill_agrees_with_the_pins():
    """torch's build tag apart: the bill was made where its CPU build was."""
    pinned = declared.pins()
    assert len(BILL["components"]) > 80
    for part in BILL["components"]:
        assert Version(part["version"]).public == pinned[canonicalize_name(part["name"])], part["name"]


def test_the_bill_has_all_that_is_direct_and_nothing_of_development():
    named = {canonicalize_name(part["name"]) for part in BILL["components"]}
    groups = {name: group for name, group in declared.requirements().items() if name not in declared.DEVELOPMENT}
    assert {canonicalize_name(requirement.name) for group in groups.values() for requirement in group} <= named
    assert not {"captum", "hypothesis", "mkdocs", "mypy", "playwright", "pytest", "ruff"} & named


def test_the_bill_is_cyclonedx_of_this_version_and_says_nothing_that_changes():
    assert (BILL["bomFormat"], BILL["specVersion"]) == ("CycloneDX", "1.6")
    assert BILL["metadata"]["component"]["version"] == __version__
    assert "serialNumber" not in BILL
    assert "timestamp" not in BILL["metadata"]
    assert "file://" not in json.dumps(BILL)
    references = [part["bom-ref"] for part in BILL["components"]]
    assert references == sorted(references)
    known = {*references, BILL["metadata"]["component"]["bom-ref"]}
    assert {edge["ref"] for edge in BILL["dependencies"]} == known
    assert {other for edge in BILL["dependencies"] for other in edge.get("dependsOn", ())} <= known


def test_the_bill_is_the_same_in_any_order():
    reasons = {
        canonicalize_name(part["name"]): [item["value"] for item in part["properties"]] for part in BILL["components"]
    }
    mixed = BILL | {"components": [{"name": "ruff", "bom-ref": "ruff==1"}, *reversed(BILL["components"])]}
    assert sbom.narrowed(mixed, reasons) == BILL


def test_a_licence_declared_in_words_is_taken_from_the_environment(monkeypatch):
    words = {"wordy": {"license": "Apache 2.0"}, "silent": {}}
    monkeypatch.setattr(sbom, "metadata", lambda name: SimpleNamespace(json=words[name]))
    said = [{"license": {"id": "MIT"}}]
    parts = [{"name": "wordy"}, {"name": "silent"}, {"name": "exact", "licenses": said}]
    wordy, silent, exact = sbom.completed({"components": parts})["components"]
    assert licences.licence(wordy) == "Apache 2.0"
    assert "licenses" not in silent
    assert exact["licenses"] == said


def test_the_licences_are_those_of_the_bill():
    assert licences.LICENCES.read_text(encoding="utf-8") == licences.page(BILL)


@pytest.mark.parametrize(
    ("declared_licences", "name"),
    [
        ([], "unknown"),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "MIT"}}], "MIT"),
        ([{"license": {"name": "A" * 80 + "\nand so on"}}], "A" * 60 + " ..."),
        ([{"license": {"name": "License :: OSI Approved :: BSD License"}}], "BSD License"),
        ([{"license": {"id": "MIT"}}, {"license": {"name": "License :: OSI Approved :: MIT License"}}], "MIT"),
        ([{"expression": "MIT OR Apache-2.0"}], "MIT OR Apache-2.0"),
    ],
)
def test_a_licence_by_hand(declared_licences, name):
    assert licences.licence({"licenses": declared_licences}) == name


def test_packages_that_declare_no_licence_are_listed():
    part = {"name": "x", "version": "1", "properties": [{"name": sbom.BROUGHT_BY, "value": "app"}]}
    made = licences.page({"components": [part]})
    assert "unknown here (1): x." in made
    assert "| x | 1 | unknown | app |" in made


REPORT = """<testsuites><testsuite timestamp="2026-01-02T03:04:05">
<testcase classname="tests.test_x" name="one[a]"><failure/></testcase>
<testcase classname="tests.test_x" name="one[b]"><error/></testcase>
<testcase classname="tests.test_y" name="two"><skipped/></testcase>
<testcase classname="tests.test_y" name="three"/>
</testsuite></testsuites>"""


def test_the_page_tells_the_runs_that_were_kept():
    page = runs.PAGE.read_text(encoding="utf-8")
    kept = json.loads(runs.RUNS.read_text(encoding="utf-8"))
    assert set(kept) == {"lowest", "newest"}
    assert runs.told(page, kept) == page


def test_a_run_is_counted_and_told():
    run = runs.counted([ElementTree.fromstring(REPORT)])
    assert run == {"date": "2026-01-02", "failed": ["x::one"], "files": ["x", "y"], "passed": 1, "skipped": 1}
    told = runs.told(f"a\n{runs.BEGIN}old\n{runs.END}b\n", {"lowest": run | {"python": "3.11"}})
    assert "| lowest | 2026-01-02 | 3.11 | 1 | 1 | `x::one` |" in told
    assert told.startswith("a\n")
    assert told.endswith("b\n")
    assert "old" not in told
    again = '<testsuite timestamp="2026-01-03T0"><testcase classname="tests.test_x" name="one[a]"/></testsuite>'
    both = runs.counted([ElementTree.fromstring(text) for text in (REPORT, again)])
    assert (both["passed"], both["failed"], both["date"]) == (2, ["x::one"], "2026-01-03")


@pytest.fixture
def stub(tmp_path):
    """Makes an executable that says what pip-audit would."""

    def make(stdout="", stderr="", status=0):
        path = tmp_path / "pip-audit"
        says = f"print({stdout!r})\nprint({stderr!r}, file=sys.stderr)\nsys.exit({status})\n"
        path.write_text(f"#!{sys.executable}\nimport sys\n{says}", encoding="utf-8")
        path.chmod(0o755)
        return path

    return make


def found(*parts):
    return json.dumps({"dependencies": list(parts), "fixes": []})


CLEAN = {"name": "rich", "version": "15", "vulns": []}
UNSOUND = {"name": "old", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}, {"id": "CVE-2"}]}
SKIPPED = {"name": "torch", "skip_reason": "not found"}


def test_an_audit_that_reaches_nobody_says_so_and_passes(stub):
    said, status = vulnerabilities.audit(stub(stderr="trace\nrequests.exceptions.ConnectionError: refused", status=1))
    assert said.startswith("NOTHING WAS CHECKED: no advisory database answered (requests.exceptions.ConnectionError")
    assert status == 0


def test_an_audit_whose_database_knows_nothing_says_so(stub):
    assert vulnerabilities.audit(stub(found(SKIPPED))) == (
        "NOTHING WAS CHECKED: the advisory database knows none of the 1 packages",
        0,
    )


def test_an_audit_says_what_it_found(stub):
    assert vulnerabilities.audit(stub(found(CLEAN))) == ("1 packages checked, 0 advisories", 0)
    said, status = vulnerabilities.audit(stub(found(CLEAN, UNSOUND, SKIPPED), status=1))
    assert said.splitlines() == [
        "old 1: PYSEC-1, mended in 2",
        "old 1: CVE-2, mended in no version",
        "2 packages checked, 2 advisories",
        "NOT CHECKED (1): torch",
    ]
    assert status == 1


def test_an_audit_that_fails_otherwise_fails(stub):
    with pytest.raises(RuntimeError, match="pip-audit failed: unrecognized arguments"):
        vulnerabilities.audit(stub(stderr="unrecognized arguments", status=2))
