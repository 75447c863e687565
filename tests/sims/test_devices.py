"""Devices by name: what is there, and one sentence for what is not."""

from __future__ import annotations

import pytest
import torch

from sims.devices import choose_device, describe_device
from sims.errors import DeviceError


@pytest.mark.parametrize("name", ["cuda:99", "gpu", "xla", "", "cpu:x", "mps:7x"])
def test_a_device_that_is_not_there_is_named(name):
    with pytest.raises(DeviceError, match=f"there is no device '{name}' here; give cpu, cuda"):
        choose_device(name)


def test_auto_is_a_gpu_if_there_is_one(monkeypatch):
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    for there, kind in ((True, "cuda"), (False, "cpu")):
        monkeypatch.setattr("torch.cuda.is_available", lambda there=there: there)
        assert choose_device("auto").type == kind


def test_a_gpu_is_described_by_its_name(monkeypatch):
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "H100")
    assert describe_device(torch.device("cuda", 1)) == "cuda:1 (H100)"
    assert describe_device(torch.device("cpu")) == "cpu"
