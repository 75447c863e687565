"""``python -m proofs_check [CLAIM ...]`` checks claims again: all of them, or those named.

Exit code 0: every recorded verdict is found; 1: one is not; 2: no such claim.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from hptheory.errors import HPTheoryError
from proofs_check.claims import Claim, Refuted, RoutesDisagree, verify
from proofs_check.register import REGISTER, find


def main(arguments: Sequence[str]) -> int:
    """Print a line for every claim (for a named one, what its checks established), and the counts."""
    try:
        claims = [find(claim_id) for claim_id in arguments] or list(REGISTER.values())
        outcomes = [report(claim, explain=bool(arguments)) for claim in claims]
    except HPTheoryError as error:
        print(error, file=sys.stderr)
        return 2
    print(", ".join(f"{count} {outcome}" for outcome, count in Counter(outcomes).items()))
    return int("FAILED" in outcomes)


def report(claim: Claim, explain: bool) -> str:
    """Check a claim and print what was found; the verdict comes back, or FAILED."""
    lines: tuple[str, ...]
    try:
        verification = verify(claim)
    except (Refuted, RoutesDisagree) as error:
        outcome, lines = "FAILED", (str(error),)
    else:
        lines = verification.lines
        outcome = verification.found.value if verification.holds else "FAILED"
    print(f"{outcome:9} {claim.id:22} {claim.place}", flush=True)
    if explain or outcome == "FAILED":
        print(*(f"    {line}" for line in lines), sep="\n")
    return outcome


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
