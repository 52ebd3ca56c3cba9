"""Questions of all observations are answered together, each once, and every answer reaches the one who asked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert import ExplainableClassifier
from explainable_bert.evaluation.asking import ErasedPredictions, answer_all
from test_attribution_batch import LONG, PAIR, SHORT, kept

TEXTS = ["two words", "three words here", "two more"]
N_UNITS = (2, 3, 2)


def said(text, keep):
    """Two logits that no other text and no other choice of units has."""
    number = float(sum(2**unit for unit, stays in enumerate(keep) if stays))
    return [number, 100.0 * TEXTS.index(text)]


class Scripted(ExplainableClassifier):
    """Stands in for a classifier and writes down what it is asked."""

    def __init__(self):
        self.calls = []

    def predict_erased(self, texts, keeps, erasure, level):
        self.calls.append((list(texts), [keep.tolist() for keep in keeps], erasure, level))
        return [np.array([said(text, row) for row in keep.tolist()]) for text, keep in zip(texts, keeps, strict=True)]

    @property
    def variants(self):
        """Every variant that was run: (text, what was kept)."""
        return [
            (text, tuple(row))
            for texts, keeps, _, _ in self.calls
            for text, keep in zip(texts, keeps, strict=True)
            for row in keep
        ]


@pytest.fixture
def scripted():
    return Scripted()


def predictions(scripted, texts=TEXTS):
    return ErasedPredictions(scripted, texts, "deletion", "token")


def bits(rows, n_units):
    return np.array([[bool(row >> unit & 1) for unit in range(n_units)] for row in rows]).reshape(len(rows), n_units)


def asking(place, *rounds):
    """Asks for variants, given as numbers whose bits are the units kept, round by round; returns all it was told."""
    told = []
    for rows in rounds:
        logits = yield bits(rows, N_UNITS[place])
        told.append(logits.tolist())
    return place, told


def expected(place, *rounds):
    return place, [[[float(row), 100.0 * place] for row in rows] for rows in rounds]


def test_each_distinct_question_is_run_once(scripted):
    asked = [(0, [[1, 2, 1], [1, 3]]), (1, [[1, 5]]), (0, [[2, 0], [3]]), (2, [[1]])]
    found = answer_all([(place, asking(place, *rounds)) for place, rounds in asked], predictions(scripted))
    assert found == [expected(place, *rounds) for place, rounds in asked]
    once = {(0, 0), (0, 1), (0, 2), (0, 3), (1, 1), (1, 5), (2, 1)}
    wanted = [(TEXTS[place], tuple(bits([row], N_UNITS[place])[0].tolist())) for place, row in once]
    assert sorted(scripted.variants) == sorted(wanted)


def test_a_round_of_all_observations_is_one_call(scripted):
    answer_all([(0, asking(0, [0], [1], [2])), (1, asking(1, [3])), (2, asking(2, [0], [2]))], predictions(scripted))
    assert [texts for texts, *_ in scripted.calls] == [TEXTS, [TEXTS[0], TEXTS[2]], [TEXTS[0]]]
    assert {call[2:] for call in scripted.calls} == {("deletion", "token")}


def test_what_is_known_is_not_asked_again(scripted):
    known = predictions(scripted)
    answer_all([(1, asking(1, [1, 2, 4]))], known)
    assert answer_all([(1, asking(1, [4], [2, 1], [1]))], known) == [expected(1, [4], [2, 1], [1])]
    assert len(scripted.calls) == 1


def test_observations_that_ask_nothing(scripted):
    assert answer_all([], predictions(scripted)) == []
    assert answer_all([(1, asking(1)), (0, asking(0))], predictions(scripted)) == [(1, []), (0, [])]
    assert scripted.calls == []
    mixed = answer_all([(1, asking(1)), (0, asking(0, [3])), (1, asking(1))], predictions(scripted))
    assert mixed == [(1, []), (0, [[[3.0, 0.0]]]), (1, [])]


def test_the_same_text_at_two_places_is_two_texts(scripted):
    found = answer_all([(0, asking(0, [1])), (1, asking(0, [1]))], predictions(scripted, [TEXTS[0], TEXTS[0]]))
    assert found == [expected(0, [1])] * 2


def test_an_observation_may_build_on_another(scripted):
    def inner():
        logits = yield bits([3], 2)
        return logits[0, 0]

    def outer():
        first = yield from inner()
        logits = yield bits([1], 2)
        return first, logits[0, 0]

    assert answer_all([(0, outer())], predictions(scripted)) == [(3.0, 1.0)]


def test_faults_of_observations_come_out(scripted):
    def broken():
        yield bits([3], 2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer_all([(1, asking(1, [1], [2])), (0, broken())], predictions(scripted))


def test_answers_are_not_shared_memory(scripted):
    def spoiling():
        logits = yield bits([1], 2)
        logits[:] = -1
        return None

    known = predictions(scripted)
    answer_all([(0, spoiling())], known)
    assert answer_all([(0, asking(0, [1]))], known) == [expected(0, [1])]


rounds = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), max_size=4)


@given(st.lists(st.tuples(st.integers(0, 2), rounds), max_size=8))
def test_every_answer_reaches_the_one_who_asked(asked):
    scripted = Scripted()
    found = answer_all([(place, asking(place, *rows)) for place, rows in asked], predictions(scripted))
    assert found == [expected(place, *rows) for place, rows in asked]
    assert len(scripted.variants) == len(set(scripted.variants))
    wanted = {
        (TEXTS[place], tuple(bits([row], N_UNITS[place])[0]))
        for place, all_rows in asked
        for rows in all_rows
        for row in rows
    }
    assert set(scripted.variants) == wanted
    assert len(scripted.calls) <= max((len(all_rows) for _, all_rows in asked), default=0)


def test_answers_of_a_real_model(classifier):
    clf = kept(classifier, "lexical")
    texts = [LONG, SHORT, PAIR]

    def one_by_one(n_units):
        found = []
        for unit in range(n_units):
            logits = yield np.arange(n_units)[None] != unit
            found.append(logits[0])
        return np.array(found)

    real = ErasedPredictions(clf, texts, "mask", "word")
    found = answer_all([(place, one_by_one(n_units)) for place, n_units in enumerate((9, 3, 4))], real)
    for text, of_text in zip(texts, found, strict=True):
        (alone,) = clf.predict_erased([text], [~np.eye(len(of_text), dtype=bool)], "mask")
        assert of_text == pytest.approx(alone, abs=1e-5)
