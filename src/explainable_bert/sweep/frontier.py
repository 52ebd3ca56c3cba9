"""A whole frontier: the sweep, the front and the pick by validation rows, then the test of the pick alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from explainable_bert.data.corpora import load_corpus
from explainable_bert.data.lexicon import load_lexicon
from explainable_bert.errors import FileError, InputError
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.stating import stated_settings
from explainable_bert.locking import LOCK_FILE
from explainable_bert.results import FrontierReport, FrontRow
from explainable_bert.run_request import check_folder
from explainable_bert.sweep.arm import Arm, Point, points_of
from explainable_bert.sweep.experiment import Drawn, Experiment, Measuring, TrainingData, load_experiment
from explainable_bert.sweep.front import (
    ACCURACY,
    FAITHFULNESS,
    LEXICON_PLAUSIBILITY,
    METHOD,
    RATIONALE_PLAUSIBILITY,
    SHARPNESS,
    View,
    front,
    front_rows,
    nearest,
    pick,
)
from explainable_bert.sweep.grid import VANILLA
from explainable_bert.sweep.point import MODELS
from explainable_bert.sweep.pool import ProcessPool
from explainable_bert.sweep.run import POINTS, MakePool, Outcome, SweepProgress, run_points
from explainable_bert.sweep.verdicts import verdict_on_test, verdicts

_TEST = "test"
REPORT_FILES = ("frontier.json", "frontier.svg", "report.html")

# What is being done, and how far it is.
Progress = Callable[[str, SweepProgress], None]


@dataclass(frozen=True)
class FrontierSettings:
    """By what is picked and what is measured.

    `within`: points of accuracy that the pick may lie below vanilla. `n_explained`: validation rows that are explained,
    and as many test rows. `rationales`: a file of human rationales to hold explanations against, in place of the
    lexicon; at most `n_explained` of its rows are. `n_processes` as in run_points; `seed` is that of what is drawn in
    measuring. Raises InputError on values that make no sense.
    """

    within: float = 0.5
    n_explained: int = 100
    rationales: str | None = None
    n_processes: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.within <= 100:
            raise InputError(f"within: {self.within} given; accepted: 0 to 100 points of accuracy")
        if self.n_explained < 1:
            raise InputError(f"n_explained: {self.n_explained} given; accepted: 1 or more")


def run_frontier(
    arms: Sequence[Arm],
    seeds: Sequence[int],
    data: TrainingData,
    output: Path,
    settings: FrontierSettings | None = None,
    progress: Progress | None = None,
    pool: MakePool = ProcessPool,
) -> FrontierReport:
    """Train and measure every arm with every seed into the folder `output`, and pick one; arms as grid_arms makes them.

    Epochs are chosen, arms measured and the pick made by validation rows; test rows are read for the pick and for
    vanilla, afterwards. A stopped sweep continues; one with more arms or seeds uses the points that are there.

    Raises InputError when there is nothing to pick from or vanilla could not be measured, FileError when `output` holds
    something else, and as run_points and load_experiment do.
    """
    settings = settings or FrontierSettings()
    points = points_of(arms, seeds)
    if len(arms) < 2 or VANILLA not in {arm.name for arm in arms}:
        raise InputError(f"arms: {', '.join(arm.name for arm in arms)} given; accepted: {VANILLA} and at least another")
    _check_contents(output)
    metric = _plausibility(settings)
    told = progress or (lambda _what, _state: None)
    measuring = _measuring(data.corpus, "validation", settings, metric)
    experiment = load_experiment(arms, data, measuring)
    outcome = run_points(
        points,
        experiment,
        output,
        settings.n_processes,
        lambda state: told("training and measuring", state),
        pool=pool,
    )
    _check_reference(outcome)
    rows = front_rows(outcome.records, _view(measuring, metric), VANILLA)
    picked, on_front = pick(rows, settings.within), front(rows)
    closest = nearest(rows) if picked is None else None
    said = list(verdicts(rows, VANILLA, settings.within, picked, on_front))
    tested, failed = _tested(picked, arms, data, output, settings, lambda state: told("testing the pick", state), pool)
    if picked is not None and tested:
        said.insert(1, verdict_on_test(tested, picked, VANILLA, settings.within))
    return FrontierReport(
        rows=rows,
        reference=VANILLA,
        within=settings.within,
        front=on_front,
        pick=None if picked is None else picked.arm,
        nearest=None if closest is None else closest.arm,
        tested=tested,
        verdicts=tuple(said),
        metrics={name: MEASURES[name].metric for name in (ACCURACY, *_metrics_of_explanations(metric))},
        settings=_stated(experiment, measuring, seeds, settings, metric),
        notes=tuple(_notes({**outcome.failed, **failed}, seeds, metric, is_untested=picked is not None and not tested)),
    )


def _check_contents(output: Path) -> None:
    check_folder(output)
    foreign = sorted({path.name for path in output.glob("*")} - {MODELS, POINTS, _TEST, LOCK_FILE, *REPORT_FILES})
    if foreign:
        raise FileError(
            f"output: folder {str(output)!r} holds something else ({foreign[0]!r}); accepted: a new or empty folder, "
            "or an earlier frontier's"
        )


def _plausibility(settings: FrontierSettings) -> str | None:
    """The metric of plausibility; None where neither rationales nor the lexicon can be had."""
    if settings.rationales is not None:
        return RATIONALE_PLAUSIBILITY
    try:
        load_lexicon()
    except FileError:
        return None
    return LEXICON_PLAUSIBILITY


def _metrics_of_explanations(metric: str | None) -> tuple[str, ...]:
    """`metric` is that of plausibility."""
    return (FAITHFULNESS, SHARPNESS) if metric is None else (FAITHFULNESS, SHARPNESS, metric)


def _measuring(corpus: str, split: str, settings: FrontierSettings, metric: str | None) -> Measuring:
    return Measuring(
        predicted=(Drawn(corpus, split),),
        explained=(Drawn(corpus, split, settings.n_explained),),
        evaluation=EvaluationSettings(methods=(METHOD,), metrics=_metrics_of_explanations(metric), seed=settings.seed),
        rationales=settings.rationales,
        n_rationales=None if settings.rationales is None else settings.n_explained,
    )


def _view(measuring: Measuring, metric: str | None) -> View:
    explained = measuring.explained[0].name
    plausible = None if metric is None else (measuring.rationales or explained, metric)
    return View(measuring.predicted[0].name, explained, plausible, measuring.evaluation)


def _check_reference(outcome: Outcome) -> None:
    if all(record.arm != VANILLA for record in outcome.records):
        reasons = [why for point, why in outcome.failed.items() if point.arm.name == VANILLA]
        raise InputError(f"{VANILLA}: no point of it, which all others are held against, was measured ({reasons[0]})")


def _tested(
    picked: FrontRow | None,
    arms: Sequence[Arm],
    data: TrainingData,
    output: Path,
    settings: FrontierSettings,
    progress: Callable[[SweepProgress], None],
    pool: MakePool,
) -> tuple[tuple[FrontRow, ...], Mapping[Point, str]]:
    """Vanilla and the pick, with the seeds that it was picked by, on test rows; or none, and why.

    None as well without a pick or test rows.
    """
    if picked is None or not load_corpus(data.corpus, data.columns).test:
        return (), {}
    chosen = [arm for arm in arms if arm.name in (VANILLA, picked.arm)]
    # Human rationales are not of the test split: they are the same rows whatever the split.
    metric = None if settings.rationales is not None else _plausibility(settings)
    measuring = _measuring(data.corpus, "test", replace(settings, rationales=None), metric)
    experiment = load_experiment(chosen, data, measuring)
    points = points_of(chosen, picked.seeds)
    outcome = run_points(points, experiment, output, settings.n_processes, progress, kept_in=_TEST, pool=pool)
    if outcome.failed:
        return (), outcome.failed
    return front_rows(outcome.records, _view(measuring, metric), VANILLA), {}


def _stated(
    experiment: Experiment,
    measuring: Measuring,
    seeds: Sequence[int],
    settings: FrontierSettings,
    metric: str | None,
) -> dict[str, str]:
    predicted, explained = (len(sets) for sets in (next(iter(experiment.predicted.values())), _texts(experiment)))
    source = f"{Path(experiment.corpus.name).name}, validation split"
    against = {
        None: "not measured",
        LEXICON_PLAUSIBILITY: "built-in explanations against VADER's lexicon of sentiment words",
        RATIONALE_PLAUSIBILITY: f"built-in explanations against human rationales, {measuring.rationales}",
    }
    return stated_settings(measuring.evaluation, explained, source) | {
        "data": f"{source}: labels of {predicted} texts, explanations of {explained} of them",
        "training": f"{len(experiment.corpus.train)} training rows, {_counted(seeds)}",
        "constraint": f"at most {settings.within:g} points of accuracy below {VANILLA}, mean over seeds",
        "faithfulness": f"{FAITHFULNESS} of {METHOD} explanations",
        "sharpness": f"{SHARPNESS} of {METHOD} explanations",
        "plausibility": against[metric],
    }


def _counted(seeds: Sequence[int]) -> str:
    return f"{len(seeds)} seed{'s' if len(seeds) > 1 else ''}: {', '.join(map(str, seeds))}"


def _texts(experiment: Experiment) -> Sequence[object]:
    return next(iter(experiment.explained.values())).examples


def _notes(
    failures: Mapping[Point, str], seeds: Sequence[int], metric: str | None, *, is_untested: bool
) -> Iterator[str]:
    for point, why in failures.items():
        yield f"Not measured: {point}: {why}."
    if len(seeds) == 1:
        yield "One seed: the intervals hold what other texts would change, not what another training would."
    yield (
        "Validation rows chose each model's epoch and the pick: their numbers flatter the pick a little, the more the "
        "more arms there are."
    )
    if is_untested:
        yield "The pick was not tested: the corpus has no test split, or its points failed there."
    if metric is None:
        yield "Plausibility was not measured: the lexicon could not be had."
    elif metric == LEXICON_PLAUSIBILITY:
        yield "Agreement with a lexicon of sentiment words tells something where labels are sentiments, and only there."
    yield "Plausible is not faithful: agreement with people says nothing about what the model computes."
