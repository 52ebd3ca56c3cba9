"""Long texts in windows: every token is read, windows end where sentences do, and their sums stay exact."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert import ExplainableClassifier
from explainable_bert.errors import InputError
from explainable_bert.text.encoding import Reader
from explainable_bert.text.windows import shares, taken, windows
from tiny import ADDITIVE, DESIGNS

SENTENCES = "The film is great. A very, very dull plot! Don't. "
LONG = SENTENCES * 12


@pytest.fixture(scope="module")
def read(tokenizer):
    reader = Reader.of(tokenizer.backend_tokenizer, 41)
    return lambda *texts: reader.encode_whole([(texts[0], texts[1] if len(texts) > 1 else None)])[0]


def content(encoding, positions):
    return [position for position in positions if not encoding.special[position]]


def test_a_text_that_fits_is_one_window(read):
    encoding = read(SENTENCES)
    assert windows(encoding, len(encoding)) == [tuple(range(len(encoding)))]


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.sampled_from(["film", "unbelievable", "good.", "\n", "don't", "!"]), min_size=1, max_size=90),
       size=st.integers(3, 41))  # fmt: skip
def test_every_token_is_in_a_window_and_windows_move_on(read, words, size):
    encoding = read("the " + " ".join(words))
    found = windows(encoding, size)
    assert set().union(*found) == set(range(len(encoding)))
    special = [position for position, is_special in enumerate(encoding.special) if is_special]
    for positions in found:
        assert len(positions) <= size
        assert set(special) <= set(positions)
        inside = content(encoding, positions)
        assert inside == list(range(inside[0], inside[-1] + 1))
    firsts = [content(encoding, positions)[0] for positions in found]
    assert all(later > earlier for earlier, later in itertools.pairwise(firsts))


def test_windows_end_and_begin_with_sentences(read):
    encoding = read(LONG)
    for positions in windows(encoding, 41)[:-1]:
        inside = content(encoding, positions)
        assert encoding.text[encoding.spans[inside[-1]][0]] in ".!"
        assert encoding.text[encoding.spans[inside[0]][0]].isupper()


def test_neighbours_share_a_sentence(read):
    encoding = read(LONG)
    for one, other in itertools.pairwise(windows(encoding, 41)):
        assert len(set(content(encoding, one)) & set(content(encoding, other))) >= 2


def test_without_sentences_no_word_is_cut(read):
    encoding = read("unbelievable " * 40)
    for positions in windows(encoding, 41):
        inside = content(encoding, positions)
        assert encoding.word_ids[inside[0] - 1] != encoding.word_ids[inside[0]]
        assert inside[-1] + 1 >= len(encoding) - 1 or encoding.word_ids[inside[-1] + 1] != encoding.word_ids[inside[-1]]


def test_windows_of_a_word_longer_than_one(read):
    encoding = read("un" + "able" * 40)
    assert set().union(*windows(encoding, 7)) == set(range(len(encoding)))


def test_the_shorter_text_of_a_pair_is_in_every_window(read):
    encoding = read(LONG, "A good film?")
    found = windows(encoding, 41)
    shorter = {position for position, part in enumerate(encoding.parts) if part == 1}
    assert len(found) > 2
    assert all(shorter <= set(positions) for positions in found)
    assert set().union(*found) == set(range(len(encoding)))


@pytest.mark.parametrize("pair", [(LONG, SENTENCES * 4), (SENTENCES * 4, LONG)])
def test_two_long_texts_move_on_together(read, pair):
    encoding = read(*pair)
    found = windows(encoding, 41)
    assert set().union(*found) == set(range(len(encoding)))
    assert all(len(positions) <= 41 for positions in found)
    for positions in found:
        assert {encoding.parts[position] for position in positions} == {-1, 0, 1}


def test_a_window_reads_as_its_tokens_do(read):
    encoding = read(LONG)
    positions = windows(encoding, 41)[1]
    window = taken(encoding, positions)
    assert window.text == LONG
    assert window.input_ids == tuple(encoding.input_ids[position] for position in positions)
    assert len(window.spans) == len(window.parts) == len(window.word_ids) == len(window) == len(positions)


def test_shares_are_by_how_far_logits_lie_apart():
    assert shares(np.array([[1.0, -1.0], [0.5, 0.0], [2.0, 2.0]])).tolist() == [0.8, 0.2, 0.0]
    assert shares(np.array([[1.0, 1.0], [3.0, 3.0]])).tolist() == [0.5, 0.5]


@pytest.mark.parametrize("design", DESIGNS)
def test_a_long_text_is_the_mean_of_its_windows(classifier, design):
    model = classifier(design)
    (text,) = model.read([LONG])
    assert len(text.windows) > 3
    logits = model.engine.logits([window.row.encoding for window in text.windows])()
    expected = shares(logits) @ logits
    found = model.explain([LONG])[0]
    assert found.prediction == model.predict([LONG])[0]
    assert found.prediction.n_windows == len(text.windows)
    assert found.prediction.n_tokens_dropped == 0
    chances = np.exp(expected - expected.max())
    assert list(found.prediction.probabilities.values()) == pytest.approx(list(chances / chances.sum()), abs=1e-6)
    assert found.target == model.labels[int(expected.argmax())]


@pytest.mark.parametrize("level", ["word", "token"])
@pytest.mark.parametrize("design", ADDITIVE)
def test_contributions_to_a_long_text_sum_to_its_logit(classifier, design, level):
    for target in (None, "LABEL_1"):
        found = classifier(design).explain([LONG, "good"], target=target, level=level)[0]
        assert found.attribution.completeness_error < 1e-5


@pytest.mark.parametrize("method", ["built-in", "integrated-gradients", "occlusion"])
def test_scores_are_stitched_at_their_place(classifier, method):
    """By hand: each window explained as a text of its own tokens, for the label of the whole."""
    model = classifier("additive")
    found = model.explain([LONG], method)[0]
    (text,) = model.read([LONG])
    target = model.labels.index(found.target)
    rows = [window.row for window in text.windows]
    of_windows = [model.engine.attribute(model.engine.method(method), [row], target, 0)() for row in rows]
    parts = shares(np.concatenate([of.logits for of in of_windows]))
    by_span = dict.fromkeys(((unit.start, unit.end) for unit in found.attribution.units), 0.0)
    for part, of, row in zip(parts, of_windows, rows, strict=True):
        for group in row.groups:
            by_span[group.start, group.end] += part * of.scores[0][list(group.tokens)].sum()
    assert list(found.attribution.scores) == pytest.approx(list(by_span.values()), abs=1e-5)


def test_every_word_of_5_000_has_its_place(classifier):
    text = "".join(f"Film {number} is good. " for number in range(1250))
    found = classifier("lexical").explain([text])[0]
    units = found.attribution.units
    assert len(units) == 5 * 1250
    assert all(text[unit.start : unit.end] == unit.text for unit in units)
    assert "".join(unit.text for unit in units) == text.replace(" ", "")
    assert found.prediction.n_windows > 150
    assert found.attribution.completeness_error < 1e-4


def test_windows_do_not_depend_on_what_is_read_beside_them(classifier):
    model = classifier("additive")
    alone = model.explain([LONG])[0]
    beside = model.explain(["good", LONG, ("bad film", LONG), "awful plot"])
    assert beside[1].attribution.scores == pytest.approx(alone.attribution.scores, abs=1e-6)
    assert [explanation.prediction.n_windows > 1 for explanation in beside] == [False, True, True, False]


def test_erasing_words_of_a_long_text(classifier):
    """Each window of the erased text, put together as for any text."""
    model = classifier("additive")
    (text,) = model.read([LONG])
    n_units = len(text.row.groups)
    keep = np.ones((4, n_units), dtype=bool)
    keep[1, 3] = keep[2, n_units - 2] = keep[3, : n_units // 2] = False
    (found,) = model.predict_erased([LONG], [keep])
    (whole,) = model.engine.erased_logits([text.windows[0].row], [keep[:1, text.windows[0].units]], _masking())
    by_window = [
        model.engine.erased_logits([window.row], [keep[:, window.units]], _masking())[0] for window in text.windows
    ]
    for variant in range(4):
        logits = np.array([of_window[variant] for of_window in by_window])
        assert found[variant] == pytest.approx(shares(logits) @ logits, abs=1e-5)
    assert whole.shape == (1, 3)


def _masking():
    from explainable_bert.text.erasure import ERASURES

    return ERASURES["mask"]


def test_variants_that_leave_a_window_as_it_is_share_its_pass(classifier, monkeypatch):
    model = classifier("additive")
    (text,) = model.read([LONG])
    n_units = len(text.row.groups)
    asked = []
    run = model.engine.erased_logits
    monkeypatch.setattr(
        model.engine, "erased_logits", lambda rows, keeps, erasure: asked.extend(keeps) or run(rows, keeps, erasure)
    )
    model.predict_erased([LONG], [~np.eye(n_units, dtype=bool)])
    assert [len(keep) for keep in asked] == [len(window.units) + 1 for window in text.windows]


def test_head_attention_of_a_long_text_covers_its_units(classifier):
    model = classifier("vanilla")
    (heads,) = model.head_attention([LONG])
    explanation = model.explain([LONG], "attention")[0]
    assert heads.shape == (3, len(explanation.attribution.units))
    assert heads.mean(axis=0) == pytest.approx(np.array(explanation.attribution.scores), abs=1e-6)


def test_a_long_text_has_no_map(classifier):
    with pytest.raises(InputError, match=r"attention_map: .*'The film is great.* windows, which have no common map"):
        classifier("additive").explain(["good", LONG], attention_map=True)


def test_long_texts_are_cut_or_refused_on_request(build, tokenizer):
    def of(long):
        return ExplainableClassifier(build("additive"), tokenizer, long=long)

    cut = of("truncate").explain([LONG])[0]
    assert (cut.prediction.n_windows, cut.prediction.n_tokens_dropped > 0) == (1, True)
    assert of("truncate").explain(["good"])[0].prediction.n_tokens_dropped == 0
    refusing = of("error")
    with pytest.raises(InputError, match=r"texts\[1\]: \d+ tokens given; accepted: at most 41, or long: window"):
        refusing.predict(["good", LONG])
    assert refusing.predict(["good"])[0].n_windows == 1
    with pytest.raises(InputError, match="long: 'wide' given; accepted: window, truncate, error"):
        of("wide")
