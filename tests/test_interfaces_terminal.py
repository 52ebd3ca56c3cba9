"""What bars show: names of models are in them, and nothing in a name acts on the terminal."""

import io
import re
import sys
import time

import pytest

from explainable_bert.interfaces.terminal import TrainingBar, auditing_bar, measuring_bar, reading_bar
from explainable_bert.training.trainer import TrainingProgress


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


def train(name):
    with TrainingBar() as bar:
        bar.start(name)
        bar.update(TrainingProgress(1, 4, 0.5, None, epoch_ended=False))


def measure(name):
    with measuring_bar() as progress:
        progress(name, 1, 4)


def read(name):
    with reading_bar(name) as progress:
        progress(1, 4)


def audit(name):
    with auditing_bar() as progress:
        progress(name, 1, 4)


def test_a_log_of_training_has_a_line_for_each_tenth_and_each_epochs_end(monkeypatch, capsys):
    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    with TrainingBar() as bar:
        bar.start("lexical")
        for step in range(1, 41):
            accuracy = None if step <= 20 else 0.75
            bar.update(TrainingProgress(step, 40, step / 20, accuracy, epoch_ended=False))
            if step % 20 == 0:
                bar.update(TrainingProgress(step, 40, step / 20, 0.5 + step / 80, epoch_ended=True))
    told = [re.sub(r"about \d+ s", "about N s", line) for line in capsys.readouterr().err.splitlines()]
    assert told == [
        *(f"training lexical: step {step} of 40, epoch {step / 20:.1f}, about N s left" for step in (4, 8, 12, 16)),
        "training lexical: step 20 of 40, epoch 1.0, validation accuracy 0.750, about N s left",
        *(
            f"training lexical: step {step} of 40, epoch {step / 20:.1f}, validation accuracy 0.750, about N s left"
            for step in (24, 28, 32, 36)
        ),
        "training lexical: step 40 of 40, epoch 2.0, validation accuracy 1.000",
    ]


@pytest.mark.parametrize("show", [train, measure, read, audit])
def test_a_name_does_nothing_in_a_bar(show, monkeypatch):
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    show("[red]a[/b]\u202e\x1b]0;title\x07")
    written = sys.stderr.getvalue()
    assert "[red]a[/b]" in written  # no markup, of which [/b] alone would be a mistake
    assert "\u202e" not in written
    assert "\x1b]0" not in written


def test_what_is_written_beside_a_bar_belongs_to_stdout(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    with measuring_bar() as progress:
        progress("measuring", 1, 4)
        sys.stdout.write("a result\n")
    assert capsys.readouterr().out == "a result\n"
    assert "a result" not in sys.stderr.getvalue()


def test_a_log_says_at_once_how_much_there_is_to_measure(capsys):
    with measuring_bar() as progress:
        for done in (0, 40, 100):
            progress("measuring films", done, 100)
        progress("measuring tickets", 30, 100)
    assert capsys.readouterr().err.splitlines() == [
        "measuring films: 100 texts, the longest first",
        "measuring tickets: 70 texts, the longest first",
    ]


def test_a_log_names_each_stage_of_an_audit(capsys):
    with auditing_bar() as progress:
        for done, stage in enumerate(("reading", "completeness", "completeness")):
            progress(stage, done, 2)
    assert capsys.readouterr().err.splitlines() == ["auditing: reading (1 of 2)", "auditing: completeness (2 of 2)"]


def test_a_terminal_has_one_bar_for_an_audit(monkeypatch):
    monkeypatch.setattr(sys, "stderr", FakeTerminal())
    monkeypatch.setenv("TERM", "xterm")
    with auditing_bar() as progress:
        progress("reading", 0, 2)
        progress("completeness", 1, 2)
    last = sys.stderr.getvalue().rpartition("auditing: completeness")[2]
    assert "1/2" in last
    assert "reading" not in last
