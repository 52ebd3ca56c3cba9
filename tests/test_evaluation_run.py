"""Whole evaluations: the files that they leave, the numbers in them, stopping and going on, and what is refused."""

import csv
import dataclasses
import itertools
import json
import math
from statistics import NormalDist

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.data.labelled import Example
from explainable_bert.errors import FileError, InputError
from explainable_bert.evaluation import observing, run, summary
from explainable_bert.evaluation.measures import DEFAULT_METRICS, FAMILIES, MEASURES, chosen_measures
from explainable_bert.evaluation.observing import Observer
from explainable_bert.evaluation.run import evaluate
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Unit
from test_attribution_batch import LONG, PAIR, SHORT, kept

LEXICON = {"good": 1.9, "dull": -1.7, "awful": -2.0, "great": 3.1, "don't": -0.5}
CONTROLS = ["human", "shuffled-human", "lexicon"]
WORDLESS = "\N{REPLACEMENT CHARACTER}"  # a visible character that the tokenizer drops


def marked(text, label, *masks):
    """An example whose words, split at spaces, have a mask such as "0110" per annotator."""
    words, start = [], 0
    for word in text.split(" "):
        words.append((start, start + len(word)))
        start += len(word) + 1
    rationales = tuple(tuple(bit == "1" for bit in mask) for mask in masks)
    return Example(text, label, words=tuple(words), rationales=rationales)


EXAMPLES = [
    Example("awful", "LABEL_2"),
    marked(LONG, "LABEL_1", "0100011", "0000001"),
    marked(SHORT, "LABEL_0", "010", "110"),
    Example(PAIR[0], "LABEL_1", text_pair=PAIR[1]),
    marked("the film is great", "LABEL_0", "0001", "0000"),
]
PLAIN = [dataclasses.replace(example, words=(), rationales=()) for example in EXAMPLES]
TOTAL = len(EXAMPLES)
EVERYTHING = EvaluationSettings(("built-in", "occlusion", "random"), ("all",))
FAST = EvaluationSettings(
    metrics=("accuracy", "aopc-comprehensiveness", "completeness-error", "auroc", "leave-one-out-tau")
)
_KEPT = {}


@pytest.fixture(autouse=True)
def fast(monkeypatch):
    monkeypatch.setattr(summary, "N_RESAMPLES", 40)
    monkeypatch.setattr(observing, "load_lexicon", lambda: LEXICON)


@pytest.fixture
def clf(classifier):
    return kept(classifier, "additive")


@pytest.fixture
def everything(clf, tmp_path_factory):
    """All metrics on all examples: the folder and the report; evaluated once, as no test writes there."""
    if not _KEPT:
        output = tmp_path_factory.mktemp("everything") / "run"
        _KEPT["run"] = output, evaluate(clf, EXAMPLES, output, EVERYTHING, source="five texts")
    return _KEPT["run"]


def strict(text):
    """JSON without the NaN and Infinity that Python also reads."""

    def refuse(name):
        raise AssertionError(f"{name} in JSON")

    return json.loads(text, parse_constant=refuse)


def table(output):
    return pyarrow.parquet.read_table(output / "examples.parquet").to_pylist()


def cells(output, method, name):
    """One measure's defined values, text by text, of one method."""
    return [row[name] for row in table(output) if row["method"] == method and row[name] is not None]


def rows_of(report, metric):
    return {row.method: row for row in report.rows if row.metric == metric}


# --- The files


def test_files(everything):
    output, report = everything
    assert {path.name for path in output.iterdir()} == {
        *("request.json", "stated.json", "summary.json", "examples.parquet", "examples.csv", "examples.jsonl")
    }
    written = strict((output / "summary.json").read_text())
    assert written == [dataclasses.asdict(row) for row in report.rows]
    outside = ["model", "design", "method", "metric", "value", "low", "high", "n"]
    for row in written:
        assert list(row) == [*outside, "n_undefined", "note", "erasure"]
        assert row["erasure"] == ("mask" if MEASURES[row["metric"]].family in ("faithfulness", "agreement") else "")
        assert (row["model"], row["design"]) == ("tiny", "additive")
        assert type(row["n"]) is int
        assert row["value"] is None or math.isfinite(row["value"])
        assert (row["low"] is None) == (row["high"] is None)
        assert (row["note"] == "") == (row["low"] is not None)


def test_every_measure_has_its_rows_and_no_others(everything):
    _, report = everything
    methods = ["built-in", "occlusion", "random"]
    expected = []
    for name, measure in MEASURES.items():
        expected += [(name, None)] if measure.of_model else [(name, method) for method in methods]
        if measure.needs == "rationales":
            expected += [(name, control) for control in CONTROLS]
    assert [(row.metric, row.method) for row in report.rows] == expected
    assert report.metrics == {name: measure.metric for name, measure in MEASURES.items()}


def test_example_tables(everything):
    output, _ = everything
    rows = table(output)
    lines = [strict(line) for line in (output / "examples.jsonl").read_text().splitlines()]
    assert lines == rows
    with (output / "examples.csv").open(newline="") as stream:
        by_csv = list(csv.DictReader(stream))
    assert list(by_csv[0]) == list(rows[0])
    for cell_row, row in zip(by_csv, rows, strict=True):
        assert cell_row["text"] == row["text"]
        assert cell_row["method"] == (row["method"] or "")
        assert cell_row["gini"] == ("" if row["gini"] is None else str(row["gini"]))
        assert json.loads(cell_row["units"]) == row["units"]
    assert [(row["row"], row["method"]) for row in rows] == [
        (number, method)
        for number in range(1, TOTAL + 1)
        for method in (None, "built-in", *CONTROLS, "occlusion", "random")
    ]
    assert set(rows[0]) == {
        *("row", "text", "text_pair", "gold", "prediction", "probability", "n_windows", "n_tokens_dropped"),
        *("rationale_share_lost", "rationale_size", "erasure", "method", "units", "scores"),
        *MEASURES,
    }


def test_examples_hold_what_the_classifier_says(everything, clf):
    output, _ = everything
    for row in table(output):
        example = EXAMPLES[row["row"] - 1]
        assert (row["text"], row["text_pair"], row["gold"]) == (example.text, example.text_pair, example.label)
        text = example.text if example.text_pair is None else (example.text, example.text_pair)
        method = row["method"] if row["method"] in EVERYTHING.methods else "built-in"
        (explanation,) = clf.explain([text], method)
        assert row["units"] == [unit.text for unit in explanation.attribution.units]
        if row["method"] in EVERYTHING.methods:
            assert row["scores"] == pytest.approx(list(explanation.attribution.scores), abs=1e-5)
        else:
            assert row["scores"] is None
        assert row["prediction"] == explanation.prediction.label
        assert row["probability"] == pytest.approx(max(explanation.prediction.probabilities.values()), abs=1e-6)
        assert (row["n_tokens_dropped"], row["rationale_share_lost"]) == (0, 0.0)
        assert (row["rationale_size"], row["erasure"]) == (2, "mask")


# --- The numbers


def test_means_are_those_of_the_table(everything):
    output, report = everything
    ratios = ("range-normalised", "deletion", "insertion", "iou-f1", "macro-f1", "auroc", "expected")
    for row in report.rows:
        assert row.n + row.n_undefined == TOTAL
        found = cells(output, row.method, row.metric)
        assert row.n == len(found)
        if row.value is None or row.metric.startswith(ratios):
            continue
        firsts = [value[0] if isinstance(value, list) else value for value in found]
        assert row.value == pytest.approx(sum(firsts) / len(firsts), abs=1e-12)
        if row.metric in ("accuracy", "top-unit-flips") and set(firsts) <= {0, 1}:
            assert (row.low, row.high) == pytest.approx(wilson(sum(firsts), len(firsts)), abs=1e-12)
            continue
        assert min(firsts) - 1e-12 <= row.low <= row.value + 1e-12
        assert row.value - 1e-12 <= row.high <= max(firsts) + 1e-12


def wilson(n_yes, n):
    """The closed formula, of 95 %."""
    z = NormalDist().inv_cdf(0.975)
    centre = (n_yes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(n_yes * (n - n_yes) / n + z * z / 4)
    return centre - half, centre + half


def test_shares_of_texts_have_an_interval_where_all_are_alike(clf, tmp_path):
    right = [dataclasses.replace(e, label=p.label) for e, p in zip(PLAIN, clf.predict(inputs_of(PLAIN)), strict=True)]
    report = evaluate(clf, right, tmp_path, FAST)
    found = rows_of(report, "accuracy")[None]
    assert (found.value, found.note) == (1, "")
    assert (found.low, found.high) == pytest.approx(wilson(TOTAL, TOTAL))
    assert 0.5 < found.low < 0.6


def inputs_of(examples):
    return [observing.input_of(example) for example in examples]


@pytest.mark.parametrize(
    ("by_seed", "expected"),
    [
        ([[0, 1, 1, 1]], wilson(3, 4)),
        ([[1, 1, 1, 1]], wilson(4, 4)),
        ([[1, 1, 1, 1], [1, 1, 1, 1]], (1, 1)),  # seeds: a bootstrap over both
        ([[0.5, 0.5, 0.5, 0.5]], (0.5, 0.5)),  # several draws of a tie: no share of texts
    ],
)
def test_whose_intervals_are_of_shares(by_seed, expected):
    found = tuple(
        summary.Column("random", "top-unit-flips", (1, 2, 3, 4), np.array(values, dtype=float)[:, None], 0)
        for values in by_seed
    )
    asked = EvaluationSettings(erasure="deletion")
    named = summary.Named("runs/a", "vanilla")
    row = summary.summary_row(named, summary.SeedColumns(found), MEASURES["top-unit-flips"], asked)
    assert (row.low, row.high) == pytest.approx(expected)
    assert row.value == pytest.approx(np.mean(by_seed))
    assert (row.model, row.design, row.method, row.erasure) == ("runs/a", "vanilla", "random", "deletion")
    assert (row.n, row.n_undefined, row.note) == (4, 0, "")


@pytest.mark.parametrize(
    ("name", "value"), [("effective-words", 1.0), ("log-odds", 0.0), ("completeness-error", 0.0), ("flip-share", 1.0)]
)
def test_numbers_that_happen_to_be_0_or_1_are_no_shares_of_texts(name, value):
    found = summary.Column("random", name, (1, 2, 3), np.full((3, 1), value), 0)
    columns, named = summary.SeedColumns((found,)), summary.Named("runs/a", "vanilla")
    row = summary.summary_row(named, columns, MEASURES[name], EvaluationSettings())
    assert (row.low, row.value, row.high) == (value, value, value)


def test_calibration_error_has_no_interval(everything):
    output, report = everything
    row = rows_of(report, "expected-calibration-error")[None]
    assert (row.low, row.high) == (None, None)
    assert row.note == "no interval: resampling texts biases this number"
    models = [line for line in table(output) if line["method"] is None]
    error = 0.0
    for place in range(15):  # bins of equal width, their upper ends theirs
        of_bin = [line for line in models if math.ceil(line["probability"] * 15) == place + 1]
        right = sum(line["prediction"] == line["gold"] for line in of_bin)
        error += abs(sum(line["probability"] for line in of_bin) - right) / TOTAL
    assert row.value == pytest.approx(error)
    assert [measure.metric.name for measure in MEASURES.values() if not measure.has_interval] == [row.metric]


@pytest.mark.parametrize("method", ["built-in", "occlusion", "random"])
@pytest.mark.parametrize("kind", ["comprehensiveness", "sufficiency"])
@pytest.mark.parametrize("suffix", ["", "-margin"])
def test_range_normalised_is_a_ratio_of_means(everything, method, kind, suffix):
    output, report = everything
    name = f"range-normalised-{kind}{suffix}"
    means = [sum(column) / TOTAL for column in zip(*cells(output, method, name), strict=True)]
    ratio = (means[0] - means[1]) / (means[2] - means[1])
    assert rows_of(report, name)[method].value == pytest.approx(ratio)
    plain = rows_of(report, f"aopc-{kind}{suffix}")[method].value
    assert means[0] == pytest.approx(plain, abs=1e-9)
    one_by_one = [(m - r) / (best - r) for m, r, best in cells(output, method, name) if abs(best - r) > 1e-6]
    assert ratio != pytest.approx(sum(one_by_one) / len(one_by_one), abs=1e-3)


@pytest.mark.parametrize("name", ["deletion-auc", "insertion-auc", "deletion-auc-margin", "deletion-drop-auc"])
def test_areas_and_curves(everything, name):
    output, report = everything
    for method, row in rows_of(report, name).items():
        points = [sum(column) / TOTAL for column in zip(*cells(output, method, name), strict=True)]
        assert len(points) == 11
        area = sum((left + right) / 2 * 0.1 for left, right in itertools.pairwise(points))
        assert row.value == pytest.approx(area)
        drawn = [c for c in report.curves if c.method == method and f"{c.kind}-auc" == name]
        if name in ("deletion-auc", "insertion-auc"):
            (curve,) = drawn
            assert curve.values == pytest.approx(tuple(points))
            assert curve.shares == pytest.approx(tuple(step / 10 for step in range(11)))
            assert all(a <= b <= c for a, b, c in zip(curve.low, curve.values, curve.high, strict=True))
            assert (curve.model, curve.design) == ("tiny", "additive")
        else:
            assert drawn == []


def test_labels(everything):
    output, report = everything
    models = [row for row in table(output) if row["method"] is None]
    assert rows_of(report, "accuracy")[None].value == sum(r["prediction"] == r["gold"] for r in models) / TOTAL
    errors = [
        sum((p - (label == int(gold))) ** 2 for label, p in enumerate(shares))
        for gold, *shares in (r["auroc"] for r in models)
    ]
    assert rows_of(report, "brier")[None].value == pytest.approx(sum(errors) / TOTAL)
    f1s = []
    for label in ("LABEL_0", "LABEL_1", "LABEL_2"):
        right = sum(r["prediction"] == r["gold"] == label for r in models)
        named = sum((r["prediction"] == label) + (r["gold"] == label) for r in models)
        f1s.append(2 * right / named if named else 0)
    assert rows_of(report, "macro-f1")[None].value == pytest.approx(sum(f1s) / 3)


def test_plausibility_by_hand(everything):
    output, report = everything
    # Units: the unbelievable movie was very , very good !, of which 4 and 2 are marked; 1 and 2, 1 and 0 of the others.
    size = round((4 + 2 + 1 + 2 + 1 + 0) / 6)
    assert size == 2
    people = {2: [{1, 6, 7, 8}, {7, 8}], 3: [{1}, {0, 1}], 5: [{3}, set()]}

    def f1(one, other):
        return 2 * len(one & other) / (len(one) + len(other)) if one & other else 0.0

    for method in EVERYTHING.methods:
        expected = []
        for row in table(output):
            if row["method"] == method and row["row"] in people:
                order = sorted(range(len(row["scores"])), key=lambda unit: -row["scores"][unit])
                top = set(order[:size])
                expected.append(sum(f1(top, mask) for mask in people[row["row"]]) / 2)
        found = rows_of(report, "token-f1")[method]
        assert (found.n, found.n_undefined) == (3, 2)
        assert found.value == pytest.approx(sum(expected) / 3)
    human = rows_of(report, "token-f1")["human"]
    assert human.value == pytest.approx(sum(f1(*masks) for masks in people.values()) / 3)
    for method, row in rows_of(report, "iou-f1").items():
        found = cells(output, method, "iou-f1")
        assert (row.n, row.n_undefined, len(found[0])) == (3, 2, 4)
        assert row.value == pytest.approx(_f1_of_spans(found))
    # One of two persons marked nothing of the third: that text has half a precision and half a recall.
    assert [value[1::2] for value in cells(output, "human", "iou-f1")] == [[1, 1], [1, 1], [0.5, 0.5]]
    assert [value[1::2] for value in cells(output, "occlusion", "iou-f1")] == [[1, 1], [1, 1], [1, 0.5]]
    # A lexicon knows good of LONG, dull of SHORT and great; the other of two units is drawn among those it does not.
    of_lexicon = cells(output, "lexicon", "average-precision")
    assert of_lexicon[1:] == [pytest.approx((1 + (1 + 2 / 3) / 2) / 2), 1.0]
    valued = cells(output, "occlusion", "lexicon-average-precision")
    assert len(valued) == 3  # one word alone is no ranking, and no word of the pair is rated 1 or more


def _f1_of_spans(values):
    precision = sum(value[0] for value in values) / sum(value[1] for value in values)
    recall = sum(value[2] for value in values) / sum(value[3] for value in values)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Nothing is marked in the third text, nothing predicted in the fourth: precision 2/3, recall 1.5/3.
        ([[1, 1, 0.5, 1], [1, 1, 1, 1], [0, 1, 0, 0], [0, 0, 0, 1]], 2 * (2 / 3) * 0.5 / (2 / 3 + 0.5)),
        ([[1, 1, 1, 1], [0, 0, 0, 0]], 1),
        ([[0, 1, 0, 1]], 0),
        ([[0, 1, 0, 0], [0, 1, 0, 0]], None),
        ([[0, 0, 0, 1]], None),
    ],
)
def test_a_text_with_one_side_empty_counts_in_the_other_mean(values, expected):
    found = MEASURES["iou-f1"].aggregate(np.array(values, dtype=float))
    assert found == (None if expected is None else pytest.approx(expected))
    assert expected is None or found == pytest.approx(_f1_of_spans(values))


def test_special_tokens_are_of_the_model_alone(classifier, tmp_path):
    model = kept(classifier, "vanilla")
    asked = EvaluationSettings(("random",), ("special-token-mass",), "deletion")
    (row,) = evaluate(model, PLAIN, tmp_path, asked).rows
    assert (row.method, row.n, row.erasure) == (None, TOTAL, "")
    expected = [found.attribution.special_token_mass for found in model.explain(inputs_of(PLAIN), "attention")]
    assert cells(tmp_path, None, "special-token-mass") == pytest.approx(expected, abs=1e-6)
    assert row.value == pytest.approx(sum(expected) / TOTAL, abs=1e-6)
    assert 0.01 < row.value < 0.99


def test_what_is_erased_how_is_stated_where_it_matters(clf, tmp_path):
    names = ("accuracy", "gini", "token-f1", "top-unit-flips", "leave-one-out-tau")
    report = evaluate(clf, EXAMPLES, tmp_path, EvaluationSettings(metrics=names, erasure="deletion"))
    stated = {row.metric: row.erasure for row in report.rows}
    assert stated == dict(zip(names, ["", "", "", "deletion", "deletion"], strict=True))
    assert {line["erasure"] for line in table(tmp_path)} == {"deletion"}


def test_what_is_undefined_is_null(everything):
    _, report = everything
    undefined = rows_of(report, "completeness-error")["random"]
    assert (undefined.value, undefined.low, undefined.high, undefined.n) == (None, None, None, 0)
    assert (undefined.n_undefined, undefined.note) == (TOTAL, "undefined for every text")
    assert rows_of(report, "completeness-error")["built-in"].value < 1e-5
    tau = rows_of(report, "leave-one-out-tau")["built-in"]
    assert (tau.n, tau.n_undefined) == (4, 1)  # a single word has no order


def test_no_number_is_nan(everything):
    output, _ = everything

    def numbers(value):
        if isinstance(value, dict | list):
            for item in value.values() if isinstance(value, dict) else value:
                yield from numbers(item)
        elif isinstance(value, float):
            yield value

    for rows in (table(output), strict((output / "summary.json").read_text())):
        found = list(numbers(rows))
        assert len(found) > 100
        assert all(map(math.isfinite, found))
    assert "nan" not in (output / "examples.csv").read_text().lower().replace("nano", "")


def test_settings_and_notes_are_stated(everything):
    _, report = everything
    assert report.settings["data"] == "five texts, 5 texts"
    assert report.settings["methods"] == "built-in, occlusion, random"
    assert report.settings["erasure"] == "mask: each word piece becomes [MASK]"
    assert report.settings["units"].startswith("words; special tokens are never erased")
    assert report.settings["seed"] == "0"
    assert report.settings["rationale sizes"].startswith("1%, 5%, 10%, 20%, 50% of a text's units, rounded up")
    assert report.settings["ties"] == "broken at random; in erasure metrics the mean of several draws"
    intervals = "95%: bootstrap over texts, 2000 resamples; Wilson's for shares of texts"
    assert report.settings["intervals"] == intervals
    assert (
        "For token-F1 and IOU-F1 a method marks its 2 highest units, the mean number that a person marks in these very "
        "texts."
    ) in report.notes
    assert (
        "Plausible is not faithful: agreement with people says nothing about what the model computes." in report.notes
    )


@pytest.mark.parametrize(
    ("design", "erasure"), [("vanilla", "mask"), ("lexical", "attention-mask"), ("additive", "deletion")]
)
def test_other_texts_in_the_batch_change_nothing(classifier, tmp_path, monkeypatch, design, erasure):
    model, families = kept(classifier, design), ("faithfulness", "agreement", "sharpness", "accuracy")
    asked = EvaluationSettings(("built-in",), families, erasure)
    evaluate(model, PLAIN, tmp_path / "together", asked)
    evaluate(model, PLAIN[1:2], tmp_path / "alone", asked)
    monkeypatch.setattr(run, "_TEXTS_PER_PART", 1)
    evaluate(model, PLAIN, tmp_path / "in parts", asked)
    together, alone, in_parts = (
        [row for row in table(tmp_path / name) if row["text"] == LONG] for name in ("together", "alone", "in parts")
    )
    assert [row["method"] for row in together] == [None, "built-in"]
    for row, *others in zip(together, alone, in_parts, strict=True):
        for name in {*asked.measures, "probability", "scores"}:
            expected = None if row[name] is None else pytest.approx(row[name], abs=1e-6)
            assert [other[name] for other in others] == [expected, expected], name


def test_tokens_can_be_erased_too(clf, tmp_path):
    asked = dataclasses.replace(FAST, level="token")
    report = evaluate(clf, PLAIN, tmp_path, asked)
    assert report.settings["units"].startswith("tokens;")
    built_in = [row for row in table(tmp_path) if row["method"] == "built-in"]
    assert built_in[1]["units"] == ["the", "un", "believ", "able", "movie", "was", "very", ",", "very", "good", "!"]


# --- The same again


def test_the_same_command_gives_the_same_bits(clf, everything, tmp_path):
    output, _ = everything
    evaluate(clf, EXAMPLES, tmp_path / "again", EVERYTHING, source="five texts")
    for file in output.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def test_another_seed_gives_other_draws(clf, everything, tmp_path):
    output, _ = everything
    evaluate(clf, EXAMPLES, tmp_path, dataclasses.replace(EVERYTHING, seed=1))
    for method, name in (("random", "scores"), ("built-in", "infidelity"), ("shuffled-human", "token-f1")):
        assert cells(tmp_path, method, name) != cells(output, method, name)
    for name in ("aopc-sufficiency", "gini"):  # nothing is drawn for these
        assert cells(tmp_path, "built-in", name) == pytest.approx(cells(output, "built-in", name), abs=1e-6)


def test_a_finished_evaluation_is_summarised_without_the_model(clf, tmp_path, monkeypatch):
    first = evaluate(clf, EXAMPLES, tmp_path, EVERYTHING)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    for name in ("explain", "predict", "predict_erased", "units", "head_attention"):
        monkeypatch.setattr(ExplainableClassifier, name, None)
    assert evaluate(clf, EXAMPLES, tmp_path, EVERYTHING) == first
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


class Stopped(Exception):
    pass


def stop_after(n_parts):
    seen = []

    def progress(done, total):
        seen.append((done, total))
        if len(seen) == n_parts + 1:  # the first call is before the first part
            raise Stopped

    return progress


def seen_by_observer(monkeypatch):
    """The rows that are observed from now on, part by part."""
    observed, observe = [], Observer.observe
    monkeypatch.setattr(
        Observer, "observe", lambda self, of: observed.append([row for row, _ in of]) or observe(self, of)
    )
    return observed


@pytest.mark.parametrize("n_parts", [1, 2])
def test_a_stopped_evaluation_goes_on(clf, everything, tmp_path, monkeypatch, n_parts):
    _, report = everything
    monkeypatch.setattr(run, "_UNITS_PER_PART", 9)  # 9, 4 + 4, 3 + 1 units
    with pytest.raises(Stopped):
        evaluate(clf, EXAMPLES, tmp_path, EVERYTHING, stop_after(n_parts))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "request.json"]
    assert len(list((tmp_path / "parts").iterdir())) == n_parts
    observed, seen = seen_by_observer(monkeypatch), []
    found = evaluate(clf, EXAMPLES, tmp_path, EVERYTHING, lambda *at: seen.append(at))
    assert observed == [[2], [4, 5], [3, 1]][n_parts:]
    assert seen == [(1, TOTAL), (3, TOTAL), (5, TOTAL)][n_parts - 1 :]
    assert not (tmp_path / "parts").exists()
    unbroken = tmp_path / "unbroken"
    assert found == evaluate(clf, EXAMPLES, unbroken, EVERYTHING)
    for file in unbroken.iterdir():
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    for row, in_one_part in zip(found.rows, report.rows, strict=True):
        assert row.value == (None if row.value is None else pytest.approx(in_one_part.value, abs=1e-5, rel=1e-4))


@pytest.mark.parametrize(
    "garbage", [b"", b'[{"row": 2, ', b"\xff\xfe\x00", b"\0" * 100, b"null", b"{}", b"[]"], ids=repr
)
def test_a_damaged_part_is_observed_anew(clf, tmp_path, monkeypatch, garbage):
    monkeypatch.setattr(run, "_UNITS_PER_PART", 9)
    with pytest.raises(Stopped):
        evaluate(clf, PLAIN, tmp_path / "run", FAST, stop_after(2))
    kept_parts = sorted((tmp_path / "run" / "parts").iterdir())
    assert len(kept_parts) == 2
    kept_parts[0].write_bytes(garbage)
    observed = seen_by_observer(monkeypatch)
    found = evaluate(clf, PLAIN, tmp_path / "run", FAST)
    assert observed == [[2], [3, 1]]
    assert found == evaluate(clf, PLAIN, tmp_path / "unbroken", FAST)
    for file in (tmp_path / "unbroken").iterdir():
        assert (tmp_path / "run" / file.name).read_bytes() == file.read_bytes()


def test_a_finished_folder_without_its_examples_is_observed_anew(clf, tmp_path, monkeypatch):
    first = evaluate(clf, PLAIN, tmp_path, FAST)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    observed = seen_by_observer(monkeypatch)
    assert evaluate(clf, PLAIN, tmp_path, FAST) == first
    assert observed == []
    (tmp_path / "examples.parquet").unlink()
    assert evaluate(clf, PLAIN, tmp_path, FAST) == first
    assert observed == [[2, 4, 5, 3, 1]]
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_stop_between_the_tables_and_the_summary(clf, tmp_path, monkeypatch):
    complete = evaluate(clf, EXAMPLES, tmp_path / "complete", FAST)
    monkeypatch.setattr("explainable_bert.evaluation.parts.rows_json", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        evaluate(clf, EXAMPLES, tmp_path / "stopped", FAST)
    monkeypatch.undo()
    monkeypatch.setattr(summary, "N_RESAMPLES", 40)
    assert evaluate(clf, EXAMPLES, tmp_path / "stopped", FAST) == complete


@given(st.lists(st.integers(0, 700), max_size=200))
def test_parts_hold_every_text_with_words_once(n_units):
    parts = run._parts(n_units)
    order = [place for part in parts for place in part]
    assert sorted(order) == [place for place, n in enumerate(n_units) if n]
    assert [n_units[place] for place in order] == sorted((n for n in n_units if n), reverse=True)
    for part in parts:
        assert 1 <= len(part) <= 64
        assert len(part) == 1 or sum(n_units[place] for place in part) <= 1200


# --- What is refused, left out or said


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"settings": dataclasses.replace(FAST, seed=1)}, "settings seed 0 there, 1 asked for"),
        (
            {"settings": dataclasses.replace(FAST, erasure="deletion")},
            "settings erasure mask there, deletion asked for",
        ),
        ({"settings": dataclasses.replace(FAST, level="token")}, "settings level word there, token asked for"),
        ({"settings": dataclasses.replace(FAST, methods=("random",))}, "settings methods .* there, .* asked for"),
        ({"settings": dataclasses.replace(FAST, metrics=("gini",))}, "settings metrics .* there, .* asked for"),
        ({"examples": PLAIN[:2]}, r"data examples 5 there, 2 asked for\)"),
        ({"examples": EXAMPLES}, "data sha256 .* there, .* asked for"),
        ({"design": "vanilla"}, "model fingerprint .* there, .* asked for"),
    ],
)
def test_another_evaluation_in_the_same_folder(classifier, tmp_path, changes, difference):
    def ask(design="additive", examples=PLAIN, settings=FAST):
        return evaluate(kept(classifier, design), examples, tmp_path, settings)

    ask()
    before = (tmp_path / "summary.json").read_bytes()
    with pytest.raises(FileError, match=rf"^output: folder '.*' holds another run \({difference}"):
        ask(**changes)
    assert (tmp_path / "summary.json").read_bytes() == before


def test_the_name_of_the_model_does_not_decide(clf, tmp_path):
    evaluate(clf, PLAIN, tmp_path, FAST)
    moved = ExplainableClassifier(clf.model, clf.tokenizer, "moved")
    assert {row.model for row in evaluate(moved, PLAIN, tmp_path, FAST).rows} == {"moved"}


def test_a_folder_of_something_else(clf, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileError, match="holds something else; accepted: a new or empty folder"):
        evaluate(clf, PLAIN, tmp_path, FAST)
    with pytest.raises(FileError, match="is a file; accepted: a new or empty folder"):
        evaluate(clf, PLAIN, tmp_path / "thesis.tex", FAST)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("examples", "settings", "message"),
    [
        ([], FAST, "^examples: none given; at least one is needed"),
        (
            [*PLAIN, Example("good", "positive")],
            FAST,
            "^examples: row 6 has label 'positive'; accepted by 'tiny': 'LABEL_0', 'LABEL_1', 'LABEL_2'$",
        ),
        (PLAIN, EvaluationSettings(("attention-max",)), "^method: 'attention-max' given for design 'additive'"),
        (PLAIN, EvaluationSettings(seed=-1), "^seed: -1 given"),
        (
            PLAIN,
            EvaluationSettings(metrics=("token-f1", "auprc")),
            "^metrics: auprc, token-f1 given; without rationales none can be measured",
        ),
    ],
)
def test_what_cannot_be_evaluated(clf, tmp_path, examples, settings, message):
    with pytest.raises(InputError, match=message):
        evaluate(clf, examples, tmp_path / "run", settings)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"methods": ()}, "^methods: none given; at least one is needed"),
        ({"methods": ("magic",)}, "^method: 'magic' given; accepted: built-in"),
        ({"methods": ("random", "built-in", "random")}, "^methods: 'random' given more than once; accepted: each once"),
        ({"erasure": "zap"}, "^erasure: 'zap' given; accepted: mask, attention-mask, deletion"),
        ({"metrics": ()}, "^metrics: none given; at least one is needed"),
        ({"metrics": ("accuracy", "ginny")}, "^metrics: 'ginny' given; did you mean 'gini'[?]; accepted: accuracy, "),
        ({"metrics": ("faithfullness",)}, "did you mean 'faithfulness'[?]"),
        ({"metrics": ("qqqqqqq",)}, "^metrics: 'qqqqqqq' given; accepted: .*, classification, .*, all$"),
    ],
)
def test_settings_that_make_no_sense(asked, message):
    with pytest.raises(InputError, match=message):
        EvaluationSettings(**asked)


def test_metrics_by_name_and_family():
    assert list(chosen_measures(["all"])) == list(MEASURES)
    by_family = {family: list(chosen_measures([family])) for family in FAMILIES}
    assert sum(by_family.values(), []) == list(MEASURES)  # noqa: RUF017
    assert by_family["classification"] == ["accuracy", "macro-f1", "auroc", "expected-calibration-error", "brier"]
    assert {"leave-one-out-tau", "max-sensitivity", "infidelity-margin"} < set(by_family["agreement"])
    assert list(chosen_measures(["gini", "accuracy", "gini"])) == ["accuracy", "gini"]
    assert list(chosen_measures(["sharpness", "entropy"])) == by_family["sharpness"]
    needs = {name: measure.needs for name, measure in EvaluationSettings(metrics=DEFAULT_METRICS).measures.items()}
    assert set(needs.values()) == {"rationales", "heads", None}  # no noise, and nothing to fetch
    people = {"average-precision", "auprc", "token-f1", "iou-f1"}
    erasing = {"aopc-comprehensiveness", "aopc-sufficiency", "deletion-auc", "insertion-auc", "log-odds"}
    assert set(needs) == {*by_family["classification"], *by_family["sharpness"], *erasing, "top-unit-flips", *people}
    assert {name for name, measure in MEASURES.items() if measure.needs == "heads"} == {
        *("head-effective-words", "special-token-mass")
    }
    for name, measure in MEASURES.items():
        assert measure.metric.name == name
        assert measure.metric.low < measure.metric.high
        assert measure.metric.summary.endswith(".")
        if name.endswith("-margin"):
            assert "margin" in measure.metric.summary
            assert measure.metric.better == MEASURES[name.removesuffix("-margin")].metric.better


def test_what_needs_people_is_left_out_without_them(clf, tmp_path):
    report = evaluate(clf, PLAIN, tmp_path, EvaluationSettings(metrics=("accuracy", "plausibility")))
    assert {row.metric for row in report.rows} == {"accuracy", "lexicon-average-precision"} == set(report.metrics)
    unmet = "average-precision, auprc, token-f1, iou-f1"
    assert f"Not measured, as no example has human rationales: {unmet}." in report.notes
    assert not any("a person" in note for note in report.notes)
    assert {row["rationale_size"] for row in table(tmp_path)} == {None}


def test_without_a_network_the_lexicon_is_no_control(clf, tmp_path, monkeypatch):
    def offline():
        raise FileError("data: could not fetch")

    monkeypatch.setattr(observing, "load_lexicon", offline)
    report = evaluate(clf, EXAMPLES, tmp_path / "a", EvaluationSettings(metrics=("token-f1",)))
    assert [row.method for row in report.rows] == ["built-in", "random", "human", "shuffled-human"]
    with pytest.raises(FileError, match="could not fetch"):
        evaluate(clf, EXAMPLES, tmp_path / "b", EvaluationSettings(metrics=("lexicon-average-precision",)))


def test_texts_without_a_word_are_left_out(clf, tmp_path):
    examples = [Example(WORDLESS, "LABEL_0"), *PLAIN, Example(WORDLESS * 2, "LABEL_1")]
    seen = []
    report = evaluate(clf, examples, tmp_path / "some", FAST, lambda *at: seen.append(at))
    assert seen == [(0, TOTAL), (TOTAL, TOTAL)]
    assert "Texts without a word, left out: 2." in report.notes
    assert {row["row"] for row in table(tmp_path / "some")} == {2, 3, 4, 5, 6}
    assert report.settings["data"] == "examples given, 5 texts"
    without = evaluate(clf, PLAIN, tmp_path / "others", FAST)
    assert [row.value for row in report.rows] == [row.value for row in without.rows]
    with pytest.raises(InputError, match=r"^examples: none has a word; at least one is needed"):
        evaluate(clf, examples[:1], tmp_path / "none", FAST)


def test_a_single_text_has_no_interval(clf, tmp_path):
    report = evaluate(clf, PLAIN[1:2], tmp_path, FAST)
    assert "There are no intervals: it takes at least 2 texts." in report.notes
    for row in report.rows:
        assert (row.low, row.high) == (None, None)
        assert row.note == {
            "auroc": "undefined on these texts as a whole",  # one text is of one label
            "completeness-error": "undefined for every text" if row.method == "random" else row.note,
        }.get(row.metric, "no interval: it takes at least 2 texts")
    assert rows_of(report, "accuracy")[None].value in (0.0, 1.0)


def test_two_texts_have_an_interval(clf, tmp_path):
    report = evaluate(clf, PLAIN[1:3], tmp_path, FAST)
    assert not any("interval" in note for note in report.notes)
    row = rows_of(report, "aopc-comprehensiveness")["built-in"]
    first, second = sorted(cells(tmp_path, "built-in", "aopc-comprehensiveness"))
    assert (row.low, row.value, row.high) == pytest.approx((first, (first + second) / 2, second))


def test_constant_scores_are_counted(clf, tmp_path, monkeypatch):
    explain = ExplainableClassifier.explain

    def flat(self, texts, method, **asked):
        found = explain(self, texts, method, **asked)
        if method != "built-in":
            return found
        same = [tuple(0.5 for _ in item.attribution.scores) for item in found]
        return [
            dataclasses.replace(item, attribution=dataclasses.replace(item.attribution, scores=scores))
            for item, scores in zip(found, same, strict=True)
        ]

    monkeypatch.setattr(ExplainableClassifier, "explain", flat)
    report = evaluate(clf, PLAIN, tmp_path, EvaluationSettings(metrics=("faithfulness", "agreement", "sharpness")))
    # Of five texts four have more than one word.
    constant = [note for note in report.notes if "the same score" in note]
    assert constant == ["built-in gave all words of a text the same score in 4 texts: their order is random there."]
    tau = rows_of(report, "leave-one-out-tau")["built-in"]
    assert (tau.value, tau.n, tau.n_undefined) == (None, 0, TOTAL)
    assert rows_of(report, "gini")["built-in"].value == pytest.approx(0)
    for row in strict((tmp_path / "summary.json").read_text()):
        assert row["value"] is None or math.isfinite(row["value"])


def test_labels_that_no_erasure_changes_are_counted(classifier, tmp_path):
    report = evaluate(kept(classifier, "vanilla"), PLAIN, tmp_path, EvaluationSettings(("random",), ("flip-share",)))
    never = [value[1] for value in cells(tmp_path, "random", "flip-share")]
    assert 0 < sum(never) < TOTAL
    assert (
        f"random: in {np.mean(never):.1%} of the texts no erasure changed the label: 1 in flip-share." in report.notes
    )


@pytest.mark.parametrize("name", ["normalised-comprehensiveness", "normalised-sufficiency"])
def test_texts_with_nothing_to_lose_are_counted(classifier, tmp_path, name):
    model = kept(classifier, "vanilla")
    report = evaluate(model, PLAIN, tmp_path, EvaluationSettings(("random",), (name,)))
    found = cells(tmp_path, "random", name)
    expected = []
    for text, of_text in zip(inputs_of(PLAIN), model.units(inputs_of(PLAIN)), strict=True):
        label = model.labels.index(model.predict([text])[0].label)
        logits = model.predict_erased([text], [np.stack([np.ones(len(of_text), bool), np.zeros(len(of_text), bool)])])
        shares = np.exp(np.asarray(logits[0], dtype=float))
        full, empty = (shares / shares.sum(axis=1, keepdims=True))[:, label]
        expected.append(float(full - empty < 1e-5))
    assert [value[1] for value in found] == expected
    assert 0 < sum(expected) < TOTAL
    assert all(value == 0 for value, nothing in found if nothing)
    share = f"{sum(expected) / TOTAL:.1%}"
    assert f"random: in {share} of the texts erasing all loses nothing: 0 in {name}." in report.notes
    assert rows_of(report, name)["random"].value == pytest.approx(sum(value for value, _ in found) / TOTAL)


def test_what_is_read_in_windows_is_said(clf, tmp_path):
    long = marked("the " * 49 + "awful", "LABEL_0", "1110" + "0" * 45 + "1")
    report = evaluate(clf, [long, *EXAMPLES[1:3]], tmp_path, FAST)
    assert report.notes == ("Texts longer than the model's window: 1; they were read in 2 windows.",)
    assert len(table(tmp_path)[0]["units"]) == 50


def test_what_the_window_cuts_off_is_said(clf, tmp_path, monkeypatch):
    monkeypatch.setattr(clf, "long", "truncate")
    # 39 of 50 words fit; of 4 marks 1 is lost, of 2 marks none.
    long = marked("the " * 49 + "awful", "LABEL_0", "1110" + "0" * 45 + "1")
    report = evaluate(clf, [long, *EXAMPLES[1:3]], tmp_path, FAST)
    assert "Texts longer than the model's window: 1; tokens at their ends, not read: 11." in report.notes
    assert (
        "Texts in which people marked words beyond the model's window: 1; of their marks, 25.0% lie there on average."
    ) in report.notes
    lost = {row["row"]: row["rationale_share_lost"] for row in table(tmp_path)}
    assert lost == {1: 0.25, 2: 0.0, 3: 0.0}


def test_a_clean_run_has_nothing_to_say(clf, tmp_path):
    assert evaluate(clf, PLAIN, tmp_path, FAST).notes == ()


def test_texts_that_utf_8_cannot_express(clf, tmp_path):
    examples = [Example("good \ud800 film", "LABEL_0"), *PLAIN[1:3]]
    evaluate(clf, examples, tmp_path, FAST)
    assert table(tmp_path)[0]["text"] == "good \N{REPLACEMENT CHARACTER} film"


def test_units_are_the_ones_that_were_marked():
    example = marked("a very good!", "LABEL_0", "001")
    units = [Unit("a", 0, 1), Unit("very", 2, 6), Unit("good", 7, 11), Unit("!", 11, 12)]
    assert observing.rationales_of(example, units).masks.tolist() == [[False, False, True, True]]
    assert observing.rationales_of(PLAIN[0], units) is None
    assert observing.input_of(PLAIN[3]) == PAIR
    assert observing.input_of(PLAIN[0]) == "awful"
