"""Functions of the library, broken by rule: what the arguments in proofs_check must reject."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from proofs_check.formulas import evaluate, mutants


def broken_versions(function: Callable[..., Any], names: Sequence[str]) -> list[Callable[..., Any]]:
    """Versions of a rational function of positional arguments, one slip of the pen each."""
    import sympy

    formula = function(*sympy.symbols(list(names)))
    known = {sympy.Symbol(name) for name in names}
    return [_callable(mutant, names) for mutant in mutants(formula) if mutant.free_symbols <= known]


def _callable(formula: Any, names: Sequence[str]) -> Callable[..., Any]:
    return lambda *arguments: evaluate(formula, dict(zip(names, arguments, strict=True)))
