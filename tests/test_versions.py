"""What the first release wrote is read for ever; what a newer one writes is refused politely."""

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from explainable_bert import ExplainableBertConfig, ExplainableClassifier
from explainable_bert.engines.onnx_engine import FACTS_KEY, GraphFacts
from explainable_bert.errors import InputError, ModelError
from explainable_bert.records import Explanation, load_explanations
from tiny import TEXTS

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(scope="module", params=["explanations.json", "explanations.parquet"])
def records(request):
    return load_explanations(GOLDEN / request.param)


def test_records_stay_readable(records):
    assert [record.text_pair for record in records] == [None] * 5 + ["bad co-writer"]
    assert records[4].prediction.n_windows == 2
    assert all(record.attribution.completeness_error < 1e-4 for record in records)


@pytest.mark.parametrize("kind", ["model", "graph"])
def test_models_stay_loadable_and_say_the_same(records, kind):
    found = ExplainableClassifier.load(GOLDEN / kind).explain(TEXTS)
    for now, then in zip(found, records, strict=True):
        assert now.target == then.target
        assert now.provenance.fingerprint == then.provenance.fingerprint
        assert now.attribution.units == then.attribution.units
        assert now.attribution.scores == pytest.approx(then.attribution.scores, abs=1e-4)


def test_records_of_a_newer_version():
    fields = json.loads((GOLDEN / "explanations.json").read_text())[0]
    with pytest.raises(InputError, match=r"schema_version: 4 given; this version reads 2 and 3"):
        Explanation.from_json(json.dumps({**fields, "schema_version": 4}))


def test_models_of_a_newer_version(tmp_path):
    folder = shutil.copytree(GOLDEN / "model", tmp_path / "model")
    (folder / "manifest.json").unlink()
    config = json.loads((folder / "config.json").read_text())
    assert config["format_version"] == ExplainableBertConfig().format_version == 1
    (folder / "config.json").write_text(json.dumps({**config, "format_version": 2}))
    with pytest.raises(ModelError, match=r"has format_version 2; this version of explainable-bert reads 1: install"):
        ExplainableClassifier.load(folder)


def test_graphs_of_a_newer_version(tmp_path):
    onnx = pytest.importorskip("onnx")
    folder = shutil.copytree(GOLDEN / "graph", tmp_path / "graph")
    (folder / "manifest.json").unlink()
    graph = onnx.load(folder / "model.onnx")
    facts = GraphFacts.from_json({prop.key: prop.value for prop in graph.metadata_props}[FACTS_KEY])
    onnx.helper.set_model_props(
        graph, {FACTS_KEY: facts.to_json().replace('"format_version": 1', '"format_version": 2')}
    )
    onnx.save(graph, folder / "model.onnx")
    with pytest.raises(ModelError, match=r"format_version 2; this version reads 1"):
        ExplainableClassifier.load(folder)
    assert Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
