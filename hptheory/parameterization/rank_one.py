r"""What an optimizer makes of a gradient of rank one: the argument from which all scaling rules follow.

Theory: arXiv 2512.05620, Sec. 3.1, after arXiv 2011.14522 (SGD) and 2310.17813 (spectral norms). A layer
W [d_out, d_in] with input x of order one has the gradient G = delta x^T. Under muP each coordinate of
delta is of order 1/d_out, times 1/L in a residual branch that is multiplied by 1/L. muP asks that a step
move each coordinate of W x' by order one on any other input x', for which x . x' is of order d_in:

    lr * Q(G) x' = Theta(1).

Every Q below maps such a G to a matrix along delta x^T or sign(delta) sign(x)^T, so that Q(G) x' is of the
size of one entry of Q(G) times d_in, and the learning rate is one over it. What is left is to find the entry,
and the number that epsilon is added to. Here each optimizer's definition is applied to a rank-one matrix,
with operators only: floats give the rules that users call, SymPy's symbols give their closed forms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class RankOne:
    """scale * u v^T with unit vectors u and v whose entries are all of one size, rows^-1/2 and cols^-1/2.

    ``scale`` is its only singular value, so its Frobenius and its spectral norm.
    """

    scale: Any
    rows: Any
    cols: Any

    @classmethod
    def of_entries(cls, entry: Any, rows: Any, cols: Any) -> RankOne:
        """The matrix whose entries are all of this size."""
        return cls(entry * (rows * cols) ** HALF, rows, cols)

    @property
    def entry(self) -> Any:
        """The size of an entry."""
        return self.scale / (self.rows * self.cols) ** HALF

    @property
    def gram(self) -> Any:
        """The only nonzero eigenvalue of G G^T, and of G^T G; their eigenvectors are u, and v."""
        return self.scale**2

    def of_scale(self, scale: Any) -> RankOne:
        """The matrix along the same vectors with another singular value."""
        return RankOne(scale, self.rows, self.cols)

    def signs(self) -> RankOne:
        """Each entry over its own size: what Adam makes of it, with or without memory."""
        return RankOne.of_entries(1, self.rows, self.cols)


@dataclass(frozen=True)
class Response:
    """An optimizer's answer to one block of the gradient.

    ``entry`` is the size of an entry of the update; ``compared`` of the number that epsilon is added to
    (None where there is none). ``degree`` and ``compared_degree``: their powers of the gradient's size.
    """

    entry: Any
    compared: Any
    degree: Any
    compared_degree: Any


def _sgd(g: RankOne, **_: Any) -> Response:
    return Response(g.entry, None, 1, 0)


def _adam(g: RankOne, **_: Any) -> Response:
    """G over its entries' sizes: sign(delta) sign(x)^T."""
    return Response(g.signs().entry, g.entry, 0, 1)


def _polar(g: RankOne, **_: Any) -> Response:
    """Muon: U V^T = u v^T, G first divided by its norm plus epsilon. Dion's P Q^T is the same u v^T at any
    rank; its epsilon is added to the norm of a column of G^T P, which is the singular value."""
    return Response(g.of_scale(1).entry, g.scale, 0, 1)


def _adamuon(g: RankOne, **_: Any) -> Response:
    """Adam on Muon's u v^T: its signs; epsilon meets the entries of u v^T."""
    polar = g.of_scale(1)
    return Response(polar.signs().entry, polar.entry, 0, 0)


def _shampoo(g: RankOne, *, exponents: tuple[Any, Any], **_: Any) -> Response:
    """(G G^T)^-e_L G (G^T G)^-e_R: u and v are eigenvectors of the two, with the same eigenvalue."""
    total = exponents[0] + exponents[1]
    return Response(g.of_scale(g.scale * g.gram**-total).entry, g.gram, 1 - 2 * total, 2)


def _soap(g: RankOne, *, sides: tuple[Any, Any], **_: Any) -> Response:
    """Adam in the eigenbasis: on a side that is rotated, u (or v) becomes a unit vector with one nonzero
    entry, so a rotated side counts as a dimension of size one; the signs are rotated back."""
    rotated = RankOne(g.scale, g.rows ** (1 - sides[0]), g.cols ** (1 - sides[1]))
    return Response(g.of_scale(rotated.signs().scale).entry, rotated.entry, 0, 1)


UPDATES: dict[str, Callable[..., Response]] = {
    "sgd": _sgd,
    "adam": _adam,
    "muon": _polar,
    "adamuon": _adamuon,
    "shampoo": _shampoo,
    "soap": _soap,
    "dion": _polar,
}


def rank_one_response(
    optimizer: str,
    d_in: Any,
    d_out: Any,
    *,
    depth: Any = 1,
    exponents: tuple[Any, Any] = (Fraction(1, 4), Fraction(1, 4)),
    block: tuple[Any, Any] | None = None,
    sides: tuple[Any, Any] = (1, 1),
    graft: str | None = None,
    spectral_norm: bool = False,
) -> Response:
    r"""The size of an entry of Q(G), G of rank one, and of what epsilon is added to; up to constants.

    ``block`` = (b_out, b_in) splits G into blocks on each of which Q acts by itself. ``graft`` gives the
    whole matrix the norm of that optimizer's update, and epsilon then is added to the norm that is divided
    by. ``spectral_norm`` scales the update to the spectral norm sqrt(d_out/d_in), last.

    Source: the module's docstring; definitions of the optimizers as in arXiv 2512.05620, Sec. 2.

    Domain: positive sizes and a name in ``UPDATES``; unchecked, so that symbols pass (``scaling_rule``
    checks).

    *Laws*: the entry scales as c^degree with the gradient, the compared number as c^compared_degree.

    >>> from sympy import simplify, sqrt, symbols
    >>> d_in, d_out = symbols("d_in d_out", positive=True)
    >>> muon = rank_one_response("muon", d_in, d_out)
    >>> simplify(1 / (muon.entry * d_in) - sqrt(d_out / d_in))                    # the learning rate
    0
    """
    delta = 1 / (depth * d_out)
    rows, cols = (d_out, d_in) if block is None else block
    answer = UPDATES[optimizer](RankOne.of_entries(delta, rows, cols), exponents=exponents, sides=sides)
    if graft is not None:
        norm = rank_one_response(graft, d_in, d_out, depth=depth)
        direction = RankOne.of_entries(answer.entry, d_out, d_in)
        answer = Response(norm.entry, direction.scale, norm.degree, answer.degree)
    if spectral_norm:
        update = RankOne((d_out / d_in) ** HALF, d_out, d_in)
        # Its epsilon only guards against 0/0: a constant (1e-10 in arXiv 2512.05620), far below every norm.
        answer = Response(update.entry, None, 0, 0)
    return answer
