"""The page's fragments of HTML: what they say, and that no word of a visitor or of a model can do anything in them."""

import dataclasses

import pytest

from explainable_bert.errors import InputError
from explainable_bert.interfaces.page import answers, asking, what_if
from explainable_bert.interfaces.page.answers import Effect
from explainable_bert.interfaces.page.fragments import fragment, message, style
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.interfaces.page.table import Explained, Push
from explainable_bert.interfaces.page.what_if import Struck
from explainable_bert.records import Prediction, Provenance, Unit
from export_samples import explain, from_vanilla, with_map, words_of
from page_samples import HOSTILE, SEEN, Read, inert, question, save_models

UNITS = words_of(HOSTILE)


def hostile(design="additive", **changes):
    """An explanation whose every word comes from somebody who means harm."""
    return explain(
        HOSTILE,
        [float(number) for number in range(2 * len(UNITS))],
        UNITS + words_of(HOSTILE, part=1),
        text_pair=HOSTILE,
        target=HOSTILE,
        prediction=Prediction(HOSTILE, {HOSTILE: 0.75, "other": 0.25}, 0),
        provenance=Provenance(HOSTILE, design, 2, "0123", "0.1.0", HOSTILE),
        **changes,
    )


def curve(model="m", target="good", order=(0, 1), counts=(0, 1, 2), probabilities=(1.0, 0.5, 0.0)):
    return Struck(model, target, tuple(order), tuple(counts), tuple(probabilities))


# --- answers ---


def test_one_model_answers_without_a_difference():
    read = inert(answers.answer([explain()], values=False))
    assert [element["aria-label"] for element in read.all("section")] == ["Answer of runs/a"]
    assert read.texts("h3") == ["runs/a"]
    assert "says positive" in read.prose
    assert read.texts("li", class_="chosen") == ["positive75.0%"]
    assert "negative25.0%" in read.texts("li")
    assert read.texts("p", class_="text") == ["good bad so so"]
    assert "blue speaks for positive, orange against it." in read.prose
    assert "no direction" not in read.prose
    assert "difference" not in read.prose.lower()


def test_two_models_stand_side_by_side_above_their_difference():
    ours, theirs = explain(), from_vanilla(scores=(1.0, 2.0, 3.0, 4.0), signed=False)
    read = inert(answers.answer([ours, theirs], values=True))
    assert [element["aria-label"] for element in read.all("section")] == [
        "Answer of runs/a", "Answer of runs/b", "Difference of the two models"
    ]  # fmt: skip
    assert read.texts("h3") == ["runs/a", "runs/b", "difference: vanilla · attention minus additive · contributions"]
    first, second, difference = read.texts("p", class_="text valued")
    # Each with its own scores; their difference is one of absolute shares.
    assert first == "good+0.50 bad-1.00 so+0.25 so+0.00"
    assert second == "good1.00 bad2.00 so3.00 so4.00"
    assert difference == "good-0.186 bad-0.371 so+0.157 so+0.400"
    assert "absolute shares of the text's total are compared: how much" in read.prose


def test_effective_words_are_of_each_model():
    even, one = explain(scores=(1.0, 1.0, 1.0, 1.0)), from_vanilla(scores=(0.0, 5.0, 0.0, 0.0))
    sections = inert(answers.answer([even, one], values=False)).texts("section")
    assert "4.0 effective words:" in sections[0]
    assert "1.0 effective words:" in sections[1]


def test_scores_are_written_where_they_are_asked_for():
    assert len(inert(answers.answer([explain()], values=True)).all("ruby")) == 4
    assert inert(answers.answer([explain()], values=False)).all("ruby") == []


def test_what_was_not_read_is_told():
    prediction = Prediction("positive", {"positive": 1.0, "negative": 0.0}, 5)
    assert "5 tokens at the end were not read" in Read(answers.answer([explain(prediction=prediction)], values=0)).prose


def test_a_map_is_drawn_where_there_is_one():
    read = Read(answers.answer([with_map(explain())], values=False))
    (image,) = read.all("img")
    assert image["src"].startswith("data:image/svg+xml;base64,")
    assert image["alt"]
    assert read.all("section", aria_label="Attention maps")
    assert Read(answers.answer([explain()], values=False)).all("img") == []


@pytest.mark.parametrize("values", [False, True])
def test_answers_are_harmless(values):
    ours, theirs = hostile(), hostile("vanilla", signed=False, method="attention")
    read = inert(answers.answer([ours, theirs], values=values))
    assert read.texts("h3")[:2] == [SEEN, SEEN]
    assert read.all("section", aria_label=f"Answer of {SEEN}")
    assert read.texts("li", class_="chosen") == [f"{SEEN}75.0%"] * 2
    assert f"says {SEEN}" in read.prose
    assert f"blue speaks for {SEEN}, orange against it" in read.prose or f"not for or against {SEEN}" in read.prose
    if not values:
        assert read.texts("p", class_="text") == [SEEN] * 6


# --- words to press ---


def test_pressed_words_are_erased_ones():
    read = inert(answers.pressable(words_of("the film is good"), {1, 3}, "delete"))
    buttons = read.all("button", class_="word", type="button")
    assert [(button["text"], button["data-word"], button["aria-pressed"]) for button in buttons] == [
        ("the", "0", "false"), ("film", "1", "true"), ("is", "2", "false"), ("good", "3", "true")
    ]  # fmt: skip
    assert read.all("div", role="group")[0]["aria-label"] == "Words of the text: press one to delete it"
    assert read.all("p") == []


def test_words_of_a_pair_stand_under_their_text():
    units = (*words_of("good film"), *words_of("dull plot", part=1))
    read = inert(answers.pressable(units, {2}, "mask"))
    shown = [element["text"] for element in read.found if element["tag"] in ("p", "button")]
    assert shown == ["first text", "good", "film", "second text", "dull", "plot"]
    assert [button["aria-pressed"] for button in read.all("button")] == ["false", "false", "true", "false"]


def test_words_to_press_are_harmless():
    read = inert(answers.pressable(UNITS, {0}, "mask"))
    assert [button["text"] for button in read.all("button")] == SEEN.split()
    assert [button["aria-pressed"] for button in read.all("button")] == ["true"] + ["false"] * (len(UNITS) - 1)
    (button,) = inert(answers.pressable([Unit(HOSTILE, 0, len(HOSTILE))], set(), "mask")).all("button")
    assert button["text"] == SEEN


# --- before and after ---


def test_effects_are_told_model_by_model():
    after = explain(
        "good so so",
        (0.5, 0.25, 0.0),
        prediction=Prediction("negative", {"positive": 0.3, "negative": 0.7}, 0),
    )
    forecast = {"positive": 0.4, "negative": 0.6}
    read = inert(answers.effects([Effect("a", explain(), after, forecast), Effect("b", from_vanilla(), after, None)]))
    assert read.texts("h3") == ["a", "b"]
    assert read.texts("tr") == [
        "labelbeforeafterforecast", "positive75.0%30.0%40.0%", "negative25.0%70.0%60.0%",
        "labelbeforeafter", "positive75.0%30.0%", "negative25.0%70.0%",
    ]  # fmt: skip
    assert read.texts("p", class_="text") == ["good bad so so", "good so so"] * 2
    first, second = read.texts("section")
    assert "Forecast: what the picture alone says, when" in first
    assert "orecast" not in second


def test_effects_are_harmless():
    read = inert(answers.effects([Effect(HOSTILE, hostile(), hostile(), {HOSTILE: 0.5, "other": 0.5})]))
    assert read.texts("h3") == [SEEN]
    assert read.texts("p", class_="text") == [SEEN] * 4
    assert f"{SEEN}75.0%75.0%50.0%" in read.texts("tr")
    assert read.all("section", aria_label=f"Effect on {SEEN}")


# --- words struck ---


def test_curves_are_drawn_to_scale():
    units = words_of("good film")
    read = inert(answers.striking([curve("a"), curve("b", probabilities=(0.5, 0.5, 0.25))], units, 1))
    drawn = [element["points"] for element in read.all("polyline", class_="curve")]
    # From x 52 (no word) to 396 (all), from y 200 (0 %) to 10 (100 %).
    assert drawn[:2] == ["52.0,10.0 224.0,105.0 396.0,200.0", "52.0,105.0 224.0,105.0 396.0,152.5"]
    (now,) = [line for line in read.all("line", class_="grid") if line["x1"] == line["x2"]]
    assert now["x1"] == "224.0"
    assert read.texts("text") == ["0%", "50%", "100%", "0", "1", "2", "words struck"]
    assert read.all("svg", role="img")[0]["aria-label"] == (
        "Probability of good as words are struck: a from 100% with no word struck to 0% with all; "
        "b from 50% with no word struck to 25% with all"
    )


@pytest.mark.parametrize(
    ("count", "now", "gone"),
    [(0, ("90.0%", "80.0%"), ([], [])), (2, ("60.0%", "80.0%"), (["bad", "so"], ["good", "so"])),
     (4, ("10.0%", "20.0%"), (["good", "bad", "so", "so"],) * 2)],
)  # fmt: skip
def test_words_are_struck_by_each_models_order(count, now, gone):
    curves = [
        curve("a", order=(1, 3, 0, 2), counts=(0, 2, 4), probabilities=(0.9, 0.6, 0.1)),
        curve("b", order=(0, 2, 1, 3), counts=(0, 4), probabilities=(0.8, 0.2)),
    ]
    read = inert(answers.striking(curves, words_of("good bad so so"), count))
    assert f"{count} of 4 words struck" in read.prose
    assert f"Probability of good: a {now[0]}, b {now[1]}." in read.prose
    assert read.texts("span", class_="gone") == [*gone[0], *gone[1]]
    assert read.texts("p", class_="text") == ["good bad so so"] * 2
    assert read.texts("h4") == ["a", "b"]


@pytest.mark.parametrize(("n_words", "ticks"), [(1, ["0", "1"]), (2, ["0", "1", "2"]), (7, ["0", "3", "7"])])
def test_words_are_counted_along_the_axis(n_words, ticks):
    units = words_of("x " * n_words)
    read = inert(answers.striking([curve(order=range(n_words), counts=(0, 1), probabilities=(1.0, 0.5))], units, 0))
    assert [text for text in read.texts("text") if text.isdigit()] == ticks


def test_struck_words_are_harmless():
    shown = curve(HOSTILE, HOSTILE, range(len(UNITS)), (0, len(UNITS)), (0.75, 0.25))
    read = inert(answers.striking([shown], UNITS, 2))
    assert read.texts("p", class_="text") == [SEEN]
    assert read.texts("span", class_="gone") == SEEN.split()[:2]
    assert read.texts("h4") == [SEEN]
    assert f"Probability of {SEEN}: {SEEN} 75.0%." in read.prose
    assert read.all("svg", role="img")[0]["aria-label"].startswith(f"Probability of {SEEN} as words are struck: {SEEN}")


# --- over a file ---


def over(labels=("good", "bad", "good"), pushes=(), skipped=(), signed=True):
    return Explained(tuple({"label": label} for label in labels), tuple(pushes), tuple(skipped), signed)


def test_a_file_is_summed_up_by_label():
    pushes = [Push("dull", "bad", 1.25, 2), Push("great", "good", 0.5, 7), Push("fine", "good", -0.125, 3)]
    read = inert(answers.over_file(over(pushes=pushes), "my model"))
    assert "3 rows read by my model: 2 good, 1 bad." in read.prose
    assert read.texts("h4") == ["bad", "good"]
    assert [table.split()[0] for table in read.texts("table")] == ["wordmeanrows"] * 2
    assert [row for row in read.texts("tr") if row != "wordmeanrows"] == [
        "dull1.2502", "great0.5007", "fine-0.1253"
    ]  # fmt: skip
    assert "mean contribution to its logit" in read.prose
    assert "Left out" not in read.prose


def test_attention_over_a_file_is_not_said_to_push():
    told = inert(answers.over_file(over(signed=False), "m")).prose
    assert "This model's attention has no direction" in told
    assert "contribution" not in told


@pytest.mark.parametrize(
    ("n_rows", "told"),
    [(1, "1 row (row 0)."), (3, "3 rows (row 0; row 1; row 2)."), (4, "4 rows (row 0; row 1; row 2; ...).")],
)
def test_rows_left_out_are_told(n_rows, told):
    read = inert(answers.over_file(over(skipped=[f"row {number}" for number in range(n_rows)]), "m"))
    assert f"Left out, as without a text: {told}" in read.prose


def test_files_are_harmless():
    found = over([HOSTILE], [Push(HOSTILE, HOSTILE, 1.0, 2)], [HOSTILE])
    read = inert(answers.over_file(found, HOSTILE))
    assert f"1 row read by {SEEN}: 1 {SEEN}." in read.prose
    assert read.texts("h4") == [SEEN]
    assert f"{SEEN}1.0002" in read.texts("tr")
    assert f"1 row ({SEEN})" in read.prose
    assert read.all("div", aria_label=f"Words that push {SEEN}")


# --- messages ---


def test_a_mistake_names_what_was_given_first():
    read = inert(message(InputError("text: nothing to read; accepted: a sentence")))
    assert read.texts("b") == ["Text"]
    assert read.texts("div", role="alert") == ["Text: nothing to read; accepted: a sentence"]
    assert inert(message(ValueError("no such thing"))).texts("div", role="alert") == ["no such thing"]
    assert inert(message(ValueError("no such thing"))).all("b") == []


@pytest.mark.parametrize("told", [HOSTILE, f"{HOSTILE}: {HOSTILE}", f"text: {HOSTILE!r} given"])
def test_mistakes_are_harmless(told):
    (shown,) = inert(message(InputError(told))).texts("div", role="alert")
    expected = told.replace(HOSTILE, SEEN)
    assert shown == expected[0].upper() + expected[1:]


def test_what_a_link_asks_for_in_vain_is_harmless():
    read = inert(fragment("link.html.j2", not_offered=[f"model {HOSTILE} is not offered", "method b is not"]))
    assert read.texts("p", class_="warning", role="status") == [
        f"Of what the link asks for, model {SEEN} is not offered; method b is not."
    ]
    assert fragment("link.html.j2", not_offered=()) == ""


def test_progress_is_harmless():
    read = inert(fragment("working.html.j2", what=HOSTILE, done=1, total=2, seconds=3, seconds_left=3))
    assert read.texts("p")[0] == SEEN
    assert read.texts("p")[1].startswith("3 s so far, about 3 s left.")


def test_the_style_sheet_fetches_nothing_and_has_both_sets_of_colours():
    sheet = style()
    assert ":root {" in sheet
    assert ".dark {" in sheet
    assert sheet.count("{") == sheet.count("}")
    assert sheet.count("--ink:") == 2
    assert not any(word in sheet for word in ("{%", "{{", "url(", "@import", "http"))


# --- from a visitor's text to the page ---


def test_a_harmful_text_goes_through_the_models_unharming(stock_folder, tmp_path):
    offered = OfferedModels(save_models(stock_folder, tmp_path))
    asked = question(HOSTILE, first="lexical", second="vanilla", pair=HOSTILE)
    found = asking.answered(asked, offered)
    units = what_if.words(asked, offered)
    text, pair = what_if.changed(asked, offered, [0, 1], "delete")
    after = asking.answered(dataclasses.replace(asked, text=text, pair=pair, target=found[0].target), offered)
    forecast = what_if.forecast(asked, offered.classifier("lexical"), [0, 1])
    shown = {
        "answer": answers.answer(found, values=False),
        "words": answers.pressable(units, {0}, "mask"),
        "effects": answers.effects([Effect("lexical", found[0], after[0], forecast)]),
        "curves": answers.striking(what_if.struck(asked, offered), units, 3),
    }
    read = {name: inert(html) for name, html in shown.items()}
    assert read["answer"].texts("p", class_="text") == [SEEN] * 6
    assert read["effects"].texts("p", class_="text") == [SEEN, SEEN, SEEN.removeprefix("<img").strip(), SEEN]
    assert len(read["words"].all("button")) == len(units)
    assert len(read["curves"].texts("p", class_="text")) == 2
    assert "\u27e8U+202E\u27e9" in read["answer"].prose
