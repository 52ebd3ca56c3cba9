"""A folder of what goes wrong: damaged model folders, graphs, texts, rationales and places, each under a short name."""

import json
import shutil

import onnx
import pyarrow as pa
import pyarrow.parquet
import torch
from safetensors.torch import load_file, save_file
from transformers import BertModel, BertTokenizer

from explainable_bert import ExplainableBertForSequenceClassification
from explainable_bert.engines.onnx_engine import FACTS_KEY, GraphFacts
from tiny import VOCABULARY, toy_corpus

LABELS = ("negative", "positive")
_CORPUS = toy_corpus(n_train=60, n_validation=20, n_test=20)
_LABEL_OF = {item.text: item.label for item in (*_CORPUS.train, *_CORPUS.validation, *_CORPUS.test)}
_ROWS = [{"text": text + end, "label": label} for text, label in _LABEL_OF.items() for end in (".", "!", "?", "...")]
_CSV = "text,label\n" + "".join(f"{row['text']},{row['label']}\n" for row in _ROWS)
_MARKED = {"text": "good film", "label": 1, "words": ["good", "film"], "annotators": [[1, 0]]}
# Labelled files and unlabelled ones, files of rationales and passwords: name and bytes.
FILES = {
    "films.csv": _CSV.encode(),
    "neutral.csv": _CSV.replace(",positive", ",neutral").encode(),
    "empty.csv": b"",
    "blank.csv": b" \n\n",
    "header.csv": b"text,label\n",
    "ragged.csv": b"text,label\ngood film,positive\nbad,film,negative\n",
    "latin1.csv": "text,label\ncaf\u00e9,positive\n".encode("latin-1"),
    "utf16.csv": _CSV.encode("utf-16"),
    "nul.csv": b"\x00" * 64,
    "binary.csv": bytes(range(256)) * 4,
    "unclosed.csv": b'text,label\n"good film,positive\n',
    "twice.csv": b"text,text,label\na,b,positive\n",
    "blank-texts.csv": b'text,label\n" ",positive\n"\xe2\x80\x8b",negative\n',
    "no-labels.csv": b"text,label\ngood film,\nbad film,\n",
    "one-label.csv": b"text,label\n" + b"".join(b"good film %d,positive\n" % row for row in range(40)),
    "few.csv": b"text,label\ngood film,positive\nbad film,negative\n",
    "tabs.tsv": b"text\tlabel\n",
    "empty.jsonl": b"",
    "broken.jsonl": b'{"text": "good film", "label": 1}\n{"text": "bad\n',
    "array.jsonl": b'["good film", 1]\n',
    "scalar.jsonl": b"1\n",
    "mixed.jsonl": b'{"text": "good film", "label": 1}\n{"text": 5, "label": 0}\n',
    "numbers.jsonl": b'{"text": 1, "label": 1}\n{"text": 2, "label": 0}\n',
    "lists.jsonl": b'{"text": ["good", "film"], "label": 1}\n',
    "fractions.jsonl": b'{"text": "good film", "label": 0.5}\n{"text": "bad film", "label": 1}\n',
    "objects.jsonl": b'{"text": "good film", "label": {"is": 1}}\n',
    "same-key.jsonl": b'{"text": "good film", "text": "bad film"}\n',
    "surrogate.jsonl": b'{"text": "good \\ud800 film", "label": 1}\n',
    "latin1.jsonl": '{"text": "caf\u00e9", "label": 1}\n'.encode("latin-1"),
    "empty.parquet": b"",
    "garbage.parquet": b"PAR1 this is none PAR1",
    "empty.txt": b"\n",
    "latin1.txt": "caf\u00e9\n".encode("latin-1"),
    "blank.txt": b" \n\t\n",
    "table.docx": b"PK",
    "numbers.json": b"[1, 2]",
    "broken.json": b"{",
    "empty.json": b"{}",
    "marked.jsonl": json.dumps(_MARKED).encode() + b"\n",
    "marked-short.jsonl": json.dumps({**_MARKED, "annotators": [[1]]}).encode() + b"\n",
    "marked-two.jsonl": json.dumps({**_MARKED, "annotators": [[1, 2]]}).encode() + b"\n",
    "marked-elsewhere.jsonl": json.dumps({**_MARKED, "words": ["bad", "film"]}).encode() + b"\n",
    "marked-words.jsonl": json.dumps({**_MARKED, "words": "good film"}).encode() + b"\n",
    "marked-no-text.jsonl": json.dumps({key: _MARKED[key] for key in ("words", "annotators")}).encode() + b"\n",
    "evidence.jsonl": b'{"annotation_id": "a", "classification": "POS", "evidences": []}\n',
    "password.txt": b"\n",
    "password.bin": b"\xff\xfe\xff",
}


def make_place(place, stock_folder, tokenizer):
    """Fill the folder."""
    for name, content in FILES.items():
        (place / name).write_bytes(content)
    _make_tables(place)
    _make_folders(place)
    for seed, design in enumerate(("lexical", "vanilla")):
        torch.manual_seed(seed)
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=2)
        model.config.id2label = dict(enumerate(LABELS))
        model.config.label2id = {label: index for index, label in enumerate(LABELS)}
        model.save_pretrained(place / design)
        tokenizer.save_pretrained(place / design)
    shutil.copytree(stock_folder, place / "stock")
    BertModel.from_pretrained(stock_folder).save_pretrained(place / "headless")
    tokenizer.save_pretrained(place / "headless")
    for name, damage in DAMAGES.items():
        shutil.copytree(place / "lexical", place / name)
        damage(place / name)
    for name, damage in GRAPHS.items():
        (place / name).mkdir()
        shutil.copy(place / "lexical" / "tokenizer.json", place / name)
        damage(place / name)


def _make_tables(place):
    table = pa.table({"text": ["good film", "bad film"], "label": [1, 0]})
    pa.parquet.write_table(table, place / "whole.parquet")
    (place / "cut.parquet").write_bytes((place / "whole.parquet").read_bytes()[:-40])
    nested = pa.table({"text": [["good"], ["bad"]], "label": [1, 0]})
    pa.parquet.write_table(nested, place / "nested.parquet")
    twice = pa.table([["a"], ["b"], [1]], names=["text", "text", "label"])
    pa.parquet.write_table(twice, place / "twice.parquet")
    not_utf8 = pa.array([b"caf\xe9"], pa.binary()).view(pa.string())
    pa.parquet.write_table(pa.table({"text": not_utf8}), place / "latin1.parquet")


def _make_folders(place):
    for name in ("empty", "folder.csv", "folder.html", "folder.json", "full", "unmarked", "untrained", "two-trains"):
        (place / name).mkdir()
    (place / "full" / "diary.txt").write_text("mine")
    (place / "unmarked" / "test.jsonl").write_bytes(FILES["evidence.jsonl"])
    (place / "untrained" / "test.csv").write_text(_CSV)
    for name in ("train.csv", "train.tsv"):
        (place / "two-trains" / name).write_text(_CSV)
    for name, request in (("half", "{"), ("listed", "[]"), ("other", '{"model": {"fingerprint": "0"}}')):
        (place / name).mkdir()
        (place / name / "request.json").write_text(request)


# --- models --------------------------------------------------------------------------------------------------------


def _config(**fields):
    """Fields of config.json in place of what they are; None takes them away."""

    def damage(folder):
        file = folder / "config.json"
        config = {**json.loads(file.read_text()), **fields}
        file.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))

    return damage


def _content(name, content):
    """A file of the folder with other content, or none of it."""

    def damage(folder):
        if content is None:
            (folder / name).unlink()
        elif callable(content):
            (folder / name).write_bytes(content((folder / name).read_bytes()))
        else:
            (folder / name).write_bytes(content)

    return damage


def _weights(change):
    def damage(folder):
        weights = load_file(folder / "model.safetensors")
        change(weights)
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    return damage


def _folder_for_file(name):
    def damage(folder):
        (folder / name).unlink()
        (folder / name).mkdir()

    return damage


def _pickled(folder):
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def _without_tokenizer(folder):
    for file in folder.glob("*token*"):
        file.unlink()


def _more_words(folder):
    BertTokenizer(vocab={**VOCABULARY, **{f"word{n}": len(VOCABULARY) + n for n in range(9)}}).save_pretrained(folder)


def _shards(folder):
    (folder / "model.safetensors").unlink()
    index = {"metadata": {}, "weight_map": {"classifier.weight": "model-00001-of-00002.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


_CLASSIFIER = "classifier.weight"
DAMAGES = {
    "no-config": _content("config.json", None),
    "config-cut": _content("config.json", b'{"model_type": "explain'),
    "config-empty": _content("config.json", b""),
    "config-binary": _content("config.json", b"\x00\xff\xfe"),
    "config-list": _content("config.json", b"[]"),
    "config-folder": _folder_for_file("config.json"),
    "config-roberta": _config(model_type="roberta"),
    "config-untyped": _config(model_type=None),
    "config-unknown-type": _config(model_type="perceptron"),
    "config-wide": _config(hidden_size=21 * 10**9),
    "config-many-words": _config(vocab_size=10**15),
    "config-deep": _config(num_hidden_layers=10**7),
    "config-flat": _config(num_hidden_layers=0),
    "config-negative": _config(hidden_size=-21),
    "config-words": _config(hidden_size="wide"),
    "config-odd-heads": _config(num_attention_heads=4),
    "config-no-heads": _config(num_attention_heads=0),
    "config-activation": _config(hidden_act="shiny"),
    "config-design": _config(design="triple"),
    "config-value-layer": _config(value_layer=5),
    "config-attention": _config(attention_function="hardmax"),
    "config-one-label": _config(id2label={"0": "positive"}, label2id={"positive": 0}),
    "config-three-labels": _config(id2label={"0": "a", "1": "b", "2": "c"}, label2id={"a": 0, "b": 1, "c": 2}),
    "config-same-labels": _config(id2label={"0": "a", "1": "a"}, label2id={"a": 1}),
    "config-odd-labels": _config(id2label={"0": "a", "7": "b"}, label2id={"a": 0, "b": 7}),
    "config-regression": _config(problem_type="regression"),
    "pickled": _pickled,
    "weights-cut": _content("model.safetensors", lambda content: content[:-100]),
    "weights-empty": _content("model.safetensors", b""),
    "weights-text": _content("model.safetensors", b"version https://git-lfs.github.com/spec/v1\n"),
    "weights-huge-header": _content("model.safetensors", b"\xff" * 7 + b"\x0f" + b"{}"),
    "weights-folder": _folder_for_file("model.safetensors"),
    "weights-missing": _weights(lambda weights: weights.pop(_CLASSIFIER)),
    "weights-misshapen": _weights(lambda weights: weights.update({_CLASSIFIER: torch.zeros(2, 20)})),
    "weights-nan": _weights(lambda weights: weights.update({_CLASSIFIER: torch.full((2, 21), torch.nan)})),
    "weights-other": _weights(lambda weights: (weights.clear(), weights.update(x=torch.zeros(1)))),
    "weights-shards": _shards,
    "tokenizer-missing": _without_tokenizer,
    "tokenizer-cut": _content("tokenizer.json", lambda content: content[:200]),
    "tokenizer-list": _content("tokenizer.json", b"[]"),
    "tokenizer-binary": _content("tokenizer.json", b"\x00\xff"),
    "tokenizer-larger": _more_words,
    "report-cut": _content("training_report.json", b"{"),
    "report-other": _content("training_report.json", b"{}"),
    "report-bare": _content("training_report.json", b'{"epochs": [], "run": 5}'),
}

# --- graphs --------------------------------------------------------------------------------------------------------


def _graph(metadata=None):
    """A graph that gives back what it gets."""

    def write(folder):
        shape = ["batch", "key"]
        inputs = [onnx.helper.make_tensor_value_info("input_ids", onnx.TensorProto.INT64, shape)]
        outputs = [onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.INT64, shape)]
        nodes = [onnx.helper.make_node("Identity", ["input_ids"], ["logits"])]
        model = onnx.helper.make_model(
            onnx.helper.make_graph(nodes, "same", inputs, outputs), opset_imports=[onnx.helper.make_opsetid("", 17)]
        )
        model.ir_version = 8
        if metadata is not None:
            onnx.helper.set_model_props(model, {FACTS_KEY: metadata})
        onnx.save(model, folder / "model.onnx")

    return write


def _facts(**changes):
    facts = GraphFacts(
        labels=LABELS,
        design="lexical",
        value_layer=1,
        bias=(0.0, 0.0),
        fingerprint="0" * 64,
        window=41,
        pad_token_id=0,
        mask_token_id=4,
    )
    return json.dumps({**json.loads(facts.to_json()), **changes})


GRAPHS = {
    "graph-empty": _content("model.onnx", b""),
    "graph-text": _content("model.onnx", b"this is no graph"),
    "graph-no-facts": _graph(),
    "graph-odd-facts": _graph("[]"),
    "graph-later": _graph(_facts(format_version=99)),
    "graph-no-tokenizer": lambda folder: (_graph(_facts())(folder), (folder / "tokenizer.json").unlink()),
    "graph-other": _graph(_facts()),
}
