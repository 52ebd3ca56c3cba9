"""How fast ferret-xai evaluates attributions that it is given: the other side of `evaluation_speed.py`.

Run by an interpreter of its own, made with `pip install -r benchmarks/ferret_requirements.txt`:
`python benchmarks/evaluation_speed_ferret.py MODEL_FOLDER ATTRIBUTIONS_JSON OUTPUT_JSON`.

MODEL_FOLDER holds a stock BertForSequenceClassification with its tokenizer. ATTRIBUTIONS_JSON holds
`{"texts": [text], "methods": {name: [[score]]}}`: for each method and text one score per token, special tokens
included. Only ferret's AOPC comprehensiveness and AOPC sufficiency are run; the target is the model's prediction. What
is timed is the evaluators' own work, call by call: loading, tokens, targets and attributions are not.
"""

import argparse
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from ferret.evaluators import BaseEvaluator
from ferret.evaluators.faithfulness_measures import (
    AOPC_Comprehensiveness_Evaluation,
    AOPC_Sufficiency_Evaluation,
)
from ferret.explainers.explanation import Explanation
from ferret.model_utils import ModelHelper
from transformers import AutoModelForSequenceClassification, AutoTokenizer

PACKAGES = ("ferret-xai", "numpy", "torch", "transformers", "tokenizers")
# What ferret's evaluators are called with. "perc" takes int(threshold * n) tokens and skips a threshold that gives none
# or the same ones as the threshold before.
RUNS: dict[str, dict[str, Any]] = {
    "defaults": {},
    "same_grid": {
        "only_pos": False,
        "removal_args": {"remove_tokens": True, "based_on": "perc", "thresholds": [0.01, 0.05, 0.1, 0.2, 0.5]},
    },
}


@dataclass(frozen=True)
class Call:
    """One evaluation: which run, method and metric, how long it took in seconds, and what it gave."""

    run: str
    method: str
    metric: str
    seconds: float
    value: float


def explanations_of(helper: ModelHelper, work: dict[str, Any], number: int) -> list[Explanation]:
    """Ferret's records of one text's given attributions, a method each, for the class that the model predicts.

    Raises SystemExit if a method gives another number of scores than ferret finds tokens.
    """
    text = work["texts"][number]
    tokens = helper.get_tokens(text)
    target = int(helper._forward(text, output_hidden_states=False)[1].argmax())
    records = []
    for method, attributions in work["methods"].items():
        scores = np.array(attributions[number])
        if scores.shape != (len(tokens),):
            raise SystemExit(f"methods[{method!r}][{number}]: {scores.size} scores, {len(tokens)} tokens in {text!r}")
        records.append(Explanation(text, tokens, scores, method, target))
    return records


def timed_calls(evaluators: dict[str, BaseEvaluator], explanation: Explanation) -> list[Call]:
    """Every metric of every run on one explanation."""
    calls = []
    for run, settings in RUNS.items():
        for metric, evaluator in evaluators.items():
            started = time.perf_counter()
            evaluation = evaluator.compute_evaluation(explanation, explanation.target, **settings)
            elapsed = time.perf_counter() - started
            calls.append(Call(run, explanation.explainer, metric, elapsed, float(evaluation.score)))
    return calls


def measure(model_folder: Path, work: dict[str, Any], n_warm: int) -> list[Call]:
    """All calls on all texts, in order of the texts, after the first `n_warm` texts once without counting."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModelForSequenceClassification.from_pretrained(model_folder).eval()
    helper = ModelHelper(model, tokenizer)
    evaluators = {
        "comprehensiveness": AOPC_Comprehensiveness_Evaluation(model, tokenizer),
        "sufficiency": AOPC_Sufficiency_Evaluation(model, tokenizer),
    }
    prepared = [explanations_of(helper, work, number) for number in range(len(work["texts"]))]
    for explanations in prepared[:n_warm]:
        for explanation in explanations:
            timed_calls(evaluators, explanation)
    calls = []
    for number, explanations in enumerate(prepared, start=1):
        for explanation in explanations:
            calls += timed_calls(evaluators, explanation)
        tenth = 10 * number // len(prepared)
        if tenth > 10 * (number - 1) // len(prepared):
            print(f"ferret: {10 * tenth} %", file=sys.stderr, flush=True)
    return calls


def run_summary(calls: list[Call], n_texts: int) -> dict[str, Any]:
    """Seconds, speeds and values of one run; a text counts once it is evaluated for all methods by both metrics."""
    methods, metrics = list(dict.fromkeys(c.method for c in calls)), list(dict.fromkeys(c.metric for c in calls))
    total = sum(call.seconds for call in calls)
    per_call = {metric: [call.seconds for call in calls if call.metric == metric] for metric in metrics}
    return {
        "seconds": total,
        "n_texts": n_texts,
        "n_methods": len(methods),
        "texts_per_second": n_texts / total,
        "explanations_per_second": n_texts * len(methods) / total,
        "seconds_per_call": {
            metric: {"median": statistics.median(times), "min": min(times), "max": max(times)}
            for metric, times in per_call.items()
        },
        "values": {
            method: {
                metric: [call.value for call in calls if (call.method, call.metric) == (method, metric)]
                for metric in metrics
            }
            for method in methods
        },
    }


def read_work(path: Path, n_texts: int | None) -> dict[str, Any]:
    """Texts and attributions of a file, of the first `n_texts` texts.

    Raises SystemExit if there is no text or no method, or a method has another number of texts.
    """
    given = json.loads(path.read_text(encoding="utf-8"))
    texts, methods = given["texts"], given["methods"]
    for method, attributions in methods.items():
        if len(attributions) != len(texts):
            raise SystemExit(f"methods[{method!r}]: attributions of {len(attributions)} texts, of {len(texts)} needed")
    chosen = texts[:n_texts]
    if not chosen or not methods:
        raise SystemExit(f"{path}: {len(chosen)} texts and {len(methods)} methods chosen, at least one of each needed")
    return {"texts": chosen, "methods": methods}


def main() -> None:
    """Measure, print a line for each run, and write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_folder", type=Path)
    parser.add_argument("attributions", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--n", type=int, help="only the first N texts")
    parser.add_argument("--warm", type=int, default=2, help="texts evaluated once before, without counting")
    arguments = parser.parse_args()
    work = read_work(arguments.attributions, arguments.n)
    calls = measure(arguments.model_folder, work, arguments.warm)
    runs = {run: run_summary([call for call in calls if call.run == run], len(work["texts"])) for run in RUNS}
    for run, found in runs.items():
        print(
            f"{run:<10} {found['texts_per_second']:8.3f} texts/s, {found['explanations_per_second']:8.3f} "
            f"explanations/s ({found['n_texts']} texts, {found['n_methods']} methods, {found['seconds']:.1f} s)"
        )
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES}
        | {"python": platform.python_version()},
        "runs": {run: {"settings": RUNS[run], **found} for run, found in runs.items()},
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
