from __future__ import annotations

import numpy as np
import pytest

from benchmarks.synthetic_sweeps import WIDTHS, lopsided, parabola, sweep
from hptheory.transfer.curves import curves_of
from hptheory.transfer.optimum import fit_optima
from hptheory.transfer.shape_families import Family, Task
from hptheory.transfer.shape_fits import fit_shapes
from hptheory.transfer.shapes import cells_of

CENTRES = (WIDTHS / 128) ** -1.0


@pytest.mark.parametrize("shape", [parabola, lopsided])
@pytest.mark.parametrize("falling", [False, True])
def test_errors_are_as_large_as_they_are_said_to_be(shape, falling: bool) -> None:
    """z-scores of positions and values over 40 sweeps: mean square 1."""
    noise = 0.01 / (WIDTHS / 128 if falling else 1.0)
    scores = []
    for seed in range(40):
        optima = fit_optima(curves_of(sweep(0.5, 1.0, noise=noise, rng=seed, shape=shape)))
        assert optima is not None
        scores.append(
            np.concatenate(
                [
                    (optima.position - CENTRES) / optima.position_error,
                    (optima.value - 0.3 * (WIDTHS / 128) ** -0.5) / optima.value_error,
                ]
            )
        )
    # 400 scores, correlated within a sweep through the shape: at least 40 independent, so 1 +- 4 sqrt(2/40).
    assert 0.4 < np.mean(np.square(scores)) < 1.9


def test_a_parabola_without_noise_is_found_to_rounding() -> None:
    optima = fit_optima(curves_of(sweep(0.5, 1.0, noise=1e-9)))
    assert optima is not None
    np.testing.assert_allclose(optima.position, CENTRES, atol=1e-8)
    np.testing.assert_allclose(optima.curvature, 1.0, atol=1e-6)


def test_one_family_equals_a_fit_a_width_when_there_is_one_width() -> None:
    """Second route: numpy's polynomial fit of a single curve."""
    (curve,) = curves_of(sweep(widths=WIDTHS[:1], noise=0.02))
    cells = cells_of([[curve.with_variance(0.02**2)]])
    (fit,) = fit_shapes(cells, [Task(0, Family(2), np.array([0.7]))])
    assert fit is not None
    c2, c1, c0 = np.polyfit(curve.x, curve.mean, 2)
    assert fit.position[0] == pytest.approx(-c1 / (2 * c2), rel=1e-6)
    assert fit.value[0] == pytest.approx(c0 - c1**2 / (4 * c2), rel=1e-6)
    assert fit.curvature[0] == pytest.approx(2 * c2, rel=1e-6)


def test_the_window_leaves_out_what_no_family_describes() -> None:
    """A wall far from the optimum: the fit must shrink to the well and keep its place."""

    def walled(z: np.ndarray) -> np.ndarray:
        return z**2 / 2 + 5.0 * (z > 1.2) + 40.0 * (z > 1.6)

    grid = np.linspace(-2.0, 2.0, 17)
    optima = fit_optima(curves_of(sweep(beta=1.0, amplitude=0.2, noise=0.003, shape=walled, grid=grid)))
    assert optima is not None
    assert optima.cells < 5 * 17
    assert np.max(np.abs(optima.position - 0.2 * CENTRES) / optima.position_error) < 4
    np.testing.assert_allclose(optima.position, 0.2 * CENTRES, atol=0.03)


def test_without_repeats_the_noise_is_judged_by_the_residuals() -> None:
    scores = []
    for seed in range(40):
        optima = fit_optima(curves_of(sweep(0.5, 1.0, noise=0.01, rng=seed, seeds=1, shape=lopsided)))
        assert optima is not None
        scores.append((optima.position - CENTRES) / optima.position_error)
    assert 0.4 < np.mean(np.square(scores)) < 2.2  # as above; the noise itself is judged with some 30 df
