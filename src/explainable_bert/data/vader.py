"""Fetching the human-rated sentences, and other files, that the source distribution of vaderSentiment carries.

Every sentence has the mean of some twenty human ratings, from -4 (most negative) to 4 (most positive).
"""

import hashlib
import html
import io
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from explainable_bert.data.labelled import Example, LabelledRows
from explainable_bert.errors import FileError
from explainable_bert.writing import write_bytes

REQUIREMENT = "vaderSentiment==3.3.2"
SDIST_NAME = "vaderSentiment-3.3.2.tar.gz"
SDIST_SHA256 = "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9"

_INNER_ARCHIVE = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
_MIN_ABSOLUTE_RATING = 0.5
_DOWNLOAD_LIMIT_S = 300
_OPTIONS = ("download", "--no-deps", "--no-binary", ":all:")


@dataclass(frozen=True)
class RatedText:
    """One text with the mean of its human ratings, in [-4, 4]; `row` counts the file's rows from 1."""

    row: int
    rating: float
    text: str


def ratings_file(stem: str) -> str:
    """The name of the file, inside the archive, that holds the texts and ratings of `stem`."""
    return f"{stem}_GroundTruth.txt"


def load_rated_texts(stem: str) -> tuple[RatedText, ...]:
    """Every rated text of one corpus, HTML entities resolved; the archive is downloaded once and then kept.

    Raises FileError when the archive can be neither found nor downloaded.
    """
    inner = _member(_archive(), _INNER_ARCHIVE)
    lines = _member(inner, f"hutto_ICWSM_2014/{ratings_file(stem)}").decode("utf-8").split("\n")
    rated = []
    for row, line in enumerate(lines, start=1):
        if line.strip():
            _, rating, text = line.split("\t", 2)
            rated.append(RatedText(row, float(rating), html.unescape(text).strip()))
    return tuple(rated)


def rated_rows(stem: str) -> LabelledRows:
    """The texts of one corpus that people were of one mind about, labelled by the sign of the mean rating.

    Means nearer to 0 than 0.5 are left out. Raises FileError as load_rated_texts does.
    """
    decided = [rated for rated in load_rated_texts(stem) if abs(rated.rating) >= _MIN_ABSOLUTE_RATING]
    return LabelledRows(
        examples=tuple(
            Example(rated.text, "positive" if rated.rating > 0 else "negative") for rated in decided if rated.text
        ),
        skipped=tuple(f"{ratings_file(stem)} row {rated.row}: text is empty" for rated in decided if not rated.text),
    )


def source_file(name: str) -> bytes:
    """The content of one file of the source distribution; it is downloaded once and then kept.

    Raises FileError when the archive can be neither found nor downloaded.
    """
    return _member(_archive(), f"vaderSentiment-3.3.2/{name}")


def cached_archive() -> Path:
    """Where the source distribution is kept on this machine."""
    return Path(platformdirs.user_cache_dir("explainable-bert")) / SDIST_NAME


def _archive() -> bytes:
    path = cached_archive()
    if path.is_file():
        content = _read(path)
        if _has_right_sum(content):
            return content
    with tempfile.TemporaryDirectory() as folder:
        _download(Path(folder))
        content = _read(Path(folder) / SDIST_NAME)
    if not _has_right_sum(content):
        raise _cannot_fetch(f"the downloaded file's sha256 is {hashlib.sha256(content).hexdigest()}")
    write_bytes(path, content)
    return content


def _download(folder: Path) -> None:
    # With the sum in a requirements file, pip checks it before it runs the distribution's setup.py for its metadata.
    pinned = folder / "pinned.txt"
    pinned.write_text(f"{REQUIREMENT} --hash=sha256:{SDIST_SHA256}\n", encoding="utf-8")
    wanted = ["--require-hashes", "-r", str(pinned), "-d", str(folder)]
    command = [sys.executable, "-m", "pip", *_OPTIONS, *wanted]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_DOWNLOAD_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _cannot_fetch(f"pip did not finish within {_DOWNLOAD_LIMIT_S} s") from error
    except OSError as error:
        raise _cannot_fetch(str(error)) from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        reasons = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise _cannot_fetch(reasons[0] if reasons else f"pip ended with status {done.returncode}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _cannot_fetch(f"cannot read {str(path)!r}: {error.strerror}") from error


def _has_right_sum(content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == SDIST_SHA256


def _cannot_fetch(cause: str) -> FileError:
    path = cached_archive()
    return FileError(
        f"data: could not fetch {SDIST_NAME} (sha256 {SDIST_SHA256}): {cause}; by hand: "
        f"pip {' '.join(_OPTIONS)} {REQUIREMENT} -d {str(path.parent)!r}, which puts it at {str(path)!r}"
    )


def _member(archive: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as content:
        stream = content.extractfile(name)
        if stream is None:
            raise FileError(f"data: {name!r} is no file inside {SDIST_NAME}")
        return stream.read()
