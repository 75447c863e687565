"""Checkpoints: bit for bit, whole or absent, and one sentence for everything that can be wrong with one."""

from __future__ import annotations

import json
import resource
import signal
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load, save_file

from hptheory.files import OutputError
from sims.errors import CheckpointError
from sims.store.checkpoints import Checkpoint, stored_packs

KEYS = ("k1", "k2")
STATE = {
    "weight": torch.tensor([[0.1, float("nan")], [float("inf"), -0.0]]),
    "half": torch.arange(3).to(torch.bfloat16),
    "steps": torch.tensor(7),
    "empty": torch.zeros(2, 0),
    "flags": torch.tensor([True, False]),
    "double": torch.tensor([0.1], dtype=torch.float64),
}


def same_bits(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    def bits(tensor: torch.Tensor) -> bytes:
        return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()

    return {name: (t.dtype, t.shape, bits(t)) for name, t in one.items()} == {
        name: (t.dtype, t.shape, bits(t)) for name, t in other.items()
    }


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    one = Checkpoint(tmp_path, KEYS)
    one.write(STATE, seconds=1.5)
    return one


def test_what_is_read_is_what_was_written(checkpoint):
    saved = checkpoint.read()
    assert saved.seconds == 1.5
    assert same_bits(saved.state, STATE)
    checkpoint.write({"other": torch.ones(2, 3).T}, seconds=2.5)
    assert same_bits(checkpoint.read().state, {"other": torch.ones(3, 2)})


def test_it_is_found_by_its_runs_and_goes_when_discarded(checkpoint, tmp_path):
    assert stored_packs(tmp_path) == [KEYS]
    assert Checkpoint(tmp_path, ("k1",)).read() is None
    checkpoint.discard()
    checkpoint.discard()
    assert checkpoint.read() is None
    assert stored_packs(tmp_path) == []


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_change_of_any_bit_is_noticed(tmp_path_factory, place, bit):
    checkpoint = Checkpoint(tmp_path_factory.mktemp("flip"), KEYS)
    checkpoint.write(STATE, seconds=1.5)
    content = bytearray(checkpoint.path.read_bytes())
    content[int(place * len(content))] ^= 1 << bit
    checkpoint.path.write_bytes(content)
    with pytest.raises(CheckpointError, match=checkpoint.path.name):
        checkpoint.read()


@pytest.mark.parametrize("kept", [0, 1, 8, 100, -1])
def test_half_a_file_is_noticed(checkpoint, tmp_path, kept):
    checkpoint.path.write_bytes(checkpoint.path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.read()
    assert len(stored_packs(tmp_path)) == (kept in (-1, 100) and len(stored_packs(tmp_path)))


def test_a_foreign_file_is_refused(checkpoint, tmp_path):
    """A pickle, a file without a digest, another pack's file under this name, a folder."""
    torch.save(STATE, checkpoint.path)
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.read()
    save_file(STATE, checkpoint.path, {"runs": json.dumps(KEYS)})
    with pytest.raises(CheckpointError, match="is damaged"):
        checkpoint.read()
    other = Checkpoint(tmp_path, ("k3",))
    other.write(STATE, seconds=0.0)
    other.path.replace(checkpoint.path)
    with pytest.raises(CheckpointError, match="belongs to other runs"):
        checkpoint.read()
    checkpoint.path.unlink()
    checkpoint.path.mkdir()
    with pytest.raises(CheckpointError, match=checkpoint.path.name):
        checkpoint.read()


def test_any_reader_of_safetensors_reads_it(checkpoint):
    assert same_bits(load(checkpoint.path.read_bytes()), STATE)


def test_a_full_disk_leaves_the_former_checkpoint(checkpoint, tmp_path):
    """A limit on the size of files makes the system itself refuse, in the middle of the file."""
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
        with pytest.raises(OutputError, match=r"cannot write .*\(File too large\); choose another place"):
            checkpoint.write({"big": torch.zeros(100_000)}, seconds=9.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert same_bits(checkpoint.read().state, STATE)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == [checkpoint.path.name]
