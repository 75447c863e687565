"""The named activations and teachers, with their Gaussian moments (E f, E f^2, E z f) where these are closed.

The moments are textbook Gaussian integrals: Stein's lemma E z f = E f', the arcsine law for erf, and moments
of truncated normal variables. Each is met by quadrature in ``tests/random_features/test_moments.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import Any

import mpmath
import numpy as np

from hptheory.random_features.functions import ScalarFunction

LEAK = 0.01
"""Slope of leaky_relu below zero: the default of torch.nn.LeakyReLU (as a float: its exact binary value)."""


def _erf(z: Any) -> Any:
    from scipy.special import erf

    return erf(z)


def _gelu(z: Any) -> Any:
    from scipy.special import ndtr

    return z * ndtr(z)


def _sigmoid(z: Any) -> Any:
    from scipy.special import expit

    return expit(z)


def _mp_sigmoid(z: Any) -> Any:
    return 1 / (1 + mpmath.exp(-z))


def _left_tail(c: Any, a: int) -> Any:
    """P(z < -a)."""
    return c.erfc(a / c.sqrt(2)) / 2


def _hardtanh_moments(c: Any) -> tuple[Any, Any, Any]:
    # E f^2 = P(|z| > 1) + E[z^2; |z| < 1] and E f' = P(|z| < 1)
    return c.zero, 1 - c.sqrt(2 / c.pi) * c.exp(-c.one / 2), c.erf(1 / c.sqrt(2))


def _elu_moments(c: Any) -> tuple[Any, Any, Any]:
    # E[exp(a z); z < 0] = exp(a^2/2) P(z < -a)
    once = c.exp(c.one / 2) * _left_tail(c, 1)
    twice = c.exp(2) * _left_tail(c, 2)
    return 1 / c.sqrt(2 * c.pi) + once - c.one / 2, 1 + twice - 2 * once, c.one / 2 + once


def _gelu_moments(c: Any) -> tuple[Any, Any, Any]:
    # Stein twice: E z^2 Phi^2 = E Phi^2 + 2 E z Phi phi, the last one 1 / (4 pi sqrt 3)
    return 1 / (2 * c.sqrt(c.pi)), c.one / 3 + 1 / (2 * c.pi * c.sqrt(3)), c.one / 2


def _leaky_relu_moments(c: Any) -> tuple[Any, Any, Any]:
    leak = c.mpf(LEAK)
    return (1 - leak) / c.sqrt(2 * c.pi), (1 + leak**2) / 2, (1 + leak) / 2


_smooth = partial(ScalarFunction, bounded_derivatives=True, lipschitz=True)
_kinked = partial(ScalarFunction, kinks=(0.0,), bounded_derivatives=False, lipschitz=True)
_steep = partial(ScalarFunction, bounded_derivatives=False, lipschitz=False)

_TABLE = [
    _smooth(
        "linear",
        lambda z: 1.0 * z,
        lambda z: z,
        odd=True,
        closed_form=lambda c: (c.zero, c.one, c.one),
    ),
    _smooth("tanh", np.tanh, mpmath.tanh, odd=True),
    _smooth(
        "erf",
        _erf,
        mpmath.erf,
        odd=True,
        closed_form=lambda c: (c.zero, 2 / c.pi * c.asin(2 * c.one / 3), 2 / c.sqrt(3 * c.pi)),
    ),
    _smooth(
        "sin",
        np.sin,
        mpmath.sin,
        odd=True,
        closed_form=lambda c: (c.zero, (1 - c.exp(-2)) / 2, c.exp(-c.one / 2)),
    ),
    _smooth(
        "cos",
        np.cos,
        mpmath.cos,
        odd=False,
        closed_form=lambda c: (c.exp(-c.one / 2), (1 + c.exp(-2)) / 2, c.zero),
    ),
    _smooth("arctan", np.arctan, mpmath.atan, odd=True),
    _smooth("sigmoid", _sigmoid, _mp_sigmoid, odd=True),
    _smooth("softplus", lambda z: np.logaddexp(0, z), lambda z: mpmath.log1p(mpmath.exp(z)), odd=False),
    _smooth("silu", lambda z: z * _sigmoid(z), lambda z: z * _mp_sigmoid(z), odd=False),
    _smooth("gelu", _gelu, lambda z: z * mpmath.ncdf(z), odd=False, closed_form=_gelu_moments),
    _kinked(
        "relu",
        lambda z: np.maximum(z, 0.0),
        lambda z: max(z, mpmath.mpf(0)),
        odd=False,
        closed_form=lambda c: (1 / c.sqrt(2 * c.pi), c.one / 2, c.one / 2),
    ),
    _kinked(
        "leaky_relu",
        lambda z: np.maximum(z, LEAK * z),
        lambda z: max(z, LEAK * z),
        odd=False,
        closed_form=_leaky_relu_moments,
    ),
    _kinked(
        "elu",
        lambda z: np.where(z > 0, z, np.expm1(np.minimum(z, 0.0))),
        lambda z: z if z > 0 else mpmath.expm1(z),
        odd=False,
        closed_form=_elu_moments,
    ),
    _kinked("abs", np.abs, abs, odd=False, closed_form=lambda c: (c.sqrt(2 / c.pi), c.one, c.zero)),
    _kinked(
        "hardtanh",
        lambda z: np.clip(z, -1.0, 1.0),
        lambda z: min(max(z, mpmath.mpf(-1)), mpmath.mpf(1)),
        kinks=(-1.0, 1.0),
        odd=True,
        closed_form=_hardtanh_moments,
    ),
    _kinked("softsign", lambda z: z / (1 + np.abs(z)), lambda z: z / (1 + abs(z)), odd=True),
    _kinked(
        "sign",
        np.sign,
        mpmath.sign,
        odd=True,
        lipschitz=False,
        closed_form=lambda c: (c.zero, c.one, c.sqrt(2 / c.pi)),
    ),
    _kinked(
        "step",
        lambda z: np.heaviside(z, 0.5),
        lambda z: (1 + mpmath.sign(z)) / 2,
        odd=True,
        lipschitz=False,
        closed_form=lambda c: (c.one / 2, c.one / 2, 1 / c.sqrt(2 * c.pi)),
    ),
    _kinked(
        "relu_squared",
        lambda z: np.maximum(z, 0.0) ** 2,
        lambda z: max(z, mpmath.mpf(0)) ** 2,
        odd=False,
        lipschitz=False,
        closed_form=lambda c: (c.one / 2, 3 * c.one / 2, c.sqrt(2 / c.pi)),
    ),
    _steep(
        "square",
        lambda z: z**2,
        lambda z: z**2,
        odd=False,
        closed_form=lambda c: (c.one, 3 * c.one, c.zero),
    ),
    _steep(
        "cubic",
        lambda z: z**3,
        lambda z: z**3,
        odd=True,
        closed_form=lambda c: (c.zero, 15 * c.one, 3 * c.one),
    ),
    _steep(
        "exp",
        np.exp,
        mpmath.exp,
        odd=False,
        closed_form=lambda c: (c.exp(c.one / 2), c.exp(2), c.exp(c.one / 2)),
    ),
]

FUNCTIONS: Mapping[str, ScalarFunction] = MappingProxyType({f.name: f for f in _TABLE})
"""Every function with a fixed name; `hermite` makes the polynomials."""


@cache
def hermite(degree: int) -> ScalarFunction:
    """He_degree / sqrt(degree!), the probabilists' Hermite polynomial with E f^2 = 1.

    >>> he2 = hermite(2)
    >>> float(he2.numpy(3.0)) == (3.0**2 - 1) / 2**0.5
    True
    """

    def polynomial(z: Any) -> Any:
        previous, current = 0 * z, 1 + 0 * z
        for k in range(degree):
            previous, current = current, z * current - k * previous
        return current

    return ScalarFunction(
        f"hermite{degree}",
        lambda z: polynomial(z) / math.sqrt(math.factorial(degree)),
        lambda z: polynomial(z) / mpmath.sqrt(math.factorial(degree)),
        odd=degree % 2 == 1,
        bounded_derivatives=degree <= 1,
        lipschitz=degree <= 1,
        closed_form=lambda c: (c.mpf(int(degree == 0)), c.one, c.mpf(int(degree == 1))),
    )
