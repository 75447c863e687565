"""The allocator of a training process: large blocks that were freed are there for the next one."""

from __future__ import annotations

import sys

import pytest
import torch

from sims.memory import keep_freed_blocks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's allocator")
def test_a_freed_block_is_used_again_without_new_pages():
    """A page that the system gives is a fault: 16 MB have 4,096 of them (8 huge ones)."""
    resource = pytest.importorskip("resource")
    if not keep_freed_blocks():
        pytest.skip("not glibc")
    faults = []
    for _ in range(4):
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        block = torch.ones(4 * 2**20)
        faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
        del block
    assert min(faults[1:]) < 8


def test_asking_twice_is_harmless():
    assert keep_freed_blocks() == keep_freed_blocks()
