"""Two HPs on the grid: a lopsided, coupled loss whose optimum moves in both."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.reports import sweep_page
from hptheory.transfer import SweepTable, analyse
from hptheory.transfer.surfaces import fit_surface, surfaces_of

WIDTHS = 128 * 2.0 ** np.arange(5)
N = WIDTHS / 128


def table(
    betas: tuple[float, float] = (1.0, 0.5),
    alpha: float = 0.5,
    noise: float = 0.005,
    seeds: int = 3,
    rng: int = 0,
) -> SweepTable:
    """phi_n = 0.3 N^-alpha + e^u - 1 - u + v^2/2 + 0.3 u v, u = x - N^-beta_1, v = y + N^-beta_2 / 2."""
    grid = np.linspace(-1.5, 1.5, 7)
    n, x, y, seed = np.meshgrid(N, grid, grid, np.arange(seeds), indexing="ij")
    u, v = x - n ** -betas[0], y + n ** -betas[1] / 2
    loss = 0.3 * n**-alpha + np.expm1(u) - u + v**2 / 2 + 0.3 * u * v
    loss = loss + noise * np.random.default_rng(rng).standard_normal(loss.shape)
    columns = {"width": 128 * n, "lr": np.exp(x), "wd": np.exp(y), "seed": seed, "loss": loss}
    return SweepTable.from_columns({k: c.ravel() for k, c in columns.items()}, hp=["lr", "wd"])


def exact(betas: tuple[float, float] = (1.0, 0.5)) -> np.ndarray:
    return np.stack([N ** -betas[0], -(N ** -betas[1]) / 2], axis=1)


def test_the_contract_holds_a_list_of_names_and_a_number_for_each() -> None:
    report = analyse(table())
    found = report.to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["hp"] == ["lr", "wd"]
    assert (found["verdict"], report.hp_exponent) == ("fast", report.each[1].hp_exponent)
    for row, place in zip(found["optimum"], exact(), strict=True):
        assert row["hp"] == pytest.approx(np.exp(place), abs=0.05)
        ends = zip(row["hp_low"], row["hp"], row["hp_high"], strict=True)
        assert all(low < hp < high for low, hp, high in ends)
    assert [one["hp"] for one in found["each"]] == ["lr", "wd"]
    assert found["hp_limit"]["estimate"] == pytest.approx([1.0, 1.0], abs=0.05)
    assert report.each[0].hp_exponent.estimate == pytest.approx(1.0, abs=0.15)
    assert report.each[1].hp_exponent.estimate == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize("seeds", [3, 1])
def test_errors_are_as_large_as_they_are_said_to_be(seeds: int) -> None:
    """z-scores over 20 sweeps: mean square 1; 200 scores, every width independent of the others."""
    scores = []
    for rng in range(20):
        each = analyse(table(noise=0.01, seeds=seeds, rng=rng)).each
        places = np.stack([one.optima.position for one in each], axis=1)
        errors = np.stack([one.optima.position_error for one in each], axis=1)
        scores.append((places - exact()) / errors)
    # 1 +- 4 sqrt(2/100) at 100 independent ones; the bias of the polynomials may add a quarter.
    assert 0.4 < np.mean(np.square(scores)) < 1.8


def test_one_slow_hp_makes_transfer_slow() -> None:
    report = analyse(table(betas=(1.0, 0.25), alpha=1.0, noise=0.001))
    assert report.verdict == "slow"
    assert report.judgement.reason.startswith("wd: ")
    assert report.each[0].verdict == "fast"


def test_gaps_are_distances_and_the_suboptimality_is_joint() -> None:
    report = analyse(table(noise=0.001))
    shift = exact() - exact()[-1]
    np.testing.assert_allclose(report.gaps.hyperparameter, np.linalg.norm(shift, axis=1), atol=0.03)
    u, v = shift.T
    cost = np.expm1(u) - u + v**2 / 2 + 0.3 * u * v
    np.testing.assert_allclose(report.gaps.suboptimality, cost, atol=0.02)


def test_an_optimum_at_the_edge_in_one_hp_is_not_used() -> None:
    whole = table()
    inside = whole.take(whole.x[:, 1] > -0.6)  # wd* at the narrowest width is e^-0.5
    report = analyse(inside)
    assert report.each[0].optima is None or report.each[0].optima.width[0] > 128
    assert any(note.code == "grid_edge" and note.message.startswith("wd: ") for note in report.warnings)


def test_a_polynomial_without_noise_is_found_to_rounding() -> None:
    for surface, place in zip(surfaces_of(table(noise=0.0, seeds=1)), exact(), strict=True):
        near = surface.within(0.3)
        fit = fit_surface(near, 6, 1.0) or fit_surface(near, 4, 1.0)
        assert fit is not None
        np.testing.assert_allclose(fit.position, place, atol=1e-2)
        np.testing.assert_allclose(fit.hessian, [[1.0, 0.3], [0.3, 1.0]], atol=0.05)


def test_the_covariance_is_that_of_refits() -> None:
    """Second route: the same cells with new noise; 200 refits know a variance to 10 %."""
    (surface, *_), rng = surfaces_of(table(noise=0.0, seeds=1)), np.random.default_rng(0)
    places = []
    for _ in range(200):
        noisy = surface.cells.runs + 0.01 * rng.standard_normal(surface.cells.runs.shape)
        found = fit_surface(type(surface)(128.0, surface.x, surface.cells.with_runs(noisy)), 4, 1e-4)
        assert found is not None
        places.append([found.value, *found.position])
    said = fit_surface(surface, 4, 1e-4)
    assert said is not None
    np.testing.assert_allclose(np.std(places, axis=0), np.sqrt(np.diag(said.covariance)), rtol=0.2)


def test_a_plan_for_several_hps_is_refused() -> None:
    with pytest.raises(DomainError, match="plans are made for one HP"):
        analyse(table()).plan(1e9)


def test_the_text_and_the_page_show_every_hp() -> None:
    report = analyse(table())
    text, page = str(report), sweep_page(report)
    for part in ("lr*", "wd*", "verdict: fast. lr: "):
        assert part in text
    for part in ("The sweep: lr", "The sweep: wd", "What lr and wd tuned on a narrow model"):
        assert part in page
    assert page.count("<img") == 4
