"""The texts of torture.py through reading, predicting, explaining and every way out: none is lost, none acts."""

import csv
import html.parser
import io
import itertools
import json
import re
import unicodedata
import xml.etree.ElementTree as ET

import pyarrow.parquet
import pytest
import torch
from rich.console import Console

from explainable_bert import ExplainableBertForSequenceClassification, ExplainableClassifier, load_explanations
from explainable_bert.data.files import write_table
from explainable_bert.export.heatmap import render
from explainable_bert.export.strips import visible
from explainable_bert.export.terminal import sheet_to_terminal
from explainable_bert.text.alignment import align, units
from explainable_bert.text.encoding import Reader, check_texts
from explainable_bert.text.windows import windows
from explainable_bert.writing import expressible
from test_cli import call
from tiny import ADDITIVE
from torture import ALL, PAIRS, TEXTS

WINDOW = 41
LABELS = ("bad\x1b[31m\x1b]0;owned\x07", "good\x9b2J\u202e", "<img src=x onerror=alert(1)>\x00\ud800\t\n:smile:[bold]")
FOLDER = "model\x1b[31m\x1b]8;;x\x07\x9b"
PLAIN = ["good film", ("bad", "film"), "the film is good. " * 40]
# Beyond these a picture is only longer.
DRAWN = {name: text for name, text in ALL.items() if sum(map(len, [text] if isinstance(text, str) else text)) < 700}
SGR = re.compile(r"\x1b\[[\d;]*m")
BIDI = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def parts_of(text):
    """The texts as they are read: halves of one character side by side are that character."""
    return tuple(joined(part) for part in ([text] if isinstance(text, str) else text))


def joined(text):
    return re.sub("\ud83d\ude00", "\U0001f600", text)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, stock_folder, tokenizer):
    """A model whose own name and whose labels' names are as hard."""
    torch.manual_seed(0)
    model = ExplainableBertForSequenceClassification.from_base(stock_folder, design="lexical", num_labels=3)
    model.config.id2label = dict(enumerate(LABELS))
    model.config.label2id = {label: index for index, label in enumerate(LABELS)}
    place = tmp_path_factory.mktemp("torture") / FOLDER
    model.save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def explained(folder):
    found = ExplainableClassifier.load(folder).explain(list(ALL.values()))
    return dict(zip(ALL, found, strict=True))


@pytest.fixture(scope="module")
def drawn(explained):
    return [explained[name] for name in DRAWN]


@pytest.fixture(scope="module")
def sheet(folder):
    """The same in a few texts of many lines: what takes time in a picture is what stands around each text."""
    texts = ["\n".join(text for name in names for text in parts_of(ALL[name])) for names in _dealt(list(DRAWN), 4)]
    pair = ALL["link | C1 CSI and OSC"]
    return ExplainableClassifier.load(folder).explain([*texts, pair])


def _dealt(names, n_hands):
    return [names[hand::n_hands] for hand in range(n_hands)]


@pytest.fixture(scope="module")
def plain(folder):
    """What a page looks like whose texts hold nothing odd, of a model whose labels do not either."""
    classifier = ExplainableClassifier.load(folder)
    return classifier.explain(PLAIN)


def assert_inert(shown):
    """Nothing that a terminal would act on, or that would show the text in another order."""
    acting = {character for character in shown if unicodedata.category(character) in ("Cc", "Cs")} - {"\n", "\t"}
    assert not {f"U+{ord(character):04X}" for character in acting | (BIDI & set(shown))}


# --- reading ---


def assert_units_tell(text, found):
    """Units are slices of the text, in order; each visible character is in exactly one, each mark in at most one."""
    by_part = {part: [unit for unit in found if unit.part == part] for part in (0, 1)}
    assert [unit.part for unit in found] == sorted(unit.part for unit in found)
    for part, given in enumerate(parts_of(text)):
        own = by_part[part]
        assert [unit.text for unit in own] == [given[unit.start : unit.end] for unit in own]
        assert all(unit.start < unit.end for unit in own)
        assert all(before.end <= after.start for before, after in itertools.pairwise(own))
        covered = set().union(*(range(unit.start, unit.end) for unit in own))
        left = [place for place, character in enumerate(given) if place not in covered and _is_visible(character)]
        assert not [f"U+{ord(given[place]):04X} at {place}" for place in left]


def _is_visible(character):
    # The tokenizer drops U+FFFD too, though it is a symbol: it stands for what could not be read.
    return character != "\ufffd" and unicodedata.category(character)[0] not in "ZCM"


@pytest.mark.parametrize("level", ["word", "token"])
@pytest.mark.parametrize("name", ALL)
def test_units_and_windows(tokenizer, name, level):
    [checked] = check_texts([ALL[name]])
    encoding = Reader.of(tokenizer.backend_tokenizer, WINDOW).encode_whole([checked])[0]
    found = units(align(encoding, level), encoding)
    if level == "word":
        assert_units_tell(ALL[name], found)
    assert [unit.text for unit in found] == [parts_of(ALL[name])[unit.part][unit.start : unit.end] for unit in found]
    shown = [set(positions) for positions in windows(encoding, WINDOW)] if len(encoding) > WINDOW else []
    if shown:
        assert set().union(*shown) == set(range(len(encoding)))
        assert max(map(len, shown)) <= WINDOW


def test_the_classifier_scores_those_units(explained):
    for name, record in explained.items():
        assert (record.text, record.text_pair) == (*parts_of(ALL[name]), None)[:2]
        assert_units_tell(ALL[name], record.attribution.units)
        assert record.prediction.n_tokens_dropped == 0
        assert record.prediction.label in LABELS
    assert explained["2,000 words of one letter"].prediction.n_windows > 40
    assert len(explained["2,000 words of one letter"].attribution.units) == 2_000
    assert len(explained["a million characters without a space"].attribution.units) == 1


@pytest.mark.parametrize("design", ADDITIVE)
def test_sums_are_exact(classifier, explained, design):
    found = explained.values() if design == "lexical" else classifier(design).explain(list(ALL.values()))
    for name, record in zip(ALL, found, strict=True):
        attribution = record.attribution
        assert record.provenance.design == design
        assert abs(attribution.bias + sum(attribution.scores) - attribution.logit) < 1e-4, name


# --- files ---


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_records_come_back_equal(explained, tmp_path, suffix):
    records = list(explained.values())
    render(records, tmp_path / f"all{suffix}")
    assert load_explanations(tmp_path / f"all{suffix}") == records


def test_the_numbers_as_csv_come_back(explained, tmp_path):
    records = list(explained.values())
    render(records, tmp_path / "all.csv")
    csv.field_size_limit(10**7)
    with (tmp_path / "all.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    expected = [unit for record in records for unit in record.attribution.units]
    assert [row["unit"] for row in rows] == [expressible(unit.text) for unit in expected]


class Page(html.parser.HTMLParser):
    """The elements of a page with the names of their attributes, and its text."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.addresses, self.words = set(), [], ""
        self.feed(content)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.add((tag, *sorted(name for name, _ in attributes)))
        self.addresses += [value for name, value in attributes if name in ("href", "src", "action", "data")]

    def handle_data(self, data):
        self.words += data


def test_a_page_holds_no_element_of_a_text(drawn, plain, tmp_path):
    render(drawn, tmp_path / "hard.html", values=True)
    render(plain, tmp_path / "plain.html", values=True)
    content = (tmp_path / "hard.html").read_text(encoding="utf-8")
    page, ordinary = Page(content), Page((tmp_path / "plain.html").read_text(encoding="utf-8"))
    assert page.elements <= ordinary.elements
    names = {name for element in page.elements for name in element}
    assert not names & {"script", "img", "a", "svg", "foreignobject", "iframe", "object"}
    assert not [name for name in names if name.startswith("on")]
    assert page.addresses == []
    assert_inert(content)


def test_a_page_holds_every_character_of_a_text(drawn, tmp_path):
    render(drawn, tmp_path / "hard.html")
    words = Page((tmp_path / "hard.html").read_text(encoding="utf-8")).words
    for record in drawn:
        for text in filter(None, (record.text, record.text_pair)):
            assert visible(text) in words


def test_a_drawing_holds_no_element_of_a_text(sheet, plain, tmp_path):
    render(sheet, tmp_path / "hard.svg")
    render(plain, tmp_path / "plain.svg")
    drawing = list(ET.parse(tmp_path / "hard.svg").iter())
    hard = {(element.tag, *sorted(element.attrib)) for element in drawing}
    ordinary = {(element.tag, *sorted(element.attrib)) for element in ET.parse(tmp_path / "plain.svg").iter()}
    tags = {element[0] for element in ordinary}
    attributes = {name for element in ordinary for name in element[1:]}
    assert {element[0] for element in hard} <= tags
    assert {name for element in hard for name in element[1:]} <= attributes
    assert not [name for element in hard for name in element if re.search(r"\bon\w+$|script|foreign|}a$", name)]
    references = [value for element in drawing for name, value in element.items() if "href" in name]
    assert all(value.startswith(("#", "data:image/png")) for value in references)
    assert_inert((tmp_path / "hard.svg").read_text(encoding="utf-8"))


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".pdf", b"%PDF")])
def test_pictures_are_drawn(sheet, tmp_path, suffix, magic):
    # SVG and PNG set letters in the same way; PDF has its own, which a byte order mark has stopped.
    shown = [record for record in sheet if suffix == ".png" or "\ufeff" in record.text][:1]
    render(shown, tmp_path / f"hard{suffix}")
    assert (tmp_path / f"hard{suffix}").read_bytes().startswith(magic)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_predictions_keep_the_texts(folder, tmp_path, suffix):
    output = tmp_path / f"out\x1b[2J\x9b\x07{suffix}"
    texts = [text for text in TEXTS.values() if len(text) < 10_000]
    code, out, err = call(["predict", folder, "--output", output, "--", *texts])
    assert (code, out) == (0, ""), err
    assert_inert(err)
    assert "out␛[2J\ufffd␇" in err
    expected = [expressible(text) for text in texts]
    if suffix == ".csv":
        with output.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
    elif suffix == ".jsonl":
        rows = [json.loads(line) for line in output.read_text(encoding="utf-8").rstrip("\n").split("\n")]
    else:
        rows = pyarrow.parquet.read_table(output).to_pylist()
    assert [row["text"] for row in rows] == expected
    assert {row["label"] for row in rows} <= {expressible(label) for label in LABELS}


# --- the terminal ---


def test_predictions_on_a_terminal_are_inert(folder, tmp_path):
    code, out, err = call(["predict", folder, "--", *TEXTS.values()])
    assert code == 0, err
    assert_inert(out + err)
    assert [line.count("\t") for line in out.split("\n")[:-1]] == [2] * len(TEXTS)
    assert "␛]8;;https://evil.example/␛\\good" in out
    source = tmp_path / "texts\x1b[31m.parquet"
    rows = [{"text": expressible(one), "pair\x1b[1m": expressible(other)} for one, other in PAIRS.values()]
    write_table(rows, source)
    code, out, err = call(["predict", folder, "--input", source, "--pair-column", "pair\x1b[1m"])
    assert (code, out.count("\n")) == (0, len(PAIRS)), err
    assert_inert(out + err)


def test_explanations_on_a_terminal_are_inert(folder):
    texts = [text for text in TEXTS.values() if len(text) < 3_000]
    code, out, err = call(["explain", folder, "--", *texts])
    assert code == 0, err
    assert_inert(out + err)
    assert "␛" in out


def test_forced_colour_brings_only_colours(drawn):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, color_system="truecolor", width=120, _environ={})
    console.print(sheet_to_terminal(drawn))
    shown = stream.getvalue()
    assert SGR.search(shown)
    assert_inert(SGR.sub("", shown))


def test_facts_of_a_model_are_inert(folder):
    code, out, err = call(["info", folder])
    assert code == 0, err
    assert_inert(out + err)
    assert "bad␛[31m␛]0;owned␇" in out


BAD = "x\x1b[31m\x1b]8;;y\x07\x9b2J\u202e\ud800"
MISTAKES = {
    "no such model": ["predict", BAD, "good"],
    "a blank text": ["predict", "MODEL", " \x1b\x9b\x07"],
    "a blank text among others": ["predict", "MODEL", "good", "\x00\u202e"],
    "no such file": ["predict", "MODEL", "--input", f"{BAD}.csv"],
    "no such extension": ["predict", "MODEL", "good", "--output", f"x.{BAD}"],
    "no such column": ["predict", "MODEL", "--input", "FILE", "--text-column", BAD],
    "no such target": ["explain", "MODEL", "good", "--target", BAD],
    "no such method": ["explain", "MODEL", "good", "--method", BAD],
    "no such picture": ["explain", "MODEL", "good", "--output", f"x.{BAD}"],
    "no such option": ["explain", "MODEL", f"--{BAD}"],
    "no such level": ["explain", "MODEL", "good", "--level", BAD],
    "no such command": [BAD],
    "too much": ["info", "MODEL", BAD, "more"],
    "no number": ["explain", "MODEL", "good", "--seed", BAD],
    "too long": ["predict", "MODEL", "--long", "error", "good " * 99],
    "a broken file": ["predict", "MODEL", "--input", "BROKEN"],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_messages_are_inert(folder, tmp_path, name):
    given, broken = tmp_path / "in\x1b[31m.csv", tmp_path / "broken\x1b[31m.csv"
    given.write_text("text,\x1b[31m\ngood,film\n")
    broken.write_bytes(b"text,\x1b[31m\ngood\n\x1b[31m,\x9b,\x07\n")
    places = {"MODEL": folder, "FILE": given, "BROKEN": broken}
    code, out, err = call([places.get(argument, argument) for argument in MISTAKES[name]])
    assert code in (1, 2)
    assert out == ""
    assert err.strip()
    if code == 1:
        assert_inert(err)
    else:  # wrong usage is shown by the parser of the command line
        assert not {character for character in err if unicodedata.category(character) == "Cc"} - {"\n"}
