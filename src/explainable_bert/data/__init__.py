"""Where texts come from: table files, labelled corpora in splits, human rationales, and a lexicon of valences."""

from explainable_bert.data.corpora import CORPORA, Columns, Corpus, Example, NamedCorpus, load_corpus
from explainable_bert.data.files import READABLE, WRITABLE, read_table, write_table
from explainable_bert.data.lexicon import STRONG, load_lexicon, valences
from explainable_bert.data.rationales import UnitRationales, holds_rationales, load_rationales, on_units

__all__ = [
    "CORPORA",
    "READABLE",
    "STRONG",
    "WRITABLE",
    "Columns",
    "Corpus",
    "Example",
    "NamedCorpus",
    "UnitRationales",
    "holds_rationales",
    "load_corpus",
    "load_lexicon",
    "load_rationales",
    "on_units",
    "read_table",
    "valences",
    "write_table",
]
