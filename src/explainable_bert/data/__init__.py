"""Where texts come from: table files, and labelled corpora split into train, validation and test."""

from explainable_bert.data.corpora import CORPORA, Columns, Corpus, Example, NamedCorpus, load_corpus
from explainable_bert.data.files import READABLE, WRITABLE, read_table, write_table

__all__ = [
    "CORPORA",
    "READABLE",
    "WRITABLE",
    "Columns",
    "Corpus",
    "Example",
    "NamedCorpus",
    "load_corpus",
    "read_table",
    "write_table",
]
