"""The certificates as files: ``python -m proofs_check.files`` writes them anew, one JSON file a claim.

What a check records while it runs is what the file must hold; the independent checker reads the file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from proofs_check.checker import FORMAT, CertificateError, check, digest, read
from proofs_check.claims import Claim, Verification, verify
from proofs_check.recording import Item, recording

FOLDER = Path(__file__).parent / "proofs"


def verify_and_record(claim: Claim) -> tuple[Verification, list[Item]]:
    """Return what the check of a claim finds now, and the items that it recorded on the way."""
    with recording() as items:
        verification = verify(claim)
    return verification, json.loads(json.dumps(items))


def certificate(claim: Claim, items: list[Item]) -> dict[str, Any]:
    """Return a certificate, digest included."""
    body = {"format": FORMAT, "claim": claim.id, "items": items}
    return body | {"digest": digest(body)}


def path(claim: Claim) -> Path:
    """Return where the certificate of a claim lies."""
    return FOLDER / f"{claim.id}.json"


def check_file(claim: Claim, items: list[Item] | None = None) -> str:
    """Return what the committed certificate of a claim shows, by the independent checker; "" if it has none.

    ``items``, if given, are what the claim's check has recorded just now: the file must hold the same. Raises
    `CertificateError` where the certificate is missing, damaged, wrong, of another version, or of another
    claim.
    """
    where = path(claim)
    if not where.exists():
        if not items:
            return ""
        raise CertificateError("it has no certificate file; python -m proofs_check.files writes it")
    stored = read(where)
    shown = check(stored)
    if stored.get("claim") != claim.id:
        raise CertificateError(f"{where.name} belongs to the claim {stored.get('claim')}")
    if items is not None and stored["items"] != items:
        raise CertificateError(
            f"{where.name} belongs to another version of the claim; "
            "python -m proofs_check.files writes it anew"
        )
    return shown


def write_all(claims: list[Claim]) -> None:
    """Write the certificates of claims, and remove those that belong to none."""
    FOLDER.mkdir(exist_ok=True)
    kept = set()
    for claim in claims:
        verification, items = verify_and_record(claim)
        if not verification.holds:
            raise SystemExit(f"{claim.id}: found {verification.found.value}: {verification.line}")
        if items:
            text = json.dumps(certificate(claim, items), indent=1)
            path(claim).write_text(text + "\n", encoding="utf-8")
            kept.add(path(claim))
    for stale in set(FOLDER.glob("*.json")) - kept:
        stale.unlink()
    print(f"{len(kept)} certificates in {FOLDER}")


if __name__ == "__main__":
    from proofs_check.register import REGISTER

    write_all(list(REGISTER.values()))
