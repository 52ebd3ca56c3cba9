"""The Batch tab: a table of texts, every row explained, and what pushes each label over the whole file."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from explainable_bert.attribution.explainer import in_additive
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.interfaces.page import answers, table
from explainable_bert.interfaces.page.fragments import message
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.working import watched
from explainable_bert.interfaces.tabs.explain import OWN, offer_stop
from explainable_bert.interfaces.tabs.files import TABLES, offer_file, table_file
from explainable_bert.model.configuration import DESIGNS

_WIDTHS = {"row": 60, "label": 110, "top words": 280, "text": 480}
_WIDTH = 130


@dataclass(frozen=True)
class _Handlers:
    """What happens on events; each returns what its outputs become."""

    offered: OfferedModels

    def open_file(self, path: str | None) -> tuple[Any, ...]:
        """The columns to choose from, or what is wrong with the file; nothing of another one, nor any work on it."""
        none, cleared = gr.Dropdown(choices=[], value=None, visible=False), (*_nothing(), gr.Button(interactive=False))
        if path is None:
            return none, "", *cleared
        try:
            _, names = table.opened(Path(path))
        except ExplainableBertError as error:
            return none, message(error), *cleared
        return gr.Dropdown(choices=list(names), value=names[0], visible=True), "", *cleared

    def explain_all(self, path: str | None, column: str | None, model: str) -> Iterator[tuple[Any, ...]]:
        """Trouble or progress, the overview, the rows to look at and to keep, and whether there is work to stop."""
        try:
            if path is None:
                raise InputError("file: none given; choose one")
            read, names = table.opened(Path(path))
            column = column or names[0]
            classifier = self.offered.classifier(model)
        except ExplainableBertError as error:
            yield message(error), *_nothing(), gr.skip()
            return
        work = partial(table.explained, classifier, read, column)
        for seen in watched(work, self.offered, f"explaining {read.num_rows:,} rows", read.num_rows):
            if seen.result is None:
                yield seen.html, *_nothing(), gr.Button(interactive=seen.working)
            else:
                names, cells = table.in_view(seen.result.rows)
                widths: list[str | int] = [_WIDTHS.get(name, _WIDTH) for name in names]
                frame = gr.Dataframe({"headers": list(names), "data": cells}, visible=True, column_widths=widths)
                yield "", answers.over_file(seen.result, model), frame, seen.result.rows, gr.Button(interactive=False)


def _nothing() -> tuple[Any, ...]:
    """No overview, no rows to look at, none to keep: what stood there was of another file or column."""
    return "", gr.Dataframe(value=None, visible=False), ()


def batch_tab(offered: OfferedModels) -> None:
    """Lay out the tab and wire it."""
    handlers = _Handlers(offered)
    gr.Markdown(f"A file of up to {table.MOST_ROWS:,} texts: {', '.join(table.READABLE)}.")
    with gr.Row():
        uploaded = gr.File(label="File", type="filepath", height=140)
        with gr.Column():
            column = gr.Dropdown([], label="Column of the texts", interactive=True, visible=False)
            model = gr.Dropdown(offered.names, value=_signed_one(offered), label="Model")
    with gr.Row():
        run = gr.Button("Explain all rows", variant="primary", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100, interactive=False)
    trouble, overview, found = gr.HTML(""), gr.HTML(""), gr.State(())
    rows = gr.Dataframe(label="Rows", interactive=False, visible=False, wrap=True, max_height=520)
    with gr.Row():
        file_format = gr.Dropdown(TABLES, value="csv", label="Download as", min_width=140)
        download = gr.Button("Download", min_width=140)
    file = gr.DownloadButton("File", visible="hidden", elem_id="xb-batch-file")
    answer = [trouble, overview, rows, found, stop]
    event = run.click(handlers.explain_all, [uploaded, column, model], answer, **OWN)
    uploaded.change(handlers.open_file, uploaded, [column, *answer], cancels=event, **OWN)
    offer_stop(stop, trouble, [event])
    offer_file(download, (found, file_format), file, trouble, table_file)


def _signed_one(offered: OfferedModels) -> str:
    """Of the two models that are loaded already, one whose words speak for and against, if there is one."""
    designs = {name: DESIGNS[offered.classifier(name).provenance.design] for name in offered.names[:2]}
    return next((name for name, design in designs.items() if in_additive(design)), offered.names[0])
