"""The web page: its parts, the events between them, and the server that shows it."""

import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import gradio as gr
import gradio.events
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from explainable_bert.errors import ExplainableBertError, InputError, ModelError
from explainable_bert.interfaces.page import asking
from explainable_bert.interfaces.page.asking import NONE, Question
from explainable_bert.interfaces.page.fragments import style
from explainable_bert.interfaces.page.offered import TIME_LIMIT_S, OfferedModels
from explainable_bert.interfaces.tabs.batch import batch_tab
from explainable_bert.interfaces.tabs.explain import explain_tab
from explainable_bert.interfaces.tabs.models import models_tab
from explainable_bert.interfaces.tabs.what_if import what_if_tab
from explainable_bert.records import Long
from explainable_bert.version import __version__

_LARGEST_UPLOAD = "40mb"
_MOST_SESSIONS = 500
# Gradio keeps uploads and downloads; so often, and so old, they are removed.
_CACHE_S = (3600, 3600)
_TITLE = "Explainable BERT"
_INTRODUCTION = (
    f"# {_TITLE}\n"
    "Type a sentence: see what each model decides, which words made it so, and what changes when a word does."
)
# The fonts that are on the machine: nothing is fetched from other hosts.
_FONTS = ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Noto Sans", "sans-serif")
# Whatever a component may try, the browser loads from this server alone.
_POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; object-src 'none'; base-uri 'self'"
)
# Gradio's lists open again when Tab leaves them, and a long one would be a stop of its own on the way: it is the
# browser alone that is to hear of the key.
_LEAVE_LISTS = """
addEventListener('keydown', (event) => {
  if (event.target.role !== 'combobox' || !['Tab', 'Shift'].includes(event.key)) { return; }
  event.stopPropagation();
  document.querySelectorAll('.options, [role=listbox]').forEach((list) => { list.tabIndex = -1; });
}, true);
"""


@dataclass(frozen=True)
class Serving:
    """How the page is served; `auth` is a user's name and password. Port 0 takes a free one. `long`: as models load.

    A question may take `time_limit_s`.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    share: bool = False
    auth: tuple[str, str] | None = None
    max_concurrency: int = 2
    queue_size: int = 64
    long: Long = "window"
    time_limit_s: float = TIME_LIMIT_S


def serve(folders: list[str], serving: Serving, ready: Callable[[str], None], *, block: bool = True) -> gr.Blocks:
    """Load the models, show the page until it is interrupted, and tell `ready` its address.

    Raises InputError or ModelError where a model cannot be offered.
    """
    offered = OfferedModels(folders, serving.long, serving.time_limit_s)
    _check_free(serving)
    for name in offered.names[:2]:
        _load(offered, name)
    blocks = build(offered)
    blocks.queue(max_size=serving.queue_size, default_concurrency_limit=serving.max_concurrency)
    try:
        local, public = _launched(blocks, serving)
    except OSError as error:
        raise _not_free(serving, error) from error
    ready(public or local)
    if block:
        blocks.block_thread()
    return blocks


def _load(offered: OfferedModels, name: str) -> None:
    """Raise ModelError in the words of whoever loads a model: those for visitors of the page hide the reason."""
    try:
        offered.classifier(name)
    except ModelError as error:
        raise ModelError(str(error.__cause__ or error)) from error


def _check_free(serving: Serving) -> None:
    """Raise InputError where the page cannot be served, before models are loaded."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(serving.host, serving.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
    except (OSError, UnicodeError) as error:
        raise _not_free(serving, error) from error


def _not_free(serving: Serving, error: Exception) -> InputError:
    said = f"port: {serving.port} of {serving.host} cannot be used ({getattr(error, 'strerror', None) or error})"
    return InputError(f"{said}; accepted: a free port of an address of this machine")


def _launched(blocks: gr.Blocks, serving: Serving) -> tuple[str, str | None]:
    """The local and the public address of the page."""
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
        # Each visitor costs a little memory until so many newer ones have come.
        state_session_capacity=_MOST_SESSIONS,
        strict_cors=True,
        theme=_theme(),
        # Not as css=, which would put each rule under a selector of its own, colours of dark mode included.
        head=f"<style>{style()}</style><script>{_LEAVE_LISTS}</script>",
        app_kwargs={"routes": [Route("/healthz", _health)], "middleware": [Middleware(_OwnHostOnly)]},
    )
    return local, public


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


def build(offered: OfferedModels) -> gr.Blocks:
    """The page of these models."""
    blocks: gr.Blocks
    with gr.Blocks(title=_TITLE, analytics_enabled=False, delete_cache=_CACHE_S) as blocks:
        # First, as Gradio gives a name once: that of an event of the page would be taken.
        _endpoints(offered)
        gr.Markdown(_INTRODUCTION)
        with gr.Tab("Explain", id="explain"):
            asked = explain_tab(blocks, offered)
        with gr.Tab("What if", id="what-if") as tab:
            what_if_tab(tab, offered, asked)
        with gr.Tab("Batch", id="batch"):
            batch_tab(offered)
        with gr.Tab("Models", id="models") as tab:
            models_tab(tab, offered)
    return blocks


def _endpoints(offered: OfferedModels) -> None:
    """What programs may ask for: "Use via API", at the foot of the page, documents it."""

    def models() -> list[dict[str, Any]]:
        """The models offered, with their designs and labels."""
        found = [(name, offered.classifier(name)) for name in offered.names]
        return [{"model": name, "design": it.provenance.design, "labels": list(it.labels)} for name, it in found]

    def predict(text: str, model: str) -> dict[str, Any]:
        """A model's label and probabilities for one text."""
        try:
            question = asking.checked(
                replace(asking.first_question(offered), text=text, first=model, second=NONE), offered
            )
            with offered.watched():
                return asdict(offered.classifier(model).predict([question.texts])[0])
        except ExplainableBertError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def explain(text: str, model: str, method: str, target: str, level: str) -> dict[str, Any]:
        """A text's explanation: units with scores for `target` ("as predicted", or a label); level word or token."""
        try:
            question = Question(text, "", model, NONE, method, target, level)  # type: ignore[arg-type]  # checked next
            with offered.watched():
                return asdict(asking.answered(question, offered)[0])
        except ExplainableBertError as error:
            raise gr.Error(str(error), print_exception=False) from error

    for endpoint in (models, predict, explain):
        gradio.events.api(endpoint, api_name=endpoint.__name__, api_description=endpoint.__doc__)
