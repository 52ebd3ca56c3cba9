"""What a sweep found, in sentences: the pick and how sure it is, the front, what the test says."""

from collections.abc import Iterator, Sequence

from explainable_bert.results import Difference, FrontRow
from explainable_bert.sweep.front import is_settled, lies_within, nearest


def verdicts(
    rows: Sequence[FrontRow], reference: str, within: float, picked: FrontRow | None, front: Sequence[str]
) -> Iterator[str]:
    """The sentences on the rows that the pick was made by, that of the pick first."""
    if picked is None:
        yield _no_pick(rows, reference, within)
    else:
        yield (
            f"Pick: {picked.arm}, the most faithful of the {_count(rows, within)} within {within:g} points of "
            f"{reference}'s accuracy. {_accuracy(picked, reference, within)} {_faithfulness(picked, reference)}"
        )
    if front:
        yield f"On the front, where no other arm is as good in both and better in one: {'; '.join(front)}."


def verdict_on_test(tested: Sequence[FrontRow], picked: FrontRow, reference: str, within: float) -> str:
    """What the test rows, which decided nothing, say of the pick."""
    row = next(row for row in tested if row.arm == picked.arm)
    kept = "the constraint holds there too" if lies_within(row, within) else "the constraint does not hold there"
    return (
        f"On test rows, which nothing was chosen by, {kept}. {_accuracy(row, reference, within)} "
        f"{_faithfulness(row, reference)}"
    )


def _no_pick(rows: Sequence[FrontRow], reference: str, within: float) -> str:
    closest = nearest(rows)
    if closest is None or closest.accuracy_difference is None:
        return f"No pick: no arm beside {reference} was measured."
    if lies_within(closest, within):
        return (
            f"No pick: the faithfulness of every arm within {within:g} points of {reference}'s accuracy is undefined."
        )
    return (
        f"No pick: no arm lies within {within:g} points of {reference}'s accuracy. The nearest is {closest.arm}. "
        f"{_accuracy(closest, reference, within)}"
    )


def _count(rows: Sequence[FrontRow], within: float) -> str:
    n_within = sum(lies_within(row, within) for row in rows)
    return "1 arm" if n_within == 1 else f"{n_within} arms"


def _accuracy(row: FrontRow, reference: str, within: float) -> str:
    difference = row.accuracy_difference
    if row.accuracy.value is None or difference is None:
        return "Its accuracy is undefined."
    points = f"{abs(100 * difference.value):.1f} points {'below' if difference.value < 0 else 'above'}"
    points = f"{'level with' if points.startswith('0.0') else points} {reference}'s"
    is_in = lies_within(row, within)
    if is_settled(row, within):
        sure = f"so it is shown to lie {'within' if is_in else 'beyond'} {within:g} points"
    else:
        sure = f"so that it lies {'beyond' if is_in else 'within'} {within:g} points is not ruled out"
    return f"Accuracy {row.accuracy.value:.3f}, {points}{_interval(difference, 100, 1)}, {sure}."


def _faithfulness(row: FrontRow, reference: str) -> str:
    difference = row.faithfulness_difference
    if row.faithfulness.value is None or difference is None:
        return "Its faithfulness is not to be compared: it is undefined for one of the two."
    more = "above" if difference.value >= 0 else "below"
    shown = "" if _excludes_zero(difference) else ", no difference shown"
    return (
        f"Faithfulness {row.faithfulness.value:.3f}, {abs(difference.value):.3f} {more} {reference}'s"
        f"{_interval(difference, 1, 3)}{shown}."
    )


def _interval(difference: Difference, scale: int, n_decimals: int) -> str:
    """The interval of the difference, with its sign."""
    if difference.low is None or difference.high is None:
        return " (no interval)"
    low, high = (f"{scale * end:+z.{n_decimals}f}" for end in (difference.low, difference.high))
    return f" (95 % interval of the difference {low} to {high})"


def _excludes_zero(difference: Difference) -> bool:
    return difference.low is not None and difference.high is not None and not difference.low <= 0 <= difference.high
