"""The page's questions, the models that it offers, and what passes of theirs a visitor waits for."""

import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest

from explainable_bert import ExplainableClassifier
from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.errors import InputError, ModelError
from explainable_bert.interfaces.page import asking
from explainable_bert.interfaces.page.asking import MOST_CHARACTERS, NONE, PREDICTED, Question
from explainable_bert.interfaces.page.offered import OfferedModels, Stopped, Watch
from explainable_bert.records import LEVELS
from page_samples import DESIGNS, question, save_model, save_models

TEXT = "the film is unbelievable , very good"


@pytest.fixture(scope="module")
def folders(stock_folder, tmp_path_factory):
    return save_models(stock_folder, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def offered(folders):
    return OfferedModels(folders)


def loaded(folders, name):
    """The model by a way of its own, under the name that the page gives it."""
    classifier = ExplainableClassifier.load(folders[DESIGNS.index(name)])
    classifier.name = name
    return classifier


# --- questions ---


def test_a_question_that_can_be_answered_stays_as_it_is(offered):
    for asked in (
        question(),
        question("x" * MOST_CHARACTERS, pair="y" * MOST_CHARACTERS),
        question(first="vanilla", second="lexical", method="saliency", target="LABEL_2", level="token"),
    ):
        assert asking.checked(asked, offered) is asked


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": ""}, "^text: nothing to read"),
        ({"text": " \n\t", "pair": "good"}, "^text: nothing to read"),
        ({"text": "x" * (MOST_CHARACTERS + 1)}, "^text: 50,001 characters given; accepted: at most 50,000"),
        ({"pair": "x" * (MOST_CHARACTERS + 1)}, "^second text: 50,001 characters given"),
        ({"first": "nope"}, "^model: 'nope' given; accepted: vanilla, single-head, additive, lexical"),
        ({"second": "nope"}, "^model: 'nope' given"),
        ({"method": "magic"}, "^method: 'magic' given"),
        ({"second": "vanilla", "method": "attention-max"}, "^method: 'attention-max' given for design 'additive'"),
        (
            {"first": "vanilla", "second": "single-head", "method": "attention-max"},
            "^method: 'attention-max' given for design 'single-head'",
        ),
        ({"target": "LABEL_3"}, "^target: 'LABEL_3' given; accepted: LABEL_0, LABEL_1, LABEL_2"),
        ({"target": ""}, "^target: '' given"),
        ({"level": "letter"}, "^level: 'letter' given; accepted: word, token"),
    ],
)
def test_questions_that_cannot_be_answered_say_why(offered, changes, message):
    asked = replace(question(), **changes)
    with pytest.raises(InputError, match=message):
        asking.checked(asked, offered)
    with pytest.raises(InputError, match=message):
        asking.answered(asked, offered)


def test_a_second_text_counts_once_it_has_a_word():
    assert question("one", pair=" \n").texts == "one"
    assert question("one", pair="two").texts == ("one", "two")


def test_the_page_opens_with_the_first_two_models(offered, folders):
    assert asking.first_question(offered) == Question("", "", "vanilla", "single-head", "built-in", PREDICTED, "word")
    assert asking.first_question(OfferedModels(folders[:1])).second == NONE


def test_passes_are_counted_per_model_and_word():
    asked = question("the film is", pair="very good")
    assert asking.n_passes(asked) == 1
    assert asking.n_passes(replace(asked, second="vanilla")) == 2
    assert asking.n_passes(replace(asked, second="additive")) == 1
    assert asking.n_passes(replace(asked, method="occlusion")) == 5 + 1
    # Progress counts what goes forward, and saliency goes back, too.
    assert asking.n_passes(replace(asked, method="saliency")) == 1
    assert asking.n_passes(replace(asked, second="vanilla", method="occlusion")) == 2 * (5 + 1)


def test_what_a_browser_leaves_out_is_empty():
    fields = ("good", None, "additive", NONE, "built-in", PREDICTED, "word", None)
    assert Question.of(*fields) == question("good")
    assert Question.of(*fields[:-1], ["attention map", "junk", "scores"]).shown == ("scores", "attention map")


# --- answers ---


def test_one_model_answers_as_its_classifier_explains(offered, folders):
    asked = question(first="lexical", method="saliency", level="token", target="LABEL_0")
    (found,) = asking.answered(asked, offered)
    assert [found] == loaded(folders, "lexical").explain([TEXT], "saliency", target="LABEL_0", level="token")
    assert asking.answered(replace(asked, second="lexical"), offered) == (found,)


def test_a_pair_and_its_map_are_asked_for(offered, folders):
    (found,) = asking.answered(question("good film", pair="dull plot", shown=("attention map",)), offered)
    assert [found] == loaded(folders, "additive").explain([("good film", "dull plot")], attention_map=True)
    assert found.attention_map is not None
    assert asking.answered(question(), offered)[0].attention_map is None


@pytest.mark.parametrize("target", [PREDICTED, "LABEL_2"])
def test_two_models_answer_for_one_target(offered, folders, target):
    first, second = loaded(folders, "vanilla"), loaded(folders, "lexical")
    predicted = [classifier.predict([TEXT])[0].label for classifier in (first, second)]
    assert predicted[0] != predicted[1]
    ours, theirs = asking.answered(question(first="vanilla", second="lexical", target=target), offered)
    expected = predicted[0] if target == PREDICTED else target
    assert [ours, theirs] == [classifier.explain([TEXT], target=expected)[0] for classifier in (first, second)]
    assert [ours.prediction.label, theirs.prediction.label] == predicted


def test_models_of_other_labels_do_not_answer_together(folders, stock_folder, tmp_path):
    names = {0: "bad", 1: "good", 2: "odd"}
    other = save_model(stock_folder, tmp_path / "other", "vanilla", id2label=names, label2id=None)
    offered = OfferedModels([folders[0], other])
    with pytest.raises(InputError, match="knows labels bad, good, odd; accepted: LABEL_0, LABEL_1, LABEL_2"):
        asking.answered(question(first=folders[0], second=other), offered)


# --- links ---


def read_back(query, offered):
    return asking.from_link(dict(parse_qsl(query.removeprefix("?"))), asking.first_question(offered), offered)


@pytest.mark.parametrize(
    "asked",
    [
        question("a & b = ü\n?#%20 +😀 <b>${x}"),
        question(pair="dull", first="lexical", second="vanilla", method="lime", target="LABEL_1", level="token"),
        question("good", first="single-head", second=NONE, shown=("attention map",)),
        question("good", shown=("scores", "attention map")),
    ],
)
def test_links_ask_the_same_again(offered, asked):
    query = asking.link(asked)
    assert query.startswith("?")
    assert query.isascii()
    assert not set(query) & set(" \n\"<>#'")
    assert read_back(query, offered) == asked


def test_half_a_character_fits_into_no_link():
    assert asking.link(question("good \ud800")) is None


def test_texts_too_long_for_a_link_have_none(offered):
    assert read_back(asking.link(question("x" * 3800)), offered).text == "x" * 3800
    assert asking.link(question("x" * 4001)) is None
    # Each of these is six characters of an address.
    assert asking.link(question("é" * 600)) is not None
    assert asking.link(question("é" * 700)) is None
    assert asking.link(question("good", pair="é" * 700)) is None


def test_junk_in_an_address_is_not_asked(offered):
    default = question("as it was")
    junk = {
        **{"first": "nope", "second": "../etc", "method": "magic", "target": "LABEL_9", "level": "letter"},
        **{"shown": "all,", "colour": "red"},
    }
    assert asking.from_link(junk, default, offered) == default
    assert asking.from_link({}, default, offered) == default
    for name in ("first", "second", "method", "target", "level"):
        assert asking.from_link({name: ""}, default, offered) == default
    found = asking.from_link({**junk, "text": "good", "second": "vanilla"}, default, offered)
    assert found == replace(default, text="good", second="vanilla")
    assert asking.from_link({"first": NONE}, default, offered).first == "additive"


def test_what_a_link_asks_for_in_vain_is_told():
    default = question("as it was")
    assert asking.not_offered({"first": "nope", "method": "lime", "target": "LABEL_9", "level": ""}, default) == (
        "model nope is not offered here: additive is taken instead",
        "method lime is not offered here: built-in is taken instead",
        "label LABEL_9 is not offered here: as predicted is taken instead",
    )
    assert asking.not_offered({"text": "good", "colour": "red", "first": "additive"}, default) == ()


def test_labels_of_a_link_are_those_of_its_model(folders, stock_folder, tmp_path):
    names = {0: "bad", 1: "good", 2: "odd"}
    other = save_model(stock_folder, tmp_path / "other", "vanilla", id2label=names, label2id=None)
    save_model(stock_folder, tmp_path / "lost", "vanilla")
    offered = OfferedModels([folders[0], other, str(tmp_path / "lost")])
    shutil.rmtree(tmp_path / "lost")
    default, asked = asking.first_question(offered), {"first": offered.names[1], "target": "good"}
    assert asking.from_link(asked, default, offered).target == "good"
    assert asking.from_link({**asked, "target": "LABEL_0"}, default, offered).target == PREDICTED
    assert asking.from_link({**asked, "first": offered.names[0]}, default, offered).target == PREDICTED
    assert asking.targets(offered.names[2], offered) == (PREDICTED,)


def test_every_level_and_method_can_be_linked(offered):
    for method in EXPLAINERS:
        for level in LEVELS:
            asked = question(method=method, level=level)
            assert read_back(asking.link(asked), offered) == asked


# --- the models on offer ---


def test_models_have_short_names_in_the_order_given(folders):
    assert OfferedModels(folders[::-1]).names == DESIGNS[::-1]
    assert OfferedModels(["here/a", "there/a"]).names == ("here/a", "there/a")
    offered = OfferedModels(folders)
    assert dict(offered.folders) == dict(zip(DESIGNS, folders, strict=True))
    assert offered.classifier("lexical").name == "lexical"
    assert offered.classifier("lexical").provenance.design == "lexical"


@pytest.mark.parametrize(
    ("given", "message"), [([], "^models: none given"), (["a", "b", "a"], "^models: a, b, a given; .* each once")]
)
def test_no_models_and_repeated_models_are_refused(given, message):
    with pytest.raises(InputError, match=message):
        OfferedModels(given)


def test_a_model_that_is_not_offered(offered, folders):
    with pytest.raises(InputError, match=r"^model: 'nope' given; accepted: vanilla, single-head, additive, lexical$"):
        offered.classifier("nope")
    with pytest.raises(InputError, match=r"^model: "):
        offered.classifier(folders[0])


def test_a_folder_that_is_gone_is_told_without_its_place(stock_folder, tmp_path):
    save_model(stock_folder, tmp_path / "kept", "vanilla")
    save_model(stock_folder, tmp_path / "lost", "lexical")
    (tmp_path / "bare").mkdir()
    offered = OfferedModels([str(tmp_path / name) for name in ("kept", "lost", "bare")])
    kept = offered.classifier("kept")
    shutil.rmtree(tmp_path / "kept")
    shutil.rmtree(tmp_path / "lost")
    with pytest.raises(ModelError) as gone:
        asking.answered(question(first="lost"), offered)
    assert str(gone.value) == "model: 'lost' cannot be loaded: its folder is gone; choose another one"
    with pytest.raises(ModelError) as bare:
        offered.classifier("bare")
    assert str(bare.value) == "model: 'bare' cannot be loaded; choose another one"
    # What is loaded still answers, and a folder that is there again is loaded.
    assert offered.classifier("kept") is kept
    assert asking.answered(question(first="kept"), offered)[0].provenance.model == "kept"
    save_model(stock_folder, tmp_path / "lost", "lexical")
    assert offered.classifier("lost").provenance.design == "lexical"


def test_visitors_at_once_load_a_model_once(folders, monkeypatch):
    loads, load = [], ExplainableClassifier.load
    monkeypatch.setattr(
        ExplainableClassifier, "load", lambda folder, **asked: loads.append(folder) or load(folder, **asked)
    )
    offered, start = OfferedModels(folders), threading.Barrier(4)

    def visit(_):
        start.wait(10)
        return offered.classifier("vanilla")

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(visit, range(4)))
    assert loads == [folders[0]]
    assert all(classifier is found[0] for classifier in found)


# --- passes that are watched ---


def watch(stopped=False):
    """A watch with the list of what it was told."""
    told, event = [], threading.Event()
    if stopped:
        event.set()
    return Watch(told.append, event), told


@pytest.mark.parametrize("first", ["vanilla", "lexical"])
@pytest.mark.parametrize("method", ["built-in", "saliency", "occlusion", "integrated-gradients"])
def test_every_pass_of_a_text_is_counted(offered, first, method):
    seen, told = watch()
    with offered.watched(seen):
        asking.answered(question("the film is good", first=first, method=method), offered)
    assert sum(told) == EXPLAINERS[method].forward.count(4)


def test_texts_are_counted_not_batches_and_only_while_watched(offered):
    classifier, (seen, told) = offered.classifier("vanilla"), watch()
    classifier.predict(["good"])
    with offered.watched(seen):
        classifier.predict(["good", "bad film", "dull"])
        offered.classifier("lexical").predict(["awful"])
    classifier.predict(["good"])
    assert told == [3, 1]


@pytest.mark.parametrize(("second", "method"), [(NONE, "built-in"), ("vanilla", "built-in"), ("vanilla", "occlusion")])
def test_as_many_passes_as_were_told_before(offered, second, method):
    asked, (seen, told) = question("the film is good", second=second, method=method), watch()
    with offered.watched(seen):
        asking.answered(asked, offered)
    assert sum(told) == asking.n_passes(asked)


@pytest.mark.parametrize("method", ["value-zeroing", "decompx"])
def test_what_is_repeated_above_the_embeddings_ends_too(offered, method):
    asked, stopped = question(method=method), threading.Event()
    classifier = offered.classifier("additive")
    final_input = classifier.model.final_input

    def stop_after(**inputs):
        found = final_input(**inputs)
        stopped.set()
        return found

    classifier.model.final_input = stop_after
    try:
        with pytest.raises(Stopped), offered.watched(Watch(lambda _: None, stopped)):
            asking.answered(asked, offered)
    finally:
        del classifier.model.final_input


@pytest.mark.parametrize("method", ["integrated-gradients", "occlusion"])
def test_a_run_ends_at_the_next_pass_once_it_is_stopped(offered, method):
    asked, stopped, told = question(method=method), threading.Event(), []
    before = asking.answered(asked, offered)

    def passed(n_texts):
        told.append(n_texts)
        stopped.set()

    with pytest.raises(Stopped), offered.watched(Watch(passed, stopped)):
        asking.answered(asked, offered)
    assert told == [1]
    assert asking.answered(asked, offered) == before


def test_who_stops_disturbs_no_other_run(offered):
    asked = question(method="integrated-gradients")
    undisturbed = asking.answered(asked, offered)
    (seen, told), (other, other_told) = watch(stopped=True), watch()

    def elsewhere():
        with offered.watched(other):
            watched_answer = asking.answered(asked, offered)
        return watched_answer, asking.answered(asked, offered)

    with offered.watched(seen), ThreadPoolExecutor(1) as threads:
        assert threads.submit(elsewhere).result(60) == (undisturbed, undisturbed)
        with pytest.raises(Stopped):
            asking.answered(asked, offered)
    assert told == []
    assert sum(other_told) == EXPLAINERS["integrated-gradients"].forward.count(7)


def test_a_text_that_nobody_sees_is_none(offered):
    with pytest.raises(InputError, match=r"^text: nothing to read"):
        asking.checked(question("\u200b"), offered)
    assert question("good", pair="\u200b").texts == "good"


def test_a_folder_written_in_two_ways_is_offered_once(folders):
    with pytest.raises(InputError, match="each once"):
        OfferedModels([folders[0], folders[0] + "/"])
