"""Random streams by name: independent generators for every purpose of a seed, without global state."""

from __future__ import annotations

import hashlib

import numpy as np
import torch


def generator(seed: int, *purpose: str | int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator, by default of the CPU, whose stream belongs to this seed and purpose alone.

    Streams of different purposes (weights of width 64, batches, ...) must not overlap, and ``seed +
    offset`` would let them: the seed of the generator is a hash of all of the name.

    *Laws*: the same arguments give the same stream; other arguments, another. A GPU's
    streams are not the CPU's.

    >>> a, b, c = generator(0, "batches"), generator(0, "batches"), generator(0, "weights", 64)
    >>> x, y, z = (torch.rand(4, generator=g) for g in (a, b, c))
    >>> bool((x == y).all()), bool((x == z).any())
    (True, False)
    """
    return torch.Generator(device).manual_seed(_hashed(seed, *purpose) >> 1)


def numpy_generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """NumPy's generator with a stream that belongs to this seed and purpose alone: for draws of the host.

    *Laws*: as ``generator``.

    >>> x, y, z = (numpy_generator(0, "crops", step).random() for step in (1, 1, 2))
    >>> x == y, x == z
    (True, False)
    """
    return np.random.default_rng(_hashed(seed, *purpose))


def _hashed(seed: int, *purpose: str | int) -> int:
    """64 bits of a hash of all of the name."""
    name = ":".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
