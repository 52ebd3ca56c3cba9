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
from explainable_bert.interfaces.tabs.explain import OWN, offer_stop
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

    def measure(self) -> Iterator[tuple[str, Any, Any]]:
        """What became of each model so far, the cards with what was measured, and whether there is work to stop."""
        names = [name for name in self.offered.names if name not in self.known]
        if not names:
            yield fragment("note.html.j2", told="Every model is measured."), gr.skip(), gr.skip()
        before = ""
        for number, name in enumerate(names, start=1):
            told = ""
            for told, shown, stop in self._measure(name, f"measuring {name}, model {number} of {len(names)}"):
                yield before + told, shown, stop
            before += told

    def _card(self, name: str) -> cards.Card:
        classifier = self.offered.classifier(name)
        return cards.card(name, self.offered.folders[name], classifier, self.known.get(name))

    def _measure(self, name: str, what: str) -> Iterator[tuple[str, Any, Any]]:
        try:
            classifier = self.offered.classifier(name)
            examples = cards.held_out(self.offered.folders[name], cards.N_MEASURED)
            cards.check_measurable(name, examples)
        except ExplainableBertError as error:
            yield message(error), gr.skip(), gr.Button(interactive=False)
            return
        work = partial(cards.measured, classifier, examples)
        for seen in watched(work, self.offered, what, cards.n_passes(examples)):
            if seen.result is None:
                yield seen.html, gr.skip(), gr.Button(interactive=seen.working)
            else:
                self.known[name] = seen.result
                told = fragment("note.html.j2", told=f"{name} is measured: see its card.")
                yield told, self.all_cards(), gr.Button(interactive=False)


def models_tab(tab: gr.Tab, offered: OfferedModels) -> None:
    """Lay out the tab and wire it."""
    handlers = _Handlers(offered)
    page = gr.HTML(fragment("note.html.j2", told="Reading what is known of each model ..."))
    # Apart from the cards, so that it stays open when these are drawn anew.
    gr.HTML(cards.limits())
    with gr.Row():
        measure = gr.Button("Measure", scale=4)
        stop = gr.Button("Stop", scale=1, min_width=100, interactive=False)
    progress = gr.HTML("")
    tab.select(handlers.all_cards, None, page, **OWN)
    event = measure.click(handlers.measure, None, [progress, page, stop], concurrency_limit=1, **OWN)
    offer_stop(stop, progress, [event])
