"""How a layer's initial scale, multiplier and learning rate follow its shape: pure functions without torch.

``mup_scaling`` gives the maximal-update rule (muP) of one layer relative to a base shape, for SGD and Adam.
"""

from __future__ import annotations

from hptheory.parameterization.mup import OPTIMIZERS, LayerScaling, mup_scaling

__all__ = ["OPTIMIZERS", "LayerScaling", "mup_scaling"]
