"""Strips: text made visible, scores made readable, notes in words."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert.export.strips import cut, format_score, notes, one_line, scale_note, visible
from explainable_bert.records import Prediction
from export_samples import explain, words_of

any_text = st.text(st.characters(exclude_categories=[]), max_size=30)


def test_visible_replaces_what_could_act_and_nothing_else():
    assert visible("a\tb\nc é 好 👍🏽 <&>") == "a\tb\nc é 好 👍🏽 <&>"
    assert visible("a\r\nb\rc") == "a\nb\nc"
    assert visible("\x00\x1b\x7f\x9b\ud800") == "\u2400\u241b\u2421\ufffd\ufffd"
    assert visible("\u202ex\u2069") == "⟨U+202E⟩x⟨U+2069⟩"


@settings(deadline=None)
@given(any_text)
def test_visible_text_has_no_control_character_left(text):
    codes = {ord(character) for character in visible(text)}
    forbidden = {
        *range(0x20),
        *range(0x7F, 0xA0),
        *range(0xD800, 0xE000),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    }
    assert codes & (forbidden - {0x09, 0x0A}) == set()


@pytest.mark.parametrize(
    ("score", "scale", "signed", "expected"),
    [
        (1.234, 1.234, True, "+1.23"),
        (-0.001, 1.234, True, "+0.00"),
        (-0.0, 1.0, True, "+0.00"),
        (0.0123, 0.0456, False, "0.0123"),
        (123.4, 150.0, True, "+123"),
        (1e-9, 2e-9, True, "+1.00e-09"),
        (12345.0, 12345.0, False, "1.23e+04"),
        (float("nan"), 1.0, True, "+nan"),
        (0.0, 0.0, True, "+0.00"),
    ],
)
def test_format_score(score, scale, signed, expected):
    assert format_score(score, scale, signed) == expected


def test_scores_that_are_not_finite_do_not_set_the_scale():
    strip = cut(explain("a b c", (float("inf"), -2.0, float("nan"))))
    assert strip.scale == 2.0
    assert [piece.intensity for piece in strip.parts[0] if piece.direction != "between"] == [0.0, 1.0, 0.0]
    assert [piece.text for piece in strip.strongest] == ["b"]


def test_a_text_without_any_score_says_so():
    strip = cut(explain("a b", (0.0, 0.0)))
    assert scale_note(strip) == "no score differs from zero on this text"
    assert strip.strongest == ()


def test_what_is_told_as_zero_is_not_among_the_strongest():
    scores = (0.5, -0.0004, 0.0006, -0.00051)
    assert [piece.label for piece in cut(explain("a b c d", scores)).strongest] == ["+0.500", "+0.001", "-0.001"]
    # By a scale that is told with fewer digits there are fewer of them.
    assert [piece.label for piece in cut(explain("a b c d", scores), 50.0).strongest] == ["+0.5"]


def test_notes_tell_what_was_dropped_and_how_the_words_add_up():
    # 0.25 + (0.5 - 1.0 + 0.25 + 0.0) = 0.0, which is 0.5 away from the logit -0.5.
    record = explain(bias=0.25, logit=-0.5)
    assert notes(record) == ("bias 0.250 + sum of words -0.250 = logit -0.500 (unrounded difference 5.0e-01)",)
    assert notes(dataclasses.replace(record, prediction=Prediction("x", {}, 1)))[0] == "1 token at the end was not read"
    assert notes(explain(prediction=Prediction("x", {}, 1234))) == ("1,234 tokens at the end were not read",)
    assert notes(explain()) == ()


def test_non_characters_that_xml_cannot_hold_are_replaced():
    assert visible("a\ufffeb\uffffc") == "a\ufffdb\ufffdc"


def test_names_are_put_on_one_line():
    assert one_line(" a\n\tb\x00 ") == "a b\u2400"


def test_the_constant_is_called_what_it_is():
    record = explain(bias=0.25, logit=0.0)
    assert notes(record)[0].startswith("bias 0.250 + sum of words")
    named = explain(bias=0.25, logit=0.0, bias_name="base\u202eline")
    assert notes(named)[0].startswith("base⟨U+202E⟩line 0.250 + sum of words")


def test_full_colour_may_stand_for_a_given_scale():
    strip = cut(explain(scores=(0.5, -1.0, 0.25, 0.0)), 2.0)
    assert [piece.intensity for piece in strip.parts[0] if piece.is_unit] == [0.25, 0.5, 0.125, 0.0]
    assert cut(explain(scores=(0.5, -1.0, 0.25, 0.0)), 0.5).parts[0][2].intensity == 1.0


def test_what_follows_the_last_unit_was_not_read_if_tokens_were_dropped():
    cut_short = explain("a b c", (1.0, 2.0), words_of("a b"), prediction=Prediction("x", {}, 1))
    assert [(piece.text, piece.direction) for piece in cut(cut_short).parts[0]][-1] == (" c", "unread")
    whole = dataclasses.replace(cut_short, prediction=Prediction("x", {}, 0))
    assert [(piece.text, piece.direction) for piece in cut(whole).parts[0]][-1] == (" c", "between")
    only_space = explain("a b ", (1.0, 2.0), prediction=Prediction("x", {}, 1))
    assert cut(only_space).parts[0][-1].direction == "between"
