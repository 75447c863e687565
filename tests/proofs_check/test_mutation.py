"""Every claim, broken by rule, is rejected; and the table would show a variant that is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proofs_check import mutation
from proofs_check.claims import Refuted, Verdict
from proofs_check.mutation import fates, table
from proofs_check.register import REGISTER, find
from proofs_check.slips import slips
from proofs_check.variants import Fate, of_item, second_opinion

SHOWN = [
    claim
    for claim in REGISTER.values()
    if claim.verdict in (Verdict.PROVED, Verdict.CERTIFIED, Verdict.REFUTED) and not claim.slow
]


@pytest.mark.parametrize("claim", SHOWN, ids=lambda claim: claim.id)
def test_broken_variants_are_rejected(claim):
    count = fates(claim, limit=4)
    if count[Fate.KILLED] < mutation.NEEDED:  # four variants of a sign may all be true
        count = fates(claim)
    assert not count[Fate.ALIVE]
    assert count[Fate.KILLED] >= mutation.NEEDED, count


def test_a_variant_that_is_accepted_is_alive():
    def objects() -> str:
        raise Refuted("no")

    claim = replace(find("eq-11"), breaks=(("nothing", find("eq-11").check), ("something", objects)))
    assert fates(claim, limit=1)[Fate.ALIVE] == 1
    lines, well = table([claim], limit=1)
    assert not well
    assert lines[1].endswith("one alive")


def test_what_the_checker_accepts_wrongly_is_alive(monkeypatch):
    item = {
        "kind": "combination",
        "what": "a sum",
        "variables": ["a", "b"],
        "hypotheses": {"first": "a", "second": "b"},
        "conclusion": "a + b",
        "terms": [{"coefficient": "1", "of": ["first"]}, {"coefficient": "1", "of": ["second"]}],
    }
    assert {fate for _, fate in fates_of(item)} == {Fate.KILLED}
    monkeypatch.setattr(
        "proofs_check.variants.check_item", lambda item: None
    )  # a checker that takes anything
    assert {fate for _, fate in fates_of(item)} == {Fate.ALIVE}


def fates_of(item):
    return [(what, mutation._fate(fate)) for what, fate in of_item(item)]


def test_what_cannot_be_sampled_is_vouched_for_by_one_route():
    item = {"kind": "zero", "what": "", "variables": ["x"], "steps": [], "zero": ["x - x"]}
    assert second_opinion(item) is Fate.TRUE
    assert second_opinion(item | {"zero": ["x - x"] * 10_000}) is Fate.VOUCHED
    assert second_opinion(item | {"zero": ["x - x", "At(1/(1/x), x, 0)"]}) is Fate.VOUCHED
    assert second_opinion(item | {"zero": ["x - x", "x/10**30"]}) is Fate.ALIVE


def test_too_few_variants_are_not_enough(monkeypatch):
    monkeypatch.setattr(mutation, "NEEDED", 10_000)
    assert not table([find("eq-11")], limit=1)[1]


def test_the_command_prints_the_table(capsys):
    assert mutation.main(["b4-dt-m1"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["claim", "verdict", "killed", "still", "true", "vouched", "alive"]
    assert shown[-1].startswith("1 claims:")
    assert shown[-1].endswith("0 alive")
    assert mutation.main(["b4-dt-m9"]) == 2
    assert "did you mean" in capsys.readouterr().err


def test_slips_change_one_thing_and_keep_to_known_names():
    assert list(slips("u", {"u"})) == ["2 * u"]
    assert list(slips("u", {"u", "v"})) == ["2 * u", "v"]
    assert list(slips("D(f, s)", {"f", "s"})) == ["D(2 * f, s)"]
    assert "-(a + b)" in list(slips("-(a - b)", {"a", "b"}))
    assert len(set(slips("(a + b)**2/c - 3", {"a", "b", "c"}))) == len(list(slips("(a + b)**2/c - 3", {})))
