"""App. B.4 of 2512.22768 from the system E to the mixed derivatives: how the transforms move with eta.

The first row of E leaves out a term of order eta, which (9) has; what is computed from it inherits the
omission.
"""

from __future__ import annotations

from hptheory.random_features import curve
from proofs_check.certificates import require_positive
from proofs_check.claims import AllOf, Claim, Verdict, refuted
from proofs_check.equations import Equation
from proofs_check.exact import Setting
from proofs_check.rational import generators

WIDTH, LIMIT, OPTIMUM = Setting


def first_transform_grows() -> str:
    """Check that the corrected d m1/d eta is positive for every ridge > 0, and S with it.

    There psi1 u = g + delta with delta > 0, which makes u S = u psi1 t^2 - u s^2 a sum of positive terms.
    """
    s, r, delta = generators("s", "r", "delta")
    u, v, t = 1 / (1 + r), r / (1 + r), 1 + s
    psi1 = (curve.fitted(s, u) + delta) / u
    slope = psi1 * t**2 - s**2
    count = require_positive(slope, "S > 0 for a positive ridge")
    count += require_positive(
        s**3 * (u + v * t) * (u + v * t**2) / (u**3 * psi1**2 * t * slope), "d m1/d eta > 0"
    )
    return f"S > 0 and d m1/d eta > 0 for a positive ridge ({count} positive terms)"


CLAIMS = (
    *refuted(
        id="b4-system-1",
        place="App. B.4, finite-width sensitivity, first row of E",
        statement=r"\mathcal T_2(m_1, m_2, \lambda) = 0",
        check=Equation(WIDTH, ("0", "T2")),
        corrected=Equation(WIDTH, ("0", "T2 + eta*(lam*m1 - 1)*(v*m1 + u*m2)")),
        correction=r"\mathcal T_2 + \eta\,(\lambda m_1 - 1)(\mu_2^2 m_1 + \mu_1^2 m_2) = 0",
        note=r"$\mathcal T_2 = 0$ follows from (9) with $m_1 - m_2 = \psi_1\mu_1^2 m_1 m_2$, which (10) "
        r"gives at $\eta = 0$ only.",
        depends_on=("eq-9", "eq-10"),
    ),
    Claim(
        id="b4-system-2",
        place="App. B.4, finite-width sensitivity, second row of E",
        statement=r"\mathcal T_1(m_1, m_2) + \eta\,\mathcal T_3(m_1, m_2, \lambda) = 0, \qquad \mathcal T_3 "
        r"= \mu_1^2 "
        r"m_1 m_2(\lambda m_1 - 1)",
        verdict=Verdict.PROVED,
        check=Equation(WIDTH, ("0", "T1 + eta*u*m1*m2*(lam*m1 - 1)")),
        depends_on=("eq-10",),
    ),
    Claim(
        id="b4-J0-row-1",
        place="App. B.4, (13), first row of J0",
        statement=r"\partial_{m_1,m_2}\mathcal T_2 = (\lambda + \mu_2^2,\ \mu_1^2)",
        verdict=Verdict.PROVED,
        check=AllOf((Equation(LIMIT, ("J11", "lam + v")), Equation(LIMIT, ("J12", "u")))),
    ),
    Claim(
        id="b4-J0-row-2",
        place="App. B.4, (13), second row of J0",
        statement=r"\partial_{m_1,m_2}\mathcal T_1 = (\mu_1^2 m_2 - \psi_1^{-1},\ \mu_1^2 m_1 + \psi_1^{-1})",
        verdict=Verdict.PROVED,
        check=AllOf((Equation(LIMIT, ("J21", "u*m2 - 1/psi1")), Equation(LIMIT, ("J22", "u*m1 + 1/psi1")))),
    ),
    *refuted(
        id="eq-13",
        place="App. B.4, (13), first row",
        statement=r"(\lambda + \mu_2^2)\,\partial_\eta m_1 + \mu_1^2\,\partial_\eta m_2 = 0",
        check=Equation(LIMIT, ("0", "(lam + v)*deta_m1 + u*deta_m2")),
        corrected=Equation(LIMIT, ("(lam + v)*deta_m1 + u*deta_m2", "(v*m1 + u*m2)**2")),
        correction=r"(\lambda + \mu_2^2)\,\partial_\eta m_1 + \mu_1^2\,\partial_\eta m_2 = "
        r"(\mu_2^2 m_1 + \mu_1^2 m_2)^2",
        note="The right side is the derivative of the term that is missing in $E$.",
        depends_on=("b4-system-1", "b4-T3-at-0"),
        corrected_depends_on=("b4-system-1-corrected", "b4-T3-at-0"),
    ),
    Claim(
        id="b4-eq-13-row-2",
        place="App. B.4, (13), second row",
        statement=r"(\mu_1^2 m_2 - \psi_1^{-1})\,\partial_\eta m_1 + (\mu_1^2 m_1 + "
        r"\psi_1^{-1})\,\partial_\eta m_2 = "
        r"-\mathcal T_3|_{\eta=0}",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("(u*m2 - 1/psi1)*deta_m1 + (u*m1 + 1/psi1)*deta_m2", "-T3")),
        note=r"$T$ in print stands for $\mathcal T_3$.",
    ),
    Claim(
        id="b4-T3-at-0",
        place="App. B.4, below (13)",
        statement=r"\mathcal T_3|_{\eta=0} = -\mu_1^2 m_1 m_2(\mu_2^2 m_1 + \mu_1^2 m_2)",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("T3", "-u*m1*m2*(v*m1 + u*m2)")),
    ),
    Claim(
        id="eq-14",
        place="App. B.4, (14)",
        statement=r"\det J_0 = \frac{\mu_1^2 S(t)}{\psi_1 t(t-1)} \ \Rightarrow\ \det J_0(t^*) > 0",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("detJ", "u*S/(psi1*t*(t - 1))")),
        note="The sign follows from b4-optimality-signs.",
        depends_on=("b4-J0-row-1", "b4-J0-row-2", "b4-optimality-signs"),
    ),
    *refuted(
        id="b4-deta-m1",
        place=r"App. B.4, below (14), $\partial_\eta m_1$",
        statement=r"\partial_\eta m_1 = -\frac{\mu_1^4 m_1 m_2 (\mu_2^2 m_1 + \mu_1^2 m_2)}{\det J_0} = "
        r"-\frac{(t-1)^4(\mu_1^2 + \mu_2^2 t)}{\mu_1^4\psi_1^2\, t\, S(t)}",
        check=Equation(
            LIMIT,
            ("deta_m1", "-u**2*m1*m2*(v*m1 + u*m2)/detJ", "-(t - 1)**4*(u + v*t)/(u**2*psi1**2*t*S)"),
        ),
        corrected=AllOf(
            (
                Equation(
                    LIMIT,
                    (
                        "deta_m1",
                        "(v*m1 + u*m2)*((u*m1 + 1/psi1)*(v*m1 + u*m2) - u**2*m1*m2)/detJ",
                        "(t - 1)**3*(u + v*t)*(u + v*t**2)/(u**3*psi1**2*t*S)",
                    ),
                ),
                first_transform_grows,
            )
        ),
        correction=r"\partial_\eta m_1 = \frac{(t-1)^3(\mu_1^2 + \mu_2^2 t)(\mu_1^2 + \mu_2^2 "
        r"t^2)}{\mu_1^6\psi_1^2\, "
        r"t\, S(t)} > 0",
        note=r"The sign changes: at fixed ridge, $m_1$ grows with $\eta$.",
        depends_on=("eq-13", "b4-eq-13-row-2", "eq-14"),
        corrected_depends_on=("eq-13-corrected", "b4-eq-13-row-2", "eq-14"),
    ),
    *refuted(
        id="b4-deta-m2",
        place=r"App. B.4, below (14), $\partial_\eta m_2$",
        statement=r"\partial_\eta m_2 = -\frac{(\lambda + \mu_2^2)\mu_1^2 m_1 m_2 (\mu_2^2 m_1 + \mu_1^2 "
        r"m_2)}{\det J_0} = "
        r"\frac{(t-1)^3(\mu_1^2 + \mu_2^2 t)(\psi_1 t - t + 1)}{\mu_1^4\psi_1^2\, t^2 S(t)}",
        check=Equation(
            LIMIT,
            (
                "deta_m2",
                "-(lam + v)*u*m1*m2*(v*m1 + u*m2)/detJ",
                "(t - 1)**3*(u + v*t)*(psi1*t - t + 1)/(u**2*psi1**2*t**2*S)",
            ),
        ),
        corrected=Equation(
            LIMIT,
            (
                "deta_m2",
                "(v*m1 + u*m2)*((lam + v)*u*m1*m2 - (u*m2 - 1/psi1)*(v*m1 + u*m2))/detJ",
                "(t - 1)**3*(u + v*t)*(u*psi1*t + 2*u + (v - u)*t)/(u**3*psi1**2*t**2*S)",
            ),
        ),
        correction=r"\partial_\eta m_2 = \frac{(t-1)^3(\mu_1^2 + \mu_2^2 t)\bigl(\mu_1^2\psi_1 t + 2\mu_1^2 "
        r"+ (\mu_2^2 - "
        r"\mu_1^2) t\bigr)}{\mu_1^6\psi_1^2\, t^2 S(t)}",
        note="The two printed forms have opposite signs.",
        depends_on=("eq-13", "b4-eq-13-row-2", "eq-14"),
        corrected_depends_on=("eq-13-corrected", "b4-eq-13-row-2", "eq-14"),
    ),
    Claim(
        id="b4-deta-risk",
        place="App. B.4, derivative of the risk",
        statement=r"\partial_{\eta=0}\mathcal R_\infty(\lambda) = -B\Bigl(\frac{\partial_\eta m_1'}{m_1^2} "
        r"- \frac{2 m_1' "
        r"\partial_\eta m_1}{m_1^3}\Bigr) - A\Bigl(\frac{\partial_\eta m_2'}{m_1^2} - \frac{2 "
        r"m_2'\partial_\eta m_1}"
        r"{m_1^3}\Bigr)",
        verdict=Verdict.PROVED,
        check=Equation(
            LIMIT,
            (
                "deta_R",
                "-B*(deta_dm1/m1**2 - 2*dm1*deta_m1/m1**3) - A*(deta_dm2/m1**2 - 2*dm2*deta_m1/m1**3)",
            ),
        ),
    ),
    *refuted(
        id="b4-deta-slope-m1",
        place=r"App. B.4, mixed derivatives, $\partial_\eta m_1'$",
        statement=r"\partial_\eta m_1' = -\frac{\mu_1^2\,\mathcal S}{\det J_0}",
        check=Equation(LIMIT, ("deta_dm1", "-u*script_S/detJ")),
        corrected=Equation(
            LIMIT,
            (
                "deta_dm1",
                "(u*(u*(dm1*deta_m2 + dm2*deta_m1) + script_S) - (u*m1 + 1/psi1)*(deta_m1 - 2*K*dK))/detJ",
                "dt_deta_m1/dt_lam",
            ),
        ),
        correction=r"\partial_\eta m_1' = \frac{\mu_1^2 Y - (\mu_1^2 m_1 + \psi_1^{-1})X}{\det J_0} = "
        r"\frac{\partial_t("
        r"\partial_\eta m_1)}{\partial_t\lambda}, \quad X = \partial_\eta m_1 - 2KK',\ Y = "
        r"\mu_1^2(m_1'\partial_\eta m_2 "
        r"+ m_2'\partial_\eta m_1) + \mathcal S,\ K = \mu_2^2 m_1 + \mu_1^2 m_2",
        note=r"$J_0$ depends on $\lambda$, directly and through $m_1, m_2$; the printed form leaves that "
        r"out. (The "
        r"printed (15) uses it with the opposite sign.)",
        depends_on=("b4-deta-m1", "b4-deta-m2"),
        corrected_depends_on=("b4-deta-m1-corrected", "b4-deta-m2-corrected"),
    ),
    *refuted(
        id="b4-deta-slope-m2",
        place=r"App. B.4, mixed derivatives, $\partial_\eta m_2'$",
        statement=r"\partial_\eta m_2' = -\frac{(\lambda + \mu_2^2)\,\mathcal S}{\det J_0}",
        check=Equation(LIMIT, ("deta_dm2", "-(lam + v)*script_S/detJ")),
        corrected=Equation(
            LIMIT,
            (
                "deta_dm2",
                "((u*m2 - 1/psi1)*(deta_m1 - 2*K*dK)"
                " - (lam + v)*(u*(dm1*deta_m2 + dm2*deta_m1) + script_S))/detJ",
                "dt_deta_m2/dt_lam",
            ),
        ),
        correction=r"\partial_\eta m_2' = \frac{(\mu_1^2 m_2 - \psi_1^{-1})X - (\lambda + \mu_2^2)Y}{\det "
        r"J_0} = \frac{"
        r"\partial_t(\partial_\eta m_2)}{\partial_t\lambda} \quad\text{with the same } X, Y",
        depends_on=("b4-deta-m1", "b4-deta-m2"),
        corrected_depends_on=("b4-deta-m1-corrected", "b4-deta-m2-corrected"),
    ),
    Claim(
        id="b4-script-S",
        place="App. B.4, mixed derivatives, first form of S",
        statement=r"\mathcal S := \mu_1^2 m_2(2\lambda m_1 - 1)m_1' + \mu_1^2 m_1(\lambda m_1 - 1)m_2' + "
        r"\mu_1^2 m_1^2 m_2",
        verdict=Verdict.PROVED,
        check=Equation(LIMIT, ("dT3", "u*m2*(2*lam*m1 - 1)*dm1 + u*m1*(lam*m1 - 1)*dm2 + u*m1**2*m2")),
        note=r"A definition; it is the derivative of $\mathcal T_3$ by $\lambda$, as intended.",
    ),
    Claim(
        id="b4-script-S-of-t",
        place="App. B.4, mixed derivatives, second form of S",
        statement=r"\mathcal S = \frac{(t-1)^3}{\mu_1^4\psi_1^2}\Bigl[-\frac{t}{S(t)} + "
        r"\frac{2t+1}{S(t)}\cdot\frac{t-1}"
        r"{\mu_1^2\psi_1}\cdot\frac{\mu_1^2 + \mu_2^2 t}{t}\Bigr] + \frac{(t-1)^3}{\mu_1^4\psi_1^3 t}",
        verdict=Verdict.PROVED,
        check=Equation(
            LIMIT,
            (
                "script_S",
                "(t - 1)**3/(u**2*psi1**2)*(-t/S + (2*t + 1)/S*(t - 1)/(u*psi1)*(u + v*t)/t)"
                " + (t - 1)**3/(u**2*psi1**3*t)",
            ),
        ),
    ),
)
