"""How many runs fit into the memory."""

from __future__ import annotations

from sims import capacity
from sims.capacity import member_bytes, most_members
from sims.settings import get_setting
from sims.tasks import load_task

TRAINING = get_setting("multi_index", "smoke").training
TASK = load_task(TRAINING.task)


def test_packs_fit_into_the_memory(monkeypatch):
    monkeypatch.setattr(capacity, "memory", lambda device: 6.5 * member_bytes(TRAINING, 16, TASK))
    assert most_members(TRAINING, 16, TASK) == 3  # half of it: 3 members
    assert most_members(TRAINING, 16, TASK, processes=2) == 1
    monkeypatch.setattr(capacity, "memory", lambda device: 1.0)
    assert most_members(TRAINING, 16, TASK) == 1


def test_a_member_takes_its_weights_in_all_copies_at_least():
    parameters = 64 * 512 + 512 + 512
    assert member_bytes(TRAINING, 512, TASK) > 4 * capacity.COPIES * parameters
