"""What windows cost, and what their rule is worth: `python -m benchmarks.long_texts`; results/long_texts.json.

Models trained on single sentences of film reviews label whole product reviews and whole editorials of VADER's corpora,
put together again from their sentences; the label is the sign of the sentences' mean rating. Each text is read whole,
cut to a short window, and in windows of that size, put together by several rules. The rule of text.windows was chosen
before this was run.
"""

import argparse
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from explainable_bert import ExplainableClassifier
from explainable_bert.data.corpora import load_corpus
from explainable_bert.data.vader import source_file
from explainable_bert.speed.machine import machine, versions
from explainable_bert.text.windows import shares
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import train_with_twin, twin_folder
from explainable_bert.writing import write_text

RESULT = Path(__file__).parent / "results" / "long_texts.json"
COMMAND = "python -m benchmarks.long_texts"
_ARCHIVE = "additional_resources/hutto_ICWSM_2014.tar.gz"
SOURCES = {"product reviews": "amazonReviewSnippets", "editorials": "nytEditorialSnippets"}
WINDOWS = (32, 64, 128)
# Ratings nearer to zero than this are no label, as in the corpora of single sentences.
_NEUTRAL = 0.5

Rule = Callable[[Float[np.ndarray, "window label"], Sequence[int]], Float[np.ndarray, " window"]]
RULES: Mapping[str, Rule] = {
    "evidence": lambda logits, _: shares(logits),
    "tokens": lambda _, lengths: np.array(lengths) / sum(lengths),
    "mean": lambda logits, _: np.full(len(logits), 1 / len(logits)),
    "strongest": lambda logits, _: (np.ptp(logits, axis=1) == np.ptp(logits, axis=1).max()).astype(np.float64),
}


def documents(stem: str) -> list[tuple[str, str]]:
    """Whole texts with their labels."""
    with tarfile.open(fileobj=io.BytesIO(source_file(_ARCHIVE)), mode="r:gz") as archive:
        stream = archive.extractfile(f"hutto_ICWSM_2014/{stem}_GroundTruth.txt")
        assert stream is not None
        lines = stream.read().decode("utf-8").split("\n")
    sentences: dict[str, list[tuple[float, str]]] = {}
    for line in lines:
        if line.strip():
            name, rating, text = line.split("\t", 2)
            sentences.setdefault(name.rpartition("_")[0], []).append((float(rating), text.strip()))
    rated = [(float(np.mean([r for r, _ in of])), " ".join(text for _, text in of)) for of in sentences.values()]
    return [("positive" if rating > 0 else "negative", text) for rating, text in rated if abs(rating) >= _NEUTRAL]


def measured(classifier: ExplainableClassifier, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Accuracies, each way of reading."""
    gold, texts = [label for label, _ in given], [text for _, text in given]
    found: dict[str, Any] = {"texts": len(texts), "whole": _accuracy(classifier, texts, gold)}
    tokenizer = classifier.tokenizer
    window = tokenizer.model_max_length
    for size in WINDOWS:
        tokenizer.model_max_length = size
        of_size = ExplainableClassifier(classifier.model, tokenizer)
        rows = [[one.row for one in text.windows] for text in of_size.read(texts)]
        of_texts = [(of_size.engine.logits([row.encoding for row in of_text])(), of_text) for of_text in rows]
        cut = ExplainableClassifier(classifier.model, tokenizer, long="truncate")
        found[f"{size}"] = {
            "mean windows": float(np.mean([len(of_text) for of_text in rows])),
            "cut": _accuracy(cut, texts, gold),
            **{
                name: float(
                    np.mean([_label(classifier, rule, *of) == label for of, label in zip(of_texts, gold, strict=True)])
                )
                for name, rule in RULES.items()
            },
        }
    tokenizer.model_max_length = window
    return found


def _label(classifier: ExplainableClassifier, rule: Rule, logits: Any, rows: Sequence[Any]) -> str:
    return classifier.labels[int((rule(logits, [len(row.encoding) for row in rows]) @ logits).argmax())]


def _accuracy(classifier: ExplainableClassifier, texts: Sequence[str], gold: Sequence[str]) -> float:
    predictions = classifier.predict(texts)
    return float(np.mean([found.label == label for found, label in zip(predictions, gold, strict=True)]))


def table() -> str:
    """The saved accuracies."""
    saved = json.loads(RESULT.read_text(encoding="utf-8"))
    head = ("texts", "design", "read", "window", "windows", "cut", *RULES)
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, by_design in saved["rows"].items():
        for design, row in by_design.items():
            for size in map(str, WINDOWS):
                of = row[size]
                cells = (f"{name} ({row['texts']})", design, f"{row['whole']:.3f}", size, f"{of['mean windows']:.1f}")
                values = (f"{of[key]:.3f}" for key in ("cut", *RULES))
                lines.append(f"| {' | '.join((*cells, *values))} |")
    note = (
        f"Accuracy; one seed; {saved['machine']}. Models of single sentences (movie-snippets) read whole texts: `read` "
        f"in one window of 512, `cut` the first window alone, the others in windows, put together by evidence (the "
        f"rule), by numbers of tokens, evenly, or by the strongest window alone. Made by `{COMMAND}`."
    )
    return "\n".join([*lines, "", note, "", _counted(saved["rows"])])


def _counted(rows: Mapping[str, Any]) -> str:
    """How often which way of reading is ahead."""
    cases = [
        (of["whole"], of[str(size)]) for by_design in rows.values() for of in by_design.values() for size in WINDOWS
    ]
    over_cut = sum(case["evidence"] > case["cut"] for _, case in cases)
    over_whole = sum(case["evidence"] > whole for whole, case in cases)
    first = {rule: sum(case[rule] == max(case[other] for other in RULES) for _, case in cases) for rule in RULES}
    listed = ", ".join(f"{rule} {count}" for rule, count in first.items())
    return (
        f"Of {len(cases)} rows windows by evidence are ahead of the first window alone in {over_cut}, and of the whole "
        f"text read at once in {over_whole}. First among the rules, or level with the first: {listed}."
    )


def main() -> None:
    """Train, unless the folder has the models, and measure."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("runs/long-texts"))
    given = parser.parse_args()
    corpus = load_corpus("movie-snippets")
    output = given.models / "explainable"
    train_with_twin(ModelRequest(), corpus, output, TrainingSettings())
    models = {"vanilla": twin_folder(output), "explainable": output}
    rows = {
        name: {
            design: measured(ExplainableClassifier.load(folder), documents(stem)) for design, folder in models.items()
        }
        for name, stem in SOURCES.items()
    }
    content = {"command": COMMAND, "machine": machine(), "versions": versions(), "rows": rows}
    write_text(RESULT, json.dumps(content, indent=2) + "\n")
    print(table())


if __name__ == "__main__":
    main()
