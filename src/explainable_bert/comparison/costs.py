"""What an explained prediction costs: parameters, arithmetic and time, side by side."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from explainable_bert.comparison.arms import Arm
from explainable_bert.metrics.metric import Metric, table
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.results import SummaryRow
from explainable_bert.text.encoding import TextInput

N_TEXTS = 64
N_ROUNDS = 5

METRICS = table(
    [
        Metric("parameters", "Numbers that training sets.", 0.0, np.inf, "lower", "this package"),
        Metric(
            "gflops-per-text",
            "Billions of floating-point operations of matrix products for one text's prediction with its built-in "
            "explanation, mean over texts.",
            0.0,
            np.inf,
            "lower",
            "torch.utils.flop_counter",
        ),
        Metric(
            "texts-per-second",
            "Texts predicted and explained by the built-in method in a second, on this machine: the median of "
            f"{N_ROUNDS} rounds in which the models take turns, with the slowest and the fastest round.",
            0.0,
            np.inf,
            "higher",
            "this package",
        ),
    ]
)


def costs(arms: Sequence[Arm], texts: Sequence[TextInput]) -> tuple[SummaryRow, ...]:
    """The three costs of each arm's first model; time differs from run to run."""
    some = texts[:N_TEXTS]
    seconds: dict[str, list[float]] = {arm.name: [] for arm in arms}
    for arm in arms:
        arm.seeds[0].explain(some)  # warms up
    for _ in range(N_ROUNDS):
        for arm in arms:
            started = time.perf_counter()
            arm.seeds[0].explain(some)
            seconds[arm.name].append(time.perf_counter() - started)
    return tuple(row for arm in arms for row in _rows(arm, some, np.array(seconds[arm.name])))


def _rows(arm: Arm, texts: Sequence[TextInput], seconds: np.ndarray) -> Iterator[SummaryRow]:
    model = arm.seeds[0]
    rates = len(texts) / seconds
    yield _row(arm, "parameters", float(model.model.num_parameters()), None, 1)
    yield _row(arm, "gflops-per-text", _flops(model, texts) / len(texts) / 1e9, None, len(texts))
    spread = (float(rates.min()), float(rates.max()))
    yield _row(arm, "texts-per-second", float(np.median(rates)), spread, len(texts))


def _row(arm: Arm, metric: str, value: float, spread: tuple[float, float] | None, n: int) -> SummaryRow:
    low, high = spread or (None, None)
    note = "slowest and fastest round, no interval" if spread else "counted"
    return SummaryRow(arm.name, arm.design, None, metric, value, low, high, n, note=note)


def _flops(model: ExplainableClassifier, texts: Sequence[TextInput]) -> int:
    # The counter does not know the attention that torch uses on processors.
    on_processor = {torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops}
    with torch.inference_mode(), FlopCounterMode(display=False, custom_mapping=on_processor) as counter:
        model.explain(texts)
    return int(counter.get_total_flops())


def _attention_flops(query: torch.Size, key: torch.Size, value: torch.Size, *_: Any, **_named: Any) -> int:
    return int(sdpa_flop_count(query, key, value))
