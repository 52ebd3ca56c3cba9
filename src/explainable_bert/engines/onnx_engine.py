"""Runs an exported classifier by ONNX Runtime: predictions and built-in explanations, without torch."""

import json
import reprlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn, Self

import numpy as np
from jaxtyping import Bool, Float

from explainable_bert.engines.engine import Attributed, Method, Reading, Row
from explainable_bert.errors import InputError, MissingExtraError, ModelError, first_line
from explainable_bert.json_fields import from_fields, parse_json
from explainable_bert.manifest import check_manifest
from explainable_bert.text.encoding import TOKENS_AT_ONCE, Encoding, pad
from explainable_bert.text.erasure import Erasure

GRAPH_FILE = "model.onnx"
TOKENIZER_FILE = "tokenizer.json"
# Where a graph's metadata has its facts, as JSON.
FACTS_KEY = "explainable_bert"
BUILT_IN = "built-in"
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "special_tokens_mask")
_FORMAT_VERSION = 1


@dataclass(frozen=True)
class GraphFacts:
    """What a graph says of itself; `bias` has a number for each label where the design is additive."""

    labels: tuple[str, ...]
    design: str
    value_layer: int
    fingerprint: str
    bias: tuple[float, ...] | None
    window: int
    pad_token_id: int
    mask_token_id: int | None
    format_version: int = _FORMAT_VERSION

    def to_json(self) -> str:
        """As the graph's metadata holds them."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, written: str) -> "GraphFacts":
        """Raises ValueError on anything that is no such JSON."""
        given = parse_json(written)
        # Before the fields: a newer version may have others.
        if isinstance(given, dict) and given.get("format_version") != _FORMAT_VERSION:
            version = reprlib.repr(given.get("format_version"))
            raise ValueError(f"format_version {version}; this version reads {_FORMAT_VERSION}")
        return from_fields(cls, given, f"its {FACTS_KEY}")


def is_exported(source: str) -> bool:
    """Whether there is a graph in the folder, and no model folder to prefer."""
    folder = Path(source)
    return (folder / GRAPH_FILE).is_file() and not (folder / "config.json").exists()


class OnnxEngine:
    """A graph with its tokenizer, in a session of its own."""

    def __init__(self, session: Any, facts: GraphFacts, tokenizer: Any) -> None:
        self._session = session
        self._facts = facts
        self._tokenizer = tokenizer

    @classmethod
    def load(cls, source: str) -> Self:
        """The exported graph in a folder. Raises ModelError where it cannot be read, MissingExtraError without ORT."""
        try:
            import onnxruntime
        except ModuleNotFoundError as error:
            raise MissingExtraError("onnxruntime", "onnx") from error
        from tokenizers import Tokenizer

        folder = Path(source)
        check_manifest(folder, "model")
        try:
            session = onnxruntime.InferenceSession(folder / GRAPH_FILE, providers=["CPUExecutionProvider"])
            facts = GraphFacts.from_json(session.get_modelmeta().custom_metadata_map[FACTS_KEY])
            _check_names(session, facts)
            tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:
            # ONNX Runtime and tokenizers raise types of their own, or plain Exception.
            raise ModelError(f"model: {source!r} holds no graph that can be run: {first_line(error)}") from error
        return cls(session, facts, tokenizer)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the logits."""
        return self._facts.labels

    @property
    def design(self) -> str:
        """The name of the design."""
        return self._facts.design

    @property
    def value_layer(self) -> int:
        """The states that final values are read from."""
        return self._facts.value_layer

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights that the graph was made from."""
        return self._facts.fingerprint

    @property
    def libraries(self) -> str:
        """Name and version of what computes."""
        import onnxruntime

        return f"onnxruntime {onnxruntime.__version__}"

    @property
    def reading(self) -> Reading:
        """How texts are read for the model."""
        facts = self._facts
        return Reading(self._tokenizer, facts.window, facts.pad_token_id, facts.mask_token_id)

    def method(self, name: str) -> Method:
        """The built-in method; raises InputError on any other."""
        if name != BUILT_IN:
            raise InputError(
                f"method: {name!r} given for an exported graph; accepted: {BUILT_IN} (others need the model folder)"
            )
        additive = self._facts.bias is not None
        return Method(BUILT_IN, additive, draws=False, bias_name="bias", n_passes=lambda _: 1)

    @property
    def tokens_at_once(self) -> int:
        """How many tokens a pass should have."""
        return TOKENS_AT_ONCE

    @property
    def n_in_flight(self) -> int:
        """None: what is begun is done."""
        return 0

    def logits(self, encodings: Sequence[Encoding]) -> Callable[[], Float[np.ndarray, "batch label"]]:
        """The logits alone."""
        (logits,) = self._run(encodings, ["logits"])
        return lambda: logits

    def attribute(
        self,
        method: Method,  # noqa: ARG002  # there is one only
        rows: Sequence[Row],
        target: int | None,
        seed: int,  # noqa: ARG002  # it draws nothing
    ) -> Callable[[], Attributed]:
        """Contributions to the target's logit, or the [CLS] row of the final attention."""
        encodings = [row.encoding for row in rows]
        bias = self._facts.bias
        if bias is None:
            logits, attention = self._run(encodings, ["logits", "attention"])
            unsigned = Attributed(logits, _targets(logits, target), attention, attention, None)
            return lambda: unsigned
        logits, attention, contributions = self._run(encodings, ["logits", "attention", "contributions"])
        targets = _targets(logits, target)
        scores = np.take_along_axis(contributions, targets[:, None, None], axis=2)[..., 0]
        found = Attributed(logits, targets, scores, attention, np.array(bias, dtype=np.float32)[targets])
        return lambda: found

    def attention_map(self, rows: Sequence[Row]) -> Float[np.ndarray, "batch query key"]:  # noqa: ARG002
        """Raises InputError: the graph has the [CLS] row only."""
        _refuse("attention_map")

    def head_attention(self, rows: Sequence[Row]) -> Float[np.ndarray, "batch head key"]:  # noqa: ARG002
        """Raises InputError: the graph has the mean over heads only."""
        _refuse("head_attention")

    def erased_logits(
        self,
        rows: Sequence[Row],  # noqa: ARG002
        keeps: Sequence[Bool[np.ndarray, "_ _"]],  # noqa: ARG002
        erasure: Erasure,  # noqa: ARG002
    ) -> list[Float[np.ndarray, "variant label"]]:
        """Raises InputError: the graph takes no positions."""
        _refuse("predict_erased")

    def _run(self, encodings: Sequence[Encoding], outputs: list[str]) -> list[np.ndarray]:
        found: list[np.ndarray] = self._session.run(outputs, vars(pad(encodings, self._facts.pad_token_id)))
        return found


def _check_names(session: Any, facts: GraphFacts) -> None:
    """Raise ValueError unless the graph takes and gives what is run here."""
    outputs = ["logits", "attention", *([] if facts.bias is None else ["contributions"])]
    for kind, needed, there in (("input", INPUTS, session.get_inputs()), ("output", outputs, session.get_outputs())):
        lacking = sorted(set(needed) - {item.name for item in there})
        if lacking:
            raise ValueError(f"there is no {kind} {lacking[0]!r}")


def _targets(logits: Float[np.ndarray, "batch label"], target: int | None) -> np.ndarray:
    return logits.argmax(axis=1) if target is None else np.full(len(logits), target)


def _refuse(what: str) -> NoReturn:
    raise InputError(f"{what}: asked of an exported graph, which predicts and explains by {BUILT_IN}; "
                     "accepted: the model folder that it was made from")  # fmt: skip
