"""Statistics of comparisons against hand-worked cases, second implementations and simulated data."""

import inspect
import itertools
import math
import tracemalloc
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert.errors import InputError
from explainable_bert.metrics import significance
from explainable_bert.metrics.significance import (
    Interval,
    almost_stochastic_order,
    bootstrap_interval,
    equivalence,
    holm,
    mcnemar,
    mean_of,
    paired_bootstrap,
    share_interval,
    smallest_detectable,
    wilcoxon,
)

NORMAL = NormalDist()


def rng(seed=0):
    return np.random.default_rng(seed)


def column(*values):
    return np.array(values, dtype=float)[:, None]


def seeds(*rows_of_seeds):
    return np.array(rows_of_seeds, dtype=float)[:, :, None]


def slow_mean(values):
    """The same arithmetic, but not the function that the fast path knows."""
    return mean_of(values)


def ratio_of_columns(values):
    return float(values[:, 0].sum() / values[:, 1].sum())


def quantile(values, share):
    """Linear between order statistics, by hand."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = min(math.floor(place), len(values) - 2)
    return values[low] + (place - low) * (values[low + 1] - values[low])


# --- the mean


def test_mean_of_is_of_the_first_column():
    assert mean_of(np.array([[1.0, 100.0], [2.0, 200.0], [6.0, 300.0]])) == 3
    # In float32, 2^24 + 1 cannot be held: the sum would be 2^24.
    assert mean_of(np.array([[2.0**24], [1.0]], dtype=np.float32)) == (2**24 + 1) / 2
    for shape in ((0, 1), (3, 0)):
        with pytest.raises(InputError, match=r"^values: shape .* accepted: at least one row and one column"):
            mean_of(np.zeros(shape))


# --- intervals


def test_interval_of_two_rows():
    # Resamples of (0, 1): means 0, 1/2, 1 with shares 1/4, 1/2, 1/4, so that 30 % and 70 % quantiles are 1/2.
    values = column(0, 1)
    assert bootstrap_interval(values, mean_of, rng()) == Interval(0.0, 1.0)
    assert bootstrap_interval(values, mean_of, rng(), confidence=0.4) == Interval(0.5, 0.5)
    assert bootstrap_interval(column(3, 3, 3), mean_of, rng()) == Interval(3.0, 3.0)


def test_interval_by_a_second_implementation():
    values = rng(1).normal(5, 1, size=(7, 2))
    found = bootstrap_interval(values, ratio_of_columns, rng(2), n_resamples=101, confidence=0.8)
    ratios = []
    for draw in rng(2).integers(7, size=(101, 7)).tolist():
        ratios.append(sum(values[row, 0] for row in draw) / sum(values[row, 1] for row in draw))
    assert (found.low, found.high) == pytest.approx((quantile(ratios, 0.1), quantile(ratios, 0.9)))


def test_interval_of_a_mean_agrees_with_theory():
    values = rng(3).exponential(size=(400, 1))
    found = bootstrap_interval(values, mean_of, rng(4), n_resamples=4000)
    error = values.std() / 20
    assert found.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert found.high == pytest.approx(values.mean() + 1.96 * error, abs=0.15 * error)


def test_interval_covers_the_truth():
    generator = rng(5)
    covered = 0
    for _ in range(400):
        found = bootstrap_interval(generator.normal(2, 3, size=(40, 1)), mean_of, generator, 400, confidence=0.9)
        covered += found.low <= 2 <= found.high
    assert 0.84 <= covered / 400 <= 0.94  # nominal .9, of which the percentile interval falls short by 1 to 2 points


def test_interval_needs_two_rows():
    for n_rows in (0, 1):
        assert bootstrap_interval(np.ones((n_rows, 1)), mean_of, rng()) is None


def needing(*needed):
    """Mean of the rows, undefined unless these values are among them."""
    return lambda values: mean_of(values) if set(needed) <= set(values[:, 0]) else None


def test_undefined_resamples_are_left_out():
    values = column(0, 1, 2, 3)
    # Without the 0 in (3/4)^4 = 32 % of resamples: left out.
    found = bootstrap_interval(values, needing(0), rng(6), n_resamples=501, confidence=0.5)
    draws = rng(6).integers(4, size=(501, 4)).tolist()
    means = [sum(draw) / 4 for draw in draws if 0 in draw]
    assert 0.6 < len(means) / 501 < 0.75
    assert found == Interval(quantile(means, 0.25), quantile(means, 0.75))


def test_interval_that_is_mostly_undefined():
    values = column(0, 1, 2, 3)
    # Both 0 and 1 in 1 - 2 (3/4)^4 + (1/2)^4 = 43 % of resamples: undefined on more than half.
    assert bootstrap_interval(values, needing(0, 1), rng(7)) is None
    # Both of two rows in half of the resamples; with 10 resamples that is often just half, which is enough.
    by_share = {}
    for seed in range(40):
        n_defined = sum(len(set(draw)) == 2 for draw in rng(seed).integers(2, size=(10, 2)).tolist())
        by_share.setdefault(n_defined, bootstrap_interval(column(0, 1), needing(0, 1), rng(seed), n_resamples=10))
    assert by_share[4] is None
    assert by_share[5] == by_share[6] == Interval(0.5, 0.5)


# --- shares of rows


def wilson(n_yes, n, confidence):
    """The closed formula."""
    z = NORMAL.inv_cdf((1 + confidence) / 2)
    share = n_yes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return centre - half, centre + half


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.999])
@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_interval_of_a_share(n, confidence):
    found = [share_interval(n_yes, n, confidence) for n_yes in range(n + 1)]
    for n_yes, interval in enumerate(found):
        assert (interval.low, interval.high) == pytest.approx(wilson(n_yes, n, confidence), abs=1e-12)
        assert 0 <= interval.low <= n_yes / n <= interval.high <= 1
        assert interval.low < interval.high
        mirrored = found[n - n_yes]
        assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((interval.low, interval.high), abs=1e-12)
    for fewer, more in itertools.pairwise(found):
        assert fewer.low < more.low
        assert fewer.high < more.high


def test_interval_of_a_share_by_hand():
    # With z = 1.96: of none of n rows 0 to z² / (n + z²).
    none, all_ = share_interval(0, 5), share_interval(5, 5)
    assert (none.low, none.high) == (0, pytest.approx(3.8415 / 8.8415, abs=1e-5))
    assert (all_.low, all_.high) == (pytest.approx(5 / 8.8415, abs=1e-5), 1)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_interval_of_a_share_stays_in_bounds(counts, confidence):
    n_yes, n = counts
    found = share_interval(n_yes, n, confidence)
    assert 0 <= found.low <= n_yes / n <= found.high <= 1
    more, surer = share_interval(4 * n_yes, 4 * n, confidence), share_interval(n_yes, n, (1 + confidence) / 2)
    assert more.high - more.low < found.high - found.low < surer.high - surer.low


def test_interval_of_a_share_covers_it():
    # Exactly, over all numbers of yes that may come; at the ends, too, where resamples know nothing.
    for share in (0.02, 0.1, 0.5, 0.9):
        inside = 0.0
        for n_yes in range(41):
            interval = share_interval(n_yes, 40)
            if interval.low <= share <= interval.high:
                inside += math.comb(40, n_yes) * share**n_yes * (1 - share) ** (40 - n_yes)
        assert 0.9 <= inside <= 0.99


@pytest.mark.parametrize(("n_yes", "n"), [(-1, 3), (4, 3), (0, 0), (1, 0), (0, -1)])
def test_shares_that_are_refused(n_yes, n):
    with pytest.raises(InputError, match=rf"^n_yes, n: {n_yes}, {n} given; accepted: 0 to n, and at least 1$"):
        share_interval(n_yes, n)


# --- the fast path


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fast_and_slow_mean_give_the_same_interval(dtype):
    values = rng(8).normal(size=(137, 3)).astype(dtype)
    assert bootstrap_interval(values, mean_of, rng(9), 300) == bootstrap_interval(values, slow_mean, rng(9), 300)


def test_fast_and_slow_mean_give_the_same_difference():
    a, b = rng(10).normal(size=(3, 131, 2)), rng(11).normal(size=(2, 131, 2))
    fast, slow = (paired_bootstrap(a, b, statistic, rng(12), 200) for statistic in (mean_of, slow_mean))
    assert fast == slow


def test_the_fast_path_is_taken(monkeypatch):
    def never_called(_):
        raise AssertionError("the vectorised path calls no statistic")

    values = rng(13).normal(size=(20, 1))
    expected = (
        bootstrap_interval(values, mean_of, rng(14)),
        paired_bootstrap(values[None], values[None], mean_of, rng()),
    )
    monkeypatch.setattr(significance, "mean_of", never_called)
    assert bootstrap_interval(values, never_called, rng(14)) == expected[0]
    assert paired_bootstrap(values[None], values[None], never_called, rng()) == expected[1]


@pytest.mark.parametrize("chunk", [1, 100, 1000])
def test_the_number_of_draws_at_once_changes_nothing(monkeypatch, chunk):
    a, b = rng(15).normal(size=(2, 23, 1)), rng(16).normal(size=(3, 23, 1))
    whole = bootstrap_interval(a[0], mean_of, rng(17), 103), paired_bootstrap(a, b, mean_of, rng(17), 103)
    monkeypatch.setattr(significance, "_CHUNK", chunk)
    assert (bootstrap_interval(a[0], mean_of, rng(17), 103), paired_bootstrap(a, b, mean_of, rng(17), 103)) == whole


def test_memory_stays_small():
    values = rng().normal(size=(4, 3000, 1))
    tracemalloc.start()
    paired_bootstrap(values, values, mean_of, rng(), n_resamples=2000)  # 48 MB for the places of all resamples
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_arguments_are_left_as_they_are():
    values = rng(18).normal(size=(2, 11, 1))
    values.setflags(write=False)
    paired_bootstrap(values, values, mean_of, rng(), 10)
    bootstrap_interval(values[0], mean_of, rng(), 10)
    almost_stochastic_order(values[0, :, 0], values[1, :, 0], rng(), 10)


# --- paired differences


def test_difference_that_is_the_same_in_every_row():
    found = paired_bootstrap(seeds([1, 1, 1]), seeds([0, 0, 0]), mean_of, rng(), n_resamples=99)
    assert (found.difference, found.low, found.high, found.standard_error, found.n) == (1, 1, 1, 0, 3)
    assert found.p_value == 2 * (1 + 0) / (99 + 1)  # no resample at or below zero
    # Paired: the rows differ far more between themselves than the models do.
    b = 1000 * rng(19).normal(size=(1, 50, 1))
    found = paired_bootstrap(b + 1, b, mean_of, rng(), n_resamples=99)
    assert (found.difference, found.low, found.high) == pytest.approx((1, 1, 1))
    assert found.standard_error < 1e-9
    assert found.p_value == 0.02


def test_equal_models():
    values = rng(20).normal(size=(1, 30, 1))
    found = paired_bootstrap(values, values.copy(), mean_of, rng())
    assert (found.difference, found.low, found.high, found.p_value, found.standard_error) == (0, 0, 0, 1, 0)
    # Three seeds of the same numbers: (x + x + x) / 3 is not x in floating point.
    found = paired_bootstrap(np.repeat(values, 3, axis=0), values, mean_of, rng())
    assert (found.difference, found.low, found.high, found.p_value, found.standard_error) == (0, 0, 0, 1, 0)


def test_difference_in_one_of_two_rows():
    # Resamples of differences (0, 1): 0, 1/2, 1 with shares 1/4, 1/2, 1/4: variance 1/8; p about 2 · 1/4.
    found = paired_bootstrap(seeds([5, 6]), seeds([5, 5]), mean_of, rng(21), n_resamples=4000)
    assert (found.difference, found.low, found.high) == (0.5, 0, 1)
    assert found.standard_error == pytest.approx(math.sqrt(1 / 8), rel=0.03)
    assert found.p_value == pytest.approx(0.5, abs=0.05)


def test_paired_difference_by_a_second_implementation():
    a, b = rng(22).normal(6, 1, size=(3, 7, 2)), rng(23).normal(5, 1, size=(2, 7, 2))
    found = paired_bootstrap(a, b, ratio_of_columns, rng(24), n_resamples=201, confidence=0.9)

    def mean_ratio(model, drawn_seeds, drawn_rows):
        ratios = []
        for seed in drawn_seeds:
            above, below = (sum(float(model[seed, row, place]) for row in drawn_rows) for place in (0, 1))
            ratios.append(above / below)
        return sum(ratios) / len(ratios)

    generator = rng(24)
    seeds_a, seeds_b, rows = (generator.integers(n, size=(201, n)).tolist() for n in (3, 2, 7))
    drawn = [
        mean_ratio(a, of_a, of_both) - mean_ratio(b, of_b, of_both)
        for of_a, of_b, of_both in zip(seeds_a, seeds_b, rows, strict=True)
    ]
    centre = sum(drawn) / 201
    assert found.difference == pytest.approx(mean_ratio(a, range(3), range(7)) - mean_ratio(b, range(2), range(7)))
    assert (found.low, found.high) == pytest.approx((quantile(drawn, 0.05), quantile(drawn, 0.95)))
    assert found.standard_error == pytest.approx(math.sqrt(sum((d - centre) ** 2 for d in drawn) / 201))
    fewer = min(sum(d <= 0 for d in drawn), sum(d >= 0 for d in drawn))
    assert 0 < fewer < 100
    assert found.p_value == 2 * (1 + fewer) / 202
    assert found.n == 7


def test_seeds_that_differ_widen_the_interval():
    # Rows do not vary: 2 draws of seeds (0, 2) have mean 0, 1, 2 with shares 1/4, 1/2, 1/4, variance 1/2.
    b = np.zeros((1, 5, 1))
    found = paired_bootstrap(seeds([0] * 5, [2] * 5), b, mean_of, rng(25), n_resamples=4000)
    assert (found.difference, found.low, found.high) == (1, 0, 2)
    assert found.standard_error == pytest.approx(math.sqrt(1 / 2), rel=0.03)
    # Each model draws its own seeds: the variances add up.
    found = paired_bootstrap(*[seeds([0] * 5, [2] * 5)] * 2, mean_of, rng(25), n_resamples=4000)
    assert found.standard_error == pytest.approx(1, rel=0.03)


def test_error_grows_with_the_spread_of_seeds():
    rows = rng(26).normal(size=(1, 100, 1))
    b = rng(27).normal(size=(1, 100, 1))
    errors = []
    for spread in (0, 0.1, 0.5):
        shifts = spread * np.array([-1, -1, 0, 1, 1])[:, None, None]
        errors.append(paired_bootstrap(rows + shifts, b, mean_of, rng(28), n_resamples=3000).standard_error)
    from_rows = (rows - b).std() / 10
    # Five draws from shifts of variance 4/5 · spread²: their mean has a fifth of it.
    expected = [math.hypot(from_rows, spread * math.sqrt(4 / 5 / 5)) for spread in (0, 0.1, 0.5)]
    assert errors == pytest.approx(expected, rel=0.05)
    assert errors[0] < errors[1] < errors[2]


@settings(max_examples=30, deadline=None)
@given(
    st.integers(0, 2**32),
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=9),
)
def test_models_the_other_way_round(seed, rows):
    a, b = (seeds(model) for model in zip(*rows, strict=True))
    one, other = (paired_bootstrap(*pair, mean_of, rng(seed), 199) for pair in ((a, b), (b, a)))
    assert (one.difference, one.p_value, one.standard_error) == (-other.difference, other.p_value, other.standard_error)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert 0 < one.p_value <= 1
    assert one.low <= one.high


def test_no_difference_is_seldom_found_significant():
    generator = rng(29)
    found = 0
    for _ in range(400):
        a, b = generator.normal(size=(2, 1, 50, 1))
        found += paired_bootstrap(a, b, mean_of, generator, 400).p_value < 0.05
    assert 0.02 <= found / 400 <= 0.1


def test_paired_difference_that_is_undefined():
    a = seeds([0, 1, 2, 3])
    for n_rows in (0, 1):
        assert paired_bootstrap(a[:, :n_rows], a[:, :n_rows], mean_of, rng()) is None
    assert paired_bootstrap(a, a, lambda _: None, rng()) is None
    assert paired_bootstrap(a, a, needing(0), rng(), 200).p_value == 1
    assert paired_bootstrap(a, a, needing(0, 1), rng(), 200) is None  # on 57 % of the resamples
    # Undefined for one of six seeds, which most resamples draw not at all or do: (5/6)^6 = 33 % are defined.
    assert paired_bootstrap(seeds(*[[0, 1, 2, 3]] * 5, [1, 1, 1, 1]), a, needing(0), rng(), 200) is None

    def nothing_in_order(values):
        return None if list(values[:, 0]) == [0, 1, 2, 3] else mean_of(values)

    # Defined on nearly all resamples, but not on the rows themselves.
    assert paired_bootstrap(a, a, nothing_in_order, rng(), 200) is None


@pytest.mark.parametrize(("n_resamples", "confidence"), [(0, 0.95), (10, 0.0), (10, 1.0), (10, math.nan)])
@pytest.mark.parametrize(
    ("resample", "samples"),
    [
        (bootstrap_interval, [np.ones((3, 1)), mean_of]),
        (paired_bootstrap, [np.ones((1, 3, 1)), np.ones((1, 3, 1)), mean_of]),
        (almost_stochastic_order, [np.ones(3), np.ones(3)]),
    ],
)
def test_resampling_settings_that_are_refused(resample, samples, n_resamples, confidence):
    with pytest.raises(InputError, match=r"^n_resamples, confidence: .* accepted: at least 1, and between 0 and 1$"):
        resample(*samples, rng(), n_resamples, confidence)


def test_values_that_are_refused():
    good = np.ones((1, 3, 1))
    for bad in (np.zeros((3, 0)), np.array([[1.0], [math.nan]]), np.array([[1.0], [math.inf]])):
        with pytest.raises(
            InputError, match=r"^values: shape .* accepted: at least one seed and one column, all finit"
        ):
            bootstrap_interval(bad, mean_of, rng())
    with pytest.raises(InputError, match=r"^a: shape \(0, 3, 1\)"):
        paired_bootstrap(np.ones((0, 3, 1)), good, mean_of, rng())
    with pytest.raises(InputError, match=r"^b: shape \(1, 3, 1\), finite: False"):
        paired_bootstrap(good, good * math.nan, mean_of, rng())


def test_models_of_unequal_rows():
    # Beneath the shape checks, which only the tests switch on.
    unchecked = inspect.unwrap(paired_bootstrap)
    with pytest.raises(InputError, match=r"^a, b: rows and columns \(3, 1\) and \(4, 1\) given; accepted: as many"):
        unchecked(np.ones((1, 3, 1)), np.ones((1, 4, 1)), mean_of, rng())
    with pytest.raises(InputError, match=r"^a_correct, b_correct: 2 and 1 rows given; accepted: as many"):
        inspect.unwrap(mcnemar)(np.array([True, False]), np.array([True]))


# --- McNemar


def correct(only_a, only_b, both, neither):
    counts = (only_a, only_b, both, neither)
    return tuple(np.repeat(np.array(right, dtype=bool), counts) for right in ((1, 0, 1, 0), (0, 1, 1, 0)))


@pytest.mark.parametrize(
    ("only_a", "only_b", "expected"),
    [
        (0, 0, 1),
        (1, 5, 14 / 64),  # 2 (1 + 6) / 2^6
        (5, 0, 2 / 32),
        (0, 1, 1),  # 2 · 1/2
        (3, 3, 1),  # 2 (1 + 6 + 15 + 20) / 64 > 1
        (2, 3, 1),  # 2 (1 + 5 + 10) / 32
    ],
)
def test_mcnemar(only_a, only_b, expected):
    assert mcnemar(*correct(only_a, only_b, 7, 2)) == pytest.approx(expected)


def test_mcnemar_without_rows():
    assert mcnemar(np.zeros(0, dtype=bool), np.zeros(0, dtype=bool)) == 1


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5), st.integers(0, 5))
def test_mcnemar_by_two_other_implementations(only_a, only_b, both, neither):
    found = mcnemar(*correct(only_a, only_b, both, neither))
    n = only_a + only_b
    tail = sum(math.comb(n, k) for k in range(min(only_a, only_b) + 1))
    assert found == pytest.approx(float(min(Fraction(1), Fraction(2 * tail, 2**n))))
    if n:
        assert found == pytest.approx(scipy.stats.binomtest(only_a, n).pvalue)
    assert found == mcnemar(*correct(only_b, only_a, both, neither))


# --- Wilcoxon


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        ([1, 2, 3, 4, 5, 6], 2 / 64),
        ([-1, 2, 3, 4], 4 / 16),  # subsets of ranks 1 to 4 with sum at most 1: {} and {1}
        # Ranks of the others 2 to 5, of the negative ones 2 + 3 = 5; {} 2 3 4 5 23 of 16 subsets have at most that.
        # With the zero dropped first: ranks 1 to 4, negative 3; {} 1 2 3 12, so that p would be 10/16.
        ([0, -1, -2, 3, 4], 12 / 16),
        ([1, -1], 1),
        ([0.0, 5.0], 1),  # one rank: 2 · 1/2
    ],
)
def test_wilcoxon(differences, expected):
    assert wilcoxon(np.array(differences, dtype=float)) == pytest.approx(expected)


@pytest.mark.parametrize("differences", [[], [1.0], [0.0, 0.0, 0.0]])
def test_wilcoxon_that_is_undefined(differences):
    assert wilcoxon(np.array(differences)) is None


def test_wilcoxon_of_what_is_not_finite():
    for bad in (math.nan, math.inf):
        with pytest.raises(InputError, match=r"^differences: not all finite; accepted: finite numbers"):
            wilcoxon(np.array([1.0, bad]))


def mean_ranks(differences):
    sizes = sorted(abs(d) for d in differences)
    return [(sizes.index(abs(d)) + 1 + len(sizes) - sizes[::-1].index(abs(d))) / 2 for d in differences]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-4, 4), min_size=2, max_size=7).filter(any))
def test_wilcoxon_over_all_signs(differences):
    ranks = [rank for rank, d in zip(mean_ranks(differences), differences, strict=True) if d]
    positive = sum(rank for rank, d in zip(mean_ranks(differences), differences, strict=True) if d > 0)
    sums = [sum(chosen) for size in range(len(ranks) + 1) for chosen in itertools.combinations(ranks, size)]
    tail = min(sum(s <= positive for s in sums), sum(s >= positive for s in sums)) / len(sums)
    assert wilcoxon(np.array(differences, dtype=float)) == pytest.approx(min(1, 2 * tail))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(-6, 8), min_size=51, max_size=80).filter(any))
def test_wilcoxon_of_many_rows(differences):
    ranked = [(rank, d) for rank, d in zip(mean_ranks(differences), differences, strict=True) if d]
    positive = sum(rank for rank, d in ranked if d > 0)
    # Each rank is in the sum or not, with probability 1/2: mean Σr / 2, variance Σr² / 4.
    centre, variance = sum(r for r, _ in ranked) / 2, sum(r**2 for r, _ in ranked) / 4
    z = abs(positive - centre) / math.sqrt(variance)
    assert wilcoxon(np.array(differences, dtype=float)) == pytest.approx(math.erfc(z / math.sqrt(2)))


# --- corrections and equivalence


def test_holm():
    # .01 · 3; .03 · 2; max(.04 · 1, .06)
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6, 0.7]) == [1, 1, 1]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []
    for bad in (-0.1, 1.1, math.nan):
        with pytest.raises(InputError, match=r"^p_values: .* accepted: numbers in \[0, 1\]"):
            holm([0.5, bad])


def rejected_by_holm(p_values, level):
    """The procedure as published: go up from the smallest p-value, stop at the first that is too large."""
    rejected = set()
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        if p_values[place] * (len(p_values) - rank) > level:
            break
        rejected.add(place)
    return rejected


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0, 0.999))
def test_holm_rejects_what_the_procedure_rejects(p_values, level):
    adjusted = holm(p_values)
    assert {i for i, p in enumerate(adjusted) if p <= level} == rejected_by_holm(p_values, level)
    assert all(p <= q <= 1 for p, q in zip(p_values, adjusted, strict=True))
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    assert [adjusted[i] for i in order] == sorted(adjusted)
    assert holm(p_values[::-1]) == adjusted[::-1]


@pytest.mark.parametrize(
    ("difference", "standard_error", "margin", "expected"),
    [
        (0.0, 1.0, 1.6448536, 0.05),  # both one-sided tests at their 5 % point
        (1.0, 0.5, 1.0, 0.5),  # at the margin
        (-1.0, 0.5, 2.0, 0.0227501),  # Φ(-2)
        (3.0, 1.0, 1.0, 0.9772499),  # Φ(2)
        (0.4, 0.0, 0.5, 0),
        (-0.5, 0.0, 0.5, 1),
        (0.6, 0.0, 0.5, 1),
    ],
)
def test_equivalence(difference, standard_error, margin, expected):
    assert equivalence(difference, standard_error, margin) == pytest.approx(expected, abs=1e-7)


@settings(deadline=None)
@given(st.floats(-3, 3), st.floats(0.01, 3), st.floats(0.01, 3))
def test_equivalence_is_two_one_sided_tests(difference, standard_error, margin):
    too_low = 1 - NORMAL.cdf((difference + margin) / standard_error)
    too_high = NORMAL.cdf((difference - margin) / standard_error)
    found = equivalence(difference, standard_error, margin)
    assert found == pytest.approx(max(too_low, too_high), abs=1e-9)
    assert found == equivalence(-difference, standard_error, margin)
    assert equivalence(difference, standard_error, margin + 1) <= found


@pytest.mark.parametrize(
    "bad",
    [
        (0.0, 1.0, 0.0),
        (0.0, 1.0, -1.0),
        (0.0, -1.0, 1.0),
        (math.nan, 1.0, 1.0),
        (0.0, math.nan, 1.0),
        (0.0, 1.0, math.inf),
    ],
)
def test_equivalence_of_what_it_cannot_use(bad):
    with pytest.raises(InputError, match=r"^difference, standard_error, margin: .* finite, at least 0, above 0$"):
        equivalence(*bad)


def test_smallest_detectable():
    assert smallest_detectable(1.0) == pytest.approx(1.959964 + 0.841621, abs=1e-6)
    assert smallest_detectable(0.5, power=0.9, significance=0.01) == pytest.approx((2.575829 + 1.281552) / 2, abs=1e-6)
    assert smallest_detectable(0.0) == 0


@pytest.mark.parametrize(
    "bad",
    [
        (-1.0, 0.8, 0.05),
        (math.inf, 0.8, 0.05),
        (math.nan, 0.8, 0.05),
        (1.0, 1.0, 0.05),
        (1.0, 0.8, 0.0),
        (1.0, 0.1, 0.2),
    ],
)
def test_smallest_detectable_of_what_it_cannot_use(bad):
    with pytest.raises(InputError, match=r"^standard_error, power, significance: .* 0 < significance < power < 1$"):
        smallest_detectable(*bad)


@settings(deadline=None)
@given(st.floats(0.01, 100), st.floats(0.3, 0.99), st.floats(0.001, 0.2))
def test_smallest_detectable_is_detected_with_its_power(standard_error, power, significance_level):
    effect = smallest_detectable(standard_error, power, significance_level)
    critical = NORMAL.inv_cdf(1 - significance_level / 2) * standard_error
    assert 1 - NORMAL.cdf((critical - effect) / standard_error) == pytest.approx(power)


# --- almost stochastic order


def violation(a, b):
    """ε of the samples: at confidence 1/2 the bound adds no spread."""
    return almost_stochastic_order(np.array(a, dtype=float), np.array(b, dtype=float), rng(), 5, confidence=0.5)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([0, 2, 4], [1, 1, 1], 1 / 11),  # gaps -1, 1, 3: 1 / (1 + 1 + 9)
        # Gaps -1 up to 1/2, then 3 - 1 = 2 up to 2/3, then 3 - 2 = 1: (1/2) / (1/2 + 4/6 + 1/3).
        ([3, 0], [1, 2, 1], 1 / 3),
        ([1, 2, 3], [3, 1, 2], 1 / 2),  # the same sample: neither
        ([1, 1], [1, 1, 1], 1 / 2),
        ([2, 3], [1, 2, 2.5], 0),
        ([1, 2, 2.5], [2, 3], 1),
        ([0, 2], [1, 1], 1 / 2),
    ],
)
def test_violation_ratio(a, b, expected):
    assert violation(a, b) == pytest.approx(expected)


def quantile_gaps(a, b):
    """Width and gap of each piece on which neither sample's quantile function changes."""
    ends = sorted(
        {Fraction(i, len(a)) for i in range(1, len(a) + 1)} | {Fraction(i, len(b)) for i in range(1, len(b) + 1)}
    )
    start = Fraction(0)
    for end in ends:
        at = [sorted(scores)[math.ceil(end * len(scores)) - 1] for scores in (a, b)]
        yield end - start, Fraction(at[0]) - Fraction(at[1])
        start = end


def exact_violation(a, b):
    pieces = list(quantile_gaps(a, b))
    total = sum(width * gap**2 for width, gap in pieces)
    return sum(width * gap**2 for width, gap in pieces if gap < 0) / total if total else Fraction(1, 2)


scores = st.lists(st.integers(-5, 5), min_size=2, max_size=9)


@settings(max_examples=40, deadline=None)
@given(scores, scores)
def test_violation_ratio_in_fractions(a, b):
    assert violation(a, b) == pytest.approx(float(exact_violation(a, b)))
    assert violation(a, b) + violation(b, a) == pytest.approx(1)
    assert violation(a + a, b) == pytest.approx(violation(a, b))  # the same distribution
    assert violation([3 * x - 7 for x in a], [3 * x - 7 for x in b]) == pytest.approx(violation(a, b))


def test_violation_ratio_of_uniform_distributions():
    # Quantile functions t and 2t - 3/4: gap 3/4 - t, below zero from 3/4 on: (1/4)³ / ((3/4)³ + (1/4)³) = 1/28.
    levels = (np.arange(4000) + 0.5) / 4000
    assert violation(levels, 2 * levels - 0.75) == pytest.approx(1 / 28, rel=1e-3)


@pytest.mark.parametrize("unit", [1e-200, 1e200])
def test_violation_ratio_has_no_unit(unit):
    assert violation([0, 2 * unit, 4 * unit], [unit] * 3) == pytest.approx(1 / 11)


def test_order_of_samples_apart():
    a, b = rng(30).uniform(2, 3, size=6), rng(31).uniform(0, 1, size=9)
    assert almost_stochastic_order(a, b, rng()) == 0
    assert almost_stochastic_order(b, a, rng()) == 1


def test_order_of_the_same_sample_prefers_neither():
    values = rng(32).normal(size=10)
    assert almost_stochastic_order(values, values, rng()) > 0.5
    assert almost_stochastic_order(np.ones(3), np.ones(4), rng()) == 0.5


def test_order_by_a_second_implementation():
    a, b = [0.0, 2.0, 4.0, 5.0], [1.0, 1.0, 3.0, 2.0, 2.0]
    generator = rng(33)
    draws_a, draws_b = (generator.integers(n, size=(60, n)).tolist() for n in (4, 5))
    ratios = [
        float(exact_violation([a[i] for i in of_a], [b[i] for i in of_b]))
        for of_a, of_b in zip(draws_a, draws_b, strict=True)
    ]
    centre = sum(ratios) / 60
    spread = math.sqrt(sum((ratio - centre) ** 2 for ratio in ratios) / 60)
    expected = float(exact_violation(a, b)) + NORMAL.inv_cdf(0.8) * spread
    assert 0.1 < expected < 0.9
    assert almost_stochastic_order(np.array(a), np.array(b), rng(33), 60, confidence=0.8) == pytest.approx(expected)


@settings(max_examples=30, deadline=None)
@given(scores, scores, st.integers(0, 2**32))
def test_order_is_a_share_and_grows_with_confidence(a, b, seed):
    a, b = np.array(a, dtype=float), np.array(b, dtype=float)
    bounds = [almost_stochastic_order(a, b, rng(seed), 50, confidence) for confidence in (0.5, 0.8, 0.95, 0.999)]
    assert bounds == sorted(bounds)
    assert 0 <= bounds[0]
    assert bounds[-1] <= 1


def test_bound_lies_above_the_true_ratio():
    generator = rng(34)
    above = 0
    for _ in range(200):
        a, b = generator.uniform(0, 1, size=100), generator.uniform(-0.75, 1.25, size=100)
        above += almost_stochastic_order(a, b, generator, 200, confidence=0.9) >= 1 / 28
    assert 0.8 <= above / 200 <= 0.97


def test_many_scores_are_resampled_in_chunks(monkeypatch):
    a, b = rng(35).normal(0.3, 1, size=50), rng(36).normal(size=70)
    whole = almost_stochastic_order(a, b, rng(37), 8000)
    monkeypatch.setattr(significance, "_CHUNK", 12_000)
    assert almost_stochastic_order(a, b, rng(37), 8000) == pytest.approx(whole, rel=0.1)


def test_order_of_what_it_cannot_use():
    good = np.array([1.0, 2.0])
    for bad in ([], [1.0], [1.0, math.nan], [1.0, math.inf]):
        with pytest.raises(InputError, match=r"^a: .* accepted: at least 2 scores, all finite"):
            almost_stochastic_order(np.array(bad), good, rng())
        with pytest.raises(InputError, match=r"^b: .* accepted: at least 2 scores, all finite"):
            almost_stochastic_order(good, np.array(bad), rng())


def test_scipy_is_loaded_only_when_used():
    source = inspect.getsource(significance)
    assert "\nimport scipy" not in source
    assert "\nfrom scipy" not in source
