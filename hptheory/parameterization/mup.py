"""The maximal-update parameterization (muP) of one layer, as ratios to a base shape.

Theory: Yang and Hu, arXiv 2011.14522, and Yang et al., arXiv 2203.03466; App. A.1 of the paper. The rules
are derived, not tabulated. A layer computes y = multiplier * W x with W of shape [d_out, d_in] and
coordinates of x of order one. Its gradient is a sum of rank-one terms G = delta x^T, with coordinates of
delta of order 1/d_out. muP asks that one update move each coordinate of y by order one, on any input x',
for which x . x' is of order d_in:

    SGD    lr * delta (x . x')               is of order lr * d_in / d_out    so   lr ~ d_out / d_in
    Adam   lr * sign(delta) (sign(x) . x')   is of order lr * d_in            so   lr ~ 1 / d_in

Adam's epsilon is compared with the entries of G, so epsilon ~ 1/d_out. The initial scale keeps y of order
one: std ~ 1/sqrt(d_in). A readout, whose d_out does not grow, takes std ~ 1/d_in instead: then the layer
below receives delta = W^T delta_y of order 1/d_in, which is what the first sentence assumes of it. Sizes
that do not grow with the model drop out of every ratio, so the same formulas serve input, hidden and
readout matrices and, as d_in = 1, vectors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Literal, get_args

from hptheory.errors import DomainError, UnknownNameError

Optimizer = Literal["sgd", "adam"]
OPTIMIZERS: tuple[str, ...] = get_args(Optimizer)


@dataclass(frozen=True)
class LayerScaling:
    """What the hyperparameters of a layer are multiplied by, relative to the same layer of the base model.

    ``init_std``, ``lr`` and ``epsilon`` are ratios to the base layer's values (dimensionless);
    ``multiplier`` is the factor in y = multiplier * W x; ``why`` gives the reason in words. ``epsilon`` is
    1 for SGD, which has none.
    """

    optimizer: Optimizer
    init_std: float
    multiplier: float
    lr: float
    epsilon: float
    why: str

    def rescaled(self, factor: float) -> LayerScaling:
        r"""The scaling with ``multiplier`` larger by ``factor`` that trains the very same function.

        With V = W/factor, y = (factor * multiplier) V x is unchanged and dL/dV = factor * dL/dW, so that V
        moves as W/factor does if lr is divided by factor^2 (SGD), or by factor with epsilon times factor
        (Adam).

        Source: the abc symmetry of arXiv 2011.14522 (SGD); the same chain rule for Adam, which divides G's
        size out.

        Domain: 0 < factor < infinity, else ``DomainError``.

        *Laws*: ``rescaled(a).rescaled(b)`` is ``rescaled(a * b)``; training is unchanged.

        >>> readout = mup_scaling("sgd", 256, 10, base_d_in=64, base_d_out=10)
        >>> unit_init = readout.rescaled(readout.init_std)          # the weights start as in the base model
        >>> unit_init.init_std, unit_init.multiplier, unit_init.lr  # 1/n moves into the forward pass
        (1.0, 0.25, 4.0)
        """
        if not (factor > 0 and math.isfinite(factor)):
            raise DomainError("factor", factor, "positive and finite")
        lr_power, epsilon_power = (2, 0) if self.optimizer == "sgd" else (1, 1)
        return replace(
            self,
            init_std=self.init_std / factor,
            multiplier=self.multiplier * factor,
            lr=self.lr / factor**lr_power,
            epsilon=self.epsilon * factor**epsilon_power,
        )


def mup_scaling(
    optimizer: Optimizer, d_in: int, d_out: int, *, base_d_in: int, base_d_out: int
) -> LayerScaling:
    r"""The muP ratios of initial scale, learning rate and epsilon of a layer to those of its base shape.

    With r_in = d_in/base_d_in and r_out = d_out/base_d_out:

        lr       = r_out / r_in  (SGD, with or without momentum),   1 / r_in  (Adam)
        epsilon  = 1 / r_out  (Adam)
        init_std = 1 / r_in where only d_in grows (a readout),   1 / sqrt(r_in) elsewhere

    The multiplier is 1; ``LayerScaling.rescaled`` trades it against the other three.

    Source: derived in the module's docstring; agrees with arXiv 2203.03466, Table 3, whose widths are r
    here. The paper (arXiv 2512.22768) prints no table of its own.

    Domain: sizes are integers >= 1, else ``DomainError``; optimizer is ``sgd`` or ``adam``, else
    ``UnknownNameError``. Weights are [d_out, d_in]; a bias or gain of n entries is the case d_in = 1, d_out
    = n.

    *Laws*: at the base shape every ratio is 1; ratios compose (base to a, times a to b, is base to b) while
    the same dimensions grow; one update of a rank-one gradient moves the output by the same order at every
    width.

    >>> [mup_scaling("adam", d_in, d_out, base_d_in=base_in, base_d_out=base_out).lr
    ...  for d_in, d_out, base_in, base_out in [(64, 256, 64, 32), (256, 256, 32, 32), (256, 10, 32, 10)]]
    [1.0, 0.125, 0.125]

    The second route: the update of a rank-one gradient, at width n, moves the readout by an amount without
    n in it.

    >>> import numpy as np
    >>> def moved(n):
    ...     x, delta = np.ones(n), np.array([0.5])
    ...     update = mup_scaling("sgd", n, 1, base_d_in=32, base_d_out=1).lr * np.outer(delta, x)
    ...     return float((update @ x)[0])
    >>> moved(64) == moved(4096)
    True
    """
    if optimizer not in OPTIMIZERS:
        raise UnknownNameError("optimizer", optimizer, list(OPTIMIZERS))
    for name, size in (
        ("d_in", d_in),
        ("d_out", d_out),
        ("base_d_in", base_d_in),
        ("base_d_out", base_d_out),
    ):
        if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
            raise DomainError(name, size, "an integer >= 1")
    r_in, r_out = d_in / base_d_in, d_out / base_d_out
    readout = d_out == base_d_out and d_in != base_d_in
    return LayerScaling(
        optimizer=optimizer,
        init_std=1 / r_in if readout else 1 / math.sqrt(r_in),
        multiplier=1.0,
        lr=r_out / r_in if optimizer == "sgd" else 1 / r_in,
        epsilon=1.0 if optimizer == "sgd" else 1 / r_out,
        why=_reason(optimizer, readout, r_in, r_out),
    )


def _reason(optimizer: Optimizer, readout: bool, r_in: float, r_out: float) -> str:
    """The rule that was applied, in words."""
    if r_in == r_out == 1:
        return "the base shape: every ratio is 1"
    rate = {
        "sgd": "an SGD update of a rank-one gradient moves the output by lr * d_in/d_out",
        "adam": "an Adam update of a rank-one gradient moves the output by lr * d_in",
    }[optimizer]
    start = "a readout starts at 1/d_in, so that the layer below sees gradients of order 1/d_in"
    return f"{rate}; {start if readout else 'the initial scale 1/sqrt(d_in) keeps the output of order one'}"
