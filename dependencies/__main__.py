"""`python -m dependencies COMMAND`: writes what is made from the declared dependencies."""

import argparse
import json
import sys
from pathlib import Path

from dependencies import licences, lowest, runs, sbom, vulnerabilities


def main() -> int:
    """Run one command and give its exit status."""
    parser = argparse.ArgumentParser(prog="python -m dependencies", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("lowest", help="write constraints-lowest.txt from pyproject.toml")
    commands.add_parser("licences", help="write docs/licences.md from docs/sbom.json")
    bill = commands.add_parser("sbom", help="write docs/sbom.json from this environment")
    bill.add_argument("tool", type=Path, help="cyclonedx-py, in an environment of its own")
    audit = commands.add_parser("vulnerabilities", help="ask what is known against constraints.txt")
    audit.add_argument("tool", type=Path, help="pip-audit, in an environment of its own")
    record = commands.add_parser("record", help="write what pytest said of this environment into docs/dependencies.md")
    record.add_argument("set", choices=["lowest", "newest"])
    record.add_argument("reports", type=Path, nargs="+", help="pytest's --junitxml; of runs in parts, in order")
    arguments = parser.parse_args()
    if arguments.command == "vulnerabilities":
        said, status = vulnerabilities.audit(arguments.tool)
        print(said)
        return status
    _write(arguments)
    return 0


def _write(arguments: argparse.Namespace) -> None:
    if arguments.command == "lowest":
        lowest.LOWEST.write_text(lowest.text(), encoding="utf-8")
    elif arguments.command == "record":
        runs.record(arguments.set, arguments.reports)
    elif arguments.command == "sbom":
        sbom.SBOM.write_text(sbom.make(arguments.tool), encoding="utf-8")
    else:
        bill = json.loads(sbom.SBOM.read_text(encoding="utf-8"))
        licences.LICENCES.write_text(licences.page(bill), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
