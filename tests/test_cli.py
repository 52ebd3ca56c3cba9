"""The command through its entry points: results on stdout, errors in one line, exit codes 0, 1 and 2."""

import json
import re
import subprocess
import sys

import pyarrow.parquet
import pytest

from explainable_bert import ExplainableClassifier, load_explanations
from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.data.files import write_table
from explainable_bert.interfaces import cli
from explainable_bert.training.report import TrainingReport
from tiny import toy_corpus


@pytest.fixture(scope="module")
def corpus_file(tmp_path_factory):
    corpus = toy_corpus(n_train=60, n_validation=20, n_test=20)
    texts = {example.text: example.label for example in (*corpus.train, *corpus.validation, *corpus.test)}
    table = [{"text": text + end, "label": label} for text, label in texts.items() for end in (".", "!", "?", "...")]
    file = tmp_path_factory.mktemp("corpus") / "toy.csv"
    write_table(table, file)
    return file


@pytest.fixture(scope="module")
def model(tmp_path_factory, stock_folder, corpus_file):
    """A model folder made by the command itself."""
    folder = tmp_path_factory.mktemp("runs") / "x"
    arguments = ["train", "--design", "lexical", "--value-layer", "2", "--base", str(stock_folder), "--epochs", "1"]
    code, out, err = call([*arguments, "--data", str(corpus_file), "--output", str(folder)])
    assert code == 0, err
    assert out.splitlines()[-1] == f"model {folder}"
    assert out.startswith("validation accuracy 0.")
    return folder


def call(arguments):
    """Run the command in this process: (exit code, stdout, stderr)."""
    import contextlib
    import io
    from unittest import mock

    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["explainable-bert", *map(str, arguments)]),
        mock.patch.dict("os.environ", {"COLUMNS": "300", "TERMINAL_WIDTH": "300", "NO_COLOR": "1"}),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
            code = 0
        except SystemExit as stopped:
            code = stopped.code or 0
    return code, out.getvalue(), err.getvalue()


def refused(arguments):
    """The error of a call that must fail with one line, exit code 1 and nothing on stdout."""
    code, out, err = call(arguments)
    lines = [line for line in err.splitlines() if line.strip()]
    assert (code, out) == (1, "")
    assert lines[-1].startswith("error: ")
    assert "Traceback" not in err
    return lines[-1]


@pytest.mark.parametrize("arguments", [["--x\u202ey"], ["predict", "--\x1b[31m=1", "film"]])
def test_options_with_hidden_characters_are_named_visibly(arguments):
    code, out, err = call(arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: option --")
    assert err.splitlines() == [err.rstrip("\n")]
    assert err.rstrip("\n").isprintable()


def test_texts_after_two_dashes_are_no_options():
    code, _, err = call(["predict", "nowhere", "--", "-\u202e film"])
    assert (code, err.startswith("error: model: 'nowhere'")) == (1, True)


def run_of(folder):
    """What the training of a model folder was asked for."""
    return TrainingReport.load(folder / "training_report.json").run


@pytest.fixture(scope="module")
def pair(tmp_path_factory, stock_folder, corpus_file):
    """What the command makes and prints when no design is named."""
    folder = tmp_path_factory.mktemp("pair") / "x"
    write_table([{"text": "very good film", "label": "x"}, {"text": "dull"}], folder.parent / "more.csv")
    (folder.parent / "others.txt").write_text("so so\n\na bad movie\nthe plot\n")
    arguments = ["train", "--base", stock_folder, "--data", corpus_file, "--output", folder, "--epochs", "1"]
    arguments += ["--unlabelled", folder.parent / "more.csv", "--unlabelled", folder.parent / "others.txt"]
    return folder, arguments, call(arguments)


def test_training_without_a_design_makes_an_explainable_model_and_its_twin(pair, stock_folder):
    folder, _, (code, out, err) = pair
    twin = folder.with_name("twin-of-x")
    assert code == 0, err
    accuracy, tested, *folders = out.splitlines()
    assert accuracy.startswith("validation accuracy 0.")
    assert tested.startswith("test accuracy ")
    n_tested = run_of(folder)["corpus"]["rows"]["test"]
    assert tested.endswith(f" (standard error), over {n_tested} rows")
    assert folders == [f"model {folder}", f"vanilla twin {twin}"]
    began = [line.split(":")[0] for line in err.splitlines() if line.startswith("training ")]
    assert list(dict.fromkeys(began)) == ["training vanilla twin", "training explainable"]
    ours, twins = run_of(folder), run_of(twin)
    assert (ours["request"]["design"], twins["request"]["design"]) == ("explainable", "vanilla")
    assert (ours["request"]["base"], ours["request"]["teacher"]) == (str(twin), str(twin))
    assert (twins["request"]["base"], twins["request"]["teacher"]) == (str(stock_folder), None)
    for name in ("masked_fine_tuning", "values_apart"):
        assert ours["settings"][name] is True
    assert (ours["settings"]["readout_rate"], ours["settings"]["epochs"]) == (10, 1)
    assert (twins["settings"]["masked_fine_tuning"], twins["settings"]["values_apart"]) == (True, False)
    # Two texts of the first file and three of the second.
    assert (ours["unlabelled"]["texts"], twins["unlabelled"]["texts"]) == (5, 0)
    code, out, _ = call(["info", folder])
    assert (code, "explainable" in out) == (0, True)


def test_the_same_command_again_trains_neither_model(pair):
    folder, arguments, (_, out, _) = pair
    again = call(arguments)
    assert again[:2] == (0, out)
    assert f"'{folder}' holds this very run, finished: nothing was trained" in again[2]
    assert "step" not in again[2]


def test_a_teacher_of_ones_own_takes_the_place_of_the_twin(pair, stock_folder, corpus_file, tmp_path):
    teacher = pair[0].with_name("twin-of-x")
    arguments = ["train", "--design", "explainable", "--teacher", teacher, "--base", stock_folder, "--epochs", "1"]
    arguments += ["--unlabelled", pair[0].with_name("more.csv"), "--data", corpus_file, "--output", tmp_path / "y"]
    code, out, err = call(arguments)
    assert code == 0, err
    assert [path.name for path in tmp_path.iterdir()] == ["y"]
    assert out.splitlines()[-1] == f"model {tmp_path / 'y'}"
    assert "twin " not in out
    asked = run_of(tmp_path / "y")
    assert (asked["request"]["base"], asked["request"]["teacher"]) == (str(stock_folder), str(teacher))
    settings = [asked["settings"][name] for name in ("masked_fine_tuning", "values_apart", "readout_rate")]
    assert settings == [True, True, 10]
    assert asked["unlabelled"]["texts"] == 2


def test_what_is_taught_by_a_teacher_starts_from_it_unless_a_base_is_named(pair, corpus_file, tmp_path):
    teacher = pair[0].with_name("twin-of-x")
    arguments = ["train", "--design", "explainable", "--teacher", teacher, "--epochs", "1", "--data", corpus_file]
    code, _, err = call([*arguments, "--output", tmp_path / "y"])
    assert code == 0, err
    asked = run_of(tmp_path / "y")["request"]
    assert (asked["base"], asked["teacher"]) == (str(teacher), str(teacher))
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


@pytest.mark.usefixtures("without_type_checks")
@pytest.mark.parametrize("is_given", [True, False])
def test_options_of_training_reach_the_settings(stock_folder, corpus_file, tmp_path, is_given):
    arguments = ["train", "--design", "lexical", "--base", stock_folder, "--data", corpus_file, "--epochs", "1"]
    options = ["--values-apart", "--bf16", "--masked-fine-tuning"] if is_given else []
    code, _, err = call([*arguments, *options, "--output", tmp_path / "x"])
    assert code == 0, err
    settings = run_of(tmp_path / "x")["settings"]
    for name in ("values_apart", "bf16", "masked_fine_tuning"):
        assert settings[name] is is_given
    assert settings["readout_rate"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.usefixtures("without_type_checks")
def test_both_models_are_trained_in_bf16(stock_folder, corpus_file, tmp_path):
    arguments = ["train", "--base", stock_folder, "--data", corpus_file, "--output", tmp_path / "x", "--epochs", "1"]
    code, _, err = call([*arguments, "--bf16", "--values-apart"])
    assert code == 0, err
    for name, values_apart in (("x", True), ("twin-of-x", False)):
        settings = run_of(tmp_path / name)["settings"]
        assert (settings["bf16"], settings["values_apart"]) == (True, values_apart)


@pytest.mark.parametrize("entry", [["explainable-bert"], [sys.executable, "-m", "explainable_bert"]])
def test_the_installed_entry_points(entry, model, tmp_path):
    if entry[0] == "explainable-bert":
        entry = [f"{sys.prefix}/bin/explainable-bert"]
    done = subprocess.run([*entry, "predict", model, "the film is great"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    label, probability, text = done.stdout.rstrip("\n").split("\t")
    assert label in {"negative", "positive"}
    assert 0.5 <= float(probability) <= 1
    assert text == "the film is great"
    assert done.stderr == ""
    done = subprocess.run([*entry, "predict", tmp_path, "x"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: model: folder")
    assert "Traceback" not in done.stderr
    assert subprocess.run([*entry, "predict"], capture_output=True, check=False).returncode == 2


@pytest.mark.parametrize("command", ["demo", "train", "predict", "explain", "methods", "info"])
def test_help_shows_an_example(command):
    code, out, _ = call([command, "--help"])
    assert code == 0
    assert f"Example: explainable-bert {command}" in " ".join(out.split())


def test_predict_texts(model):
    code, out, err = call(["predict", model, "the film is great", "awful\tplot\nnow \x1b[31mred"])
    assert (code, err.strip()) == (0, "")
    assert [line.split("\t")[2] for line in out.splitlines()] == ["the film is great", "awful plot now ␛[31mred"]


def test_predict_a_pair(model):
    code, out, _ = call(["predict", model, "good film", "--pair", "bad film"])
    assert code == 0
    assert out.rstrip().endswith("\tgood film | bad film")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ".txt"])
def test_predict_a_file(model, tmp_path, suffix):
    source = tmp_path / f"in{suffix}"
    if suffix == ".txt":
        source.write_text("good film\n\nbad film\n")
    else:
        write_table([{"text": "good film"}, {"text": " "}, {"text": "bad film"}], source)
    code, out, err = call(["predict", model, "--input", source, "--output", tmp_path / "out.parquet"])
    assert (code, out) == (0, "")
    rows = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert [(row["row"], row["text"]) for row in rows] == [(1, "good film"), (3, "bad film")]
    for row in rows:
        assert row["probability"] == row[f"probability_{row['label']}"] >= 0.5
        assert row["probability_negative"] + row["probability_positive"] == pytest.approx(1)
        assert row["n_tokens_dropped"] == 0
    assert f"left out 1 row: in{suffix} row 2: text is empty" in err


def test_columns_of_an_input(model, tmp_path):
    write_table([{"one": "good film", "two": "bad film"}], tmp_path / "in.csv")
    columns = ["--text-column", "one", "--pair-column", "two"]
    code, out, _ = call(["predict", model, "--input", tmp_path / "in.csv", *columns])
    assert code == 0
    assert out.rstrip().endswith("\tgood film | bad film")
    error = refused(["predict", model, "--input", tmp_path / "in.csv"])
    assert error == "error: --text-column: no column 'text' in in.csv; its columns are 'one', 'two'"


def test_explain_in_the_terminal(model):
    code, out, err = call(["explain", model, "the film isn't great <script>", "--target", "negative"])
    assert (code, err.strip()) == (0, "")
    for word in ("film(", "isn't(", "great(", "target negative", "design lexical", "sum of words"):
        assert word in out


def test_explain_as_a_page(model, tmp_path):
    code, out, err = call(
        ["explain", model, "good <marquee>film</marquee>", "bad film", "--output", tmp_path / "page.html"]
    )
    assert (code, out) == (0, "")
    assert f"wrote {tmp_path / 'page.html'}" in err
    page = (tmp_path / "page.html").read_text()
    assert "<marquee" not in page
    assert "lexical" in page


def test_explain_by_several_methods_against_another_model(model, stock_folder, corpus_file, tmp_path):
    other = tmp_path / "other"
    made = ["train", "--design", "vanilla", "--base", stock_folder, "--epochs", "1", "--data", corpus_file]
    assert call([*made, "--output", other])[0] == 0
    texts = ["the film is good", "a bad movie"]
    arguments = [*texts, "--versus", other, "--method", "built-in, saliency", "--map", "--target", "negative"]
    code, out, _ = call(["explain", model, *arguments, "--output", tmp_path / "all.json"])
    assert (code, out) == (0, "")
    explanations = load_explanations(tmp_path / "all.json")
    assert [(item.text, item.attribution.method, item.provenance.design) for item in explanations] == [
        (text, method, design)
        for text in texts
        for method in ("built-in", "saliency")
        for design in ("lexical", "vanilla")
    ]
    assert {item.target for item in explanations} == {"negative"}
    assert all(item.attention_map is not None for item in explanations)
    code, out, _ = call(["explain", model, *arguments[:-3]])
    assert code == 0
    assert "saliency" in out
    assert "more in" in out


@pytest.mark.parametrize("extension", ["json", "parquet"])
def test_explain_writes_records_of_several_methods_as_they_come(model, tmp_path, extension):
    texts = ["the film is good", "a bad movie " * 40, "dull"]
    write_table([{"text": text} for text in texts], tmp_path / "in.csv")
    arguments = ["--input", tmp_path / "in.csv", "--method", "saliency,built-in", "--target", "negative"]
    place = tmp_path / f"out.{extension}"
    code, out, err = call(["explain", model, *arguments, "--output", place])
    assert (code, out) == (0, "")
    assert "texts longer than the model's window: 1; they were read in 4 windows" in err
    classifier, explanations = ExplainableClassifier.load(model), load_explanations(place)
    for number, method in enumerate(("saliency", "built-in")):
        assert explanations[number::2] == classifier.explain(texts, method, target="negative")


@pytest.mark.parametrize("extension", ["html", "svg", "png", "pdf", "json", "csv", "parquet"])
def test_explain_writes_a_file_for_each_text(model, tmp_path, extension):
    texts = ["the film is good", "a bad movie"]
    code, _, err = call(["explain", model, *texts, "--split", "--values", "--output", tmp_path / f"x.{extension}"])
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"x-1.{extension}", f"x-2.{extension}"]
    assert f"wrote {tmp_path / f'x-2.{extension}'}" in err


def test_the_table_of_methods():
    code, out, _ = call(["methods"])
    assert code == 0
    for method, explainer in EXPLAINERS.items():
        (line,) = [line for line in out.splitlines() if line[:25].rstrip() == method]
        assert f" {explainer.forward} " in line
        assert explainer.source in out


def test_dropped_tokens_are_said(model):
    for command in ("predict", "explain"):
        code, _, err = call([command, model, "good " * 50, "--long", "truncate"])
        assert code == 0
        assert "texts longer than the model's window: 1; tokens at their ends that were not read: 11" in err


def test_long_texts_are_refused_on_request(model):
    code, _, err = call(["predict", model, "good " * 50, "--long", "error"])
    assert code == 1
    assert "texts[0]: 52 tokens given; accepted: at most 41, or long: window or truncate" in err


def test_info(model):
    code, out, _ = call(["info", model])
    facts = dict(line.split("  ", 1) for line in out.splitlines())
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    assert code == 0
    assert facts["design"] == "lexical"
    assert facts["values from"] == "layer 2"
    assert facts["labels"] == "negative, positive"
    assert len(facts["fingerprint"]) == 64
    assert facts["validation"].startswith("accuracy ")
    assert facts["test"].endswith(f" over {run_of(model)['corpus']['rows']['test']} rows")
    code, out, _ = call(["info"])
    assert code == 0
    for name in ("movie-snippets", "editorials", "minilm"):
        assert name in out
    designs = [line.split()[1] for line in out.splitlines() if line.startswith("design ")]
    assert designs == ["vanilla", "single-head", "additive", "lexical", "explainable"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["predict", "MODEL", ""], r"texts[0]: '' given; accepted: a text with at least one visible character"),
        (["explain", "MODEL", "\x00 \x1b"], r"texts[0]: '\x00 \x1b' given"),
        (["predict", "MODEL", "--input", "missing.csv"], "path: cannot read 'missing.csv': No such file"),
        (
            ["predict", "MODEL", "--input", "x.docx"],
            "path: 'x.docx' cannot be read by its extension; accepted",
        ),
        (["predict", "MODEL", "x", "--output", "x.docx"], "path: 'x.docx' cannot be written by its extension"),
        (["predict", "MODEL", "x", "--output", "/dev/null/x.csv"], "output: cannot write '/dev/null/x.csv'"),
        (["demo", "--output", "/dev/null"], "output: '/dev/null' is a file; accepted: a new or empty folder"),
        (["predict", "nowhere", "x"], "model: 'nowhere' is neither a folder nor a model the hub could give"),
        (["explain", "MODEL", "x", "--target", "neutral"], "target: 'neutral' given; accepted: negative, positive"),
        (["explain", "MODEL", "x", "--output", "x.bmp"], "path: 'x.bmp' given; accepted for pictures: .html, .svg"),
        (["explain", "nowhere", "x", "--output", "x.bmp"], "path: 'x.bmp' given; accepted for pictures: .html, .svg"),
        (["explain", "nowhere", "x", "--method", "saliencey"], "method: 'saliencey' given; did you mean saliency? "),
        (["explain", "MODEL", "x", "--method", "attention-max"], "for design 'lexical': its final block has one head"),
        (["explain", "MODEL", "x", "--versus", "STOCK"], "knows labels LABEL_0, LABEL_1, LABEL_2; accepted: negative"),
        (["info", "nowhere"], "model: 'nowhere' is neither a folder nor a model the hub could give"),
    ],
)
def test_mistakes(model, stock_folder, arguments, message):
    folders = {"MODEL": str(model), "STOCK": str(stock_folder)}
    assert message in refused([folders.get(argument, argument) for argument in arguments])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ["--design", "triple"],
            "design: 'triple' given; accepted: vanilla, single-head, additive, lexical, explainable",
        ),
        (["--value-layer", "5"], "value_layer: 5 given; accepted: 0 (embeddings) to 4"),
        (["--base", "EMPTY"], "is not a model: it has no config.json"),
        (["--data", "missing.csv"], "path: cannot read 'missing.csv'"),
        (["--data", "EMPTY"], "data: no training file in"),
        (["--label-column", "stars"], "--label-column: no column 'stars' in toy.csv; its columns are 'text', 'label'"),
        (["--epochs", "0"], "epochs: 0 given; accepted: 1 or more"),
        (["--teacher", "nowhere"], "teacher: 'nowhere' given; accepted: a model folder"),
        (["--output", "FULL"], "holds something else; accepted: a new or empty folder"),
        (["--design", "explainable", "--output", "FULL"], "holds something else; accepted: a new or empty folder"),
        (["--design", "explainable", "--value-layer", "77"], "value_layer: 77 given; accepted: 0 (embeddings) to 4"),
        (["--design", "explainable", "--output", "/"], "output: '/' given; accepted: a folder that another one can be"),
        (["--design", "explainable", "--base", "EMPTY"], "is not a model: it has no config.json"),
        (["--design", "explainable", "--teacher", "nowhere"], "teacher: 'nowhere' given; accepted: a model folder"),
        (["--design", "explainable", "--unlabelled", "missing.csv"], "path: cannot read 'missing.csv'"),
        (["--unlabelled", "DATA"], " texts given, but no teacher; accepted: texts for a teacher to label"),
        (
            ["--design", "vanilla", "--values-apart"],
            "values_apart: given for design 'vanilla'; accepted: additive, lexical, explainable",
        ),
    ],
)
def test_mistakes_in_training(stock_folder, corpus_file, tmp_path, change, message):
    for name in ("empty", "full"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    places = {"EMPTY": str(tmp_path / "empty"), "FULL": str(tmp_path / "full"), "DATA": str(corpus_file)}
    arguments = ["train", "--design", "lexical", "--base", str(stock_folder), "--data", str(corpus_file)]
    arguments += ["--output", str(tmp_path / "x"), *(places.get(word, word) for word in change)]
    assert message in refused(arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["diary.txt"]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"text": "a", "label": "x"}, {"text": "b", "label": "x"}], "at least two are needed"),
        ([{"text": " ", "label": "x"}, {"text": "", "label": "y"}], "has no usable row (2 left out"),
    ],
)
def test_corpora_that_cannot_be_trained_on(stock_folder, tmp_path, rows, message):
    write_table(rows, tmp_path / "in.csv")
    arguments = ["--base", str(stock_folder), "--data", tmp_path / "in.csv", "--output", tmp_path / "x"]
    assert message in refused(["train", *arguments])
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_a_label_of_the_test_split_unseen_in_training(stock_folder, tmp_path):
    folder = tmp_path / "data"
    write_table([{"text": f"good {n}", "label": str(n % 2)} for n in range(40)], folder / "train.csv")
    write_table([{"text": "odd", "label": "2"}], folder / "test.jsonl")
    error = refused(["train", "--base", str(stock_folder), "--data", folder, "--output", tmp_path / "x"])
    assert "data: label '2' is in test but not in training" in error
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_usage_errors_are_two():
    assert call(["train"])[0] == 2
    assert call(["no-such-command"])[0] == 2
    assert call(["explain", "x", "y", "--level", "letter"])[0] == 2
    assert call(["explain", "x", "y", "--split"])[0] == 2
    assert call(["demo", "--quick", "--full"])[0] == 2
    for arguments in (["m"], ["m", "x", "--input", "y.txt"], ["m", "x", "y", "--pair", "z"]):
        assert call(["predict", *arguments])[0] == 2


def test_a_page_is_not_written_where_it_cannot_be(model, tmp_path):
    (tmp_path / "file").write_text("mine")
    error = refused(["explain", model, "good film", "--output", tmp_path / "file" / "page.html"])
    assert "output: cannot write" in error
    assert json.dumps(sorted(path.name for path in tmp_path.iterdir())) == '["file"]'


@pytest.mark.parametrize("command", ["", "train", "explain", "evaluate", "compare", "corpus", "frontier", "bench"])
def test_help_names_every_option_whole_in_eighty_columns(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    found = subprocess.run(
        [sys.executable, "-m", "explainable_bert", *command.split(), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "…" not in found.stdout
    assert not re.search(r"[a-z,]\.\.\.$", found.stdout, flags=re.MULTILINE)
    assert max(map(len, found.stdout.splitlines())) <= 80
