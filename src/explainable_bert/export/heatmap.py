"""Heat maps: explanations as a self-contained page or as coloured terminal text."""

import dataclasses
import functools
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from rich.color import Color
from rich.console import Group, RenderableType
from rich.style import Style
from rich.text import Text

from explainable_bert.errors import InputError
from explainable_bert.export.strips import Direction, Piece, cut, format_score, notes, scale_note, visible
from explainable_bert.records import Explanation
from explainable_bert.writing import check_place, write_text

_PART_LABELS = ("first text", "second text")
_TERMINAL_INK = (20, 24, 28)
_TERMINAL_HUES: Mapping[Direction, tuple[int, int, int]] = MappingProxyType(
    {"towards": (90, 169, 230), "against": (242, 153, 74), "unsigned": (176, 148, 220)}
)
# Fainter than this, a background would be a white box on a dark terminal that says nothing.
_TERMINAL_FAINTEST = 0.08


def render(explanations: Sequence[Explanation], path: str | Path) -> None:
    """Write a picture of the explanations; the extension of `path` chooses the format (.html).

    Raises InputError for another extension or an empty list, FileError if the place cannot be written.
    """
    check_format(path)
    if not explanations:
        raise InputError("explanations: an empty list given; at least one is needed")
    _WRITERS[Path(path).suffix.lower()](explanations, Path(path))


def check_format(path: str | Path) -> None:
    """Raise InputError or FileError unless a picture can be written to `path`; for asking before any work."""
    if Path(path).suffix.lower() not in _WRITERS:
        raise InputError(f"path: {str(path)!r} given; pictures are written as {', '.join(_WRITERS)}")
    check_place(Path(path))


def strip_html(explanation: Explanation) -> Markup:
    """The text with each unit coloured by its score, its strongest units and its scale, as an HTML fragment.

    The fragment needs the style sheet of a page made by `page_html`.
    """
    strip = cut(explanation)
    return Markup(
        _environment()
        .get_template("strip.html.j2")
        .render(
            strip=strip,
            attribution=explanation.attribution,
            target=explanation.target,
            part_labels=_PART_LABELS[: len(strip.parts)] if len(strip.parts) > 1 else [""],
            scale_note=scale_note(strip),
        )
    )


def page_html(template: str, sources: Iterable[Explanation], **context: Any) -> str:
    """A whole page from the named template, with the provenance of all `sources` in its head and foot."""
    origins = provenances(sources)
    return (
        _environment()
        .get_template(template)
        .render(origins=origins, provenance_json=json.dumps(origins), strip_html=strip_html, notes=notes, **context)
    )


def provenances(explanations: Iterable[Explanation]) -> list[dict[str, Any]]:
    """Each distinct provenance with its attribution method, in order of appearance."""
    distinct = dict.fromkeys((item.provenance, item.attribution.method) for item in explanations)
    return [{**dataclasses.asdict(provenance), "method": method} for provenance, method in distinct]


def to_terminal(explanation: Explanation) -> RenderableType:
    """The explanation for a Rich console: coloured words with their scores in brackets, readable without colour."""
    strip = cut(explanation)
    signed = explanation.attribution.signed
    lines = [_terminal_header(explanation), Text()]
    for label, pieces in zip(_PART_LABELS, strip.parts, strict=False):
        if len(strip.parts) > 1:
            lines.append(Text(label, style="dim"))
        lines.append(Text.assemble(*(part for piece in pieces for part in _terminal_piece(piece, strip.scale, signed))))
    lines.append(Text())
    lines.append(_terminal_legend(explanation, scale_note(strip)))
    lines.extend(Text(note) for note in notes(explanation))
    return Group(*lines)


def _write_html(explanations: Sequence[Explanation], path: Path) -> None:
    write_text(path, page_html("heatmap.html.j2", explanations, explanations=explanations))


_WRITERS: Mapping[str, Callable[[Sequence[Explanation], Path], None]] = MappingProxyType({".html": _write_html})


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("explainable_bert.export"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )
    environment.filters["score"] = format_score
    return environment


def _harmless(value: Any) -> Any:
    """Every string that a template prints is made visible; only fragments that a template made pass as they are."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _terminal_header(explanation: Explanation) -> Text:
    prediction = explanation.prediction
    probability = prediction.probabilities.get(prediction.label)
    header = Text.assemble("predicted ", (visible(prediction.label), "bold"))
    if probability is not None:
        header.append(f" {probability:.1%}")
    for name, value in (
        ("target", explanation.target),
        ("design", explanation.provenance.design),
        ("method", explanation.attribution.method),
    ):
        header.append(f" · {name} ", style="dim").append(visible(value))
    return header


def _terminal_piece(piece: Piece, scale: float, signed: bool) -> list[tuple[str, Style]]:
    if piece.direction == "between":
        return [(piece.text, Style())]
    score = f"({format_score(piece.score, scale, signed)})"
    return [(piece.text, _terminal_style(piece.direction, piece.intensity)), (score, Style(dim=True))]


def _terminal_style(direction: Direction, intensity: float) -> Style:
    hue = _TERMINAL_HUES.get(direction)
    if hue is None or intensity < _TERMINAL_FAINTEST:
        return Style()
    red, green, blue = (255 + (channel - 255) * intensity for channel in hue)
    return Style(color=Color.from_rgb(*_TERMINAL_INK), bgcolor=Color.from_rgb(red, green, blue))


def _terminal_legend(explanation: Explanation, scale: str) -> Text:
    target = visible(explanation.target)
    if explanation.attribution.signed:
        legend = Text.assemble(
            (" + ", _terminal_style("towards", 1.0)), f" towards {target}  ",
            (" - ", _terminal_style("against", 1.0)), f" against {target}",
        )  # fmt: skip
    else:
        legend = Text.assemble((" ", _terminal_style("unsigned", 1.0)), " how much, without a direction")
    return legend.append(f"  ({scale})", style="dim")
