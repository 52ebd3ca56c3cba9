"""The Models tab: what each model is, and how true its pictures are, measured when somebody asks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

from explainable_bert.errors import ExplainableBertError
from explainable_bert.interfaces.page import cards
from explainable_bert.interfaces.page.fragments import fragment, message
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.working import watched
from explainable_bert.interfaces.tabs.explain import OWN
from explainable_bert.results import SummaryRow


@dataclass(frozen=True)
class _Handlers:
    """What happens on events; `known` is kept for all visitors, as it is the same for all."""

    offered: OfferedModels
    known: dict[str, Mapping[str, SummaryRow]] = field(default_factory=dict)

    def all_cards(self) -> str:
        """What is known of the models so far."""
        try:
            return cards.cards([self._card(name) for name in self.offered.names])
        except ExplainableBertError as error:
            return message(error)

    def measure(self) -> Iterator[tuple[Any, Any]]:
        """Trouble or progress, and the cards with what was measured."""
        for name in self.offered.names:
            if name not in self.known:
                yield from self._measure(name)

    def _card(self, name: str) -> cards.Card:
        classifier = self.offered.classifier(name)
        return cards.card(name, self.offered.folders[name], classifier, self.known.get(name))

    def _measure(self, name: str) -> Iterator[tuple[Any, Any]]:
        try:
            classifier = self.offered.classifier(name)
            examples = cards.held_out(self.offered.folders[name], cards.N_MEASURED)
            cards.check_measurable(name, examples)
        except ExplainableBertError as error:
            yield message(error), gr.skip()
            return
        work = partial(cards.measured, classifier, examples)
        for seen in watched(work, self.offered, f"measuring {name}", cards.n_passes(examples)):
            if seen.result is None:
                yield seen.html, gr.skip()
            else:
                self.known[name] = seen.result
                yield "", self.all_cards()


def models_tab(tab: gr.Tab, offered: OfferedModels) -> None:
    """Lay out the tab and wire it."""
    handlers = _Handlers(offered)
    page = gr.HTML("")
    with gr.Row():
        measure = gr.Button("Measure", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100)
    progress = gr.HTML("")
    tab.select(handlers.all_cards, None, page, **OWN)
    event = measure.click(handlers.measure, None, [progress, page], concurrency_limit=1, **OWN)
    stop.click(lambda: fragment("stopped.html.j2"), None, progress, cancels=[event], **OWN)
