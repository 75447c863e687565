"""Every claim's verdict is found again; every formula, broken by rule, is rejected."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import proofs_check
from hptheory.errors import UnknownNameError
from proofs_check import app_b4_limit, app_b4_risk, app_b4_sensitivity, app_b4_transfer, unimodality
from proofs_check.claims import AllOf, Claim, Equation, Refuted, RoutesDisagree, Verdict, verify
from proofs_check.exact import Setting, exact_values
from proofs_check.formulas import mutants, parse
from proofs_check.register import REGISTER, find


def equations(check: object) -> list[Equation]:
    """The displayed formulas inside a check."""
    if isinstance(check, Equation):
        return [check]
    return [equation for part in getattr(check, "parts", ()) for equation in equations(part)]


TRUE_EQUATIONS = [
    pytest.param(equation, id=f"{claim.id}-{number}")
    for claim in REGISTER.values()
    for number, equation in enumerate(equations(claim.corrected or claim.printed))
]


@pytest.mark.parametrize("claim", REGISTER.values(), ids=lambda claim: claim.id)
def test_the_recorded_verdict_is_found(claim):
    verification = verify(claim)
    assert verification.holds, verification.lines
    assert all(verification.lines)
    assert (claim.verdict is Verdict.REFUTED) == bool(claim.corrected) == bool(claim.correction)


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


def test_a_refuted_claim_without_a_correction_is_an_error_not_a_verdict():
    wrong = Claim("x", "", "", Verdict.PROVED, Equation(Setting.OPTIMUM, ("lam", "u*B/A + v")))
    with pytest.raises(Refuted):
        verify(wrong)


def test_a_wrong_correction_is_an_error_not_a_verdict():
    claim = find("eq-16")
    with pytest.raises(Refuted):
        verify(replace(claim, corrected=claim.printed))


def test_a_verdict_that_no_longer_holds_is_noticed():
    assert not verify(replace(find("eq-11"), verdict=Verdict.REFUTED)).holds
    assert not verify(replace(find("eq-16"), verdict=Verdict.PROVED)).holds


def test_ids_are_unique_and_dependencies_known_and_without_circles():
    modules = (app_b4_limit, app_b4_sensitivity, app_b4_risk, app_b4_transfer, unimodality)
    claims = [claim for module in modules for claim in module.CLAIMS]
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
    for path in Path(proofs_check.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), (
                f"{path}:{node.lineno}"
            )


def test_all_of_runs_every_part():
    parts = (lambda: "one", lambda: "two")
    assert AllOf(parts)() == "one; two"
