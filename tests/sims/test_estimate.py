"""The estimate of a sweep: its sums, its words, and that it trains nothing."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from sims import commands, machine
from sims.estimate import Estimate, Row, describe, estimate, large_pack_cost
from sims.machine import Machine, h100
from sims.settings import get_setting
from sims.tasks import load_task
from tests.sims.engines.work import Pretender

SETTING = replace(get_setting("multi_index", "smoke"), widths=(8, 16))
HERE = Machine("this CPU, 1 thread(s)", 1e11, 1e10, 1e-5, 1e10)


def row(width: int, flops: float, measured: float | None, modelled: float, gpu: float) -> Row:
    """Six runs of 64 steps."""
    here = {"engine": "1 process of 1 thread", "pack": 3}
    there = {"gpu_pack": 6, "gpu": gpu}
    return Row(width, 6, 384, flops, 10**6, measured=measured, modelled=modelled, **there, **here)


ROWS = (row(8, 1e6, 2.0, 1.0, 0.25), row(16, 2e6, 3.0, 2.0, 0.5), row(32, 4e6, None, 4.0, 1.0))


@pytest.fixture
def small_matrices(monkeypatch):
    """The limits of this machine, measured on little."""
    monkeypatch.setattr(machine, "MATRIX", 64)
    monkeypatch.setattr(machine, "COPIED", 2**16)


def test_what_was_not_measured_is_corrected_as_the_widest_that_was():
    found = Estimate(SETTING, ROWS, HERE, h100("fp32", 1e-5))
    assert found.ratios == [2.0, 1.5]
    assert found.seconds_here == 2.0 + 3.0 + 1.5 * 4.0
    assert found.seconds_gpu == 1.75
    text = describe(found)
    assert "4.0 s*" in text
    assert "too slow to be timed" in text
    assert "that no GPU has confirmed" in text
    assert "width by width: 2.00, 1.50" in text


def test_a_real_estimate(small_matrices):
    found = estimate(SETTING)
    assert [row.width for row in found.rows] == [8, 16]
    for row in found.rows:
        assert row.member_steps == 64 * 6
        assert row.flops == 64 * 6 * 2 * 256 * row.width * (2 * 64 + 3)
        assert row.measured is not None
        assert row.gpu_pack == row.runs == 6
        assert all(map(math.isfinite, (row.measured, row.modelled, row.gpu)))
    assert "nothing was trained" in describe(found)


def test_what_is_timed_is_what_a_sweep_would_choose(small_matrices):
    """Of an engine whose steps take 0.03 s and one with two slots of 0.01 s, whatever the pack."""
    one, two = Pretender([0.03], "one"), Pretender([0.01, 0.01], "two")
    for row in estimate(SETTING, engines=[one, two]).rows:
        assert (row.engine, row.pack) == ("two", 6)
        assert row.measured == pytest.approx(row.member_steps / (2 * 6 / 0.01))


def test_large_packs_are_counted_within_the_memory(monkeypatch):
    monkeypatch.setattr("sims.estimate.DRAWN", 3.5 * 4 * 8 * 66)
    assert large_pack_cost(SETTING.training, 8, 27, load_task(SETTING.training.task)).members == 3
    assert large_pack_cost(SETTING.training, 8, 2, load_task(SETTING.training.task)).members == 2


def test_the_command_trains_nothing(tmp_path, capsys, small_matrices):
    commands.sweep("llama_muon", preset="smoke", widths=(16,), out=tmp_path, estimate=True)
    engine = r"process(es)? of \d+ threads?, packs of \d+"  # whichever a loaded machine finds faster
    assert re.search(engine, capsys.readouterr().out)
    assert not list(tmp_path.iterdir())
