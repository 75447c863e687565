"""One scaling rule as a check: what an update of a rank-one gradient does to the dimensions.

`hptheory.parameterization.rank_one.rank_one_response` is given monomials (`proofs_check.monomials`) for the
dimensions and symbols for the exponents; what comes back is compared with the printed entry. That a gradient
is of rank one with entries of those orders is the hypothesis of the source, not checked here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from hptheory.parameterization.rank_one import Response, rank_one_response
from proofs_check.certificates import require_zero
from proofs_check.claims import Refuted
from proofs_check.formulas import evaluate, parse
from proofs_check.monomials import Monomial
from proofs_check.rational import RationalFunction, generators
from proofs_check.region import Region

DIMENSIONS = ("d_in", "d_out", "b_in", "b_out", "L", "D")
EXPONENTS = ("e_L", "e_R", "s_L", "s_R")
SIZES = Region(
    {
        "d_in": "d_{in}", "d_out": "d_{out}", "b_in": "b_{in}", "b_out": "b_{out}", "L": "L", "D": "D",
        "e_L": "e_L", "e_R": "e_R", "s_L": "s_L", "s_R": "s_R",
    },
    ("b_in > 0", "b_out > 0", "d_in >= b_in", "d_out >= b_out", "L > 0", "D > 0"),
    dict.fromkeys((*DIMENSIONS, *EXPONENTS), Fraction(1, 4)),
)  # fmt: skip
"""Any sizes, any blocks that fit, any exponents."""


@dataclass(frozen=True)
class Rule:
    """One optimizer's rate and epsilon, up to constants: what its update of a rank-one gradient gives.

    ``rate`` and ``epsilon`` are the logarithms of the printed entries, in logarithms of the dimensions (under
    their own names) and in the exponents. ``sizes`` puts other dimensions in place of some: a layer's role.
    ``base`` gives the options of `rank_one_response` from the variables.
    """

    optimizer: str
    rate: str = ""
    epsilon: str = ""
    blocked: bool = False
    options: Mapping[str, Any] | None = None
    sizes: Mapping[str, str] | None = None
    respond: Callable[..., Response] = rank_one_response

    def __call__(self) -> str:
        """Compare what comes back with the printed entries."""
        logs = self.logarithms()
        answer, d_in = self.response(logs)
        shown = []
        if self.rate:
            found = (1 / (answer.entry * d_in)).log
            self._compare("rate", found, self.rate, logs)
            shown.append(f"log rate = {self.rate}")
        if self.epsilon:
            if answer.compared is None:
                raise Refuted(f"{self.optimizer}: nothing is compared with an epsilon")
            self._compare("epsilon", answer.compared.log, self.epsilon, logs)
            shown.append(f"log epsilon = {self.epsilon}")
        return f"{self.title}: {', '.join(shown)}"

    @property
    def argument(self) -> str:
        """How it is checked, for a page or an explanation."""
        return (
            f"Check that the update of a rank-one gradient by {self.title} gives the printed powers.\n\n"
            "`rank_one_response`, given monomials for the dimensions, returns one; logarithms are compared."
        )

    @property
    def title(self) -> str:
        """The optimizer with its options."""
        extras = [f"{name} {value}" for name, value in (self.options or {}).items()]
        return ", ".join([self.optimizer, *(["in blocks"] if self.blocked else []), *extras])

    @property
    def breaks(self) -> tuple[tuple[str, Callable[[], Any]], ...]:
        """The same with another power of the dimensions: what must be rejected."""
        slips = ("D", "-D/2", "2*D") if self.sizes else ("d_in", "-d_out", "L/2", "2*D")
        found: list[tuple[str, Callable[[], Any]]] = []
        for name in ("rate", "epsilon"):
            text = getattr(self, name)
            for slip in slips if text else ():
                changed = {**self.__dict__, name: f"{text} + ({slip})"}
                found.append((f"{self.title}: {name} + {slip}", Rule(**changed)))
        return tuple(found)

    def logarithms(self) -> dict[str, RationalFunction]:
        """The logarithm of every dimension (of blocks, where there are any), and the exponents."""
        names = dict(zip((*DIMENSIONS, *EXPONENTS), generators(*DIMENSIONS, *EXPONENTS), strict=True))
        for name, text in (self.sizes or {}).items():
            names[name] = evaluate(parse(text), names) if text != "0" else names["D"] - names["D"]
        return names

    def response(self, logs: Mapping[str, RationalFunction]) -> tuple[Response, Monomial]:
        """The update's entries and what epsilon meets, as monomials; and d_in."""
        size = {name: Monomial(logs[name]) for name in DIMENSIONS}
        options: dict[str, Any] = dict(self.options or {})
        if self.optimizer == "shampoo" and "exponents" not in options:
            options["exponents"] = (logs["e_L"], logs["e_R"])
        if self.optimizer == "soap" and "sides" not in options:
            options["sides"] = (logs["s_L"], logs["s_R"])
        block = (size["b_out"], size["b_in"]) if self.blocked else None
        answer = self.respond(
            self.optimizer, size["d_in"], size["d_out"], depth=size["L"], block=block, **options
        )
        return answer, size["d_in"]

    def _compare(
        self, what: str, found: RationalFunction, text: str, logs: Mapping[str, RationalFunction]
    ) -> None:
        require_zero(found - evaluate(parse(text), logs), f"{self.title}: {what}")
