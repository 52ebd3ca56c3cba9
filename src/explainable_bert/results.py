"""Frozen records of what was measured: rows with intervals, curves, paired differences, audit checks."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.metrics.metric import Metric
from explainable_bert.records import Explanation


@dataclass(frozen=True)
class SummaryRow:
    """One metric of one model, mean or ratio over `n` texts with its 95 % interval.

    `method` is None for what concerns the model alone; `erasure` names the operator, if any. `value` is None where no
    text defines it; `low` and `high` are None where there is no interval, and `note` says why. `n_undefined` counts
    texts left out as the metric is undefined for them.
    """

    model: str
    design: str
    method: str | None
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    n_undefined: int = 0
    note: str = ""
    erasure: str = ""


@dataclass(frozen=True)
class Curve:
    """Mean score of the predicted label against the erased (deletion) or kept (insertion) share of units.

    `kind` is "deletion" or "insertion"; `shares` in [0, 1] ascend; `low` and `high` are the 95 % interval.
    """

    model: str
    design: str
    method: str
    kind: str
    shares: tuple[float, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class EvaluationReport:
    """Everything that an evaluation found.

    `metrics` define the rows' metrics by name; `settings` is what has to be stated with them (erasure, level, sizes,
    seed, ...), as label and value; `notes` are sentences on what was left out or undefined.
    """

    rows: tuple[SummaryRow, ...]
    curves: tuple[Curve, ...]
    metrics: Mapping[str, Metric]
    settings: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Pair:
    """A paired comparison of models `a` and `b` in one metric: `difference` is a minus b, with its 95 % interval.

    `p_value` is that of "no difference" by `test`, `p_holm` the same after Holm's correction over all pairs; both None
    where there is no test. `p_equivalence` is that of the two one-sided tests against `margin`, where one was set.
    `smallest_detectable` is the difference that would have been found with 80 % power. `verdict` is "better", "worse"
    (a against b), "equivalent", "no difference shown", or for descriptive metrics "higher" or "lower".

    `p_wilcoxon` (signed ranks of the texts' differences, for means over texts of one seed) and `almost_dominates` (ε of
    almost stochastic order, a over b, over seeds, where there are several of both) are there to check the verdict by.
    """

    a: str
    b: str
    method: str | None
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    p_value: float | None
    p_holm: float | None
    verdict: str
    n: int
    test: str = ""
    smallest_detectable: float | None = None
    margin: float | None = None
    p_equivalence: float | None = None
    p_wilcoxon: float | None = None
    almost_dominates: float | None = None


@dataclass(frozen=True)
class ComparisonReport:
    """Everything that a comparison found; `costs` are rows too, of what was counted and timed, not sampled.

    `verdicts` are sentences generated from the pairs, the most important first. `gold_labels` and `pictures` go
    together: for each example text, its true label and one explanation per model.
    """

    evaluation: EvaluationReport
    pairs: tuple[Pair, ...]
    costs: tuple[SummaryRow, ...]
    verdicts: tuple[str, ...]
    gold_labels: tuple[str, ...]
    pictures: tuple[tuple[Explanation, ...], ...]


@dataclass(frozen=True)
class Check:
    """One audit check: a measured `value` against its `threshold`, and what the outcome means for a reader.

    `passed` is None where there is nothing to pass: a descriptive check, or one that the design has no use for (`value`
    is then None as well where nothing was measured). `relation` says on which side of the threshold it passes:
    "at most", "at least" or "" (descriptive).
    """

    name: str
    value: float | None
    threshold: float | None
    passed: bool | None
    meaning: str
    relation: str = ""
    n: int = 0


@dataclass(frozen=True)
class AuditReport:
    """Everything that an audit found about one model; `settings` and `notes` as in EvaluationReport."""

    model: str
    design: str
    checks: tuple[Check, ...]
    settings: Mapping[str, str]
    notes: tuple[str, ...]


def short_names(models: Sequence[str]) -> dict[str, str]:
    """What to call models in sentences and headings: those that lie in one folder by what differs."""
    one_folder = len({Path(model).parent for model in models}) == 1
    return {model: Path(model).name if one_folder else model for model in models}


def audit_json(report: AuditReport) -> str:
    """The audit as a JSON object; `checks` are its rows."""
    fields = {**dataclasses.asdict(report), "settings": dict(report.settings)}
    return json.dumps(fields, indent=1, allow_nan=False) + "\n"


@dataclass(frozen=True)
class Difference:
    """An arm's number minus the reference's on the same texts, with its 95 % interval; None where there is none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class FrontRow:
    """One arm of a sweep, mean over its seeds: accuracy, faithfulness, sharpness (effective words) and plausibility.

    `plausibility` is None where it was not measured. The differences are to the reference, None for the reference
    itself and where one of the two is undefined.
    """

    arm: str
    design: str
    seeds: tuple[int, ...]
    accuracy: SummaryRow
    faithfulness: SummaryRow
    sharpness: SummaryRow
    plausibility: SummaryRow | None
    accuracy_difference: Difference | None
    faithfulness_difference: Difference | None


@dataclass(frozen=True)
class FrontierReport:
    """What a sweep found: its arms as measured on the rows that it picked by, and the picked one's test.

    `within`, in points of accuracy, is how far below the `reference` an arm may lie. `front` are the arms that no
    other one beats in accuracy and faithfulness at once. `pick` is None where no arm lies within; `nearest` is then
    the one of highest accuracy. `tested` are the reference and the pick on texts that decided nothing, empty where
    there are none. `verdicts` are sentences, that of the pick first; `metrics`, `settings` and `notes` are as in
    EvaluationReport.
    """

    rows: tuple[FrontRow, ...]
    reference: str
    within: float
    front: tuple[str, ...]
    pick: str | None
    nearest: str | None
    tested: tuple[FrontRow, ...]
    verdicts: tuple[str, ...]
    metrics: Mapping[str, Metric]
    settings: Mapping[str, str]
    notes: tuple[str, ...]


def frontier_json(report: FrontierReport) -> str:
    """The report as a JSON object, without the definitions of its metrics."""
    fields = {name: value for name, value in dataclasses.asdict(report).items() if name != "metrics"}
    return json.dumps({**fields, "settings": dict(report.settings)}, indent=1, allow_nan=False) + "\n"
