"""A visitor's question: one text, one or two models, a method; checked, answered, and as a link that asks it again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlencode

from explainable_bert.attribution.methods import EXPLAINERS
from explainable_bert.errors import ExplainableBertError, InputError
from explainable_bert.interfaces.page.offered import OfferedModels
from explainable_bert.pipeline import explain_versus
from explainable_bert.records import LEVELS, Explanation, Level
from explainable_bert.text.encoding import TextInput, is_blank

MOST_CHARACTERS = 50_000
PREDICTED = "as predicted"
NONE = "no other model"
SCORES, MAP = "scores", "attention map"
SHOWABLE = (SCORES, MAP)
_LINKED = {"first": "model", "second": "model to compare with", "method": "method", "target": "label", "level": "level"}
# Browsers and servers bear links of some thousand characters.
_LONGEST_LINK = 4000


@dataclass(frozen=True)
class Question:
    """What is asked: `second` may be NONE, `target` PREDICTED (by the first model), `pair` empty.

    `shown` are those of SHOWABLE that the answer has on top of its strips.
    """

    text: str
    pair: str
    first: str
    second: str
    method: str
    target: str
    level: Level
    shown: tuple[str, ...] = ()

    @classmethod
    def of(cls, *given: Any) -> "Question":
        """The question of the fields in order; what a browser leaves out is empty."""
        *written, shown = given
        text, pair, first, second, method, target, level = (value or "" for value in written)
        known: Any = level  # `checked` looks at it
        return cls(text, pair, first, second, method, target, known, _showable(shown or ()))

    @property
    def texts(self) -> TextInput:
        """The text, or both of a pair."""
        return self.text if is_blank(self.pair) else (self.text, self.pair)

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models asked, each once."""
        return (self.first,) if self.second in (NONE, self.first) else (self.first, self.second)


def first_question(offered: OfferedModels) -> Question:
    """The question that the page opens with: the first two models, and no text yet."""
    second = offered.names[1] if len(offered.names) > 1 else NONE
    return Question("", "", offered.names[0], second, "built-in", PREDICTED, "word")


def checked(question: Question, offered: OfferedModels) -> Question:
    """The question, once it can be answered.

    Raises InputError that names what is wrong, in words that need no knowledge of the program.
    """
    for name, text in (("text", question.text), ("second text", question.pair)):
        if len(text) > MOST_CHARACTERS:
            raise InputError(f"{name}: {len(text):,} characters given; accepted: at most {MOST_CHARACTERS:,}")
    if is_blank(question.text):
        raise InputError("text: nothing to read; type a sentence")
    if question.level not in LEVELS:
        raise InputError(f"level: {question.level!r} given; accepted: {', '.join(LEVELS)}")
    target = None if question.target == PREDICTED else question.target
    for name in question.models:
        offered.classifier(name).check(question.method, target, question.level)
    return question


def n_passes(question: Question) -> int:
    """About how many texts the models are run on to answer, by a word count that needs no tokenizer."""
    n_units = len(question.text.split()) + len(question.pair.split())
    return len(question.models) * EXPLAINERS[question.method].forward.count(n_units)


def answered(question: Question, offered: OfferedModels) -> tuple[Explanation, ...]:
    """One explanation per model, all for the same label. Raises as `checked` does, and Stopped where it is watched."""
    question = checked(question, offered)
    target = None if question.target == PREDICTED else question.target
    asked: dict[str, Any] = {"target": target, "level": question.level, "attention_map": MAP in question.shown}
    first = offered.classifier(question.models[0])
    if len(question.models) == 1:
        return tuple(first.explain([question.texts], question.method, **asked))
    versus = offered.classifier(question.models[1])
    ours, theirs = explain_versus(first, versus, [question.texts], method=question.method, **asked)
    return ours[0], theirs[0]


def link(question: Question) -> str | None:
    """The question as the query of an address, beginning with "?"; None where the text does not fit into one."""
    try:
        fields = {**asdict(question), "shown": ",".join(question.shown)}
        query = "?" + urlencode({name: value for name, value in fields.items() if value})
    except UnicodeEncodeError:  # half a character, which no address can hold
        return None
    return query if len(query) <= _LONGEST_LINK else None


def from_link(query: Mapping[str, str], default: Question, offered: OfferedModels) -> Question:
    """The question of an address, with `default` for whatever it lacks or gets wrong."""
    accepted = {
        "first": offered.names,
        "second": (NONE, *offered.names),
        "method": tuple(EXPLAINERS),
        "level": LEVELS,
    }
    given = {name: query[name] for name in asdict(default) if name in query and name != "shown"}
    usable: dict[str, Any] = {name: value for name, value in given.items() if value in accepted.get(name, (value,))}
    question = replace(default, **usable, shown=_showable(query.get("shown", "").split(",")))
    return question if question.target in targets(question.first, offered) else replace(question, target=default.target)


def targets(model: str, offered: OfferedModels) -> tuple[str, ...]:
    """What can be explained of a model: the label that it predicts, or one of its labels while it can be loaded."""
    try:
        return PREDICTED, *offered.classifier(model).labels
    except ExplainableBertError:
        return (PREDICTED,)


def not_offered(query: Mapping[str, str], question: Question) -> tuple[str, ...]:
    """What an address asks for and `question` lacks, with what is there instead, in words."""
    return tuple(
        f"{what} {query[field]} is not offered here: {getattr(question, field)} is taken instead"
        for field, what in _LINKED.items()
        if query.get(field, "") not in ("", getattr(question, field))
    )


def _showable(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in SHOWABLE if name in names)
