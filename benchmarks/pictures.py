"""Seconds to write a picture of a text of 512 units, with and without its map: `python benchmarks/pictures.py`."""

import argparse
import dataclasses
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import matplotlib
import numpy as np

from explainable_bert import Explanation, Prediction, render
from explainable_bert.records import AttentionMap, Attribution, Provenance, Unit

N_UNITS = 512
OTHER = Provenance("another", "additive", 5, "1" * 64, "0", f"matplotlib {matplotlib.__version__}")
EXTENSIONS = (".html", ".svg", ".png", ".pdf")


def made_up(seed: int) -> Explanation:
    """A long text of random words, scores and attention: a picture's cost does not depend on what they are."""
    generator = np.random.default_rng(seed)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(generator.choice(letters, generator.integers(2, 11))) for _ in range(N_UNITS)]
    starts = np.cumsum([0, *(len(word) + 1 for word in words)])
    units = tuple(Unit(word, int(start), int(start) + len(word)) for word, start in zip(words, starts, strict=False))
    weights = generator.dirichlet(np.full(N_UNITS + 1, 0.05), N_UNITS + 1)
    return Explanation(
        text=" ".join(words),
        prediction=Prediction("positive", {"negative": 0.25, "positive": 0.75}, 0),
        target="positive",
        attribution=Attribution(units, tuple(generator.standard_normal(N_UNITS).tolist()), "built-in", "word", True),
        provenance=Provenance("made up", "lexical", 2, "0" * 64, "0", f"matplotlib {matplotlib.__version__}"),
        attention_map=AttentionMap(tuple(map(tuple, weights[:, :-1].tolist())), tuple(weights[:, -1].tolist())),
    )


def main() -> None:
    """Measure and print; write the JSON beside this script or to --output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results" / "pictures.json")
    arguments = parser.parse_args()
    with_map = made_up(seed=0)
    kinds = {
        "strip": (dataclasses.replace(with_map, attention_map=None), None),
        "strip and map": (with_map, None),
        "versus": (with_map, [dataclasses.replace(made_up(seed=0), provenance=OTHER)]),
    }
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for kind, (explanation, versus) in kinds.items():
            for extension in EXTENSIONS:
                seconds = []
                for _ in range(arguments.rounds + 1):
                    started = time.perf_counter()
                    render([explanation], Path(folder) / f"x{extension}", versus)
                    seconds.append(time.perf_counter() - started)
                # The first also imports what draws.
                first, *others = seconds
                rows.append(
                    {
                        "picture": kind,
                        "extension": extension,
                        "seconds_median": statistics.median(others),
                        "seconds_max": max(others),
                        "seconds_first": first,
                    }
                )
                print(f"{kind:<14} {extension:<6} {statistics.median(others):.2f} s (first {first:.2f} s)", flush=True)
    result = {
        "command": f"python benchmarks/pictures.py --rounds {arguments.rounds}",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "versions": {"python": sys.version.split()[0], "matplotlib": matplotlib.__version__},
        "n_units": N_UNITS,
        "rows": rows,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
