"""A displayed formula of App. B.4 as a check: all its sides are equal, by two routes that share nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import mpmath as mp

from proofs_check import recipes
from proofs_check.certificates import require_item
from proofs_check.claims import AllOf, Check, Refuted, RoutesDisagree
from proofs_check.exact import POINT, Setting, exact_values, rational_values
from proofs_check.formulas import evaluate, parse
from proofs_check.implicit import DIGITS, TOLERANCE
from proofs_check.numeric import SAMPLES, numeric_values
from proofs_check.recording import is_recording
from proofs_check.region import Region

_PARAMETERS = {
    "psi1": r"\psi_1 = N/d",
    "u": r"\mu_1^2",
    "A": r"A = {\mu_1^*}^2",
    "B": r"B = {\mu_2^*}^2 + \sigma_\varepsilon^2",
}
_CONDITIONS = ("psi1 > 0", "0 < u < 1", "A > 0", "B > 0")
_MODEL = {name: POINT[name] for name in _PARAMETERS}
REGIONS = {
    Setting.WIDTH: Region(
        _PARAMETERS | {"psi2": r"\psi_2 = n/d", "lam": r"\lambda"},
        (*_CONDITIONS, "psi2 > 0", "lam > 0"),
        _MODEL | {"psi2": Fraction(10, 3), "lam": Fraction(1, 5)},
    ),
    Setting.LIMIT: Region(
        _PARAMETERS | {"lam": r"\lambda"}, (*_CONDITIONS, "lam > 0"), _MODEL | {"lam": Fraction(1, 5)}
    ),
    Setting.OPTIMUM: Region(_PARAMETERS, _CONDITIONS, _MODEL),
}
"""For which parameters a formula is claimed: all admissible ones. An identity holds beyond, too."""


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
        if is_recording():
            differences = [f"{self.sides[0]} - ({side})" for side in self.sides[1:]]
            require_item(recipes.item(self.setting, "zero", self.title, self.sides) | {"zero": differences})
        what = "identity on the curve; equal to 25 digits off it"
        return f"{' = '.join(self.sides)}: {what}, {self.setting.value}"

    @property
    def region(self) -> Region:
        """All admissible parameters."""
        return REGIONS[self.setting]

    @property
    def title(self) -> str:
        """The formula in words, for a certificate."""
        return f"{self.setting.value}: {' = '.join(self.sides)}"

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
                self._record_counterexample(text)
                where = ", ".join(f"{name} = {values[name]}" for name in _COORDINATES[self.setting])
                known = "not 0" if self.sides[0] == "0" else f"but {self.sides[0]} = {sides[0]}"
                raise Refuted(f"{text} = {side}, {known}, at {where}")

    def _record_counterexample(self, side: str) -> None:
        if not is_recording():
            return
        item = recipes.item(self.setting, "counterexample", self.title, (self.sides[0], side, "lam", "B"))
        point = {name: str(POINT[name.removeprefix("free_")]) for name in item["variables"]}
        conditions = ["lam > 0", "psi1 > 0", "u > 0", "u < 1", "A > 0", "B > 0"]
        require_item(item | {"point": point, "conditions": conditions, "fails": f"{self.sides[0]} == {side}"})

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


def equations(check: Check | None) -> Iterator[Equation]:
    """Yield the displayed formulas inside a check."""
    if isinstance(check, Equation):
        yield check
    for part in check.parts if isinstance(check, AllOf) else ():
        yield from equations(part)
