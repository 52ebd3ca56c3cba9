"""Answers as fragments: the models' decisions and strips side by side, what differs, words to press, curves."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from explainable_bert.export.axes import Axis
from explainable_bert.export.pages import maps_source
from explainable_bert.export.panels import PART_LABELS, Row, difference_row, panels, row
from explainable_bert.export.report import effective_words
from explainable_bert.interfaces.page.designs import in_plain_words
from explainable_bert.interfaces.page.fragments import fragment
from explainable_bert.interfaces.page.table import PUSH_DECIMALS, Explained
from explainable_bert.interfaces.page.what_if import How, Struck
from explainable_bert.records import Explanation, Prediction, Unit

_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 396.0, 10.0, 200.0


@dataclass(frozen=True)
class Card:
    """One model's answer."""

    model: str
    design: str
    words: str
    prediction: Prediction
    row: Row
    effective_words: float


@dataclass(frozen=True)
class Effect:
    """One model before and after words were changed; `forecast` are probabilities by label, where there are such."""

    model: str
    before: Explanation
    after: Explanation
    forecast: Mapping[str, float] | None

    @property
    def before_row(self) -> Row:
        """The strip of the text as it was."""
        return row(self.before)

    @property
    def after_row(self) -> Row:
        """The strip of the changed text."""
        return row(self.after)


def answer(explanations: Sequence[Explanation], *, values: bool) -> str:
    """One or two models' explanations of the same text, and their difference; with maps where they have them."""
    n_unread = max(explanation.prediction.n_tokens_dropped for explanation in explanations)
    n_windows = max(explanation.prediction.n_windows for explanation in explanations)
    versus = None if len(explanations) == 1 else [explanations[1]]
    panel = panels(explanations[:1], versus)[0]
    # Each by its own scale and sign; what can be compared of two is in the row of their difference.
    difference = None if len(explanations) == 1 else difference_row(*explanations)
    cards = [_card(explanation, row(explanation)) for explanation in explanations]
    return fragment(
        "answer.html.j2",
        cards=cards,
        difference=difference,
        maps_source=maps_source(panel) if panel.grids else "",
        caption=panel.caption,
        target=explanations[0].target,
        values=values,
        n_unread=n_unread,
        n_windows=n_windows,
        is_pair=explanations[0].text_pair is not None,
    )


def _card(explanation: Explanation, shown: Row) -> Card:
    origin = explanation.provenance
    words = in_plain_words(origin.design)
    return Card(origin.model, origin.design, words, explanation.prediction, shown, effective_words(explanation))


@dataclass(frozen=True)
class _Word:
    text: str
    erased: bool
    opens: str


def pressable(units: Sequence[Unit], erased: Set[int], how: How, note: str = "") -> str:
    """The words as buttons, under a `note` if there is one; pressed ones are erased."""
    several = any(unit.part for unit in units)
    opened: set[int] = set()
    words = []
    for number, unit in enumerate(units):
        opens = PART_LABELS[unit.part] if several and unit.part not in opened else ""
        opened.add(unit.part)
        words.append(_Word(unit.text, number in erased, opens))
    return fragment("words.html.j2", words=words, how=how, note=note)


def effects(found: Sequence[Effect]) -> str:
    """Before and after, model by model."""
    return fragment("what_if.html.j2", effects=found)


def over_file(found: Explained, model: str) -> str:
    """What a file's rows were given as labels, and the words that push each."""
    labels = sorted({str(line["label"]) for line in found.rows})
    return fragment(
        "table.html.j2",
        model=model,
        n_rows=len(found.rows),
        counts=Counter(str(line["label"]) for line in found.rows).most_common(),
        by_label=[(label, [push for push in found.pushes if push.label == label]) for label in labels],
        signed=found.signed,
        decimals=PUSH_DECIMALS,
        skipped=found.skipped,
    )


@dataclass(frozen=True)
class _Line:
    model: str
    points: str
    now: float
    words: tuple["_Struck", ...]


@dataclass(frozen=True)
class _Struck:
    text: str
    gone: bool


def striking(curves: Sequence[Struck], units: Sequence[Unit], count: int) -> str:
    """The curves of all models with `count` words struck, and the words that are then left."""
    across, down = Axis(0.0, float(max(len(units), 1))), Axis(0.0, 1.0)
    lines = [
        _Line(curve.model, _points(curve, across, down), curve.at(count), _struck_words(curve, units, count))
        for curve in curves
    ]
    spoken = "; ".join(
        f"{curve.model} from {curve.probabilities[0]:.0%} with no word struck to {curve.probabilities[-1]:.0%} with all"
        for curve in curves
    )
    return fragment(
        "striking.html.j2",
        lines=lines,
        count=count,
        n_words=len(units),
        target=curves[0].target,
        spoken=f"Probability of {curves[0].target} as words are struck: {spoken}",
        now=_across(across, count),
        x_ticks=[{"place": _across(across, n), "label": n} for n in _ticks(len(units))],
        y_ticks=[{"place": round(_down(down, share), 1), "label": f"{share:.0%}"} for share in (0.0, 0.5, 1.0)],
    )


def _struck_words(curve: Struck, units: Sequence[Unit], count: int) -> tuple[_Struck, ...]:
    gone = set(curve.order[:count])
    return tuple(_Struck(unit.text, number in gone) for number, unit in enumerate(units))


def _points(curve: Struck, across: Axis, down: Axis) -> str:
    pairs = zip(curve.counts, curve.probabilities, strict=True)
    return " ".join(f"{_across(across, count):.1f},{_down(down, share):.1f}" for count, share in pairs)


def _across(axis: Axis, value: float) -> float:
    return _LEFT + (_RIGHT - _LEFT) * axis.place(value) / 100


def _down(axis: Axis, value: float) -> float:
    return _BOTTOM - (_BOTTOM - _TOP) * axis.place(value) / 100


def _ticks(n_words: int) -> list[int]:
    return sorted({0, n_words // 2, n_words})
