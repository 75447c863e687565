"""What a surface shows where cells are missing: random searches over lr and wd, and holes in a grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.curves import curves_of
from hptheory.transfer.diagnostics import Look
from hptheory.transfer.one_hp import looked_at
from hptheory.transfer.surface_looks import surface_looks
from hptheory.transfer.surfaces import surfaces_of

WIDTHS = 64 * 2.0 ** np.arange(5)


def moving(n: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Its optimum is where both u and v are 0: x = 0.3 + 32/n, y = 0.2 + 19.2/n."""
    u, v = x - 0.3 - 32 / n, y - 0.2 - 19.2 / n
    return 1 + (n / 64) ** -0.5 + 0.2 * u**2 + 0.1 * v**2 + 0.05 * u * v


def table(n: np.ndarray, x: np.ndarray, y: np.ndarray, loss: np.ndarray) -> SweepTable:
    columns = {"width": n, "lr": np.exp(x), "wd": np.exp(y), "loss": loss}
    return SweepTable.from_columns(columns, hp=["lr", "wd"])


@pytest.mark.parametrize("holes", [False, True])
def test_a_random_search_and_a_grid_with_holes_are_used_at_every_width(holes: bool) -> None:
    rng = np.random.default_rng(0)
    if holes:
        n, x, y = (a.ravel() for a in np.meshgrid(WIDTHS, np.linspace(-1.5, 1.5, 7), np.linspace(-1, 1, 5)))
        keep = rng.random(175) < 0.7
        n, x, y = (a[keep] for a in (n, x, y))
    else:
        n, x, y = np.repeat(WIDTHS, 40), *rng.uniform(-1.5, 1.5, (2, 200))
    loss = moving(n, x, y) + 0.002 * rng.standard_normal(n.size)
    report = analyse(table(n, x, y, loss))
    assert not {"flat", "grid_edge", "no_minimum", "several_minima"} & {note.code for note in report.warnings}
    for one, place in zip(report.each, (0.3 + 32 / WIDTHS, 0.2 + 19.2 / WIDTHS), strict=True):
        assert one.optima is not None
        assert one.optima.width.tolist() == WIDTHS.tolist()
        assert all(row.used for row in one.optimum)
        # Five places: 4 standard errors leave 3e-4 to chance.
        assert np.max(np.abs(one.optima.position - place) / one.optima.position_error) < 4


def looks(loss: Callable[..., np.ndarray], noise: float, seed: int, repeats: int = 1) -> list[Look]:
    """The looks at 40 runs of one width, drawn at random in the box of half-width 1.5."""
    rng = np.random.default_rng(seed)
    x, y = (np.tile(axis, repeats) for axis in rng.uniform(-1.5, 1.5, (2, 40)))
    losses = loss(x, y) + noise * rng.standard_normal(x.size)
    found = SweepTable.from_columns(
        {"width": 64 + 0 * x, "lr": np.exp(x), "wd": np.exp(y), "loss": losses,
         "seed": np.repeat(np.arange(repeats), 40)}, hp=["lr", "wd"],
    )  # fmt: skip
    (surface,) = surfaces_of(found)
    return surface_looks(surface, [looked_at(curves_of(found, hp))[1][0] for hp in (0, 1)])


def lopsided(x: np.ndarray, y: np.ndarray, at: float = 0.0) -> np.ndarray:
    return np.expm1(x - at) - (x - at) + y**2 / 2 + 0.3 * (x - at) * y


@pytest.mark.parametrize(("noise", "repeats"), [(0.0, 1), (0.005, 1), (0.1, 1), (0.005, 3)])
def test_a_ragged_profile_is_neither_flat_nor_has_it_several_minima(noise: float, repeats: int) -> None:
    for seed in range(5):
        for look in looks(lopsided, noise, seed, repeats):
            assert look.usable
            assert (look.minima, look.tied) == (1, False)


def test_an_hp_without_an_effect_is_flat_and_the_other_is_not() -> None:
    """At a level of 1 % a window set, of 20 searches 3 or more pass by chance once in a thousand times."""
    found = [looks(lambda x, y: x**2 + 0 * y, 0.005, seed) for seed in range(20)]
    assert not any(lr.flat for lr, _ in found)
    assert sum(wd.flat for _, wd in found) >= 18


def test_noise_alone_is_flat_with_repeats_and_without() -> None:
    for repeats in (1, 3):
        found = [look.flat for seed in range(10) for look in looks(lambda x, y: 0 * x, 1.0, seed, repeats)]
        assert sum(found) >= 18


@pytest.mark.parametrize("at", [-2.0, 2.5])
def test_an_optimum_beyond_the_runs_is_not_used(at: float) -> None:
    """On the side of the flank too, where a parabola through all runs bends up inside the box."""
    found = [looks(lambda x, y: lopsided(x, y, at), 0.005, seed) for seed in range(20)]
    assert sum(all(look.usable for look in pair) for pair in found) <= 2
    assert any(look.without for pair in found for look in pair)


def test_the_report_says_that_no_polynomial_has_a_minimum() -> None:
    rng = np.random.default_rng(3)
    n, x, y = np.repeat(WIDTHS, 40), *rng.uniform(-1.5, 1.5, (2, 200))
    report = analyse(table(n, x, y, lopsided(x, y, -2.0) + 1 / n))
    assert report.verdict == "undetermined"
    assert {"no_minimum", "grid_edge"} & {note.code for note in report.warnings}
    assert all(row.hp is not None and not row.used for one in report.each for row in one.optimum)
