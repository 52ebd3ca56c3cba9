"""What the pipeline asks of whatever runs its model: encoded texts in, arrays out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from jaxtyping import Bool, Float, Int

from explainable_bert.text.alignment import Group
from explainable_bert.text.encoding import Encoding
from explainable_bert.text.erasure import Erasure

if TYPE_CHECKING:
    from tokenizers import Tokenizer


@dataclass(frozen=True)
class Row:
    """One text as it is read, and the units that are scored."""

    encoding: Encoding
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Method:
    """An attribution method on one model: `n_passes` says how often it runs a text of so many tokens.

    `signed`, `draws` and `bias_name` are those of attribution.explainer.Explainer.
    """

    name: str
    signed: bool
    draws: bool
    bias_name: str | None
    n_passes: Callable[[int], int]


@dataclass(frozen=True)
class Attributed:
    """Token scores for one target label per text, as attribution.explainer.BatchAttribution has them, in arrays."""

    logits: Float[np.ndarray, "batch label"]
    targets: Int[np.ndarray, " batch"]
    scores: Float[np.ndarray, "batch key"]
    attention: Float[np.ndarray, "batch key"]
    bias: Float[np.ndarray, " batch"] | None


@dataclass(frozen=True)
class Reading:
    """How texts are read for a model: its tokenizer, the tokens that it has room for, and special tokens' ids."""

    tokenizer: "Tokenizer"
    window: int
    pad_token_id: int
    mask_token_id: int | None


class Engine(Protocol):
    """A loaded model. Every array has a row per text given; keys beyond a text's tokens are padding."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the logits."""

    @property
    def design(self) -> str:
        """The name of the design."""

    @property
    def value_layer(self) -> int:
        """The states that final values are read from."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights."""

    @property
    def libraries(self) -> str:
        """Names and versions of what computes."""

    @property
    def reading(self) -> Reading:
        """How texts are read for the model."""

    def method(self, name: str) -> Method:
        """The method of that name; raises InputError when there is none, or when it cannot explain this model."""

    @property
    def tokens_at_once(self) -> int:
        """How many tokens a pass should have."""

    @property
    def n_in_flight(self) -> int:
        """How many batches are to be begun before the first of them is asked for: above 0 where others compute."""

    def logits(self, encodings: Sequence[Encoding]) -> Callable[[], Float[np.ndarray, "batch label"]]:
        """Begin the logits alone; call what is returned to have them."""

    def attribute(self, method: Method, rows: Sequence[Row], target: int | None, seed: int) -> Callable[[], Attributed]:
        """Begin scores by the method for `target`, or for each text's prediction; call what is returned."""

    def attention_map(self, rows: Sequence[Row]) -> Float[np.ndarray, "batch query key"]:
        """The final block's whole map, mean over heads."""

    def head_attention(self, rows: Sequence[Row]) -> Float[np.ndarray, "batch head key"]:
        """The [CLS] row of each head of the final attention."""

    def erased_logits(
        self, rows: Sequence[Row], keeps: Sequence[Bool[np.ndarray, "_ _"]], erasure: Erasure
    ) -> list[Float[np.ndarray, "variant label"]]:
        """Each text's logits under each row of its `keeps` (variant, unit)."""
