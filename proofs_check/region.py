"""The set of values for which a claim is made: inequalities between rational formulas, and a point inside.

A region can be asked whether it contains a point; so the hypotheses of a claim are no mere words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from proofs_check.formulas import evaluate, parse

_RELATION = re.compile(r"\s*(<=|>=|<|>|==|!=)\s*")


@dataclass(frozen=True)
class Region:
    """Named variables with a meaning, conditions such as ``0 < u < 1``, and a point that meets them.

    >>> unit = Region({"u": "mu1^2"}, ("0 < u < 1",), {"u": Fraction(1, 2)})
    >>> unit.contains({"u": Fraction(1, 3)}), unit.contains({"u": Fraction(1)})
    (True, False)
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    witness: Mapping[str, Fraction] = field(default_factory=dict)

    def contains(self, point: Mapping[str, Any]) -> bool:
        """Return whether a point meets every condition."""
        return all(holds(condition, point) for condition in self.conditions)

    def without(self, condition: str) -> Region:
        """Return the region with one condition dropped."""
        return Region(self.variables, tuple(c for c in self.conditions if c != condition), self.witness)


def holds(condition: str, point: Mapping[str, Any]) -> bool:
    """Return whether a condition, perhaps a chain such as ``0 < u < 1``, holds at a point."""
    parts = _RELATION.split(condition.strip())
    values = [evaluate(parse(text), point) for text in parts[::2]]
    compare = {
        "<": lambda x, y: x < y,
        "<=": lambda x, y: x <= y,
        ">": lambda x, y: x > y,
        ">=": lambda x, y: x >= y,
        "==": lambda x, y: x == y,
        "!=": lambda x, y: x != y,
    }
    pairs = zip(parts[1::2], values, values[1:], strict=False)
    return all(bool(compare[sign](x, y)) for sign, x, y in pairs)


ANYTHING = Region()
"""No variables: a statement about no numbers, or one whose check names them itself."""
