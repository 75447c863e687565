"""What a coordinate check should find: exponents of every kind of layer, from the dichotomy's bookkeeping.

Theory: ``classify`` counts powers of the width for a network of input, hidden and readout matrices under SGD
or Adam; ``rank_one`` shows that under muP every other optimizer of a hidden matrix moves its output like
Adam. A transformer adds one kind of layer: queries and keys, whose gradients pass through attention scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from hptheory.errors import DomainError, UnknownNameError
from hptheory.parameterization.abcd import ABCD_PRESETS, HALF, abcd_preset, exact
from hptheory.parameterization.dichotomy import Dynamics, classify
from hptheory.parameterization.scaling_rule import OPTIMIZERS

KINDS = ("input", "hidden", "scores", "readout")


@dataclass(frozen=True)
class CoordinateExponents:
    """Powers of the width in a layer's output before training, and in what the first steps do to it.

    ``start``: the output W_0 x; ``update``: what the layer's own update adds to it, (W_t - W_0) x;
    ``change``: all of the change, what comes from the layers below included.
    """

    start: Fraction
    update: Fraction
    change: Fraction


def coordinate_exponents(
    parameterization: str, optimizer: str, *, hidden_layers: int = 2, degree: float | None = None
) -> Mapping[str, CoordinateExponents] | None:
    r"""The exponents of every kind of layer: ``input``, ``hidden``, ``scores`` and ``readout``.

    ``hidden_layers`` = 1 is the two-layer network: input and readout alone. An embedding is an input matrix.
    None where nothing is predicted: an optimizer other than SGD and Adam outside muP.

        muP              start     update           change
        input, hidden    0         0                0
        scores           0         -degree/2        0
        readout          -1/2      0                0

    The readout starts at n^(-1/2): n independent products of order one, each over n. ``scores`` are the
    matrices of queries and keys. At the start the gradient with respect to a score is a sum of n independent
    terms of order 1/n, not yet aligned, so n^(-1/2) of what the rank-one argument assumes; an optimizer whose
    answer to a gradient c times as large is c^degree as large (1 for SGD, 0 for Adam and its like) moves
    queries and keys by so much less in the first steps. Where degree < 0 (Shampoo with exponents (1/2, 1/2))
    it is so much more, n^(-degree/2): the rule does not hold the scores before their gradients align.

    Source: ``classify`` (paper, Theorem 7) and ``rank_one``; that of scores is derived here.

    Domain: names in ``ABCD_PRESETS`` and ``OPTIMIZERS``, else ``UnknownNameError``; hidden_layers 1 or 2,
    degree finite, else ``DomainError``.

    *Laws*: under muP no exponent depends on the optimizer but that of scores; start and change are those of
    ``classify``; a coordinate check of the trainer's own networks finds them.

    >>> found = coordinate_exponents("mup", "sgd")
    >>> [(kind, str(found[kind].start), str(found[kind].update)) for kind in ("scores", "readout")]
    [('scores', '0', '-1/2'), ('readout', '-1/2', '0')]
    """
    if parameterization not in ABCD_PRESETS:
        raise UnknownNameError("parameterization", parameterization, list(ABCD_PRESETS))
    if optimizer not in OPTIMIZERS:
        raise UnknownNameError("optimizer", optimizer, list(OPTIMIZERS))
    if hidden_layers not in (1, 2):
        raise DomainError("hidden_layers", hidden_layers, "1 or 2", "further ones are like the second")
    if optimizer not in ("sgd", "adam") and parameterization != "mup":
        return None
    own = 1.0 if optimizer == "sgd" else 0.0
    dynamics = classify(abcd_preset(parameterization, "sgd" if own else "adam"), hidden_layers)
    found = {"input": _layer(dynamics, 0), "readout": _readout(dynamics)}
    if hidden_layers == 2:
        hidden = _layer(dynamics, 1)
        behind = exact("degree", own if degree is None else degree) * HALF
        scores = CoordinateExponents(hidden.start, hidden.update - behind, hidden.change)
        found |= {"hidden": hidden, "scores": scores}
    return {kind: found[kind] for kind in KINDS if kind in found}


def _layer(dynamics: Dynamics, index: int) -> CoordinateExponents:
    return CoordinateExponents(
        dynamics.preactivations[index], dynamics.first_updates[index], dynamics.first_changes[index]
    )


def _readout(dynamics: Dynamics) -> CoordinateExponents:
    return CoordinateExponents(dynamics.output, dynamics.first_output_update, dynamics.first_output_change)
