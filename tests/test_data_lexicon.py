"""VADER's lexicon and its values for units."""

import gzip
import hashlib
import io
import tarfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explainable_bert.data import vader
from explainable_bert.data.lexicon import STRONG, load_lexicon, valences
from explainable_bert.records import Unit

ROWS = (
    "Good\t1.9\t0.9434\t[2, 1]\r\n:D\t2.3\t0.5\t[2]\r\n:d\t2.0\t0.5\t[2]\r\nfed up\t-1.8\t0\t[]\r\nça\t-0.25\t0\t[]\r\n"
)
LEXICON = {"good": 1.9, "awful": -2.0, "feel": 0.5, "self-good": 3.0, "l": 2.0, "bad": -1.9, ":-)": 1.3, "strasse": 0.7}


def units(*texts: str) -> list[Unit]:
    return [Unit(text, 0, len(text)) for text in texts]


def test_lexicon_of_a_made_archive(tmp_path, monkeypatch):
    stream, content = io.BytesIO(), ROWS.encode()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("vaderSentiment-3.3.2/vaderSentiment/vader_lexicon.txt")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    packed = gzip.compress(stream.getvalue(), mtime=0)
    monkeypatch.setattr(vader, "SDIST_SHA256", hashlib.sha256(packed).hexdigest())
    monkeypatch.setattr(vader.platformdirs, "user_cache_dir", lambda _: str(tmp_path))
    vader.cached_archive().write_bytes(packed)
    lexicon = load_lexicon()
    assert dict(lexicon) == {"good": 1.9, ":d": 2.0, "fed up": -1.8, "ça": -0.25}
    with pytest.raises(TypeError, match="does not support item assignment"):
        lexicon["good"] = 0


def test_worked_valences():
    found = valences(units("GOOD", "film", "Awful", "!", ":-)", "", "straße"), LEXICON)
    assert found.dtype == np.float64
    assert found.tolist() == [1.9, 0, -2.0, 0, 1.3, 0, 0.7]
    assert valences([], LEXICON).shape == (0,)


@pytest.mark.parametrize(
    ("word", "valence"),
    [
        ("self-good", 3.0),  # as a whole, which is more than its parts
        ("feel-good", 1.9),
        ("Good\u2010feel", 1.9),
        ("good\u2019s", 1.9),
        ("good's", 1.9),
        ("feel-good-awful", -2.0),  # the strongest part
        ("good-bad", 1.9),  # equally strong: the first
        ("bad-good", -1.9),
        ("l'amour", 0),  # a single letter is no word
        ("L", 2.0),
        ("well-made", 0),
        ("-", 0),
        ("good.awful", 0),  # no joiner
    ],
)
def test_words_of_parts(word, valence):
    assert valences(units(word), LEXICON).tolist() == [valence]


@given(st.lists(st.sampled_from([*LEXICON, "film", "GOOD", "good-film", "x'awful", "-"]) | st.text()))
def test_bounds_and_order(texts):
    found = valences(units(*texts), LEXICON)
    assert found.shape == (len(texts),)
    assert (np.abs(found) <= 3).all()
    assert valences(units(*texts[::-1]), LEXICON).tolist() == found.tolist()[::-1]
    assert valences(units(*(text.upper() for text in LEXICON)), LEXICON).tolist() == list(LEXICON.values())


@pytest.mark.real
def test_real_lexicon():
    lexicon = load_lexicon()
    # 7 520 rows, of which 26 differ from an earlier one in case alone or not at all.
    assert len(lexicon) == 7494
    assert (min(lexicon.values()), max(lexicon.values())) == (-3.9, 3.4)
    assert all(word == word.casefold() for word in lexicon)
    found = valences(units("Great", "film", "dull", "awful", "once-in-a-lifetime", "okay"), lexicon)
    assert found.tolist() == [3.1, 0, -1.7, -2.0, 1.8, 0.9]
    assert (np.abs(found) >= STRONG).tolist() == [True, False, True, True, True, False]
