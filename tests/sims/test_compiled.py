"""Compiled losses: equal within the stated tolerance, and without a compiler as if nothing had been asked."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from sims.compiled import CompiledLosses, member_losses
from sims.members import Member
from sims.settings import get_setting
from sims.tasks import load_task
from sims.train import Pack

TRAINING = replace(get_setting("multi_index", "smoke").training, steps=3, evaluations=1)
TASK = load_task(TRAINING.task)
MEMBERS = [Member(2.0**-6, 0), Member(2.0**-5, 0)]
ROOT = Path(__file__).parents[2]

# In a process of its own: the checks of types under pytest are calls that the compiler would have to take.
PROGRAM = """
from sims.compiled import CompiledLosses, member_losses
from sims.members import Member
from sims.settings import get_setting
from sims.tasks import load_task
from sims.train import Pack
training = get_setting("multi_index", "smoke").training
task = load_task(training.task)
members = [Member(2.0**-6, 0), Member(2.0**-5, 1), Member(1e30, 1)]
losses = {}
for compiled in (CompiledLosses(), None):
    pack = Pack(training, 32, members, task, losses_of=compiled or member_losses)
    pack.advance(10**9)
    losses[compiled is None] = [outcome.loss for outcome in pack.outcomes()]
    if compiled:
        print(compiled.note)
print(losses[True], losses[False])
assert all(abs(a - b) <= 1e-4 * abs(b) for a, b in zip(*losses.values()) if b < float("inf"))
assert losses[True][2] == losses[False][2] == float("inf")
"""


def outcomes(losses_of) -> list[float]:
    pack = Pack(TRAINING, 8, MEMBERS, TASK, losses_of=losses_of)
    pack.advance(3)
    return [outcome.loss for outcome in pack.outcomes()]


def run_program(**changes: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **changes}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[0]


def test_what_fails_to_compile_is_trained_as_it_is(monkeypatch):
    from torch._dynamo.exc import BackendCompilerFailed

    def failing(function, **options):
        def compiled(*arguments):
            raise BackendCompilerFailed(failing, RuntimeError("no compiler here"), None)

        return compiled

    monkeypatch.setattr(torch, "compile", failing)
    losses_of = CompiledLosses()
    assert outcomes(losses_of) == outcomes(member_losses)
    assert losses_of.note is not None
    assert "no compiler here" in losses_of.note
    assert losses_of.note.endswith("training goes on without it")


def test_other_errors_are_not_hidden(monkeypatch):
    def broken(function, **options):
        return lambda *arguments: 1 / 0

    monkeypatch.setattr(torch, "compile", broken)
    with pytest.raises(ZeroDivisionError):
        outcomes(CompiledLosses())


@pytest.mark.slow
def test_compiled_losses_agree_within_the_stated_tolerance(tmp_path):
    """On the smoke preset, a member that diverges and is dropped in the middle included."""
    assert run_program(TORCHINDUCTOR_CACHE_DIR=str(tmp_path)) == "None"


@pytest.mark.slow
def test_without_a_compiler(tmp_path):
    assert "training goes on without it" in run_program(
        CXX="/nowhere/c++", TORCHINDUCTOR_CACHE_DIR=str(tmp_path)
    )
