"""The goals that were set beforehand, and what the results say of each: reached, missed, or not shown either way."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from .protocol import AGAIN, EXPLAINABLE, EXPLAINERS, ORDER, OUT_OF_DOMAIN, SURROGATES, UNLABELLED, VANILLA
from .results import (
    BUILT_IN,
    COMPARED,
    MARKERS,
    OUT_OF_DOMAIN_MEAN,
    OWN,
    SHORTCUT,
    SST2,
    SURROGATE,
    YELP,
    in_domain,
)

Verdict = Literal["reached", "in the mean, not shown", "missed", "not measured"]
Entry = Mapping[str, Any]
POINT = 0.01
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
    for study in (OWN, SST2):
        yield from _accuracy(results, study)
    yield from _out_of_domain(results)
    yield from _faithfulness(results)
    yield _sufficiency(results)
    words = results.row(OWN, in_domain(OWN), EXPLAINABLE, "effective-words")
    yield Goal("effective words, reviews", "at most 6", number(words, 1), _at_most(words, 6.0))
    yield from _plausibility(results)
    yield from _shortcut(results)
    yield _identity("largest completeness error", results.all["largest_completeness_error"])
    removal = [check["value"] for check in results.all["audit"] if check["name"] == "closed-form-removal"]
    yield _identity("closed-form removal against masking keys, largest", removal[0] if removal else None)
    yield _speed()


def _accuracy(results: Results, study: str) -> Iterator[Goal]:
    tested, margin = in_domain(study), results.all["sizes"]["margin"]
    for twin in (VANILLA, AGAIN):
        found = results.difference(study, tested, "accuracy", EXPLAINABLE, twin)
        if found is not None:
            yield Goal(
                f"accuracy against `{twin}`: {tested}, points",
                f"within ±{100 * margin:.1f} (TOST at 5 %)",
                f"{points(found)}; {_ends_90(found)}; {_seeds(found)}",
                _equivalent(found, margin),
            )


def _ends_90(found: Entry) -> str:
    boot = f"90 % {100 * found['low_90']:+z.1f} to {100 * found['high_90']:+z.1f}"
    if found["seeds_low_90"] is None:
        return boot
    return f"{boot}, over seeds {100 * found['seeds_low_90']:+z.1f} to {100 * found['seeds_high_90']:+z.1f}"


def _seeds(found: Entry) -> str:
    n = len(found["by_seed"])
    return "1 seed" if n == 1 else f"{n} seeds"


def _equivalent(found: Entry, margin: float) -> Verdict:
    ends = [found[f"{which}{end}_90"] for which in ("", "seeds_") for end in ("low", "high")]
    if all(end is not None and abs(end) < margin for end in ends):
        return "reached"
    return "in the mean, not shown" if abs(found["value"]) <= margin else "missed"


def _out_of_domain(results: Results) -> Iterator[Goal]:
    for twin in (VANILLA, AGAIN):
        for name in (*OUT_OF_DOMAIN, OUT_OF_DOMAIN_MEAN):
            is_mean = name == OUT_OF_DOMAIN_MEAN
            found = results.difference(OWN, name if is_mean else f"{name} test", "accuracy", EXPLAINABLE, twin)
            if found is None and twin == AGAIN:
                continue
            seen = "" if is_mean else f" ({'texts' if name in UNLABELLED else 'nothing'} seen in training)"
            least, goal = (0.0, "not below") if is_mean else (-POINT, "at most 1.0 below")
            told = points(found) if found is None else f"{points(found)}; {_seeds(found)}"
            yield Goal(f"accuracy against `{twin}`: {name}{seen}, points", goal, told, _at_least(found, least))


def _faithfulness(results: Results) -> Iterator[Goal]:
    reviews = in_domain(OWN)
    for metric, scale in (
        ("range-normalised-comprehensiveness-margin", "margins"),
        ("range-normalised-comprehensiveness", "probabilities"),
    ):
        for method in ("integrated-gradients", "occlusion"):
            ratio = results.ratio(COMPARED, reviews, metric, EXPLAINABLE, method)
            told = number(ratio) if ratio is None else f"{number(ratio)}; {_seeds(ratio)}"
            what = f"comprehensiveness over that of {method}, same model, {scale}"
            yield Goal(what, "above 1.0, interval too", told, _above(ratio, 1.0))
        found = results.row(OWN, reviews, EXPLAINABLE, metric)
        what = f"comprehensiveness, random 0 to search 1, {scale}"
        yield Goal(what, "at least 0.9", number(found), _at_least(found, 0.9))


def _sufficiency(results: Results) -> Goal:
    against = f"integrated-gradients of {EXPLAINABLE}"
    found = results.difference(COMPARED, in_domain(OWN), "aopc-sufficiency", EXPLAINABLE, against)
    verdict = _at_most(found, 0.0)
    return Goal(
        "AOPC sufficiency minus that of integrated gradients, same model", "at most 0", number(found, 3), verdict
    )


def _plausibility(results: Results) -> Iterator[Goal]:
    for of_set, metric, name in (
        (in_domain(OWN), "lexicon-average-precision", "lexicon average precision"),
        (YELP, "average-precision", "Yelp-HAT average precision"),
    ):
        found = [
            results.difference(study, of_set, metric, EXPLAINABLE, f"{method} of {VANILLA}")
            for study, methods in ((COMPARED, EXPLAINERS), (SURROGATE, SURROGATES))
            for method in methods
            if method != "random" and (study == COMPARED or method != BUILT_IN)
        ]
        known = [entry for entry in found if entry is not None]
        # Above every one of them: the least sure one decides.
        least = min(known, key=lambda entry: entry["low"], default=None)
        told = "—" if least is None else f"{number(least)} against {least['b']}; {_seeds(least)}"
        is_below = any(entry["value"] <= 0 for entry in known)
        yield Goal(
            f"{name}, minus the best explainer of `{VANILLA}`",
            "above 0",
            told,
            "missed" if is_below else _above(least, 0.0),
        )


def _shortcut(results: Results) -> Iterator[Goal]:
    found = results.row(SHORTCUT, MARKERS, EXPLAINABLE, "token-f1")
    yield Goal("planted word comes first", "at least 0.95", number(found), _at_least(found, 0.95))
    against = results.difference(SHORTCUT, MARKERS, "token-f1", EXPLAINABLE, f"saliency of {EXPLAINABLE}")
    what = "the same, minus gradient L2 on the same model"
    yield Goal(what, "at least 0", number(against), _at_least(against, 0.0))


def _identity(what: str, error: float | None) -> Goal:
    if error is None:
        return Goal(what, "at most 1e-5", "—", "not measured")
    return Goal(what, "at most 1e-5", f"{error:.0e}", "reached" if error <= 1e-5 else "missed")


def _speed() -> Goal:
    """Of `explainable`, or of `additive`, whose arithmetic is the same."""
    saved = json.loads(SPEED_FILE.read_text(encoding="utf-8"))["rows"]
    rows = {row["design"]: row for row in saved if row["shape"] == "MiniLM-L6"}
    row = rows.get(EXPLAINABLE, rows["additive"])
    entry = {"value": row["ratio_median"], "low": row["ratio_min"], "high": row["ratio_max"]}
    return Goal(
        "explained prediction over stock prediction without explanation, MiniLM",
        "at least 1.1",
        f"{number(entry)}, range of {row['rounds']} rounds of `{row['design']}`",
        _at_least(entry, 1.1),
    )


def _at_least(found: Entry | None, bound: float) -> Verdict:
    return _on_side(found, bound, 1)


def _at_most(found: Entry | None, bound: float) -> Verdict:
    return _on_side(found, bound, -1)


def _on_side(found: Entry | None, bound: float, sign: int) -> Verdict:
    if found is None:
        return "not measured"
    if sign * (found["value"] - bound) < 0:
        return "missed"
    nearer = found.get("low" if sign > 0 else "high")
    return "reached" if nearer is not None and sign * (nearer - bound) >= 0 else "in the mean, not shown"


def _above(found: Entry | None, bound: float) -> Verdict:
    is_level = found is not None and found["value"] == bound
    return "missed" if is_level else _on_side(found, bound, 1)
