"""The three gaps of a family of losses phi_n whose limit is phi_inf: loss, hyperparameter, suboptimality.

Everything in this package speaks about these three numbers, whoever computes them: exact functions
(``gaps_of_functions``), values on a grid (``gaps_of_values``), or a theory (``RandomFeatures.gaps``).
Source: 2512.22768, Definition 1.
"""

from __future__ import annotations

from dataclasses import dataclass

from hptheory.transfer.number_kinds import Number


@dataclass(frozen=True)
class Gaps:
    """Loss gap a_n, hyperparameter gap b_n and suboptimality gap c_n, at one width or (arrays) at several.

    With nu*(n) the minimiser of phi_n and phi*_n its minimum::

        loss            a_n = |phi*_n - phi*_inf|
        hyperparameter  b_n = ||nu*(n) - nu*(inf)||
        suboptimality   c_n = |phi_inf(nu*(n)) - phi*_inf|

    Source: 2512.22768, Definition 1. The printed c_n needs no modulus: it is never negative.

    The three have the same shape and kind of number (float, array, mpmath number, SymPy expression).
    ``error`` holds a bound on the absolute error of each, as another ``Gaps``; None: none is claimed.

    *Laws*: every gap is >= 0; all three are 0 where phi_n = phi_inf; c_n = (tau/2) b_n^2 for a
    quadratic limit of curvature tau.

    >>> gaps = Gaps(loss=0.25, hyperparameter=0.5, suboptimality=0.125)
    >>> gaps.suboptimality == gaps.hyperparameter**2 / 2      # a quadratic limit of curvature 1
    True
    """

    loss: Number
    hyperparameter: Number
    suboptimality: Number
    error: Gaps | None = None
