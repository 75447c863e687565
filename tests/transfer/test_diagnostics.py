from __future__ import annotations

import numpy as np
import pytest

from hptheory.transfer.curves import Curve
from hptheory.transfer.diagnostics import find_jumps, find_minima, is_flat, look

X = np.linspace(-2.0, 2.0, 17)


def curve(mean: np.ndarray, sd: float = 0.01, grid: np.ndarray = X) -> Curve:
    return Curve(64.0, grid[: mean.size], mean[:, None], True, grid, 0, np.full(mean.size, sd**2))


def test_minima_are_counted_when_the_barrier_stands_out_of_the_noise() -> None:
    wells = (X**2 - 1) ** 2
    assert len(find_minima(curve(wells))) == 2
    assert len(find_minima(curve(wells, sd=0.5))) == 1
    assert len(find_minima(curve(X**2))) == 1


@pytest.mark.parametrize("seed", range(5))
def test_noise_makes_no_minima(seed: int) -> None:
    noisy = X**2 / 2 + 0.05 * np.random.default_rng(seed).standard_normal(X.size)
    assert len(find_minima(curve(noisy, sd=0.05))) == 1


def test_edge_cliff_and_interior_are_told_apart() -> None:
    falling = look(curve(-X))
    assert (falling.edge, falling.cliff, falling.usable) == (True, False, False)
    cliff = look(curve(-X[:10]))  # the cells beyond diverged
    assert (cliff.edge, cliff.cliff, cliff.usable) == (False, True, False)
    inside = look(curve(X**2))
    assert (inside.edge, inside.cliff, inside.usable) == (False, False, True)


def test_flat_within_noise() -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(X.size)
    assert is_flat(curve(noise))
    assert not is_flat(curve(noise + 0.05 * X**2))
    assert not is_flat(curve(noise, sd=np.nan))  # unknown noise: no judgement


def test_a_jump_is_a_move_that_a_power_law_cannot_make() -> None:
    n = np.array([1.0, 2.0, 4.0, 8.0, 16.0])
    error = np.full(5, 0.01)
    assert find_jumps(n, n**-0.5, error, 0.1) == []
    assert find_jumps(n, -0.5 * np.log(n), error, 0.1) == []
    ((start, end, move),) = find_jumps(n, np.array([0.0, 0.02, 0.01, 0.03, 1.5]), error, 0.3)
    assert (start, end, move) == (8.0, 16.0, pytest.approx(1.47))


def test_a_jump_back_is_a_jump() -> None:
    n, error = 2.0 ** np.arange(6), np.full(6, 0.01)
    moves = find_jumps(n, np.array([0.0, 0.01, 0.02, 1.5, 1.49, 0.01]), error, 0.3)
    assert [(start, round(move, 2)) for start, _, move in moves] == [(4.0, 1.48), (16.0, -1.48)]


def test_two_minima_within_the_noise_are_said_to_be_tied() -> None:
    wells = (X**2 - 1) ** 2 + 0.01 * (X > 0)
    assert look(curve(wells, sd=0.01)).tied  # a difference has sd 0.014
    assert not look(curve(wells, sd=0.002)).tied
    assert not look(curve(X**2, sd=0.5)).tied
