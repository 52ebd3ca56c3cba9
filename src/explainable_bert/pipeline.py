"""ExplainableClassifier: load a model folder, predict texts, explain predictions word by word."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import transformers
from jaxtyping import Bool, Float
from scipy.special import softmax
from transformers import PreTrainedTokenizerFast

from explainable_bert.attribution.explainer import BatchAttribution, Explainer, TokenBatch
from explainable_bert.attribution.methods import explainer
from explainable_bert.attribution.perturbation import erased_logits
from explainable_bert.errors import InputError
from explainable_bert.model.checkpoint import fingerprint, load_tokenizer, window
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification, load_trained
from explainable_bert.model.configuration import DESIGNS, label_names
from explainable_bert.records import LEVELS, AttentionMap, Attribution, Explanation, Level, Prediction, Provenance, Unit
from explainable_bert.text.alignment import Group, align, sum_scores, unit_ids, units
from explainable_bert.text.encoding import Encoding, TextInput, check_texts, encode, pad
from explainable_bert.text.erasure import ERASURES, Erasure
from explainable_bert.version import __version__

BATCH_SIZE = 32
# A pass of so many tokens is as fast per token as a longer one.
_FILLED_BY = 1024

Progress = Callable[[int, int], None]


class ExplainableClassifier:
    """A classifier with its tokenizer: texts in, records out, in the order given. Puts the model into eval mode.

    Texts are strings, or pairs of strings. `progress`, where a method takes it, is called with the number of texts
    done and their total.
    """

    def __init__(
        self,
        model: ExplainableBertForSequenceClassification,
        tokenizer: PreTrainedTokenizerFast,
        name: str = "unnamed",
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.name = name
        self._fingerprint: str | None = None

    @classmethod
    def load(cls, path: str | Path, device: str | None = None) -> Self:
        """Load a model folder or hub name; a stock BERT classifier loads as `vanilla`.

        `device` is any torch device, by default cuda where there is one, else cpu. Raises ModelError when there is no
        classifier at `path`.
        """
        source = str(path)
        model = load_trained(source)
        tokenizer = load_tokenizer(source)
        chosen: Any = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        model.to(chosen)
        return cls(model, tokenizer, source)

    @property
    def labels(self) -> tuple[str, ...]:
        """Label names in the order of the logits."""
        return label_names(self.model.config)

    @property
    def provenance(self) -> Provenance:
        """Which model this is; hashes its weights on first use."""
        if self._fingerprint is None:
            self._fingerprint = fingerprint(self.model)
        config = self.model.config
        return Provenance(
            model=self.name,
            design=config.design,
            value_layer=config.values_from,
            fingerprint=self._fingerprint,
            version=__version__,
            libraries=f"torch {torch.__version__}, transformers {transformers.__version__}",
        )

    def predict(self, texts: Sequence[TextInput], progress: Progress | None = None) -> list[Prediction]:
        """Label, probabilities and dropped tokens of each text. Raises InputError on blank texts."""
        encodings = self._encode(texts)
        predictions: dict[int, Prediction] = {}
        with torch.inference_mode():
            for places in _batches(encodings, progress):
                batch = [encodings[place] for place in places]
                logits = self.model(**self._tensors(batch)).logits.float().cpu().numpy()
                for place, row in zip(places, logits, strict=True):
                    predictions[place] = self._prediction(row, encodings[place])
        return [predictions[place] for place in range(len(encodings))]

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
        applied = self.check(method, target, level, seed)
        asked = _Asked(method, level, applied, seed if applied.draws else None)
        read = self._rows(texts, level)
        explanations: dict[int, Explanation] = {}
        for places in _batches([row.encoding for row in read], progress, applied):
            rows = [read[place] for place in places]
            with torch.inference_mode(False):  # gradients must be had, whatever mode the caller is in
                batch = self._token_batch(rows, target, seed)
                attributed = applied.attribute(self.model, batch)
            maps = self._maps(batch, rows) if attention_map else [None] * len(rows)
            for index, place in enumerate(places):
                found = self._explanation(rows[index], _row_of(attributed, index), maps[index], asked)
                explanations[place] = found
        return [explanations[place] for place in range(len(read))]

    def units(self, texts: Sequence[TextInput], level: Level = "word") -> list[tuple[Unit, ...]]:
        """The units that `explain` scores, text by text. Raises InputError on blank texts, as on no such level."""
        rows = self._rows(texts, level)
        return [units(row.groups, row.encoding) for row in rows]

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
        rows = self._rows(texts, level)
        if len(keeps) != len(rows):
            raise InputError(f"keeps: {len(keeps)} given for {len(rows)} texts; one per text is needed")
        for index, (row, keep) in enumerate(zip(rows, keeps, strict=True)):
            if keep.ndim != 2 or keep.shape[1] != len(row.groups):
                raise InputError(
                    f"keeps[{index}]: shape {keep.shape} given; accepted: (variants, {len(row.groups)} units)"
                )
        if not rows:
            return []
        with torch.inference_mode():
            return erased_logits(self.model, self._token_batch(rows, None, 0), keeps, chosen)

    def check_erasure(self, erasure: str) -> Erasure:
        """The operator that `predict_erased` would apply; raises InputError as that does."""
        if erasure not in ERASURES:
            raise InputError(f"erasure: {erasure!r} given; accepted: {', '.join(ERASURES)}")
        if ERASURES[erasure].needs_mask_token and self.tokenizer.mask_token_id is None:
            able = [name for name, operator in ERASURES.items() if not operator.needs_mask_token]
            raise InputError(
                f"erasure: {erasure!r} needs [MASK], which the tokenizer lacks; accepted: {', '.join(able)}"
            )
        return ERASURES[erasure]

    def head_attention(self, texts: Sequence[TextInput], level: Level = "word") -> list[Float[np.ndarray, "head unit"]]:
        """The [CLS] row of each head of the final attention, summed over each unit's tokens."""
        rows = self._rows(texts, level)
        found: dict[int, Float[np.ndarray, "head unit"]] = {}
        with torch.inference_mode():
            for places in _batches([row.encoding for row in rows], None):
                batch = self._token_batch([rows[place] for place in places], None, 0)
                weights = _numpy(self.model.final_attention(self.model.final_input(**batch.inputs)))
                for place, by_head in zip(places, weights, strict=True):
                    found[place] = np.array([sum_scores(rows[place].groups, head) for head in by_head])
        return [found[place] for place in range(len(rows))]

    def check(self, method: str, target: str | None = None, level: Level = "word", seed: int = 0) -> Explainer:
        """The explainer that `explain` would apply; for asking before any work.

        Raises InputError on a method, target or level that does not exist, on a method that cannot explain this model,
        and on a seed that is no whole number from 0.
        """
        has_mask_token = self.tokenizer.mask_token_id is not None
        applied = explainer(method, self.model.config.design, has_mask_token=has_mask_token)
        _check_level(level)
        if target is not None and target not in self.labels:
            raise InputError(f"target: {target!r} given; accepted: {', '.join(self.labels)}")
        if not isinstance(seed, int) or seed < 0:
            raise InputError(f"seed: {seed!r} given; accepted: a whole number from 0")
        return applied

    def _rows(self, texts: Sequence[TextInput], level: Level) -> list["_Row"]:
        _check_level(level)
        return [_Row(encoding, align(encoding, level)) for encoding in self._encode(texts)]

    def _encode(self, texts: Sequence[TextInput]) -> list[Encoding]:
        return encode(self.tokenizer, check_texts(texts), window(self.tokenizer, self.model.config))

    def _tensors(self, encodings: Sequence[Encoding]) -> dict[str, torch.Tensor]:
        batch = pad(encodings, self.tokenizer.pad_token_id)
        return {name: torch.from_numpy(array).to(self.model.device) for name, array in vars(batch).items()}

    def _prediction(self, logits: Float[np.ndarray, " label"], encoding: Encoding) -> Prediction:
        probabilities = softmax(logits.astype(np.float64))
        return Prediction(
            label=self.labels[int(probabilities.argmax())],
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            n_tokens_dropped=encoding.n_tokens_dropped,
        )

    def _token_batch(self, rows: Sequence["_Row"], target: str | None, seed: int) -> TokenBatch:
        tensors = self._tensors([row.encoding for row in rows])
        of_units = unit_ids([row.groups for row in rows], tensors["input_ids"].shape[1])
        targets = None if target is None else torch.full((len(rows),), self.labels.index(target))
        mask_token_id = self.tokenizer.mask_token_id
        return TokenBatch(
            input_ids=tensors["input_ids"],
            attention_mask=tensors["attention_mask"],
            token_type_ids=tensors["token_type_ids"],
            special=self.model.special_tokens(tensors["input_ids"], tensors["special_tokens_mask"]),
            unit_ids=torch.from_numpy(of_units).to(self.model.device),
            targets=None if targets is None else targets.to(self.model.device),
            # [PAD] stands in where there is no [MASK]: `check` lets no method pass that would use it.
            mask_token_id=self.tokenizer.pad_token_id if mask_token_id is None else mask_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
            seed=seed,
        )

    def _maps(self, batch: TokenBatch, rows: Sequence["_Row"]) -> list[AttentionMap | None]:
        with torch.inference_mode():
            whole = _numpy(self.model.final_attention_map(self.model.final_input(**batch.inputs)))
        return [_attention_map(whole[index], row) for index, row in enumerate(rows)]

    def _explanation(
        self, row: "_Row", attributed: "_RowAttribution", attention_map: AttentionMap | None, asked: "_Asked"
    ) -> Explanation:
        encoding, target = row.encoding, attributed.target
        attribution = Attribution(
            units=units(row.groups, encoding),
            scores=sum_scores(row.groups, attributed.scores),
            method=asked.method,
            level=asked.level,
            signed=asked.explainer.signed(DESIGNS[self.model.config.design]),
            special_token_mass=float(attributed.attention[list(_of_no_unit(row))].sum()),
            bias=attributed.bias,
            bias_name=asked.explainer.bias_name if attributed.bias is not None else None,
            logit=None if attributed.bias is None else float(attributed.logits[target]),
            seed=asked.seed,
        )
        return Explanation(
            text=encoding.text,
            text_pair=encoding.text_pair,
            prediction=self._prediction(attributed.logits, encoding),
            target=self.labels[target],
            attribution=attribution,
            provenance=self.provenance,
            attention_map=attention_map,
        )


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
class _Row:
    """One text as it is read, and the units that are scored."""

    encoding: Encoding
    groups: list[Group]


@dataclass(frozen=True)
class _Asked:
    """What was asked for."""

    method: str
    level: Level
    explainer: Explainer
    seed: int | None


@dataclass(frozen=True)
class _RowAttribution:
    """One row of a BatchAttribution, as arrays."""

    logits: Float[np.ndarray, " label"]
    target: int
    scores: Float[np.ndarray, " key"]
    attention: Float[np.ndarray, " key"]
    bias: float | None


def _check_level(level: str) -> None:
    if level not in LEVELS:
        raise InputError(f"level: {level!r} given; accepted: {', '.join(LEVELS)}")


def _row_of(attributed: BatchAttribution, index: int) -> _RowAttribution:
    return _RowAttribution(
        logits=_numpy(attributed.logits[index]),
        target=int(attributed.targets[index]),
        scores=_numpy(attributed.scores[index]),
        attention=_numpy(attributed.attention[index]),
        bias=None if attributed.bias is None else float(attributed.bias[index]),
    )


def _of_no_unit(row: _Row) -> list[int]:
    """Positions of the text's tokens that belong to no unit: the special ones."""
    return [position for position, special in enumerate(row.encoding.special) if special]


def _attention_map(whole: Float[np.ndarray, "query key"], row: _Row) -> AttentionMap:
    """The map between units: keys summed, queries averaged over a unit's tokens; [CLS] first."""
    queries = [[0], *(list(group.tokens) for group in row.groups)]
    averaged = np.stack([whole[query].mean(axis=0) for query in queries])
    weights = [averaged[:, list(group.tokens)].sum(axis=1) for group in row.groups]
    by_row = np.stack(weights, axis=1) if weights else averaged[:, :0]
    special = averaged[:, _of_no_unit(row)].sum(axis=1)
    return AttentionMap(tuple(tuple(line) for line in by_row.tolist()), tuple(special.tolist()))


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return np.asarray(tensor.detach().float().cpu().numpy())


def _batches(
    encodings: Sequence[Encoding], progress: Progress | None, applied: Explainer | None = None
) -> Iterator[list[int]]:
    """Places of the encodings, longest first, so that little is padding and the largest batch comes first.

    Explainers that run a text more than once get fewer texts at a time: their variants fill the passes, and progress
    is seen.
    """
    order = sorted(range(len(encodings)), key=lambda place: -len(encodings[place]))
    done = 0
    while done < len(order):
        size = BATCH_SIZE if applied is None else _texts_at_once(len(encodings[order[done]]), applied)
        yield order[done : done + size]
        done = min(done + size, len(order))
        if progress is not None:
            progress(done, len(order))


def _texts_at_once(n_tokens: int, applied: Explainer) -> int:
    passes = applied.forward.count(n_tokens)
    if passes == 1 and applied.backward.count(n_tokens) == 0:
        return BATCH_SIZE
    # Texts of several lengths are padded: no more of them than fill a pass.
    return max(1, min(BATCH_SIZE, _FILLED_BY // (n_tokens * passes)))
