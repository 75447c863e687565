"""The page of the register is the one that the register generates."""

from __future__ import annotations

import re

from proofs_check import register_page
from proofs_check.register import REGISTER


def test_the_committed_page_is_the_generated_one():
    committed = register_page.PAGE.read_text(encoding="utf-8")
    assert committed == register_page.page(), "run: python -m proofs_check.register_page"


def test_every_claim_has_an_entry():
    page = register_page.page()
    assert re.findall(r"^\(claim-(.*)\)=$", page, re.MULTILINE) == list(REGISTER)
    for claim in REGISTER.values():
        assert f"### {claim.id}: {claim.verdict.value}" in page
        assert claim.statement in page
