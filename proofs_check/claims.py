"""A claim of the paper as data, and what checking it means.

A claim is printed in one place of the paper. Its check either returns one line that says what was
established, or raises `Refuted` with a counterexample; then the corrected statement must pass its own check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import mpmath as mp

from proofs_check.exact import Setting, exact_values, rational_values
from proofs_check.formulas import evaluate, parse
from proofs_check.implicit import DIGITS, TOLERANCE
from proofs_check.numeric import SAMPLES, numeric_values

Check = Callable[[], str]


class Verdict(Enum):
    """What is known about a printed statement."""

    PROVED = "proved"
    """Exact: identities of rational functions, certificates of sign, exact algebra."""
    CERTIFIED = "certified"
    """Ball arithmetic over a stated region."""
    EVIDENCE = "evidence"
    """Numerical, and the check says how much."""
    REFUTED = "refuted"
    """A counterexample in exact arithmetic, and a corrected statement that is proved."""


class Refuted(Exception):
    """A check met a counterexample; the message shows it."""


class RoutesDisagree(AssertionError):
    """The exact and the numerical route contradict each other: a mistake in the checks, not in the paper."""


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, with its verdict and the checks behind it."""

    id: str
    """As in the paper where it has a number (eq-11, thm-3), with a prefix b4- where it has none."""
    place: str
    statement: str
    """LaTeX, as printed (A = mu1*^2 and B = mu2*^2 + sigma_eps^2 abbreviate)."""
    verdict: Verdict
    printed: Check
    """The check of the printed statement."""
    corrected: Check | None = None
    """The check of the corrected statement, where the printed one is refuted."""
    correction: str = ""
    """The corrected statement in LaTeX or words."""
    note: str = ""
    """What a reader should know beyond the statement, in Markdown: hypotheses, why the print goes wrong."""
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verification:
    """What checking a claim found."""

    claim: Claim
    found: Verdict
    lines: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether the recorded verdict is what was found."""
        return self.found is self.claim.verdict


def verify(claim: Claim) -> Verification:
    """Return what the checks of a claim find now: its recorded kind of success, or refuted with a correction.

    A counterexample without a corrected statement that passes is raised, never reported as a verdict.
    """
    try:
        line = claim.printed()
    except Refuted as counterexample:
        if claim.corrected is None:
            raise
        return Verification(claim, Verdict.REFUTED, (f"as printed: {counterexample}", claim.corrected()))
    success = Verdict.PROVED if claim.verdict is Verdict.REFUTED else claim.verdict
    return Verification(claim, success, (line,))


@dataclass(frozen=True)
class AllOf:
    """Several checks of one statement."""

    parts: tuple[Check, ...]

    def __call__(self) -> str:
        """Run every part."""
        return "; ".join(part() for part in self.parts)


@dataclass(frozen=True)
class Equation:
    """A displayed formula: all its sides are equal, by two routes that share nothing.

    Exact: each side, evaluated on the rational functions of `exact`, is the same element of the field.
    Numerical: each side, evaluated on numbers that solve (9), (10), agrees to 25 digits at every sample.
    """

    setting: Setting
    sides: tuple[str, ...]

    def __call__(self) -> str:
        """Check every side against the first."""
        self.find_counterexample()
        formulas = [parse(side) for side in self.sides]
        values = exact_values(self.setting)
        first, *others = (evaluate(formula, values) for formula in formulas)
        if any(other - first != 0 for other in others):
            raise Refuted(
                f"{' = '.join(self.sides)} is no identity (no counterexample among the points tried)"
            )
        if not self._holds_numerically():
            raise RoutesDisagree(
                f"{self.sides}: an identity on the curve, but not for solutions of (9), (10)"
            )
        what = "identity on the curve; equal to 25 digits off it"
        return f"{' = '.join(self.sides)}: {what}, {self.setting.value}"

    def find_counterexample(self) -> None:
        """Raise `Refuted` where two sides differ at a rational point of the admissible domain."""
        values = rational_values(self.setting)
        sides = [evaluate(parse(side), values) for side in self.sides]
        for text, side in zip(self.sides, sides, strict=True):
            if side != sides[0]:
                if self._holds_numerically():
                    raise RoutesDisagree(
                        f"{self.sides}: refuted on the curve, but not by solutions of (9), (10)"
                    )
                where = ", ".join(f"{name} = {values[name]}" for name in _COORDINATES[self.setting])
                known = "not 0" if self.sides[0] == "0" else f"but {self.sides[0]} = {sides[0]}"
                raise Refuted(f"{text} = {side}, {known}, at {where}")

    def _holds_numerically(self) -> bool:
        """Return whether all sides agree at every sample, relative to the larger of 1 and the sides."""
        with mp.workdps(DIGITS):
            for sample in SAMPLES:
                values = numeric_values(self.setting, sample)
                first, *others = (mp.mpf(evaluate(parse(side), values)) for side in self.sides)
                scale = max(1, abs(first), *map(abs, others))
                if any(abs(other - first) > TOLERANCE * scale for other in others):
                    return False
        return True


_COORDINATES = {
    Setting.WIDTH: ("psi1", "psi2", "u", "A", "B", "lam"),
    Setting.LIMIT: ("psi1", "u", "A", "B", "t"),
    Setting.OPTIMUM: ("psi1", "u", "A", "B", "t"),
}
