"""``hptheory check [CLAIM ...]``: the register of claims, checked now.

Exit code 0: every recorded verdict is found, and every certificate is right; 1: one is not, or was not
decided; 2: no such claim, or a package is missing.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proofs_check.checker import CertificateError
from proofs_check.claims import Claim, Refuted, RoutesDisagree, Undecided, Verdict
from proofs_check.files import FOLDER, check_file, path, verify_and_record
from proofs_check.methods import arguments
from proofs_check.regions import time_limit
from proofs_check.register import REGISTER, find

FAILED, UNDECIDED, LEFT_OUT = "FAILED", "UNDECIDED", "left out"


@dataclass(frozen=True)
class Outcome:
    """What became of one claim: a verdict, or FAILED, UNDECIDED, left out; and what there is to say."""

    claim: Claim
    result: str
    line: str
    certificate: str
    seconds: float

    @property
    def is_bad(self) -> bool:
        """Whether the recorded verdict does not stand."""
        return self.result in (FAILED, UNDECIDED)


def check(
    claim_ids: Sequence[str] = (), *, fast: bool = False, explain: bool = False, limit: int | None = None
) -> int:
    """Check claims (by default all), print a table and the counts by verdict; the exit code comes back.

    ``limit`` is how many seconds the enclosures of a claim may take; one that did not decide is UNDECIDED.

    An unknown id raises `UnknownNameError`, a missing package `MissingExtraError`.
    """
    claims = [find(claim_id) for claim_id in claim_ids] or list(REGISTER.values())
    began = time.monotonic()
    outcomes = []
    for claim in claims:
        with time_limit(limit):
            outcome = check_claim(claim, leave_out=fast and claim.slow and not claim_ids)
        outcomes.append(outcome)
        print(f"{outcome.result:9} {claim.id:30} {claim.place}", flush=True)
        if explain:
            print(*explanation(outcome), sep="\n")
        elif outcome.is_bad or claim_ids:
            print(f"    {outcome.line}")
    print(summary(outcomes, time.monotonic() - began))
    return int(any(outcome.is_bad for outcome in outcomes))


def check_claim(claim: Claim, leave_out: bool = False) -> Outcome:
    """Check one claim: its verdict by the library's functions, its certificate by the independent checker."""
    if leave_out:
        return Outcome(claim, LEFT_OUT, "takes longer; left out by --fast", "", 0)
    began, certificate = time.monotonic(), ""
    try:
        verification, items = verify_and_record(claim)
        result, line = verification.found.value, verification.line
        if not verification.holds:
            result, line = FAILED, f"recorded as {claim.verdict.value}, found {result}: {line}"
        else:
            certificate = check_file(claim, items)
    except (Refuted, RoutesDisagree, CertificateError) as error:
        result, line = FAILED, str(error)
    except Undecided as error:
        result, line = UNDECIDED, str(error)
    return Outcome(claim, result, line, certificate, time.monotonic() - began)


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Return the counts by verdict, worst last, and how long it took."""
    counts = Counter(outcome.result for outcome in outcomes)
    order = [*(verdict.value for verdict in Verdict), LEFT_OUT, UNDECIDED, FAILED]
    parts = [f"{counts[result]} {result}" for result in order if counts[result]]
    files = sum(bool(outcome.certificate) for outcome in outcomes)
    return f"{', '.join(parts)}; {files} certificates right by the independent checker; {seconds:.0f} s"


def explanation(outcome: Outcome) -> Iterator[str]:
    """Yield the lines that explain a claim: what is said, for what, why, and what remains to be believed."""
    claim = outcome.claim
    yield f"    statement: {claim.statement}"
    if claim.where.conditions:
        yield f"    for all: {', '.join(claim.where.conditions)}"
    yield from (f"    assumed: {hypothesis}" for hypothesis in claim.hypotheses)
    yield f"    method: {claim.method}"
    for argument in arguments(claim.check) if not claim.corrected_by else ():
        yield from (f"    {line}".rstrip() for line in argument.splitlines())
    yield f"    found: {outcome.line}"
    if outcome.certificate:
        file = f"proofs_check/{FOLDER.name}/{path(claim).name}"
        yield f"    certificate: {file}: {outcome.certificate}"
    yield from (f"    taken from the literature: {source}" for source in claim.cites)
    if claim.depends_on:
        yield f"    stands on: {', '.join(claim.depends_on)}"
    if claim.corrected_by:
        yield f"    corrected: {claim.corrected_by}: {find(claim.corrected_by).statement}"
    if claim.note:
        yield f"    note: {claim.note}"
