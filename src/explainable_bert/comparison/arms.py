"""The arms of a comparison: a model folder each, or several seeds of one training by a pattern."""

import glob
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explainable_bert.data.labelled import Example
from explainable_bert.errors import InputError
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Long
from explainable_bert.text.encoding import TextInput


@dataclass(frozen=True)
class Arm:
    """One side of a comparison, under the name it was given by: models that differ in their seed alone."""

    name: str
    seeds: tuple[ExplainableClassifier, ...]

    @property
    def design(self) -> str:
        """The design of its models."""
        return self.seeds[0].provenance.design


def load_arms(names: Sequence[str], long: Long = "window") -> tuple[Arm, ...]:
    """The arms of two or more names: model folders or hub names, or patterns such as "runs/lexical-*".

    Raises InputError when a pattern finds nothing, fewer than two arms are given, a model is given twice, or they
    cannot be compared: labels or tokenizers differ, or an arm's models are of several designs. Raises ModelError where
    a model cannot be loaded.
    """
    if len(names) < 2:
        raise InputError(f"models: {', '.join(names) or 'none'} given; accepted: two or more different ones")
    paths = [_paths(name) for name in names]
    _check_different([path for of_arm in paths for path in of_arm])
    arms = tuple(
        Arm(name, tuple(ExplainableClassifier.load(path, long=long) for path in of_arm))
        for name, of_arm in zip(names, paths, strict=True)
    )
    _check(arms)
    return arms


def _check_different(paths: Sequence[str]) -> None:
    # Spelled differently, or found by two patterns, a model would be compared with itself.
    places = [Path(path).resolve() for path in paths]
    twice = [path for path, place in zip(paths, places, strict=True) if places.count(place) > 1]
    if twice:
        raise InputError(f"models: {twice[-1]!r} given twice; accepted: two or more different ones")


def _paths(name: str) -> list[str]:
    if not glob.has_magic(name) or Path(name).exists():
        return [name]
    paths = sorted(glob.glob(name))  # noqa: PTH207  # a pattern may be absolute, which Path.glob refuses
    if not paths:
        raise InputError(f"models: no folder matches {name!r}; accepted: model folders, or patterns of them")
    return paths


def _check(arms: Sequence[Arm]) -> None:
    first = arms[0].seeds[0]
    vocabulary, rules = first.tokenizer.get_vocab(), _rules(first)
    for arm in arms:
        for model in arm.seeds:
            if model.labels != first.labels:
                raise InputError(
                    f"models: {model.name!r} knows labels {', '.join(model.labels)}, {first.name!r} "
                    f"{', '.join(first.labels)}; accepted: models with the same labels in the same order"
                )
            different = dict(model.tokenizer.get_vocab().items() ^ vocabulary.items())
            if different:
                raise InputError(
                    f"models: the tokenizers of {model.name!r} and {first.name!r} differ in {len(different)} tokens, "
                    f"such as {min(different)!r}; accepted: models with the same tokenizer"
                )
            if _rules(model) != rules:
                raise InputError(
                    f"models: the tokenizers of {model.name!r} and {first.name!r} have the same tokens, but differ in "
                    "their rules (case, accents or the like); accepted: models with the same tokenizer"
                )
            if model.provenance.design != arm.design:
                raise InputError(
                    f"models: {arm.name!r} matches designs {arm.design} and {model.provenance.design}; accepted: "
                    "models that differ in their seed alone"
                )


def check_labels(arms: Sequence[Arm], examples: Sequence[Example]) -> None:
    """Raise InputError unless the models know all labels of the examples."""
    known = arms[0].seeds[0].labels
    unknown = sorted({example.label for example in examples} - set(known))
    if unknown:
        raise InputError(f"examples: label {unknown[0]!r} given; accepted are the models' {', '.join(known)}")


def _rules(model: ExplainableClassifier) -> dict[str, Any]:
    """How its tokenizer works, but for how long texts may be."""
    rules: dict[str, Any] = json.loads(model.tokenizer.backend_tokenizer.to_str())
    return {name: rule for name, rule in rules.items() if name not in ("truncation", "padding")}


def check_units(arms: Sequence[Arm], texts: Sequence[TextInput]) -> None:
    """Raise InputError unless all models read the same words of the texts."""
    first = arms[0].seeds[0]
    expected = first.units(texts)
    for model in [model for arm in arms for model in arm.seeds]:
        for row, (ours, theirs) in enumerate(zip(expected, model.units(texts), strict=True), start=1):
            if ours != theirs:
                raise InputError(
                    f"models: {model.name!r} and {first.name!r} read other words of text {row} ({len(theirs)} and "
                    f"{len(ours)}); accepted: models with the same tokenizer and window"
                )
