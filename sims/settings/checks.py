"""The checks that a setting's fields pass when it is made; each is silent or raises a ``DomainError``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any

from hptheory.errors import DomainError, UnknownNameError


def check_grid(name: str, values: Sequence[object]) -> None:
    """Nothing, if the axis of a grid has at least one value and none twice; else ``DomainError``."""
    if not values:
        raise DomainError(name, "()", "a grid of at least one value")
    if len(set(values)) < len(values):
        raise DomainError(name, tuple(values), "a grid without repeated values")


def check_count(name: str, value: int, least: int = 1) -> None:
    """Nothing, if the value is an integer >= ``least``; else ``DomainError``."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise DomainError(name, value, f"an integer >= {least}")


def check_positive(name: str, value: float) -> None:
    """Nothing, if the value is positive and finite; else ``DomainError``."""
    if not (value > 0 and math.isfinite(value)):
        raise DomainError(name, value, "positive and finite")


def check_not_negative(name: str, value: float) -> None:
    """Nothing, if the value is zero or positive, and finite; else ``DomainError``."""
    if not (value >= 0 and math.isfinite(value)):
        raise DomainError(name, value, "zero or positive, and finite")


def check_one_size(shape_factor: str | None, spectral_norm: bool) -> None:
    """Nothing, if at most one of the two says how large updates are; else ``DomainError``."""
    if shape_factor is not None and spectral_norm:
        advice = "spectral_norm fixes the size by itself"
        raise DomainError("shape_factor", shape_factor, "None with spectral_norm", advice)


def check_fraction(name: str, value: float) -> None:
    """Nothing, if the value is in [0, 1); else ``DomainError``."""
    if not 0 <= value < 1:
        raise DomainError(name, value, "in [0, 1)")


def check_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Nothing, if the name is a known one; else ``UnknownNameError``."""
    if name not in (names := list(known)):
        raise UnknownNameError(kind, name, names)


def from_fields(kind: str, kinds: Mapping[str, type], fields: Mapping[str, Any]) -> Any:
    """The config whose class ``fields["name"]`` names, from its fields (from JSON: lists become tuples).

    A field that is itself such a mapping becomes a config of the same kind (an optimizer within another).

    >>> from sims.settings.optimizers import OPTIMIZER_CONFIGS
    >>> from_fields("optimizer", OPTIMIZER_CONFIGS, {"name": "sgd", "momentum": 0.5})
    SGDConfig(momentum=0.5, weight_decay=0.0, name='sgd')
    """
    check_known(kind, fields["name"], kinds)

    def whole(value: Any) -> Any:
        return from_fields(kind, kinds, value) if isinstance(value, Mapping) else as_tuple(value)

    return kinds[fields["name"]](**{name: whole(value) for name, value in fields.items()})


def as_tuple(value: Any) -> Any:
    """The value with tuples in place of lists, at every depth."""
    return tuple(map(as_tuple, value)) if isinstance(value, list | tuple) else value
