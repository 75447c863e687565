"""``python -m proofs_check``: a line a claim, and an exit code that means something."""

from __future__ import annotations

from dataclasses import replace

from proofs_check.__main__ import main
from proofs_check.claims import Equation, Verdict
from proofs_check.exact import Setting
from proofs_check.register import REGISTER, find


def test_a_named_claim_says_how(capsys):
    assert main(["eq-16", "eq-11"]) == 0
    shown = capsys.readouterr().out
    assert "as printed: 2*B*(u + v*t)*(t - 1)**3" in shown
    assert shown.splitlines()[-1] == "1 refuted, 1 proved"


def test_an_unknown_claim_is_bad_input(capsys):
    assert main(["eq-61"]) == 2
    assert "eq-16" in capsys.readouterr().err


def test_a_verdict_that_is_not_found_fails(capsys, monkeypatch):
    monkeypatch.setitem(REGISTER, "eq-11", replace(find("eq-11"), verdict=Verdict.REFUTED))
    monkeypatch.setitem(
        REGISTER, "eq-12", replace(find("eq-12"), printed=Equation(Setting.OPTIMUM, ("ddR", "2*B")))
    )
    for claim_id in ("eq-11", "eq-12"):
        assert main([claim_id]) == 1
        assert "FAILED" in capsys.readouterr().out
