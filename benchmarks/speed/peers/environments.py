"""Makes an environment for each requirements file beside this module: `python environments.py FOLDER`."""

import argparse
import subprocess
import sys
from pathlib import Path

# The CPU build that lies on our machines; a torch of pip's own choice would bring gigabytes of CUDA along.
TORCH = "torch==2.13.0"


def make_environment(requirements: Path, folder: Path) -> None:
    """Make FOLDER/NAME/.venv and install the requirements into it; what is there already is kept and completed.

    Raises subprocess.CalledProcessError if venv or pip fails.
    """
    environment = folder / requirements.stem / ".venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [environment / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-cache-dir"]
    subprocess.run([*pip, TORCH, "-r", requirements], check=True)


def main() -> None:
    """Make all environments, or those that --only names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="+", help="names of requirements files, without .txt")
    arguments = parser.parse_args()
    found = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.txt"))}
    for name in arguments.only or found:
        print(f"{name} ...", file=sys.stderr, flush=True)
        make_environment(found[name], arguments.folder)


if __name__ == "__main__":
    main()
