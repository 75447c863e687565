"""A claim of the paper as data, and what checking it means.

A claim is printed in one place. Its check either returns one line that says what was established, or raises
`Refuted` with a counterexample; the corrected statement is then a claim of its own, that must be proved.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from proofs_check.region import ANYTHING, Region

Check = Callable[[], str]


class Verdict(Enum):
    """What is known about a statement."""

    PROVED = "proved"
    """Exact: identities of rational functions, certificates of sign, exact algebra."""
    CERTIFIED = "certified"
    """Enclosed over a stated region: boxes or balls."""
    EVIDENCE = "evidence"
    """Numerical, and the check says how much."""
    REFUTED = "refuted"
    """A counterexample in exact arithmetic; the corrected statement is a claim of its own."""
    CITED = "cited"
    """Taken from the literature; a check, if there is one, says what of it was looked at."""
    OPEN = "open"
    """Neither shown nor refuted; a check, if there is one, says what is known."""


class Refuted(Exception):
    """A check met a counterexample; the message shows it."""


class Undecided(Exception):
    """An enclosure or a search did not decide; the message says how far it got."""


class RoutesDisagree(AssertionError):
    """The exact and the numerical route contradict each other: a mistake in the checks, not in the paper."""


@dataclass(frozen=True)
class Claim:
    """One statement of the paper, with its verdict and the check behind it."""

    id: str
    """As in the paper where it has a number (eq-11, thm-3), with a prefix (b4-) where it has none."""
    place: str
    statement: str
    """LaTeX, as printed (A = mu1*^2 and B = mu2*^2 + sigma_eps^2 abbreviate)."""
    verdict: Verdict
    check: Check | None = None
    """Raises `Refuted` where the verdict is refuted. Only what is cited or open may have none."""
    region: Region = ANYTHING
    """The variables, and for which of their values the statement is claimed."""
    hypotheses: tuple[str, ...] = ()
    """What is assumed beyond the region, in words."""
    cites: tuple[str, ...] = ()
    """The inferences that are taken from the literature, each with its source."""
    note: str = ""
    """What to know beyond the statement, in Markdown: why the print goes wrong, what it needs."""
    depends_on: tuple[str, ...] = ()
    corrected_by: str = ""
    """The id of the corrected statement, where this one is refuted."""
    slow: bool = False
    """Whether the check takes more than a few seconds, and is left out by ``--fast``."""
    breaks: tuple[tuple[str, Check], ...] = field(default=(), compare=False)
    """Broken variants of the check (what was broken, and the check that must raise `Refuted`)."""

    @property
    def where(self) -> Region:
        """The region of the claim, or else that of its check."""
        return self.region if self.region is not ANYTHING else getattr(self.check, "region", ANYTHING)

    @property
    def method(self) -> str:
        """How it is checked, in a few words; `hptheory check ID --explain` tells the argument."""
        from proofs_check.methods import method  # reads certificates, which belong to claims

        return method(self)


def refuted(
    *,
    id: str,
    correction: str,
    corrected: Check,
    correction_note: str = "",
    corrected_verdict: Verdict = Verdict.PROVED,
    corrected_breaks: tuple[tuple[str, Check], ...] = (),
    corrected_depends_on: tuple[str, ...] | None = None,
    corrected_region: Region | None = None,
    **shared: Any,
) -> tuple[Claim, Claim]:
    """Return two claims: the printed statement, refuted, and ``<id>-corrected``.

    The first keeps the ``note`` and the check of the print; region and place are shared, and dependencies,
    unless the corrected statement has its own (nothing that holds may stand on what is refuted).
    """
    fixed = f"{id}-corrected"
    printed = Claim(id=id, verdict=Verdict.REFUTED, corrected_by=fixed, **shared)
    kept = ("place", "region", "hypotheses", "cites", "depends_on", "slow")
    common = {name: shared[name] for name in kept if name in shared}
    if corrected_depends_on is not None:
        common["depends_on"] = corrected_depends_on
    if corrected_region is not None:
        common["region"] = corrected_region
    common["place"] = f"{common['place']}, corrected"
    return printed, Claim(
        id=fixed,
        statement=correction,
        verdict=corrected_verdict,
        check=corrected,
        note=correction_note,
        breaks=corrected_breaks,
        **common,
    )


@dataclass(frozen=True)
class Verification:
    """What checking a claim found."""

    claim: Claim
    found: Verdict
    line: str

    @property
    def holds(self) -> bool:
        """Whether the recorded verdict is what was found."""
        return self.found is self.claim.verdict


def verify(claim: Claim) -> Verification:
    """Return what the check of a claim finds now: its recorded kind of success, or refuted.

    A counterexample to a claim that is recorded as true is found, and does not hold; so is a success of a
    claim that is recorded as refuted.
    """
    if claim.check is None:
        if claim.verdict not in (Verdict.CITED, Verdict.OPEN):
            raise RoutesDisagree(f"{claim.id} is {claim.verdict.value}, but has no check")
        return Verification(claim, claim.verdict, "; ".join(claim.cites) or "nothing is checked")
    try:
        line = claim.check()
    except Refuted as counterexample:
        return Verification(claim, Verdict.REFUTED, f"counterexample: {counterexample}")
    success = Verdict.PROVED if claim.verdict is Verdict.REFUTED else claim.verdict
    return Verification(claim, success, line)


@dataclass(frozen=True)
class AllOf:
    """Several checks of one statement."""

    parts: tuple[Check, ...]

    def __call__(self) -> str:
        """Run every part."""
        return "; ".join(part() for part in self.parts)

    @property
    def region(self) -> Region:
        """The region of the first part that has one."""
        return next((part.region for part in self.parts if hasattr(part, "region")), ANYTHING)
