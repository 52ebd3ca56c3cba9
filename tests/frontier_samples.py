"""Reports of sweeps made by hand, for the tests of their pages and picks."""

from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.results import Difference, FrontierReport, FrontRow, SummaryRow
from explainable_bert.sweep import front as fronts
from explainable_bert.sweep.verdicts import verdict_on_test, verdicts

PLAUSIBLE = fronts.LEXICON_PLAUSIBILITY
METRICS = (fronts.ACCURACY, fronts.FAITHFULNESS, fronts.SHARPNESS, PLAUSIBLE)


def number(metric, value, half=None, **changes):
    fields = {"model": "an arm", "design": "lexical", "method": "built-in", "n": 500}
    ends = (None, None) if half is None or value is None else (value - half, value + half)
    return SummaryRow(metric=metric, value=value, low=ends[0], high=ends[1], **{**fields, **changes})


def difference(value, half=0.012):
    return None if value is None else Difference(value, value - half, value + half)


def row(arm, accuracy, faithfulness, words=6.0, plausible=0.5, reference=(0.9, 0.3), **changes):
    fields = {
        "arm": arm,
        "design": arm.partition(" ")[0],
        "seeds": (0, 1, 2),
        "accuracy": number(fronts.ACCURACY, accuracy, 0.011, method=None, n=1200),
        "faithfulness": number(fronts.FAITHFULNESS, faithfulness, 0.04, n=100),
        "sharpness": number(fronts.SHARPNESS, words, 0.4, n=100),
        "plausibility": number(PLAUSIBLE, plausible, 0.03, n=100),
        "accuracy_difference": difference(accuracy - reference[0]),
        "faithfulness_difference": None if faithfulness is None else difference(faithfulness - reference[1], 0.05),
    }
    if arm == "vanilla":
        fields |= {"accuracy_difference": None, "faithfulness_difference": None}
    return FrontRow(**{**fields, **changes})


ROWS = (
    row("vanilla", 0.9, 0.3, 14.0, 0.42),
    row("lexical value_layer=0 attention_function=softmax", 0.871, 0.81, 5.1, 0.71),
    row("lexical value_layer=0 attention_function=entmax15", 0.868, 0.83, 3.2, 0.73),
    row("lexical value_layer=1 attention_function=softmax", 0.889, 0.74, 5.9, 0.66),
    row("lexical value_layer=1 attention_function=entmax15", 0.8972, 0.7123, 3.9, 0.675),
    row("lexical value_layer=2 attention_function=softmax", 0.894, 0.66, 6.8, 0.61),
    row("lexical value_layer=2 attention_function=entmax15", 0.8965, 0.645, 4.4, 0.63),
    row("lexical value_layer=3 attention_function=softmax", 0.8975, 0.52, 9.2, 0.55),
    row("lexical value_layer=3 attention_function=entmax15", 0.9015, 0.49, 5.6, 0.57),
)


def frontier(rows=ROWS, within=0.5, **changes):
    picked, front = fronts.pick(rows, within), fronts.front(rows)
    closest = fronts.nearest(rows) if picked is None else None
    tested = (
        () if picked is None else (row("vanilla", 0.895, 0.31, 14.2, 0.41), row(picked.arm, 0.888, 0.69, 4.0, 0.66))
    )
    said = list(verdicts(rows, "vanilla", within, picked, front))
    if picked is not None:
        said.insert(1, verdict_on_test(tested, picked, "vanilla", within))
    fields = {
        "rows": rows,
        "reference": "vanilla",
        "within": within,
        "front": front,
        "pick": None if picked is None else picked.arm,
        "nearest": None if closest is None else closest.arm,
        "tested": tested,
        "verdicts": tuple(said),
        "metrics": {name: MEASURES[name].metric for name in METRICS},
        "settings": {"data": "movie-snippets, validation split", "seed": "0"},
        "notes": ("Not measured: lexical value_layer=9, seed 0: value_layer: 9 given.",),
    }
    return FrontierReport(**{**fields, **changes})
