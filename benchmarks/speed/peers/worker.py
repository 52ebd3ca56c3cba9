"""Explains texts with another package, over and over, and tells how long each round took.

Run by the interpreter of the package's own environment (see `environments.py`):
`PYTHON worker.py METHOD MODEL_FOLDER TEXTS_JSON [--one-by-one]`.

MODEL_FOLDER holds a stock BertForSequenceClassification with its tokenizer, TEXTS_JSON a list of strings. On stdout
comes a line `{"ready": true, "package": ..., "version": ..., "settings": ...}`; then, for each line on stdin, all texts
are explained once, prediction included, and a line `{"seconds": ..., "peak_bytes": ..., "idle_bytes": ...}` comes.
Nothing else does: what libraries print goes to stderr. What is timed is the work from texts to scores; loading is not.
"""

import argparse
import importlib.metadata
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before anything imports huggingface_hub, which reads it once.
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

N_STEPS = 50
# A list of scores for each text, in the order of the texts: one per token or word, or only those a package chooses.
Scores = list[list[float]]
Explain = Callable[[list[str]], Scores]


@dataclass(frozen=True)
class Loaded:
    """The classifier to explain, and whether texts go one after another with the package's defaults."""

    model: Any
    tokenizer: Any
    one_by_one: bool

    def encode(self, texts: list[str]) -> dict[str, torch.Tensor]:
        """Padded ids, mask and types of texts."""
        return dict(self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt"))

    @torch.inference_mode()
    def labels(self, encoded: dict[str, torch.Tensor]) -> torch.Tensor:
        """The label that the model predicts for each text."""
        return self.model(**encoded).logits.argmax(-1)

    @torch.inference_mode()
    def probabilities(self, texts: list[str], batch_size: int) -> np.ndarray:
        """Probabilities of texts, a row each; texts of like length go together, so that little is padding."""
        encoded = self.tokenizer(texts, truncation=True)
        order = sorted(range(len(texts)), key=lambda number: len(encoded["input_ids"][number]))
        found = np.empty((len(texts), self.model.config.num_labels))
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            rows = {name: [values[number] for number in chosen] for name, values in encoded.items()}
            padded = self.tokenizer.pad(rows, return_tensors="pt")
            found[chosen] = self.model(**padded).logits.softmax(-1).double().numpy()
        return found


@dataclass(frozen=True)
class Method:
    """A package's name, what it runs with, and what explains texts with it."""

    package: str
    settings: str
    explain: Explain


def in_batches(loaded: Loaded, texts: list[str], batch_size: int) -> Iterator[tuple[list[int], list[str]]]:
    """Numbers and texts of each batch: single texts in their order if one by one, else texts of like length."""
    if loaded.one_by_one:
        yield from (([number], [text]) for number, text in enumerate(texts))
        return
    lengths = [len(ids) for ids in loaded.tokenizer(texts)["input_ids"]]
    order = sorted(range(len(texts)), key=lengths.__getitem__)
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        yield chosen, [texts[number] for number in chosen]


def baseline_of(encoded: dict[str, torch.Tensor], tokenizer: Any, token_id: int) -> torch.Tensor:
    """The ids with every token but [CLS], [SEP] and padding replaced by one token."""
    ids = encoded["input_ids"]
    kept = torch.isin(ids, torch.tensor([tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id]))
    return torch.where(kept, ids, token_id)


def store(scores: Scores, numbers: list[int], rows: torch.Tensor, mask: torch.Tensor) -> None:
    """Put each text's row, less its padding, in the text's place."""
    for number, row, length in zip(numbers, rows, mask.sum(-1).tolist(), strict=True):
        scores[number] = row[:length].tolist()


def logits_of(loaded: Loaded) -> Callable[..., torch.Tensor]:
    """The model as captum calls it."""

    def logits(ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        return loaded.model(input_ids=ids, attention_mask=mask, token_type_ids=types).logits

    return logits


def by_captum(loaded: Loaded, explainer: Any, batch_size: int, token_id: int, **options: Any) -> Explain:
    """What one of captum's methods says of every token, against texts of the token `token_id`."""

    def explain(texts: list[str]) -> Scores:
        scores: Scores = [[] for _ in texts]
        for numbers, batch in in_batches(loaded, texts, batch_size):
            encoded = loaded.encode(batch)
            found = explainer.attribute(
                encoded["input_ids"],
                baselines=baseline_of(encoded, loaded.tokenizer, token_id),
                target=loaded.labels(encoded),
                additional_forward_args=(encoded["attention_mask"], encoded["token_type_ids"]),
                **options,
            )
            # On embeddings there is a score for each of their dimensions.
            of_tokens = found.sum(-1) if found.dim() > encoded["input_ids"].dim() else found
            store(scores, numbers, of_tokens, encoded["attention_mask"])
        return scores

    return explain


def captum_ig(loaded: Loaded) -> Method:
    """Captum's integrated gradients on the embeddings' output."""
    from captum.attr import LayerIntegratedGradients

    batch_size = 4
    explainer = LayerIntegratedGradients(logits_of(loaded), loaded.model.bert.embeddings)
    explain = by_captum(loaded, explainer, batch_size, loaded.tokenizer.pad_token_id, n_steps=N_STEPS)
    together = "1 text" if loaded.one_by_one else f"{batch_size} texts of like length"
    return Method("captum", f"{N_STEPS} steps, [PAD] baseline, all steps of {together} in one pass", explain)


def captum_occlusion(loaded: Loaded) -> Method:
    """Captum's ablation, each token in turn becoming [MASK]."""
    from captum.attr import FeatureAblation

    batch_size, at_once = (1, 1) if loaded.one_by_one else (4, 16)
    explainer = FeatureAblation(torch.inference_mode()(logits_of(loaded)))
    mask_token_id = loaded.tokenizer.mask_token_id
    explain = by_captum(loaded, explainer, batch_size, mask_token_id, perturbations_per_eval=at_once)
    together = f"{at_once} tokens of {batch_size} texts" if not loaded.one_by_one else "1 token of 1 text"
    return Method("captum", f"FeatureAblation by [MASK], {together} in one pass", explain)


def shap_partition(loaded: Loaded) -> Method:
    """SHAP's partition explainer on the probabilities of both labels."""
    import shap

    batch_size = 10 if loaded.one_by_one else 64

    def probabilities(texts: np.ndarray) -> np.ndarray:
        return loaded.probabilities([str(text) for text in texts], batch_size)

    explainer = shap.Explainer(probabilities, shap.maskers.Text(loaded.tokenizer), algorithm="partition", silent=True)
    given: dict[str, Any] = {} if loaded.one_by_one else {"batch_size": batch_size}

    def explain(texts: list[str]) -> Scores:
        groups = [[text] for text in texts] if loaded.one_by_one else [texts]
        found = [one for group in groups for one in explainer(group, **given)]
        # Base value plus scores is the probability, so the predicted label needs no further pass.
        return [one.values[:, (one.base_values + one.values.sum(0)).argmax()].tolist() for one in found]

    size = "auto (10)" if loaded.one_by_one else str(batch_size)
    return Method("shap", f"Partition, max_evals 500, batch_size {size} within each text, both labels", explain)


def lime(loaded: Loaded) -> Method:
    """LIME's text explainer."""
    from lime.lime_text import LimeTextExplainer

    batch_size = 64
    explainer = LimeTextExplainer(random_state=0)

    def probabilities(texts: list[str]) -> np.ndarray:
        return loaded.probabilities(texts, batch_size)

    def explain(texts: list[str]) -> Scores:
        found = [explainer.explain_instance(text, probabilities, top_labels=1) for text in texts]
        return [[weight for _, weight in one.as_map()[one.top_labels[0]]] for one in found]

    settings = (
        f"5000 samples, 10 words, predicted label; our classifier function takes {batch_size} samples of like length "
        "in one pass; cannot batch texts, so the same with and without --one-by-one"
    )
    return Method("lime", settings, explain)


def transformers_interpret(loaded: Loaded) -> Method:
    """transformers-interpret's explainer of sequence classification."""
    from transformers_interpret import SequenceClassificationExplainer

    explainer = SequenceClassificationExplainer(loaded.model, loaded.tokenizer)

    def explain(texts: list[str]) -> Scores:
        return [[score for _, score in explainer(text)] for text in texts]

    settings = (
        "integrated gradients, 50 steps, [PAD] baseline, all steps of 1 text in one pass (its defaults); "
        "cannot batch texts, so the same with and without --one-by-one"
    )
    return Method("transformers-interpret", settings, explain)


def ferret_method(explainer: Any, what: str) -> Method:
    """One of ferret's explainers, for the label that ferret's own helper predicts."""

    def explain(texts: list[str]) -> Scores:
        scores = []
        for text in texts:
            label = int(explainer.helper._forward(text)[1].argmax())
            scores.append(explainer(text, target=label).scores.tolist())
        return scores

    settings = f"{what}, 8 rows in one pass (fixed); cannot batch texts, so the same with and without --one-by-one"
    return Method("ferret-xai", settings, explain)


def ferret_ig(loaded: Loaded) -> Method:
    """Ferret's integrated gradients."""
    from ferret import IntegratedGradientExplainer

    explainer = IntegratedGradientExplainer(loaded.model, loaded.tokenizer)
    return ferret_method(explainer, "integrated gradients, 50 steps, [PAD] baseline")


def ferret_shap(loaded: Loaded) -> Method:
    """Ferret's partition SHAP."""
    from ferret import SHAPExplainer

    explainer = SHAPExplainer(loaded.model, loaded.tokenizer)
    return ferret_method(explainer, "Partition SHAP, max_evals 500, batch_size auto (10), both labels")


def interpreto(loaded: Loaded) -> Method:
    """Interpreto's integrated gradients."""
    from interpreto import IntegratedGradients

    batch_size = 4 if loaded.one_by_one else 64
    explainer = IntegratedGradients(loaded.model, loaded.tokenizer, batch_size=batch_size, n_perturbations=N_STEPS)

    def explain(texts: list[str]) -> Scores:
        groups = [[text] for text in texts] if loaded.one_by_one else [texts]
        found = [output for group in groups for output in explainer(group)]
        return [output.attributions.flatten().tolist() for output in found]

    settings = f"integrated gradients, {N_STEPS} steps, zero baseline, unsigned, per word, batch_size {batch_size}"
    return Method("interpreto", settings, explain)


METHODS: dict[str, Callable[[Loaded], Method]] = {
    "captum-ig": captum_ig,
    "captum-occlusion": captum_occlusion,
    "shap-partition": shap_partition,
    "lime": lime,
    "transformers-interpret": transformers_interpret,
    "ferret": ferret_ig,
    "ferret-shap": ferret_shap,
    "interpreto": interpreto,
}


def load(folder: Path, one_by_one: bool) -> Loaded:
    """The folder's model and tokenizer; frozen weights spare the packages memory and change no score."""
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval().requires_grad_(False)
    return Loaded(model, AutoTokenizer.from_pretrained(folder), one_by_one)


def check(scores: Scores, texts: list[str]) -> None:
    """Raises SystemExit if a text has no scores or one that is not finite."""
    if len(scores) != len(texts):
        raise SystemExit(f"{len(scores)} explanations of {len(texts)} texts")
    for found, text in zip(scores, texts, strict=True):
        if not found or not all(map(math.isfinite, found)):
            raise SystemExit(f"{found} is no explanation of {text!r}")


def answer_rounds(method: Method, texts: list[str], say: Callable[[dict[str, Any]], None]) -> None:
    """Say what runs, then explain all texts once for each line of stdin and say how long it took."""
    version = importlib.metadata.version(method.package)
    idle_bytes = peak_bytes()
    say({"ready": True, "package": method.package, "version": version, "settings": method.settings})
    for _ in sys.stdin:
        started = time.perf_counter()
        scores = method.explain(texts)
        seconds = time.perf_counter() - started
        check(scores, texts)
        say({"seconds": seconds, "peak_bytes": peak_bytes(), "idle_bytes": idle_bytes})


def peak_bytes() -> int:
    """The most memory that this process ever held; not ru_maxrss, which counts what started it, too. Linux alone."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    """Load, then answer the lines of stdin."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("method", choices=METHODS)
    parser.add_argument("model_folder", type=Path)
    parser.add_argument("texts", type=Path)
    parser.add_argument("--one-by-one", action="store_true", help="a text at a time, with the package's defaults")
    arguments = parser.parse_args()
    # From here on, whatever else writes to stdout, Python or not, writes to stderr.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def say(line: dict[str, Any]) -> None:
        print(json.dumps(line), file=answers, flush=True)

    texts = json.loads(arguments.texts.read_text(encoding="utf-8"))
    answer_rounds(METHODS[arguments.method](load(arguments.model_folder, arguments.one_by_one)), texts, say)


if __name__ == "__main__":
    main()
