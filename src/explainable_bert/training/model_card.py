"""The README of a model folder: the card of a model as its training left it, or as it is published."""

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from explainable_bert.data.files import READABLE
from explainable_bert.model.checkpoint import HUB_NAME
from explainable_bert.model.configuration import DESIGNS, ExplainableBertConfig, label_names
from explainable_bert.training.report import TrainingReport
from explainable_bert.version import __version__


@dataclass(frozen=True)
class MeasuredRow:
    """A row of a card's table: a metric of a method, its number and interval in digits, and on how many texts."""

    metric: str
    method: str
    value: str
    interval: str
    n: int


@dataclass(frozen=True)
class Measured:
    """What an evaluation found: its rows, what has to be stated with them, and the metrics' definitions by name."""

    rows: tuple[MeasuredRow, ...]
    stated: Mapping[str, str]
    definitions: Mapping[str, str]


@dataclass(frozen=True)
class Picture:
    """The card's example: the picture's file, the text, and what the model made of it."""

    file: str
    text: str
    label: str
    probability: float
    target: str
    special_token_mass: float | None


@dataclass(frozen=True)
class Publication:
    """What a folder for the hub holds beside the model; `metadata` is YAML, `measured` None where nothing was."""

    metadata: str
    code_file: str
    measured: Measured | None
    picture: Picture


def model_card(
    config: ExplainableBertConfig,
    n_parameters: int,
    report: TrainingReport | None,
    publication: Publication | None = None,
) -> str:
    """A card in Markdown: what the model is, how it was trained, how well it does, how to run it, what it does not say.

    `report` is None where nobody wrote down how the model was trained; `publication` is what only a folder for the hub
    has. Raises ModelError where a logit has no label.
    """
    return _environment().get_template("model_card.md.j2").render(
        config=config,
        design=DESIGNS[config.design],
        labels=label_names(config),
        n_parameters=n_parameters,
        report=report,
        publication=publication,
        version=__version__ if report is None else report.versions.get("explainable_bert", __version__),
    )  # fmt: skip


def without_place(name: str) -> str:
    """A hub name or a corpus as it is called; of a path, which is nobody else's business, the last part."""
    # Of either system, as a path of the machine that trained need not be there any more.
    path = PureWindowsPath(name)
    of_hub = HUB_NAME.fullmatch(name) and path.suffix.lower() not in READABLE and not Path(name).exists()
    return name if of_hub else path.name or name


def code(text: Any) -> str:
    """Any text as code in a line of Markdown, in which nothing acts: no markup, no HTML, no control character."""
    shown = _one_line(text) or " "
    fence = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    apart = " " if "`" in shown else ""
    return f"{fence}{apart}{shown}{apart}{fence}"


def plain(text: Any) -> str:
    """Any text as a line of Markdown that says nothing but itself."""
    return re.sub(r"([\\`*_\[\]<>|#!&~])", r"\\\1", _one_line(text))


def _one_line(text: Any) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


@functools.cache
def _environment() -> Environment:
    # Markdown, not HTML: what is from outside stands there as code.
    made = Environment(
        loader=PackageLoader("explainable_bert.training"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(code=code, plain=plain, without_place=without_place)
    return made
