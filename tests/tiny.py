"""Sizes, words and a corpus for models small enough to be made in memory; every axis has a size of its own."""

from explainable_bert.data.corpora import Corpus
from explainable_bert.data.labelled import Example

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = "the a film movie is was good great bad awful dull un ##believ ##able don t co writer s 3 5 plot very".split()
VOCABULARY = {token: index for index, token in enumerate([*SPECIAL, *WORDS, *".,!?'-:)"])}

# 3 heads of 7, 5 blocks, 31 feed-forward units, 41 positions: no two axes of a tensor can be mistaken for each other.
SIZES = {
    "vocab_size": len(VOCABULARY),
    "hidden_size": 21,
    "num_attention_heads": 3,
    "num_hidden_layers": 5,
    "intermediate_size": 31,
    "max_position_embeddings": 41,
    # At BERT's .02 random attention is uniform, at twice this all states are alike: here heads matter.
    "initializer_range": 0.2,
}
DESIGNS = ("vanilla", "single-head", "additive", "lexical")
ADDITIVE = ("additive", "lexical")
# Short, long beyond the window, unknown and typed special tokens, emoji, punctuation, and a pair.
TEXTS = [
    "the film is good",
    "awful",
    "a very, very dull movie! don't ...",
    "Unbelievable 😀 plot [SEP]",
    "the " * 50,
    ("good film", "bad co-writer"),
]


def toy_corpus(n_train=24, n_validation=8, n_test=8):
    """Sentences that one word decides."""

    def rows(n, offset):
        subjects, adverbs = ("the film", "a movie", "the plot"), ("very", "the", "a")
        return tuple(
            Example(
                text=f"{subjects[i % 3]} is {adverbs[i // 3 % 3]} {'great' if i % 2 else 'awful'} {'!' * (i % 4)}",
                label="positive" if i % 2 else "negative",
            )
            for i in range(offset, offset + n)
        )

    return Corpus(
        name="toy",
        labels=("negative", "positive"),
        train=rows(n_train, 0),
        validation=rows(n_validation, 100),
        test=rows(n_test, 200),
    )
