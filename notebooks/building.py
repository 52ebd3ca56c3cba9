"""Notebooks from their sources: cells of a Python file, run in a fresh folder, with what they said and drew.

The sources are Python files with `# %%` before each cell and `# %% [markdown]` before text, as editors and jupytext
read them: a change can be reviewed line by line, linted and formatted, which an .ipynb with pictures in it cannot.
"""

import os
import re
import tempfile
from pathlib import Path
from unittest import mock
from uuid import uuid4

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config

ROOT = Path(__file__).parent.parent
# In the order in which they run: the later ones find the models that the first has trained.
NOTEBOOKS = {
    "main_workflow.py": ROOT / "Main_Workflow.ipynb",
    "explain_the_bert_you_have.py": ROOT / "notebooks" / "explain_the_bert_you_have.ipynb",
    "is_it_true.py": ROOT / "notebooks" / "is_it_true.ipynb",
}
QUICK = "EXPLAINABLE_BERT_QUICK"

_SOURCES = ROOT / "notebooks" / "sources"
_CELL = re.compile(r"^# %%(.*)$", flags=re.MULTILINE)
_CELL_SECONDS = 480
_METADATA = {
    "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
    "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
}


def unrun(source: str) -> NotebookNode:
    """The notebook of a file in notebooks/sources, without outputs."""
    text = (_SOURCES / source).read_text(encoding="utf-8")
    _, *parts = _CELL.split(text)
    cells = []
    for number, (kind, content) in enumerate(zip(parts[::2], parts[1::2], strict=True)):
        if kind.strip() == "[markdown]":
            cell = new_markdown_cell(re.sub(r"^# ?", "", content.strip(), flags=re.MULTILINE))
        else:
            cell = new_code_cell(content.strip())
        # Random by default: another one at every run.
        cell["id"] = f"cell-{number}"
        cells.append(cell)
    notebook: NotebookNode = new_notebook(cells=cells, metadata=_METADATA)
    return notebook


def built(*, quick: bool) -> list[NotebookNode]:
    """All notebooks, run one after another in one fresh folder; raises CellExecutionError where a cell fails."""
    # tqdm would ask for widgets that no reader of the written notebook could use.
    changed = {"PYTHONWARNINGS": "ignore:IProgress not found"} | ({QUICK: "1"} if quick else {})
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, changed):
        return [_run(unrun(source), folder) for source in NOTEBOOKS]


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook that has run."""
    nbformat.validate(notebook)
    path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def _run(notebook: NotebookNode, folder: str) -> NotebookNode:
    # Sockets of the file system, not ports that others on the machine could knock at.
    sockets = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel-{uuid4().hex[:8]}"}})
    where = {"metadata": {"path": folder}}
    client = NotebookClient(
        notebook,
        timeout=_CELL_SECONDS,
        kernel_name="python3",
        resources=where,
        record_timing=False,
        coalesce_streams=True,
        config=sockets,
    )
    client.execute()
    notebook["metadata"] = _METADATA
    return notebook
