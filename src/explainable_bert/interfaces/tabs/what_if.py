"""The What if tab: words to press, a text to edit, and words struck in order of importance."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import gradio as gr

from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.interfaces.page import answers, asking, what_if
from explainable_bert.interfaces.page.asking import Question
from explainable_bert.interfaces.page.fragments import message
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.what_if import How, Struck
from explainable_bert.interfaces.page.working import watched
from explainable_bert.interfaces.tabs.explain import OWN, Asked
from explainable_bert.records import Unit
from explainable_bert.text.encoding import is_blank

_GONE: Mapping[How, str] = {"mask": "masked", "delete": "deleted"}
Drawn = tuple[tuple[Struck, ...], tuple[Unit, ...]]
# Words are buttons; the pressed one keeps the focus when they are drawn anew.
_PRESSING = """
let last = null;
element.addEventListener('click', (event) => {
  const word = event.target.closest('button.word');
  if (word) { last = word.dataset.word; trigger('press', {word: Number(last)}); }
});
watch('value', () => {
  // The focus is nowhere once the button that had it is gone; whoever has it otherwise keeps it.
  const lost = document.activeElement === null || document.activeElement === document.body;
  const word = last === null || !lost ? null : element.querySelector(`button.word[data-word="${last}"]`);
  if (word) { word.focus(); }
});
"""


_EDITED = "These are the words of the text as you edited it: press one to go on from there."
_EDITED_BEFORE = (
    "You had edited the text: it is compared below, and these are its words. Press the one you meant again."
)


@dataclass(frozen=True)
class _Begun:
    """What is being changed: `asked` by the Explain tab, `base` with its words, and `text` without those of `gone`.

    The two questions differ once the text has been edited by hand.
    """

    asked: Question
    base: Question
    gone: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class _Handlers:
    """What happens on events; each returns what its outputs become: mostly words, what is begun, text and effects."""

    offered: OfferedModels

    def begin(self, begun: _Begun | None, *given: Any) -> tuple[Any, ...]:
        """The words of the Explain tab's text, none of them pressed, unless they are here already; no curves."""
        question = replace(Question.of(*given), shown=())
        if begun is not None and begun.asked == question:
            return (gr.skip(),) * 7
        return self.begin_again(*given)

    def begin_again(self, *given: Any) -> tuple[Any, ...]:
        """The same, whatever was changed here."""
        question, cleared = replace(Question.of(*given), shown=()), (gr.Slider(value=0, visible=False), "", ())
        try:
            if is_blank(question.text):
                raise InputError("text: none in the Explain tab yet; type a sentence there")
            units = what_if.words(asking.checked(question, self.offered), self.offered)
        except ExplainableBertError as error:
            return message(error), None, "", "", *cleared
        begun = _Begun(question, question, (), question.text)
        return answers.pressable(units, set(), "mask"), begun, question.text, "", *cleared

    def press(self, how: How, begun: _Begun | None, text: str | None, event: gr.EventData) -> tuple[Any, ...]:
        """The word of the event is pressed, or let go."""
        if begun is None:
            return (gr.skip(),) * 4
        if (text or "") != begun.text:
            return self._edited(how, begun, text or "", _EDITED_BEFORE)
        return self._shown(how, replace(begun, gone=tuple(sorted(set(begun.gone) ^ {int(event.word)}))))

    def switch(self, how: How, begun: _Begun | None, text: str | None) -> tuple[Any, ...]:
        """Pressed words are taken out in the other way; an edited text stays as it is."""
        if begun is None or (text or "") != begun.text:
            return (gr.skip(),) * 4
        return self._shown(how, begun)

    def compare(self, how: How, begun: _Begun | None, text: str | None) -> tuple[Any, ...]:
        """What the models make of the text in the box."""
        if begun is not None and (text or "") != begun.text:
            return self._edited(how, begun, text or "", _EDITED)
        if begun is not None and begun.gone:
            return self._shown(how, begun)
        unchanged = InputError("changed text: it is still the same; press a word, or edit it")
        return gr.skip(), gr.skip(), gr.skip(), message(unchanged)

    def _shown(self, how: How, begun: _Begun) -> tuple[Any, ...]:
        base, gone = begun.base, begun.gone
        note = "" if base == begun.asked else _EDITED
        try:
            units = what_if.words(base, self.offered)
            text, pair = what_if.changed(base, self.offered, gone, how)
            effects = self._effects(base, replace(base, text=text, pair=pair), gone) if gone else ""
        except ExplainableBertError as error:
            return gr.skip(), gr.skip(), gr.skip(), message(error)
        return answers.pressable(units, set(gone), how, note), replace(begun, text=text), text, effects

    def _edited(self, how: How, begun: _Begun, text: str, note: str) -> tuple[Any, ...]:
        """An edited text is compared with what it was before, and from then on it is its words that are pressed."""
        base = replace(begun.base, text=text)
        try:
            units = what_if.words(asking.checked(base, self.offered), self.offered)
            effects = self._effects(begun.base, base, None)
        except ExplainableBertError as error:
            return gr.skip(), gr.skip(), gr.skip(), message(error)
        return answers.pressable(units, set(), how, note), _Begun(begun.asked, base, (), text), text, effects

    def strike(self, begun: _Begun | None) -> Iterator[tuple[Any, ...]]:
        """The curves, with no word struck yet; progress in between."""
        if begun is None:
            yield message(InputError("text: none yet; there is no word to strike")), gr.skip(), gr.skip()
            return
        question = begun.base
        try:
            units = what_if.words(question, self.offered)
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

    def slide(self, n_struck: float | None, drawn: Drawn | tuple[()]) -> Any:
        """The curves with so many words struck."""
        if not drawn:
            return ""
        curves, units = drawn
        return answers.striking(curves, units, min(max(int(n_struck or 0), 0), len(units)))

    def _effects(self, question: Question, after: Question, gone: tuple[int, ...] | None) -> str:
        befores = asking.answered(question, self.offered)
        afters = asking.answered(replace(after, target=befores[0].target), self.offered)
        found = []
        for name, before, changed in zip(question.models, befores, afters, strict=True):
            forecast = None if gone is None else what_if.forecast(question, self.offered.classifier(name), gone)
            found.append(answers.Effect(name, before, changed, forecast))
        return answers.effects(found)


def what_if_tab(tab: gr.Tab, offered: OfferedModels, asked: Asked) -> None:
    """Lay out the tab and wire it; its question is that of the Explain tab."""
    handlers = _Handlers(offered)
    gr.Markdown(
        "Press a word to take it out of the text of the Explain tab, or edit the text below. A masked word becomes "
        "[MASK], once for each piece that the model reads it in."
    )
    how = gr.Radio([(_GONE[way], way) for way in what_if.HOWS], value="mask", label="A pressed word is")
    words, begun = gr.HTML("", js_on_load=_PRESSING), gr.State(None)
    with gr.Row():
        text = gr.Textbox(label="Changed text", lines=1, max_lines=8, scale=4)
        compare = gr.Button("Compare", variant="primary", scale=1, min_width=120)
        again = gr.Button("Start again", scale=1, min_width=120)
    result = gr.HTML("")
    gr.Markdown("### Strike words in order of importance")
    draw = gr.Button("Draw the curves")
    count = gr.Slider(0, 1, value=0, step=1, label="Words struck", visible=False)
    curve, drawn = gr.HTML(""), gr.State(())
    of_words, all_of_it = [words, begun, text, result], [words, begun, text, result, count, curve, drawn]
    tab.select(handlers.begin, [begun, *asked.all], all_of_it, **OWN)
    again.click(handlers.begin_again, asked.all, all_of_it, **OWN)
    words.press(handlers.press, [how, begun, text], of_words, **OWN)
    how.input(handlers.switch, [how, begun, text], of_words, **OWN)
    gr.on([compare.click, text.submit], handlers.compare, [how, begun, text], of_words, **OWN)
    draw.click(handlers.strike, begun, [curve, drawn, count], **OWN)
    # Gradio would refuse a number beyond the ends; here it is the end.
    count.change(handlers.slide, [count, drawn], curve, trigger_mode="always_last", preprocess=False, **OWN)
