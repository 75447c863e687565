"""The limits of machines."""

from __future__ import annotations

import pytest

from sims import machine
from sims.machine import best_seconds, h100, peak_bandwidth, peak_flops


def test_the_best_time_is_the_shortest(monkeypatch):
    clock = iter([0.0, 3.0, 3.0, 5.0, 5.0, 9.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    assert best_seconds(lambda: None, repeats=3) == 2.0


def test_limits_are_of_the_right_size(monkeypatch):
    """Any machine that runs this: 10 Mflop/s to 100 Tflop/s, 10 MB/s to 100 TB/s."""
    monkeypatch.setattr(machine, "MATRIX", 256)
    monkeypatch.setattr(machine, "COPIED", 2**20)
    assert 1e7 < peak_flops() < 1e14
    assert 1e7 < peak_bandwidth() < 1e14


@pytest.mark.parametrize("precision", ["fp32", "tf32", "bf16"])
def test_every_precision_has_a_peak(precision):
    assert h100(precision, 1e-5).flops >= 67e12
