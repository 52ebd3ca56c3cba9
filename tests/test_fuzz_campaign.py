"""How campaigns of fuzzing are kept and continued, with a process of our own in the place of atheris."""

import json
import subprocess
import sys

import pytest
from fuzz import campaign
from fuzz.campaign import Enough, Results, begun, load_results, read_again, run, table
from fuzz.parsers import PARSERS

# Tells of 5 executions and ends; on the first one's behalf it dies of an input, as libFuzzer does.
WORKER = """
import json, sys, pathlib
name, progress, folder, *options = sys.argv[1:]
told = dict(option.removeprefix("-").split("=", 1) for option in options if "=" in option)
dies = DIES and told["seed"] == "1"
print("#5 cov: 42 ft: 1")
progress = pathlib.Path(progress)
found = [{"kind": "ValueError", "where": "x.py:f", "message": "m", "content": "00"}]
progress.write_text(json.dumps({"executions": min(5, int(told["runs"])), "seconds": 1.0, "findings": found}))
if dies:
    pathlib.Path(told["artifact_prefix"], "crash-1").write_bytes(b"abc")
    sys.exit(77)
"""


@pytest.fixture
def worker(monkeypatch, tmp_path):
    def put(dies):
        script = tmp_path / "worker.py"
        script.write_text(WORKER.replace("DIES", str(dies)))
        real = subprocess.Popen

        def start(command, **options):
            return real([sys.executable, str(script), *command[3:]], **options)

        monkeypatch.setattr(campaign.subprocess, "Popen", start)
        monkeypatch.setattr(campaign, "_commit", lambda: "c0ffee")
        monkeypatch.setattr(campaign.importlib.metadata, "version", lambda _: "3.0.0")

    return put


def test_a_campaign_goes_on_until_its_executions_are_run(worker, tmp_path):
    worker(dies=False)
    results = Results(tmp_path / "r.json")
    done = run(begun("manifest", 0, {}), Enough(executions=12), results.keep)
    assert (done.executions, done.edges, done.seconds) == (12, 42, 3.0)
    assert [item["where"] for item in done.findings] == ["x.py:f"]
    assert load_results(tmp_path / "r.json") == {"manifest": done}


def test_what_a_process_died_of_is_a_finding_and_another_goes_on(worker):
    worker(dies=True)
    done = run(begun("manifest", 0, {}), Enough(executions=10), lambda _: None)
    assert done.executions == 10
    assert [(item["kind"], item["content"]) for item in done.findings] == [("ValueError", "00"), ("crash", "616263")]


def test_only_a_campaign_of_the_same_sources_is_continued(worker, tmp_path, monkeypatch):
    worker(dies=False)
    results = Results(tmp_path / "r.json")
    done = run(begun("manifest", 0, {}), Enough(executions=5), results.keep)
    assert begun("manifest", 0, results.campaigns) == done
    assert begun("manifest", 1, results.campaigns).executions == 0
    monkeypatch.setattr(campaign, "_sources", lambda: "others")
    assert begun("manifest", 0, results.campaigns).executions == 0


def test_a_file_has_the_campaigns_in_the_order_of_the_parsers(worker, tmp_path):
    worker(dies=False)
    results = Results(tmp_path / "r.json")
    for name in ("plan", "manifest"):
        results.keep(begun(name, 0, {}))
    kept = [fields["parser"] for fields in json.loads((tmp_path / "r.json").read_text())["parsers"]]
    assert kept == [name for name in PARSERS if name in {"plan", "manifest"}]
    rows = table(results.campaigns).splitlines()
    assert len(rows) == 2 + len(PARSERS)
    assert "| manifest | 0 | None | 0 | c0ffee |" in rows
    assert "| records | not yet | | | |" in rows


def test_what_is_no_finding_any_more_is_dropped(worker):
    worker(dies=True)
    done = run(begun("manifest", 0, {}), Enough(executions=5), lambda _: None)
    assert len(done.findings) == 2
    assert read_again(done).findings == ()
