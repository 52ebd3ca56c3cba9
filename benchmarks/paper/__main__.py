"""The whole benchmark as one command: `python -m benchmarks.paper --scale cpu`.

Trains and measures every study's points, as many at a time as there are cores or devices, into --output; what was
stopped continues. Then writes benchmarks/results/paper_SCALE.json, and from it docs/results.md with its figures.
With --written, only writes: `saved` from the saved results, `measured` from the records that are there.
"""

import argparse
import json
import sys
from pathlib import Path

from explainable_bert.sweep.experiment import load_experiment
from explainable_bert.sweep.run import SweepProgress, run_points
from explainable_bert.writing import write_text

from .figures import draw_explainers, draw_front
from .goals import Results
from .page import page
from .protocol import SCALES
from .results import as_text, found
from .studies import Study, studies

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper", description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="cpu")
    parser.add_argument("--output", type=Path, help="folder of models and records; default: runs/paper-SCALE")
    parser.add_argument("--sst2", type=Path, help="folder of GLUE's SST-2: train.tsv, dev.tsv; none: left out")
    parser.add_argument("--rationales", type=Path, help="Yelp-HAT's JSONL; none: plausibility by lexicon alone")
    parser.add_argument("--processes", type=int, help="points at a time; default: one per core or CUDA device")
    parser.add_argument("--only", nargs="*", help="folders of studies to run, such as reviews sst2 shortcut")
    parser.add_argument("--written", choices=("saved", "measured"), help="train nothing: write what is there")
    given = parser.parse_args()
    output = given.output or Path("runs") / f"paper-{given.scale}"
    saved = results_file(given.scale)
    n_failed = 0
    if given.written is None:
        for study in studies(SCALES[given.scale], output, given.sst2, given.rationales):
            if not given.only or study.models.name in given.only:
                n_failed += _run(study, given.processes)
    if given.written != "saved":
        write_text(saved, as_text(found(output, given.scale)))
    write_docs(given.scale, DOCS)
    if n_failed:
        sys.exit(f"{n_failed} points failed; the same command tries them again")


def results_file(scale: str) -> Path:
    """Where the results of a scale are kept."""
    return ROOT / "benchmarks" / "results" / f"paper_{scale}.json"


def write_docs(scale: str, folder: Path) -> None:
    """Write results.md and its figures from the saved results."""
    results = Results(json.loads(results_file(scale).read_text(encoding="utf-8")))
    write_text(folder / "results.md", page(results))
    draw_front(results, folder / "frontier.svg")
    draw_explainers(results, folder / "explainers.svg")


def _run(study: Study, n_processes: int | None) -> int:
    """How many points of the study failed."""
    title = f"{study.models.name}, {study.name}"

    def show(state: SweepProgress) -> None:
        left = "" if state.seconds_left is None else f"; about {state.seconds_left / 60:.0f} min left"
        running = " | ".join(map(str, state.running))
        print(f"{title}: {state.n_done} of {state.n_points} points{left}; running {running}", flush=True)

    arms = list({point.arm.name: point.arm for point in study.points}.values())
    experiment = load_experiment(arms, study.data, study.measuring)
    outcome = run_points(study.points, experiment, study.models, n_processes, show, kept_in=study.name)
    for point, why in outcome.failed.items():
        print(f"{title}: {point} failed: {why}", file=sys.stderr, flush=True)
    return len(outcome.failed)


if __name__ == "__main__":
    main()
