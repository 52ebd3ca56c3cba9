"""What a run was asked for, kept in its folder: the same run goes on there, any other is refused by what differs."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.errors import FileError
from explainable_bert.run_request import check_folder, check_same, claim

ASKED = {"model": {"name": "tiny", "labels": ["a", "b"]}, "settings": {"seed": 0, "methods": ("one", "two")}}
FILE = "request.json"


def changed(part, **values):
    return {**ASKED, part: {**ASKED[part], **values}}


@pytest.mark.parametrize("there", ["missing", "missing parents", "empty"])
def test_a_new_folder_is_claimed(tmp_path, there):
    output = tmp_path / {"missing": "run", "missing parents": "a/b/run", "empty": "."}[there]
    claim(output, FILE, ASKED)
    assert [path.name for path in output.iterdir()] == [FILE]
    assert json.loads((output / FILE).read_text()) == json.loads(json.dumps(ASKED))


def test_the_same_run_goes_on(tmp_path):
    claim(tmp_path, FILE, ASKED)
    written = (tmp_path / FILE).read_bytes()
    (tmp_path / "part.json").write_text("{}")
    claim(tmp_path, FILE, json.loads(json.dumps(ASKED)))  # lists for tuples
    assert (tmp_path / FILE).read_bytes() == written


@pytest.mark.parametrize(
    ("asked", "difference"),
    [
        (changed("settings", seed=1), "settings seed 0 there, 1 asked for"),
        (changed("settings", methods=("one",)), r"settings methods \['one', 'two'\] there, \['one'\] asked for"),
        (changed("settings", level="word"), "settings level None there, word asked for"),
        (ASKED | {"data": {"examples": 3}}, "data examples None there, 3 asked for"),
        (changed("model", labels=["b", "a"]), r"model labels \['a', 'b'\] there, \['b', 'a'\] asked for"),
        (changed("model", name="n" * 50), "model name tiny there, n{37}[.]{3} asked for"),
    ],
)
def test_another_run_is_refused(tmp_path, asked, difference):
    claim(tmp_path, FILE, ASKED)
    written = (tmp_path / FILE).read_bytes()
    with pytest.raises(
        FileError, match=rf"^output: folder '.*' holds another run \({difference}\); accepted: a new or"
    ):
        claim(tmp_path, FILE, asked)
    assert (tmp_path / FILE).read_bytes() == written


HASHES = ("a" * 64, "b" * 64)


@pytest.mark.parametrize(
    ("found", "asked", "difference"),
    [
        (
            {"corpus": {"fingerprint": HASHES[0], "name": "a.csv", "rows": {"train": 70, "test": 20}}},
            {"corpus": {"fingerprint": HASHES[1], "name": "b.csv", "rows": {"train": 71, "test": 20}}},
            "corpus name a.csv there, b.csv asked for; corpus rows train 70 there, 71 asked for",
        ),
        (
            {"corpus": {"fingerprint": HASHES[0], "name": "a.csv"}},
            {"corpus": {"fingerprint": HASHES[1], "name": "a.csv"}},
            "corpus fingerprint aaaaaaaa... there, bbbbbbbb... asked for",
        ),
        (
            {"unlabelled": {"texts": 2, "sha256": HASHES[0]}, "settings": {"a": {}}},
            {"unlabelled": {"texts": 3, "sha256": HASHES[1]}, "settings": {"a": {"b": None}}},
            "unlabelled texts 2 there, 3 asked for; settings a b None there, None asked for",
        ),
    ],
)
def test_what_people_can_read_differs_before_hashes(tmp_path, found, asked, difference):
    with pytest.raises(FileError) as refused:
        check_same(tmp_path, found, asked)
    assert str(refused.value) == (
        f"output: folder {str(tmp_path)!r} holds another run ({difference}); accepted: a new or empty folder, or one "
        "of the same run: choose another output, or remove that folder"
    )


def test_three_differences_are_enough_to_name(tmp_path):
    found = {"settings": {name: 0 for name in "abcde"}}
    with pytest.raises(FileError) as refused:
        check_same(tmp_path, found, {"settings": {name: 1 for name in "abcde"}})
    assert [f"{name} 0 there" in str(refused.value) for name in "abcde"] == [True, True, True, False, False]
    assert "\n" not in str(refused.value)


def test_what_does_not_decide_may_differ(tmp_path):
    claim(tmp_path, FILE, ASKED)
    claim(tmp_path, FILE, changed("model", name="moved"), not_decisive=("name",))
    with pytest.raises(FileError, match="seed 0 there, 1 asked for"):
        claim(tmp_path, FILE, changed("settings", seed=1), not_decisive=("name",))


def test_a_folder_of_something_else_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileError, match=r"^output: folder '.*' holds something else; accepted: a new or empty folder$"):
        claim(tmp_path, FILE, ASKED)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path):
    file = tmp_path / "run"
    file.write_text("something")
    for asked in (lambda: claim(file, FILE, ASKED), lambda: check_folder(file)):
        with pytest.raises(FileError, match=r"^output: '.*run' is a file; accepted: a new or empty folder"):
            asked()
    check_folder(tmp_path)
    check_folder(tmp_path / "not there")
    assert file.read_text() == "something"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"model": ', "is damaged .*; remove the folder to start anew"),
        (b"[]", "describes no run; remove the folder to start anew"),
        (b'{"model": 3}', "describes no run; remove the folder to start anew"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_damaged_request(tmp_path, content, message):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(FileError, match=message):
        claim(tmp_path, FILE, ASKED)
    assert (tmp_path / FILE).read_bytes() == content


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), st.dictionaries(st.text(), values, max_size=3), max_size=3))
def test_any_run_is_the_same_as_itself_once_written(asked):
    check_same(Path("somewhere"), json.loads(json.dumps(asked)), asked)
