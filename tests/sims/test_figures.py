"""Figures of experiments are drawn by number from run directories."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

from benchmarks.synthetic_sweeps import sweep as synthetic_sweep
from hptheory.cli import FIGURES, main
from hptheory.errors import UnknownNameError
from sims import figures
from sims.figure_table import Experiment
from sims.figures import EXPERIMENTS, draw
from sims.settings import SETTINGS

PRINTED = {str(number) for number in range(1, 36)}  # of arXiv 2512.22768


def test_every_figure_names_a_function_that_takes_its_options() -> None:
    for experiment in EXPERIMENTS.values():
        module, function = experiment.drawing.split(":")
        found = getattr(importlib.import_module(module), function)
        data = {"data_dir": Path("data")} if experiment.reads_data else {}
        inspect.signature(found).bind([Path("runs")], **experiment.options, **data)
        assert experiment.reads_data == ("data_dir" in inspect.signature(found).parameters)


def test_every_figure_names_sweeps_that_the_command_can_run() -> None:
    for experiment in EXPERIMENTS.values():
        assert experiment.sweeps
        assert experiment.shows
        for command in experiment.commands():
            hptheory, sweep, setting, *options = command.split()
            assert (hptheory, sweep) == ("hptheory", "sweep")
            assert setting in SETTINGS
            assert options[:2] == ["--preset", "cpu"]
            others = dict(zip(options[2::2], options[3::2], strict=True))
            assert others.keys() <= {"--observe", "--layers", "--out"}
            assert others.get("--observe", "profiles") in ("profiles", "samples", "tokens")
            assert ("--layers" in others) == ("--out" in others)  # beside the preset's, not in its directory


def test_every_figure_of_the_paper_can_be_drawn() -> None:
    assert {name for name in (*EXPERIMENTS, *FIGURES) if name.isdigit()} == PRINTED


def test_an_unknown_figure_is_a_named_error() -> None:
    with pytest.raises(UnknownNameError):
        draw("999", [])


def test_the_command_asks_for_runs_and_then_draws_from_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(EXPERIMENTS, "2", Experiment(f"{__name__}:drawn_from", "runs", ("digits",)))
    assert main(["figure", "2", "--out", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "--runs" in told
    assert "`hptheory sweep digits --preset cpu` makes one" in told
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
