"""Where tensors live: a device by name, checked before anything is trained on it."""

from __future__ import annotations

import torch

from sims.errors import DeviceError


def choose_device(name: str = "auto") -> torch.device:
    """The device of that name; ``auto`` is a CUDA GPU, else an Apple GPU, else the CPU.

    Domain: a device that is not there, or a name that torch does not know, raises ``DeviceError``.

    >>> choose_device("cpu"), choose_device().type in ("cuda", "mps", "cpu")
    (device(type='cpu'), True)
    >>> choose_device("gpu")
    Traceback (most recent call last):
        ...
    sims.errors.DeviceError: there is no device 'gpu' here; give cpu, cuda, cuda:N, mps or auto
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, found in there.items() if found))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(name) from error
    missing = device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count()
    if missing or not there.get(device.type, False):
        raise DeviceError(name)
    return device


def describe_device(device: torch.device) -> str:
    """The device for a record: a GPU with the name of its kind."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)
