"""`python -m notebooks [--quick]`: runs every notebook top to bottom and writes it with its outputs."""

import argparse
import sys
import time

from notebooks.building import NOTEBOOKS, built, write


def main() -> int:
    """Run all notebooks; `--quick` trains on very little and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m notebooks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="train on very little, and write nothing")
    arguments = parser.parse_args()
    started = time.monotonic()
    notebooks = built(quick=arguments.quick)
    for source, notebook in zip(NOTEBOOKS, notebooks, strict=True):
        if not arguments.quick:
            write(notebook, NOTEBOOKS[source])
        print(f"{NOTEBOOKS[source].name}: ran")
    print(f"{time.monotonic() - started:.0f} seconds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
