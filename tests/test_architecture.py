"""What machines can hold of the architecture: public names, import purity, a job said in every module."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import explainable_bert

PACKAGE = Path(explainable_bert.__file__).parent


def test_public_names():
    assert explainable_bert.__all__ == [
        "ExplainableBertConfig",
        "ExplainableBertForSequenceClassification",
        "ExplainableClassifier",
        "Explanation",
        "Prediction",
        "__version__",
        "load_explanations",
        "render",
        "save_explanations",
        "show",
    ]
    for name in explainable_bert.__all__:
        assert getattr(explainable_bert, name) is not None


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'torch', 'transformers', 'datasets', 'pyarrow', 'numpy', 'rich', 'jinja2', 'typer', 'matplotlib'}"
    code = f"import sys, explainable_bert; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_command_starts_without_torch():
    code = "import sys, explainable_bert.interfaces.cli; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_every_module_says_its_job():
    silent = [path.name for path in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []


def test_no_grab_bags():
    assert not {path.stem for path in PACKAGE.rglob("*.py")} & {"utils", "common", "helpers", "base", "config"}


def test_nobody_trusts_remote_code():
    """Loading says no by itself: transformers would ask whoever sits at the terminal."""
    sources = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    assert set(re.findall(r"trust_remote_code\S*", sources)) == {"trust_remote_code=False)"}
