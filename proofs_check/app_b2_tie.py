"""Below Proposition 1 of 2512.22768: its bound is never attained, as the second derivatives converge, too."""

from __future__ import annotations

from functools import partial

from proofs_check.app_b2_gaps import FAMILY
from proofs_check.app_b2_rates import DEFINITIONS, TAYLOR, library_computes
from proofs_check.certificates import require_combination, require_item
from proofs_check.claims import AllOf, Refuted, refuted


def never_tied() -> str:
    """Check tau^2 b^2 <= 4 kappa omega, kappa >= sup|phi_n'' - phi_inf''|, kappa -> 0: transfer is fast
    (Landau).

    D = phi_n - phi_inf; e the direction of the drift; x = nu*(n), from which X reaches r at least both ways,
    for all large n. omega = 2 abar >= |D(x + t e) - D(x - t e)|. Taylor: 2 t D_e <= omega + kappa t^2, least
    where kappa t^2 = omega; t <= r, so that the segment lies in X, because kappa >= 2 abar/r^2, too. phi_n is
    stationary at x: phi_inf has the slope -D_e there, and for a convex phi_inf slope times b is at least its
    rise, (tau/2) b^2. So b^2 <= 4 kappa omega/tau^2 <= 8 kappa a/(c tau^2) = o(a).
    """
    require_combination(
        "t <= r, for kappa >= 2 abar/r^2",
        ["kappa", "r", "t", "omega", "abar"],
        {"floor": "kappa*r**2 - 2*abar", "sup": "2*abar - omega", "choice": "omega - kappa*t**2"},
        "kappa*(r**2 - t**2)",
        [("1", "floor"), ("1", "sup"), ("1", "choice")],
    )
    require_combination(
        "S <= kappa t, S the slope",
        ["forth", "back", "centre", "S", "kappa", "t", "omega"],
        {
            "taylor_forth": "forth - centre - t*S + kappa*t**2/2",
            "taylor_back": "centre - t*S + kappa*t**2/2 - back",
            "oscillation": "omega - forth + back",
            "choice": "kappa*t**2 - omega",
        },
        "kappa*t - S",
        [("1/(2*t)", name) for name in ("taylor_forth", "taylor_back", "oscillation", "choice")],
        positive=["t"],
    )
    require_combination(
        "tau b <= 2 S",
        ["rise", "S", "b", "tau"],
        {"convex": "S*b - rise", "growth": "rise - tau*b**2/2"},
        "2*S - tau*b",
        [("2/b", "convex"), ("2/b", "growth")],
        positive=["b"],
    )
    require_combination(
        "tau^2 b^2 <= 8 kappa a/c",
        ["S", "b", "tau", "kappa", "t", "omega", "abar", "a", "c"],
        {
            "slope": "kappa*t - S",
            "rise": "2*S - tau*b",
            "choice": "omega - kappa*t**2",
            "sup": "2*abar - omega",
            "tight": "a - c*abar",
        },
        "8*kappa*a/c - tau**2*b**2",
        [
            ("tau*b", "rise"),
            ("2*S", "rise"),
            ("4*S", "slope"),
            ("4*kappa*t", "slope"),
            ("4*kappa", "choice"),
            ("4*kappa", "sup"),
            ("8*kappa/c", "tight"),
        ],
        positive=["S", "b", "tau", "kappa", "t", "c"],
    )
    return "b_n^2/a_n <= 8 kappa_n/(c tau^2) -> 0"


def curvature_alone() -> str:
    """Check that the floor under kappa is needed: phi_inf = x^2/2, phi_n = x^2/2 - e x + 2 e on [-1, 1].

    phi_n'' = phi_inf'', yet the minimiser is e: with kappa = sup|phi_n'' - phi_inf''| = 0 the bound would be
    0. The gap is between e and 3 e, so locally tight with c = 1/3.
    """
    item = {"kind": "zero", "what": "no change of curvature, and a drift of e", "variables": ["x", "e"]}
    slopes = ["D(D(gap, x), x)", "At(D(x**2/2 + gap, x), x, e)"]
    require_item(item | {"steps": [["gap", "2*e - e*x"]], "zero": slopes})
    require_combination(
        "locally tight",
        ["x", "e"],
        {"right": "1 - x"},
        "2*e - e*x - e",
        [("e", "right")],
        positive=["e"],
    )
    require_combination(
        "at most 3 e", ["x", "e"], {"left": "1 + x"}, "3*e - (2*e - e*x)", [("e", "left")], positive=["e"]
    )
    return "a linear gap moves the minimiser and no curvature"


def tie_is_possible() -> str:
    """Refute by proving the opposite, b_n^2 <= 8 kappa_n a_n/(c tau^2) with kappa_n -> 0."""
    raise Refuted(f"under Definitions 3 and 4 {never_tied()}, as phi_n'' -> phi_inf'' uniformly")


CLAIMS = (
    *refuted(
        id="prop-1-tie",
        place="Sec. 3.1, below Proposition 1",
        statement=r"\text{a priori we may have } b_n = \Theta(a_n^{1/2}) \text{ and hence } c_n = "
        r"\Theta(a_n)",
        check=tie_is_possible,
        corrected=AllOf((never_tied, curvature_alone, partial(library_computes, "curvature_bound"))),
        correction=r"\text{Under Definitions 3 and 4 transfer is fast: } b_n^2 \le "
        r"\frac{8\kappa_n}{c\,\tau^2}\,a_n \text{ for large } n,\quad \kappa_n = \lVert\phi_n'' - "
        r"\phi_\infty''\rVert_{\sup} \vee \tfrac{2}{r^2}\bar a_n \to 0",
        correction_note=r"$r > 0$ is how far $\mathcal X$ reaches from $\nu^\star(n)$ in all directions, for "
        r"all large $n$. Curvature alone does not bound $b_n$: a linear $\phi_n - \phi_\infty$ moves the "
        r"minimizer.",
        region=FAMILY,
        hypotheses=DEFINITIONS,
        cites=(TAYLOR, "Landau 1913 (the inequality is proved here)"),
        note=r"Slow transfer needs one of the hypotheses to fail: tightness (`zoo.quadratic` with $\beta "
        r"\le \alpha/2$) or the equicontinuity of $\phi_n''$ (`zoo.ripples`).",
        depends_on=("prop-8", "prop-1"),
    ),
)
