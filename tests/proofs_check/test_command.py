"""``hptheory check``: a line a claim, an exit code that means something, never "ok" for what is undecided."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest

from hptheory.cli import main
from hptheory.errors import MissingExtraError, UnknownNameError
from proofs_check import command, files
from proofs_check.claims import Undecided, Verdict
from proofs_check.command import check
from proofs_check.equations import Equation
from proofs_check.exact import Setting
from proofs_check.register import REGISTER, find


def test_a_named_claim_says_what_was_found(capsys):
    assert main(["check", "eq-16", "eq-11"]) == 0
    shown = capsys.readouterr().out
    assert "counterexample: 2*B*(u + v*t)*(t - 1)**3" in shown
    assert shown.splitlines()[-1].startswith("1 proved, 1 refuted; 2 certificates right")


def test_the_argument_is_explained(capsys):
    assert main(["check", "b4-unique-solution", "eq-16", "--explain"]) == 0
    shown = capsys.readouterr().out
    assert "the point lies on" in shown  # the argument
    assert f"method: {find('b4-unique-solution').method}" in shown
    assert "method: a counterexample in exact arithmetic, confirmed by solutions of (9), (10)" in shown
    assert "certificate: proofs_check/proofs/b4-unique-solution.json: 3 identities" in shown
    assert "stands on: eq-9, eq-10" in shown
    assert "corrected: eq-16-corrected" in shown
    assert "for all: psi1 > 0, 0 < u < 1, A > 0, B > 0" in shown


def test_an_unknown_claim_is_bad_input(capsys):
    assert main(["check", "eq-61"]) == 2
    assert "did you mean" in capsys.readouterr().err
    with pytest.raises(UnknownNameError, match="eq-16"):
        check(["eq-166"])


def test_a_missing_package_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)
    assert main(["check", "rf-one-optimum"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    with pytest.raises(MissingExtraError):
        check(["rf-one-optimum"])


def test_a_verdict_that_is_not_found_fails(capsys, monkeypatch):
    monkeypatch.setitem(REGISTER, "eq-11", replace(find("eq-11"), verdict=Verdict.REFUTED))
    monkeypatch.setitem(
        REGISTER, "eq-12", replace(find("eq-12"), check=Equation(Setting.OPTIMUM, ("ddR", "2*B")))
    )
    for claim_id in ("eq-11", "eq-12"):
        assert check([claim_id]) == 1
        assert "FAILED" in capsys.readouterr().out


def test_what_is_undecided_is_not_ok(capsys, monkeypatch):
    def gives_up() -> str:
        raise Undecided("4 of 10000 boxes left after 60 s")

    monkeypatch.setitem(REGISTER, "eq-11", replace(find("eq-11"), check=gives_up))
    assert check(["eq-11"]) == 1
    shown = capsys.readouterr().out
    assert "4 of 10000 boxes left" in shown
    assert shown.splitlines()[-1].startswith("1 UNDECIDED; 0 certificates")


def test_an_enclosure_that_takes_too_long_is_undecided(capsys):
    assert main(["check", "rf-error-bar-figure-4", "--time-limit", "0"]) == 1
    shown = capsys.readouterr().out
    assert "UNDECIDED rf-error-bar-figure-4" in shown
    assert "no sign in the time given" in shown


def test_fast_says_how_many_it_left_out(capsys, monkeypatch):
    only = {"eq-11": find("eq-11"), "eq-12": replace(find("eq-12"), slow=True)}
    monkeypatch.setattr(command, "REGISTER", only)
    assert check(fast=True) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 proved, 1 left out;")
    assert check(["eq-12"], fast=True) == 0  # named, so meant
    assert capsys.readouterr().out.splitlines()[-1].startswith("1 proved;")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "FOLDER", tmp_path)
    return tmp_path


def test_a_missing_certificate_fails(folder, capsys):
    assert check(["eq-11"]) == 1
    assert "no certificate file" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda c: c | {"format": 0}, "has format 0, this checker reads 1"),
        (lambda c: c | {"claim": "eq-12"}, "damaged"),
        (lambda c: files.certificate(find("eq-12"), c["items"]), "belongs to the claim eq-12"),
        (lambda c: files.certificate(find("eq-11"), [c["items"][0] | {"what": "x"}]), "another version"),
        (lambda c: files.certificate(find("eq-11"), []), "empty"),
    ],
)
def test_another_certificate_fails(folder, capsys, change, complaint):
    files.write_all([find("eq-11")])
    where = files.path(find("eq-11"))
    where.write_text(json.dumps(change(json.loads(where.read_text()))))
    assert check(["eq-11"]) == 1
    assert complaint in capsys.readouterr().out


def test_writing_removes_what_belongs_to_no_claim(folder, capsys):
    (folder / "old.json").write_text("{}")
    files.write_all([find("eq-11")])
    assert [path.name for path in folder.iterdir()] == ["eq-11.json"]
    assert check(["eq-11"]) == 0
