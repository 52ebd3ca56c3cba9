"""What has to be stated with the numbers of an evaluation: its settings, and what was left out or undefined."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from explainable_bert.evaluation.measures import Measure
from explainable_bert.evaluation.settings import EvaluationSettings
from explainable_bert.evaluation.summary import CONFIDENCE, N_RESAMPLES
from explainable_bert.metrics.faithfulness import SHARES
from explainable_bert.text.erasure import ERASURES
from explainable_bert.version import __version__


def stated_settings(settings: EvaluationSettings, n_texts: int, source: str) -> dict[str, str]:
    """The settings that numbers change with, as label and value."""
    sizes = ", ".join(f"{share:.0%}" for share in SHARES)
    return {
        "data": f"{source}, {n_texts} texts",
        "methods": ", ".join(settings.methods),
        "units": f"{settings.level}s; special tokens are never erased or ranked",
        "erasure": f"{settings.erasure}: {ERASURES[settings.erasure].summary}",
        "target": "the label predicted on the whole text, kept when words are erased",
        "rationale sizes": f"{sizes} of a text's units, rounded up; AOPC is the mean over these",
        "ties": "broken at random; in erasure metrics the mean of several draws",
        "intervals": f"{CONFIDENCE:.0%}: bootstrap over texts, {N_RESAMPLES} resamples; Wilson's for shares of texts",
        "seed": str(settings.seed),
        "version": f"explainable-bert {__version__}",
    }


def notes(
    settings: EvaluationSettings,
    measures: Mapping[str, Measure],
    n_examples: int,
    observed: Sequence[Mapping[str, Any]],
) -> Iterator[str]:
    """Sentences on what was left out, undefined or arbitrary."""
    texts = list({line["row"]: line for line in observed}.values())
    yield from _on_texts(texts, n_examples)
    unmet = [name for name in settings.measures if name not in measures]
    if unmet:
        yield f"Not measured, as no example has human rationales: {', '.join(unmet)}."
    sizes = {line.get("rationale_size") for line in texts} - {None}
    if sizes and measures.keys() & {"token-f1", "iou-f1"}:
        yield (
            f"For token-F1 and IOU-F1 a method marks its {sizes.pop()} highest units, the mean number that a person "
            "marks in these very texts."
        )
    for method in settings.methods:
        yield from _on_method(method, [line for line in observed if line["method"] == method])
    if any(measure.family == "plausibility" for measure in measures.values()):
        yield "Plausible is not faithful: agreement with people says nothing about what the model computes."


def _on_texts(texts: Sequence[Mapping[str, Any]], n_examples: int) -> Iterator[str]:
    if len(texts) < n_examples:
        yield f"Texts without a word, left out: {n_examples - len(texts)}."
    if len(texts) < 2:
        yield "There are no intervals: it takes at least 2 texts."
    windows = [line["n_windows"] for line in texts if line["n_windows"] > 1]
    if windows:
        yield f"Texts longer than the model's window: {len(windows)}; they were read in {sum(windows)} windows."
    dropped = [line["n_tokens_dropped"] for line in texts if line["n_tokens_dropped"]]
    if dropped:
        yield f"Texts longer than the model's window: {len(dropped)}; tokens at their ends, not read: {sum(dropped)}."
    lost = [line["rationale_share_lost"] for line in texts if line["rationale_share_lost"]]
    if lost:
        yield (
            f"Texts in which people marked words beyond the model's window: {len(lost)}; of their marks, "
            f"{np.mean(lost):.1%} lie there on average."
        )


def _on_method(method: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    constant = sum(_is_constant(line["scores"]) for line in lines)
    if constant:
        yield f"{method} gave all words of a text the same score in {constant} texts: their order is random there."
    for name in ("normalised-comprehensiveness", "normalised-sufficiency"):
        empty = [line[name][1] for line in lines if line.get(name) is not None]
        if any(empty):
            yield f"{method}: in {np.mean(empty):.1%} of the texts erasing all loses nothing: 0 in {name}."
    never = [line["flip-share"][1] for line in lines if line.get("flip-share") is not None]
    if any(never):
        yield f"{method}: in {np.mean(never):.1%} of the texts no erasure changed the label: 1 in flip-share."


def _is_constant(scores: Sequence[float]) -> bool:
    return len(scores) > 1 and len(set(scores)) == 1
