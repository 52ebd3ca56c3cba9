"""Asks pip-audit what is known against the pinned versions, and says aloud what was not checked."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any, Final

from dependencies.declared import CONSTRAINTS

# What pip-audit's output, or the error that ended it, says where nobody answers.
_UNREACHED: Final = ("ConnectionError", "ConnectTimeout", "ReadTimeout", "ProxyError", "SSLError", "NewConnectionError")


def audit(tool: Path, pinned: Path = CONSTRAINTS) -> tuple[str, int]:
    """What is known against the pinned versions, as text, and the exit status: 1 if anything is.

    Raises RuntimeError if the tool fails for another reason than that no database answered.
    """
    command: list[str | Path] = [tool, "--requirement", pinned, "--no-deps", "--disable-pip", "--format", "json"]
    quiet = os.environ | {"PIP_AUDIT_PROGRESS_SPINNER": "off"}
    done = subprocess.run(command, capture_output=True, text=True, env=quiet, check=False)
    if done.stdout.strip():
        return _verdict(json.loads(done.stdout)["dependencies"])
    last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    if any(name in done.stderr for name in _UNREACHED):
        return f"NOTHING WAS CHECKED: no advisory database answered ({last})", 0
    raise RuntimeError(f"{tool.name} failed: {last}")


def _verdict(found: list[dict[str, Any]]) -> tuple[str, int]:
    # pip-audit itself calls packages that its database does not know free of vulnerabilities.
    checked = [part for part in found if "vulns" in part]
    unchecked = [part["name"] for part in found if "vulns" not in part]
    if not checked:
        return f"NOTHING WAS CHECKED: the advisory database knows none of the {len(unchecked)} packages", 0
    lines = [_line(part, each) for part in checked for each in part["vulns"]]
    missing = [f"NOT CHECKED ({len(unchecked)}): {', '.join(unchecked)}"] if unchecked else []
    return "\n".join([*lines, f"{len(checked)} packages checked, {len(lines)} advisories", *missing]), int(bool(lines))


def _line(part: dict[str, Any], advisory: dict[str, Any]) -> str:
    mended = ", ".join(advisory.get("fix_versions", ())) or "no version"
    return f"{part['name']} {part['version']}: {advisory['id']}, mended in {mended}"
