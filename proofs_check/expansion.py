"""Error bars of the large-width expansion: |lambda*(eta) - (c0 + ... + ck eta^k)| <= K eta^(k+1), certified.

Put s* = s + x, where s is the limit's optimum, and clear the stationarity condition of denominators: a
polynomial F(x, eta) with F(0, 0) = 0. Where::

    sum over (i, j) != (1, 0) of abs(f_ij) rho^i r^j  <  abs(f_10) rho,                             (*)

Rouche's theorem gives F(., eta) exactly one zero in |x| < rho for every complex |eta| <= r. It is simple, so
it is analytic in eta; for real eta it is real, and it is the optimum (rf-one-optimum) if q g < 1 there.
On |eta| <= r the ridge then differs from its limit by at most some M, found from its own coefficients in the
same way, and Cauchy's estimate |c_j| <= M/r^j sums up to::

    abs(remainder) <= M (eta/r)^(k+1) / (1 - eta/r).

The inequality and M are shown over a box of models in exact rational arithmetic: every coefficient is a
polynomial in the parameters, which is expanded around the middle of the box, so that the sum of the sizes of
its terms bounds it. Models are named by (psi1, mu1^2, s): s stands for B/A = psi1/s - 1/(1 + s), on which
alone the ridge depends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

import mpmath as mp

from hptheory.random_features import curve, exceptional
from hptheory.random_features.curve import Model
from hptheory.random_features.large_width import expand
from proofs_check.algebraic import require_flint
from proofs_check.certificates import require_positive, require_zero
from proofs_check.claims import AllOf, Claim, Refuted, Undecided, Verdict
from proofs_check.implicit import DIGITS, Parameters, number, optimal_ridge
from proofs_check.rational import generators, terms
from proofs_check.region import Region

if TYPE_CHECKING:
    from flint import fmpz_mpoly

NAMES = ("s", "psi1", "u")
Box = tuple[tuple[Fraction, Fraction], ...]
BOXES = 20_000
"""More boxes than this are a sign that the bound cannot be shown: the check then did not decide."""


@dataclass(frozen=True)
class ErrorBar:
    """The claim for a box of models: ``bound`` holds for the remainder after eta^order while eta <= radius/2.

    ``spread`` is rho over s.
    """

    box: Box
    radius: Fraction
    spread: Fraction
    order: int
    bound: Fraction

    def __call__(self) -> str:
        """Look for a counterexample at the corners, then show (*) and the bound on a bisection of the box."""
        require_flint()
        self.find_counterexample()
        open_boxes, count = [self.box], 0
        while open_boxes:
            box = open_boxes.pop()
            count += 1
            if self._settled(box):
                continue
            if count + len(open_boxes) > BOXES:
                raise Undecided(f"{self.bound} is not shown on {box}")
            open_boxes += _halves(box, self.box)
        return f"the remainder is at most {self.bound} eta^{self.order + 1} on {count} boxes of models"

    @property
    def breaks(self) -> tuple[tuple[str, ErrorBar], ...]:
        """Bounds that the remainder exceeds at some model."""
        return (
            ("the opposite sign", replace(self, bound=-self.bound)),
            ("one hundredth", replace(self, bound=Fraction(1, 100))),
            ("no remainder", replace(self, bound=Fraction(0))),
        )

    def find_counterexample(self) -> None:
        """Raise `Refuted` where the remainder, by solutions of (9), (10), exceeds the bound at a corner."""
        eta = self.radius / 2
        for place in range(3):
            s, psi1, u = (low + (high - low) * place / 2 for low, high in self.box)
            model = Model(psi1, u, Fraction(1), exceptional.noise_to_signal(s, psi1))
            series = expand(s, model, self.order).optimal_ridge
            with mp.workdps(DIGITS):
                exact = optimal_ridge(Parameters(*model), number(eta))
                rest = abs(exact - sum(number(c) * number(eta) ** k for k, c in enumerate(series)))
                if rest > number(self.bound) * number(eta) ** (self.order + 1):
                    ratio = mp.nstr(rest / number(eta) ** (self.order + 1), 5)
                    where = f"s = {s}, psi1 = {psi1}, mu1^2 = {u}, eta = {eta}"
                    raise Refuted(f"the remainder is {ratio} eta^{self.order + 1} at {where}")

    def _settled(self, box: Box) -> bool:
        """Whether (*), q g < 1 and the bound hold for every model of a small box."""
        s, psi1, u = box
        middle = (s[0] + s[1]) / 2
        rho, r = middle * self.spread, self.radius
        condition = sizes(condition_polynomial(), box)
        own, others = condition.pop((1, 0))
        if not summed(condition, rho, r) < (own - others) * rho:
            return False
        low = s[0] - rho
        g = (s[1] + rho) * (1 - u[0] + u[1] / (1 + low))
        if not (low > 0 and r / (psi1[0] * u[0]) * g < 1):
            return False
        change = summed(sizes(ridge_polynomial(), box), rho, r)
        largest = change / (low * (low + 1) ** 2 * s[0] * (s[0] + 1) * psi1[0] * u[0])
        return 2 * largest / r ** (self.order + 1) <= self.bound


@cache
def condition_polynomial() -> fmpz_mpoly:
    """F as a polynomial in x, eta, s, psi1, u: the numerator of (fall - rise) at s + x.

    F(0, 0) = 0, since s is the limit's optimum: looked at here.
    """
    x, eta, s, psi1, u = generators("x", "eta", *NAMES)
    q = eta / (psi1 * u)
    slack = curve.slacks(s + x, psi1, u, q)
    fall, rise = curve.stationarity(s + x, slack, psi1, u, 1, exceptional.noise_to_signal(s, psi1), q)
    found = (fall - rise).numer
    if any(powers[:2] == (0, 0) for powers, _ in terms(found)):
        raise ValueError("s is not the limit's optimum")
    return found


@cache
def ridge_polynomial() -> fmpz_mpoly:
    """ridge(s + x, eta) - ridge(s, 0), times the denominator (s + x)(1 + s + x)^2 s (1 + s) psi1 u."""
    x, eta, s, psi1, u = generators("x", "eta", *NAMES)
    q = eta / (psi1 * u)
    there = curve.ridge_on_curve(s + x, curve.slacks(s + x, psi1, u, q))
    here = curve.ridge_on_curve(s, curve.slacks(s, psi1, u, 0 * q))
    product = (there - here) * (s + x) * (1 + s + x) ** 2 * s * (1 + s) * psi1 * u
    if product.denom != 1:
        raise ValueError("the denominator of the ridge is another one")
    return product.numer


def sizes(polynomial: fmpz_mpoly, box: Box) -> dict[tuple[int, int], tuple[Fraction, Fraction]]:
    """For each power of x and eta: the size of its coefficient amid the box, and what to add or take.

    The parameters are their middle plus a share in [-1, 1] of half the side; every term in the shares is
    bounded by the size of its coefficient.
    """
    from flint import fmpq_mpoly_ctx

    context = fmpq_mpoly_ctx.get(["x", "eta", *NAMES], "lex")
    x, eta, *shares = context.gens()
    moved = [
        _rational((low + high) / 2) + _rational((high - low) / 2) * share
        for (low, high), share in zip(box, shares, strict=True)
    ]
    lifted = context.from_dict(dict(terms(polynomial)))
    found: dict[tuple[int, int], tuple[Fraction, Fraction]] = {}
    for powers, coefficient in lifted.compose(x, eta, *moved).terms():
        size = abs(Fraction(int(coefficient.numerator), int(coefficient.denominator)))
        i, j, *rest = map(int, powers)
        middle, others = found.get((i, j), (Fraction(0), Fraction(0)))
        found[i, j] = (middle, others + size) if any(rest) else (size, others)
    return found


def summed(
    coefficients: Mapping[tuple[int, int], tuple[Fraction, Fraction]], rho: Fraction, r: Fraction
) -> Fraction:
    """The sum of |coefficient| rho^i r^j, from above."""
    return sum(((a + b) * rho**i * r**j for (i, j), (a, b) in coefficients.items()), Fraction(0))


def _rational(value: Fraction) -> Any:
    from flint import fmpq

    return fmpq(value.numerator, value.denominator)


def _halves(box: Box, whole: Box) -> list[Box]:
    """The box cut across the side that is longest relative to the whole."""
    shares = [
        (high - low) / (last - first) if last > first else Fraction(0)
        for (low, high), (first, last) in zip(box, whole, strict=True)
    ]
    side = shares.index(max(shares))
    low, high = box[side]
    middle = (low + high) / 2
    return [(*box[:side], part, *box[side + 1 :]) for part in ((low, middle), (middle, high))]


def negative_limit() -> str:
    """Check that C_lambda > 0 where lambda*(inf) <= 0, for all admissible parameters.

    There w = B/A = psi1/s - 1/t lies in (0, v/u]. In C_lambda = (psi1 t^2 a - s^2 b)/(u psi1 s t^3) the
    numerator over s is linear in w, t a - s b + t^2 a w: it is enough that it is positive at both ends, w = 0
    and w = v/u. C_lambda's formula is that of b4-C-lambda-corrected.
    """
    s, r, w = generators("s", "r", "w")
    u, t = 1 / (1 + r), 1 + s
    v = 1 - u
    psi1 = s * (w + 1 / t)
    constant = exceptional.hyperparameter_gap_constant(s, psi1, u)
    numerator = constant * u * psi1 * t**3
    at_zero, slope = numerator.at("w", 0), numerator.diff("w")
    require_zero(numerator - at_zero - w * slope, "the numerator is linear in w")
    require_zero(slope.diff("w"), "its slope does not depend on w")
    count = require_positive(at_zero, "at w = 0") + require_positive(
        numerator.substitute("w", v / u), "at w = v/u"
    )
    return f"the numerator of C_lambda is positive at both ends of the excess ({count} positive terms)"


def _bar(id: str, statement: str, bars: tuple[ErrorBar, ...], witness: dict[str, Fraction]) -> Claim:
    (s, psi1, u), radius = bars[0].box, bars[0].radius
    return Claim(
        id=id,
        place="beyond the paper",
        statement=statement,
        verdict=Verdict.CERTIFIED,
        check=AllOf(bars),
        region=Region(
            {"s": r"s = t^*(\infty) - 1", "psi1": r"\psi_1", "u": r"\mu_1^2", "eta": r"\eta = \psi_1/\psi_2"},
            (
                f"{s[0]} <= s <= {s[1]}",
                f"{psi1[0]} <= psi1 <= {psi1[1]}",
                f"{u[0]} <= u <= {u[1]}",
                f"0 <= eta <= {radius / 2}",
            ),
            witness,
        ),
        cites=("Rouche's theorem", "Cauchy's estimate of Taylor coefficients"),
        note=r"$B/A = \psi_1/s - 1/(1+s)$. The constants are what the method gives: at the corners the "
        r"remainder is some hundred to some hundred thousand times smaller. "
        r"That $c_0, \dots, c_k$ are the library's coefficients is checked at rational "
        r"models against solutions of (9), (10).",
        depends_on=("rf-one-optimum", "eq-17"),
        breaks=tuple((f"order {bar.order}: {name}", broken) for bar in bars for name, broken in bar.breaks),
        slow=True,
    )


MODERATE: Box = (
    (Fraction(1), Fraction(3)),
    (Fraction(3), Fraction(6)),
    (Fraction(9, 10), Fraction(19, 20)),
)
NEAR_FIGURE_4: Box = (
    (Fraction(13, 2), Fraction(15, 2)),
    (Fraction(7, 2), Fraction(9, 2)),
    (Fraction(23, 25), Fraction(47, 50)),
)

CLAIMS: tuple[Claim, ...] = (
    _bar(
        "rf-error-bar-moderate",
        r"1 \le s \le 3,\ 3 \le \psi_1 \le 6,\ 0.9 \le \mu_1^2 \le 0.95,\ \eta \le \tfrac1{32}: \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta\rvert \le 800\,\eta^2, \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta - c_2\eta^2\rvert \le 12800\,\eta^3",
        tuple(
            ErrorBar(MODERATE, Fraction(1, 16), Fraction(1, 10), order, bound)
            for order, bound in ((1, Fraction(800)), (2, Fraction(12_800)))
        ),
        {"s": Fraction(2), "psi1": Fraction(4), "u": Fraction(23, 25), "eta": Fraction(1, 64)},
    ),
    _bar(
        "rf-error-bar-figure-4",
        r"6.5 \le s \le 7.5,\ 3.5 \le \psi_1 \le 4.5,\ 0.92 \le \mu_1^2 \le 0.94,\ "
        r"\eta \le \tfrac1{128}: \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta\rvert \le 500\,\eta^2, \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta - c_2\eta^2\rvert \le 32000\,\eta^3",
        tuple(
            ErrorBar(NEAR_FIGURE_4, Fraction(1, 64), Fraction(3, 50), order, bound)
            for order, bound in ((1, Fraction(500)), (2, Fraction(32_000)))
        ),
        {"s": Fraction(7), "psi1": Fraction(4), "u": Fraction(93, 100), "eta": Fraction(1, 256)},
    ),
    Claim(
        id="rf-negative-limit",
        place="beyond the paper",
        statement=r"\lambda^*(\infty) \le 0 \implies C_\lambda > 0: "
        r"\text{ then } b_n = \Theta(\psi_2^{-1}),\ "
        r"c_n = \Theta(\psi_2^{-2}), \text{ and the optimal ridge falls to its limit}",
        verdict=Verdict.PROVED,
        check=negative_limit,
        region=Region(
            {"psi1": r"\psi_1", "u": r"\mu_1^2", "A": r"{\mu_1^*}^2", "B": r"B"},
            ("psi1 > 0", "0 < u < 1", "A > 0", "B > 0", "u*B <= (1 - u)*A"),
            {"psi1": Fraction(1), "u": Fraction(1, 2), "A": Fraction(1), "B": Fraction(1, 2)},
        ),
        note=r"The argmin is over all real ridges. Transfer is fast for a negative limit too, never faster "
        r"than at first order: [the exceptional surface](theorem_3.md) lies where $\lambda^*(\infty) > 0$.",
        depends_on=("b4-C-lambda-corrected", "thm-3-corrected"),
    ),
)
