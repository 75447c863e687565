"""The figures that only the transformers of the paper need (7 to 32), drawn from sweeps of seconds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hptheory.cli import main
from sims.errors import RunDirectoryError
from sims.figures import draw
from sims.observed import read_observed
from sims.observed_axis import read_along, window
from sims.settings import AdamConfig, EMAConfig, ObserveConfig, Setting, get_setting
from sims.sweep import run

BETAS = (0.6, 0.8, 0.9, 0.95)


def small(**changes: object) -> Setting:
    """Three widths of the digits, two seeds, nine steps that are all looked at."""
    smoke = get_setting("digits", "smoke")
    training = replace(
        smoke.training,
        epochs=None,
        steps=9,
        evaluations=3,
        optimizer=AdamConfig(),
        ema=EMAConfig(0.5, 0.8, warmup_steps=4, tau_start=1.0, tau_end=1.0),
        observe=ObserveConfig(subset=64),
    )
    return replace(smoke, training=training, widths=(8, 16, 32), **changes)


@pytest.fixture(scope="module")
def over_rates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four rates."""
    directory = tmp_path_factory.mktemp("rates")
    run(small(lrs=tuple(2.0**power for power in (-9, -7, -5, -3))), directory)
    return directory


@pytest.fixture(scope="module")
def over_beta1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four values of beta1, at one rate."""
    directory = tmp_path_factory.mktemp("beta1")
    run(small(lrs=(2.0**-6,), hps=(("beta1", BETAS),)), directory)
    return directory


def test_a_sweep_over_beta1_is_read_along_its_window(over_beta1: Path) -> None:
    sweep, label = read_along(over_beta1)
    assert sweep.lrs == tuple(window(beta) for beta in BETAS)
    assert "beta_1" in label
    assert sweep.profiles()[16].shape == (4, 16)
    with pytest.raises(RunDirectoryError, match="no run of"):  # read as a sweep over the rate, it has none
        read_observed([over_beta1])


def test_decompose_runs_along_the_window(over_rates, over_beta1, tmp_path, capsys) -> None:
    sweep, label = read_along(over_beta1)
    assert main(["decompose", str(over_beta1), "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "window 1/(1 - beta1): 4 values of 4" in printed
    assert "in ln(window 1/(1 - beta1)):" in printed
    assert {path.stem for path in tmp_path.glob("*.csv")} == {f"figure_{n:02d}" for n in (1, 8, 9, 10)}
    assert main(["decompose", str(over_beta1), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["lrs"] == pytest.approx([window(beta) for beta in BETAS])
    assert [row["best_lr"] for row in found["rows"]] == [sweep.best_lr(width) for width in (8, 16, 32)]
    figure, _ = draw("8", [over_beta1])
    assert label in {axes.get_xlabel() for axes in figure.axes}
    assert main(["decompose", str(over_rates), str(over_beta1)]) == 2
    assert "give it alone" in capsys.readouterr().err


def test_a_decay_of_zero_has_no_logarithm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setting = small(lrs=(2.0**-6,), hps=(("weight_decay", (0.0, 0.1, 1.0)),), seeds=(0,))
    run(replace(setting, training=replace(setting.training, steps=2)), tmp_path)
    assert main(["decompose", str(tmp_path), "--json", "--scale", "raw"]) == 0
    assert json.loads(capsys.readouterr().out)["lrs"] == [0.0, 0.1, 1.0]
    assert main(["decompose", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "weight decay = 0.0" in told
    assert "--scale raw" in told


def test_rates_at_one_value_of_beta1_are_read_along_the_rate(tmp_path: Path) -> None:
    setting = small(lrs=(2.0**-9, 2.0**-7), hps=(("beta1", (0.8,)),))
    run(replace(setting, widths=(8,), seeds=(0,), training=replace(setting.training, steps=2)), tmp_path)
    sweep, label = read_along(tmp_path)
    assert (sweep.lrs, label) == (setting.lrs, "learning rate")


def test_a_sweep_over_rates_is_read_as_such(over_rates: Path) -> None:
    sweep, label = read_along(over_rates)
    assert label == "learning rate"
    assert sweep.lrs == read_observed([over_rates]).lrs


def test_figure_7_ends_where_figure_6_is(over_rates: Path) -> None:
    _, numbers = draw("7", [over_rates])
    _, finals = draw("6", [over_rates])
    own = dict(
        zip(
            [w for w, kind in zip(finals["width"], finals["kind"], strict=True) if kind == "own"],
            [v for v, kind in zip(finals["loss"], finals["kind"], strict=True) if kind == "own"],
            strict=True,
        )
    )
    rows = list(zip(numbers["kind"], numbers["width"], numbers["step"], numbers["value"], strict=True))
    last = {w: v for kind, w, step, v in rows if kind == "averaged" and step == 9}
    assert last == pytest.approx(own)


@pytest.mark.parametrize("number", ["10", "28"])
def test_the_printed_rate_is_taken_where_the_sweep_has_it(over_rates: Path, number: str) -> None:
    sweep = read_observed([over_rates])
    _, numbers = draw(number, [over_rates])
    drawn = {hp for hp, kind in zip(numbers["hp"], numbers["kind"], strict=True) if kind == "profile"}
    assert drawn == {sweep.best_lr(32)}
    from sims.transformer_figures import truncation_and_profile

    _, numbers = truncation_and_profile([over_rates], rate=2.0**-9)
    drawn = {hp for hp, kind in zip(numbers["hp"], numbers["kind"], strict=True) if kind == "profile"}
    assert drawn == {2.0**-9}


def test_figure_26_has_a_panel_a_sweep_and_figure_32_a_panel_a_rate(over_rates: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.symlink_to(over_rates)
    _, numbers = draw("26", [over_rates, again])
    assert len(set(numbers["panel"])) == 2  # of one name: told apart by their directories
    _, numbers = draw("32", [over_rates])
    sweep = read_observed([over_rates])
    values = {
        panel: [
            v
            for v, p, w in zip(numbers["value"], numbers["panel"], numbers["width"], strict=True)
            if (p, w) == (panel, 8)
        ]
        for panel in dict.fromkeys(numbers["panel"])
    }
    lowest, best = values.values()
    assert lowest == sweep.profiles()[8][0].tolist()
    assert best == sweep.profiles()[8][sweep.lrs.index(sweep.best_lr(32))].tolist()


def test_figures_18_to_23_run_along_the_window(over_rates: Path, over_beta1: Path) -> None:
    sweep, _ = read_along(over_beta1)
    _, numbers = draw("18", [over_beta1])
    assert numbers["hp"] == pytest.approx(np.tile(sweep.lrs, 3))
    assert numbers["loss"] == pytest.approx(
        np.concatenate([losses.mean(0) for losses in sweep.final_losses().values()])
    )
    for number in ("19", "21"):
        _, numbers = draw(number, [over_beta1])
        whole = [v for v, k in zip(numbers["value"], numbers["kind"], strict=True) if k == "whole"]
        assert whole == pytest.approx(np.concatenate([phi[:, -1] for phi in sweep.profiles().values()]))
    for number in ("20", "22"):
        figure, _ = draw(number, [over_beta1])
        assert "window" in figure.axes[0].get_xlabel()
    figure, _ = draw("23", [over_rates, over_beta1])
    assert [axes.get_xlabel() for axes in figure.axes] == ["learning rate", read_along(over_beta1)[1]]


def test_what_is_missing_is_said_with_the_command_that_makes_it(tmp_path: Path) -> None:
    setting = small(lrs=(2.0**-9, 2.0**-7))
    run(replace(setting, widths=(8,), training=replace(setting.training, observe=None)), tmp_path)
    with pytest.raises(RunDirectoryError, match="hptheory sweep llama_adam --preset cpu --observe profiles"):
        draw("7", [tmp_path])


def test_a_sweep_over_two_hyperparameters_is_refused(tmp_path: Path) -> None:
    setting = small(lrs=(2.0**-9, 2.0**-7), hps=(("beta1", (0.8, 0.9)),))
    run(replace(setting, widths=(8,), seeds=(0,), training=replace(setting.training, steps=2)), tmp_path)
    with pytest.raises(RunDirectoryError, match="the rate, beta1; one hyperparameter"):
        read_along(tmp_path)
