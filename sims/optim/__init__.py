"""Optimizers on plain or member-stacked parameters: torch.optim's formulas with a learning rate a member, and
those that treat a weight as a matrix (Muon, Dion, Shampoo, SOAP, AdaMuon), with grafting and spectral
normalisation.
"""

from __future__ import annotations

from sims.optim.adam import Adam
from sims.optim.adamuon import AdaMuon, AdaMuonRule
from sims.optim.dion import Dion, DionRule
from sims.optim.elementwise import AdamRule, SGDRule
from sims.optim.graft import Graft
from sims.optim.matrix import MatrixOptimizer
from sims.optim.muon import Muon, MuonRule
from sims.optim.rms import RMSNorm
from sims.optim.rule import Rule
from sims.optim.sgd import SGD
from sims.optim.shampoo import Shampoo, ShampooRule
from sims.optim.soap import SOAP, SOAPRule
from sims.optim.spectral import SpectralNorm

__all__ = [
    "SGD",
    "SOAP",
    "AdaMuon",
    "AdaMuonRule",
    "Adam",
    "AdamRule",
    "Dion",
    "DionRule",
    "Graft",
    "MatrixOptimizer",
    "Muon",
    "MuonRule",
    "RMSNorm",
    "Rule",
    "SGDRule",
    "SOAPRule",
    "Shampoo",
    "ShampooRule",
    "SpectralNorm",
]
