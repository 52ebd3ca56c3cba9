"""The page of an audit: what failed, what passed, what does not apply, and what each means for a reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.export.axes import Axis
from explainable_bert.export.measurement_origin import measured_origin
from explainable_bert.export.numerals import number, texts
from explainable_bert.export.pages import page_from
from explainable_bert.results import AuditReport, Check
from explainable_bert.writing import write_text

_ROOM = 1.15


@dataclass(frozen=True)
class _Outcome:
    """One way that a check can end: told by word, sign and tone."""

    heading: str
    word: str
    sign: str
    tone: str


_FAILED = _Outcome("Failed", "failed", "✗", "bad")
_PASSED = _Outcome("Passed", "passed", "✓", "good")
_MEASURED = _Outcome("Measured, with nothing to pass", "measured", "○", "plain")
_INAPPLICABLE = _Outcome("Does not apply", "does not apply", "\u2013", "plain")
_OUTCOMES = (_FAILED, _PASSED, _MEASURED, _INAPPLICABLE)


@dataclass(frozen=True)
class _NumberLine:
    """Where value and threshold lie, in percent, and the stretch that passes; `zero` where it is inside the line."""

    dot: float
    threshold: float
    passing: tuple[float, float]
    zero: float | None


@dataclass(frozen=True)
class _Line:
    """One check as shown."""

    check: Check
    value: str
    needed: str
    count: str
    number_line: _NumberLine | None


@dataclass(frozen=True)
class _Group:
    """All checks that ended alike."""

    outcome: _Outcome
    lines: tuple[_Line, ...]


def write_audit(report: AuditReport, folder: Path) -> None:
    """Write report.html into `folder`; it needs nothing from elsewhere.

    Raises FileError if the place cannot be written.
    """
    page = page_from(
        "audit.html.j2",
        measured_origin([(report.model, report.design)], report.settings),
        report=report,
        groups=_groups(report.checks),
    )
    write_text(folder / "report.html", page)


def _groups(checks: Sequence[Check]) -> list[_Group]:
    """One per outcome, even where it holds nothing: what failed comes first."""
    return [
        _Group(outcome, tuple(_line(check) for check in checks if _outcome(check) is outcome)) for outcome in _OUTCOMES
    ]


def _outcome(check: Check) -> _Outcome:
    if check.passed is None:
        return _INAPPLICABLE if check.value is None else _MEASURED
    return _PASSED if check.passed else _FAILED


def _line(check: Check) -> _Line:
    needed = f"{check.relation} {number(check.threshold)}" if check.relation and check.threshold is not None else ""
    value = "" if check.value is None else number(check.value)
    return _Line(check, value, needed, f"on {texts(check.n)}" if check.n else "", _number_line(check))


def _number_line(check: Check) -> _NumberLine | None:
    if check.value is None or check.threshold is None or not check.relation:
        return None
    ends = (0.0, check.value, check.threshold)
    axis = Axis(_ROOM * min(ends), _ROOM * max(ends))
    threshold = axis.place(check.threshold)
    passing = (0.0, threshold) if check.relation == "at most" else (threshold, 100.0 - threshold)
    return _NumberLine(axis.place(check.value), threshold, passing, axis.inner(0.0))
