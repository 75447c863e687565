"""What a width exponent does to training: the dynamical dichotomy as a classifier.

Theory: paper, App. A.1 and Theorem 7; arXiv 2011.14522, Theorem 3.3, of which this is the bookkeeping with
the optimizer left open. Every size is a power of the width n. A sum of n terms is n^(1/2) as large as a term
if they are independent (an initial weight against activations or errors), and n as large if they are aligned:
a trained weight against activations, a readout against features that moved along its gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from hptheory.errors import DomainError
from hptheory.parameterization.abcd import HALF, Abcd, LayerExponents

Regime = Literal["unstable", "trivial", "kernel", "feature learning"]


@dataclass(frozen=True)
class Dynamics:
    """Exponents of the width in activations and in their changes, and the regime that follows.

    A number x stands for a size of order n^x. ``preactivations`` of the hidden layers h_1 ... h_L and
    ``output`` f are those at the start; ``first_changes`` and ``first_output_change`` what one (small) step
    does to them, ``first_updates`` and ``first_output_update`` the part of it that a layer's own weights make
    (Delta W times its input); ``changes`` and ``output_change`` what a later step does, when the readout may
    have outgrown its start. ``regime`` and ``reason`` are what Theorem 7 makes of it.
    """

    preactivations: tuple[Fraction, ...]
    output: Fraction
    first_changes: tuple[Fraction, ...]
    first_output_change: Fraction
    first_updates: tuple[Fraction, ...]
    first_output_update: Fraction
    changes: tuple[Fraction, ...]
    output_change: Fraction
    regime: Regime
    reason: str


def classify(parameterization: Abcd, hidden_layers: int = 2) -> Dynamics:
    r"""How activations and updates scale with the width, and the regime: Theorem 7 as a function.

    ``hidden_layers`` = L counts the layers of width n: one input matrix, L - 1 hidden ones, one readout.

        unstable           an activation or a change grows with n, or hidden activations vanish at the start
        trivial            the output stands still: Delta f -> 0
        kernel             the output moves, Delta f = Theta(1), by features that stand still, Delta h_L -> 0
        feature learning   Delta f = Theta(1) and Delta h_L = Theta(1)

    Source: paper, Theorem 7 (definitions 1-5 before it); arXiv 2011.14522, Theorem 3.3 for SGD; the same
    count with sign updates for Adam.

    Domain: hidden_layers >= 1, else ``DomainError``. The activation is nonlinear and smooth or ReLU; the loss
    derivative is of order one.

    *Laws*: shifts of the abc symmetry change neither regime nor exponents; a stable and nontrivial
    parameterization is either in the kernel regime or learns features; agrees with Theorem 3.3 of arXiv
    2011.14522; smaller rates than muP's or NTK's at one layer never lead to instability.

    >>> from hptheory.parameterization import abcd_preset
    >>> [classify(abcd_preset(name)).regime for name in ("mup", "ntk", "standard")]
    ['feature learning', 'kernel', 'unstable']

    The second route: the readout alone, f = n^-a W z, moves by n^(1 - 2a - c) under SGD.

    >>> p = abcd_preset("ntk").readout
    >>> classify(abcd_preset("ntk")).first_output_change == 1 - 2 * p.a - p.c
    True
    """
    if isinstance(hidden_layers, bool) or not isinstance(hidden_layers, int) or hidden_layers < 1:
        raise DomainError("hidden_layers", hidden_layers, "an integer >= 1")
    layers = [parameterization.input, *[parameterization.hidden] * (hidden_layers - 1)]
    readout, sign = parameterization.readout, parameterization.optimizer == "adam"
    h = _activations(layers)
    output = HALF - (readout.a + readout.b) + h[-1]
    grown = _update(readout, -readout.a + h[-1], sign)
    own, first, f_own, f_first = _changes(layers, readout, h, grown, -readout.b, sign)
    _, later, _, f_later = _changes(layers, readout, h, grown, max(-readout.b, grown), sign)
    regime, reason = _regime(h, output, later, f_later)
    start, at_first = (tuple(h), output), (tuple(first), f_first, tuple(own), f_own)
    return Dynamics(*start, *at_first, tuple(later), f_later, regime, reason)


def _activations(layers: list[LayerExponents]) -> list[Any]:
    """h_1 = n^-a W x with x of fixed size; then independent sums of n terms."""
    h: list[Any] = [-(layers[0].a + layers[0].b)]
    for layer in layers[1:]:
        h.append(HALF - (layer.a + layer.b) + h[-1])
    return h


def _update(layer: LayerExponents, gradient: Any, sign: bool) -> Any:
    """The size of a step in a weight whose gradient is n^gradient; Adam's is n^-c, or less by epsilon."""
    if not sign:
        return -layer.c + gradient
    return -layer.c if layer.d is None else -layer.c + min(Fraction(0), layer.d + gradient)


def _changes(
    layers: list[LayerExponents],
    readout: LayerExponents,
    h: list[Any],
    grown: Any,
    readout_size: Any,
    sign: bool,
) -> tuple[list[Any], list[Any], Any, Any]:
    """What one step does to h_1 ... h_L by their own weights and in all, and to f by its own and in all.

    Readout weights are of size n^readout_size.
    """
    error = [-readout.a + readout_size]  # dL/dh_L, and downwards through transposed initial weights
    for layer in reversed(layers[1:]):
        error.insert(0, error[0] + HALF - (layer.a + layer.b))
    own: list[Any] = []
    moved: list[Any] = []
    for index, layer in enumerate(layers):
        below = h[index - 1] if index else Fraction(0)
        step = _update(layer, -layer.a + error[index] + below, sign)
        aligned = 1 if index else 0  # the input has a fixed number of coordinates
        own.append(-layer.a + step + below + aligned)
        carried = HALF - (layer.a + layer.b) + moved[-1] if index else own[0]
        moved.append(max(own[-1], carried))
    by_readout = -readout.a + grown + h[-1] + 1
    by_features = -readout.a + readout_size + moved[-1] + 1
    return own, moved, by_readout, max(by_readout, by_features)


def _regime(h: list[Any], output: Any, changes: list[Any], output_change: Any) -> tuple[Regime, str]:
    """Definitions 1 to 5 before Theorem 7, read in that order."""
    for index, size in enumerate(h, start=1):
        if size != 0:
            word = "grow" if size > 0 else "vanish"
            return "unstable", f"preactivations of layer {index} {word} like n^{size} at the start"
    if output > 0:
        return "unstable", f"the output grows like n^{output} at the start"
    for index, change in enumerate(changes, start=1):
        if change > 0:
            return "unstable", f"a step changes the preactivations of layer {index} by n^{change}"
    if output_change > 0:
        return "unstable", f"a step changes the output by n^{output_change}"
    if output_change < 0:
        return "trivial", f"a step changes the output by n^{output_change}, which vanishes"
    if changes[-1] < 0:
        return (
            "kernel",
            f"a step changes the output, but the last features by n^{changes[-1]}, which vanishes",
        )
    return "feature learning", "a step changes the output and the last features by order one"
