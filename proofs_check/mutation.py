"""Every claim is broken by rule, and its check must object: ``make proofs`` prints the table.

Rules: a sign, a factor 2, an exponent, an index in one formula; a step of a certificate changed in one of
these ways; a variable's sign, or a hypothesis, dropped; a counterexample moved. A broken variant may still be
true (a positive quantity stays positive when it is doubled): then the check proves it anew, or the checker
accepts it, and random rational points, a route of their own (``sampling``), bear it out: it counts as still
true, not as killed. Where it is too large to be sampled it counts as vouched: one route alone says that it is
true. A variant that is accepted although it is false, by its kind or at a sampled point, would be alive;
there must be none, and at least three killed for every claim that is proved, certified or refuted.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice

from hptheory.errors import HPTheoryError
from proofs_check.checker import CertificateError
from proofs_check.claims import Claim, Refuted, Verdict
from proofs_check.equations import equations
from proofs_check.files import verify_and_record
from proofs_check.register import REGISTER, find
from proofs_check.variants import LARGE, Fate, Variant, must_object, of_equation, of_item

NEEDED = 3
"""How many broken variants of a claim must be rejected at least."""

FEW = 12
"""Of a `LARGE` item, so many variants are tried."""


def fates(claim: Claim, limit: int | None = None) -> Counter[Fate]:
    """Return how many broken variants of a claim had each fate.

    ``limit`` bounds the variants of each source (a formula, an item of the certificate), evenly spread; of a
    `LARGE` item there are `FEW` at most, as checking one takes seconds.
    """
    _, items = verify_and_record(claim)
    sources: list[tuple[list[Variant], int | None]] = [
        *(([(name, must_object(check))], limit) for name, check in claim.breaks),
        *(
            (list(of_equation(equation)), limit)
            for equation in equations(claim.check)
            if not claim.corrected_by
        ),
        *((list(of_item(item)), limit if limit or len(str(item)) < LARGE else FEW) for item in items),
    ]
    count: Counter[Fate] = Counter()
    for variants, most in sources:
        step = 1 if most is None else max(1, len(variants) // most)
        for _, fate in islice(variants, 0, None, step):
            count[_fate(fate)] += 1
    return count


def _fate(fate: Callable[[], Fate]) -> Fate:
    try:
        return fate()
    except (Refuted, CertificateError, ZeroDivisionError):
        return Fate.KILLED


def table(claims: Sequence[Claim], limit: int | None = None) -> tuple[list[str], bool]:
    """Return the lines of the table, and whether all is well: enough killed, none alive."""
    lines, well, total = (
        [f"{'claim':32} {'verdict':9} killed  still true  vouched  alive"],
        True,
        Counter[Fate](),
    )
    for claim in claims:
        if claim.verdict not in (Verdict.PROVED, Verdict.CERTIFIED, Verdict.REFUTED):
            continue
        count = fates(claim, limit)
        total += count
        good = count[Fate.KILLED] >= NEEDED and not count[Fate.ALIVE]
        well &= good
        remark = "" if good else "  <-- too few killed, or one alive"
        lines.append(
            f"{claim.id:32} {claim.verdict.value:9} {count[Fate.KILLED]:6}  {count[Fate.TRUE]:10}  "
            f"{count[Fate.VOUCHED]:7}  {count[Fate.ALIVE]:5}{remark}"
        )
    lines.append(
        f"{len(lines) - 1} claims: {total[Fate.KILLED]} broken variants killed, "
        f"{total[Fate.TRUE]} still true at sampled points, too, {total[Fate.VOUCHED]} by one route alone, "
        f"{total[Fate.ALIVE]} alive"
    )
    return lines, well


def main(arguments: Sequence[str]) -> int:
    """Print the table, for all claims or for those named; the exit code says whether all is well."""
    try:
        lines, well = table([find(name) for name in arguments] or list(REGISTER.values()))
    except HPTheoryError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(lines))
    return int(not well)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
