"""The roofline model of a training step against the step's measured time, on one thread, packs of three."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import torch

from benchmarks.harness import Row
from sims.estimate import estimate
from sims.settings import get_setting

WIDTHS = (32, 128, 512, 2048, 8192)
FACTOR = 1.5  # by which model and measurement may differ


def rows() -> Iterator[Row]:
    """A row a width: measured over modelled time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = estimate(replace(get_setting("multi_index", "cpu"), widths=WIDTHS))
    finally:
        torch.set_num_threads(threads)
    for row in found.rows:
        assert row.measured is not None
        ratio = row.measured / row.modelled
        measured, modelled = (1e3 * seconds / row.member_steps for seconds in (row.measured, row.modelled))
        yield Row(
            f"multi_index {row.width}: a member-step",
            f"{measured:.3f} ms",
            f"the model: {modelled:.3f} ms",
            f"{ratio:.2f}",
            f"within x{FACTOR}",
            1 / FACTOR <= ratio <= FACTOR,
        )
