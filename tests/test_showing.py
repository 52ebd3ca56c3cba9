"""The command that serves the page: which models it takes, and what it refuses before it serves."""

import pytest

from explainable_bert.errors import FileError, InputError
from explainable_bert.interfaces import showing


def trained(folder, *names):
    for name in names:
        (folder / "models" / name).mkdir(parents=True)
        (folder / "models" / name / "training_report.json").touch()


def test_the_demo_s_models_are_found_base_and_counterpart_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    trained(tmp_path / "runs" / "demo", "additive", "explainable", "vanilla")
    (tmp_path / "runs" / "demo" / "models" / "unfinished").mkdir()
    folders = showing._demo_models(train_demo=False)
    assert folders == [f"runs/demo/models/{name}" for name in ("vanilla", "explainable", "additive")]


def test_without_a_demo_it_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^models: none given.*--demo"):
        showing._demo_models(train_demo=False)


def test_a_demo_is_trained_where_asked_for_and_absent(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(showing, "demo", lambda: trained(tmp_path / "runs" / "demo", "vanilla"))
    assert showing._demo_models(train_demo=True) == ["runs/demo/models/vanilla"]
    monkeypatch.setattr(showing, "demo", lambda: pytest.fail("trained again"))
    assert showing._demo_models(train_demo=True) == ["runs/demo/models/vanilla"]


def test_credentials_come_from_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text("sword:fish \nmore\n", encoding="utf-8")
    assert showing._credentials(f"ada:{file}") == ("ada", "sword:fish")


@pytest.mark.parametrize("auth", ["ada", "ada:", ":secret"])
def test_credentials_of_another_form(auth):
    with pytest.raises(InputError, match=r"^auth: "):
        showing._credentials(auth)


def test_credentials_that_are_not_there(tmp_path):
    with pytest.raises(FileError, match=r"^auth: cannot read"):
        showing._credentials(f"ada:{tmp_path / 'none'}")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(InputError, match=r"^auth: .*no password"):
        showing._credentials(f"ada:{tmp_path / 'empty'}")
