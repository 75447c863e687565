"""The large-width expansion of the optimum: coefficients of the optimal ridge and risk in eta = psi1/psi2.

Along the curve everything is rational in s and q = eta/P1, so that the optimum s*(eta) is a power series
whose coefficients follow one by one from `curve.stationarity`; substituting it into the ridge and the risk
gives the rest. Any kind of number will do: mpmath numbers, exact a + b sqrt(D), SymPy's rational functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from operator import index
from typing import Any

from hptheory.errors import DomainError
from hptheory.random_features.curve import (
    Model,
    Number,
    ridge_on_curve,
    risk_on_curve,
    slacks,
    stationarity,
)
from hptheory.random_features.optimum import limit_quadratic, positive_root
from hptheory.random_features.series import Series
from hptheory.random_features.surd import Surd, exact_sqrt


def check_order(order: Any) -> int:
    """Return the order as an int; raise `DomainError` unless it is a whole number >= 1."""
    try:
        whole = index(order)
    except TypeError:
        whole = 0
    if whole < 1:
        raise DomainError("order", repr(order), "a whole number >= 1")
    return whole


@dataclass(frozen=True)
class LargeWidth:
    r"""Coefficients in eta = psi1/psi2 (index 0 is infinite width) and the constants of the three gaps.

    .. math::

        \lambda^*(\psi_2) = \sum_k \ell_k \eta^k, \quad R^*(\psi_2) = \sum_k r_k \eta^k, \quad
        a_n \simeq r_1 \eta, \; \lambda^*(\psi_2) - \lambda^*(\infty) \simeq \ell_1 \eta, \;
        c_n \simeq \tfrac12 R_\infty''(\lambda^*) \ell_1^2 \eta^2
    """

    optimal_ridge: tuple[Number, ...]
    optimal_risk: tuple[Number, ...]
    curvature: Number
    """d^2 risk / d ridge^2 of infinite width at its optimum, positive"""

    @property
    def loss_gap_constant(self) -> Number:
        """C_eta: a_n = C_eta eta + O(eta^2); positive."""
        return self.optimal_risk[1]

    @property
    def hyperparameter_gap_constant(self) -> Number:
        """C_lambda, signed: ridge*(eta) - ridge*(0) = C_lambda eta + O(eta^2)."""
        return self.optimal_ridge[1]

    @property
    def suboptimality_constant(self) -> Number:
        """c_n = constant eta^2 + O(eta^3), the constant being curvature C_lambda^2 / 2."""
        return self.curvature * self.optimal_ridge[1] ** 2 / 2


def optimum_series(s: Number, model: Model, order: int) -> tuple[Series, Series]:
    """Return (s*(eta), q(eta)) to the given order, from s*(0).

    Order by order: a term of order k in s moves the stationarity condition at that order by its derivative
    at infinite width, so that each coefficient is one division.
    """
    psi1, mu1_sq = model.psi1, model.mu1_sq
    per_eta = 1 / (psi1 * mu1_sq)

    def condition(s: Series, q: Series) -> Series:
        fall, rise = stationarity(s, slacks(s, psi1, mu1_sq, q), *model, q)
        return fall - rise

    zero = s - s
    slope = condition(Series([s, zero + 1]), Series([zero, zero]))[1]
    known = [s]
    for k in range(1, order + 1):
        q = Series([zero, zero + per_eta, *[zero] * (k - 1)])
        known.append(-condition(Series([*known, zero]), q)[k] / slope)
    return Series(known), Series([zero, zero + per_eta, *[zero] * (order - 1)][: order + 1])


def expand(s: Number, model: Model, order: int) -> LargeWidth:
    """Return the expansion to the given order (at least 1), from the optimum s*(0) of infinite width."""
    psi1, mu1_sq = model.psi1, model.mu1_sq
    optimum, q = optimum_series(s, model, order)
    slack = slacks(optimum, psi1, mu1_sq, q)
    ridge = ridge_on_curve(optimum, slack)
    risk = risk_on_curve(optimum, slack, *model, q)
    # Along infinite width: R = r0 + r2 x^2, ridge = l0 + l1 x, so that d^2 R / d ridge^2 = 2 r2 / l1^2.
    zero = s - s
    along = Series([s, zero + 1, zero])
    at_limit = slacks(along, psi1, mu1_sq, zero)
    slope = ridge_on_curve(along, at_limit)[1]
    bend = risk_on_curve(along, at_limit, *model, zero)[2]
    return LargeWidth(ridge.coefficients, risk.coefficients, 2 * bend / slope**2)


def limit_point(model: Model) -> Number:
    """Return s*(0) at mpmath's working precision."""
    import mpmath

    a, b, c = limit_quadratic(model.psi1, model.teacher_mu1_sq, model.noise_var)
    return positive_root(a, b, c, mpmath.sqrt(b * b + 4 * a * c))


def exact_limit_point(model: Model) -> Fraction | Surd:
    """Return s*(0) of a rational model exactly: rational, or a + b sqrt(D)."""
    a, b, c = limit_quadratic(model.psi1, model.teacher_mu1_sq, model.noise_var)
    if a == 0:
        return c / b
    return (exact_sqrt(b * b + 4 * a * c) - b) / (2 * a)


def exact(model: Model, order: int) -> LargeWidth:
    """Return the expansion of a rational model exactly, as SymPy numbers."""
    found = expand(exact_limit_point(model), model, order)
    return LargeWidth(
        tuple(map(_to_sympy, found.optimal_ridge)),
        tuple(map(_to_sympy, found.optimal_risk)),
        _to_sympy(found.curvature),
    )


def _to_sympy(value: Fraction | Surd) -> Any:
    import sympy

    if isinstance(value, Surd):
        return _to_sympy(value.a) + _to_sympy(value.b) * sympy.sqrt(_to_sympy(value.d))
    return sympy.Rational(value.numerator, value.denominator)


@dataclass(frozen=True)
class SymbolicLargeWidth:
    """The expansion as SymPy expressions, rational in the four symbols s, psi1, mu1_sq, teacher_mu1_sq.

    ``s`` is the optimum s*(0) of infinite width, t* - 1 in the paper; it stands for the noise, which is
    eliminated: ``noise_var`` is the noise variance that puts the optimum there.
    """

    expansion: LargeWidth
    s: Any
    psi1: Any
    mu1_sq: Any
    teacher_mu1_sq: Any
    noise_var: Any


def symbolic_large_width(order: int = 2) -> SymbolicLargeWidth:
    r"""Return the large-width expansion symbolically, to any order (2 takes about a second).

    The optimality condition at infinite width, B t s = A (psi1 t - s), eliminates B, so that all
    coefficients are rational functions, reduced to lowest terms.

    >>> symbolic = symbolic_large_width(order=1)
    >>> symbolic.expansion.optimal_ridge[0].subs({symbolic.s: 1, symbolic.psi1: 4})
    9*mu1_sq/2 - 1
    """
    import sympy

    order = check_order(order)
    s, psi1, mu1_sq, teacher_mu1_sq = symbols = sympy.symbols("s psi1 mu1_sq teacher_mu1_sq", positive=True)
    _, *generators = sympy.polys.fields.field(symbols, sympy.QQ)
    s_, psi1_, mu1_sq_, teacher_ = generators
    unlearnable = teacher_ * (psi1_ * (1 + s_) - s_) / (s_ * (1 + s_))
    noise_var = unlearnable - 1 + teacher_
    found = expand(s_, Model(psi1_, mu1_sq_, teacher_, noise_var), order)

    def plain(element: Any) -> Any:
        return sympy.factor(element.as_expr())

    expansion = LargeWidth(
        tuple(map(plain, found.optimal_ridge)), tuple(map(plain, found.optimal_risk)), plain(found.curvature)
    )
    return SymbolicLargeWidth(expansion, s, psi1, mu1_sq, teacher_mu1_sq, plain(noise_var))
