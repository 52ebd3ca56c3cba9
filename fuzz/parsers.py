"""Every parser of files from outside, by name: how it is given bytes, where fuzzing begins and how inputs change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import MappingProxyType

from explainable_bert.data.files import read_table
from explainable_bert.data.labelled import Columns, labelled_rows, unlabelled_rows
from explainable_bert.data.rationales import load_rationales
from explainable_bert.engines.onnx_engine import GraphFacts
from explainable_bert.evaluation.parts import read_part
from explainable_bert.jobs import pieces
from explainable_bert.jobs.formats import Span
from explainable_bert.jobs.plan_file import read_plan
from explainable_bert.jobs.shard import read_shard
from explainable_bert.jobs.sources import SourceFile
from explainable_bert.jobs.tally import Tally
from explainable_bert.manifest import MANIFEST_FILE, check_manifest
from explainable_bert.model.checkpoint import is_classifier, read_config
from explainable_bert.model.configuration import ExplainableBertConfig, label_names
from explainable_bert.records import load_explanations
from explainable_bert.run_request import check_claim, check_same
from explainable_bert.speed.bench import BenchReport
from explainable_bert.sweep.record import PointRecord
from explainable_bert.training.report import TrainingReport

from . import seeds
from .mutation import (
    Mutate,
    mutate_bytes,
    mutate_json,
    mutate_json_lines,
    mutate_parquet,
    mutate_table_text,
)

# Two small files that a plan may name.
_FILES = (SourceFile("a.csv", 40, "1"), SourceFile("c.jsonl", 7, "1"))


@dataclass(frozen=True)
class Parser:
    """`read` writes the bytes to a file in the folder and reads it, by the functions that users' files go through."""

    name: str
    read: Callable[[bytes, Path], None]
    seeds: Callable[[], list[bytes]]
    mutate: Mutate


def _written(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def _records(content: bytes, folder: Path) -> None:
    for explanation in load_explanations(_written(folder, "x.json", content)):
        _ = explanation.attribution.completeness_error


def _records_parquet(content: bytes, folder: Path) -> None:
    for explanation in load_explanations(_written(folder, "x.parquet", content)):
        _ = explanation.attribution.completeness_error


def _yelp_hat(content: bytes, folder: Path) -> None:
    load_rationales(_written(folder, "yelp.jsonl", content))


def _hatexplain(content: bytes, folder: Path) -> None:
    load_rationales(_written(folder, "dataset.json", content))


def _eraser(content: bytes, folder: Path) -> None:
    rows, _, documents = content.partition(b"\n\n")
    _written(folder, "docs.jsonl", documents)
    load_rationales(_written(folder, "test.jsonl", rows))


_ERASER_ROWS = seeds.eraser_rows()


def _eraser_document(content: bytes, folder: Path) -> None:
    (folder / "docs").mkdir(exist_ok=True)
    _written(folder / "docs", "neg_1", content)
    load_rationales(_written(folder, "test.jsonl", _ERASER_ROWS))


_WEIGHTS = seeds.weights()


def _manifest(content: bytes, folder: Path) -> None:
    _written(folder, "model.safetensors", _WEIGHTS)
    _written(folder, MANIFEST_FILE, content)
    check_manifest(folder, "model")


def _graph_facts(content: bytes, _: Path) -> None:
    """Of a graph only its text: ONNX Runtime's own reader of the rest is not fuzzed here."""
    try:
        facts = GraphFacts.from_json(content.decode("utf-8", errors="replace"))
    except ValueError:  # what OnnxEngine.load makes one line of
        return
    len(facts.labels), facts.bias, facts.window + facts.pad_token_id


def _config(content: bytes, folder: Path) -> None:
    _written(folder, "config.json", content)
    _written(folder, "model.safetensors", _WEIGHTS)
    config = read_config(str(folder), "model")
    is_classifier(config)
    label_names(config)
    if isinstance(config, ExplainableBertConfig):
        _ = (config.n_final_heads, config.readout, config.values_from)


def _request(content: bytes, folder: Path) -> None:
    _written(folder, "request.json", content)
    check_claim(folder, "request.json", seeds.REQUEST, ("share",))


def _plan(content: bytes, folder: Path) -> None:
    found = read_plan(_written(folder, "plan.json", content), _FILES)
    _ = (found.n_rows, dict(found.unreadable), [piece.name for piece in found.pieces])


def _shard(content: bytes, folder: Path) -> None:
    piece = pieces.Piece(0, _FILES[0], 1, Span(3, 0, 40))
    whole = content if content.startswith(b"PAR1") else seeds.shard_file(content)
    _written(folder, f"{piece.name}.parquet", whole)
    shard = read_shard(folder, piece)
    if shard is not None:
        Tally().plus(shard.tally).plus(shard.tally)


def _mutate_shard(content: bytes, rng: Random) -> bytes:
    return (mutate_parquet if content.startswith(b"PAR1") else mutate_json)(content, rng)


def _training_report(content: bytes, folder: Path) -> None:
    report = TrainingReport.load(_written(folder, "training_report.json", content))
    check_same(folder, report.run, {}, ())
    _ = {name: dict(part) for name, part in report.run.items()}


def _point_record(content: bytes, folder: Path) -> None:
    record = PointRecord.load(_written(folder, "point.json", content))
    check_same(folder, record.asked, record.asked)
    _ = [predicted.column for predicted in record.predicted.values()]
    _ = [kept.column for explained in record.explained.values() for kept in explained.measures]


def _bench_report(content: bytes, folder: Path) -> None:
    report = BenchReport.load(_written(folder, "bench.json", content))
    _ = {(contest.lengths, contest.given) for contest in report.contests}


def _evaluation_part(content: bytes, folder: Path) -> None:
    (folder / "parts").mkdir(exist_ok=True)
    _written(folder / "parts", "00000.json", content)
    read_part(folder, 0)


def _table(suffix: str) -> Callable[[bytes, Path], None]:
    def read(content: bytes, folder: Path) -> None:
        table = read_table(_written(folder, f"x{suffix}", content))
        unlabelled_rows(table, Columns(), "x")
        if suffix != ".txt":
            labelled_rows(table, Columns(), "x")

    return read


def _corpus(suffix: str) -> Callable[[bytes, Path], None]:
    columns = pieces.Columns(kept=() if suffix == ".txt" else ("label",))

    def read(content: bytes, folder: Path) -> None:
        path = _written(folder, f"c{suffix}", content)
        source = SourceFile(str(path), len(content), "1")
        for piece in pieces.plan([source], columns, None, lambda *_: None).pieces:
            for _ in pieces.rows_of(piece, columns):
                pass

    return read


_PARSERS = (
    Parser("records", _records, seeds.records, mutate_json),
    Parser("records-parquet", _records_parquet, seeds.records_parquet, mutate_parquet),
    Parser("yelp-hat", _yelp_hat, seeds.yelp_hat, mutate_json_lines),
    Parser("hatexplain", _hatexplain, seeds.hatexplain, mutate_json),
    Parser("eraser", _eraser, seeds.eraser, mutate_json_lines),
    Parser("eraser-document", _eraser_document, seeds.eraser_document, mutate_bytes),
    Parser("manifest", _manifest, seeds.manifest, mutate_json),
    Parser("graph-facts", _graph_facts, seeds.graph_facts, mutate_json),
    Parser("config", _config, seeds.config, mutate_json),
    Parser("request", _request, seeds.request, mutate_json),
    Parser("plan", _plan, seeds.plan, mutate_json),
    Parser("shard", _shard, seeds.shard, _mutate_shard),
    Parser("training-report", _training_report, seeds.training_report, mutate_json),
    Parser("point-record", _point_record, seeds.point_record, mutate_json),
    Parser("bench-report", _bench_report, seeds.bench_report, mutate_json),
    Parser("evaluation-part", _evaluation_part, seeds.evaluation_part, mutate_json),
    Parser("table-csv", _table(".csv"), seeds.table_csv, mutate_table_text),
    Parser("table-tsv", _table(".tsv"), seeds.table_tsv, mutate_table_text),
    Parser("table-jsonl", _table(".jsonl"), seeds.table_jsonl, mutate_json_lines),
    Parser("table-txt", _table(".txt"), seeds.table_txt, mutate_bytes),
    Parser("table-parquet", _table(".parquet"), seeds.table_parquet, mutate_parquet),
    Parser("corpus-csv", _corpus(".csv"), seeds.table_csv, mutate_table_text),
    Parser("corpus-tsv", _corpus(".tsv"), seeds.table_tsv, mutate_table_text),
    Parser("corpus-jsonl", _corpus(".jsonl"), seeds.table_jsonl, mutate_json_lines),
    Parser("corpus-txt", _corpus(".txt"), seeds.table_txt, mutate_bytes),
    Parser("corpus-parquet", _corpus(".parquet"), seeds.table_parquet, mutate_parquet),
)
PARSERS: Mapping[str, Parser] = MappingProxyType({parser.name: parser for parser in _PARSERS})
