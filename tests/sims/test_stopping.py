"""Signals while units are trained: the first is noted, the second raised."""

from __future__ import annotations

import signal

import pytest

from sims.stopping import stop_noted


@pytest.fixture(autouse=True)
def own_handlers():
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


def interrupted(times: int) -> list[bool]:
    """Whether a stop was noted after each of so many signals; the last one's is missing if it was raised."""
    seen = []
    try:
        with stop_noted() as stopping:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
                seen.append(stopping())
    except KeyboardInterrupt:
        return seen
    raise AssertionError("no KeyboardInterrupt")


def test_the_first_is_noted_and_raised_on_leaving():
    assert interrupted(1) == [True]
    assert interrupted(2) == [True, True]  # at the same time: they are one
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_is_raised_at_once(monkeypatch):
    monkeypatch.setattr("sims.stopping.TOGETHER", -1.0)
    assert interrupted(2) == [True]


def test_a_programs_own_handler_is_left_alone():
    seen: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    with stop_noted() as stopping:
        signal.raise_signal(signal.SIGTERM)
        assert not stopping()
    assert seen == [signal.SIGTERM]
