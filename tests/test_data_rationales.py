"""Reading human rationales in their three forms, and carrying them over to units."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explainable_bert.data.labelled import Example
from explainable_bert.data.rationales import holds_rationales, load_rationales, on_units
from explainable_bert.errors import FileError, InputError
from explainable_bert.records import Unit
from explainable_bert.text.alignment import align, units
from explainable_bert.text.encoding import encode

SUSHI = {
    "text": "Great sushi, but  dull. ",
    "label": 1,
    "words": ["Great", "sushi,", "but", "", "dull.", ""],
    "annotators": [[1, 1, 0, 0, 0, 0], [0, True, 0, 1, True, 1]],
    "annotator_labels": [1, None],
}
# G0 r1 e2 a3 t4 _5 s6 u7 s8 h9 i10 ,11 _12 b13 u14 t15 _16 _17 d18 u19 l20 l21 .22: blank words are dropped.
SUSHI_EXAMPLE = Example(
    SUSHI["text"],
    "1",
    words=((0, 5), (6, 12), (13, 16), (18, 23)),
    rationales=((True, True, False, False), (False, True, False, True)),
)

POST = {
    "post_id": "7_gab",
    "annotators": [{"label": label, "annotator_id": 1, "target": []} for label in ("hate", "normal", "hate")],
    "rationales": [[0, 1, 1], [0, 0, 1]],
    "post_tokens": ["art", "is", "a"],
}

REVIEW = "\n dull , dull \x1cplot\nso\tso  film \n\n .\n"
# Split at lines and single spaces only, after outer white space (to which \x1c does not belong inside a line):
# 0 dull 1 , 2 dull 3 \x1cplot 4 so\tso 5 film 6 .
ROW = {
    "annotation_id": "neg_1.txt",
    "classification": "NEG",
    "docids": None,
    "evidences": [
        [{"docid": "neg_1.txt", "start_token": 1, "end_token": 3, "text": ", dull"}],
        [
            {"docid": "neg_1.txt", "start_token": 4, "end_token": 5, "text": "so so", "start_sentence": -1},
            {"docid": "neg_1.txt", "start_token": 2, "end_token": 3, "text": "dull"},
        ],
    ],
    "query": "What is the sentiment of this review?",
    "query_type": None,
}


def lines(*rows: object) -> str:
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)


def saved(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8", newline="")
    return path


def movies(folder: Path, *rows: object) -> Path:
    saved(folder, "docs/neg_1.txt", REVIEW)
    return saved(folder, "test.jsonl", lines(*rows))


def marked(example: Example) -> list[list[str]]:
    texts = [example.text[start:end] for start, end in example.words]
    return [[text for text, mark in zip(texts, mask, strict=True) if mark] for mask in example.rationales]


class TestExample:
    def test_two_and_three_arguments_make_what_they_did(self):
        assert Example("a", "x") == Example(text="a", label="x", text_pair=None, words=(), rationales=())
        assert Example("a", "x", "b").text_pair == "b"
        assert len({Example("a", "x"), Example("a", "x"), Example("a", "x", words=((0, 1),))}) == 2

    @pytest.mark.parametrize("mask", [(), (True,), (True, False, True)])
    def test_mask_of_another_length(self, mask):
        message = rf"^rationales: {len(mask)} values given for 2 words; one per word is needed$"
        with pytest.raises(InputError, match=message):
            Example("a b", "x", words=((0, 1), (2, 3)), rationales=((True, False), mask))


class TestYelpHat:
    def test_worked_row(self, tmp_path):
        path = saved(tmp_path, "yelp.jsonl", lines(SUSHI))
        assert holds_rationales(path)
        rows = load_rationales(path)
        assert (rows.examples, rows.skipped) == ((SUSHI_EXAMPLE,), ())
        assert marked(rows.examples[0]) == [["Great", "sushi,"], ["sushi,", "dull."]]

    def test_byte_order_mark_line_ends_and_blank_lines(self, tmp_path):
        row = json.dumps(SUSHI)
        path = saved(tmp_path, "YELP.JSONL", f"\ufeff{row}\r\n \r\n{row}\r\n{{\r\n")
        assert holds_rationales(str(path))
        rows = load_rationales(str(path))
        assert rows.examples == (SUSHI_EXAMPLE, SUSHI_EXAMPLE)
        reason = "is no well-formed JSON (Expecting property name enclosed in double quotes, character 1)"
        assert rows.skipped == (f"YELP.JSONL row 4: {reason}",)

    def test_line_separator_inside_a_text_starts_no_row(self, tmp_path):
        row = {"text": "a\u2028b\x85", "label": "x", "words": ["a", "b"], "annotators": []}
        path = saved(tmp_path, "a.jsonl", json.dumps(row, ensure_ascii=False))
        assert load_rationales(path).examples == (Example("a\u2028b\x85", "x", words=((0, 1), (2, 3))),)

    @pytest.mark.parametrize(("label", "read"), [(0, "0"), ("good", "good"), (-3, "-3"), (True, "True")])
    def test_labels(self, tmp_path, label, read):
        path = saved(tmp_path, "a.jsonl", lines(SUSHI | {"label": label}))
        assert load_rationales(path).examples[0].label == read

    FAULTS = (
        (
            ["words", ["Great", "sushi,", "but", "Great"]],
            "word 4 'Great' does not come next in the text after character 16",
        ),
        (["words", ["Great", "but", "dull."]], "word 2 'but' does not come next in the text after character 5"),
        (["words", ["reat", "sushi,"]], "word 1 'reat' does not come next in the text after character 0"),
        (["words", ["Great", "SUSHI,"]], "word 2 'SUSHI,' does not come next in the text after character 5"),
        (["words", ["Great", 5]], "words, number 2, is 5; accepted is a string"),
        (["words", "Great"], "words is 'Great'; accepted is a list"),
        (["words"], "words is missing"),
        (["text", " \n\u200b"], "text is empty"),
        (["text", None], "text is None; accepted is a string"),
        (["text", ["a"]], "text is ['a']; accepted is a string"),
        (["text"], "text is missing"),
        (["label"], "label is missing"),
        (["label", None], "label is None; accepted are strings, whole numbers and booleans"),
        (["label", 1.0], "label is 1.0; accepted are strings, whole numbers and booleans"),
        (["label", ""], "label is empty"),
        (["annotators"], "annotators is missing"),
        (["annotators", 3], "annotators is 3; accepted is a list"),
        (["annotators", [[0] * 6, [0] * 7]], "annotators, number 2, has 7 values for 6 words"),
        (["annotators", [[0] * 6, None]], "annotators, number 2, is None; accepted is a list"),
        (["annotators", [[0, 1, 2, 0, 0, 0]]], "annotators, number 1, holds 2; accepted are 0 and 1"),
        (["annotators", [[0, 1, None, 0, 0, 0]]], "annotators, number 1, holds None; accepted are 0 and 1"),
        (["annotators", [[0, 1, "1", 0, 0, 0]]], "annotators, number 1, holds '1'; accepted are 0 and 1"),
    )

    @pytest.mark.parametrize(("change", "reason"), FAULTS)
    def test_faulty_row_is_left_out_with_its_reason(self, tmp_path, change, reason):
        faulty = {name: value for name, value in SUSHI.items() if name != change[0]} | dict([change][: len(change) - 1])
        rows = load_rationales(saved(tmp_path, "yelp.jsonl", lines(faulty, SUSHI, faulty)))
        assert rows.examples == (SUSHI_EXAMPLE,)
        assert rows.skipped == (f"yelp.jsonl row 1: {reason}", f"yelp.jsonl row 3: {reason}")

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            ("[1, 2]", r"the row is \[1, 2\]; accepted is an object"),
            ("null", "the row is None; accepted is an object"),
            ("[" * 200_000, r"is no JSON that can be read \(maximum recursion depth exceeded.*\)"),
            ('{"label": ' + "9" * 5000 + "}", r"is no JSON that can be read \(Exceeds the limit .*\)"),
            ('{"text": "a', r"is no well-formed JSON \(Unterminated string starting at, character 9\)"),
        ],
    )
    def test_hostile_line_is_left_out_with_its_reason(self, tmp_path, line, reason):
        rows = load_rationales(saved(tmp_path, "yelp.jsonl", lines(line, SUSHI)))
        assert rows.examples == (SUSHI_EXAMPLE,)
        assert len(rows.skipped) == 1
        assert re.fullmatch(f"yelp.jsonl row 1: {reason}", rows.skipped[0])

    @pytest.mark.parametrize(
        ("text", "words", "missed", "after"),
        [
            ("it was a mess", ["a", "mess"], "word 1 'a'", 0),  # not the one in "was"
            ("it was a mess", ["it", "a", "mess"], "word 2 'a'", 2),
            ("it was a mess", ["it", "was", "mess"], "word 3 'mess'", 6),
            ("it was a mess", ["it", "was", "a", "a"], "word 4 'a'", 8),
            ("only 5 stars", ["only", "stars"], "word 2 'stars'", 4),
            ("so \N{LATIN SMALL LETTER E WITH ACUTE} good", ["so", "good"], "word 2 'good'", 2),
        ],
    )
    def test_words_are_not_sought_inside_others(self, tmp_path, text, words, missed, after):
        row = {"text": text, "label": 0, "words": words, "annotators": [[1] * len(words)]}
        rows = load_rationales(saved(tmp_path, "a.jsonl", lines(row, SUSHI)))
        assert rows.examples == (SUSHI_EXAMPLE,)
        assert rows.skipped == (f"a.jsonl row 1: {missed} does not come next in the text after character {after}",)

    def test_anything_but_letters_and_digits_may_lie_between_words(self, tmp_path):
        text, words = '"It" was -- _a_ (mess)!\u2026', ["It", "was", "a", "mess"]
        row = {"text": text, "label": 0, "words": words, "annotators": [[0, 0, 1, 1]]}
        (example,) = load_rationales(saved(tmp_path, "a.jsonl", lines(row))).examples
        assert example.words == ((1, 3), (5, 8), (13, 14), (17, 21))
        assert marked(example) == [["a", "mess"]]

    def test_reasons_stay_short(self, tmp_path):
        rows = load_rationales(saved(tmp_path, "a.jsonl", lines(SUSHI, SUSHI | {"words": ["\ud800\n" * 10**6]})))
        assert len(rows.skipped[0]) < 120
        assert rows.skipped[0].isascii()
        assert "\n" not in rows.skipped[0]

    def test_nothing_usable(self, tmp_path):
        path = saved(tmp_path, "yelp.jsonl", lines(SUSHI | {"text": ""}, "{"))
        message = (
            rf"^path: '{re.escape(str(path))}' has no usable row "
            r"\(2 left out, first: yelp\.jsonl row 1: text is empty\); accepted are HateXplain's \.json, and \.jsonl "
            r"with words and annotators \(as Yelp-HAT\) or evidences \(as ERASER\)$"
        )
        with pytest.raises(InputError, match=message):
            load_rationales(path)

    @settings(deadline=None)  # each case writes a file
    @given(
        st.lists(
            st.tuples(
                st.text(st.characters(exclude_categories=["Z", "C"]), min_size=1),
                st.tuples(st.booleans(), st.booleans(), st.booleans()),
            ),
            min_size=1,
        ),
        st.sampled_from([" ", "  ", "\n", ""]),
    )
    def test_generated_rows_come_back(self, tmp_path_factory, marks, space):
        words, masks = [word for word, _ in marks], [list(mask) for mask in zip(*(m for _, m in marks), strict=True)]
        row = {"text": space.join(words), "label": 0, "words": words, "annotators": masks}
        example = load_rationales(saved(tmp_path_factory.getbasetemp(), "row.jsonl", lines(row))).examples[0]
        assert [example.text[start:end] for start, end in example.words] == words
        assert [list(mask) for mask in example.rationales] == masks
        ends = [0, *(end for _, end in example.words)]
        assert all(end <= start for end, (start, _) in zip(ends, example.words, strict=False))


class TestHateXplain:
    def dataset(self, folder: Path, *posts: object) -> Path:
        return saved(folder, "dataset.json", json.dumps({f"post {n}": post for n, post in enumerate(posts)}))

    def test_worked_post(self, tmp_path):
        path = self.dataset(tmp_path, POST, POST | {"rationales": []})
        saved(tmp_path, "post_id_divisions.json", '{"train": ["post 0"], "test": []}')
        assert holds_rationales(path)
        # "a" is the last character, not the first, in which it is found too.
        words = ((0, 3), (4, 6), (7, 8))
        first = Example("art is a", "hate", words=words, rationales=((False, True, True), (False, False, True)))
        assert load_rationales(path).examples == (first, Example("art is a", "hate", words=words))
        assert load_rationales(path).skipped == ()

    @pytest.mark.parametrize("labels", [["hate", "normal", "offensive"], ["hate", "normal"], []])
    def test_no_majority(self, tmp_path, labels):
        odd = POST | {"annotators": [{"label": label} for label in labels]}
        rows = load_rationales(self.dataset(tmp_path, POST, odd))
        assert len(rows.examples) == 1
        assert rows.skipped == (f"dataset.json row 2 ('post 1'): the annotators' labels {labels} have no majority",)

    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"post_tokens": []}, "text is empty"),
            ({"post_tokens": ["art", 1, "a"]}, "post_tokens, number 2, is 1; accepted is a string"),
            ({"rationales": [[0, 1]]}, "rationales, number 1, has 2 values for 3 words"),
            ({"rationales": [[-1, -1, -1]]}, "rationales, number 1, holds -1; accepted are 0 and 1"),
            ({"rationales": None}, "rationales is None; accepted is a list"),
            ({"annotators": ["hate"]}, "annotators, number 1, is 'hate'; accepted is an object"),
            ({"annotators": [{}]}, "label is missing"),
        ],
    )
    def test_faulty_post(self, tmp_path, change, reason):
        rows = load_rationales(self.dataset(tmp_path, POST | change, [], POST))
        assert len(rows.examples) == 1
        assert rows.skipped == (
            f"dataset.json row 1 ('post 0'): {reason}",
            "dataset.json row 2 ('post 1'): the post is []; accepted is an object",
        )

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", r"is no JSON that can be read: Expecting property name .* \(char 1\)"),
            ("", r"is no JSON that can be read: Expecting value: .*"),
            ('{"a":' * 200_000, r"is no JSON that can be read: maximum recursion depth exceeded.*"),
            ("[" + "9" * 5000, r"is no JSON that can be read: Exceeds the limit .*"),
            ("[1]", r"holds \[1\]; accepted is an object of posts by their id"),
            ("{}", r"has no usable row; accepted are HateXplain's .*"),
            ('{"a": 1}', r"has no usable row \(1 left out, first: dataset.json row 1 \('a'\): the post is 1; .*"),
        ],
    )
    def test_other_content(self, tmp_path, content, message):
        path = saved(tmp_path, "dataset.json", content)
        with pytest.raises(InputError, match=rf"^path: '{re.escape(str(path))}' {message}$"):
            load_rationales(path)


class TestEraser:
    def test_worked_row(self, tmp_path):
        path = movies(tmp_path, ROW)
        assert holds_rationales(path)
        (example,) = load_rationales(path).examples
        tokens = [example.text[start:end] for start, end in example.words]
        assert tokens == ["dull", ",", "dull", "\x1cplot", "so\tso", "film", "."]
        assert example.rationales == ((False, True, True, False, True, False, False),)
        assert (example.text, example.label, example.text_pair) == (REVIEW, "NEG", None)

    def test_tokens_are_those_of_the_benchmark(self, tmp_path):
        # Its own words: strip each line, leave out empty ones, split at single spaces, leave out what is empty.
        review = "\x1c a \u00a0 b\x0c\r\n\tc\x85 \u2028\r d  e\u3000\n\n"
        saved(tmp_path, "docs/neg_1.txt", review)
        stripped = [line.strip() for line in re.split("\r\n|\r|\n", review)]
        expected = [token for line in stripped if line for token in line.split(" ") if token]
        assert expected == ["a", "\u00a0", "b", "c", "d", "e"]
        evidences = [[{"docid": "neg_1.txt", "start_token": 3, "end_token": 6}]]
        path = saved(tmp_path, "val.jsonl", lines(ROW | {"evidences": evidences}))
        (example,) = load_rationales(path).examples
        # The blank token 1 counts in the offsets, but is no word.
        assert [example.text[start:end] for start, end in example.words] == ["a", "b", "c", "d", "e"]
        assert marked(example) == [["c", "d", "e"]]

    def test_documents_in_one_file(self, tmp_path):
        documents = [{"docid": "neg_1.txt", "document": REVIEW}, {"docid": "other", "document": 3}, {"document": "a"}]
        saved(tmp_path, "docs.jsonl", lines(*documents, "{"))
        other = ROW | {"evidences": [], "annotation_id": "other"}
        rows = load_rationales(saved(tmp_path, "test.jsonl", lines(ROW, other)))
        assert marked(rows.examples[0]) == [[",", "dull", "so\tso"]]
        assert rows.skipped == ("test.jsonl row 2: document 'other' is 3; accepted is a string",)

    @pytest.mark.parametrize("docids", [None, [], ["neg_1.txt"]])
    def test_row_without_evidence_has_no_mask(self, tmp_path, docids):
        (example,) = load_rationales(movies(tmp_path, ROW | {"evidences": [], "docids": docids})).examples
        assert (example.text, len(example.words), example.rationales) == (REVIEW, 7, ())

    def evidence(self, **change: object) -> dict[str, object]:
        return {"evidences": [[{"docid": "neg_1.txt", "start_token": 1, "end_token": 3} | change]]}

    @pytest.mark.parametrize(("start", "end"), [(-1, -1), (-1, 2), (2, 2), (3, 2), (0, 8), (7, 8), (0, 10**30)])
    def test_evidence_outside_the_document(self, tmp_path, start, end):
        odd = ROW | self.evidence(start_token=start, end_token=end)
        rows = load_rationales(movies(tmp_path, odd, ROW))
        reason = f"evidence from token {start} to {end} is not within 7 tokens"
        assert (len(rows.examples), rows.skipped) == (1, (f"test.jsonl row 1: {reason}",))

    def test_evidence_may_reach_both_ends(self, tmp_path):
        rows = load_rationales(movies(tmp_path, ROW | self.evidence(start_token=0, end_token=7)))
        assert rows.examples[0].rationales == ((True,) * 7,)

    def faulty(self, tmp_path: Path, change: dict[str, object]) -> str:
        rows = load_rationales(movies(tmp_path, ROW | change, ROW))
        assert len(rows.examples) == len(rows.skipped) == 1
        return rows.skipped[0]

    def test_faulty_rows(self, tmp_path):
        for change, reason in (
            (self.evidence(docid="gone"), "document 'gone' is not there"),
            (self.evidence(docid="../docs/neg_1.txt"), "document '../docs/neg_1.txt' is not there"),
            (self.evidence(docid="a\0b"), r"document 'a\x00b' is not there"),
            (self.evidence(docid=3), "docid is 3; accepted is a string"),
            (self.evidence(start_token="1"), "start_token is '1'; accepted is a whole number"),
            (self.evidence(end_token=3.0), "end_token is 3.0; accepted is a whole number"),
            (self.evidence(start_token=True), "start_token is True; accepted is a whole number"),
            ({"evidences": {}}, "evidences is {}; accepted is a list"),
            ({"evidences": [{}]}, "evidences, number 1, is {}; accepted is a list"),
            ({"evidences": [["a"]]}, "evidence is 'a'; accepted is an object"),
            ({"docids": ["neg_1.txt", "b"]}, "it has 2 documents; accepted is one"),
            ({"docids": [[]]}, "docids, number 1, is []; accepted is a string"),
            ({"classification": None}, "classification is None; accepted are strings, whole numbers and booleans"),
            ({"evidences": [], "annotation_id": "b"}, "document 'b' is not there"),
            ({"evidences": [], "annotation_id": 1}, "annotation_id is 1; accepted is a string"),
        ):
            assert self.faulty(tmp_path, change) == f"test.jsonl row 1: {reason}"

    def test_documents_that_cannot_be_read(self, tmp_path):
        saved(tmp_path, "docs/empty", "\n \n")
        (tmp_path / "docs" / "folder").mkdir()
        (tmp_path / "docs" / "latin").write_bytes(b"\xe9t\xe9")
        for name, reason in (
            ("empty", "text is empty"),
            ("folder", "document 'folder' cannot be read: path: cannot read '.*folder': Is a directory"),
            ("latin", "document 'latin' cannot be read: path: '.*latin' is not UTF-8 text"),
        ):
            skipped = self.faulty(tmp_path, self.evidence(docid=name))
            assert re.fullmatch(f"test.jsonl row 1: {reason}", skipped)

    def test_queries_that_differ_are_part_of_the_input(self, tmp_path):
        path = movies(tmp_path, ROW, "{", ROW | {"query": "Is it long?"})
        message = r" has 2 different queries; accepted is one question for all rows, as in Movies, since the query is "
        with pytest.raises(InputError, match=rf"^path: '{re.escape(str(path))}'{message}not part of the input$"):
            load_rationales(path)
        path = movies(tmp_path, ROW, "{", {name: value for name, value in ROW.items() if name != "query"})
        assert len(load_rationales(path).examples) == 2

    def test_no_documents(self, tmp_path):
        path = saved(tmp_path, "test.jsonl", lines(ROW))
        assert holds_rationales(path)
        message = rf"^path: no documents in '{tmp_path}'; accepted are a folder 'docs' and a file 'docs\.jsonl'$"
        with pytest.raises(FileError, match=message):
            load_rationales(path)


class TestChoice:
    def test_a_broken_first_row_decides_nothing(self, tmp_path):
        saved(tmp_path, "docs/neg_1.txt", REVIEW)
        path = saved(tmp_path, "a.jsonl", lines("{", {"text": "a"}, '["annotators", "words"]', SUSHI, ROW))
        assert load_rationales(path).examples == (SUSHI_EXAMPLE,)

    @pytest.mark.parametrize(
        "content",
        [
            '{"text": "a", "label": 1}\n',
            '{"text": "annotators words evidences", "label": "annotators"}\n',
            '{"text": "a", "label": 1, "annotators": ["x"]}\n',
            '{"text": "a", "label": 1, "of": {"annotators": [], "words": [], "evidences": []}}\n',
            "",
        ],
    )
    def test_other_json_lines(self, tmp_path, content):
        self.refused(saved(tmp_path, "train.jsonl", content))

    @pytest.mark.parametrize("name", ["a.csv", "a.txt", "annotators", "a.parquet"])
    def test_other_files(self, tmp_path, name):
        self.refused(saved(tmp_path, name, lines(SUSHI)))

    def test_folder(self, tmp_path):
        movies(tmp_path, ROW)
        self.refused(tmp_path)

    def refused(self, path: Path) -> None:
        assert not holds_rationales(path)
        message = (
            r" holds no rationales that can be read; accepted are HateXplain's \.json, and \.jsonl with words and "
        )
        with pytest.raises(InputError, match=rf"^path: '{re.escape(str(path))}'{message}"):
            load_rationales(path)

    @pytest.mark.parametrize("name", ["gone.jsonl", "gone.json"])
    def test_missing_file(self, tmp_path, name):
        assert not holds_rationales(tmp_path / name)
        with pytest.raises(FileError, match=rf"^path: cannot read '.*{name}': No such file or directory$"):
            load_rationales(tmp_path / name)

    def test_name_of_a_corpus(self):
        assert not holds_rationales("movie-snippets")
        assert not holds_rationales("")

    def test_file_that_is_no_text(self, tmp_path):
        path = tmp_path / "a.jsonl"
        path.write_bytes(lines(SUSHI).encode() + b"\xff\n")
        with pytest.raises(FileError, match=r"^path: '.*a\.jsonl' is not UTF-8 text$"):
            load_rationales(path)

    def test_corpus_of_another_form_is_told_apart_without_parsing(self, tmp_path, monkeypatch):
        path = saved(tmp_path, "a.jsonl", lines({"text": "a fine film", "label": 1}))
        monkeypatch.setattr(json, "loads", None)
        assert not holds_rationales(path)


def unit(start: int, end: int, part: int = 0) -> Unit:
    return Unit("x" * (end - start), start, end, part)


class TestOnUnits:
    def test_worked(self):
        # "Great" and "sushi," are marked by one, "sushi," and "dull." by the other. "dull" lies beyond the window.
        found = on_units(SUSHI_EXAMPLE, [unit(0, 5), unit(6, 11), unit(11, 12), unit(13, 16)])
        assert found.masks.dtype == bool
        assert found.masks.tolist() == [[True, True, True, False], [False, True, True, False]]
        assert found.share_lost == 1 / 4  # of four marked words, one

    def test_pieces_larger_units_and_touching_ends(self):
        example = Example("abcdefgh", "x", words=((0, 2), (2, 5), (5, 8)), rationales=((False, True, False),))
        spans = [(0, 2), (1, 3), (2, 2), (3, 3), (3, 4), (4, 7), (5, 8), (0, 8)]
        found = on_units(example, [unit(*span) for span in spans])
        assert found.masks.tolist() == [[False, True, False, False, True, True, False, True]]
        assert found.share_lost == 0

    def test_second_text_is_never_marked(self):
        example = Example("abc", "x", "abc", words=((0, 3),), rationales=((True,),))
        found = on_units(example, [unit(0, 3, part=1)])
        assert (found.masks.tolist(), found.share_lost) == ([[False]], 1)

    def test_nothing_there(self):
        assert on_units(Example("a", "x"), [unit(0, 1), unit(0, 1)]).masks.shape == (0, 2)
        empty = on_units(Example("a", "x", words=((0, 1),), rationales=((True,), (True,), (False,))), [])
        assert (empty.masks.shape, empty.share_lost) == ((3, 0), 1)
        no_words = on_units(Example("a", "x", rationales=((), ())), [unit(0, 1)])
        assert (no_words.masks.tolist(), no_words.share_lost) == ([[False], [False]], 0)

    def test_on_words_of_a_truncated_encoding(self, tokenizer):
        text = "good film, bad film!"
        example = Example(
            text, "x", words=((0, 4), (5, 10), (11, 14), (15, 20)), rationales=((True, True, False, True),)
        )
        for max_length, lost in ((64, 0.0), (6, 1 / 3)):
            (encoding,) = encode(tokenizer, [(text, None)], max_length)
            seen = units(align(encoding, "word"), encoding)
            found = on_units(example, seen)
            marked_text = [unit.text for unit, mark in zip(seen, found.masks[0], strict=True) if mark]
            assert found.share_lost == lost
            assert marked_text == ["good", "film", ",", "film", "!"][: 5 if lost == 0 else 3]

    SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=7).map(
        lambda pairs: [(start, start + length) for start, length in pairs]
    )

    @given(SPANS, SPANS, st.data())
    def test_against_sets_of_characters(self, words, spans, data):
        masks = data.draw(st.lists(st.lists(st.booleans(), min_size=len(words), max_size=len(words)), max_size=3))
        example = Example("x" * 40, "x", words=tuple(words), rationales=tuple(map(tuple, masks)))
        found = on_units(example, [unit(*span) for span in spans])
        characters = [{c for word, mark in zip(words, m, strict=True) if mark for c in range(*word)} for m in masks]
        expected = [[bool(seen & set(range(*span))) for span in spans] for seen in characters]
        assert found.masks.shape == (len(masks), len(spans))
        assert found.masks.tolist() == expected
        covered = {c for span in spans for c in range(*span)}
        pairs = [covered & set(range(*word)) for m in masks for word, mark in zip(words, m, strict=True) if mark]
        assert 0 <= found.share_lost <= 1
        assert found.share_lost == (sum(not pair for pair in pairs) / len(pairs) if pairs else 0)

    @given(SPANS, SPANS, st.integers(1, 3))
    def test_nothing_marked_marks_nothing(self, words, spans, n_annotators):
        masks = ((False,) * len(words),) * n_annotators
        found = on_units(Example("x" * 40, "x", words=tuple(words), rationales=masks), [unit(*s) for s in spans])
        assert not found.masks.any()
        assert found.share_lost == 0

    @given(st.lists(st.integers(1, 5), min_size=1, max_size=9), st.data(), st.integers(1, 3))
    def test_everything_marked_marks_everything_that_covers_the_words(self, lengths, data, n_annotators):
        ends = np.cumsum(lengths).tolist()
        words = tuple(zip([0, *ends[:-1]], ends, strict=True))
        cuts = sorted({0, ends[-1], *data.draw(st.lists(st.integers(0, ends[-1])))})
        spans = itertools.pairwise(cuts)
        example = Example("x" * ends[-1], "x", words=words, rationales=((True,) * len(words),) * n_annotators)
        found = on_units(example, [unit(*span) for span in spans])
        assert found.masks.shape == (n_annotators, len(cuts) - 1)
        assert found.masks.all()
        assert found.share_lost == 0
