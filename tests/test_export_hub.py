"""A folder for the hub: the same numbers without the package, none of its code run with it, and an honest card."""

import ast
import json
import subprocess
import sys

import pytest
import torch
from huggingface_hub import ModelCard
from huggingface_hub.repocard import metadata_load

from corpus_samples import save_classifier
from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.errors import FileError, InputError, ModelError
from explainable_bert.evaluation.run import evaluate
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.export import hub_card, hub_code
from explainable_bert.export.hub import CODE_FILE, EXAMPLE_TEXT, export_hub
from explainable_bert.export.hub_code import model_code
from explainable_bert.model.configuration import ATTENTION_FUNCTIONS, DESIGNS
from explainable_bert.training.model_card import code, plain, without_place
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from tiny import TEXTS, toy_corpus

KINDS = {
    **{design: (design, {}) for design in DESIGNS},
    **{f"additive-{name}": ("additive", {"attention_function": name}) for name in ATTENTION_FUNCTIONS[1:]},
    "single-head-sparsemax": ("single-head", {"attention_function": "sparsemax"}),
}
# An interpreter in which some packages cannot be imported: first argument, with commas.
WITHOUT = """
import os, sys
class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in refused:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
refused = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Refused())
"""
OUTPUTS = (
    WITHOUT
    + """
from pathlib import Path
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
found = {}
for folder in sorted(Path(sys.argv[2]).iterdir()):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)
    assert type(model).__module__.startswith("transformers_modules."), type(model).__module__
    rows = tokenizer(["the film is good", "a very, very dull movie!"], padding=True, return_tensors="pt")
    with torch.no_grad():
        output = model(**rows, return_attention_map=True, output_hidden_states=True)
    found[folder.name] = dict(output)
    model.save_pretrained(Path(sys.argv[3]) / folder.name)
    classify = pipeline("text-classification", model=str(folder), trust_remote_code=True)
    found[folder.name]["pipeline"] = classify("the film is good")
assert not refused & set(sys.modules)
torch.save(found, Path(sys.argv[3]) / "found.pt")
"""
)


def run_without(packages, script, *arguments, tmp_path):
    environment = {"HF_HUB_OFFLINE": "1", "HF_MODULES_CACHE": str(tmp_path / "modules"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-I", "-c", script, packages, *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="module")
def published(stock_folder, tokenizer, tmp_path_factory):
    """A folder of folders for the hub, one of each kind."""
    root = tmp_path_factory.mktemp("published")
    for kind, (design, config) in KINDS.items():
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=3, **config)
        export_hub(ExplainableClassifier(model, tokenizer, name="tiny"), root / kind)
    return root


@pytest.fixture(scope="module")
def found(published, tmp_path_factory):
    """What transformers alone computed of each kind, and the folder where it saved the models again."""
    place = tmp_path_factory.mktemp("outside")
    ran = run_without("explainable_bert,jaxtyping", OUTPUTS, published, place, tmp_path=place)
    assert ran.returncode == 0, ran.stderr
    return torch.load(place / "found.pt"), place


def rows(tokenizer):
    return tokenizer(["the film is good", "a very, very dull movie!"], padding=True, return_tensors="pt")


@pytest.mark.parametrize("kind", KINDS)
def test_without_the_package_all_numbers_are_the_same(published, found, kind):
    """To the bit: logits, attention, contributions, the map and all states."""
    ours = ExplainableClassifier.load(published / kind)
    with torch.no_grad():
        expected = ours.model(**rows(ours.tokenizer), return_attention_map=True, output_hidden_states=True)
    theirs = dict(found[0][kind])
    (said,) = theirs.pop("pipeline")
    assert theirs.keys() == dict(expected).keys()
    assert ("contributions" in theirs) == (ours.model.config.readout == "additive")
    for name in theirs.keys() - {"hidden_states"}:
        assert torch.equal(theirs[name], expected[name]), name
    for one, other in zip(theirs["hidden_states"], expected["hidden_states"], strict=True):
        assert torch.equal(one, other)
    prediction = ours.predict(["the film is good"])[0]
    assert said["label"] == prediction.label
    assert said["score"] == pytest.approx(prediction.probabilities[prediction.label], abs=1e-6)


def test_the_package_reads_what_was_saved_again_without_it(found, tokenizer):
    model = ExplainableBertForSequenceClassification.from_pretrained(found[1] / "lexical")
    with torch.no_grad():
        assert torch.equal(model(**rows(tokenizer)).logits, found[0]["lexical"]["logits"])


def test_without_entmax_only_sparse_models_are_refused(published, tmp_path):
    script = (
        WITHOUT
        + "from transformers import AutoModelForSequenceClassification as auto\n"
        + "for folder in sys.argv[2:]: auto.from_pretrained(folder, trust_remote_code=True); print('loaded')"
    )
    given = (published / "explainable", published / "additive-entmax15")
    ran = run_without("explainable_bert,jaxtyping,entmax", script, *given, tmp_path=tmp_path)
    assert ran.stdout == "loaded\n"
    assert ran.stderr.splitlines()[-1].endswith(
        "ModelError: attention_function: 'entmax15' needs the package entmax, which is missing; run: pip install entmax"
    )


def test_the_package_does_not_run_the_code_file(published, tmp_path):
    folder, sprung = tmp_path / "model", tmp_path / "sprung"
    folder.mkdir()
    for file in (published / "additive").iterdir():
        if file.name != "manifest.json":
            (folder / file.name).write_bytes(file.read_bytes())
    (folder / CODE_FILE).write_text(f"import os\nos.mkdir({str(sprung)!r})\n")
    ExplainableClassifier.load(folder).explain(["good"])
    ExplainableBertForSequenceClassification.from_pretrained(folder)
    ExplainableBertForSequenceClassification.from_base(folder, design="lexical")
    assert not sprung.exists()


def test_a_code_file_that_was_changed_is_told(published, tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    for file in (published / "additive").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "README.md").write_text("My card.")  # whoever publishes it writes on
    ExplainableClassifier.load(folder)
    (folder / CODE_FILE).write_text("changed")
    with pytest.raises(ModelError, match=f"{CODE_FILE}' is not as it was written"):
        ExplainableClassifier.load(folder)


def test_what_is_saved_from_it_names_no_code_file(published, tmp_path):
    """The file would not be there."""
    assert json.loads((published / "additive" / "config.json").read_text())["auto_map"] == {
        "AutoConfig": "modeling_explainable_bert.ExplainableBertConfig",
        "AutoModelForSequenceClassification": "modeling_explainable_bert.ExplainableBertForSequenceClassification",
    }
    for name, model in (
        ("loaded", ExplainableClassifier.load(published / "additive").model),
        ("based", ExplainableBertForSequenceClassification.from_base(published / "additive", design="lexical")),
    ):
        model.save_pretrained(tmp_path / name)
        assert "auto_map" not in json.loads((tmp_path / name / "config.json").read_text())


# --- The code file


def test_the_code_file_is_small_and_stands_alone(published):
    source = (published / "vanilla" / CODE_FILE).read_text(encoding="utf-8")
    assert source == model_code()
    imported = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert imported == {"collections", "dataclasses", "types", "typing", "torch", "transformers", "entmax"}
    for absent in ("Float[", "from_base", "check_manifest", "MissingExtraError", "label_names", "AutoConfig"):
        assert absent not in source
    assert max(map(len, source.splitlines())) <= 120


def test_shapes_are_left_out_of_annotations():
    assert hub_code._plain('def f(é: Float[Tensor, "b k"], y: tuple[Int[Tensor, "b"], ...] | None): ...\n') == (
        "def f(é: Tensor, y: tuple[Tensor, ...] | None): ...\n"
    )


def test_a_name_of_two_modules_is_refused():
    twice = hub_code._read("explainable_bert.errors")
    with pytest.raises(ValueError, match="is defined by two modules"):
        hub_code._kept([twice, twice], {"ModelError"})


# --- The card


def card_of(folder):
    """The card's metadata and its text, read as the hub's client reads them."""
    card = ModelCard.load(folder / "README.md")
    assert metadata_load(folder / "README.md") == card.data.to_dict()
    return card.data, card.text


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_says_what_is_not_known(published, kind):
    data, text = card_of(published / kind)
    assert (data.library_name, data.pipeline_tag) == ("transformers", "text-classification")
    assert KINDS[kind][0] in data.tags
    unknown = (data.eval_results, data.base_model, data.datasets, data.language, data.license, data.metrics)
    assert set(unknown) == {None}
    assert "Not known: the folder that this was made of holds no training report" in text
    assert "Not measured." in text
    assert f"`{EXAMPLE_TEXT}`" in text
    assert (published / kind / "example.png").read_bytes().startswith(b"\x89PNG")
    assert ("sum of the words' contributions" in text) == (DESIGNS[KINDS[kind][0]].readout == "additive")
    assert ("safetensors, entmax" in text) == kind.endswith(("entmax15", "sparsemax"))


def test_the_code_in_the_card_runs(published, capsys):
    _, text = card_of(published / "lexical")
    blocks = [part.split("```")[0] for part in text.split("```python\n")[1:]]
    assert len(blocks) == 2
    for block in blocks:
        exec(block.replace("this/folder", str(published / "lexical")), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("LABEL_")
    assert printed[1].endswith(" [CLS]")


@pytest.fixture(scope="module")
def trained(stock_folder, tmp_path_factory):
    """A trained model, its evaluation, and its folder for the hub."""
    place = tmp_path_factory.mktemp("trained")
    corpus = toy_corpus()
    settings = TrainingSettings(epochs=1, batch_size=8)
    report = train(ModelRequest(str(stock_folder), "additive"), corpus, place / "model", settings)
    classifier = ExplainableClassifier.load(place / "model")
    settings = EvaluationSettings(
        methods=("built-in", "random"), metrics=("accuracy", "aopc-comprehensiveness", "effective-words")
    )
    found = evaluate(classifier, corpus.test, place / "evaluated", settings, source="toy, test split")
    export_hub(classifier, place / "hub", evaluation=place / "evaluated", text="a dull <b>plot</b> `x` 😀")
    return place, report, found


def test_a_card_is_filled_from_the_reports(trained):
    place, report, found = trained
    data, text = card_of(place / "hub")
    assert data.model_name == "hub"
    results = {(result.dataset_name, result.metric_type): result for result in data.eval_results}
    assert results["toy", "accuracy"].metric_value == pytest.approx(report.test_accuracy, rel=1e-3)
    assert results["toy", "accuracy"].dataset_split == "test"
    measured = {(row.metric, row.method): row for row in found.rows}
    for metric, method in (("accuracy", None), ("aopc-comprehensiveness", "built-in"), ("effective-words", "built-in")):
        result, row = results["toy, test split, 8 texts", metric], measured[metric, method]
        assert result.metric_value == pytest.approx(row.value, rel=1e-3)
        assert "95 % interval" in result.metric_name
        assert f"{row.n} texts" in result.metric_name
        assert f"| {metric} | {method or '—'} | " in text
    assert len(results) == 4  # that of the random explanation is in the table alone
    assert "| aopc-comprehensiveness | random |" in text
    assert f"{report.test_accuracy:.3f} ± {report.test_accuracy_se:.3f} (standard error) on 8 test rows" in text
    assert "erasure: mask: each word piece becomes" in text
    assert "`` a dull <b>plot</b> `x` 😀 ``" in text


def test_no_path_of_this_machine_is_published(trained, stock_folder):
    place, _, _ = trained
    for file in (place / "hub").iterdir():
        content = file.read_bytes()
        for path in (stock_folder, place / "model"):
            assert str(path).encode() not in content, file.name
    assert f"- base: `{stock_folder.name}`" in (place / "hub" / "README.md").read_text()


def test_an_evaluation_of_other_weights_is_refused(trained, published, tmp_path):
    place, _, _ = trained
    other = ExplainableClassifier.load(published / "additive")
    with pytest.raises(InputError, match=r"^evaluation: .* is of other weights .*; accepted: an evaluation of "):
        export_hub(other, tmp_path / "x", evaluation=place / "evaluated")
    with pytest.raises(FileError, match=r"^evaluation: .* holds no summary.json; accepted"):
        export_hub(other, tmp_path / "x", evaluation=published)
    (tmp_path / "damaged").mkdir()
    for name, content in (("summary.json", "[{}]"), ("request.json", '{"model": {"fingerprint": "0"}}')):
        (tmp_path / "damaged" / name).write_text(content)
    with pytest.raises(InputError, match=r"^evaluation: .* is no evaluation by explainable-bert: summary.json: "):
        export_hub(other, tmp_path / "x", evaluation=tmp_path / "damaged")
    with pytest.raises(InputError, match=r"^texts\[0\]: "):
        export_hub(other, tmp_path / "x", text=" ")
    with pytest.raises(FileError, match=r"^output: .* is there already; accepted: a folder to be made$"):
        export_hub(other, tmp_path / "damaged")
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def test_a_report_that_lacks_what_a_card_says_is_told(trained, tmp_path):
    place, _, _ = trained
    folder = tmp_path / "model"
    folder.mkdir()
    for file in (place / "model").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    report = json.loads((folder / "training_report.json").read_text())
    for part in ("request", "settings"):
        fields = {**report, "run": {name: value for name, value in report["run"].items() if name != part}}
        (folder / "training_report.json").write_text(json.dumps(fields))
        with pytest.raises(ModelError, match=r"^model: the training_report.json of .* lacks what a card says: "):
            export_hub(ExplainableClassifier.load(folder), tmp_path / "x")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_names_that_mean_something_in_yaml_or_markdown(stock_folder, tokenizer, tmp_path):
    names = {0: "a: 'b'\n---\n# \"c\"", 1: "`x` | <script>", 2: "[y](http://z) *w*"}
    folder = save_classifier(stock_folder, tokenizer, tmp_path / "model")
    fields = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**fields, "id2label": names, "label2id": None}))
    (folder / "manifest.json").unlink(missing_ok=True)
    output = tmp_path / "a: 'b' # c"
    export_hub(ExplainableClassifier.load(folder), output, text='x\n---\n![y](z) <img src="q">')
    data, text = card_of(output)
    assert data.library_name == "transformers"
    assert text.strip().splitlines()[0] == (
        "# additive BERT for `a: 'b' --- # \"c\"`, `` `x` | <script> ``, `[y](http://z) *w*`"
    )
    assert '`x --- ![y](z) <img src="q">`' in text
    assert "<script>" not in text.replace("`` `x` | <script> ``", "")
    assert text.count("](") == 1 + text.count("`[y](http://z) *w*`") + text.count("![y](z)")


def test_text_in_markdown():
    assert code("a``b`") == "``` a``b` ```"
    assert code("a\u202eb\x00\n c") == "`a b c`"
    assert code("") == "` `"
    assert plain("a|b <i>*x*_[y]\n`z`") == r"a\|b \<i\>\*x\*\_\[y\] \`z\`"


def test_the_base_is_named_where_the_hub_knows_it(trained, tmp_path, monkeypatch):
    _, report, _ = trained
    run = dict(report.run)
    (tmp_path / "cache" / "models--owner--bert").mkdir(parents=True)
    (tmp_path / "cache" / "datasets--owner--films").mkdir()
    monkeypatch.setattr(hub_card.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))

    def started_from(base, corpus="toy"):
        described = {
            **run,
            "request": {**run["request"], "base": str(base)},
            "corpus": {**run["corpus"], "name": corpus},
        }
        return type(report)(**{**vars(report), "run": described})

    assert hub_card.base_of(started_from("minilm")) == "sentence-transformers/all-MiniLM-L6-v2"
    assert hub_card.base_of(started_from("owner/bert")) == "owner/bert"
    assert hub_card.base_of(started_from("runs/nowhere")) is None
    assert hub_card.base_of(started_from(tmp_path)) is None
    twin = tmp_path / "twin"
    twin.mkdir()
    started_from("owner/bert").save(twin / "training_report.json")
    assert hub_card.base_of(started_from(twin)) == "owner/bert"
    started_from(twin).save(twin / "training_report.json")  # a circle, which nothing but an editor makes
    assert hub_card.base_of(started_from(twin)) is None
    named = hub_card.metadata("x", "additive", None, started_from("minilm", "owner/films"), None)
    assert "datasets:\n- owner/films" in named
    assert "language: en" in hub_card.metadata("x", "additive", None, started_from("minilm", "movie-snippets"), None)
    assert "language" not in named


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../data/tickets.csv", "tickets.csv"),
        ("data/tickets.csv", "tickets.csv"),
        ("tickets.CSV", "tickets.CSV"),
        ("~/tickets.jsonl", "tickets.jsonl"),
        ("/home/ada/tickets", "tickets"),
        ("./tickets", "tickets"),
        ("data/of/tickets", "tickets"),
        (r"C:\Users\ada\tickets.csv", "tickets.csv"),
        ("movie-snippets", "movie-snippets"),
        ("owner/name", "owner/name"),
        ("google/bert_uncased_L-2_H-128_A-2", "google/bert_uncased_L-2_H-128_A-2"),
        ("sentence-transformers/all-MiniLM-L6-v2.1", "sentence-transformers/all-MiniLM-L6-v2.1"),
        ("a corpus of my own", "a corpus of my own"),
        ("/", "/"),
    ],
)
def test_a_path_is_called_by_its_last_part_wherever_the_card_is_written(name, shown):
    assert without_place(name) == shown


def test_a_stock_folder_and_pairs(stock_folder, tmp_path):
    export_hub(ExplainableClassifier.load(stock_folder), tmp_path / "x")
    _, text = card_of(tmp_path / "x")
    assert "design **vanilla**" in text
    loaded, stock = ExplainableClassifier.load(tmp_path / "x"), ExplainableClassifier.load(stock_folder)
    assert [found.probabilities for found in loaded.predict(TEXTS)] == [
        found.probabilities for found in stock.predict(TEXTS)
    ]
    assert loaded.provenance.fingerprint == stock.provenance.fingerprint


def test_the_command(stock_folder, tmp_path):
    from typer.testing import CliRunner

    from explainable_bert.interfaces.cli import app

    given = ["export", "hub", str(stock_folder), "--output", str(tmp_path / "x"), "--text", "a dull plot"]
    ran = CliRunner().invoke(app, given)
    assert ran.exit_code == 0, ran.output
    assert "hf upload USER/NAME" in ran.stderr
    assert "`a dull plot`" in (tmp_path / "x" / "README.md").read_text()
    assert sorted(file.name for file in (tmp_path / "x").iterdir()) == [
        *("README.md", "config.json", "example.png", "manifest.json", "model.safetensors"),
        *(CODE_FILE, "tokenizer.json", "tokenizer_config.json"),
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x"]
