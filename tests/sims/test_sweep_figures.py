"""The figures of sweeps are drawn from run directories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sims.errors import RunDirectoryError
from sims.figures import draw
from sims.settings import get_setting
from sims.sweep import run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs") / "multi_index"
    setting = get_setting("multi_index", "smoke")
    run(replace(setting, widths=(8, 16, 32), training=replace(setting.training, steps=16)), directory)
    return directory


def test_figures_2_and_5_are_loss_against_rate(runs: Path) -> None:
    for number in ("2", "5"):
        _, numbers = draw(number, [runs])
        assert numbers["kind"].count("measured") == 9


def test_figure_13_shows_own_and_transferred(runs: Path) -> None:
    _, numbers = draw("13", [runs])
    assert numbers["kind"].count("own") == numbers["kind"].count("transferred") == 3


def test_figure_17_has_a_panel_a_sweep(runs: Path) -> None:
    figure, numbers = draw("17", [runs])
    assert len(figure.axes) == 1
    assert set(numbers["setting"]) == {"multi_index (smoke)"}


def test_one_directory_is_asked_for(runs: Path) -> None:
    with pytest.raises(RunDirectoryError, match="not 2"):
        draw("2", [runs, runs])
