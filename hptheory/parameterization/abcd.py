"""abcd-parameterizations: powers of the width in multipliers, initial scales, learning rates and epsilons.

Theory: paper, App. A.1, after arXiv 2011.14522 (abc, for SGD) and 2308.01814 (abcd, for adaptive optimizers).
In a network of width n, whose input and output sizes are fixed, each layer computes y = n^-a W z, starts
with W ~ N(0, n^-2b) and learns with the rate n^-c. An adaptive optimizer sees the gradient times n^d; we let
its epsilon be n^-d instead, which is the same. Input, hidden and readout matrices have exponents of their
own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from hptheory.errors import DomainError, UnknownNameError

Number = int | float | Fraction
AbcdOptimizer = Literal["sgd", "adam"]
HALF = Fraction(1, 2)


def exact(name: str, value: Number | str) -> Fraction:
    """Return an exponent as a fraction: a float is the shortest decimal that rounds to it.

    In binary, 0.1 + 0.4 is not 1/2, and sums of exponents are compared with 0.

    >>> exact("a", 0.1), exact("a", "1/3")
    (Fraction(1, 10), Fraction(1, 3))
    """
    try:
        return Fraction(repr(float(value)) if isinstance(value, float) else value)
    except (TypeError, ValueError, ArithmeticError):
        raise DomainError(f"exponent {name}", value, "a finite number") from None


@dataclass(frozen=True)
class LayerExponents:
    """Multiplier n^-a, initial standard deviation n^-b, learning rate n^-c, epsilon n^-d; kept exact.

    A float means its shortest decimal (0.1 is 1/10); thirds are given as Fractions or strings ("1/3").
    ``d`` = None: epsilon does not scale and is negligible at the widths in question (SGD has none), so that
    Adam's update is the gradient's sign.
    """

    a: Number
    b: Number
    c: Number
    d: Number | None = None

    def __post_init__(self) -> None:
        for name in ("a", "b", "c", "d"):
            value = getattr(self, name)
            if name != "d" or value is not None:
                object.__setattr__(self, name, exact(name, value))

    def shifted(self, theta: Number, optimizer: AbcdOptimizer) -> LayerExponents:
        """The exponents that train the same function: a + theta, b - theta, and c, d as the chain rule asks.

        SGD: c - 2 theta. Adam: c - theta, d + theta.

        *Laws*: it leaves the dynamics as they are; shifts add up.
        """
        step = exact("theta", theta)
        rate = 2 * step if optimizer == "sgd" else step
        # SGD's d is None: it has no epsilon.
        d = None if self.d is None else self.d + step
        return LayerExponents(self.a + step, self.b - step, self.c - rate, d)


@dataclass(frozen=True)
class Abcd:
    """A parameterization of a multilayer perceptron: exponents of its input, hidden and readout matrices.

    >>> abcd_preset("ntk", "sgd").readout.a
    Fraction(1, 2)
    """

    optimizer: AbcdOptimizer
    input: LayerExponents
    hidden: LayerExponents
    readout: LayerExponents

    def shifted(self, input: Number = 0, hidden: Number = 0, readout: Number = 0) -> Abcd:
        """The same dynamics with other exponents: each layer shifted by its own theta."""
        return replace(
            self,
            input=self.input.shifted(input, self.optimizer),
            hidden=self.hidden.shifted(hidden, self.optimizer),
            readout=self.readout.shifted(readout, self.optimizer),
        )


_PRESETS: dict[tuple[str, str], tuple[LayerExponents, LayerExponents, LayerExponents]] = {
    # Maximal update, in the form without multipliers that `scaling_rule` has.
    ("mup", "sgd"): (LayerExponents(0, 0, -1), LayerExponents(0, HALF, 0), LayerExponents(0, 1, 1)),
    ("mup", "adam"): (
        LayerExponents(0, 0, 0, 1),
        LayerExponents(0, HALF, 1, 1),
        LayerExponents(0, 1, 1, 0),
    ),
    # Standard: one rate for all layers at every width, as in common code.
    ("standard", "sgd"): (LayerExponents(0, 0, 0), LayerExponents(0, HALF, 0), LayerExponents(0, HALF, 0)),
    ("standard", "adam"): (LayerExponents(0, 0, 0), LayerExponents(0, HALF, 0), LayerExponents(0, HALF, 0)),
    # Neural tangent: the largest rates under which every layer's features stand still and the output moves.
    ("ntk", "sgd"): (LayerExponents(0, 0, 0), LayerExponents(HALF, 0, 0), LayerExponents(HALF, 0, 0)),
    ("ntk", "adam"): (
        LayerExponents(0, 0, HALF, HALF),
        LayerExponents(HALF, 0, 1, 1),
        LayerExponents(HALF, 0, HALF, HALF),
    ),
    # Mean field: a mean over neurons. With one hidden layer it is muP; deeper, activations vanish.
    ("mean_field", "sgd"): (LayerExponents(0, 0, -1), LayerExponents(1, 0, -1), LayerExponents(1, 0, -1)),
    ("mean_field", "adam"): (
        LayerExponents(0, 0, 0, 1),
        LayerExponents(1, 0, 0, 1),
        LayerExponents(1, 0, 0, 1),
    ),
}
ABCD_PRESETS: tuple[str, ...] = ("mup", "standard", "ntk", "mean_field")


def abcd_preset(name: str, optimizer: AbcdOptimizer = "sgd") -> Abcd:
    r"""The exponents of a named parameterization: ``mup``, ``standard``, ``ntk`` or ``mean_field``.

        SGD (a, b, c)      input            hidden           readout
        mup                (0, 0, -1)       (0, 1/2, 0)      (0, 1, 1)
        standard           (0, 0, 0)        (0, 1/2, 0)      (0, 1/2, 0)
        ntk                (0, 0, 0)        (1/2, 0, 0)      (1/2, 0, 0)
        mean_field         (0, 0, -1)       (1, 0, -1)       (1, 0, -1)

        Adam (a, b, c, d)  input            hidden           readout
        mup                (0, 0, 0, 1)     (0, 1/2, 1, 1)   (0, 1, 1, 0)
        standard           (0, 0, 0)        (0, 1/2, 0)      (0, 1/2, 0)
        ntk                (0, 0, 1/2, 1/2) (1/2, 0, 1, 1)   (1/2, 0, 1/2, 1/2)
        mean_field         (0, 0, 0, 1)     (1, 0, 0, 1)     (1, 0, 0, 1)

    Source: paper, App. A.1; arXiv 2011.14522, Table 1 (SGD, up to a shift). Adam's are derived: those of muP
    by the rank-one argument, those of NTK as the largest rates in the kernel regime.

    Domain: other names raise ``UnknownNameError``.

    *Laws*: mup learns features at every depth, ntk is in the kernel regime, standard is unstable; mean_field
    with one hidden layer is a shift of mup.

    >>> mup, mean_field = abcd_preset("mup"), abcd_preset("mean_field")
    >>> mup.shifted(readout=1).readout == mean_field.readout, mup.input == mean_field.input
    (True, True)
    """
    if optimizer not in ("sgd", "adam"):
        raise UnknownNameError("optimizer with exponents", optimizer, ["sgd", "adam"])
    if name not in ABCD_PRESETS:
        raise UnknownNameError("parameterization", name, list(ABCD_PRESETS))
    return Abcd(optimizer, *_PRESETS[name, optimizer])
