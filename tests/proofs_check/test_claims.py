"""Every claim's verdict is found again; every formula, broken by rule, is rejected."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import proofs_check
from hptheory.errors import UnknownNameError
from proofs_check.claims import AllOf, Claim, Refuted, RoutesDisagree, Verdict, verify
from proofs_check.command import check_claim
from proofs_check.equations import Equation, equations
from proofs_check.exact import Setting, exact_values
from proofs_check.formulas import mutants, parse
from proofs_check.register import MODULES, REGISTER, find

TRUE_EQUATIONS = [
    pytest.param(equation, id=f"{claim.id}-{number}")
    for claim in REGISTER.values()
    if claim.verdict is not Verdict.REFUTED
    for number, equation in enumerate(equations(claim.check))
]


@pytest.mark.parametrize("claim", [c for c in REGISTER.values() if not c.slow], ids=lambda claim: claim.id)
def test_the_recorded_verdict_is_found(claim):
    outcome = check_claim(claim)  # the certificate included
    assert outcome.result == claim.verdict.value, outcome.line
    assert outcome.line


def test_refuted_claims_have_a_correction_that_is_proved():
    for claim in REGISTER.values():
        assert (claim.verdict is Verdict.REFUTED) == bool(claim.corrected_by), claim.id
        if claim.corrected_by:
            assert find(claim.corrected_by).verdict in (Verdict.PROVED, Verdict.CERTIFIED), claim.id


def test_nothing_that_holds_stands_on_what_is_refuted():
    for claim in REGISTER.values():
        if claim.verdict is not Verdict.REFUTED:
            assert all(find(other).verdict is not Verdict.REFUTED for other in claim.depends_on), claim.id


def test_every_claim_says_how_it_is_checked():
    assert find("eq-12").method == "identity of rational functions, and agreement for solutions of (9), (10)"
    assert find("thm-7").method == "nothing is checked by machine"
    for claim in REGISTER.values():
        assert claim.method, claim.id
        assert (claim.method == "nothing is checked by machine") == (claim.check is None), claim.id


def test_every_region_holds_its_witness():
    for claim in REGISTER.values():
        region = claim.where
        assert set(region.witness) == (set(region.variables) if region.conditions else set()), claim.id
        assert region.contains(region.witness), claim.id


@pytest.mark.parametrize("equation", TRUE_EQUATIONS)
def test_every_slip_of_the_pen_is_rejected(equation):
    known, tried = exact_values(equation.setting), 0
    for position, side in enumerate(equation.sides):
        others = [other for k, other in enumerate(equation.sides) if k != position]
        for mutant in mutants(parse(side)):
            if not {str(name) for name in mutant.free_symbols} <= set(known):
                continue  # an index partner that has no meaning in this setting
            broken = replace(equation, sides=(*others, str(mutant)))
            with pytest.raises((Refuted, ZeroDivisionError)):
                broken.find_counterexample()
            tried += 1
    assert tried >= 3


def test_a_formula_with_a_true_left_side_only_is_refuted_on_both_routes():
    # 1e-30 relative: far below what any sample of floats would see; the exact route sees it.
    nearly = Equation(Setting.OPTIMUM, ("lam", "u*B/A - v + u/10**30"))
    with pytest.raises(
        RoutesDisagree
    ):  # the numerical route is good to 25 digits, and must say that it can't tell
        nearly()


def test_an_identity_that_holds_only_at_the_counterexample_point_is_refuted():
    at_the_point_only = Equation(Setting.OPTIMUM, ("lam", "u*B/A - v + (3*psi1 - 7)*(2*t - 5)"))
    at_the_point_only.find_counterexample()  # says nothing there
    with pytest.raises(Refuted, match="no identity"):
        at_the_point_only()


def test_a_wrong_claim_does_not_hold():
    wrong = Claim("x", "", "", Verdict.PROVED, Equation(Setting.OPTIMUM, ("lam", "u*B/A + v")))
    verification = verify(wrong)
    assert verification.found is Verdict.REFUTED
    assert not verification.holds


def test_a_verdict_that_no_longer_holds_is_noticed():
    assert not verify(replace(find("eq-11"), verdict=Verdict.REFUTED)).holds
    assert not verify(replace(find("eq-16"), verdict=Verdict.PROVED)).holds


def test_only_what_is_cited_or_open_may_lack_a_check():
    assert verify(Claim("x", "", "", Verdict.OPEN)).holds
    assert verify(Claim("x", "", "", Verdict.CITED, cites=("a book",))).line == "a book"
    with pytest.raises(RoutesDisagree, match="no check"):
        verify(Claim("x", "", "", Verdict.PROVED))


def test_ids_are_unique_and_dependencies_known_and_without_circles():
    claims = [claim for module in MODULES for claim in module.CLAIMS]
    assert len(claims) == len(REGISTER)

    def ancestors(claim_id: str, path: tuple[str, ...] = ()) -> None:
        assert claim_id not in path, f"circle: {path}"
        for dependency in find(claim_id).depends_on:
            ancestors(dependency, (*path, claim_id))

    for claim_id in REGISTER:
        ancestors(claim_id)


def test_every_numbered_equation_of_app_b4_is_a_claim():
    assert {f"eq-{number}" for number in range(9, 18)} <= set(REGISTER)


def test_an_unknown_claim_names_its_neighbours():
    with pytest.raises(UnknownNameError, match="eq-11"):
        find("eq-111")


def test_no_float_literal_stands_in_proofs_check():
    for path in Path(proofs_check.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), (
                f"{path}:{node.lineno}"
            )


def test_all_of_runs_every_part():
    parts = (lambda: "one", lambda: "two")
    assert AllOf(parts)() == "one; two"
