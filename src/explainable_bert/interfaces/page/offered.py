"""The models that the page offers: loaded when first asked for, and how many of their passes a visitor waits for."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from explainable_bert.errors import InputError, ModelError
from explainable_bert.pipeline import ExplainableClassifier
from explainable_bert.records import Long
from explainable_bert.results import short_names

# Beyond this nobody waits, and others want their turn.
TIME_LIMIT_S = 600.0


class Stopped(Exception):  # what a visitor asked for, and no error
    """Raised inside a model that is told to stop."""


@dataclass(frozen=True)
class Watch:
    """Who is told how many texts a model has been run on, and who may stop it."""

    passed: Callable[[int], None]
    stopped: threading.Event


class OfferedModels:
    """Models by the names under which the page lists them; safe to use from several threads."""

    def __init__(self, folders: Sequence[str], long: Long = "window", time_limit_s: float = TIME_LIMIT_S) -> None:
        """A question may take `time_limit_s`. Raises InputError where no model is given, or one twice."""
        if not folders or len({Path(folder) for folder in folders}) < len(folders):
            raise InputError(f"models: {', '.join(folders) or 'none'} given; accepted: one or more, each once")
        names = short_names(folders)
        self.folders: Mapping[str, str] = MappingProxyType({names[folder]: folder for folder in folders})
        self._long, self._time_limit_s = long, time_limit_s
        self._loaded: dict[str, ExplainableClassifier] = {}
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    @property
    def names(self) -> tuple[str, ...]:
        """In the order given."""
        return tuple(self.folders)

    def classifier(self, name: str) -> ExplainableClassifier:
        """The model of that name. Raises InputError for another name, ModelError where its folder holds none now."""
        if name not in self.folders:
            raise InputError(f"model: {name!r} given; accepted: {', '.join(self.names)}")
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    @contextmanager
    def watched(self, watch: Watch | None = None) -> Iterator[None]:
        """Inside, passes of this thread's models are told to `watch`, and end in Stopped once it says so.

        Once the question has taken too long they end in an InputError.
        """
        self._of_thread.watch, self._of_thread.ends = watch, time.monotonic() + self._time_limit_s
        try:
            yield
        finally:
            self._of_thread.watch = self._of_thread.ends = None

    def _load(self, name: str) -> ExplainableClassifier:
        folder = self.folders[name]
        try:
            classifier = ExplainableClassifier.load(folder, long=self._long)
        except ModelError as error:
            gone = "" if Path(folder).is_dir() else ": its folder is gone"
            raise ModelError(f"model: {name!r} cannot be loaded{gone}; choose another one") from error
        classifier.name = name
        # Passes start with the embeddings; what value-zeroing and decompx repeat above them goes uncounted, but ends.
        bert: Any = classifier.model.bert
        bert.embeddings.register_forward_pre_hook(self._count, with_kwargs=True)
        for block in bert.encoder.layer[:-1]:
            block.output.dense.register_forward_pre_hook(self._end)
        return classifier

    def _watch(self) -> Watch | None:
        """Who watches this thread; raises Stopped once the watcher says so, InputError once its time is over."""
        watch: Watch | None = getattr(self._of_thread, "watch", None)
        ends: float | None = getattr(self._of_thread, "ends", None)
        if watch is not None and watch.stopped.is_set():
            raise Stopped
        if ends is not None and time.monotonic() > ends:
            raise InputError(
                f"question: stopped after {self._time_limit_s:g} s; accepted: fewer or shorter texts, or a method of "
                "fewer passes"
            )
        return watch

    def _end(self, _module: Any, _given: tuple[Any, ...]) -> None:
        self._watch()

    def _count(self, _module: Any, _given: tuple[Any, ...], named: Mapping[str, Any]) -> None:
        watch = self._watch()
        if watch is not None:
            given = named["input_ids"] if named.get("inputs_embeds") is None else named["inputs_embeds"]
            watch.passed(len(given))
