"""Sec. 3.1 of 2512.22768: the three gaps of a family of losses, and what fast means."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

from hptheory.transfer.definitions import is_fast
from hptheory.transfer.zoo import quadratic
from proofs_check.certificates import require_combination
from proofs_check.claims import AllOf, Claim, Refuted, Verdict
from proofs_check.region import Region

FAMILY = Region(
    {"tau": r"\tau", "L": r"\sup\lVert\phi_\infty''\rVert", "c": "c"},
    ("tau > 0", "L >= tau", "0 < c <= 1"),
    {"tau": Fraction(1), "L": Fraction(2), "c": Fraction(1, 2)},
)
"""The constants of a family: growth and smoothness of its limit, local tightness."""


def gaps_from_minima() -> str:
    """Check c_n >= 0, a_n <= abar_n and c_n <= 2 abar_n, from the minimality of nu*(n) and nu*(inf)."""
    names = ["here_n", "here", "limit_n", "limit", "abar"]  # phi_n and phi_inf at nu*(n) and at nu*(inf)
    uniform = {
        "low_n": "abar + here_n - limit_n",
        "high_n": "abar + limit_n - here_n",
        "low": "abar + here - limit",
        "high": "abar + limit - here",
    }
    best = {"best_n": "here - here_n", "best": "limit_n - limit"}
    require_combination("c_n >= 0", names, {"best": best["best"]}, "limit_n - limit", [("1", "best")])
    for what, conclusion, used in (
        ("phi*_n - phi*_inf <= abar", "abar - (here_n - limit)", ("best_n", "high")),
        ("phi*_n - phi*_inf >= -abar", "abar + (here_n - limit)", ("best", "low_n")),
        ("c_n <= 2 abar", "2*abar - (limit_n - limit)", ("low_n", "best_n", "high")),
    ):
        hypotheses = {name: (uniform | best)[name] for name in used}
        require_combination(what, names, hypotheses, conclusion, [("1", name) for name in used])
    return "0 <= c_n <= 2 abar_n and a_n <= abar_n"


def library_gaps() -> str:
    """Check in fractions that the library's parabola has the gaps of the definition."""
    family = quadratic(alpha=1, beta=1, hp_amplitude=Fraction(2), curvature=Fraction(3))
    n: Any
    for n in (Fraction(2), Fraction(7)):
        x, gaps = family.optimum(n), family.gaps(n)
        limit = Fraction(3, 2) * x**2
        if (gaps.loss, gaps.hyperparameter, gaps.suboptimality) != (family.phi(n, x), abs(x), limit):
            raise Refuted(f"gaps of the parabola at n = {n}: {gaps}")
    return "the gaps of the library's parabola are those of Definition 1"


def fast_both_ways() -> str:
    """Check that c_n = o(a_n) iff b_n^2 = o(a_n), with constants.

    With (tau/2) b^2 <= c <= (L/2) b^2: c <= e a gives b^2 <= (2 e/tau) a, and b^2 <= e a gives c <= (L e/2)
    a.
    """
    names = ["a", "b", "c", "e", "tau", "L"]
    growth = {"below": "c - tau*b**2/2", "above": "L*b**2/2 - c"}
    require_combination(
        "from c_n to b_n",
        names,
        {"below": growth["below"], "small": "e*a - c"},
        "2*e*a/tau - b**2",
        [("2/tau", "below"), ("2/tau", "small")],
        positive=["tau"],
    )
    require_combination(
        "from b_n to c_n",
        names,
        {"above": growth["above"], "small": "e*a - b**2"},
        "L*e*a/2 - c",
        [("1", "above"), ("L/2", "small")],
        positive=["L"],
    )
    return "c_n = o(a_n) iff b_n = o(a_n^(1/2))"


def library_is_fast() -> str:
    """Check that `is_fast` is beta > alpha/2, the sign of the exponent of c_n/a_n ~ n^(alpha - 2 beta)."""
    numbers = [Fraction(k, 4) for k in range(1, 9)]
    for alpha, beta in product(numbers, numbers):
        if is_fast(alpha, beta) != (alpha - 2 * beta < 0):
            raise Refuted(f"is_fast({alpha}, {beta}) = {is_fast(alpha, beta)}")
    return "is_fast(alpha, beta) is alpha - 2 beta < 0, ties included"


CLAIMS = (
    Claim(
        id="def-1",
        place="Sec. 3.1, Definition 1",
        statement=r"a_n = \lvert\phi_n^\star - \phi_\infty^\star\rvert,\ b_n = \lVert\nu^\star(n) - "
        r"\nu^\star(\infty)\rVert,\ c_n = \lvert\phi_\infty(\nu^\star(n)) - \phi_\infty^\star\rvert",
        verdict=Verdict.PROVED,
        check=AllOf((gaps_from_minima, library_gaps)),
        note=r"A definition; checked: $a_n \le \bar a_n$, $0 \le c_n \le 2\bar a_n$ (the modulus in $c_n$ "
        r"is idle), and the library's gaps are these.",
    ),
    Claim(
        id="eq-8",
        place="App. B.2, (8)",
        statement=r"\bar a_n := \lVert\phi_n - \phi_\infty\rVert_{\sup}",
        verdict=Verdict.PROVED,
        check=gaps_from_minima,
        note=r"A definition; it bounds $a_n$ and $c_n/2$.",
    ),
    Claim(
        id="def-2",
        place="Sec. 3.1, Definition 2",
        statement=r"c_n = o(a_n) \iff b_n = o(a_n^{1/2}); \quad a_n \sim n^{-\alpha},\ b_n \sim "
        r"n^{-\beta}\text{: fast} \iff \beta > \alpha/2",
        verdict=Verdict.PROVED,
        check=AllOf((fast_both_ways, library_is_fast)),
        region=FAMILY,
        depends_on=("lem-11",),
    ),
)
