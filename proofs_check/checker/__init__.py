"""An independent checker of certificates: it imports nothing of this project and computes with integers only.

A certificate is a JSON object: the number of its format, the id of a claim, a digest, and items. An item
states something about rational functions of named variables, which it introduces step by step, ``[name,
formula]`` or ``[name, formula, numerator, denominator]``: the last two are a reduced form that whoever found
it had to cancel for, and that is checked here by cross-multiplication.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from proofs_check.checker.algebra import CertificateError
from proofs_check.checker.kinds import KINDS

FORMAT = 1
"""The format that this checker reads; a certificate of another one is rejected."""

__all__ = ["FORMAT", "CertificateError", "check", "check_item", "digest", "read", "summary"]


def read(path: Path) -> Any:
    """Return what a file holds; raises `CertificateError` where that is no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise CertificateError(f"{path.name} is damaged: {error}") from None


def digest(certificate: Mapping[str, Any]) -> str:
    """Return the SHA-256 of everything but the digest itself."""
    body = {key: value for key, value in certificate.items() if key != "digest"}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check(certificate: Mapping[str, Any]) -> str:
    """Return what a certificate was found to show, as a line; raises `CertificateError` where it does not.

    >>> item = {"kind": "zero", "what": "a square", "variables": ["x"], "steps": [["y", "x + 1"]],
    ...         "zero": ["y**2 - x**2 - 2*x - 1"]}
    >>> body = {"format": FORMAT, "claim": "square", "items": [item]}
    >>> check(body | {"digest": digest(body)})
    '1 identity'
    """
    if not isinstance(certificate, Mapping):
        raise CertificateError("the certificate is no JSON object")
    if certificate.get("format") != FORMAT:
        found = certificate.get("format", "none")
        raise CertificateError(f"the certificate has format {found}, this checker reads {FORMAT}")
    if certificate.get("digest") != digest(certificate):
        raise CertificateError("the certificate is damaged: its digest is another one")
    items = certificate.get("items")
    if not isinstance(items, list) or not items:
        raise CertificateError("the certificate is empty")
    for item in items:
        check_item(item)
    return summary(certificate["items"])


def summary(items: Sequence[Mapping[str, Any]]) -> str:
    """Return how many items of each kind there are, in words."""
    counts = Counter(KINDS[item["kind"]][0] for item in items)
    return ", ".join(f"{count} {_plural(kind, count)}" for kind, count in counts.items())


# What Python raises where a text, list or object of the item is another thing than its check takes it for.
_MALFORMED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


def check_item(item: Mapping[str, Any]) -> None:
    """Raise `CertificateError` unless one item shows what it says."""
    kind = item.get("kind") if isinstance(item, Mapping) else None
    if not isinstance(kind, str) or kind not in KINDS:
        raise CertificateError(f"a certificate of the unknown kind {kind}")
    if unknown := set(item) - KINDS[kind][2]:
        raise CertificateError(f"a {kind} item with the unknown fields {', '.join(sorted(unknown))}")
    try:
        KINDS[kind][1](item)
    except CertificateError as error:
        raise CertificateError(f"{item.get('what', kind)}: {error}") from None
    except _MALFORMED as error:
        raise CertificateError(f"{item.get('what', kind)}: a {kind} item is malformed: {error!r}") from None


def _plural(name: str, count: int) -> str:
    if count == 1:
        return name
    head, _, tail = name.partition(" ")
    plural = head[:-1] + "ies" if head.endswith("y") else head + "s"
    return f"{plural} {tail}".strip()
