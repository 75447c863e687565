"""Power laws tested before they are believed: widths that follow none are left out, or widen the errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.exponents import PowerLaw, fit_power_law

Floats = NDArray[np.float64]
REFUTED = 0.01
"""A law is refuted by its misfit at this p-value."""
FEWEST_LEFT = 4
"""Widths that are left at least when the narrowest are left out: one more than a law's parameters."""


def settled_law(width: Floats, y: Floats, covariance: Floats, df: float) -> PowerLaw:
    """The power law of the widest widths that agree with one.

    Power laws hold for wide models. Where the noise refutes one law for all widths, the narrowest are left
    out, one by one; if the widest four still refute it, errors are multiplied by the misfit (Birge 1932).

    *Laws*: widths that agree with a law are all used; `direction` has one column a width, 0 if left out.

    >>> n = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    >>> law = settled_law(n, 0.5 + 0.3 / n + 0.5 * (n == 1), 1e-10 * np.eye(6), df=100)
    >>> law.left_out, round(law.exponent.estimate, 3), law.direction.shape[1]
    (1, 1.0, 6)
    """
    law = fit_power_law(width, y, covariance, df)
    if law.misfit > REFUTED:
        return law
    for skip in range(1, width.size - FEWEST_LEFT + 1):
        law = fit_power_law(width[skip:], y[skip:], covariance[skip:, skip:], df)
        if law.misfit > REFUTED:
            break
    skip, inflation = width.size - law.direction.shape[1], 1.0
    if law.misfit <= REFUTED:
        inflation = law.chi_square / law.spare
        law = fit_power_law(width[skip:], y[skip:], inflation * covariance[skip:, skip:], df)
    return _left_out(law, skip, inflation)


def without_narrowest(law: PowerLaw, width: Floats, y: Floats, covariance: Floats, df: float) -> PowerLaw:
    """The same law refitted without the narrowest width that it uses; it must use at least 4."""
    skip = law.left_out + 1
    narrower = law.inflation * covariance[skip:, skip:]
    return _left_out(fit_power_law(width[skip:], y[skip:], narrower, df), skip, law.inflation)


def _left_out(law: PowerLaw, skip: int, inflation: float) -> PowerLaw:
    direction = np.pad(law.direction, ((0, 0), (skip, 0)))
    return replace(law, left_out=skip, inflation=inflation, direction=direction)
