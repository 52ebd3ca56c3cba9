"""The Explain tab: a question, the answers of one or two models, a file and a link of them."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.errors import ExplainableBertError
from explainable_bert.interfaces.page import answers, asking, cards
from explainable_bert.interfaces.page.asking import NONE, PREDICTED, SCORES, SHOWABLE, Question
from explainable_bert.interfaces.page.fragments import fragment, message
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.working import Turns, watched
from explainable_bert.interfaces.tabs.files import DRAWING, PICTURES, offer_file, picture
from explainable_bert.records import LEVELS, Explanation
from explainable_bert.text.encoding import is_blank

# Nobody's program is to depend on how the page is wired; what is for programs is in app.py.
OWN: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
_N_EXAMPLES = 6
_NO_LINK = "This text does not fit into a link."
_WHOLE_LINK = """(query) => {
  if (!query.startsWith('?')) {
    history.replaceState(null, '', location.pathname);
    return query;
  }
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
    shown: gr.CheckboxGroup

    @property
    def all(self) -> list[Any]:
        """As inputs of an event, whose arguments make a Question."""
        return [*self.texts, *self.choices]

    @property
    def texts(self) -> list[Any]:
        """What is typed."""
        return [self.text, self.pair]

    @property
    def choices(self) -> list[Any]:
        """What is chosen."""
        return [self.first, self.second, self.method, self.target, self.level, self.shown]


@dataclass(frozen=True)
class _Handlers:
    """What happens on events.

    Those that explain return fragment, explanations and query, whether there is something to stop, and the question.
    """

    offered: OfferedModels
    default: Question
    turns: Turns

    def explain(
        self, before: Question | None, event: gr.EventData, request: gr.Request, *given: Any
    ) -> Iterator[tuple[Any, Any, Any, Any, Any]]:
        """The answer, with progress before it; another choice asks again, once there is a text.

        Gradio's lists say that something was chosen when the focus leaves them, too.
        """
        question = Question.of(*given)
        pressed = isinstance(event.target, gr.Button | gr.Textbox)
        if not pressed and (is_blank(question.text) or _choices_of(question) == _choices_of(before or self.default)):
            yield (gr.skip(),) * 5
        else:
            yield from self._explained(question, request)

    def explain_now(self, request: gr.Request, *given: Any) -> Iterator[tuple[Any, Any, Any, Any, Any]]:
        """The answer, with progress before it."""
        yield from self._explained(Question.of(*given), request)

    def explain_restored(self, request: gr.Request, *given: Any) -> Iterator[tuple[Any, Any, Any, Any, Any]]:
        """Answer at once where the address had a text, below what it asked for in vain."""
        question = Question.of(*given)
        if not request.query_params:
            yield (gr.skip(),) * 5
            return
        note = fragment("link.html.j2", not_offered=asking.not_offered(_query(request), question))
        if question.text:
            yield from self._explained(question, request, note)
        else:
            yield note, gr.skip(), gr.skip(), gr.skip(), gr.skip()

    def _explained(
        self, question: Question, request: gr.Request, note: str = ""
    ) -> Iterator[tuple[Any, Any, Any, Any, Any]]:
        """What becomes of the question, below the note, until the same visitor asks another one."""
        is_last = self.turns.take(str(request.session_hash))
        for html, *others in self._answers(question):
            if not is_last():
                # Gradio sends the last yield again when all is done: that is to be nothing.
                yield (gr.skip(),) * 5
                return
            yield (note + html, *others)

    def _answers(self, question: Question) -> Iterator[tuple[Any, Any, Any, Any, Any]]:
        idle = gr.Button(interactive=False)
        try:
            asking.checked(question, self.offered)
        except ExplainableBertError as error:
            yield message(error), (), "", idle, question
            return
        total = asking.n_passes(question)
        what = f"{question.method}: about {total:,} passes of the models"
        for seen in watched(partial(asking.answered, question, self.offered), self.offered, what, total):
            if seen.working:
                yield seen.html, (), "", gr.Button(interactive=True), question
            elif seen.result is None:
                yield seen.html, (), "", idle, question
            else:
                html = self._shown(seen.result, question)
                yield html, seen.result, asking.link(question) or _NO_LINK, idle, question

    def _shown(self, found: tuple[Explanation, ...], question: Question) -> str:
        try:
            with DRAWING:
                return answers.answer(found, values=SCORES in question.shown)
        except ExplainableBertError as error:  # models that read the text differently
            return message(error)

    def restored(self, request: gr.Request) -> list[Any]:
        """The question of the page's address, and whether more of it is to be seen than stands in the open.

        Where the address has none, what was typed in the meantime stays.
        """
        if not request.query_params:
            return [gr.skip()] * (len(asdict(self.default)) + 1)
        question = asking.from_link(_query(request), self.default, self.offered)
        opened = _under_more(question) != _under_more(self.default)
        # The labels offered are those of the link's model.
        target = gr.Dropdown(choices=list(asking.targets(question.first, self.offered)), value=question.target)
        fields = {**asdict(question), "target": target, "shown": list(question.shown)}
        return [*fields.values(), gr.Accordion(open=opened)]

    def labels(self, name: str, target: str) -> Any:
        """The labels of the model that is now chosen; a chosen label that it knows too stays."""
        known = asking.targets(name, self.offered)
        return gr.Dropdown(choices=list(known), value=target if target in known else PREDICTED)


def explain_tab(blocks: gr.Blocks, offered: OfferedModels) -> Asked:
    """Lay out the tab and wire it; the components of its question are those of other tabs, too."""
    handlers = _Handlers(offered, asking.first_question(offered), Turns())
    text = gr.Textbox(label="Text", placeholder="Type a sentence and press Enter", lines=1, max_lines=8, autofocus=True)
    with gr.Row():
        run = gr.Button("Explain", variant="primary", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100, interactive=False)
    asked, more = _choices(handlers, text)
    result, found, before = gr.HTML(""), gr.State(()), gr.State(None)
    query = gr.Textbox(visible="hidden", label="Query")
    with gr.Row(equal_height=False):
        file_format = gr.Dropdown(PICTURES, value="svg", label="Download as", scale=1, min_width=140)
        download = gr.Button("Download", scale=1, min_width=140)
        link = gr.Textbox(label="Link to this question", interactive=False, scale=3, max_lines=2)
    file, trouble = gr.DownloadButton("File", visible="hidden", elem_id="xb-answer-file"), gr.HTML("")
    chosen = _examples(handlers, text)
    outputs = [result, found, query, stop, before]
    restored = blocks.load(handlers.restored, None, [*asked.all, more], **OWN)
    from_link = restored.then(handlers.explain_restored, asked.all, outputs, **OWN)
    asks = [run.click, *(box.submit for box in asked.texts), *(choice.input for choice in asked.choices)]
    others = [from_link, *(example.then(handlers.explain_now, asked.all, outputs, **OWN) for example in chosen)]
    own = gr.on(asks, handlers.explain, [before, *asked.all], outputs, trigger_mode="multiple", **OWN)
    offer_stop(stop, result, [own, *others])
    query.change(None, query, link, js=_WHOLE_LINK)
    asked.first.input(handlers.labels, [asked.first, asked.target], asked.target, **OWN)
    offer_file(download, (found, file_format, asked.shown), file, trouble, picture)
    # What was wrong with a download is no longer so of another answer.
    result.change(None, None, trouble, js="() => ''")
    return asked


def offer_stop(stop: gr.Button, told: gr.HTML, events: Sequence[Any]) -> None:
    """The button ends what these events have begun, and says so."""

    def stopped() -> tuple[Any, Any]:
        return fragment("note.html.j2", told="Stopped."), gr.Button(interactive=False)

    stop.click(stopped, None, [told, stop], cancels=list(events), **OWN)


def _choices(handlers: _Handlers, text: gr.Textbox) -> tuple[Asked, gr.Accordion]:
    offered, default = handlers.offered, handlers.default
    with gr.Row():
        first = gr.Dropdown(offered.names, value=default.first, label="Model", min_width=160)
        second = gr.Dropdown((NONE, *offered.names), value=default.second, label="Compare with", min_width=160)
        method = gr.Dropdown(_methods(), value=default.method, label="Method", min_width=160)
    with gr.Accordion("More: second text, label, tokens, scores, map", open=False) as more:
        pair = gr.Textbox(label="Second text, for models of pairs", lines=1)
        with gr.Row():
            labels = (PREDICTED, *offered.classifier(default.first).labels)
            target = gr.Dropdown(labels, value=PREDICTED, label="Label to explain", min_width=160)
            level = gr.Radio(LEVELS, value=default.level, label="Colour each", min_width=160)
            shown = gr.CheckboxGroup(SHOWABLE, label="Show also", min_width=160)
    return Asked(text, pair, first, second, method, target, level, shown), more


def _query(request: gr.Request) -> dict[str, str]:
    return {name: str(value) for name, value in dict(request.query_params).items()}


def _choices_of(question: Question) -> Question:
    return replace(question, text="", pair="")


def _under_more(question: Question) -> tuple[Any, ...]:
    return question.pair, question.target, question.level, question.shown


def _examples(handlers: _Handlers, text: gr.Textbox) -> list[Any]:
    """Texts to begin with, of those that the first model was not trained on; the events of choosing one."""
    folder = handlers.offered.folders[handlers.default.first]
    examples = [[example.text] for example in cards.held_out(folder, _N_EXAMPLES)]
    if not examples:
        return []
    label = "Examples, held out from training"
    return [gr.Examples(examples, text, label=label, examples_per_page=_N_EXAMPLES).load_input_event]


def _methods() -> list[tuple[str, str]]:
    return [(f"{name} ({_cost(name)})", name) for name in EXPLAINERS]


def _cost(name: str) -> str:
    """How often a method runs the model on a text."""
    explainer = EXPLAINERS[name]
    passes, by_word = explainer.forward.fixed + explainer.backward.fixed, explainer.forward.per_unit
    plural = "" if passes == 1 else "es"
    return f"{passes} pass{plural}" + (f" + {by_word} a word" if by_word else "")
