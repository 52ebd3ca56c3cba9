"""Training rows per second beside a plain Trainer on the stock class, same rows, same number of steps and epochs."""

import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.paper.corpora import sst2

from explainable_bert.data.corpora import Corpus, load_corpus
from explainable_bert.model.checkpoint import load_tokenizer, resolve_base
from explainable_bert.speed.ratios import ratio
from explainable_bert.speed.turns import Side, serve, take_turns
from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from explainable_bert.training.twin import recipe

from .results import Results

PART = "training"
_N_TRAIN, _N_VALIDATION = 1024, 64
_SETTINGS = TrainingSettings(epochs=1)
# What run_glue, the example script of transformers, pads every text to unless told otherwise.
_PADDED_TO = 128
TEACHER = "teacher"


def _ours(design: str, settings: TrainingSettings, corpus: Corpus, folder: Path) -> Callable[[], object]:
    teacher = str(folder / TEACHER) if design == "explainable" else None

    def work() -> None:
        with tempfile.TemporaryDirectory() as output:
            request = ModelRequest(teacher or "minilm", design, teacher=teacher)
            train(request, corpus, Path(output) / "model", settings)

    return work


def _plain(padded_to: int | None, corpus: Corpus) -> Callable[[], object]:
    """What the course of transformers shows: tokenised by `map`, padded by the Trainer's own collator."""
    import torch
    from datasets import Dataset, disable_progress_bars
    from transformers import BertForSequenceClassification, Trainer, TrainingArguments

    disable_progress_bars()
    base, options = resolve_base("minilm"), {"padding": "max_length", "max_length": padded_to} if padded_to else {}
    tokenizer: Any = load_tokenizer(base)

    def read(examples: Any) -> Any:
        rows = [{"text": row.text, "labels": corpus.labels.index(row.label)} for row in examples]
        table = Dataset.from_list(rows)
        return table.map(lambda some: tokenizer(some["text"], truncation=True, **options), batched=True)

    def work() -> None:
        with tempfile.TemporaryDirectory() as output:
            arguments = TrainingArguments(
                output_dir=output, num_train_epochs=1, per_device_train_batch_size=32, per_device_eval_batch_size=128,
                learning_rate=1e-4, eval_strategy="epoch", save_strategy="epoch", report_to="none", disable_tqdm=True,
                use_cpu=not torch.accelerator.is_available(), dataloader_pin_memory=False,
            )  # fmt: skip
            Trainer(
                model=BertForSequenceClassification.from_pretrained(base),
                args=arguments,
                train_dataset=read(corpus.train),
                eval_dataset=read(corpus.validation),
                processing_class=tokenizer,
            ).train()

    return work


SIDES: Mapping[str, Callable[[Corpus, Path], Callable[[], object]]] = MappingProxyType(
    {
        "ours, single-head": lambda corpus, folder: _ours("single-head", _SETTINGS, corpus, folder),
        "ours, lexical": lambda corpus, folder: _ours("lexical", _SETTINGS, corpus, folder),
        "ours, explainable": lambda corpus, folder: _ours("explainable", recipe(_SETTINGS), corpus, folder),
        "plain Trainer, padded in the batch": lambda corpus, _: _plain(None, corpus),
        f"plain Trainer, padded to {_PADDED_TO}": lambda corpus, _: _plain(_PADDED_TO, corpus),
    }
)


def run(rounds: int, source: Path) -> None:
    """Measure, unless it is saved; `source` has GLUE's SST-2."""
    results = Results(PART, {"rounds": rounds, "rows": _N_TRAIN, "corpus": "SST-2 train", "base": "minilm"})
    if "ratios" in results:
        return
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        sst2(source, folder / "sst2", _N_TRAIN, _N_VALIDATION)
        train(ModelRequest(design="vanilla"), _corpus(folder), folder / TEACHER, _SETTINGS)
        sides = [Side(name, (sys.executable, "-m", __spec__.name, name, str(folder))) for name in SIDES]
        turns = take_turns(sides, rounds, 0, lambda done, total: print(f"round {done} of {total}", flush=True), 1)
    ours, plain = ([name for name in SIDES if name.startswith(kind)] for kind in ("ours", "plain"))
    found = [vars(ratio(turns, our, other, _N_TRAIN)) for our in ours for other in plain]
    rates = {name: _N_TRAIN / statistics.median(turn.seconds for turn in turns[name]) for name in SIDES}
    results.add("rows_per_second", rates)
    results.add("ratios", found)


def _corpus(folder: Path) -> Corpus:
    """Without its test rows: what is timed is training."""
    corpus = load_corpus(str(folder / "sst2"))
    return Corpus(corpus.name, corpus.labels, corpus.train, corpus.validation, ())


def main() -> None:
    """Serve one side."""
    import transformers

    transformers.logging.set_verbosity_error()
    name, folder = sys.argv[1], Path(sys.argv[2])
    serve(SIDES[name](_corpus(folder), folder))


if __name__ == "__main__":
    main()
