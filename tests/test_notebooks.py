"""The notebooks run top to bottom, and those in the repository are of the present sources."""

import io
import re

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from notebooks import building
from PIL import Image

from explainable_bert import render, show
from explainable_bert.errors import InputError
from explainable_bert.export.drawing.fewer_colours import fewer_colours

_MOST_BYTES = 500_000


@pytest.mark.real
# Of the kernel's channel: no doing of ours.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_cell_runs():
    notebooks = building.built(quick=True)
    cells = [cell for notebook in notebooks for cell in notebook.cells if cell.cell_type == "code"]
    assert len(cells) > 20
    assert all(cell.execution_count for cell in cells)
    assert not [output for cell in cells for output in cell.outputs if output.get("name") == "stderr"]


def test_a_broken_cell_is_an_error(monkeypatch, tmp_path):
    (tmp_path / "broken.py").write_text("# %% [markdown]\n# # Broken\n\n# %%\n1 / 0\n", encoding="utf-8")
    monkeypatch.setattr(building, "_SOURCES", tmp_path)
    monkeypatch.setattr(building, "NOTEBOOKS", {"broken.py": tmp_path / "broken.ipynb"})
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        building.built(quick=True)


@pytest.mark.parametrize(("source", "path"), building.NOTEBOOKS.items())
def test_the_written_notebook_is_of_its_source(source, path):
    written, unrun = nbformat.read(path, as_version=4), building.unrun(source)
    assert [(cell.cell_type, cell.source) for cell in written.cells] == [
        (cell.cell_type, cell.source) for cell in unrun.cells
    ]
    counts = [cell.execution_count for cell in written.cells if cell.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert written.metadata == unrun.metadata


@pytest.mark.parametrize("path", building.NOTEBOOKS.values())
def test_the_written_notebook_is_small_and_of_no_machine(path):
    content = path.read_text(encoding="utf-8")
    assert len(content.encode()) < _MOST_BYTES
    assert not re.search(r"/(home|tmp|root|usr|site-packages)/", content)
    assert '"name": "stderr"' not in content


def test_shown_is_a_small_form_of_the_picture_that_would_be_written(classifier, tmp_path):
    explanations = classifier("additive").explain(["good film", "bad film"])
    (path,) = render(explanations, tmp_path / "one.png", values=True)
    shown = show(explanations, values=True)
    small, large = Image.open(io.BytesIO(shown.png)), Image.open(io.BytesIO(path.read_bytes()))
    assert len(shown.png) < path.stat().st_size / 2
    assert small.size[0] / large.size[0] == pytest.approx(120 / 200, abs=0.002)
    assert shown._repr_png_() == show(explanations, values=True).png
    assert "Text 2 of 2" in repr(shown)
    assert "film +" in repr(shown) or "film -" in repr(shown)


def test_rare_shades_survive_many_greys():
    greys = np.repeat(np.arange(40, 256, dtype=np.uint8), 300)[:, None].repeat(3, axis=1)
    shades = np.stack([np.arange(256), 255 - np.arange(256), np.full(256, 200)], axis=1).astype(np.uint8)
    pixels = np.concatenate([greys, shades])[None]
    numbers, palette = fewer_colours(pixels)
    assert len(palette) == 256
    drawn = palette[numbers].astype(int)
    assert np.abs(drawn - pixels)[0, -256:].max() <= 4
    assert np.abs(drawn - pixels).max() <= 4


def test_few_colours_stay_as_they_are():
    pixels = np.array([[[1, 2, 3], [250, 0, 0], [1, 2, 3]], [[9, 9, 9], [250, 0, 0], [0, 0, 0]]], dtype=np.uint8)
    numbers, palette = fewer_colours(pixels)
    assert (palette[numbers] == pixels).all()


def test_nothing_cannot_be_shown():
    with pytest.raises(InputError, match="explanations: an empty list given"):
        show([])
