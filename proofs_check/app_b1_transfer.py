"""App. B.1 of 2512.22768: when hyperparameters transfer at all, and under which scalings.

A step of analysis (compactness, the mean value theorem) is taken from a textbook and named; what is left of
an argument is inequalities between the values at a few points, and those are checked as combinations.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from hptheory.transfer.zoo import quadratic
from proofs_check.app_a_background import RUDIN
from proofs_check.certificates import require_combination, require_counterexample, require_item, require_zero
from proofs_check.claims import AllOf, Claim, Refuted, Verdict, refuted
from proofs_check.rational import generators
from proofs_check.region import Region

SCALINGS = (
    "Definition 3 over every box that contains X, for both scalings",
    "the loss depends on the scaled hyperparameters only (both scalings with the same seed)",
)
BOX = r"$\mathcal X$ is a box (convex, compact)"


def definition_can_be_met() -> str:
    """Check that the parabola phi_n(x) = 1/n + (x - 1/n)^2/2 of the library's zoo meets the definition.

    phi_n'' = 1 for all n; one minimiser, 1/n, inside (-2, 2) for n >= 1; the limit x^2/2 grows with tau = 1.
    """
    e, x = generators("e", "x")  # e = 1/n
    loss: Any = quadratic(alpha=1, beta=1, curvature=Fraction(1)).phi
    phi = loss(1 / e, x)
    require_zero(phi.diff("x").diff("x") - 1, "phi_n'' = 1")
    require_zero(phi.diff("x").substitute("x", e), "slope at 1/n")
    require_zero(phi.at("e", 0) - x**2 / 2, "the limit")
    return "phi_n'' = 1, minimiser 1/n, limit x^2/2: all of Definition 3 holds"


def two_minimisers() -> str:
    """Refute by f = (x^2 - 1)^2: minimisers at 1 and -1, each with f >= (9/4) (x -+ 1)^2 up to 1/2 away."""
    growth = {"near": "x - 1/2"}
    rest = [("1", "near near", "x - 1"), ("3", "near", "x - 1")]  # (x + 1)^2 - 9/4 = (x - 1/2)(x + 5/2)
    require_combination("growth at 1", ["x"], growth, "(x**2 - 1)**2 - 9*(x - 1)**2/4", rest)
    require_counterexample(
        "one minimiser",
        {"x": Fraction(1), "y": Fraction(-1)},
        ["(x**2 - 1)**2 == 0", "(y**2 - 1)**2 == 0"],
        "x == y",
    )
    raise Refuted("f = (x^2 - 1)^2 on [-2, 2] grows quadratically about both of its minimisers, 1 and -1")


def one_minimiser() -> str:
    """Check that a convex f with local growth has one minimiser.

    Let x, y be two, at distance d, and z = x + t (y - x) within delta of x, t > 0. Convexity puts f(z) at
    most
    at the minimum m; growth puts it at least (tau/2) t^2 d^2 above m. So d = 0.
    """
    require_combination(
        "two minimisers coincide",
        ["m", "fz", "tau", "t", "d"],
        {"convex": "m - fz", "growth": "fz - m - tau*t**2*d**2/2"},
        "-tau*t**2*d**2",
        [("2", "convex"), ("2", "growth")],
        positive=["tau", "t"],
    )
    return "0 >= tau t^2 d^2 with tau, t > 0: the two minimisers coincide"


def slopes_are_bounded() -> str:
    """Check the step that the printed proof leaves out: Definition 3 bounds phi_n'', and with it phi_n'.

    phi_n converges at the centre c and at the points c +- r e_i, so it is bounded there, by M; Taylor's
    theorem
    and |phi_n''| <= K bound the slope at c along +-e_i by (2 M + K r^2/2)/r, and hence the slope anywhere.
    """
    require_combination(
        "the slope at the centre is bounded",
        ["there", "centre", "slope", "K", "r", "M"],
        {"taylor": "there - centre - r*slope + K*r**2/2", "above": "M - there", "below": "M + centre"},
        "2*M + K*r**2/2 - r*slope",
        [("1", "taylor"), ("1", "above"), ("1", "below")],
    )
    require_combination(
        "the slope elsewhere is bounded",
        ["slope", "centre", "K", "d", "D"],
        {"mean_value": "centre + K*d - slope", "size": "D - d"},
        "centre + K*D - slope",
        [("1", "mean_value"), ("K", "size")],
        positive=["K"],
    )
    return "r |phi_n'(c)| <= 2 M + K r^2/2, and |phi_n'(x)| <= |phi_n'(c)| + K D"


def minimisers_converge() -> str:
    """Check that nu*(n) -> nu*(inf): outside the delta-ball values are too high, inside growth bounds.

    For convex phi_inf with growth (tau, delta): a point at distance d = (1 + w) delta lies (tau/2) delta^2
    above
    the minimum at least, as the point between them on the sphere does. phi_inf(nu*(n)) is at most 2 abar
    above.
    """
    require_combination(
        "outside the ball",
        ["fx", "fz", "m", "tau", "delta", "w"],
        {"convex": "(w*m + fx)/(1 + w) - fz", "growth": "fz - m - tau*delta**2/2"},
        "fx - m - tau*delta**2/2",
        [("1 + w", "convex"), ("1 + w", "growth"), ("tau*delta**2*w/2", "")],
        positive=["tau", "delta", "w"],
    )
    require_combination(
        "2 abar above the minimum at most",
        ["limit_n", "limit", "here_n", "here", "abar"],
        {"at_n": "abar - limit_n + here_n", "best": "here - here_n", "at_inf": "abar - here + limit"},
        "2*abar - (limit_n - limit)",
        [("1", "at_n"), ("1", "best"), ("1", "at_inf")],
    )
    return "phi_inf(nu*(n)) - phi*_inf <= 2 abar_n -> 0, and >= (tau/2) min(b_n, delta)^2"


def moved_point_leaves() -> str:
    """Refute on X = [0, 1] with nu'* = 1/2, gamma - gamma' = 1: the moved point is n/2."""
    require_counterexample(
        "the moved point lies in X", {"n": 3, "nu": Fraction(1, 2)}, ["nu <= 1"], "n*nu <= 1"
    )
    raise Refuted("X = [0, 1], nu'* = 1/2, gamma - gamma' = 1, n = 3: the moved point 3/2 lies outside of X")


def interior_minimum_is_global() -> str:
    """Check: a minimiser x of a convex f over X, inside X, is one over every larger box.

    For y in the larger box, z = x + t (y - x) lies in X for some t > 0: f(x) <= f(z) <= (1 - t) f(x) + t
    f(y).
    """
    require_combination(
        "no larger box has a lower value",
        ["fx", "fy", "fz", "t"],
        {"best": "fz - fx", "convex": "(1 - t)*fx + t*fy - fz"},
        "fy - fx",
        [("1/t", "best"), ("1/t", "convex")],
        positive=["t"],
    )
    return "f(y) >= f(x) for every y of a larger box"


def scaling_is_unique() -> str:
    """Check that two scalings with these properties are the same; so Theorem 9 speaks of no other one.

    The minimisers are interior for large n, so global (`thm-9-proof-corrected`): both belong to the one
    minimiser of
    the raw loss over all HPs >= 0, and nu'_i(n) = nu_i(n) N with N = n^(gamma'_i - gamma_i). As nu_i(n) >= a
    > 0
    (its limit is inside X, hence positive) and nu'_i(n) <= b, N <= b/a for all large n: gamma'_i <= gamma_i.
    Exchange the two.
    """
    interior_minimum_is_global()
    require_combination(
        "the ratio of the scales is bounded",
        ["a", "b", "nu", "N"],
        {"interior": "nu - a", "in_the_box": "b - nu*N"},
        "b - a*N",
        [("N", "interior"), ("1", "in_the_box")],
        positive=["N"],
    )
    require_item(
        {
            "kind": "counterexample",
            "what": "a power with a positive exponent is not bounded: b = 3, a = 1/2, n = 7, exponent 1",
            "variables": ["a", "b", "n"],
            "point": {"a": "1/2", "b": "3", "n": "7"},
            "conditions": ["a > 0", "n > b/a"],
            "fails": "b - a*n >= 0",
        }
    )
    return "n^(gamma'_i - gamma_i) <= b/a for all large n, and the same with exchanged roles: gamma' = gamma"


VALUES = Region(
    {"tau": r"\tau", "delta": r"\delta"}, ("tau > 0", "delta > 0"), {"tau": Fraction(1), "delta": Fraction(1)}
)

CLAIMS = (
    *refuted(
        id="b1-lsc-unique",
        place="App. B.1, proof of Proposition 8",
        statement=r"\text{local strong convexity implies that } \phi_\infty \text{ has a unique minimizer}",
        check=two_minimisers,
        corrected=one_minimiser,
        correction=r"\text{A convex, locally strongly convex function has one minimizer}",
        region=VALUES,
        note=r"$\phi_\infty$ is convex in the proposition, as a limit of convex functions; so nothing is "
        r"lost.",
    ),
    Claim(
        id="def-3",
        place="App. B.1, Definition 3",
        statement=r"\phi_n \in C^2 \text{ convex with one minimizer};\ \phi_n \to \phi_\infty \text{ LSC},\ "
        r"\arg\min \phi_\infty \subseteq \operatorname{int} \mathcal X;\ \{\phi_n''\} \text{ bounded, "
        r"equicontinuous}",
        verdict=Verdict.PROVED,
        check=definition_can_be_met,
        note=r"A definition; checked: it can be met. `hptheory.transfer.zoo` has families that fail it in "
        r"one way each. The modulus in its local strong convexity is idle, as $f \ge f(\nu^\star)$.",
    ),
    Claim(
        id="prop-8",
        place="App. B.1, Proposition 8",
        statement=r"\phi_\infty \in C^2 \text{ convex, one minimizer};\quad \phi_n^{(j)} \to "
        r"\phi_\infty^{(j)} \text{ uniformly},\ j \le 2;\quad \nu^\star(n) \to \nu^\star(\infty)",
        verdict=Verdict.PROVED,
        check=AllOf((slopes_are_bounded, one_minimiser, minimisers_converge)),
        hypotheses=(BOX, "Definition 3"),
        cites=(
            f"Arzelà-Ascoli for phi_n, phi_n', phi_n'': {RUDIN}, Theorem 7.25",
            f"Taylor's theorem: {RUDIN}, Theorem 5.15",
        ),
        note=r"The printed proof applies Proposition 6 to $\phi_n$ and $\phi_n'$, which needs $\phi_n'$ to "
        r"be bounded; Definition 3 bounds $\phi_n''$ only. The bound follows, and is checked.",
        depends_on=("thm-4", "prop-5-corrected", "prop-6-corrected", "b1-lsc-unique-corrected"),
        region=VALUES,
    ),
    *refuted(
        id="thm-9-proof",
        place="App. B.1, proof of Theorem 9",
        statement=r"\bar\nu^\star = \nu'^\star \odot (n^{\gamma_1 - \gamma_1'}, \ldots) \in \mathcal X,\ "
        r"\text{so that } \phi_n(\nu^\star) > \phi_n(\bar\nu^\star) \text{ contradicts the minimality of } "
        r"\nu^\star \text{ over } \mathcal X",
        check=moved_point_leaves,
        corrected=interior_minimum_is_global,
        correction=r"\text{An interior minimizer of a convex } \phi_n \text{ over } \mathcal X \text{ is "
        r"one over every } \mathcal X' \supseteq \mathcal X",
        note=r"The printed proof leaves $\mathcal X$ wherever $\gamma_i > \gamma_i'$; with transfer over "
        r"all larger boxes, as the theorem assumes, it can be repaired.",
    ),
    Claim(
        id="thm-9",
        place="App. B.1, Theorem 9",
        statement=r"\gamma, \gamma' \neq \gamma \text{ admit transfer over } \mathcal X = \prod [0, u_i] "
        r"\text{ and all larger boxes} \ \Rightarrow\ \min \phi_\infty(\cdot; \gamma) = \min "
        r"\phi_\infty(\cdot; \gamma')",
        verdict=Verdict.PROVED,
        check=scaling_is_unique,
        hypotheses=SCALINGS,
        note="True, but vacuous: no other scaling has these properties (thm-9-unique).",
        depends_on=("thm-9-unique",),
    ),
    Claim(
        id="thm-9-unique",
        place="beyond the paper (sharpens Theorem 9)",
        statement=r"\text{At most one scaling } \gamma \text{ admits transfer over } \prod [0, u_i] \text{ "
        r"and all larger boxes}",
        verdict=Verdict.PROVED,
        check=scaling_is_unique,
        hypotheses=SCALINGS,
        depends_on=("prop-8", "thm-9-proof-corrected"),
    ),
)
