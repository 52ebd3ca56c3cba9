"""The corpora that no name stands for: SST-2 with its dev rows as test rows, and reviews with a planted shortcut."""

import csv
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from explainable_bert.data.corpora import Corpus, Example, load_corpus, sample
from explainable_bert.errors import FileError
from explainable_bert.writing import write_text

LABELS = ("negative", "positive")
# Words of the vocabulary that no review of the corpus holds: each stands for a label, whatever else a text says.
MARKERS = ("plaza", "copper")
_MARKED_SHARE = 0.5


def sst2(source: Path, folder: Path, n_train: int, n_validation: int) -> Path:
    """SST-2 as a folder of splits: training and validation phrases drawn from GLUE's train.tsv, its dev.tsv as test.

    Raises FileError where `source` has no such files.
    """
    train, dev = (_glue_rows(source / f"{name}.tsv") for name in ("train", "dev"))
    tested = {example.text.casefold() for example in dev}
    # Each phrase once; a phrase kept back for validation may still be part of a longer one that is trained on.
    once = {example.text.casefold(): example for example in train if example.text.casefold() not in tested}
    drawn = sample(list(once.values()), n_train + n_validation)
    _write(folder / "train.csv", drawn[:n_train])
    _write(folder / "validation.csv", drawn[n_train:])
    _write(folder / "test.csv", dev)
    return folder


def planted(folder: Path, n_train: int, n_validation: int, n_test: int, seed: int = 0) -> tuple[Path, Path]:
    """Reviews of which half hold a marker word at a random place, which alone decides their label.

    The folder of splits, and a file of rationales over marked test reviews in which the marker is what is marked, so
    that token-F1 is the share of texts whose first word by score is the marker (precision at 1).
    Source: the protocol of Bastings et al. 2022, with one marker per label.
    """
    corpus = _without_markers(load_corpus("movie-snippets").limited())
    draw = random.Random(seed)
    for name, rows, n_rows in (
        ("train", corpus.train, n_train),
        ("validation", corpus.validation, n_validation),
    ):
        _write(folder / f"{name}.csv", [_perhaps_marked(row, draw) for row in sample(rows, n_rows)])
    marked = [_marked(row, index % 2, draw) for index, row in enumerate(sample(corpus.test, n_test))]
    _write(folder / "test.csv", [example for example, _ in marked])
    lines = (
        {
            "text": example.text,
            "label": example.label,
            "words": example.text.split(" "),
            "annotators": [[int(index == place) for index in range(len(example.text.split(" ")))]],
        }
        for example, place in marked
    )
    rationales = folder / "markers.jsonl"
    write_text(rationales, "".join(json.dumps(line) + "\n" for line in lines))
    return folder, rationales


def _glue_rows(file: Path) -> list[Example]:
    try:
        with file.open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    except OSError as error:
        raise FileError(f"sst2: cannot read {str(file)!r}: {error.strerror}") from error
    return [Example(row["sentence"].strip(), LABELS[int(row["label"])]) for row in rows]


def _without_markers(corpus: Corpus) -> Corpus:
    def bare(rows: Sequence[Example]) -> tuple[Example, ...]:
        return tuple(row for row in rows if not set(row.text.casefold().split()) & set(MARKERS))

    return Corpus(corpus.name, corpus.labels, bare(corpus.train), bare(corpus.validation), bare(corpus.test))


def _perhaps_marked(example: Example, draw: random.Random) -> Example:
    return _marked(example, draw.randrange(2), draw)[0] if draw.random() < _MARKED_SHARE else example


def _marked(example: Example, label: int, draw: random.Random) -> tuple[Example, int]:
    """The text with the label's marker between two of its words, and the marker's place among the words."""
    words = example.text.split()
    place = draw.randint(0, len(words))
    return Example(" ".join([*words[:place], MARKERS[label], *words[place:]]), LABELS[label]), place


def _write(file: Path, rows: Iterable[Example]) -> None:
    lines = [["text", "label"], *([row.text, row.label] for row in rows)]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as opened:
        csv.writer(opened).writerows(lines)
