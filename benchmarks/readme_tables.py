"""Writes the tables of README.md from the saved results: `python benchmarks/readme_tables.py`."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def demo_table() -> str:
    """The demo's table: accuracy with its standard error, effective words, parameters, contribution error."""
    report = json.loads((RESULTS / "demo.json").read_text(encoding="utf-8"))
    lines = [
        "| design | accuracy ± standard error | effective words | parameters | contribution error |",
        "|---|---|---|---|---|",
    ]
    for design, row in report["designs"].items():
        error = "—" if row["contribution_error"] is None else f"{row['contribution_error']:.1e}"
        accuracy = f"{row['accuracy']:.3f} ± {row['accuracy_se']:.3f}"
        lines.append(f"| {design} | {accuracy} | {row['effective_words']:.1f} | {row['parameters']:,} | {error} |")
    notes = [f"{note}" for note in report["notes"]]
    setting = f"{report['n_test']:,} test rows, base {report['base']}, {report['machine']}."
    return "\n".join([*lines, "", " ".join([setting, *notes])])


def speed_table() -> str:
    """Ratios explained prediction : stock prediction, median and range over the rounds."""
    result = json.loads((RESULTS / "final_block.json").read_text(encoding="utf-8"))
    lines = ["| model | design | speed of an explained prediction, stock SDPA prediction = 1 |", "|---|---|---|"]
    for row in result["rows"]:
        spread = f"({row['ratio_min']:.2f} to {row['ratio_max']:.2f})"
        lines.append(f"| {row['shape']} | {row['design']} | {row['ratio_median']:.2f} {spread} |")
    return "\n".join([*lines, "", f"Median and range of {result['rows'][0]['rounds']} rounds; {result['machine']}."])


def with_tables(readme: str) -> str:
    """README.md with both tables between their marks made anew."""
    for name, table in (("demo", demo_table()), ("speed", speed_table())):
        pattern = rf"(<!-- {name} table -->\n).*?(<!-- end of {name} table -->)"
        readme = re.sub(pattern, lambda marks, table=table: f"{marks[1]}{table}\n{marks[2]}", readme, flags=re.DOTALL)
    return readme


if __name__ == "__main__":
    readme_file = ROOT / "README.md"
    readme_file.write_text(with_tables(readme_file.read_text(encoding="utf-8")), encoding="utf-8")
