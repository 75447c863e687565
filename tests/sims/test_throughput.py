"""The choice of a pack's size: by measurement, kept with the sweep, within the memory."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sims import throughput
from sims.settings import get_setting
from sims.store import runs_of
from sims.tasks import load_task
from sims.throughput import FILE, member_bytes, pack_size

SETTING = replace(get_setting("multi_index", "smoke"), widths=(8,), seeds=(0, 1, 2, 3))
LONG = replace(SETTING.training, steps=1000)
RUNS = runs_of(SETTING)
TASK = load_task(LONG.task)


@pytest.fixture
def speeds(monkeypatch):
    """Made-up speeds by size of pack, and the sizes that were measured."""
    measured = []

    def speed(training, width, runs, task, clock):
        measured.append(len(runs))
        return {3: 5.0, 9: 7.0, 12: 6.0}[len(runs)]

    monkeypatch.setattr(throughput, "members_steps_a_second", speed)
    return measured


def test_the_fastest_size_is_kept(tmp_path, speeds):
    assert pack_size(LONG, 8, RUNS, TASK, tmp_path) == 9
    assert speeds == [3, 9, 12]
    assert json.loads((tmp_path / FILE).read_text()) == {"8": 9}
    assert pack_size(LONG, 8, RUNS, TASK, tmp_path) == 9
    assert pack_size(LONG, 8, RUNS[:2], TASK, tmp_path) == 2
    assert speeds == [3, 9, 12]
    (tmp_path / FILE).write_text("[")
    assert pack_size(LONG, 8, RUNS, TASK, tmp_path) == 9
    assert len(speeds) == 6


def test_short_runs_are_not_measured(tmp_path, speeds):
    assert pack_size(SETTING.training, 8, RUNS, TASK, tmp_path) == len(RUNS)
    assert speeds == []


def test_packs_fit_into_the_memory(monkeypatch, speeds):
    throughput.most_members.cache_clear()
    monkeypatch.setattr(throughput, "memory", lambda device: 6.5 * member_bytes(LONG, 16, TASK))
    assert pack_size(LONG, 16, RUNS, TASK) == 3  # half of it: 3 members
    throughput.most_members.cache_clear()
    monkeypatch.setattr(throughput, "memory", lambda device: 1.0)
    assert pack_size(LONG, 16, RUNS, TASK) == 1
    throughput.most_members.cache_clear()


def test_a_measurement_is_a_speed():
    """On the real clock: more than one step a second at width 8, and it ends."""
    assert throughput.members_steps_a_second(LONG, 8, RUNS[:3], TASK) > 3
