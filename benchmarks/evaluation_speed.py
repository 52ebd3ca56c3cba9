"""Texts evaluated per second beside ferret-xai's own evaluation, on the same model, texts and attributions.

`python benchmarks/evaluation_speed.py MODEL DEV_TSV --ferret-python PYTHON`: MODEL is a vanilla model folder of
explainable-bert, DEV_TSV a tab-separated file with a column "sentence" (SST-2's dev.tsv), PYTHON an interpreter with
benchmarks/ferret_requirements.txt installed. Each side computes AOPC comprehensiveness and sufficiency of the same
attributions (built-in, integrated gradients, occlusion, random; of tokens), block of texts after block in turn. Only
that is timed: no loading, no attributions.

Ours is timed with both operators: deletion, which is ferret's, and [MASK], our default. Ferret is timed with its
defaults (10 to 100 % in ten steps, positive scores only) and on our grid (1, 5, 10, 20, 50 %).
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from explainable_bert import ExplainableClassifier, Explanation
from explainable_bert.data.files import read_table
from explainable_bert.evaluation.asking import ErasedPredictions, answer_all
from explainable_bert.evaluation.erasing import mean_comprehensiveness, mean_sufficiency
from explainable_bert.evaluation.subject import Subject

METHODS = ("built-in", "integrated-gradients", "occlusion", "random")
OPERATORS = ("deletion", "mask")
_SPECIAL_PADDING = 0.0


def save_stock(classifier: ExplainableClassifier, folder: Path) -> None:
    """The vanilla model as a stock BertForSequenceClassification, which any version of transformers reads."""
    fields = classifier.model.config.to_dict()
    names = transformers.BertConfig().to_dict()
    config = transformers.BertConfig(**{name: fields[name] for name in names if name in fields})
    stock = transformers.BertForSequenceClassification(config)
    stock.load_state_dict(classifier.model.state_dict())
    stock.save_pretrained(folder)
    classifier.tokenizer.save_pretrained(folder)


def with_special(explanation: Explanation) -> list[float]:
    """The scores with one each for [CLS] and [SEP], which ferret strips again."""
    return [_SPECIAL_PADDING, *explanation.attribution.scores, _SPECIAL_PADDING]


def ours(
    classifier: ExplainableClassifier, texts: list[str], explained: dict[str, list[Explanation]], erasure: str
) -> tuple[float, dict[str, dict[str, list[float]]]]:
    """Seconds for one block, and the values by method and metric."""
    started = time.perf_counter()
    subjects = {
        method: [Subject(found, classifier.labels.index(found.target), None, 0) for found in explanations]
        for method, explanations in explained.items()
    }
    metrics = {
        "comprehensiveness": mean_comprehensiveness("probability"),
        "sufficiency": mean_sufficiency("probability"),
    }
    asked = [
        (place, observe(subject))
        for of_method in subjects.values()
        for observe in metrics.values()
        for place, subject in enumerate(of_method)
    ]
    found = answer_all(asked, ErasedPredictions(classifier, texts, erasure, "token"))
    seconds = time.perf_counter() - started
    numbers = iter([0.0 if value is None else value[0] for value in found])
    return seconds, {method: {metric: [next(numbers) for _ in texts] for metric in metrics} for method in subjects}


def ferret(python: str, folder: Path, texts: list[str], explained: dict[str, list[Explanation]]) -> dict[str, Any]:
    """What the other side reports for one block."""
    given, reported = folder / "attributions.json", folder / "ferret.json"
    methods = {method: [with_special(one) for one in explanations] for method, explanations in explained.items()}
    given.write_text(json.dumps({"texts": texts, "methods": methods}), encoding="utf-8")
    script = Path(__file__).with_name("evaluation_speed_ferret.py")
    command = [python, str(script), str(folder / "stock"), str(given), str(reported)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    result: dict[str, Any] = json.loads(reported.read_text(encoding="utf-8"))
    return result


def block_row(
    classifier: ExplainableClassifier, texts: list[str], python: str, folder: Path, *, ours_first: bool
) -> dict[str, Any]:
    """Both sides on one block of texts: texts per second of each."""
    explained = {method: classifier.explain(texts, method, level="token") for method in METHODS}
    row: dict[str, Any] = {}

    def run_ours() -> None:
        for operator in OPERATORS:
            row[f"ours_{operator}"] = len(texts) / ours(classifier, texts, explained, operator)[0]

    if ours_first:
        run_ours()
    theirs = ferret(python, folder, texts, explained)
    if not ours_first:
        run_ours()
    for run, found in theirs["runs"].items():
        row[f"ferret_{run}"] = found["texts_per_second"]
    row["ferret_versions"] = theirs["versions"]
    return row


def ratio(rows: list[dict[str, Any]], operator: str, run: str) -> dict[str, Any]:
    """Our speed over ferret's, block by block."""
    ratios = [row[f"ours_{operator}"] / row[f"ferret_{run}"] for row in rows]
    return {
        "ours": operator,
        "ferret": run,
        "ours_texts_per_second": statistics.median(row[f"ours_{operator}"] for row in rows),
        "ferret_texts_per_second": statistics.median(row[f"ferret_{run}"] for row in rows),
        "ratio_median": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
    }


def main() -> None:
    """Run both sides in turn and save the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--ferret-python", required=True)
    parser.add_argument("--n", type=int, default=500)
    parser.add_argument("--block", type=int, default=100)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "evaluation_speed.json")
    arguments = parser.parse_args()
    classifier = ExplainableClassifier.load(arguments.model)
    texts = read_table(arguments.texts).column("sentence").to_pylist()[: arguments.n]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_stock(classifier, folder / "stock")
        warm = texts[:8]
        ours(classifier, warm, {method: classifier.explain(warm, method, level="token") for method in METHODS}, "mask")
        for start in range(0, len(texts), arguments.block):
            block = texts[start : start + arguments.block]
            rows.append(block_row(classifier, block, arguments.ferret_python, folder, ours_first=len(rows) % 2 == 0))
            print(f"{start + len(block)} of {len(texts)} texts: {json.dumps(rows[-1])}", file=sys.stderr)
    result = {
        "texts": f"{len(texts)} sentences of {arguments.texts.name}, blocks of {arguments.block}",
        "methods": list(METHODS),
        "mean_tokens": float(np.mean([len(units) for units in classifier.units(texts, "token")])),
        "ratios": [ratio(rows, operator, run) for operator in OPERATORS for run in ("defaults", "same_grid")],
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}",
        "ferret_versions": rows[0]["ferret_versions"],
    }
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["ratios"], indent=1))


if __name__ == "__main__":
    main()
