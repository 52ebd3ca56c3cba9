"""The whole benchmark as one command: `python -m benchmarks.paper --scale cpu`.

Trains and measures every study's points, as many at a time as there are cores or devices, into --output; what was
stopped continues. Then writes benchmarks/results/paper_SCALE.json, and from it docs/results.md with its figures.
"""

import argparse
import sys
from pathlib import Path

from explainable_bert.sweep.experiment import load_experiment
from explainable_bert.sweep.run import SweepProgress, run_points

from .protocol import SCALES
from .studies import Study, studies


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper", description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="cpu")
    parser.add_argument("--output", type=Path, help="folder of models and records; default: runs/paper-SCALE")
    parser.add_argument("--sst2", type=Path, help="folder of GLUE's SST-2: train.tsv, dev.tsv; none: left out")
    parser.add_argument("--rationales", type=Path, help="Yelp-HAT's JSONL; none: plausibility by lexicon alone")
    parser.add_argument("--processes", type=int, help="points at a time; default: one per core or CUDA device")
    parser.add_argument("--only", nargs="*", help="folders of studies to run, such as reviews sst2 shortcut")
    given = parser.parse_args()
    output = given.output or Path("runs") / f"paper-{given.scale}"
    n_failed = 0
    for study in studies(SCALES[given.scale], output, given.sst2, given.rationales):
        if not given.only or study.models.name in given.only:
            n_failed += _run(study, given.processes)
    if n_failed:
        sys.exit(f"{n_failed} points failed; the same command tries them again")


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
