"""Pages of the site that are made from the code: measures, explainers and the command line."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import typer.main

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.evaluation.measures import DEFAULT_METRICS, FAMILIES, MEASURES, Measure
from explainable_bert.interfaces.cli import app
from explainable_bert.model.configuration import DESIGNS

DOCS: Final = Path(__file__).resolve().parent.parent / "docs"
_MADE: Final = "<!-- Made by `python -m documentation`; change the code instead. -->"


def pages() -> Mapping[str, str]:
    """Every made page's content by its path in docs."""
    return {"metrics.md": _metrics(), "explainers.md": _explainers(), "commands.md": _commands()}


def _metrics() -> str:
    parts = [
        "# Metrics",
        _MADE,
        "What `explainable-bert evaluate --metrics NAME,...` measures: each name, what it says, its range, its better "
        "direction and where it comes from. A family's name stands for all of it, `all` for every one. "
        "Those with * are measured unless others are asked for; the rest cost more passes or need more data.",
        "Words are erased on token ids, by `--erasure`; special tokens are never ranked or erased. "
        "*On margins*: of the target logit's lead over the best other one, which does not saturate. "
        "Numbers on probabilities of two models do not compare unless a row says that it is range-normalised. "
        "What the numbers do not say is in [Concepts](concepts.md).",
    ]
    for family in FAMILIES:
        rows = [_metric_row(name, measure) for name, measure in MEASURES.items() if measure.family == family]
        parts += [
            f"## {family.capitalize()}",
            "\n".join(["| name | what it says | range | better | source |", "| --- | --- | --- | --- | --- |", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


def _metric_row(name: str, measure: Measure) -> str:
    metric = measure.metric
    usual = "*" if {name, measure.family} & set(DEFAULT_METRICS) else ""
    better = metric.better or "neither"
    notes = f" Needs {_NEEDS[measure.needs]}." if measure.needs else ""
    cells = (f"`{name}`{usual}", metric.summary + notes, _range(metric.low, metric.high), better, metric.source)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


_NEEDS: Final = {
    "rationales": "human rationales",
    "lexicon": "VADER's lexicon, fetched once",
    "heads": "the attention of the final block",
    "noise": "noisy copies of the embeddings",
}


def _range(low: float, high: float) -> str:
    ends = ("" if math.isinf(end) else f"{end:g}" for end in (low, high))
    first, last = ends
    if not first and not last:
        return "any"
    return f"{first} to {last}" if first and last else f"from {first}" if first else f"up to {last}"


def _explainers() -> str:
    rows = []
    for name, explainer in EXPLAINERS.items():
        signed = [design for design in DESIGNS if explainer.signed(DESIGNS[design])]
        per_label = [design for design in DESIGNS if explainer.per_label(DESIGNS[design])]
        able = [design for design in DESIGNS if explainer.refusal(DESIGNS[design]) is None]
        cells = (
            f"`{name}`",
            explainer.summary,
            str(explainer.forward),
            str(explainer.backward),
            _designs(signed),
            _designs(per_label),
            _designs(able),
            explainer.source,
        )
        rows.append(f"| {' | '.join(cells)} |")
    head = "| method | what it is | forward | backward | signed | looks at the label | designs | source |"
    parts = [
        "# Explainers",
        _MADE,
        "What `--method` takes. Forward and backward are passes per text of n words. *Signed* scores speak for or "
        "against the target's logit; the others say how much, not which way. A method that does not look at the label "
        "gives the same scores for every target. How fast each is and how faithful, [Results](results.md) and README "
        "say; each loaded model lists its own with `explainable-bert methods`.",
        "\n".join([head, "| --- " * 8 + "|", *rows]),
    ]
    return "\n\n".join(parts) + "\n"


def _designs(names: list[str]) -> str:
    return "yes" if len(names) == len(DESIGNS) else ", ".join(names) or "no"


def _commands() -> str:
    parts = [
        "# Commands",
        _MADE,
        "Results go to stdout, everything else to stderr. Exit code 1 is a mistake in the input, 2 in the usage.",
        *(part for path, command in _leaves(typer.main.get_command(app), ()) for part in _command(path, command)),
    ]
    return "\n\n".join(parts) + "\n"


def _leaves(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, child in below.items():
        yield from _leaves(child, (*path, name))


def _command(path: tuple[str, ...], command: Any) -> Iterator[str]:
    yield f"## {' '.join(path)}"
    yield _plain(command.help or "")
    rows = [_parameter(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    yield "\n".join(["| | what it is | default |", "| --- | --- | --- |", *rows])
    if command.epilog:
        line = _plain(command.epilog).removeprefix("Example: ")
        yield f"```sh\n{line}\n```"


def _parameter(parameter: Any) -> str:
    name = (
        (parameter.metavar or parameter.name.upper())
        if parameter.param_type_name == "argument"
        else ", ".join(parameter.opts)
    )
    others = "".join(f", `{other}`" for other in parameter.secondary_opts)
    default = parameter.default
    shown = "required" if parameter.required else _default(default)
    choices = getattr(getattr(parameter, "param_type", None), "choices", None)
    accepted = f" One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else ""
    return f"| `{name}`{others} | {_plain(parameter.help or '')}{accepted} | {shown} |"


def _default(default: Any) -> str:
    if default is None or callable(default) or default in ("", (), []) or isinstance(default, bool):
        return ""
    return f"`{getattr(default, 'value', default)}`"


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "&#124;").replace("<", "&lt;").replace("*", "\\*")
