"""How fast an explained prediction is beside what people would run instead, all in one process, in turn.

Every round runs each side once on the same texts, in another order each time; a ratio is that of two times of one
round, of which the median and the range are saved: `python benchmarks/serving.py`. Above 1 ours is faster.
It needs the extra onnx, and half an hour on two cores.
"""

import argparse
import json
import os
import platform
import random
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
import transformers
from final_block import SHAPES
from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast, pipeline

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier
from explainable_bert.export.onnx import export_onnx

# Word pieces of a text, special tokens included; mixed: half sentences, a third reviews, the rest whole windows.
LENGTHS: Mapping[str, tuple[int, ...]] = {
    "25": (25,) * 64,
    "120": (120,) * 16,
    "512": (512,) * 4,
    "mixed": (25,) * 32 + (60,) * 8 + (120,) * 12 + (250,) * 4 + (512,) * 2,
}
PACKAGES = ("explainable-bert", "torch", "transformers", "onnxruntime")
Side = Callable[[], None]


@dataclass(frozen=True)
class Ratio:
    """How many times as fast as `other` the side `ours` is."""

    shape: str
    lengths: str
    at_once: str
    ours: str
    other: str
    median: float
    low: float
    high: float
    rounds: int
    ours_seconds: float


def words(n_words: int, generator: random.Random, vocabulary: Sequence[str]) -> str:
    """Words of one piece each."""
    return " ".join(generator.choices(vocabulary, k=n_words))


def seconds(side: Side) -> float:
    """One run."""
    started = time.perf_counter()
    side()
    return time.perf_counter() - started


def interleaved(sides: Mapping[str, Side], rounds: int, seed: int) -> dict[str, list[float]]:
    """Times by side, round by round; two rounds before them do not count."""
    generator, times = random.Random(seed), {name: [] for name in sides}
    for number in range(rounds + 2):
        order = list(sides)
        generator.shuffle(order)
        for name in order:
            taken = seconds(sides[name])
            if number >= 2:
                times[name].append(taken)
    return times


@dataclass(frozen=True)
class Contest:
    """Sides that do the same texts: each of `ours` is compared with each of `others`."""

    ours: Mapping[str, Side]
    others: Mapping[str, Side]


class Rivals:
    """One shape's models: ours and stock, in torch and as graphs, of random weights, reading the same tokenizer."""

    def __init__(self, shape: str, tokenizer: BertTokenizerFast, folder: Path, seed: int) -> None:
        torch.manual_seed(seed)
        self.tokenizer = tokenizer
        ids = [tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id]
        sizes = {**SHAPES[shape], "vocab_size": len(tokenizer)}
        config = BertConfig(**sizes)
        self.stock = BertForSequenceClassification(config).eval()
        self.stock.save_pretrained(folder / "stock")
        tokenizer.save_pretrained(folder / "stock")
        self.eager = BertForSequenceClassification.from_pretrained(folder / "stock", attn_implementation="eager").eval()
        ours = ExplainableBertForSequenceClassification.from_base(
            folder / "stock", design="explainable", special_token_ids=ids
        )
        self.ours = ExplainableClassifier(ours, tokenizer, name="ours")
        export_onnx(self.ours, folder / "ours-onnx")
        self.ours_onnx = ExplainableClassifier.load(folder / "ours-onnx")
        self.stock_onnx = _stock_graph(self.stock, folder / "stock.onnx")
        self.pipeline = pipeline("text-classification", model=self.stock, tokenizer=tokenizer, truncation=True)


def _stock_graph(stock: BertForSequenceClassification, path: Path) -> onnxruntime.InferenceSession:
    ids = torch.ones((37, 29), dtype=torch.long)
    anything = {axis: torch.export.Dim.DYNAMIC for axis in (0, 1)}
    names = ("input_ids", "attention_mask", "token_type_ids")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            stock, (), path, kwargs={name: ids for name in names}, output_names=["logits"],
            dynamic_shapes=dict.fromkeys(names, anything), dynamo=True, external_data=False, verbose=False,
        )  # fmt: skip
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


def contest(rivals: Rivals, texts: Sequence[str], *, one_by_one: bool) -> Contest:
    """From texts to records on our side, from texts to logits on the others'."""
    groups = [[text] for text in texts] if one_by_one else [list(texts)]

    def of_all(work: Callable[[list[str]], Any]) -> Side:
        def side() -> None:
            for group in groups:
                work(group)

        return side

    ours = {
        "ours, torch, explained": of_all(rivals.ours.explain),
        "ours, ONNX, explained": of_all(rivals.ours_onnx.explain),
    }
    others = {
        "stock SDPA, prediction": of_all(lambda group: stock_logits(rivals, group, ordered=True)),
        "stock eager, attentions": of_all(lambda group: stock_logits(rivals, group, ordered=False)),
        "transformers.pipeline": of_all(rivals.pipeline),
        "stock ONNX, prediction": of_all(lambda group: stock_onnx_logits(rivals, group)),
    }
    return Contest(ours, others)


def stock_logits(rivals: Rivals, texts: list[str], *, ordered: bool) -> list[torch.Tensor]:
    """Batches of 32: sorted by length and by SDPA; or as they come, eager, with all attentions put out."""
    found = []
    with torch.inference_mode():
        for batch in stock_batches(rivals, texts, ordered=ordered):
            if ordered:
                found.append(rivals.stock(**batch).logits)
            else:
                found.append(rivals.eager(**batch, output_attentions=True).logits)
    return found


def stock_onnx_logits(rivals: Rivals, texts: list[str]) -> list[np.ndarray]:
    """The same batches as SDPA has."""
    batches = stock_batches(rivals, texts, ordered=True)
    return [
        rivals.stock_onnx.run(["logits"], {name: tensor.numpy() for name, tensor in batch.items()})[0]
        for batch in batches
    ]


def stock_batches(rivals: Rivals, texts: list[str], *, ordered: bool) -> list[dict[str, torch.Tensor]]:
    """Padded batches of 32."""
    encoded = rivals.tokenizer(texts, truncation=True)["input_ids"]
    places = sorted(range(len(texts)), key=lambda place: -len(encoded[place])) if ordered else range(len(texts))
    chosen = [texts[place] for place in places]
    return [
        dict(rivals.tokenizer(chosen[start : start + 32], truncation=True, padding=True, return_tensors="pt"))
        for start in range(0, len(chosen), 32)
    ]


def ratios(rivals: Rivals, shape: str, lengths: str, *, one_by_one: bool, rounds: int, seed: int) -> list[Ratio]:
    """Every side of ours beside every other one, on texts of these lengths."""
    generator = random.Random(seed)
    plain = sorted(word for word in rivals.tokenizer.get_vocab() if word.isascii() and word.isalpha() and len(word) > 2)
    texts = [words(n_pieces - 2, generator, plain) for n_pieces in LENGTHS[lengths]]
    generator.shuffle(texts)
    if one_by_one:
        texts = texts[:: max(1, len(texts) // 8)]
    sides = contest(rivals, texts, one_by_one=one_by_one)
    times = interleaved({**sides.ours, **sides.others}, rounds, seed)
    found = []
    for ours in sides.ours:
        for other in sides.others:
            by_round = [theirs / mine for mine, theirs in zip(times[ours], times[other], strict=True)]
            found.append(
                Ratio(
                    shape,
                    lengths,
                    "one" if one_by_one else "all",
                    ours,
                    other,
                    statistics.median(by_round),
                    min(by_round),
                    max(by_round),
                    rounds,
                    statistics.median(times[ours]),
                )
            )
    return found


def main() -> None:
    """Measure what is not in --output yet, print it, and save after each contest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tokenizer", default="runs/demo/models/explainable", help="folder of the vocabulary")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "serving.json")
    given = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    rows = json.loads(given.output.read_text(encoding="utf-8"))["rows"] if given.output.exists() else []
    done = {(row["shape"], row["lengths"], row["at_once"]) for row in rows}
    tokenizer = BertTokenizerFast.from_pretrained(given.tokenizer)
    for shape in SHAPES:
        wanted = [(shape, lengths, at_once) for lengths in LENGTHS for at_once in ("one", "all")]
        if set(wanted) <= done:
            continue
        with tempfile.TemporaryDirectory() as folder:
            rivals = Rivals(shape, tokenizer, Path(folder), given.seed)
            for _, lengths, at_once in [contest for contest in wanted if contest not in done]:
                found = ratios(
                    rivals, shape, lengths, one_by_one=at_once == "one", rounds=given.rounds, seed=given.seed
                )
                for row in found:
                    spread = f"({row.low:.2f} to {row.high:.2f})"
                    name = f"{shape:<10} {lengths:>5} {at_once:>3}  {row.ours:<22} : {row.other:<24}"
                    print(f"{name} {row.median:5.2f} {spread}", flush=True)
                rows += [asdict(row) for row in found]
                save(rows, given)


def save(rows: list[dict[str, Any]], given: argparse.Namespace) -> None:
    """All that is measured so far."""
    result = {
        "command": f"python benchmarks/serving.py --rounds {given.rounds} --seed {given.seed}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {"python": sys.version.split()[0], **{name: version(name) for name in PACKAGES}},
        "rows": rows,
    }
    given.output.parent.mkdir(parents=True, exist_ok=True)
    given.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
