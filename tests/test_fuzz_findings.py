"""Inputs on which parsers once raised errors that are not the package's, or died: each is refused in one line."""

import base64
import json
import zlib

import pytest
from fuzz import seeds
from fuzz.findings import finding
from fuzz.parsers import PARSERS

from explainable_bert.errors import ExplainableBertError, FileError, InputError, ModelError

DEEP, DIGITS = b"[" * 1500 + b"]" * 1500, b"9" * 5000
RECORD, POINT, TALLY = seeds.records()[1], seeds.point_record()[0], seeds.shard()[0]
REPORT, BENCH = seeds.training_report()[0], seeds.bench_report()[0]
CONFIG = seeds.config()[1]
# A Parquet file whose footer tells of one more level than there is, compressed.
LEVELS = zlib.decompress(
    base64.b85decode(
        "c-oaz&u`N(6n=KID4+_u3R{kpLnTyeNZnx7HX#HDr`pPoBHBt6P2%FUQH!?Gk`@v;a^}Qez-cE=oH=sj@8N`0Y^P1b7K!l`+0XBN-}l~gqO?"
        "VKn^@#3xz-|>Kp9}IgaAMiAZ0>pDp(>mvAsRmK$0Q3zOJ%YDp;);Aq;usIFB4N6kmos&m+$nn&*&9<i?Whcwp?y_49n@EHf*Q!bVQ?Vg>i*E"
        "--uA9|fn9I6#UwF|%etJgY)W7bL|hW@{(%C^*SR3ZaY?TX{%U%dJmkFX@hA*K=DOJW_Ob!7jOp7{L_NkbdBG?qo08t*IG-s764|g5kd6+b##"
        ")U{)k)AXWK__(znz^ULb!wo{ce%zvZh<^M~;S|}iC_}>xzf%sX0|HA)w{TJ%oT2`T-EsD8AzgggVtSGwOXD{w0FNXcZw~YyH9g)}*AtK=q#e"
        "on*(HNST?+fu%I}ITonZRmaP#cEdGoVPX`+7NUD|vnFj7|RFuTl%QsiFQ|-N`J)ck=N%_wey(5H*GxUr+JR4XAkz?;HJiba>jE>hpVzkBzSC"
        "|4{f*GS~i!<ojK-_gC|Ybe=)8w=+o3ooxOAu*yV+Z{7y8&HiMvDZ_9aRo(^R^ws!vrM|ayXKUNlpL+U0tpLzgKaxKwBefO"
    )
)


def with_field(content, path, value):
    """The JSON with another value where the names and places of `path` lead."""
    whole = json.loads(content)
    inner = whole
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    return json.dumps(whole).encode("ascii")


DAMAGED = r"is damaged \("
FINDINGS = [
    # A JSON text that json itself gives up on.
    ("records", DEEP, InputError, "nested too deeply"),
    ("request", DEEP, FileError, "is damaged .it is nested too deeply.; remove the folder"),
    ("request", DIGITS, FileError, "is damaged .Exceeds the limit"),
    ("plan", b"nl", FileError, DAMAGED),
    ("plan", DEEP, FileError, DAMAGED),
    ("plan", DIGITS, FileError, DAMAGED),
    ("shard", DEEP, FileError, DAMAGED),
    ("training-report", DEEP, InputError, "nested too deeply"),
    ("training-report", DIGITS, InputError, "Exceeds the limit"),
    ("point-record", DEEP, InputError, "nested too deeply"),
    ("point-record", DIGITS, InputError, "Exceeds the limit"),
    ("bench-report", DEEP, InputError, "nested too deeply"),
    # Fields of other types, which only what used them would have noticed, or which made the error.
    ("records", with_field(RECORD, ("attribution", "scores"), [10**400, 1]), InputError, "scores: 1000.* given"),
    ("records", with_field(RECORD, ("attribution", "bias"), "x"), InputError, "bias: 'x' given; accepted: a number"),
    (
        "records",
        with_field(RECORD, ("provenance", "a\nb"), 1),
        InputError,
        r"provenance: 'a\\nb' given; accepted: model",
    ),
    ("plan", b"2", FileError, "the plan: 2 given; accepted: an object"),
    ("plan", b"{}", FileError, "no 'pieces' given"),
    ("plan", b'{"pieces": [1], "unreadable": {}}', FileError, "pieces: 1 given; accepted: a list"),
    ("plan", b'{"pieces": [[9, 1, 3, 0, 40]], "unreadable": {}}', FileError, "pieces: file 9 given; accepted: 0 to 1"),
    ("plan", b'{"pieces": [[-1, 1, 3, 0, 40]], "unreadable": {}}', FileError, "pieces: file -1 given"),
    ("plan", b'{"pieces": [[0, 1, {}, 0, 40]], "unreadable": {}}', FileError, "accepted: a whole number"),
    ("plan", b'{"pieces": [], "unreadable": "x"}', FileError, "unreadable: 'x' given; accepted: an object"),
    ("shard", with_field(TALLY, ("tally", "rows"), "x"), FileError, "rows: 'x' given; accepted: a whole number"),
    ("shard", with_field(TALLY, ("tally", "pushes"), []), FileError, r"pushes: \[\] given; accepted: an object"),
    ("training-report", with_field(REPORT, ("run",), {"a": None}), InputError, "run: None given; accepted: an object"),
    ("training-report", with_field(REPORT, ("a\nb",), 1), InputError, r"the report: 'a\\nb' given"),
    ("point-record", with_field(POINT, ("asked", "model"), 3), InputError, "asked: 3 given; accepted: an object"),
    (
        "point-record",
        with_field(POINT, ("explained", "test", "measures", 0, "values"), [0.5, [0.5, 1]]),
        InputError,
        "values: of 2 sizes given",
    ),
    (
        "bench-report",
        with_field(BENCH, ("contests", 0, "given"), []),
        InputError,
        "given: .. given; accepted: a string",
    ),
    ("request", with_field(seeds.request()[0], ("inputs", "sha256"), "d\ne"), FileError, "sha256 d e there"),
    # config.json.
    ("config", b"[]", ModelError, r"cannot be loaded: config.json: \[\] given; accepted: an object"),
    ("config", b"3", ModelError, "cannot be loaded: config.json: 3 given; accepted: an object"),
    (
        "config",
        with_field(CONFIG, ("vocab_size",), "9"),
        ModelError,
        r"has vocab_size .9. in its config; accepted: 1 to",
    ),
    ("config", with_field(CONFIG, ("id2label",), "x"), ModelError, r"has id2label .x. in its config"),
    (
        "config",
        with_field(CONFIG, ("value_layer",), "x"),
        ModelError,
        "value_layer: 'x' given; accepted: a whole number",
    ),
    ("config", with_field(CONFIG, ("design",), ["x"]), ModelError, r"design: \['x'\] given; accepted: vanilla"),
    ("config", with_field(CONFIG, ("id2label",), {"5": "a", "0": "b"}), ModelError, r"has id2label .* in its config"),
    (
        "manifest",
        b'{"format_version": 1, "files": {"a\\nb": {"bytes": 1, "sha256": ""}}}',
        ModelError,
        r"lacks 'a\\nb', which",
    ),
    (
        "manifest",
        b'{"format_version": 1, "files": {"' + b"x" * 300 + b'": {"bytes": 1, "sha256": ""}}}',
        ModelError,
        r"lacks 'x+\.\.\.x+', which",
    ),
    # NaN differs from itself.
    (
        "point-record",
        b'{"arm": "x", "seed": 0, "design": "", "asked": {"a": {"b\\nc": NaN}}, "predicted": {}, "explained": {}, '
        b'"n_parameters": 0, "best_epoch": 1, "training_s": 2, "measuring_s": 1, "versions": {}, "machine": "_"}',
        FileError,
        r"holds another run \(a b c nan there",
    ),
    (
        "point-record",
        b'{"arm": "a", "seed": 1, "design": "", "asked": {}, "predicted": {}, "explained": {"test": {"sha256": "e", '
        b'"measures": [{"method": "", "measure": "m", "values": [[], null, 0.125]}]}}, "n_parameters": 1, '
        b'"best_epoch": 0, "training_s": 1, "measuring_s": 1, "versions": {}, "machine": ""}',
        InputError,
        "of 2 sizes given for 'm'; accepted: of one size",
    ),
    # What Arrow says of the types of nested values.
    ("table-jsonl", b'{"text": {"a\\nb": [1]}, "label": 1}', InputError, "holds struct<a b: list<"),
    ("table-jsonl", b'{"text": "a", "label": {"a\\nb": [1]}}', InputError, "holds struct<a b: list<"),
    # Arrow ends the process on what is told of the columns.
    ("corpus-parquet", LEVELS, FileError, "histogram size mismatch"),
    # Arrow's reader of JSON ends the process on these.
    ("table-jsonl", b"null\n" + seeds.table_jsonl()[0], InputError, "row 1 is no object"),
    ("table-jsonl", b"\xef\xbb\xbf null", InputError, "row 1 is no object"),
    ("table-jsonl", b'{"text": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", InputError, "nested more than 200 deep"),
    ("table-jsonl", b'{"text": ' + b'{"a":\n' * 5000 + b"1" + b"}" * 5001, InputError, "nested more than 200 deep"),
]


@pytest.mark.parametrize(("name", "content", "error", "message"), FINDINGS, ids=lambda value: str(value)[:30])
def test_refused_in_one_line(tmp_path, name, content, error, message):
    assert finding(PARSERS[name], content, tmp_path) is None
    with pytest.raises(ExplainableBertError, match=message) as caught:
        PARSERS[name].read(content, tmp_path)
    assert isinstance(caught.value, error)


def test_brackets_within_strings_are_not_counted(tmp_path):
    row = json.dumps({"text": '[{"\\' * 300, "label": 1}).encode("ascii")
    PARSERS["table-jsonl"].read(row * 3, tmp_path)
