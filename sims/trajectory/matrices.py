"""Which parameters are decomposed, and on which side: so that k runs over the same 1..n in every layer.

The alignment matrix of a layer [d_out, d_in] is taken on its input side, S(G, dW) of size d_in, or on its
output side, S(G^T, dW^T) of size d_out (the paper's "row version"). Both have the trace <G, dW>; their
eigenvalues differ. Directions are comparable between layers and countable against the width where the side
chosen is the one that is n long: the output side of the first layer, the input side of the readout.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from hptheory.errors import DomainError, UnknownNameError

Side = Literal["columns", "rows"]


@dataclass(frozen=True)
class Matrix:
    """A parameter that is decomposed: by its columns (input side) or by its rows (output side)."""

    name: str
    side: Side

    def oriented(self, tensor: Float[Tensor, "member d_out *d_in"]) -> Float[Tensor, "member m n"]:
        """The parameter (or its gradient, or its update) as a matrix whose columns are the n directions.

        A convolution's kernel [d_out, d_in, height, width] is the matrix [d_out, d_in height width].
        """
        matrix = tensor.flatten(2)
        return matrix if self.side == "columns" else matrix.mT


@dataclass(frozen=True)
class Parts:
    """How the parameters of a model are split: matrices with a side of length ``width``, and the rest.

    ``undecomposed`` are those of the rest that are no vectors: more than one of their axes is longer than 1.
    """

    width: int
    matrices: tuple[Matrix, ...]
    rest: tuple[str, ...]
    undecomposed: tuple[str, ...] = ()


def split_parameters(
    shapes: Mapping[str, tuple[int, ...]],
    width: int | None = None,
    sides: Mapping[str, Side] | None = None,
) -> Parts:
    """The matrices to decompose, each with its side, and the parameters that only count with their sum.

    ``shapes`` are of the parameters by name, without a member axis. The side is that of length ``width``;
    of a square matrix it is the input side, the paper's S(G, dW), unless ``sides`` says otherwise. A matrix
    neither of whose sides is ``width`` belongs to the rest, like vectors and scalars. Without ``width`` it is
    the one length that all matrices have in common.

    Source: paper, Sec. 4.1, after (4).

    Domain: without ``width`` exactly one length common to all matrices, else ``DomainError``; ``sides`` names
    matrices and gives them a side of length ``width``, else ``UnknownNameError`` or ``DomainError``; at least
    one matrix has a side of length ``width``, else ``DomainError``.

    *Laws*: every parameter is in exactly one part; every matrix has n columns once it is oriented.

    >>> shapes = {"hidden": (256, 64), "readout": (10, 256), "bias": (256,)}
    >>> split_parameters(shapes).width
    256
    >>> [(matrix.name, matrix.side) for matrix in split_parameters(shapes).matrices]
    [('hidden', 'rows'), ('readout', 'columns')]
    >>> split_parameters({**shapes, "positions": (1, 9, 7), "scale": (1, 7)}, 256).undecomposed
    ('positions',)
    """
    flat = {name: (shape[0], _product(shape[1:])) for name, shape in shapes.items() if len(shape) >= 2}
    n = _common_length(flat) if width is None else width
    chosen = dict(sides or {})
    for name in chosen:
        if name not in flat:
            raise UnknownNameError("matrix", name, sorted(flat))
    matrices = []
    for name, (d_out, d_in) in flat.items():
        fitting = [side for side, length in (("columns", d_in), ("rows", d_out)) if length == n]
        side = chosen.get(name, fitting[0] if fitting else None)
        if side is None:
            continue
        if side not in fitting:
            raise DomainError(f"sides[{name!r}]", side, f"a side of length {n}; the shape is {(d_out, d_in)}")
        matrices.append(Matrix(name, "columns" if side == "columns" else "rows"))
    if not matrices:
        raise DomainError("width", n, f"a side of some matrix; the shapes are {sorted(set(flat.values()))}")
    names = {matrix.name for matrix in matrices}
    rest = tuple(name for name in shapes if name not in names)
    whole = tuple(name for name in rest if sum(length > 1 for length in shapes[name]) > 1)
    return Parts(n, tuple(matrices), rest, whole)


def _common_length(flat: Mapping[str, tuple[int, int]]) -> int:
    common = set.intersection(*(set(shape) for shape in flat.values())) if flat else set()
    if len(common) != 1:
        raise DomainError(
            "width",
            "None",
            f"given where the matrices have not exactly one length in common (here {sorted(common)})",
            "pass width=n, the length over which k shall run",
        )
    return common.pop()


def _product(lengths: tuple[int, ...]) -> int:
    product = 1
    for length in lengths:
        product *= length
    return product
