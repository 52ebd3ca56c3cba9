"""The exception tree: every mistake a user can make is an ExplainableBertError with a one-line message."""


def first_line(error: Exception) -> str:
    """What a library said, cut to its first line, and the next where that ends in a colon; else the error's type."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    said = f"{lines[0]} {lines[1].strip()}" if lines[0].endswith(":") and len(lines) > 1 else lines[0]
    # Of a KeyError there is the key alone.
    return f"there is no {said}" if isinstance(error, KeyError) else said


class ExplainableBertError(Exception):
    """A problem the user can mend; the message names the argument, what was given and what is accepted."""


class InputError(ExplainableBertError, ValueError):
    """An argument, a text or a table that cannot be used."""


class FileError(ExplainableBertError, OSError):
    """A file or folder that is missing, unreadable, or would be overwritten."""


class ModelError(ExplainableBertError, ValueError):
    """A model folder or checkpoint that cannot be loaded, or a config that contradicts itself."""


class MissingExtraError(ExplainableBertError, ImportError):
    """An optional dependency is not installed; the message holds the install line."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f"{package} is not installed; run: pip install 'explainable-bert[{extra}]'")
