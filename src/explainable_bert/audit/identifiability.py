"""Whether other attention weights would have given the final block the very same output."""

import torch
from jaxtyping import Float
from torch import Tensor

from explainable_bert.attribution.blocks import sent_values
from explainable_bert.audit.outcomes import judged, mean, percent
from explainable_bert.audit.reading import StoredTexts
from explainable_bert.audit.subject import Subject
from explainable_bert.results import Check

_NAME = "identifiability"


def identifiability(subject: Subject) -> list[Check]:
    """The share of texts whose attention weights are the only ones that give the final attention its output.

    Weights that sum to one are, in each head, unique if and only if the values' rows, with a one appended, are linearly
    independent: at most as many keys as a head's width and one more, and full numerical rank. Several heads, of which
    only the sum goes on, are taken together.

    Source: Brunner et al. 2020; the sum-to-one condition and the case of several heads are this package's.
    """
    unique = [bool(text) for texts in subject.texts for text in _unique(subject, texts)]
    value = mean(unique)
    most = subject.model.final_block.attention.self.attention_head_size + 1
    limits = (
        "This says nothing of the prediction, which other weights would lead to as well, nor of input words, which the "
        "lower blocks have mixed."
    )
    return [
        judged(
            _NAME,
            value,
            1.0,
            "at least",
            len(unique),
            passed=f"In all texts no other weights give the same attention output. {limits}",
            failed=f"In {percent(1 - value)} of the texts other weights give the very same attention output (with more "
            f"than {most} keys there are always some): what is shown is one choice of many.",
        )
    ]


def _unique(subject: Subject, texts: StoredTexts) -> list[bool]:
    attention = subject.model.final_block.attention.self
    n_keys = texts.given.allowed.sum(dim=1)
    possible = n_keys <= attention.attention_head_size + 1
    if not possible.any():
        return [False] * len(texts)
    rows = torch.nonzero(possible)[:, 0]
    sent = _sent_with_sums(subject, texts.rows(rows))
    full = torch.linalg.matrix_rank(sent) == n_keys[rows] * attention.num_attention_heads
    return [bool(unique) for unique in possible.index_put((rows,), full)]


def _sent_with_sums(subject: Subject, texts: StoredTexts) -> Float[Tensor, "batch head_key width"]:
    """For every head and key what it sends when fully attended, and a one in its head's column; zeros on other keys."""
    n_heads = subject.model.final_block.attention.self.num_attention_heads
    sent = sent_values(subject.model.final_block, texts.given.states[subject.model.config.values_from])
    # As large as what is sent, so that the rank does not hang on a unit of measurement.
    ones = torch.eye(n_heads)[None, :, None].expand(*sent.shape[:3], -1) * sent.norm(dim=-1).amax()
    both = torch.cat([sent, ones], dim=-1) * texts.given.allowed[:, None, :, None]
    return both.flatten(1, 2)
