"""The page of errata is the one that the register generates, and its lines run."""

from __future__ import annotations

import re

import pytest

from proofs_check import errata
from proofs_check.claims import Verdict
from proofs_check.demonstrations import BEFORE, PREAMBLE, WHOLE
from proofs_check.exact import Setting, exact_values
from proofs_check.formulas import evaluate, parse
from proofs_check.register import REGISTER, find


def cells(text: str) -> list[str]:
    return re.findall(r"```\{code-cell\} ipython3\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def page() -> str:
    return errata.page()


def test_the_committed_page_is_the_generated_one(page):
    assert errata.PAGE.read_text(encoding="utf-8") == page, "run: python -m proofs_check.errata"


def test_every_refuted_claim_has_an_entry_and_nothing_else_has(page):
    entries = re.findall(r"^\(erratum-(.*)\)=$", page, re.MULTILINE)
    assert entries == [claim.id for claim in REGISTER.values() if claim.verdict is Verdict.REFUTED]


def test_the_lines_of_the_page_run_and_show_what_they_say(page, capsys):
    shown, names = cells(page), {}
    for code in shown:
        exec(compile(code, "docs/errata.md", "exec"), names)  # the asserts are in the lines
    printed = capsys.readouterr().out.strip().splitlines()
    assert len(printed) == len(shown) - 1  # one line an entry; the first cell only defines


def test_a_wrong_correction_does_not_run():
    names: dict[str, object] = {}
    exec(PREAMBLE, names)
    lines = errata.demonstration(find("b4-deta-m1"))
    exec(BEFORE["eq-13"] + lines, names)
    with pytest.raises(AssertionError):
        exec(lines.replace("corrected=", "corrected=2*"), names)
    with pytest.raises(AssertionError):  # nor does a print that is right after all
        exec(re.sub(r"printed=.*\n", "printed=deta_m1,\n", lines, count=1), names)


def test_entries_that_compare_no_formula_are_refuted_claims():
    assert {find(claim_id).verdict for claim_id in (*BEFORE, *WHOLE)} == {Verdict.REFUTED}


def test_the_printed_closed_form_follows_from_the_printed_15():
    # what the note of b4-C-lambda says: (17) with the printed (15) gives the printed C_lambda
    values = exact_values(Setting.OPTIMUM)
    s, psi1, u, A, B = values["t"].field.gens
    t = 1 + s
    free = {"t": t, "psi1": psi1, "u": u, "v": 1 - u, "A": A, "B": B}
    free |= {"S": evaluate(parse("psi1*t**2 - (t - 1)**2"), free)}
    free["Q"] = exact_values(Setting.LIMIT)["Q"]
    slope = evaluate(parse("(t - 1)**2*Q/(u*S**2)"), free).diff(s)
    ratio = -slope / (exact_values(Setting.LIMIT)["dt_lam"] * values["ddR"])
    printed = evaluate(parse(find("b4-C-lambda").check.sides[1]), free)
    relation = (A * (psi1 * t - s) - B * s * t).numer
    assert (ratio - printed).numer.rem(relation) == 0
    assert (ratio - 2 * printed).numer.rem(relation) != 0
