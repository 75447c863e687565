"""Data sets for classification, standardised and split, and the streams of batches drawn from them."""

from __future__ import annotations

from sims.data.batches import epoch_batches
from sims.data.classification import Classification
from sims.data.digits import load_digits

__all__ = ["Classification", "epoch_batches", "load_digits"]
