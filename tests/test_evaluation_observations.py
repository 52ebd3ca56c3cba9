"""Every observation against plain loops that ask a model for one variant at a time, and against cases by hand."""

import dataclasses
import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from explainable_bert.data.rationales import UnitRationales
from explainable_bert.evaluation import erasing, looking, noise
from explainable_bert.evaluation.asking import ErasedPredictions, answer_all
from explainable_bert.evaluation.erasing import CURVE_SHARES, N_RANDOM_ORDERS, N_SUBSETS
from explainable_bert.evaluation.search import N_CANDIDATES, best_sets
from explainable_bert.evaluation.subject import N_TIE_DRAWS, Subject, leave_one_out, only_top, scored, without_top
from explainable_bert.metrics.plausibility import auprc, average_precision, pairwise_token_f1
from explainable_bert.model.checkpoint import fingerprint
from explainable_bert.records import Attribution, Explanation, Prediction, Provenance, Unit
from test_attribution_batch import LONG, PAIR, SHORT, kept
from test_metrics_agreement import tau_b
from test_text_erasure import UNITS, by_hand

UNITS["awful"] = [-1, 0, -1]
TEXTS = [LONG, SHORT, PAIR, "awful"]
SHARES = [Fraction(share, 100) for share in (1, 5, 10, 20, 50)]
SCORES = ("probability", "margin")
# What is erased at a size: the first of an order, or all but those.
SIDES = {"erased": without_top, "kept": only_top}
every_score = pytest.mark.parametrize("score", SCORES)
every_side = pytest.mark.parametrize("side", SIDES)
every_text = pytest.mark.parametrize("text", TEXTS, ids=["long", "short", "pair", "one word"])
every_target = pytest.mark.parametrize("target", [0, 1, 2])


def subject(scores, target=0, seed=0, text="made up", **changes):
    """A text that is nothing but its scores."""
    units = tuple(Unit(f"u{number}", 2 * number, 2 * number + 1) for number in range(len(scores)))
    attribution = Attribution(units, tuple(map(float, scores)), "built-in", "word", True, special_token_mass=0.25)
    explanation = Explanation(
        text=text,
        prediction=Prediction("a", {"a": 0.5, "b": 0.3, "c": 0.2}, 0),
        target="a",
        attribution=attribution,
        provenance=Provenance("tiny", "vanilla", 4, "0", "0", ""),
    )
    return Subject(explanation=explanation, target=target, gold=0, seed=seed, **changes)


def drive(asking, says):
    """The result of an observation whose questions `says` answers, from what is kept to logits, one variant a time."""
    try:
        keep = next(asking)
        while True:
            keep = asking.send(np.array([says(tuple(row)) for row in keep.tolist()], dtype=np.float64))
    except StopIteration as finished:
        return finished.value


class Plain:
    """One text and one target under a model, asked for one variant at a time; sizes and scores by plain arithmetic."""

    def __init__(self, says, n_units, target):
        self.says, self.n_units, self.target = says, n_units, target

    def score(self, score, without):
        """The target's score with the units `without` erased."""
        logits = [float(logit) for logit in self.says(tuple(unit not in without for unit in range(self.n_units)))]
        if score == "margin":
            return logits[self.target] - max(logit for label, logit in enumerate(logits) if label != self.target)
        return math.exp(logits[self.target]) / sum(math.exp(logit) for logit in logits)

    def label(self, without):
        logits = list(self.says(tuple(unit not in without for unit in range(self.n_units))))
        return logits.index(max(logits))

    def at_sizes(self, score, order, side, sizes):
        top = [set(order[:size]) for size in sizes]
        units = set(range(self.n_units))
        return [self.score(score, some if side == "erased" else units - some) for some in top]

    def aopc(self, score, order, side):
        sizes = [math.ceil(share * self.n_units) for share in SHARES]
        full = self.score(score, set())
        return sum(full - value for value in self.at_sizes(score, order, side, sizes)) / 5


def ranking(scores):
    return sorted(range(len(scores)), key=lambda unit: -scores[unit])


@pytest.fixture
def observed(classifier, stock):
    """A subject of the tiny model with its plain twin, and a function that makes the engine observe it."""

    def make(text, target, method="built-in"):
        clf = kept(classifier, "vanilla")
        (explanation,) = clf.explain([text], method)
        found = Subject(explanation=explanation, target=target, gold=0, seed=0)
        known = {}

        def says(keep):
            if keep not in known:
                known[keep] = by_hand(clf, text, keep, "mask", stock).tolist()
            return known[keep]

        def observe(observation):
            return answer_all([(0, observation(found))], ErasedPredictions(clf, [text], "mask", "word"))[0]

        return found, Plain(says, found.n_units, target), observe

    return make


# --- Scores and orders


def test_scores_of_logits_by_hand():
    logits = np.array([[1.0, 3.0, 2.0], [0.0, 0.0, 0.0], [1000.0, 0.0, 0.0]])
    assert scored(logits, 1, "margin").tolist() == [1, 0, -1000]
    assert scored(logits, 0, "margin").tolist() == [-2, 0, 1000]
    e = math.e
    assert scored(logits, 1, "probability") == pytest.approx([e**3 / (e + e**3 + e**2), 1 / 3, 0])


def test_what_stays_by_hand():
    order = np.array([2, 0, 1])  # unit 2 is ranked first
    assert without_top(order, [0, 1, 2, 3]).astype(int).tolist() == [[1, 1, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert only_top(order, [0, 1, 2, 3]).astype(int).tolist() == [[0, 0, 0], [0, 0, 1], [1, 0, 1], [1, 1, 1]]
    assert leave_one_out(3).astype(int).tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]


def test_orders_without_ties_are_one():
    (order,) = subject([0.1, -5, 3, 0.2]).orders
    assert order.tolist() == [2, 3, 0, 1]


def test_tied_units_take_turns():
    orders = [order.tolist() for seed in range(200) for order in subject([1, 2, 1, 1, 0], seed=seed).orders]
    assert len(orders) == 200 * N_TIE_DRAWS
    assert {(order[0], order[4]) for order in orders} == {(1, 4)}
    counts = [[order[rank] for order in orders].count(unit) for rank in (1, 2, 3) for unit in (0, 2, 3)]
    assert min(counts) > 1000 / 3 - 75  # 5 standard deviations, √(1000 · ⅓ · ⅔) = 14.9 each
    again = subject([1, 2, 1, 1, 0], seed=7).orders
    assert np.array_equal(again, subject([1, 2, 1, 1, 0], seed=7).orders)


def test_draws_depend_on_seed_text_and_purpose_alone():
    def drawn(of, purpose="ties"):
        return of.generator(purpose).random(3).tolist()

    first = drawn(subject([1, 1]))
    assert drawn(subject([3, 2, 1], target=1)) == first
    assert drawn(subject([1, 1], seed=1)) != first
    assert drawn(subject([1, 1], text="another")) != first
    assert drawn(subject([1, 1]), "subsets") != first
    pair = dataclasses.replace(subject([1, 1]).explanation, text_pair="second")
    assert drawn(dataclasses.replace(subject([1, 1]), explanation=pair)) != first
    assert drawn(subject([1, 1], text="\ud800 lone")) != first


# --- Erasing, beside the stock model


@every_score
@every_side
@every_target
@every_text
def test_aopc(observed, text, target, side, score):
    found, plain, observe = observed(text, target)
    observation = erasing.mean_comprehensiveness if side == "erased" else erasing.mean_sufficiency
    assert len(found.orders) == 1
    expected = plain.aopc(score, ranking(found.scores), side)
    assert observe(observation(score)) == pytest.approx((expected,), abs=1e-6)
    assert abs(expected) > 1e-5 or (side == "kept" and found.n_units == 1)


@every_side
@every_target
@every_text
def test_carton(observed, text, target, side):
    found, plain, observe = observed(text, target)
    full, empty = plain.score("probability", set()), plain.score("probability", set(range(found.n_units)))
    null = min(max(full - empty, 0), 1)
    shares = []
    sizes = [math.ceil(share * found.n_units) for share in SHARES]
    for value in plain.at_sizes("probability", ranking(found.scores), side, sizes):
        lost = min(max(full - value, 0), 1)
        share = lost if side == "erased" else (1 - lost) - (1 - null)
        shares.append(0 if null < 1e-5 else min(max(share / null, 0), 1))
    nothing_to_lose = float(null < 1e-5)
    assert observe(erasing.carton(SIDES[side])) == pytest.approx((sum(shares) / 5, nothing_to_lose), abs=1e-4)


@pytest.mark.parametrize(
    ("full", "empty", "nothing_to_lose"),
    [
        (0.5, 0.5 - 1.1e-5, 0.0),
        (0.5, 0.5 - 0.9e-5, 1.0),
        (0.5, 0.5, 1.0),
        (0.2, 0.9, 1.0),  # more probable without any word
        (0.9, 0.2, 0.0),
    ],
)
@every_side
def test_carton_of_texts_with_nothing_to_lose(side, full, empty, nothing_to_lose):
    by_size = {4: full, 0: empty}  # all that is between loses all, or with sufficiency nothing
    between = empty if side == "erased" else full
    says = lambda keep: [math.log(p := by_size.get(sum(keep), between)), math.log(1 - p)]  # noqa: E731
    found = drive(erasing.carton(SIDES[side])(subject([4, 3, 2, 1])), says)
    assert found == pytest.approx((1 - nothing_to_lose, nothing_to_lose), abs=1e-6)


def test_carton_is_not_all_zero(observed):
    found = [observed(LONG, target)[2](erasing.carton(top))[0] for target in range(3) for top in SIDES.values()]
    assert any(0.01 < value < 0.99 for value in found)


@every_target
@every_text
def test_log_odds(observed, text, target):
    found, plain, observe = observed(text, target)
    top = ranking(found.scores)[: math.ceil(Fraction(1, 5) * found.n_units)]
    expected = math.log(plain.score("probability", set(top)) / plain.score("probability", set()))
    assert observe(erasing.top_log_odds) == pytest.approx((expected,), abs=1e-5)
    assert abs(expected) > 1e-4


@every_target
@every_text
def test_flips(observed, text, target):
    found, plain, observe = observed(text, target)
    order = ranking(found.scores)
    assert observe(erasing.top_unit_flips) == (float(plain.label({order[0]}) != target),)
    flipping = [size for size in range(1, found.n_units + 1) if plain.label(set(order[:size])) != target]
    expected = (flipping[0] / found.n_units, 0.0) if flipping else (1.0, 1.0)
    assert observe(erasing.units_to_flip) == pytest.approx(expected)


@every_score
@every_side
@every_text
def test_curves(observed, text, side, score):
    found, plain, observe = observed(text, 1)
    sizes = [math.ceil(Fraction(tenth, 10) * found.n_units) for tenth in range(11)]
    expected = plain.at_sizes(score, ranking(found.scores), side, sizes)
    assert observe(erasing.curve(score, SIDES[side])) == pytest.approx(tuple(expected), abs=1e-6)
    whole = expected[0] if side == "erased" else expected[-1]
    assert whole == plain.score(score, set())
    if side == "erased" and score == "probability":
        drops = tuple(whole - value for value in expected)
        assert observe(erasing.drop_curve) == pytest.approx(drops, abs=1e-6)
    assert len(CURVE_SHARES) == 11


@pytest.mark.parametrize("method", ["built-in", "saliency", "occlusion"])
@every_text
def test_leave_one_out_and_polarity(observed, text, method):
    found, plain, observe = observed(text, 1, method)
    full = plain.score("probability", set())
    drops = [full - plain.score("probability", {unit}) for unit in range(found.n_units)]
    tau = tau_b(list(zip(found.scores.tolist(), drops, strict=True)))
    assert observe(erasing.loo_agreement) == (None if tau is None else pytest.approx((tau,)))
    signs = [
        (score > 0) - (score < 0) != (drop > 0) - (drop < 0)
        for score, drop in zip(found.scores.tolist(), drops, strict=True)
    ]
    assert observe(erasing.polarity) == pytest.approx((sum(signs) / found.n_units,))
    if found.n_units == 1:
        assert tau is None


def test_a_lost_probability_is_what_leave_one_out_ranks(observed):
    found, _, observe = observed(LONG, 1, "occlusion")
    assert found.explanation.target == "LABEL_1"
    assert observe(erasing.loo_agreement)[0] > 0.5  # logits and probabilities order alike, mostly
    opposite = dataclasses.replace(found.explanation.attribution, scores=tuple((-found.scores).tolist()))
    turned = dataclasses.replace(found, explanation=dataclasses.replace(found.explanation, attribution=opposite))
    again = observe(lambda _: erasing.loo_agreement(turned))
    assert again == pytest.approx((-observe(erasing.loo_agreement)[0],))


@every_score
@every_text
def test_infidelity(observed, text, score):
    found, plain, _ = observed(text, 1)
    asked = []

    def says(keep):
        asked.append(keep)
        return plain.says(keep)

    value = drive(erasing.scaled_infidelity(score)(found), says)
    subsets = [{unit for unit, stays in enumerate(keep) if not stays} for keep in asked[1:]]
    assert asked[0] == (True,) * found.n_units
    assert len(subsets) == N_SUBSETS
    assert {len(erased) for erased in subsets} == set(range(1, found.n_units + 1))
    forecasts = [sum(float(found.scores[unit]) for unit in erased) for erased in subsets]
    drops = [plain.score(score, set()) - plain.score(score, erased) for erased in subsets]
    scale = sum(f * d for f, d in zip(forecasts, drops, strict=True)) / sum(f * f for f in forecasts)
    expected = sum((d - scale * f) ** 2 for f, d in zip(forecasts, drops, strict=True)) / N_SUBSETS
    assert value == pytest.approx((expected,), abs=1e-12)


def test_infidelity_of_a_sum_is_zero():
    weights = [0.5, -1.0, 2.0, 0.25]
    says = lambda keep: [sum(w for w, stays in zip(weights, keep, strict=True) if stays), 0.0]  # noqa: E731
    of = subject([10 * weight for weight in weights])
    assert drive(erasing.scaled_infidelity("margin")(of), says) == pytest.approx((0,), abs=1e-12)
    turned = subject([1, 1, 1, -1])
    assert drive(erasing.scaled_infidelity("margin")(turned), says)[0] > 0.1


def test_subsets_of_every_size_are_as_likely():
    asked = []

    def says(keep):
        asked.append(keep)
        return [0.0, 0.0]

    for seed in range(30):
        drive(erasing.scaled_infidelity("margin")(subject([1, 2, 3, 4, 5], seed=seed)), says)
    erased = 1 - np.array([keep for keep in asked if not all(keep)], dtype=int)
    assert len(erased) == 30 * N_SUBSETS
    counts = np.bincount(erased.sum(axis=1), minlength=6)
    assert counts[1:] == pytest.approx(np.full(5, 600), abs=110)  # 5 · √(3000 · .2 · .8)
    assert erased.mean(axis=0) == pytest.approx(np.full(5, 0.6), abs=0.05)


@every_score
@every_side
def test_parts_of_the_range(observed, side, score):
    found, plain, observe = observed(LONG, 1)
    of_method, of_random, of_best = observe(erasing.against_search(score, SIDES[side]))
    assert of_method == pytest.approx(plain.aopc(score, ranking(found.scores), side), abs=1e-6)
    generator = found.generator("random orders")
    orders = [generator.permutation(9).tolist() for _ in range(N_RANDOM_ORDERS)]
    expected = sum(plain.aopc(score, order, side) for order in orders) / N_RANDOM_ORDERS
    assert of_random == pytest.approx(expected, abs=1e-6)
    # Sizes 1, 1, 1, 2, 5 of 9: of all pairs the search tries those with the best unit.
    sign = 1 if side == "erased" else -1

    def value(units):
        erased = set(units) if side == "erased" else set(range(9)) - set(units)
        return sign * (plain.score(score, set()) - plain.score(score, erased))

    margin = lambda units: plain.score("margin", units if side == "erased" else set(range(9)) - units)  # noqa: E731
    grown, at_size = set(), {}
    for size in range(1, 6):
        grown = grown | {min(set(range(9)) - grown, key=lambda unit: sign * margin(grown | {unit}))}
        at_size[size] = value(grown)
    assert sign * of_best == pytest.approx((3 * at_size[1] + at_size[2] + at_size[5]) / 5, abs=1e-6)
    assert sign * of_best >= sign * of_random
    other = observed(LONG, 1, "random")[2](erasing.against_search(score, SIDES[side]))
    assert other[1:] == pytest.approx((of_random, of_best), abs=1e-6)
    assert other[0] != pytest.approx(of_method, abs=1e-5)


def test_a_single_unit_leaves_nothing_to_choose(observed):
    for side in SIDES.values():
        _, _, observe = observed("awful", 2)
        method, random, best = observe(erasing.against_search("probability", side))
        assert method == pytest.approx(random, abs=1e-9)
        assert method == pytest.approx(best, abs=1e-9)


# --- Ties


@every_side
@every_score
def test_ties_are_the_mean_over_draws(observed, side, score):
    found, plain, observe = observed(LONG, 1)
    flat = dataclasses.replace(found.explanation.attribution, scores=(1.0,) * 4 + (0.5,) * 5)
    tied = dataclasses.replace(found, explanation=dataclasses.replace(found.explanation, attribution=flat))
    orders = [order.tolist() for order in tied.orders]
    assert len(orders) == N_TIE_DRAWS
    assert len({tuple(order) for order in orders}) > 1
    assert all(set(order[:4]) == {0, 1, 2, 3} for order in orders)
    observation = erasing.mean_comprehensiveness if side == "erased" else erasing.mean_sufficiency
    values = [plain.aopc(score, order, side) for order in orders]
    assert np.ptp(values) > 1e-4
    first = observe(lambda _: observation(score)(tied))
    assert first == pytest.approx((sum(values) / N_TIE_DRAWS,), abs=1e-6)
    assert observe(lambda _: observation(score)(tied)) == first
    top = math.ceil(Fraction(1, 5) * 9)
    odds = [
        math.log(plain.score("probability", set(order[:top])) / plain.score("probability", set())) for order in orders
    ]
    assert observe(lambda _: erasing.top_log_odds(tied)) == pytest.approx((sum(odds) / N_TIE_DRAWS,), abs=1e-5)
    sizes = [math.ceil(Fraction(tenth, 10) * 9) for tenth in range(11)]
    points = np.mean([plain.at_sizes(score, order, side, sizes) for order in orders], axis=0)
    curve = observe(lambda _: erasing.curve(score, SIDES[side])(tied))
    assert curve == pytest.approx(tuple(points), abs=1e-6)


def test_flips_of_tied_units():
    says = lambda keep: [1.0, 0.0] if keep[0] else [0.0, 1.0]  # noqa: E731  # unit 0 alone decides
    tied = subject([1, 1, 0], seed=1)
    first = [order.tolist()[0] for order in tied.orders]
    assert 0 < first.count(0) < N_TIE_DRAWS
    share = first.count(0) / N_TIE_DRAWS
    assert drive(erasing.top_unit_flips(tied), says) == pytest.approx((share,))
    # Unit 0 goes first or second, of three.
    flip_share, never = drive(erasing.units_to_flip(tied), says)
    assert flip_share == pytest.approx(share / 3 + (1 - share) * 2 / 3)
    assert never == 0
    over_seeds = [drive(erasing.top_unit_flips(subject([1, 1, 0], seed=seed)), says)[0] for seed in range(400)]
    assert np.mean(over_seeds) == pytest.approx(0.5, abs=0.06)


def test_what_never_flips_counts_as_all():
    assert drive(erasing.units_to_flip(subject([3, 2, 1])), lambda _: [1.0, 0.0]) == (1.0, 1.0)
    says = lambda keep: [float(sum(keep)), 0.5]  # noqa: E731  # flips when all are gone
    assert drive(erasing.units_to_flip(subject([3, 2, 1])), says) == (1.0, 0.0)


# --- Search


def searched(says, n_units, sizes, erased, target=0):
    """What the search finds, and how many variants it asked for round by round."""
    rounds = []
    asking = best_sets(subject(range(n_units), target), sizes, erased=erased)
    try:
        keep = next(asking)
        while True:
            rounds.append(keep)
            keep = asking.send(np.array([says(tuple(row)) for row in keep.tolist()], dtype=np.float64))
    except StopIteration as finished:
        return finished.value, rounds


@given(st.integers(1, 6), st.integers(0, 10_000), st.booleans(), st.integers(2, 3))
def test_search_beside_all_sets(n_units, seed, erased, n_labels):
    table = np.random.default_rng(seed).normal(size=(2**n_units, n_labels))
    says = lambda keep: table[sum(2**unit for unit, stays in enumerate(keep) if stays)]  # noqa: E731
    sizes = sorted({math.ceil(share * n_units) for share in SHARES} | {n_units})
    plain = Plain(says, n_units, target=1)
    found, _ = searched(says, n_units, sizes, erased, target=1)

    def value(units):  # the higher, the better
        return -plain.score("margin", units) if erased else plain.score("margin", set(range(n_units)) - units)

    for size, row in zip(sizes, found, strict=True):
        chosen = set(np.flatnonzero(row).tolist())
        best = max(value(set(units)) for units in itertools.combinations(range(n_units), size))
        assert len(chosen) == size
        assert value(chosen) <= best + 1e-12
        if size in (1, n_units):
            assert value(chosen) == pytest.approx(best)
        # The second unit is the best one beside the first.
        if size == 2:
            (first,) = np.flatnonzero(found[0]).tolist()
            assert value(chosen) == pytest.approx(max(value({first, unit}) for unit in range(n_units) if unit != first))


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=20, unique=True), st.booleans())
def test_search_of_a_sum_finds_the_largest(weights, erased):
    says = lambda keep: [sum(w for w, stays in zip(weights, keep, strict=True) if stays), 0]  # noqa: E731
    sizes = sorted({math.ceil(share * len(weights)) for share in SHARES})
    found, _ = searched(says, len(weights), sizes, erased)
    order = ranking(weights)
    assert [set(np.flatnonzero(row).tolist()) for row in found] == [set(order[:size]) for size in sizes]


@pytest.mark.parametrize("n_units", [1, 2, 19, 20, 21, 60, 100, 200, 333, 500])
@pytest.mark.parametrize("erased", [True, False])
def test_search_in_rounds(n_units, erased):
    weights = np.random.default_rng(n_units).normal(size=n_units)
    says = lambda keep: [float(weights[np.array(keep)].sum()), 0.0]  # noqa: E731
    sizes = [math.ceil(share * n_units) for share in SHARES]
    found, rounds = searched(says, n_units, sizes, erased)
    assert found.sum(axis=1).tolist() == sizes
    for smaller, larger in itertools.pairwise(found):
        assert (smaller <= larger).all()  # nested
    step = -(-sizes[-1] // 10)
    assert len(rounds) <= 10 + len(set(sizes)) - 1
    assert len(rounds[0]) == n_units
    assert max((len(asked) for asked in rounds[1:]), default=0) <= max(N_CANDIDATES, step)
    if n_units <= 20:
        assert len(rounds) == sizes[-1]  # one unit a round
    grown = [0, *((~asked if erased else asked).sum(axis=1)[0] - 1 for asked in rounds[1:])]
    assert all(0 < after - before <= step for before, after in itertools.pairwise([*grown, sizes[-1]]))
    # A sum has its largest terms found whatever the steps.
    assert set(np.flatnonzero(found[-1])) == set(ranking(weights)[: sizes[-1]])


def test_search_takes_what_helps_beside_the_rest():
    # Units 0 and 1 say the same: either alone changes nothing, while unit 2 alone changes a little.
    says = lambda keep: [3.0 * (keep[0] or keep[1]) + keep[2], 0.0]  # noqa: E731
    found, _ = searched(says, 4, [1, 2], erased=False)
    assert found.astype(int).tolist() == [[1, 0, 0, 0], [1, 0, 1, 0]]
    # Unit 3 costs the most by itself, unit 1 beside it, although unit 0 by itself costs more than unit 1.
    cost = {(): 0, (3,): 5, (0,): 4, (1,): 1, (2,): 0, (0, 3): 5, (1, 3): 9, (2, 3): 6}
    says = lambda keep: [-cost[tuple(unit for unit, stays in enumerate(keep) if not stays)], 0.0]  # noqa: E731
    found, rounds = searched(says, 4, [1, 2], erased=True)
    assert found.astype(int).tolist() == [[0, 0, 0, 1], [0, 1, 0, 1]]
    assert [len(asked) for asked in rounds] == [4, 3]


# --- Looking, without erasing

MASKS = np.array([[1, 1, 0, 0, 0], [0, 1, 1, 1, 0], [1, 0, 0, 0, 0]], dtype=bool)
MARKED = UnitRationales(MASKS, 0.0)
RANKED = [0.5, 0.9, -2.0, 0.1, 0.3]


def look(observation, of):
    return drive(observation(of), None)  # None: nothing may be asked


def f1(predicted, marked):
    both = sum(p and m for p, m in zip(predicted, marked, strict=True))
    return 2 * both / (sum(predicted) + sum(marked)) if both else 0.0


def spans(mask):
    runs, start = [], None
    for place, marked in enumerate([*mask, False]):
        if marked and start is None:
            start = place
        if not marked and start is not None:
            runs.append(set(range(start, place)))
            start = None
    return runs


def iou(predicted, marked):
    """Precision or 0, whether it is defined, recall or 0, whether it is defined."""
    ours, theirs = spans(predicted), spans(marked)
    n_matched = sum(any(len(a & b) / len(a | b) >= 0.5 for b in theirs) for a in ours)
    both = ([n_matched / len(of_side), 1] if of_side else [0, 0] for of_side in (ours, theirs))
    return tuple(itertools.chain(*both))


def test_agreement_with_people_is_the_mean_over_annotators():
    of = subject(RANKED, rationales=MARKED, rationale_size=2)
    expected = np.mean([average_precision_score(mask, RANKED) for mask in MASKS])
    ranked = looking.against_people(looking.of_ranking(average_precision))
    assert look(ranked, of) == pytest.approx((expected,))
    areas = [auprc(np.array(RANKED), mask) for mask in MASKS]
    assert look(looking.against_people(looking.of_ranking(auprc)), of) == pytest.approx((sum(areas) / 3,))
    top = [True, True, False, False, False]  # the two highest
    assert look(looking.against_people(looking.of_words), of) == pytest.approx((np.mean([f1(top, m) for m in MASKS]),))
    both = np.mean([iou(top, mask) for mask in MASKS], axis=0)
    assert look(looking.against_people(looking.of_spans), of) == pytest.approx(tuple(both))


def test_people_are_held_against_one_another_in_both_directions():
    of = subject(RANKED, rationales=MARKED, rationale_size=2)
    pairs = [(MASKS[i], MASKS[j]) for i in range(3) for j in range(3) if i != j]
    words = look(looking.people_against_people(looking.of_words), of)
    assert words == pytest.approx((pairwise_token_f1(MASKS),))
    expected = np.mean([average_precision_score(marked, predicted.astype(float)) for predicted, marked in pairs])
    ranked = look(looking.people_against_people(looking.of_ranking(average_precision)), of)
    assert ranked == pytest.approx((expected,))
    one_way = np.mean([average_precision_score(b, a.astype(float)) for a, b in itertools.combinations(MASKS, 2)])
    assert one_way != pytest.approx(expected)
    both = np.mean([iou(*pair) for pair in pairs], axis=0)
    assert look(looking.people_against_people(looking.of_spans), of) == pytest.approx(tuple(both))


def test_a_persons_mask_is_not_cut_to_size():
    of = subject(RANKED, rationales=MARKED, rationale_size=1)
    assert look(looking.people_against_people(looking.of_words), of) == pytest.approx((pairwise_token_f1(MASKS),))


def test_shuffled_people_mark_as_many_units():
    of = subject(RANKED, rationales=MARKED, rationale_size=2)
    seen = []

    def agreement(_, predicted, marked):
        seen.append((predicted.tolist(), marked.tolist()))
        return (f1(predicted, marked),)

    value = look(looking.shuffled_people(agreement), of)
    assert value == pytest.approx((np.mean([f1(*pair) for pair in seen]),))
    masks = MASKS.tolist()
    places = [(i, j) for i in range(3) for j in range(3) if i != j]
    for (one, other), (predicted, marked) in zip(places, seen, strict=True):
        assert marked == masks[other]
        assert sum(predicted) == sum(masks[one])
    assert {tuple(predicted) for predicted, _ in seen} != {tuple(mask) for mask in masks}
    assert look(looking.shuffled_people(agreement), of) == value
    values = {look(looking.shuffled_people(agreement), dataclasses.replace(of, seed=seed)) for seed in range(20)}
    assert len(values) > 5


def test_without_people_nothing_is_said():
    every = (
        looking.against_people,
        looking.people_against_people,
        looking.shuffled_people,
        looking.lexicon_against_people,
    )
    nobody = [None, UnitRationales(np.zeros((0, 5), bool), 0.0)]
    for kind, rationales in itertools.product(every, nobody):
        of = subject(RANKED, rationales=rationales, rationale_size=2, valences=np.ones(5))
        assert look(kind(looking.of_words), of) is None
    alone = subject(RANKED, rationales=UnitRationales(MASKS[:1], 0.0), rationale_size=2)
    assert look(looking.people_against_people(looking.of_words), alone) is None
    assert look(looking.shuffled_people(looking.of_words), alone) is None
    assert look(looking.against_people(looking.of_words), alone) == (1.0,)


def test_annotators_for_whom_it_is_undefined_are_left_out():
    masks = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=bool)
    of = subject([3, 1, 2], rationales=UnitRationales(masks, 0.0), rationale_size=1)
    assert look(looking.against_people(looking.of_ranking(average_precision)), of) == (1.0,)
    # Spans: nothing marked has no recall; {0} against {0} matches, against {0, 1, 2} it does not.
    assert look(looking.against_people(looking.of_spans), of) == pytest.approx((1 / 3, 1, 1 / 3, 2 / 3))
    # Words: 0, 1 and 2 · 1 / (1 + 3).
    assert look(looking.against_people(looking.of_words), of) == pytest.approx((0.5,))


@pytest.mark.parametrize(
    ("predicted", "marked", "expected"),
    [
        ("110", "010", (1, 1, 1, 1)),
        ("110", "001", (0, 1, 0, 1)),
        ("101", "100", (0.5, 1, 1, 1)),
        ("100", "101", (1, 1, 0.5, 1)),
        ("110", "000", (0, 1, 0, 0)),
        ("000", "110", (0, 0, 0, 1)),
        ("000", "000", (0, 0, 0, 0)),
    ],
)
def test_spans_of_a_side_that_is_empty(predicted, marked, expected):
    predicted, marked = (np.array([bit == "1" for bit in mask]) for mask in (predicted, marked))
    assert looking.of_spans(subject([3, 2, 1]), predicted, marked) == expected == iou(predicted, marked)


def test_a_lexicon_is_ranked_by_strength():
    valences = np.array([-3.0, 0.5, 0.0, 2.0, 0.0])
    of = subject(RANKED, rationales=MARKED, rationale_size=2, valences=valences)
    expected = np.mean([average_precision_score(mask, np.abs(valences)) for mask in MASKS])
    ranked = look(looking.lexicon_against_people(looking.of_ranking(average_precision)), of)
    assert ranked == pytest.approx((expected,))
    top = [True, False, False, True, False]
    words = look(looking.lexicon_against_people(looking.of_words), of)
    assert words == pytest.approx((np.mean([f1(top, mask) for mask in MASKS]),))
    assert look(looking.lexicon_against_people(looking.of_words), dataclasses.replace(of, valences=None)) is None


def test_scores_against_the_lexicon():
    # Strong are units 0, 1 and 3, of valence 1 or more; |scores| rank 2 0 1 3: (1/2 + 2/3 + 3/4) / 3.
    of = subject([1.0, -0.5, -2.0, 0.1], valences=np.array([-3.0, 1.0, 0.9, 1.5]))
    assert looking.lexicon_average_precision(of) == pytest.approx(((1 / 2 + 2 / 3 + 3 / 4) / 3,))
    assert looking.lexicon_average_precision(subject([1.0, 2.0], valences=np.array([0.5, 0.0]))) is None
    assert looking.lexicon_average_precision(subject([1.0, 2.0])) is None


def test_what_explanations_and_predictions_state():
    of = subject([3, 1], target=0)
    assert looking.stated_completeness_error(of) is None
    exact = dataclasses.replace(of.explanation.attribution, bias=0.5, logit=4.0)
    stated = dataclasses.replace(of, explanation=dataclasses.replace(of.explanation, attribution=exact))
    assert looking.stated_completeness_error(stated) == (0.5,)  # |.5 + 3 + 1 - 4|
    assert looking.classification(of) == (0.0, 0.5, 0.3, 0.2)
    assert looking.is_right(of) == (1.0,)
    assert looking.is_right(dataclasses.replace(of, gold=2)) == (0.0,)
    # (.5 - 1)² + .3² + .2², and .5² + .3² + (.2 - 1)²
    assert looking.squared_error(of) == pytest.approx((0.38,))
    assert looking.squared_error(dataclasses.replace(of, gold=2)) == pytest.approx((0.98,))
    unlabelled = dataclasses.replace(of, gold=None)
    for observe in (looking.classification, looking.is_right, looking.squared_error):
        assert observe(unlabelled) is None


def test_effective_words_of_each_head():
    # exp(entropy): 2 of an even head over two, 1 of a peaked one; 3 of the even head over three.
    heads = np.array([[0.2, 0.2, 0.0], [0.0, 0.7, 0.0], [0.1, 0.1, 0.1]])
    assert looking.effective_words_per_head(subject([1, 2, 3], heads=heads)) == pytest.approx((2.0,))
    assert looking.effective_words_per_head(subject([1, 2, 3])) is None


def test_special_tokens_have_what_no_unit_has():
    # Heads leave .6, .3 and .7, whatever the explanation states of its own attention.
    heads = np.array([[0.2, 0.2, 0.0], [0.0, 0.7, 0.0], [0.1, 0.1, 0.1]])
    of = subject([1, 2, 3], heads=heads)
    assert of.explanation.attribution.special_token_mass == 0.25
    assert looking.special_token_mass(of) == pytest.approx(((0.6 + 0.3 + 0.7) / 3,))
    assert looking.special_token_mass(dataclasses.replace(of, heads=heads[:1])) == pytest.approx((0.6,))
    assert looking.special_token_mass(subject([1, 2, 3])) is None


def test_metrics_of_scores_alone():
    assert look(looking.of_scores(lambda scores: float(scores.sum())), subject([1, 2])) == (3.0,)
    assert look(looking.of_scores(lambda _: None), subject([1, 2])) is None


# --- Noise


def test_sensitivity_by_hand():
    of = subject([3, 4], noisy_scores=np.array([[3.0, 4.0], [3.0, 4.5], [2.0, 4.0]]))
    assert looking.sensitivity(of) == pytest.approx((1 / 5,))  # ‖(1, 0)‖ / ‖(3, 4)‖
    assert looking.sensitivity(subject([3, 4])) is None
    assert looking.sensitivity(subject([3, 4], noisy_scores=np.zeros((0, 2)))) is None
    assert looking.sensitivity(subject([0, 0], noisy_scores=np.ones((1, 2)))) is None


def drawn_noise(draw, seed=0):
    """The noise of one draw, one vector for each of 41 positions."""
    drawn = np.random.default_rng([seed, draw]).uniform(-noise.RADIUS, noise.RADIUS, size=(41, 21))
    return torch.from_numpy(drawn).float()


@torch.no_grad()
def with_noise(clf, text, drawn, masked=()):
    """The output for a text whose embeddings had noise added by hand, with some of its positions masked."""
    encoded = clf.tokenizer(text, return_tensors="pt", return_special_tokens_mask=True)
    ids = encoded.pop("input_ids")
    ids[:, list(masked)] = clf.tokenizer.mask_token_id
    embedded = clf.model.bert.embeddings.word_embeddings.weight[ids]
    return clf.model(inputs_embeds=embedded + drawn[: ids.shape[1]], **encoded)


def by_unit(text, scores):
    return [sum(s for s, u in zip(scores, UNITS[text], strict=True) if u == n) for n in range(max(UNITS[text]) + 1)]


@pytest.mark.parametrize("design", ["single-head", "vanilla"])
def test_noise_on_the_built_in_explanation(classifier, design):
    clf = kept(classifier, design)
    texts = [LONG, SHORT]
    found = noise.noisy_scores(clf, texts, "built-in", "word", 3)
    for text, of_text in zip(texts, found, strict=True):
        plain = clf.predict([text])[0].label
        outputs = [with_noise(clf, text, drawn_noise(draw, seed=3)) for draw in range(noise.N_DRAWS)]
        labels = [clf.labels[output.logits[0].argmax()] for output in outputs]
        expected = [
            by_unit(text, output.attention[0].tolist())
            for output, label in zip(outputs, labels, strict=True)
            if label == plain
        ]
        assert of_text == pytest.approx(np.array(expected), abs=1e-6)
        assert np.ptp(of_text, axis=0).max() > 1e-5
    (unshaken,) = clf.explain([LONG])
    assert found[0][0] != pytest.approx(np.array(unshaken.attribution.scores), abs=1e-6)


def test_noise_is_the_same_for_all_variants_that_a_method_runs(classifier):
    clf = kept(classifier, "single-head")
    (found,) = noise.noisy_scores(clf, [SHORT], "occlusion", "word", 0)
    target = clf.labels.index(clf.predict([SHORT])[0].label)
    for draw, scores in enumerate(found):
        logits = [
            with_noise(clf, SHORT, drawn_noise(draw), masked=at).logits[0, target] for at in ((), (1,), (2,), (3,))
        ]
        assert scores == pytest.approx([float(logits[0] - without) for without in logits[1:]], abs=1e-5)


def test_noise_is_one_vector_per_position_within_the_ball(classifier):
    clf = kept(classifier, "vanilla")
    embed, weights = clf.model.get_input_embeddings(), clf.model.get_input_embeddings().weight
    ids = torch.tensor([[2, 9, 9, 9, 3], [2, 10, 11, 12, 3]])
    with torch.no_grad():
        drawn = []
        for draw in (0, 0, 1):
            with noise._noise(clf, np.random.default_rng([5, draw])):
                added = embed(ids) - weights[ids]
                assert torch.allclose(embed(ids[:, :3]) - weights[ids[:, :3]], added[:, :3], atol=1e-6)
            drawn.append(added)
        assert torch.equal(embed(ids), weights[ids])
    first, again, other = drawn
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert torch.allclose(first[0], first[1], atol=1e-6)
    assert not torch.allclose(first[0, 1], first[0, 2])
    assert 0.9 * noise.RADIUS < first.abs().max() <= noise.RADIUS + 1e-6


def test_the_model_is_left_as_it_was(classifier, monkeypatch):
    clf = kept(classifier, "additive")
    before, explained = fingerprint(clf.model), clf.explain([LONG, SHORT])
    noise.noisy_scores(clf, [LONG, SHORT], "integrated-gradients", "word", 0)
    assert fingerprint(clf.model) == before
    assert clf.explain([LONG, SHORT]) == explained
    monkeypatch.setattr(type(clf), "explain", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        noise.noisy_scores(clf, [SHORT], "built-in", "word", 0)
    assert not clf.model.get_input_embeddings()._forward_hooks


def test_draws_that_change_the_label_are_left_out(classifier, monkeypatch):
    clf = kept(classifier, "vanilla")
    monkeypatch.setattr(noise, "RADIUS", 2.0)
    plain = [prediction.label for prediction in clf.predict(TEXTS)]
    kept_label = [
        sum(
            clf.labels[with_noise(clf, text, drawn_noise(draw)).logits[0].argmax()] == label
            for draw in range(noise.N_DRAWS)
        )
        for text, label in ((LONG, plain[0]), (SHORT, plain[1]))
    ]
    assert sum(kept_label) < 2 * noise.N_DRAWS
    found = noise.noisy_scores(clf, [LONG, SHORT], "built-in", "word", 0)
    assert [len(scores) for scores in found] == kept_label


def test_no_draw_may_be_left(classifier, monkeypatch):
    clf = kept(classifier, "vanilla")
    explain = type(clf).explain

    def of_another_label(self, *args, **asked):
        found = explain(self, *args, **asked)
        return [dataclasses.replace(item, prediction=dataclasses.replace(item.prediction, label="?")) for item in found]

    monkeypatch.setattr(type(clf), "explain", of_another_label)
    assert [scores.shape for scores in noise.noisy_scores(clf, [LONG, SHORT], "built-in", "word", 0)] == [
        (0, 9),
        (0, 3),
    ]
