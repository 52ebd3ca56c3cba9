"""The benchmark of docs/performance.md: its page from the saved results, its goals, and how growth is fitted."""

import json
from pathlib import Path

import pytest
from benchmarks.speed import results
from benchmarks.speed.commands import N_TEXTS, growth
from benchmarks.speed.figures import FIGURE, draw
from benchmarks.speed.goals import Goal, _memory, goals
from benchmarks.speed.growth import exponent
from benchmarks.speed.page import page
from benchmarks.speed.peers import environments
from benchmarks.speed.phases import Phases

from explainable_bert.errors import InputError

ROOT = Path(__file__).parent.parent


def test_the_page_and_its_figure_are_those_of_the_saved_results(tmp_path, monkeypatch):
    assert page() == (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    saved = FIGURE.read_bytes()
    monkeypatch.setattr("benchmarks.speed.figures.FIGURE", tmp_path / "x.svg")
    draw()
    assert (tmp_path / "x.svg").read_bytes() == saved


def test_every_goal_has_a_number_and_a_verdict():
    found = {goal.what: goal for goal in goals()}
    assert len(found) >= 12
    for goal in found.values():
        assert goal.verdict in ("reached", "missed", "not measured")
        assert goal.reached is None or any(character.isdigit() for character in goal.found)
    assert [Goal("", "", "", reached).verdict for reached in (True, False, None)] == [
        "reached",
        "missed",
        "not measured",
    ]


@pytest.mark.parametrize(("peak", "verdict"), [(1100, "reached"), (1101, "missed"), (None, "not measured")])
def test_a_verdict_is_that_of_the_number(monkeypatch, tmp_path, peak, verdict):
    measured = {"1000 texts": {"peak_bytes": 1000}} | ({} if peak is None else {"100000 texts": {"peak_bytes": peak}})
    monkeypatch.setattr("benchmarks.speed.goals.path_of", lambda _: tmp_path)
    monkeypatch.setattr("benchmarks.speed.goals.load", lambda _: {"rows": measured})
    assert _memory().verdict == verdict


def test_an_exponent_by_hand():
    assert exponent([1, 10, 100], [3, 30, 300]) == pytest.approx(1)
    assert exponent([2, 4, 8], [5, 20, 80]) == pytest.approx(2)
    rows = {f"{count} texts": {"seconds": count**0.5} for count in N_TEXTS}
    assert growth(rows) == pytest.approx(0.5)


def test_results_go_on_where_they_stopped_and_are_not_mixed(tmp_path, monkeypatch):
    monkeypatch.setattr(results, "FOLDER", tmp_path)
    results.Results("x", {"rounds": 3}).add("one", {"seconds": 1})
    again = results.Results("x", {"rounds": 3})
    assert ("one" in again, "two" in again) == (True, False)
    again.add("two", 2)
    assert results.load("x")["rows"] == {"one": {"seconds": 1}, "two": 2}
    with pytest.raises(InputError, match="begun with other settings; delete it to begin anew"):
        results.Results("x", {"rounds": 4})
    monkeypatch.setattr(results, "machine", lambda: "another")
    with pytest.raises(InputError, match="begun with other machine;"):
        results.Results("x", {"rounds": 3})


def test_shares_of_the_peak_are_what_they_say():
    """The saved FLOPs per token are those of the matrices, counted by hand for sentences of 25 word pieces."""
    row = Phases(**results.load("phases")["rows"]["MiniLM-L6 25"])
    width, inner, length, blocks = 384, 1536, 25, 5
    by_hand = 2 * blocks * (4 * width**2 + 2 * width * inner + 2 * length * width)
    assert row.flops_per_token == pytest.approx(by_hand, rel=0.01)
    assert row.stock_flops_per_token == pytest.approx(by_hand * 6 / 5, rel=0.02)
    achieved = row.flops_per_token * row.n_tokens / row.passes_seconds
    assert row.passes_share == pytest.approx(achieved / (row.peak_gflops * 1e9), rel=0.2)


def test_every_environment_pins_what_it_measures():
    folder = Path(environments.__file__).parent
    pins = [line for file in folder.glob("*.txt") for line in file.read_text().splitlines() if line[:1].isalpha()]
    assert all("==" in pin for pin in pins)
    assert json.dumps(pins).count("torch==2.13.0") == len(list(folder.glob("*.txt")))
