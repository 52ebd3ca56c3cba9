"""What a comparison says in words, read as a reader would: what is better, worse, equal, open, and by how much."""

import pytest

from explainable_bert.comparison.verdicts import verdicts
from explainable_bert.results import Pair, SummaryRow

FAITHFULNESS = "range-normalised-comprehensiveness"
OPEN = "no difference shown"
LAST = (
    "None of this says that the explanation of a single text is right: these are means over texts, and each picture "
    "is to be read with its own notes."
)


def pair(metric, difference, low, high, verdict, method=None, a="alpha", b="beta", smallest=0.021, margin=None):
    p = None if difference is None else 0.01
    return Pair(
        a, b, method, metric, difference, low, high, p, p, verdict, 500, smallest_detectable=smallest, margin=margin
    )


def accuracy(difference, low, high, verdict, **changes):
    changes.setdefault("margin", 0.005)
    return pair("accuracy", difference, low, high, verdict, **changes)


def faithful(model, value, low=None, high=None, method="built-in"):
    return SummaryRow(model, "additive", method, FAITHFULNESS, value, low, high, 200)


def right(model, value):
    return SummaryRow(model, "additive", None, "accuracy", value, None, None, 500)


def said(*pairs, rows=()):
    """The sentences but the last, which is always the same."""
    *sentences, last = verdicts(rows, pairs)
    assert last == LAST
    return sentences


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            accuracy(0.02, 0.005, 0.035, "better"),
            "Accuracy: alpha is more accurate than beta by 2.0 points (95 % interval 0.5 to 3.5).",
        ),
        (
            accuracy(-0.02, -0.035, -0.005, "worse"),
            "Accuracy: alpha is less accurate than beta by 2.0 points (95 % interval 0.5 to 3.5).",
        ),
        (
            # McNemar and the interval may disagree at the edge: what lies beyond zero keeps its sign.
            accuracy(0.02, -0.003, 0.043, "better"),
            "Accuracy: alpha is more accurate than beta by 2.0 points (95 % interval -0.3 to 4.3).",
        ),
        (
            accuracy(-0.02, -0.043, 0.003, "worse"),
            "Accuracy: alpha is less accurate than beta by 2.0 points (95 % interval -0.3 to 4.3).",
        ),
        (
            # And what rounds to zero has none.
            accuracy(-0.02, -0.043, 0.0001, "worse"),
            "Accuracy: alpha is less accurate than beta by 2.0 points (95 % interval 0.0 to 4.3).",
        ),
        (
            accuracy(0.001, -0.002, 0.003, "equivalent"),
            "Accuracy: shown to lie within 0.5 points of each other: alpha and beta.",
        ),
        (
            # A margin is not rounded: within 0.2 would say more than was shown.
            accuracy(0.001, -0.002, 0.003, "equivalent", margin=0.0025),
            "Accuracy: shown to lie within 0.25 points of each other: alpha and beta.",
        ),
        (
            accuracy(0.01, -0.005, 0.025, OPEN),
            "Accuracy: no difference shown between alpha and beta, where one of 2.1 points would have been found with "
            "a chance of 80 % or more.",
        ),
        (
            accuracy(0.0, 0.0, 0.0, OPEN, smallest=None),
            "Accuracy: no difference at all, though none is ruled out by these texts, between alpha and beta.",
        ),
        (
            accuracy(0.5, 0.5, 0.5, OPEN, smallest=None),
            "Accuracy: no difference shown between alpha and beta, and these texts are too few to say how large a "
            "difference would have been found.",
        ),
        (
            accuracy(None, None, None, OPEN, smallest=None),
            "Accuracy: it could not be tested on these texts for alpha and beta.",
        ),
        (
            pair(FAITHFULNESS, -0.31, -0.4, -0.2, "worse", "built-in"),
            "Faithfulness of a model's own explanation (0: random order, 1: best found): alpha explains itself less "
            "faithfully than beta by 0.31 (95 % interval 0.20 to 0.40).",
        ),
        (
            pair(FAITHFULNESS, 0.31, 0.2, 0.4, "better", "built-in"),
            "Faithfulness of a model's own explanation (0: random order, 1: best found): alpha explains itself more "
            "faithfully than beta by 0.31 (95 % interval 0.20 to 0.40).",
        ),
        (
            pair("effective-words", 3.2, 2.9, 3.6, "higher", "built-in"),
            "Sharpness of a model's own explanation: alpha is less sharp than beta by 3.20 effective words "
            "(95 % interval 2.90 to 3.60).",
        ),
        (
            pair("effective-words", -3.2, -3.6, -2.9, "lower", "built-in"),
            "Sharpness of a model's own explanation: alpha is sharper than beta by 3.20 effective words "
            "(95 % interval 2.90 to 3.60).",
        ),
        (
            pair("token-f1", 0.1, 0.05, 0.15, "better", "built-in"),
            "Agreement of a model's own explanation with people, in token-F1: alpha agrees more with people than beta "
            "by 0.10 (95 % interval 0.05 to 0.15).",
        ),
        (
            pair("token-f1", -0.1, -0.15, -0.05, "worse", "built-in"),
            "Agreement of a model's own explanation with people, in token-F1: alpha agrees less with people than beta "
            "by 0.10 (95 % interval 0.05 to 0.15).",
        ),
    ],
)
def test_one_pair(found, sentence):
    assert said(found) == [sentence]


def test_several_pairs_make_one_sentence():
    found = [
        accuracy(0.02, 0.005, 0.035, "better"),
        accuracy(0.0, -0.004, 0.004, "equivalent", b="gamma"),
        accuracy(0.01, -0.01, 0.03, OPEN, b="delta", smallest=0.028),
        accuracy(-0.02, -0.035, -0.005, "worse", a="beta", b="gamma"),
        accuracy(0.0, -0.004, 0.004, "equivalent", a="gamma", b="beta"),
        accuracy(0.01, -0.01, 0.03, OPEN, a="beta", b="delta", smallest=0.031),
        accuracy(None, None, None, OPEN, a="gamma", b="delta", smallest=None),
    ]
    # Of several that stay open, the size that would have been found in any of them.
    assert said(*found) == [
        "Accuracy: alpha is more accurate than beta by 2.0 points (95 % interval 0.5 to 3.5); "
        "beta is less accurate than gamma by 2.0 points (95 % interval 0.5 to 3.5); "
        "shown to lie within 0.5 points of each other: alpha and gamma, gamma and beta; "
        "no difference shown between alpha and delta, beta and delta, where one of 3.1 points would have been found "
        "with a chance of 80 % or more; "
        "it could not be tested on these texts for gamma and delta."
    ]


def test_only_what_models_say_of_themselves_gets_a_sentence():
    assert (
        said(
            pair(FAITHFULNESS, 0.3, 0.2, 0.4, "better", "occlusion"),
            pair("effective-words", 0.3, 0.2, 0.4, "higher", "integrated-gradients"),
            pair("expected-calibration-error", 0.3, 0.2, 0.4, "worse"),
        )
        == []
    )


def test_topics_come_in_the_order_of_their_weight():
    found = [
        pair("token-f1", 0.1, 0.05, 0.15, "better", "built-in"),
        pair("effective-words", 3.2, 2.9, 3.6, "higher", "built-in"),
        pair(FAITHFULNESS, 0.31, 0.2, 0.4, "better", "built-in"),
        accuracy(0.02, 0.005, 0.035, "better"),
    ]
    rows = [faithful("alpha", 0.6, 0.5, 0.7), faithful("beta", 0.3, 0.2, 0.4)]
    starts = ["Most faithful", "Accuracy", "Faithfulness", "Sharpness", "Agreement"]
    assert [sentence[: len(start)] for sentence, start in zip(said(*found, rows=rows), starts, strict=True)] == starts


SCALE = "on a scale from 0, a random order of words, to 1, the best that a search found"


def test_which_model_to_trust():
    rows = [
        faithful("alpha", 0.3, 0.2, 0.4),
        faithful("beta", 0.62, 0.55, 0.7),
        faithful("gamma", 0.6, 0.5, 0.68),
        faithful("delta", 0.1, 0.0, 0.2),
        faithful("alpha", 0.9, 0.8, 1.0, "occlusion"),  # no model's own
        faithful("epsilon", None),
        *(right("alpha", 0.95), right("beta", 0.9), right("gamma", 0.97), right("delta", 0.8)),
    ]
    found = [
        pair(FAITHFULNESS, -0.32, -0.4, -0.2, "worse", "built-in"),
        pair(FAITHFULNESS, 0.02, -0.1, 0.1, OPEN, "built-in", a="beta", b="gamma"),
        pair(FAITHFULNESS, 0.5, 0.4, 0.6, "better", "built-in", a="beta", b="delta"),
        pair(FAITHFULNESS, 0.5, 0.4, 0.6, "better", "occlusion", a="beta", b="gamma"),
        accuracy(0.05, 0.01, 0.09, "better"),
        accuracy(-0.07, -0.1, -0.04, "worse", a="beta", b="gamma"),
        accuracy(0.1, 0.08, 0.12, "better", a="beta", b="delta"),
    ]
    assert said(*found, rows=rows)[0] == (
        f"Most faithful in explaining itself, as measured here: beta, at 0.62 (95 % interval 0.55 to 0.70) {SCALE}; "
        "shown to be above delta, alpha; not shown to be above gamma. "
        "Its accuracy is 0.900; shown to be more accurate: gamma, alpha."
    )


@pytest.mark.parametrize(
    ("of_beta", "sentence"),
    [
        (0.9, "Its accuracy is 0.900, and none is higher."),
        (0.85, "Its accuracy is 0.900, and none is higher."),
        (0.91, "Its accuracy is 0.900; the highest is 0.910 (beta), which these texts do not show to be higher."),
        (None, "Its accuracy is 0.900, and none is higher."),
    ],
)
def test_the_accuracy_of_the_most_faithful(of_beta, sentence):
    rows = [faithful("alpha", 0.6, 0.5, 0.7), right("alpha", 0.9), right("beta", of_beta)]
    (advice, _) = said(accuracy(-0.01, -0.03, 0.01, OPEN), rows=rows)
    assert advice.endswith(f"the best that a search found. {sentence}")


@pytest.mark.parametrize(("low", "high"), [(-0.05, 0.2), (0.0, 0.2), (None, None)])
def test_the_best_may_be_no_better_than_chance(low, high):
    interval = "" if low is None else f" (95 % interval {low:.2f} to {high:.2f})"
    rows = [faithful("alpha", 0.1, low, high), faithful("beta", 0.05, -0.1, 0.1)]
    assert said(rows=rows) == [
        f"Most faithful in explaining itself, as measured here: alpha, at 0.10{interval} {SCALE}; "
        "not shown to be above a random order; not shown to be above beta."
    ]


def test_the_least_bad_of_models_worse_than_chance():
    (sentence,) = said(rows=[faithful("alpha", -0.3, -0.4, -0.2), faithful("beta", -0.1, -0.2, -0.05)])
    assert "beta, at -0.10 (95 % interval -0.20 to -0.05)" in sentence
    assert "not shown to be above a random order; not shown to be above alpha." in sentence


def test_models_of_one_folder_are_called_by_what_differs():
    found = accuracy(0.02, 0.01, 0.03, "better", a="runs/a-*", b="runs/b")
    alike, apart = [right("runs/a-*", 0.9), right("runs/b", 0.8)], [right("runs/a-*", 0.9), right("old/b", 0.8)]
    assert said(found, rows=alike)[0].startswith("Accuracy: a-* is more accurate than b by 2.0 points")
    assert said(found, rows=apart)[0].startswith("Accuracy: runs/a-* is more accurate than runs/b by 2.0 points")
    (advice,) = said(rows=[faithful("runs/a", 0.5, 0.4, 0.6), faithful("runs/b", 0.1, 0.0, 0.2)])
    assert "as measured here: a, at 0.50" in advice
    assert advice.endswith("not shown to be above b.")


def test_nothing_to_say_but_the_caution():
    assert said() == []
    assert said(rows=[faithful("alpha", None)]) == []


def test_signs_of_percent_and_names_are_kept_as_they_are():
    (sentence,) = said(accuracy(0.02, 0.01, 0.03, "better", a="runs/a{0}-*", b="<b>"))
    assert "runs/a{0}-* is more accurate than <b>" in sentence
