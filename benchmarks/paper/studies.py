"""The studies of the protocol: which points are trained on what, and what is measured of them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from explainable_bert.sweep.arm import Point, points_of
from explainable_bert.sweep.experiment import Drawn, Measuring, TrainingData

from . import corpora, protocol
from .narrow_base import narrow_base
from .protocol import IN_DOMAIN, OUT_OF_DOMAIN, Scale

ABLATIONS = "ablations"
N_VALIDATION = 1000
N_PLANTED_VALIDATION, N_PLANTED_TEST = 300, 100


@dataclass(frozen=True)
class Study:
    """Points to train into the folder `models`, and what is measured of them.

    Studies of one folder share its models; `name` says where a study's records lie in it.
    """

    name: str
    models: Path
    points: tuple[Point, ...]
    data: TrainingData
    measuring: Measuring


def studies(scale: Scale, output: Path, sst2: Path | None, rationales: Path | None) -> Iterator[Study]:
    """All studies in the order in which they are run; those that lack their data are left out."""
    reviews = TrainingData(IN_DOMAIN, n_train=scale.n_train, n_unlabelled=scale.n_unlabelled)
    everywhere = (IN_DOMAIN, *OUT_OF_DOMAIN)
    marked = None if rationales is None else str(rationales)
    own = Measuring(
        predicted=tuple(Drawn(name, "test") for name in everywhere),
        explained=(Drawn(IN_DOMAIN, "test", scale.n_explained),),
        evaluation=protocol.own(),
        rationales=marked,
        n_rationales=None if marked is None else scale.n_rationales,
    )
    twin, flagship, again = protocol.twins(scale)
    single, additive = protocol.heads(scale)
    main = points_of((twin, flagship, single), range(scale.seeds))
    others = points_of((twin, again, additive), range(scale.seeds_of_others))
    yield Study("own", output / "reviews", tuple(dict.fromkeys((*main, *others))), reviews, own)
    compared = Measuring(
        predicted=(),
        explained=(Drawn(IN_DOMAIN, "test", scale.n_compared),),
        evaluation=protocol.compared(protocol.EXPLAINERS),
        rationales=marked,
        n_rationales=None if marked is None else scale.n_rationales_compared,
    )
    pair = (twin, flagship)
    yield Study("explainers", output / "reviews", points_of(pair, range(scale.seeds_compared)), reviews, compared)
    if sst2 is not None:
        yield _sst2(scale, output, sst2)
    narrow = narrow_base(scale.base, output / "bases" / "one-old-head")
    controls = points_of(protocol.controls(scale, str(narrow)), range(scale.seeds_of_controls))
    yield Study("own", output / "reviews", controls, reviews, own)
    yield _shortcut(scale, output)
    surrogates = replace(
        compared, evaluation=protocol.compared(protocol.SURROGATES), rationales=None, n_rationales=None
    )
    yield Study("surrogates", output / "reviews", points_of(pair, [0]), reviews, surrogates)
    ablated = Measuring(
        predicted=tuple(Drawn(name, "validation") for name in everywhere),
        explained=(Drawn(IN_DOMAIN, "validation", scale.n_explained),),
        evaluation=protocol.ablated(),
    )
    without = points_of(protocol.ablations(scale), range(scale.seeds_of_ablations))
    yield Study(ABLATIONS, output / "reviews", without, reviews, ablated)


def _sst2(scale: Scale, output: Path, source: Path) -> Study:
    folder = corpora.sst2(source, output / "corpora" / "sst2", scale.n_sst2, N_VALIDATION)
    measuring = Measuring(
        # Never the movie sentences, which come from the same reviews.
        predicted=(Drawn(str(folder), "test"), *(Drawn(name, "test") for name in OUT_OF_DOMAIN)),
        explained=(Drawn(str(folder), "test", scale.n_explained),),
        evaluation=protocol.own(),
    )
    arms = protocol.twins(scale)[:2]
    data = TrainingData(str(folder), n_unlabelled=scale.n_unlabelled)
    return Study("own", output / "sst2", points_of(arms, range(scale.seeds_of_sst2)), data, measuring)


def _shortcut(scale: Scale, output: Path) -> Study:
    folder, markers = corpora.planted(
        output / "corpora" / "shortcut", scale.n_planted, N_PLANTED_VALIDATION, N_PLANTED_TEST
    )
    measuring = Measuring(
        predicted=(Drawn(str(folder), "test"),),
        explained=(),
        evaluation=protocol.shortcut(),
        rationales=str(markers),
    )
    arms = (*protocol.twins(scale, unlabelled=())[:2], *protocol.heads(scale)[:1])
    data = TrainingData(str(folder))
    return Study("own", output / "shortcut", points_of(arms, range(scale.seeds_of_shortcut)), data, measuring)
