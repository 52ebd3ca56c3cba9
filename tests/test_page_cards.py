"""What the page says of its models, and work that a visitor waits for and may stop."""

import threading
from types import SimpleNamespace

import pytest

from explainable_bert.data.labelled import Example
from explainable_bert.errors import InputError
from explainable_bert.interfaces.page import asking, cards, working
from explainable_bert.interfaces.page.offered import OfferedModels, Stopped, Watch
from explainable_bert.interfaces.page.working import Seen, Turns, watched
from explainable_bert.interfaces.tabs import models
from explainable_bert.model.configuration import DESIGNS
from explainable_bert.training.report import TrainingReport
from explainable_bert.training.run_folder import REPORT_FILE
from measurement_samples import summary_row
from page_samples import HOSTILE, SEEN, Read, inert, question, save_model
from tiny import toy_corpus

OWN = "range-normalised-comprehensiveness, built-in"


def trained(folder, corpus="movie-snippets", accuracy=0.8333, error=0.0549):
    """Leaves the report of a training run in the folder."""
    folder.mkdir(exist_ok=True)
    rows = {"train": 12024, "validation": 100, "test": 1200}
    run = {"corpus": {"name": corpus, "rows": rows}}
    report = TrainingReport(run, "additive", 5, 1, (), 1, 0.5, accuracy, error, 0, 1.0, False, {})
    report.save(folder / REPORT_FILE)
    return report


def prose(*shown):
    return inert(cards.cards(shown)).prose


@pytest.fixture
def card(classifier, tmp_path):
    """Makes the card of a model whose folder is that of the test."""

    def make(design="lexical", name="my model", folder=tmp_path, measured=None):
        return cards.card(name, str(folder), classifier(design), measured)

    return make


# --- cards ---


def test_a_model_that_was_not_trained_here(card):
    made = card()
    assert (made.name, made.design, made.labels) == ("my model", "lexical", ("LABEL_0", "LABEL_1", "LABEL_2"))
    assert (made.report, made.measured, made.folder_is_there) == (None, None, True)
    told = prose(made)
    assert "No training report lies in its folder." in told
    assert "Labels: LABEL_0, LABEL_1, LABEL_2." in told
    assert "texts that it had never seen" not in told
    assert "is gone" not in told


def test_parameters_are_those_of_the_model(card, build):
    n_parameters = sum(weight.numel() for weight in build("lexical").parameters())
    assert n_parameters > 1000
    assert f" {n_parameters:,} parameters." in prose(card())


def test_a_trained_model_says_on_what_and_how_well(card, tmp_path):
    report = trained(tmp_path)
    made = card()
    assert made.report == report
    assert (
        "On 12,024 texts of movie-snippets. Of 1,200 texts that it had never seen it got 83.3% right "
        "(give or take 5.5). Texts that differ from these may fare worse." in prose(made)
    )
    trained(tmp_path, accuracy=None, error=None)
    told = prose(card())
    assert "It was not tested on texts that it had never seen." in told
    assert "right" not in told


@pytest.mark.parametrize(
    ("corpus", "told"),
    [
        ("/home/ada/tickets.csv", "tickets.csv"),
        ("../data/tickets.CSV", "tickets.CSV"),
        ("/home/ada/tickets", "tickets"),
        ("../data", "data"),
        ("ada/tickets", "ada/tickets"),
        ("tweets", "tweets"),
    ],
)
def test_what_a_model_was_trained_on_is_told_without_its_place(card, tmp_path, corpus, told):
    trained(tmp_path, corpus)
    assert f"texts of {told}." in prose(card())


def test_measuring_is_promised_where_held_out_texts_are_known(card, tmp_path):
    promise, command = "press “Measure” below (30 held-out texts)", "explainable-bert evaluate MODEL --data FILE"
    for corpus in ("movie-snippets", "my-own.csv", None):
        if corpus is None:
            (tmp_path / REPORT_FILE).unlink()
        else:
            trained(tmp_path, corpus)
        told = prose(card())
        assert (promise in told) == (corpus == "movie-snippets")
        assert (command in told) == (corpus != "movie-snippets")


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (summary_row("m", 0.404, 0.25, 0.551, n=28), "marks most moves the decision by 40% (25 to 55)."),
        (summary_row("m", 0.404, n=28), "marks most moves the decision by 40%."),
        (summary_row("m", 0.404, 0.25, 0.551, n=28), "Measured on 28 held-out texts."),
        (summary_row("m", None, n=0), "Not defined on these texts."),
    ],
)
def test_a_measured_model_says_how_true_its_picture_is(card, row, expected):
    told = prose(card(measured={OWN: row}))
    assert expected in told
    assert "Not measured yet" not in told


def test_a_folder_that_is_gone_is_told(card, tmp_path):
    told = prose(card(folder=tmp_path / "gone"))
    assert "The folder of this model is gone." in told
    assert str(tmp_path) not in told


def test_every_model_has_a_card_in_order(card):
    read = inert(cards.cards([card(name="one"), card("vanilla", name="two")]))
    assert read.texts("h3") == ["one", "two"]
    assert [element["aria-label"] for element in read.all("section")] == ["one", "two"]
    assert "Design lexical. " in read.texts("section")[0]
    assert "Design vanilla. " in read.texts("section")[1]


@pytest.mark.parametrize("design", DESIGNS)
def test_every_design_is_told_in_plain_words(design, tmp_path):
    model = SimpleNamespace(num_parameters=lambda: 1)
    classifier = SimpleNamespace(provenance=SimpleNamespace(design=design), labels=("a", "b"), model=model)
    made = cards.card("m", str(tmp_path), classifier, None)
    assert len(made.words) > 40
    assert made.words in prose(made)


def test_names_in_cards_are_harmless(classifier, tmp_path):
    trained(tmp_path, corpus=HOSTILE)
    clf = classifier("additive")
    clf.model.config.id2label = {0: HOSTILE, 1: "b", 2: "c"}
    read = inert(cards.cards([cards.card(HOSTILE, str(tmp_path), clf, None)]))
    assert read.texts("h3") == [SEEN]
    assert [element["aria-label"] for element in read.all("section")] == [SEEN]
    assert f"Labels: {SEEN}, b, c." in read.prose
    assert f"texts of {SEEN}." in read.prose


# --- measuring ---


def test_held_out_texts_are_of_the_test_split(tmp_path, monkeypatch):
    corpus = toy_corpus()
    monkeypatch.setattr(cards, "load_corpus", {"tweets": corpus}.__getitem__)
    trained(tmp_path, corpus="tweets")
    found = cards.held_out(str(tmp_path), 3)
    assert len(found) == 3
    assert set(found) <= set(corpus.test)
    assert set(cards.held_out(str(tmp_path), 100)) == set(corpus.test)


def test_models_of_unknown_training_have_no_held_out_texts(tmp_path, monkeypatch):
    monkeypatch.setattr(cards, "load_corpus", None)
    assert cards.held_out(str(tmp_path), 3) == ()
    assert cards.held_out(str(tmp_path / "gone"), 3) == ()
    trained(tmp_path, corpus="my-own.csv")
    assert cards.held_out(str(tmp_path), 3) == ()
    TrainingReport({}, "pooler", 5, 1, (), 1, 0.5, None, None, 0, 1.0, False, {}).save(tmp_path / REPORT_FILE)
    assert cards.held_out(str(tmp_path), 3) == ()
    (tmp_path / REPORT_FILE).write_text("{}")
    assert cards.held_out(str(tmp_path), 3) == ()


def test_a_model_without_held_out_texts_is_not_measured():
    with pytest.raises(InputError, match=r"^measure: no held-out texts of 'my model' are known; .* evaluate"):
        cards.check_measurable("my model", ())
    cards.check_measurable("my model", toy_corpus().test)


def test_what_is_measured_is_what_the_card_shows(card, classifier):
    examples = [
        Example("the film is good", "LABEL_0"),
        Example("a very dull plot", "LABEL_1"),
        Example("awful movie", "LABEL_1"),
    ]
    found = cards.measured(classifier("lexical"), examples)
    assert {row.method for row in found.values()} == {"built-in", "random"}
    own = found[OWN]
    assert (own.n, own.method) == (3, "built-in")
    assert f"moves the decision by {100 * own.value:.0f}%" in prose(card(measured=found))


def test_how_long_measuring_takes_is_known_before(offered):
    text = "the film is very good and the plot is not dull but the end of it is awful and bad"
    examples, told = [Example(text, "LABEL_0"), Example(text[:40], "LABEL_1")], []
    with offered.watched(Watch(told.append, threading.Event())):
        cards.measured(offered.classifier("tiny"), examples)
    assert cards.n_passes(examples) == pytest.approx(sum(told), rel=0.35)


def test_what_became_of_each_model_stays_to_be_read(stock_folder, tmp_path, monkeypatch):
    folders = [save_model(stock_folder, tmp_path / name, "vanilla") for name in ("one", "two", "three")]
    monkeypatch.setattr(cards, "held_out", lambda folder, _: () if folder in folders[::2] else toy_corpus().test)
    monkeypatch.setattr(cards, "measured", lambda *_: {OWN: summary_row("m", 0.4, n=28)})
    handlers = models._Handlers(OfferedModels(folders))
    *_, (told, _, _) = handlers.measure()
    read = inert(told)
    assert [text.partition(" are known")[0] for text in read.texts("div", role="alert")] == [
        "Measure: no held-out texts of 'one'", "Measure: no held-out texts of 'three'"
    ]  # fmt: skip
    assert read.texts("p", role="status") == ["two is measured: see its card."]
    assert "moves the decision by 40%" in Read(handlers.all_cards()).prose
    # What is measured is not measured again.
    *_, (told, _, _) = handlers.measure()
    assert "two" not in told


# --- work that is waited for ---


@pytest.fixture
def offered(stock_folder, tmp_path):
    return OfferedModels([save_model(stock_folder, tmp_path / "tiny", "vanilla")])


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr(working, "_SECONDS_BETWEEN_LOOKS", 0.01)


def test_quick_work_gives_its_result_and_nothing_else(offered, monkeypatch):
    monkeypatch.setattr(working, "_SECONDS_BETWEEN_LOOKS", 60)
    assert list(watched(lambda: 42, offered, "counting", 1)) == [Seen("", 42)]


def test_slow_work_shows_how_far_it_is(offered):
    classifier, goes_on, moved = offered.classifier("tiny"), threading.Event(), threading.Event()

    def work():
        assert goes_on.wait(30)
        goes_on.clear()
        classifier.predict(["good", "bad film", "dull"])
        moved.set()
        assert goes_on.wait(30)
        return classifier.predict(["awful"] * 9)

    looks = watched(work, offered, f"reading {HOSTILE}", 8)
    first = next(looks)
    goes_on.set()
    assert moved.wait(30)
    second = next(looks)
    goes_on.set()
    *_, last = looks
    assert (last.html, len(last.result)) == ("", 9)
    for seen, done in ((first, "0"), (second, "3")):
        assert seen.result is None
        read = inert(seen.html)
        (bar,) = read.all("progress")
        assert (bar["max"], bar["value"], bar["aria-label"]) == ("8", done, f"reading {SEEN}")
        what, left = read.texts("p")
        assert what == f"reading {SEEN}"
        assert left.startswith("0 s so far")
        assert ("left" in left) == (seen is second)
        assert seen.working
        assert [element["role"] for element in read.all("div", class_="working")] == ["status"]


@pytest.mark.parametrize(("total", "shown"), [(2, ("2", "2")), (0, ("1", "0"))])
def test_progress_never_runs_over(offered, total, shown):
    classifier, moved, goes_on = offered.classifier("tiny"), threading.Event(), threading.Event()

    def work():
        classifier.predict(["good", "bad film", "dull"])
        moved.set()
        return goes_on.wait(30)

    looks = watched(work, offered, "reading", total)
    next(looks)
    assert moved.wait(30)
    seen = next(looks)
    goes_on.set()
    (bar,) = Read(seen.html).all("progress")
    assert (bar["max"], bar["value"]) == shown
    assert [seen.result for seen in looks][-1] is True


def test_a_mistake_is_told_in_words(offered):
    def work():
        raise InputError(f"text: {HOSTILE} given; accepted: less")

    (seen,) = watched(work, offered, "reading", 1)
    assert (seen.result, seen.failed, seen.working) == (None, True, False)
    assert inert(seen.html).texts("div", role="alert") == [f"Text: {SEEN} given; accepted: less"]


def test_an_error_of_the_program_is_no_message(offered):
    with pytest.raises(ZeroDivisionError):
        list(watched(lambda: 1 // 0, offered, "dividing", 1))


def test_whoever_leaves_stops_the_work(offered):
    classifier, began, ended, passes = offered.classifier("tiny"), threading.Event(), threading.Event(), []

    def work():
        try:
            for number in range(20_000):
                classifier.predict(["good"])
                passes.append(number)
                began.set()
        except Stopped:
            ended.set()
            raise

    looks = watched(work, offered, "reading", 20_000)
    assert "progress" in next(looks).html
    assert began.wait(30)
    looks.close()
    assert ended.wait(30)
    assert 0 < len(passes) < 20_000
    # Only that work: the model answers whoever asks next.
    (seen,) = [seen for seen in watched(lambda: classifier.predict(["good"]), offered, "x", 1) if seen.result]
    assert seen.result == classifier.predict(["good"])


def test_work_that_is_told_to_stop_shows_nothing(offered):
    def work():
        raise Stopped

    assert [seen for seen in watched(work, offered, "reading", 1) if seen.result or "progress" not in seen.html] == []


def test_two_who_wait_see_their_own_progress(offered):
    classifier, go, moved = offered.classifier("tiny"), threading.Event(), threading.Event()

    def busy():
        classifier.predict(["good"] * 5)
        moved.set()
        return go.wait(30)

    one, other = watched(busy, offered, "one", 9), watched(lambda: go.wait(30), offered, "other", 9)
    next(one), next(other)
    assert moved.wait(30)
    values = []
    for looks in (one, other):
        (bar,) = Read(next(looks).html).all("progress")
        values.append(bar["value"])
    go.set()
    assert values == ["5", "0"]
    assert [list(looks)[-1].result for looks in (one, other)] == [True, True]


def test_a_watched_question_is_answered_as_by_its_model(offered):
    asked = question("good film", first="tiny", method="occlusion")
    looks = watched(lambda: asking.answered(asked, offered), offered, "occlusion", 3)
    (last,) = [seen for seen in looks if seen.result]
    assert list(last.result) == offered.classifier("tiny").explain(["good film"], "occlusion")


def test_work_that_runs_out_of_time_is_an_error_and_not_waited_for(offered):
    def late():
        raise TimeoutError("late")

    with pytest.raises(TimeoutError, match="late"):
        list(watched(late, offered, "work", 1))


@pytest.mark.parametrize("content", ["{}", "no json", '{"run": {}, "epochs": []}'])
def test_a_report_that_says_nothing_is_none(card, tmp_path, content):
    (tmp_path / REPORT_FILE).write_text(content)
    assert card("vanilla").report is None
    assert cards.held_out(str(tmp_path), 3) == ()


# --- whose turn it is ---


def test_only_a_visitors_last_question_is_the_last():
    turns = Turns()
    first, other, second = turns.take("ada"), turns.take("ben"), turns.take("ada")
    assert (first(), other(), second()) == (False, True, True)


def test_visitors_of_long_ago_are_forgotten(monkeypatch):
    monkeypatch.setattr(working, "_MOST_VISITORS", 2)
    turns = Turns()
    asked = [turns.take(name) for name in ("ada", "ben", "ada", "cleo", "dan")]
    assert all(is_last() for is_last in asked[1:])
    assert list(turns._last) == ["cleo", "dan"]
