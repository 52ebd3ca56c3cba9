"""One comparison: every arm measured on the same texts, paired statistics, and the verdict in words."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.comparison.arms import Arm, check_labels, check_units
from explainable_bert.comparison.costs import METRICS as COST_METRICS
from explainable_bert.comparison.costs import costs
from explainable_bert.comparison.pairing import Key, pair_up
from explainable_bert.comparison.verdicts import verdicts
from explainable_bert.data.corpora import sample
from explainable_bert.data.labelled import Example, input_of
from explainable_bert.errors import InputError
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.evaluation.parts import REQUEST_FILE
from explainable_bert.evaluation.run import Observations, described, observe
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.stating import notes, stated_settings
from explainable_bert.evaluation.summary import Column, Named, SeedColumns, summary_row
from explainable_bert.locking import held
from explainable_bert.model.configuration import DESIGNS
from explainable_bert.records import Explanation
from explainable_bert.results import ComparisonReport, EvaluationReport, Pair, SummaryRow
from explainable_bert.run_request import check_folder, claim
from explainable_bert.writing import write_text

N_EXPLAINED = 200
_N_PICTURES = 3
_PICTURED_WORDS = range(8, 31)
_CLASSIFICATION = ("classification",)
_EXPLANATION = (
    "range-normalised-comprehensiveness",
    "aopc-comprehensiveness",
    "aopc-sufficiency",
    "effective-words",
    "gini",
    "head-effective-words",
    "special-token-mass",
    "completeness-error",
    "average-precision",
    "token-f1",
)
# A model's own explanation, two yardsticks that are the same for all, and the floor.
_METHODS = ("built-in", "integrated-gradients", "occlusion", "random")
# What one head would make of several without any training: the sharpness to hold a single head's against.
_UNTRAINED = "attention-product"

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class ComparisonSettings:
    """How many texts are explained, the erasure operator, the margin of equal accuracy, and the seed.

    Labels are predicted for all texts; `n_explained` of them are explained, by every method, and erased. Accuracies
    within `margin` (a share) count as equivalent. Raises InputError on values that make no sense.
    """

    n_explained: int = N_EXPLAINED
    erasure: str = "mask"
    margin: float = 0.005
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_explained < 1:
            raise InputError(f"n_explained: {self.n_explained} given; accepted: at least 1")
        if not 0 < self.margin < 1:
            raise InputError(f"margin: {self.margin} given; accepted: between 0 and 1, such as 0.005")
        if self.seed < 0:
            raise InputError(f"seed: {self.seed} given; accepted: a whole number from 0")


def compare(
    arms: Sequence[Arm],
    examples: Sequence[Example],
    output: Path,
    settings: ComparisonSettings | None = None,
    progress: Progress | None = None,
    source: str = "examples given",
) -> ComparisonReport:
    """Compare the arms on the same examples into the folder `output`: comparison.json, and what was observed of each.

    A stopped comparison continues when it is asked for again. `progress` is called with what is being measured and the
    number of texts done and their total. Raises InputError when the arms read different words, and as `evaluate` does.
    """
    check_folder(output)
    with held(output):
        return _compared(arms, examples, output, settings or ComparisonSettings(), progress, source)


def _compared(
    arms: Sequence[Arm],
    examples: Sequence[Example],
    output: Path,
    settings: ComparisonSettings,
    progress: Progress | None,
    source: str,
) -> ComparisonReport:
    asked = EvaluationSettings(_METHODS, _EXPLANATION, settings.erasure, "word", settings.seed)
    explained = sample(examples, settings.n_explained)
    check_labels(arms, examples)
    check_units(arms, [input_of(example) for example in explained])
    # Only now: a mistake leaves no folder that a mended command would have to share.
    claim(output, REQUEST_FILE, _describe(arms, examples, settings))
    measured = [
        _measure(arm, index, examples, explained, output, asked, progress) for index, arm in enumerate(arms, start=1)
    ]
    by_arm = {arm.name: arm_columns(found) for arm, found in zip(arms, measured, strict=True)}
    pairs = pair_up(by_arm, settings.margin, settings.seed)
    rows = tuple(
        summary_row(Named(arm.name, arm.design), found, MEASURES[metric], asked)
        for arm in arms
        for (_, metric), found in by_arm[arm.name].items()
    )
    texts = [input_of(example) for example in explained]
    gold, pictures = _pictures(arms, explained)
    report = ComparisonReport(
        evaluation=EvaluationReport(
            rows=rows,
            curves=(),
            metrics={**{name: measure.metric for name, measure in MEASURES.items()}, **COST_METRICS},
            settings=_stated(asked, settings, len(examples), len(explained), source),
            notes=tuple(_notes(arms, measured, asked, len(explained))),
        ),
        pairs=pairs,
        costs=costs(arms, texts),
        verdicts=tuple(verdicts(rows, pairs)),
        gold_labels=gold,
        pictures=pictures,
    )
    write_text(output / "comparison.json", _json(report))
    return report


def _describe(
    arms: Sequence[Arm], examples: Sequence[Example], settings: ComparisonSettings
) -> dict[str, dict[str, object]]:
    """Everything that decides the outcome."""
    models = {arm.name: [model.provenance.fingerprint for model in arm.seeds] for arm in arms}
    long = arms[0].seeds[0].long
    return {
        "models": {"arms": models, "long": long},
        "data": described(examples),
        "settings": dataclasses.asdict(settings),
    }


def _measure(
    arm: Arm,
    index: int,
    examples: Sequence[Example],
    explained: Sequence[Example],
    output: Path,
    asked: EvaluationSettings,
    progress: Progress | None,
) -> list[tuple[Observations, Observations]]:
    """Of each seed: its labels on all examples, its explanations on some."""
    found = []
    for number, model in enumerate(arm.seeds, start=1):
        folder = output / "observed" / f"model-{index}-seed-{number}"

        def report(part: str, number: int = number) -> Callable[[int, int], None]:
            seed = f", seed {number} of {len(arm.seeds)}" if len(arm.seeds) > 1 else ""
            return lambda done, total: progress(f"{part} {arm.name}{seed}", done, total) if progress else None

        labels = replace(asked, methods=("built-in",), metrics=_CLASSIFICATION)
        predicted = observe(model, examples, folder / "labels", labels, report("predicting with"))
        own = replace(asked, methods=_methods(arm))
        found.append((predicted, observe(model, explained, folder / "explanations", own, report("measuring"))))
    return found


def _methods(arm: Arm) -> tuple[str, ...]:
    refusal = EXPLAINERS[_UNTRAINED].refusal(DESIGNS[arm.design])
    return _METHODS if refusal else (*_METHODS, _UNTRAINED)


def arm_columns(found: Sequence[tuple[Observations, Observations]]) -> dict[Key, SeedColumns]:
    """The columns of an arm's seeds side by side, by method and metric."""
    by_key: dict[Key, list[Column]] = {}
    for of_seed in found:
        for observations in of_seed:
            for column in observations.columns:
                by_key.setdefault((column.method, column.measure), []).append(column)
    return {key: SeedColumns(tuple(columns)) for key, columns in by_key.items()}


def _stated(
    asked: EvaluationSettings, settings: ComparisonSettings, n_predicted: int, n_explained: int, source: str
) -> dict[str, str]:
    return stated_settings(asked, n_explained, source) | {
        "data": f"{source}: labels of {n_predicted} texts, explanations of {n_explained} of them",
        "untrained head": f"{_UNTRAINED}, for designs of several heads: {EXPLAINERS[_UNTRAINED].summary}",
        "equal accuracy": f"within {settings.margin:.3f}, by two one-sided tests",
        "correction": "Holm, over all pairs and metrics",
    }


def _notes(
    arms: Sequence[Arm],
    measured: Sequence[list[tuple[Observations, Observations]]],
    asked: EvaluationSettings,
    n_explained: int,
) -> Iterator[str]:
    """What is to be said of all models once, then what concerns some under their names."""
    by_model = [
        (model.name, list(notes(asked, explanations.measures, n_explained, explanations.rows)))
        for arm, found in zip(arms, measured, strict=True)
        for model, (_, explanations) in zip(arm.seeds, found, strict=True)
    ]
    common = [note for note in by_model[0][1] if all(note in said for _, said in by_model)]
    yield from common
    for name, said in by_model:
        yield from (f"{name}: {note}" for note in said if note not in common)


def _pictures(
    arms: Sequence[Arm], examples: Sequence[Example]
) -> tuple[tuple[str, ...], tuple[tuple[Explanation, ...], ...]]:
    """The first texts, those of a readable length before others, chosen before any model has seen them."""
    chosen = sorted(examples, key=lambda example: len(example.text.split()) not in _PICTURED_WORDS)[:_N_PICTURES]
    by_arm = [arm.seeds[0].explain([input_of(example) for example in chosen]) for arm in arms]
    return tuple(example.label for example in chosen), tuple(zip(*by_arm, strict=True))


def _json(report: ComparisonReport) -> str:
    def fields(rows: Sequence[SummaryRow | Pair]) -> list[dict[str, object]]:
        return [dataclasses.asdict(row) for row in rows]

    content = {
        "rows": fields(report.evaluation.rows),
        "pairs": fields(report.pairs),
        "costs": fields(report.costs),
        "verdicts": report.verdicts,
        "settings": report.evaluation.settings,
        "notes": report.evaluation.notes,
    }
    return json.dumps(content, indent=1, allow_nan=False) + "\n"
