"""Replayed searches: against searches written out by hand, and their slopes against the theorem's."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.replay import frontier, replay, replayed


def table(
    alpha: float = 1.0,
    beta: float = 1.0,
    seeds: int = 1,
    noise: float = 0.0,
    points: int = 65,
    widths: int = 7,
) -> SweepTable:
    """phi_n = n^-alpha + (x - n^-beta)^2 / 2 on a fine grid of [-2, 2]."""
    axes = 2.0 ** np.arange(widths), np.linspace(-2.0, 2.0, points), np.arange(seeds)
    n, x, seed = np.meshgrid(*axes, indexing="ij")
    loss = n**-alpha + (x - n**-beta) ** 2 / 2 + noise * np.random.default_rng(0).standard_normal(n.shape)
    columns = {"width": n, "lr": np.exp(x), "seed": seed, "loss": loss}
    return SweepTable.from_columns({name: column.ravel() for name, column in columns.items()})


def test_every_search_is_the_one_written_out_by_hand() -> None:
    """Two seeds, loops instead of arrays, on a small noisy table."""
    small = table(seeds=2, noise=0.1, points=5, widths=3)
    loss = small.loss.reshape(3, 5, 2)
    found = {(a.proxy_width, a.grid_points, a.target_width): a for a in replay(small)}
    for n in range(3):
        for m in range(n, 3):
            for stride in range(1, 6):
                expected = []
                for seed in range(2):
                    outcomes = []
                    for start in range(stride):
                        grid = list(range(start, 5, stride))
                        best = min(grid, key=lambda j, n=n, seed=seed: loss[n, j, seed])
                        outcomes.append(loss[m, best, 1 - seed])
                    expected.append(np.mean(outcomes))
                one = found[2.0**n, 5 / stride, 2.0**m]
                np.testing.assert_allclose(one.losses, expected)
                assert one.cost == pytest.approx(5 / stride * 4.0**n + (4.0**m if m > n else 0.0))
                assert one.strategy == ("transfer" if m > n else "direct")
    assert len(found) == 6 * 5


def test_the_frontier_falls_and_nothing_lies_below_it() -> None:
    allocations = replay(table(seeds=2, noise=0.05))
    for strategy in ("direct", "transfer"):
        cost, loss = frontier(allocations, strategy)
        assert (np.diff(cost) > 0).all()
        assert (np.diff(loss) < 0).all()
        for one in allocations:
            if one.strategy == strategy:
                assert loss[np.searchsorted(cost, one.cost, side="right") - 1] <= one.loss + 1e-15


def test_the_cost_column_is_the_price() -> None:
    plain = table(points=5, widths=3)
    columns = {"width": plain.scale, "lr": plain.hp[:, 0], "loss": plain.loss, "cost": 3 * plain.scale**2}
    for one, two in zip(replay(plain), replay(SweepTable.from_columns(columns)), strict=True):
        assert two.cost == pytest.approx(3 * one.cost)


def test_what_the_table_does_not_hold_is_left_out() -> None:
    plain = table(points=5, widths=3)
    loss = np.where((plain.scale == 4) & (plain.x[:, 0] > 0.5), np.nan, plain.loss)
    columns = {"width": plain.scale, "lr": plain.hp[:, 0], "loss": loss}
    found = replay(SweepTable.from_columns(columns))
    assert all(np.isfinite(one.losses).all() for one in found)
    full = len(replay(plain))
    assert len(found) < full


def test_slopes_are_those_of_theorem_2_where_transfer_is_fast() -> None:
    """Seven widths, 65 points: 2 alpha/(alpha + 4) = 0.4 and alpha/2 = 0.5, to the 5 % that steps leave."""
    found = replayed(analyse(table(beta=1.0, seeds=2, noise=1e-4)))
    assert found.cost_exponent == 2.0
    for one, exact in ((found.direct, -0.4), (found.transfer, -0.5)):
        assert one.predicted.estimate == pytest.approx(exact, abs=0.005)
        assert one.measured.estimate == pytest.approx(exact, abs=0.025)
        assert one.measured.low <= one.measured.estimate <= one.measured.high
        assert one.predicted.low <= one.predicted.estimate <= one.predicted.high


def test_slow_transfer_is_better_in_a_sweep_than_its_bound_but_no_better_than_training() -> None:
    found = replayed(analyse(table(beta=0.25, seeds=2, noise=1e-4)))
    assert found.direct.measured.estimate == pytest.approx(-0.4, abs=0.025)
    assert found.transfer.predicted.estimate == pytest.approx(-2 * 0.25 / 2.25, abs=0.005)
    assert -0.525 < found.transfer.measured.estimate < found.transfer.predicted.estimate


def test_domain() -> None:
    one = table(points=5, widths=1)
    with pytest.raises(DomainError, match="number of widths"):
        replay(one)
    columns = {"width": [1, 2], "lr": [1, 1], "wd": [1, 2], "loss": [1, 1]}
    with pytest.raises(DomainError, match="hyperparameters"):
        replay(SweepTable.from_columns(columns, hp=["lr", "wd"]))
    with pytest.raises(DomainError, match=">= 3"):
        replayed(analyse(table(widths=2)))
