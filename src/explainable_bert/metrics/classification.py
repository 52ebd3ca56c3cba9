"""How well labels are predicted."""

from collections.abc import Sequence

from explainable_bert.errors import InputError


def accuracy(predicted: Sequence[str], gold: Sequence[str]) -> float:
    """Share of predictions that equal the gold label, in [0, 1]; higher is better.

    Raises InputError on lists that are empty or of unequal length.
    """
    if len(predicted) != len(gold) or not gold:
        raise InputError(
            f"predicted, gold: {len(predicted)} and {len(gold)} labels given; accepted: as many, at least 1"
        )
    return sum(p == g for p, g in zip(predicted, gold, strict=True)) / len(gold)


def accuracy_standard_error(accuracy: float, n_rows: int) -> float:
    """Binomial standard error of an accuracy measured on `n_rows` rows, in [0, 0.5]: √(p(1 - p) / n).

    Raises InputError unless 0 <= accuracy <= 1 and n_rows >= 1.
    """
    if not 0 <= accuracy <= 1 or n_rows < 1:
        raise InputError(f"accuracy, n_rows: {accuracy}, {n_rows} given; accepted: [0, 1] and at least 1")
    return float((accuracy * (1 - accuracy) / n_rows) ** 0.5)
