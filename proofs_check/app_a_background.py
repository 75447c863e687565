"""App. A of 2512.22768: families of functions, and the network that the scalings are stated for."""

from __future__ import annotations

from fractions import Fraction

from proofs_check.certificates import require_combination, require_counterexample, require_item
from proofs_check.claims import Claim, Refuted, Verdict, refuted
from proofs_check.region import Region

RUDIN = "Rudin, Principles of Mathematical Analysis, 3rd edition"
"""The textbook for the steps of analysis."""


def disconnected_domain() -> str:
    """Refute on X = [0, 1] u [2, 3]: f_n = 0 on the first part, (-1)^n on the second."""
    require_counterexample(
        "f_n(5/2) converges", {"even": 1, "odd": -1}, ["even**2 == 1", "odd**2 == 1"], "even - odd == 0"
    )
    raise Refuted(
        "X = [0, 1] u [2, 3], f_n = 0 on [0, 1] and (-1)^n on [2, 3]: f_n' = 0 and f_n(0) = 0 converge, "
        "f_n(5/2) = (-1)^n does not"
    )


def derivatives_converge() -> str:
    """Check: on a convex X, uniformly convergent derivatives and one convergent value are enough.

    The mean value theorem for f_n - f_m on a segment from nu_0 of length at most D: f_n is a uniform Cauchy
    sequence. In the limit m -> inf the same theorem gives |(f - f_n)(y) - (f - f_n)(x)| <= e r, r = |y - x|;
    f_n
    is differentiable at x, up to w r. So f is, with the derivative g(x): the quotient is off by 2 e + w at
    most, and both are as small as one likes.
    """
    require_combination(
        "f_n is a uniform Cauchy sequence",
        ["gap", "gap0", "e", "r", "D"],
        {"mean_value": "gap0 + e*r - gap", "length": "D - r"},
        "gap0 + e*D - gap",
        [("1", "mean_value"), ("e", "length")],
        positive=["e"],
    )
    require_combination(
        "f is differentiable, f' = g",
        ["f", "fn", "sn", "g", "e", "w", "r"],  # increments of f, f_n; f_n'(x) (y - x); g(x) (y - x)
        {"limit": "e*r - (f - fn)", "smooth": "w*r - (fn - sn)", "slope": "e*r - (sn - g)"},
        "(2*e + w)*r - (f - g)",
        [("1", "limit"), ("1", "smooth"), ("1", "slope")],
    )
    return (
        "|f_n - f_m| <= |f_n - f_m|(nu_0) + D sup|f_n' - f_m'|; f(y) - f(x) = g(x) (y - x), up to (2 e + w) r"
    )


def broom() -> str:
    """Refute on a broom: the teeth {1/k} x [0, 1], their base and limit; f_k is the height on tooth k."""
    require_counterexample(
        "f_k(tip k) - f_k(tip k + 1) < epsilon",
        {"k": Fraction(7), "delta": Fraction(1, 50), "epsilon": Fraction(1, 2)},
        ["delta > 0", "1/k - 1/(k + 1) < delta"],
        "1 < epsilon",
    )
    raise Refuted(
        "X = the base [0, 1] x {0} with teeth {1/k} x [0, 1] and {0} x [0, 1]; f_k = height on tooth k, 0 "
        "elsewhere: |f_k'| <= 1, yet f_k changes by 1 between tips that are 1/(k (k + 1)) apart"
    )


def bounded_slopes() -> str:
    """Check: on a convex X, |f(x) - f(y)| <= K |x - y| by the mean value theorem; delta = epsilon/K
    serves."""
    require_combination(
        "delta = epsilon/K serves",
        ["change", "K", "r", "delta", "epsilon"],
        {"mean_value": "K*r - change", "near": "delta - r", "choice": "epsilon - K*delta"},
        "epsilon - change",
        [("1", "mean_value"), ("K", "near"), ("1", "choice")],
        positive=["K"],
    )
    return "|f(x) - f(y)| <= K |x - y| < epsilon for |x - y| < epsilon/K, for all f at once"


def layer_takes_its_own_output() -> str:
    """Refute by shapes: W^1 has d columns, but z^1 = phi(h^1) has n coordinates."""
    require_counterexample(
        "columns of W^1 = coordinates of z^1", {"n": 4, "d": 3}, ["n > 0", "d > 0"], "d == n"
    )
    raise Refuted("n = 4, d = 3: W^1 has 3 columns, z^1 has 4 coordinates")


def layer_takes_the_output_before() -> str:
    """Check the shapes: W^1 takes the d coordinates of x, every later layer the n of the one before."""
    shapes = {"first layer": "d - d", "later layers": "n - n"}
    for what, difference in shapes.items():
        require_item(
            {"kind": "zero", "what": what, "variables": ["n", "d"], "steps": [], "zero": [difference]}
        )
    return "columns and coordinates agree in every layer"


CLAIMS = (
    Claim(
        id="thm-4",
        place="App. A, Theorem 4",
        statement=r"\text{A uniformly bounded and uniformly equicontinuous family in } C(\mathcal X) \text{ "
        r"is relatively compact}",
        verdict=Verdict.CITED,
        cites=(f"Arzelà-Ascoli: {RUDIN}, Theorem 7.25",),
    ),
    *refuted(
        id="prop-5",
        place="App. A, Proposition 5",
        statement=r"\{f_n\} \subset C^1(\mathcal X),\ f_n' \to g \text{ uniformly},\ f_n(\nu_0) \to L \ "
        r"\Rightarrow\ f_n \to f \text{ uniformly},\ f \in C^1(\mathcal X),\ f' = g",
        check=disconnected_domain,
        corrected=derivatives_converge,
        correction=r"\text{The same for a convex (or: connected by curves of bounded length) } \mathcal X",
        cites=(
            f"mean value inequality: {RUDIN}, Theorem 5.19",
            f"the theorem on the line: {RUDIN}, Theorem 7.17",
        ),
        note=r"App. A introduces $\mathcal X$ as any compact metric space. The box of Sec. 2, where it is "
        r"used, is convex.",
    ),
    *refuted(
        id="prop-6",
        place="App. A, Proposition 6",
        statement=r"\{f_n\} \subset C^1(\mathcal X),\ f_n' \text{ uniformly bounded} \ \Rightarrow\ \{f_n\} "
        r"\text{ uniformly equicontinuous}",
        check=broom,
        corrected=bounded_slopes,
        correction=r"\text{The same for a convex } \mathcal X\text{: } |x - y| < \varepsilon/K \Rightarrow "
        r"|f_n(x) - f_n(y)| < \varepsilon",
        cites=(f"mean value inequality: {RUDIN}, Theorem 5.19",),
        note=r"As with Proposition 5: two points of $\mathcal X$ may be near, and far apart within "
        r"$\mathcal X$.",
    ),
    Claim(
        id="thm-7",
        place="App. A.1, Theorem 7",
        statement=r"\text{Dynamical dichotomy of abc-parametrizations}",
        verdict=Verdict.CITED,
        cites=("Yang, Hu: Tensor Programs IV, ICML 2021, Theorem 5.6",),
    ),
    *refuted(
        id="eq-7",
        place="App. A.1, (7)",
        statement=r"h^\ell = W^\ell z^\ell,\quad z^\ell = \phi(h^\ell),\quad W^1 \in \mathbb R^{n \times d}",
        check=layer_takes_its_own_output,
        corrected=layer_takes_the_output_before,
        correction=r"h^\ell = W^\ell z^{\ell - 1},\quad z^\ell = \phi(h^\ell),\quad z^0 = x",
        region=Region(
            {"n": "width", "d": "inputs"}, ("n > 0", "d > 0"), {"n": Fraction(4), "d": Fraction(3)}
        ),
        note=r"A definition, and a slip of an index, as the shapes say.",
    ),
)
