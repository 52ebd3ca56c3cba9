"""Does the built-in explanation depend on what the model has learnt: its parts drawn anew, one by one and top-down."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor, nn

from explainable_bert.audit.agreement import Agreement, agreement
from explainable_bert.audit.drawing_anew import draw_anew, put_back, top
from explainable_bert.audit.outcomes import judged, not_applicable
from explainable_bert.audit.reading import StoredTexts, read
from explainable_bert.audit.subject import Subject, answer, unit_scores
from explainable_bert.model.classifier import ExplainableBertForSequenceClassification
from explainable_bert.results import Check

# Ranks that agree by no more than this share a quarter of their variance at most.
AGREEMENT = 0.5
# One draw is one other model, however many texts it is compared on.
N_DRAWS = 5
# Lower blocks have to be run again: on no more texts than this.
N_TEXTS_RUN_AGAIN = 50

_NAME = "parameter-randomisation"

Scores = list[Float[np.ndarray, " _"]]


@dataclass(frozen=True)
class _Part:
    """A part of the model's top, and what a reader should know it as."""

    name: str
    modules: Callable[[ExplainableBertForSequenceClassification], list[nn.Module]]
    role: str


def _classifier(model: ExplainableBertForSequenceClassification) -> list[nn.Module]:
    return [model.classifier]


def _values(model: ExplainableBertForSequenceClassification) -> list[nn.Module]:
    attention = model.final_block.attention
    return [attention.self.value, attention.output.dense]


def _query_and_key(model: ExplainableBertForSequenceClassification) -> list[nn.Module]:
    attention = model.final_block.attention.self
    return [attention.query, attention.key]


_PARTS = (
    _Part("classifier", _classifier, "the classifier, which says what speaks for which label"),
    _Part("values", _values, "the final block's values, which say what an attended word leads to"),
    _Part("query and key", _query_and_key, "the final block's query and key, which say where it looks"),
    _Part("final block and above", top, "all that comes after the lower blocks"),
)


def parameter_randomisation(subject: Subject) -> tuple[list[Check], str]:
    """Mean rank agreement of built-in scores, as shown, before and after parts of the model are drawn anew.

    Parts of the top on their own, the whole top, and every block down to the first; the sentence says how the agreement
    falls on that way down. Scores are those for the label that the whole model predicts.

    Source: Adebayo et al. 2018, section 3.
    """
    own = [scores for texts, found in subject for scores in unit_scores(texts, found, found.targets)]
    checks = [_of_part(subject, part, own) for part in _PARTS]
    names, on_the_way = _cascade(subject)
    checks.append(_check("all blocks", "all blocks", on_the_way[-1]))
    return checks, _sentence(names, on_the_way)


def _of_part(subject: Subject, part: _Part, own: Scores) -> Check:
    generator, modules = subject.generator(f"{_NAME}: {part.name}"), part.modules(subject.model)
    targets, draws = [found.targets for found in subject.answers], []
    with put_back(modules):
        for _ in range(N_DRAWS):
            draw_anew(subject.model, modules, generator)
            draws.append(built_in_scores(subject.model, subject.texts, targets))
    return _check(part.name, part.role, agreement(own, draws))


def _cascade(subject: Subject) -> tuple[list[str], list[Agreement | None]]:
    """Agreements with all that is above drawn anew, block by block down to the first."""
    generator = subject.generator(f"{_NAME}: all blocks")
    places = sorted(generator.permutation(len(subject))[:N_TEXTS_RUN_AGAIN].tolist())
    encodings = [subject.encodings[place] for place in places]
    model, reader = subject.model, subject.reader
    texts = read(reader, subject.tokenizer, encodings)
    targets = [answer(model, stored.given).targets for stored in texts]
    own = built_in_scores(model, texts, targets)
    upper, lower = top(model), list(reader.bert.encoder.layer[:-1])
    with put_back([*upper, *lower]):
        draw_anew(model, upper, generator)
        names, on_the_way = [f"block {len(lower) + 1}"], [agreement(own, [built_in_scores(model, texts, targets)])]
        for index in reversed(range(len(lower))):
            draw_anew(reader, [lower[index]], generator)
            again = read(reader, subject.tokenizer, encodings)
            names.append(f"block {index + 1}")
            on_the_way.append(agreement(own, [built_in_scores(model, again, targets)]))
    return names, on_the_way


def built_in_scores(
    model: ExplainableBertForSequenceClassification,
    texts: Sequence[StoredTexts],
    targets: Sequence[Int[Tensor, " _"]],
) -> Scores:
    """The built-in explanations of all the texts, for the targets given."""
    found: Scores = []
    for stored, of_texts in zip(texts, targets, strict=True):
        found += unit_scores(stored, answer(model, stored.given), of_texts)
    return found


def _check(name: str, role: str, found: Agreement | None) -> Check:
    if found is None:
        return not_applicable(f"{_NAME}: {name}", "no text has two words whose scores differ, before and after.")
    same = found.shown > 1 - 1e-9
    return judged(
        f"{_NAME}: {name}",
        found.shown,
        AGREEMENT,
        "at most",
        found.n,
        passed=f"What the map shows depends on {role}: with random weights there, it shows something else "
        f"({correlations(found)}).",
        failed=f"What the map shows {'does not depend' if same else 'hardly depends'} on {role}: with random "
        f"weights there, it shows {'just' if same else 'much'} the same ({correlations(found)}).",
    )


def correlations(found: Agreement) -> str:
    """The rank correlation in words; where scores have signs, that of their sizes as well."""
    shown = f"rank correlation {found.shown:.2f}"
    if abs(found.shown - found.absolute) < 1e-9:  # scores without signs
        return shown
    return f"{shown}; {found.absolute:.2f} without the signs: which words stand out, whatever they speak for"


def _sentence(names: Sequence[str], on_the_way: Sequence[Agreement | None]) -> str:
    steps = [f"{name} {found.shown:.2f}" for name, found in zip(names, on_the_way, strict=True) if found]
    return f"Rank correlation with all that is above drawn anew as well, down to: {', '.join(steps) or 'undefined'}."
