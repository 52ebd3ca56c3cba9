"""Whole commands: how long until one starts, and the memory of explaining a file of ever more texts."""

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explainable_bert.data.files import write_table
from explainable_bert.model.checkpoint import load_tokenizer, resolve_base
from explainable_bert.speed.texts import plain_words

from .growth import exponent
from .models import saved
from .results import Results

PART = "commands"
SHAPE = "MiniLM-L6"
N_TEXTS = (1_000, 10_000, 100_000)
# Short texts, of 5 to 15 word pieces, special tokens included.
_WORDS = (3, 13)
COMMAND_FILE = str(Path(sys.executable).parent / "explainable-bert")
STARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "python alone": (sys.executable, "-c", "pass"),
        "import explainable_bert": (sys.executable, "-c", "import explainable_bert"),
        "explainable-bert --help": (COMMAND_FILE, "--help"),
    }
)


@dataclass(frozen=True)
class Ran:
    """Of one process: its time, and the most memory that it held."""

    seconds: float
    peak_bytes: int


def run(rounds: int) -> None:
    """Measure what is not saved yet."""
    results = Results(PART, {"rounds": rounds, "shape": SHAPE, "words": list(_WORDS)})
    if "starts" not in results:
        results.add("starts", _starts(rounds))
    missing = [count for count in N_TEXTS if f"{count} texts" not in results]
    if missing:
        with saved(SHAPE) as model, tempfile.TemporaryDirectory() as folder:
            for count in missing:
                results.add(f"{count} texts", _explained(model, Path(folder), count))


def growth(rows: Mapping[str, Mapping[str, float]]) -> float:
    """The exponent of a whole command's time, its start included, over the number of texts."""
    counts = list(N_TEXTS)
    return exponent(counts, [rows[f"{count} texts"]["seconds"] for count in counts])


def _starts(rounds: int) -> dict[str, dict[str, float]]:
    """Medians of whole processes in turn; one round before them does not count."""
    times: dict[str, list[float]] = {name: [] for name in STARTS}
    generator = random.Random(0)
    for number in range(rounds + 1):
        for name in generator.sample(list(STARTS), len(STARTS)):
            seconds = ran(STARTS[name]).seconds
            if number:
                times[name].append(seconds)
    return {name: {"median": statistics.median(t), "low": min(t), "high": max(t)} for name, t in times.items()}


def _explained(model: Path, folder: Path, count: int) -> dict[str, float]:
    words, generator = plain_words(load_tokenizer(resolve_base("minilm")).backend_tokenizer), random.Random(0)
    texts = (" ".join(generator.choices(words, k=generator.randint(*_WORDS))) for _ in range(count))
    write_table([{"text": text} for text in texts], folder / "texts.csv")
    given, output = ("--input", str(folder / "texts.csv")), folder / "explained.parquet"
    found = ran((COMMAND_FILE, "explain", str(model), *given, "--output", str(output)))
    output.unlink()
    return vars(found)


# Started by a small process: Linux counts to a program's memory what started it.
_STARTER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - started
print(json.dumps([seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)]))
sys.exit(os.waitstatus_to_exitcode(status))
"""


def ran(command: tuple[str, ...]) -> Ran:
    """Run a command to its end."""
    starting = (sys.executable, "-c", _STARTER, *command)
    return Ran(*json.loads(subprocess.run(starting, check=True, capture_output=True, text=True).stdout))
