"""Sec. 3.2 of 2512.22768 and Assumption 2: what the random-features example is said to show."""

from __future__ import annotations

from fractions import Fraction

from hptheory.random_features import curve
from proofs_check.app_b4_transfer import SHARP, always_first_order
from proofs_check.certificates import require_item, require_positive, require_zero
from proofs_check.claims import Claim, Verdict, refuted
from proofs_check.equations import REGIONS
from proofs_check.exact import Setting
from proofs_check.rational import generators
from proofs_check.region import Region

MOMENTS = Region({"mu": r"\mathbb E\,\sigma'"}, ("0 < mu**2 < 1",), {"mu": Fraction(1, 2)})


def linear_part() -> str:
    """Check E (sigma - mu1 z)^2 = 1 - mu1^2: so mu2^2 >= 0, and 0 only for a linear sigma.

    With E sigma^2 = E z^2 = 1 and E z sigma = E sigma' = mu1 (Stein); for the teacher likewise.
    """
    steps = [["remainder", "square - 2*mu*product + mu**2*variance"]]
    item = {
        "kind": "zero",
        "what": "the part that is not linear",
        "variables": ["mu", "square", "product", "variance"],
    }
    at_moments = "At(At(At(remainder, square, 1), product, mu), variance, 1)"
    require_item(item | {"steps": steps, "zero": [f"{at_moments} - (1 - mu**2)"]})
    return "mu2^2 = E (sigma - mu1 z)^2 >= 0, with equality for linear sigma only"


def null_estimator() -> str:
    """Check that the risk beats A + B, the null estimator's, at some ridge iff mu1, mu1* are not 0.

    A = 0: R - B > 0 for every positive ridge. A > 0: at s = 0 (infinite ridge) R = A + B, and R falls from
    there: fall = A P1 > 0 = rise. mu1 -> 0: s = P1 sigma -> 0, 0 < sigma < 1 and eta sigma < 1 as both slacks
    are positive, and R -> (A + B)/(1 - eta sigma^2) > A + B, the features being noise.
    """
    s, r, psi1, q, A, B, delta, w = generators("s", "r", "psi1", "q", "A", "B", "delta", "w")
    u = 1 / (1 + r)
    # For a positive ridge both slacks are: P1 = g + delta, and q = 1/(g (1 + w)), so epsilon = w/(1 + w).
    g = curve.fitted(s, u)
    slack = curve.Slacks(delta, w / (1 + w))
    risk = curve.risk_on_curve(s, slack, (g + delta) / u, u, A * 0, B - 1, 1 / (g * (1 + w)))
    terms = require_positive(risk - B, "R - B where A = 0")
    at_zero = curve.risk_on_curve(s, curve.slacks(s, psi1, u, q), psi1, u, A, B - 1 + A, q).at("s", 0)
    require_zero(at_zero - (A + B), "the null estimator at infinite ridge")
    fall, rise = curve.stationarity(s, curve.slacks(s, psi1, u, q), psi1, u, A, B - 1 + A, q)
    require_positive((fall - rise).at("s", 0), "the risk falls from infinite ridge")

    x, y, psi1, mu1_sq, A, B = generators("x", "y", "psi1", "mu1_sq", "A", "B")
    sigma, eta = 1 / (1 + x), (1 + x) / (1 + y)  # eta sigma = 1/(1 + y)
    small, q = psi1 * mu1_sq * sigma, eta / (psi1 * mu1_sq)
    slack = curve.slacks(small, psi1, mu1_sq, q)
    noise = curve.risk_on_curve(small, slack, psi1, mu1_sq, A, B - 1 + A, q).at("mu1_sq", 0)
    require_zero(noise - (A + B) / (1 - eta * sigma**2), "the risk as mu1 -> 0")
    terms += require_positive(noise - (A + B), "R - (A + B) as mu1 -> 0")
    return f"R > A + B where A = 0 or mu1 -> 0 ({terms} positive terms); else the risk falls from A + B"


CLAIMS = (
    Claim(
        id="sec3-balanced",
        place="Sec. 3.2, two-layer ReLU network",
        statement=r"y = 1\{\lVert x\rVert^2 > F^{-1}_{\chi^2_d}(1/2)\},\ x \sim N(0, I_d)\text{: the classes "
        r"are exactly balanced}",
        verdict=Verdict.CITED,
        cites=("the definition of the median; a chi-square distribution has no atoms",),
    ),
    Claim(
        id="assumption-2",
        place="Sec. 3.2 and App. B.4, Assumption 2",
        statement=r"\mathbb E\,\sigma = 0,\ \mathbb E\,\sigma^2 = 1,\ \mathbb E\,\sigma' \neq 0,\ \sigma "
        r"\text{ nonlinear and odd } \Rightarrow\ 0 < \mu_1^2 < 1,\ \mu_2 \neq 0",
        verdict=Verdict.PROVED,
        check=linear_part,
        region=MOMENTS,
        cites=("Stein's lemma: E z sigma(z) = E sigma'(z)",),
        note=r"An assumption; checked: what it says of the parameters. It admits $B = 0$ (a linear teacher "
        r"without noise), for which Theorem 3 fails (thm-3).",
    ),
    Claim(
        id="remark-1",
        place="App. B.4, Remark 1",
        statement=r"\mu_1, \mu_1^* \neq 0 \text{ is necessary for the RF model to outperform the null "
        r"estimator}",
        verdict=Verdict.PROVED,
        check=null_estimator,
        hypotheses=("the risk is the one of App. B.4",),
        note="Necessary, and sufficient at a suitable ridge.",
        depends_on=("b4-risk",),
    ),
    *refuted(
        id="sec3-rates",
        place="Sec. 3.2, below Theorem 3",
        statement=r"a_n \text{ and } b_n \text{ scale as } d/n = \psi_2^{-1},\quad c_n \sim \psi_2^{-2}",
        check=always_first_order,
        corrected=SHARP,
        corrected_region=REGIONS[Setting.OPTIMUM],
        correction=r"a_n = \Theta(\psi_2^{-1}),\ b_n = \Theta(\psi_2^{-k}),\ c_n = \Theta(\psi_2^{-2k}), "
        r"\quad k = 1 \text{ but on the exceptional surface}",
        note="The upper bounds are right, with some noise (thm-3-corrected); [more](theorem_3.md).",
        depends_on=("exceptional-surface", "exceptional-curve", "exceptional-point"),
        corrected_depends_on=("thm-3-corrected",),
    ),
)
