"""Models to offer, questions to ask and a reader of HTML, for the tests of the page."""

from html.parser import HTMLParser

import torch
from transformers import BertTokenizer

from explainable_bert import ExplainableBertForSequenceClassification
from explainable_bert.interfaces.page.asking import NONE, PREDICTED, Question
from tiny import VOCABULARY

DESIGNS = ("vanilla", "single-head", "additive", "lexical")
HOSTILE = "<img src=x onerror=alert(1)> ${x} \u202egnp.exe {{ 7*7 }} \"'&amp;"
# What a reader is to see of it: every character, and the override as a sign that overrides nothing.
SEEN = HOSTILE.replace("\u202e", "\u27e8U+202E\u27e9")

_ELEMENTS = {
    *("div", "section", "p", "h3", "h4", "b", "em", "bdi", "span", "ul", "li", "ruby", "rt"),
    *("details", "summary", "code"),
    *("table", "thead", "tbody", "tr", "th", "td", "button", "progress", "svg", "g", "line", "polyline", "text"),
}
_ATTRIBUTES = {
    *("class", "style", "title", "aria-label", "aria-pressed", "aria-hidden", "role", "tabindex", "type", "data-word"),
    *("scope", "max", "value", "viewbox", "width", "height", "points", "stroke-dasharray", "text-anchor"),
    *("x", "y", "x1", "x2", "y1", "y2"),
}


def question(text="the film is unbelievable , very good", **changes):
    fields = {
        "pair": "",
        "first": "additive",
        "second": NONE,
        "method": "built-in",
        "target": PREDICTED,
        "level": "word",
        "shown": (),
    }
    return Question(text, **{**fields, **changes})


def save_model(stock_folder, folder, design, bias=(0.0, 0.0, 0.0), **config):
    """A model folder made from the stock classifier, with `bias` added to its own."""
    model = ExplainableBertForSequenceClassification.from_base(stock_folder, design=design, num_labels=3, **config)
    with torch.no_grad():
        model.classifier.bias += torch.tensor(bias)
    model.save_pretrained(folder)
    BertTokenizer(vocab=dict(VOCABULARY)).save_pretrained(folder)
    return str(folder)


def save_models(stock_folder, root):
    """A folder for each design; `vanilla` leans to LABEL_1, so that not all predict the same."""
    lean = {"vanilla": (0.0, 4.0, 0.0)}
    return [save_model(stock_folder, root / name, name, lean.get(name, (0.0, 0.0, 0.0))) for name in DESIGNS]


class Read(HTMLParser):
    """What a reader of a fragment gets: elements with their attributes and their text."""

    def __init__(self, html):
        super().__init__()
        self.found, self._open, self._words = [], [], []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        element = {"tag": tag, "text": "", **{name: value or "" for name, value in attrs}}
        self.found.append(element)
        if tag != "img":
            self._open.append(element)

    def handle_endtag(self, tag):
        assert self._open.pop()["tag"] == tag

    def handle_data(self, data):
        self._words.append(data)
        for element in self._open:
            element["text"] += data

    @property
    def prose(self):
        """All text, with single spaces."""
        return " ".join("".join(self._words).split())

    def all(self, tag, **attributes):
        """The elements of that tag and these attributes; class_ is class, and aria_label is aria-label."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.found
            if element["tag"] == tag and all(element.get(name) == value for name, value in wanted.items())
        ]

    def texts(self, tag, **attributes):
        """Their text, with single spaces."""
        return [" ".join(element["text"].split()) for element in self.all(tag, **attributes)]


def inert(html):
    """The fragment as read, once it is known to hold our own elements only and no override of the text's direction."""
    read = Read(html)
    assert {element["tag"] for element in read.found} <= _ELEMENTS
    assert {name for element in read.found for name in element} - {"tag", "text"} <= _ATTRIBUTES
    assert "\u202e" not in html
    return read
