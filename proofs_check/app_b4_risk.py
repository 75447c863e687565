"""App. B.4 of 2512.22768, (15) and (16): how the risk moves with eta = psi1/psi2, and the constant C_eta.

Both inherit an omission from the system E; the conclusion that is drawn from them, C_eta > 0, stands.
"""

from __future__ import annotations

from proofs_check.certificates import require_positive
from proofs_check.claims import Claim, Verdict, refuted
from proofs_check.equations import Equation
from proofs_check.exact import Setting

_, LIMIT, OPTIMUM = Setting

RISK_BY_ETA = (
    "(t - 1)**2/(u**2*S**3)*(u*(v*A - u*B)*S**2"
    " + (B*t**2 + A)*(psi1*u**2 + (u + v*t)**2 - 2*u*(u + v*t)*(t - 1)/t)*S"
    " + 2*(u + v*t)*(psi1*u*t - (u + v*t)*(t - 1))*(A*(psi1*t - t + 1) - B*t*(t - 1)))"
)
"""The corrected (15). Its last line vanishes at the optimum."""


LOSS_GAP = "B*(u + v*t)*(u + v*t**2)*(t - 1)**2/(u**2*(psi1*t**2 - (t - 1)**2)*(psi1*t - t + 1))"
"""The corrected (16), S written out."""


def loss_gap_sign(text: str = LOSS_GAP) -> str:
    """Check that the corrected C_eta is positive for all 0 < mu1^2 < 1, A, B > 0, lambda* of either sign."""
    import sympy

    r, B, rest, margin = sympy.symbols("r B rest margin", positive=True)
    t = 1 + rest
    psi1 = (rest + margin) / t  # margin = psi1 t - t + 1
    names = {"t": t, "u": 1 / (1 + r), "v": r / (1 + r), "psi1": psi1, "B": B}
    terms = require_positive(sympy.sympify(text, locals=names), "C_eta")
    return f"C_eta > 0: {terms} positive terms in B, mu2^2/mu1^2, t - 1 and psi1 t - t + 1"


CLAIMS = (
    *refuted(
        id="eq-15",
        place="App. B.4, (15)",
        statement=r"\partial_{\eta=0}\mathcal R_\infty(\lambda) = \frac{(t-1)^2 Q(t)}{\mu_1^2 S(t)^2}, "
        r"\quad Q = \sum_{k=0}^2 "
        r"c_k t^k",
        check=Equation(LIMIT, ("deta_R", "(t - 1)**2*Q/(u*S**2)")),
        corrected=Equation(LIMIT, ("deta_R", RISK_BY_ETA)),
        correction=r"\partial_{\eta=0}\mathcal R_\infty(\lambda) = \frac{(t-1)^2}{\mu_1^4 "
        r"S^3}\Bigl\{\mu_1^2(\mu_2^2 A - "
        r"\mu_1^2 B)S^2 + (B t^2 + A)\bigl[\mu_1^4\psi_1 + k^2 - 2\mu_1^2 k\,\tfrac{t-1}{t}\bigr]S + "
        r"2k\bigl[\mu_1^2\psi_1 t "
        r"- k(t-1)\bigr]\bigl[A(\psi_1 t - t + 1) - B t(t-1)\bigr]\Bigr\}, \quad k = \mu_1^2 + \mu_2^2 t",
        note=r"With $c_0, c_1, c_2$ as printed. The last bracket is zero at the optimum.",
        depends_on=("b4-deta-risk", "b4-deta-slope-m1", "b4-deta-slope-m2"),
        corrected_depends_on=("b4-deta-risk", "b4-deta-slope-m1-corrected", "b4-deta-slope-m2-corrected"),
    ),
    Claim(
        id="b4-Q-factor",
        place="App. B.4, factorisation at the optimum",
        statement=r"Q(t^*) = \frac{2 B(\mu_1^2 + \mu_2^2 t^*)(t^* - 1)S(t^*)}{\psi_1 t^* - t^* + 1}",
        verdict=Verdict.PROVED,
        check=Equation(OPTIMUM, ("Q", "2*B*(u + v*t)*(t - 1)*S/(psi1*t - t + 1)")),
        note="Right for the printed $Q$, which is not the derivative of the risk (eq-15).",
        depends_on=("b4-optimality",),
    ),
    *refuted(
        id="eq-16",
        place="App. B.4, (16)",
        statement=r"\partial_{\eta=0}\mathcal R_\infty(\lambda^*(\infty)) = \frac{2 B(\mu_1^2 + \mu_2^2 "
        r"t^*)(t^*-1)^3}"
        r"{\mu_1^2 S(t^*)(\psi_1 t^* - t^* + 1)} =: C_\eta",
        check=Equation(OPTIMUM, ("deta_R", "2*B*(u + v*t)*(t - 1)**3/(u*S*(psi1*t - t + 1))")),
        corrected=Equation(
            OPTIMUM,
            (
                "deta_R",
                LOSS_GAP,
                "A*(t - 1)*(u + v*t)*(u + v*t**2)/(u**2*t*S)",
            ),
        ),
        correction=r"C_\eta = \frac{B(\mu_1^2 + \mu_2^2 t^*)(\mu_1^2 + \mu_2^2 t^{*2})(t^*-1)^2}{\mu_1^4 "
        r"S(t^*)(\psi_1 t^* - "
        r"t^* + 1)} = \frac{A(t^*-1)(\mu_1^2 + \mu_2^2 t^*)(\mu_1^2 + \mu_2^2 t^{*2})}{\mu_1^4\, t^* S(t^*)}",
        note=r"$(\mu_1^2 + \mu_2^2 t^{*2})/\mu_1^2$ takes the place of $2(t^* - 1)$. $C_\eta > 0$ as before.",
        depends_on=("eq-15",),
        corrected_depends_on=("eq-15-corrected",),
    ),
    Claim(
        id="b4-C-eta-sign",
        place="App. B.4, (16)",
        statement=r"C_\eta > 0",
        verdict=Verdict.PROVED,
        check=loss_gap_sign,
        note=r"With the corrected $C_\eta$, for all $A, B > 0$.",
        depends_on=("eq-16-corrected", "b4-optimality-signs"),
    ),
)
