"""The web page: its parts, the events between them, and the server that shows it."""

import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.data.files import write_table
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.export.heatmap import render
from explainable_bert.interfaces.page import answers, asking, cards, table, what_if
from explainable_bert.interfaces.page.asking import NONE, PREDICTED, Question
from explainable_bert.interfaces.page.fragments import fragment, message, style
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.working import Seen, watched
from explainable_bert.records import Explanation, Unit
from explainable_bert.version import __version__

_FORMATS = ("svg", "png", "html", "json")
_LARGEST_UPLOAD = "40mb"
_N_EXAMPLES = 6
_KEPT_FOR_S = 600
# Gradio keeps uploads and downloads; so often, and so old, they are removed.
_CACHE_S = (3600, 3600)
_TITLE = "Explainable BERT"
_INTRODUCTION = (
    f"# {_TITLE}\nType a sentence: see what each model decides, which words made it so, and what changes when a word does."
)
# The fonts that are on the machine: nothing is fetched from other hosts.
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
# Whatever a component may try, the browser loads from this server alone.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'"
)
# Words are buttons; the pressed one keeps the focus when they are drawn anew.
_PRESSING = """
let last = null;
element.addEventListener('click', (event) => {
  const word = event.target.closest('button.word');
  if (word) { last = word.dataset.word; trigger('press', {word: Number(last)}); }
});
watch('value', () => {
  const word = last === null ? null : element.querySelector(`button.word[data-word="${last}"]`);
  if (word) { word.focus(); }
});
"""
_WHOLE_LINK = """(query) => {
  if (!query) { return 'This text is too long for a link.'; }
  const whole = location.origin + location.pathname + query;
  history.replaceState(null, '', whole);
  return whole;
}"""
_SAVE = "() => { setTimeout(() => document.querySelector('#%s a, a#%s, button#%s')?.click(), 150); }"


@dataclass(frozen=True)
class Serving:
    """How the page is served; `auth` is a user's name and password. Port 0 takes a free one."""

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    auth: tuple[str, str] | None = None
    max_concurrency: int = 2
    queue_size: int = 64


def serve(folders: list[str], serving: Serving, ready: Callable[[str], None], *, block: bool = True) -> gr.Blocks:
    """Load the models, show the page until it is interrupted, and tell `ready` its address.

    Raises InputError or ModelError where a model cannot be offered.
    """
    offered = OfferedModels(folders)
    for name in offered.names[:2]:
        offered.classifier(name)
    blocks = build(offered)
    blocks.queue(max_size=serving.queue_size, default_concurrency_limit=serving.max_concurrency)
    _, local, public = blocks.launch(
        server_name=serving.host,
        server_port=serving.port or None,
        share=serving.share,
        auth=serving.auth,
        quiet=True,
        prevent_thread_lock=True,
        max_file_size=_LARGEST_UPLOAD,
        footer_links=["api", "settings"],
        run_history=False,
        ssr_mode=False,
        enable_monitoring=False,
        strict_cors=True,
        theme=_theme(),
        css=style(),
        app_kwargs={"routes": [Route("/healthz", _health)], "middleware": [Middleware(_OwnHostOnly)]},
    )
    ready(public or local)
    if block:
        blocks.block_thread()
    return blocks


def _theme() -> gr.themes.Base:
    """Gradio's plain one with fonts of the machine, and buttons dark enough for their words."""
    plain = gr.themes.Base(font=_FONTS, font_mono=("ui-monospace", "monospace"))
    return plain.set(button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_800")


def _health(_request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok", "version": __version__})


class _OwnHostOnly:
    """Adds the content security policy to every answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def send_with_policy(sent: Any) -> None:
            if sent["type"] == "http.response.start":
                sent["headers"] = [*sent["headers"], (b"content-security-policy", _POLICY.encode())]
            await send(sent)

        await self._app(scope, receive, send_with_policy if scope["type"] == "http" else send)


@dataclass(frozen=True)
class _Asked:
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
        return [self.text, self.pair, self.first, self.second, self.method, self.target, self.level]


def build(offered: OfferedModels) -> gr.Blocks:
    """The page of these models."""
    with gr.Blocks(title=_TITLE, analytics_enabled=False, delete_cache=_CACHE_S, fill_width=False) as blocks:
        gr.Markdown(_INTRODUCTION)
        with gr.Tab("Explain", id="explain"):
            asked = _explain_tab(blocks, offered)
        with gr.Tab("What if", id="what-if") as tab:
            _what_if_tab(tab, offered, asked)
        with gr.Tab("Batch", id="batch"):
            _batch_tab(offered)
        with gr.Tab("Models", id="models") as tab:
            _models_tab(tab, offered)
        _endpoints(offered)
    return blocks


def _explain_tab(blocks: gr.Blocks, offered: OfferedModels) -> _Asked:
    default = _default(offered)
    asked, values, with_map = _question_form(offered, default)
    with gr.Row():
        run = gr.Button("Explain", variant="primary", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100)
    result = gr.HTML("")
    found = gr.State(())
    query = gr.Textbox(visible="hidden", label="Query")
    with gr.Row(equal_height=True):
        file_format = gr.Dropdown(_FORMATS, value="svg", label="Download as", scale=1, min_width=140)
        download = gr.Button("Download", scale=1, min_width=140)
        link = gr.Textbox(label="Link to this question", interactive=False, buttons=["copy"], scale=3)
    file = gr.DownloadButton("File", visible="hidden", elem_id="xb-answer-file")
    trouble = gr.HTML("")

    def explain(shows_values: bool, shows_map: bool, *given: Any) -> Iterator[tuple[Any, Any, Any]]:
        question = Question(*given)
        try:
            asking.checked(question, offered)
        except ExplainableBertError as error:
            yield message(error), (), ""
            return
        total = asking.n_passes(question)
        what = f"{question.method}: about {total:,} passes of the models; Stop ends it"
        work: Callable[[], tuple[Explanation, ...]] = lambda: asking.answered(question, offered, attention_map=shows_map)  # noqa: E731
        for seen in watched(work, offered, what, total):
            if seen.result is None:
                yield seen.html, gr.skip(), gr.skip()
            else:
                with _DRAWING:
                    shown = answers.answer(seen.result, values=shows_values)
                yield shown, seen.result, asking.link(question) or ""

    def restored(request: gr.Request) -> list[Any]:
        question = asking.from_link(dict(request.query_params), default, offered.names)
        return list(asdict(question).values())

    def explain_restored(*given: Any) -> Iterator[tuple[Any, Any, Any]]:
        if str(given[2]).strip():
            yield from explain(*given)
        else:
            yield gr.skip(), gr.skip(), gr.skip()

    inputs, outputs = [values, with_map, *asked.all], [result, found, query]
    wired: dict[str, Any] = {"outputs": outputs, "show_progress": "hidden", "api_visibility": "private"}
    events = [
        gr.on([run.click, asked.text.submit, asked.pair.submit], explain, inputs, **wired),
        blocks.load(restored, None, asked.all, show_progress="hidden", api_visibility="private").then(
            explain_restored, inputs, **wired
        ),
    ]
    stop.click(lambda: fragment("stopped.html.j2"), None, result, cancels=events, api_visibility="private")
    query.change(None, query, link, js=_WHOLE_LINK)
    _offer_labels(asked, offered)
    _offer_file(download, (found, file_format), file, trouble, _answer_file)
    return asked


def _question_form(offered: OfferedModels, default: Question) -> tuple[_Asked, gr.Checkbox, gr.Checkbox]:
    text = gr.Textbox(label="Text", placeholder="A warm, funny film.", lines=1, max_lines=8, autofocus=True)
    examples = [[example.text] for example in cards.held_out(offered.folders[offered.names[0]], _N_EXAMPLES)]
    if examples:
        gr.Examples(examples, text, label="Held-out texts: no model has seen them", examples_per_page=_N_EXAMPLES)
    with gr.Row():
        first = gr.Dropdown(offered.names, value=default.first, label="Model", min_width=160)
        second = gr.Dropdown((NONE, *offered.names), value=default.second, label="Beside it", min_width=160)
        method = gr.Dropdown(_methods(), value=default.method, label="Method (passes for n words)", min_width=160)
    with gr.Accordion("More: second text, label, tokens, map", open=False):
        pair = gr.Textbox(label="Second text, for models of pairs", lines=1)
        with gr.Row():
            labels = offered.classifier(default.first).labels
            target = gr.Dropdown((PREDICTED, *labels), value=PREDICTED, label="Label to explain", min_width=160)
            level = gr.Radio(("word", "token"), value=default.level, label="Colour each", min_width=160)
            values = gr.Checkbox(label="Write the scores", value=False, min_width=160)
            with_map = gr.Checkbox(label="Show the attention map", value=False, min_width=160)
    return _Asked(text, pair, first, second, method, target, level), values, with_map


def _default(offered: OfferedModels) -> Question:
    second = offered.names[1] if len(offered.names) > 1 else NONE
    return Question("", "", offered.names[0], second, "built-in", PREDICTED, "word")


def _methods() -> list[tuple[str, str]]:
    return [(f"{name} ({_cost(name)})", name) for name in EXPLAINERS]


def _cost(name: str) -> str:
    explainer = EXPLAINERS[name]
    backward = "" if str(explainer.backward) == "0" else f" + {explainer.backward} backward"
    return f"{explainer.forward}{backward}"


def _offer_labels(asked: _Asked, offered: OfferedModels) -> None:
    def labels(name: str) -> Any:
        try:
            return gr.Dropdown(choices=[PREDICTED, *offered.classifier(name).labels], value=PREDICTED)
        except ExplainableBertError:
            return gr.skip()

    asked.first.input(labels, asked.first, asked.target, show_progress="hidden", api_visibility="private")


# Matplotlib draws for one at a time.
_DRAWING = threading.Lock()


def _offer_file(
    button: gr.Button, inputs: tuple[Any, ...], file: gr.DownloadButton, trouble: gr.HTML, made: Callable[..., Path]
) -> None:
    """The button makes a file, and the browser saves it."""

    def make(*given: Any) -> tuple[Any, str]:
        try:
            return str(made(*given)), ""
        except ExplainableBertError as error:
            return gr.skip(), message(error)

    name = str(file.elem_id)
    button.click(make, list(inputs), [file, trouble], api_visibility="private").success(
        None, None, None, js=_SAVE % (name, name, name)
    )


def _answer_file(found: tuple[Explanation, ...], file_format: str) -> Path:
    if not found:
        raise InputError("download: nothing is explained yet; press Explain first")
    place = _new_folder() / f"explanation.{file_format}"
    with _DRAWING:
        render(list(found[:1]), place, list(found[1:]) or None)
    return place


def _new_folder() -> Path:
    """A folder for one file; those of ten minutes ago are removed."""
    root = Path(tempfile.gettempdir()) / "explainable-bert-downloads"
    root.mkdir(exist_ok=True)
    for old in root.iterdir():
        if time.time() - old.stat().st_mtime > _KEPT_FOR_S:
            for file in old.iterdir():
                file.unlink(missing_ok=True)
            old.rmdir()
    return Path(tempfile.mkdtemp(dir=root))


def _what_if_tab(tab: gr.Tab, offered: OfferedModels, asked: _Asked) -> None:
    gr.Markdown("Press a word to take it out of the text of the Explain tab, or edit the text below.")
    how = gr.Radio(what_if.HOWS, value="mask", label="A pressed word is")
    words = gr.HTML("", js_on_load=_PRESSING)
    erased: Any = gr.State(())
    with gr.Row():
        text = gr.Textbox(label="Changed text", lines=1, max_lines=8, scale=4)
        compare = gr.Button("Compare", variant="primary", scale=1, min_width=120)
    result = gr.HTML("")
    gr.Markdown("### Strike words in order of importance")
    draw = gr.Button("Draw the curves")
    count = gr.Slider(0, 1, value=0, step=1, label="Words struck", visible=False)
    curve = gr.HTML("")
    drawn: Any = gr.State(())

    def begin(*given: Any) -> tuple[Any, ...]:
        question = Question(*given)
        cleared = (gr.Slider(value=0, visible=False), "", ())
        try:
            units = what_if.words(asking.checked(question, offered), offered)
        except ExplainableBertError as error:
            return message(error), (), "", "", *cleared
        return answers.pressable(units, set(), "mask"), (), question.text, "", *cleared

    def press(chosen: what_if.How, gone: tuple[int, ...], event: gr.EventData, *given: Any) -> tuple[Any, ...]:
        number = int(event.word)
        return shown(chosen, tuple(sorted(set(gone) ^ {number})), Question(*given))

    def shown(chosen: what_if.How, gone: tuple[int, ...], question: Question) -> tuple[Any, ...]:
        try:
            asking.checked(question, offered)
            units = what_if.words(question, offered)
            text, pair = what_if.changed(question, offered, gone, chosen)
            effects = _effects(question, replace(question, text=text, pair=pair), gone, offered) if gone else ""
        except ExplainableBertError as error:
            return gr.skip(), gone, gr.skip(), message(error)
        return answers.pressable(units, set(gone), chosen), gone, text, effects

    def again(chosen: what_if.How, gone: tuple[int, ...], *given: Any) -> tuple[Any, ...]:
        return shown(chosen, gone, Question(*given))

    def edited(changed_text: str, *given: Any) -> str:
        question = Question(*given)
        try:
            asking.checked(question, offered)
            return _effects(question, replace(question, text=changed_text), None, offered)
        except ExplainableBertError as error:
            return message(error)

    def strike(*given: Any) -> Iterator[tuple[Any, ...]]:
        question = Question(*given)
        try:
            units = what_if.words(asking.checked(question, offered), offered)
        except ExplainableBertError as error:
            yield message(error), gr.skip(), gr.skip()
            return
        total = len(question.models) * (min(len(units), 50) + 2)
        for seen in watched(lambda: what_if.struck(question, offered), offered, "striking words", total):
            if seen.result is None:
                yield seen.html, gr.skip(), gr.skip()
            else:
                n = len(units)
                html = answers.striking(seen.result, units, 0)
                yield html, (seen.result, units), gr.Slider(maximum=max(n, 1), value=0, visible=True)

    def slide(n_struck: float, kept: tuple[Any, ...]) -> Any:
        curves: tuple[tuple[what_if.Struck, ...], tuple[Unit, ...]] | tuple[()] = kept
        return answers.striking(curves[0], curves[1], int(n_struck)) if curves else ""

    own: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    of_words = [words, erased, text, result]
    tab.select(begin, asked.all, [*of_words, count, curve, drawn], **own)
    words.press(press, [how, erased, *asked.all], of_words, **own)
    how.input(again, [how, erased, *asked.all], of_words, **own)
    gr.on([compare.click, text.submit], edited, [text, *asked.all], result, **own)
    draw.click(strike, asked.all, [curve, drawn, count], **own)
    count.change(slide, [count, drawn], curve, trigger_mode="always_last", **own)


def _effects(question: Question, after: Question, gone: tuple[int, ...] | None, offered: OfferedModels) -> str:
    first = asking.answered(question, offered)
    target = first[0].target
    befores = asking.answered(replace(question, target=target), offered)
    afters = asking.answered(replace(after, target=target), offered)
    foretold: Mapping[str, Any] = {
        name: None if gone is None else what_if.foretold(question, offered.classifier(name), gone)
        for name in question.models
    }
    return answers.effects(
        [
            answers.Effect(name, before, changed, foretold[name])
            for name, before, changed in zip(question.models, befores, afters, strict=True)
        ]
    )


def _batch_tab(offered: OfferedModels) -> None:
    gr.Markdown(f"A file of up to {table.MOST_ROWS:,} texts: {', '.join(table.READABLE)}.")
    with gr.Row():
        uploaded = gr.File(label="File", file_types=list(table.READABLE), type="filepath", height=140)
        with gr.Column():
            column = gr.Dropdown([], label="Column of the texts", interactive=True)
            model = gr.Dropdown(offered.names, value=offered.names[0], label="Model")
    with gr.Row():
        run = gr.Button("Explain all rows", variant="primary", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100)
    trouble = gr.HTML("")
    overview = gr.HTML("")
    rows = gr.Dataframe(label="Rows", interactive=False, visible=False, wrap=True, max_height=520)
    found: Any = gr.State(())
    with gr.Row():
        file_format = gr.Dropdown(("csv", "jsonl", "parquet"), value="csv", label="Download as", min_width=140)
        download = gr.Button("Download", min_width=140)
    file = gr.DownloadButton("File", visible="hidden", elem_id="xb-batch-file")

    def open_(path: str | None) -> tuple[Any, Any]:
        if path is None:
            return gr.Dropdown(choices=[], value=None), ""
        try:
            _, names = table.opened(Path(path))
        except ExplainableBertError as error:
            return gr.Dropdown(choices=[], value=None), message(error)
        return gr.Dropdown(choices=list(names), value=names[0]), ""

    def explain_all(path: str | None, name: str | None, model_name: str) -> Iterator[tuple[Any, ...]]:
        try:
            if path is None or name is None:
                raise InputError("file: none given; choose a file and its column of texts")
            read, _ = table.opened(Path(path))
            classifier = offered.classifier(model_name)
        except ExplainableBertError as error:
            yield message(error), gr.skip(), gr.skip(), gr.skip()
            return
        what = f"explaining {read.num_rows:,} rows"
        work: Callable[[], table.Explained] = lambda: table.explained(classifier, read, name)  # noqa: E731
        for seen in watched(work, offered, what, read.num_rows):
            if seen.result is None:
                yield seen.html, gr.skip(), gr.skip(), gr.skip()
            else:
                import pandas as pd

                frame = pd.DataFrame(list(seen.result.rows))
                yield "", answers.over_file(seen.result, model_name), gr.Dataframe(frame, visible=True), seen.result.rows

    own: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    uploaded.change(open_, uploaded, [column, trouble], **own)
    event = run.click(explain_all, [uploaded, column, model], [trouble, overview, rows, found], **own)
    stop.click(lambda: fragment("stopped.html.j2"), None, trouble, cancels=[event], api_visibility="private")
    _offer_file(download, (found, file_format), file, trouble, _table_file)


def _table_file(rows: tuple[dict[str, object], ...], file_format: str) -> Path:
    if not rows:
        raise InputError("download: no row is explained yet; press Explain all rows first")
    place = _new_folder() / f"explained.{file_format}"
    write_table(list(rows), place)
    return place


def _models_tab(tab: gr.Tab, offered: OfferedModels) -> None:
    known: dict[str, Any] = {}
    page = gr.HTML("")
    with gr.Row():
        measure = gr.Button("Measure")
        stop = gr.Button("Stop", scale=1, min_width=100)
    progress = gr.HTML("")

    def all_cards() -> str:
        try:
            return cards.cards(
                [cards.card(name, offered.folders[name], offered.classifier(name), known.get(name)) for name in offered.names]
            )
        except ExplainableBertError as error:
            return message(error)

    def measure_all() -> Iterator[tuple[Any, Any]]:
        for name in offered.names:
            if name in known:
                continue
            try:
                classifier = offered.classifier(name)
                examples = cards.held_out(offered.folders[name], cards.N_MEASURED)
                cards.check_measurable(name, examples)
            except ExplainableBertError as error:
                yield message(error), gr.skip()
                continue
            # Erasing five shares of words by both methods, and a search that tries every word some times.
            total = sum(len(example.text.split()) ** 2 for example in examples)
            seen: Seen[Any]
            for seen in watched(lambda: cards.measured(classifier, examples), offered, f"measuring {name}", total):  # noqa: B023
                if seen.result is None:
                    yield seen.html, gr.skip()
                else:
                    known[name] = seen.result
                    yield "", all_cards()

    own: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    tab.select(all_cards, None, page, **own)
    event = measure.click(measure_all, None, [progress, page], concurrency_limit=1, **own)
    stop.click(lambda: fragment("stopped.html.j2"), None, progress, cancels=[event], api_visibility="private")


def _endpoints(offered: OfferedModels) -> None:
    """What programs may ask for: Gradio documents it at /?view=api."""

    def models() -> list[dict[str, Any]]:
        """The models offered, with their designs and labels."""
        found = [(name, offered.classifier(name)) for name in offered.names]
        return [{"model": name, "design": it.provenance.design, "labels": list(it.labels)} for name, it in found]

    def predict(text: str, model: str) -> dict[str, Any]:
        """A model's label and probabilities for one text."""
        try:
            question = asking.checked(replace(_default(offered), text=text, first=model, second=NONE), offered)
            return asdict(offered.classifier(model).predict([question.texts])[0])
        except ExplainableBertError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def explain(text: str, model: str, method: str, target: str, level: str) -> dict[str, Any]:
        """A text's explanation: units with scores for `target` ("as predicted", or a label); level word or token."""
        try:
            question = Question(text, "", model, NONE, method, target, level)  # type: ignore[arg-type]  # checked next
            return asdict(asking.answered(question, offered)[0])
        except ExplainableBertError as error:
            raise gr.Error(str(error), print_exception=False) from error

    for endpoint in (models, predict, explain):
        gr.api(endpoint, api_name=endpoint.__name__, api_description=endpoint.__doc__)
