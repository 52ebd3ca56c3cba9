"""Where the time of an explained prediction goes, and what share of the machine's matrix-product rate it reaches.

The rate is that of a product of two large matrices, measured in the same rounds.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertForSequenceClassification

from explainable_bert import ExplainableClassifier
from explainable_bert.engines.engine import Row
from explainable_bert.engines.torch_engine import TorchEngine
from explainable_bert.speed.texts import texts_of
from explainable_bert.text.alignment import align
from explainable_bert.text.encoding import Encoding, Reader, by_length

from .models import SHAPES, classifier
from .results import Results

PART = "phases"
LENGTHS = ("25", "120", "512", "mixed")
_N_SIDE = 2048


@dataclass(frozen=True)
class Phases:
    """Medians over the rounds: seconds of each phase of one bag of texts, FLOPs per token, and shares of the peak.

    `explain_seconds` is the whole from texts to records, of which reading, aligning and the model's passes are parts;
    a share is matrix-product FLOPs over seconds over the peak rate of the same round, with its least and most.
    """

    n_texts: int
    n_tokens: int
    padding_share: float
    peak_gflops: float
    reading_seconds: float
    aligning_seconds: float
    passes_seconds: float
    explain_seconds: float
    flops_per_token: float
    stock_flops_per_token: float
    passes_share: float
    explain_share: float
    explain_share_low: float
    explain_share_high: float


def run(rounds: int) -> None:
    """Measure what is not saved yet."""
    results = Results(PART, {"rounds": rounds, "matrices": _N_SIDE})
    for shape in SHAPES:
        missing = [lengths for lengths in LENGTHS if f"{shape} {lengths}" not in results]
        if not missing:
            continue
        made = classifier(shape)
        for lengths in missing:
            fewer = rounds if shape == "MiniLM-L6" else max(3, rounds // 2)
            results.add(f"{shape} {lengths}", asdict(_measured(made, lengths, fewer)))


def _measured(made: ExplainableClassifier, lengths: str, rounds: int) -> Phases:
    tokenizer = made.tokenizer.backend_tokenizer
    texts = texts_of(lengths, tokenizer, made.window, one_by_one=False, seed=0)
    reader, engine = Reader.of(tokenizer, made.window), made.engine
    assert isinstance(engine, TorchEngine)
    encodings = reader.encode([(text, None) for text in texts])
    rows = [Row(encoding, tuple(align(encoding, "word"))) for encoding in encodings]
    batches = list(by_length([len(encoding) for encoding in encodings], engine.tokens_at_once))
    given = [engine.token_batch([rows[place] for place in places], None, 0).inputs for places in batches]
    flops = _flops(made.model, given)
    one, other = torch.randn(_N_SIDE, _N_SIDE), torch.randn(_N_SIDE, _N_SIDE)
    times: dict[str, list[float]] = {}
    for number in range(rounds + 2):
        for name, work in {
            "peak": lambda: one @ other,
            "reading": lambda: reader.encode([(text, None) for text in texts]),
            "aligning": lambda: [align(encoding, "word") for encoding in encodings],
            "passes": lambda: _passes(made.model, given),
            "explain": lambda: made.explain(texts),
        }.items():
            taken = _seconds(work)
            if number >= 2:
                times.setdefault(name, []).append(taken)
    return _summary(made, times, encodings, given, flops)


def _summary(
    made: ExplainableClassifier,
    times: dict[str, list[float]],
    encodings: Sequence[Encoding],
    given: Sequence[dict[str, torch.Tensor]],
    flops: int,
) -> Phases:
    n_tokens = sum(len(encoding) for encoding in encodings)
    n_places = sum(batch["input_ids"].numel() for batch in given)
    peaks = [2 * _N_SIDE**3 / seconds for seconds in times["peak"]]
    shares = {
        name: [flops / seconds / peak for seconds, peak in zip(times[name], peaks, strict=True)]
        for name in ("passes", "explain")
    }
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    return Phases(
        n_texts=len(encodings),
        n_tokens=n_tokens,
        padding_share=1 - n_tokens / n_places,
        peak_gflops=statistics.median(peaks) / 1e9,
        reading_seconds=medians["reading"],
        aligning_seconds=medians["aligning"],
        passes_seconds=medians["passes"],
        explain_seconds=medians["explain"],
        flops_per_token=flops / n_places,
        stock_flops_per_token=_flops(_stock_of(made.model.config), [_for_stock(batch) for batch in given]) / n_places,
        passes_share=statistics.median(shares["passes"]),
        explain_share=statistics.median(shares["explain"]),
        explain_share_low=min(shares["explain"]),
        explain_share_high=max(shares["explain"]),
    )


def _stock_of(config: BertConfig) -> BertForSequenceClassification:
    sizes = ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    stock: BertForSequenceClassification = BertForSequenceClassification(
        BertConfig(**{name: getattr(config, name) for name in sizes})
    )
    stock.eval()
    return stock


def _for_stock(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: batch[name] for name in ("input_ids", "attention_mask", "token_type_ids")}


def _passes(model: torch.nn.Module, given: Sequence[dict[str, torch.Tensor]]) -> None:
    with torch.inference_mode():
        for batch in given:
            model(**batch)


def _flops(model: torch.nn.Module, given: Sequence[dict[str, torch.Tensor]]) -> int:
    """Floating-point operations of matrix products; a multiplication and an addition are two.

    Attention is counted as the products that it is made of: its fused kernel would count as nothing.
    """
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        _passes(model, given)
    return int(counter.get_total_flops())


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
