"""Identities, paths, identifiability, randomisations and planted words, by hand; and the whole audit."""

import dataclasses

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from explainable_bert import ExplainableClassifier
from explainable_bert.audit import run_audit
from explainable_bert.audit.agreement import agreement, rank_correlation
from explainable_bert.audit.drawing_anew import draw_anew, put_back, top
from explainable_bert.audit.identifiability import identifiability
from explainable_bert.audit.identities import closed_form, closed_form_removal, completeness, masked, random_sets
from explainable_bert.audit.label_randomisation import label_randomisation
from explainable_bert.audit.markers import find_markers, plant
from explainable_bert.audit.outcomes import percent
from explainable_bert.audit.parameter_randomisation import parameter_randomisation
from explainable_bert.audit.paths import pooled_logits, shapley, share_through_map
from explainable_bert.audit.planted_shortcut import planted_shortcut, precision_at_one
from explainable_bert.audit.retraining import Training
from explainable_bert.audit.subject import subject, unit_scores
from explainable_bert.errors import InputError
from explainable_bert.model.attention import cls_context
from explainable_bert.model.checkpoint import fingerprint
from explainable_bert.text.encoding import Reader, check_texts, encode
from tiny import ADDITIVE, DESIGNS, VOCABULARY

TEXTS = [
    "the unbelievable movie was very, very good!",
    "a dull plot",
    "bad",
    "the film is great!!!",
    ("don't!", "good plot"),
]
POOLED = ("vanilla", "single-head")
# Enough to be trained on, and with words left over to plant.
MANY = [
    f"{a} {b} {c} {d}" for a in ("the", "a") for b in ("film", "plot") for c in ("is", "was") for d in "! 3 5".split()
]
PLENTY = [f"{text} {end}" for text in MANY for end in ("very dull", "not un", "don good", "bad movie", "co")]
NAMES = [
    "completeness",
    "closed-form-removal",
    "share-through-map",
    "identifiability",
    "attention-permutation",
    "attention-permutation: peaked maps",
    "uniform-swap",
    "uniform-swap: labels",
    "knock-out",
    "adversarial-attention",
    "parameter-randomisation: classifier",
    "parameter-randomisation: values",
    "parameter-randomisation: query and key",
    "parameter-randomisation: final block and above",
    "parameter-randomisation: all blocks",
    "label-randomisation",
    "planted-shortcut",
]


@pytest.fixture
def audited(classifier):
    @torch.no_grad()
    def make(design, texts=TEXTS, seed=0, **config):
        clf = classifier(design, **config)
        return subject(clf, encode(clf.tokenizer, check_texts(texts), 41), seed)

    return make


def only(checks):
    (check,) = checks
    return check


@torch.no_grad()
def run(stage, of):
    return stage(of)


@pytest.mark.parametrize("design", DESIGNS)
def test_texts_are_stored_once_and_answered_as_the_model_does(classifier, audited, design):
    clf, of = classifier(design), audited(design)
    places = [place for stored in of.texts for place in stored.places]
    assert sorted(places) == [0, 1, 2, 3, 4]
    predictions = clf.predict(TEXTS)
    explanations = clf.explain(TEXTS)
    for stored, found in of:
        scores = unit_scores(stored, found, found.targets)
        for row, place in enumerate(stored.places):
            expected = list(predictions[place].probabilities.values())
            assert found.probabilities[row].tolist() == pytest.approx(expected, abs=1e-6)
            assert scores[row].tolist() == pytest.approx(explanations[place].attribution.scores, abs=1e-6)


@pytest.mark.parametrize("design", ADDITIVE)
def test_closed_form_by_hand_and_by_masking(audited, design):
    of = audited(design)
    for stored, found in of:
        removed = random_sets(stored.given.allowed, np.random.default_rng(0))
        n_removed, n_allowed = removed.sum(dim=1), stored.given.allowed.sum(dim=1)
        assert (removed <= stored.given.allowed).all()
        assert ((n_removed > 0) == (n_allowed > 1)).all()
        assert (n_removed < n_allowed).all()
        by_form = closed_form(found, removed)
        with torch.no_grad():
            by_masking = masked(of, stored, found, removed)
        assert by_masking.abs().max() > 1e-2
        for row in range(len(stored)):
            keys = [key for key in range(removed.shape[1]) if stored.given.allowed[row, key]]
            weight = {key: float(found.weights[row, 0, key]) for key in keys}
            value = {key: found.contributions[row, key].double() / weight[key] for key in keys}
            kept = [key for key in keys if not removed[row, key]]
            total = sum(weight[key] for key in kept)
            after = sum(weight[key] / total * value[key] for key in kept)
            before = sum(weight[key] * value[key] for key in keys)
            assert (before - after).tolist() == pytest.approx(by_form[row].tolist(), abs=1e-5)
            assert by_masking[row].tolist() == pytest.approx(by_form[row].tolist(), abs=1e-5)
    check = only(run(closed_form_removal, of))
    assert check.passed
    assert check.n == 4  # a text of one word has no proper part
    assert only(run(completeness, of)).passed


def test_closed_form_fails_where_values_are_not_those_of_the_model(audited):
    of = audited("additive")
    wrong = [dataclasses.replace(found, contributions=found.contributions * 1.01) for found in of.answers]
    cheat = dataclasses.replace(of, answers=tuple(wrong))
    for stage in (closed_form_removal, completeness):
        check = only(run(stage, cheat))
        assert check.passed is False
        assert check.value > 1e-4


@pytest.mark.parametrize("function", ["entmax15", "sparsemax"])
def test_sparse_weights_have_no_closed_form_yet_are_complete(audited, function):
    of = audited("additive", attention_function=function)
    check = only(run(closed_form_removal, of))
    assert (check.value, check.passed) == (None, None)
    assert function in check.meaning
    assert only(run(completeness, of)).passed


@pytest.mark.parametrize("design", POOLED)
def test_identities_are_for_additive_designs(audited, design):
    for stage in (closed_form_removal, completeness):
        check = only(run(stage, audited(design)))
        assert (check.value, check.threshold, check.passed) == (None, None, None)


def test_shapley_of_two_by_hand():
    # Alone 3, together 10, the other alone 4, neither 1: (3 - 1 + 10 - 4) / 2 and (4 - 1 + 10 - 3) / 2, 9 in all.
    both, alone, other, none = (torch.tensor([value]) for value in (10.0, 3.0, 4.0, 1.0))
    assert shapley(both, alone, other, none).tolist() == [4.0]
    assert shapley(both, other, alone, none).tolist() == [5.0]


@pytest.mark.parametrize("design", POOLED)
@torch.no_grad()
def test_parts_put_together_are_the_logits(audited, design):
    of = audited(design)
    for stored, found in of:
        brought = cls_context(of.model.final_block.attention.self, found.weights, stored.given.states[-1])
        torch.testing.assert_close(pooled_logits(of, brought, stored.given.cls_state), found.logits)


def test_shares_through_the_map(audited):
    for design in ADDITIVE:
        check = only(run(share_through_map, audited(design)))
        assert (check.value, check.passed, check.n) == (1.0, True, 5)
    for design in POOLED:
        of = audited(design)
        value = only(run(share_through_map, of)).value
        assert 0.01 < value < 0.99
        with torch.no_grad():
            of.model.final_block.attention.output.dense.weight.zero_()  # nothing is brought any more
        nothing = only(run(share_through_map, of))
        assert nothing.value == pytest.approx(0, abs=1e-6)
        assert nothing.passed is False


@torch.no_grad()
def test_share_of_a_text_by_hand(audited):
    of = audited("single-head", ["a dull plot", "a good plot"])
    ((stored, found),) = of
    attention = of.model.final_block.attention.self
    brought, carried = cls_context(attention, found.weights, stored.given.states[-1]), stored.given.cls_state
    shares = []
    for row in range(2):
        order = found.logits[row].argsort(descending=True)

        def margin(first, second, order=order):
            logits = pooled_logits(of, first[None], second[None])[0]
            return float(logits[order[0]] - logits[order[1]])

        here, there = brought[row], brought.mean(dim=0)
        own, usual = carried[row], carried.mean(dim=0)
        of_map = (margin(here, own) - margin(there, own) + margin(here, usual) - margin(there, usual)) / 2
        past = (margin(here, own) - margin(here, usual) + margin(there, own) - margin(there, usual)) / 2
        shares.append(abs(of_map) / (abs(of_map) + abs(past)))
    assert only(share_through_map(of)).value == pytest.approx(np.mean(shares), abs=1e-4)


@pytest.mark.parametrize("design", DESIGNS)
def test_identifiable_up_to_the_width_of_a_head(audited, design):
    """Heads of 7: at most 8 keys, special ones among them; one head of 21: at most 22."""
    check = only(run(identifiability, audited(design)))
    assert check.n == 5
    # 13, 5, 3, 8 and 8 or 9 tokens with [CLS] and [SEP].
    lengths = [len(encoding) for encoding in audited(design).encodings]
    expected = np.mean([length <= 8 for length in lengths]) if design == "vanilla" else 1.0
    assert check.value == pytest.approx(expected)
    assert check.passed == (design != "vanilla")


def test_equal_states_are_not_identifiable(audited):
    of = audited("additive")
    with torch.no_grad():
        of.model.final_block.attention.self.value.weight[1:] = 0  # all that is sent lies on one line
    assert only(run(identifiability, of)).value == pytest.approx(1 / 5)  # the text of one word


def test_rank_correlation_by_hand():
    # Ranks 1, 2, 3 and 2, 1, 3: 1 - 6 · (1 + 1 + 0) / (3 · 8) = ½; a tie shares its ranks.
    assert rank_correlation(np.array([0.1, 0.2, 0.9]), np.array([5.0, 4.0, 6.0])) == pytest.approx(0.5)
    one, other = np.array([3.0, 1.0, 1.0, 2.0]), np.array([1.0, 4.0, 2.0, 3.0])
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert rank_correlation(np.ones(3), other[:3]) is None
    assert rank_correlation(np.ones(1), np.ones(1)) is None
    found = agreement([np.array([1.0, -2.0]), np.ones(1)], [[np.array([1.0, 2.0]), np.ones(1)]])
    assert (found.shown, found.absolute, found.n) == (pytest.approx(-1.0), pytest.approx(1.0), 1)
    assert agreement([np.ones(1)], [[np.ones(1)]]) is None


@pytest.mark.parametrize("design", DESIGNS)
def test_attention_ignores_classifier_and_values_and_contributions_do_not(audited, design):
    of = audited(design)
    before = fingerprint(of.model)
    checks, note = run(parameter_randomisation, of)
    assert fingerprint(of.model) == fingerprint(of.reader) == before
    found = {check.name.split(": ")[1]: check for check in checks}
    assert [*found] == ["classifier", "values", "query and key", "final block and above", "all blocks"]
    for part in ("classifier", "values"):
        if design in ADDITIVE:
            assert found[part].value < 0.95
            assert "without the signs" in found[part].meaning
        else:
            assert found[part].value == pytest.approx(1, abs=1e-12)
            assert found[part].passed is False
            assert "does not depend" in found[part].meaning
    assert found["query and key"].value < 0.95
    steps = note.split(": ")[1].split(", ")
    assert [step.split()[:2] for step in steps] == [["block", number] for number in "54321"]
    assert all(check.relation == "at most" and -1 <= check.value <= 1 for check in checks)


def test_drawing_anew_is_put_back(audited):
    of = audited("lexical")
    before = fingerprint(of.model)

    def change_and_stop():
        with put_back(top(of.model)):
            draw_anew(of.model, top(of.model), np.random.default_rng(0))
            changed = of.model.classifier.weight
            assert fingerprint(of.model) != before
            assert float(changed.abs().max()) < 2
            assert changed.sum(dim=0).abs().max() < 1e-5  # centred
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_stop()
    assert fingerprint(of.model) == before


@pytest.mark.parametrize("design", DESIGNS)
def test_labels_are_randomised_where_there_are_texts_and_labels(audited, design):
    few = only(run(label_randomisation, audited(design)))
    assert (few.value, few.passed) == (None, None)
    assert "needs 20 texts" in few.meaning
    of = audited(design, MANY)
    one_label = [dataclasses.replace(found, logits=found.logits * 0 + torch.eye(3)[0]) for found in of.answers]
    same = only(run(label_randomisation, dataclasses.replace(of, answers=tuple(one_label))))
    assert "same label for all" in same.meaning


def test_markers_are_words_of_no_text(tokenizer):
    encodings = encode(tokenizer, check_texts(TEXTS), 41)
    for seed in range(20):
        markers = find_markers(tokenizer, encodings, np.random.default_rng(seed))
        assert len(markers) == 2
        for word, token_id in markers.items():
            assert VOCABULARY[word] == token_id
            assert word not in " ".join(" ".join(text) if isinstance(text, tuple) else text for text in TEXTS)
            assert word.isalpha()
            assert len(word) >= 3
    everything = encode(tokenizer, check_texts([" ".join(VOCABULARY)]), 200)
    assert find_markers(tokenizer, everything, np.random.default_rng(0)) == {}


def test_planting(tokenizer):
    markers = {"awful": VOCABULARY["awful"], "writer": VOCABULARY["writer"]}
    generator, spots = np.random.default_rng(0), set()
    reader, short = (Reader.of(tokenizer.backend_tokenizer, window) for window in (41, 11))
    (encoding,) = reader.encode(check_texts([("don't, co-writer", "a plot")]))
    for _ in range(60):
        planted = plant(reader, encoding, 7, {"awful": markers["awful"], "great": VOCABULARY["great"]}, generator)
        one, other = planted.versions
        assert planted.place == 7
        assert one.text_pair == "a plot"
        assert one.text.replace("awful", "great") == other.text
        assert one.text.replace(" awful ", "", 1).strip() == "don't, co-writer"
        spots.add(one.text)
    assert len(spots) == 4  # before each of three words, and at the end
    # What is cut off gets no marker.
    (long,) = short.encode(check_texts(["a film " * 30]))
    cut = [plant(short, long, 0, markers, generator) for _ in range(40)]
    assert all(planted is not None and len(planted.versions[0]) == 11 for planted in cut)


def test_precision_at_one_by_hand():
    assert precision_at_one(np.array([0.1, -0.9, 0.3]), 1) == 1
    assert precision_at_one(np.array([0.1, -0.9, 0.3]), 2) == 0
    assert precision_at_one(np.array([0.5, -0.5, 0.3]), 0) == 0.5
    assert precision_at_one(np.zeros(4), 3) == 0.25


def test_a_planted_word_is_found_where_it_decides_alone(audited, monkeypatch):
    """With values from the embeddings a place holds its own word: the model can but rely on the marker's."""
    # So small a model has little to gain from small steps.
    monkeypatch.setattr("explainable_bert.audit.planted_shortcut.TRAINING", Training(100, 1e-2))
    of = audited("lexical", PLENTY, value_layer=0, seed=2)
    before = fingerprint(of.model)
    check = only(run(planted_shortcut, of))
    assert fingerprint(of.model) == before
    assert (check.passed, check.n) == (True, 60)
    assert check.value >= 0.9
    assert "finds what is known to decide" in check.meaning


def test_labels_are_learnt_again_and_permuted_ones_too(audited, monkeypatch):
    monkeypatch.setattr("explainable_bert.audit.label_randomisation.TRAINING", Training(100, 1e-2))
    of = audited("lexical", MANY, value_layer=0)
    before = fingerprint(of.model)
    check = only(run(label_randomisation, of))
    assert fingerprint(of.model) == before
    assert check.passed is not None  # both were fitted
    assert check.n == 24
    assert check.value < 0.95
    assert "Only the final block and classifier were trained again" in check.meaning


def test_what_is_not_relied_on_proves_nothing(audited):
    of = audited("lexical", MANY, value_layer=0)
    with torch.no_grad():
        for word in VOCABULARY.values():  # all words are the same to the model
            of.reader.bert.embeddings.word_embeddings.weight[word] = 0
    check = only(run(planted_shortcut, of))
    assert check.passed is None
    assert "proves nothing" in check.meaning
    few = only(run(planted_shortcut, audited("lexical")))
    assert "needs 20 texts" in few.meaning
    full = only(
        run(planted_shortcut, audited("lexical", [*MANY, " ".join(word for word in VOCABULARY if word[0] != "[")]))
    )
    assert "vocabulary" in full.meaning


@pytest.mark.parametrize("design", DESIGNS)
def test_the_audit(classifier, design, monkeypatch):
    for check in ("label_randomisation", "planted_shortcut"):  # what training comes to is tested above
        monkeypatch.setattr(f"explainable_bert.audit.{check}.TRAINING", Training(5, 1e-3))
    clf = classifier(design)
    before, stages = fingerprint(clf.model), []
    report = run_audit(clf, [*TEXTS, *MANY], seed=3, progress=lambda *stage: stages.append(stage))
    assert fingerprint(clf.model) == before
    assert not clf.model.training
    assert all(weight.requires_grad and weight.grad is None for weight in clf.model.parameters())
    assert torch.is_grad_enabled()
    assert [check.name for check in report.checks] == NAMES
    assert (report.model, report.design) == ("tiny", design)
    assert stages[0] == ("reading the texts", 0, 12)
    assert [done for _, done, _ in stages] == list(range(13))
    assert report.settings["texts"] == "29"
    for check in report.checks:
        assert check.meaning.endswith(".")
        assert check.passed is None or check.threshold is not None
        assert check.value is None or np.isfinite(check.value)
        if check.passed is not None:
            good = check.value >= check.threshold if check.relation == "at least" else check.value <= check.threshold
            assert check.passed == good
    with torch.inference_mode():
        again = run_audit(clf, [*TEXTS, *MANY], seed=3)
    assert again == report


def test_another_seed_gives_other_numbers(classifier):
    clf = classifier("single-head")
    one, other = (run_audit(clf, TEXTS, seed=seed) for seed in (0, 1))
    differ = {a.name for a, b in zip(one.checks, other.checks, strict=True) if a.value != b.value}
    assert {"attention-permutation", "adversarial-attention", "parameter-randomisation: query and key"} <= differ
    assert not differ & {"share-through-map", "identifiability", "uniform-swap"}


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("texts", [["bad"], ["bad", "good", "great"], [("good", "bad")], ["a dull plot"]])
def test_few_and_short_texts(classifier, design, texts):
    report = run_audit(classifier(design), texts)
    assert [check.name for check in report.checks] == NAMES
    found = {check.name: check for check in report.checks}
    assert found["label-randomisation"].passed is found["planted-shortcut"].passed is None
    if len(texts) == 1:
        assert found["share-through-map"].value is None
    if texts[0] == "bad":
        for name in NAMES[4:6]:
            assert (found[name].value, found[name].n) == (None, 0)
        assert all(found[name].value is None for name in NAMES if name.startswith("parameter"))
    if design in ADDITIVE:
        assert found["completeness"].passed


def test_texts_that_are_cut_are_noted(classifier):
    report = run_audit(classifier("lexical"), ["a film " * 40, "a dull plot"])
    assert report.notes[-1] == "1 texts did not fit into the model's window and were read in part."


@pytest.mark.parametrize(
    ("texts", "seed", "message"),
    [([], 0, "texts: none given"), (["  "], 0, r"texts\[0\]"), ("bad", 0, "one string"), (["bad"], -1, "seed: -1")],
)
def test_bad_input(classifier, texts, seed, message):
    with pytest.raises(InputError, match=message):
        run_audit(classifier("vanilla"), texts, seed=seed)


def test_half_precision_is_audited_in_float32(build, tokenizer):
    clf = ExplainableClassifier(build("additive").to(torch.bfloat16), tokenizer, name="half")
    report = run_audit(clf, TEXTS)
    found = {check.name: check for check in report.checks}
    assert found["completeness"].passed
    assert found["closed-form-removal"].passed
    assert clf.model.dtype == torch.bfloat16


def test_percent():
    assert [percent(share) for share in (0.0, 0.001, 0.256, 0.999, 1.0)] == [
        "0 %",
        "less than 1 %",
        "26 %",
        "more than 99 %",
        "100 %",
    ]
