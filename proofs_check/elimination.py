"""Where polynomials vanish: resultants with cofactors, double roots at square roots, Sturm chains.

The cofactors of a resultant come from the extended Euclidean algorithm (SymPy); whoever has them expands two
products, and needs no theory of resultants: where both polynomials vanish, so does A f + B g.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from proofs_check.certificates import require_item, require_point, require_positive, require_zero
from proofs_check.checker.univariate import roots_between, sturm_chain
from proofs_check.claims import Refuted

if TYPE_CHECKING:
    from sympy import Expr, Symbol


def require_resultant(f: Expr, g: Expr, eliminated: Symbol, kept: Symbol, factor: Expr, what: str) -> None:
    """Raise `Refuted` unless f = g = 0 makes ``factor`` vanish, wherever ``kept`` > 0.

    A combination of f and g with polynomial cofactors is the factor times powers of kept and kept + 1.
    """
    import sympy

    over = sympy.QQ.frac_field(kept)
    first, second, common = (
        part.as_expr() for part in sympy.gcdex(*(sympy.Poly(p, eliminated, domain=over) for p in (f, g)))
    )
    if common.has(eliminated):
        raise Refuted(f"{what} have the common factor {common}")
    parts = [sympy.fraction(sympy.together(part / common)) for part in (first, second)]
    multiple = sympy.lcm(*(bottom for _, bottom in parts))
    constant, factors = sympy.factor_list(multiple, kept)
    others = [p for p, _ in factors if p not in (kept, kept + 1)]
    if sympy.expand(sympy.prod(others) - factor) != 0:
        raise Refuted(f"the resultant of {what} has the factors {others}, not {factor}")
    shown = "*".join([f"({constant})", *(f"({p})**{power}" for p, power in factors)])
    cofactors = [sympy.expand(sympy.cancel(top * multiple / bottom)) for top, bottom in parts]
    require_item(
        {
            "kind": "resultant",
            "what": f"{what} vanish together only where {factor} does",
            "variables": [str(kept), str(eliminated)],
            "eliminated": str(eliminated),
            "pair": [str(sympy.expand(p)) for p in (f, g)],
            "cofactors": [str(cofactor) for cofactor in cofactors],
            "resultant": shown,
        }
    )


def require_square_factor(
    polynomial: Expr,
    s: Symbol,
    root: Symbol,
    square: int,
    centre: Expr,
    ends: tuple[Fraction, Fraction],
    what: str,
) -> None:
    """Raise `Refuted` unless a polynomial in s is (s - centre)^2 times one that is positive for s > 0.

    Its coefficients, and the centre, are polynomials in ``root``, the square root of ``square``, which lies
    between the rational ``ends``: the identity holds up to a multiple of root^2 - square, and the quotient's
    coefficients, linear in root, are positive at both ends.
    """
    import sympy

    relation = root**2 - square
    quotient = sympy.div(sympy.expand(polynomial), sympy.expand((s - centre) ** 2), s)[0]
    quotient = sympy.rem(sympy.expand(quotient), relation, root)
    multiple, rest = sympy.div(sympy.expand(polynomial - (s - centre) ** 2 * quotient), relation, root)
    if rest != 0:
        raise Refuted(f"{what} has no double root at {centre}: remainder {rest}")
    require_zero(polynomial - (s - centre) ** 2 * quotient - relation * multiple, f"{what}: a double root")
    low, high = ends
    require_point(
        f"{low} < sqrt {square} < {high}",
        {"low": low, "high": high},
        [f"low**2 < {square}", f"high**2 > {square}", "low > 0"],
    )
    share = sympy.Symbol("share", positive=True)
    between = (sympy.Rational(low) + sympy.Rational(high) * share) / (1 + share)
    require_positive(quotient.subs(root, between), f"{what}: the other factor")


def require_one_root(coefficients: Sequence[int], low: Fraction, high: Fraction | None, what: str) -> None:
    """Raise `Refuted` unless an integer polynomial (lowest degree first) has one root in (low, high]."""
    dense = [Fraction(c) for c in coefficients]
    found = roots_between(dense, low, high)
    if found != 1:
        raise Refuted(f"{what} has {found} roots between {low} and {high or 'infinity'}, not one")
    terms = [f"({c})*s**{k}" if k else f"({c})" for k, c in enumerate(coefficients)]
    require_item(
        {
            "kind": "roots",
            "what": f"{what} has one root between {low} and {high or 'infinity'}",
            "variables": ["s"],
            "polynomial": " + ".join(terms),
            "interval": [str(low), None if high is None else str(high)],
            "count": 1,
            "chain": [[str(c) for c in member] for member in sturm_chain(dense)],
        }
    )
