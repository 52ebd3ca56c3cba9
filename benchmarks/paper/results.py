"""What the benchmark found, as one JSON object: numbers, paired differences, and ratios on one model."""

import dataclasses
import json
import statistics
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from explainable_bert.evaluation.settings import EvaluationSettings

from . import protocol
from .estimates import Estimate, Key, Measurements, difference, load, mean_difference, ratio_over_random, rows
from .protocol import AGAIN, EXPLAINABLE, IN_DOMAIN, OUT_OF_DOMAIN, VANILLA

# Folder of models, and of the records in it.
OWN, COMPARED, SURROGATE, ABLATED = "reviews/own", "reviews/explainers", "reviews/surrogates", "reviews/ablations"
SST2, SHORTCUT = "sst2/own", "shortcut/own"
STUDIES = (OWN, COMPARED, SURROGATE, ABLATED, SST2, SHORTCUT)
# Sets of human, and of planted, rationales.
YELP, MARKERS = "yelp_hat_50.jsonl", "markers.jsonl"
OUT_OF_DOMAIN_MEAN = "mean out of domain"
AUDIT_FILE = "audit.json"
OVER_RANDOM = ("range-normalised-comprehensiveness", "range-normalised-comprehensiveness-margin")
# Measures of an arm's own explanation that are held against the twin's.
_OWN = (
    *OVER_RANDOM,
    "aopc-comprehensiveness",
    "aopc-sufficiency",
    "effective-words",
    "lexicon-average-precision",
    "average-precision",
    "token-f1",
)
BUILT_IN = "built-in"


def found(output: Path, scale: str) -> dict[str, Any]:
    """Everything that the records in the folder say; studies without a record are left out."""
    loaded = {name: load(output / name) for name in STUDIES}
    studies = {name: study for name, study in loaded.items() if study is not None}
    records = [record for study in studies.values() for record in study.records]
    settings = EvaluationSettings(methods=protocol.OWN)
    return {
        "scale": scale,
        "sizes": dataclasses.asdict(protocol.SCALES[scale]),
        "machines": sorted({record.machine for record in records}),
        "versions": sorted({json.dumps(dict(record.versions)) for record in records}),
        "training_minutes": _minutes(studies),
        "arms": {name: _arms(study) for name, study in studies.items()},
        "rows": [
            {"study": name, "set": of_set, **_row(dataclasses.asdict(row))}
            for name, study in studies.items()
            for of_set, row in rows(study, settings)
        ],
        "differences": [entry for name, study in studies.items() for entry in _differences(name, study)],
        "ratios": [entry for name, study in studies.items() for entry in _ratios(name, study)],
        "largest_completeness_error": _largest_error(studies),
        "audit": _audited(output / AUDIT_FILE),
    }


def _largest_error(studies: Mapping[str, Measurements]) -> float | None:
    """Over all seeds and explained texts of the flagship."""
    own = studies.get(OWN)
    key = (in_domain(OWN), "completeness-error", BUILT_IN)
    found = None if own is None else own.of((EXPLAINABLE, key))
    return None if found is None else max(float(column.values.max()) for column in found[0].columns)


def _audited(file: Path) -> list[dict[str, Any]]:
    """The audit's checks, without what they mean in words; empty where there was no audit."""
    if not file.is_file():
        return []
    checks = json.loads(file.read_text(encoding="utf-8"))["checks"]
    return [{name: check[name] for name in ("name", "value", "relation", "threshold", "passed")} for check in checks]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """A summary row with what is not empty."""
    row["arm"] = row.pop("model")
    return {name: value for name, value in row.items() if value != ""}


def _arms(study: Measurements) -> dict[str, Any]:
    return {
        arm: {"design": study.designs[arm], "seeds": study.seeds[arm], "parameters": study.parameters[arm]}
        for arm in study.arms
    }


def _minutes(studies: Mapping[str, Measurements]) -> dict[str, float]:
    """Median minutes of training per arm, on one core or device; of the last start where it was resumed."""
    by_arm: dict[str, list[float]] = {}
    for record in studies[OWN].records if OWN in studies else ():
        by_arm.setdefault(record.arm, []).append(record.training_s / 60)
    return {arm: round(statistics.median(minutes), 2) for arm, minutes in by_arm.items()}


def _differences(name: str, study: Measurements) -> Iterator[dict[str, Any]]:
    for a, b in _pairs(study):
        sets = dict.fromkeys(of_set for of_set, measure, _ in study.arms[a] if measure == "accuracy")
        for of_set in sets:
            key: Key = (of_set, "accuracy", None)
            yield from _entry(name, a, b, key, difference(study, (a, key), (b, key)))
        beyond = [of_set for of_set in sets if of_set.split()[0] in OUT_OF_DOMAIN]
        if beyond:
            keys = [(of_set, "accuracy", None) for of_set in beyond]
            yield from _entry(name, a, b, (OUT_OF_DOMAIN_MEAN, "accuracy", None), mean_difference(study, (a, b), keys))
        for key in study.arms[a]:
            if key[1] in _OWN and key[2] == BUILT_IN:
                yield from _entry(name, a, b, key, difference(study, (a, key), (b, key)))
    yield from _against_explainers(name, study)


def _pairs(study: Measurements) -> Iterator[tuple[str, str]]:
    """Every arm against the twin; and the flagship against the twin with its own schedule."""
    yield from ((arm, VANILLA) for arm in study.arms if arm != VANILLA and VANILLA in study.arms)
    if {EXPLAINABLE, AGAIN} <= study.arms.keys():
        yield EXPLAINABLE, AGAIN


def _against_explainers(name: str, study: Measurements) -> Iterator[dict[str, Any]]:
    """The flagship's own explanation against every other explainer, on its own model and on the twin."""
    for arm in (EXPLAINABLE, VANILLA):
        for of_set, measure, method in study.arms.get(arm, {}):
            is_own = arm == EXPLAINABLE and method == BUILT_IN
            if measure in _OWN and measure != "effective-words" and method is not None and not is_own:
                ours, theirs = (of_set, measure, BUILT_IN), (of_set, measure, method)
                estimate = difference(study, (EXPLAINABLE, ours), (arm, theirs))
                yield from _entry(name, EXPLAINABLE, f"{method} of {arm}", ours, estimate)


def _ratios(name: str, study: Measurements) -> Iterator[dict[str, Any]]:
    for arm, columns in study.arms.items():
        for of_set, measure, method in columns:
            if measure in OVER_RANDOM and method not in (BUILT_IN, "random", None):
                ours = (arm, (of_set, measure, BUILT_IN))
                estimate = ratio_over_random(study, ours, (arm, (of_set, measure, method)))
                yield from _entry(name, arm, str(method), (of_set, measure, BUILT_IN), estimate)


def _entry(study: str, a: str, b: str, key: Key, estimate: Estimate | None) -> Iterator[dict[str, Any]]:
    if estimate is not None:
        of_set, measure, method = key
        about = {"study": study, "set": of_set, "metric": measure, "method": method, "a": a, "b": b}
        yield {**about, **dataclasses.asdict(estimate)}


def in_domain(study: str) -> str:
    """The set that a study's models are tested on, of the kind that they were trained on."""
    return {OWN: f"{IN_DOMAIN} test", SST2: "sst2 test", SHORTCUT: "shortcut test"}[study]


def as_text(results: Mapping[str, Any]) -> str:
    """The JSON, a row a line, with numbers as short as they tell something."""
    listed = {name: results[name] for name in ("rows", "differences", "ratios")}
    head = {name: value for name, value in results.items() if name not in listed}
    parts = [f'"{name}": {json.dumps(value)}' for name, value in head.items()]
    for name, entries in listed.items():
        lines = ",\n  ".join(json.dumps(_rounded(entry)) for entry in entries)
        parts.append(f'"{name}": [\n  {lines}\n ]')
    return "{\n " + ",\n ".join(parts) + "\n}\n"


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items()}
    return [_rounded(entry) for entry in value] if isinstance(value, (list, tuple)) else value
