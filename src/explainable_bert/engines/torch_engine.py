"""Runs a classifier by torch: every design and method, on any device."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
import transformers
from jaxtyping import Bool, Float
from transformers import PreTrainedTokenizerFast

from explainable_bert.attribution.explainer import TokenBatch
from explainable_bert.attribution.methods import EXPLAINERS, explainer
from explainable_bert.attribution.perturbation import erased_logits
from explainable_bert.engines.engine import Attributed, Method, Reading, Row
from explainable_bert.errors import InputError, ModelError, first_line
from explainable_bert.model.checkpoint import check_vocabulary, fingerprint, load_tokenizer, window
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification, load_trained
from explainable_bert.model.configuration import DESIGNS, label_names
from explainable_bert.text.alignment import unit_ids
from explainable_bert.text.encoding import Encoding, Reader, pad, tokens_at_once
from explainable_bert.text.erasure import Erasure

DTYPES = ("float32", "bfloat16", "float16")


class TorchEngine:
    """A model with its tokenizer. Puts the model into eval mode."""

    def __init__(self, model: ExplainableBertForSequenceClassification, tokenizer: PreTrainedTokenizerFast) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, source: str, device: str | None = None, dtype: str = "float32", *, compiled: bool = False) -> Self:
        """The model folder or hub name, on `device`: by default cuda where there is one, else cpu.

        Raises InputError when there is no such `dtype`, ModelError when the model cannot be loaded or compiled.
        """
        if dtype not in DTYPES:
            raise InputError(f"dtype: {dtype!r} given; accepted: {', '.join(DTYPES)}")
        model = load_trained(source)
        chosen: Any = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        model.to(chosen).to(getattr(torch, dtype))
        tokenizer = load_tokenizer(source)
        check_vocabulary(tokenizer, model.config, source, "model")
        engine = cls(model, tokenizer)
        if compiled:
            engine._compile(source)
        return engine

    def _compile(self, source: str) -> None:
        """Compile the model's forward for any length, and for one text as for several."""
        self.model.compile(dynamic=True)
        read = self.reading
        encodings = Reader.of(read.tokenizer, read.window).encode([("one", None), ("two words", None)])
        try:
            for batch in (encodings, encodings[1:]):
                self.logits(batch)()
        except (torch._dynamo.exc.TorchDynamoException, RuntimeError) as error:
            raise ModelError(f"model: {source!r} cannot be compiled here: {first_line(error)}") from error

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the logits."""
        return label_names(self.model.config)

    @property
    def design(self) -> str:
        """The name of the design."""
        return str(self.model.config.design)

    @property
    def value_layer(self) -> int:
        """The states that final values are read from."""
        return int(self.model.config.values_from)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights, hashed on first use."""
        return fingerprint(self.model)

    @property
    def libraries(self) -> str:
        """Names and versions of what computes."""
        return f"torch {torch.__version__}, transformers {transformers.__version__}"

    @property
    def reading(self) -> Reading:
        """How texts are read for the model."""
        tokenizer = self.tokenizer
        read_at_most = window(tokenizer, self.model.config)
        return Reading(tokenizer.backend_tokenizer, read_at_most, tokenizer.pad_token_id, tokenizer.mask_token_id)

    def method(self, name: str) -> Method:
        """The method of that name; raises InputError when there is none, or when it cannot explain this model."""
        found = explainer(name, self.design, has_mask_token=self.tokenizer.mask_token_id is not None)

        def n_passes(n_tokens: int) -> int:
            return found.forward.count(n_tokens) + found.backward.count(n_tokens)

        return Method(name, found.signed(DESIGNS[self.design]), found.draws, found.bias_name, n_passes)

    @property
    def tokens_at_once(self) -> int:
        """How many tokens a pass should have."""
        return tokens_at_once(self.model.device.type)

    @property
    def n_in_flight(self) -> int:
        """One where the device computes by itself: it has work while records are made of what it did before."""
        return 0 if self.model.device.type == "cpu" else 1

    def logits(self, encodings: Sequence[Encoding]) -> Callable[[], Float[np.ndarray, "batch label"]]:
        """Begin the logits alone."""
        # Not in inference mode: tensors made in it are of another kind, for which a compiled model is compiled again.
        tensors = self._tensors(encodings)
        with torch.inference_mode():
            fetched = _Fetched({"logits": self.model(**tensors).logits})
        return lambda: fetched.arrays()["logits"]

    def attribute(self, method: Method, rows: Sequence[Row], target: int | None, seed: int) -> Callable[[], Attributed]:
        """Begin scores by the method for `target`, or for each text's prediction."""
        with torch.inference_mode(False):  # gradients must be had, whatever mode the caller is in
            found = EXPLAINERS[method.name].attribute(self.model, self.token_batch(rows, target, seed))
        fetched = _Fetched({name: tensor for name, tensor in vars(found).items() if tensor is not None})
        return lambda: _attributed(fetched.arrays())

    def attention_map(self, rows: Sequence[Row]) -> Float[np.ndarray, "batch query key"]:
        """The final block's whole map, mean over heads."""
        with torch.inference_mode():
            given = self.model.final_input(**self.token_batch(rows, None, 0).inputs)
            return _array(self.model.final_attention_map(given))

    def head_attention(self, rows: Sequence[Row]) -> Float[np.ndarray, "batch head key"]:
        """The [CLS] row of each head of the final attention."""
        with torch.inference_mode():
            given = self.model.final_input(**self.token_batch(rows, None, 0).inputs)
            return _array(self.model.final_attention(given))

    def erased_logits(
        self, rows: Sequence[Row], keeps: Sequence[Bool[np.ndarray, "_ _"]], erasure: Erasure
    ) -> list[Float[np.ndarray, "variant label"]]:
        """Each text's logits under each row of its `keeps` (variant, unit)."""
        with torch.inference_mode():
            return erased_logits(self.model, self.token_batch(rows, None, 0), keeps, erasure)

    def token_batch(self, rows: Sequence[Row], target: int | None, seed: int) -> TokenBatch:
        """The texts as explainers take them."""
        tensors = self._tensors([row.encoding for row in rows])
        of_units = unit_ids([row.groups for row in rows], tensors["input_ids"].shape[1])
        mask_token_id = self.tokenizer.mask_token_id
        device = self.model.device
        return TokenBatch(
            input_ids=tensors["input_ids"],
            attention_mask=tensors["attention_mask"],
            token_type_ids=tensors["token_type_ids"],
            special=self.model.special_tokens(tensors["input_ids"], tensors["special_tokens_mask"]),
            unit_ids=self._sent(of_units),
            targets=None if target is None else torch.full((len(rows),), target, device=device),
            # [PAD] stands in where there is no [MASK]: `method` lets none pass that would use it.
            mask_token_id=self.tokenizer.pad_token_id if mask_token_id is None else mask_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
            seed=seed,
        )

    def _tensors(self, encodings: Sequence[Encoding]) -> dict[str, torch.Tensor]:
        batch = pad(encodings, self.tokenizer.pad_token_id)
        tensors = {name: self._sent(array) for name, array in vars(batch).items()}
        return {**tensors, "special_tokens_mask": tensors["special_tokens_mask"].bool()}

    def _sent(self, array: np.ndarray) -> torch.Tensor:
        """The array on the model's device; from pinned memory, so that nothing waits for the transfer."""
        tensor = torch.from_numpy(array)
        if self.model.device.type == "cuda":
            tensor = tensor.pin_memory()
        return tensor.to(self.model.device, non_blocking=True)


def _attributed(arrays: Mapping[str, np.ndarray]) -> Attributed:
    return Attributed(
        arrays["logits"], arrays["targets"], arrays["scores"], arrays["attention"], bias=arrays.get("bias")
    )


class _Fetched:
    """Tensors on their way to the processor, in pinned memory where they come from a CUDA device."""

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        cuda = any(tensor.is_cuda for tensor in tensors.values())
        self._tensors = {name: _plain(tensor.detach()).to("cpu", non_blocking=cuda) for name, tensor in tensors.items()}
        self._done = torch.cuda.Event() if cuda else None
        if self._done is not None:
            self._done.record()

    def arrays(self) -> dict[str, np.ndarray]:
        """All of them, waited for."""
        if self._done is not None:
            self._done.synchronize()
        return {name: np.asarray(tensor.numpy()) for name, tensor in self._tensors.items()}


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Of a type that numpy has."""
    return tensor.float() if tensor.is_floating_point() else tensor


def _array(tensor: torch.Tensor) -> np.ndarray:
    return _Fetched({"tensor": tensor}).arrays()["tensor"]
