"""How sure a number or a difference between models is: intervals, tests, corrections and detectable differences."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from explainable_bert.errors import InputError

# None: undefined on this sample.
Statistic = Callable[[Float[np.ndarray, "row column"]], float | None]

# Numbers drawn at once (2 MB): what fits into the processor's cache is averaged fastest.
_CHUNK = 2**18
# Relative to the two numbers subtracted. Rounding alone must not make a difference out of equal models.
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Interval:
    """A confidence interval, in the unit of its statistic."""

    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """`difference` of two models' statistics, a minus b, over `n` paired rows, with its confidence interval.

    `p_value` in (0, 1] is two-sided, that of "no difference"; `standard_error` is the standard deviation of the
    bootstrap distribution.
    """

    difference: float
    low: float
    high: float
    p_value: float
    standard_error: float
    n: int


def mean_of(values: Float[np.ndarray, "row column"]) -> float:
    """Mean of the first column; the bootstraps know this statistic and take a fast path for it.

    Raises InputError on no values.
    """
    if values.size == 0:
        raise InputError(f"values: shape {values.shape} given; accepted: at least one row and one column")
    return float(values[:, 0].mean(dtype=np.float64))


def bootstrap_interval(
    values: Float[np.ndarray, "row column"],
    statistic: Statistic,
    generator: np.random.Generator,
    n_resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval | None:
    """Percentile bootstrap interval of a statistic over rows, in the statistic's unit.

    None with fewer than 2 rows, or when the statistic is undefined on more than half of the resamples; the others of
    these are left out. Raises InputError on values that are not finite or without a column, n_resamples below 1, or a
    confidence outside (0, 1).

    Source: Efron & Tibshirani 1993, chapter 13.
    """
    _check_settings(n_resamples, confidence)
    seeds = _checked("values", values[None])
    if len(values) < 2:
        return None
    draws = _resampled_rows(generator, len(values), n_resamples)
    found = np.concatenate([_statistics(seeds, statistic, rows)[:, 0] for rows in draws])
    defined = _mostly_defined(found)
    return None if defined is None else _percentiles(defined, confidence)


def share_interval(n_yes: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's interval of a share of `n` rows, in [0, 1]: not empty even where all rows are alike.

    Raises InputError unless 0 <= n_yes <= n and n >= 1.
    Source: Wilson 1927; recommended for small n by Brown, Cai & DasGupta 2001.
    """
    if not 0 <= n_yes <= n or n < 1:
        raise InputError(f"n_yes, n: {n_yes}, {n} given; accepted: 0 to n, and at least 1")
    _check_settings(1, confidence)
    from scipy.stats import binomtest

    found = binomtest(n_yes, n).proportion_ci(confidence, method="wilson")
    return Interval(float(found.low), float(found.high))


def nested_interval(
    values: Float[np.ndarray, "seed row column"],
    statistic: Statistic,
    generator: np.random.Generator,
    n_resamples: int = 2000,
    confidence: float = 0.95,
) -> Interval | None:
    """Interval of the mean over seeds of a statistic over rows; with one seed that of bootstrap_interval.

    Hierarchical, with the bias of few seeds, None and errors as in paired_bootstrap.
    """
    if len(values) == 1:
        return bootstrap_interval(values[0], statistic, generator, n_resamples, confidence)
    _check_settings(n_resamples, confidence)
    values = _checked("values", values)
    if values.shape[1] < 2:
        return None
    seeds = generator.integers(len(values), size=(n_resamples, len(values)))
    draws = _resampled_rows(generator, values.shape[1], n_resamples)
    found = np.concatenate([_statistics(values, statistic, rows) for rows in draws])
    defined = _mostly_defined(np.take_along_axis(found, seeds, axis=1).mean(axis=1))
    return None if defined is None else _percentiles(defined, confidence)


def paired_bootstrap(
    a: Float[np.ndarray, "seed_a row column"],
    b: Float[np.ndarray, "seed_b row column"],
    statistic: Statistic,
    generator: np.random.Generator,
    n_resamples: int = 2000,
    confidence: float = 0.95,
) -> PairedDifference | None:
    """Difference a minus b of two models' statistics: mean over a model's seeds of the statistic of a seed's rows.

    Hierarchical: each resample draws seeds with replacement, for each model its own, then rows, the same for both
    models and all seeds. With few seeds their spread is underestimated, as by every bootstrap: by the factor
    √((s - 1) / s) with s seeds, and not seen at all with one. Differences within rounding of zero are zero.

    The p-value is 2 min(1 + #{d <= 0}, 1 + #{d >= 0}) / (1 + number of resamples), at most 1: small where zero lies
    far out in the bootstrap distribution of the difference d. Percentile interval.

    None with fewer than 2 rows, or when the statistic is undefined on the rows of any seed, or on more than half of
    the resamples; the others of these are left out. Raises InputError on unequal rows or columns, values that are not
    finite or without a seed or column, n_resamples below 1, or a confidence outside (0, 1).

    Source: Davison & Hinkley 1997, section 3.8 (hierarchical data) and chapter 4 (p-values that count the sample).
    """
    _check_settings(n_resamples, confidence)
    if a.shape[1:] != b.shape[1:]:
        raise InputError(f"a, b: rows and columns {a.shape[1:]} and {b.shape[1:]} given; accepted: as many")
    a, b = _checked("a", a), _checked("b", b)
    n_rows = a.shape[1]
    if n_rows < 2:
        return None
    every_row = np.arange(n_rows)[None]
    whole = _difference(_statistics(a, statistic, every_row), _statistics(b, statistic, every_row))[0]

    # All seeds before all rows: the draws do not depend on how many rows are drawn at once.
    seeds_a, seeds_b = (generator.integers(len(model), size=(n_resamples, len(model))) for model in (a, b))
    draws = _resampled_rows(generator, n_rows, n_resamples)
    found = [(_statistics(a, statistic, rows), _statistics(b, statistic, rows)) for rows in draws]
    of_a, of_b = (np.concatenate(chunks) for chunks in zip(*found, strict=True))
    resampled = _difference(np.take_along_axis(of_a, seeds_a, axis=1), np.take_along_axis(of_b, seeds_b, axis=1))

    defined = _mostly_defined(resampled)
    if defined is None or np.isnan(whole):
        return None
    interval = _percentiles(defined, confidence)
    p_value = _share_beyond_zero(defined)
    return PairedDifference(float(whole), interval.low, interval.high, p_value, float(defined.std()), n_rows)


def mcnemar(a_correct: Bool[np.ndarray, " row"], b_correct: Bool[np.ndarray, " row"]) -> float:
    """Two-sided p-value, in (0, 1], that two classifiers are right equally often; 1 where they never disagree.

    Exact: binomial over the rows that one classifier alone gets right. Raises InputError on unequal lengths.

    Source: McNemar 1947, with the binomial in place of the chi-squared distribution.
    """
    from scipy.stats import binom

    if len(a_correct) != len(b_correct):
        raise InputError(f"a_correct, b_correct: {len(a_correct)} and {len(b_correct)} rows given; accepted: as many")
    only_a, only_b = int((a_correct & ~b_correct).sum()), int((b_correct & ~a_correct).sum())
    # Twice one tail is the two-sided p-value as the binomial with 1/2 is symmetric; the middle would count twice.
    return min(1.0, 2 * float(binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)))


def wilcoxon(differences: Float[np.ndarray, " row"]) -> float | None:
    """Two-sided p-value, in (0, 1], that paired differences are symmetric about zero; None if all zero or fewer than 2.

    Zeros are ranked with the others and then left out of the rank sums (Pratt). Were they dropped first, as Wilcoxon
    did, raising every difference a little could make a sample less positive to the test, and zeros are common here.
    Ties get their mean rank. Exact up to 50 rows without zeros and ties and up to 13 with them, else normal with ties
    corrected for. Raises InputError on a difference that is not finite.

    Source: Wilcoxon 1945; zeros: Pratt 1959.
    """
    from scipy import stats

    if not np.isfinite(differences).all():
        raise InputError("differences: not all finite; accepted: finite numbers")
    if len(differences) < 2 or not differences.any():
        return None
    return float(stats.wilcoxon(differences.astype(np.float64), zero_method="pratt").pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in [0, 1] and in the order given; they control the familywise error rate.

    Raises InputError on one outside [0, 1].

    Source: Holm 1979.
    """
    if not all(0 <= p <= 1 for p in p_values):
        raise InputError(f"p_values: {list(p_values)!r} given; accepted: numbers in [0, 1]")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda place: p_values[place])):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = highest
    return adjusted


def equivalence(difference: float, standard_error: float, margin: float) -> float:
    """P-value, in [0, 1], of "differs by the margin or more": the larger of two one-sided normal tests (TOST).

    Small: shown to be equivalent. Without error (standard_error 0) it is 0 within the margin and else 1. Raises
    InputError unless margin > 0, standard_error >= 0 and all are finite.

    Source: Schuirmann 1987.
    """
    from scipy.special import ndtr

    if not np.isfinite([difference, standard_error, margin]).all() or standard_error < 0 or margin <= 0:
        raise InputError(
            f"difference, standard_error, margin: {difference}, {standard_error}, {margin} given; "
            "accepted: finite, at least 0, above 0"
        )
    excess = abs(difference) - margin
    if standard_error == 0:
        return float(excess >= 0)
    return float(ndtr(excess / standard_error))


def almost_stochastic_order(
    a: Float[np.ndarray, " _"],
    b: Float[np.ndarray, " _"],
    generator: np.random.Generator,
    n_resamples: int = 1000,
    confidence: float = 0.95,
) -> float:
    """ε_min in [0, 1]: upper confidence bound of how far a is from being stochastically larger than b; lower is better.

    Below 0.5, a is better (below 0.2 recommended). Scores are independent, and higher ones better. The bound is
    ε + z(confidence) · σ: the violation ratio ε of the samples is the share, in squared distance between the two
    quantile functions, of where a's lies below b's; σ is its standard deviation over resamples. As these have the
    samples' own sizes, the rate √(nm / (n + m)) of the limit theorem cancels. Where the two quantile functions are
    equal ε is 0/0 and taken to be 0.5, neither better, so that ε(a, b) + ε(b, a) = 1 always; the authors' code has 0.

    Raises InputError on fewer than 2 scores on a side, scores that are not finite, n_resamples below 1, or a
    confidence outside (0, 1).

    Source: Dror et al. 2019; del Barrio et al. 2018.
    """
    from scipy.special import ndtri

    _check_settings(n_resamples, confidence)
    for name, scores in (("a", a), ("b", b)):
        if len(scores) < 2 or not np.isfinite(scores).all():
            raise InputError(f"{name}: {scores.tolist()!r} given; accepted: at least 2 scores, all finite")
    a, b = a.astype(np.float64), b.astype(np.float64)
    resampled = [
        _violation_ratios(_resamples(generator, a, n_draws), _resamples(generator, b, n_draws))
        for n_draws in _chunks(n_resamples, len(a) + len(b))
    ]
    bound = _violation_ratios(a[None], b[None])[0] + ndtri(confidence) * np.concatenate(resampled).std()
    return float(np.clip(bound, 0, 1))


def smallest_detectable(standard_error: float, power: float = 0.8, significance: float = 0.05) -> float:
    """Difference, in the unit of its standard error, that a two-sided normal test finds with this power.

    (z(1 - significance / 2) + z(power)) · standard_error. Raises InputError unless standard_error is finite and at
    least 0, and 0 < significance < power < 1.

    Source: Bloom 1995 (minimum detectable effect).
    """
    from scipy.special import ndtri

    if not 0 <= standard_error < np.inf or not 0 < significance < power < 1:
        raise InputError(
            f"standard_error, power, significance: {standard_error}, {power}, {significance} given; "
            "accepted: finite and at least 0, and 0 < significance < power < 1"
        )
    return float((ndtri(1 - significance / 2) + ndtri(power)) * standard_error)


def _check_settings(n_resamples: int, confidence: float) -> None:
    if n_resamples < 1 or not 0 < confidence < 1:
        raise InputError(
            f"n_resamples, confidence: {n_resamples}, {confidence} given; accepted: at least 1, and between 0 and 1"
        )


def _checked(name: str, values: Float[np.ndarray, "seed row column"]) -> Float[np.ndarray, "seed row column"]:
    if values.shape[0] == 0 or values.shape[2] == 0 or not np.isfinite(values).all():
        raise InputError(
            f"{name}: shape {values.shape}, finite: {bool(np.isfinite(values).all())} given; "
            "accepted: at least one seed and one column, all finite"
        )
    return values.astype(np.float64)


def _chunks(n_draws: int, n_per_draw: int) -> Iterator[int]:
    """Numbers of draws that sum to `n_draws`, each few enough to be held at once."""
    size = max(1, _CHUNK // n_per_draw)
    for start in range(0, n_draws, size):
        yield min(size, n_draws - start)


def _resampled_rows(
    generator: np.random.Generator, n_rows: int, n_resamples: int
) -> Iterator[Int[np.ndarray, "draw row"]]:
    """Places of rows drawn with replacement, some resamples at a time."""
    for n_draws in _chunks(n_resamples, n_rows):
        yield generator.integers(n_rows, size=(n_draws, n_rows))


def _statistics(
    values: Float[np.ndarray, "seed row column"], statistic: Statistic, draws: Int[np.ndarray, "draw row"]
) -> Float[np.ndarray, "draw seed"]:
    """The statistic of each seed on each draw of rows, which the seeds share; NaN where undefined."""
    if statistic is mean_of:
        return np.stack([seed[:, 0][draws].mean(axis=1) for seed in values], axis=1)
    # NumPy makes a NaN of a None here.
    return np.array([[statistic(seed[rows]) for seed in values] for rows in draws], dtype=np.float64)


def _difference(
    of_a: Float[np.ndarray, "draw seed_a"], of_b: Float[np.ndarray, "draw seed_b"]
) -> Float[np.ndarray, " draw"]:
    """Difference of the means over seeds; zero where it is within rounding."""
    mean_a, mean_b = of_a.mean(axis=1), of_b.mean(axis=1)
    difference = mean_a - mean_b
    rounding = _ROUNDING * np.maximum(np.abs(mean_a), np.abs(mean_b))
    return np.where(np.abs(difference) <= rounding, 0.0, difference)


def _mostly_defined(found: Float[np.ndarray, " draw"]) -> Float[np.ndarray, " defined"] | None:
    """What is defined; None if that is less than half."""
    defined = found[~np.isnan(found)]
    return defined if 2 * len(defined) >= len(found) else None


def _percentiles(found: Float[np.ndarray, " draw"], confidence: float) -> Interval:
    low, high = np.quantile(found, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high))


def _share_beyond_zero(differences: Float[np.ndarray, " draw"]) -> float:
    """Two-sided p-value of zero in a bootstrap distribution."""
    fewer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    return min(1.0, 2 * (1 + fewer) / (1 + len(differences)))


def _resamples(
    generator: np.random.Generator, scores: Float[np.ndarray, " size"], n_draws: int
) -> Float[np.ndarray, "draw size"]:
    return scores[generator.integers(len(scores), size=(n_draws, len(scores)))]


def _violation_ratios(
    a: Float[np.ndarray, "draw size_a"], b: Float[np.ndarray, "draw size_b"]
) -> Float[np.ndarray, " draw"]:
    """Share of ∫(F⁻¹ - G⁻¹)² from where a's quantile function F⁻¹ lies below b's G⁻¹, in [0, 1]; 0.5 if they are equal.

    Exact: both functions are constant between neighbouring multiples of 1/size_a and 1/size_b.
    """
    size_a, size_b = a.shape[1], b.shape[1]
    # In whole units of 1 / (size_a size_b), in which no two levels differ by rounding alone.
    ends = np.union1d(size_b * np.arange(1, size_a + 1), size_a * np.arange(1, size_b + 1))
    widths = np.diff(ends, prepend=0)
    gaps = np.sort(a)[:, (ends - 1) // size_b] - np.sort(b)[:, (ends - 1) // size_a]
    # The ratio has no unit; gaps relative to the largest have squares that a float can hold.
    largest = np.abs(gaps).max(axis=1, keepdims=True)
    gaps = np.divide(gaps, largest, out=np.zeros_like(gaps), where=largest > 0)
    total = gaps**2 @ widths
    violated = np.minimum(gaps, 0) ** 2 @ widths
    ratios: Float[np.ndarray, " draw"] = np.divide(violated, total, out=np.full(len(total), 0.5), where=total > 0)
    return ratios
