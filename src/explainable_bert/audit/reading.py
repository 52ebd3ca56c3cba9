"""The lower blocks, run once per text: what the final block reads, kept on the CPU in float32."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.model.network import FinalInput
from explainable_bert.text.alignment import align, unit_ids
from explainable_bert.text.encoding import TOKENS_AT_ONCE, Encoding, by_length, pad


@dataclass(frozen=True)
class StoredTexts:
    """Texts of similar length as the final block reads them, padded to one length.

    `places` are theirs among the texts that were read; `unit_ids` says which word a token belongs to, counted from 0 in
    each text, and -1 for special tokens and padding.
    """

    places: tuple[int, ...]
    input_ids: Int[Tensor, "batch key"]
    unit_ids: Int[Tensor, "batch key"]
    given: FinalInput

    def __len__(self) -> int:
        return len(self.places)

    @property
    def movable(self) -> Bool[Tensor, "batch key"]:
        """The keys that belong to words and may be attended: those that a reader sees weights of."""
        return self.given.allowed & (self.unit_ids >= 0)

    @property
    def n_units(self) -> list[int]:
        """The number of words of each text."""
        return [int(ids.max()) + 1 for ids in self.unit_ids]

    def rows(self, rows: Int[Tensor, " row"]) -> "StoredTexts":
        """Some of these texts, or one of them more than once."""
        places = tuple(self.places[row] for row in rows.tolist())
        return StoredTexts(places, self.input_ids[rows], self.unit_ids[rows], of_rows(self.given, rows))


def of_rows(given: FinalInput, rows: Int[Tensor, " row"]) -> FinalInput:
    """What the final block reads of some of the texts."""
    states = tuple(state[rows] for state in given.states)
    return FinalInput(states, given.cls_index[rows], given.allowed[rows], given.present[rows])


def read(
    model: ExplainableBertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    encodings: Sequence[Encoding],
) -> tuple[StoredTexts, ...]:
    """Run the texts up to the final block, the longest first, each beside others of its length."""
    # Large batches, whatever their padding: the final block alone, which is run often, costs by the pass.
    batches = by_length([len(encoding) for encoding in encodings], 2 * TOKENS_AT_ONCE, padding_share=1.0)
    return tuple(_read(model, tokenizer, encodings, places) for places in batches)


def _read(
    model: ExplainableBertForSequenceClassification,
    tokenizer: PreTrainedTokenizerFast,
    encodings: Sequence[Encoding],
    places: Sequence[int],
) -> StoredTexts:
    chosen = [encodings[place] for place in places]
    batch = pad(chosen, tokenizer.pad_token_id)
    tensors = {name: torch.from_numpy(array).to(model.device) for name, array in vars(batch).items()}
    of_units = unit_ids([align(encoding, "word") for encoding in chosen], batch.input_ids.shape[1])
    given = model.final_input(**tensors)
    return StoredTexts(
        tuple(places),
        torch.from_numpy(batch.input_ids),
        torch.from_numpy(of_units),
        _kept(given, model.config.values_from),
    )


def _kept(given: FinalInput, values_from: int) -> FinalInput:
    """What a replay reads: the last states and those of the values; zeros without memory stand in for the rest."""
    last = len(given.states) - 1
    states = tuple(
        state.float().cpu() if index in (values_from, last) else torch.zeros(1).expand(state.shape)
        for index, state in enumerate(given.states)
    )
    return FinalInput(states, given.cls_index.cpu(), given.allowed.cpu(), given.present.cpu())
