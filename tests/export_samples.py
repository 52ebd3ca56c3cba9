"""Explanations made by hand, for the tests of pictures."""

import dataclasses
import re

from explainable_bert.records import AttentionMap, Attribution, Explanation, Prediction, Provenance, Unit

HOSTILE = (
    "<script>alert(1)</script> \"><img src=x onerror='alert(2)'> ]]> --> </style> {{ 7*7 }} &lt; \x00 \x1b[31mred\x07 "
    "\x9b2J \x7f \u202egnp.exe\u202c \u2066i\u2069 \ud800 \ufffe \uffff \u200f \u200e https://evil.example/x "
    "$\\frac{1}{0}$ [bold]b[/bold]"
)


def words_of(text, part=0):
    return tuple(Unit(found.group(), *found.span(), part) for found in re.finditer(r"\S+", text))


def explain(text="good bad so so", scores=(0.5, -1.0, 0.25, 0.0), units=None, **changes):
    units = words_of(text) if units is None else units
    fields = {
        "signed": True,
        "bias": None,
        "bias_name": None,
        "logit": None,
        "method": "contributions",
        "level": "word",
    }
    fields.update({key: changes.pop(key) for key in list(changes) if key in fields})
    record = Explanation(
        text=text,
        prediction=Prediction("positive", {"positive": 0.75, "negative": 0.25}, 0),
        target="positive",
        attribution=Attribution(units=tuple(units), scores=tuple(scores), **fields),
        provenance=Provenance("runs/a", "additive", 2, "0123456789abcdef", "0.1.0", "torch 2.13.0"),
    )
    return dataclasses.replace(record, **changes)


def from_vanilla(**changes):
    """The same text explained by another model."""
    provenance = Provenance("runs/b", "vanilla", 2, "fedcba9876543210", "0.1.0", "torch 2.13.0")
    return explain(**{"provenance": provenance, "method": "attention", **changes})


def hostile():
    return explain(
        HOSTILE,
        range(len(HOSTILE.split())),
        words_of(HOSTILE),
        text_pair=HOSTILE,
        target=HOSTILE,
        method=HOSTILE,
        prediction=Prediction(HOSTILE, {HOSTILE: 1.0}, 0),
        provenance=Provenance(HOSTILE, HOSTILE, 0, HOSTILE, HOSTILE, HOSTILE),
    )


def with_map(record, first=(0.1, 0.3)):
    """The record with a map whose rows all hold `first` for the first two units and nothing else."""
    n_units = len(record.attribution.units)
    row = (*first, *[0.0] * (n_units - 2))
    return dataclasses.replace(
        record, attention_map=AttentionMap((row,) * (n_units + 1), (1 - sum(first),) * (n_units + 1))
    )


def long(n_words=512):
    text = " ".join(f"word{index}" for index in range(n_words))
    record = explain(text, [(-1) ** index * index for index in range(n_words)])
    return with_map(record)
