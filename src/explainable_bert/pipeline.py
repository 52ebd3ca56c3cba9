"""ExplainableClassifier: load a model folder, predict texts, explain predictions word by word."""

import ctypes
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import softmax

from explainable_bert.engines.engine import Engine, Method, Row
from explainable_bert.engines.onnx_engine import OnnxEngine, is_exported
from explainable_bert.engines.windowed import (
    RowAttribution,
    Window,
    WindowedText,
    by_unit,
    combined,
    combined_logits,
    distinct,
    of_row,
    of_variants,
    windowed,
)
from explainable_bert.errors import InputError
from explainable_bert.records import (
    LEVELS,
    LONG,
    AttentionMap,
    Attribution,
    Explanation,
    Level,
    Long,
    Prediction,
    Provenance,
    Unit,
)
from explainable_bert.text.alignment import sum_scores, units
from explainable_bert.text.encoding import Reader, TextInput, by_length, check_texts
from explainable_bert.text.erasure import ERASURES, Erasure
from explainable_bert.text.windows import read_long
from explainable_bert.version import __version__

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from explainable_bert.attribution.explainer import TokenBatch
    from explainable_bert.model.classifier import ExplainableBertForSequenceClassification

# Methods of many passes fill them with the variants of a text or a few: progress is seen.
_FILLED_BY = 1024
# So many texts, or fewer of so many characters, are read, sorted by length and run, while the next are being read.
_TEXTS_AT_ONCE = 512
_CHARACTERS_AT_ONCE = 2**20
# Attention functions whose weights keep their ratios when some of them are gone.
_OF_FIXED_RATIOS = ("softmax", "uniform")

Progress = Callable[[int, int], None]
# Is told how many windows of a chunk are done, and of how many.
Told = Callable[[int, int], None]
Logits = Float[np.ndarray, " label"]
Weights = Float[np.ndarray, "head key"]
Found = TypeVar("Found")
Made = TypeVar("Made")


class ExplainableClassifier:
    """A classifier with its tokenizer: texts in, records out, in the order given. Puts the model into eval mode.

    Texts are strings, or pairs of strings. `progress`, where a method takes it, is called with the number of texts
    done and their total. An exported graph (see export.onnx) loads without torch; it predicts, and explains by
    `built-in`.

    A text that is longer than the model's window is read in windows that overlap, and what is said of it is the mean
    over these by text.windows.shares; or, as `long` has it, cut (`truncate`) or refused (`error`). `batch_tokens` is
    how many tokens share a pass: None leaves it to the engine.
    """

    def __init__(
        self,
        model: "ExplainableBertForSequenceClassification",
        tokenizer: "PreTrainedTokenizerFast",
        name: str = "unnamed",
        long: Long = "window",
    ) -> None:
        from explainable_bert.engines.torch_engine import TorchEngine

        self.engine: Engine = TorchEngine(model, tokenizer)
        self.name, self.long = name, _checked_long(long)
        self.batch_tokens: int | None = None

    @classmethod
    def load(
        cls,
        path: str | Path,
        device: str | None = None,
        dtype: str = "float32",
        *,
        compiled: bool = False,
        long: Long = "window",
    ) -> Self:
        """Load a model folder, a hub name or an exported graph; a stock BERT classifier loads as `vanilla`.

        `device` is any torch device, by default cuda where there is one, else cpu. `dtype` is float32, bfloat16 or
        float16, for devices that multiply these faster; contributions still sum to the logits. `compiled` has torch
        compile the model, for a minute, here. A graph is what it was exported as. Raises ModelError when there is no
        classifier at `path`, or none that can be compiled; InputError on another dtype or `long`, and on options for a
        graph.
        """
        source = str(path)
        classifier = cls.__new__(cls)
        classifier.long, classifier.batch_tokens = _checked_long(long), None
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
        """Label, probabilities, windows and dropped tokens of each text. Raises InputError on blank texts."""

        def predicted(read: list[WindowedText], told: Told) -> list[Prediction]:
            found = self._run(read, self._begin_logits, told)
            return [self._prediction(text, combined_logits(of_text)) for text, of_text in zip(read, found, strict=True)]

        check_texts(texts)
        return list(self._stream(texts, None, predicted, progress))

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
        asked = _Asked(applied, chosen, level, seed, attention_map, self.provenance)
        return self._stream(texts, level, partial(self._explained, asked), progress)

    def units(self, texts: Sequence[TextInput], level: Level = "word") -> list[tuple[Unit, ...]]:
        """The units that `explain` scores, text by text. Raises InputError on blank texts, as on no such level."""
        return [units(text.row.groups, text.row.encoding) for text in self.read(texts, level)]

    def read(self, texts: Sequence[TextInput], level: Level = "word") -> list[WindowedText]:
        """The texts as `engine` takes them. Raises as `units` does."""
        return self._read(check_texts(texts), _checked_level(level))

    def token_batch(self, texts: Sequence[TextInput], target: str | None = None, level: Level = "word") -> "TokenBatch":
        """The texts as tensors on the model's device, as explainers take them: for tools of one's own.

        Raises InputError as `explain` does, for an exported graph, and on a text beyond the model's window.
        """
        self._checked("built-in", target, level, 0)
        engine, read = self._by_torch, self.read(texts, level)
        for place, text in enumerate(read):
            if text.is_long:
                raise InputError(f"texts[{place}]: {len(text.windows)} windows given; accepted: a text of one")
        batch: TokenBatch = engine.token_batch(
            [text.row for text in read], None if target is None else self.labels.index(target), 0
        )
        return batch

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
        read = self._read_with(texts, keeps, level)
        windows = [window for text in read for window in text.windows]
        asked = [
            distinct(keep[:, window.units]) for text, keep in zip(read, keeps, strict=True) for window in text.windows
        ]
        found = self.engine.erased_logits(_rows(windows), [keep for keep, _ in asked], chosen) if windows else []
        logits = iter([of_window[places] for of_window, (_, places) in zip(found, asked, strict=True)])
        return [of_variants([next(logits) for _ in text.windows]) for text in read]

    def forecast_erased(
        self, texts: Sequence[TextInput], keeps: Sequence[Bool[np.ndarray, "_ _"]], level: Level = "word"
    ) -> list[Float[np.ndarray, "variant label"]]:
        """What the explanation alone says that `predict_erased` finds: logits without the units that do not stay.

        These leave the final sum, and the others share out their attention: y_c(S) = bias_c + the contributions to c of
        the units in S / the attention on S; without any attention, the bias. No pass is made for a variant: the states
        of the others stay as they were, which is what a forecast cannot know.

        Raises InputError on a model whose `check_forecast` does, on a text beyond its window, and as `predict_erased`
        does.
        """
        self.check_forecast()
        for place, text in enumerate(self._read_with(texts, keeps, level)):
            if text.is_long:
                raise InputError(f"texts[{place}]: {len(text.windows)} windows given; accepted: a text of one")
        by_label = [self.explain(texts, target=label, level=level) for label in self.labels]
        attention = self.head_attention(texts, level)
        return [
            _forecast(keep, weights.sum(axis=0), [explanation.attribution for explanation in of_text])
            for keep, weights, of_text in zip(keeps, attention, zip(*by_label, strict=True), strict=True)
        ]

    def check_forecast(self) -> None:
        """Raise InputError where `forecast_erased` knows nothing.

        That is where logits are no sum over words, or where weights do not keep their ratios when some are gone.
        """
        config = self.model.config
        if config.readout != "additive":
            raise InputError(f"model: design {config.design!r} given; accepted: those whose logits are sums over words")
        if config.attention_function not in _OF_FIXED_RATIOS:
            accepted = ", ".join(_OF_FIXED_RATIOS)
            raise InputError(f"model: attention function {config.attention_function!r} given; accepted: {accepted}")

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

        def begin(windows: list[Window]) -> Callable[[], list[tuple[Weights, Logits]]]:
            weights, logits = self.engine.head_attention(_rows(windows)), self._begin_logits(windows)
            return lambda: list(zip(weights, logits(), strict=True))

        def attended(read: list[WindowedText], told: Told) -> list[Float[np.ndarray, "head unit"]]:
            return [by_unit(text, found) for text, found in zip(read, self._run(read, begin, told), strict=True)]

        check_texts(texts)
        return list(self._stream(texts, _checked_level(level), attended))

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

    def _read(self, texts: Sequence[tuple[str, str | None]], level: Level | None, first: int = 0) -> list[WindowedText]:
        """Checked texts, counted from `first`, as they are read; with their units where a level is given."""
        return [windowed(found, level, self.window) for found in read_long(self._reader, texts, self.long, first)]

    def _read_with(
        self, texts: Sequence[TextInput], keeps: Sequence[Bool[np.ndarray, "_ _"]], level: Level
    ) -> list[WindowedText]:
        """The texts, for whose units there are `keeps`."""
        read = self.read(texts, level)
        if len(keeps) != len(read):
            raise InputError(f"keeps: {len(keeps)} given for {len(read)} texts; one per text is needed")
        for index, (text, keep) in enumerate(zip(read, keeps, strict=True)):
            n_units = len(text.row.groups)
            if keep.ndim != 2 or keep.shape[1] != n_units:
                raise InputError(f"keeps[{index}]: shape {keep.shape} given; accepted: (variants, {n_units} units)")
        return read

    def _stream(
        self,
        texts: Sequence[TextInput],
        level: Level | None,
        found_in: Callable[[list[WindowedText], Told], list[Found]],
        progress: Progress | None = None,
    ) -> Iterator[Found]:
        """What `found_in` makes of the texts, chunk by chunk, in their order."""
        done = 0

        def told(n_windows: int, of_windows: int) -> None:
            if progress is not None:
                progress(done + n_windows * len(read) // of_windows, len(texts))

        for read in self._read_ahead(texts, level):
            yield from found_in(read, told)
            done += len(read)

    def _read_ahead(self, texts: Sequence[TextInput], level: Level | None) -> Iterator[list[WindowedText]]:
        """The texts as they are read, chunk by chunk; the next chunk is read while the last one is in use."""
        chunks = (self._read(chunk, level, first) for first, chunk in _chunks(texts))
        if len(texts) <= _TEXTS_AT_ONCE:
            yield from chunks
            return
        with ThreadPoolExecutor(max_workers=1) as reading:
            ahead = reading.submit(next, chunks, None)
            while (read := ahead.result()) is not None:
                ahead = reading.submit(next, chunks, None)
                yield read

    def _run(
        self,
        texts: Sequence[WindowedText],
        begin: Callable[[list[Window]], Callable[[], list[Made]]],
        told: Told,
        applied: Method | None = None,
    ) -> list[list[Made]]:
        """What is made of each text's windows: batch by batch, the longest first.

        `begin` begins a batch and returns what ends it; `told` is told how many are done.
        """
        windows = [window for text in texts for window in text.windows]
        made: dict[int, Made] = {}
        begun: deque[tuple[list[int], Callable[[], list[Made]]]] = deque()

        def collect() -> None:
            places, end = begun.popleft()
            made.update(zip(places, end(), strict=True))
            told(len(made), len(windows))

        for places in self._batches([len(window.row.encoding) for window in windows], applied):
            if made:
                _give_back_memory()
            begun.append((places, begin([windows[place] for place in places])))
            if len(begun) > self.engine.n_in_flight:
                collect()
        while begun:
            collect()
        in_order = iter(made[place] for place in range(len(windows)))
        return [[next(in_order) for _ in text.windows] for text in texts]

    def _batches(self, lengths: list[int], applied: Method | None) -> Iterator[list[int]]:
        if applied is None or applied.n_passes(1) == 1:
            return by_length(lengths, self.batch_tokens or self.engine.tokens_at_once)
        return by_length(lengths, _FILLED_BY, applied.n_passes)

    def _begin_logits(self, windows: list[Window]) -> Callable[[], list[Logits]]:
        logits = self.engine.logits([window.row.encoding for window in windows])
        return lambda: list(logits())

    def _explained(self, asked: "_Asked", read: list[WindowedText], told: Told) -> list[Explanation]:
        """Explanations of texts for the target, or for what each is predicted."""
        if asked.attention_map:
            _refuse_maps(read)
        found = self._run(read, partial(self._begin, asked, asked.target), told, asked.method)
        return [self._of_text(asked, *of_text) for of_text in zip(read, found, strict=True)]

    def _of_text(
        self, asked: "_Asked", text: WindowedText, found: Sequence[Explanation | RowAttribution]
    ) -> Explanation:
        if isinstance(found[0], Explanation):
            return found[0]
        of_windows = self._for_one_target(asked, text, [one for one in found if isinstance(one, RowAttribution)])
        return self._explanation(text, combined(text, of_windows), asked)

    def _begin(
        self, asked: "_Asked", target: int | None, windows: list[Window]
    ) -> Callable[[], list[Explanation | RowAttribution]]:
        """Begin a batch: whole texts are explained; of other windows it is found what adds up to their text's."""
        rows = _rows(windows)
        attributed = self.engine.attribute(asked.method, rows, target, asked.seed)
        maps = self._maps(rows) if asked.attention_map else [None] * len(rows)

        def end() -> list[Explanation | RowAttribution]:
            batch = attributed()
            found = [of_row(batch, index) for index in range(len(rows))]
            return [
                self._explanation(WindowedText.of(window), one, asked, a_map) if window.is_whole else one
                for window, one, a_map in zip(windows, found, maps, strict=True)
            ]

        return end

    def _for_one_target(self, asked: "_Asked", text: WindowedText, found: list[RowAttribution]) -> list[RowAttribution]:
        """A long text's windows with one target: those that were predicted otherwise than their text are run again."""
        target = asked.target
        if target is None:
            target = int(combined_logits([one.logits for one in found]).argmax())
        others = [place for place, one in enumerate(found) if one.target != target]
        again = replace(text, windows=tuple(text.windows[place] for place in others))
        (agreeing,) = self._run([again], partial(self._begin, asked, target), lambda *_: None, asked.method)
        changed = dict(zip(others, agreeing, strict=True))
        return [
            one if isinstance(one := changed.get(place, old), RowAttribution) else old
            for place, old in enumerate(found)
        ]

    def _prediction(self, text: WindowedText, logits: Logits) -> Prediction:
        probabilities = softmax(logits.astype(np.float64))
        return Prediction(
            label=self.labels[int(probabilities.argmax())],
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            n_tokens_dropped=text.row.encoding.n_tokens_dropped,
            n_windows=len(text.windows),
        )

    def _maps(self, rows: Sequence[Row]) -> list[AttentionMap | None]:
        whole = self.engine.attention_map(rows)
        return [_attention_map(whole[index], row) for index, row in enumerate(rows)]

    def _explanation(
        self,
        text: WindowedText,
        attributed: RowAttribution,
        asked: "_Asked",
        attention_map: AttentionMap | None = None,
    ) -> Explanation:
        row, target, method = text.row, attributed.target, asked.method
        attribution = Attribution(
            units=units(row.groups, row.encoding),
            scores=sum_scores(row.groups, attributed.scores),
            method=method.name,
            level=asked.level,
            signed=method.signed,
            special_token_mass=float(attributed.attention[list(_of_no_unit(row))].sum()),
            bias=attributed.bias,
            bias_name=method.bias_name if attributed.bias is not None else None,
            logit=None if attributed.bias is None else float(attributed.logits[target]),
            seed=asked.seed if method.draws else None,
        )
        return Explanation(
            text=row.encoding.text,
            text_pair=row.encoding.text_pair,
            prediction=self._prediction(text, attributed.logits),
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
    target: int | None
    level: Level
    seed: int
    attention_map: bool
    provenance: Provenance


def _forecast(
    keep: Bool[np.ndarray, "variant unit"], attention: Float[np.ndarray, " unit"], by_label: Sequence[Attribution]
) -> Float[np.ndarray, "variant label"]:
    """The sums over the units that stay, with the attention that they would have."""
    biases = np.array([attribution.bias for attribution in by_label])
    sums = keep.astype(np.float64) @ np.array([attribution.scores for attribution in by_label]).T
    shares = (keep @ attention / attention.sum() if attention.sum() > 0 else np.zeros(len(keep)))[:, None]
    return np.asarray(biases + np.divide(sums, shares, out=np.zeros_like(sums), where=shares > 0))


def _checked_level(level: Level) -> Level:
    if level not in LEVELS:
        raise InputError(f"level: {level!r} given; accepted: {', '.join(LEVELS)}")
    return level


def _checked_long(long: Long) -> Long:
    if long not in LONG:
        raise InputError(f"long: {long!r} given; accepted: {', '.join(LONG)}")
    return long


def _chunks(texts: Sequence[TextInput]) -> Iterator[tuple[int, list[tuple[str, str | None]]]]:
    """Checked texts as they are read together, with the place of the first."""
    for start in range(0, len(texts), _TEXTS_AT_ONCE):
        chunk: list[tuple[str, str | None]] = []
        first, room = start, _CHARACTERS_AT_ONCE
        for text in check_texts(texts[start : start + _TEXTS_AT_ONCE], first=start):
            chunk.append(text)
            room -= len(text[0]) + len(text[1] or "")
            if room <= 0:
                yield first, chunk
                first, room, chunk = first + len(chunk), _CHARACTERS_AT_ONCE, []
        if chunk:
            yield first, chunk


def _rows(windows: Sequence[Window]) -> list[Row]:
    return [window.row for window in windows]


def _refuse_maps(texts: Sequence[WindowedText]) -> None:
    for text in texts:
        if text.is_long:
            raise InputError(
                f"attention_map: the text that begins {text.row.encoding.text[:40]!r} is read in {len(text.windows)} "
                "windows, which have no common map; accepted: texts of one window, or long='truncate'"
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
