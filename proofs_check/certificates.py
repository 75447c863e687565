"""What the checks establish of rational functions: zero, positive, a point, a combination of hypotheses.

The checks write a quantity in variables that are positive on the domain in question (slacks), so that
positivity can be read off its coefficients by anyone, without trusting the way that the form was found. Each
of these functions also records an item of the claim's certificate.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from proofs_check.checker import CertificateError, check_item
from proofs_check.claims import Refuted
from proofs_check.rational import RationalFunction, terms
from proofs_check.recording import is_recording, of_expression, of_function, of_functions, record

if TYPE_CHECKING:
    from sympy import Expr


def require_zero(expression: Expr | RationalFunction, what: str) -> None:
    """Raise `Refuted` unless a rational function is identically zero."""
    import sympy

    exact = isinstance(expression, RationalFunction)
    rest = expression if exact else sympy.cancel(sympy.together(expression))
    if rest != 0:
        raise Refuted(f"{what}: the difference is {_short(rest)}, not 0")
    _record(expression, "zero", what)


def require_zeros(functions: Sequence[RationalFunction], what: str) -> None:
    """Raise `Refuted` unless each of several rational functions is 0; one item shows them all."""
    for number, function in enumerate(functions):
        if function != 0:
            raise Refuted(f"{what}: number {number} is {_short(function)}, not 0")
    if is_recording():
        record(of_functions("zero", what, zero=list(functions)))


def require_positive(expression: Expr | RationalFunction, what: str) -> int:
    """Return the number of terms of a rational function that is positive because all its coefficients are.

    Numerator and denominator, in lowest terms, have positive coefficients only, and at least one; so the
    function is positive wherever all its variables are. Raises `Refuted` with an offending term.
    """
    count = 0
    for part in _numerator_and_denominator(expression):
        for powers, coefficient in part:
            if not coefficient > 0:
                raise Refuted(f"{what}: coefficient {coefficient} of the powers {powers}")
        count += len(part)
    _record(expression, "positive", what)
    return count


def require_item(item: Mapping[str, Any]) -> None:
    """Raise `Refuted` unless an item holds by itself (the checker says so), and record it."""
    try:
        check_item(item)
    except CertificateError as error:
        raise Refuted(str(error)) from None
    record(item)


def require_combination(
    what: str,
    variables: Sequence[str],
    hypotheses: Mapping[str, str],
    conclusion: str,
    terms: Sequence[tuple[str, str] | tuple[str, str, str]],
    positive: Sequence[str] = (),
    strict: Sequence[str] = (),
    relation: str = ">=",
) -> None:
    """Raise `Refuted` unless ``conclusion`` >= 0 is the sum of the terms (coefficient, hypotheses, square).

    >>> require_combination("a chain", ["a", "b", "c"], {"one": "b - a", "two": "c - b"}, "c - a",
    ...                     [("1", "one"), ("1", "two")])
    """
    parts = [
        {"coefficient": coefficient, "of": names.split(), **({"square": square[0]} if square else {})}
        for coefficient, names, *square in terms
    ]
    require_item(
        {
            "kind": "combination",
            "what": what,
            "variables": list(variables),
            "hypotheses": dict(hypotheses),
            "conclusion": conclusion,
            "relation": relation,
            "terms": parts,
            "positive": list(positive),
            "strict": list(strict),
        }
    )


def require_point(
    what: str,
    point: Mapping[str, Fraction | int],
    conditions: Sequence[str],
    steps: Sequence[Sequence[str]] = (),
) -> None:
    """Raise `Refuted` unless conditions hold at a rational point; steps introduce names for it."""
    values = {name: str(value) for name, value in point.items()}
    require_item(
        {
            "kind": "point",
            "what": what,
            "variables": list(values),
            "steps": [list(step) for step in steps],
            "point": values,
            "conditions": list(conditions),
        }
    )


def require_counterexample(
    what: str, point: Mapping[str, Fraction | int], conditions: Sequence[str], fails: str
) -> None:
    """Raise `Refuted` unless a point meets the conditions and the relation fails there."""
    values = {name: str(value) for name, value in point.items()}
    require_item(
        {
            "kind": "counterexample",
            "what": what,
            "variables": list(values),
            "point": values,
            "conditions": list(conditions),
            "fails": fails,
        }
    )


def _record(expression: Expr | RationalFunction, kind: str, what: str) -> None:
    if not is_recording():
        return
    if isinstance(expression, RationalFunction):
        record(of_function(expression, kind, what))
    elif item := of_expression(expression, kind, what):
        record(item)


def _numerator_and_denominator(expression: Expr | RationalFunction) -> list[list[tuple[Any, Any]]]:
    """Return the terms (powers, coefficient) of both; the denominator's first one is positive."""
    import sympy

    if isinstance(expression, RationalFunction):
        parts: list[list[tuple[Any, Any]]] = [terms(part) for part in (expression.numer, expression.denom)]
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
