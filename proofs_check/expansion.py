"""The large-width expansion of the optimal ridge: its coefficients, and its sign where the limit is negative.

Beyond the paper, which has the first coefficient only, and restricts itself to positive limits.
"""

from __future__ import annotations

from fractions import Fraction

from hptheory.random_features import exceptional
from proofs_check.certificates import require_positive, require_zero
from proofs_check.claims import Claim, Verdict
from proofs_check.rational import generators
from proofs_check.region import Region
from proofs_check.taylor import library_coefficients


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


CLAIMS: tuple[Claim, ...] = (
    Claim(
        id="rf-expansion",
        place="beyond the paper (continues (17))",
        statement=r"\lambda^*(\psi_2) = c_0 + c_1\eta + c_2\eta^2 + O(\eta^3),\quad c_0, c_1, c_2 "
        r"\text{ as `large_width(order=2)` computes them}",
        verdict=Verdict.PROVED,
        check=library_coefficients,
        region=Region(
            {"psi1": r"\psi_1", "u": r"\mu_1^2", "s": r"s = t^*(\infty) - 1"},
            ("psi1 > 0", "0 < u < 1", "s > 0", "psi1*(1 + s) > s"),
            {"psi1": Fraction(1), "u": Fraction(1, 2), "s": Fraction(1)},
        ),
        note=r"$s$ stands for $B/A = \psi_1/s - 1/(1+s) > 0$. The same is shown on the exceptional surface "
        r"up to $c_3$ (exceptional-curve) and $c_4$ (exceptional-point).",
        depends_on=("eq-17", "rf-one-optimum"),
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
