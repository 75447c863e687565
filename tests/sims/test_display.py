"""What is shown while a sweep goes on, on a terminal and off it."""

from __future__ import annotations

import io
import math
import sys
import warnings

import pytest

from sims.display import Live, Plain, in_words, loss_table, watching
from sims.errors import SweepWarning
from sims.progress import InTraining, Progress
from sims.store import Run
from tests.sims.small import setting

GRID = setting(widths=(32, 64, 128), lrs=(0.25, 0.5), seeds=(0, 1))
LOSSES = {
    Run(32, 0.25, 0): 0.5, Run(32, 0.25, 1): 0.7, Run(32, 0.5, 0): 0.4, Run(32, 0.5, 1): math.inf,
    Run(64, 0.25, 0): 0.3,
}  # fmt: skip
NOW = Progress(5, 12, training=(InTraining(64, 3, 5, 20),), share=0.4, losses=LOSSES)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_table_shows_means_gaps_and_the_best():
    assert loss_table(GRID, NOW, columns=80) == [
        "lr / width        32        64       128",
        "      0.25      0.6*     (0.3)         .",
        "       0.5      inf        25%         .",
    ]


def test_little_room_drops_the_narrowest_widths():
    assert loss_table(GRID, NOW, columns=33)[0] == "lr / width        64       128"
    assert loss_table(GRID, NOW, columns=1)[0] == "lr / width       128"


def test_further_hyperparameters_show_the_best_of_them():
    losses = {Run(32, 0.25, seed, (("beta1", b),)): loss for seed, b, loss in
              [(0, 0.5, 1.0), (1, 0.5, 2.0), (0, 0.9, 3.0), (1, 0.9, 1.0)]}  # fmt: skip
    grid = setting(widths=(32,), lrs=(0.25,), hps=(("beta1", (0.5, 0.9)),))
    row = loss_table(grid, Progress(4, 4, losses=losses), 80)
    assert row[1].split() == ["0.25", "1.5*"]


def test_in_words():
    assert in_words(NOW) == "5/12 runs, width 64 step 5/20"
    assert in_words(Progress(5, 12, failed=2, elsewhere=3)) == (
        "5/12 runs, 2 failed, 3 trained by other processes"
    )


def test_off_a_terminal_a_line_is_printed_when_something_is_stored(capsys):
    shown = Plain(GRID)
    for finished, share in ((0, 0.0), (0, 0.1), (5, 0.5), (5, 0.6), (12, 1.0)):
        shown(Progress(finished, 12, share=share))
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(";")[0] for line in lines] == [
        "digits (smoke): 0/12 runs", "digits (smoke): 5/12 runs", "digits (smoke): 12/12 runs",
    ]  # fmt: skip
    assert "50%, 00:00<00:00" in lines[1]


def test_on_a_terminal_the_picture_is_redrawn_in_place(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("sims.display.REDRAW", 0.0)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    with watching(GRID) as progress:
        assert isinstance(progress, Live)
        progress(NOW)
        warnings.warn("something was put right", SweepWarning, stacklevel=1)
        progress(NOW)
    first, *_ = terminal.getvalue().split("\x1b[5F\x1b[J")
    assert first.splitlines()[0] == "lr / width        32        64       128"
    assert " 40%|" in first
    assert "\x1b[5F\x1b[Jnote: something was put right\n" in terminal.getvalue()
    assert terminal.getvalue().count("lr / width") == 3  # twice by progress, once at the end


def test_a_table_that_does_not_fit_is_left_out(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "6")
    Live(GRID)(NOW)
    assert terminal.getvalue().splitlines()[0] == "digits (smoke): 5/12 runs, width 64 step 5/20"


def test_the_time_left_does_not_count_what_an_earlier_call_did(monkeypatch):
    """From 80 % to 90 % in 10 s: 10 s are left, not 1.1 s."""
    now = 0.0
    monkeypatch.setattr("sims.display.time.monotonic", lambda: now)
    shown = Plain(GRID)
    meter = "{elapsed}<{remaining}"
    assert shown.clock.meter(Progress(8, 10, share=0.8), meter).startswith("00:00<")
    now = 10.0
    assert shown.clock.meter(Progress(9, 10, share=0.9), meter) == "00:10<00:10"


def test_warnings_are_sentences(capsys):
    with watching(GRID):
        warnings.warn("a checkpoint was damaged", SweepWarning, stacklevel=1)
    assert capsys.readouterr().err == "note: a checkpoint was damaged\n"
    with pytest.warns(SweepWarning):
        warnings.warn("outside, warnings are warnings", SweepWarning, stacklevel=1)
