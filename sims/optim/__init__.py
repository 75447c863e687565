"""Optimizers on plain or member-stacked parameters, with one learning rate a member: torch.optim's
formulas, batched."""

from __future__ import annotations

from sims.optim.adam import Adam
from sims.optim.sgd import SGD

__all__ = ["SGD", "Adam"]
