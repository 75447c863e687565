"""How a claim is checked, in words: what its check says of itself, and what its certificate consists of."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator

from proofs_check.claims import AllOf, Check, Claim, Verdict
from proofs_check.equations import Equation
from proofs_check.files import path


def method(claim: Claim) -> str:
    """Return how a claim was checked, in a few words: by its check, and the kinds of its certificate."""
    if claim.verdict is Verdict.REFUTED:
        what = (
            "a counterexample in exact arithmetic" if "counterexample" in _kinds(claim) else "exact algebra"
        )
        if isinstance(claim.check, Equation):
            return f"{what}, confirmed by solutions of (9), (10)"
        *_, last = _methods(claim.check)
        return f"{what}: {last}"
    return "; ".join(dict.fromkeys(_methods(claim.check))) or "nothing is checked by machine"


def _methods(check: Check | None) -> Iterator[str]:
    if isinstance(check, AllOf):
        for part in check.parts:
            yield from _methods(part)
    elif isinstance(check, Equation):
        yield "identity of rational functions, and agreement for solutions of (9), (10)"
    else:
        for argument in arguments(check):
            first = argument.split("\n\n")[0].replace("\n", " ").rstrip(".")
            for start in (
                "Check that ",
                "Check: ",
                "Check ",
                "Refute that ",
                "Refute: ",
                "Refute by ",
                "Refute ",
            ):
                first = first.removeprefix(start)
            yield f"`{first.replace('`', '')}`"


def _kinds(claim: Claim) -> set[str]:
    if not path(claim).exists():
        return set()
    return {item["kind"] for item in json.loads(path(claim).read_text(encoding="utf-8"))["items"]}


def arguments(check: Check | None) -> Iterator[str]:
    """Yield what the functions behind a check say of themselves."""
    if isinstance(check, AllOf):
        for part in check.parts:
            yield from arguments(part)
    elif isinstance(check, Equation):
        yield "Both sides are the same rational function on the curve, and agree for solutions of (9), (10)."
    elif argument := getattr(check, "argument", ""):
        yield argument
    elif inspect.isfunction(function := getattr(check, "func", check)):
        yield inspect.getdoc(function) or ""
