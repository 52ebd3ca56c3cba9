"""The Explain tab: a question, the answers of one or two models, a file and a link of them."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import gradio as gr

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.errors import ExplainableBertError
from explainable_bert.interfaces.page import answers, asking, cards
from explainable_bert.interfaces.page.asking import NONE, PREDICTED, Question
from explainable_bert.interfaces.page.fragments import fragment, message
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.working import watched
from explainable_bert.interfaces.tabs.files import DRAWING, PICTURES, offer_file, picture
from explainable_bert.records import LEVELS, Explanation

# Nobody's program is to depend on how the page is wired; what is for programs is in app.py.
OWN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_N_EXAMPLES = 6
_NO_LINK = "This text does not fit into a link."
_WHOLE_LINK = """(query) => {
  if (!query.startsWith('?')) { return query; }
  const whole = location.origin + location.pathname + query;
  history.replaceState(null, '', whole);
  return whole;
}"""


@dataclass(frozen=True)
class Asked:
    """The components that hold a question, in the order of its fields."""

    text: gr.Textbox
    pair: gr.Textbox
    first: gr.Dropdown
    second: gr.Dropdown
    method: gr.Dropdown
    target: gr.Dropdown
    level: gr.Radio

    @property
    def all(self) -> list[Any]:
        """As inputs of an event, whose arguments make a Question."""
        return [self.text, self.pair, self.first, self.second, self.method, self.target, self.level]


@dataclass(frozen=True)
class _Handlers:
    """What happens on events."""

    offered: OfferedModels
    default: Question

    def explain(self, shows_values: bool, shows_map: bool, *given: Any) -> Iterator[tuple[Any, Any, Any]]:
        """Fragment, explanations and query; progress in between."""
        question = Question.of(*given)
        try:
            asking.checked(question, self.offered)
        except ExplainableBertError as error:
            yield message(error), (), ""
            return
        total = asking.n_passes(question)
        what = f"{question.method}: about {total:,} passes of the models; Stop ends it"
        work = partial(asking.answered, question, self.offered, attention_map=shows_map)
        for seen in watched(work, self.offered, what, total):
            if seen.result is None:
                yield seen.html, gr.skip(), gr.skip()
            else:
                yield self._shown(seen.result, shows_values), seen.result, asking.link(question) or _NO_LINK

    def _shown(self, found: tuple[Explanation, ...], shows_values: bool) -> str:
        try:
            with DRAWING:
                return answers.answer(found, values=shows_values)
        except ExplainableBertError as error:  # models that read the text differently
            return message(error)

    def restored(self, request: gr.Request) -> list[Any]:
        """The question of the page's address; where that has none, what was typed in the meantime stays."""
        if not request.query_params:
            return [gr.skip()] * len(asdict(self.default))
        query = {name: str(value) for name, value in dict(request.query_params).items()}
        return list(asdict(asking.from_link(query, self.default, self.offered.names)).values())

    def explain_restored(self, request: gr.Request, *given: Any) -> Iterator[tuple[Any, Any, Any]]:
        """Answer at once where the address had a text."""
        if request.query_params and given[2]:
            yield from self.explain(*given)
        else:
            yield gr.skip(), gr.skip(), gr.skip()

    def labels(self, name: str) -> Any:
        """The labels of the model that is now chosen."""
        try:
            return gr.Dropdown(choices=[PREDICTED, *self.offered.classifier(name).labels], value=PREDICTED)
        except ExplainableBertError:
            return gr.skip()


def explain_tab(blocks: gr.Blocks, offered: OfferedModels) -> Asked:
    """Lay out the tab and wire it; the components of its question are those of other tabs, too."""
    handlers = _Handlers(offered, asking.first_question(offered))
    asked, values, with_map = _form(handlers)
    with gr.Row():
        run = gr.Button("Explain", variant="primary", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100)
    result, found = gr.HTML(""), gr.State(())
    query = gr.Textbox(visible="hidden", label="Query")
    with gr.Row(equal_height=False):
        file_format = gr.Dropdown(PICTURES, value="svg", label="Download as", scale=1, min_width=140)
        download = gr.Button("Download", scale=1, min_width=140)
        link = gr.Textbox(label="Link to this question", interactive=False, scale=3, max_lines=2)
    file, trouble = gr.DownloadButton("File", visible="hidden", elem_id="xb-answer-file"), gr.HTML("")
    inputs, outputs = [values, with_map, *asked.all], [result, found, query]
    asks = [run.click, asked.text.submit, asked.pair.submit]
    events = [
        gr.on(asks, handlers.explain, inputs, outputs, trigger_mode="always_last", **OWN),
        blocks.load(handlers.restored, None, asked.all, **OWN).then(handlers.explain_restored, inputs, outputs, **OWN),
    ]
    stop.click(lambda: fragment("stopped.html.j2"), None, result, cancels=events, **OWN)
    query.change(None, query, link, js=_WHOLE_LINK)
    asked.first.input(handlers.labels, asked.first, asked.target, **OWN)
    offer_file(download, (found, file_format), file, trouble, picture)
    return asked


def _form(handlers: _Handlers) -> tuple[Asked, gr.Checkbox, gr.Checkbox]:
    offered, default = handlers.offered, handlers.default
    text = gr.Textbox(label="Text", placeholder="A warm, funny film.", lines=1, max_lines=8, autofocus=True)
    examples = [[example.text] for example in cards.held_out(offered.folders[default.first], _N_EXAMPLES)]
    if examples:
        gr.Examples(examples, text, label="Held-out texts: no model was trained on them", examples_per_page=_N_EXAMPLES)
    with gr.Row():
        first = gr.Dropdown(offered.names, value=default.first, label="Model", min_width=160)
        second = gr.Dropdown((NONE, *offered.names), value=default.second, label="Beside it", min_width=160)
        method = gr.Dropdown(_methods(), value=default.method, label="Method (passes for n words)", min_width=160)
    with gr.Accordion("More: second text, label, tokens, map", open=False):
        pair = gr.Textbox(label="Second text, for models of pairs", lines=1)
        with gr.Row():
            labels = (PREDICTED, *offered.classifier(default.first).labels)
            target = gr.Dropdown(labels, value=PREDICTED, label="Label to explain", min_width=160)
            level = gr.Radio(LEVELS, value=default.level, label="Colour each", min_width=160)
            values = gr.Checkbox(label="Write the scores", value=False, min_width=160)
            with_map = gr.Checkbox(label="Show the attention map", value=False, min_width=160)
    return Asked(text, pair, first, second, method, target, level), values, with_map


def _methods() -> list[tuple[str, str]]:
    return [(f"{name} ({_cost(name)})", name) for name in EXPLAINERS]


def _cost(name: str) -> str:
    explainer = EXPLAINERS[name]
    backward = "" if str(explainer.backward) == "0" else f" + {explainer.backward} backward"
    return f"{explainer.forward}{backward}"
