"""Fuzzing the parsers of files from outside: `python -m fuzz PARSER` or `--all`, with --seconds or --executions.

Needs atheris. What was run and found goes into fuzz/results.json as it goes; --executions goes on to that many in all,
as long as the sources are the same. Ends with status 1 where something was found.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.tables import between_marks

from explainable_bert.writing import write_text

from .campaign import Campaign, Enough, Results, begun, read_again, run, table
from .parsers import PARSERS

RESULTS = Path(__file__).parent / "results.json"
PAGE = Path(__file__).parent.parent / "docs" / "security.md"


def main() -> None:
    """Fuzz what is asked for, so many parsers at a time."""
    asked = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    asked.add_argument("parsers", nargs="*", metavar="PARSER", help=f"one or more of: {', '.join(PARSERS)}")
    asked.add_argument("--all", action="store_true", help="every parser")
    asked.add_argument("--seconds", type=float, help="for each parser; default: 60, without --executions")
    asked.add_argument("--executions", type=int, help="for each parser, with those that were run before")
    asked.add_argument("--again", action="store_true", help="only read what was found again, and keep what still fails")
    asked.add_argument("--processes", type=int, default=1, help="parsers at a time; default: 1")
    asked.add_argument("--seed", type=int, default=0, help="of what is drawn; default: 0")
    asked.add_argument("--output", type=Path, default=RESULTS, help="default: fuzz/results.json")
    given = asked.parse_args()
    unknown = [name for name in given.parsers if name not in PARSERS]
    if unknown or bool(given.parsers) == given.all:
        asked.error(f"parser: {', '.join(unknown) or 'none'} given; accepted: --all, or {', '.join(PARSERS)}")
    seconds = 60.0 if given.seconds is None and given.executions is None else given.seconds
    results, enough = Results(given.output), Enough(given.executions, seconds)
    names = PARSERS if given.all else given.parsers
    if given.again:
        found = [read_again(campaign) for name, campaign in results.campaigns.items() if name in names]
        for campaign in found:
            results.keep(campaign)
    else:
        with ThreadPoolExecutor(given.processes) as pool:
            found = list(pool.map(lambda name: _fuzz(name, enough, given.seed, results), names))
    if given.output == RESULTS:
        page = PAGE.read_text(encoding="utf-8")
        write_text(PAGE, between_marks(page, {"fuzz": table(results.campaigns)}))
    sys.exit(1 if any(campaign.findings for campaign in found) else 0)


def _fuzz(name: str, enough: Enough, seed: int, results: Results) -> Campaign:
    done = run(begun(name, seed, results.campaigns), enough, results.keep)
    results.keep(done)
    found = [f"  {item['kind']} in {item['where']}: {item['message']}" for item in done.findings]
    said = f"{name}: {done.executions:,} executions in {done.seconds:.0f} s, {done.edges} edges, {len(found)} findings"
    print("\n".join([said, *found]), flush=True)
    return done


if __name__ == "__main__":
    main()
