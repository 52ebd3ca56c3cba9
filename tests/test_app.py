"""The web page in a real browser, and its endpoints: what visitors do, and what they may do wrong."""

import csv
import json
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import expect, sync_playwright

from explainable_bert import ExplainableBertConfig, ExplainableBertForSequenceClassification
from tiny import SIZES

DESIGNS = ("vanilla", "explainable")
SENTENCE = "the film is good not dull"
HOSTILE = '<img src=x onerror="window.hacked=1"> ${window.hacked=1} {{window.hacked}} ‮cat</script>'
PATIENCE_MS = 40_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def models(tmp_path_factory, stock_folder, tokenizer):
    """Folders of two tiny models of three labels, named after their designs."""
    root = tmp_path_factory.mktemp("models")
    for design in DESIGNS:
        model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=3)
        model.save_pretrained(root / design)
        tokenizer.save_pretrained(root / design)
    return [str(root / design) for design in DESIGNS]


@pytest.fixture(scope="module")
def slow_address(tmp_path_factory, tokenizer):
    """A page whose models read 510 words: methods of a thousand passes take their time."""
    root = tmp_path_factory.mktemp("slow")
    config = ExplainableBertConfig(**{**SIZES, "max_position_embeddings": 512}, num_labels=3)
    for design in DESIGNS:
        config.design = design
        ExplainableBertForSequenceClassification(config).save_pretrained(root / design)
        tokenizer.save_pretrained(root / design)
    with serving([str(root / design) for design in DESIGNS], "--port", "0") as server:
        yield server.address


class Server:
    """The command in a process of its own."""

    def __init__(self, models, *options):
        self._command = [sys.executable, "-m", "explainable_bert", "app", *models, *options]
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        self.said = []
        for line in self._process.stderr:
            self.said.append(line)
            found = re.search(r"the page is at (http\S+)", line)
            if found:
                self.address = found[1]
                break
        else:
            raise AssertionError("".join(self.said))
        self._reader = threading.Thread(target=self._process.stderr.read, daemon=True)
        self._reader.start()

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stderr.close()


@contextmanager
def serving(models, *options):
    server = Server(models, *options)
    try:
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="module")
def address(models):
    with serving(models, "--port", "0") as server:
        yield server.address


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium")
    assert path, "the page's tests need Chromium: apt-get install chromium"
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=[*quiet, "--disable-component-update"])
        yield launched
        launched.close()


@pytest.fixture
def new_page(browser, address):
    """Opens the page in a context of its own; ends with a check that no script failed and no other host was asked."""
    contexts, troubles = [], []

    def make(query="", width=1440, address=address, **options):
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: troubles.extend(_foreign(request.url, address)))
        page.goto(address + query)
        page.get_by_role("button", name="Explain", exact=True).wait_for(timeout=2 * PATIENCE_MS)
        return page

    yield make
    # What breaks off while a page is being closed is none.
    found = list(troubles)
    for context in contexts:
        context.close()
    assert found == []


def _foreign(url, address):
    return [] if url.startswith((address, "data:", "blob:")) else [url]


@pytest.fixture
def page(new_page):
    return new_page()


def ask(page, text):
    box = page.get_by_label("Text", exact=True).first
    box.fill(text)
    box.press("Enter")


def ask_slowly(page):
    page.get_by_label("Method").click()
    page.get_by_role("option", name="kernel-shap").click()
    ask(page, "cat sat mat " * 1000)
    expect(page.get_by_role("progressbar")).to_be_visible()


def open_tab(page, name):
    page.get_by_role("tab", name=name).click()


def cards(page):
    return page.locator(".xb section.card:not(.whole)")


def until_focused(page, wanted, key="Tab"):
    for _ in range(40):
        if wanted.count() and wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press(key)
        page.wait_for_timeout(50)
    raise AssertionError(f"{wanted} is not reached by {key}")


def open_what_if(page, text=SENTENCE):
    ask(page, text)
    expect(cards(page)).to_have_count(2)
    open_tab(page, "What if")
    page.locator("button.word").first.wait_for()


def serious(page):
    found = Axe().run(page).response["violations"]
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in found if fault["impact"] in ("serious", "critical")]


class TestExplain:
    def test_two_models_side_by_side_with_their_difference(self, page):
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        for place, design in enumerate(DESIGNS):
            card = cards(page).nth(place)
            expect(card.locator("h3")).to_have_text(design)
            expect(card.locator(".text")).to_have_text(SENTENCE)
            expect(card.locator(".chances li")).to_have_count(3)
            expect(card).to_contain_text("effective words")
        assert cards(page).nth(0).locator(".unit.unsigned").count() > 0
        assert cards(page).nth(1).locator(".unit.towards, .unit.against").count() > 0
        difference = page.locator(".xb section.card.whole")
        expect(difference.locator("h3")).to_have_text("difference: explainable minus vanilla")
        expect(difference).to_contain_text("more in vanilla")
        shares = [float(share[:-1]) for share in cards(page).first.locator(".share").all_inner_texts()]
        assert sum(shares) == pytest.approx(100, abs=0.2)

    def test_one_model(self, page):
        page.get_by_label("Compare with").click()
        page.get_by_role("option", name="no other model").click()
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(1)
        expect(page.locator(".xb section.card.whole")).to_have_count(0)

    def test_another_method_label_and_level_with_map_and_scores(self, page):
        page.get_by_label("Method").click()
        page.get_by_role("option", name=re.compile("^occlusion")).click()
        page.get_by_role("button", name=re.compile("^More")).click()
        page.get_by_label("Label to explain").click()
        page.get_by_role("option", name="LABEL_2").click()
        page.get_by_label("token", exact=True).check()
        page.get_by_label("scores", exact=True).check()
        page.get_by_label("attention map", exact=True).check()
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        expect(cards(page).first).to_contain_text("towards LABEL_2")
        expect(cards(page).first).to_contain_text("effective tokens")
        expect(cards(page).first.locator("ruby rt").first).to_be_visible()
        assert page.locator(".maps img").evaluate("image => image.complete && image.naturalWidth > 100")

    def test_a_link_restores_the_question_and_its_answer(self, page, new_page):
        page.get_by_label("Method").click()
        page.get_by_role("option", name=re.compile("^saliency")).click()
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        expect(page.get_by_label("Link to this question")).to_have_value(re.compile("saliency"))
        link = page.get_by_label("Link to this question").input_value()
        assert page.url == link
        again = new_page("?" + link.partition("?")[2])
        expect(cards(again)).to_have_count(2)
        expect(again.get_by_label("Text", exact=True).first).to_have_value(SENTENCE)
        expect(again.get_by_label("Method")).to_have_value(re.compile("^saliency"))

    def test_a_link_keeps_what_stands_under_more(self, new_page):
        page = new_page("?text=the+cat+sat&level=token&shown=scores")
        expect(cards(page).first.locator("ruby rt").first).to_be_visible()
        expect(page.get_by_label("token", exact=True)).to_be_checked()
        expect(page.get_by_label("scores", exact=True)).to_be_checked()

    def test_a_link_says_what_it_asks_for_in_vain_until_another_question(self, new_page):
        page = new_page("?text=the+cat+sat&first=nope&method=magic&target=none")
        expect(cards(page)).to_have_count(2)
        note = page.get_by_text("Of what the link asks for, model nope is not offered here: vanilla is taken instead")
        expect(note).to_contain_text("method magic is not offered here: built-in")
        expect(note).to_contain_text("label none is not offered here: as predicted")
        above, below = note.bounding_box(), cards(page).first.bounding_box()
        assert above["y"] + above["height"] + 8 <= below["y"]
        ask(page, SENTENCE)
        expect(note).to_have_count(0)
        expect(cards(page)).to_have_count(2)

    def test_another_choice_asks_again(self, page):
        page.get_by_label("Compare with").click()
        page.get_by_role("option", name="no other model").click()
        page.wait_for_timeout(500)
        expect(page.get_by_role("alert")).to_have_count(0)
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(1)
        page.get_by_label("Compare with").click()
        page.get_by_role("option", name="explainable").click()
        expect(cards(page)).to_have_count(2)

    def test_slow_work_shows_progress_and_can_be_stopped(self, new_page, slow_address):
        page = new_page(address=slow_address)
        stop = page.get_by_role("button", name="Stop")
        expect(stop).to_be_disabled()
        ask_slowly(page)
        stop.click()
        expect(page.get_by_text("Stopped.")).to_be_visible()
        expect(stop).to_be_disabled()
        page.get_by_label("Method").click()
        page.get_by_role("option", name=re.compile("^built-in")).click()
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)

    def test_a_late_answer_of_a_link_replaces_no_newer_one(self, new_page, slow_address):
        page = new_page(f"?text={'cat+' * 900}&method=kernel-shap", address=slow_address)
        expect(page.get_by_role("progressbar")).to_be_visible()
        page.get_by_label("Method").click()
        page.get_by_role("option", name=re.compile("^built-in")).click()
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        for _ in range(6):
            page.wait_for_timeout(500)
            expect(cards(page).first.locator(".text")).to_have_text(SENTENCE)

    @pytest.mark.parametrize(
        ("file_format", "start"),
        [("svg", b"<?xml"), ("png", b"\x89PNG"), ("html", b"<!doctype"), ("json", b"[")],
    )
    def test_a_download(self, page, file_format, start):
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        page.get_by_label("Download as").click()
        page.get_by_role("option", name=file_format).click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        assert download.value.suggested_filename == f"explanation.{file_format}"
        content = Path(download.value.path()).read_bytes()
        assert content.startswith(start)
        assert b"explainable" in content or file_format == "png"

    def test_an_example_is_not_needed(self, page):
        # Tiny models were trained on no corpus: there are no held-out texts to offer.
        expect(page.get_by_text("Examples")).to_have_count(0)


class TestMistakes:
    def alert(self, page, text):
        expect(page.get_by_role("alert").filter(has_text=text)).to_be_visible()

    def test_empty_text(self, page):
        ask(page, "   ")
        self.alert(page, "nothing to read")

    def test_a_paste_of_a_megabyte(self, page):
        page.get_by_label("Text", exact=True).first.evaluate(
            "(box, n) => { box.value = 'cat '.repeat(n); box.dispatchEvent(new Event('input')); }", 250_000
        )
        page.get_by_role("button", name="Explain", exact=True).click()
        self.alert(page, "at most 50,000")

    def test_a_method_that_cannot_explain_a_model(self, page):
        page.get_by_label("Method").click()
        page.get_by_role("option", name=re.compile("^attention-max")).click()
        ask(page, SENTENCE)
        self.alert(page, "one head")

    def test_nothing_can_be_kept_of_a_mistake(self, page):
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        ask(page, " ")
        self.alert(page, "nothing to read")
        expect(page.get_by_label("Link to this question")).to_have_value("")
        assert "?" not in page.url
        page.get_by_role("button", name="Download").click()
        self.alert(page, "press Explain first")
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        expect(page.get_by_role("alert")).to_have_count(0)

    def test_a_hostile_text_is_shown_and_does_nothing(self, page):
        ask(page, HOSTILE)
        expect(cards(page)).to_have_count(2)
        expect(cards(page).first.locator(".text")).to_contain_text("<img src=x onerror=")
        expect(cards(page).first.locator(".text")).to_contain_text("U+202E")
        open_tab(page, "What if")
        page.locator("button.word").first.wait_for()
        assert page.evaluate("window.hacked") is None
        assert page.locator(".xb img").count() == 0

    def test_three_thousand_words(self, page):
        ask(page, "cat sat mat " * 1000)
        expect(cards(page)).to_have_count(2)
        expect(cards(page).first).to_contain_text("windows that overlap; the decision is their mean")
        expect(page.get_by_text("longer than the model's window: it was read in").first).to_be_visible()
        expect(page.get_by_label("Link to this question")).to_have_value(re.compile("does not fit"))


class TestWhatIf:
    def test_a_word_is_masked_by_keyboard_and_let_go(self, page):
        open_what_if(page)
        word = page.locator("button.word").filter(has_text="good")
        word.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Changed text")).to_have_value(SENTENCE.replace("good", "[MASK]"))
        expect(word).to_have_attribute("aria-pressed", "true")
        expect(word).to_be_focused()
        effect = page.locator(".xb section.card[aria-label^='Effect']")
        expect(effect).to_have_count(2)
        expect(effect.nth(0)).not_to_contain_text("forecast")
        expect(effect.nth(1).locator("th").filter(has_text="forecast")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.get_by_label("Changed text")).to_have_value(SENTENCE)
        expect(effect).to_have_count(0)

    def test_a_word_is_deleted_by_click(self, page):
        open_what_if(page)
        page.get_by_label("deleted", exact=True).check()
        page.locator("button.word").filter(has_text="good").click()
        expect(page.get_by_label("Changed text")).to_have_value(SENTENCE.replace("good ", ""))
        expect(page.locator(".xb section.card[aria-label^='Effect']")).to_have_count(2)

    def test_a_text_is_edited(self, page):
        open_what_if(page)
        self.edit(page, "the dog sat")
        page.get_by_role("button", name="Compare").click()
        self.expect_effects(page, SENTENCE, "the dog sat")
        page.locator("button.word").filter(has_text="dog").click()
        self.expect_effects(page, "the dog sat", "the [MASK] sat")
        expect(page.get_by_label("Changed text")).to_have_value("the [MASK] sat")

    def test_an_edit_is_not_lost_when_a_word_is_pressed_or_the_tab_left(self, page):
        open_what_if(page)
        self.edit(page, "the dog sat")
        page.locator("button.word").filter(has_text="good").click()
        self.expect_effects(page, SENTENCE, "the dog sat")
        expect(page.locator("button.word")).to_have_text(["the", "dog", "sat"])
        open_tab(page, "Explain")
        open_tab(page, "What if")
        expect(page.get_by_label("Changed text")).to_have_value("the dog sat")
        page.get_by_role("button", name="Start again").click()
        expect(page.get_by_label("Changed text")).to_have_value(SENTENCE)
        expect(page.get_by_role("button", name="Start again")).to_be_focused()
        expect(page.locator(".xb section.card[aria-label^='Effect']")).to_have_count(0)

    def test_nothing_to_compare(self, page):
        open_tab(page, "What if")
        TestMistakes().alert(page, "none in the Explain tab yet")
        page.get_by_role("button", name="Compare").click()
        TestMistakes().alert(page, "it is still the same")
        page.get_by_role("button", name="Draw the curves").click()
        TestMistakes().alert(page, "no word to strike")

    def edit(self, page, text):
        box = page.get_by_label("Changed text")
        expect(box).to_have_value(SENTENCE)
        box.fill(text)

    def expect_effects(self, page, before, after):
        effect = page.locator(".xb section.card[aria-label^='Effect']")
        expect(effect).to_have_count(2)
        expect(effect.first.locator(".text").first).to_have_text(before)
        expect(effect.first.locator(".text").last).to_have_text(after)

    def test_words_are_struck_by_the_slider(self, page):
        open_what_if(page)
        page.get_by_role("button", name="Draw the curves").click()
        curves = page.locator(".xb svg.curves[role=img] polyline")
        expect(curves).to_have_count(2)
        n_words = len(SENTENCE.split())
        slider = page.get_by_label("number input for Words struck")
        slider.fill("2")
        slider.press("Enter")
        expect(page.locator(".xb .gone")).to_have_count(4)
        expect(page.locator(".xb section.card").last).to_contain_text(f"2 of {n_words} words struck")
        slider.fill("99")
        slider.press("Enter")
        expect(page.locator(".xb section.card").last).to_contain_text(f"{n_words} of {n_words} words struck")


class TestBatch:
    def upload(self, page, folder, name, content):
        open_tab(page, "Batch")
        file = folder / name
        file.write_text(content, encoding="utf-8")
        page.set_input_files("input[type=file]", str(file))

    def test_a_table_is_explained_and_downloaded(self, page, tmp_path):
        texts = ["the cat sat", "", "<b>the</b> dog", 'the mat, "sat"'] * 3
        rows = "".join(f'{number},"{text.replace(chr(34), chr(34) * 2)}"\n' for number, text in enumerate(texts))
        self.upload(page, tmp_path, "reviews.csv", "id,review\n" + rows)
        expect(page.get_by_label("Column of the texts")).to_have_value("review")
        expect(page.get_by_label("Model", exact=True).last).to_have_value("explainable")
        page.get_by_role("button", name="Explain all rows").click()
        expect(page.get_by_role("heading", name="Over the whole file")).to_be_visible()
        expect(page.locator(".xb")).to_contain_text(["9 rows"])
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        with Path(download.value.path()).open(encoding="utf-8", newline="") as file:
            saved = list(csv.DictReader(file))
        assert [row["text"] for row in saved] == [text for text in texts if text]
        assert [row["id"] for row in saved] == [str(number) for number, text in enumerate(texts) if text]
        assert {row["label"] for row in saved} <= {"LABEL_0", "LABEL_1", "LABEL_2"}

    def test_another_file_or_a_mistake_leaves_nothing_of_the_answer_before(self, page, tmp_path):
        summary = page.get_by_role("heading", name="Over the whole file")
        row = page.get_by_text("the cat sat on the mat")
        self.upload(page, tmp_path, "first.csv", "review,blank\nthe cat sat on the mat,\n")
        for column in ("review", "blank", "review"):
            page.get_by_label("Column of the texts").click()
            page.get_by_role("option", name=column).click()
            page.get_by_role("button", name="Explain all rows").click()
            if column == "blank":
                TestMistakes().alert(page, "accepted: a column that holds a text")
            expect(summary).to_have_count(1 if column == "review" else 0)
            expect(row.locator("visible=true")).to_have_count(1 if column == "review" else 0)
        page.get_by_role("button", name="Remove").or_(page.get_by_label("Clear")).first.click()
        self.upload(page, tmp_path, "second.jsonl", "no json")
        TestMistakes().alert(page, "second.jsonl")
        expect(summary).to_have_count(0)
        expect(row.locator("visible=true")).to_have_count(0)
        page.get_by_role("button", name="Download").click()
        TestMistakes().alert(page, "no row is explained yet")

    def test_a_file_of_another_kind(self, page, tmp_path):
        self.upload(page, tmp_path, "broken.jsonl", "no json")
        TestMistakes().alert(page, "broken.jsonl")
        expect(page.get_by_role("alert")).not_to_contain_text("/")

    def test_a_file_that_is_no_table(self, page, tmp_path):
        self.upload(page, tmp_path, "essay.docx", "PK")
        TestMistakes().alert(page, "essay.docx")
        page.get_by_role("button", name="Explain all rows").click()
        TestMistakes().alert(page, "accepted: .csv, .tsv, .jsonl, .parquet")

    def test_no_column_of_text(self, page, tmp_path):
        self.upload(page, tmp_path, "numbers.jsonl", '{"a": 1}\n{"a": 2}\n')
        TestMistakes().alert(page, "no column of text")

    def test_a_million_rows(self, page, tmp_path):
        self.upload(page, tmp_path, "many.csv", "text\n" + "a cat\n" * 1_000_000)
        TestMistakes().alert(page, "1,000,000 rows")

    def test_nothing_chosen(self, page):
        open_tab(page, "Batch")
        page.get_by_role("button", name="Explain all rows").click()
        TestMistakes().alert(page, "choose one")


class TestModels:
    def test_what_each_is_and_what_pictures_do_not_say(self, page):
        open_tab(page, "Models")
        expect(page.locator(".xb section.card h3")).to_have_text(list(DESIGNS))
        page.get_by_text("What the pictures do not say").click()
        expect(page.get_by_text("proves nothing about others")).to_be_visible()

    def test_nothing_to_measure_on(self, page):
        open_tab(page, "Models")
        expect(page.get_by_text("explainable-bert evaluate MODEL")).to_have_count(len(DESIGNS))
        page.get_by_role("button", name="Measure").click()
        expect(page.get_by_role("alert")).to_have_count(len(DESIGNS))
        for design in DESIGNS:
            TestMistakes().alert(page, f"no held-out texts of '{design}'")


class TestLooks:
    @pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (375, "dark")])
    def test_every_tab_fits_and_can_be_read_by_all(self, new_page, width, scheme):
        page = new_page(width=width, color_scheme=scheme)
        open_what_if(page)
        open_tab(page, "Explain")
        for tab in ("Explain", "What if", "Batch", "Models"):
            open_tab(page, tab)
            page.wait_for_timeout(300)
            assert serious(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        lightness = sum(map(int, re.findall(r"\d+", background)[:3])) / 3
        assert (lightness > 128) == (scheme == "light")

    def test_lists_close_when_the_keyboard_leaves_them(self, page):
        page.get_by_label("Model", exact=True).focus()
        expect(page.get_by_role("listbox")).to_have_count(1)
        page.keyboard.press("Tab")
        expect(page.get_by_label("Compare with")).to_be_focused()
        expect(page.get_by_role("listbox")).to_have_count(1)
        page.keyboard.press("Tab")
        expect(page.get_by_label("Method")).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.get_by_role("button", name=re.compile("^More"))).to_be_focused()
        expect(page.get_by_role("listbox")).to_have_count(0)
        for label in ("Method", "Compare with", "Model"):
            page.keyboard.press("Shift+Tab")
            expect(page.get_by_label(label, exact=True).first).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(page.get_by_role("listbox")).to_have_count(0)

    def test_passing_by_a_choice_asks_nothing(self, page):
        ask(page, SENTENCE)
        expect(cards(page)).to_have_count(2)
        page.get_by_label("Text", exact=True).first.fill("the dog sat")
        for _ in range(6):
            page.keyboard.press("Tab")
            page.wait_for_timeout(100)
        page.wait_for_timeout(1000)
        expect(cards(page).first.locator(".text")).to_have_text(SENTENCE)

    def test_the_keyboard_alone_explains_chooses_and_changes_a_word(self, page):
        page.keyboard.type(SENTENCE)
        page.keyboard.press("Enter")
        expect(cards(page)).to_have_count(2)
        until_focused(page, page.get_by_label("Compare with"))
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        expect(page.get_by_label("Compare with")).to_have_value("vanilla")
        expect(cards(page)).to_have_count(1)
        until_focused(page, page.get_by_role("tab", name="Explain"), key="Shift+Tab")
        until_focused(page, page.get_by_role("tab", name="What if"))
        page.keyboard.press("Enter")
        until_focused(page, page.locator("button.word").filter(has_text="good"))
        page.keyboard.press("Space")
        expect(page.locator(".xb section.card[aria-label^='Effect']")).to_have_count(1)


class TestServer:
    def test_health(self, address):
        with urllib.request.urlopen(address + "healthz") as answer:
            assert json.load(answer)["status"] == "ok"

    def test_two_users_at_once_get_their_own_answers(self, new_page):
        pages = {text: new_page() for text in ("the cat sat", "the dog sat on the mat")}
        for text, page in pages.items():
            ask(page, text)
        for text, page in pages.items():
            expect(cards(page)).to_have_count(2)
            expect(cards(page).first.locator(".text")).to_have_text(text)

    def test_a_program_asks(self, address):
        client = Client(address, verbose=False)
        assert [model["model"] for model in client.predict(api_name="/models")] == list(DESIGNS)
        found = client.predict(SENTENCE, "explainable", "built-in", "as predicted", "word", api_name="/explain")
        assert found["text"] == SENTENCE
        assert len(found["attribution"]["scores"]) == len(SENTENCE.split())
        predicted = client.predict(SENTENCE, "explainable", api_name="/predict")
        assert predicted["label"] == found["target"]
        with pytest.raises(AppError, match="model: 'other' given; accepted: vanilla, explainable"):
            client.predict(SENTENCE, "other", api_name="/predict")

    def test_the_documented_request_is_answered_without_a_client(self, address):
        page = (Path(__file__).parent.parent / "docs" / "web-page.md").read_text(encoding="utf-8")
        (request,) = [block.partition("```")[0] for block in page.split("```sh\n") if "curl" in block]
        request = request.replace("http://127.0.0.1:7860/", address)
        said = subprocess.run(["sh", "-c", request], capture_output=True, text=True, check=True).stdout
        assert said.startswith("event: complete\n")
        (found,) = json.loads(said.partition("data: ")[2])
        assert found["label"] in found["probabilities"]

    def test_the_foot_of_the_page_documents_the_endpoints(self, page):
        page.get_by_role("button", name="Use via API").click()
        for endpoint in ("/models", "/predict", "/explain"):
            expect(page.get_by_text(endpoint, exact=True).first).to_be_visible()

    def test_a_password(self, models, tmp_path):
        (tmp_path / "secret").write_text("swordfish\n")
        with serving(models[1:], "--port", "0", "--auth", f"ada:{tmp_path / 'secret'}") as server:
            with pytest.raises(Exception, match=r"401|credentials|log in"):
                Client(server.address, verbose=False)
            client = Client(server.address, auth=("ada", "swordfish"), verbose=False)
            assert client.predict(SENTENCE, "explainable", api_name="/predict")["label"]

    def test_a_folder_that_vanished(self, models, tmp_path):
        folders = [str(shutil.copytree(models[1], tmp_path / f"model-{number}")) for number in range(3)]
        with serving(folders, "--port", "0") as server:
            shutil.rmtree(folders[2])
            with pytest.raises(AppError, match="its folder is gone"):
                Client(server.address, verbose=False).predict(SENTENCE, "model-2", api_name="/predict")

    def test_a_server_that_dies_is_told_and_found_again(self, models, browser):
        with serving(models, "--port", "0") as server:
            port = server.address.rstrip("/").rpartition(":")[2]
            page = browser.new_page()
            page.goto(server.address)
            page.get_by_role("button", name="Explain", exact=True).wait_for(timeout=2 * PATIENCE_MS)
            ask(page, SENTENCE)
            expect(cards(page)).to_have_count(2)
            server.kill()
            ask(page, "the dog sat")
            expect(page.get_by_text(re.compile("connection", re.IGNORECASE)).first).to_be_visible(timeout=PATIENCE_MS)
            with serving(models, "--port", port):
                deadline = time.monotonic() + 40
                while time.monotonic() < deadline and cards(page).count() != 2:
                    page.wait_for_timeout(500)
                page.reload()
                # The address still asks the first question; the next one comes after its answer.
                expect(cards(page)).to_have_count(2)
                ask(page, "the dog sat")
                expect(cards(page).first.locator(".text")).to_have_text("the dog sat")
            page.close()
