"""The page on integrations: every Python block of it runs."""

import os
import re
from pathlib import Path

import pytest

from explainable_bert.training.run import train
from explainable_bert.training.settings import ModelRequest, TrainingSettings
from tiny import toy_corpus

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "integrations.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
# What each block is to leave, by the first library that it imports from.
LEAVES = ("classify", "trainer", "table", "again", "by_word")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory, stock_folder):
    folder = tmp_path_factory.mktemp("page")
    settings = TrainingSettings(epochs=1, batch_size=8)
    train(ModelRequest(str(stock_folder), "additive"), toy_corpus(), folder / "runs" / "x", settings)
    return folder


def test_there_is_a_block_for_each():
    assert len(BLOCKS) == len(LEAVES)


@pytest.mark.parametrize(("block", "left"), list(zip(BLOCKS, LEAVES, strict=False)), ids=LEAVES[: len(BLOCKS)])
@pytest.mark.filterwarnings("ignore:Input Tensor .* did not already require gradients:UserWarning")
def test_the_block_runs(block, left, workplace, monkeypatch):
    monkeypatch.chdir(workplace)
    monkeypatch.setenv("HF_DATASETS_CACHE", os.fspath(workplace))
    names = {"__name__": "page"}
    exec(compile(block, str(PAGE), "exec"), names)
    assert left in names
    if left == "table":
        assert names["table"].column_names == ["text", "label", "probability", "words", "scores"]
        assert names["table"]["words"][1] == ["Dull", "."]
    if left == "by_word":
        assert names["by_word"].shape == names["by_token"].shape == names["batch"].input_ids.shape
