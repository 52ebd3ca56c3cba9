"""Erasing units on token ids: what stays and what is masked, without tokenising again."""

import numpy as np
from jaxtyping import Bool, Int


def mask_units(
    input_ids: Int[np.ndarray, " key"],
    unit_ids: Int[np.ndarray, " key"],
    keep: Bool[np.ndarray, "variant unit"],
    mask_token_id: int,
) -> Int[np.ndarray, "variant key"]:
    """The ids of one text with every token of the units that are not kept replaced by [MASK].

    `unit_ids` is -1 for tokens of no unit; they stay.
    """
    of_no_unit = np.ones((len(keep), 1), dtype=bool)
    # The last column answers for unit -1.
    stays = np.concatenate([keep, of_no_unit], axis=1)[:, unit_ids]
    return np.where(stays, input_ids, mask_token_id)
