"""Arguments and options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from explainable_bert.records import Long

Model = Annotated[str, typer.Argument(metavar="MODEL", help="Model folder, or hub name of a BERT classifier.")]
Texts = Annotated[list[str] | None, typer.Argument(metavar="TEXT...", help="Texts, each in quotes.")]
Input = Annotated[Path | None, typer.Option("--input", help="File of texts: .txt .csv .tsv .jsonl .parquet")]
Pair = Annotated[str | None, typer.Option("--pair", help="Second text, for models of sentence pairs.")]
TextColumn = Annotated[str, typer.Option("--text-column", help="Column of the texts.")]
PairColumn = Annotated[str | None, typer.Option("--pair-column", help="Column of the second texts of pairs.")]
LongTexts = Annotated[
    Long, typer.Option("--long", help="Texts beyond the model's window: read in windows, cut, or refused.")
]
LabelColumn = Annotated[str, typer.Option("--label-column", help="Column of the labels.")]
Data = Annotated[
    str, typer.Option(help="Labelled texts: named corpus, file, folder of splits, hub dataset, or human rationales.")
]
Split = Annotated[str, typer.Option(help="Split of a corpus: test, validation or train.")]
Seed = Annotated[int, typer.Option(help="Seed of all that is drawn at random.")]
Erasure = Annotated[str, typer.Option(help="How words are erased: mask, attention-mask or deletion.")]
