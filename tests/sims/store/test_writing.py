"""Checkpoints are written: one at a time, seldom, and what cannot be written is a note."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hptheory.files import OutputError
from sims.store.checkpoints import Checkpoint
from sims.store.writing import SHARE, Pace, Writer


@given(st.floats(0.1, 100), st.lists(st.tuples(st.floats(0.01, 5), st.floats(0, 50)), max_size=30))
def test_writing_takes_a_small_share_of_the_time(interval, rounds):
    now = 0.0
    pace = Pace(interval, clock=lambda: now)
    previous_cost, since = None, 0.0
    for gap, cost in rounds:
        now, since = now + gap, since + gap
        if pace.due():
            assert since >= interval
            # The interval is the last write's cost over SHARE; 1e-9: rounding of sums of some hundreds.
            assert previous_cost is None or previous_cost <= SHARE * since + 1e-9
            pace.begin()
            now += cost
            pace.end()
            previous_cost, since = cost, 0.0


class Slow:
    """A checkpoint whose writing waits until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun, self.go, self.written = threading.Event(), threading.Event(), 0
        real = Checkpoint.write

        def write(checkpoint: Checkpoint, *content: object) -> None:
            self.begun.set()
            assert self.go.wait(10)
            real(checkpoint, *content)
            self.written += 1

        monkeypatch.setattr(Checkpoint, "write", write)


@pytest.fixture
def slow(monkeypatch) -> Slow:
    return Slow(monkeypatch)


def test_what_is_written_is_the_state_as_it_was_handed_over(tmp_path, slow):
    weight = torch.zeros(3)
    checkpoint = Checkpoint(tmp_path, ("k",))
    with Writer(checkpoint, 0.0) as writer:
        writer.offer(lambda: {"weight": weight.clone()}, 2.5)
        assert slow.begun.wait(10)
        weight += 1  # the training goes on
        slow.go.set()
    saved = checkpoint.read()
    assert saved.seconds == 2.5
    assert saved.state["weight"].tolist() == [0, 0, 0]


def test_never_are_two_written_at_once(tmp_path, slow):
    def state() -> dict[str, torch.Tensor]:
        asked.append(True)
        return {"weight": torch.zeros(3)}

    asked: list[bool] = []
    with Writer(Checkpoint(tmp_path, ("k",)), 0.0) as writer:
        for _ in range(3):
            writer.offer(state, 0.0)
        assert writer.is_busy()
        slow.go.set()
    assert not writer.is_busy()
    assert len(asked) == slow.written == 1


def failing(errors: Iterator[Exception | None], monkeypatch: pytest.MonkeyPatch) -> None:
    def write(checkpoint: Checkpoint, *content: object) -> None:
        if error := next(errors):
            raise error

    monkeypatch.setattr(Checkpoint, "write", write)


def test_a_place_that_cannot_be_written_is_a_note(tmp_path, monkeypatch):
    full = OutputError(tmp_path, OSError(28, "No space left on device"))
    failing(iter([full, None]), monkeypatch)
    with Writer(Checkpoint(tmp_path, ("k",)), 0.0) as writer:
        writer.offer(dict, 0.0)
    assert writer.notes == [f"no checkpoint: {full}"]


def test_an_error_of_the_program_is_raised(tmp_path, monkeypatch):
    failing(iter([TypeError("no such thing")]), monkeypatch)
    with pytest.raises(TypeError, match="no such thing"), Writer(Checkpoint(tmp_path, ("k",)), 0.0) as writer:
        writer.offer(dict, 0.0)
