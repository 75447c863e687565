"""Every numbered or displayed statement of the sources has a claim, and every claim a place in a source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import proofs_check
from proofs_check.claims import Verdict
from proofs_check.register import REGISTER

COVERAGE = json.loads((Path(proofs_check.__file__).parent / "coverage.json").read_text(encoding="utf-8"))
ENTRIES = [(source, *entry) for source, entries in COVERAGE.items() for entry in entries]
COVERED = {claim_id for *_, ids in ENTRIES for claim_id in ids}

NUMBERED = [
    *(f"({k})" for k in range(1, 21)),
    *(f"Definition {k}" for k in range(1, 7)),
    *(f"Assumption {k}" for k in (1, 2)),
    *(f"Proposition {k}" for k in (1, 5, 6, 8, 13)),
    *(f"Theorem {k}" for k in ("2(a)", "2(b)", "3", "4", "7", "9")),
    *(f"Lemma {k}" for k in (10, 11, 12, 14)),
    *(f"Algorithm {k}" for k in (1, 2)),
    "Remark 1",
    "Hypothesis 1",
]


@pytest.mark.parametrize("number", NUMBERED)
def test_every_numbered_statement_of_the_paper_is_covered(number):
    places = [place for source, place, _, ids in ENTRIES if source == "2512.22768" and ids]
    assert any(place == number or place.endswith(f" {number}") for place in places)


SUMMARIES = [
    *(
        ("summary of 2512.22768", formula)
        for formula in ("c_n = o(a_n)", "b_n = O(a_n^(1/2))", "c_n = Theta(b_n^2)", "b_n = o(a_n^(1/2))")
    ),
    *(
        ("summary of 2512.22768", formula)
        for formula in ("beta > alpha/2", "S(G, dW)", "phi^k(omega)", "MCI")
    ),
    *(("summary of 2512.05620", formula) for formula in ("Theta(width^2)", "lambda ~ 1/D", "x^T x'")),
]


@pytest.mark.parametrize(("summary", "formula"), SUMMARIES)
def test_every_formula_of_the_summaries_is_covered(summary, formula):
    assert any(source == summary and formula in text for source, _, text, _ in ENTRIES)


def test_what_a_summary_says_wrongly_is_a_claim_of_its_own():
    for claim in REGISTER.values():
        if claim.verdict is Verdict.REFUTED and claim.place.startswith("summary of "):
            source = claim.place.partition(",")[0]
            assert any(claim.id in ids for where, *_, ids in ENTRIES if where == source), claim.id


@pytest.mark.parametrize(("source", "place", "formula", "ids"), ENTRIES)
def test_every_formula_has_claims_that_exist(source, place, formula, ids):
    assert ids
    assert formula
    assert set(ids) <= set(REGISTER)
    for claim_id in ids:  # what is refuted is listed with its correction
        claim = REGISTER[claim_id]
        assert claim.verdict is not Verdict.REFUTED or claim.corrected_by in COVERED


def test_every_claim_about_a_source_is_listed():
    for claim in REGISTER.values():
        assert claim.id in COVERED or claim.place.startswith("beyond the paper"), claim.id


def test_no_formula_is_listed_twice():
    assert len({tuple(entry[:3]) for entry in ENTRIES}) == len(ENTRIES)
