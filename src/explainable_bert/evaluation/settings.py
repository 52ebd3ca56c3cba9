"""What an evaluation is asked for."""

from collections import Counter
from dataclasses import dataclass

from explainable_bert.attribution.methods import check_method
from explainable_bert.errors import InputError
from explainable_bert.evaluation.measures import DEFAULT_METRICS, Measure, chosen_measures
from explainable_bert.records import Level
from explainable_bert.text.erasure import ERASURES


@dataclass(frozen=True)
class EvaluationSettings:
    """Methods and metrics by name, the erasure operator, the level of units, and the seed of all draws.

    Raises InputError on names that do not exist or come twice; whether a model can be explained by the methods is
    asked later.
    """

    methods: tuple[str, ...] = ("built-in", "random")
    metrics: tuple[str, ...] = DEFAULT_METRICS
    erasure: str = "mask"
    level: Level = "word"
    seed: int = 0

    def __post_init__(self) -> None:
        for method in self.methods:
            check_method(method)
        twice = [method for method, count in Counter(self.methods).items() if count > 1]
        if twice:
            raise InputError(f"methods: {twice[0]!r} given more than once; accepted: each once")
        if not self.methods:
            raise InputError("methods: none given; at least one is needed")
        if self.erasure not in ERASURES:
            raise InputError(f"erasure: {self.erasure!r} given; accepted: {', '.join(ERASURES)}")
        if not self.measures:
            raise InputError("metrics: none given; at least one is needed")

    @property
    def measures(self) -> dict[str, Measure]:
        """The measures asked for, by name."""
        return chosen_measures(self.metrics)
