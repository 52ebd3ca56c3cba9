"""What is done with a piece: its rows are read, explained and written, and a row that fails stops nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explainable_bert.errors import first_line
from explainable_bert.jobs.pieces import BadRow, Columns, CorpusRow, Piece, rows_of
from explainable_bert.jobs.shard import Explained, Shape, Shard, write_shard
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Long

# After a failure so many texts are explained one by one.
_TRIED_ALONE = 512


@dataclass(frozen=True)
class Work:
    """How pieces are explained, and where their results go; `said` is what every shard says of the job."""

    model: str
    output: Path
    columns: Columns
    top_words: int | None
    long: Long
    batch_tokens: int | None
    said: Mapping[str, Any]


class Worker:
    """A loaded model at work."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._classifier = ExplainableClassifier.load(work.model, long=work.long)
        self._classifier.batch_tokens = work.batch_tokens
        self._shape = Shape(self._classifier.labels, work.columns.kept, work.top_words)

    def run(self, piece: Piece, progress: Callable[[int], None] = lambda _: None) -> Shard:
        """Explain a piece and write its shard; `progress` is told how many of its rows are done.

        Raises FileError where the piece cannot be read or its shard not be written.
        """
        rows: list[CorpusRow] = []
        bad: list[BadRow] = []
        for row in rows_of(piece, self._work.columns):
            (bad if isinstance(row, BadRow) else rows).append(row)  # type: ignore[arg-type]

        def results() -> Iterator[Explained | BadRow]:
            yield from bad
            for done, result in enumerate(_explained(self._classifier, rows), len(bad) + 1):
                yield result
                progress(done)

        return write_shard(self._work.output, piece, results(), self._shape, self._work.said)


def _explained(classifier: ExplainableClassifier, rows: Sequence[CorpusRow]) -> Iterator[Explained | BadRow]:
    """Each row's explanation, or why there is none, in order."""
    done = 0
    while done < len(rows):
        try:
            for explanation in classifier.iter_explanations([row.text for row in rows[done:]]):
                done += 1
                yield rows[done - 1], explanation
        except Exception:  # noqa: BLE001  # whatever a text does to a model or a library, the other rows go on
            alone = rows[done : done + _TRIED_ALONE]
            done += len(alone)
            yield from (_explained_alone(classifier, row) for row in alone)


def _explained_alone(classifier: ExplainableClassifier, row: CorpusRow) -> Explained | BadRow:
    try:
        return row, classifier.explain([row.text])[0]
    except Exception as error:  # noqa: BLE001
        return BadRow(row.number, first_line(error))
