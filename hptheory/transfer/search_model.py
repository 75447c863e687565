"""The explicit finite-budget model behind Theorem 2, and the cheapest search of one width in closed form.

Theorem 2 speaks of rates; here its O-symbols have constants (loss above the limit, cost in units of kappa)::

    direct    loss = A n^-alpha + (tau/2) rho^2                       cost = kappa n^r (L/rho)^h
    transfer  loss = A M^-alpha + (tau/2) (rho^2 + B^2 n^(-2 beta))   cost = kappa (n^r (L/rho)^h + M^r)

with rho <= L. ``aligned=True`` charges the cross term 2 rho B n^-beta too: grid offset and drift point the
same way, the worst case. One core serves both strategies: the least (tau/2) (rho^p + b^p)^(2/p) for a search
cost C, with b = B n^-beta and p = 2, or p = 1 if aligned. Direct tuning is this search with B^2 = 2A/tau
and beta = alpha/2: hence the tie at beta = alpha/2.

Source: 2512.22768, proof of Theorem 2 (App. B.3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from hptheory.transfer.number_kinds import Number, require


@dataclass(frozen=True)
class SearchModel:
    """The constants A, alpha, B, beta, tau, L, h, r, kappa, in this order.

    L is the covering radius of a single grid point: half the interval for h = 1, half the diagonal of the
    box for h > 1. A cubic grid of k points an axis then has rho = L/k and (L/rho)^h = k^h runs, exactly. A
    grid placed at random misses the optimum by rho^2/3 in the mean square: for the mean loss in place of
    the covering radius's, divide L by sqrt(3). Widths of searches are >= ``smallest_width`` (0: no bound).

    Domain: B, smallest_width >= 0; all others > 0; finite; else ``DomainError``.
    """

    loss_amplitude: float
    loss_exponent: float
    hp_amplitude: float
    hp_exponent: float
    curvature: float = 1.0
    hp_radius: float = 1.0
    hp_count: int = 1
    cost_exponent: float = 2.0
    run_cost: float = 1.0
    smallest_width: float = 0.0
    aligned: bool = False

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name in ("hp_amplitude", "smallest_width"):
                require(0 <= value < math.inf, name, value, ">= 0 and finite")
            elif name != "aligned":
                require(0 < value < math.inf, name, value, "> 0 and finite")

    @property
    def power(self) -> int:
        """p: how grid radius and drift add up."""
        return 1 if self.aligned else 2

    def as_direct(self) -> SearchModel:
        """The model whose search is direct tuning: b^2 = 2 A n^-alpha / tau."""
        amplitude = math.sqrt(2 * self.loss_amplitude / self.curvature)
        return replace(self, hp_amplitude=amplitude, hp_exponent=self.loss_exponent / 2, aligned=False)


def run_cost(model: SearchModel, width: Number) -> Number:
    """The cost of one run: kappa n^r."""
    return model.run_cost * width**model.cost_exponent


def grid_radius(model: SearchModel, points: Number) -> Number:
    """The covering radius of a grid: rho = L points^(-1/h)."""
    return model.hp_radius * points ** (-1 / model.hp_count)


def training_loss(model: SearchModel, width: Number) -> Number:
    """The loss gap A n^-alpha."""
    return model.loss_amplitude * width**-model.loss_exponent


def search_loss(model: SearchModel, width: Number, points: Number) -> Number:
    """The loss of a search's error: (tau/2) (rho^p + b^p)^(2/p) with b = B n^-beta."""
    p = model.power
    offset = grid_radius(model, points) ** p + (model.hp_amplitude * width**-model.hp_exponent) ** p
    return model.curvature / 2 * offset ** (2 / p)


def balanced_width(
    hp_amplitude: Number,
    hp_exponent: Number,
    hp_radius: Number,
    h: Number,
    r: Number,
    runs: Number,
    power: Number = 2,
) -> Number:
    """The width n that makes rho^p + b^p least, with b = B n^-beta and n^r (L/rho)^h = runs::

        n = [ (h beta / r)^(h/p) (B/L)^h runs ]^( 1 / (h beta + r) ),   where  rho^p = (h beta / r) b^p.

    ``runs`` is the search budget in runs at width 1. Operators only. With B^2 = 2A/tau and beta = alpha/2 it
    is direct tuning's n* = [alpha A h runs^(2/h) / (tau r L^2)]^(h / (h alpha + 2 r)).

    Source: 2512.22768, proof of Theorem 2, the two minimisations over n, with their constants. The bound
    rho <= L is left to ``best_search``.

    >>> n = balanced_width(hp_amplitude=1.0, hp_exponent=1.0, hp_radius=1.0, h=1, r=2, runs=1000.0)
    >>> squares = lambda n: n**-2 + (n**2 / 1000) ** 2
    >>> squares(n) < min(squares(0.99 * n), squares(1.01 * n))
    True
    """
    growth = 1 / (h * hp_exponent + r)  # Theorem 2's exponent of n*
    balance = h * hp_exponent / r * (hp_amplitude / hp_radius) ** power
    return balance ** (h * growth / power) * runs**growth


def best_search(model: SearchModel, cost: Number, points: Number | None = None) -> tuple[Number, Number]:
    """Proxy width and number of grid points of the best search that costs ``cost``; ``points`` may be given.

    In log n the squared error is convex (two exponentials), so the bounds rho <= L and n >= smallest_width
    clip the balanced width. Elementwise for arrays; ``cost`` must pay for one run at ``smallest_width``.
    """
    m, runs = model, cost / model.run_cost
    if points is not None:
        return (runs / points) ** (1 / m.cost_exponent), points
    balanced = balanced_width(
        m.hp_amplitude, m.hp_exponent, m.hp_radius, m.hp_count, m.cost_exponent, runs, m.power
    )
    width = np.clip(balanced, m.smallest_width, runs ** (1 / m.cost_exponent))
    return width, runs / width**m.cost_exponent


def search_gain(model: SearchModel, cost: Number, points: Number | None = None) -> Number:
    """The marginal gain -dS/dC of the best search's loss S(C), by the envelope theorem::

        -dS/dC = (tau/C) (rho^p + b^p)^(2/p - 1) max(rho^p / h, beta b^p / r).

    The two sides are equal where grid and width are free. The larger is the one that can still be bought: the
    grid's where the width is at its lower bound, the width's where rho = L. With ``points`` given only
    the width's is left.
    """
    p = model.power
    width, count = best_search(model, cost, points)
    grid_part = grid_radius(model, count) ** p
    drift_part = (model.hp_amplitude * width**-model.hp_exponent) ** p
    gain = model.hp_exponent * drift_part / model.cost_exponent
    if points is None:
        gain = np.maximum(gain, grid_part / model.hp_count)
    return model.curvature / cost * (grid_part + drift_part) ** (2 / p - 1) * gain
