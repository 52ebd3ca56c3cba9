"""Work that a visitor waits for: in a thread of its own, with progress, and ended once nobody waits for it."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from explainable_bert.errors import ExplainableBertError
from explainable_bert.interfaces.page.fragments import fragment, message
from explainable_bert.interfaces.page.offered import OfferedModels, Stopped, Watch

_SECONDS_BETWEEN_LOOKS = 0.3
# With less of the work done, nothing is known of how fast it goes.
_FIRST_ESTIMATE = 0.05
_MOST_VISITORS = 1000
Result = TypeVar("Result")


@dataclass(frozen=True)
class Seen(Generic[Result]):
    """What there is to look at so far, as HTML; `result` once it is there, `failed` where there will be none."""

    html: str
    result: Result | None = None
    failed: bool = False

    @property
    def working(self) -> bool:
        """Whether more is to come."""
        return self.result is None and not self.failed


class Turns:
    """Which question is each visitor's last: nobody waits for an older one. Safe to use from several threads."""

    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()
        self._numbers = count()
        self._lock = threading.Lock()

    def take(self, visitor: str) -> Callable[[], bool]:
        """A turn for a new question; the result says whether it is still the visitor's last."""
        with self._lock:
            number = self._last[visitor] = next(self._numbers)
            self._last.move_to_end(visitor)
            if len(self._last) > _MOST_VISITORS:
                self._last.popitem(last=False)
        return lambda: self._last.get(visitor, number) == number


def watched(work: Callable[[], Result], offered: OfferedModels, what: str, total: int) -> Iterator[Seen[Result]]:
    """Progress while `work` runs its models on about `total` texts, then its result, or its mistake in words.

    Whoever closes the iterator stops the work at its next pass.
    """
    stopped, lock, done = threading.Event(), threading.Lock(), [0]

    def passed(n_texts: int) -> None:
        with lock:
            done[0] += n_texts

    def run() -> Result:
        with offered.watched(Watch(passed, stopped)):
            return work()

    started = time.monotonic()
    pool = ThreadPoolExecutor(max_workers=1)
    future = pool.submit(run)
    try:
        while not wait([future], timeout=_SECONDS_BETWEEN_LOOKS).done:
            yield Seen(_progress(what, min(done[0], total), max(total, 1), time.monotonic() - started))
        yield Seen("", future.result())
    except Stopped:
        return
    except ExplainableBertError as error:
        yield Seen(message(error), failed=True)
    finally:
        stopped.set()
        pool.shutdown(wait=False)


def _progress(what: str, done: int, total: int, seconds: float) -> str:
    left = seconds * (total - done) / done if done >= _FIRST_ESTIMATE * total else None
    return fragment(
        "working.html.j2",
        what=what,
        done=done,
        total=total,
        seconds=round(seconds),
        seconds_left=None if left is None else round(left),
    )
