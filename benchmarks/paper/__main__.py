"""The whole benchmark as one command: `python -m benchmarks.paper --scale cpu`.

Trains and measures every study's points, as many at a time as there are cores or devices, into --output; what was
stopped continues. Then writes benchmarks/results/paper_SCALE.json, and from it docs/results.md with its figures.
With --written, only writes: `saved` from the saved results, `measured` from the records that are there.
"""

import argparse
import json
import sys
from pathlib import Path

from explainable_bert.audit.run import run_audit
from explainable_bert.data.corpora import load_corpus, sample
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.results import audit_json
from explainable_bert.sweep.arm import folder_name
from explainable_bert.sweep.experiment import load_experiment
from explainable_bert.sweep.run import SweepProgress, run_points
from explainable_bert.writing import write_text

from .figures import draw_explainers, draw_front
from .goals import Results
from .not_taken import run_not_taken
from .page import page
from .protocol import EXPLAINABLE, IN_DOMAIN, SCALES
from .results import AUDIT_FILE, OWN, as_text, found
from .studies import ABLATIONS, Study, studies

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
N_AUDITED = 100


def main() -> None:
    """Run what is asked for; a mistake is one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.paper", description=__doc__)
    parser.add_argument("--scale", choices=SCALES, default="cpu")
    parser.add_argument("--output", type=Path, help="folder of models and records; default: runs/paper-SCALE")
    parser.add_argument("--sst2", type=Path, help="folder of GLUE's SST-2: train.tsv, dev.tsv; none: left out")
    parser.add_argument("--rationales", type=Path, help="Yelp-HAT's JSONL; none: plausibility by lexicon alone")
    parser.add_argument("--processes", type=int, help="points at a time; default: one per core or CUDA device")
    parser.add_argument("--written", choices=("saved", "measured"), help="train nothing: write what is there")
    given = parser.parse_args()
    try:
        n_failed = _benchmark(given, given.output or Path("runs") / f"paper-{given.scale}")
    except ExplainableBertError as error:
        sys.exit(f"error: {error}")
    if n_failed:
        sys.exit(f"{n_failed} points failed; the same command tries them again")


def _benchmark(given: argparse.Namespace, output: Path) -> int:
    """How many points failed."""
    n_failed = 0
    if given.written is None:
        for study in studies(SCALES[given.scale], output, given.sst2, given.rationales):
            n_failed += _run(study, given.processes)
            if study.name == ABLATIONS:
                run_not_taken(study, SCALES[given.scale])
        _audit(output / "reviews" / "models" / folder_name(EXPLAINABLE, 0), output / AUDIT_FILE)
    if given.written != "saved":
        results = found(output, given.scale)
        if OWN not in results["arms"]:
            raise InputError(f"output: {str(output)!r} holds no record of {OWN}; accepted: the folder of a benchmark")
        write_text(results_file(given.scale), as_text(results))
    write_docs(given.scale)
    return n_failed


def _audit(model: Path, file: Path) -> None:
    """The audit of the flagship's first seed, for the identities that it promises."""
    texts = [example.text for example in sample(load_corpus(IN_DOMAIN).test, N_AUDITED)]
    write_text(file, audit_json(run_audit(ExplainableClassifier.load(model), texts)))


def results_file(scale: str) -> Path:
    """Where the results of a scale are kept."""
    return ROOT / "benchmarks" / "results" / f"paper_{scale}.json"


def write_docs(scale: str) -> None:
    """Write the page and its figures from the saved results."""
    file = results_file(scale)
    if not file.is_file():
        raise InputError(f"scale: nothing is saved in {str(file)!r}; accepted: a scale that was measured")
    results = Results(json.loads(file.read_text(encoding="utf-8")))
    # README and its links are about the scale that everybody can run.
    ending = "" if scale == "cpu" else f"-{scale}"
    write_text(DOCS / f"results{ending}.md", page(results))
    draw_front(results, DOCS / f"frontier{ending}.svg")
    draw_explainers(results, DOCS / f"explainers{ending}.svg")


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
