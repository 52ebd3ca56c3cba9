"""The command frontier, end to end with tiny models, and the mistakes that it names."""

import json
from itertools import product
from pathlib import Path
from unittest import mock

import pytest

from explainable_bert.data.files import write_table
from explainable_bert.errors import FileError
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.sweep import frontier
from explainable_bert.sweep.experiment import TrainingData
from explainable_bert.sweep.frontier import FrontierSettings, run_frontier
from explainable_bert.sweep.grid import grid_arms, parse_grid
from explainable_bert.sweep.record import Explained, Measured, PointRecord, Predicted
from explainable_bert.sweep.run import Outcome
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from test_cli import call, refused

SUBJECTS = ("the film", "a movie", "the plot", "a writer")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("frontier")
    parts = product(SUBJECTS, ("very", "the", "a", "bad"), ("great", "awful"), ".!?-")
    texts = [(f"{subject} is {adverb} {word} {end}", word) for subject, adverb, word, end in parts]
    rows = [{"text": text, "label": "negative" if word == "awful" else "positive"} for text, word in texts]
    write_table(rows, place / "films.csv")
    write_table(rows[:20], place / "held-out.csv")
    write_table([{"text": f"very {text}"} for text, _ in texts[:30]], place / "more.csv")
    marked = [
        {"text": text, "label": int(word == "great"), "words": text.split()}
        | {"annotators": [[int(part in ("great", "awful")) for part in text.split()]]}
        for text, word in texts
    ]
    (place / "marked.jsonl").write_text("".join(json.dumps(row) + "\n" for row in marked))
    return place


@pytest.fixture(autouse=True)
def there(place, monkeypatch):
    monkeypatch.chdir(place)


def test_a_sweep_from_the_grid_to_the_page(place, stock_folder):
    """One arm cannot be trained: it is named, the others are measured and one is picked, and the code is 1."""
    arguments = ("frontier", "--data", "films.csv", "--output", "out", "--base", stock_folder, "--epochs", "1")
    arguments += ("--grid", "value_layer=1,77", "--seeds", "1", "--teacher", "vanilla", "--from-teacher")
    arguments += ("--unlabelled", "more.csv", "--within", "100", "--explained", "4", "--rationales", "marked.jsonl")
    code, out, err = call((*arguments, "--processes", "2", "--batch-size", "16", "--limit", "40"))
    assert code == 1, err
    assert "Traceback" not in err
    lines = err.splitlines()
    assert lines[0] == "training and measuring: 0 of 3 points done; running vanilla, seed 0"
    assert "lexical value_layer=77, seed 0: value_layer: 77 given; accepted: 0 (embeddings) to 4" in lines
    assert "testing the pick: 2 of 2 points done" in lines
    assert lines[-1] == "points that failed or were skipped: 1; the same command tries them again"
    assert lines[-2] == "wrote out/frontier.json, out/frontier.svg and out/report.html"

    found = json.loads((place / "out" / "frontier.json").read_text())
    assert (found["pick"], found["nearest"]) == ("lexical value_layer=1", None)
    assert [row["arm"] for row in found["rows"]] == ["vanilla", "lexical value_layer=1"]
    assert [row["arm"] for row in found["tested"]] == ["vanilla", "lexical value_layer=1"]
    assert [row["plausibility"]["n"] for row in found["rows"]] == [4, 4]
    assert [row["plausibility"] for row in found["tested"]] == [None, None]
    assert found["settings"]["training"] == "40 training rows, 1 seed: 0"
    assert any("lexical value_layer=77, seed 0: value_layer: 77 given" in note for note in found["notes"])
    assert any(note.startswith("One seed:") for note in found["notes"])

    table = out.splitlines()
    assert table[1].startswith("vanilla ")
    assert f"{found['rows'][0]['accuracy']['value']:.3f}" in table[1]
    assert "pick" in table[2]
    assert table[-len(found["verdicts"]) :] == [f"- {sentence}" for sentence in found["verdicts"]]
    page = (place / "out" / "report.html").read_text()
    assert "lexical value_layer=1" in page
    assert (place / "out" / "frontier.svg").is_file()
    assert sorted(path.name for path in (place / "out").iterdir()) == [
        *("frontier.json", "frontier.svg", "models", "points", "report.html", "test")
    ]

    point = json.loads((place / "out" / "points" / "lexical-value_layer=1-seed-0" / "point.json").read_text())
    assert point["asked"]["arm"] == {"name": "lexical value_layer=1", "teacher": "vanilla", "base": "vanilla"}
    assert point["asked"]["settings"]["masked_fine_tuning"] is True
    request = json.loads(
        (place / "out" / "models" / "lexical-value_layer=1-seed-0" / "training_report.json").read_text()
    )["run"]
    assert request["request"]["base"] == str(place / "out" / "models" / "vanilla-seed-0")
    assert request["unlabelled"]["texts"] == 30


def test_mistakes_are_named():
    start = ("frontier", "--data", "films.csv", "--output", "new")
    assert "grid: 'layers=1'" in refused((*start, "--grid", "layers=1"))
    assert "value_layer: 'x'" in refused((*start, "--grid", "value_layer=x"))
    assert "accepted: vanilla" in refused((*start, "--grid", "value_layer=1", "--from-teacher"))
    assert "within: -1.0" in refused((*start, "--grid", "value_layer=1", "--within", "-1"))
    assert "arms: vanilla given" in refused((*start, "--design", "vanilla"))
    taught = ("--grid", "value_layer=1", "--teacher", "vanilla", "--unlabelled", "held-out.csv")
    assert "unlabelled: 'held-out.csv'" in refused((*start, *taught))
    assert "holds something else ('films.csv')" in refused(("frontier", "--data", "films.csv", "--output", "."))
    assert "base: 'nowhere' is neither a folder" in refused((*start, "--grid", "value_layer=1", "--base", "nowhere"))
    assert not Path("new").exists()
    code, _, err = call((*start, "--teacher", "lexical"))
    assert (code, "accepted: vanilla" in err) == (2, True)


# --- without processes ---------------------------------------------------------------------------------------------


def fake_points(accuracies, failed=()):
    """Stands in for run_points: every point is measured at once, right on so many of 20 rows."""
    calls = []

    def run(points, experiment, *_, kept_in="points", **__):
        calls.append((kept_in, [str(point) for point in points], set(experiment.predicted)))
        lost = {point: "it broke" for point in points if (kept_in, point.arm.name) in failed}
        return Outcome(tuple(record(point, experiment) for point in points if point not in lost), lost)

    def record(point, experiment):
        n_right = accuracies[point.arm.name]
        predicted = {name: Predicted("x", "1" * n_right + "0" * (20 - n_right)) for name in experiment.predicted}
        explained = {
            name: Explained(
                "y",
                tuple(
                    Measured("built-in", measure, ((0.5, 0.0, 1.0),) * 3 if "range" in measure else (2.0, 3.0, 4.0))
                    for measure in shown.settings.measures
                ),
            )
            for name, shown in experiment.explained.items()
        }
        fields = {"n_parameters": 1, "best_epoch": 1, "training_s": 1.0, "measuring_s": 1.0, "versions": {}}
        return PointRecord(
            point.arm.name, point.seed, "lexical", {}, predicted, explained, machine="a machine", **fields
        )

    return run, calls


def report(tmp_path, accuracies, lexicon=True, failed=(), **settings):
    arms = grid_arms(parse_grid(["value_layer=0,1"]), ModelRequest(design="lexical"), TrainingSettings())
    run, calls = fake_points(accuracies, failed)
    unavailable = mock.Mock(side_effect=None if lexicon else FileError("no network"))
    with (
        mock.patch.object(frontier, "run_points", run),
        mock.patch.object(frontier, "load_lexicon", unavailable),
    ):
        found = run_frontier(arms, (0, 1), TrainingData("films.csv"), tmp_path / "out", FrontierSettings(**settings))
    return found, calls


NAMES = ("vanilla", "lexical value_layer=0", "lexical value_layer=1")


def test_only_the_pick_and_vanilla_are_tested(tmp_path):
    found, calls = report(tmp_path, dict(zip(NAMES, (18, 10, 18), strict=True)))
    assert [(kept_in, sets) for kept_in, _, sets in calls] == [
        ("points", {"films.csv validation"}),
        ("test", {"films.csv test"}),
    ]
    assert len(calls[0][1]) == 6
    assert calls[1][1] == ["vanilla, seed 0", f"{NAMES[2]}, seed 0", "vanilla, seed 1", f"{NAMES[2]}, seed 1"]
    assert (found.pick, found.nearest, found.reference) == (NAMES[2], None, "vanilla")
    assert [row.arm for row in found.tested] == ["vanilla", NAMES[2]]
    assert found.verdicts[1].startswith("On test rows")
    assert found.metrics.keys() == {
        *("accuracy", "range-normalised-comprehensiveness-margin", "effective-words", "lexicon-average-precision")
    }
    assert found.rows[1].plausibility.value == 3.0
    assert found.settings["training"].endswith("2 seeds: 0, 1")
    assert EvaluationSettings().level + "s" in found.settings["units"]


def test_without_a_pick_nothing_is_tested(tmp_path):
    found, calls = report(tmp_path, dict(zip(NAMES, (18, 10, 12), strict=True)), lexicon=False)
    assert [kept_in for kept_in, *_ in calls] == ["points"]
    assert (found.pick, found.nearest, found.tested) == (None, NAMES[2], ())
    assert found.rows[0].plausibility is None
    assert any("lexicon could not be had" in note for note in found.notes)


def test_failures_are_noted_and_vanilla_may_not_fail(tmp_path):
    accuracies = dict(zip(NAMES, (18, 18, 18), strict=True))
    found, _ = report(tmp_path, accuracies, failed={("points", NAMES[1]), ("test", NAMES[2])})
    assert [row.arm for row in found.rows] == ["vanilla", NAMES[2]]
    assert found.notes[0] == f"Not measured: {NAMES[1]}, seed 0: it broke."
    assert found.tested == ()
    assert any("was not tested" in note for note in found.notes)
    with pytest.raises(ValueError, match=r"vanilla: no point .*it broke"):
        report(tmp_path, accuracies, failed={("points", "vanilla")})
