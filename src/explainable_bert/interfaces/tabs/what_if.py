"""The What if tab: words to press, a text to edit, and words struck in order of importance."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from explainable_bert.errors import ExplainableBertError
from explainable_bert.interfaces.page import answers, asking, what_if
from explainable_bert.interfaces.page.asking import Question
from explainable_bert.interfaces.page.fragments import message
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.what_if import How, Struck
from explainable_bert.interfaces.page.working import watched
from explainable_bert.interfaces.tabs.explain import OWN, Asked
from explainable_bert.records import Unit

Drawn = tuple[tuple[Struck, ...], tuple[Unit, ...]]
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


@dataclass(frozen=True)
class _Handlers:
    """What happens on events; each returns what its outputs become."""

    offered: OfferedModels

    def begin(self, *given: Any) -> tuple[Any, ...]:
        """The words of the Explain tab's text, none of them pressed."""
        question, cleared = Question.of(*given), (gr.Slider(value=0, visible=False), "", ())
        try:
            units = what_if.words(asking.checked(question, self.offered), self.offered)
        except ExplainableBertError as error:
            return message(error), (), "", "", *cleared
        return answers.pressable(units, set(), "mask"), (), question.text, "", *cleared

    def press(self, how: How, gone: tuple[int, ...], event: gr.EventData, *given: Any) -> tuple[Any, ...]:
        """The word of the event is pressed, or let go."""
        return self.shown(how, tuple(sorted(set(gone) ^ {int(event.word)})), *given)

    def shown(self, how: How, gone: tuple[int, ...], *given: Any) -> tuple[Any, ...]:
        """Words, pressed words, changed text and what the models make of it."""
        question = Question.of(*given)
        try:
            units = what_if.words(asking.checked(question, self.offered), self.offered)
            text, pair = what_if.changed(question, self.offered, gone, how)
            effects = self._effects(question, replace(question, text=text, pair=pair), gone) if gone else ""
        except ExplainableBertError as error:
            return gr.skip(), gone, gr.skip(), message(error)
        return answers.pressable(units, set(gone), how), gone, text, effects

    def edited(self, changed_text: str, *given: Any) -> str:
        """What the models make of a text that was edited by hand."""
        question = Question.of(*given)
        try:
            asking.checked(question, self.offered)
            return self._effects(question, replace(question, text=changed_text), None)
        except ExplainableBertError as error:
            return message(error)

    def strike(self, *given: Any) -> Iterator[tuple[Any, ...]]:
        """The curves, with no word struck yet; progress in between."""
        question = Question.of(*given)
        try:
            units = what_if.words(asking.checked(question, self.offered), self.offered)
        except ExplainableBertError as error:
            yield message(error), gr.skip(), gr.skip()
            return
        work = partial(what_if.struck, question, self.offered)
        for seen in watched(work, self.offered, "striking words", what_if.n_passes_struck(question, len(units))):
            if seen.result is None:
                yield seen.html, gr.skip(), gr.skip()
            else:
                slider = gr.Slider(maximum=max(len(units), 1), value=0, visible=True)
                yield answers.striking(seen.result, units, 0), (seen.result, units), slider

    def slide(self, n_struck: float, drawn: Drawn | tuple[()]) -> Any:
        """The curves with so many words struck."""
        return answers.striking(*drawn, int(n_struck)) if drawn else ""

    def _effects(self, question: Question, after: Question, gone: tuple[int, ...] | None) -> str:
        target = asking.answered(replace(question, second=asking.NONE), self.offered)[0].target
        befores, afters = (asking.answered(replace(asked, target=target), self.offered) for asked in (question, after))
        found = []
        for name, before, changed in zip(question.models, befores, afters, strict=True):
            foretold = None if gone is None else what_if.foretold(question, self.offered.classifier(name), gone)
            found.append(answers.Effect(name, before, changed, foretold))
        return answers.effects(found)


def what_if_tab(tab: gr.Tab, offered: OfferedModels, asked: Asked) -> None:
    """Lay out the tab and wire it; its question is that of the Explain tab."""
    handlers = _Handlers(offered)
    gr.Markdown("Press a word to take it out of the text of the Explain tab, or edit the text below.")
    how = gr.Radio(what_if.HOWS, value="mask", label="A pressed word is")
    words, gone = gr.HTML("", js_on_load=_PRESSING), gr.State(())
    with gr.Row():
        text = gr.Textbox(label="Changed text", lines=1, max_lines=8, scale=4)
        compare = gr.Button("Compare", variant="primary", scale=1, min_width=120)
    result = gr.HTML("")
    gr.Markdown("### Strike words in order of importance")
    draw = gr.Button("Draw the curves")
    count = gr.Slider(0, 1, value=0, step=1, label="Words struck", visible=False)
    curve, drawn = gr.HTML(""), gr.State(())
    of_words = [words, gone, text, result]
    tab.select(handlers.begin, asked.all, [*of_words, count, curve, drawn], **OWN)
    words.press(handlers.press, [how, gone, *asked.all], of_words, **OWN)
    how.input(handlers.shown, [how, gone, *asked.all], of_words, **OWN)
    gr.on([compare.click, text.submit], handlers.edited, [text, *asked.all], result, **OWN)
    draw.click(handlers.strike, asked.all, [curve, drawn, count], **OWN)
    count.change(handlers.slide, [count, drawn], curve, trigger_mode="always_last", **OWN)
