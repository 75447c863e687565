"""App. B.5 of 2512.22768: Definition 5 and Lemma 14, minimisers on the boundary included.

Everything happens on one segment between two minimisers, so that no derivative is needed: f is convex with
curvature mu, g has the Lipschitz constant L. Where print speaks of derivatives they are the same for smooth
functions.
"""

from __future__ import annotations

from fractions import Fraction

from numpy.polynomial import Polynomial

from hptheory.decomposition import bounds
from hptheory.decomposition.loss_curves import SmoothCurve
from proofs_check.certificates import require_combination, require_counterexample
from proofs_check.claims import AllOf, Claim, Refuted, Verdict, refuted
from proofs_check.region import Region

CURVATURE = Region(
    {"mu": r"\mu(f)", "L": r"\varepsilon"},
    ("mu > 0", "L >= 0"),
    {"mu": Fraction(1), "L": Fraction(1)},
)
ONE_SIDE = {"left": "1 + x", "right": "1 - x"}


def curvature_gives_growth() -> str:
    """Check f(x) - f* >= (mu/2)(1 - s) d^2 for every s > 0, hence (mu/2) d^2, boundary included.

    x_s = x* + s (x - x*) lies in the convex X; curvature puts f(x_s) below the chord by (mu/2) s (1 - s) d^2.
    """
    require_combination(
        "curvature gives growth",
        ["fx", "m", "fs", "mu", "s", "d"],
        {"curvature": "(1 - s)*m + s*fx - mu*s*(1 - s)*d**2/2 - fs", "best": "fs - m"},
        "fx - m - mu*(1 - s)*d**2/2",
        [("1/s", "curvature"), ("1/s", "best")],
        positive=["s"],
    )
    return "f(x) - f* >= (mu/2) ||x - x*||^2, wherever the minimiser lies"


def moved_by_a_slope() -> str:
    """Check mu d^2 (1 - t/2) <= L d for every 0 < t < 1, hence d <= L/mu (Lemma 14).

    x* and x~ minimise f and f + g; x_t = x~ + t (x* - x~). The sum of: x~ is best for f + g, f lies below its
    chord by the curvature, g changes by L t d at most; and f grows about x* (`curvature_gives_growth`, s ->
    0).
    """
    curvature_gives_growth()
    require_combination(
        "mu d^2 (1 - t/2) <= L d",
        ["f", "g", "m", "ft", "gt", "mu", "L", "t", "d"],  # f, g at x~; f(x*) = m; f, g at x_t
        {
            "best": "ft + gt - f - g",
            "curvature": "(1 - t)*f + t*m - mu*t*(1 - t)*d**2/2 - ft",
            "lipschitz": "g + L*t*d - gt",
            "growth": "f - m - mu*d**2/2",
        },
        "L*d - mu*d**2*(1 - t/2)",
        [("1/t", "best"), ("1/t", "curvature"), ("1/t", "lipschitz"), ("1", "growth")],
        positive=["t"],
    )
    return "mu d^2 <= L d: the minimisers of f and f + g are at most L/mu apart"


def library_lemma_14() -> str:
    """Check the library's bound where the minimiser is on the boundary: x^2/2 and -2 x on [0, 1]: 1 <= 2."""
    f, g = (SmoothCurve(Polynomial(c), (0, 1)) for c in ([0, 0, 1 / 2], [0, -2]))
    bound = bounds.lemma_14(f, g)
    if not (bound.applies and bound.value == 1 and bound.upper == 2):
        raise Refuted(f"bounds.lemma_14 gives {bound}")
    return "bounds.lemma_14 gives 1 <= 2 for x^2/2 and -2 x on [0, 1]"


def stationary_on_the_boundary() -> str:
    """Refute on X = [0, 1], f = x^2/2, g = -2 x: f + g is least at x = 1, where f' + g' = -1."""
    require_combination(
        "f + g is least at 1",
        ["y"],
        {"inside": "1 - y"},
        "(y**2/2 - 2*y) - (1/2 - 2)",
        [("1/2", "inside inside"), ("1", "inside")],
    )
    require_counterexample("f'(1) + g'(1) = 0", {"x": 1}, ["x <= 1"], "x - 2 == 0")
    raise Refuted("X = [0, 1], f = x^2/2, g = -2 x: the minimiser of f + g is 1, where f' + g' = -1")


def growth_is_not_curvature() -> None:
    """Show f = x^2/2 - x^4/12 on [-1, 1]: convex, f >= (5/12) x^2, and f'' = 0 at the ends."""
    require_combination("f'' = (1 - x)(1 + x) >= 0", ["x"], ONE_SIDE, "1 - x**2", [("1", "left right")])
    growth = "(x**2/2 - x**4/12) - 5*x**2/12"
    require_combination("f >= (5/12) x^2", ["x"], ONE_SIDE, growth, [("1/12", "left right", "x")])
    require_counterexample("f''(1) > 0", {"x": 1}, ["x <= 1", "x >= -1"], "1 - x**2 > 0")


def growth_needs_two() -> str:
    """Check: with growth in place of curvature the constant of Lemma 14 is 2, and 1 does not do.

    tau d^2/2 <= f(x~) - f(x*) <= g(x*) - g(x~) <= epsilon d. For f = x^2/2 - x^4/12 (tau = 5/6) and g =
    -(2/3) x on [-1, 1] the minimiser of f + g is 1: (f + g)(x) - (f + g)(1) = (1 - x)^3 (x + 3)/12; and 1 >
    (2/3)/(5/6) = 4/5.
    """
    require_combination(
        "d <= 2 epsilon/tau",
        ["f", "g", "m", "gs", "tau", "epsilon", "d"],
        {"best": "m + gs - f - g", "growth": "f - m - tau*d**2/2", "lipschitz": "epsilon*d - gs + g"},
        "epsilon*d - tau*d**2/2",
        [("1", "best"), ("1", "growth"), ("1", "lipschitz")],
    )
    growth_is_not_curvature()
    require_combination(
        "f + g is least at 1",
        ["x"],
        ONE_SIDE,
        "(x**2/2 - x**4/12 - 2*x/3) - (1/2 - 1/12 - 2/3)",
        [("1/12", "right left", "1 - x"), ("1/6", "right", "1 - x")],
    )
    point = {"d": Fraction(1), "epsilon": Fraction(2, 3), "tau": Fraction(5, 6)}
    require_counterexample("d <= epsilon/tau", point, ["tau > 0"], "d <= epsilon/tau")
    return "with growth tau: d <= 2 epsilon/tau, and d <= epsilon/tau fails"


CLAIMS = (
    Claim(
        id="def-5",
        place="App. B.5, Definition 5",
        statement=r"\mu(f) := \inf_{\mathcal X} f'', \qquad \operatorname{Lip}(f) := \sup_{\mathcal "
        r"X}\lvert f'\rvert",
        verdict=Verdict.PROVED,
        check=curvature_gives_growth,
        region=CURVATURE,
        note=r"A definition; checked: curvature gives the growth that Lemma 10 asks for. Growth does not "
        r"give curvature (lem-14-growth).",
    ),
    Claim(
        id="lem-14",
        place="App. B.5, Lemma 14",
        statement=r"f\ \tau\text{-strongly convex},\ \sup\lvert g'\rvert \le \varepsilon \ \Rightarrow\ "
        r"\lVert\arg\min f - \arg\min(f + g)\rVert \le \varepsilon/\tau",
        verdict=Verdict.PROVED,
        check=AllOf((moved_by_a_slope, library_lemma_14)),
        region=CURVATURE,
        hypotheses=("X is convex", r"strongly convex: $f - \tfrac\tau2\lVert x\rVert^2$ is convex"),
        note="True on the boundary, too. With strong convexity in the sense displayed in Lemma 10 the "
        "constant is 2 (lem-14-growth).",
        depends_on=("def-5",),
    ),
    *refuted(
        id="lem-14-proof",
        place="App. B.5, proof of Lemma 14",
        statement=r"\text{by first order optimality } f'(\tilde x) + g'(\tilde x) = 0",
        check=stationary_on_the_boundary,
        corrected=moved_by_a_slope,
        correction=r"(f' + g')(\tilde x)\,(x - \tilde x) \ge 0 \text{ for } x \in \mathcal X\text{; the "
        r"conclusion of the lemma follows}",
        region=CURVATURE,
        note="Right inside the box. The argument here needs no derivative.",
    ),
    Claim(
        id="lem-14-growth",
        place="beyond the paper",
        statement=r"\text{With } f(x) - f(x^\star) \ge \tfrac\tau2\lVert x - x^\star\rVert^2 \text{ only, "
        r"Lemma 14 holds with } 2\varepsilon/\tau, \text{ and not with } \varepsilon/\tau",
        verdict=Verdict.PROVED,
        check=growth_needs_two,
    ),
)
