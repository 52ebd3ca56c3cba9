"""One graph that carries its explanation: the same numbers as the model, without torch, or nothing written."""

import json
import shutil
import subprocess
import sys

import numpy as np
import onnx
import pytest

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.engines.onnx_engine import FACTS_KEY, GraphFacts
from explainable_bert.errors import FileError, InputError, ModelError
from explainable_bert.export import onnx as export
from explainable_bert.export.onnx import ExportReport, export_onnx
from test_cli import call
from tiny import TEXTS

KINDS = {
    "vanilla": ("vanilla", {}),
    "single-head": ("single-head", {}),
    "lexical": ("lexical", {}),
    "uniform": ("additive", {"attention_function": "uniform"}),
}
# In a process of its own: the checks of shapes that these tests run under would be traced, too.
EXPORT = """
import sys
from pathlib import Path
from explainable_bert import ExplainableClassifier
from explainable_bert.data.labelled import Example
from explainable_bert.export.onnx import export_onnx
root, kinds = Path(sys.argv[1]), sys.argv[2].split(",")
sample = [Example("good film", "LABEL_0"), Example("a dull plot", "LABEL_1")]
for kind in kinds:
    export_onnx(ExplainableClassifier.load(root / "models" / kind), root / "graphs" / kind, sample=sample)
export_onnx(ExplainableClassifier.load(root / "models/lexical"), root / "graphs/int8", int8=True, sample=sample)
"""


@pytest.fixture(scope="module")
def root(stock_folder, tokenizer, tmp_path_factory):
    """A folder of models of each kind, and their graphs."""
    root = tmp_path_factory.mktemp("exported")
    for kind, (design, config) in KINDS.items():
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=3, **config)
        model.save_pretrained(root / "models" / kind)
        tokenizer.save_pretrained(root / "models" / kind)
    ran = subprocess.run([sys.executable, "-c", EXPORT, root, ",".join(KINDS)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "Warning" not in ran.stderr
    return root


@pytest.fixture
def exported(root):
    """The model of a kind, the folder of its graph, and the report on it."""

    def find(kind):
        folder = root / "graphs" / kind
        report = json.loads((folder / "export_report.json").read_text(encoding="utf-8"))
        return ExplainableClassifier.load(root / "models" / kind), folder, ExportReport(**report)

    return find


@pytest.mark.parametrize("kind", KINDS)
def test_the_graph_says_what_the_model_says(exported, kind):
    classifier, folder, report = exported(kind)
    graph = ExplainableClassifier.load(folder)
    assert report.largest_difference < 1e-5
    for target in (None, "LABEL_2"):
        for ours, theirs in zip(
            classifier.explain(TEXTS, target=target), graph.explain(TEXTS, target=target), strict=True
        ):
            assert theirs.attribution.scores == pytest.approx(ours.attribution.scores, abs=1e-5)
            assert theirs.attribution.units == ours.attribution.units
            assert theirs.attribution.bias == pytest.approx(ours.attribution.bias, abs=1e-6)
            assert theirs.attribution.special_token_mass == pytest.approx(ours.attribution.special_token_mass, abs=1e-5)
            assert theirs.attribution.signed == ours.attribution.signed
            assert theirs.attribution.bias_name == ours.attribution.bias_name
            assert theirs.prediction.probabilities == pytest.approx(ours.prediction.probabilities, abs=1e-5)
            assert theirs.prediction.n_tokens_dropped == ours.prediction.n_tokens_dropped
            assert (theirs.target, theirs.text, theirs.text_pair) == (ours.target, ours.text, ours.text_pair)
            assert theirs.provenance.fingerprint == ours.provenance.fingerprint
            assert (theirs.provenance.design, theirs.provenance.value_layer) == (
                ours.provenance.design, ours.provenance.value_layer
            )  # fmt: skip
    assert [found.label for found in graph.predict(TEXTS)] == [found.label for found in classifier.predict(TEXTS)]
    assert graph.units(TEXTS) == classifier.units(TEXTS)


def test_one_file_says_what_it_is(exported):
    classifier, folder, report = exported("lexical")
    assert sorted(file.name for file in folder.iterdir()) == [
        "export_report.json",
        "manifest.json",
        "model.onnx",
        "tokenizer.json",
    ]
    assert json.loads((folder / "export_report.json").read_text())["n_sample"] == report.n_sample == 2
    graph = onnx.load(folder / "model.onnx")
    assert [output.name for output in graph.graph.output] == ["logits", "attention", "contributions"]
    facts = GraphFacts.from_json({prop.key: prop.value for prop in graph.metadata_props}[FACTS_KEY])
    assert facts.labels == classifier.labels
    assert (facts.design, facts.fingerprint) == ("lexical", classifier.provenance.fingerprint)
    vanilla = onnx.load(exported("vanilla")[1] / "model.onnx")
    assert [output.name for output in vanilla.graph.output] == ["logits", "attention"]


def test_the_report_compares_on_the_sample(exported):
    classifier, _, report = exported("lexical")
    labels = [found.label for found in classifier.predict(["good film", "a dull plot"])]
    expected = sum(found == label for found, label in zip(labels, ("LABEL_0", "LABEL_1"), strict=True)) / 2
    assert report.accuracy == report.model_accuracy == expected
    assert (report.same_label, report.rank_agreement) == (1.0, pytest.approx(1.0))


def test_the_graph_runs_without_torch(exported):
    folder = exported("lexical")[1]
    code = (
        "import sys; from explainable_bert import ExplainableClassifier;"
        f"found = ExplainableClassifier.load({str(folder)!r}).explain(['good film']);"
        "assert found[0].attribution.completeness_error < 1e-6;"
        "print(sorted({'torch', 'transformers', 'onnx'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_info_says_what_a_graph_is(exported):
    model, folder, _ = exported("lexical")
    code, out, err = call(["info", folder])
    assert (code, err) == (0, "")
    facts = dict(line.split("  ", 1) for line in out.splitlines())
    facts = {name.strip(): value.strip() for name, value in facts.items()}
    assert facts.pop("exported").startswith("one ONNX graph, run by onnxruntime ")
    assert facts == {
        "model": str(folder),
        "design": "lexical",
        "values from": "layer 1",
        "labels": "LABEL_0, LABEL_1, LABEL_2",
        "window": "41 tokens",
        "fingerprint": model.provenance.fingerprint,
    }


def test_what_a_graph_cannot_do_is_said(exported):
    graph = ExplainableClassifier.load(exported("lexical")[1])
    with pytest.raises(InputError, match=r"^method: 'lime' given for an exported graph; accepted: built-in"):
        graph.explain(["good"], "lime")
    with pytest.raises(InputError, match=r"^attention_map: asked of an exported graph"):
        graph.explain(["good"], attention_map=True)
    with pytest.raises(InputError, match=r"^head_attention: asked of an exported graph"):
        graph.head_attention(["good"])
    with pytest.raises(InputError, match=r"^predict_erased: asked of an exported graph"):
        graph.predict_erased(["good"], [np.array([[True]])])
    with pytest.raises(InputError, match="is an exported graph; accepted: the model folder it was made from"):
        _ = graph.model


def test_eight_bits_are_told_and_still_add_up(exported, root):
    report = ExportReport(**json.loads((root / "graphs/int8/export_report.json").read_text(encoding="utf-8")))
    assert report.int8
    assert report.largest_difference < 1e-5
    found = ExplainableClassifier.load(root / "graphs/int8").explain(TEXTS)
    assert max(explanation.attribution.completeness_error for explanation in found) < 1e-5
    exact = exported("lexical")[0].explain(TEXTS)
    assert found[0].attribution.scores != pytest.approx(exact[0].attribution.scores, abs=1e-7)


def test_a_graph_that_says_something_else_is_not_written(exported, tmp_path, monkeypatch):
    other = exported("uniform")[1] / "model.onnx"
    monkeypatch.setattr(export, "_write_graph", lambda _, path: shutil.copy(other, path))
    with pytest.raises(ModelError, match=r"^model: its graph differs from it by .*; nothing is written$"):
        export_onnx(exported("lexical")[0], tmp_path / "graph")
    assert list(tmp_path.iterdir()) == []


def test_sparse_attention_has_no_graph(classifier, tmp_path):
    with pytest.raises(ModelError, match=r"^model: attention function 'entmax15' .*; accepted: softmax, uniform$"):
        export_onnx(classifier("additive", attention_function="entmax15"), tmp_path / "graph")
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_not_written_over(exported, tmp_path):
    (tmp_path / "graph").mkdir()
    with pytest.raises(FileError, match=r"^output: .* is there already"):
        export_onnx(exported("lexical")[0], tmp_path / "graph")


def test_folders_that_hold_no_graph(exported, tmp_path):
    (tmp_path / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="holds no graph that can be run"):
        ExplainableClassifier.load(tmp_path)
    written = (exported("lexical")[1] / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(written)
    with pytest.raises(ModelError, match="holds no graph that can be run"):
        ExplainableClassifier.load(tmp_path)  # no tokenizer


def test_a_later_format_is_refused():
    facts = GraphFacts(("a", "b"), "vanilla", 3, "0", None, 41, 0, 4)
    assert GraphFacts.from_json(facts.to_json()) == facts
    later = facts.to_json().replace('"format_version": 1', '"format_version": 2')
    with pytest.raises(ValueError, match="this version reads 1"):
        GraphFacts.from_json(later)


def test_the_command_says_what_it_measured(root, tmp_path):
    data = tmp_path / "films.csv"
    data.write_text("text,label\ngood film,LABEL_0\na dull plot,LABEL_1\n", encoding="utf-8")
    output = tmp_path / "graph"
    command = [sys.executable, "-m", "explainable_bert", "export", "onnx", root / "models/vanilla", "--output", output]
    ran = subprocess.run([*command, "--data", data], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "graph and model differ by at most" in ran.stderr
    assert "accuracy on 2 texts" in ran.stderr
    assert "same label on 100.0% of 2 texts" in ran.stderr
    assert (output / "model.onnx").is_file()
    again = subprocess.run(command, capture_output=True, text=True)
    assert again.returncode != 0
    assert again.stderr == f"error: output: '{output}' is there already; accepted: a folder to be made\n"
