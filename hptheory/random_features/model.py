"""`RandomFeatures`: the exact asymptotics of random-features ridge regression as an object.

A thin layer that validates, broadcasts and chooses the number system; the mathematics is in `curve`,
`inverse`, `optimum`, `large_width` and `gaps`. Source: 2512.22768, Sec. 3.2 and App. B.4.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from hptheory.errors import DomainError, HPTheoryError
from hptheory.random_features import gaps as _gaps
from hptheory.random_features import large_width as _large_width
from hptheory.random_features.arbitrary import FLOAT_DIGITS, to_fraction, to_mpf, to_precision
from hptheory.random_features.curve import (
    Model,
    risk_on_curve,
    stieltjes_derivative_on_curve,
    stieltjes_on_curve,
)
from hptheory.random_features.derivatives import risk_eta_derivative, risk_ridge_derivative
from hptheory.random_features.domain import check, check_precision, check_scalar, is_jax, to_float, to_floats
from hptheory.random_features.edge import ridge_edge
from hptheory.random_features.evaluate import (
    Formula,
    elementwise,
    with_jax,
    with_mpmath,
    with_numpy,
)
from hptheory.random_features.large_width import LargeWidth
from hptheory.random_features.optimum import limit_optimum
from hptheory.random_features.optimum_values import optimum, optimum_on_widths, risk_at_zero
from hptheory.transfer.gaps import Gaps

Number = Any

_NO_OPTIMUM = (
    "with a linear teacher (teacher_mu1_sq = 1), no noise and psi1 >= 1, the risk of infinite width falls "
    "all the way to ridge = mu1_sq - 1, where the branch ends: no ridge is optimal"
)


class NonPositiveOptimumError(HPTheoryError):
    """The optimal ridge of infinite width is <= 0, where the question is asked over ridge >= 0."""


class NoOptimumError(HPTheoryError):
    """The risk falls all the way to the edge of the spectrum: no ridge is optimal."""


@dataclass(frozen=True)
class RandomFeatures:
    r"""Random-features ridge regression in the proportional limit N/d -> psi1, n/d -> psi2.

    A student a . sigma(W x) with n random features is fitted by ridge regression to N labels
    sigma_*(<x, beta>) + noise of a single-index teacher in d dimensions. With A = teacher_mu1_sq and
    B = 1 - A + noise_var, its prediction risk is R = -(B m1' + A m2')/m1^2, where (m1, m2) solve (9), (10).

    Source: 2512.22768, eqs. (9)-(11), Theorem 3 and App. B.4, derived anew (what differs is on the errata
    page).

    Parameters:
        psi1: samples per dimension, N/d, in (0, inf).
        mu1_sq: squared first Hermite coefficient of the normalised student, in (0, 1).
        teacher_mu1_sq: the same of the normalised teacher, in (0, 1].
        noise_var: variance of the label noise, in [0, inf).

    Conventions. ``ridge`` is the lambda of (9), (10): the penalty lambda ||a||^2 on features scaled by
    1/sqrt(n), which is n lambda ||a||^2 in the estimator as printed. ``psi2`` = n/d, in (0, inf], is the
    width. Ridges may be negative down to the edge of the spectrum (`ridge_edge`). Arguments broadcast;
    what lies outside its domain raises `DomainError`.

    JAX arrays work in `stieltjes`, `risk` and their derivatives, for ridges >= 0, under jit, vmap and grad
    (up to third order; in the ridge, the width and the parameters); their values are not validated.

    Precision. Every method takes ``precision=<decimal digits>`` and then returns mpmath numbers with that
    many correct digits (mpmath's working precision is global: one thread at a time). A float parameter means
    its exact binary value; pass a str or a Fraction for decimals. In floats, risks, transforms and optima
    are right to about 1e-14 relative; `risk_derivative` and `risk_eta_derivative` are sums that cancel near
    their zeros.

    Negative ridge. With ``negative_ridge=False``, the default, optima are taken over ridge >= 0: where the
    optimum of the whole branch is negative they are exactly 0, at infinite width too. `gaps` and
    `large_width`, which ask how the optimum approaches its limit, then raise `NonPositiveOptimumError` if
    that limit is <= 0. ``negative_ridge=True`` takes optima over the whole branch, as the paper's argmin
    over all real ridge.

    Laws: the risk is unimodal in the ridge at every width; it tends to 1 + noise_var as ridge -> inf and
    exceeds B; m1 > m2 > 0 for ridge > 0, and decrease; a_n > 0.

    >>> rf = RandomFeatures.from_functions("tanh", "relu", psi1=4.0, noise_std=0.25)
    >>> ridge = rf.optimal_ridge(psi2=2.0)
    >>> bool(rf.risk(ridge, 2.0) < min(rf.risk([0.99 * ridge, 1.01 * ridge], 2.0)))
    True
    """

    psi1: Number
    mu1_sq: Number
    teacher_mu1_sq: Number
    noise_var: Number = 0.0
    # (activation, teacher, noise_std), from which the parameters are recomputed at the precision asked
    source: tuple[Any, Any, Any] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        check_scalar("psi1", self.psi1, lambda x: (x > 0) & (x < math.inf), "in (0, inf)")
        check_scalar("mu1_sq", self.mu1_sq, lambda x: (x > 0) & (x < 1), "in (0, 1), mu1 squared")
        check_scalar(
            "teacher_mu1_sq",
            self.teacher_mu1_sq,
            lambda x: (x > 0) & (x <= 1),
            "in (0, 1], the square of mu1*",
        )
        check_scalar(
            "noise_var", self.noise_var, lambda x: (x >= 0) & (x < math.inf), "in [0, inf), a variance"
        )

    @classmethod
    def from_functions(
        cls,
        activation: Any,
        teacher: Any,
        psi1: Number,
        noise_std: Number = 0.0,
        check_assumptions: bool = True,
    ) -> RandomFeatures:
        """Return the model of a student and a teacher, by name or as callables, and a noise level.

        Both are centred and normalised; their moments come from `moments`, again at each precision asked.
        ``noise_std`` is a standard deviation. Assumption 2 of the paper is checked (`check_assumptions`);
        pass ``check_assumptions=False`` to go on without it.

        >>> RandomFeatures.from_functions("erf", "relu", psi1=4, noise_std=0.5).noise_var
        0.25
        """
        from hptheory.random_features.assumptions import check_assumptions as check_assumption_2
        from hptheory.random_features.moments import moments

        check_scalar(
            "noise_std", noise_std, lambda x: (x >= 0) & (x < math.inf), "in [0, inf), a standard deviation"
        )
        if check_assumptions:
            check_assumption_2(activation, teacher)
        noise_var = noise_std**2 if isinstance(noise_std, float) else to_fraction(noise_std) ** 2
        model = cls(psi1, moments(activation).mu1_sq, moments(teacher).mu1_sq, noise_var)
        # Not a constructor argument: a changed copy (dataclasses.replace) must not keep the old functions.
        object.__setattr__(model, "source", (activation, teacher, noise_std))
        return model

    # -- the curve

    def stieltjes(self, ridge: Any, psi2: Any = math.inf, *, precision: int | None = None) -> Any:
        """Return (m1, m2) of (9), (10); m1 is infinite at ridge 0 for psi2 <= psi1.

        Laws: m1 > m2 > 0 for ridge > 0, both decreasing; ridge * m1 < 1. Below 0 they stay positive for
        psi2 > psi1, and are negative for psi2 < psi1 (with a pole at 0).

        >>> m1, m2 = RandomFeatures(4.0, 0.25, 0.5).stieltjes(1.0, 2.0)
        >>> abs((m1 - m2) * (0.75 * m1 + 0.25 * m2) / 4 + 0.25 * m1 * m2 * (m1 - 1)) < 1e-15
        True
        """
        return self._evaluate(_stieltjes, ridge, psi2, precision)

    def stieltjes_derivative(self, ridge: Any, psi2: Any = math.inf, *, precision: int | None = None) -> Any:
        """Return (m1', m2'), the derivatives of `stieltjes` in the ridge; both are negative.

        >>> rf, h = RandomFeatures(4.0, 0.25, 0.5), 1e-5
        >>> slope = (rf.stieltjes(1 + h, 2.0)[0] - rf.stieltjes(1 - h, 2.0)[0]) / (2 * h)
        >>> abs(rf.stieltjes_derivative(1.0, 2.0)[0] / slope - 1) < 1e-8
        True
        """
        return self._evaluate(_stieltjes_derivative, ridge, psi2, precision)

    def risk(self, ridge: Any, psi2: Any = math.inf, *, precision: int | None = None) -> Any:
        """Return the asymptotic prediction risk E (y - f(x))^2, label noise included.

        Ridge 0 is the limit ridge -> 0+ (interpolation), infinite at the peak psi1 = psi2.

        Laws: unimodal in the ridge; tends to 1 + noise_var as ridge -> inf; continuous in 1/psi2 at 0.

        >>> rf = RandomFeatures(psi1=4.0, mu1_sq=0.25, teacher_mu1_sq=0.5)
        >>> m1, m2 = rf.stieltjes(1.0, 2.0)
        >>> d1, d2 = rf.stieltjes_derivative(1.0, 2.0)
        >>> abs(rf.risk(1.0, 2.0) + (0.5 * d1 + 0.5 * d2) / m1**2) < 1e-14
        True
        """
        return self._evaluate(_risk, ridge, psi2, precision)

    def risk_derivative(
        self, ridge: Any, psi2: Any = math.inf, *, order: int = 1, precision: int | None = None
    ) -> Any:
        """Return the first or second derivative of the risk in the ridge (order 1 or 2).

        Laws: the first is 0 at `optimal_ridge`, negative below and positive above; the second is positive
        there.

        >>> rf = RandomFeatures(4.0, 0.25, 0.5, 0.1)
        >>> abs(rf.risk_derivative(rf.optimal_ridge(3.0), 3.0)) < 1e-15
        True
        """
        if order not in (1, 2):
            raise DomainError("order", order, "1 or 2")
        return self._evaluate(_RISK_DERIVATIVES[order], ridge, psi2, precision)

    def risk_eta_derivative(self, ridge: Any, psi2: Any = math.inf, *, precision: int | None = None) -> Any:
        """Return the derivative of the risk in eta = psi1/psi2 at fixed ridge.

        Law: at psi2 = inf and the optimal ridge it is C_eta, ``large_width().loss_gap_constant`` (the
        envelope).

        >>> rf = RandomFeatures(4.0, 0.5, 0.5, 0.1)
        >>> c_eta = rf.large_width().loss_gap_constant
        >>> abs(rf.risk_eta_derivative(rf.optimal_ridge()) / c_eta - 1) < 1e-13
        True
        """
        if not is_jax(ridge, psi2, *self._parameters()):
            # At the interpolation peak the one-sided derivatives are +inf and -inf.
            peak = (to_floats(ridge) == 0) & (to_floats(psi2) == to_float(self.psi1))
            if np.any(peak):
                raise DomainError("ridge", 0.0, "> 0 at psi2 = psi1, where interpolation has infinite risk")
        return self._evaluate(risk_eta_derivative, ridge, psi2, precision)

    def ridge_edge(self, psi2: Any = math.inf, *, precision: int | None = None) -> Any:
        """Return the lowest ridge of the physical branch, zero or negative (`edge.ridge_edge`).

        >>> RandomFeatures(psi1=4.0, mu1_sq=0.25, teacher_mu1_sq=0.5).ridge_edge()
        -0.75
        """
        self._check_psi2(psi2)
        precision = check_precision(precision)

        def at(psi2: Any) -> tuple[Number, ...]:
            def compute() -> tuple[Number]:
                model = self._mpmath(precision)
                return (ridge_edge(model.psi1, to_mpf(psi2), model.mu1_sq),)

            return to_precision(precision or FLOAT_DIGITS, compute)

        edge = elementwise(at, psi2)
        return edge if precision else _floats(edge)

    # -- the optimum

    def optimal_ridge(
        self, psi2: Any = math.inf, *, negative_ridge: bool = False, precision: int | None = None
    ) -> Any:
        r"""Return the ridge that minimises the risk: over ridge >= 0, or over the whole physical branch.

        The minimiser is unique at every width: the risk is unimodal on the whole branch, which is proved
        (page "Random features, exactly"; claim ``rf-one-optimum``) for A > 0 and B > 0, or B = 0 and psi2 <
        inf. So where the optimum of the whole branch is negative, the optimum over ridge >= 0 is exactly 0.
        For psi2 <= psi1 it is always positive, which is proved too. Without noise and with a linear teacher
        (B = 0), infinite width and psi1 >= 1 have no optimum on the whole branch: `NoOptimumError`.

        Law: ridge*(inf) = mu1_sq (1 - A + noise_var)/A - (1 - mu1_sq), eq. (11), whatever psi1.

        >>> rf = RandomFeatures(psi1=4.0, mu1_sq=0.5, teacher_mu1_sq=0.5, noise_var=0.25)
        >>> rf.optimal_ridge()
        0.25
        """
        return self._optimum(psi2, negative_ridge, precision)[0]

    def optimal_risk(
        self, psi2: Any = math.inf, *, negative_ridge: bool = False, precision: int | None = None
    ) -> Any:
        """Return the risk at `optimal_ridge`.

        Law: strictly decreasing in psi2 towards its limit (checked, not proved).

        >>> rf = RandomFeatures(psi1=4.0, mu1_sq=0.5, teacher_mu1_sq=0.5, noise_var=0.25)
        >>> abs(rf.optimal_risk(3.0) - rf.risk(rf.optimal_ridge(3.0), 3.0)) < 1e-15
        True
        """
        return self._optimum(psi2, negative_ridge, precision)[1]

    def gaps(self, psi2: Any, *, negative_ridge: bool = False, precision: int | None = None) -> Gaps:
        """Return (a_n, b_n, c_n) at width psi2, each with full relative accuracy however wide the model.

        Source: Definition 1 with phi_n the risk and the ridge as hyperparameter (absolute, not its
        logarithm). Raises `NonPositiveOptimumError` where the limit optimum is <= 0 and ``negative_ridge``
        is False.

        Laws: a_n > 0, b_n >= 0, c_n >= 0; a_n / eta -> C_eta, b_n / eta -> |C_lambda|.

        >>> rf = RandomFeatures(psi1=4.0, mu1_sq=0.5, teacher_mu1_sq=0.5, noise_var=0.25)
        >>> abs(rf.gaps(1e12).loss / (4e-12 * rf.large_width().loss_gap_constant) - 1) < 1e-10
        True
        """
        self._check_psi2(psi2)
        precision = check_precision(precision)
        self._require_limit_optimum(negative_ridge)
        digits = precision or FLOAT_DIGITS

        def at(psi2: Any) -> tuple[Number, ...]:
            return to_precision(
                digits, lambda: _gaps.gaps(to_mpf(psi2), self._mpmath(precision), negative_ridge)
            )

        a, b, c = elementwise(at, psi2)
        return Gaps(a, b, c) if precision else Gaps(*map(_floats, (a, b, c)))

    def large_width(
        self,
        order: int = 2,
        *,
        negative_ridge: bool = False,
        precision: int | None = None,
        exact: bool = False,
    ) -> LargeWidth:
        """Return the coefficients of the optimal ridge and risk in eta = psi1/psi2 to the given order.

        ``exact=True`` returns SymPy numbers, a + b sqrt(D) with rational a, b, D; the parameters must then
        be exact (floats are, as binary fractions; a model from functions is not). Raises
        `NonPositiveOptimumError` where the limit optimum is <= 0 and ``negative_ridge`` is False.

        >>> rf = RandomFeatures(psi1=4, mu1_sq="1/2", teacher_mu1_sq="1/2", noise_var="1/4")
        >>> rf.large_width(order=1, exact=True).optimal_ridge
        (1/4, -585/128 + 455*sqrt(105)/384)
        """
        order, precision = _large_width.check_order(order), check_precision(precision)
        self._require_limit_optimum(negative_ridge)
        if exact:
            return _large_width.exact(self._fractions(), order)
        digits, at_zero = precision or FLOAT_DIGITS, self._limit_optimum_is_zero()

        def compute() -> tuple[Number, ...]:
            model = self._mpmath(precision)
            found = _large_width.expand(_large_width.limit_point(model), model, order)
            limit, *further = found.optimal_ridge
            return 0 * limit if at_zero else limit, *further, *found.optimal_risk, found.curvature

        values = to_precision(digits, compute)
        if not precision:
            values = tuple(float(v) for v in values)
        return LargeWidth(values[: order + 1], values[order + 1 : -1], values[-1])

    # -- numbers of every kind

    def _parameters(self) -> Model:
        return Model(self.psi1, self.mu1_sq, self.teacher_mu1_sq, self.noise_var)

    def _floats(self) -> Model:
        return Model(*(p if is_jax(p) else to_float(p) for p in self._parameters()))

    def _mpmath(self, precision: int | None) -> Model:
        """Return the parameters at mpmath's working precision.

        Where the caller asked for digits, moments are recomputed; where for floats, the stored floats are
        exact.
        """
        if self.source is None or precision is None:
            return Model(*map(to_mpf, self._parameters()))
        import mpmath

        activation, teacher, noise_std = self.source
        student, target = (_mu1_sq(function, mpmath.mp.dps) for function in (activation, teacher))
        return Model(to_mpf(self.psi1), student, target, to_mpf(noise_std) ** 2)

    def _fractions(self) -> Model:
        if self.source is not None:
            raise HPTheoryError(
                "a model from functions has no exact parameters; pass mu1_sq and teacher_mu1_sq as Fractions"
            )
        return Model(*map(to_fraction, self._parameters()))

    def _evaluate(self, formula: Formula, ridge: Any, psi2: Any, precision: int | None) -> Any:
        precision = check_precision(precision)
        check("ridge", ridge, lambda x: (x > -math.inf) & (x < math.inf), "finite")
        self._check_psi2(psi2)
        if precision is not None:
            return with_mpmath(formula, lambda: self._mpmath(precision), ridge, psi2, precision)
        model = self._floats()
        if is_jax(ridge, psi2, *model):
            check("ridge", ridge, lambda x: x >= 0, ">= 0 beside JAX arrays")
            return with_jax(formula, model, ridge, psi2)
        return with_numpy(formula, model, ridge, psi2, lambda: self._mpmath(None))

    def _optimum(self, psi2: Any, negative_ridge: bool, precision: int | None) -> tuple[Any, Any]:
        """Return (optimal ridge, optimal risk)."""
        self._check_psi2(psi2)
        precision = check_precision(precision)

        def digits(width: Any) -> tuple[Number, ...]:
            return self._optimum_digits(width, negative_ridge, precision)

        if precision is not None:
            return elementwise(digits, psi2)
        widths = to_floats(psi2)
        ridge, risk = optimum_on_widths(widths, self._floats(), negative_ridge, digits)
        cut = ridge < 0
        if not negative_ridge and np.any(cut):
            ridge[cut], risk[cut] = 0.0, self.risk(0.0, widths[cut])
        return _floats(ridge), _floats(risk)

    def _optimum_digits(self, psi2: Any, negative_ridge: bool, precision: int | None) -> tuple[Number, ...]:
        at_edge = math.isinf(to_float(psi2)) and self._falls_to_the_edge()
        if at_edge and negative_ridge:
            raise NoOptimumError(_NO_OPTIMUM)
        at_zero = math.isinf(to_float(psi2)) and self._limit_optimum_is_zero()

        def compute() -> tuple[Number, ...]:
            model = self._mpmath(precision)
            if at_edge or at_zero:
                return to_mpf(0), risk_at_zero(to_mpf(psi2), model)
            return optimum(to_mpf(psi2), model, negative_ridge)

        return to_precision(precision or FLOAT_DIGITS, compute)

    def _require_limit_optimum(self, negative_ridge: bool) -> None:
        """Raise unless infinite width has an optimum, positive where only ridge >= 0 is allowed."""
        if negative_ridge:
            if self._falls_to_the_edge():
                raise NoOptimumError(_NO_OPTIMUM)
            return
        limit = self._exact_limit_optimum()
        if limit is None:
            (limit,) = to_precision(3, lambda: (limit_optimum(Model(*map(to_mpf, self._parameters()))),))
        if limit <= 0:
            raise NonPositiveOptimumError(
                f"the optimal ridge of infinite width is {float(limit)!r} <= 0: over ridge >= 0 it sits "
                "at the boundary, where nothing can be expanded; pass negative_ridge=True to search "
                "the whole physical branch"
            )

    def _limit_optimum_is_zero(self) -> bool:
        """Tell whether exact parameters put the optimum of infinite width at 0, which no digits show."""
        return self.source is None and self._exact_limit_optimum() == 0

    def _exact_limit_optimum(self) -> Number | None:
        """Return the optimal ridge of infinite width as a fraction; None for irrational SymPy parameters."""
        parameters = self._parameters()
        if not all(getattr(p, "is_Rational", True) for p in parameters):
            return None
        return limit_optimum(Model(*map(to_fraction, parameters)))

    def _falls_to_the_edge(self) -> bool:
        """Tell whether the risk of infinite width falls all the way to the edge: B = 0 and psi1 >= 1."""
        psi1, _, teacher_mu1_sq, noise_var = (
            to_fraction(p) if isinstance(p, str) else p for p in self._parameters()
        )
        return bool(teacher_mu1_sq == 1 and noise_var == 0 and psi1 >= 1)

    def _check_psi2(self, psi2: Any) -> None:
        check("psi2", psi2, lambda x: x > 0, "in (0, inf]")


def _stieltjes(s: Number, slack: Any, model: Model, q: Number) -> tuple[Number, Number]:
    return stieltjes_on_curve(s, slack, model.psi1, model.mu1_sq)


def _stieltjes_derivative(s: Number, slack: Any, model: Model, q: Number) -> tuple[Number, Number]:
    return stieltjes_derivative_on_curve(s, slack, model.psi1, model.mu1_sq, q)


def _risk(s: Number, slack: Any, model: Model, q: Number) -> Number:
    return risk_on_curve(s, slack, *model, q)


_RISK_DERIVATIVES: dict[int, Formula] = {
    order: partial(risk_ridge_derivative, order=order) for order in (1, 2)
}


def _mu1_sq(function: Any, digits: int) -> Number:
    """Return the moment of a name or callable to the given digits (`moments` remembers those of names)."""
    from hptheory.random_features.moments import moments

    return moments(function, precision=digits).mu1_sq


def _floats(value: Any) -> Any:
    """Return a float or an array of floats."""
    return float(value) if np.ndim(value) == 0 else np.asarray(value, dtype=float)
