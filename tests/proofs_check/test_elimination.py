"""Resultants with cofactors: what is found is checked by expansion; another factor is refuted."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy

from proofs_check.checker import check_item
from proofs_check.claims import Refuted
from proofs_check.elimination import require_one_root, require_resultant, require_square_factor
from proofs_check.recording import recording

s, v = sympy.symbols("s v", positive=True)
CIRCLE, LINE = s**2 + v**2 - 5, s - 2 * v  # they meet at s = 2, v = 1


def test_two_curves_meet_where_the_factor_vanishes():
    with recording() as items:
        require_resultant(CIRCLE, LINE, v, s, s**2 - 4, "circle and line")
    (item,) = items
    check_item(item)
    assert item["eliminated"] == "v"


@pytest.mark.parametrize("factor", [s**2 - 3, s - 2, s**2 + 4, sympy.Integer(1)])
def test_another_factor_is_refuted(factor):
    with pytest.raises(Refuted, match="the resultant of circle and line has the factors"):
        require_resultant(CIRCLE, LINE, v, s, factor, "circle and line")


def test_a_common_factor_is_refuted():
    with pytest.raises(Refuted, match="have the common factor"):
        require_resultant(CIRCLE * LINE, LINE * (v + 1), v, s, s - 2, "they")


def test_a_double_root_at_a_square_root():
    root = sympy.Symbol("root", positive=True)
    ends = (Fraction(7, 5), Fraction(3, 2))
    polynomial = sympy.rem(sympy.expand((s - root) ** 2 * (s + 2 - root)), root**2 - 2, root)
    with recording() as items:
        require_square_factor(polynomial, s, root, 2, root, ends, "a cubic")
    for item in items:
        check_item(item)
    with pytest.raises(Refuted, match="no double root"):
        require_square_factor(polynomial + s, s, root, 2, root, ends, "a cubic")
    with pytest.raises(Refuted, match="the other factor"):
        require_square_factor((s - root) ** 2 * (s - root), s, root, 2, root, ends, "a cube")
    with pytest.raises(Refuted, match="does not hold"):
        require_square_factor(polynomial, s, root, 2, root, (Fraction(1), Fraction(7, 5)), "a cubic")


def test_a_number_of_roots_that_is_not_one_is_refuted():
    require_one_root((-2, 0, 1), Fraction(0), None, "x^2 - 2")
    with pytest.raises(Refuted, match="has 2 roots"):
        require_one_root((-2, 0, 1), Fraction(-2), Fraction(2), "x^2 - 2")
