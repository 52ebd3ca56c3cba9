"""The goals that were set beforehand, and what the results say of each: reached, missed, or not shown either way."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .protocol import AGAIN, EXPLAINABLE, ORDER, OUT_OF_DOMAIN, VANILLA
from .results import BUILT_IN, OUT_OF_DOMAIN_MEAN, in_domain

Verdict = Literal["reached", "in the mean, not shown", "missed", "not measured"]
Entry = Mapping[str, Any]
OWN, EXPLAINERS, SHORTCUT = "reviews/own", "reviews/explainers", "shortcut/own"
MARGIN = 0.01
SPEED_FILE = Path(__file__).parent.parent / "results" / "final_block.json"


@dataclass(frozen=True)
class Goal:
    """One goal, what was found, and whether that reaches it."""

    what: str
    goal: str
    found: str
    verdict: Verdict


class Results:
    """The saved results, to look numbers up in."""

    def __init__(self, results: Mapping[str, Any]) -> None:
        self.all = results
        self._rows = {
            (row["study"], row["set"], row["arm"], row["metric"], row["method"]): row for row in results["rows"]
        }
        self._differences = {
            (entry["study"], entry["set"], entry["metric"], entry["a"], entry["b"]): entry
            for entry in results["differences"]
        }
        self._ratios = {
            (entry["study"], entry["set"], entry["metric"], entry["a"], entry["b"]): entry
            for entry in results["ratios"]
        }

    def row(self, study: str, of_set: str, arm: str, metric: str, method: str | None = BUILT_IN) -> Entry | None:
        """A number with its interval."""
        found = self._rows.get((study, of_set, arm, metric, method))
        return found if found is not None and found["value"] is not None else None

    def difference(self, study: str, of_set: str, metric: str, a: str, b: str) -> Entry | None:
        """How far arm `a` lies above `b`."""
        return self._differences.get((study, of_set, metric, a, b))

    def ratio(self, study: str, of_set: str, metric: str, arm: str, method: str) -> Entry | None:
        """What the arm's own explanation reaches of its range, over what a method reaches."""
        return self._ratios.get((study, of_set, metric, arm, method))

    def sets(self, study: str) -> list[str]:
        """The sets of a study, as measured."""
        return list(dict.fromkeys(row["set"] for row in self.all["rows"] if row["study"] == study))

    def arms(self, study: str) -> list[str]:
        """The arms of a study, the flagship and what is left of it last."""
        found = self.all["arms"].get(study, {})
        return sorted(found, key=lambda arm: (ORDER.index(arm) if arm in ORDER else len(ORDER), "explainable" in arm))

    def methods(self, study: str, of_set: str, arm: str, metric: str) -> list[str]:
        """The methods that were measured."""
        return [key[4] for key in self._rows if key[:4] == (study, of_set, arm, metric) and key[4] is not None]


def points(entry: Entry | None) -> str:
    """A difference of shares in points, with its interval."""
    if entry is None:
        return "—"
    value, low, high = (100 * entry[name] for name in ("value", "low", "high"))
    return f"{value:+z.1f} ({low:+z.1f} to {high:+z.1f})"


def number(entry: Entry | None, n_decimals: int = 2) -> str:
    """A number with its interval."""
    if entry is None or entry["value"] is None:
        return "—"
    ends = "" if entry.get("low") is None else f" ({entry['low']:z.{n_decimals}f} to {entry['high']:z.{n_decimals}f})"
    return f"{entry['value']:z.{n_decimals}f}{ends}"


def goals(results: Results) -> Iterator[Goal]:
    """All goals in the order in which they were set."""
    for study in ("reviews/own", "sst2/own"):
        yield from _accuracy(results, study)
    yield from _out_of_domain(results)
    yield from _faithfulness(results)
    yield _sufficiency(results)
    words = results.row(OWN, in_domain(OWN), EXPLAINABLE, "effective-words")
    yield Goal("effective words, reviews", "at most 6", number(words, 1), _at_most(words, 6.0))
    yield from _plausibility(results)
    yield from _shortcut(results)
    error = results.row(OWN, in_domain(OWN), EXPLAINABLE, "completeness-error")
    told = "—" if error is None else f"{error['value']:.0e} in the mean"
    yield Goal("completeness error", "at most 1e-5", told, _at_most(error, 1e-5))
    yield _speed()


def _accuracy(results: Results, study: str) -> Iterator[Goal]:
    tested = in_domain(study)
    for twin in (VANILLA, AGAIN):
        found = results.difference(study, tested, "accuracy", EXPLAINABLE, twin)
        if found is not None:
            yield Goal(
                f"accuracy against {twin}, {tested}, points",
                "within ±1.0 (TOST at 5 %)",
                f"{points(found)}; 90 % {100 * found['low_90']:+z.1f} to {100 * found['high_90']:+z.1f}",
                _equivalent(found),
            )


def _equivalent(found: Entry) -> Verdict:
    if -MARGIN < found["low_90"] and found["high_90"] < MARGIN:
        return "reached"
    return "in the mean, not shown" if abs(found["value"]) <= MARGIN else "missed"


def _out_of_domain(results: Results) -> Iterator[Goal]:
    for name in (*(f"{name} test" for name in OUT_OF_DOMAIN), OUT_OF_DOMAIN_MEAN):
        found = results.difference(OWN, name, "accuracy", EXPLAINABLE, VANILLA)
        least, goal = (0.0, "not below") if name == OUT_OF_DOMAIN_MEAN else (-MARGIN, "at most 1.0 below")
        yield Goal(f"accuracy against {VANILLA}, {name}, points", goal, points(found), _at_least(found, least))


def _faithfulness(results: Results) -> Iterator[Goal]:
    reviews = in_domain(OWN)
    for metric, scale in (
        ("range-normalised-comprehensiveness-margin", "margins"),
        ("range-normalised-comprehensiveness", "probabilities"),
    ):
        for method in ("integrated-gradients", "occlusion"):
            found = results.ratio(EXPLAINERS, reviews, metric, EXPLAINABLE, method)
            yield Goal(
                f"comprehensiveness over that of {method}, same model, {scale}",
                "above 1.0, interval too",
                number(found),
                _above(found, 1.0),
            )
        found = results.row(OWN, reviews, EXPLAINABLE, metric)
        yield Goal(
            f"comprehensiveness, random 0 to search 1, {scale}", "at least 0.9", number(found), _at_least(found, 0.9)
        )


def _sufficiency(results: Results) -> Goal:
    against = f"integrated-gradients of {EXPLAINABLE}"
    found = results.difference(EXPLAINERS, in_domain(OWN), "aopc-sufficiency", EXPLAINABLE, against)
    verdict = _at_most(found, 0.0)
    return Goal("AOPC sufficiency minus integrated gradients', same model", "at most 0", number(found, 3), verdict)


def _plausibility(results: Results) -> Iterator[Goal]:
    for of_set, metric, name in (
        (in_domain(OWN), "lexicon-average-precision", "lexicon average precision"),
        ("yelp_hat_50.jsonl", "average-precision", "Yelp-HAT average precision"),
    ):
        methods = results.methods(EXPLAINERS, of_set, VANILLA, metric)
        found = [results.difference(EXPLAINERS, of_set, metric, EXPLAINABLE, f"{m} of {VANILLA}") for m in methods]
        known = [entry for entry in found if entry is not None]
        least = min(known, key=lambda entry: entry["value"], default=None)
        told = "—" if least is None else f"{number(least)} against {least['b']}"
        yield Goal(f"{name}, minus the best explainer's of {VANILLA}", "above 0", told, _above(least, 0.0))


def _shortcut(results: Results) -> Iterator[Goal]:
    found = results.row(SHORTCUT, "markers.jsonl", EXPLAINABLE, "token-f1")
    yield Goal("planted word comes first", "at least 0.95", number(found), _at_least(found, 0.95))
    against = results.difference(SHORTCUT, "markers.jsonl", "token-f1", EXPLAINABLE, f"saliency of {EXPLAINABLE}")
    yield Goal("the same, minus gradient L2 on the same model", "at least 0", number(against), _at_least(against, 0.0))


def _speed() -> Goal:
    saved = json.loads(SPEED_FILE.read_text(encoding="utf-8"))["rows"]
    row = next((row for row in saved if row["shape"] == "MiniLM-L6" and row["design"] == EXPLAINABLE), None)
    goal = ("explained prediction over stock prediction without explanation, MiniLM", "at least 1.1")
    if row is None:
        return Goal(*goal, "—", "not measured")
    told = f"{row['ratio_median']:.2f} ({row['ratio_min']:.2f} to {row['ratio_max']:.2f} over {row['rounds']} rounds)"
    return Goal(*goal, told, "reached" if row["ratio_median"] >= 1.1 else "missed")


def _at_least(found: Entry | None, bound: float) -> Verdict:
    return _on_side(found, bound, 1)


def _at_most(found: Entry | None, bound: float) -> Verdict:
    return _on_side(found, bound, -1)


def _on_side(found: Entry | None, bound: float, sign: int) -> Verdict:
    if found is None:
        return "not measured"
    nearer = found.get("low" if sign > 0 else "high")
    if sign * (found["value"] - bound) < 0:
        return "missed"
    return "reached" if nearer is None or sign * (nearer - bound) >= 0 else "in the mean, not shown"


def _above(found: Entry | None, bound: float) -> Verdict:
    verdict = _on_side(found, bound, 1)
    return "missed" if found is not None and found["value"] == bound else verdict
