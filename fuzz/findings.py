"""What a parser did with an input: fine, or a finding, where it raised anything but one-line errors of the package."""

import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from explainable_bert.errors import ExplainableBertError, first_line

from .parsers import Parser

SLOW_S = 5.0


@dataclass(frozen=True)
class Finding:
    """What went wrong, where in the source, and on which input, in hexadecimal digits."""

    kind: str
    where: str
    message: str
    content: str


def finding(parser: Parser, content: bytes, folder: Path) -> Finding | None:
    """Read the input by way of files in `folder`; None where it was read, or refused in one line."""
    started = time.perf_counter()
    try:
        parser.read(content, folder)
    except ExplainableBertError as error:
        if len(str(error).splitlines()) != 1:
            return _of(error, f"{type(error).__name__} of several lines", content)
    except Exception as error:  # noqa: BLE001 - any other error is what is sought
        return _of(error, type(error).__name__, content)
    seconds = time.perf_counter() - started
    return Finding("slow", parser.name, f"{seconds:.1f} s", content.hex()) if seconds > SLOW_S else None


def _of(error: Exception, kind: str, content: bytes) -> Finding:
    return Finding(kind, _where(error), first_line(error)[:300], content.hex())


def _where(error: Exception) -> str:
    """The innermost line of the package that the error passed."""
    lines = [
        f"{Path(frame.filename).name}:{frame.name}"
        for frame in traceback.extract_tb(error.__traceback__)
        if "explainable_bert" in frame.filename
    ]
    return lines[-1] if lines else "outside of the package"
