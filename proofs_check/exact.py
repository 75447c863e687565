"""The exact route: every name of a formula as a rational function, from the functions that users call.

`hptheory.random_features.curve` is evaluated on elements of the field Q(s, psi1, u, ...), and large-width
derivatives by substituting a series in q. Two formulas agree when their difference is the zero of the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from hptheory.random_features import curve
from hptheory.random_features.series import Series
from proofs_check.formulas import evaluate, parse, partial

if TYPE_CHECKING:
    from sympy.polys.fields import FracElement

Values = dict[str, Any]


class Setting(Enum):
    """Where the names of a formula live."""

    WIDTH = "any width"
    """eta = psi1/psi2 > 0 and any ridge: psi1, psi2, eta, u, v, A, B, lam, m1, m2, dm1, dm2 (by lam), R."""
    LIMIT = "eta = 0"
    """eta = 0 and any ridge: the names above and t; derivatives along the curve (dt_X), by lam (dX), and by
    eta at fixed lam (deta_X)."""
    OPTIMUM = "eta = 0 at the optimal ridge"
    """The same at lam = lambda*(inf), with ddR, C_lam = d lambda*/d eta and dRopt = d R(lambda*)/d eta."""


ABBREVIATIONS = {
    "T1": "u*m1*m2 + (m2 - m1)/psi1",
    "T2": "lam*m1 + v*m1 + u*m2 - 1",
    "T3": "u*m1*m2*(lam*m1 - 1)",
    "K": "v*m1 + u*m2",
}
LIMIT_ABBREVIATIONS = {
    "S": "psi1*t**2 - (t - 1)**2",
    "script_S": "u*m2*(2*lam*m1 - 1)*dm1 + u*m1*(lam*m1 - 1)*dm2 + u*m1**2*m2",
    "Q": "(u*B - v*B + 2*v*A*(psi1 - 1))*t**2"
    " + (-3*u*B + u*A*(psi1 - 1) + v*B + v*A*(psi1 + 3))*t + 2*u*B + A*(2*u*psi1 + 2*u - 1)",
}
"""Names that the paper introduces, as it prints them. Q is the polynomial of (15)."""

JACOBIAN = {"J11": ("T2", "m1"), "J12": ("T2", "m2"), "J21": ("T1", "m1"), "J22": ("T1", "m2")}


def add_abbreviations(values: Values, setting: Setting) -> None:
    """Add the paper's abbreviations to the values of the primary names (of either route)."""
    for name, text in ABBREVIATIONS.items():
        values[name] = evaluate(parse(text), values)
    if setting is Setting.WIDTH:
        return
    for name, (row, column) in JACOBIAN.items():
        values[name] = evaluate(partial(ABBREVIATIONS[row], column), values)
    values["detJ"] = values["J11"] * values["J22"] - values["J12"] * values["J21"]
    for name, text in LIMIT_ABBREVIATIONS.items():
        values[name] = evaluate(parse(text), values)


@cache
def exact_values(setting: Setting) -> Values:
    """Return every name of the setting as an element of a field of rational functions."""
    if setting is Setting.WIDTH:
        return _at_any_width()
    if setting is Setting.LIMIT:
        return _in_the_limit()
    return _at_the_optimum()


POINT = {
    name: Fraction(value)
    for name, value in {"s": "3/2", "psi1": "7/3", "u": "9/10", "A": "3/4", "B": "2/3", "q": "1/3"}.items()
}
"""One admissible model: psi1 = 7/3, mu1^2 = 9/10, A = 3/4, B = 2/3; s = 3/2 (t = 5/2 at infinite width)
and psi2 = 10/3. At the optimum B is 13/15 instead, and lambda*(inf) = 47/50."""


@cache
def rational_values(setting: Setting) -> Values:
    """Return every name at `POINT`, as fractions."""
    return {name: at_point(value, POINT) for name, value in exact_values(setting).items()}


def at_point(function: FracElement, point: Mapping[str, Fraction]) -> Fraction:
    """Return the value of a rational function at a rational point."""
    from sympy import QQ

    pairs = [(x, QQ(point[str(x)].numerator, point[str(x)].denominator)) for x in function.field.ring.gens]
    top, bottom = function.numer.evaluate(pairs), function.denom.evaluate(pairs)
    return Fraction(int(top.numerator), int(top.denominator)) / Fraction(
        int(bottom.numerator), int(bottom.denominator)
    )


def _at_any_width() -> Values:
    from sympy import QQ
    from sympy.polys.fields import field

    _, s, psi1, u, q, A, B = field("s, psi1, u, q, A, B", QQ)
    slack = curve.slacks(s, psi1, u, q)
    lam = curve.ridge_on_curve(s, slack)
    m1, m2 = curve.stieltjes_on_curve(s, slack, psi1, u)
    values = {"psi1": psi1, "psi2": 1 / (q * u), "eta": q * psi1 * u, "u": u, "v": 1 - u, "A": A, "B": B}
    values |= {"lam": lam, "m1": m1, "m2": m2, "R": curve.risk_on_curve(s, slack, psi1, u, A, B - 1 + A, q)}
    values |= {"dm1": m1.diff(s) / lam.diff(s), "dm2": m2.diff(s) / lam.diff(s)}
    add_abbreviations(values, Setting.WIDTH)
    return values


class _Limit(NamedTuple):
    """The curve near q = 0: series in q over the field of s and the parameters."""

    s: Any
    psi1: Any
    u: Any
    A: Any
    B: Any
    lam: Series
    m1: Series
    m2: Series
    R: Series
    fall: Series
    rise: Series

    def by_eta(self, series: Series) -> Any:
        """Return d/d eta at fixed ridge: the chain rule along the curve, eta = q psi1 u."""
        drift = self.lam[1] / self.lam[0].diff(self.s)
        return (series[1] - series[0].diff(self.s) * drift) / (self.psi1 * self.u)

    def by_lam(self, value: Any) -> Any:
        """Return d/d lambda at eta = 0."""
        return value.diff(self.s) / self.lam[0].diff(self.s)

    def slope(self, series: Series) -> Series:
        """Return d/d lambda as a series in q."""
        return Series(c.diff(self.s) for c in series.coefficients) / Series(
            c.diff(self.s) for c in self.lam.coefficients
        )

    def along_optimum(self, series: Series) -> Any:
        """Return d/d eta along the optimum, where fall = rise (its value means something only there)."""
        balance = self.fall - self.rise
        drift = balance[1] / balance[0].diff(self.s)
        return (series[1] - series[0].diff(self.s) * drift) / (self.psi1 * self.u)


@lru_cache(maxsize=1)
def _limit() -> _Limit:
    from sympy import QQ
    from sympy.polys.fields import field

    K, s, psi1, u, A, B = field("s, psi1, u, A, B", QQ)
    q = Series([K.zero, K.one])
    slack = curve.slacks(s, psi1, u, q)
    m1, m2 = curve.stieltjes_on_curve(s, slack, psi1, u)
    risk = curve.risk_on_curve(s, slack, psi1, u, A, B - 1 + A, q)
    fall, rise = curve.stationarity(s, slack, psi1, u, A, B - 1 + A, q)
    return _Limit(s, psi1, u, A, B, curve.ridge_on_curve(s, slack), m1, m2, risk, fall, rise)


def _in_the_limit() -> Values:
    limit = _limit()
    values = {"psi1": limit.psi1, "u": limit.u, "v": 1 - limit.u, "A": limit.A, "B": limit.B}
    along = {"lam": limit.lam, "m1": limit.m1, "m2": limit.m2, "R": limit.R}
    values |= {name: series[0] for name, series in along.items()}
    values["t"] = 1 + limit.u * limit.psi1 * values["m1"]  # the paper's definition
    slopes = {"dm1": limit.slope(limit.m1), "dm2": limit.slope(limit.m2)}
    values |= {name: series[0] for name, series in slopes.items()}
    for name, series in ({"m1": limit.m1, "m2": limit.m2, "R": limit.R} | slopes).items():
        values["deta_" + name] = limit.by_eta(series)
    add_abbreviations(values, Setting.LIMIT)
    for name in ("T3", "K", "deta_R"):
        values["d" + name] = limit.by_lam(values[name])
    for name in ("m1", "m2", "lam", "R", "deta_m1", "deta_m2", "deta_R"):
        values["dt_" + name] = values[name].diff(limit.s) / values["t"].diff(limit.s)
    return values


def _at_the_optimum() -> Values:
    """Eliminate B by stationarity at q = 0, where fall - rise is linear in B."""
    limit = _limit()
    values = dict(exact_values(Setting.LIMIT))
    values["dR"] = limit.by_lam(values["R"])
    values["ddR"] = limit.by_lam(values["dR"])
    values |= {"C_lam": limit.along_optimum(limit.lam), "dRopt": limit.along_optimum(limit.R)}
    balance = limit.fall[0] - limit.rise[0]
    slope = balance.diff(limit.B)
    remaining = (limit.B * slope - balance) / slope  # B where fall = rise; free of B
    return {name: _substitute_last(value, remaining) for name, value in values.items()}


def _substitute_last(function: FracElement, value: FracElement) -> FracElement:
    """Put a value, free of the field's last generator, in place of that generator."""
    top, bottom = value.numer, value.denom
    last = function.field.ring.gens[-1]
    degree = max(function.numer.degree(last), function.denom.degree(last))
    parts = [_homogenize(part, top, bottom, degree) for part in (function.numer, function.denom)]
    return function.field(parts[0]) / function.field(parts[1])


def _homogenize(polynomial: Any, top: Any, bottom: Any, degree: int) -> Any:
    """Return bottom^degree times the polynomial at top/bottom in its last generator."""
    ring = polynomial.ring
    by_power = [ring.zero] * (degree + 1)
    for monomial, coefficient in polynomial.terms():
        by_power[monomial[-1]] += ring.term_new((*monomial[:-1], 0), coefficient)
    return sum((c * top**k * bottom ** (degree - k) for k, c in enumerate(by_power)), ring.zero)
