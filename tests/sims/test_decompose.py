"""hptheory decompose and the figures of observed sweeps, on a sweep of seconds."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hptheory.cli import main
from sims.decompose import DEFAULTS, truncations_of
from sims.errors import DataError, RunDirectoryError
from sims.figures import draw
from sims.observed import read_observed
from sims.observed_figures import subsets_of
from sims.settings import EMAConfig, ObserveConfig, Setting, SGDConfig, get_setting
from sims.settings.transformers import LlamaConfig
from sims.store import Store
from sims.sweep import run

LRS = tuple(2.0**power for power in (-8.0, -6.0, -5.0, -4.0))


def observed_digits(tau: float, observe: ObserveConfig, **grid: object) -> Setting:
    """One epoch of 37 steps by SGD, looked at every ``tau`` steps."""
    smoke = get_setting("digits", "smoke")
    training = replace(
        smoke.training,
        epochs=1,
        evaluations=1,
        optimizer=SGDConfig(0.9),
        ema=EMAConfig(0.5, 0.8, warmup_steps=10, tau_start=tau, tau_end=tau),
        observe=observe,
    )
    return replace(smoke, training=training, **grid)


def small_llama(observe: ObserveConfig, **changes: object) -> Setting:
    """One layer, evaluated once, with one seed."""
    smoke = get_setting("llama_adam", "smoke")
    model = LlamaConfig(layers=1, base_layers=1)
    training = replace(smoke.training, evaluations=1, model=model, observe=observe, **changes)
    return replace(smoke, training=training, seeds=(0,))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three widths, four rates, two seeds, looked at every fourth step; and a rate that diverges."""
    observe = ObserveConfig(subset=100, samples=True)
    setting = observed_digits(4.0, observe, widths=(32, 48, 64), lrs=(*LRS, 1e30), seeds=(0, 1))
    directory = tmp_path_factory.mktemp("runs")
    run(setting, directory)
    return directory


def test_profiles_are_means_over_seeds_at_rates_that_came_through(runs):
    sweep = read_observed([runs])
    assert sweep.lrs == LRS
    assert sweep.left_out == (1e30,)
    profiles = sweep.profiles()
    assert {width: phi.shape for width, phi in profiles.items()} == {n: (4, n) for n in (32, 48, 64)}
    two = [sweep.result(48, LRS[1], seed).profile for seed in (0, 1)]
    np.testing.assert_allclose(profiles[48][1], np.mean(two, axis=0, dtype=np.float64))
    # phi is the sum of all parts, and phi_n the last column.
    last = np.mean([sweep.result(48, LRS[1], seed).phi[-1] for seed in (0, 1)])
    assert profiles[48][1, -1] == pytest.approx(last, rel=1e-5)


def test_the_command_prints_tables_and_draws(runs, tmp_path, capsys):
    assert main(["decompose", str(runs), "--out", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "24 observed runs" in printed
    assert "left out: 1e+30" in printed
    assert "stands for infinity" in printed
    names = {f"figure_{number:02d}" for number in (1, 8, 9, 10, 14, 15, 16)}
    assert {path.stem for path in tmp_path.glob("*.png")} == names
    assert {path.stem for path in tmp_path.glob("*.csv")} == names


def test_missing_data_cost_the_gallery_alone(runs, tmp_path, capsys, monkeypatch):
    def missing(config, *, data_dir):
        raise DataError(f"nothing in {data_dir}")

    monkeypatch.setattr("sims.tasks.load_task", missing)
    options = ["--out", str(tmp_path), "--data-dir", "far"]
    assert main(["decompose", str(runs), *options]) == 0
    assert capsys.readouterr().err.splitlines() == ["figure 15 is left out: nothing in far"]
    names = {f"figure_{number:02d}" for number in (1, 8, 9, 10, 14, 16)}
    assert {path.stem for path in tmp_path.glob("*.png")} == names
    assert main(["figure", "15", "--runs", str(runs), *options]) == 2
    assert "hptheory: nothing in far" in capsys.readouterr().err


def test_json(runs, capsys):
    assert main(["decompose", str(runs), "--json", "--scale", "raw"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["width"] for row in found["rows"]] == [32, 48, 64]
    assert found["choices"]["scale"] == "raw"
    for row in found["bounds"]:  # null is infinite: no curvature on this grid
        assert row["bound"] is None or row["hp_gap"] <= row["bound"] * (1 + 1e-9)


@pytest.mark.parametrize("number", ["1", "10", "14", "16", "34", "35"])
def test_figures_by_number(runs, number):
    figure, numbers = draw(number, [runs])
    assert len({len(column) for column in numbers.values()}) == 1
    assert figure.axes


def test_losses_on_subsets(runs):
    """The mean over all examples is the loss at the end; easy examples are easier than hard ones."""
    sweep = read_observed([runs])
    subsets = subsets_of(sweep)
    assert {name: len(some) for name, some in subsets.items()} == {"all": 100, "easy": 25, "hard": 5}
    losses = sweep.subset_losses(subsets["all"])
    assert losses[64][0, 2] == pytest.approx(sweep.result(64, LRS[2], 0).loss[-1], rel=1e-5)


def test_directories_of_one_sweep_are_joined(runs, tmp_path):
    """Of the same training, each with rates of its own; a run that is in both could be either's."""
    shutil.copytree(runs, tmp_path / "copy")
    whole, one, other = read_observed([runs]), Store(runs), Store(tmp_path / "copy")
    setting = one.setting()
    with pytest.raises(RunDirectoryError, match=r"24 runs of .*copy are in another directory as well"):
        read_observed([runs, tmp_path / "copy"])
    try:
        one.prepare(replace(setting, lrs=LRS[:2]))
        other.prepare(replace(setting, lrs=LRS[2:]))
        joined = read_observed([runs, tmp_path / "copy"])
        other.prepare(replace(setting, seeds=(9,)))
        with pytest.raises(RunDirectoryError, match=r"no run of .*copy, beside 30 finished runs of another"):
            read_observed([runs, tmp_path / "copy"])
    finally:
        one.prepare(setting)
    assert joined.lrs == LRS
    assert joined.results.keys() == whole.results.keys()


def test_sweeps_of_different_trainings_are_not_mixed(runs, tmp_path, capsys):
    setting = Store(runs).setting()
    other = replace(setting.training, batch_size=512, epochs=2)
    run(replace(setting, training=other, widths=(32,), lrs=LRS[:1], seeds=(0,)), tmp_path)
    assert main(["decompose", str(runs), str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert f"{tmp_path} is not trained or observed as {runs} is (batch_size, epochs)" in told


def test_figures_show_the_truncations_that_are_printed(runs, tmp_path, capsys):
    """Of candidates other than the default ones, which find others."""
    options = ["--taus", "1.0", "3.0", "--convexity-tol", "1", "--argmin-steps", "9"]
    assert main(["decompose", str(runs), "--json", "--out", str(tmp_path), *options]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [row["kappa"] is None for row in rows] == [False, False, True]
    with (tmp_path / "figure_10.csv").open() as file:
        drawn = [row for row in csv.DictReader(file) if row["kind"] == "truncation"]
    for row in rows[:2]:
        own = [int(float(each["value"])) for each in drawn if int(each["width"]) == row["width"]]
        assert own == row["kappa"]
    by_default = truncations_of(read_observed([runs]), DEFAULTS)
    assert by_default[48].tolist() != rows[1]["kappa"]


def test_the_loss_over_time_is_phi_and_ends_at_the_end(tmp_path):
    """Gains are in it, as in the profiles; the run ends between two points of the stored curve."""
    every_step = EMAConfig(0.5, 0.5, tau_start=1.0, tau_end=1.0)
    setting = small_llama(ObserveConfig(2), steps=67, ema=every_step)
    run(replace(setting, widths=setting.widths[:1], lrs=(0.01,)), tmp_path)
    sweep = read_observed([tmp_path])
    width = sweep.widths[0]
    result = sweep.result(width, 0.01, 0)
    assert result.curve_steps[-1] < result.steps[-1]
    curves, steps = sweep.curves(0.01)
    assert steps[width].tolist() == [*result.curve_steps, 67]
    np.testing.assert_allclose(curves[width][:, -1], result.phi[steps[width]], rtol=1e-5)
    np.testing.assert_allclose(curves[width][-1], result.profile)
    gains = [value for name, value in result.rest.items() if "gain" in name]
    assert abs(sum(gains)) > 1e-4 * abs(result.phi[-1])


def test_runs_that_were_not_observed(tmp_path, capsys):
    smoke = get_setting("digits", "smoke")
    plain = replace(smoke, widths=(32,), lrs=LRS[:1], seeds=(0,), training=replace(smoke.training, epochs=1))
    run(plain, tmp_path)
    with pytest.raises(RunDirectoryError, match="--observe profiles") as refused:
        read_observed([tmp_path])
    assert main(["decompose", str(tmp_path)]) == 2
    assert "observe" in capsys.readouterr().err
    assert "another trainer version" not in str(refused.value)
    Store(tmp_path).prepare(replace(plain, seeds=(1,)))
    with pytest.raises(RunDirectoryError, match="beside 1 finished run of another grid or another trainer"):
        read_observed([tmp_path])


@pytest.mark.parametrize("what", [["decompose"], ["decompose", "--json"], ["figure", "8", "--runs"]])
def test_one_rate_alone_is_named(what, runs, tmp_path, capsys):
    """The loss as a function of the rate has no slope at a point."""
    store = Store(runs)
    whole = store.setting()
    store.prepare(replace(whole, lrs=LRS[:1]))
    try:
        arguments = (
            [*what, str(runs)] if what[0] == "decompose" else [*what, str(runs), "--out", str(tmp_path)]
        )
        assert main(arguments) == 2
    finally:
        store.prepare(whole)
    told = capsys.readouterr().err
    assert "1 hyperparameter value(s)" in told
    assert "sweep more values" in told


@pytest.mark.parametrize("samples", [True, "tokens"])
def test_windows_and_tokens_of_a_text(samples, tmp_path, capsys):
    """Two steps of a Llama of one layer; what has no images has no gallery."""
    run(small_llama(ObserveConfig(2, samples=samples), steps=2), tmp_path / "runs")
    assert main(["decompose", str(tmp_path / "runs"), "--out", str(tmp_path)]) == 0
    assert "on 2 of 8 validation examples" in capsys.readouterr().out
    names = {f"figure_{number:02d}" for number in (1, 8, 9, 10, 14, 16)}
    assert {path.stem for path in tmp_path.glob("*.png")} == names
    sweep = read_observed([tmp_path / "runs"])
    result = next(iter(sweep.results.values()))
    examples = 2 * 16 if samples == "tokens" else 2
    assert result.extra["mci"].shape == result.example_losses.shape == (examples,)
    assert result.example_losses.mean() == pytest.approx(result.loss[-1], rel=1e-5)


@pytest.mark.parametrize("samples", [False, True])
@pytest.mark.parametrize("lr", [1e6, 1e9, 1e15, 1e18])
def test_a_run_that_diverges_ends_alone(samples, lr, tmp_path):
    """On its way there are finite gradients and updates whose products are not; the run beside it goes on."""
    observe = ObserveConfig(subset=20, samples=samples)
    small = observed_digits(1.0, observe, widths=(32,), lrs=(0.01, lr), seeds=(0,))
    table = run(small, tmp_path)
    assert bool(table.finished.all())
    assert table.loss.values.flatten()[0] < 2.3 < table.loss.fillna(np.inf).values.flatten()[1]
