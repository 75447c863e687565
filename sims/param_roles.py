"""The role of every parameter of a module: by name, by the kind of its module, or by which dimensions grow.

A role says which axes are inputs and outputs and which of them grow, which is all that a scaling rule asks.
What cannot be told is a named error: a table read as a readout would train at a wrong rate without a word.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from typing import cast

from torch import nn
from torch.nn.modules.conv import _ConvNd, _ConvTransposeNd

from hptheory.errors import DomainError, HPTheoryError
from hptheory.parameterization.layers import ROLES, Layer, Role

OUT_FIRST = (nn.Linear, nn.Bilinear, _ConvNd, nn.RNNBase, nn.MultiheadAttention)
"""Modules whose weights are known to be [d_out, d_in, ...] (transposed convolutions are told apart)."""


class UnknownRoleError(HPTheoryError):
    """The role of a parameter cannot be told; the message names it, its shape, and what to give.

    ``reason`` says why a base does not tell it; without one there is no base. ``roles`` are those that it may
    have; a stack of matrices has none.
    """

    def __init__(
        self, name: str, shape: Sequence[int], reason: str = "", roles: Sequence[str] = ROLES
    ) -> None:
        base = ", or base= a copy of the module at the base width"
        serves = (
            f"roles={{'{name}': ROLE}} with one of {', '.join(roles)} (names may hold *)"
            if roles
            else "its matrices as parameters of their own, [d_out, d_in] each"
        )
        super().__init__(
            f"the role of parameter '{name}' of shape {tuple(shape)} is not known"
            f"{', as ' + reason if reason else ''}; give {serves}{'' if reason else base}"
        )


class TiedRolesError(HPTheoryError):
    """One tensor has several names whose roles ask for different rules; the message says what serves."""

    def __init__(self, roles: Mapping[str, str]) -> None:
        told = ", ".join(f"'{name}' ({role})" for name, role in roles.items())
        super().__init__(
            f"{told} are one tensor, and no rule is right for both roles; untie them, or, for an embedding "
            "tied to a readout, give both the role embedding (roles={NAME: 'embedding', ...}) and multiply "
            "the logits by base_width/width in the forward pass, which makes the embedding's rule right "
            "for the readout"
        )


@dataclass(frozen=True)
class Kinds:
    """What modules say of their parameters, by name: tables [rows, d_out], weights [d_in, d_out, ...] of
    transposed convolutions, and those that are known to be [d_out, d_in, ...].

    ``names`` has all names of each tensor, by the first of them.
    """

    tables: frozenset[str]
    transposed: frozenset[str]
    out_first: frozenset[str]
    names: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, model: nn.Module) -> Kinds:
        """Look through the modules."""

        def weights(*kinds: type[nn.Module]) -> frozenset[str]:
            # All that is below counts: a parametrised weight is a parameter of a module of its own.
            return frozenset(
                f"{name}.{own}".lstrip(".")
                for name, part in model.named_modules(remove_duplicate=False)
                if isinstance(part, kinds)
                for own, _ in part.named_parameters(remove_duplicate=False)
            )

        names: dict[int, list[str]] = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            names.setdefault(id(parameter), []).append(name)
        transposed = weights(_ConvTransposeNd)
        return cls(
            tables=weights(nn.Embedding, nn.EmbeddingBag),
            transposed=transposed,
            out_first=weights(*OUT_FIRST) - transposed,
            names={same[0]: tuple(same) for same in names.values()},
        )

    def axes(
        self, name: str, shape: Sequence[int], base: Sequence[int] | None, role: Role
    ) -> tuple[int, int]:
        """The axes of outputs and of inputs of a tensor, by the first of its names.

        A table without a module that says so is [..., d_out], unless a base says that its first axis grows.
        """
        names = set(self.names[name])
        if len(shape) < 2:
            return 0, 1
        if names & (self.tables | self.transposed):
            return 1, 0
        is_table = role == "embedding" and not names & self.out_first
        if is_table and (base is None or shape[0] == base[0]):
            return len(shape) - 1, 0
        return 0, 1

    def knows(self, name: str) -> bool:
        """Whether a module says which axis of a tensor, by the first of its names, has the outputs."""
        return bool(set(self.names[name]) & (self.tables | self.transposed | self.out_first))


GROWTH = {
    "hidden": "the outputs grow",
    "input": "the outputs grow and the inputs do not",
    "readout": "the inputs grow, along one axis, and the outputs do not",
}


def check_growth(
    kinds: Kinds, name: str, shape: Sequence[int], base: Sequence[int], role: Role, axes: tuple[int, int]
) -> None:
    """Nothing, if the axes that grow are those of a role that was given; else ``DomainError``.

    Where a module says which axis is which, ``hidden`` is anyone's choice (a readout trained by Muon) and
    several axes of inputs may grow.
    """
    growing = {axis for axis, (size, small) in enumerate(zip(shape, base, strict=True)) if size != small}
    if len(shape) < 2 or not growing or role not in GROWTH:
        return
    known, (out_axis, in_axis) = kinds.knows(name), axes
    fits = {
        "hidden": known or out_axis in growing,
        "input": out_axis in growing and in_axis not in growing,
        "readout": out_axis not in growing and (known or len(growing) == 1),
    }
    if not fits[role]:
        layout = "[d_out, d_in, ...]" if out_axis == 0 else "[d_in, d_out, ...]"
        raise DomainError(
            f"role of '{name}'",
            role,
            f"one whose axes are those that grow in {layout} = {tuple(shape)}, {tuple(base)} at the base: "
            f"for {role} {GROWTH[role]}",
            "" if known else "keep a weight used as x @ W transposed, and each matrix of a stack by itself",
        )


def tensor_role(
    kinds: Kinds,
    name: str,
    shape: Sequence[int],
    base: Sequence[int] | None,
    roles: Mapping[str, str],
    *,
    any_role: bool,
) -> Role:
    """The role of a tensor under all its names, which must agree.

    With ``any_role`` the rule is the same for all of them, and one that cannot be told is ``unknown``.
    """
    names = kinds.names[name]
    if len(names) == 1:
        return _role(name, shape, base, kinds, roles, any_role=any_role)
    found: dict[str, str] = {}
    for same in names:
        try:
            found[same] = _role(same, shape, base, kinds, roles, any_role=any_role)
        except UnknownRoleError:
            found[same] = "role not known"
    told = {role: same for same, role in found.items() if role != "unknown"}
    if len(told) > 1:
        raise TiedRolesError(found)
    one = next(iter(told.values()), name)
    return _role(one, shape, base, kinds, roles, any_role=any_role)


def _role(
    name: str,
    shape: Sequence[int],
    base: Sequence[int] | None,
    kinds: Kinds,
    roles: Mapping[str, str],
    *,
    any_role: bool,
) -> Role:
    """By name, by kind, or by which dimensions grow."""
    for pattern, role in roles.items():
        if fnmatchcase(name, pattern):
            return cast("Role", role)
    if name in kinds.tables and len(shape) == 2:
        return "embedding"
    if len(shape) < 2:
        return "vector"
    if any_role:
        return "unknown"
    return _role_by_growth(name, shape, base, kinds)


def _role_by_growth(name: str, shape: Sequence[int], base: Sequence[int] | None, kinds: Kinds) -> Role:
    """By which dimensions differ from the base's, where that settles it."""
    known = name in kinds.out_first or name in kinds.transposed
    if base is None:
        may_be_stack = len(shape) > 2 and not known
        roles = [role for role in ROLES if not (may_be_stack and role == "hidden")]
        raise UnknownRoleError(name, shape, roles=roles)
    growing = [axis for axis, (size, small) in enumerate(zip(shape, base, strict=True)) if size != small]
    if not growing:
        reason = "no dimension of it differs from the base's (roles found at another width serve here too)"
        raise UnknownRoleError(name, shape, reason)
    if not known and 0 not in growing:
        if len(growing) > 1:
            raise UnknownRoleError(name, shape, "its first axis does not grow: it is a stack of matrices", ())
        reason = "its first axis does not grow: it may be a table [rows, width], or a readout's weight"
        raise UnknownRoleError(name, shape, reason, ("embedding", "readout", "vector"))
    out_axis, in_axis = (1, 0) if name in kinds.transposed else (0, 1)
    by_growth: dict[tuple[bool, bool], Role] = {
        (True, True): "hidden", (True, False): "input", (False, True): "readout",
    }  # fmt: skip
    grows = out_axis in growing, in_axis in growing
    if grows not in by_growth:
        raise UnknownRoleError(name, shape, "it grows in neither of its first two axes")
    return by_growth[grows]


def shape_at_base(
    name: str, shape: Sequence[int], role: Role, axes: tuple[int, int], width: int, base_width: int
) -> tuple[int, ...]:
    """The shape at the base width, from the role."""
    out_axis, in_axis = axes
    growing: tuple[int, ...] = {
        "hidden": (out_axis, in_axis),
        "input": (out_axis,),
        "embedding": (out_axis,),
        "readout": (in_axis,),
    }.get(role, ())
    if role == "vector":
        # A scalar has no axis to grow along, nor has a vector of a size of its own, as a readout's bias.
        growing = tuple(axis for axis, size in enumerate(shape) if size % width == 0)
    small = list(shape)
    for axis in growing:
        if axis >= len(shape) or shape[axis] * base_width % width:
            raise DomainError(
                f"shape of '{name}'",
                tuple(shape),
                f"of a size that is whole at base_width = {base_width}, role {role}",
            )
        small[axis] = shape[axis] * base_width // width
    return tuple(small)


def as_matrix(name: str, shape: Sequence[int], role: Role, axes: tuple[int, int], residual: bool) -> Layer:
    """The parameter as a matrix [d_out, d_in]: all axes but that of the outputs are inputs."""
    if role == "vector" or len(shape) < 2:
        return Layer(name, role, 1, prod(shape), residual)
    inputs = [size for axis, size in enumerate(shape) if axis != axes[0]]
    return Layer(name, role, prod(inputs), shape[axes[0]], residual)
