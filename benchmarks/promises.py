"""Breaks each promise of docs/security.md on purpose, and looks whether the test that keeps it fails.

`python -m benchmarks.promises [--only NAME,...]` changes one place of a copy of the tree at a time, runs the promise's
test there, and keeps what became of it in results/promises.json; then the page's table is written. What was broken
before stays until it is broken anew. A quarter of an hour on two cores.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.tables import between_marks

from explainable_bert.writing import write_text

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "promises.json"
PAGE = ROOT / "docs" / "security.md"
_TABLE = "promises"
# A test that waits for what no longer comes has failed as well.
_PATIENCE_S = 240
_COPIED = ("src", "tests", "benchmarks", "docs", "fuzz", "pyproject.toml", "README.md", "Makefile", "constraints.txt")


@dataclass(frozen=True)
class Promise:
    """What is promised, the test that keeps it, and how it is broken: `old` for `new` in a file of the package."""

    name: str
    said: str
    test: str
    file: str
    old: str
    new: str


PROMISES: Sequence[Promise] = (
    Promise(
        "pickle",
        "Weights are read from safetensors alone; a pickle is not opened, not even where it is all there is",
        "test_security.py::test_pickles_are_not_opened",
        "model/checkpoint.py",
        'if not any(folder.glob("*.safetensors")):',
        "if False:",
    ),
    Promise(
        "remote-code",
        "Code in a model folder is not run, and nobody is asked whether it should be",
        "test_security.py::test_code_in_a_model_folder_is_not_run",
        "model/checkpoint.py",
        "AutoConfig.from_pretrained(source, trust_remote_code=False)",
        "AutoConfig.from_pretrained(source, trust_remote_code=True)",
    ),
    Promise(
        "config-sizes",
        "No memory is taken on a config's word: its sizes are checked first",
        "test_security.py::test_sizes_that_are_none_are_refused_before_memory_is_taken",
        "model/checkpoint.py",
        "if type(value) is not int or not 1 <= value <= largest:",
        "if False:",
    ),
    Promise(
        "weight-shapes",
        "Names and shapes of weights are those of the config",
        "test_security.py::test_sizes_are_those_of_the_weights",
        "model/checkpoint.py",
        "if name.endswith(end) and shape != expected:",
        "if False:",
    ),
    Promise(
        "flipped-bit",
        "A file of a trained model, a graph or a checkpoint that changed since it was written is named and refused",
        "test_manifest.py::test_one_flipped_bit_is_named",
        "manifest.py",
        'or _sha256(path) != entry["sha256"]:',
        "or False:",
    ),
    Promise(
        "downloads",
        "What is downloaded has the sum that the source names, and is never unpacked to the disk",
        "test_security.py::test_what_is_downloaded_has_the_right_sum",
        "data/vader.py",
        "return hashlib.sha256(content).hexdigest() == SDIST_SHA256",
        "return True",
    ),
    Promise(
        "html",
        "Texts, labels and names are inert in HTML and SVG",
        "test_export_pages.py::test_hostile_text_and_names_stay_inert",
        "export/pages.py",
        "autoescape=True",
        "autoescape=False",
    ),
    Promise(
        "own-files",
        "A visitor of the page reads no file of the machine, and names none for it to read",
        "test_app_load.py::test_no_file_of_the_machine_is_given_away",
        "interfaces/app.py",
        "max_file_size=_LARGEST_UPLOAD,",
        'max_file_size=_LARGEST_UPLOAD, allowed_paths=["/"],',
    ),
    Promise(
        "uploads",
        "Uploads to the page are limited, as are texts",
        "test_app.py::TestMistakes::test_a_paste_of_a_megabyte",
        "interfaces/page/asking.py",
        "if len(text) > MOST_CHARACTERS:",
        "if False:",
    ),
    Promise(
        "other-machines",
        "Without a password the page listens to this machine alone, unless it is told to let everyone in",
        "test_app_load.py::test_other_machines_are_let_in_by_choice_only",
        "interfaces/showing.py",
        "if auth is None and (share or",
        "if False and (share or",
    ),
    Promise(
        "time-limit",
        "A question takes no longer than --time-limit",
        "test_app_load.py::test_a_question_that_takes_too_long_is_stopped",
        "interfaces/page/offered.py",
        "if ends is not None and time.monotonic() > ends:",
        "if False:",
    ),
    Promise(
        "queue",
        "Of the questions that wait there are at most --queue-size; more are refused in words",
        "test_app_load.py::test_more_than_the_queue_holds_is_refused_in_words",
        "interfaces/app.py",
        "max_size=serving.queue_size",
        "max_size=None",
    ),
    Promise(
        "own-answers",
        "Under load no answer is lost or given to another visitor (20 users, 20 questions each)",
        "test_app_load.py::test_twenty_users_get_their_own_answers",
        "interfaces/app.py",
        "question = Question(text,",
        'question = Question(text if "dull" not in text else "a good film",',
    ),
    Promise(
        "no-texts-logged",
        "The page's log has no text of a visitor",
        "test_app_load.py::test_twenty_users_get_their_own_answers",
        "interfaces/app.py",
        "question = Question(text,",
        'print(text, file=__import__("sys").stderr); question = Question(text,',
    ),
    Promise(
        "rude-clients",
        "Slow and vanishing clients stop nobody else",
        "test_app_load.py::test_slow_and_vanishing_clients_stop_nobody",
        "interfaces/app.py",
        "        async def send_with_policy(sent: Any) -> None:",
        '        __import__("time").sleep(1)\n\n        async def send_with_policy(sent: Any) -> None:',
    ),
    Promise(
        "bad-inputs",
        "A user's mistake is one line that names the argument, with exit code 1 or 2, and leaves nothing behind",
        "test_bad_inputs.py::test_a_bad_input",
        "interfaces/cli.py",
        "except ExplainableBertError as error:",
        "except ZeroDivisionError as error:",
    ),
    Promise(
        "whole-files",
        "A file has its name only once it is whole and on the disk",
        "test_locking.py::test_a_file_is_on_the_disk_before_it_has_its_name",
        "writing.py",
        "            os.fsync(stream.fileno())\n",
        "",
    ),
    Promise(
        "asides",
        "What a killed process left half-written is removed by the next one",
        "test_locking.py::test_what_the_killed_were_writing_is_removed",
        "locking.py",
        "        remove_asides(output)\n",
        "",
    ),
    Promise(
        "one-writer",
        "One process at a time writes into an output folder, and the second is told who does",
        "test_locking.py::test_commands_keep_each_other_out",
        "locking.py",
        "        lock.acquire()\n",
        "        pass\n",
    ),
    Promise(
        "kills",
        "A command that is killed at any moment continues or starts clean when it is run again",
        "test_faults.py::test_killed_commands_recover",
        "locking.py",
        "    ours_to_remove = ",
        '    if file.exists():\n        raise FileError("held")\n    ours_to_remove = ',
    ),
    Promise(
        "full-disk",
        "A full disk is one line, and loses nothing that had been written",
        "test_jobs.py::TestCommand::test_a_full_disk_loses_nothing_that_was_written",
        "writing.py",
        "    finally:\n        Path(aside).unlink(missing_ok=True)",
        "    finally:\n        pass",
    ),
    Promise(
        "interrupts",
        "Ctrl-C keeps what was done, and ends with 130",
        "test_cli_measuring.py::test_an_interrupted_evaluation_says_that_nothing_is_lost",
        "interfaces/cli.py",
        "        app()\n",
        "        app(standalone_mode=False)\n",
    ),
    Promise(
        "clock",
        "A clock that goes backwards costs no checkpoint",
        "test_security.py::test_checkpoints_are_kept_by_their_step_whatever_the_clock_says",
        "training/trainer.py",
        "_N_CHECKPOINTS, state.best_model_checkpoint)",
        "_N_CHECKPOINTS, state.best_model_checkpoint, use_mtime=True)",
    ),
    Promise(
        "same-bits",
        "The same seed trains to the same bits on one machine",
        "test_determinism.py::test_training_is_the_same_to_the_bit",
        "training/trainer.py",
        "        seed=settings.seed,\n    )",
        '        seed=__import__("time").time_ns() % 2**31,\n    )',
    ),
    Promise(
        "same-metrics",
        "Every metric is the same to the bit",
        "test_determinism.py::test_every_metric_is_the_same_to_the_bit",
        "evaluation/summary.py",
        "measure.aggregate, np.random.default_rng(seed)",
        "measure.aggregate, np.random.default_rng()",
    ),
    Promise(
        "old-records",
        "Records and models of the first release stay readable",
        "test_versions.py::test_records_stay_readable",
        "records.py",
        "_READABLE_VERSIONS = (2, 3)",
        "_READABLE_VERSIONS = (2,)",
    ),
    Promise(
        "newer-versions",
        "Models of a newer version are refused, with what to do",
        "test_versions.py::test_models_of_a_newer_version",
        "model/checkpoint.py",
        "    if version != FORMAT_VERSION:",
        "    if False:",
    ),
)


def broken(promise: Promise, tree: Path) -> str | None:
    """The line in which the promise's test says that it fails in the broken tree, or None where it passes."""
    path = tree / "src" / "explainable_bert" / promise.file
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace(promise.old, promise.new), encoding="utf-8")
    try:
        return _failure(promise.test, tree)
    finally:
        path.write_text(whole, encoding="utf-8")


def _failure(test: str, tree: Path) -> str | None:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"tests/{test}"]
    paths = os.pathsep.join([str(tree / "src"), str(tree)])
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(
        command, cwd=tree, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, process_group=0
    ) as running:
        try:
            said, _ = running.communicate(timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            return f"it did not end within {_PATIENCE_S} s"
    if running.returncode == 0:
        return None
    if running.returncode != 1:
        raise RuntimeError(f"{test}: pytest ended with {running.returncode}: {said[-2000:]}")
    reasons = [line.removeprefix("E").strip() for line in said.splitlines() if line.startswith("E  ")]
    return (reasons or ["it failed"])[0]


def table(seen: dict[str, str]) -> str:
    """The page's rows: each promise, its test, and that the test was seen to fail."""
    rows = ["| promise | kept by | broken on purpose |", "| --- | --- | --- |"]
    for promise in PROMISES:
        outcome = "its test failed" if promise.name in seen else "not yet"
        rows.append(f"| {promise.said} | `tests/{promise.test}` | {outcome} |")
    return "\n".join(rows)


def write_page() -> None:
    """Write the table between its marks."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    page = PAGE.read_text(encoding="utf-8")
    write_text(PAGE, between_marks(page, {_TABLE: table(kept["failed"])}))


def main() -> None:
    """Break what is asked for, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    names = [name for name in parser.parse_args().only.split(",") if name]
    seen = json.loads(RESULTS.read_text(encoding="utf-8"))["failed"] if RESULTS.is_file() else {}
    with tempfile.TemporaryDirectory() as place:
        tree = Path(place)
        for name in _COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.is_file():
                shutil.copy(source, tree / name)
        for promise in PROMISES:
            if names and promise.name not in names:
                continue
            failure = broken(promise, tree)
            print(f"{promise.name}: {failure or 'THE TEST PASSED'}", flush=True)
            seen.pop(promise.name, None)
            if failure is not None:
                seen[promise.name] = failure.replace(str(tree), "")[:200]
            said = {"command": "python -m benchmarks.promises", "failed": seen}
            write_text(RESULTS, json.dumps(said, indent=2) + "\n")
    write_page()


if __name__ == "__main__":
    main()
