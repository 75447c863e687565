"""App. B.4 of 2512.22768 up to (12): the equations, the limit of infinite width, its optimum and curvature.

Everything printed here is right but for the scale of the penalty in the estimator.
"""

from __future__ import annotations

from fractions import Fraction
from functools import partial

import mpmath as mp

from hptheory.random_features import curve
from proofs_check.certificates import require_counterexample, require_positive, require_zero
from proofs_check.claims import Claim, Refuted, Verdict, refuted
from proofs_check.equations import Equation
from proofs_check.exact import Setting
from proofs_check.implicit import DIGITS, EQUATION_9, EQUATION_10, TOLERANCE, number, transforms
from proofs_check.numeric import SAMPLES
from proofs_check.rational import generators

WIDTH, LIMIT, OPTIMUM = Setting


def penalty_scale(power: int) -> str:
    r"""Check that the penalty n^power lambda |a|^2 is the lambda of (9), (10), by the mean eigenvalue.

    m1 is the limit of tr (K + lambda)^-1 / N, so that lambda (1 - lambda m1) -> tr K / N as lambda grows. The
    estimator with that penalty has K = Phi Phi^T / n^power, and tr Phi Phi^T / N = n as E sigma^2 = 1.
    """
    s, psi1, u, q = generators("s", "psi1", "u", "q")
    slack = curve.slacks(s, psi1, u, q)
    lam, (m1, _) = curve.ridge_on_curve(s, slack), curve.stieltjes_on_curve(s, slack, psi1, u)
    require_zero((lam * (1 - lam * m1)).at("s", 0) - 1, "mean eigenvalue less 1")
    with mp.workdps(DIGITS):
        large = mp.mpf(10) ** 40
        for sample in SAMPLES:
            m = transforms(sample.model, large, number(sample.eta)).m1
            if abs(large * (1 - large * m) - 1) > TOLERANCE:
                raise Refuted("the solution of (9), (10) has another mean eigenvalue than 1")
    n = Fraction(7)
    if n ** (1 - power) != 1:
        require_counterexample("mean eigenvalue", {"n": n}, ["n > 1"], f"n/n**{power} == 1")
        raise Refuted(f"mean eigenvalue 1 for (9), (10), but n^{1 - power} for the penalty n^{power} lambda")
    return "mean eigenvalue of the kernel: 1 by (9), (10) at every width, and n/n = 1"


def unique_solution() -> str:
    """Check that (9), (10) have exactly one solution with m1, m2 > 0, for every ridge > 0.

    With s = m1/m2 - 1 > -1 they read g(s) = P1 (1 - lambda m1) and P1 m1 (1 - q g(s)) = s. As g/s > 0, s and
    g have one sign. s <= 0 would make m1 <= 0; so s > 0, hence 1 - q g > 0 and P1 - g > 0: the point lies on
    the curve, and the ridge falls strictly along it, from infinity at s = 0 to 0 where a slack vanishes (g
    grows without bound).
    """
    import sympy

    s, psi1, u, q, m2, lam = sympy.symbols("s psi1 u q m2 lam", positive=True)
    m1, g = (1 + s) * m2, curve.fitted(s, u)
    names = {"m1": m1, "m2": m2, "u": u, "v": 1 - u, "psi1": psi1, "psi2": 1 / (q * u), "lam": lam}
    eq9, eq10 = (sympy.sympify(text, locals=names) * psi1 / (m1 * m2) for text in (EQUATION_9, EQUATION_10))
    first = g - psi1 * u * (1 - lam * m1)
    second = psi1 * u * m1 * (1 - q * g) - s
    require_zero(eq9 - first, "(9) in s")
    require_zero((eq10 - eq9) * q * u * psi1 * m1 - second, "(10) in s")

    r, below, delta, epsilon = sympy.symbols("r below delta epsilon", positive=True)
    s_negative, u_any = -below / (1 + below), 1 / (1 + r)  # -1 < s < 0 and 0 < mu1^2 < 1
    require_positive(curve.fitted(s_negative, u_any) / s_negative, "g/s > 0 for -1 < s < 0")
    require_positive(curve.fitted(s, u_any) - r * u_any * s, "g > mu2^2 s")
    slack = curve.slacks(s, psi1, u, q)
    slope = s**2 * sympy.diff(curve.ridge_on_curve(s, slack), s)
    require_zero(slope + curve.branch_determinant(s, slack, u, q), "slope of the ridge")
    determinant = curve.branch_determinant(s, curve.Slacks(delta, epsilon), u_any, q)
    terms = require_positive(determinant, "determinant")
    return f"(9), (10) reduce to the curve; its ridge falls strictly ({terms} positive terms in the slacks)"


def optimality_signs(quantities: tuple[str, ...] = ("psi1*t - t + 1", "psi1*t**2 - (t - 1)**2")) -> str:
    """Check that A, B > 0 make psi1 t - t + 1 and S positive at the optimum."""
    import sympy

    t, psi1, A, B, rest = sympy.symbols("t psi1 A B rest", positive=True)
    solved = sympy.solve(A * (psi1 * t - t + 1) - B * t * (t - 1), psi1)[0]
    terms = 0
    for text in quantities:
        at_optimum = sympy.sympify(text, locals={"t": t, "psi1": solved})
        terms += require_positive(at_optimum.subs(t, 1 + rest), text)
    return f"at the optimum psi1 t - t + 1 > 0 and S > 0 ({terms} positive terms in A, B, t - 1)"


CLAIMS = (
    *refuted(
        id="b4-estimator",
        place="App. B.4, the estimator",
        statement=r"a_\lambda = \operatorname{argmin}_{a\in\mathbb R^n} \sum_{i=1}^N (y_i - \langle a, "
        r"\sigma(W x_i)"
        r"\rangle)^2 + \lambda \lVert a\rVert_2^2, \quad W \in \mathbb R^{d\times n}",
        check=partial(penalty_scale, 0),
        corrected=partial(penalty_scale, 1),
        correction=r"a_\lambda = \operatorname{argmin}_{a\in\mathbb R^n} \sum_{i=1}^N (y_i - \langle a, "
        r"\sigma("
        r"W^\top x_i)\rangle)^2 + n\lambda \lVert a\rVert_2^2, \quad W \in \mathbb R^{d\times n}",
        note=r"Equivalently, $\lambda$ belongs to features scaled by $1/\sqrt n$. The product $Wx$ needs "
        r"$W^\top$. Whoever "
        r"simulates the printed estimator at fixed $\lambda$ sees its optimum drift with the width; Theorem "
        r"3 is about the "
        r"$\lambda$ of (9), (10), and is not affected. [At finite size](#simulation-decides) a simulation "
        r"says the same.",
    ),
    Claim(
        id="b4-risk",
        place="App. B.4, asymptotic prediction risk",
        statement=r"\mathcal R(\lambda) = -\frac{B\, m_1'(\lambda)}{m_1(\lambda)^2} - \frac{A\, "
        r"m_2'(\lambda)}"
        r"{m_1(\lambda)^2}",
        verdict=Verdict.PROVED,
        check=Equation(WIDTH, ("R", "-B*dm1/m1**2 - A*dm2/m1**2")),
        note="That this is the limit of the prediction risk is cited there; checked: the library computes "
        "it.",
    ),
    Claim(
        id="eq-9",
        place="App. B.4, (9)",
        statement=r"\frac1{\psi_1}(m_1 - m_2)(\mu_2^2 m_1 + \mu_1^2 m_2) + \mu_1^2 m_1 m_2 (z m_1 - 1) = 0",
        verdict=Verdict.PROVED,
        check=Equation(WIDTH, ("0", EQUATION_9)),
    ),
    Claim(
        id="eq-10",
        place="App. B.4, (10)",
        statement=r"\frac{\psi_2}{\psi_1}\Bigl(\mu_1^2 m_1 m_2 + \frac1{\psi_1}(m_2 - m_1)\Bigr) + \mu_1^2 "
        r"m_1 m_2 "
        r"(z m_1 - 1) = 0",
        verdict=Verdict.PROVED,
        check=Equation(WIDTH, ("0", EQUATION_10)),
    ),
    Claim(
        id="b4-unique-solution",
        place="App. B.4, before (9)",
        statement=r"m_1, m_2 > 0 \text{ are uniquely defined by (9), (10) for } z > 0",
        verdict=Verdict.PROVED,
        check=unique_solution,
        note=r"For real $z > 0$ and $0 < \mu_1^2 < 1$. The argument needs no bound on $z m_1$.",
        depends_on=("eq-9", "eq-10"),
    ),
    Claim(
        id="b4-limit-system",
        place="App. B.4, large-width limit",
        statement=r"\mu_1^2 m_1 m_2 + \psi_1^{-1}(m_2 - m_1) =: \mathcal T_1 = 0, \qquad \lambda m_1 + "
        r"\mu_2^2 m_1 + "
        r"\mu_1^2 m_2 - 1 =: \mathcal T_2 = 0",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("0", "u*m1*m2 + (m2 - m1)/psi1", "lam*m1 + v*m1 + u*m2 - 1")),
    ),
    Claim(
        id="b4-ridge-of-t",
        place="App. B.4, reparametrisation",
        statement=r"t := 1 + \mu_1^2\psi_1 m_1 > 1, \qquad \lambda(t) = \frac{\mu_1^2\psi_1}{t-1} - "
        r"\frac{\mu_1^2}{t} - \mu_2^2",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("lam", "u*psi1/(t - 1) - u/t - v")),
    ),
    Claim(
        id="b4-dt-m1",
        place="App. B.4, chain rule",
        statement=r"\partial_t m_1 = \frac1{\mu_1^2\psi_1}",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("dt_m1", "1/(u*psi1)")),
    ),
    Claim(
        id="b4-dt-m2",
        place="App. B.4, chain rule",
        statement=r"\partial_t m_2 = \frac1{\mu_1^2\psi_1 t^2}",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("dt_m2", "1/(u*psi1*t**2)")),
    ),
    Claim(
        id="b4-dt-ridge",
        place="App. B.4, chain rule",
        statement=r"\partial_t\lambda = -\frac{\mu_1^2 S(t)}{t^2(t-1)^2}, \qquad S(t) := \psi_1 t^2 - "
        r"(t-1)^2",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("dt_lam", "-u*(psi1*t**2 - (t - 1)**2)/(t**2*(t - 1)**2)")),
    ),
    Claim(
        id="b4-slope-m1",
        place="App. B.4, at eta = 0",
        statement=r"\frac{m_1'}{m_1^2} = -\frac{\psi_1 t^2}{S(t)}",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("dm1/m1**2", "-psi1*t**2/S")),
    ),
    Claim(
        id="b4-slope-m2",
        place="App. B.4, at eta = 0",
        statement=r"\frac{m_2'}{m_1^2} = -\frac{\psi_1}{S(t)}",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("dm2/m1**2", "-psi1/S")),
    ),
    Claim(
        id="b4-limit-risk",
        place="App. B.4, large-width limit",
        statement=r"\mathcal R_\infty(\lambda(t)) = \frac{\psi_1 (B t^2 + A)}{S(t)}",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("R", "psi1*(B*t**2 + A)/S")),
    ),
    Claim(
        id="eq-11",
        place="App. B.4, (11)",
        statement=r"\lambda^*(\infty) = \frac{\mu_1^2 B}{A} - \mu_2^2",
        verdict=Verdict.PROVED,
        check=Equation(OPTIMUM, ("lam", "u*B/A - v")),
        note="The minimiser over the whole physical branch; nothing else is stationary (rf-one-optimum).",
        depends_on=("rf-one-optimum",),
    ),
    Claim(
        id="b4-optimality",
        place="App. B.4, above (12)",
        statement=r"A = B\,\frac{t^*(t^*-1)}{\psi_1 t^* - t^* + 1}",
        verdict=Verdict.PROVED,
        check=Equation(OPTIMUM, ("A", "B*t*(t - 1)/(psi1*t - t + 1)")),
    ),
    Claim(
        id="b4-optimality-signs",
        place="App. B.4, above (12)",
        statement=r"\psi_1 t^* - t^* + 1 > 0 \quad\text{and}\quad S(t^*) > 0",
        verdict=Verdict.PROVED,
        check=optimality_signs,
        note=r"For $A, B > 0$; the sign of $\lambda^*(\infty)$ plays no part.",
        depends_on=("b4-optimality",),
    ),
    Claim(
        id="b4-S-split",
        place="App. B.4, above (12)",
        statement=r"S(t^*) = (\psi_1 t^* - t^* + 1)\,t^* + (t^* - 1)",
        verdict=Verdict.PROVED,
        check=Equation(OPTIMUM, ("S", "(psi1*t - t + 1)*t + (t - 1)")),
    ),
    Claim(
        id="eq-12",
        place="App. B.4, (12)",
        statement=r"\mathcal R_\infty''(\lambda^*(\infty)) = \frac{2 B "
        r"\psi_1}{S(t^*)\,\lambda'(t^*)^2\,(\psi_1 t^* - "
        r"t^* + 1)} > 0, \qquad \lambda'(t^*) = -\frac{\mu_1^2 S(t^*)}{t^{*2}(t^*-1)^2} < 0",
        verdict=Verdict.PROVED,
        check=Equation(OPTIMUM, ("ddR", "2*B*psi1/(S*dt_lam**2*(psi1*t - t + 1))")),
        note=r"The formula of $\lambda'(t^*)$ is b4-dt-ridge; the signs follow from b4-optimality-signs.",
        depends_on=("b4-dt-ridge", "b4-optimality-signs"),
    ),
)
