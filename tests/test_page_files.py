"""Files that the page makes: those of a while ago are removed, whoever else removes them at the same time."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import pytest

from explainable_bert.interfaces.tabs import files


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path / "explainable-bert-downloads"


def made(root, n_old):
    """Folders with a file each, from long ago."""
    for number in range(n_old):
        folder = root / f"old{number}"
        folder.mkdir(parents=True)
        (folder / "explained.csv").write_text("row\n1\n")
        os.utime(folder, (0, 0))


def test_old_files_are_removed_and_new_ones_stay(root):
    made(root, 3)
    kept = files.table_file([{"row": 1}], "csv")
    another = files.table_file([{"row": 2}], "jsonl")
    assert {path.name for path in root.iterdir()} == {kept.parent.name, another.parent.name}
    assert (kept.read_text(), another.read_text()) == ('"row"\n1\n', '{"row": 2}\n')


def test_several_visitors_sweep_at_once(root, monkeypatch):
    made(root, 3)
    remove = shutil.rmtree

    def remove_second(folder):
        """Somebody else has been quicker."""
        remove(folder)
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", remove_second)
    with ThreadPoolExecutor(4) as visitors:
        places = list(visitors.map(lambda row: files.table_file([{"row": row}], "csv"), range(8)))
    assert len({place.parent for place in places}) == 8
    assert {path.name for path in root.iterdir()} == {place.parent.name for place in places}
