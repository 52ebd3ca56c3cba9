"""ExplainableClassifier: load a model folder, predict texts, explain predictions word by word."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
import transformers
from jaxtyping import Float
from transformers import PreTrainedTokenizerFast

from explainable_bert.attribution.explainer import BatchAttribution, Explainer
from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.errors import InputError
from explainable_bert.model.checkpoint import fingerprint, load_tokenizer
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification, load_trained
from explainable_bert.model.configuration import label_names
from explainable_bert.records import Attribution, Explanation, Level, Prediction, Provenance
from explainable_bert.text.alignment import align, sum_scores, units
from explainable_bert.text.encoding import Encoding, TextInput, check_texts, encode, pad
from explainable_bert.version import __version__

BATCH_SIZE = 32

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
        progress: Progress | None = None,
    ) -> list[Explanation]:
        """Each text's prediction with a score per word (or token) for `target`, by default the predicted label.

        Raises InputError on blank texts, and on a method, target or level that does not exist.
        """
        explainer = _explainer(method)
        if level not in ("word", "token"):
            raise InputError(f"level: {level!r} given; accepted: word, token")
        if target is not None and target not in self.labels:
            raise InputError(f"target: {target!r} given; accepted: {', '.join(self.labels)}")
        encodings = self._encode(texts)
        explanations: dict[int, Explanation] = {}
        with torch.inference_mode():
            for places in _batches(encodings, progress):
                batch = [encodings[place] for place in places]
                targets = None if target is None else [self.labels.index(target)] * len(batch)
                attributed = explainer(self.model, self._tensors(batch), targets)
                for row, place in enumerate(places):
                    explanations[place] = self._explanation(encodings[place], attributed, row, method, level)
        return [explanations[place] for place in range(len(encodings))]

    def _encode(self, texts: Sequence[TextInput]) -> list[Encoding]:
        window = min(self.tokenizer.model_max_length, self.model.config.max_position_embeddings)
        return encode(self.tokenizer, check_texts(texts), window)

    def _tensors(self, encodings: Sequence[Encoding]) -> dict[str, torch.Tensor]:
        batch = pad(encodings, self.tokenizer.pad_token_id)
        return {name: torch.from_numpy(array).to(self.model.device) for name, array in vars(batch).items()}

    def _prediction(self, logits: Float[np.ndarray, " label"], encoding: Encoding) -> Prediction:
        exponentials = np.exp(logits.astype(np.float64) - logits.max())
        probabilities = exponentials / exponentials.sum()
        return Prediction(
            label=self.labels[int(probabilities.argmax())],
            probabilities=dict(zip(self.labels, probabilities.tolist(), strict=True)),
            n_tokens_dropped=encoding.n_tokens_dropped,
        )

    def _explanation(
        self, encoding: Encoding, attributed: BatchAttribution, row: int, method: str, level: Level
    ) -> Explanation:
        groups = align(encoding, level)
        bias, logits = attributed.bias, attributed.target_logits
        attribution = Attribution(
            units=units(groups, encoding),
            scores=sum_scores(groups, attributed.scores[row]),
            method=method,
            level=level,
            signed=attributed.signed,
            special_token_mass=float(attributed.special_token_mass[row]),
            bias=None if bias is None else float(bias[row]),
            logit=None if logits is None else float(logits[row]),
        )
        return Explanation(
            text=encoding.text,
            text_pair=encoding.text_pair,
            prediction=self._prediction(attributed.logits[row], encoding),
            target=self.labels[int(attributed.targets[row])],
            attribution=attribution,
            provenance=self.provenance,
        )


def _explainer(method: str) -> Explainer:
    if method not in EXPLAINERS:
        raise InputError(f"method: {method!r} given; accepted: {', '.join(EXPLAINERS)}")
    return EXPLAINERS[method]


def _batches(encodings: Sequence[Encoding], progress: Progress | None) -> Iterator[list[int]]:
    """Places of the encodings, longest first, so that little is padding and the largest batch comes first."""
    order = sorted(range(len(encodings)), key=lambda place: -len(encodings[place]))
    for start in range(0, len(order), BATCH_SIZE):
        yield order[start : start + BATCH_SIZE]
        if progress is not None:
            progress(min(start + BATCH_SIZE, len(order)), len(order))
