"""The constants of a parameter group: the epsilons of the rule that gives the direction, of a graft, and of
the norms, and what else the rate depends on.

Each epsilon is compared with sizes of its own, and so scaled by a rule of its own: ``eps`` as without graft
and spectral normalisation, which come after it. The names are those of the groups of ``sims.optim``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hptheory.parameterization.layer_scaling import LayerScaling
from hptheory.parameterization.model_rules import LayerRule, layer_rule
from sims.optim.adamuon import AdaMuonRule
from sims.optim.build_matrix import GRAFT_EPSILON
from sims.optim.dion import DionRule
from sims.optim.elementwise import AdamRule
from sims.optim.graft import PREFIX
from sims.optim.muon import MuonRule
from sims.optim.shampoo import ShampooRule
from sims.optim.soap import SOAPRule
from sims.optim.spectral import SpectralNorm

RULES: Mapping[str, Any] = {
    "adam": AdamRule(),
    "muon": MuonRule(),
    "adamuon": AdaMuonRule(),
    "shampoo": ShampooRule(),
    "soap": SOAPRule(),
    "dion": DionRule(),
}
EPSILONS: Mapping[str, Any] = {name: rule.eps for name, rule in RULES.items()}
"""What the optimizers of ``sims.optim`` have where none is given."""

OF_THE_RATE = {"shampoo": ("exponents", "block"), "soap": ("sides", "block")}
"""Hyperparameters on which the rate's ratio depends: the optimizer must have those that it was given for."""

OF_THE_DIRECTION = ("exponents", "block", "sides", "relative_damping")
OF_EVERY_RULE = ("parameterization", "depth", "base_depth")


def group_constants(
    rule: LayerRule, optimizer: str, given: Mapping[str, float], options: Mapping[str, Any]
) -> dict[str, Any]:
    """The entries of a parameter's group that have to do with epsilons, and those that its rate stands on.

    ``eps``; with a graft ``graft_eps`` and ``graft_norm_eps``; with a spectral norm ``spectral_eps``;
    ``damping`` (``graft_damping``) of Shampoo, which says what its epsilon is relative to; ``exponents`` and
    ``block`` of Shampoo, ``sides`` and ``block`` of SOAP. ``given`` are the base model's
    epsilons, by optimizer; one that is not given is the default of ``sims.optim``. ``options`` are those of
    ``parameter_rules``.

    *Laws*: the epsilons are the trainer's for the same optimizer (but for a graft's norm under spectral
    normalisation, where it cancels).

    >>> from hptheory.parameterization import Layer
    >>> layers = (Layer("w", "hidden", size, size) for size in (256, 64))
    >>> options = {"graft": "adam", "relative_damping": True}
    >>> group_constants(layer_rule(*layers, "shampoo"), "shampoo", {}, options)["graft_eps"]
    2.5e-09
    """
    if rule.scaling.optimizer != optimizer:  # Adam beside it has neither graft nor options
        return _epsilon("eps", rule.scaling, given)
    forward = {name: options[name] for name in OF_EVERY_RULE if name in options}
    own = {name: options[name] for name in OF_THE_DIRECTION if name in options}

    def scaling(part: str, **more: Any) -> LayerScaling:
        return layer_rule(rule.layer, rule.base, part, **forward, **more).scaling

    entries = _epsilon("eps", scaling(optimizer, **own), given)
    if optimizer == "shampoo":
        entries["damping"] = "relative" if own.get("relative_damping") else "absolute"
    for name in OF_THE_RATE.get(optimizer, ()):
        told = own.get(name)
        entries[name] = getattr(RULES[optimizer], name) if told is None else told
    if options.get("spectral_norm"):
        entries["spectral_eps"] = SpectralNorm.eps
    graft = options.get("graft")
    if graft is not None:
        is_shampoo = graft == "shampoo"
        entries |= _epsilon(
            PREFIX + "eps", scaling(graft, **({"relative_damping": True} if is_shampoo else {})), given
        )
        entries |= {PREFIX + "damping": "relative"} if is_shampoo else {}
        entries[PREFIX + "norm_eps"] = GRAFT_EPSILON * scaling(optimizer, graft=graft, **own).epsilon
    return entries


def _epsilon(key: str, scaling: LayerScaling, given: Mapping[str, float]) -> dict[str, Any]:
    """The entry of one rule; SGD has none."""
    name = scaling.optimizer
    return {} if name == "sgd" else {key: given.get(name, EPSILONS[name]) * scaling.epsilon}
