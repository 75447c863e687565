"""The named errors of hptheory: each is a ValueError whose message says what, where and what to do."""

from __future__ import annotations


class HPTheoryError(ValueError):
    """Base of all errors that bad input raises; commands print its message and exit with code 2."""


class DomainError(HPTheoryError):
    """An argument lies outside its domain; the message holds the value and the bound that it breaks."""

    def __init__(self, name: str, value: object, bound: str, advice: str = "") -> None:
        self.name, self.value, self.bound = name, value, bound
        super().__init__(
            f"{name} = {value} is outside its domain: it must be {bound}{'; ' + advice if advice else ''}"
        )


class UnknownNameError(HPTheoryError):
    """A name that is not in a registry; the message lists the nearest names."""

    def __init__(self, kind: str, name: str, known: list[str]) -> None:
        from difflib import get_close_matches

        near = get_close_matches(str(name), known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(sorted(known))}"
        super().__init__(f"unknown {kind} '{name}'; {hint}")


class MissingExtraError(HPTheoryError):
    """A package of an optional extra is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs {package}, which is not installed; run: pip install 'hptheory[{extra}]'"
        )


class PrecisionError(HPTheoryError):
    """The digits asked for were not reached; the message says what did not converge."""
