"""Loading labelled corpora: from files, folders, the hub and the archive of rated sentences."""

import dataclasses
import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.data import corpora, vader
from explainable_bert.data.corpora import (
    CORPORA,
    Columns,
    Corpus,
    Example,
    load_corpus,
    sample,
    split_of,
    unlabelled_texts,
)
from explainable_bert.data.labelled import labelled_rows
from explainable_bert.errors import FileError, InputError

# printf '%s' "dull" | sha256sum gives 8f68ea0282db3790...; 0x8f68ea0282db3790 / 2**64 = 0.560; and so on.
TRAIN = {"dull": 0.560, "great": 0.529, "bad": 0.184, "good": 0.465, "ok": 0.151, "fun": 0.003}
VALIDATION = {"a fine film": 0.7296}
TEST = {"so so": 0.921, "it works": 0.939, "meh": 0.962}

CSV = """text,label
dull,neg
great,pos
bad,neg
a fine film,pos
so so,neg
"""


def saved(folder: Path, name: str, content: str = CSV) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    return str(path)


def texts(examples: tuple[Example, ...]) -> list[str]:
    return [example.text for example in examples]


class TestSplitting:
    def test_worked_positions(self):
        for positions, split in ((TRAIN, "train"), (VALIDATION, "validation"), (TEST, "test")):
            for text, position in positions.items():
                assert corpora._position(Example(text, "x")) == pytest.approx(position, abs=5e-4)
                assert split_of(Example(text, "x")) == split

    def test_pair_is_hashed_as_both_texts(self):
        # printf 'a fine film\ndull' | sha256sum gives 41d7f47c8292adf1...; that / 2**64 = 0.2572
        assert corpora._position(Example("A fine  film", "x", "dull")) == pytest.approx(0.2572, abs=5e-5)
        assert split_of(Example("a fine film", "x", "dull")) == "train"

    def test_boundaries(self, monkeypatch):
        for position, split in ((0.0, "train"), (0.7, "validation"), (0.8, "test"), (1.0, "test")):
            monkeypatch.setattr(corpora, "_position", lambda _, position=position: position)
            assert split_of(Example("a", "x")) == split

    @given(st.text("abcXYZßÄé 1.!\t\n\u00a0", min_size=1), st.sampled_from([" ", "\n", "\t \r\n", "\u2003"]))
    def test_case_and_white_space_do_not_matter(self, text, space):
        other = Example(space + text.upper().replace(" ", space * 2) + space, "y")
        assert split_of(other) == split_of(Example(text, "x"))

    @given(st.lists(st.sampled_from([*TRAIN, *VALIDATION, *TEST]), unique=True))
    def test_other_rows_do_not_matter(self, others):
        rows = [Example(text, label) for text, label in (("dull", "a"), ("great", "b"), ("a fine film", "a"))]
        corpus = corpora._split_rows("x", corpora.LabelledRows((*rows, *(Example(text, "a") for text in others))))
        for split, expected in (("train", TRAIN), ("validation", VALIDATION), ("test", TEST)):
            assert set(texts(getattr(corpus, split))) == set(expected) & {*others, "dull", "great", "a fine film"}

    def test_long_random_text_splits_into_the_shares(self):
        splits = [split_of(Example(str(number), "x")) for number in range(5000)]
        # Standard error of each share is below 0.0065.
        assert splits.count("train") / 5000 == pytest.approx(0.7, abs=0.02)
        assert splits.count("validation") / 5000 == pytest.approx(0.1, abs=0.02)


class TestCorpus:
    corpus = Corpus(
        "x", ("a", "b"), (Example("t", "a"), Example("u", "b", "v")), (Example("w", "a"),), (Example("z", "b"),)
    )

    def test_fingerprint_is_the_length_prefixed_hash(self):
        parts = ["2", "a", "b", "2", "t", "a", "single", "u", "b", "pair", "v", "1", "w", "a", "single"]
        parts += ["1", "z", "b", "single"]
        content = b"".join(len(part).to_bytes(8, "big") + part.encode() for part in parts)
        assert self.corpus.fingerprint == hashlib.sha256(content).hexdigest()

    @pytest.mark.parametrize(
        "change",
        [
            {"labels": ("b", "a")},
            {"labels": ("ab",)},
            {"train": (Example("u", "b", "v"), Example("t", "a"))},
            {"train": (Example("t", "a"), Example("u", "b"))},
            {"train": (Example("t", "a"), Example("u", "b", ""))},
            {"train": (Example("t", "b"), Example("u", "b", "v"))},
            {"train": (Example("ta", ""), Example("u", "b", "v"))},
            {"validation": (Example("w", "a"), Example("z", "b")), "test": ()},
            {"validation": (Example("z", "b"),), "test": (Example("w", "a"),)},
        ],
    )
    def test_fingerprint_changes_with_the_content(self, change):
        assert dataclasses.replace(self.corpus, **change).fingerprint != self.corpus.fingerprint

    def test_fingerprint_is_of_the_content_alone(self):
        other = dataclasses.replace(self.corpus, name="y", n_skipped=1, skipped=("r",), n_duplicates=2)
        assert other.fingerprint == self.corpus.fingerprint

    def test_fingerprint_of_a_lone_surrogate(self):
        odd = dataclasses.replace(self.corpus, test=(Example("\ud800", "a"),))
        assert odd.fingerprint != dataclasses.replace(self.corpus, test=(Example("\ud801", "a"),)).fingerprint

    def test_limited_gives_growing_prefixes_in_an_order_that_the_texts_fix(self):
        train = tuple(Example(f"text {number}", "ab"[number % 2]) for number in range(53))
        corpus = dataclasses.replace(self.corpus, train=train)
        whole = corpus.limited(1000).train
        assert sorted(texts(whole)) == sorted(texts(train))
        assert whole != train
        for n_train in (1, 2, 29, 53):
            assert corpus.limited(n_train).train == whole[:n_train]
        assert dataclasses.replace(corpus, train=train[::-1]).limited(7).train == whole[:7]
        assert corpus.limited(3) == dataclasses.replace(corpus, train=whole[:3])

    def test_limited_order_is_no_split_order(self):
        # Were the order the splits' own hash, the first rows would all be of the lowest positions.
        train = tuple(Example(f"text {number}", "a") for number in range(1009))
        first = dataclasses.replace(self.corpus, train=train).limited(101).train
        assert sum(corpora._position(example) for example in first) / 101 == pytest.approx(0.5, abs=0.1)

    @pytest.mark.parametrize("n_train", [0, -3])
    def test_limited_to_nothing(self, n_train):
        with pytest.raises(InputError, match=rf"^n_train: {n_train} given; at least 1 is needed$"):
            self.corpus.limited(n_train)


class TestFile:
    def test_csv(self, tmp_path):
        name = saved(tmp_path, "reviews.csv")
        assert load_corpus(name) == Corpus(
            name=name,
            labels=("neg", "pos"),
            train=(Example("dull", "neg"), Example("great", "pos"), Example("bad", "neg")),
            validation=(Example("a fine film", "pos"),),
            test=(Example("so so", "neg"),),
        )

    def test_test_split_may_be_empty(self, tmp_path):
        assert load_corpus(saved(tmp_path, "a.csv", CSV.replace("so so,neg\n", ""))).test == ()

    def test_duplicates_are_kept_once_with_their_first_label(self, tmp_path):
        corpus = load_corpus(saved(tmp_path, "a.csv", CSV + " DULL ,pos\ndull,neg\nA  fine FILM,pos\n"))
        assert corpus.n_duplicates == 3
        assert corpus.train == (Example("dull", "neg"), Example("great", "pos"), Example("bad", "neg"))
        assert corpus.validation == (Example("a fine film", "pos"),)

    def test_duplicates_with_another_label_are_counted_and_the_first_is_named_by_its_row(self, tmp_path):
        corpus = load_corpus(saved(tmp_path, "a.csv", CSV + ",pos\n DULL ,pos\ndull,neg\nGREAT,neg\n"))
        assert (corpus.n_skipped, corpus.n_duplicates, corpus.n_contradictions) == (1, 3, 2)
        assert corpus.contradiction == "row 7 ('pos'; row 1: 'neg')"

    def test_pairs(self, tmp_path):
        content = "q,a,y\ndull,bad,0\nDull,great,1\ndull,bad ,1\nmeh,fun,0\nx,y,0\nbad,,1\n"
        corpus = load_corpus(saved(tmp_path, "a.csv", content + VALIDATION_PAIRS), Columns("q", "y", "a"))
        assert {*corpus.train, *corpus.validation, *corpus.test} >= {
            Example("dull", "0", "bad"),
            Example("Dull", "1", "great"),
        }
        assert corpus.n_duplicates == 1
        assert corpus.skipped == ("a.csv row 6: second text is empty",)

    def test_skipped_rows_are_counted_and_named(self, tmp_path):
        empties = ["", "   ", "\u200b", "\x07\t"]
        content = CSV + "".join(f'"{text}",neg\n' for text in empties) + "fun, \n" + ",neg\n" * 7
        corpus = load_corpus(saved(tmp_path, "a.csv", content))
        assert corpus.n_skipped == 12
        reasons = [*["text is empty"] * 4, "label is empty", *["text is empty"] * 5]
        assert corpus.skipped == tuple(f"a.csv row {row}: {reason}" for row, reason in enumerate(reasons, start=6))
        assert "fun" not in texts(corpus.train)

    def test_missing_values_of_parquet(self, tmp_path):
        rows = [("dull", 1.0), ("great", 0.0), ("a fine film", 1.0), (None, 1.0), ("bad", None), ("ok", float("nan"))]
        table = pa.table({"text": [text for text, _ in rows], "label": [label for _, label in rows]})
        pq.write_table(table, tmp_path / "a.parquet")
        corpus = load_corpus(str(tmp_path / "a.parquet"))
        assert corpus.train == (Example("dull", "1"), Example("great", "0"))
        assert corpus.skipped == (
            "a.parquet row 4: text is missing",
            "a.parquet row 5: label is missing",
            "a.parquet row 6: label is missing",
        )

    def test_numeric_labels_are_sorted_as_numbers(self, tmp_path):
        content = "text,label\ndull,10\ngreat,9\nbad,-1\na fine film,9\n"
        assert load_corpus(saved(tmp_path, "a.csv", content)).labels == ("-1", "9", "10")

    def test_other_labels_are_sorted_as_strings(self, tmp_path):
        for odd in ("nan", "low"):
            content = f"text,label\ndull,10\ngreat,9\nbad,{odd}\na fine film,9\n"
            assert load_corpus(saved(tmp_path, "a.csv", content)).labels == ("10", "9", odd)

    def test_text_and_parquet_say_the_same(self, tmp_path):
        content = "text\tlabel\n" + CSV.split("\n", 1)[1].replace(",", "\t")
        jsonl = '{"text":"dull","label":"neg"}\n{"text":"great","label":"pos"}\n{"text":"bad","label":"neg"}\n'
        jsonl += '{"text":"a fine film","label":"pos"}\n{"text":"so so","label":"neg"}\n'
        names = [saved(tmp_path, "a.csv"), saved(tmp_path, "a.tsv", content), saved(tmp_path, "a.jsonl", jsonl)]
        assert len({load_corpus(name).fingerprint for name in names}) == 1


VALIDATION_PAIRS = "".join(f"q{number},a{number},{number % 2}\n" for number in range(40))


class TestLabelKinds:
    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (["1.0", "a "], ["1.0", "a "]),
            ([1, -2], ["1", "-2"]),
            ([1.0, -0.0], ["1", "0"]),
            ([True, False], ["True", "False"]),
            (pa.array(["x", "y"]).dictionary_encode(), ["x", "y"]),
            (pa.array(["x", "y"], pa.large_string()), ["x", "y"]),
            (pa.array(["x", "y"], pa.string_view()), ["x", "y"]),
        ],
    )
    def test_become_strings(self, values, expected):
        rows = labelled_rows(pa.table({"text": ["t", "u"], "label": values}), Columns(), "a.csv")
        assert [example.label for example in rows.examples] == expected

    @pytest.mark.parametrize(("value", "shown"), [(0.5, "0.5"), (float("inf"), "inf"), ([1], "list<item: int64>")])
    def test_others_are_refused(self, value, shown):
        message = (
            f"--label-column: column 'label' of a.csv holds {shown}; accepted are strings, whole numbers and booleans"
        )
        with pytest.raises(InputError) as caught:
            labelled_rows(pa.table({"text": ["t"], "label": [value]}), Columns(), "a.csv")
        assert str(caught.value) == message


class TestMistakes:
    def refused(self, folder: Path, content: str, message: str, columns: Columns = corpora.DEFAULT_COLUMNS):
        with pytest.raises(InputError, match=message) as caught:
            load_corpus(saved(folder, "a.csv", content), columns)
        assert "\n" not in str(caught.value)

    def test_column_not_there(self, tmp_path):
        for columns, option, name in (
            (Columns(text="review"), "--text-column", "review"),
            (Columns(label="stars"), "--label-column", "stars"),
            (Columns(pair="second"), "--pair-column", "second"),
        ):
            message = rf"^{option}: no column '{name}' in a\.csv; its columns are 'text', 'label'$"
            self.refused(tmp_path, CSV, message, columns)

    def test_text_column_of_numbers(self, tmp_path):
        jsonl = saved(tmp_path, "a.jsonl", '{"text": 1, "label": "a"}\n')
        with pytest.raises(
            InputError, match=r"^--text-column: column 'text' of a\.jsonl holds int64; accepted are strings$"
        ):
            load_corpus(jsonl)

    def test_txt_has_no_labels(self, tmp_path):
        message = (
            r"^--label-column: no column 'label' in a\.txt; its columns are 'text' "
            r"\(a \.txt file has a text on each line, and no labels\)$"
        )
        with pytest.raises(InputError, match=message):
            load_corpus(saved(tmp_path, "a.txt", "one\ntwo\n"))

    def test_one_label(self, tmp_path):
        message = r"^data: the labels in training of '.*a\.csv' are 'neg'; at least two are needed$"
        self.refused(tmp_path, "text,label\ndull,neg\nbad,neg\na fine film,neg\n", message)

    def test_no_training_row(self, tmp_path):
        message = r"^data: the labels in training of '.*a\.csv' are none; at least two are needed$"
        self.refused(tmp_path, "text,label\na fine film,neg\n", message)

    @pytest.mark.parametrize(("row", "split"), [("a fine film,new", "validation"), ("meh,new", "test")])
    def test_label_unseen_in_training(self, tmp_path, row, split):
        message = rf"^data: label 'new' is in {split} but not in training of '.*a\.csv'; accepted are 'neg', 'pos'$"
        self.refused(tmp_path, CSV.replace("a fine film,pos\n", "") + row + "\n", message)

    def test_no_usable_row(self, tmp_path):
        reason = r"2 left out, first: a\.csv row 1: text is empty"
        message = rf"^data: '.*a\.csv' has no usable row \({reason}\); accepted are rows with a text and a label$"
        self.refused(tmp_path, "text,label\n,neg\nbad, \n", message)

    def test_no_row(self, tmp_path):
        message = r"^data: '.*a\.csv' has no usable row; accepted are rows with a text and a label$"
        self.refused(tmp_path, "text,label\n", message)

    def test_empty_validation(self, tmp_path):
        message = (
            r"^data: the validation split of '.*a\.csv' is empty; "
            r"accepted are more rows, or a folder with a validation file$"
        )
        self.refused(tmp_path, CSV.replace("a fine film,pos\n", ""), message)

    def test_missing_file_is_not_sought_at_the_hub(self, tmp_path):
        with pytest.raises(FileError, match=r"^path: cannot read '.*gone\.csv': No such file"):
            load_corpus(str(tmp_path / "gone.csv"))

    def test_file_of_another_kind(self, tmp_path):
        with pytest.raises(InputError, match=r"^path: '.*a\.xlsx' cannot be read by its extension; accepted are \.csv"):
            load_corpus(saved(tmp_path, "a.xlsx"))


class TestFolder:
    def test_given_splits_are_kept_with_their_rows_and_duplicates(self, tmp_path):
        saved(tmp_path, "train.csv", "text,label\nmeh,a\nmeh,b\na fine film,a\n,b\n")
        saved(tmp_path, "DEV.tsv", "text\tlabel\nmeh\ta\n\tb\n")
        saved(tmp_path, "test.jsonl", '{"text":"dull","label":"b"}\n')
        saved(tmp_path, "notes.txt", "not a split")
        corpus = load_corpus(str(tmp_path))
        assert corpus == Corpus(
            name=str(tmp_path),
            labels=("a", "b"),
            train=(Example("meh", "a"), Example("meh", "b"), Example("a fine film", "a")),
            validation=(Example("meh", "a"),),
            test=(Example("dull", "b"),),
            n_skipped=2,
            skipped=("train.csv row 4: text is empty", "DEV.tsv row 2: text is empty"),
        )

    @pytest.mark.parametrize("stem", ["validation", "dev", "valid"])
    def test_names_of_the_validation_file(self, tmp_path, stem):
        saved(tmp_path, "train.csv")
        saved(tmp_path, f"{stem}.csv", "text,label\nmeh,neg\n")
        assert texts(load_corpus(str(tmp_path)).validation) == ["meh"]

    def test_missing_validation_is_carved_out_of_training(self, tmp_path):
        # Only "fun" (0.003) lies below 0.1; "ok" (0.151) does not.
        saved(tmp_path, "train.csv", CSV + "fun,pos\nok,neg\nFun,pos\n")
        corpus = load_corpus(str(tmp_path))
        assert texts(corpus.validation) == ["fun", "Fun"]
        assert texts(corpus.train) == ["dull", "great", "bad", "a fine film", "so so", "ok"]
        assert corpus.test == ()

    def test_no_training_file(self, tmp_path):
        saved(tmp_path, "test.csv")
        saved(tmp_path, "train.txt", "no labels here")
        message = r"^data: no training file in '.*'; accepted is train\{\.csv,\.tsv,\.jsonl,\.parquet\}$"
        with pytest.raises(FileError, match=message):
            load_corpus(str(tmp_path))

    def test_two_files_for_one_split(self, tmp_path):
        for name in ("train.csv", "dev.csv", "valid.csv"):
            saved(tmp_path, name)
        message = r"^data: '.*' holds 'dev\.csv' and 'valid\.csv'; accepted is one file per split$"
        with pytest.raises(InputError, match=message):
            load_corpus(str(tmp_path))

    def test_named_corpus_goes_before_a_folder_of_that_name(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        saved(tmp_path, "tweets/train.csv", CSV + "fun,pos\n")
        rated = [
            vader.RatedText(1, -2.0, "dull"),
            vader.RatedText(2, 2.0, "great"),
            vader.RatedText(3, 1.0, "A fine film"),
        ]
        monkeypatch.setattr(vader, "load_rated_texts", lambda _: rated)
        assert load_corpus("tweets").labels == ("negative", "positive")
        assert load_corpus("./tweets").labels == ("neg", "pos")


class TestUnlabelledTexts:
    LINES = "text,label\n" + "".join(f"text {number},{'' if number % 3 else 'a'}\n" for number in range(40))

    def test_all_rows_of_a_file_in_their_order(self, tmp_path):
        # A label is neither needed nor read, and neither splits nor duplicates matter.
        content = "text,label\nso so,\ndull,a\n ,b\ndull,b\na fine film,\n"
        assert unlabelled_texts(saved(tmp_path, "a.csv", content)) == ("so so", "dull", "dull", "a fine film")
        assert unlabelled_texts(saved(tmp_path, "a.txt", "meh\n\nfun\n")) == ("meh", "fun")

    def test_a_file_without_a_text_is_named_as_what_it_was_given_for(self, tmp_path):
        with pytest.raises(InputError, match=r"^unlabelled: a.csv has no row with a text .*; accepted: one or more$"):
            unlabelled_texts(saved(tmp_path, "a.csv", "text,label\n ,a\n"))

    def test_the_training_rows_of_a_folder_and_of_a_named_corpus(self, tmp_path, monkeypatch):
        saved(tmp_path, "data/train.csv", "text,label\nfun,a\nmeh,b\n")
        saved(tmp_path, "data/dev.csv", "text,label\ndull,a\n")
        saved(tmp_path, "data/test.csv", "text,label\ngreat,b\n")
        assert unlabelled_texts(str(tmp_path / "data")) == ("fun", "meh")
        rated = [vader.RatedText(row, 3.0 - row, text) for row, text in enumerate([*TRAIN, *VALIDATION, *TEST])]
        monkeypatch.setattr(vader, "load_rated_texts", lambda _: rated)
        # Those with a rating of 0 have no label: the fourth.
        assert unlabelled_texts("tweets") == ("dull", "great", "bad", "ok", "fun")

    @pytest.mark.parametrize("kind", ["file", "folder"])
    def test_a_sample_is_that_of_sample_and_grows_with_its_size(self, tmp_path, kind):
        if kind == "file":
            name = saved(tmp_path, "a.csv", self.LINES)
            examples = [Example(f"text {number}", "") for number in range(40)]
        else:
            saved(tmp_path, "dev.csv", "text,label\ndull,a\n")
            saved(tmp_path, "train.csv", "text,label\n" + "".join(f"text {n},{'ab'[n % 2]}\n" for n in range(40)))
            name = str(tmp_path)
            examples = list(load_corpus(name).train)
        whole = unlabelled_texts(name)
        assert whole == tuple(example.text for example in examples)
        shuffled = unlabelled_texts(name, n_unlabelled=1000)
        assert sorted(shuffled) == sorted(whole)
        assert shuffled != whole
        for n_texts in (1, 2, 19, 40):
            found = unlabelled_texts(name, n_unlabelled=n_texts)
            assert found == shuffled[:n_texts]
            assert found == tuple(example.text for example in sample(examples, n_texts))

    def test_pairs_are_sampled_as_pairs(self, tmp_path):
        name = saved(tmp_path, "a.csv", "q,a\n" + "".join(f"text {n % 2},answer {n}\n" for n in range(20)))
        columns = Columns("q", pair="a")
        pairs = [(f"text {n % 2}", f"answer {n}") for n in range(20)]
        assert unlabelled_texts(name, columns) == tuple(pairs)
        chosen = sample([Example(text, "", pair) for text, pair in pairs], 7)
        expected = tuple((example.text, example.text_pair) for example in chosen)
        assert unlabelled_texts(name, columns, 7) == expected
        assert set(expected) <= set(pairs)

    @pytest.mark.parametrize("n_texts", [0, -3])
    def test_a_sample_of_nothing(self, tmp_path, n_texts):
        with pytest.raises(InputError, match=rf"^n_unlabelled: {n_texts} given; at least 1 is needed$"):
            unlabelled_texts(saved(tmp_path, "a.csv"), n_unlabelled=n_texts)


class TestHub:
    @pytest.fixture
    def hub(self, monkeypatch):
        datasets = pytest.importorskip("datasets")
        import huggingface_hub

        asked = []
        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda _, name, **__: asked.append(name))
        splits = {}
        monkeypatch.setattr(datasets, "load_dataset", lambda _: datasets.DatasetDict(splits))
        return datasets, splits, asked

    def test_class_names_and_splits(self, hub):
        datasets, splits, asked = hub
        features = datasets.Features(
            {"sentence": datasets.Value("string"), "y": datasets.ClassLabel(names=["no", "yes"])}
        )
        for split, rows in {
            "train": [("meh", 1), ("meh", 0)],
            "validation": [("dull", 1), ("fun", None)],
            "test": [("bad", -1)],
            "unsupervised": [("great", -1)],
        }.items():
            columns = {"sentence": [text for text, _ in rows], "y": [label for _, label in rows]}
            splits[split] = datasets.Dataset.from_dict(columns, features=features)
        corpus = load_corpus("some/set", Columns("sentence", "y"))
        assert asked == ["some/set"]
        assert corpus == Corpus(
            name="some/set",
            labels=("no", "yes"),
            train=(Example("meh", "yes"), Example("meh", "no")),
            validation=(Example("dull", "yes"),),
            test=(),
            n_skipped=2,
            skipped=("validation row 2: label is missing", "test row 1: label is missing"),
        )

    def test_plain_labels_and_carved_validation(self, hub):
        datasets, splits, _ = hub
        splits["train"] = datasets.Dataset.from_dict({"text": ["meh", "dull", "fun"], "label": [3, 5, 5]})
        corpus = load_corpus("imdb")
        assert (corpus.labels, texts(corpus.train), texts(corpus.validation)) == (("3", "5"), ["meh", "dull"], ["fun"])

    def test_no_training_split(self, hub):
        datasets, splits, _ = hub
        splits["all"] = datasets.Dataset.from_dict({"text": ["meh"], "label": [3]})
        with pytest.raises(InputError, match=r"^data: 'imdb' has no split 'train'; its splits are 'all'$"):
            load_corpus("imdb")

    def test_column_not_there(self, hub):
        datasets, splits, _ = hub
        splits["train"] = datasets.Dataset.from_dict({"text": ["meh"], "stars": [3]})
        message = r"^--label-column: no column 'label' in train; its columns are 'text', 'stars'$"
        with pytest.raises(InputError, match=message):
            load_corpus("imdb")

    KNOWN = r"is neither a named corpus \(movie-snippets, amazon-snippets, tweets, editorials\), nor a file or folder"

    @pytest.mark.usefixtures("hub")
    def test_no_network(self, monkeypatch):
        import huggingface_hub

        def fail(*_, **__):
            raise ConnectionError("no route\nto the host")

        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
        cause = r", nor a data set that the hub could give \(ConnectionError: no route\)$"
        with pytest.raises(InputError, match=rf"^data: 'movie' {self.KNOWN}{cause}"):
            load_corpus("movie")

    def test_unreadable_set(self, hub, monkeypatch):
        def fail(_):
            raise RuntimeError("\nscripts are not run\nmore")

        monkeypatch.setattr(hub[0], "load_dataset", fail)
        with pytest.raises(InputError, match=rf"^data: 'movie' {self.KNOWN}.*\(RuntimeError: scripts are not run\)$"):
            load_corpus("movie")

    def test_offline_mode_still_reads_cached_sets(self, hub, monkeypatch):
        import huggingface_hub

        def fail(*_, **__):
            raise huggingface_hub.errors.OfflineModeIsEnabled("offline")

        datasets, splits, _ = hub
        splits["train"] = datasets.Dataset.from_dict({"text": ["meh", "dull", "fun"], "label": [3, 5, 5]})
        monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", fail)
        assert load_corpus("imdb").labels == ("3", "5")

    @pytest.mark.parametrize("name", ["", "a/b/c", "/no/such/place"])
    def test_names_that_the_hub_cannot_have(self, name):
        pytest.importorskip("datasets")
        with pytest.raises(InputError, match=rf"^data: '{name}' {self.KNOWN}.*\(HFValidationError: "):
            load_corpus(name)


RATED = [
    ("1", "-0.5", " dull "),
    ("2", "0.5", "great"),
    ("3", "0.4999", "ok"),
    ("4", "-0.4999", "bad"),
    ("5", "3.2", "A fine &#102;ilm"),
    ("6", "-2", "so\tso"),
    ("7", "-1", "Dull"),
    ("8", "2", "&nbsp;"),
]


def packed(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(stream.getvalue(), mtime=0)


def fake_sdist() -> bytes:
    rows = "\r\n".join("\t".join(row) for row in RATED).encode()
    inner = packed({"hutto_ICWSM_2014/tweets_GroundTruth.txt": rows})
    return packed({"vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz": inner})


class TestNamedCorpora:
    @pytest.fixture
    def pip(self, tmp_path, monkeypatch):
        """A stand-in for pip that notes its calls and puts `content` where it is told to."""

        class Pip:
            content = fake_sdist()
            returncode, stderr = 0, ""

            def __init__(self):
                self.calls, self.pinned = [], []

            def run(self, command, **_):
                self.calls.append(command)
                self.pinned.append(Path(command[command.index("-r") + 1]).read_text())
                if self.returncode == 0:
                    (Path(command[-1]) / vader.SDIST_NAME).write_bytes(self.content)
                return subprocess.CompletedProcess(command, self.returncode, "", self.stderr)

        pip = Pip()
        monkeypatch.setattr(subprocess, "run", pip.run)
        monkeypatch.setattr(vader, "SDIST_SHA256", hashlib.sha256(pip.content).hexdigest())
        monkeypatch.setattr(vader.platformdirs, "user_cache_dir", lambda _: str(tmp_path / "cache"))
        return pip

    def test_ratings_become_labels(self, pip):
        assert load_corpus("tweets") == Corpus(
            name="tweets",
            labels=("negative", "positive"),
            train=(Example("dull", "negative"), Example("great", "positive")),
            validation=(Example("A fine film", "positive"),),
            test=(Example("so\tso", "negative"),),
            n_skipped=1,
            skipped=("tweets_GroundTruth.txt row 8: text is empty",),
            n_duplicates=1,
        )
        assert pip.calls[0][:3] == [sys.executable, "-m", "pip"]
        assert pip.calls[0][3:9] == ["download", "--no-deps", "--no-binary", ":all:", "--require-hashes", "-r"]
        assert pip.pinned[0] == f"vaderSentiment==3.3.2 --hash=sha256:{vader.SDIST_SHA256}\n"

    def test_archive_is_downloaded_once(self, pip, tmp_path):
        load_corpus("tweets")
        load_corpus("tweets")
        assert len(pip.calls) == 1
        assert not Path(pip.calls[0][-1]).exists()
        assert [path.name for path in (tmp_path / "cache").iterdir()] == ["vaderSentiment-3.3.2.tar.gz"]

    def test_cached_archive_with_a_wrong_sum_is_fetched_again(self, pip, tmp_path):
        cached = tmp_path / "cache" / vader.SDIST_NAME
        cached.parent.mkdir()
        cached.write_bytes(pip.content[:-1])
        load_corpus("tweets")
        assert cached.read_bytes() == pip.content
        assert len(pip.calls) == 1

    def failure(self, cause: str, tmp_path: Path) -> str:
        folder = tmp_path / "cache"
        return (
            f"data: could not fetch vaderSentiment-3.3.2.tar.gz (sha256 {vader.SDIST_SHA256}): {cause}; by hand: "
            f"pip download --no-deps --no-binary :all: vaderSentiment==3.3.2 -d '{folder}', "
            f"which puts it at '{folder / 'vaderSentiment-3.3.2.tar.gz'}'"
        )

    def test_wrong_sum(self, pip, tmp_path):
        pip.content = b"tampered"
        with pytest.raises(FileError) as caught:
            load_corpus("tweets")
        cause = f"the downloaded file's sha256 is {hashlib.sha256(b'tampered').hexdigest()}"
        assert str(caught.value) == self.failure(cause, tmp_path)
        assert not (tmp_path / "cache").exists()

    @pytest.mark.parametrize(
        ("stderr", "cause"),
        [
            ("WARNING: slow\nERROR: no route\nERROR: no such version\n", "ERROR: no route"),
            ("\npython: No module named pip\n\n", "python: No module named pip"),
            ("", "pip ended with status 3"),
        ],
    )
    def test_failed_download(self, pip, tmp_path, stderr, cause):
        pip.returncode, pip.stderr = 3, stderr
        with pytest.raises(FileError) as caught:
            load_corpus("tweets")
        assert str(caught.value) == self.failure(cause, tmp_path)

    @pytest.mark.usefixtures("pip")
    @pytest.mark.parametrize(
        ("error", "cause"),
        [
            (subprocess.TimeoutExpired("pip", 300), "pip did not finish within 300 s"),
            (OSError("no python"), "no python"),
        ],
    )
    def test_pip_that_does_not_run(self, tmp_path, monkeypatch, error, cause):
        def fail(*_, **__):
            raise error

        monkeypatch.setattr(subprocess, "run", fail)
        with pytest.raises(FileError) as caught:
            load_corpus("tweets")
        assert str(caught.value) == self.failure(cause, tmp_path)

    @pytest.mark.usefixtures("pip")
    def test_pip_that_leaves_no_file(self, monkeypatch):
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess([], 0, "", ""))
        with pytest.raises(FileError, match=r"^data: could not fetch .*: cannot read '.*': No such file or directory;"):
            load_corpus("tweets")

    def test_table(self, monkeypatch):
        monkeypatch.setattr(corpora, "rated_rows", lambda stem: stem)
        assert {name: row.read() for name, row in CORPORA.items()} == {
            "movie-snippets": "movieReviewSnippets",
            "amazon-snippets": "amazonReviewSnippets",
            "tweets": "tweets",
            "editorials": "nytEditorialSnippets",
        }
        assert all(row.description and "\n" not in row.description for row in CORPORA.values())


@pytest.mark.real
def test_real_named_corpora():
    expected = {"movie-snippets": 10_072, "amazon-snippets": 2_985, "tweets": 3_432, "editorials": 2_970}
    sizes = {
        "movie-snippets": (6973, 1033, 2064),
        "amazon-snippets": (2089, 317, 571),
        "tweets": (2373, 332, 667),
        "editorials": (2044, 314, 573),
    }
    assert set(expected) == set(CORPORA)
    for name, n_rows in expected.items():
        corpus = load_corpus(name)
        assert (len(corpus.train), len(corpus.validation), len(corpus.test)) == sizes[name]
        assert sum(sizes[name]) + corpus.n_duplicates == n_rows
        assert corpus.labels == ("negative", "positive")
        assert (corpus.n_skipped, corpus.skipped) == (0, ())


def test_importing_loads_nothing_heavy():
    code = (
        "import sys, explainable_bert.data; "
        "sys.exit(any(m in sys.modules for m in ('datasets', 'huggingface_hub', 'torch', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
