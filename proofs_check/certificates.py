"""Certificates of sign: a polynomial whose coefficients say that it is positive.

The checks write a quantity in variables that are positive on the domain in question (slacks), so that
positivity can be read off its coefficients by anyone, without trusting the way that the form was found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proofs_check.claims import Refuted
from proofs_check.rational import RationalFunction

if TYPE_CHECKING:
    from sympy import Expr


def require_zero(expression: Expr | RationalFunction, what: str) -> None:
    """Raise `Refuted` unless a rational function is identically zero."""
    import sympy

    exact = isinstance(expression, RationalFunction)
    rest = expression if exact else sympy.cancel(sympy.together(expression))
    if rest != 0:
        raise Refuted(f"{what}: the difference is {_short(rest)}, not 0")


def require_positive(expression: Expr | RationalFunction, what: str) -> int:
    """Return the number of terms of a rational function that is positive because all its coefficients are.

    Numerator and denominator, in lowest terms, have positive coefficients only, and at least one; so the
    function is positive wherever all its variables are. Raises `Refuted` with an offending term.
    """
    terms = 0
    for part in _numerator_and_denominator(expression):
        for powers, coefficient in part:
            if not coefficient > 0:
                raise Refuted(f"{what}: coefficient {coefficient} of the powers {powers}")
        terms += len(part)
    return terms


def _numerator_and_denominator(expression: Expr | RationalFunction) -> list[list[tuple[Any, Any]]]:
    """Return the terms (powers, coefficient) of both; the denominator's first one is positive."""
    import sympy

    if isinstance(expression, RationalFunction):
        parts = [list(part.terms()) for part in (expression.numer, expression.denom)]
    else:
        variables = sorted(expression.free_symbols, key=str) or [sympy.Dummy()]
        parts = [sympy.Poly(part, *variables).terms() for part in sympy.fraction(sympy.factor(expression))]
    if not parts[0] or not parts[0][0][1]:
        return [[((), 0)]]  # identically zero
    sign = 1 if parts[1][0][1] > 0 else -1
    return [[(powers, sign * coefficient) for powers, coefficient in part] for part in parts]


def _short(expression: object) -> str:
    text = str(expression)
    return text if len(text) < 120 else text[:120] + "..."
