"""One optimal ridge at every width: the risk has exactly one stationary point on the whole physical branch.

Beyond the paper, whose argmin is taken over the whole branch while its argument is local. Checked on
`curve.stationarity` itself, in the coordinate s: fall = A P1 t^3 epsilon, rise = A s lin + B s rem with

    dR/ds = 2 P1 (rise - fall)/(t^6 D^2),   F_A = s lin/(t^3 epsilon),   F_B = s rem/(t^3 epsilon).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hptheory.random_features import curve
from proofs_check.certificates import require_positive, require_zero
from proofs_check.claims import Claim, Refuted, Verdict
from proofs_check.rational import RationalFunction, generators

Stationarity = Callable[..., tuple[Any, Any]]


def parts(stationarity: Stationarity, s: Any, slack: curve.Slacks, u: Any, q: Any) -> tuple[Any, Any]:
    """Return (s lin, s rem), the coefficients of A and B in `rise`."""
    linear = stationarity(s, slack, 1, u, 1, 0, q)[1]
    remaining = stationarity(s, slack, 1, u, 0, 0, q)[1]
    return linear, remaining


def sign_of_slope(stationarity: Stationarity = curve.stationarity) -> str:
    """Check that dR/ds is 2 P1/(t^6 D^2) times rise - fall, and that `parts` says what it should."""
    from sympy import QQ
    from sympy.polys.fields import field

    _, s, psi1, u, q, A, B = field("s, psi1, u, q, A, B", QQ)
    slack, model = curve.slacks(s, psi1, u, q), (psi1, u, A, B - 1 + A)
    fall, rise = stationarity(s, slack, *model, q)
    determinant = curve.branch_determinant(s, slack, u, q)
    slope = curve.risk_on_curve(s, slack, *model, q).diff(s)
    if slope != 2 * psi1 * u * (rise - fall) / ((1 + s) ** 6 * determinant**2):
        raise Refuted("dR/ds is not 2 P1 (rise - fall)/(t^6 D^2)")
    linear, remaining = parts(stationarity, s, slack, u, q)
    if fall != A * psi1 * u * (1 + s) ** 3 * slack.width or rise != A * linear + B * remaining:
        raise Refuted("fall is not A P1 t^3 epsilon, or rise is not linear in A and B")
    return "dR/ds = 2 P1 (rise - fall)/(t^6 D^2), fall = A P1 t^3 epsilon, rise = A s lin + B s rem"


def rises_where_epsilon_is_positive(stationarity: Stationarity = curve.stationarity) -> str:
    """Check that F_A and F_B rise strictly with s at fixed q, wherever epsilon = 1 - q g > 0.

    s t^3 F_A'/epsilon and s F_B'/epsilon are cubics in w = q s h/(epsilon t) or q s h/(epsilon t^2), h = t^2
    g'(s) > 0, with coefficients linear in v = mu2^2: both ends, v = 0 and v = 1, are positive. So rise/fall
    rises strictly, from 0 at s = 0 to infinity where epsilon -> 0 (q > 0) or s -> infinity (q = 0, B > 0).
    """
    import sympy

    s, v, w, q, epsilon = sympy.symbols("s v w q epsilon", positive=True)
    t = 1 + s
    h = v * t**2 + 1 - v
    g_slope = h / t**2
    require_zero(sympy.diff(curve.fitted(s, 1 - v), s) - g_slope, "g'(s)")
    linear, remaining = parts(stationarity, s, curve.Slacks(epsilon, epsilon), 1 - v, q)
    cubics = []
    for part, power in ((linear, 1), (remaining, 2)):
        F = part / (t**3 * epsilon)
        along = sympy.diff(F, s) - q * g_slope * sympy.diff(F, epsilon)
        scaled = along * s * t ** (6 - 3 * power) / epsilon
        cubics.append(sympy.cancel(sympy.together(scaled.subs(q, w * epsilon * t**power / (s * h)))))
        if not cubics[-1].is_polynomial(s, v, w) or sympy.degree(cubics[-1], v) > 1:
            raise Refuted(f"not a polynomial, linear in v: {cubics[-1]}")
        require_positive(cubics[-1].subs(v, 1), "the cubic at v = 1")
    require_zero(cubics[0].subs(v, 0) - (w * (w + 1 - s) ** 2 + s * (w + t)), "F_A at v = 0")
    require_zero(cubics[1].subs(v, 0) - (w + 1) * (w * (w + 1) + s * (w - 1) ** 2), "F_B at v = 0")

    # The ends: both vanish at s = 0; the last term of each diverges as epsilon -> 0, the others being
    # positive.
    r = sympy.Symbol("r", positive=True)
    for part in parts(stationarity, s, curve.Slacks(epsilon, epsilon), 1 / (1 + r), q):
        require_positive(part / s, "lin, rem")
        require_positive(part.subs(epsilon, 0) / s, "lin, rem at epsilon = 0")
    return "F_A and F_B rise strictly from 0 to infinity: rise = fall exactly once where epsilon > 0"


def falls_with_negative_ridge(stationarity: Stationarity = curve.stationarity) -> str:
    """Check that rise > fall on the branch beyond epsilon = 0 (psi2 < psi1, negative ridge).

    delta = P1 - g is positive there: at epsilon = 0 it is, and D = e epsilon < 0 where it would vanish. With
    q = 1/(g - omega), epsilon = -q omega, D > 0 means omega < e delta/(e + delta): put omega = e delta/((e +
    delta) (1 + x)) with x > 0.
    """
    s, r, x, delta, omega = generators("s", "r", "x", "delta", "omega")
    u, t = 1 / (1 + r), 1 + s
    g, e = curve.fitted(s, u), curve.fitted_slope(s, u)

    def slack_at(omega: RationalFunction) -> tuple[curve.Slacks, RationalFunction]:
        q = 1 / (g - omega)
        return curve.Slacks(delta, -q * omega), q

    slack, q = slack_at(omega)
    determinant = curve.branch_determinant(s, slack, u, q)
    require_zero(determinant * (g - omega) - (e * delta - omega * (e + delta)), "D in omega")
    at_delta_0 = curve.branch_determinant(s, curve.Slacks(0, slack.width), u, q)
    require_zero(at_delta_0 - e * slack.width, "D at delta = 0")

    slack, q = slack_at(e * delta / ((e + delta) * (1 + x)))
    require_positive(q, "q")
    linear, remaining = parts(stationarity, s, slack, u, q)
    terms = require_positive(linear - (delta + g) * t**3 * slack.width, "A's part of rise - fall")
    terms += require_positive(remaining, "B's part of rise")
    return f"rise > fall where epsilon < 0 on the branch ({terms} positive terms)"


def branch_ends_well() -> str:
    """Check that the stationary point of epsilon > 0 lies on the branch, before its edge.

    For psi1 < psi2 the determinant D is negative at epsilon = 0, where delta < 0; so the branch ends at a
    zero of D with epsilon > 0, and there R = P1 (positive)/D goes to infinity: rise = fall came before. For
    psi1 >= psi2 all of epsilon > 0 has delta = (P1 - P2) + epsilon/q > 0, hence D > 0, and the ridge delta
    epsilon/s is positive.
    """
    s, r, q, psi1, A, B, epsilon, delta = generators("s", "r", "q", "psi1", "A", "B", "epsilon", "delta")
    u = 1 / (1 + r)
    at_end = curve.branch_determinant(s, curve.Slacks(-delta, 0), u, q)
    require_positive(-at_end, "-D at epsilon = 0, delta < 0")
    slack = curve.Slacks(delta, epsilon)
    determinant = curve.branch_determinant(s, slack, u, q)
    require_positive(determinant, "D where both slacks are positive")
    require_positive(curve.ridge_on_curve(s, slack), "the ridge where both slacks are positive")
    either = [
        curve.risk_on_curve(s, slack, psi1, u, A, B - 1 + A, q) * curve.branch_determinant(s, slack, u, q)
        for slack in (curve.Slacks(delta, epsilon), curve.Slacks(-delta, epsilon))
    ]
    require_zero(either[0] - either[1], "R D, whatever the sign of delta")
    terms = require_positive(either[0], "R D")
    return (
        f"the edge has epsilon > 0 and R = infinity (psi1 < psi2), or epsilon <= 0 ({terms} positive terms)"
    )


def one_optimum() -> str:
    """Check all steps: exactly one stationary point on the physical branch, the global minimum."""
    return "; ".join(
        (
            sign_of_slope(),
            rises_where_epsilon_is_positive(),
            branch_ends_well(),
            falls_with_negative_ridge(),
        )
    )


CLAIMS = (
    Claim(
        id="rf-one-optimum",
        place="beyond the paper (Theorem 3 takes the argmin over all ridges)",
        statement=r"\text{For } A > 0,\ B \ge 0 \text{ (and } B > 0 \text{ at } \psi_2 = \infty\text{), } "
        r"\mathcal R_{\psi_2}"
        r"(\lambda) \text{ has exactly one stationary point on its whole domain, the global minimum}",
        verdict=Verdict.PROVED,
        check=one_optimum,
        note=r"The domain is the physical branch: from infinity through 0 to the edge of the spectrum. For "
        r"all "
        r"$\psi_1, \psi_2 > 0$, $0 < \mu_1^2 < 1$. The minimum is nondegenerate, as rise/fall has a "
        r"positive slope.",
    ),
    Claim(
        id="rf-positive-optimum",
        place="beyond the paper",
        statement=r"\psi_2 \le \psi_1 \ \Rightarrow\ \lambda^*(\psi_2) > 0",
        verdict=Verdict.PROVED,
        check=branch_ends_well,
        note="At least as many samples as features: the optimum lies where both slacks are positive.",
        depends_on=("rf-one-optimum",),
    ),
)
