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


def methods_table() -> str:
    """Passes and texts per second of every explainer, and integrated gradients beside captum's."""
    result = json.loads((RESULTS / "explainers.json").read_text(encoding="utf-8"))
    lines = ["| method | what it is | forward | backward | texts per second |", "|---|---|---|---|---|"]
    for row in result["rows"]:
        design = "" if row["design"] == "vanilla" else f" ({row['design']})"
        cells = (row["summary"], row["forward_passes"], row["backward_passes"], f"{row['texts_per_second']:.3g}")
        lines.append(f"| {row['method']}{design} | {' | '.join(cells)} |")
    ratio = result["integrated_gradients_over_captum"]
    spread = f"{ratio['ratio_median']:.2f} ({ratio['ratio_min']:.2f} to {ratio['ratio_max']:.2f})"
    note = (
        f"{result['texts']}; {result['machine']}. Integrated gradients run at {spread} times the speed of captum's, "
        f"one text at a time, with the same {ratio['n_steps']} steps; scores differ by at most "
        f"{ratio['largest_relative_difference']:.0e} of the largest."
    )
    return "\n".join([*lines, "", note])


def with_tables(readme: str) -> str:
    """README.md with the tables between their marks made anew."""
    for name, table in (("demo", demo_table()), ("methods", methods_table()), ("speed", speed_table())):
        pattern = rf"(<!-- {name} table -->\n).*?(<!-- end of {name} table -->)"
        readme = re.sub(pattern, lambda marks, table=table: f"{marks[1]}{table}\n{marks[2]}", readme, flags=re.DOTALL)
    return readme


if __name__ == "__main__":
    readme_file = ROOT / "README.md"
    readme_file.write_text(with_tables(readme_file.read_text(encoding="utf-8")), encoding="utf-8")
