"""Formulas as text: read by SymPy, evaluated on any number that has operators, and broken by rule.

A claim keeps the paper's formula as a string such as ``"u*B/A - v"``. The same string is evaluated on
rational functions (exact route), on mpmath numbers (numerical route), and mutated to see that the checks
object.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sympy import Expr

_NAME = re.compile(r"[A-Za-z_]\w*")

INDEX_PARTNERS = {"m1": "m2", "dm1": "dm2", "u": "v", "A": "B", "psi1": "psi2", "J11": "J22", "J12": "J21"}
"""Names that differ by an index in the paper: a slip of the pen exchanges them."""


@cache
def parse(text: str) -> Expr:
    """Return the SymPy expression of a formula; every name in it is a plain symbol.

    >>> parse("u*B/A - v")
    -v + B*u/A
    """
    import sympy

    names = {name: sympy.Symbol(name) for name in _NAME.findall(text)}
    return sympy.sympify(text, locals=names)


def evaluate(formula: Expr, values: Mapping[str, Any]) -> Any:
    """Return the value of a rational formula at numbers of any kind; KeyError where a name has no value.

    >>> from fractions import Fraction
    >>> evaluate(parse("(a + 1)**2/(2*b)"), {"a": Fraction(1), "b": Fraction(3)})
    Fraction(2, 3)
    """
    if formula.is_Symbol:
        return values[str(formula)]
    if formula.is_Integer:
        return int(formula)
    if formula.is_Rational:
        return Fraction(int(formula.p), int(formula.q))
    if formula.is_Pow and formula.exp.is_Integer:
        base = evaluate(formula.base, values)
        return base ** int(formula.exp) if formula.exp > 0 else 1 / base ** int(-formula.exp)
    if formula.is_Add:
        first, *others = (evaluate(term, values) for term in formula.args)
        return sum(others, first)
    if formula.is_Mul:
        number, rest = formula.as_coeff_Mul(rational=True)
        product = int(number.p)
        for factor in rest.args if rest.is_Mul else (rest,):
            product = product * evaluate(factor, values)
        return product / int(number.q) if number.q != 1 else product
    raise TypeError(f"{formula} is not a rational formula")


def partial(text: str, name: str) -> Expr:
    """Return the partial derivative of a formula, all its names independent.

    >>> partial("u*m1*m2 + (m2 - m1)/psi1", "m1")
    m2*u - 1/psi1
    """
    import sympy

    return sympy.diff(parse(text), sympy.Symbol(name))


def mutants(formula: Expr) -> list[Expr]:
    """Return what slips of the pen make of a formula: one sign, factor 2, exponent or index at a time.

    >>> mutants(parse("u - m1**2"))
    [-m1**2 - u, -m1**2 + 2*u, m1**2 + u, -2*m1**2 + u, -m1**2 + v, -m1**3 + u, -m1 + u, -4*m1**2 + u, -m2**2
    + u]
    """
    distinct = {_fingerprint(formula): formula}
    for mutant in _broken(formula):
        distinct.setdefault(_fingerprint(mutant), mutant)
    return list(distinct.values())[1:]


def _fingerprint(formula: Expr) -> Fraction:
    """Return the formula's value where each name has a value of its own: equal formulas have equal ones."""
    values = {str(name): 2 + Fraction(1, int.from_bytes(str(name).encode())) for name in formula.free_symbols}
    try:
        return Fraction(evaluate(formula, values))
    except ZeroDivisionError:
        return Fraction(0)


def _broken(formula: Expr) -> Iterator[Expr]:
    """Every version of the formula with one node of its tree broken."""
    if formula.is_Add:
        for position, term in enumerate(formula.args):
            others = formula.func(*formula.args[:position], *formula.args[position + 1 :])
            yield others - term
            yield others + 2 * term
    elif formula.is_Symbol:
        yield -formula
        yield 2 * formula
        partners = INDEX_PARTNERS | {second: first for first, second in INDEX_PARTNERS.items()}
        if str(formula) in partners:
            yield formula.func(partners[str(formula)])
    elif formula.is_Pow:
        yield formula.base ** (formula.exp + 1)
        yield formula.base ** (formula.exp - 1)
    elif formula.is_Mul:
        yield -formula
        yield 2 * formula
    for position, part in enumerate(formula.args):
        for broken in _broken(part):
            yield formula.func(*formula.args[:position], broken, *formula.args[position + 1 :])
