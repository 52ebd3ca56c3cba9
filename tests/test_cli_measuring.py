"""The commands that measure: what they write and print, their exit codes, and the mistakes that they name."""

import json
import re
from contextlib import contextmanager
from unittest import mock

import pyarrow.parquet
import pytest
import torch

import explainable_bert.audit
from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.comparison import costs, pairing
from explainable_bert.data.corpora import load_corpus
from explainable_bert.data.files import write_table
from explainable_bert.evaluation import summary
from explainable_bert.evaluation.measures import FAMILIES
from explainable_bert.results import AuditReport, Check
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import REPORT_FILE
from test_cli import call, refused
from tiny import toy_corpus

LABELS = ("negative", "positive")


@contextmanager
def quickly():
    """What commands print and write is the same with fewer resamples."""
    with (
        mock.patch.object(summary, "N_RESAMPLES", 50),
        mock.patch.object(pairing, "N_RESAMPLES", 50),
        mock.patch.object(pairing, "_RESAMPLES_PER_TEST", 1),
        mock.patch.object(costs, "N_ROUNDS", 2),
    ):
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory, stock_folder, tokenizer):
    """Folders of untrained models and files of texts, under short names."""
    place = tmp_path_factory.mktemp("measuring")
    for seed, (name, design) in enumerate([("lexical", "lexical"), ("vanilla-1", "vanilla"), ("vanilla-2", "vanilla")]):
        torch.manual_seed(seed)
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=2)
        model.config.id2label = dict(enumerate(LABELS))
        model.config.label2id = {label: index for index, label in enumerate(LABELS)}
        model.save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    table = [{"text": example.text, "label": example.label} for example in toy_corpus().test]
    numbered = [{"said": row["text"], "stars": LABELS.index(row["label"])} for row in table]
    write_table(table, place / "films.csv")
    write_table(numbered, place / "stars.jsonl")
    write_table([{**row, "label": "neutral"} for row in table], place / "neutral.csv")
    marked = [
        {
            "text": row["said"],
            "label": row["stars"],
            "words": row["said"].split(),
            "annotators": [mask(row["said"])] * 2,
        }
        for row in numbered
    ]
    (place / "marked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in marked))
    return place


def mask(text):
    return [int(word in ("great", "awful")) for word in text.split()]


@pytest.fixture
def run(place, monkeypatch):
    """A command in the folder of the models, which has to succeed: stdout and stderr in lines."""
    monkeypatch.chdir(place)

    def succeed(*arguments, code=0):
        with quickly():
            found, out, err = call(arguments)
        assert found == code, err
        assert "Traceback" not in err
        return out.splitlines(), err.splitlines()

    return succeed


@pytest.fixture
def fails(place, monkeypatch):
    """The one line with which a command that cannot do what is asked ends."""
    monkeypatch.chdir(place)
    return lambda *arguments: refused(arguments)


def read(file):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(file.read_text(), parse_constant=refuse)


CHEAP = ("--metrics", "accuracy,effective-words")


# --- evaluate ------------------------------------------------------------------------------------------------------


def test_evaluate_writes_and_prints_the_same_numbers(run, place, tmp_path):
    out, err = run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "x", *CHEAP)
    rows = read(tmp_path / "x" / "summary.json")
    assert [(row["metric"], row["method"]) for row in rows] == [
        ("accuracy", None),
        ("effective-words", "built-in"),
        ("effective-words", "random"),
    ]
    for row, line in zip(rows, out, strict=True):
        assert {"model", "design", "method", "metric", "value", "low", "high", "n"} <= row.keys()
        assert (row["model"], row["design"], row["n"]) == ("lexical", "lexical", 8)
        assert line.split() == [
            row["metric"],
            row["method"] or "-",
            f"{row['value']:.3f}",
            f"({row['low']:.3f}",
            "to",
            f"{row['high']:.3f})",
            "n",
            "8",
        ]
    predicted = [prediction.label for prediction in classifier(place).predict(texts())]
    right = [label == example.label for label, example in zip(predicted, toy_corpus().test, strict=True)]
    assert rows[0]["value"] == pytest.approx(sum(right) / 8)
    assert err == ["measuring: 8 texts, the longest first", f"wrote {tmp_path / 'x' / 'report.html'}"]
    assert (tmp_path / "x" / "report.html").read_text().startswith("<!doctype html>")
    observed = pyarrow.parquet.read_table(tmp_path / "x" / "examples.parquet").to_pylist()
    assert {(line["row"], line["text"]) for line in observed} == set(enumerate(texts(), start=1))
    again, _ = run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "x", *CHEAP)
    assert again == out


def classifier(place):
    return ExplainableClassifier.load(place / "lexical")


def texts():
    return [example.text for example in toy_corpus().test]


def test_evaluate_reads_columns_numeric_labels_and_a_limit(run, tmp_path):
    columns = ("--text-column", "said", "--label-column", "stars")
    whole, err = run("evaluate", "lexical", "--data", "stars.jsonl", "--output", tmp_path / "x", *columns, *CHEAP)
    assert err[0] == "labels are numbers: 0 is negative, 1 is positive"
    named, _ = run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "y", *CHEAP)
    assert whole == named
    some, _ = run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "z", "--limit", 3, *CHEAP)
    assert [line.split()[-2:] for line in some] == [["n", "3"]] * 3


def test_evaluate_measures_plausibility_where_people_marked_words(run, tmp_path):
    asked = ("--methods", "built-in", "--metrics", "token-f1,accuracy")
    out, err = run("evaluate", "lexical", "--data", "marked.jsonl", "--output", tmp_path / "x", *asked)
    rows = {line.split()[1]: line.split() for line in out if line.startswith("token-f1")}
    assert {"built-in", "human", "shuffled-human"} <= rows.keys()
    assert rows["human"][2] == "1.000"  # both marked the same words
    assert "Plausible is not faithful" in " ".join(err)
    out, err = run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "y", *asked)
    assert [line.split()[0] for line in out] == ["accuracy"]
    assert "Not measured, as no example has human rationales: token-f1." in err


def test_evaluate_on_one_text_says_why_there_is_no_interval(run, tmp_path):
    out, err = run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "x", "--limit", 1, *CHEAP)
    assert all(line.endswith("(no interval: it takes at least 2 texts)") for line in out)
    assert "There are no intervals: it takes at least 2 texts." in err


def test_an_interrupted_evaluation_says_that_nothing_is_lost(place, monkeypatch, tmp_path):
    monkeypatch.chdir(place)
    arguments = ["evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "x", *CHEAP]
    interrupted = mock.patch("explainable_bert.evaluation.run.write_part", side_effect=KeyboardInterrupt)
    with quickly(), interrupted:
        code, out, err = call(arguments)
    assert (code, out) == (130, "")
    assert "interrupted; the same command continues where it was" in err
    assert "Traceback" not in err
    with quickly():
        assert call(arguments)[0] == 0


# --- a file that was trained on ------------------------------------------------------------------------------------


@pytest.fixture
def studied(place, tmp_path):
    """A file, and a model that is said to have been trained on it."""
    rows = [{"text": f"the film is {word} {'!' * n}", "label": label} for n in range(20) for word, label in WORDS]
    write_table(rows, tmp_path / "studied.csv")
    corpus = load_corpus(str(tmp_path / "studied.csv"))
    (tmp_path / "model").mkdir()
    for file in (place / "lexical").iterdir():
        (tmp_path / "model" / file.name).write_bytes(file.read_bytes())
    run = {"corpus": {"name": "studied.csv", "fingerprint": corpus.fingerprint, "rows": {}}}
    TrainingReport(run, "additive", 5, 1, (), 1, 0.5, None, None, 0, 1.0, False, {}).save(
        tmp_path / "model" / REPORT_FILE
    )
    return tmp_path / "studied.csv", tmp_path / "model", corpus


WORDS = (("great", "positive"), ("awful", "negative"), ("good", "positive"))


def test_what_a_model_was_trained_on_is_left_out(run, studied, tmp_path):
    file, model, corpus = studied
    out, err = run("evaluate", model, "--data", file, "--output", tmp_path / "x", *CHEAP)
    assert out[0].split()[-2:] == ["n", str(len(corpus.test))]
    assert f"{file} is what a model was trained on: measuring on one split of it alone" in err
    out, _ = run("evaluate", "lexical", "--data", file, "--output", tmp_path / "y", *CHEAP)
    assert out[0].split()[-2:] == ["n", "60"]
    # One model that saw the file is enough: all are compared on what none of them saw.
    _, err = run("compare", "vanilla-1", model, "--data", file, "--output", tmp_path / "z", "--limit", 2)
    assert read(tmp_path / "z" / "comparison.json")["settings"]["data"].startswith(
        f"studied.csv, test split: labels of {len(corpus.test)} texts"
    )


# --- compare -------------------------------------------------------------------------------------------------------


def test_compare_prints_its_verdicts_and_writes_the_rest(run, tmp_path):
    arguments = ("compare", "vanilla-1", "lexical", "--data", "films.csv", "--output", tmp_path / "x", "--limit", 3)
    out, err = run(*arguments)
    written = read(tmp_path / "x" / "comparison.json")
    assert out == [f"- {sentence}" for sentence in written["verdicts"]]
    assert len(out) >= 3
    *told, wrote = err
    asked = [f"{what} {name}" for name in ("vanilla-1", "lexical") for what in ("predicting with", "measuring")]
    assert sorted(line.partition(":")[0] for line in told) == sorted(asked)
    assert wrote == f"wrote {tmp_path / 'x' / 'comparison.json'} and {tmp_path / 'x' / 'report.html'}"
    assert {(pair["a"], pair["b"]) for pair in written["pairs"]} == {("vanilla-1", "lexical")}
    assert {pair["verdict"] for pair in written["pairs"]} <= {
        "better",
        "worse",
        "equivalent",
        "no difference shown",
        "higher",
        "lower",
    }
    page = (tmp_path / "x" / "report.html").read_text()
    assert written["verdicts"][-1] in page
    again, _ = run(*arguments)
    assert again == out


def test_compare_takes_seeds_by_a_pattern(run, tmp_path):
    run("compare", "vanilla-*", "lexical", "--data", "films.csv", "--output", tmp_path / "x", "--limit", 2)
    pair = read(tmp_path / "x" / "comparison.json")["pairs"][0]
    assert (pair["a"], pair["metric"]) == ("vanilla-*", "accuracy")
    assert pair["test"].startswith("paired bootstrap of seeds and texts")


# --- check ---------------------------------------------------------------------------------------------------------


def test_check_passes_and_fails_at_the_exact_bound(run, tmp_path):
    run("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "x", *CHEAP)
    accuracy, words, _ = [row["value"] for row in read(tmp_path / "x" / "summary.json")]
    bounds = ("--min-accuracy", repr(accuracy), "--max-effective-words", repr(words))
    told = ["measuring: 8 texts, the longest first"]
    out, err = run("check", "lexical", "--data", "films.csv", *bounds)
    assert ([line.split()[:2] for line in out], err) == ([["pass", "accuracy"], ["pass", "effective-words"]], told)
    assert out[0].endswith(f"at least {accuracy:g}")
    tighter = ("--min-accuracy", repr(accuracy), "--max-effective-words", repr(words - 1e-9))
    out, err = run("check", "lexical", "--data", "films.csv", *tighter, code=1)
    assert ([line.split()[:2] for line in out], err) == ([["pass", "accuracy"], ["FAIL", "effective-words"]], told)
    assert re.search(r"\d\.\d{6} \(.* at most ", out[1])
    out, _ = run("check", "lexical", "--data", "films.csv", "--min-accuracy", repr(accuracy + 1e-9), code=1)
    assert [line.split()[0] for line in out] == ["FAIL"]


def test_check_has_every_bound(run):
    asked = {
        "--min-accuracy": ("accuracy", 0),
        "--min-macro-f1": ("macro-f1", 0),
        "--max-calibration-error": ("expected-calibration-error", 1),
        "--max-effective-words": ("effective-words", 100),
        "--max-special-token-mass": ("special-token-mass", 1),
        "--min-comprehensiveness": ("aopc-comprehensiveness", -1),
        "--max-sufficiency": ("aopc-sufficiency", 1),
    }
    bounds = [part for option, (_, limit) in asked.items() for part in (option, limit)]
    out, _ = run("check", "lexical", "--data", "films.csv", *bounds)
    assert [line.split()[:2] for line in out] == [["pass", metric] for metric, _ in asked.values()]
    assert [line.split()[-3:-1] for line in out] == [
        ["at", "least" if option.startswith("--min") else "most"] for option in asked
    ]
    assert [float(line.split()[-1]) for line in out] == [limit for _, limit in asked.values()]


def test_check_of_another_method_and_what_it_keeps(run, tmp_path):
    bounds = ("--max-effective-words", 100, "--min-accuracy", 0)
    out, _ = run("check", "lexical", "--data", "films.csv", "--method", "random", "--output", tmp_path / "x", *bounds)
    rows = read(tmp_path / "x" / "summary.json")
    assert {row["method"] for row in rows} == {None, "random"}
    (words,) = [row["value"] for row in rows if row["metric"] == "effective-words"]
    assert out[-1].split()[1:3] == ["effective-words", f"{words:.3f}"]


def test_a_check_keeps_nothing_unless_asked(run, place):
    before = sorted(place.iterdir())
    run("check", "lexical", "--data", "films.csv", "--min-accuracy", 0, "--limit", 2)
    assert sorted(place.iterdir()) == before


# --- audit ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def audited(monkeypatch):
    """Stands in for the audit itself: what it was asked, and a report with an outcome of each kind."""
    asked = []

    def run_audit(model, given, seed=0, progress=None):
        asked.append((model.name, list(given), seed))
        progress("reading the texts", 0, 1)
        checks = (
            Check("completeness", 1.2345e-7, 1e-5, True, "Contributions sum to the logit. " * 12, "at most", 2),
            Check("uniform-swap", 0.01, 0.05, False, "Attention [hardly] matters.", "at least", 2),
            Check("identifiability", 24.0, None, None, "How many units.", "", 2),
            Check("removal", None, 1e-5, None, "Nothing to remove.", "at most", 0),
        )
        return AuditReport(model.name, "lexical", checks, {"seed": str(seed), "texts": "2"}, ())

    monkeypatch.setattr(explainable_bert.audit, "run_audit", run_audit)
    return asked


def test_audit_of_texts(run, audited, tmp_path):
    out, err = run("audit", "lexical", "good film", "bad film", "--seed", 3, "--output", tmp_path / "x")
    assert audited == [("lexical", ["good film", "bad film"], 3)]
    assert out[::2] == [
        "pass  completeness 1.23e-07 (at most 1e-05)",
        "FAIL  uniform-swap 0.01 (at least 0.05)",
        "-     identifiability 24",
        "-     removal (at most 1e-05)",
    ]
    assert [line.strip() for line in out[3::2]] == [
        "Attention [hardly] matters.",
        "How many units.",
        "Nothing to remove.",
    ]
    written = read(tmp_path / "x" / "audit.json")
    assert [check["name"] for check in written["checks"]] == [
        "completeness",
        "uniform-swap",
        "identifiability",
        "removal",
    ]
    assert all({"name", "value", "threshold", "passed", "meaning"} <= check.keys() for check in written["checks"])
    assert "uniform-swap" in (tmp_path / "x" / "report.html").read_text()
    *told, wrote = err
    assert told == ["auditing: reading the texts (1 of 1)"]
    assert wrote == f"wrote {tmp_path / 'x' / 'audit.json'} and {tmp_path / 'x' / 'report.html'}"


def test_audit_of_a_file_of_texts_and_of_labelled_texts(run, audited, tmp_path):
    (tmp_path / "in.txt").write_text("good film\n\nbad film\na movie\n")
    _, err = run("audit", "lexical", "--input", tmp_path / "in.txt", "--limit", 2)
    assert audited[-1][1] == ["good film", "bad film"]
    assert err[0] == "left out 1 row: in.txt row 2: text is empty"
    run("audit", "lexical", "--data", "films.csv", "--limit", 3)
    assert len(audited[-1][1]) == 3
    assert set(audited[-1][1]) < set(texts())
    # What the texts' labels are called is nothing to an audit.
    run("audit", "lexical", "--data", "neutral.csv")
    assert sorted(audited[-1][1]) == sorted(texts())


# --- mistakes ------------------------------------------------------------------------------------------------------


NO_SUCH_LABEL = "examples: row 1 has label 'neutral'; accepted by 'lexical': 'negative', 'positive'"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("evaluate nowhere --data films.csv --output OUT", "model: 'nowhere' is neither a folder nor a model"),
        ("evaluate lexical --data missing.csv --output OUT", "path: cannot read 'missing.csv': No such file"),
        ("evaluate lexical --data films.csv --output OUT --methods salience", "method: 'salience' given; did you mean"),
        ("evaluate lexical --data films.csv --output OUT --methods ,", "methods: none given; at least one is needed"),
        (
            "evaluate lexical --data films.csv --output OUT --metrics gino",
            "metrics: 'gino' given; did you mean 'gini'?",
        ),
        ("evaluate lexical --data films.csv --output OUT --erasure rubber", "erasure: 'rubber' given; accepted: mask"),
        ("evaluate lexical --data films.csv --output films.csv", "output: 'films.csv' is a file"),
        ("evaluate lexical --data films.csv --output vanilla-1", "output: folder 'vanilla-1' holds something else"),
        ("evaluate lexical --data neutral.csv --output OUT", NO_SUCH_LABEL),
        ("evaluate lexical --data stars.jsonl --output OUT", "--text-column: no column 'text' in stars.jsonl"),
        ("evaluate lexical --data films.csv --output OUT --metrics token-f1", "metrics: token-f1 given; without"),
        ("compare lexical --data films.csv --output OUT", "models: lexical given; accepted: two or more different"),
        ("compare lexical ./lexical --data films.csv --output OUT", "models: './lexical' given twice"),
        ("compare lexical none-* --data films.csv --output OUT", "models: no folder matches 'none-*'"),
        (
            "compare lexical STOCK --data films.csv --output OUT",
            "knows labels LABEL_0, LABEL_1, LABEL_2, 'lexical' neg",
        ),
        ("compare lexical vanilla-1 --data neutral.csv --output OUT", "examples: label 'neutral' given; accepted are"),
        ("compare lexical vanilla-1 --data films.csv --output OUT --margin 0", "margin: 0.0 given; accepted: between"),
        ("check lexical --data neutral.csv --min-accuracy 0.5", NO_SUCH_LABEL),
        ("check lexical --data missing.csv --min-accuracy 0.5", "path: cannot read 'missing.csv'"),
        ("check lexical --data films.csv --min-accuracy 0.5 --method salience", "method: 'salience' given"),
        ("audit nowhere text", "model: 'nowhere' is neither a folder nor a model the hub could give"),
        ("audit lexical text --output films.csv", "output: 'films.csv' is a file"),
        ("audit lexical --data missing.csv", "path: cannot read 'missing.csv'"),
    ],
)
def test_mistakes(fails, stock_folder, tmp_path, arguments, message):
    places = {"OUT": str(tmp_path / "x"), "STOCK": str(stock_folder)}
    assert message in fails(*(places.get(word, word) for word in arguments.split()))
    assert not (tmp_path / "x").exists()


def test_a_folder_of_another_run_is_left_alone(run, fails, tmp_path):
    arguments = ("evaluate", "lexical", "--data", "films.csv", "--output", tmp_path / "x", *CHEAP)
    run(*arguments)
    before = (tmp_path / "x" / "summary.json").read_bytes()
    assert "holds another run (settings seed 0 there, 1 asked for)" in fails(*arguments, "--seed", 1)
    assert (tmp_path / "x" / "summary.json").read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        "evaluate lexical --data films.csv",
        "evaluate lexical --output x",
        "evaluate lexical --data films.csv --output x --limit 0",
        "evaluate lexical --data films.csv --output x --level letter",
        "evaluate lexical --data films.csv --output x --split dev",
        "compare lexical vanilla-1 --data films.csv",
        "compare --data films.csv --output x",
        "compare lexical vanilla-1 --data films.csv --output x --limit 0",
        "compare lexical vanilla-1 --data films.csv --output x --split dev",
        "check lexical --data films.csv",
        "check lexical --min-accuracy 0.5",
        "check lexical --data films.csv --min-accuracy high",
        "check lexical --data films.csv --min-accuracy 0.5 --limit -1",
        "audit lexical",
        "audit lexical text --data films.csv",
        "audit lexical text --input films.csv",
        "audit lexical text --limit -1",
        "audit lexical --data films.csv --split dev",
    ],
)
def test_wrong_usage(run, place, arguments):
    before = sorted(place.iterdir())
    out, err = run(*arguments.split(), code=2)
    assert out == []
    assert "Usage: " in err[0]
    assert sorted(place.iterdir()) == before


def test_a_check_without_a_bound_names_them(run):
    _, err = run("check", "lexical", "--data", "films.csv", code=2)
    assert "--min-accuracy, --min-macro-f1, --max-calibration-error" in " ".join(" ".join(err).split())


@pytest.mark.parametrize("command", ["evaluate", "compare", "audit", "check"])
def test_help_shows_an_example(run, command):
    out, err = run(command, "--help")
    assert f"Example: explainable-bert {command}" in " ".join(" ".join(out).split())
    assert err == []


def test_help_says_where_metrics_are_listed(run):
    out, _ = run("evaluate", "--help")
    shown = " ".join(" ".join(out).split())
    assert all(name in shown for name in ("docs/metrics.md", *FAMILIES))
