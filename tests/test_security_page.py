"""docs/security.md says what was measured, of promises that are still made where they can still be broken."""

import json
import re
from pathlib import Path

import pytest
from benchmarks import faults, promises
from benchmarks.tables import between_marks
from fuzz.campaign import load_results, table

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("promise", promises.PROMISES, ids=lambda promise: promise.name)
def test_promises_can_be_broken_at_one_place_and_have_a_test(promise):
    source = (ROOT / "src" / "explainable_bert" / promise.file).read_text(encoding="utf-8")
    assert source.count(promise.old) == 1
    assert promise.old != promise.new
    file, *_, name = promise.test.split("::")
    assert re.search(rf"^ *def {name}\(", (ROOT / "tests" / file).read_text(encoding="utf-8"), re.MULTILINE)


def test_every_promise_was_broken():
    kept = json.loads(promises.RESULTS.read_text(encoding="utf-8"))
    assert kept["failed"].keys() == {promise.name for promise in promises.PROMISES}
    assert between_marks(PAGE, {"promises": promises.table(kept["failed"])}) == PAGE


def test_the_page_has_the_faults_that_were_tried():
    kept = json.loads(faults.RESULTS.read_text(encoding="utf-8"))["commands"]
    assert kept.keys() == faults.COMMANDS.keys()
    assert all((tried["recovered"], tried["unsound"]) == (tried["kills"], []) for tried in kept.values())
    assert all(tried["kills"] >= 20 for tried in kept.values())
    assert between_marks(PAGE, {"faults": faults.table(kept)}) == PAGE


def test_the_page_has_what_was_fuzzed():
    done = load_results(ROOT / "fuzz" / "results.json")
    assert not any(campaign.findings for campaign in done.values())
    assert between_marks(PAGE, {"fuzz": table(done)}) == PAGE
