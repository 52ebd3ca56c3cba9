"""Corpus jobs on a real local Ray: the same rows and numbers, whoever is killed meanwhile."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

pytest.importorskip("ray")

from corpus_samples import errors_of, rows_of, save_classifier, texts, write_wide

N_TEXTS = 1_500


def command(model, source, output, *more):
    return [sys.executable, "-m", "explainable_bert", "corpus", *map(str, (model, source, "--output", output, *more))]


ON_RAY = ("--engine", "ray", "--actors", "2")


@pytest.fixture(scope="module")
def model(stock_folder, tokenizer, tmp_path_factory):
    return save_classifier(stock_folder, tokenizer, tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    given = texts(N_TEXTS, seed=4)
    return write_wide(tmp_path_factory.mktemp("corpus") / "x.csv", [*given[:700], " ", *given[700:]])


@pytest.fixture(scope="module")
def expected(model, source, tmp_path_factory):
    """What one process, never stopped, makes of it."""
    output = tmp_path_factory.mktemp("local") / "out"
    subprocess.run(command(model, source, output), check=True, capture_output=True, timeout=300)
    return output


def same(output, expected):
    ours, theirs = rows_of(output), rows_of(expected)
    assert len(ours) == N_TEXTS
    assert [(row["file"], row["row"]) for row in ours] == [(row["file"], row["row"]) for row in theirs]
    for row, other in zip(ours, theirs, strict=True):
        numbers = ("probability", "logit", "bias", "effective_units")
        assert [row[name] for name in numbers] == pytest.approx([other[name] for name in numbers], abs=1e-5)
        assert dict(zip(zip(row["start"], row["end"], strict=True), row["score"], strict=True)) == pytest.approx(
            dict(zip(zip(other["start"], other["end"], strict=True), other["score"], strict=True)), abs=1e-5
        )
    assert errors_of(output) == errors_of(expected)
    manifest = json.loads((output / "manifest.json").read_text())
    assert (manifest["complete"], manifest["rows"], manifest["errors"]) == (True, N_TEXTS, 1)


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def actors_of(process):
    return [child for child in process.children(recursive=True) if "_Actor" in " ".join(_words(child))]


def _words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def shards(output):
    return list(output.glob("part-*.parquet"))


def test_an_actor_that_is_killed_is_replaced(model, source, expected, tmp_path):
    running = psutil.Popen(command(model, source, tmp_path / "out", *ON_RAY), stderr=subprocess.PIPE, text=True)
    wait_for(lambda: len(shards(tmp_path / "out")) >= 1 or running.poll() is not None)
    victims = actors_of(running)
    assert len(victims) == 2
    os.kill(victims[0].pid, signal.SIGKILL)
    _, said = running.communicate(timeout=300)
    assert running.returncode == 0, said
    same(tmp_path / "out", expected)


def test_a_driver_that_is_killed_is_continued(model, source, expected, tmp_path):
    running = psutil.Popen(command(model, source, tmp_path / "out", *ON_RAY), stderr=subprocess.DEVNULL)
    wait_for(lambda: len(shards(tmp_path / "out")) >= 2 or running.poll() is not None)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    done = {path.name: path.stat().st_mtime_ns for path in shards(tmp_path / "out")}
    again = subprocess.run(
        command(model, source, tmp_path / "out", *ON_RAY), capture_output=True, text=True, timeout=300
    )
    assert again.returncode == 0, again.stderr
    assert done.items() <= {path.name: path.stat().st_mtime_ns for path in shards(tmp_path / "out")}.items()
    same(tmp_path / "out", expected)


def test_mistakes_of_an_actor_are_one_line(model, source, tmp_path):
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        command(model, source, tmp_path / "out", "--engine", "ray", "--cpus", 999),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert "actors: 999 cores and 0 GPUs given for each; accepted: at most what there is" in done.stderr
    assert "Traceback" not in done.stderr
