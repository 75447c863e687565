"""Error bars of the large-width expansion: |lambda*(eta) - (c0 + ... + ck eta^k)| <= K eta^(k+1), certified.

Put s* = s + x, where s is the limit's optimum, and clear the stationarity condition of denominators: a
polynomial F(x, eta) with F(0, 0) = 0. Where::

    sum over (i, j) != (1, 0) of abs(f_ij) rho^i r^j  <  abs(f_10) rho,                             (*)

Rouche's theorem gives F(., eta) exactly one zero in |x| < rho for every complex |eta| <= r. It is simple, so
it is analytic in eta; for real eta it is real, and it is the optimum (rf-one-optimum) if q g < 1 there.
On |eta| <= r the ridge then differs from its limit by at most some M, found from its own coefficients in the
same way, and Cauchy's estimate |c_j| <= M/r^j sums up to::

    abs(remainder) <= M (eta/r)^(k+1) / (1 - eta/r) <= 2 M (eta/r)^(k+1)  for eta <= r/2.

The three inequalities are shown over a box of models in exact rational arithmetic (`regions`), rho being a
share of s. Models are named by (psi1, mu1^2, s): s stands for B/A = psi1/s - 1/(1 + s), on which alone the
ridge depends.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import mpmath as mp

from hptheory.random_features import curve, exceptional
from hptheory.random_features.curve import Model
from hptheory.random_features.large_width import expand
from proofs_check.claims import AllOf, Claim, Refuted, Verdict
from proofs_check.implicit import DIGITS, Parameters, number, optimal_ridge
from proofs_check.rational import generators
from proofs_check.region import Region
from proofs_check.regions import Box, require_majorant, require_positive_on
from proofs_check.taylor import condition_polynomial, ridge_polynomials

NAMES = ("x", "eta", "s", "psi1", "u")


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

    @property
    def argument(self) -> str:
        """How it is checked, for a page or an explanation."""
        ends = ", ".join(f"{low} <= {name} <= {high}" for name, (low, high) in self.box.items())
        return (
            f"Check by Rouche's theorem and Cauchy's estimate on |eta| <= {self.radius}, rho = "
            f"{self.spread} s, that the remainder is at most {self.bound} eta^{self.order + 1}.\n\n"
            f"Over {ends}: (1) the linear term of fall - rise outweighs all others in |s* - s| <= rho; (2) "
            "1 - q g > 0 there, so that the one zero is the optimum; (3) the ridge moves by M at most. Then "
            "the remainder is at most 2 M (eta/r)^(k+1) for eta <= r/2."
        )

    def __call__(self) -> str:
        """Look for a counterexample at the corners, then show (*), q g < 1 and the bound over the box."""
        self.find_counterexample()
        count = self.one_zero() + self.on_the_branch() + self.remainder()
        return f"the remainder is at most {self.bound} eta^{self.order + 1}, by {count} boxes of models"

    def one_zero(self) -> int:
        """Show (*): the sizes of all other terms of F add up to less than that of the linear one."""
        names = generators(*NAMES)
        condition, s = condition_polynomial(*names), names[2]
        linear = condition.diff("x").at("x", 0).at("eta", 0)
        return require_majorant(
            self.box,
            condition,
            {"x": s * self.spread, "eta": s.lifted(self.radius)},
            -linear * s * self.spread,
            "the linear term of fall - rise outweighs the others",
            without=[(1, 0)],
        )

    def on_the_branch(self) -> int:
        """Show that q g < 1 for real x <= rho: q = eta/(psi1 u), and g increases."""
        _, _, s, psi1, u = generators(*NAMES)
        last = s + s * self.spread
        slack = psi1 * u - self.radius * curve.fitted(last, u)
        return require_positive_on(self.box, slack * (1 + last), "1 - q g > 0 up to s + rho")

    def remainder(self) -> int:
        """Show that M <= bound r^(k+1)/2; the denominator of the ridge is least in size at x = -rho."""
        x, eta, s, psi1, u = generators(*NAMES)
        rho = s * self.spread
        change, denominator = ridge_polynomials(x, eta, s, psi1, u)
        least = denominator.substitute("x", -rho)
        return require_majorant(
            self.box,
            change,
            {"x": rho, "eta": s.lifted(self.radius)},
            least * (self.bound * self.radius ** (self.order + 1) / 2),
            "the ridge differs from its limit by at most M",
        )

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
            s, psi1, u = (low + (high - low) * place / 2 for low, high in self.box.values())
            ratio = remainder_ratio(s, psi1, u, eta, self.order)
            if ratio > number(self.bound):
                where = f"s = {s}, psi1 = {psi1}, mu1^2 = {u}, eta = {eta}"
                raise Refuted(f"the remainder is {mp.nstr(ratio, 5)} eta^{self.order + 1} at {where}")


def remainder_ratio(s: Fraction, psi1: Fraction, u: Fraction, eta: Fraction, order: int) -> mp.mpf:
    """Return |lambda*(eta) - (c0 + ... + ck eta^k)| / eta^(k+1), by a solution of (9), (10)."""
    model = Model(psi1, u, Fraction(1), exceptional.noise_to_signal(s, psi1))
    series = expand(s, model, order).optimal_ridge
    with mp.workdps(DIGITS):
        exact = optimal_ridge(Parameters(*model), number(eta))
        rest = abs(exact - sum(number(c) * number(eta) ** k for k, c in enumerate(series)))
        return rest / number(eta) ** (order + 1)


def _bar(id: str, statement: str, bars: tuple[ErrorBar, ...], witness: dict[str, Fraction]) -> Claim:
    (s, psi1, u), radius = bars[0].box.values(), bars[0].radius
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
        note=r"$B/A = \psi_1/s - 1/(1+s)$. The constants are what the method gives (Cauchy's estimate "
        r"asks for all directions of the complex plane): at two opposite corners and in the middle, at the "
        r"largest $\eta$, the remainder is 200 to 7 million times smaller. "
        r"That $c_0, \dots, c_k$ are the library's coefficients is rf-expansion.",
        depends_on=("rf-one-optimum", "rf-expansion"),
        slow=True,
        breaks=tuple((f"order {bar.order}: {name}", broken) for bar in bars for name, broken in bar.breaks),
    )


MODERATE: Box = {
    "s": (Fraction(1), Fraction(3)),
    "psi1": (Fraction(3), Fraction(6)),
    "u": (Fraction(9, 10), Fraction(19, 20)),
}
NEAR_FIGURE_4: Box = {
    "s": (Fraction(13, 2), Fraction(15, 2)),
    "psi1": (Fraction(7, 2), Fraction(9, 2)),
    "u": (Fraction(23, 25), Fraction(47, 50)),
}

CLAIMS: tuple[Claim, ...] = (
    _bar(
        "rf-error-bar-moderate",
        r"1 \le s \le 3,\ 3 \le \psi_1 \le 6,\ 0.9 \le \mu_1^2 \le 0.95,\ \eta \le \tfrac1{24}: \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta\rvert \le 250\,\eta^2, \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta - c_2\eta^2\rvert \le 3000\,\eta^3",
        tuple(
            ErrorBar(MODERATE, Fraction(1, 12), Fraction(1, 10), order, bound)
            for order, bound in ((1, Fraction(250)), (2, Fraction(3_000)))
        ),
        {"s": Fraction(2), "psi1": Fraction(4), "u": Fraction(23, 25), "eta": Fraction(1, 64)},
    ),
    _bar(
        "rf-error-bar-figure-4",
        r"6.5 \le s \le 7.5,\ 3.5 \le \psi_1 \le 4.5,\ 0.92 \le \mu_1^2 \le 0.94,\ "
        r"\eta \le \tfrac1{80}: \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta\rvert \le 200\,\eta^2, \quad "
        r"\lvert\lambda^*(\eta) - c_0 - c_1\eta - c_2\eta^2\rvert \le 8000\,\eta^3",
        tuple(
            ErrorBar(NEAR_FIGURE_4, Fraction(1, 40), Fraction(1, 14), order, bound)
            for order, bound in ((1, Fraction(200)), (2, Fraction(8_000)))
        ),
        {"s": Fraction(7), "psi1": Fraction(4), "u": Fraction(93, 100), "eta": Fraction(1, 256)},
    ),
)
