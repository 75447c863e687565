"""Theorem 2 of 2512.22768: the rates of grid search with a budget, tuned directly or transferred.

Exponents are checked as linear programs: with n = F^x, rho = F^-z, M = F^y the loss is F^-E, E the least of
the terms' exponents, and the budget a linear constraint; a combination of the constraints bounds E for every
choice.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

from hptheory.transfer.rates import direct_tuning, is_useful, transfer_tuning
from hptheory.transfer.search_model import balanced_width
from proofs_check.app_b3_grid_search import (
    CUBIC,
    error_of_the_grid,
    offsets_add_up,
    share_for_the_search,
    two_terms_add_up,
)
from proofs_check.certificates import (
    require_combination,
    require_positive,
    require_zero,
)
from proofs_check.claims import AllOf, Claim, Refuted, Verdict
from proofs_check.region import Region

if TYPE_CHECKING:
    from sympy import Symbol

RATES = Region(
    {"alpha": r"\alpha", "beta": r"\beta", "h": "number of hyperparameters", "r": "cost of a run: n^r"},
    ("alpha > 0", "beta > 0", "h > 0", "r > 0"),
    {"alpha": Fraction(1), "beta": Fraction(3, 4), "h": Fraction(2), "r": Fraction(2)},
)
POWERS = r"$a_n \sim n^{-\alpha}$, $b_n \sim n^{-\beta}$"
SIGN = r"$\phi_n^\star \ge \phi_\infty^\star$, which Definition 4 implies"

SEARCH = (
    "Definition 3",
    POWERS,
    "Assumption 1",
    SIGN,
    CUBIC,
    "grid offset and drift do not cancel (else the rate is an upper bound)",
    r"$M^r \le (1 - c)\mathcal F$",
)
"""What the two-sided rates of transfer assume."""


def symbols(names: str) -> tuple[Symbol, ...]:
    """Return positive symbols."""
    import sympy

    return sympy.symbols(names, positive=True)


def direct_exponents() -> str:
    """Check: no E above 2 alpha/(h alpha + 2 r) is within the budget, and the library's width attains it.

    E <= 2 z and E <= alpha x and r x + h z <= 1 give E (h/2 + r/alpha) <= 1.
    """
    alpha, h, r = symbols("alpha h r")
    rates = direct_tuning(alpha, h, r)
    require_combination(
        "direct tuning: the exponent is bounded",
        ["E", "x", "z", "alpha", "h", "r"],
        {"grid": "2*z - E", "width": "alpha*x - E", "budget": "1 - r*x - h*z"},
        "1 - E*(h/2 + r/alpha)",
        [("h/2", "grid"), ("r/alpha", "width"), ("1", "budget")],
        positive=["alpha", "h", "r"],
    )
    require_zero(rates.loss_exponent - 2 * alpha / (h * alpha + 2 * r), "loss exponent, as printed")
    require_zero(rates.width_exponent - 2 / (h * alpha + 2 * r), "width exponent, as printed")
    require_zero(rates.loss_exponent * (h / 2 + r / alpha) - 1, "the bound is attained")
    require_zero(2 * rates.grid_exponent / h - rates.loss_exponent, "grid")
    require_zero(alpha * rates.width_exponent - rates.loss_exponent, "width")
    require_zero(r * rates.width_exponent + rates.grid_exponent - 1, "budget")
    return "E = 2 alpha/(h alpha + 2 r) at n* ~ F^(2/(h alpha + 2 r)), and no choice has a larger exponent"


def transfer_exponents() -> str:
    """Check the same for transfer: E <= alpha/r by the final run, E <= 2 beta/(h beta + r) by the search."""
    alpha, beta, h, r = symbols("alpha beta h r")
    rates = transfer_tuning(alpha, beta, h, r)
    require_combination(
        "the final run bounds the exponent",
        ["E", "y", "alpha", "r"],
        {"target": "alpha*y - E", "budget": "1 - r*y"},
        "alpha/r - E",
        [("1", "target"), ("alpha/r", "budget")],
        positive=["alpha", "r"],
    )
    require_combination(
        "the search bounds the exponent",
        ["E", "x", "z", "beta", "h", "r"],
        {"grid": "2*z - E", "drift": "2*beta*x - E", "budget": "1 - r*x - h*z"},
        "1 - E*(h/2 + r/(2*beta))",
        [("h/2", "grid"), ("r/(2*beta)", "drift"), ("1", "budget")],
        positive=["beta", "h", "r"],
    )
    require_zero(rates.search_exponent - 2 * beta / (h * beta + r), "search exponent, as printed")
    require_zero(rates.training_exponent - alpha / r, "training exponent, as printed")
    require_zero(rates.proxy_width_exponent - 1 / (h * beta + r), "proxy width, as printed")
    require_zero(rates.search_exponent * (h / 2 + r / (2 * beta)) - 1, "the bound is attained")
    require_zero(2 * rates.grid_exponent / h - rates.search_exponent, "grid")
    require_zero(2 * beta * rates.proxy_width_exponent - rates.search_exponent, "drift")
    require_zero(r * rates.proxy_width_exponent + rates.grid_exponent - 1, "budget")
    require_zero(r * rates.target_width_exponent - 1, "target width")
    return "E = min(alpha/r, 2 beta/(h beta + r)), attained at the printed widths"


def usefulness() -> str:
    """Check that the final run never decides, and the search's exponent is better iff beta > alpha/2."""
    alpha, h, r, x = symbols("alpha h r x")
    direct = direct_tuning(alpha, h, r).loss_exponent
    require_positive(
        transfer_tuning(alpha, alpha, h, r).training_exponent - direct, "alpha/r beats direct tuning"
    )
    for what, beta, sign in (
        ("above alpha/2", alpha / 2 + x, 1),
        ("below alpha/2", alpha / (2 * (1 + x)), -1),
    ):
        search = transfer_tuning(alpha, beta, h, r).search_exponent
        require_positive(sign * (search - direct), f"sign of the difference, beta {what} alpha/2")
    require_zero(transfer_tuning(alpha, alpha / 2, h, r).search_exponent - direct, "tie at beta = alpha/2")
    numbers = (Fraction(1, 2), Fraction(1), Fraction(2))
    for a, b, k, s in product(numbers, numbers, (1, 2), (1, 2)):
        if is_useful(a, b, k, s) != (
            transfer_tuning(a, b, k, s).loss_exponent > direct_tuning(a, k, s).loss_exponent
        ):
            raise Refuted(f"is_useful({a}, {b}, {k}, {s})")
    return "min(alpha/r, 2 beta/(h beta + r)) > 2 alpha/(h alpha + 2 r) iff beta > alpha/2; is_useful says so"


def never_worse() -> str:
    """Check that beta >= alpha/2, as Proposition 1 gives, makes the exponent of transfer no smaller."""
    usefulness()
    require_combination(
        "beta >= alpha/2 from b^2 <= C a",
        ["alpha", "beta", "ell", "logC"],  # ell = log n: -2 beta ell <= log C - alpha ell
        {"proposition_1": "logC - alpha*ell + 2*beta*ell"},
        "2*beta - alpha + logC/ell",
        [("1/ell", "proposition_1")],
        positive=["ell"],
    )
    return "2 beta - alpha >= -log C/log n -> 0, so beta >= alpha/2, and the exponent is never smaller"


def balanced_widths() -> str:
    """Check `balanced_width` on logarithms: it makes rho^p = (h beta/r) b^p, where the convex sum is least.

    In log n the two terms are exponentials of slopes p r/h and -p beta; their sum is least where p (r/h)
    rho^p = p beta b^p. Logarithms of the free constants are symbols.
    """
    import sympy

    beta, h, r, p, drift, radius, runs = symbols("beta h r p B L C")
    log_n = sympy.expand_log(sympy.log(balanced_width(drift, beta, radius, h, r, runs, p)), force=True)
    logs = {sympy.log(name): sympy.Symbol(f"log_{name}") for name in (beta, h, r, drift, radius, runs)}
    log_n = log_n.subs(logs)
    lb, lh, lr, lB, lL, lC = logs.values()
    log_rho, log_b = lL + (r * log_n - lC) / h, lB - beta * log_n
    require_zero(p * log_rho - (lh + lb - lr) - p * log_b, "rho^p = (h beta/r) b^p")
    return "at the library's balanced width rho^p = (h beta/r) b^p"


CLAIMS = (
    Claim(
        id="thm-2a",
        place="Sec. 3.1, Theorem 2(a)",
        statement=r"\text{Direct tuning: loss gap } \sim \mathcal F^{-\frac{2\alpha}{h\alpha + 2r}} \text{ "
        r"at } n^\star \sim \mathcal F^{\frac{2}{h\alpha + 2r}}",
        verdict=Verdict.PROVED,
        check=AllOf((error_of_the_grid, two_terms_add_up, direct_exponents, balanced_widths)),
        region=RATES,
        hypotheses=("Definition 3", POWERS, "Assumption 1", SIGN, CUBIC),
        note="What the two-sided relation needs: the sign of $\\phi_n^\\star - \\phi_\\infty^\\star$. With "
        "a loss that rises with the width the two terms can cancel.",
        depends_on=("prop-8", "assumption-1", "b3-grid-size-corrected", "lem-12"),
    ),
    Claim(
        id="thm-2b",
        place="Sec. 3.1, Theorem 2(b)",
        statement=r"\text{Transfer: loss gap } \sim \mathcal F^{-\alpha/r} + \mathcal "
        r"F^{-\frac{2\beta}{h\beta + r}} \text{ at } n^\star \sim \mathcal F^{\frac{1}{h\beta + r}},\ "
        r"M^\star \sim \mathcal F^{1/r}",
        verdict=Verdict.PROVED,
        check=AllOf((offsets_add_up, share_for_the_search, transfer_exponents, balanced_widths)),
        region=RATES,
        hypotheses=SEARCH,
        note="The widths are rate-optimal; where one term dominates, the exact optimum of the other grows "
        "more slowly (`TransferRates`).",
        depends_on=("thm-2a", "b3-grid-offset-corrected", "b3-target-width-corrected"),
    ),
    Claim(
        id="thm-2-useful",
        place="Sec. 3.1, Theorem 2, last line",
        statement=r"\text{transfer is useful} \iff \beta > \alpha/2 \iff b_n = o(a_n^{1/2})",
        verdict=Verdict.PROVED,
        check=usefulness,
        region=RATES,
        hypotheses=SEARCH,
        note=r"The final run never decides: $\alpha/r > 2\alpha/(h\alpha + 2r)$ always.",
        depends_on=("thm-2a", "thm-2b"),
    ),
    Claim(
        id="sec3-never-underperforms",
        place="Sec. 3.1, below Theorem 2",
        statement=r"\text{transfer never underperforms direct tuning asymptotically}",
        verdict=Verdict.PROVED,
        check=never_worse,
        region=RATES,
        hypotheses=("Definitions 3 and 4", POWERS),
        note=r"In rates. At the tie $\beta = \alpha/2$ the constants would decide, and could favour direct "
        r"tuning; but under these hypotheses there is no tie (prop-1-tie-corrected): transfer is useful "
        r"whenever both gaps are powers.",
        depends_on=("prop-1", "thm-2-useful"),
    ),
)
