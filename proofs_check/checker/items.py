"""The beginning of every item: the variables, and the names that its steps introduce."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs_check.checker.algebra import CertificateError, Field, Quotient

Item = Mapping[str, Any]
Names = dict[str, Quotient]


def prepare(item: Item) -> tuple[Field, Names]:
    """Return the field of an item's variables, and the value of each name that its steps introduce."""
    field = Field(list(item["variables"]))
    names: Names = {}
    for name, formula, *reduced in item.get("steps", ()):
        if name in names or name in field.shift:
            raise CertificateError(f"the name {name} is introduced twice")
        value = field.value(formula, names)
        if reduced:
            claimed = Quotient(*(field.polynomial(text) for text in reduced))
            if not claimed.denom or not field.equal(value, claimed):
                raise CertificateError(f"{name} = {formula[:80]} is not equal to its reduced form")
            value = claimed
        names[name] = value
    return field, names
