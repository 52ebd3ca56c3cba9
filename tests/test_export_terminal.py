"""Terminal text: every word with its score, readable without colour, and nothing that a terminal would act on."""

import io
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from explainable_bert.errors import InputError
from explainable_bert.export.terminal import sheet_to_terminal, to_terminal
from explainable_bert.records import Explanation, Prediction, Unit
from export_samples import explain, from_vanilla, words_of

any_text = st.text(st.characters(exclude_categories=[]), max_size=30)


def console_output(shown, **settings):
    stream = io.StringIO()
    Console(file=stream, width=200, _environ={}, **settings).print(
        to_terminal(shown) if isinstance(shown, Explanation) else shown
    )
    return stream.getvalue()


def test_terminal_shows_every_word_with_its_score_without_colour():
    record = explain(bias=0.25, logit=0.0, prediction=Prediction("positive", {"positive": 0.75}, 3))
    lines = console_output(record, no_color=True, force_terminal=False).splitlines()
    assert [line.rstrip() for line in lines] == [
        "predicted positive 75.0% · target positive · design additive · method contributions",
        "",
        "good(+0.50) bad(-1.00) so(+0.25) so(+0.00)",
        "",
        " +  towards positive   -  against positive  (full colour = 1.00, the largest on this text)",
        "3 tokens at the end were not read",
        "bias 0.250 + sum of words -0.250 = logit 0.000 (unrounded difference 0.0e+00)",
    ]


def test_terminal_colours_follow_the_sign():
    coloured = console_output(explain(), force_terminal=True, color_system="truecolor")
    assert "48;2;90;169;230m + " in coloured
    assert "48;2;242;153;74mbad\x1b[0m" in coloured
    # Half of the scale: half way from white, 255 + 0.5 * (90 - 255) = 172.5 and so on.
    assert re.search(r"48;2;172;212;242mgood\x1b\[0m", coloured)


def test_terminal_pair_and_unsigned_scores():
    units = [Unit("one", 0, 3, 0), Unit("two", 0, 3, 1)]
    record = explain("one", (1.0, 0.5), units, text_pair="two", signed=False)
    output = console_output(record, no_color=True)
    assert "first text\none(1.00)\nsecond text\ntwo(0.50)\n" in output
    assert "how much, without a direction" in output


@settings(deadline=None)
@given(any_text)
def test_terminal_output_has_no_escape_or_control_from_the_text(text):
    units = [Unit(text, 0, len(text))]
    record = explain(text, (1.0,), units, text_pair=text, target=text, prediction=Prediction(text, {text: 1.0}, 0))
    output = console_output(record, force_terminal=True, color_system="truecolor")
    plain = re.sub(r"\x1b\[[\d;]*m", "", output)
    assert not {character for character in plain if ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0} - {"\n"}


def test_terminal_neutralises_escape_sequences_and_ignores_markup():
    hostile = "\x1b[31mred\x1b]0;title\x07 [bold]x[/bold] :smile:"
    record = explain(hostile, (1.0,), [Unit("red", 5, 8)])
    coloured = console_output(record, force_terminal=True, color_system="truecolor")
    assert "\x1b[31m" not in coloured
    assert "\x1b]" not in coloured
    plain = console_output(record, no_color=True)
    assert "␛[31mred(+1.00)␛]0;title␇ [bold]x[/bold] :smile:" in plain


def test_several_texts_are_separated_by_rules():
    output = console_output(sheet_to_terminal([explain(), explain("other", (1.0,))]), no_color=True)
    lines = output.splitlines()
    assert [line.strip("─ ") for line in lines if "──" in line] == ["text 1 of 2", "text 2 of 2"]
    assert "other(+1.00)" in output
    assert "──" not in console_output(sheet_to_terminal([explain()]), no_color=True)


def test_two_models_and_their_difference():
    shown = sheet_to_terminal([explain("a b", (1.0, -3.0))], [from_vanilla(text="a b", scores=(1.0, 1.0))])
    lines = [line.rstrip() for line in console_output(shown, no_color=True).splitlines()]
    # Shares are 0.25, -0.75 and 0.5, 0.5; the differences 0.25 and 1.25, which is the scale.
    assert [line for line in lines if line.startswith("a(")] == [
        "a(+0.25) b(-0.75)",
        "a(+0.50) b(+0.50)",
        "a(+0.25) b(+1.25)",
    ]
    assert "difference: vanilla · attention minus additive · contributions" in lines
    assert " +  more in vanilla · attention   -  more in additive · contributions" in "".join(lines)
    assert "(full colour = 1.25 of the text's total |score|, in all three rows)" in "".join(lines)


def test_models_that_split_the_text_differently_are_not_compared():
    other = from_vanilla(text="a b", scores=(1.0,), units=words_of("a"))
    with pytest.raises(InputError, match="the models split the text differently"):
        sheet_to_terminal([explain("a b", (1.0, -3.0))], [other])


def test_what_was_not_read_is_dim():
    record = explain("a b c", (1.0, 2.0), words_of("a b"), prediction=Prediction("x", {}, 1))
    assert "\x1b[2m c\x1b[0m" in console_output(record, force_terminal=True, color_system="truecolor")
