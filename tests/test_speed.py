"""Speed comparisons: sides that take turns, ratios by hand, texts of given lengths, and sides that do the same work."""

import copy
import subprocess
import sys

import pytest
import torch

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.errors import InputError
from explainable_bert.interfaces import benching
from explainable_bert.speed import bench as benchmark
from explainable_bert.speed.bench import BenchReport, BenchSettings, Contest, bench
from explainable_bert.speed.machine import machine, versions
from explainable_bert.speed.ratios import Ratio, ratio
from explainable_bert.speed.sides import OURS, SIDES, STOCK
from explainable_bert.speed.texts import BAGS, texts_of
from explainable_bert.speed.turns import Side, SideError, Turn, take_turns

SERVED = "from explainable_bert.speed.turns import serve; {}"


def side(name, code):
    return Side(name, (sys.executable, "-c", SERVED.format(code)))


def test_sides_take_turns_in_processes_of_their_own(tmp_path):
    noted = tmp_path / "turns.txt"
    note = "serve(lambda: (print('noise'), open({!r}, 'a').write('{} ')))"
    sides = [side(name, note.format(str(noted), name)) for name in "abc"]
    told = []
    turns = take_turns(sides, 4, seed=0, progress=lambda done, total: told.append((done, total)), n_warm_ups=2)
    assert {name: len(found) for name, found in turns.items()} == {"a": 4, "b": 4, "c": 4}
    assert told == [(done, 6) for done in range(1, 7)]
    rounds = [noted.read_text().split()[start : start + 3] for start in range(0, 18, 3)]
    assert all(sorted(order) == ["a", "b", "c"] for order in rounds)
    assert len(set(map(tuple, rounds))) > 1
    for turn in turns["a"]:
        assert 0 < turn.seconds < 5
        assert 1e6 < turn.idle_bytes <= turn.peak_bytes < 1e10


def test_time_and_memory_of_a_turn_are_those_of_its_work():
    code = "import time; kept = []; serve(lambda: (kept.append(b'x' * 200_000_000), time.sleep(0.2)))"
    (turn,) = take_turns([side("one", code)], 1, seed=0, n_warm_ups=0)["one"]
    assert turn.seconds >= 0.2
    assert turn.peak_bytes - turn.idle_bytes > 190e6


def test_a_side_that_stops_says_why():
    with pytest.raises(SideError, match="side 'broken' stopped: ValueError: no such model"):
        take_turns([side("broken", "raise ValueError('no such model')")], 1, seed=0)
    with pytest.raises(SideError, match="side 'late' stopped: ZeroDivisionError: division by zero"):
        take_turns([side("late", "serve(lambda: 1 / 0)")], 1, seed=0)
    with pytest.raises(SideError, match="side 'nowhere' cannot be started: No such file"):
        take_turns([Side("nowhere", ("/nowhere/python",))], 1, seed=0)


def test_a_ratio_by_hand():
    turns = {
        "ours": [Turn(seconds, 0, 0) for seconds in (1.0, 2.0, 4.0)],
        "theirs": [Turn(seconds, 0, 0) for seconds in (3.0, 2.0, 6.0)],
    }
    assert ratio(turns, "ours", "theirs", 4) == Ratio("ours", "theirs", 1.5, 1.0, 3.0, 3, 0.5, 0.75)


@pytest.mark.parametrize("bag", BAGS)
def test_texts_have_the_lengths_that_are_asked_for(tokenizer, bag):
    backend = copy.deepcopy(tokenizer.backend_tokenizer)
    backend.no_truncation()  # which another test may have left on
    for window in (41, 512):
        for one_by_one in (True, False):
            texts = texts_of(bag, backend, window, one_by_one=one_by_one, seed=0)
            lengths = sorted(len(backend.encode(text)) for text in texts)
            if one_by_one:
                assert 8 <= len(texts) <= 10
                assert set(lengths) <= {min(length, window) for length in BAGS[bag]}
                assert (lengths[0], lengths[-1]) == (min(*BAGS[bag], window), min(max(BAGS[bag]), window))
            else:
                assert lengths == sorted(min(length, window) for length in BAGS[bag])
            assert texts == texts_of(bag, backend, window, one_by_one=one_by_one, seed=0)
    with pytest.raises(InputError, match="lengths: '26' given; accepted: 25, 120, 512, mixed"):
        texts_of("26", backend, 512, one_by_one=True, seed=0)


@pytest.fixture
def models(stock_folder, stock, tokenizer, tmp_path):
    """A folder as the sides find it: our model and a stock one with the same weights."""
    ours = ExplainableBertForSequenceClassification.from_base(stock_folder, design="vanilla", num_labels=3)
    ours.save_pretrained(tmp_path / OURS)
    stock.save_pretrained(tmp_path / STOCK)
    for place in (OURS, STOCK):
        tokenizer.save_pretrained(tmp_path / place)
    return tmp_path


def test_every_side_does_the_same_work(models):
    texts = ["the film is good", "awful", "the plot is very, very dull !", "great " * 30, "a bad movie"] * 9
    ours = SIDES["ours, torch"].make(models)(texts)
    assert [explanation.text for explanation in ours] == texts
    labels = list(ours[0].prediction.probabilities)
    expected = [
        (labels.index(item.prediction.label), item.prediction.probabilities[item.prediction.label]) for item in ours
    ]
    predicted = SIDES["stock SDPA"].make(models)(texts)
    assert [label for label, _ in predicted] == [label for label, _ in expected]
    assert [p for _, p in predicted] == pytest.approx([p for _, p in expected], abs=1e-5)
    with_maps = SIDES["stock eager, attentions"].make(models)(texts)
    assert [max(range(3), key=row.__getitem__) for row, _ in with_maps] == [label for label, _ in expected]
    assert with_maps[0][1][1:5] == pytest.approx(list(ours[0].attribution.scores), abs=1e-5)
    by_pipeline = SIDES["transformers.pipeline"].make(models)(texts)
    assert [(row["label"], pytest.approx(row["score"], abs=1e-5)) for row in by_pipeline] == [
        (labels[label], score) for label, score in expected
    ]


def test_the_command_measures_a_model_and_saves(stock_folder, tokenizer, tmp_path):
    model = ExplainableBertForSequenceClassification.from_base(stock_folder, design="lexical", num_labels=3)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    output = tmp_path / "bench.json"
    command = [sys.executable, "-m", "explainable_bert", "bench", tmp_path / "model", "--lengths", "25"]
    asked = ["--rounds", "1", "--output", output]
    ran = subprocess.run([*command, *asked], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    for shown in ("design lexical", "ours, torch", "ours, ONNX", "times as fast as", "medians of 1 rounds"):
        assert shown in ran.stdout
    report = BenchReport.load(output)
    assert [(contest.lengths, contest.given) for contest in report.contests] == [("25", "one"), ("25", "all")]
    assert (report.design, report.machine, report.versions) == ("lexical", machine(), versions())
    for contest in report.contests:
        assert {(found.ours, found.other) for found in contest.ratios} == {
            (ours, other)
            for ours in ("ours, torch", "ours, ONNX")
            for other in ("stock SDPA", "stock eager, attentions", "transformers.pipeline", "stock ONNX")
        }
        for found in contest.ratios:
            assert found.median == pytest.approx(found.other_seconds / found.ours_seconds)
        assert contest.peak_bytes.keys() == {name for name in SIDES if "compiled" not in name}


@pytest.fixture
def counted(monkeypatch):
    """Turns without processes: what was asked for, and times that the name of a side gives."""
    asked = []

    def turns(sides, rounds, _, progress):
        asked.append([side.name for side in sides])
        progress(1, 1)
        return {side.name: (Turn(float(len(side.name)), 2, 1),) * rounds for side in sides}

    monkeypatch.setattr(benchmark, "take_turns", turns)
    monkeypatch.setattr(benchmark, "_prepare", lambda *_: None)
    return asked


def test_a_stopped_benchmark_goes_on(classifier, counted, tmp_path):
    clf, output = classifier("lexical"), tmp_path / "x.json"
    some = BenchSettings(lengths=("25",), given=("one",), rounds=2)
    bench(clf, some, lambda *_: None, output)
    told = []
    report = bench(clf, BenchSettings(rounds=2), lambda *given: told.append(given), output)
    assert len(counted) == len(told) + 1 == len(report.contests) == len(BAGS) * 2
    assert told[0] == ("25 tokens, all", 1, 1)
    assert bench(clf, BenchSettings(rounds=2), None, output) == report == BenchReport.load(output)
    with pytest.raises(InputError, match=r"has other rounds \(2, now 3\); accepted: a new file, or one to continue"):
        bench(clf, BenchSettings(rounds=3), None, output)
    with torch.no_grad():
        clf.model.classifier.bias.add_(1)
    with pytest.raises(InputError, match="has other fingerprint"):
        bench(ExplainableClassifier(clf.model, clf.tokenizer), BenchSettings(rounds=2), None, output)
    output.write_text("{}")
    with pytest.raises(InputError, match="holds no report of a benchmark"):
        bench(clf, BenchSettings(rounds=2), None, output)


def test_what_cannot_be_a_graph_is_compared_in_torch_alone(build, tokenizer, counted):
    clf = ExplainableClassifier(build("additive", attention_function="sparsemax"), tokenizer)
    report = bench(clf, BenchSettings(lengths=("25",), given=("all",), rounds=1), lambda *_: None)
    assert counted == [["ours, torch", "stock SDPA", "stock eager, attentions", "transformers.pipeline"]]
    assert {found.ours for found in report.contests[0].ratios} == {"ours, torch"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"lengths": ("26",)}, "lengths: 26 given; accepted: 25, 120, 512, mixed"),
        ({"lengths": ()}, "lengths: none given"),
        ({"given": ("two",)}, "given: two given; accepted: one, all"),
        ({"sides": ("theirs",)}, "sides: theirs given; accepted: ours, torch"),
        ({"rounds": 0}, "rounds: 0 given; accepted: 1 or more"),
    ],
)
def test_settings_that_there_are(given, message):
    with pytest.raises(InputError, match=message):
        BenchSettings(**given)


def test_a_table_for_each_of_our_sides(capsys):
    found = (Ratio("ours, torch", "stock SDPA", 1.5, 1.25, 2.75, 3, 0.5, 0.75),)
    report = BenchReport("m", "lexical", "f", 3, 0, "box", {}, (Contest("mixed", "all", 9, found, {}),))
    benching.print_report(report)
    shown = capsys.readouterr().out
    for cell in ("mixed", "1.50", "1.25-2.75", "500.0", "m, design lexical; box"):
        assert cell in shown


@pytest.mark.real
def test_a_base_becomes_the_same_model_again():
    one, again, other = (benching._classifier("minilm", seed).provenance for seed in (0, 0, 1))
    assert (one, one.design) == (again, "explainable")
    assert one.fingerprint != other.fingerprint
