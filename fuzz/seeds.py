"""Valid examples of every form that is read, as bytes: where fuzzing begins."""

import dataclasses
import hashlib
import io
import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from safetensors.numpy import save

from explainable_bert.jobs.tally import Pushes, Tally
from explainable_bert.records import (
    AttentionMap,
    Attribution,
    Explanation,
    Prediction,
    Provenance,
    Unit,
    save_explanations,
)
from explainable_bert.speed.bench import BenchReport, Contest
from explainable_bert.speed.ratios import Ratio
from explainable_bert.sweep.record import Explained, Measured, PointRecord, Predicted
from explainable_bert.training.report import EpochMetrics, TrainingReport

REQUEST: Mapping[str, Mapping[str, Any]] = {
    "model": {"fingerprint": "abc", "design": "lexical"},
    "inputs": {"files": 2, "sha256": "def"},
    "settings": {"columns": ["text"], "top_words": None, "share": 0.5},
}
SHARD_INPUT = {"file": "a.csv", "first_row": 1, "n_rows": 3}
# Two seeds each: with whatever may be there, and without it.
_PLAIN = Explanation(
    text="good film",
    prediction=Prediction("positive", {"negative": 0.25, "positive": 0.75}, 0),
    target="positive",
    attribution=Attribution((Unit("good", 0, 4), Unit("film", 5, 9)), (1.5, -0.5), "built-in", "word", signed=True),
    provenance=Provenance("runs/x", "lexical", 2, "abc", "0.1.0", "torch 2.13.0"),
)
_WHOLE = dataclasses.replace(
    _PLAIN,
    text_pair="bad \ud800",
    attribution=dataclasses.replace(
        _PLAIN.attribution, special_token_mass=0.1, bias=0.5, bias_name="bias", logit=1.5, seed=3
    ),
    attention_map=AttentionMap(((0.5, 0.25), (0.5, 0.5), (0.0, 1.0)), (0.25, 0.0, 0.0)),
)


def _json(value: object) -> bytes:
    return json.dumps(value).encode("ascii")


def _lines(*rows: object) -> bytes:
    return b"\n".join(map(_json, rows)) + b"\n"


def records() -> list[bytes]:
    """Explanations as JSON: one, and a list."""
    return [text.encode("ascii") for text in (_PLAIN.to_json(), _WHOLE.to_json(), f"[{_PLAIN.to_json()}]", "[]")]


@cache
def records_parquet() -> list[bytes]:
    """Explanations as Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.parquet"
        found = []
        for explanations in ([_PLAIN, _PLAIN], [_WHOLE]):
            save_explanations(explanations, path)
            found.append(path.read_bytes())
    return found


def yelp_hat() -> list[bytes]:
    """Rows of text, words and masks."""
    row = {"text": "Great sushi, but  dull. ", "label": 1, "words": ["Great", "sushi,", "but", "", "dull."]}
    return [
        _lines({**row, "annotators": [[1, 1, 0, 0, 0], [0, True, 0, 1, 1]], "annotator_labels": [1, None]}),
        _lines(
            {"annotators": [], "words": []}, {**row, "annotators": []}, {**row, "label": "x", "annotators": [[0] * 5]}
        ),
    ]


def hatexplain() -> list[bytes]:
    """Posts by their id."""
    voters: list[dict[str, Any]] = [
        {"label": label, "annotator_id": 1, "target": []} for label in ("hate", "normal", "hate")
    ]
    post = {
        "post_id": "7",
        "annotators": voters,
        "rationales": [[0, 1, 1], [0, 0, 1]],
        "post_tokens": ["art", "is", "a"],
    }
    return [_json({"7": post}), _json({"7": {**post, "rationales": []}, "8": post})]


def eraser() -> list[bytes]:
    """Rows with evidence, a blank line, and the documents."""
    evidence = {"docid": "neg_1", "start_token": 1, "end_token": 3, "text": ", dull", "start_sentence": -1}
    row = {
        "annotation_id": "neg_1",
        "classification": "NEG",
        "docids": None,
        "evidences": [[evidence]],
        "query": "What?",
    }
    documents = _lines(
        {"docid": "neg_1", "document": " dull , dull\nso\tso  film \n ."}, {"docid": "neg_2", "document": "a b"}
    )
    return [
        _lines(row) + b"\n" + documents,
        _lines({**row, "docids": ["neg_1"]}, {**row, "evidences": [], "annotation_id": "neg_2"}) + b"\n" + documents,
    ]


def eraser_rows() -> bytes:
    """Rows with evidence in a document neg_1, which is fuzzed."""
    return eraser()[0].partition(b"\n\n")[0]


def eraser_document() -> list[bytes]:
    """A document of a folder docs."""
    return [b" dull , dull\nso\tso  film \n .", b"a b c", b"\xc2\xa0\xe2\x80\xa8x , \xf0\x9f\x98\x80\r\ny"]


def manifest() -> list[bytes]:
    """The manifest of a folder with the weights, which they agree with, and one of no files."""
    content = weights()
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    said = {"format_version": 1, "explainable_bert": "0.1.0"}
    return [_json({**said, "files": {"model.safetensors": entry}}), _json({**said, "files": {}})]


def graph_facts() -> list[bytes]:
    """What an exported graph says of itself, of an additive design and of another."""
    facts = {"labels": ["negative", "positive"], "design": "lexical", "value_layer": 0, "fingerprint": "abc"}
    sizes = {"window": 16, "pad_token_id": 0, "mask_token_id": 4, "format_version": 1}
    return [
        _json({**facts, **sizes, "bias": [0.5, -0.5]}),
        _json({**facts, **sizes, "mask_token_id": None, "bias": None}),
    ]


def config() -> list[bytes]:
    """A stock BERT's config.json, and one of a design with special tokens and names of labels."""
    shape = {
        "hidden_size": 12,
        "num_attention_heads": 3,
        "num_hidden_layers": 2,
        "intermediate_size": 8,
        "vocab_size": 9,
        "max_position_embeddings": 16,
    }
    labels = {"id2label": {"0": "negative", "1": "positive"}, "label2id": {"negative": 0, "positive": 1}}
    ours = {"design": "lexical", "value_layer": 1, "attention_function": "softmax", "special_token_ids": [0, 2, 3]}
    architectures = ["ExplainableBertForSequenceClassification"]
    return [
        _json({"model_type": "bert", **shape, "hidden_act": "gelu", "pad_token_id": 0}),
        _json({"model_type": "explainable_bert", "architectures": architectures, **shape, **labels, **ours}),
    ]


def weights() -> bytes:
    """Weights of the sizes that the configs say: those by which a folder is checked."""
    sizes = {
        "bert.embeddings.word_embeddings.weight": 9,
        "bert.embeddings.position_embeddings.weight": 16,
        "bert.encoder.layer.0.intermediate.dense.weight": 8,
        "bert.encoder.layer.1.intermediate.dense.weight": 8,
    }
    return save({name: np.zeros((rows, 12), dtype=np.float32) for name, rows in sizes.items()})


def request() -> list[bytes]:
    """What a run was asked for."""
    return [_json(REQUEST), _json({**REQUEST, "settings": {}})]


def plan() -> list[bytes]:
    """The pieces of two files, and a file that cannot be read."""
    return [_json({"pieces": [[0, 1, 3, 0, 40], [1, 1, 2, 0, 7]], "unreadable": {"b.csv": "there is no header"}})]


@cache
def shard() -> list[bytes]:
    """What a shard says of itself, and a whole one."""
    pushes = {"positive": Pushes({"good": (2, 1.5), "film": (2, -0.25)}, 0.5)}
    tally = Tally(rows=3, errors=1, labels={"positive": 2}, pushes=pushes)
    said = {"format_version": 1, "input": SHARD_INPUT, "tally": tally.fields(), **REQUEST}
    return [_json(said), shard_file(_json(said))]


def shard_file(said: bytes) -> bytes:
    """A Parquet file that says this of itself."""
    stream = io.BytesIO()
    schema = pa.schema([("row", pa.int64())], metadata={b"explainable_bert": said})
    pyarrow.parquet.write_table(schema.empty_table(), stream)
    return stream.getvalue()


def training_report() -> list[bytes]:
    """How a model came to be."""
    report = TrainingReport(
        run={"request": {"base": "minilm", "teacher": None}, "corpus": {"fingerprint": "abc"}},
        readout="additive",
        value_layer=5,
        n_parameters=1,
        epochs=(EpochMetrics(1, 0.5, 0.25, 0.75),),
        best_epoch=1,
        validation_accuracy=0.75,
        test_accuracy=None,
        test_accuracy_se=None,
        n_tokens_dropped=0,
        wall_time_s=1.0,
        resumed=False,
        versions={"torch": "2.13.0"},
    )
    return [
        _json(dataclasses.asdict(report)),
        _json(dataclasses.asdict(dataclasses.replace(report, test_accuracy=0.5))),
    ]


def point_record() -> list[bytes]:
    """A trained and measured point of a sweep."""
    measures = (
        Measured("built-in", "deletion", (0.5, None, 0.25)),
        Measured(None, "ece", ((0.5, 1.0), None, (0.25, 0.0))),
    )
    record = PointRecord(
        arm="lexical",
        seed=0,
        design="lexical",
        asked=REQUEST,
        predicted={"test": Predicted("abc", "0110")},
        explained={"test": Explained("def", measures)},
        n_parameters=1,
        best_epoch=1,
        training_s=1.5,
        measuring_s=0.5,
        versions={"torch": "2.13.0"},
        machine="x86_64, 2 cores",
    )
    return [_json(dataclasses.asdict(record))]


def bench_report() -> list[bytes]:
    """A benchmark of speed."""
    ratio = Ratio("ours", "stock", 1.5, 1.25, 1.75, 9, 0.5, 0.75)
    contest = Contest("short", "one", 8, (ratio,), {"ours": 1024})
    report = BenchReport("runs/x", "lexical", "abc", 9, 0, "x86_64", {"torch": "2.13.0"}, (contest,))
    return [_json(dataclasses.asdict(report))]


def evaluation_part() -> list[bytes]:
    """The rows of a part of an evaluation."""
    return [_json([{"text": "good film", "label": "positive", "value": 0.5, "n": 2}, {"text": "bad", "value": None}])]


def table_csv() -> list[bytes]:
    """Comma separated, with quotation, blank lines and a byte order mark."""
    return [
        b'text,label\n"good, ""film""",1\nbad,0\n',
        b'\xef\xbb\xbflabel,text\r\n0,\xf0\x9f\x98\x80\r\n\r\n1,"two\nlines"\r\n',
    ]


def table_tsv() -> list[bytes]:
    """Tab separated."""
    return [b'text\tlabel\n"good\t1\nbad film\t0\n', b"label\ttext\r\n007\tNA\r\n"]


def table_jsonl() -> list[bytes]:
    """Objects on lines, nested ones and such as look like times too."""
    return [
        _lines({"text": "good film", "label": 1}, {"text": "bad", "label": None}),
        _lines(
            {"text": "2026-01-01", "label": True, "a": {"b": [1.5, None]}}, {"text": "x", "label": False, "a": None}
        ),
    ]


def table_txt() -> list[bytes]:
    """A text per line."""
    return [b"good film\nbad\n", b"\xef\xbb\xbfa\r\n\r\n\xf0\x9f\x98\x80"]


@cache
def table_parquet() -> list[bytes]:
    """Texts and labels, with columns of other types."""
    found = []
    for columns in (
        {"text": ["good", None], "label": [1, 0]},
        {
            "text": pa.array(["a", "b"]).dictionary_encode(),
            "label": [1.0, 2.0],
            "when": pa.array([1, 2], pa.timestamp("us")),
        },
        {"text": ["a"], "label": ["x"], "nested": [[{"a": [1]}]], "raw": [b"\xff"]},
    ):
        stream = io.BytesIO()
        pyarrow.parquet.write_table(pa.table(columns), stream)
        found.append(stream.getvalue())
    return found
