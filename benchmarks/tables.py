"""Writes the tables of README and of pages in docs from the saved results: `python -m benchmarks.tables`."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

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


DESIGNS = ("vanilla", "single-head", "additive", "lexical")
COMPARED = (
    ("accuracy", None),
    ("brier", None),
    ("expected-calibration-error", None),
    ("effective-words", "built-in"),
    ("special-token-mass", None),
    ("range-normalised-comprehensiveness", "built-in"),
    ("range-normalised-comprehensiveness", "integrated-gradients"),
    ("range-normalised-comprehensiveness", "occlusion"),
    ("aopc-comprehensiveness", "built-in"),
    ("aopc-comprehensiveness", "random"),
    ("aopc-sufficiency", "built-in"),
)


def comparison_table() -> str:
    """Every design's numbers with their intervals, and the verdicts in words."""
    result = json.loads((RESULTS / "comparison.json").read_text(encoding="utf-8"))
    cells = {(row["design"], row["metric"], row["method"]): row for row in result["rows"]}
    lines = [f"| metric | {' | '.join(DESIGNS)} |", "|---" * (1 + len(DESIGNS)) + "|"]
    for metric, method in COMPARED:
        shown = [_with_interval(cells[design, metric, method]) for design in DESIGNS]
        lines.append(f"| {metric}{'' if method is None else f', {method}'} | {' | '.join(shown)} |")
        if (metric, method) == ("effective-words", "built-in"):
            baseline = _with_interval(cells["vanilla", metric, "attention-product"])
            lines.append(f"| {metric}, product of the heads, untrained | {baseline} | — | — | — |")
    for row in result["costs"]:
        if row["metric"] == "gflops-per-text":
            cells[row["design"], row["metric"], None] = row
    shown = [f"{cells[design, 'gflops-per-text', None]['value']:.2f}" for design in DESIGNS]
    lines.append(f"| GFLOPs per explained text | {' | '.join(shown)} |")
    verdicts = [f"- {verdict}" for verdict in result["verdicts"]]
    settings = result["settings"]
    note = f"{settings['data']}; erasure {settings['erasure']}; 95 % intervals; one seed. In words:"
    return "\n".join([*lines, "", f"{note[0].upper()}{note[1:]}", "", *verdicts])


def _with_interval(row: dict[str, Any]) -> str:
    if row["value"] is None:
        return "—"
    n_decimals = 3 if row["metric"] == "accuracy" else 2
    interval = "" if row["low"] is None else f" ({row['low']:z.{n_decimals}f} to {row['high']:z.{n_decimals}f})"
    return f"{row['value']:z.{n_decimals}f}{interval}"


def audit_table() -> str:
    """What passed and failed for every design."""
    audits = {design: json.loads((RESULTS / f"audit_{design}.json").read_text(encoding="utf-8")) for design in DESIGNS}
    names = list(dict.fromkeys(check["name"] for audit in audits.values() for check in audit["checks"]))
    checks = {(design, check["name"]): check for design, audit in audits.items() for check in audit["checks"]}
    lines = [f"| check | {' | '.join(DESIGNS)} |", "|---" * (1 + len(DESIGNS)) + "|"]
    for name in names:
        lines.append(f"| {name} | {' | '.join(_outcome(checks.get((design, name))) for design in DESIGNS)} |")
    settings = audits[DESIGNS[0]]["settings"]
    note = f"{settings['texts']} test texts of movie-snippets, seed {settings['seed']}. — does not apply."
    return "\n".join([*lines, "", note])


def _outcome(check: dict[str, Any] | None) -> str:
    if check is None or check["value"] is None:
        return "—"
    word = {True: "pass", False: "**fail**", None: "measured"}[check["passed"]]
    bound = f" ({check['relation']} {check['threshold']:.3g})" if check["relation"] else ""
    return f"{word} {check['value']:.2g}{bound}"


PLAUSIBLE = ("token-f1", "average-precision", "iou-f1")
CONTROLS = ("random", "lexicon", "shuffled-human", "human")


def plausibility_table() -> str:
    """Agreement of each design's own explanation with people, and of the controls."""
    rows = {
        (design, row["metric"], row["method"]): row
        for design in DESIGNS
        for row in json.loads((RESULTS / f"plausibility_{design}.json").read_text(encoding="utf-8"))
    }
    lines = [f"| whose words | {' | '.join(PLAUSIBLE)} |", "|---" * (1 + len(PLAUSIBLE)) + "|"]
    for name, design, method in (
        *((f"{design}, built-in", design, "built-in") for design in DESIGNS),
        *((control, DESIGNS[0], control) for control in CONTROLS),
    ):
        lines.append(f"| {name} | {' | '.join(_with_interval(rows[design, m, method]) for m in PLAUSIBLE)} |")
    n = rows[DESIGNS[0], PLAUSIBLE[0], "built-in"]["n"]
    note = (
        f"{n} reviews of Yelp-HAT, three people each; 95 % intervals. lexicon: VADER's valences, no context. human: "
        "one person against another; shuffled-human: the same marks dealt out at random. People mark words without "
        "ranking them, so average precision can exceed theirs."
    )
    return "\n".join([*lines, "", note])


def evaluation_speed_table() -> str:
    """Our evaluation beside ferret's, as ratios from one run."""
    result = json.loads((RESULTS / "evaluation_speed.json").read_text(encoding="utf-8"))
    lines = [
        "| erasure, ours | ferret-xai | texts per second, ours | ferret-xai | ratio |",
        "|---|---|---|---|---|",
    ]
    for row in result["ratios"]:
        spread = f"{row['ratio_median']:.1f} ({row['ratio_min']:.1f} to {row['ratio_max']:.1f})"
        speeds = f"{row['ours_texts_per_second']:.1f} | {row['ferret_texts_per_second']:.2f}"
        lines.append(f"| {row['ours']} | {row['ferret'].replace('_', ' ')} | {speeds} | {spread} |")
    versions = result["ferret_versions"]
    note = (
        f"AOPC comprehensiveness and sufficiency of {len(result['methods'])} methods; {result['texts']}; "
        f"{result['machine']}; ferret-xai {versions['ferret-xai']}. Ferret deletes words; its defaults are another "
        "grid of sizes, positive scores only."
    )
    return "\n".join([*lines, "", note])


def page_table() -> str:
    """What visitors of the web page wait for, and its memory."""
    result = json.loads((RESULTS / "app_latency.json").read_text(encoding="utf-8"))
    alone, crowd, memory = result["latency"], result["simultaneous"], result["memory"]
    lines = ["| who waits | answers | median, s | 95th percentile, s |", "|---|---|---|---|"]
    many = f"{crowd['users']} users at once, {crowd['requests_each']} questions each, by the API"
    for who, waited in (("one visitor, from Enter to both answers in Chromium", alone), (many, crowd)):
        seconds = waited["seconds"]
        lines.append(f"| {who} | {seconds['n']} | {seconds['median']:.2f} | {seconds['p95']:.2f} |")
    note = (
        f"Sentences of 30 words; {' and '.join(Path(model).name for model in result['models'])}, both MiniLM; "
        f"{result['machine']}, which the browser shares with the server. Unanswered: {alone['unanswered']}; errors of "
        f"the many: {sum(crowd['errors'].values())}, answers to another's question: {crowd['swapped']}. The server's "
        f"memory over {memory['requests']:,} questions after {memory['warm_up']}: {memory['growth_percent']:+.1f} %."
    )
    return "\n".join([*lines, "", note])


def paper_table() -> str:
    """The flagship beside its twin and the founding designs."""
    from benchmarks.paper.goals import Results
    from benchmarks.paper.page import readme_table

    return readme_table(Results(json.loads((RESULTS / "paper_cpu.json").read_text(encoding="utf-8"))))


# Which table is in which page; between_marks says where.
PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "README.md": {"paper": paper_table},
    "docs/designs.md": {"speed": speed_table},
    "docs/explaining.md": {"methods": methods_table},
    "docs/measuring.md": {
        "demo": demo_table,
        "comparison": comparison_table,
        "audit": audit_table,
        "plausibility": plausibility_table,
        "evaluation speed": evaluation_speed_table,
    },
    "docs/web-page.md": {"page": page_table},
}


def with_tables(name: str, content: str) -> str:
    """The page of that name with the tables between their marks made anew."""
    return between_marks(content, {table: make() for table, make in PAGES[name].items()})


def between_marks(content: str, tables: Mapping[str, str]) -> str:
    """A page with each table between the marks that have its name."""
    for name, table in tables.items():
        before, rest = content.split(f"<!-- {name} table -->\n")
        after = rest.split(f"<!-- end of {name} table -->")[1]
        content = f"{before}<!-- {name} table -->\n{table}\n<!-- end of {name} table -->{after}"
    return content


if __name__ == "__main__":
    for page in PAGES:
        file = ROOT / page
        file.write_text(with_tables(page, file.read_text(encoding="utf-8")), encoding="utf-8")
