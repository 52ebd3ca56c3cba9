"""The demo with a tiny base: the order of its designs, what each is trained from, and what the command says."""

import json

import pytest

from explainable_bert import demo
from explainable_bert.training.report import TrainingReport
from test_cli import call
from tiny import toy_corpus

DESIGNS = ["vanilla", "single-head", "additive", "lexical", "explainable"]


@pytest.fixture(scope="module")
def made(tmp_path_factory, stock_folder):
    """The folder of a quick demo, and what the command said."""
    folder = tmp_path_factory.mktemp("runs") / "demo"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "_BASE", str(stock_folder))
        patch.setattr(demo, "load_corpus", lambda _: toy_corpus())
        patch.setattr(demo, "_SENTENCE_WORDS", range(4, 19))
        return folder, call(["demo", "--quick", "--output", folder])


def asked(folder, design):
    return TrainingReport.load(folder / "models" / design / "training_report.json").run


def test_five_designs_in_order(made):
    folder, (code, out, err) = made
    assert code == 0, err
    assert list(json.loads((folder / "report.json").read_text())["designs"]) == DESIGNS
    assert {path.name for path in (folder / "models").iterdir()} == set(DESIGNS)
    began = [line.split(":")[0] for line in err.splitlines() if line.startswith("training ")]
    assert list(dict.fromkeys(began)) == [
        f"training {design}, design {number} of 5" for number, design in enumerate(DESIGNS, start=1)
    ]
    shown = [line.split(":")[0].strip("─ ") for line in out.splitlines() if ": accuracy 0" in line]
    assert shown == DESIGNS


def test_explainable_is_trained_from_and_by_the_demos_vanilla_model(made, stock_folder):
    folder, _ = made
    vanilla = str(folder / "models" / "vanilla")
    bases = {design: asked(folder, design)["request"]["base"] for design in DESIGNS}
    assert bases == {**dict.fromkeys(DESIGNS, str(stock_folder)), "explainable": vanilla}
    teachers = {design: asked(folder, design)["request"]["teacher"] for design in DESIGNS}
    assert teachers == {**dict.fromkeys(DESIGNS), "lexical": vanilla, "explainable": vanilla}
    settings = {design: asked(folder, design)["settings"] for design in DESIGNS}
    plain = settings["vanilla"]
    assert (plain["masked_fine_tuning"], plain["values_apart"], plain["readout_rate"]) == (True, False, 1)
    for design in DESIGNS[1:-1]:
        assert settings[design] == plain
    assert settings["explainable"] == {**plain, "values_apart": True, "readout_rate": 10}
    layers = [asked(folder, design)["request"]["value_layer"] for design in ("lexical", "explainable")]
    assert layers == [2, None]


def test_what_to_do_next_is_about_explainable(made):
    folder, (_, out, _) = made
    model = folder / "models" / "explainable"
    assert out.splitlines()[-2:] == [
        f'Try next  explainable-bert explain {model} "Slow, but never dull."',
        f"          explainable-bert info {model}",
    ]
    code, explained, _ = call(["explain", model, "Slow, but never dull."])
    assert code == 0
    assert "design explainable" in explained
