"""Loss by width, and what the narrowest width's HP costs: laws, numbers, bad tables."""

from __future__ import annotations

import numpy as np
import pytest

from hptheory.errors import DomainError
from hptheory.figures.side_by_side import side_by_side
from hptheory.figures.transferred_loss import transferred_loss

X = 2.0 ** np.arange(-4, 1)


def sweep(drift: float) -> dict[int, np.ndarray]:
    """Parabolas in ln HP whose optimum moves; two seeds, half apart."""
    x = np.log(X)
    return {
        n: np.stack([1 / n + (x - x[2] - drift * k) ** 2 + seed for seed in (0.0, 0.5)])
        for k, n in enumerate((32, 64, 128))
    }


def series(numbers: dict[str, list], kind: str, name: str = "loss") -> np.ndarray:
    return np.array([value for value, k in zip(numbers[name], numbers["kind"], strict=True) if k == kind])


@pytest.mark.parametrize("drift", [0.0, np.log(2)])
def test_law_the_transferred_loss_is_never_below_the_own_one(drift: float) -> None:
    _, numbers = transferred_loss(sweep(drift), X)
    own, transferred = series(numbers, "own"), series(numbers, "transferred")
    assert own[0] == transferred[0]
    assert np.all(transferred >= own)
    # one octave and two away from the optimum of the wider ones
    assert transferred - own == pytest.approx(np.array([0, drift, 2 * drift]) ** 2)
    assert series(numbers, "mean", "error") == pytest.approx(0.25)  # sd of (0, 1/2) over the root of 2


def test_a_diverged_run_has_no_point_and_is_not_chosen() -> None:
    losses = sweep(0.0)
    losses[64][1, 2] = np.inf
    _, numbers = transferred_loss(losses, X)
    assert np.isfinite(series(numbers, "own")).all()
    assert np.isinf(series(numbers, "transferred")[1])


def test_the_linearised_loss_is_drawn_where_it_is_given() -> None:
    _, numbers = transferred_loss(sweep(0.0), X, linearised={32: np.zeros(5)})
    assert series(numbers, "linearised").tolist() == [0.0] * 5


@pytest.mark.parametrize(
    ("losses", "what"),
    [
        ({32: np.ones((2, 5))}, "widths"),
        ({32: np.ones((2, 4)), 64: np.ones((2, 5))}, "losses of width 32"),
        ({32: np.ones((2, 5)), 64: np.full((2, 5), np.inf)}, "none finite"),
    ],
)
def test_bad_tables_are_one_sentence(losses: dict[int, np.ndarray], what: str) -> None:
    with pytest.raises(DomainError, match=what):
        transferred_loss(losses, X)


def test_panels_share_the_axis_of_the_loss() -> None:
    figure, numbers = side_by_side({"a": sweep(0.0), "b": sweep(0.5)}, {"a": X, "b": X})
    first, second = figure.axes
    assert first.get_ylim() == second.get_ylim()
    assert len(numbers["loss"]) == 2 * 3 * 5
    with pytest.raises(DomainError):
        side_by_side({}, {})
