"""Files that the page makes for a visitor: drawn one at a time, handed to the browser, and swept up later."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from explainable_bert.data.files import write_table
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.export.heatmap import render
from explainable_bert.interfaces.page.asking import SCORES
from explainable_bert.interfaces.page.fragments import message
from explainable_bert.records import Explanation

PICTURES = ("svg", "png", "html", "json")
TABLES = ("csv", "jsonl", "parquet")
# Matplotlib draws for one at a time.
DRAWING = threading.Lock()
_KEPT_FOR_S = 600
_SAVE = "() => { setTimeout(() => document.querySelector('a#%s, #%s a, button#%s')?.click(), 150); }"


def offer_file(
    button: gr.Button, inputs: Sequence[Any], file: gr.DownloadButton, trouble: gr.HTML, made: Callable[..., Path]
) -> None:
    """The button makes a file, and the browser saves it; what is wrong is said in `trouble`."""

    def make(*given: Any) -> tuple[Any, str]:
        try:
            return str(made(*given)), ""
        except ExplainableBertError as error:
            return gr.skip(), message(error)

    name = str(file.elem_id)
    making = button.click(make, list(inputs), [file, trouble], api_visibility="private")
    making.success(None, None, None, js=_SAVE % (name, name, name))


def picture(found: Sequence[Explanation], file_format: str, shown: Sequence[str]) -> Path:
    """The explanations of one text in one of PICTURES, with scores where these are shown.

    Raises InputError without any explanation.
    """
    if not found:
        raise InputError("download: nothing is explained yet; press Explain first")
    place = _new_folder() / f"explanation.{file_format}"
    with DRAWING:
        render(list(found[:1]), place, list(found[1:]) or None, values=SCORES in shown)
    return place


def table_file(rows: Sequence[dict[str, object]], file_format: str) -> Path:
    """Explained rows in one of TABLES; raises InputError without any."""
    if not rows:
        raise InputError("download: no row is explained yet; press Explain all rows first")
    place = _new_folder() / f"explained.{file_format}"
    write_table(list(rows), place)
    return place


def _new_folder() -> Path:
    """A folder for one file; those of ten minutes ago are removed."""
    root = Path(tempfile.gettempdir()) / "explainable-bert-downloads"
    root.mkdir(exist_ok=True)
    for old in root.iterdir():
        # Others who download at the same time sweep the same folders.
        with suppress(FileNotFoundError):
            if time.time() - old.stat().st_mtime > _KEPT_FOR_S:
                shutil.rmtree(old)
    return Path(tempfile.mkdtemp(dir=root))
