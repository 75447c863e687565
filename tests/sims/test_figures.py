"""Figures of experiments are drawn by number from run directories."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from benchmarks.synthetic_sweeps import sweep as synthetic_sweep
from hptheory.cli import main
from hptheory.errors import UnknownNameError
from sims import figures
from sims.figures import EXPERIMENTS, draw


def test_every_figure_names_a_function_that_exists() -> None:
    for target in EXPERIMENTS.values():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_an_unknown_figure_is_a_named_error() -> None:
    with pytest.raises(UnknownNameError):
        draw("999", [])


def test_the_command_asks_for_runs_and_then_draws_from_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(EXPERIMENTS, "2", f"{__name__}:drawn_from")
    assert main(["figure", "2", "--out", str(tmp_path)]) == 2
    assert "--runs" in capsys.readouterr().err
    monkeypatch.setattr(figures, "import_module", lambda name: __import__("sys").modules[name])
    assert main(["figure", "2", "--runs", "a", "b", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "figure_02.png").exists()
    assert (tmp_path / "figure_02.csv").read_text() == "run\na\nb\n"


def drawn_from(runs: list[Path]):
    from matplotlib.figure import Figure

    return Figure(), {"run": [str(path) for path in runs]}


def test_the_replay_has_a_panel_a_run_directory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("sims.replay.read_runs", lambda run: synthetic_sweep(0.5, 1.0, noise=0.002))
    monkeypatch.setattr("sims.replay._name", lambda run: f"setting of {run}")
    assert main(["figure", "replay", "--runs", "a", "b", "--out", str(tmp_path)]) == 0
    numbers = (tmp_path / "figure_replay.csv").read_text()
    assert "setting of a,direct,measured slope" in numbers
    assert "setting of b,transfer,predicted slope" in numbers
