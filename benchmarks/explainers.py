"""Texts per second and passes per text of every explainer, and integrated gradients beside captum's, text by text.

`python benchmarks/explainers.py` (captum comes with the dev extra). Both sides of the ratio run in turn in one process,
on the same weights, texts, baseline and number of steps; their scores are compared too.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import captum
import numpy as np
import torch
import transformers
from captum.attr import LayerIntegratedGradients
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.attribution.gradients import N_STEPS
from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.data.corpora import load_corpus
from explainable_bert.model.checkpoint import load_tokenizer, resolve_base


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that `work` took, and what it gave."""
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def stock_twin(model: ExplainableBertForSequenceClassification) -> BertForSequenceClassification:
    """The stock class with the weights of a vanilla model."""
    fields = model.config.to_dict()
    stock: BertForSequenceClassification = BertForSequenceClassification(
        BertConfig(**{name: fields[name] for name in BertConfig().to_dict() if name in fields})
    )
    stock.load_state_dict(model.state_dict())
    stock.eval()
    return stock


def captum_scores(
    stock: BertForSequenceClassification, tokenizer: PreTrainedTokenizerFast, texts: list[str]
) -> list[np.ndarray]:
    """Token scores by captum's layer integrated gradients on the word embeddings, a text at a time."""

    def logits(ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = stock(input_ids=ids, attention_mask=mask, token_type_ids=types).logits
        return scores

    explainer = LayerIntegratedGradients(logits, stock.bert.embeddings.word_embeddings)
    scores = []
    for text in texts:
        encoded = tokenizer(text, return_tensors="pt")
        inputs = (encoded["attention_mask"], encoded["token_type_ids"])
        baseline = encoded["input_ids"].clone()
        baseline[0, 1:-1] = tokenizer.mask_token_id
        with torch.inference_mode():
            target = int(logits(encoded["input_ids"], *inputs).argmax())
        found = explainer.attribute(
            encoded["input_ids"], baseline, target, additional_forward_args=inputs, n_steps=N_STEPS
        )
        scores.append(found.sum(dim=-1)[0, 1:-1].detach().numpy())
    return scores


def ratio_rows(classifier: ExplainableClassifier, texts: list[str], rounds: int) -> dict[str, Any]:
    """Our texts per second over captum's, round by round, and the largest difference over the largest score."""
    stock = stock_twin(classifier.model)
    tokenizer = load_tokenizer(resolve_base("minilm"))

    def ours() -> list[np.ndarray]:
        explained = classifier.explain(texts, "integrated-gradients", level="token")
        return [np.array(explanation.attribution.scores) for explanation in explained]

    def theirs() -> list[np.ndarray]:
        return captum_scores(stock, tokenizer, texts)

    ratios, differences = [], []
    for number in range(rounds + 1):
        # Whoever comes first alternates; the first round only warms up.
        first, second = (ours, theirs) if number % 2 else (theirs, ours)
        times = {first: timed(first), second: timed(second)}
        if number:
            ratios.append(times[theirs][0] / times[ours][0])
            mine, other = np.concatenate(times[ours][1]), np.concatenate(times[theirs][1])
            differences.append(float(np.abs(mine - other).max() / np.abs(other).max()))
    return {
        "ratio_median": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "rounds": rounds,
        "n_steps": N_STEPS,
        "largest_relative_difference": max(differences),
    }


def method_row(classifier: ExplainableClassifier, method: str, texts: list[str], rounds: int) -> dict[str, Any]:
    """Texts per second, median over the rounds after one that does not count."""
    explainer = EXPLAINERS[method]
    speeds = [len(texts) / timed(lambda: classifier.explain(texts, method))[0] for _ in range(rounds + 1)][1:]
    n_words = statistics.mean(len(found.attribution.units) for found in classifier.explain(texts, "random"))
    return {
        "method": method,
        "design": classifier.model.config.design,
        "summary": explainer.summary,
        "texts_per_second": statistics.median(speeds),
        "slowest": min(speeds),
        "fastest": max(speeds),
        "forward_passes": str(explainer.forward),
        "backward_passes": str(explainer.backward),
        "forward_passes_per_text": explainer.forward.count(round(n_words)),
        "backward_passes_per_text": explainer.backward.count(round(n_words)),
    }


def untrained(design: str, seed: int) -> ExplainableClassifier:
    """A design on the minilm weights with a classifier drawn anew: speed does not depend on training."""
    torch.manual_seed(seed)
    model = ExplainableBertForSequenceClassification.from_base("minilm", design=design)
    return ExplainableClassifier(model, load_tokenizer(resolve_base("minilm")), f"minilm {design}")


def main() -> None:
    """Measure and print; write the JSON beside this script or to --output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "explainers.json")
    arguments = parser.parse_args()
    texts = [example.text for example in load_corpus("movie-snippets").test[: arguments.texts]]
    vanilla, lexical = untrained("vanilla", arguments.seed), untrained("lexical", arguments.seed)
    captum_ratio = ratio_rows(vanilla, texts, arguments.rounds)
    spread = f"({captum_ratio['ratio_min']:.2f} to {captum_ratio['ratio_max']:.2f})"
    print(f"integrated gradients, {N_STEPS} steps: {captum_ratio['ratio_median']:.2f} {spread} times captum's speed")
    print(f"largest difference of a score over the largest score: {captum_ratio['largest_relative_difference']:.1e}")
    rows = []
    named = [(vanilla, method) for method in EXPLAINERS]
    for classifier, method in itertools.chain([(lexical, "built-in")], named):
        rows.append(method_row(classifier, method, texts, arguments.rounds))
        row = rows[-1]
        passes = f"{row['forward_passes_per_text']:>5} forward {row['backward_passes_per_text']:>3} backward"
        print(f"{row['design']:<8} {method:<25} {row['texts_per_second']:9.1f} texts/s {passes}", flush=True)
    result = {
        "command": f"python benchmarks/explainers.py --texts {arguments.texts} --rounds {arguments.rounds} "
        f"--seed {arguments.seed}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "texts": f"{len(texts)} test texts of movie-snippets, base minilm",
        "versions": {
            "python": sys.version.split()[0],
            "torch": torch.__version__,
            "transformers": transformers.__version__,
            "captum": captum.__version__,
        },
        "integrated_gradients_over_captum": captum_ratio,
        "rows": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
