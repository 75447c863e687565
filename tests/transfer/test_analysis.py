from __future__ import annotations

import json
import time

import numpy as np
import pytest

from benchmarks.synthetic_sweeps import GRID, WIDTHS, lopsided, sweep
from hptheory.errors import DomainError
from hptheory.random_features import RandomFeatures
from hptheory.transfer import SweepTable, analyse

KEYS = {
    "hp", "scale", "optimum", "loss_limit", "hp_limit", "loss_exponent", "hp_exponent", "suboptimality",
    "verdict", "probability_fast", "reason", "warnings",
}  # fmt: skip
ROW = {"width", "hp", "hp_low", "hp_high", "loss", "curvature", "at_grid_edge", "minima"}


def codes(report) -> set[str]:
    return {note.code for note in report.warnings}


def test_the_public_contract() -> None:
    report = analyse(sweep())
    found = report.to_dict()
    assert found.keys() >= KEYS
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [row["width"] for row in found["optimum"]] == WIDTHS.tolist()
    assert all(row.keys() >= ROW for row in found["optimum"])
    for name in ("loss_limit", "hp_limit", "loss_exponent", "hp_exponent"):
        assert list(found[name]) == ["estimate", "low", "high"]
    assert found["suboptimality"][-1] == {"width": 2048.0, "value": 0.0}
    assert (found["hp"], found["scale"], found["verdict"]) == ("lr", "width", "fast")


CASES = [(0.5, 1.5, "fast"), (1.0, 0.25, "slow"), (1.0, 0.5, "undetermined")]


@pytest.mark.parametrize(("alpha", "beta", "says"), CASES)
def test_numbers_and_verdict_on_a_lopsided_sweep(alpha: float, beta: float, says: str) -> None:
    report = analyse(sweep(alpha, beta, noise=0.004, shape=lopsided, rng=2))
    assert report.verdict == says
    assert report.loss_exponent.estimate == pytest.approx(alpha, abs=0.2)
    assert report.hp_exponent.estimate == pytest.approx(beta, abs=0.2)
    assert report.gaps is not None
    shift = (WIDTHS / 128) ** -beta - 16.0**-beta
    close = 5 * report.gaps.hyperparameter_error.max()
    np.testing.assert_allclose(report.gaps.hyperparameter, shift, atol=close)
    np.testing.assert_allclose(report.gaps.suboptimality, lopsided(shift), atol=0.03)


def test_row_order_does_not_matter() -> None:
    table = sweep(noise=0.02)
    order = np.random.default_rng(0).permutation(len(table))
    columns = {"width": table.scale, "lr": table.hp[:, 0], "seed": table.seed, "loss": table.loss}
    mixed = SweepTable.from_columns({name: column[order] for name, column in columns.items()})
    one, two = analyse(table), analyse(mixed)
    assert one.hp_exponent.to_dict() == pytest.approx(two.hp_exponent.to_dict(), rel=1e-6)
    assert one.verdict == two.verdict


def test_a_unit_of_the_hp_shifts_ln_hp_and_nothing_else() -> None:
    table = sweep(noise=0.01)
    columns = {"width": table.scale, "lr": 1e-3 * table.hp[:, 0], "seed": table.seed, "loss": table.loss}
    one, two = analyse(table), analyse(SweepTable.from_columns(columns))
    assert one.hp_exponent.to_dict() == pytest.approx(two.hp_exponent.to_dict(), rel=1e-5)
    assert two.hp_limit.estimate == pytest.approx(1e-3 * one.hp_limit.estimate, rel=1e-5)


def test_drift_is_named_with_its_exponent() -> None:
    report = analyse(sweep(noise=0.005, position=lambda n: 0.8 - 0.5 * np.log(n)))
    assert "drift" in codes(report)
    assert report.hp_law.log_slope[0] == pytest.approx(-0.5, abs=0.02)
    assert report.verdict == "slow"
    assert "no weak transfer" in report.judgement.reason


def test_a_jump_between_minima_is_said() -> None:
    def wells(z: np.ndarray) -> np.ndarray:
        left, right = (z + 1.0) ** 2, (z - 1.0) ** 2
        depth = np.array([0.10, 0.05, 0.02, 0.0, -0.1])[:, None]
        return np.minimum(left + 0.0, right + depth)

    grid = np.linspace(-2, 2, 17)
    report = analyse(sweep(noise=0.005, shape=wells, position=lambda n: 0 * n, grid=grid))
    assert {"several_minima", "jump"} <= codes(report)
    assert [row.minima for row in report.optimum] == [2] * 5
    assert report.verdict == "undetermined"


def test_a_still_optimum_is_undetermined() -> None:
    report = analyse(sweep(amplitude=0.0, noise=0.02))
    assert report.verdict == "undetermined"
    assert report.hp_exponent.estimate is None
    assert "hp_exponent_not_identified" in codes(report)


def table_of(loss: np.ndarray, grid: np.ndarray = GRID, widths: np.ndarray = WIDTHS) -> SweepTable:
    width, lr = np.meshgrid(widths, np.exp(grid), indexing="ij")
    return SweepTable.from_columns({"width": width.ravel(), "lr": lr.ravel(), "loss": loss.ravel()})


def test_one_width_gives_an_optimum_and_no_verdict() -> None:
    report = analyse(sweep(widths=WIDTHS[:1]))
    assert report.optimum[0].hp_low < np.e < report.optimum[0].hp_high
    assert report.verdict == "undetermined"
    assert "few_widths" in codes(report)


def test_all_diverged() -> None:
    report = analyse(table_of(np.full((5, 9), np.nan)))
    assert report.verdict == "undetermined"
    assert "diverged" in codes(report)
    assert report.to_dict()["optimum"][0]["hp"] is None
    assert report.to_dict()["diverged"] == 45


def test_optima_at_the_edge_are_flagged_and_not_used() -> None:
    loss = 0.1 / WIDTHS[:, None] + (GRID[None, :] - np.array([[2.0], [1.0], [0.6], [0.4], [0.3]])) ** 2
    report = analyse(table_of(loss))
    assert [row.at_grid_edge for row in report.optimum] == [True] + [False] * 4
    assert "grid_edge" in codes(report)
    assert report.optima.width.tolist() == WIDTHS[1:].tolist()


def test_divergence_beyond_the_optimum_is_left_out() -> None:
    loss = 1 / WIDTHS[:, None] + (GRID[None, :] - 0.5 * (WIDTHS[:, None] / 128) ** -1.0) ** 2
    loss[:, -2:] = np.inf
    report = analyse(table_of(loss))
    assert {"diverged", "no_repeats"} <= codes(report)
    assert report.hp_exponent.estimate == pytest.approx(1.0, abs=1e-3)


def test_the_text_holds_what_a_reader_needs() -> None:
    text = str(analyse(sweep()))
    for part in ("lr*", "alpha", "beta", "verdict: fast", "2048", "135 runs"):
        assert part in text


def test_noise_alone_makes_neither_jumps_nor_minima_without_repeats() -> None:
    grid, widths = np.linspace(-1.5, 1.5, 60), 128 * 2 ** np.linspace(0, 4, 30)
    report = analyse(sweep(noise=0.02, seeds=1, grid=grid, widths=widths))
    assert codes(report) == {"no_repeats"}


def test_ten_thousand_rows_take_a_moment() -> None:
    """The number itself is in benchmarks; this keeps the cost linear in the rows."""
    table = sweep(
        noise=0.01, widths=128 * 2 ** np.linspace(0, 5, 20), grid=np.linspace(-1.5, 1.5, 50), seeds=10
    )
    start = time.process_time()
    assert analyse(table).verdict == "fast"
    assert time.process_time() - start < 5.0


def test_an_hp_with_two_values_is_profiled() -> None:
    one = sweep(0.5, 1.0, noise=0.005)
    columns = {"width": one.scale, "lr": one.hp[:, 0], "seed": one.seed}
    worse = {name: np.tile(column, 2) for name, column in columns.items()}
    worse |= {"wd": np.repeat([0.1, 0.2], len(one)), "loss": np.concatenate([one.loss, one.loss + 0.3])}
    report = analyse(SweepTable.from_columns(worse, hp=["lr", "wd"]))
    found, alone = report.to_dict(), analyse(one)
    assert found["hp"] == ["lr", "wd"]
    assert codes(report) == {"hp_profiled"}
    assert [row["hp"][0] for row in found["optimum"]] == [row.hp for row in alone.optimum]
    assert [row["hp"][1] for row in found["optimum"]] == pytest.approx([0.1] * 5)
    assert report.hp_exponent == alone.hp_exponent
    assert report.judgement.probability_fast == alone.judgement.probability_fast
    assert report.verdict == "fast"


@pytest.mark.parametrize("seed", range(12))
def test_ragged_tables_are_analysed_or_refused_without_surprise(seed: int) -> None:
    """Rows missing at random, divergence, pure noise or none: always a report, never a warning of NumPy."""
    rng = np.random.default_rng(seed)
    table = sweep(
        rng.choice([0.5, 1.0]), rng.choice([0.25, 1.0]), noise=rng.choice([0.0, 0.001, 0.1, 3.0]), rng=rng
    )
    keep = rng.random(len(table)) < rng.choice([0.1, 0.3, 0.7])
    loss = np.where(rng.random(len(table)) < 0.1, np.nan, table.loss)
    columns = {"width": table.scale, "lr": table.hp[:, 0], "seed": table.seed, "loss": loss}
    report = analyse(SweepTable.from_columns({name: column[keep] for name, column in columns.items()}))
    found = report.to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["verdict"] in {"fast", "slow", "undetermined"}
    assert str(report)


FIGURE_4 = RandomFeatures(psi1=4.0, mu1_sq=0.93, teacher_mu1_sq=0.73, noise_var=0.0625)


def ridge_sweep(noise: float, seed: int) -> SweepTable:
    """The exact random-features risk at psi2 = 8..256; local exponents of b_n climb from 0.36 to 0.94."""
    psi2, ridge = 2.0 ** np.arange(3, 9), 0.36 * np.geomspace(0.8, 1.25, 9)
    risk = np.array([FIGURE_4.risk(ridge, n) for n in psi2])
    errors = noise * np.random.default_rng(seed).standard_normal((3, *risk.shape))
    width, lr, run = np.meshgrid(psi2, ridge, np.arange(3), indexing="ij")
    loss = np.moveaxis(risk + errors, 0, -1)
    columns = {"width": width.ravel(), "lr": lr.ravel(), "seed": run.ravel(), "loss": loss.ravel()}
    return SweepTable.from_columns(columns)


def test_exponents_that_still_climb_make_no_confident_verdict() -> None:
    """Transfer is fast here (Theorem 3), but one law for all widths is sure of an exponent below 1/2."""
    reports = [analyse(ridge_sweep(1e-5, seed)) for seed in range(6)]
    warned = [{"exponents_change", "narrow_widths_left_out"} & codes(report) for report in reports]
    assert sum(report.verdict == "slow" for report in reports) <= 1
    assert sum(map(bool, warned)) >= 5


def test_with_less_noise_the_wide_models_decide() -> None:
    report = analyse(ridge_sweep(1e-7, 0))
    assert report.verdict == "fast"
    assert "narrow_widths_left_out" in codes(report)
    exact = np.log([FIGURE_4.optimal_ridge(n) for n in report.optima.width])
    # Shapes of their own: the positions hold to the noise, 1e-7 / (curvature 0.02 * distance 0.1) and more.
    np.testing.assert_allclose(report.optima.position, exact, atol=1e-3)
    assert np.max(np.abs(report.optima.position - exact) / report.optima.position_error) < 5


def test_a_path_with_a_jump_has_no_exponent_and_no_drift() -> None:
    """Two wells that exchange the lead twice; nothing else is said of the path than that it jumps."""
    depth = np.array([0.2, 0.15, 0.1, -0.1, 0.1])

    def wells(z: np.ndarray) -> np.ndarray:
        return np.minimum((z + 1.0) ** 2, (z - 1.0) ** 2 + depth[:, None])

    table = sweep(noise=0.005, shape=wells, position=lambda n: 0 * n, grid=np.linspace(-2, 2, 17))
    report = analyse(table)
    jumps = [note.message for note in report.warnings if note.code == "jump"]
    assert len(jumps) == 2
    assert "in ln lr between width 512 and 1024" in jumps[0]
    assert not codes(report) & {"drift", "hp_exponent_not_identified", "hp_limit_not_identified"}
    assert report.hp_exponent.estimate is None
    with pytest.raises(DomainError, match="jump"):
        report.plan(1e9)
    columns = {"width": table.scale, "lr": np.log(table.hp[:, 0]), "seed": table.seed, "loss": table.loss}
    linear = analyse(SweepTable.from_columns(columns, log=False))
    assert any("in lr between" in note.message for note in linear.warnings)


def test_mixed_units_are_suspected() -> None:
    """One width in thousandths; then one row of a grid in thousandths."""
    table = sweep(noise=0.005)
    lr = np.where(table.scale == 256, 1e3, 1.0) * table.hp[:, 0]
    columns = {"width": table.scale, "lr": lr, "seed": table.seed, "loss": table.loss}
    notes = [n.message for n in analyse(SweepTable.from_columns(columns)).warnings if n.code == "mixed_units"]
    assert len(notes) == 2
    assert "width 128 and 256 do not overlap" in notes[0]
    lr = np.where(table.hp[:, 0] > 4, 1e3, 1.0) * table.hp[:, 0]
    notes = analyse(SweepTable.from_columns(columns | {"lr": lr})).warnings
    assert sum("no lr lies between 3.08 and 4.48e+03" in note.message for note in notes) == 5
    assert "mixed_units" not in codes(analyse(table))
