"""Training from and by a vanilla twin: where it lies, what each of the two is trained with, what is found again."""

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from safetensors.torch import load_file, save_file

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.errors import FileError, InputError, ModelError
from explainable_bert.model.checkpoint import fingerprint
from explainable_bert.training import run, run_folder
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import has_twin, recipe, taught_by, train_with_twin, twin_folder
from tiny import toy_corpus

SETTINGS = TrainingSettings(epochs=1, batch_size=8, learning_rate=3e-3, seed=4)
MORE = ("the film is quite good", "the plot is very dull", "a movie is so so")
TOLD = ["vanilla twin", "explainable"]


def request(stock_folder, **fields):
    return ModelRequest(base=str(stock_folder), **fields)


def report_of(folder):
    return TrainingReport.load(folder / "training_report.json")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, stock_folder):
    """Both models, trained with texts without labels, and what was told meanwhile."""
    folder = tmp_path_factory.mktemp("runs") / "x"
    asked = request(stock_folder, value_layer=1, attention_function="entmax15")
    told, steps = [], []
    report = train_with_twin(
        asked,
        toy_corpus(),
        folder,
        SETTINGS,
        progress=lambda state: steps.append((told[-1], state.step)),
        unlabelled=MORE,
        starts=told.append,
    )
    return SimpleNamespace(
        folder=folder, twin=folder.with_name("twin-of-x"), request=asked, report=report, told=told, steps=steps
    )


def test_designs_with_a_twin():
    assert [has_twin(name) for name in ("explainable", "lexical", "vanilla", "triple")] == [True, False, False, False]


def test_the_folder_of_a_twin(tmp_path, monkeypatch):
    assert twin_folder(Path("runs/x.y")) == Path("runs/twin-of-x.y")
    (tmp_path / "x" / "y").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "x" / "y")
    assert twin_folder(Path()) == tmp_path / "x" / "twin-of-y"
    assert twin_folder(Path("..")) == tmp_path / "twin-of-x"
    with pytest.raises(InputError, match=r"^output: '/' given; accepted: a folder that another one can be beside$"):
        twin_folder(Path("/"))


def test_the_recipe_changes_three_settings():
    assert recipe(SETTINGS) == dataclasses.replace(
        SETTINGS, masked_fine_tuning=True, values_apart=True, readout_rate=10.0
    )


def test_the_twin_lies_beside_its_design(trained):
    assert {path.name for path in trained.folder.parent.iterdir()} == {"x", "twin-of-x"}
    # Seeds of a design are named by a pattern: that may not take in a twin.
    assert list(trained.folder.parent.glob("x*")) == [trained.folder]
    for folder, design in ((trained.folder, "explainable"), (trained.twin, "vanilla")):
        classifier = ExplainableClassifier.load(folder)
        assert classifier.provenance.design == design
        assert classifier.labels == ("negative", "positive")
    assert report_of(trained.folder) == trained.report
    assert (trained.report.value_layer, trained.report.readout) == (1, "additive")


def test_each_is_told_before_its_own_steps(trained):
    assert trained.told == TOLD
    # 24 rows make 3 steps of 8, and 3 texts more a fourth one.
    expected = [("vanilla twin", step) for step in (1, 2, 3)] + [("explainable", step) for step in (1, 2, 3, 4)]
    assert list(dict.fromkeys(trained.steps)) == expected


def test_the_twin_is_a_vanilla_model_with_masked_fine_tuning_alone(trained, stock_folder):
    asked = report_of(trained.twin).run
    assert asked["settings"] == dataclasses.asdict(dataclasses.replace(SETTINGS, masked_fine_tuning=True))
    assert {name: asked["request"][name] for name in dataclasses.asdict(trained.request)} == {
        "base": str(stock_folder),
        "design": "vanilla",
        "value_layer": None,
        "attention_function": "softmax",
        "teacher": None,
    }
    assert asked["unlabelled"]["texts"] == 0


def test_the_design_starts_from_its_twin_and_is_taught_by_it(trained):
    asked = trained.report.run
    assert (asked["settings"]["values_apart"], asked["settings"]["readout_rate"]) == (True, 10)
    assert asked["settings"] == dataclasses.asdict(recipe(SETTINGS))
    expected = dataclasses.replace(trained.request, base=str(trained.twin), teacher=str(trained.twin))
    assert taught_by(trained.request, trained.twin) == expected
    assert {name: asked["request"][name] for name in dataclasses.asdict(expected)} == dataclasses.asdict(expected)
    start = ExplainableBertForSequenceClassification.from_base(
        trained.twin, design="explainable", value_layer=1, attention_function="entmax15"
    )
    assert asked["request"]["base_fingerprint"] == fingerprint(start.bert)
    teacher = ExplainableClassifier.load(trained.twin)
    assert asked["request"]["teacher_fingerprint"] == teacher.provenance.fingerprint
    assert asked["unlabelled"]["texts"] == 3


def test_finished_runs_are_not_trained_again(trained, monkeypatch):
    monkeypatch.setattr(run, "ClassifierTrainer", None)
    twins = report_of(trained.twin)
    told = []
    again = train_with_twin(
        trained.request, toy_corpus(), trained.folder, SETTINGS, unlabelled=MORE, starts=told.append
    )
    assert (again, report_of(trained.twin), told) == (trained.report, twins, TOLD)


def test_finished_runs_are_found_under_another_spelling_of_the_twins_path(trained, monkeypatch):
    monkeypatch.setattr(run, "ClassifierTrainer", None)
    monkeypatch.chdir(trained.folder.parent)
    assert train_with_twin(trained.request, toy_corpus(), Path("x"), SETTINGS, unlabelled=MORE) == trained.report
    spelled = taught_by(trained.request, Path("x/../twin-of-x"))
    assert train(spelled, toy_corpus(), Path("x"), recipe(SETTINGS), unlabelled=MORE) == trained.report
    # What is started from without being the teacher goes by its name, too.
    spelled = dataclasses.replace(spelled, teacher=str(trained.twin))
    with pytest.raises(FileError, match=r"^output: folder 'x' holds another run \(request base [^;]* asked for\)"):
        train(spelled, toy_corpus(), Path("x"), recipe(SETTINGS), unlabelled=MORE)


@pytest.mark.parametrize(
    ("name", "different"),
    [
        ("classifier.bias", ["teacher_fingerprint"]),
        ("bert.encoder.layer.0.output.dense.weight", ["base_fingerprint", "teacher_fingerprint"]),
    ],
)
def test_a_changed_twin_is_refused(trained, tmp_path, name, different):
    shutil.copytree(trained.folder.parent, tmp_path / "runs")
    file = tmp_path / "runs" / "twin-of-x" / "model.safetensors"
    weights = load_file(file)
    weights[name].flatten()[0] += 1
    save_file(weights, file, metadata={"format": "pt"})
    (file.parent / "manifest.json").unlink()  # which would call it damaged
    expected = "; ".join(rf"request {field} \S+ there, \S+ asked for" for field in different)
    with pytest.raises(FileError, match=rf"/x' holds another run \({expected}\)"):
        train_with_twin(trained.request, toy_corpus(), tmp_path / "runs" / "x", SETTINGS, unlabelled=MORE)


def test_an_output_that_holds_something_else_is_refused_before_the_twin_is_trained(stock_folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "diary.txt").write_text("mine")
    told = []
    for name, message in (("file", "is a file; accepted: a new or"), ("folder", "holds something else; accepted: a n")):
        with pytest.raises(FileError, match=rf"^output: .*/{name}' {message}"):
            train_with_twin(request(stock_folder), toy_corpus(), tmp_path / name, SETTINGS, starts=told.append)
    assert told == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert [path.name for path in (tmp_path / "folder").iterdir()] == ["diary.txt"]


def is_refused_before_the_twin_is_trained(error, message, *arguments, **more):
    """By a new twin: none lies beside the output."""
    told = []
    with pytest.raises(error, match=message):
        train_with_twin(*arguments, SETTINGS, starts=told.append, **more)
    return not told and not twin_folder(arguments[2]).exists()


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"value_layer": 77}, ModelError, r"^value_layer: 77 given; accepted: 0 \(embeddings\) to 4"),
        ({"attention_function": "hardmax"}, ModelError, r"^attention_function: 'hardmax' given"),
        ({"base": "no-such-folder"}, ModelError, r"^base: 'no-such-folder' is neither a folder nor"),
        ({}, InputError, r"^unlabelled: 1 texts given that 'toy' is validated or tested on"),
    ],
)
def test_requests_that_do_not_fit_are_refused_before_the_twin_is_trained(
    stock_folder, tmp_path, fields, error, message
):
    corpus = toy_corpus()
    asked = dataclasses.replace(request(stock_folder), **fields)
    unlabelled = () if fields else (*MORE, corpus.test[0].text)
    assert is_refused_before_the_twin_is_trained(error, message, asked, corpus, tmp_path / "x", unlabelled=unlabelled)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_finished", [True, False])
def test_an_output_of_another_run_is_refused_before_the_twin_is_trained(
    trained, stock_folder, tmp_path, monkeypatch, is_finished
):
    if is_finished:
        shutil.copytree(trained.folder, tmp_path / "x")
    else:
        assert run_folder.prepare(tmp_path / "x", trained.report.run) is None
    monkeypatch.setattr(run, "ClassifierTrainer", None)
    others = {
        r"request value_layer 1 there, None asked for; request attention_function entmax15 there, softmax asked for": (
            request(stock_folder),
            toy_corpus(),
        ),
        r"corpus rows train 24 there, 25 asked for": (trained.request, toy_corpus(n_train=25)),
    }
    for different, (asked, corpus) in others.items():
        message = rf"^output: folder '.*/x' holds another run \({different}\)"
        assert is_refused_before_the_twin_is_trained(FileError, message, asked, corpus, tmp_path / "x")
    settings = dataclasses.replace(SETTINGS, seed=5)
    with pytest.raises(FileError, match=r"holds another run \(settings seed 4 there, 5 asked for\)"):
        train_with_twin(trained.request, toy_corpus(), tmp_path / "x", settings, unlabelled=MORE)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_run_that_was_stopped_is_continued_from_the_same_twin(stock_folder, tmp_path):
    settings = dataclasses.replace(SETTINGS, epochs=2)
    told, seen = [], []

    def stop(state):
        if told[-1] == "explainable" and state.step == 5:  # three steps an epoch: in the second
            raise KeyboardInterrupt

    (tmp_path / "x").mkdir()
    with pytest.raises(KeyboardInterrupt):
        train_with_twin(request(stock_folder), toy_corpus(), tmp_path / "x", settings, stop, starts=told.append)
    twins = report_of(tmp_path / "twin-of-x")
    report = train_with_twin(
        request(stock_folder),
        toy_corpus(),
        tmp_path / "x",
        settings,
        lambda state: seen.append((told[-1], state.step)),
        starts=told.append,
    )
    assert report.resumed
    assert list(dict.fromkeys(seen)) == [("explainable", step) for step in (4, 5, 6)]
    assert report_of(tmp_path / "twin-of-x") == twins
    assert told == TOLD * 2


def test_only_what_to_train_where_must_be_given(stock_folder, tmp_path):
    report = train_with_twin(request(stock_folder), toy_corpus(), tmp_path / "x")
    assert report.run["settings"] == dataclasses.asdict(recipe(TrainingSettings()))
    assert report.value_layer == 0  # a sixth of five blocks
    assert report.run["unlabelled"]["texts"] == 0


@pytest.mark.parametrize(
    ("design", "teacher"), [("lexical", None), ("vanilla", None), ("triple", None), ("explainable", "nowhere")]
)
def test_requests_without_a_twin_to_train(stock_folder, tmp_path, design, teacher):
    with pytest.raises(InputError) as caught:
        train_with_twin(request(stock_folder, design=design, teacher=teacher), toy_corpus(), tmp_path / "x", SETTINGS)
    expected = f"request: design {design!r} with teacher {teacher!r} given; accepted: explainable, without a teacher"
    assert str(caught.value) == expected
    assert list(tmp_path.iterdir()) == []
