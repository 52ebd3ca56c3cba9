"""The benchmark of one model: its explained predictions beside predictions of a stock BERT of the same shape."""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from explainable_bert.errors import InputError, first_line
from explainable_bert.export.onnx import EXPORTABLE, export_onnx, trace
from explainable_bert.json_fields import from_fields, parse_json
from explainable_bert.locking import aside_of, held
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.speed.machine import machine, versions
from explainable_bert.speed.ratios import Ratio, ratio
from explainable_bert.speed.sides import OURS, OURS_GRAPH, SIDES, STOCK, STOCK_GRAPH
from explainable_bert.speed.texts import BAGS, texts_of
from explainable_bert.speed.turns import Side, take_turns
from explainable_bert.writing import check_place, write_text

# One by one, as a service gets them, or all at once, as a corpus is read.
GIVEN = ("one", "all")
DEFAULT_SIDES = tuple(name for name in SIDES if "compiled" not in name)
_ONNX_PACKAGES = ("onnx", "onnxruntime", "onnxscript")

# What is measured, rounds done and all rounds.
BenchProgress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class BenchSettings:
    """What to measure: bags of lengths, ways of giving texts, sides, how many rounds that count, and a seed."""

    lengths: tuple[str, ...] = tuple(BAGS)
    given: tuple[str, ...] = GIVEN
    sides: tuple[str, ...] = DEFAULT_SIDES
    rounds: int = 9
    seed: int = 0

    def __post_init__(self) -> None:
        for name, chosen, known in (
            ("lengths", self.lengths, tuple(BAGS)),
            ("given", self.given, GIVEN),
            ("sides", self.sides, tuple(SIDES)),
        ):
            unknown = [item for item in chosen if item not in known]
            if unknown or not chosen:
                raise InputError(f"{name}: {', '.join(unknown) or 'none'} given; accepted: {', '.join(known)}")
        if self.rounds < 1:
            raise InputError(f"rounds: {self.rounds} given; accepted: 1 or more")
        if self.seed < 0:
            raise InputError(f"seed: {self.seed} given; accepted: a whole number from 0")


@dataclass(frozen=True)
class Contest:
    """All ratios on one bag of lengths, given one by one or all at once; peaks are bytes by side."""

    lengths: str
    given: str
    n_texts: int
    ratios: tuple[Ratio, ...]
    peak_bytes: dict[str, int]


@dataclass(frozen=True)
class BenchReport:
    """What was measured of a model, on what, and how; contests as far as they are done."""

    model: str
    design: str
    fingerprint: str
    rounds: int
    seed: int
    machine: str
    versions: dict[str, str]
    contests: tuple[Contest, ...] = ()

    def save(self, path: Path) -> None:
        """As JSON, whole or not at all."""
        write_text(path, json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "BenchReport":
        """Raises InputError when the file is no such report."""
        try:
            return from_fields(cls, parse_json(path.read_text(encoding="utf-8")), "the report")
        except (OSError, ValueError) as error:
            raise InputError(f"output: {str(path)!r} holds no report of a benchmark: {first_line(error)}") from error


def bench(
    classifier: ExplainableClassifier,
    settings: BenchSettings,
    progress: BenchProgress | None = None,
    output: Path | None = None,
) -> BenchReport:
    """Measure every contest that `output` does not hold yet, and save after each.

    Graphs are left out where the extra onnx is not installed, or cannot hold the model. Raises InputError when
    `output` holds something else, or was measured of another model, on another machine or with other settings;
    FileError when another process measures for it; SideError when a side stops.
    """
    if output is not None:
        check_place(output)
    with nullcontext() if output is None else held(aside_of(output)):
        return _bench(classifier, settings, progress, output)


def _bench(
    classifier: ExplainableClassifier, settings: BenchSettings, progress: BenchProgress | None, output: Path | None
) -> BenchReport:
    report = _begun(classifier, settings, output)
    wanted = [(lengths, given) for lengths in settings.lengths for given in settings.given]
    done = {(contest.lengths, contest.given) for contest in report.contests}
    missing = [contest for contest in wanted if contest not in done]
    if not missing:
        return report
    with tempfile.TemporaryDirectory() as folder:
        _prepare(classifier, Path(folder), settings)
        for lengths, given in missing:
            contest = _contest(classifier, Path(folder), settings, lengths, given, progress)
            report = replace(report, contests=(*report.contests, contest))
            if output is not None:
                report.save(output)
    return report


def _begun(classifier: ExplainableClassifier, settings: BenchSettings, output: Path | None) -> BenchReport:
    origin = classifier.provenance
    new = BenchReport(
        model=origin.model,
        design=origin.design,
        fingerprint=origin.fingerprint,
        rounds=settings.rounds,
        seed=settings.seed,
        machine=machine(),
        versions=versions(),
    )
    if output is None or not output.exists():
        return new
    saved = BenchReport.load(output)
    for name in ("fingerprint", "rounds", "seed", "machine", "versions"):
        if getattr(saved, name) != getattr(new, name):
            raise InputError(
                f"output: {str(output)!r} has other {name} ({getattr(saved, name)}, now {getattr(new, name)}); "
                "accepted: a new file, or one to continue"
            )
    return saved


def _names(classifier: ExplainableClassifier, settings: BenchSettings) -> list[str]:
    has_onnx = all(find_spec(package) is not None for package in _ONNX_PACKAGES)
    has_graph = has_onnx and classifier.model.config.attention_function in EXPORTABLE
    return [name for name in settings.sides if has_graph or not SIDES[name].needs_onnx]


def _prepare(classifier: ExplainableClassifier, folder: Path, settings: BenchSettings) -> None:
    """The model, a stock one of its shape, and graphs of both where they are asked for."""
    model: Any = classifier.model
    model.save_pretrained(folder / OURS)
    stock = _stock_of(model.config)
    stock.save_pretrained(folder / STOCK)
    for place in (OURS, STOCK):
        classifier.tokenizer.save_pretrained(folder / place)
    if any(SIDES[name].needs_onnx for name in _names(classifier, settings)):
        export_onnx(classifier, folder / OURS_GRAPH)
        trace(stock, ("input_ids", "attention_mask", "token_type_ids"), ("logits",), folder / STOCK_GRAPH)


def _stock_of(config: Any) -> Any:
    """A stock classifier of the same shape; its weights are drawn, as no time depends on them."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    sizes = {name: value for name, value in config.to_dict().items() if name in BertConfig().to_dict()}
    for name in ("model_type", "architectures", "transformers_version", "dtype"):
        sizes.pop(name, None)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return BertForSequenceClassification(BertConfig(**sizes)).eval()


def _contest(
    classifier: ExplainableClassifier,
    folder: Path,
    settings: BenchSettings,
    lengths: str,
    given: str,
    progress: BenchProgress | None,
) -> Contest:
    one_by_one = given == "one"
    tokenizer = classifier.tokenizer.backend_tokenizer
    texts = texts_of(lengths, tokenizer, classifier.window, one_by_one=one_by_one, seed=settings.seed)
    file = folder / "texts.json"
    file.write_text(json.dumps([[text] for text in texts] if one_by_one else [texts]), encoding="utf-8")
    names = _names(classifier, settings)
    command = (sys.executable, "-m", "explainable_bert.speed.sides")
    sides = [Side(name, (*command, name, str(folder), str(file))) for name in names]
    what = f"{lengths} tokens, {given}"
    told = None if progress is None else lambda done, total: progress(what, done, total)
    turns = take_turns(sides, settings.rounds, settings.seed, told)
    ours, others = _parted(names)
    return Contest(
        lengths=lengths,
        given=given,
        n_texts=len(texts),
        ratios=tuple(ratio(turns, our, other, len(texts)) for our in ours for other in others),
        peak_bytes={name: max(turn.peak_bytes for turn in turns[name]) for name in names},
    )


def _parted(names: Sequence[str]) -> tuple[list[str], list[str]]:
    ours = [name for name in names if SIDES[name].explains]
    return ours, [name for name in names if name not in ours]


def median_ratios(report: BenchReport) -> Mapping[tuple[str, str, str, str], Ratio]:
    """The ratios by lengths, way of giving, our side and the other."""
    return {
        (contest.lengths, contest.given, found.ours, found.other): found
        for contest in report.contests
        for found in contest.ratios
    }
