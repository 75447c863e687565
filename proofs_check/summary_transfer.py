"""What the summary of 2512.22768 says more shortly than the paper, and what its short sentences leave out."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from hptheory.transfer.search_model import SearchModel, best_search, search_loss
from hptheory.transfer.zoo import quadratic
from proofs_check.app_b2_rates import (
    TAYLOR,
    bounds_by_loss_gap,
    displacement,
    suboptimality_is_quadratic,
)
from proofs_check.app_b3_theorem_2 import RATES, SEARCH, usefulness
from proofs_check.certificates import require_combination, require_counterexample, require_item, require_zero
from proofs_check.claims import AllOf, Claim, Refuted, refuted
from proofs_check.rational import generators
from proofs_check.region import Region
from proofs_check.summary_facts import NEAR

SUMMARY = "summary of 2512.22768"
CONVEX = Region(
    {"tau": r"\tau", "L": "L", "d": "d"},
    ("tau > 0", "L >= tau", "d > 0"),
    {"tau": Fraction(1), "L": Fraction(2), "d": Fraction(1)},
)
"""Growth and smoothness of the total, and how far its minimiser is from that of the top-k loss."""


def drift_above_the_loss_gap() -> str:
    """Refute by the library's parabola phi_n = n^-4 + (x - 1/n)^2/2, of curvature 1: b_n^2 = n^2 a_n.

    Minimiser 1/n, minimum n^-4, limit x^2/2: growth with tau = 1 on the whole line. For every K the bound
    b_n^2 <= K a_n fails once n^2 > K. What is missing is Definition 4: phi_n - phi_inf is n^-4 + 1/(2 n^2) -
    x/n, of both signs about 0.
    """
    e, x = generators("e", "x")  # e = 1/n
    loss: Any = quadratic(alpha=4, beta=1, curvature=Fraction(1)).phi
    phi = loss(1 / e, x)
    require_zero(phi.diff("x").substitute("x", e), "slope at 1/n")
    require_zero(phi.at("e", 0) - x**2 / 2, "the limit: growth with tau = 1")
    require_zero(phi.substitute("x", e) - e**4, "a_n = n^-4")
    require_combination(
        "b_n^2 > K a_n once n^2 > K",
        ["e", "K"],
        {"wide": "1 - K*e**2"},
        "e**2 - K*e**4",
        [("e**2", "wide")],
        positive=["e"],
        strict=["wide"],
        relation=">",
    )
    point: dict[str, Fraction | int] = {"n": 10, "K": 99, "a": Fraction(1, 10**4), "b": Fraction(1, 10)}
    require_counterexample("b_n = O(a_n^(1/2)) with K = 99", point, ["n**2 > K"], "b**2 <= K*a")
    raise Refuted("phi_n = n^-4 + (x - 1/n)^2/2: b_n^2 = n^2 a_n, although phi_n'' = 1 everywhere")


def small_budget() -> str:
    """Refute at the budget F = 1000, in the explicit model with a_n = 1/n, b_n = 100/n and the cost n L/rho.

    One HP in a box of half-length L = 100, r = 1. Direct tuning with n = 10 and rho = 1 loses 1/10 + 1. For
    transfer the product of rho >= n L/F and b >= B/n is L B/F at least, so that its loss, rho^2 + b^2, is at
    least 2 L B/F = 20 at any proxy width. Yet b_n = o(a_n^(1/2)).
    """
    model = SearchModel(1, 1, 100, 1, curvature=2, hp_radius=100, cost_exponent=1)
    found = Fraction(float(search_loss(model, *best_search(model, 1000))))
    if abs(found - 20) > NEAR:
        raise Refuted(f"the library's best search with the budget 1000 has the loss {found}")
    require_combination(
        "transfer loses 2 L B/F at least, at any proxy width",
        ["loss", "rho", "b", "n", "L", "B", "F"],
        {"sum": "loss - rho**2 - b**2", "cost": "rho*F - n*L", "drift": "b*n - B"},
        "loss - 2*L*B/F",
        [("1", "sum"), ("1", "", "rho - b"), ("2*b/F", "cost"), ("2*L/F", "drift")],
        positive=["b", "L", "F"],
    )
    require_counterexample(
        "transfer beats direct tuning with the budget 1000",
        {"budget": 1000, "n": 10, "rho": 1, "L": 100, "B": 100},
        ["n*L/rho == budget", "rho <= L"],
        "2*L*B/budget < 1/n + rho**2",
    )
    raise Refuted(
        "a_n = 1/n, b_n = 100/n, budget 1000: direct tuning reaches 11/10, transfer no less than 20"
    )


def curvature_that_moves_nothing() -> str:
    """Refute both ways about x~ = 0, top x^2/2: a residual 50 x^2 moves nothing, s x does."""
    names = ["x", "K", "s"]
    steps = [["curved", "x**2/2 + K*x**2/2"], ["straight", "x**2/2 + s*x"]]
    item = {"kind": "zero", "what": "the minimisers 0 and -s", "variables": names, "steps": steps}
    require_item(item | {"zero": ["At(D(curved, x), x, 0)", "At(D(straight, x), x, 0-s)"]})
    point = {"K": 100, "shift": 0}
    require_counterexample(
        "a residual of curvature K moves the optimum", point, ["K > 1", "(1 + K)*shift == 0"], "shift != 0"
    )
    raise Refuted("top x^2/2: a residual of curvature 100 at 0 moves nothing; x/2, of curvature 0, moves 1/2")


def slope_decides(share: Fraction = Fraction(1)) -> str:
    """Check S/L <= d <= S/tau: S is the size of the residual's slope at the top-k minimiser x~, d the shift.

    There the top-k loss has no slope, so S is that of the total, which changes by tau d at least and L d at
    most on the way to its own minimiser, where it is 0. ``share`` = 1 are the best constants.
    """
    names = ["S", "d", "tau", "L"]
    require_combination(
        "at most S/tau",
        names,
        {"growth": "S*d - tau*d**2"},
        f"{share}*S/tau - d",
        [("1/(tau*d)", "growth")],
        positive=["tau", "d"],
    )
    require_combination(
        "at least S/L", names, {"smooth": "L*d - S"}, f"d - {share}*S/L", [("1/L", "smooth")], positive=["L"]
    )
    return "the shift of the optimum is the residual's slope there, divided by a curvature of the total"


CLAIMS: tuple[Claim, ...] = (
    *refuted(
        id="summary-gaps-convex",
        place=f"{SUMMARY}, mechanism 2",
        statement=r"\text{Under local strong convexity } b_n = O(\sqrt{a_n}) \text{ and } "
        r"c_n = \Theta(b_n^2)",
        check=drift_above_the_loss_gap,
        corrected=AllOf((displacement, suboptimality_is_quadratic, bounds_by_loss_gap)),
        correction=r"\text{Under Definition 3 } b_n = O(\bar a_n^{1/2}),\ c_n = \Theta(b_n^2);\quad "
        r"\text{with Definition 4, too, } b_n = O(a_n^{1/2})",
        corrected_depends_on=("lem-11", "prop-1"),
        note=r"The second half is right (lem-11); the first needs that the loss gap is *locally tight*, as "
        r"Proposition 1 says: a loss whose minimum is nearly right at every width may have it in the wrong "
        r"place.",
        correction_note=r"$\bar a_n = \lVert\phi_n - \phi_\infty\rVert_{\sup}$.",
        hypotheses=("Definition 3",),
        cites=(TAYLOR,),
    ),
    *refuted(
        id="summary-fixed-budget",
        place=f"{SUMMARY}, mechanism 2",
        statement=r"b_n = o(\sqrt{a_n}) \ \Rightarrow\ \text{transfer beats direct tuning for a fixed "
        r"compute budget}",
        check=small_budget,
        corrected=usefulness,
        correction=r"b_n = o(a_n^{1/2}) \ \Rightarrow\ \text{for all large enough budgets}",
        corrected_depends_on=("thm-2-useful",),
        corrected_region=RATES,
        note="From which budget on is a matter of the constants; `hptheory plan` works it out.",
        hypotheses=SEARCH,
    ),
    *refuted(
        id="summary-residual-curvature",
        place=f"{SUMMARY}, failure signatures",
        statement=r"\text{the residual has high curvature near the top-}k\text{ minimizer } \Rightarrow "
        r"\text{ it influences the optimum}",
        check=curvature_that_moves_nothing,
        corrected=slope_decides,
        correction=r"\frac{S}{L} \le \lvert x^\star - \tilde x\rvert \le \frac{S}{\tau},\quad S = "
        r"\lvert\phi^{-\kappa\prime}(\tilde x)\rvert: \text{ its slope there decides}",
        corrected_depends_on=("lem-14",),
        corrected_region=CONVEX,
        note="A high curvature makes a slope likely wherever the residual has its own minimum elsewhere; by "
        "itself it says nothing.",
        correction_note=r"$\tau \le \phi'' \le L$ between the two minimizers, both inside of $\mathcal X$.",
        corrected_breaks=(
            ("half of it", partial(slope_decides, Fraction(1, 2))),
            ("twice as far", partial(slope_decides, Fraction(2))),
            ("the other way", partial(slope_decides, Fraction(-1))),
        ),
    ),
)
