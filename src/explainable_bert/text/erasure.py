"""Erasing units on token ids: three operators, without tokenising again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from jaxtyping import Bool, Int


@dataclass(frozen=True)
class Variants:
    """Variants of one text, each with its tokens on the left.

    `tokens` says which token of the text each comes from (0 beyond the variant's `n_tokens`), `positions` at which
    position the model is to see it.
    """

    input_ids: Int[np.ndarray, "variant key"]
    tokens: Int[np.ndarray, "variant key"]
    positions: Int[np.ndarray, "variant key"]
    n_tokens: Int[np.ndarray, " variant"]


Erase = Callable[[Int[np.ndarray, " key"], Bool[np.ndarray, "variant key"], int], Variants]


@dataclass(frozen=True)
class Erasure:
    """An operator that erases the tokens that do not stay; `summary` says what the model then sees."""

    erase: Erase
    summary: str
    needs_mask_token: bool = False


def mask(input_ids: Int[np.ndarray, " key"], stays: Bool[np.ndarray, "variant key"], mask_token_id: int) -> Variants:
    """Every token that does not stay becomes [MASK]."""
    everywhere = np.broadcast_to(np.arange(len(input_ids)), stays.shape)
    n_tokens = np.full(len(stays), len(input_ids))
    return Variants(np.where(stays, input_ids, mask_token_id), everywhere, everywhere, n_tokens)


def attention_mask(
    input_ids: Int[np.ndarray, " key"], stays: Bool[np.ndarray, "variant key"], mask_token_id: int
) -> Variants:
    """No token attends one that does not stay: the same as leaving it out while all others keep their positions."""
    left = deletion(input_ids, stays, mask_token_id)
    return Variants(left.input_ids, left.tokens, left.tokens, left.n_tokens)


def deletion(
    input_ids: Int[np.ndarray, " key"],
    stays: Bool[np.ndarray, "variant key"],
    mask_token_id: int,  # noqa: ARG001  # every operator is called alike
) -> Variants:
    """Tokens that do not stay are cut out, and those behind them move up."""
    n_tokens = stays.sum(axis=1)
    length = int(n_tokens.max(initial=0))
    tokens = np.argsort(~stays, axis=1, kind="stable")[:, :length]
    positions = np.broadcast_to(np.arange(length), tokens.shape)
    tokens = np.where(positions < n_tokens[:, None], tokens, 0)
    return Variants(input_ids[tokens], tokens, positions, n_tokens)


ERASURES: Mapping[str, Erasure] = MappingProxyType(
    {
        "mask": Erasure(mask, "each word piece becomes [MASK]", needs_mask_token=True),
        "attention-mask": Erasure(attention_mask, "no token attends it; all others keep their positions"),
        "deletion": Erasure(deletion, "it is cut out; the words behind it move up"),
    }
)


def staying(
    unit_ids: Int[np.ndarray, " key"], keep: Bool[np.ndarray, "variant unit"]
) -> Bool[np.ndarray, "variant key"]:
    """Which tokens stay when the units that are not kept are erased; tokens of no unit (-1) do."""
    of_no_unit = np.ones((len(keep), 1), dtype=bool)
    # The last column answers for unit -1.
    return np.concatenate([keep, of_no_unit], axis=1)[:, unit_ids]
