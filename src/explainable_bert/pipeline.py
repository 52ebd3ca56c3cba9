"""ExplainableClassifier: load a model folder, predict texts, explain predictions word by word."""

import ctypes
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax

from explainable_bert.engines.engine import Attributed, Engine, Method, Row
from explainable_bert.engines.onnx_engine import OnnxEngine, is_exported
from explainable_bert.errors import InputError
from explainable_bert.records import LEVELS, AttentionMap, Attribution, Explanation, Level, Prediction, Provenance, Unit
from explainable_bert.text.alignment import align, sum_scores, units
from explainable_bert.text.encoding import Encoding, Reader, TextInput, by_length, check_texts
from explainable_bert.text.erasure import ERASURES, Erasure
from explainable_bert.version import __version__

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from explainable_bert.model.classifier import ExplainableBertForSequenceClassification

# Methods of many passes fill them with the variants of a text or a few: progress is seen.
_FILLED_BY = 1024
# So many texts are read, sorted by length and run, while the next ones are being read.
_TEXTS_AT_ONCE = 512

Progress = Callable[[int, int], None]
Found = TypeVar("Found")


class ExplainableClassifier:
    """A classifier with its tokenizer: texts in, records out, in the order given. Puts the model into eval mode.

    Texts are strings, or pairs of strings. `progress`, where a method takes it, is called with the number of texts
    done and their total. An exported graph (see export.onnx) loads without torch; it predicts, and explains by
    `built-in`.
    """

    def __init__(
        self,
        model: "ExplainableBertForSequenceClassification",
        tokenizer: "PreTrainedTokenizerFast",
        name: str = "unnamed",
    ) -> None:
        from explainable_bert.engines.torch_engine import TorchEngine

        self.engine: Engine = TorchEngine(model, tokenizer)
        self.name = name

    @classmethod
    def load(
        cls, path: str | Path, device: str | None = None, dtype: str = "float32", *, compiled: bool = False
    ) -> Self:
        """Load a model folder, a hub name or an exported graph; a stock BERT classifier loads as `vanilla`.

        `device` is any torch device, by default cuda where there is one, else cpu. `dtype` is float32, bfloat16 or
        float16, for devices that multiply these faster; contributions still sum to the logits. `compiled` has torch
        compile the model, for a minute, here. A graph is what it was exported as. Raises ModelError when there is no
        classifier at `path`, or none that can be compiled; InputError on another dtype, and on options for a graph.
        """
        source = str(path)
        classifier = cls.__new__(cls)
        classifier.engine, classifier.name = _loaded(source, device, dtype, compiled), source
        return classifier

    @property
    def model(self) -> "ExplainableBertForSequenceClassification":
        """The torch model; raises InputError for an exported graph."""
        return self._by_torch.model  # type: ignore[no-any-return]

    @property
    def tokenizer(self) -> "PreTrainedTokenizerFast":
        """The tokenizer of the torch model; raises InputError for an exported graph."""
        return self._by_torch.tokenizer  # type: ignore[no-any-return]

    @property
    def _by_torch(self) -> Any:
        if not hasattr(self.engine, "model"):
            raise InputError(f"model: {self.name!r} is an exported graph; accepted: the model folder it was made from")
        return self.engine

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the logits."""
        return self.engine.labels

    @property
    def provenance(self) -> Provenance:
        """Which model this is; hashes its weights on first use."""
        engine = self.engine
        return Provenance(
            model=self.name,
            design=engine.design,
            value_layer=engine.value_layer,
            fingerprint=engine.fingerprint,
            version=__version__,
            libraries=engine.libraries,
        )

    def predict(self, texts: Sequence[TextInput], progress: Progress | None = None) -> list[Prediction]:
        """Label, probabilities and dropped tokens of each text. Raises InputError on blank texts."""

        def begin(rows: list[Row]) -> Callable[[], list[Prediction]]:
            encodings = [row.encoding for row in rows]
            logits = self.engine.logits(encodings)
            return lambda: [self._prediction(*of_text) for of_text in zip(logits(), encodings, strict=True)]

        check_texts(texts)
        return list(self._in_order(texts, None, begin, progress))

    def explain(
        self,
        texts: Sequence[TextInput],
        method: str = "built-in",
        target: str | None = None,
        level: Level = "word",
        attention_map: bool = False,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[Explanation]:
        """Each text's prediction with a score per word (or token) for `target`, by default the predicted label.

        `method` is a name in attribution.methods.EXPLAINERS; `attention_map` adds the final block's whole map; `seed`
        is that of methods that draw at random. Raises InputError on blank texts and as `check` does.
        """
        check_texts(texts)
        return list(self.iter_explanations(texts, method, target, level, attention_map, seed, progress))

    def iter_explanations(
        self,
        texts: Sequence[TextInput],
        method: str = "built-in",
        target: str | None = None,
        level: Level = "word",
        attention_map: bool = False,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Iterator[Explanation]:
        """What `explain` returns, one by one, in memory that does not grow with the number of texts.

        `texts` may make its items when they are asked for, slice by slice: they are looked at some thousand at a time,
        and a blank one is refused when its turn comes.
        """
        applied = self._checked(method, target, level, seed)
        chosen = None if target is None else self.labels.index(target)
        asked = _Asked(applied, level, seed if applied.draws else None, self.provenance)

        def begin(rows: list[Row]) -> Callable[[], list[Explanation]]:
            attributed = self.engine.attribute(applied, rows, chosen, seed)
            maps = self._maps(rows) if attention_map else [None] * len(rows)
            return lambda: [
                self._explanation(row, _of_row(found, index), maps[index], asked)
                for found in (attributed(),)
                for index, row in enumerate(rows)
            ]

        return self._in_order(texts, level, begin, progress, applied)

    def units(self, texts: Sequence[TextInput], level: Level = "word") -> list[tuple[Unit, ...]]:
        """The units that `explain` scores, text by text. Raises InputError on blank texts, as on no such level."""
        return [units(row.groups, row.encoding) for row in self.rows(texts, level)]

    def rows(self, texts: Sequence[TextInput], level: Level = "word") -> list[Row]:
        """The texts as `engine` takes them. Raises as `units` does."""
        return self._rows(check_texts(texts), _checked_level(level))

    @property
    def window(self) -> int:
        """How many tokens of a text are read."""
        return self.engine.reading.window

    def predict_erased(
        self,
        texts: Sequence[TextInput],
        keeps: Sequence[Bool[np.ndarray, "_ _"]],
        erasure: str = "mask",
        level: Level = "word",
    ) -> list[Float[np.ndarray, "variant label"]]:
        """Each text's logits under every row of its `keeps` (variant, unit): True stays, False is erased.

        `erasure` is a name in text.erasure.ERASURES; units are those of `units`. All texts' variants are batched
        together. Raises InputError on keeps that do not fit the texts, on an erasure that does not exist or needs a
        [MASK] that the tokenizer lacks, and on a level that does not exist.
        """
        chosen = self.check_erasure(erasure)
        rows = self.rows(texts, level)
        if len(keeps) != len(rows):
            raise InputError(f"keeps: {len(keeps)} given for {len(rows)} texts; one per text is needed")
        for index, (row, keep) in enumerate(zip(rows, keeps, strict=True)):
            if keep.ndim != 2 or keep.shape[1] != len(row.groups):
                raise InputError(
                    f"keeps[{index}]: shape {keep.shape} given; accepted: (variants, {len(row.groups)} units)"
                )
        return self.engine.erased_logits(rows, keeps, chosen) if rows else []

    def check_erasure(self, erasure: str) -> Erasure:
        """The operator that `predict_erased` would apply; raises InputError as that does."""
        if erasure not in ERASURES:
            raise InputError(f"erasure: {erasure!r} given; accepted: {', '.join(ERASURES)}")
        if ERASURES[erasure].needs_mask_token and self.engine.reading.mask_token_id is None:
            able = [name for name, operator in ERASURES.items() if not operator.needs_mask_token]
            raise InputError(
                f"erasure: {erasure!r} needs [MASK], which the tokenizer lacks; accepted: {', '.join(able)}"
            )
        return ERASURES[erasure]

    def head_attention(self, texts: Sequence[TextInput], level: Level = "word") -> list[Float[np.ndarray, "head unit"]]:
        """The [CLS] row of each head of the final attention, summed over each unit's tokens."""

        def begin(rows: list[Row]) -> Callable[[], list[Float[np.ndarray, "head unit"]]]:
            weights = self.engine.head_attention(rows)
            return lambda: [
                np.array([sum_scores(row.groups, head) for head in by_head])
                for row, by_head in zip(rows, weights, strict=True)
            ]

        check_texts(texts)
        return list(self._in_order(texts, _checked_level(level), begin))

    def check(self, method: str, target: str | None = None, level: Level = "word", seed: int = 0) -> None:
        """Raise what `explain` would raise, before any work.

        That is InputError on a method, target or level that does not exist, on a method that cannot explain this model,
        and on a seed that is no whole number from 0.
        """
        self._checked(method, target, level, seed)

    def _checked(self, method: str, target: str | None, level: Level, seed: int) -> Method:
        applied = self.engine.method(method)
        _checked_level(level)
        if target is not None and target not in self.labels:
            raise InputError(f"target: {target!r} given; accepted: {', '.join(self.labels)}")
        if not isinstance(seed, int) or seed < 0:
            raise InputError(f"seed: {seed!r} given; accepted: a whole number from 0")
        return applied

    @cached_property
    def _reader(self) -> Reader:
        reading = self.engine.reading
        return Reader.of(reading.tokenizer, reading.window)

    def _rows(self, texts: Sequence[tuple[str, str | None]], level: Level | None) -> list[Row]:
        """Checked texts as they are read, with their units where a level is given."""
        return [
            Row(encoding, () if level is None else tuple(align(encoding, level)))
            for encoding in self._reader.encode(texts)
        ]

    def _in_order(
        self,
        texts: Sequence[TextInput],
        level: Level | None,
        begin: Callable[[list[Row]], Callable[[], list[Found]]],
        progress: Progress | None = None,
        applied: Method | None = None,
    ) -> Iterator[Found]:
        """What is made of the texts, batch by batch, in the order of the texts.

        `begin` begins a batch and returns what ends it.
        """
        done = 0
        for rows in self._read_ahead(texts, level):
            found: dict[int, Found] = {}
            for places, made in self._by_batch(rows, begin, applied):
                found.update(zip(places, made, strict=True))
                if progress is not None:
                    progress(done + len(found), len(texts))
            done += len(rows)
            yield from (found.pop(place) for place in range(len(rows)))
            if done < len(texts):
                _give_back_memory()

    def _by_batch(
        self,
        rows: list[Row],
        begin: Callable[[list[Row]], Callable[[], list[Found]]],
        applied: Method | None,
    ) -> Iterator[tuple[list[int], list[Found]]]:
        """Places of rows, and what is made of these, the longest rows first."""
        lengths = [len(row.encoding) for row in rows]
        if applied is None or applied.n_passes(1) == 1:
            batches = by_length(lengths, self.engine.tokens_at_once)
        else:
            batches = by_length(lengths, _FILLED_BY, applied.n_passes)
        begun: deque[tuple[list[int], Callable[[], list[Found]]]] = deque()
        for places in batches:
            begun.append((places, begin([rows[place] for place in places])))
            if len(begun) > self.engine.n_in_flight:
                first, end = begun.popleft()
                yield first, end()
        yield from ((first, end()) for first, end in begun)

    def _read_ahead(self, texts: Sequence[TextInput], level: Level | None) -> Iterator[list[Row]]:
        """The texts as rows, chunk by chunk; the next chunk is read while the last one is in use."""

        def read(start: int) -> list[Row]:
            return self._rows(check_texts(texts[start : start + _TEXTS_AT_ONCE], first=start), level)

        starts = range(0, len(texts), _TEXTS_AT_ONCE)
        if len(starts) <= 1:
            yield from map(read, starts)
            return
        with ThreadPoolExecutor(max_workers=1) as reading:
            ahead = reading.submit(read, starts[0])
            for following in starts[1:]:
                rows, ahead = ahead.result(), reading.submit(read, following)
                yield rows
            yield ahead.result()

    def _prediction(self, logits: Float[np.ndarray, " label"], encoding: Encoding) -> Prediction:
        probabilities = softmax(logits.astype(np.float64))
        return Prediction(
            label=self.labels[int(probabilities.argmax())],
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            n_tokens_dropped=encoding.n_tokens_dropped,
        )

    def _maps(self, rows: Sequence[Row]) -> list[AttentionMap | None]:
        whole = self.engine.attention_map(rows)
        return [_attention_map(whole[index], row) for index, row in enumerate(rows)]

    def _explanation(
        self, row: Row, attributed: "_RowAttribution", attention_map: AttentionMap | None, asked: "_Asked"
    ) -> Explanation:
        encoding, target, method = row.encoding, attributed.target, asked.method
        attribution = Attribution(
            units=units(row.groups, encoding),
            scores=sum_scores(row.groups, attributed.scores),
            method=method.name,
            level=asked.level,
            signed=method.signed,
            special_token_mass=float(attributed.attention[list(_of_no_unit(row))].sum()),
            bias=attributed.bias,
            bias_name=method.bias_name if attributed.bias is not None else None,
            logit=None if attributed.bias is None else float(attributed.logits[target]),
            seed=asked.seed,
        )
        return Explanation(
            text=encoding.text,
            text_pair=encoding.text_pair,
            prediction=self._prediction(attributed.logits, encoding),
            target=self.labels[target],
            attribution=attribution,
            provenance=asked.provenance,
            attention_map=attention_map,
        )


def _give_back_memory() -> None:
    """Have glibc, where it is what allocates, return what is free: between batches of ever other sizes holes remain."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def _loaded(source: str, device: str | None, dtype: str, compiled: bool) -> Engine:
    if is_exported(source):
        for name, is_given in (("device", device is not None), ("dtype", dtype != "float32"), ("compiled", compiled)):
            if is_given:
                raise InputError(f"{name}: given for an exported graph; accepted: none, it runs as it was exported")
        return OnnxEngine.load(source)
    from explainable_bert.engines.torch_engine import TorchEngine

    return TorchEngine.load(source, device, dtype, compiled=compiled)


def explain_versus(
    base: ExplainableClassifier,
    versus: ExplainableClassifier,
    texts: Sequence[TextInput],
    progress: Progress | None = None,
    method: str = "built-in",
    **asked: Any,
) -> tuple[list[Explanation], list[Explanation]]:
    """Both models' explanations of the same texts for the same targets: those asked for, else what `base` predicts.

    `asked` are further arguments of ExplainableClassifier.explain. Raises InputError when the models' labels differ.
    """
    if set(base.labels) != set(versus.labels):
        raise InputError(
            f"versus: {versus.name!r} knows labels {', '.join(versus.labels)}; accepted: {', '.join(base.labels)}"
        )
    versus.check(method)
    ours = base.explain(texts, method, progress=progress, **asked)
    theirs: dict[int, Explanation] = {}
    for target in dict.fromkeys(explanation.target for explanation in ours):
        places = [place for place, explanation in enumerate(ours) if explanation.target == target]
        answered = versus.explain([texts[place] for place in places], method, **{**asked, "target": target})
        theirs.update(zip(places, answered, strict=True))
    return ours, [theirs[place] for place in range(len(ours))]


@dataclass(frozen=True)
class _Asked:
    """What was asked for, and of which model."""

    method: Method
    level: Level
    seed: int | None
    provenance: Provenance


@dataclass(frozen=True)
class _RowAttribution:
    """One text's part of an Attributed."""

    logits: Float[np.ndarray, " label"]
    target: int
    scores: Float[np.ndarray, " key"]
    attention: Float[np.ndarray, " key"]
    bias: float | None


def _checked_level(level: Level) -> Level:
    if level not in LEVELS:
        raise InputError(f"level: {level!r} given; accepted: {', '.join(LEVELS)}")
    return level


def _of_row(attributed: Attributed, index: int) -> _RowAttribution:
    return _RowAttribution(
        logits=attributed.logits[index],
        target=int(attributed.targets[index]),
        scores=attributed.scores[index],
        attention=attributed.attention[index],
        bias=None if attributed.bias is None else float(attributed.bias[index]),
    )


def _of_no_unit(row: Row) -> list[int]:
    """Positions of the text's tokens that belong to no unit: the special ones."""
    return [position for position, special in enumerate(row.encoding.special) if special]


def _attention_map(whole: Float[np.ndarray, "query key"], row: Row) -> AttentionMap:
    """The map between units: keys summed, queries averaged over a unit's tokens; [CLS] first."""
    queries = [[0], *(list(group.tokens) for group in row.groups)]
    averaged = np.stack([whole[query].mean(axis=0) for query in queries])
    weights = [averaged[:, list(group.tokens)].sum(axis=1) for group in row.groups]
    by_row = np.stack(weights, axis=1) if weights else averaged[:, :0]
    special = averaged[:, _of_no_unit(row)].sum(axis=1)
    return AttentionMap(tuple(tuple(line) for line in by_row.tolist()), tuple(special.tolist()))
