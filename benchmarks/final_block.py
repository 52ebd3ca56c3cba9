"""How fast an explained prediction is beside a stock one without explanation, on the same batches.

Both sides run in one process, in turn; each round gives one ratio, of which the median and the range are printed and
saved. Texts are of random ids, so that nothing but the arithmetic counts: `python benchmarks/final_block.py`.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from transformers import BertConfig, BertForSequenceClassification

from explainable_bert import ExplainableBertConfig, ExplainableBertForSequenceClassification

SHAPES: dict[str, dict[str, Any]] = {
    "MiniLM-L6": {
        "hidden_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 12,
        "intermediate_size": 1536,
    },
    "BERT-base": {},
}
# Lengths in word pieces of 128 texts, drawn once, like those of single sentences: log-normal about 22, sorted.
N_TEXTS, BATCH_SIZE = 128, 32


def batches(seed: int) -> list[dict[str, torch.Tensor]]:
    """Batches sorted by length and padded on the right."""
    generator = np.random.default_rng(seed)
    lengths = np.sort(np.clip(np.exp(generator.normal(np.log(22), 0.5, N_TEXTS)).astype(int), 5, 80))
    made = []
    for start in range(0, N_TEXTS, BATCH_SIZE):
        chunk = lengths[start : start + BATCH_SIZE]
        mask = np.arange(chunk.max()) < chunk[:, None]
        ids = generator.integers(1000, 30000, mask.shape) * mask
        ids[:, 0] = 101
        made.append({"input_ids": torch.from_numpy(ids), "attention_mask": torch.from_numpy(mask.astype(np.int64))})
    return made


def seconds(model: torch.nn.Module, work: list[dict[str, torch.Tensor]]) -> float:
    """Seconds for one pass over all batches."""
    started = time.perf_counter()
    for batch in work:
        model(**batch)
    return time.perf_counter() - started


def measure(shape: str, design: str, rounds: int, seed: int) -> dict[str, object]:
    """Ratios stock : ours, round by round, after two rounds that do not count; above 1 ours is faster."""
    torch.manual_seed(seed)
    stock = BertForSequenceClassification(BertConfig(**SHAPES[shape])).eval()
    config = ExplainableBertConfig(**SHAPES[shape], design=design, special_token_ids=[0, 101, 102])
    ours = ExplainableBertForSequenceClassification(config).eval()
    work = batches(seed)
    ratios, stock_times = [], []
    with torch.inference_mode():
        for round_number in range(rounds + 2):
            # Whoever comes first alternates, so that a drift of the machine's speed hits both alike.
            if round_number % 2:
                mine, theirs = seconds(ours, work), seconds(stock, work)
            else:
                theirs, mine = seconds(stock, work), seconds(ours, work)
            if round_number >= 2:
                ratios.append(theirs / mine)
                stock_times.append(theirs)
    return {
        "shape": shape,
        "design": design,
        "ratio_median": statistics.median(ratios),
        "ratio_min": min(ratios),
        "ratio_max": max(ratios),
        "rounds": rounds,
        "stock_seconds_median": statistics.median(stock_times),
    }


def main() -> None:
    """Measure and print a table; write the JSON beside this script or to --output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "final_block.json")
    arguments = parser.parse_args()
    rows = []
    print(f"{'model':<10} {'design':<12} explained prediction : stock SDPA prediction (speed; above 1 is faster)")
    for shape in SHAPES:
        for design in ("vanilla", "single-head", "additive", "explainable"):
            rows.append(measure(shape, design, arguments.rounds, arguments.seed))
            row = rows[-1]
            spread = f"({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
            print(f"{shape:<10} {design:<12} {row['ratio_median']:.2f} x {spread}", flush=True)
    result = {
        "command": f"python benchmarks/final_block.py --rounds {arguments.rounds} --seed {arguments.seed}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads",
        "versions": {
            "python": sys.version.split()[0],
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "rows": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
