"""Sweeps of tiny models in processes of their own: every point once, whatever fails, is killed or is deleted."""

import dataclasses
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from explainable_bert.data.files import write_table
from explainable_bert.errors import FileError, InputError
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.sweep import pool, run
from explainable_bert.sweep.arm import Arm, points_of
from explainable_bert.sweep.experiment import Drawn, Measuring, TrainingData, load_experiment
from explainable_bert.sweep.point import has_model, model_folder
from explainable_bert.sweep.ray_pool import RayPool
from explainable_bert.sweep.run import run_points
from explainable_bert.training.settings import ModelRequest, TrainingSettings

SETTINGS = TrainingSettings(epochs=1, batch_size=16, learning_rate=3e-3, masked_fine_tuning=True)
METHODS = ("built-in", "attention-product")


@pytest.fixture(scope="module")
def place(tmp_path_factory, stock_folder):
    """A base with two labels, and a corpus that one word decides."""
    place = tmp_path_factory.mktemp("sweep")
    shutil.copytree(stock_folder, place / "base")
    parts = product(("the film", "a movie", "the plot", "a writer"), ("very", "the", "a"), ("great", "awful"), ".!?-")
    texts = [(f"{subject} is {adverb} {word} {end}", word) for subject, adverb, word, end in parts]
    rows = [{"text": text, "label": "negative" if word == "awful" else "positive"} for text, word in texts]
    write_table(rows, place / "films.csv")
    marked = [
        {"text": row["text"], "label": int(row["label"] == "positive"), "words": row["text"].split()}
        | {"annotators": [[int(word in ("great", "awful")) for word in row["text"].split()]]}
        for row in rows[:6]
    ]
    (place / "marked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in marked))
    return place


def arms(place, **others):
    vanilla = Arm("vanilla", ModelRequest(str(place / "base"), "vanilla"), SETTINGS)
    lexical = Arm("lexical one", ModelRequest(str(place / "base"), "lexical", 1), SETTINGS, teacher="vanilla")
    return [vanilla, lexical, *others.values()]


def experiment(place, of_arms):
    data = str(place / "films.csv")
    settings = EvaluationSettings(METHODS, ("aopc-comprehensiveness", "effective-words", "average-precision"))
    measuring = Measuring(
        predicted=(Drawn(data, "validation"), Drawn(data, "test", 5)),
        explained=(Drawn(data, "validation", 4),),
        evaluation=settings,
        rationales=str(place / "marked.jsonl"),
        n_rationales=3,
    )
    return load_experiment(of_arms, TrainingData(data), measuring)


def sweep(place, output, of_arms, seeds, n_processes=2, progress=None):
    return run_points(points_of(of_arms, seeds), experiment(place, of_arms), output, n_processes, progress)


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """As many threads whatever the number of processes, so that results are equal to the last digit."""
    monkeypatch.setattr(pool, "n_cores", lambda: 1)


@pytest.fixture(scope="module")
def unbroken(place):
    """A sweep that nothing disturbs: its output, outcome, and what it told."""
    told = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pool, "n_cores", lambda: 1)
        outcome = sweep(place, place / "unbroken", arms(place), (0, 1), progress=told.append)
    return place / "unbroken", outcome, told


def results(records):
    """Everything but the time that it took."""
    return {
        (record.arm, record.seed): dataclasses.replace(record, training_s=0.0, measuring_s=0.0) for record in records
    }


def files(output):
    """When each record was written, and where."""
    return {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in output.glob("points/*/point.json")}


def was_run(told):
    return {str(point) for state in told for point in state.running}


# --- undisturbed ---------------------------------------------------------------------------------------------------


def test_every_point_is_trained_and_measured(unbroken, place):
    output, outcome, _ = unbroken
    assert outcome.failed == {}
    assert [(record.arm, record.seed, record.design) for record in outcome.records] == [
        *[("vanilla", 0, "vanilla"), ("lexical one", 0, "lexical")],
        *[("vanilla", 1, "vanilla"), ("lexical one", 1, "lexical")],
    ]
    first = outcome.records[0]
    data, marked = str(place / "films.csv"), str(place / "marked.jsonl")
    assert set(first.predicted) == {f"{data} validation", f"{data} test"}
    assert len(first.predicted[f"{data} test"].right) == 5
    assert set(first.explained) == {f"{data} validation", marked}
    assert len(first.explained[f"{data} validation"].measures[0].values) == 4
    assert {(kept.method, kept.measure) for kept in first.explained[marked].measures if kept.method in METHODS} == {
        ("built-in", "average-precision"),
        ("attention-product", "average-precision"),
    }
    # One head has no product of heads.
    assert {kept.method for kept in outcome.records[1].explained[f"{data} validation"].measures} == {"built-in"}
    assert len({record.explained[marked].sha256 for record in outcome.records}) == 1
    assert min(record.training_s for record in outcome.records) > 0
    assert first.asked["settings"]["seed"] == 0
    assert first.n_parameters > outcome.records[1].n_parameters
    assert sorted(path.name for path in (output / "points" / "lexical-one-seed-1").iterdir()) == [
        *("log.txt", "point.json", "request.json")
    ]


def test_test_rows_are_not_read_in_training(unbroken):
    report = json.loads((model_folder(unbroken[0], "vanilla", 0) / "training_report.json").read_text())
    assert report["run"]["corpus"]["rows"]["test"] == 0
    assert report["test_accuracy"] is None


def test_teachers_come_first(unbroken):
    _, outcome, told = unbroken
    assert sorted(map(str, told[0].running)) == ["vanilla, seed 0", "vanilla, seed 1"]
    assert (told[0].n_done, told[0].n_points, told[0].seconds_left) == (0, 4, None)
    assert (told[-1].n_done, told[-1].running) == (4, ())
    assert told[1].seconds_left > 0
    taught = outcome.records[1].asked
    assert taught["arm"] == {"name": "lexical one", "teacher": "vanilla", "base": None}


def test_a_finished_sweep_is_not_run_again(unbroken, place, monkeypatch):
    output, outcome, _ = unbroken
    monkeypatch.setattr(pool, "Slot", None)
    monkeypatch.setattr(run, "checked_base", None)  # what nothing starts from any more may be gone
    before, told = files(output), []
    assert sweep(place, output, arms(place), (0, 1), progress=told.append).records == outcome.records
    assert (was_run(told), files(output)) == (set(), before)


def test_another_sweep_is_refused(unbroken, place):
    output, _, _ = unbroken
    others = [dataclasses.replace(arm, settings=dataclasses.replace(SETTINGS, epochs=2)) for arm in arms(place)]
    with pytest.raises(FileError, match="epochs 1 there, 2 asked for"):
        sweep(place, output, others, (0,))
    with pytest.raises(InputError, match="n_processes: 0"):
        sweep(place, output, arms(place), (0,), n_processes=0)


def test_devices_are_taken_in_turn(monkeypatch):
    monkeypatch.setattr(pool.torch.cuda, "device_count", lambda: 2)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert pool.devices() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5, 3,7")
    monkeypatch.setattr(pool, "n_cores", lambda: 7)
    assert [(slot._device, slot._n_threads) for slot in pool.slots(3)] == [("5", 2), ("3", 2), ("5", 2)]
    monkeypatch.setattr(pool.torch.cuda, "device_count", lambda: 0)
    assert [(slot._device, slot._n_threads) for slot in pool.slots(8)] == [(None, 1)] * 8


# --- disturbed -----------------------------------------------------------------------------------------------------


def test_models_may_be_deleted_and_are_trained_again_where_others_need_them(unbroken, place, tmp_path):
    source, outcome, _ = unbroken
    output = tmp_path / "again"
    shutil.copytree(source, output)
    shutil.rmtree(output / "models")
    (output / "points" / "lexical-one-seed-1" / "point.json").unlink()
    before, told = files(output), []
    found = sweep(place, output, arms(place), (0, 1), n_processes=1, progress=told.append)
    assert was_run(told) == {"vanilla, seed 1", "lexical one, seed 1"}
    assert results(found.records) == results(outcome.records)
    assert files(output).items() >= before.items()
    assert [has_model(output, point) for point in points_of(arms(place), (0, 1))] == [False, False, True, True]


def test_what_fails_or_dies_loses_nothing_else(unbroken, place, tmp_path):
    """A child is killed, another cannot train at all: what needs it is skipped, the rest is done."""
    request = ModelRequest(str(place / "base"), "lexical", 99)
    broken = Arm("broken", request, SETTINGS)
    others = {"broken": broken, "waiting": Arm("waiting", request, SETTINGS, teacher="broken")}
    killed = []

    def kill(state):
        told.append(state)
        if not killed and [point.arm.name for point in state.running] == ["lexical one"]:
            killed.extend(multiprocessing.active_children())
            os.kill(killed[0].pid, signal.SIGKILL)

    told, output = [], tmp_path / "out"
    outcome = sweep(place, output, arms(place, **others), (0,), n_processes=1, progress=kill)
    assert [record.arm for record in outcome.records] == ["vanilla"]
    reasons = {point.arm.name: why for point, why in outcome.failed.items()}
    assert reasons == {
        "lexical one": "its process ended with code -9 (below 0: by that signal) and without an error",
        "broken": "value_layer: 99 given; accepted: 0 (embeddings) to 4",
        "waiting": "skipped: it needs broken, seed 0, which failed",
    }
    assert told[-1].failed == outcome.failed
    error = (output / "points" / "broken-seed-0" / "error.txt").read_text()
    assert error.startswith(reasons["broken"])
    assert "Traceback" in error

    before, told = files(output), []
    found = sweep(place, output, arms(place), (0,), n_processes=1, progress=told.append)
    assert was_run(told) == {"lexical one, seed 0"}
    assert found.failed == {}
    unbroken_results = results(unbroken[1].records)
    assert results(found.records) == {key: unbroken_results[key] for key in (("vanilla", 0), ("lexical one", 0))}
    assert files(output).items() >= before.items()
    assert not (output / "points" / "lexical-one-seed-0" / "error.txt").exists()


def test_an_interrupted_sweep_ends_its_processes(place, tmp_path):
    def interrupt(state):
        assert len(state.running) == 2
        assert len(multiprocessing.active_children()) == 2
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(place, tmp_path / "out", arms(place), (0, 1), progress=interrupt)
    assert multiprocessing.active_children() == []


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
import test_sweep_run as test

if __name__ == "__main__":
    place, output = map(Path, sys.argv[1:])
    test.pool.n_cores = lambda: 1
    test.sweep(place, output, test.arms(place), (0, 1))
"""


def test_a_killed_sweep_continues(unbroken, place, tmp_path):
    """The first process is killed outright: its children end by themselves, and the next start does the rest."""
    script, output = tmp_path / "script.py", tmp_path / "out"
    script.write_text(SCRIPT.format(tests=str(Path(__file__).parent)))
    parent = subprocess.Popen([sys.executable, str(script), str(place), str(output)])
    wait_for(lambda: files(output), parent)
    children = children_of(parent.pid)
    assert len(children) >= 2
    parent.kill()
    parent.wait()
    wait_for(lambda: not [child for child in children if Path(f"/proc/{child}/exe").exists()])

    before, told = files(output), []
    assert 1 <= len(before) < 4
    found = sweep(place, output, arms(place), (0, 1), progress=told.append)
    done = {f"{json.loads(path.read_text())['arm']}, seed {json.loads(path.read_text())['seed']}" for path in before}
    assert was_run(told) == {str(point) for point in points_of(arms(place), (0, 1))} - done
    assert results(found.records) == results(unbroken[1].records)
    assert files(output).items() >= before.items()


BUSY = """
import pickle, sys, time
from pathlib import Path
from explainable_bert.sweep.slot import Slot

class Sleeping:
    def __reduce__(self):
        return time.sleep, (600,)

if __name__ == "__main__":
    slot = Slot(None, 1)
    slot.connection.send((Path(sys.argv[1]), pickle.dumps(Sleeping())))
    print(slot._process.pid, flush=True)
    time.sleep(600)
"""


def test_a_busy_process_ends_when_the_sweep_is_killed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(BUSY)
    with subprocess.Popen([sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline())
        wait_for((tmp_path / "log.txt").exists, parent)
        assert Path(f"/proc/{child}/exe").exists()
        parent.kill()
    wait_for(lambda: not Path(f"/proc/{child}/exe").exists(), seconds=20)


def children_of(pid):
    """The processes that are its children, those that only clean up after the others included."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        fields = status.read_text().rpartition(")")[2].split()
        if int(fields[1]) == pid:
            found.append(int(status.parent.name))
    return found


def wait_for(condition, process=None, seconds=120):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        assert process is None or process.poll() is None
        time.sleep(0.05)


# --- as tasks of Ray -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def on_ray():
    """A cluster of two cores on this machine, which pools join."""
    ray = pytest.importorskip("ray")
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


@pytest.mark.usefixtures("on_ray")
def test_ray_runs_the_same_points_and_a_failed_one_loses_no_other(unbroken, place, tmp_path):
    base = str(place / "base")
    broken = Arm("broken", ModelRequest(base, "lexical", 99), SETTINGS)
    waiting = Arm("waiting", ModelRequest(base, "lexical", 1), SETTINGS, teacher="broken")
    of_arms = arms(place, broken=broken, waiting=waiting)
    outcome = run_points(
        points_of(of_arms, (0, 1)), experiment(place, of_arms), tmp_path / "x", 2, pool=partial(RayPool, None)
    )
    assert results(outcome.records) == results(unbroken[1].records)
    reasons = {str(point): why for point, why in outcome.failed.items()}
    assert set(reasons) == {"broken, seed 0", "broken, seed 1", "waiting, seed 0", "waiting, seed 1"}
    assert reasons["broken, seed 0"].startswith("value_layer: 99 given")
    assert reasons["waiting, seed 1"] == "skipped: it needs broken, seed 1, which failed"
    assert (tmp_path / "x" / "points" / "vanilla-seed-0" / "log.txt").is_file()
