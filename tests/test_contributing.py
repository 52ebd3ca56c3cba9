"""What CONTRIBUTING.md says holds: its table names what is there, and its changes do what they are said to do."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PACKAGE = ROOT / "src" / "explainable_bert"
DIFFS = dict(re.findall(r"^### An? (\w+)\n.*?^```diff\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE))

USES = {
    "design": """
from explainable_bert import ExplainableBertForSequenceClassification
model = ExplainableBertForSequenceClassification.from_base(FOLDER, design="halfway", num_labels=3)
assert model.config.values_from == model.config.num_hidden_layers // 2 > 0
""",
    "explainer": """
from explainable_bert import ExplainableClassifier
explained = ExplainableClassifier.load(FOLDER).explain(["good bad film"], method="reading-order")[0]
assert [round(score, 5) for score in explained.attribution.scores] == [1, 0.66667, 0.33333], explained
""",
    "metric": """
import numpy as np
from explainable_bert.evaluation.measures import MEASURES
from explainable_bert.metrics.sharpness import units_of_half
assert "units-of-half" in MEASURES
assert [units_of_half(np.array(scores)) for scores in ([4.0, 1, 1], [1, -2, 2, 1], [0, 0])] == [1, 2, None]
""",
    "corpus": """
from explainable_bert.data import load_corpus
corpus = load_corpus("greetings")
assert corpus.labels == ("farewell", "greeting")
assert len(corpus.train) + len(corpus.validation) + len(corpus.test) == 48
""",
}


def test_the_table_names_what_is_there():
    table = re.search(r"\| place \| its job \|\n(.*?)\n\n", PAGE, flags=re.DOTALL)[1]
    named = {word for row in table.splitlines() for word in re.findall(r"`([^`]+)`", row.split("|")[1])}
    there = {f"{path.name}/" for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    there |= {path.name for path in PACKAGE.glob("[!_]*.py")}
    assert there <= named
    assert all((ROOT / name).is_dir() for name in named - there)


def test_there_is_a_change_for_each_kind():
    assert DIFFS.keys() == USES.keys()


def hunks(diff):
    """Each file's (lines before, lines added, lines after), which a patch tool would hold to the line numbers."""
    for of_file in re.split(r"^--- .*\n", diff, flags=re.MULTILINE)[1:]:
        name = re.match(r"\+\+\+ b/(\S+)\n", of_file)[1]
        for hunk in re.split(r"^@@.*\n", of_file, flags=re.MULTILINE)[1:]:
            before, added, after = re.fullmatch(r"((?: .*\n)*)((?:\+.*\n)+)((?: .*\n)*)", hunk).groups()
            yield name, *([line[1:] for line in part.splitlines()] for part in (before, added, after))


def apply(diff, root):
    """Put every hunk where its lines before or after stand once: beside it, others may have added something too."""
    for name, before, added, after in hunks(diff):
        file = root / name
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        places = {
            start + shift
            for block, shift in ((before, len(before)), (after, 0))
            for start in range(len(lines) - len(block) + 1)
            if any(block) and lines[start : start + len(block)] == block and n_times(block, lines) == 1
        }
        assert places or not lines, f"CONTRIBUTING.md: {name} has no place for {added}; give that diff other lines"
        place = max(places, default=0)
        file.write_text("\n".join([*lines[:place], *added, *lines[place:]]) + "\n", encoding="utf-8")


def n_times(block, lines):
    return sum(lines[start : start + len(block)] == block for start in range(len(lines)))


@pytest.mark.parametrize("kind", USES)
def test_a_change_does_what_it_is_said_to_do(kind, tmp_path, stock_folder):
    shutil.copytree(PACKAGE, tmp_path / "src" / "explainable_bert", ignore=shutil.ignore_patterns("__pycache__"))
    touched = set(re.findall(r"^\+\+\+ b/(\S+)", DIFFS[kind], flags=re.MULTILINE))
    assert len(touched) <= 2
    apply(DIFFS[kind], tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src"), "HF_HUB_OFFLINE": "1"}
    code = [
        f"import explainable_bert\nassert {str(tmp_path)!r} in explainable_bert.__file__",
        f"FOLDER = {str(stock_folder)!r}{USES[kind]}",
    ]
    subprocess.run([sys.executable, "-c", "\n".join(code)], env=environment, check=True, cwd=tmp_path)


@pytest.mark.parametrize("kind", USES)
def test_a_change_is_in_the_form_that_is_checked(kind, tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "src" / "explainable_bert", ignore=shutil.ignore_patterns("__pycache__"))
    apply(DIFFS[kind], tmp_path)
    files = [str(tmp_path / name) for name in re.findall(r"^\+\+\+ b/(\S+)", DIFFS[kind], flags=re.MULTILINE)]
    settings = ["--config", str(ROOT / "pyproject.toml"), "--no-cache"]
    for command in (["check"], ["format", "--check"]):
        subprocess.run([sys.executable, "-m", "ruff", *command, *settings, *files], check=True, cwd=tmp_path)
