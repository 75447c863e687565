"""Named random streams: repeatable, and independent of each other and of the global generator."""

from __future__ import annotations

import torch

from sims.seeding import generator


def test_streams_are_told_apart_by_every_part_of_the_name():
    names = [
        (0, "weights"),
        (1, "weights"),
        (0, "batches"),
        (0, "weights", 1),
        (0, "weights", 1, 2),
        (0, "weights", 12),
    ]
    draws = [torch.randint(2**62, (), generator=generator(*name)).item() for name in names]
    assert len(set(draws)) == len(names)


def test_the_global_generator_is_neither_used_nor_moved():
    before = torch.random.get_rng_state()
    torch.rand(3, generator=generator(0, "a"))
    assert (torch.random.get_rng_state() == before).all()


def test_a_stream_is_the_same_for_ever():
    """Stored results depend on it: a change of the hash must raise TRAINER_VERSION in sims.store."""
    assert generator(0, "weights", "hidden", 64, 64).initial_seed() == 3569408958147813801
