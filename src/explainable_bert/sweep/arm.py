"""Arms and points: what differs between the trained models of a sweep, and which model needs which other one."""

import graphlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from explainable_bert.errors import InputError
from explainable_bert.training.settings import ModelRequest, TrainingSettings

# A folder's name may have 255 bytes; the seed and an ending have to fit in, too.
_LONGEST_SLUG = 200


@dataclass(frozen=True)
class Arm:
    """What one kind of model is trained from, under a name of its own; its models differ in their seed alone.

    `teacher` names the arm whose model of the same seed teaches, `base` the arm whose model of the same seed it starts
    from (None: request.base). `unlabelled` names corpora whose training texts are used without labels, for the
    teacher's opinion of them. The seed of `settings` is that of the point.
    """

    name: str
    request: ModelRequest
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    teacher: str | None = None
    base: str | None = None
    unlabelled: tuple[str, ...] = ()

    @property
    def slug(self) -> str:
        """The name as part of a folder's name."""
        return _slug(self.name)

    @property
    def needs(self) -> tuple[str, ...]:
        """The arms whose models it cannot be trained without."""
        return tuple(dict.fromkeys(name for name in (self.teacher, self.base) if name is not None))


@dataclass(frozen=True)
class Point:
    """One model of a sweep: an arm and a seed."""

    arm: Arm
    seed: int

    @property
    def slug(self) -> str:
        """The name of its folders."""
        return folder_name(self.arm.name, self.seed)

    @property
    def settings(self) -> TrainingSettings:
        """The arm's, with this point's seed; raises InputError on a seed out of range."""
        return replace(self.arm.settings, seed=self.seed)

    def __str__(self) -> str:
        return f"{self.arm.name}, seed {self.seed}"


def folder_name(arm: str, seed: int) -> str:
    """The name of the folders of an arm's point."""
    return f"{_slug(arm)}-seed-{seed}"


def points_of(arms: Sequence[Arm], seeds: Sequence[int]) -> tuple[Point, ...]:
    """Every arm with every seed, each after the points that it needs, seed by seed.

    Raises InputError on arms or seeds that come twice, on a teacher or base that is no arm, on arms that need each
    other, and on unlabelled texts without a teacher.
    """
    _check_seeds(seeds)
    by_name = _checked(arms)
    return tuple(Point(by_name[name], seed) for seed in seeds for name in _ordered(arms))


def needed(points: Sequence[Point]) -> dict[Point, tuple[Point, ...]]:
    """Each point with the points that it needs; raises InputError where one of them is not among the points."""
    found = {(point.arm.name, point.seed): point for point in points}
    for point in points:
        for name in point.arm.needs:
            if (name, point.seed) not in found:
                raise InputError(
                    f"points: {point} needs {name!r} of the same seed; accepted: points with all they need"
                )
    return {point: tuple(found[name, point.seed] for name in point.arm.needs) for point in points}


def _slug(name: str) -> str:
    return re.sub(r"[^\w=.,+-]+", "-", name, flags=re.ASCII)


def _check_seeds(seeds: Sequence[int]) -> None:
    if not seeds or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds: {list(seeds)} given; accepted: one or more, each once")
    for seed in seeds:
        TrainingSettings(seed=seed)  # refuses what is out of range


def _checked(arms: Sequence[Arm]) -> Mapping[str, Arm]:
    by_name = {arm.name: arm for arm in arms}
    # Not all file systems tell small letters from capitals.
    slugs = Counter(arm.slug.casefold() for arm in arms)
    for arm in arms:
        if slugs[arm.slug.casefold()] > 1:
            raise InputError(f"arms: {arm.name!r} has the name of another, or one like it; accepted: different names")
        if not arm.name.strip() or len(arm.slug) > _LONGEST_SLUG:
            raise InputError(f"arms: name {arm.name!r} given; accepted: 1 to {_LONGEST_SLUG} characters")
        _check_needs(arm, by_name)
    return by_name


def _check_needs(arm: Arm, by_name: Mapping[str, Arm]) -> None:
    for role, name in (("teacher", arm.teacher), ("base", arm.base)):
        if name is not None and name not in by_name:
            raise InputError(f"{role}: {name!r} of {arm.name!r} is no arm; accepted: {', '.join(by_name)}")
    if arm.teacher is not None and arm.request.teacher is not None:
        raise InputError(f"teacher: {arm.name!r} has an arm and a folder; accepted: one of the two")
    if arm.unlabelled and arm.teacher is None and arm.request.teacher is None:
        raise InputError(f"unlabelled: given for {arm.name!r}, which has no teacher; accepted: arms with one")


def _ordered(arms: Sequence[Arm]) -> tuple[str, ...]:
    sorter = graphlib.TopologicalSorter({arm.name: arm.needs for arm in arms})
    try:
        return tuple(sorter.static_order())
    except graphlib.CycleError as error:
        circle = " needs ".join(map(repr, error.args[1]))
        raise InputError(f"arms: {circle}; accepted: arms that do not need themselves") from error
