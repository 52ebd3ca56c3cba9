"""The base checkpoint of a control: a last block whose single head scores with the queries and keys of one old head."""

from pathlib import Path
from typing import Any

import torch
from transformers import BertModel

from explainable_bert.model.checkpoint import load_tokenizer, resolve_base


def narrow_base(base: str, folder: Path) -> Path:
    """The base with all but one head's queries and keys of the last block at zero, where training leaves them.

    A score's gradient by a query is its key and the other way round, so what is zero on both sides stays zero: the
    full-width head is one of that old head's width (Bhardwaj et al. 2021 argue for narrow keys and wide values). What
    remains is scaled so that scores are divided by the root of its own width.
    """
    if (folder / "tokenizer.json").is_file():  # which is written last
        return folder
    model: Any = BertModel.from_pretrained(resolve_base(base))
    attention = model.encoder.layer[-1].attention.self
    width = attention.attention_head_size
    with torch.no_grad():
        for projection in (attention.query, attention.key):
            for weight in (projection.weight, projection.bias):
                weight[width:] = 0
                weight[:width] *= (model.config.hidden_size / width) ** 0.25
    model.save_pretrained(folder)
    load_tokenizer(resolve_base(base)).save_pretrained(folder)
    return folder
