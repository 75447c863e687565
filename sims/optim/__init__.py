"""Optimizers on plain or member-stacked parameters: torch.optim's formulas, with a learning rate a member."""

from __future__ import annotations

from sims.optim.adam import Adam
from sims.optim.sgd import SGD

__all__ = ["SGD", "Adam"]
