"""Loading a labelled corpus, by name, from files or from the hub, as train, validation and test splits.

The sentences of movie-snippets and those of SST-2 were cut from the same Rotten Tomatoes reviews: never train on one
of the two and test on the other.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Self

from explainable_bert.data.files import READABLE, read_table
from explainable_bert.data.hub import load_hub_tables
from explainable_bert.data.labelled import Columns, Example, LabelledRows, input_of, labelled_rows, unlabelled_rows
from explainable_bert.data.vader import rated_rows
from explainable_bert.errors import FileError, InputError
from explainable_bert.text.encoding import TextInput

__all__ = [
    "CORPORA",
    "DEFAULT_COLUMNS",
    "Columns",
    "Corpus",
    "Example",
    "NamedCorpus",
    "held_out",
    "load_corpus",
    "sample",
    "split_of",
    "unlabelled_texts",
]

Split = Literal["train", "validation", "test"]

DEFAULT_COLUMNS = Columns()

_LABELLED = tuple(suffix for suffix in READABLE if suffix != ".txt")
_VALIDATION_NAMES = ("validation", "dev", "valid")
_TRAIN_END, _VALIDATION_END, _CARVED_END = 0.7, 0.8, 0.1
_MAX_SKIPPED_NAMES = 10


@dataclass(frozen=True)
class NamedCorpus:
    """A row of CORPORA: what the texts are, and what reads them; it raises FileError where they are not to be had."""

    description: str
    read: Callable[[], LabelledRows]


CORPORA: Mapping[str, NamedCorpus] = MappingProxyType(
    {
        "movie-snippets": NamedCorpus(
            "sentences from movie reviews, rated by people", lambda: rated_rows("movieReviewSnippets")
        ),
        "amazon-snippets": NamedCorpus(
            "sentences from product reviews, rated by people", lambda: rated_rows("amazonReviewSnippets")
        ),
        "tweets": NamedCorpus("short messages from Twitter, rated by people", lambda: rated_rows("tweets")),
        "editorials": NamedCorpus(
            "sentences from newspaper editorials, rated by people", lambda: rated_rows("nytEditorialSnippets")
        ),
    }
)


@dataclass(frozen=True)
class Corpus:
    """Labelled texts in three splits, of which `test` may be empty.

    `n_skipped` counts rows left out for want of a text or a label, `skipped` names the first ten of them.
    `n_duplicates` counts rows left out because an earlier row has the same text but for case and white space,
    `n_contradictions` those of them with another label than that row, and `contradiction` names the first such pair.
    """

    name: str
    labels: tuple[str, ...]
    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    test: tuple[Example, ...]
    n_skipped: int = 0
    skipped: tuple[str, ...] = ()
    n_duplicates: int = 0
    n_contradictions: int = 0
    contradiction: str | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, over the labels and every example in order; two different corpora differ in it."""
        digest = hashlib.sha256()
        for part in self._parts():
            # Each part is led by its length, so that no two different sequences give the same bytes.
            content = part.encode("utf-8", "surrogatepass")
            digest.update(len(content).to_bytes(8, "big") + content)
        return digest.hexdigest()

    def _parts(self) -> Iterable[str]:
        yield str(len(self.labels))
        yield from self.labels
        for split in (self.train, self.validation, self.test):
            yield str(len(split))
            for example in split:
                yield from (example.text, example.label)
                yield from ("single",) if example.text_pair is None else ("pair", example.text_pair)

    def limited(self, n_train: int | None = None, n_held_out: int | None = None) -> Self:
        """The same corpus with at most `n_train` training rows, and at most `n_held_out` in each other split.

        What is kept is a random sample that grows with its size, in an order fixed by the texts; None keeps a split as
        it is. Raises InputError if a number is below one.
        """
        return replace(
            self,
            train=sample(self.train, n_train, "n_train"),
            validation=sample(self.validation, n_held_out, "n_held_out"),
            test=sample(self.test, n_held_out, "n_held_out"),
        )


def sample(examples: Sequence[Example], n_rows: int | None, argument: str = "n_rows") -> tuple[Example, ...]:
    """At most `n_rows` of the examples: a random sample that grows with its size, in an order fixed by the texts.

    None keeps all as they are. Raises InputError, naming `argument`, if a number is below one.
    """
    if n_rows is None:
        return tuple(examples)
    if n_rows < 1:
        raise InputError(f"{argument}: {n_rows} given; at least 1 is needed")
    # Files are often sorted, by label even: the order of hashes has nothing to do with theirs.
    ordered = sorted(examples, key=lambda example: hashlib.sha256(b"sample\n" + _key(example)).digest())
    return tuple(ordered[:n_rows])


def load_corpus(name: str, columns: Columns = DEFAULT_COLUMNS) -> Corpus:
    """The corpus that `name` says: one of CORPORA, else a file, else a folder, else a data set of the hub.

    A named corpus and a single file lose their duplicates and are split by split_of. A folder (train.csv and the like,
    validation or dev, test) and a hub data set keep their rows and splits; if they lack a validation split, a tenth of
    the training split becomes it. Raises InputError or FileError.
    """
    if name in CORPORA:
        return _split_rows(name, CORPORA[name].read())
    path = Path(name)
    if name and path.is_dir():
        return _with_given_splits(name, _folder_rows(path, columns))
    if path.is_file() or path.suffix.lower() in READABLE:
        return _split_rows(name, labelled_rows(read_table(path), columns, path.name))
    return _with_given_splits(name, _hub_rows(name, columns))


def unlabelled_texts(
    name: str, columns: Columns = DEFAULT_COLUMNS, n_unlabelled: int | None = None
) -> tuple[TextInput, ...]:
    """Texts to train on without their labels: the rows of a file, else the training split of what `name` says.

    At most `n_unlabelled` of them, chosen as by `sample`. Raises InputError or FileError as load_corpus does.
    """
    path = Path(name)
    if name not in CORPORA and not path.is_dir() and (path.is_file() or path.suffix.lower() in READABLE):
        rows = [
            _unlabelled(text) for _, text in unlabelled_rows(read_table(path), columns, path.name, "unlabelled").texts
        ]
    else:
        rows = list(load_corpus(name, columns).train)
    return tuple(input_of(example) for example in sample(rows, n_unlabelled, "n_unlabelled"))


def held_out(corpus: Corpus, texts: Sequence[TextInput]) -> list[TextInput]:
    """Those of the texts that the corpus validates or tests on, whatever their case and white space."""
    kept_back = {_key(example) for example in (*corpus.validation, *corpus.test)}
    return [text for text in texts if _key(_unlabelled(text)) in kept_back]


def split_of(example: Example) -> Split:
    """The split that an example falls into, by its text or texts alone and whatever their case and white space."""
    position = _position(example)
    if position < _TRAIN_END:
        return "train"
    return "validation" if position < _VALIDATION_END else "test"


def _key(example: Example) -> bytes:
    texts = [example.text] if example.text_pair is None else [example.text, example.text_pair]
    # A line break cannot be left inside a text whose white space is collapsed, so it can part two texts.
    return "\n".join(" ".join(text.casefold().split()) for text in texts).encode("utf-8", "surrogatepass")


def _unlabelled(text: TextInput) -> Example:
    return Example(text, "") if isinstance(text, str) else Example(text[0], "", text[1])


def _position(example: Example) -> float:
    return int.from_bytes(hashlib.sha256(_key(example)).digest()[:8], "big") / 2**64


def _folder_rows(folder: Path, columns: Columns) -> dict[Split, LabelledRows]:
    wanted: dict[Split, tuple[str, ...]] = {"train": ("train",), "validation": _VALIDATION_NAMES, "test": ("test",)}
    found = {split: _split_file(folder, stems) for split, stems in wanted.items()}
    if found["train"] is None:
        raise FileError(f"data: no training file in {str(folder)!r}; accepted is train{{{','.join(_LABELLED)}}}")
    return {split: labelled_rows(read_table(path), columns, path.name) for split, path in found.items() if path}


def _split_file(folder: Path, stems: tuple[str, ...]) -> Path | None:
    names = {stem + suffix for stem in stems for suffix in _LABELLED}
    try:
        files = sorted(path for path in folder.iterdir() if path.name.lower() in names and path.is_file())
    except OSError as error:
        raise FileError(f"data: cannot read {str(folder)!r}: {error.strerror}") from error
    if len(files) > 1:
        raise InputError(
            f"data: {str(folder)!r} holds {files[0].name!r} and {files[1].name!r}; accepted is one file per split"
        )
    return files[0] if files else None


def _hub_rows(name: str, columns: Columns) -> dict[Split, LabelledRows]:
    tables = load_hub_tables(name, columns.label, ", ".join(CORPORA))
    if "train" not in tables:
        raise InputError(f"data: {name!r} has no split 'train'; its splits are {', '.join(map(repr, tables))}")
    validation = next((split for split in _VALIDATION_NAMES if split in tables), None)
    sources: dict[Split, str | None] = {"train": "train", "validation": validation, "test": "test"}
    return {
        split: labelled_rows(tables[source], columns, source)
        for split, source in sources.items()
        if source is not None and source in tables
    }


def _split_rows(name: str, rows: LabelledRows) -> Corpus:
    first: dict[bytes, tuple[int, Example]] = {}
    contradictions = []
    for row, example in rows.numbered():
        first_row, kept = first.setdefault(_key(example), (row, example))
        if kept.label != example.label:
            contradictions.append(f"row {row} ({example.label!r}; row {first_row}: {kept.label!r})")
    splits: dict[Split, list[Example]] = {"train": [], "validation": [], "test": []}
    for _, example in first.values():
        splits[split_of(example)].append(example)
    return replace(
        _corpus(name, splits, rows.skipped),
        n_duplicates=len(rows.examples) - len(first),
        n_contradictions=len(contradictions),
        contradiction=contradictions[0] if contradictions else None,
    )


def _with_given_splits(name: str, rows: dict[Split, LabelledRows]) -> Corpus:
    splits: dict[Split, Sequence[Example]] = {split: part.examples for split, part in rows.items()}
    if "validation" not in splits:
        train = splits["train"]
        splits["validation"] = [example for example in train if _position(example) < _CARVED_END]
        splits["train"] = [example for example in train if _position(example) >= _CARVED_END]
    return _corpus(name, splits, [reason for part in rows.values() for reason in part.skipped])


def _corpus(name: str, splits: Mapping[Split, Sequence[Example]], skipped: Sequence[str]) -> Corpus:
    if not any(splits.values()):
        reason = f" ({len(skipped)} left out, first: {skipped[0]})" if skipped else ""
        raise InputError(f"data: {name!r} has no usable row{reason}; accepted are rows with a text and a label")
    corpus = Corpus(
        name=name,
        labels=_sorted_labels({example.label for example in splits["train"]}),
        train=tuple(splits["train"]),
        validation=tuple(splits["validation"]),
        test=tuple(splits.get("test", ())),
        n_skipped=len(skipped),
        skipped=tuple(skipped[:_MAX_SKIPPED_NAMES]),
    )
    _check(corpus)
    return corpus


def _check(corpus: Corpus) -> None:
    if len(corpus.labels) < 2:
        there = ", ".join(map(repr, corpus.labels)) or "none"
        raise InputError(f"data: the labels in training of {corpus.name!r} are {there}; at least two are needed")
    for split, examples in (("validation", corpus.validation), ("test", corpus.test)):
        unseen = _sorted_labels({example.label for example in examples} - set(corpus.labels))
        if unseen:
            raise InputError(
                f"data: label {unseen[0]!r} is in {split} but not in training of {corpus.name!r}; "
                f"accepted are {', '.join(map(repr, corpus.labels))}"
            )
    if not corpus.validation:
        raise InputError(
            f"data: the validation split of {corpus.name!r} is empty; "
            "accepted are more rows, or a folder with a validation file"
        )


def _sorted_labels(labels: set[str]) -> tuple[str, ...]:
    try:
        numbers = {label: float(label) for label in labels}
    except ValueError:
        return tuple(sorted(labels))
    if not all(map(math.isfinite, numbers.values())):
        return tuple(sorted(labels))
    return tuple(sorted(labels, key=lambda label: (numbers[label], label)))
