"""How the scaling rules apply to an optimizer of matrices: to the whole, and to the parts it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from hptheory.parameterization import LayerScaling
from sims.settings.optimizers import (
    AdamConfig,
    MatrixOptimizerConfig,
    SGDConfig,
    ShampooConfig,
    SOAPConfig,
)

PartConfig = MatrixOptimizerConfig | AdamConfig | SGDConfig


@dataclass(frozen=True)
class CompositeScaling(LayerScaling):
    """The scaling of the whole optimizer, with those of the rule that gives the direction and of the graft's.

    The whole has the rate; each part has the epsilon that it compares its own gradients' sizes with.
    ``epsilon`` of the whole is that of the graft's norm.
    """

    direction: LayerScaling | None = None
    norm: LayerScaling | None = None


def composite_rule(
    config: MatrixOptimizerConfig, rule: Callable[..., LayerScaling], adam: Callable[..., LayerScaling]
) -> Callable[..., LayerScaling]:
    """The rule of hidden layers as a function of shapes; ``adam`` stays the rule of their vectors.

    >>> from hptheory.parameterization import scaling_rule
    >>> from sims.settings import MuonConfig, ShampooConfig
    >>> config = ShampooConfig(block=32, graft=MuonConfig())
    >>> whole = composite_rule(config, scaling_rule, scaling_rule)(64, 256, base_d_in=64, base_d_out=64)
    >>> whole.lr, whole.norm.optimizer, whole.direction.epsilon         # Muon's rate: sqrt(d_out/d_in)
    (2.0, 'muon', 1.0)
    """

    def scaling(d_in: int, d_out: int, **sizes: Any) -> LayerScaling:
        if d_in == 1:
            return adam(d_in, d_out, **sizes)

        def of(part: PartConfig, **options: Any) -> LayerScaling:
            return rule(part.name, d_in, d_out, **sizes, **rule_options(part), **options)

        graft = None if config.graft is None else config.graft.name
        whole = of(config, graft=graft, spectral_norm=config.spectral_norm)
        norm = None if config.graft is None else of(config.graft)
        if norm is not None and not config.spectral_norm:  # with the graft's own blocks, sides and exponents
            whole = replace(whole, lr=norm.lr)
        return CompositeScaling(**asdict(whole), direction=of(config), norm=norm)

    return scaling


def rule_options(config: PartConfig) -> dict[str, Any]:
    """The options of ``scaling_rule`` that an optimizer's constants decide."""
    match config:
        case ShampooConfig():
            relative = config.damping == "relative"
            return {"exponents": config.exponents, "block": config.block, "relative_damping": relative}
        case SOAPConfig():
            return {"sides": config.sides, "block": config.block}
        case _:
            return {}
