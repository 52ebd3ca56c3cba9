"""Setting lines: nothing lost, lines within their width, words in reading order in both directions."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert.export.drawing.typesetting import Setting, direction, set_lines
from explainable_bert.export.strips import Piece

# Every character is one point wide, values half a point, so that places can be counted.
SETTING = Setting(10.0, lambda word: float(len(word)), lambda value: len(value) / 2)


def shown(text, setting=SETTING, **piece):
    return ["".join(placed.atom.text for placed in line) for line in set_lines([Piece(text, **piece)], setting)]


def test_lines_break_between_words_and_where_the_text_does():
    assert shown("one two three") == ["one two", "three"]
    assert shown("a\n\nb") == ["a", "", "b"]
    assert shown("  a\tb") == ["  a    b"]
    assert shown("") == [""]


def test_a_full_stop_stays_with_its_word():
    pieces = [Piece("one two", 1.0, 1.0, "towards"), Piece(" "), Piece("ab", 1.0, 1.0, "towards"), Piece("!.")]
    lines = set_lines(pieces, SETTING)
    assert ["".join(placed.atom.text for placed in line) for line in lines] == ["one two", "ab!."]


def test_words_wider_than_a_line_are_broken():
    assert shown("x " + "a" * 25) == ["x", "a" * 10, "a" * 10, "a" * 5]


def test_ideographs_may_break_anywhere_but_before_punctuation():
    assert shown("一二三四五六七八九十，一") == ["一二三四五六七八九", "十，一"]


def test_right_to_left_words_run_from_the_right():
    (line,) = set_lines([Piece("אב גד (ה)")], SETTING)
    places = [("(ה)", 1.0), (" ", 4.0), ("גד", 5.0), (" ", 7.0), ("אב", 8.0)]
    assert [(placed.atom.text, placed.x) for placed in line] == places


def test_a_run_of_the_other_direction_keeps_its_order():
    assert shown("אב to be") == ["to be אב"]
    assert shown("to אב גד") == ["to גד אב"]
    assert shown("ab 12 אב") == ["ab 12 אב"]


def test_a_bracket_alone_faces_the_reading_direction():
    pieces = [Piece("אב"), Piece("(", 1.0, 1.0, "towards")]
    (line,) = set_lines(pieces, SETTING)
    assert [placed.atom.text for placed in line] == [")", "אב"]


def test_the_first_letter_decides_the_direction():
    assert [direction(text) for text in ("12 ab א", "«א ab", "12 !", "")] == ["left", "right", "", ""]


def test_a_value_makes_room_for_itself():
    setting = Setting(10.0, SETTING.measure, SETTING.measure_value, shows_values=True)
    pieces = [Piece("a", 1.0, 1.0, "towards", "+1.00"), Piece("b", 1.0, 1.0, "towards", "+1.00")]
    (line,) = set_lines(pieces, setting)
    # Five characters and a space on both sides, half a point each.
    assert [(placed.atom.shown, placed.atom.width, placed.x) for placed in line] == [
        ("+1.00", 3.5, 0.0),
        ("+1.00", 3.5, 3.5),
    ]


words = st.text("ab .(,אב一二，\n\t", max_size=40)


@settings(deadline=None)
@given(st.lists(words, max_size=5), st.booleans())
def test_no_letter_is_lost_and_no_line_is_too_wide(texts, values):
    setting = Setting(10.0, SETTING.measure, SETTING.measure_value, shows_values=values)
    lines = set_lines([Piece(text, 1.0, 1.0, "towards", "+1.00") for text in texts], setting)
    found = "".join(placed.atom.text for line in lines for placed in line if not placed.atom.is_space)
    # A bracket may have been turned round.
    assert sorted(found.replace(")", "(")) == sorted(re.sub(r"\s", "", "".join(texts)))
    for line in lines:
        letters = [placed for placed in line if not placed.atom.is_space]
        assert all(-1e-6 <= placed.x and placed.x + placed.atom.width <= 10 + 1e-6 for placed in letters)
