"""Data sets for classification, standardised and split, and the streams of batches drawn from them."""

from __future__ import annotations

from collections.abc import Callable

from hptheory.errors import UnknownNameError
from sims.data.batches import epoch_batches
from sims.data.classification import Classification
from sims.data.digits import load_digits

__all__ = ["DATASETS", "Classification", "epoch_batches", "load_data"]

DATASETS: dict[str, Callable[[int], Classification]] = {"digits": load_digits}


def load_data(name: str, validation_size: int) -> Classification:
    """The data set of that name, with ``validation_size`` examples held out.

    Domain: an unknown name is an ``UnknownNameError``.
    """
    if name not in DATASETS:
        raise UnknownNameError("data set", name, list(DATASETS))
    return DATASETS[name](validation_size)
