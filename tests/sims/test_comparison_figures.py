"""Comparisons of optimizers are drawn from run directories; the stable rank of updates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.synthetic_sweeps import sweep as synthetic_sweep
from hptheory.cli import main
from hptheory.errors import DomainError, UnknownNameError
from sims.errors import RunDirectoryError
from sims.figures import draw
from sims.members import Member
from sims.settings import AdamConfig, MuonConfig, Setting, get_setting
from sims.stable_rank import stable_rank, update_ranks
from sims.store import load
from sims.sweep import run
from sims.tasks import load_task

RATES = tuple(2.0**power for power in (-11, -8, -5, -2))


def small(**changes: object) -> Setting:
    """Two widths of the digits, two seeds, four rates, twelve steps."""
    smoke = get_setting("digits", "smoke")
    training = replace(smoke.training, epochs=None, steps=12, evaluations=1, optimizer=AdamConfig())
    return replace(smoke, training=training, widths=(8, 64), lrs=RATES, **changes)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs")
    run(small(), directory)
    return directory


def test_drift_has_a_curve_a_sweep(runs: Path, tmp_path: Path) -> None:
    setting = small(name="digits_standard")
    run(replace(setting, training=replace(setting.training, parameterization="standard")), tmp_path)
    _, numbers = draw("standard", [runs, tmp_path])
    assert list(dict.fromkeys(numbers["series"])) == ["digits (smoke)", "digits_standard (smoke)"]
    cost = [v for v, kind in zip(numbers["value"], numbers["kind"], strict=True) if kind == "cost"]
    narrow, wide = load(runs).loss.mean("seed").transpose("width", "lr").values
    expected = wide[np.argmin(narrow)] - wide.min()
    assert cost[:2] == pytest.approx([0.0, expected])


def test_drift_by_the_averaged_weights_loss(runs: Path) -> None:
    _, numbers = draw("drift", [runs], loss="ema_loss")
    cost = [v for v, kind in zip(numbers["value"], numbers["kind"], strict=True) if kind == "cost"]
    narrow, wide = load(runs).ema_loss.mean("seed").transpose("width", "lr").values
    assert cost == pytest.approx([0.0, wide[np.argmin(narrow)] - wide.min()])
    last, _ = load(runs).loss.mean("seed").transpose("width", "lr").values
    assert not np.allclose(last, narrow)


def test_a_loss_that_is_none_or_cannot_be_chosen_is_named(runs: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown loss 'step'; known: ema_loss, loss, train_loss"):
        draw("drift", [runs], loss="step")
    setting = small()
    run(replace(setting, widths=(8,), training=replace(setting.training, ema=None)), tmp_path)
    with pytest.raises(RunDirectoryError, match="did not measure 'ema_loss'"):
        draw("drift", [tmp_path], loss="ema_loss")
    with pytest.raises(DomainError, match=r"figure stable-rank has its own; standard, drift"):
        draw("stable-rank", [runs], loss="ema_loss")


def test_drift_of_weight_decay_is_along_weight_decay(tmp_path: Path) -> None:
    setting = small(hps=(("weight_decay", (0.1, 1.0, 10.0)),))
    run(replace(setting, lrs=(2.0**-6,)), tmp_path)
    figure, numbers = draw("decay", [tmp_path])
    assert "weight decay" in figure.axes[0].get_ylabel()
    optima = [v for v, kind in zip(numbers["value"], numbers["kind"], strict=True) if kind == "optimum"]
    assert all(0.1 <= value <= 10.0 for value in optima)


def test_sweeps_over_different_hyperparameters_have_no_common_drift(runs: Path, tmp_path: Path) -> None:
    setting = replace(small(hps=(("beta1", (0.8, 0.9)),)), lrs=(2.0**-6,), widths=(8,), seeds=(0,))
    run(setting, tmp_path)
    with pytest.raises(RunDirectoryError, match="one and the same hyperparameter"):
        draw("drift", [runs, tmp_path])


def test_batches_are_told_apart_by_their_size(runs: Path, tmp_path: Path) -> None:
    setting = small(name="digits_double")
    run(replace(setting, training=replace(setting.training, batch_size=64, steps=6)), tmp_path)
    _, numbers = draw("batch", [tmp_path, runs])
    assert set(numbers["series"]) == {"width 8", "width 64"}
    assert set(numbers["scale"]) == {32, 64}
    with pytest.raises(RunDirectoryError, match="not 32"):
        draw("batch", [runs, runs])


def test_batches_are_compared_at_the_rates_that_all_have(runs: Path, tmp_path: Path) -> None:
    """The grids begin at different rates, so that a rate has different places in them."""
    setting = small(name="digits_double")
    double = replace(setting.training, batch_size=64, steps=6)
    run(replace(setting, training=double, lrs=(*RATES[1:], 2.0)), tmp_path)
    _, numbers = draw("batch", [runs, tmp_path])
    small_batch, large_batch = (
        load(path).loss.mean("seed").sel(lr=list(RATES[1:])) for path in (runs, tmp_path)
    )
    for width in (8, 64):
        best = small_batch.lr.values[int(np.argmin(small_batch.sel(width=width).values))]
        losses = large_batch.sel(width=width)
        drawn = {
            scale: value
            for kind, series, scale, value in zip(
                *(numbers[name] for name in ("kind", "series", "scale", "value")), strict=True
            )
            if kind == "cost" and series == f"width {width}"
        }
        assert drawn[64] == pytest.approx(float(losses.sel(lr=best) - losses.min()))
    run(
        replace(setting, training=replace(double, batch_size=16), lrs=(3.0, 4.0), widths=(8,)), tmp_path / "b"
    )
    with pytest.raises(RunDirectoryError, match="same hyperparameter in common"):
        draw("batch", [runs, tmp_path / "b"])


def test_depths_are_told_apart_by_their_layers(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HPTHEORY_CACHE", str(tmp_path / "cache"))
    rates = [str(2.0**power) for power in (-6, -4, -2, 0)]
    grid = ["--preset", "smoke", "--widths", "16", "32", "--seeds", "0", "--steps", "3", "--lrs", *rates]
    for layers in (1, 2):
        out = ["--layers", str(layers), "--out", str(tmp_path / str(layers))]
        assert main(["sweep", "llama_adam", *grid, *out]) == 0
    figure, numbers = draw("depth", [tmp_path / "2", tmp_path / "1"])
    assert figure.axes[0].get_xlabel() == "number of layers"
    shallow, deep = (load(tmp_path / layers).loss.isel(seed=0) for layers in ("1", "2"))
    costs = [
        (series, scale, value)
        for kind, series, scale, value in zip(
            *(numbers[name] for name in ("kind", "series", "scale", "value")), strict=True
        )
        if kind == "cost"
    ]
    expected = []
    for width in (16, 32):
        at_best = deep.sel(width=width)[int(np.argmin(shallow.sel(width=width).values))]
        price = float(at_best - deep.sel(width=width).min())
        expected += [(f"width {width}", 1, 0.0), (f"width {width}", 2, pytest.approx(price))]
    assert costs == expected
    with pytest.raises(RunDirectoryError, match="each of another number of layers, not 2"):
        draw("depth", [tmp_path / "2"])
    with pytest.raises(RunDirectoryError, match="digits has no layers to count"):
        draw("depth", [tmp_path / "2", runs])


def test_multipliers_are_over_the_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sims.comparison_figures.by_name", lambda runs: {str(run): run for run in runs})
    monkeypatch.setattr(
        "sims.comparison_figures.read_runs", lambda run, loss: synthetic_sweep(0.5, 1.0, noise=0.002)
    )
    figure, numbers = draw("multiplier", [Path("a"), Path("b")])
    assert "over a" in figure.axes[1].get_ylabel()
    assert {
        s for s, kind in zip(numbers["series"], numbers["kind"], strict=True) if kind == "multiplier"
    } == {"b"}


def test_stable_ranks_are_drawn_at_the_steps_that_a_run_has(runs: Path) -> None:
    _, numbers = draw("stable-rank", [runs])
    assert list(zip(numbers["step"], numbers["width"], strict=True)) == [(4, 8), (4, 64)]
    assert all(1 <= value <= 64 for value in numbers["value"])


def test_the_stable_rank_is_that_of_the_norms() -> None:
    matrix = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    frobenius, spectral = (torch.linalg.matrix_norm(matrix, order) for order in ("fro", 2))
    assert stable_rank(matrix) == pytest.approx((frobenius / spectral) ** 2)
    one = torch.outer(torch.arange(1.0, 4.0), torch.arange(1.0, 6.0))
    assert float(stable_rank(one)) == pytest.approx(1.0)


def test_law_orthogonalised_updates_have_the_rank_of_the_smaller_side() -> None:
    training = replace(small().training, optimizer=MuonConfig(kind="exact"))
    task = load_task(training.task, dtype=torch.float64)
    # 8 x 64 inputs, of which more than eight pixels vary; the momentum's rank is 8
    [rank] = update_ranks(training, 8, Member(2.0**-6, 0), task, [3])[3]
    assert rank == pytest.approx(8.0, rel=1e-6)
    with pytest.raises(DomainError, match="from 1 to 12"):
        update_ranks(training, 8, Member(2.0**-6, 0), task, [3, 40])


def test_best_rates_need_a_finished_width(tmp_path: Path, runs: Path) -> None:
    from sims.comparison_figures import best_rates

    data = load(runs)
    assert set(best_rates(data)) == {8, 64}
    with pytest.raises(RunDirectoryError, match="no width is finished"):
        best_rates(data.assign(finished=np.logical_not(data.finished)))
