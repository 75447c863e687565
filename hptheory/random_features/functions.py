"""Functions of one real variable, as activations and teachers: what they compute and what is known of them.

A `ScalarFunction` carries a function twice, for NumPy arrays and for mpmath numbers, with the facts that
Assumption 2 of 2512.22768 (App. B.4) asks for. Names are looked up in named_functions; any callable will do.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import DomainError, UnknownNameError

HERMITE_DEGREES = range(101)
"""Above degree 150 or so the recurrence overflows in floats at |z| = 12, where the moments still look."""


@dataclass(frozen=True)
class ScalarFunction:
    """A real function of one real variable and what is known about it.

    ``numpy`` maps arrays to arrays, ``mpmath`` one mpmath number to one. ``kinks`` are the points where the
    function is not smooth. ``odd`` says that f - E f is odd (E over a standard normal variable: a student is
    centred before it is used, so a sigmoid counts as odd). ``bounded_derivatives`` says that the first three
    derivatives exist and are bounded, ``lipschitz`` that the first is. None means not known.
    ``closed_form(context)`` gives (E f, E f^2, E z f) in the numbers of an mpmath context, ``mpmath.fp`` or
    ``mpmath.mp``.

    >>> from hptheory.random_features.functions import scalar_function
    >>> relu = scalar_function("relu")
    >>> float(relu.numpy(-2.0)), float(relu.numpy(3.0)), relu.kinks, relu.odd
    (0.0, 3.0, (0.0,), False)
    """

    name: str
    numpy: Callable[[Any], Any]
    mpmath: Callable[[Any], Any]
    kinks: tuple[float, ...] = ()
    odd: bool | None = None
    bounded_derivatives: bool | None = None
    lipschitz: bool | None = None
    closed_form: Callable[[Any], tuple[Any, Any, Any]] | None = None

    def __post_init__(self) -> None:
        points = tuple(sorted(float(point) for point in self.kinks))
        if not all(math.isfinite(point) for point in points):
            raise DomainError("kinks", list(points), "finite numbers")
        object.__setattr__(self, "kinks", points)

    def __call__(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """f at the points of an array, same shape; a callable of single numbers is looped over.

        Overflow gives infinite values, and what is not a number stays so: the caller decides.

        >>> scalar_function(math.exp)(np.array([[0.0, 1e4]])).tolist()
        [[1.0, inf]]
        """
        with np.errstate(all="ignore"):
            try:
                values = np.asarray(self.numpy(z), dtype=float)
            except (TypeError, ValueError, OverflowError):
                values = np.array([self._at(point) for point in np.ravel(z)]).reshape(z.shape)
        return np.broadcast_to(values, z.shape)

    def _at(self, z: float) -> float:
        try:
            return float(self.numpy(z))
        except OverflowError:
            return math.inf


def scalar_function(
    function: str | Callable[[Any], Any] | ScalarFunction, kinks: Iterable[float] = ()
) -> ScalarFunction:
    """The `ScalarFunction` behind a name, or around a callable.

    Names: `function_names`, and ``hermite0`` to ``hermite100`` for He_k / sqrt(k!). A callable is called with
    NumPy numbers or arrays, and with mpmath numbers where a ``precision`` is asked; declare its ``kinks``
    (corners and jumps). A name that is not known raises `UnknownNameError`, anything else `DomainError`.

    >>> scalar_function("hermite3").numpy(2.0) == (2.0**3 - 3 * 2.0) / 6**0.5
    True
    >>> scalar_function(lambda z: abs(z - 1), kinks=[1]).kinks
    (1.0,)
    """
    if isinstance(function, ScalarFunction):
        return function
    if isinstance(function, str):
        return _named(function)
    if not callable(function):
        raise DomainError("function", repr(function), "a name, a callable or a ScalarFunction")
    return ScalarFunction(
        getattr(function, "__name__", repr(function)), function, function, kinks=tuple(kinks)
    )


def function_names() -> list[str]:
    """The names that `scalar_function` knows, sorted; ``hermite<k>`` is shown up to k = 4.

    >>> {"tanh", "erf", "sin", "cubic", "relu", "sign", "linear", "step"} <= set(function_names())
    True
    """
    from hptheory.random_features.named_functions import FUNCTIONS

    return sorted([*FUNCTIONS, *(f"hermite{k}" for k in range(5))])


def _named(name: str) -> ScalarFunction:
    from hptheory.random_features.named_functions import FUNCTIONS, hermite

    degree = re.fullmatch(r"hermite(\d+)", name)
    if degree and len(degree[1]) <= 3 and int(degree[1]) in HERMITE_DEGREES:
        return hermite(int(degree[1]))
    if degree:
        raise DomainError("degree of the Hermite polynomial", degree[1], f"at most {HERMITE_DEGREES[-1]}")
    if name not in FUNCTIONS:
        raise UnknownNameError("function", name, function_names())
    return FUNCTIONS[name]
