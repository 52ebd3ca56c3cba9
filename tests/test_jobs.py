"""Corpus jobs: every row once with the same numbers, whatever stops them; bad rows named; counts that add up."""

import dataclasses
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus_samples import errors_of, rows_of, save_classifier, texts, write_csv, write_wide
from explainable_bert import ExplainableClassifier
from explainable_bert.engines.torch_engine import TorchEngine
from explainable_bert.errors import FileError, InputError
from explainable_bert.jobs import pieces
from explainable_bert.jobs.job import JobSettings, run_job
from explainable_bert.jobs.pieces import Columns
from explainable_bert.jobs.tally import Pushes, Tally, most_pushing

TEXTS = [*texts(40), "the " * 60 + "film is great. A dull plot!"]


@pytest.fixture(scope="module")
def model(stock_folder, tokenizer, tmp_path_factory):
    return save_classifier(stock_folder, tokenizer, tmp_path_factory.mktemp("model"))


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "_SMALLEST", 256)


@pytest.mark.usefixtures("small_pieces")
def test_every_row_has_its_prediction_and_words(model, tmp_path):
    write_csv(tmp_path / "x.csv", TEXTS)
    report = run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out", JobSettings(top_words=3))
    rows = rows_of(tmp_path / "out")
    assert report.n_shards > 3
    assert [row["row"] for row in rows] == list(range(1, len(TEXTS) + 1))
    for row, expected in zip(rows, ExplainableClassifier.load(model).explain(TEXTS), strict=True):
        prediction, attribution = expected.prediction, expected.attribution
        assert row["file"] == str(tmp_path / "x.csv")
        assert (row["label"], row["n_windows"]) == (prediction.label, prediction.n_windows)
        assert row["probability"] == pytest.approx(prediction.probabilities[prediction.label], abs=1e-5)
        of_labels = [row[f"probability_{label}"] for label in prediction.probabilities]
        assert of_labels == pytest.approx(list(prediction.probabilities.values()), abs=1e-5)
        scores = {
            (unit.start, unit.end): score for unit, score in zip(attribution.units, attribution.scores, strict=True)
        }
        strongest = sorted(map(abs, scores.values()), reverse=True)[:3]
        assert list(map(abs, row["score"])) == pytest.approx(strongest, abs=1e-5)
        for unit, start, end, score in zip(row["unit"], row["start"], row["end"], row["score"], strict=True):
            assert score == pytest.approx(scores[start, end], abs=1e-5)
            assert expected.text[start:end] == unit
        assert row["n_units"] == len(attribution.units)
        assert 1 <= row["effective_units"] <= row["n_units"]
    assert rows[-1]["n_windows"] > 1


def test_all_words_sum_to_the_logit_and_the_text_is_there(model, tmp_path):
    write_csv(tmp_path / "x.csv", TEXTS)
    run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out", JobSettings(Columns(kept=("id",)), top_words=None))
    rows = rows_of(tmp_path / "out")
    assert [row["text"] for row in rows] == TEXTS
    assert [row["kept_id"] for row in rows] == [str(number) for number in range(len(TEXTS))]
    for row in rows:
        assert row["bias"] + sum(row["score"]) == pytest.approx(row["logit"], abs=1e-5)
        assert row["start"] == sorted(row["start"])


@pytest.mark.usefixtures("small_pieces")
def test_the_manifest_names_every_shard(model, tmp_path):
    write_csv(tmp_path / "x.csv", TEXTS)
    (tmp_path / "y.jsonl").write_text('{"text": "good"}\n{"text": 3}\n')
    run_job(str(model), [str(tmp_path)], tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["complete"]
    assert (manifest["rows"], manifest["errors"]) == (len(TEXTS) + 1, 1)
    assert manifest["provenance"]["design"] == "additive"
    assert [shard["name"] for shard in manifest["shards"]] == sorted(
        path.name for path in (tmp_path / "out").glob("*.parquet")
    )
    next_row: dict[str, int] = {}
    for shard in manifest["shards"]:
        path = tmp_path / "out" / shard["name"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == shard["sha256"]
        assert path.stat().st_size == shard["bytes"]
        assert pyarrow.parquet.read_metadata(path).num_rows == shard["rows"]
        given = shard["input"]
        assert given["first_row"] == next_row.get(given["file"], 1)
        next_row[given["file"]] = given["first_row"] + given["n_rows"]
        assert shard["rows"] + shard["errors"] == given["n_rows"]
        said = json.loads(pyarrow.parquet.read_metadata(path).metadata[b"explainable_bert"])
        assert said["input"] == given
        assert said["model"]["fingerprint"] == manifest["model"]["fingerprint"]
    assert sorted(next_row.values()) == [3, len(TEXTS) + 1]


def test_bad_rows_go_to_errors_with_their_reason(model, tmp_path):
    rows = ["good", None, "  ", "\u00e9 film", "awful", "awful"]
    pyarrow.parquet.write_table(pa.table({"text": rows}), tmp_path / "x.parquet")
    (tmp_path / "y.csv").write_bytes(b"text\ngood\ncaf\xe9\ngood,film\n")
    report = run_job(str(model), [str(tmp_path)], tmp_path / "out")
    found = {(row["file"].rpartition("/")[2], row["row"]) for row in rows_of(tmp_path / "out")}
    errors = {(row["file"].rpartition("/")[2], row["row"]): row["reason"] for row in errors_of(tmp_path / "out")}
    assert found == {("x.parquet", 1), ("x.parquet", 4), ("x.parquet", 5), ("x.parquet", 6), ("y.csv", 1)}
    assert errors == {
        ("x.parquet", 2): "text: nothing given; accepted: a string",
        ("x.parquet", 3): "text: a blank string given; accepted: one with a visible character",
        ("y.csv", 2): "not UTF-8; accepted: files saved as UTF-8",
        ("y.csv", 3): "2 cells given; accepted: 1, as the header has",
    }
    assert (report.tally.rows, report.tally.errors) == (5, 4)


def test_a_text_that_breaks_the_model_breaks_no_other(model, tmp_path, monkeypatch):
    attribute = TorchEngine.attribute

    def poisoned(self, method, rows, target, seed):
        if any("poison" in row.encoding.text for row in rows):
            raise RuntimeError("the model choked\non it")
        return attribute(self, method, rows, target, seed)

    monkeypatch.setattr(TorchEngine, "attribute", poisoned)
    given = [*texts(5), "poison", *texts(5, seed=1), "more poison"]
    write_csv(tmp_path / "x.csv", given)
    report = run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    assert [row["row"] for row in rows_of(tmp_path / "out")] == [*range(1, 6), *range(7, 12)]
    assert [(row["row"], row["reason"]) for row in errors_of(tmp_path / "out")] == [
        (6, "the model choked"),
        (12, "the model choked"),
    ]
    assert (report.tally.rows, report.tally.errors) == (10, 2)


@pytest.mark.usefixtures("small_pieces")
def test_a_finished_job_is_left_as_it_is(model, tmp_path, monkeypatch):
    write_csv(tmp_path / "x.csv", TEXTS)
    first = run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}
    monkeypatch.setattr(TorchEngine, "attribute", None)
    assert run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out") == first
    assert stamps == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.parquet")}


@pytest.mark.usefixtures("small_pieces")
def test_what_was_stopped_continues_with_what_is_missing(model, tmp_path):
    write_csv(tmp_path / "x.csv", [*TEXTS, ""])
    whole = run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "whole")
    run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    shards = sorted((tmp_path / "out").glob("*.parquet"))
    for lost in (shards[1], shards[-1]):
        lost.unlink()
    kept = shards[0].stat().st_mtime_ns
    again = run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    assert dataclasses.replace(again.tally, pushes={}) == dataclasses.replace(whole.tally, pushes={})
    for label, pushes in again.tally.pushes.items():
        sums = {word: score for word, (_, score) in pushes.sums.items()}
        assert sums == pytest.approx({word: score for word, (_, score) in whole.tally.pushes[label].sums.items()})
    assert rows_of(tmp_path / "out") == rows_of(tmp_path / "whole")
    assert errors_of(tmp_path / "out") == errors_of(tmp_path / "whole")
    assert shards[0].stat().st_mtime_ns == kept


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"top_words": 4}, r"top_words 10 there, 4 asked for"),
        ({"limit": 5}, r"limit None there, 5 asked for"),
        ({"long": "truncate"}, r"long window there, truncate asked for"),
        ({"columns": Columns(("text",), ("id",))}, r"keep \[\] there, \['id'\] asked for"),
    ],
)
def test_another_job_is_refused(model, tmp_path, change, differs):
    write_csv(tmp_path / "x.csv", TEXTS[:3])
    run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    with pytest.raises(FileError, match=f"holds another run \\(settings {differs}"):
        run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out", JobSettings(**change))


def test_other_inputs_are_another_job(model, tmp_path):
    write_csv(tmp_path / "x.csv", TEXTS[:3])
    run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    write_csv(tmp_path / "x.csv", TEXTS[:4])
    with pytest.raises(FileError, match=r"holds another run \(inputs sha256 "):
        run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")


def test_a_damaged_shard_is_named(model, tmp_path):
    write_csv(tmp_path / "x.csv", TEXTS[:3])
    run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")
    shard = tmp_path / "out" / "part-000000.parquet"
    shard.write_bytes(shard.read_bytes()[:100])
    with pytest.raises(
        FileError, match=r"part-000000.parquet' is damaged \(.*\); remove it, and its piece is done again"
    ):
        run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out")


@pytest.mark.parametrize("name", ["top_words", "batch_tokens", "limit"])
def test_numbers_below_one(name):
    with pytest.raises(InputError, match=f"{name}: 0 given; accepted: 1 or more"):
        JobSettings(**{name: 0})


def test_columns_are_one_or_two():
    with pytest.raises(InputError, match="columns: 'a,b,c' given; accepted: a column of texts, or two of pairs"):
        Columns(("a", "b", "c"))


def test_texts_beyond_the_window_are_refused_one_by_one(model, tmp_path):
    write_csv(tmp_path / "x.csv", TEXTS[-3:])
    run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "out", JobSettings(long="error"))
    (error,) = errors_of(tmp_path / "out")
    assert error["row"] == 3
    assert "tokens given; accepted: at most 41" in error["reason"]
    report = run_job(str(model), [str(tmp_path / "x.csv")], tmp_path / "cut", JobSettings(long="truncate"))
    assert (report.tally.truncated, report.tally.in_windows) == (1, 0)
    assert report.tally.tokens_dropped == sum(row["n_tokens_dropped"] for row in rows_of(tmp_path / "cut")) > 0


class TestCommand:
    def run(self, *arguments, **options):
        command = [sys.executable, "-m", "explainable_bert", "corpus", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=300, **options)

    def test_killed_again_and_again_it_ends_as_if_it_had_not_been(self, model, tmp_path):
        given = texts(900, seed=2)
        source = write_wide(tmp_path / "x.csv", [*given[:400], "", *given[400:]])
        assert self.run(model, source, "--output", tmp_path / "whole").returncode == 0
        command = [sys.executable, "-m", "explainable_bert", "corpus", model, source, "--output", tmp_path / "out"]
        for n_shards in (1, 2, 3):
            running = subprocess.Popen(list(map(str, command)), stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 120
            while len(list((tmp_path / "out").glob("part-*.parquet"))) < n_shards and time.monotonic() < deadline:
                time.sleep(0.02)
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
            assert running.returncode == -signal.SIGKILL
        done = self.run(model, source, "--output", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        rows, expected = rows_of(tmp_path / "out"), rows_of(tmp_path / "whole")
        assert [(row["file"], row["row"]) for row in rows] == [(row["file"], row["row"]) for row in expected]
        assert rows == expected
        assert errors_of(tmp_path / "out") == errors_of(tmp_path / "whole")
        manifests = [json.loads((tmp_path / name / "manifest.json").read_text()) for name in ("out", "whole")]
        assert manifests[0]["rows"] == manifests[1]["rows"] == 900
        assert len(manifests[0]["shards"]) > 8
        assert manifests[0]["complete"]
        assert not list((tmp_path / "out").glob(".*"))

    def test_what_it_says_at_the_end(self, model, tmp_path):
        source = write_csv(tmp_path / "x.csv", [*TEXTS, ""])
        (tmp_path / "y.csv").write_text("other\ngood\n")
        done = self.run(
            model, source, tmp_path / "y.csv", "--output", tmp_path / "out", "--top-words", 2, "--keep", "id"
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(
            f"rows {len(TEXTS)}, errors 1, read in windows 1, truncated 0 (0 tokens not read)\n"
        )
        assert "words that push most towards LABEL_" in done.stdout
        assert "(sum of scores, exact; times): " in done.stdout
        assert "y.csv: column 'text' is not there" in done.stderr
        assert "rows without a result, with the reason: " in done.stderr
        assert f"wrote 1 shards and {tmp_path / 'out' / 'manifest.json'}" in done.stderr.replace("\n", " ")

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["missing.csv", "--output", "out"], 1, "input: there is nothing at 'missing.csv'"),
            (["x.csv", "--output", "x.csv"], 1, "output: 'x.csv' is a file"),
            (["x.csv", "--output", "out", "--full", "--top-words", "3"], 2, "exclude each other"),
            (["x.csv", "--output", "out", "--actors", "2"], 2, "go with --engine ray"),
            (["x.csv", "--output", "out", "--columns", "nothing"], 1, "column 'nothing' is not there"),
            (["x.csv", "--output", "out", "--engine", "spark"], 2, "'spark' is not one of 'local', 'ray'"),
        ],
    )
    def test_mistakes_are_one_line_and_leave_nothing(self, model, tmp_path, arguments, code, message):
        write_csv(tmp_path / "x.csv", TEXTS[:3])
        done = self.run(model, *arguments, cwd=tmp_path)
        assert done.returncode == code
        assert message in " ".join(done.stderr.replace("│", " ").split())
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()

    def test_a_full_disk_loses_nothing_that_was_written(self, model, tmp_path):
        """A small file system in memory, where one can be mounted."""
        source = write_wide(tmp_path / "x.csv", texts(900, seed=3))
        small = tmp_path / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", small], capture_output=True)
        if mounted.returncode:
            pytest.skip("no file system can be mounted here")
        try:
            full = self.run(model, source, "--output", small / "out")
            assert full.returncode == 1
            assert "No space left on device" in full.stderr
            assert "Traceback" not in full.stderr
            written = {path.name: path.read_bytes() for path in (small / "out").glob("part-*.parquet")}
            assert written
            assert not [path for path in (small / "out").iterdir() if path.name.startswith(".")]
            subprocess.run(["mount", "-o", "remount,size=64m", small], check=True)
            done = self.run(model, source, "--output", small / "out")
            assert done.returncode == 0, done.stderr
            assert all((small / "out" / name).read_bytes() == content for name, content in written.items())
            assert [row["row"] for row in rows_of(small / "out")] == list(range(1, 901))
        finally:
            subprocess.run(["umount", small], check=True)


SUMS = st.dictionaries(st.sampled_from("abcdefgh"), st.tuples(st.integers(1, 9), st.floats(-9, 9)), max_size=8)


class TestTally:
    @given(st.lists(SUMS, min_size=1, max_size=6), st.integers(1, 8))
    def test_sums_are_exact_to_within_their_error(self, parts, kept):
        merged = Pushes()
        for sums in parts:
            merged = merged.plus(Pushes(sums).cut(kept), kept)
        for word in "abcdefgh":
            exact = sum(sums.get(word, (0, 0.0))[1] for sums in parts)
            assert abs(exact - merged.sums.get(word, (0, 0.0))[1]) <= merged.error + 1e-9
        if len(set().union(*parts)) <= kept:
            assert merged.error == 0

    def test_tallies_add_up_and_survive_json(self):
        one = Tally(3, 1, 1, 7, 1, {"good": 2, "bad": 1}, {"good": Pushes({"a": (2, 1.5)})})
        other = Tally(2, 0, 0, 0, 0, {"good": 2}, {"good": Pushes({"a": (1, -0.5), "b": (1, 2.0)}, 0.25)})
        both = one.plus(other)
        assert (both.rows, both.errors, both.truncated, both.tokens_dropped, both.in_windows) == (5, 1, 1, 7, 1)
        assert both.labels == {"good": 4, "bad": 1}
        assert both.pushes["good"] == Pushes({"a": (3, 1.0), "b": (1, 2.0)}, 0.25)
        assert most_pushing(both.pushes["good"], 5) == [("b", 1, 2.0), ("a", 3, 1.0)]
        assert Tally.of_fields(json.loads(json.dumps(both.fields()))) == both
