"""The fitted laws of a family of losses, as draws: what the estimators hand to the planner.

With x the (logarithmic) hyperparameter, every draw is one family that the data allow::

    phi*_n = loss_limit + loss_amplitude * n**-loss_exponent        (A, alpha)
    nu*(n) = hp_limit   + hp_amplitude   * n**-hp_exponent          (B, beta)
    phi_n(x) = phi*_n + (curvature/2) * (x - nu*(n))**2             (tau)

Source: 2512.22768, Sec. 3.1, with the constants that the paper leaves in its O-symbols written out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hptheory.errors import DomainError

Draws = NDArray[np.float64]

_POSITIVE = ("loss_exponent", "curvature")
_REAL = ("loss_limit", "loss_amplitude", "hp_limit", "hp_amplitude", "hp_exponent")


@dataclass(frozen=True, eq=False)
class TransferLaw:
    """Draws of (phi*_inf, A, alpha), (nu*(inf), B, beta) and tau, with the hyperparameter box searched.

    Every parameter is an array ``[draws]``, or one number (a law known exactly is a single draw).
    ``hp_radius`` is L, the covering radius of one point at the centre of the box: half the interval of
    ln HP for one hyperparameter, half the diagonal of the box for several. ``hp_count`` is h.

    Domain: alpha, tau, L > 0; A, B, beta real (A <= 0: width does not help; beta <= 0: a drift without
    limit, so no weak transfer); h >= 1. Anything else, or a value that is not finite: ``DomainError``.

    *Laws*: ``drift(n, n)`` is 0; ``optimal_loss`` falls strictly with width where A > 0.

    >>> law = TransferLaw(loss_limit=1.0, loss_amplitude=2.0, loss_exponent=0.5, hp_limit=-3.0,
    ...                   hp_amplitude=1.0, hp_exponent=1.0, curvature=1.0, hp_radius=1.5)
    >>> float(law.optimal_loss(16.0)[0]), float(law.drift(2.0, 4.0)[0])       # 1 + 2/4 and 1/2 - 1/4
    (1.5, 0.25)
    """

    loss_limit: Draws
    loss_amplitude: Draws
    loss_exponent: Draws
    hp_limit: Draws
    hp_amplitude: Draws
    hp_exponent: Draws
    curvature: Draws
    hp_radius: float
    hp_count: int = 1

    def __init__(
        self,
        loss_limit: ArrayLike,
        loss_amplitude: ArrayLike,
        loss_exponent: ArrayLike,
        hp_limit: ArrayLike,
        hp_amplitude: ArrayLike,
        hp_exponent: ArrayLike,
        curvature: ArrayLike,
        hp_radius: float,
        hp_count: int = 1,
    ) -> None:
        given = dict(locals())
        for field in fields(self):
            value = given[field.name]
            if field.name in _POSITIVE + _REAL:
                value = np.atleast_1d(np.asarray(value, dtype=np.float64))
            object.__setattr__(self, field.name, value)
        self._check()

    def _check(self) -> None:
        for name in _POSITIVE + _REAL:
            values = getattr(self, name)
            if values.ndim != 1 or values.size == 0:
                raise DomainError(f"{name}.shape", values.shape, "(draws,) with at least one draw")
            if not np.isfinite(values).all():
                raise DomainError(name, values[~np.isfinite(values)][0], "finite")
            if name in _POSITIVE and not (values > 0).all():
                raise DomainError(name, values.min(), "> 0")
        sizes = {getattr(self, name).size for name in _POSITIVE + _REAL} - {1}
        if len(sizes) > 1:
            raise DomainError("number of draws", sorted(sizes), "the same for every parameter")
        if not 0 < self.hp_radius < np.inf:
            raise DomainError("hp_radius", self.hp_radius, "positive and finite")
        if self.hp_count < 1:
            raise DomainError("hp_count", self.hp_count, "a whole number >= 1")

    @property
    def draws(self) -> int:
        """The number of draws."""
        return max(getattr(self, name).size for name in _POSITIVE + _REAL)

    def loss_gap(self, width: ArrayLike) -> Draws:
        """a_n = A n^-alpha, ``[draws, *widths]``."""
        return _power(self.loss_amplitude, self.loss_exponent, width)

    def optimal_loss(self, width: ArrayLike) -> Draws:
        """phi*_n, ``[draws, *widths]``."""
        gap = self.loss_gap(width)
        return self.loss_limit.reshape((-1,) + (1,) * (gap.ndim - 1)) + gap

    def hp_gap(self, width: ArrayLike) -> Draws:
        """The signed nu*(n) - nu*(inf) = B n^-beta, ``[draws, *widths]``; its size is b_n."""
        return _power(self.hp_amplitude, self.hp_exponent, width)

    def drift(self, width: ArrayLike, target_width: ArrayLike) -> Draws:
        """The signed nu*(n) - nu*(M): how far a hyperparameter tuned at n is off at M, ``[draws, ...]``."""
        width, target_width = np.broadcast_arrays(width, target_width)
        return self.hp_gap(width) - self.hp_gap(target_width)


def _power(amplitude: Draws, exponent: Draws, width: ArrayLike) -> Draws:
    widths = np.asarray(width, dtype=np.float64)
    column = (-1,) + (1,) * widths.ndim
    return amplitude.reshape(column) * widths ** -exponent.reshape(column)
