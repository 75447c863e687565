"""The parameterizations that a trainer can choose from, as rules with one signature: mup, standard, ntk.

``mup`` is ``scaling_rule``. The other two are there to watch transfer fail: they are the exponents of
``abcd_preset`` written as ratios to a base shape.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization.abcd import Number, abcd_preset
from hptheory.parameterization.layer_scaling import LayerScaling
from hptheory.parameterization.scaling_rule import scaling_rule

Rule = Callable[..., LayerScaling]


def standard_rule(
    optimizer: str, d_in: int, d_out: int, *, base_d_in: int, base_d_out: int, **options: Any
) -> LayerScaling:
    """The standard parameterization: every layer starts at 1/sqrt(d_in); one rate, epsilon and decay for all.

    Source: paper, App. A.1, with the exponents of ``abcd_preset("standard")``.

    Domain: that of ``scaling_rule``, whose options it takes; none of them changes anything here.

    *Laws*: it is the preset's exponents in the width.

    >>> readout = standard_rule("adam", 256, 10, base_d_in=64, base_d_out=10)
    >>> readout.init_std, readout.lr, readout.epsilon
    (0.5, 1.0, 1.0)
    """
    checked = scaling_rule(optimizer, d_in, d_out, base_d_in=base_d_in, base_d_out=base_d_out, **options)
    return replace(
        checked,
        init_std=math.sqrt(base_d_in / d_in),
        lr=1.0,
        epsilon=1.0,
        weight_decay=0.0 if d_in == 1 else 1.0,
        why="standard: the initial scale 1/sqrt(d_in) keeps the output of order one; one rate for all layers",
    )


def ntk_rule(
    optimizer: str, d_in: int, d_out: int, *, base_d_in: int, base_d_out: int, **options: Any
) -> LayerScaling:
    """The neural-tangent parameterization: y = W x / sqrt(d_in), W of order one, at kernel-regime rates.

    With r the growth of the width: multiplier 1/sqrt(r) of hidden and readout matrices, initial scale 1;
    SGD's rate is 1 everywhere; Adam's is 1/sqrt(r) for input and readout matrices and vectors, 1/r for
    hidden ones.

    Source: paper, App. A.1, with the exponents of ``abcd_preset("ntk")``.

    Domain: that of ``scaling_rule``, whose options it takes; optimizers other than sgd and adam raise
    ``DomainError``: their kernel regime is not worked out here.

    *Laws*: it is the preset's exponents in the width.

    >>> hidden = ntk_rule("adam", 256, 256, base_d_in=64, base_d_out=64)
    >>> hidden.multiplier, hidden.init_std, hidden.lr, hidden.epsilon
    (0.5, 1.0, 0.25, 0.25)
    """
    checked = scaling_rule(optimizer, d_in, d_out, base_d_in=base_d_in, base_d_out=base_d_out, **options)
    if optimizer not in ("sgd", "adam"):
        raise DomainError("optimizer", optimizer, "sgd or adam under the ntk parameterization")
    preset = abcd_preset("ntk", "sgd" if optimizer == "sgd" else "adam")
    r_in, r_out = d_in / base_d_in, d_out / base_d_out
    if r_in == 1:
        layer, r = preset.input, r_out
    elif r_out == 1:
        layer, r = preset.readout, r_in
    else:
        layer, r = preset.hidden, r_in
    return replace(
        checked,
        multiplier=_power(r, layer.a),
        init_std=_power(r, layer.b),
        lr=_power(r, layer.c),
        epsilon=1.0 if layer.d is None else _power(r, layer.d),
        weight_decay=0.0 if d_in == 1 else 1.0,
        why="neural tangent: 1/sqrt(d_in) in front of weights of order one, at rates that move the output by "
        "features that stand still",
    )


def _power(r: float, exponent: Number) -> float:
    """r^-exponent: what n^-exponent grows by when the width grows r times."""
    return r ** -float(exponent)


PARAMETERIZATIONS: dict[str, Rule] = {"mup": scaling_rule, "standard": standard_rule, "ntk": ntk_rule}


def get_rule(parameterization: str) -> Rule:
    """The rule of that name: ``mup``, ``standard`` or ``ntk``; all take the arguments of ``scaling_rule``.

    Domain: other names raise ``UnknownNameError``.

    >>> get_rule("mup") is scaling_rule
    True
    """
    if parameterization not in PARAMETERIZATIONS:
        raise UnknownNameError("parameterization", parameterization, list(PARAMETERIZATIONS))
    return PARAMETERIZATIONS[parameterization]
