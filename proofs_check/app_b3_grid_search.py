"""App. B.3 of 2512.22768: grids and their resolution, and the terms that the proof of Theorem 2 adds up."""

from __future__ import annotations

from fractions import Fraction

from proofs_check.certificates import (
    require_combination,
    require_counterexample,
    require_item,
)
from proofs_check.claims import Claim, Refuted, Verdict, refuted

CUBIC = r"a cubic grid, or another with $\lvert\mathcal G\rvert \sim \rho^{-h}$"


def many_points_near_each_other() -> str:
    """Refute on X = [0, 1]: the midpoint and 100 points within 1/100 of it: resolution 49/100 at least."""
    require_counterexample(
        "|G| <= 10/rho", {"size": 101, "rho": Fraction(49, 100)}, ["rho >= 49/100"], "size*rho <= 10"
    )
    raise Refuted("on [0, 1], 1/2 and m - 1 more points within 1/100 of it: rho >= 49/100 for every m")


def cubic_grid() -> str:
    """Check that k^h points on a cubic grid cover a box with rho = L/k; no grid needs fewer, up to constants.

    On [-1, 1]^h, h cells of half-width 1/k: the farthest point of a cell is its corner. Balls of radius rho
    about the points of any grid cover X, so |G| >= volume/(v_h rho^h), v_h the volume of the unit ball.
    """
    for h in range(1, 5):
        square = " + ".join(["(1/k)**2"] * h)
        item = {"kind": "zero", "what": f"h = {h}: corner of a cell", "variables": ["k"], "steps": []}
        require_item(item | {"zero": [f"{square} - {h}/k**2"]})
    require_combination(
        "no grid needs fewer points",
        ["volume", "covered", "size", "ball"],  # ball = v_h rho^h
        {"cover": "covered - volume", "each": "ball*size - covered"},
        "ball*size - volume",
        [("1", "cover"), ("1", "each")],
    )
    return "rho = L k^-1 for k^h points, h = 1, ..., 4; |G| >= volume/(v_h rho^h) for every h"


def mean_square_offset() -> str:
    """Check the mean of the squared distance to the nearest point of a cubic grid: rho^2/3 for every h.

    In a cell [-1, 1]^h, where rho^2 = h, each square has the mean 1/3, and means add up: h/3.
    """
    for h in range(1, 5):
        names = [f"x{k}" for k in range(1, h + 1)]
        item = {"kind": "average", "what": f"h = {h}", "variables": names, "steps": []}
        region = {name: ["-1", "1"] for name in names}
        squares = " + ".join(f"{name}**2" for name in names)
        require_item(item | {"polynomial": squares, "region": region, "mean": str(Fraction(h, 3))})
    return "E min ||nu - nu*||^2 = rho^2/3 on cubic grids, h = 1, ..., 4"


def error_of_the_grid() -> str:
    """Check phi_n(nu*(n, G)) - phi*_n ~ rho^2: at most the nearest point's, at least (tau/2) distance^2.

    nu*(n, G), the best point of the grid, need not be the nearest one.
    """
    names = ["best", "near", "m", "d", "rho", "tau", "L", "low", "high"]
    require_combination(
        "from above",
        names,
        {"chosen": "near - best", "smooth": "m + L*d**2/2 - near", "proximity": "high*rho**2 - d**2"},
        "L*high*rho**2/2 - (best - m)",
        [("1", "chosen"), ("1", "smooth"), ("L/2", "proximity")],
        positive=["L"],
    )
    require_combination(
        "from below",
        names,
        {"growth": "best - m - tau*d**2/2", "proximity": "d**2 - low*rho**2"},
        "(best - m) - tau*low*rho**2/2",
        [("1", "growth"), ("tau/2", "proximity")],
        positive=["tau"],
    )
    return (
        "(tau/2) c^2 rho^2 <= phi_n(nu*(n, G)) - phi*_n <= (L/2) C^2 rho^2 where c rho <= min||nu - nu*|| "
        "<= C rho"
    )


def two_terms_add_up() -> str:
    """Check that rho^2 and n^-alpha add up, and do not cancel, where phi*_n >= phi*_inf; else they may.

    rho^2 = n^-alpha with a loss that rises to its limit leaves nothing.
    """
    require_combination(
        "both are lower bounds",
        ["loss", "search", "gap", "a", "b"],
        {"sum": "loss - search - gap", "search": "search - a", "gap": "gap - b"},
        "loss - a - b",
        [("1", "sum"), ("1", "search"), ("1", "gap")],
    )
    require_counterexample(
        "|search + gap| >= |gap|/2, whatever the sign of the gap",
        {"search": Fraction(1, 9), "gap": Fraction(-1, 9)},
        ["search > 0", "gap != 0"],
        "(search + gap)**2 >= gap**2/4",
    )
    return (
        "the loss above phi*_inf is ~ rho^2 + n^-alpha where phi*_n >= phi*_inf; with the other sign it can "
        "be 0"
    )


def all_to_the_final_run() -> str:
    """Refute: M = F^(1/r) is ~ F^(1/r), and leaves nothing for the search."""
    require_counterexample("F - M^r > 0", {"budget": 16, "M": 4}, ["M**2 == budget"], "budget - M**2 > 0")
    raise Refuted("r = 2, M = F^(1/2): F - M^r = 0")


def share_for_the_search() -> str:
    """Check: M^r <= (1 - c) F leaves c F, for any 0 < c < 1."""
    require_combination(
        "c F is left", ["F", "cost", "c"], {"share": "(1 - c)*F - cost"}, "F - cost - c*F", [("1", "share")]
    )
    return "F - M^r >= c F"


def offset_at_the_target() -> str:
    """Refute on phi_M = x^2/2, nu*(n) = 1, the grid's nearest point 1/2: the difference is negative."""
    require_counterexample(
        "phi_M(nu*(n, G)) - phi_M(nu*(n)) > 0",
        {"drift": 1, "rho": Fraction(1, 2)},
        ["rho > 0"],
        "(drift - rho)**2/2 - drift**2/2 > 0",
    )
    raise Refuted("phi_M = x^2/2, nu*(n) = 1, nu*(n, G) = 1/2: the difference is -3/8, not ~ rho^2")


def offsets_add_up() -> str:
    """Check the sum of the first two terms: at most L (rho^2 + drift^2), at least (tau/2) the distance^2.

    The grid's offset and the drift may cancel; where they do not, c^2 (rho^2 + drift^2) <= distance^2 and the
    sum is ~ rho^2 + n^-2beta. The drift nu*(n) - nu*(M) is ~ n^-beta where M is a large enough multiple of n.
    """
    require_combination(
        "from above",
        ["rise", "x", "y", "L"],
        {"smooth": "L*(x + y)**2/2 - rise"},
        "L*(x**2 + y**2) - rise",
        [("1", "smooth"), ("L/2", "", "x - y")],
        positive=["L"],
    )
    require_combination(
        "from below",
        ["rise", "x", "y", "c", "tau"],
        {"growth": "rise - tau*(x + y)**2/2", "no_cancellation": "(x + y)**2 - c**2*(x**2 + y**2)"},
        "rise - tau*c**2*(x**2 + y**2)/2",
        [("1", "growth"), ("tau/2", "no_cancellation")],
        positive=["tau"],
    )
    require_combination(
        "the drift between n and M >= K n",
        ["between", "drift_n", "drift_M", "low", "high", "q"],  # q = n^-beta; M^-beta <= (low/(2 high)) q
        {
            "triangle": "between - drift_n + drift_M",
            "below": "drift_n - low*q",
            "above": "low*q/2 - drift_M",
        },
        "between - low*q/2",
        [("1", "triangle"), ("1", "below"), ("1", "above")],
    )
    return "phi_M(nu*(n, G)) - phi*_M <= L (rho^2 + drift^2), and ~ where offset and drift do not cancel"


CLAIMS = (
    *refuted(
        id="b3-grid-size",
        place="App. B.3, proof of Theorem 2(a)",
        statement=r"\text{a grid of resolution } \rho \text{ has } \lvert\mathcal G\rvert \sim \rho^{-h}",
        check=many_points_near_each_other,
        corrected=cubic_grid,
        correction=r"\lvert\mathcal G\rvert \ge c\,\rho^{-h}, \text{ with equality up to constants for "
        r"cubic grids: } \lvert\mathcal G\rvert = (L/\rho)^h",
        note="A grid is defined as any finite set of points; compute-optimal search uses one that spares "
        "points.",
    ),
    Claim(
        id="assumption-1",
        place="App. B.3, below Assumption 1",
        statement=r"\min_{\nu \in \mathcal G}\lVert\nu - \nu^\star(n)\rVert \sim \rho \text{ holds on "
        r"average, if } \nu^\star(\infty) \text{ is uniformly distributed}",
        verdict=Verdict.PROVED,
        check=mean_square_offset,
        hypotheses=(CUBIC,),
        note=r"In the mean square: $\rho^2/3$. For a given optimum it may fail: grids that all contain "
        r"$\nu^\star$ have no error at all. `SearchModel` says how to use the mean.",
    ),
    *refuted(
        id="b3-target-width",
        place="App. B.3, proof of Theorem 2(b)",
        statement=r"\mathcal F - M^r \sim \mathcal F, \text{ so that we should take } M^\star \sim \mathcal "
        r"F^{1/r}",
        check=all_to_the_final_run,
        corrected=share_for_the_search,
        correction=r"M^\star \sim \mathcal F^{1/r} \text{ with } M^{\star r} \le (1 - c)\mathcal F,\ 0 < c "
        r"< 1",
        note="The exponent is right; the constant must leave a share for the search.",
    ),
    *refuted(
        id="b3-grid-offset",
        place="App. B.3, proof of Theorem 2(b)",
        statement=r"\phi_M(\nu^\star(n, \mathcal G)) - \phi_M(\nu^\star(n)) \sim \rho^2",
        check=offset_at_the_target,
        corrected=offsets_add_up,
        correction=r"\phi_M(\nu^\star(n, \mathcal G)) - \phi_M^\star \le L\,(\rho^2 + \lVert\nu^\star(n) - "
        r"\nu^\star(M)\rVert^2), \text{ and } \sim \text{ where offset and drift do not cancel}",
        note=r"At width $M$ the slope at $\nu^\star(n)$ is not 0, so that a step $\rho$ changes the loss by "
        r"up to $\rho\, n^{-\beta}$, with either sign. `SearchModel(aligned=True)` charges the worst case.",
    ),
)
