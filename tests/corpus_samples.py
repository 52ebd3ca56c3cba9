"""A tiny model's folder and small corpora on disk, for the tests of corpus jobs."""

import json
import random

import pyarrow.parquet

from explainable_bert import ExplainableBertForSequenceClassification
from tiny import WORDS


def save_classifier(stock_folder, tokenizer, folder, design="additive"):
    model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=3)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def texts(count, seed=0):
    drawn, whole = random.Random(seed), [word for word in WORDS if not word.startswith("##")]
    return [" ".join(drawn.choices(whole, k=drawn.randint(3, 12))) for _ in range(count)]


def write_csv(path, given):
    lines = ["id,text", *(f'{number},"{text}"' for number, text in enumerate(given))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_wide(path, given):
    """Beside each text a cell that nobody reads: pieces have few rows."""
    lines = ["id,text,wide", *(f'{number},"{text}",{"x" * 3000}' for number, text in enumerate(given))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows_of(output):
    """All rows of all shards, in order, without the columns of lists of the same length being anything special."""
    found = []
    for path in sorted(output.glob("part-*.parquet")):
        found += pyarrow.parquet.read_table(path).to_pylist()
    return found


def errors_of(output):
    return [
        json.loads(line)
        for path in sorted((output / "errors").glob("*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
