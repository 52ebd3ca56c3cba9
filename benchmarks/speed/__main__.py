"""The whole benchmark of speed as one command, `make bench`: measures what is not saved, then writes the page.

It takes an hour or two of two cores, of which nothing else should have a part. --parts chooses parts of it; `page`
writes docs/performance.md from what is saved.
"""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import transformers

from explainable_bert.errors import ExplainableBertError
from explainable_bert.writing import write_text

from . import commands, growth, methods, phases, serving, training

PARTS: Mapping[str, Callable[[argparse.Namespace], None]] = {
    "serving": lambda given: serving.run(given.rounds),
    "phases": lambda given: phases.run(given.rounds),
    "growth": lambda given: growth.run(given.rounds),
    "commands": lambda given: commands.run(given.rounds),
    "training": lambda given: training.run(max(3, given.rounds // 2), given.sst2),
    "methods": lambda given: methods.run(max(3, given.rounds // 3), given.environments),
    "page": lambda _: _write(),
}


def main() -> None:
    """Run the parts that are asked for; a mistake is one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--rounds", type=int, default=9, help="rounds that count; slow parts take fewer")
    parser.add_argument("--sst2", type=Path, help="folder of GLUE's SST-2, for training")
    parser.add_argument("--environments", type=Path, help="folder of other packages' environments, for methods")
    given = parser.parse_args()
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for name in given.parts.split(","):
        if name not in PARTS:
            parser.error(f"--parts: {name!r} given; accepted: {', '.join(PARTS)}")
        if (name, given.sst2) == ("training", None) or (name, given.environments) == ("methods", None):
            print(f"{name}: left out, as its files are not given", file=sys.stderr)
            continue
        try:
            PARTS[name](given)
        except ExplainableBertError as error:
            sys.exit(f"error: {error}")


def _write() -> None:
    from .figures import draw  # they read what the other parts have saved
    from .page import PAGE, page

    draw()
    write_text(PAGE, page())


if __name__ == "__main__":
    main()
