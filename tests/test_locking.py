"""One process writes a folder at a time, whoever was killed there before."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from explainable_bert.errors import FileError
from explainable_bert.locking import LOCK_FILE, held, is_new
from explainable_bert.writing import writing

HOLDER = """
import sys, time
from pathlib import Path
from explainable_bert.locking import held

with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the folder `out`."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path / "out"], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_the_second_is_told_who_is_there(holder, tmp_path):
    with pytest.raises(FileError, match=rf"out' is being written by process {holder.pid} on \S+ since \d{{4}}-"):
        with held(tmp_path / "out"):
            pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with held(tmp_path / "out"):
        assert is_new(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_commands_keep_each_other_out(holder, stock_folder, tmp_path):
    rows = [f"a good film {'!' * count},LABEL_{count % 3}" for count in range(40)]
    (tmp_path / "x.csv").write_text("\n".join(["text,label", *rows]) + "\n")
    other = shutil.copytree(stock_folder, tmp_path / "other")
    model, data, output = str(stock_folder), str(tmp_path / "x.csv"), str(tmp_path / "out")
    commands = (
        ["evaluate", model, "--data", data, "--output", output],
        ["compare", model, str(other), "--data", data, "--output", output],
        ["audit", model, "a good film", "--output", output],
        ["corpus", model, data, "--output", output],
        ["train", "--base", model, "--design", "additive", "--data", data, "--output", output],
    )
    script = (
        "import sys, json\n"
        "from explainable_bert.interfaces.cli import main\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    sys.argv = ['explainable-bert', *arguments]\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as ended:\n"
        "        print(ended.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, json.dumps(commands)], capture_output=True, text=True)
    assert done.stdout.split() == ["1"] * len(commands), done.stderr
    assert done.stderr.count(f"is being written by process {holder.pid}") == len(commands), done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == [LOCK_FILE]


def test_one_process_cannot_hold_it_twice(tmp_path):
    with held(tmp_path), pytest.raises(FileError, match=f"process {os.getpid()} "), held(tmp_path):
        pass


def test_what_came_into_the_folder_stays(tmp_path):
    with held(tmp_path / "a" / "b"):
        (tmp_path / "a" / "b" / "x").touch()
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["x"]
    (tmp_path / "mine").mkdir()
    with held(tmp_path / "mine"):
        pass
    assert (tmp_path / "mine").is_dir()


def test_a_mistake_leaves_no_folder(tmp_path):
    with pytest.raises(ValueError, match="mine"), held(tmp_path / "out"):
        raise ValueError("mine")
    assert not (tmp_path / "out").exists()


def test_places_that_cannot_be_held(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"file' is a file; accepted: a folder"), held(tmp_path / "file"):
        pass
    with pytest.raises(FileError, match=r"cannot make folder"), held(tmp_path / "file" / "out"):
        pass


def test_what_the_killed_were_writing_is_removed(tmp_path):
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom explainable_bert.writing import writing\n"
        "with writing(Path(sys.argv[1])) as stream:\n"
        "    stream.write(b'half')\n    stream.flush()\n    print('writing', flush=True)\n    time.sleep(600)\n"
    )
    place = tmp_path / "out" / "parts" / "x.json"
    with subprocess.Popen([sys.executable, "-c", script, place], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        writer.kill()
    assert len(list(place.parent.iterdir())) == 1
    with held(tmp_path / "out"):
        assert list(place.parent.iterdir()) == []


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    told = []
    synced = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (told.append((tmp_path / "x").exists()), synced(descriptor)))
    with writing(tmp_path / "x") as stream:
        stream.write(b"whole")
    # The file before it is renamed, and the folder afterwards.
    assert told == [False, True]


def test_clocks_that_go_backwards_change_nothing(tmp_path, monkeypatch):
    hour = iter([1e9, 1e9 - 3600, 1e9 - 7200, 0.0] * 20)
    monkeypatch.setattr(time, "time", lambda: next(hour))
    for _ in range(3):
        with held(tmp_path / "out"):
            (tmp_path / "out" / "x").write_text("there")
    assert (tmp_path / "out" / "x").read_text() == "there"


def test_a_place_that_can_only_be_read(tmp_path):
    """A file system mounted so, where one can be: root may write where permissions forbid it."""
    place = tmp_path / "place"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(FileError, match=r"cannot make folder .*: Read-only file system"), held(place / "out"):
            pass
        with pytest.raises(FileError, match=r"cannot write into folder .*: Read-only file system"), held(place):
            pass
        with pytest.raises(FileError, match=r"cannot write .*: Read-only file system"), writing(place / "x"):
            pass
    finally:
        subprocess.run(["umount", place], check=True)
