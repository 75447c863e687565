"""What the summaries beside the papers say in passing, where it is wrong; and Muon's quintic, exactly."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any

from proofs_check.certificates import require_counterexample, require_zero
from proofs_check.claims import Claim, Refuted, Verdict, refuted
from proofs_check.monomials import Monomial
from proofs_check.rational import generators
from proofs_check.regions import require_positive_on
from proofs_check.rule import Rule


def newton_schulz_at_one() -> str:
    """Refute: Jordan's quintic has no fixed point at 1, as p(1) is not 1."""
    a, b, c = Fraction("3.4445"), Fraction("-4.7750"), Fraction("2.0315")
    require_counterexample(
        "p(x) = a x + b x^3 + c x^5 at x = 1", {"a": a, "b": b, "c": c, "x": 1}, ["x == 1"],
        "a*x + b*x**3 + c*x**5 == 1",
    )  # fmt: skip
    raise Refuted(f"p(1) = {a + b + c}")


def newton_schulz_band(low: str = "17/25", high: str = "57/50") -> str:
    """Check that p maps [low, high] into itself: both differences are positive, by Bernstein coefficients.

    Singular values are changed one by one by p, so that those in the band stay in it.
    """
    (x,) = generators("x")
    p = Fraction(6889, 2000) * x - Fraction(191, 40) * x**3 + Fraction(4063, 2000) * x**5
    band = {"x": (Fraction(low), Fraction(high))}
    require_positive_on(band, p - Fraction(low), f"p stays above its bound on [{low}, {high}]")
    require_positive_on(band, Fraction(high) - p, f"p stays below its bound on [{low}, {high}]")
    start = {"x": (Fraction(11, 50), Fraction(121, 100))}
    require_positive_on(start, p - Fraction(17, 25), "p >= 17/25 on [11/50, 121/100]")
    require_positive_on(start, Fraction(121, 100) - p, "p <= 121/100 on [11/50, 121/100]")
    return f"p maps [{low}, {high}] into itself, and [11/50, 121/100] into [17/25, 121/100]"


def decay_divided() -> str:
    """Refute at the printed numbers: by c/r a step would take away 10 times the weight."""
    require_counterexample(
        "w - r c w is w - i w with i = c/r",
        {"r": Fraction(1, 1000), "c": Fraction(1, 100), "w": 1},
        ["r > 0"],
        "w - r*c*w == w - (c/r)*w",
    )
    raise Refuted("rate 1/1000, coupled decay 1/100: a step takes 1/100000 of the weight, not 10 times it")


def decay_multiplied() -> str:
    """Check that W - r (u + c W) is W - r u - i W with i = r c, for all numbers."""
    w, r, c, u = generators("w", "r", "c", "u")
    require_zero((w - r * (u + c * w)) - (w - r * u - (r * c) * w), "coupled against independent decay")
    return "i = r c"


def polar_norm(power: Fraction = Fraction(0)) -> str:
    """Check that the polar factor of a rank-one matrix has spectral norm (d_in/d_out)^power."""
    logs = Rule("muon").logarithms()
    answer, d_in = Rule("muon").response(logs)
    norm = answer.entry * (d_in * Monomial(logs["d_out"])) ** Fraction(1, 2)
    difference = norm.log - power * (logs["d_in"] - logs["d_out"])
    if difference != 0:
        point = {"norm_sq": 1, "d_in": 4, "d_out": 1}
        fails = f"norm_sq == (d_in/d_out)**{2 * power}"
        require_counterexample("the square of the norm", point, ["norm_sq == 1"], fails)
        raise Refuted("its only singular value is 1, whatever its shape")
    require_zero(difference, "spectral norm of the polar factor")
    return "the only singular value of the polar factor is 1"


def _with(function: Callable[..., str], *arguments: Any) -> Callable[[], str]:
    return partial(function, *arguments)


CLAIMS: tuple[Claim, ...] = (
    *refuted(
        id="summary-newton-schulz-norm",
        place="summary of 2512.05620, quick check on matrix preconditioning",
        statement=r"\text{Newton-Schulz of } \delta x^\top "
        r"\text{ has spectral norm } \Theta(\sqrt{d_{in}/d_{out}})",
        check=_with(polar_norm, Fraction(1, 2)),
        correction=r"\text{it has spectral norm 1; muP multiplies it by } \sqrt{d_{out}/d_{in}}",
        corrected=polar_norm,
        corrected_breaks=tuple(
            (f"norm (d_in/d_out)^({power})", _with(polar_norm, power))
            for power in (Fraction(1, 2), Fraction(-1, 2), Fraction(1))
        ),
        breaks=tuple(
            (f"accepts (d_in/d_out)^({power})", _with(polar_norm, power))
            for power in (Fraction(1, 2), Fraction(1), Fraction(-1))
        ),
    ),
    *refuted(
        id="summary-decay",
        place="summary of 2512.05620, quick check on weight decay",
        statement=r"\lambda_{ind} = \lambda_c/\eta: \quad \lambda_c = 0.01,\ \eta = 10^{-3} "
        r"\text{ gives } \lambda_{ind} = 10",
        check=decay_divided,
        correction=r"\lambda_{ind} = \eta\,\lambda_c = 10^{-5}",
        corrected=decay_multiplied,
        note="With 10, one step would turn a weight into minus nine times itself.",
    ),
    *refuted(
        id="newton-schulz-limit",
        place="Muon, Jordan's quintic",
        statement=r"p(x) = 3.4445\,x - 4.7750\,x^3 + 2.0315\,x^5, "
        r"\text{ iterated, brings singular values to } 1",
        check=newton_schulz_at_one,
        correction=r"p([0.68, 1.14]) \subset [0.68, 1.14]: \text{ what reaches the band stays in it};\quad "
        r"p([0.22, 1.21]) \subset [0.68, 1.21]",
        corrected=newton_schulz_band,
        corrected_verdict=Verdict.CERTIFIED,
        correction_note="The summary's 'about 0.7 to 1.3': from 0.22 on, every step leads into [0.68, 1.21].",
        corrected_breaks=(
            ("a band that p leaves above", _with(newton_schulz_band, "17/25", "11/10")),
            ("a band that p leaves below", _with(newton_schulz_band, "7/10", "57/50")),
            ("a band around 1", _with(newton_schulz_band, "9/10", "21/20")),
        ),
    ),
)
