"""What a parameterization says of one layer: ratios to the same layer of the base model, and the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from hptheory.errors import DomainError


@dataclass(frozen=True)
class LayerScaling:
    """What the hyperparameters of a layer are multiplied by, relative to the same layer of the base model.

    All numbers are ratios to the base layer's values (dimensionless): ``lr``, ``epsilon`` (1 for SGD, which
    has none), ``weight_decay`` in the independent convention W <- W - lr*u - decay*W, ``init_std``, and
    ``multiplier``, the factor in y = multiplier * W x. ``why`` gives the reason in words.

    ``degree`` and ``epsilon_degree`` say how the optimizer answers a gradient c times as large: the update is
    c^degree as large (1 for SGD, 0 for Adam), and epsilon must be c^epsilon_degree as large to mean the same.
    """

    optimizer: str
    init_std: float
    multiplier: float
    lr: float
    epsilon: float
    weight_decay: float
    why: str
    degree: float = 0.0
    epsilon_degree: float = 1.0

    def rescaled(self, factor: float) -> LayerScaling:
        r"""The scaling with ``multiplier`` larger by ``factor`` that trains the very same function.

        With V = W/factor, y = (factor * multiplier) V x is unchanged and dL/dV = factor * dL/dW. V moves as
        W/factor does if lr is divided by factor^(1 + degree), with epsilon times factor^epsilon_degree.
        Independent decay is a share of the weight, and stays.

        Source: the abc symmetry of arXiv 2011.14522 (SGD); the same chain rule for the others.

        Domain: 0 < factor < infinity, else ``DomainError``.

        *Laws*: ``rescaled(a).rescaled(b)`` is ``rescaled(a * b)``; training is unchanged.

        >>> from hptheory.parameterization import scaling_rule
        >>> readout = scaling_rule("sgd", 256, 10, base_d_in=64, base_d_out=10)
        >>> unit_init = readout.rescaled(readout.init_std)          # the weights start as in the base model
        >>> unit_init.init_std, unit_init.multiplier, unit_init.lr  # 1/n moves into the forward pass
        (1.0, 0.25, 4.0)
        """
        if not (factor > 0 and math.isfinite(factor)):
            raise DomainError("factor", factor, "positive and finite")
        return replace(
            self,
            init_std=self.init_std / factor,
            multiplier=self.multiplier * factor,
            lr=self.lr / factor ** (1 + self.degree),
            epsilon=self.epsilon * factor**self.epsilon_degree,
        )
