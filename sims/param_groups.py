"""Scaling rules on anyone's module: parameter groups for an optimizer, by the role of each parameter.

Roles come from a copy of the module at the base width (which dimensions grow), from patterns of names, or
from the kind of module (embeddings, vectors); what none of them settles is an error before training starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

from torch import nn
from torch.nn.modules.conv import _ConvTransposeNd

from hptheory.errors import DomainError, HPTheoryError, UnknownNameError
from hptheory.parameterization.layers import ROLES, Layer, Role
from hptheory.parameterization.model_rules import MATRIX_OPTIMIZERS, LayerRule, layer_rule

Shapes = Mapping[str, Sequence[int]]


class UnknownRoleError(HPTheoryError):
    """The role of a parameter cannot be told; the message names it, its shape, and what to give."""

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        super().__init__(
            f"the role of parameter '{name}' of shape {tuple(shape)} is not known; give "
            f"roles={{'{name}': ROLE}} with one of {', '.join(ROLES)} (names may hold *), or base= a copy "
            "of the module at the base width"
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
    """What modules say of their parameters, by name: tables of embeddings, and weights [d_in, d_out, ...].

    ``names`` has all names of each tensor, by the first of them.
    """

    tables: frozenset[str]
    transposed: frozenset[str]
    names: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, model: nn.Module) -> Kinds:
        """Look through the modules."""

        def weights(kind: type) -> frozenset[str]:
            parts = model.named_modules(remove_duplicate=False)
            return frozenset(f"{name}.weight".lstrip(".") for name, part in parts if isinstance(part, kind))

        names: dict[int, list[str]] = {}
        for name, parameter in model.named_parameters(remove_duplicate=False):
            names.setdefault(id(parameter), []).append(name)
        tables = weights(nn.Embedding)
        by_first = {same[0]: tuple(same) for same in names.values()}
        return cls(tables, tables | weights(_ConvTransposeNd), by_first)


def parameter_rules(
    model: nn.Module,
    optimizer: str,
    base_width: int,
    *,
    width: int,
    base: nn.Module | Shapes | None = None,
    roles: Mapping[str, str] | None = None,
    residual: Sequence[str] = (),
    depth: int = 1,
    base_depth: int = 1,
    parameterization: str = "mup",
    **options: Any,
) -> dict[str, LayerRule]:
    """The rule of every parameter of a module, by name: role, shape, base shape, and ratios to the base.

    ``width`` is the module's, ``base_width`` that of the model on which hyperparameters were tuned. ``base``,
    a copy of the module at the base width (it may live on the device "meta") or its shapes, tells which
    dimensions grow; without it, dimensions grow as the role says: both of ``hidden``, the output of ``input``
    and ``embedding``, the input of ``readout``, that of a ``vector`` if it is a multiple of the width.
    ``roles`` maps patterns of names to roles, the first match wins. ``residual`` are patterns of parameters
    in branches that are multiplied by base_depth/depth. ``options`` are those of ``scaling_rule``.

    Weights are [d_out, d_in, ...], as ``nn.Linear`` has them; ``nn.Embedding``'s are [rows, d_out], and those
    of transposed convolutions [d_in, d_out, ...]. The further axes of a convolution count as inputs that do
    not grow: the fan-in includes the kernel. A depthwise one has a fixed fan-in, and is an ``input``. Beside
    an optimizer of matrices Adam trains convolutions.

    Domain: a role that cannot be told raises ``UnknownRoleError``; an unknown one, ``UnknownNameError``; a
    tensor of several names and different roles, ``TiedRolesError``; a base of other names or numbers of axes,
    a width that base_width does not divide into whole sizes, or a depth without ``residual``,
    ``DomainError``.

    *Laws*: the rules of the trainer's own networks are found from a base copy alone; roles and a base agree.

    >>> net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3, bias=False))
    >>> base = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3, bias=False))
    >>> found = parameter_rules(net, "adam", 16, width=64, base=base)
    >>> {name: (rule.layer.role, rule.scaling.lr) for name, rule in found.items()}
    {'0.weight': ('input', 1.0), '0.bias': ('vector', 1.0), '2.weight': ('readout', 0.25)}
    """
    if depth != base_depth and not residual:
        raise DomainError(
            "residual", "()", f"patterns of the layers in branches, as depth = {depth} counts there"
        )
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    kinds = Kinds.of(model)
    bases = None if base is None else _base_shapes(base, shapes)
    for role in (roles or {}).values():
        if role not in ROLES:
            raise UnknownNameError("role", role, list(ROLES))
    found = {}
    for name, shape in shapes.items():
        old = None if bases is None else bases[name]
        role = _shared_role(kinds, name, shape, old, roles or {})
        turned = any(same in kinds.transposed for same in kinds.names[name])
        if old is None:
            old = _shrunk(name, shape, role, turned, width, base_width)
        inside = any(fnmatchcase(name, pattern) for pattern in residual)
        layer, small = (_layer(name, some, role, turned, inside) for some in (shape, old))
        by_adam = len(shape) > 2 and optimizer in MATRIX_OPTIMIZERS
        found[name] = layer_rule(
            layer,
            small,
            "adam" if by_adam else optimizer,
            parameterization=parameterization,
            depth=depth,
            base_depth=base_depth,
            width=width,
            base_width=base_width,
            **({} if by_adam else options),
        )
    return found


def param_groups(
    model: nn.Module,
    optimizer: str,
    base_width: int,
    *,
    width: int,
    lr: float | Mapping[str, float],
    epsilon: float = 1e-8,
    weight_decay: float = 0.0,
    independent_decay: bool = False,
    **options: Any,
) -> list[dict[str, Any]]:
    """Groups for ``torch.optim`` or ``sims.optim``: hyperparameters of the base model, scaled to this module.

    A group a parameter: ``params``, ``lr``, ``eps``, ``weight_decay``, and for the reader ``name``, ``role``,
    ``optimizer``. A matrix optimizer trains the hidden matrices; the groups of ``optimizer`` "adam" beside it
    are for an Adam of its own, and ``lr`` may be a rate for each, {"muon": 0.02, "adam": 0.003}. Initial
    scales and multipliers are the module's own business: ``parameter_rules`` gives their ratios.

    ``weight_decay`` is the base model's. AdamW multiplies it by the rate (coupled), so that the group's is
    divided by the rate's ratio: the decay a step scales like 1/width. With ``independent_decay``, for an
    optimizer that does not multiply, it is scaled by itself. Vectors do not decay.

    Domain: that of ``parameter_rules``; a missing rate raises ``DomainError``.

    *Laws*: at the base width every group has the given numbers; a decay a step scales like 1/width.

    >>> net = nn.Linear(256, 256, bias=False)
    >>> rate = {"lr": 0.02, "weight_decay": 0.1, "roles": {"weight": "hidden"}}
    >>> (group,) = param_groups(net, "muon", 64, width=256, **rate)
    >>> group["optimizer"], group["lr"], group["weight_decay"]
    ('muon', 0.02, 0.025)
    """
    rules = parameter_rules(model, optimizer, base_width, width=width, **options)
    parameters = dict(model.named_parameters())
    groups = []
    for name, rule in rules.items():
        scaling = rule.scaling
        rate = lr.get(scaling.optimizer) if isinstance(lr, Mapping) else lr
        if rate is None:
            raise DomainError("lr", lr, f"a rate for {scaling.optimizer}, which trains '{name}', too")
        decay = scaling.weight_decay if independent_decay else scaling.weight_decay / scaling.lr
        groups.append(
            {
                "params": [parameters[name]],
                "lr": rate * scaling.lr,
                **({} if scaling.optimizer == "sgd" else {"eps": epsilon * scaling.epsilon}),
                "weight_decay": weight_decay * decay,
                "name": name,
                "role": rule.layer.role,
                "optimizer": scaling.optimizer,
            }
        )
    return groups


def _base_shapes(base: nn.Module | Shapes, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The shapes of the base, checked to be those of the same module."""
    given: Shapes = (
        {n: tuple(p.shape) for n, p in base.named_parameters()} if isinstance(base, nn.Module) else base
    )
    for name, shape in shapes.items():
        if name not in given or len(given[name]) != len(shape):
            other = "no such parameter" if name not in given else tuple(given[name])
            raise DomainError(
                "base", other, f"a module that differs in width alone; see '{name}', {tuple(shape)}"
            )
    return {name: tuple(given[name]) for name in shapes}


def _shared_role(
    kinds: Kinds, name: str, shape: Sequence[int], base: Sequence[int] | None, roles: Mapping[str, str]
) -> Role:
    """The role of a tensor under all its names, which must agree."""
    names = kinds.names[name]
    if len(names) == 1:
        return _role(name, shape, base, kinds, roles)
    found: dict[str, str] = {}
    for same in names:
        try:
            found[same] = _role(same, shape, base, kinds, roles)
        except UnknownRoleError:
            found[same] = "role not known"
    if len(set(found.values())) > 1:
        raise TiedRolesError(found)
    return _role(name, shape, base, kinds, roles)


def _role(
    name: str, shape: Sequence[int], base: Sequence[int] | None, kinds: Kinds, roles: Mapping[str, str]
) -> Role:
    """By name, by kind, or by which dimensions grow."""
    for pattern, role in roles.items():
        if fnmatchcase(name, pattern):
            return cast("Role", role)
    if name in kinds.tables:
        return "embedding"
    if len(shape) < 2:
        return "vector"
    if base is None:
        raise UnknownRoleError(name, shape)
    out_axis, in_axis = (1, 0) if name in kinds.transposed else (0, 1)
    grows = shape[out_axis] != base[out_axis], shape[in_axis] != base[in_axis]
    by_growth: dict[tuple[bool, bool], Role] = {
        (True, True): "hidden", (True, False): "input", (False, True): "readout",
    }  # fmt: skip
    # At the base width itself nothing grows, and every role has the same rule: but the optimizer differs.
    if grows not in by_growth:
        raise UnknownRoleError(name, shape)
    return by_growth[grows]


def _shrunk(
    name: str, shape: Sequence[int], role: Role, turned: bool, width: int, base_width: int
) -> tuple[int, ...]:
    """The shape at the base width, from the role."""
    out_axis, in_axis = (1, 0) if turned else (0, 1)
    axes = {
        "hidden": (out_axis, in_axis),
        "input": (out_axis,),
        "embedding": (out_axis,),
        "readout": (in_axis,),
    }
    # A scalar has no axis to grow along, nor has a vector of a size of its own, such as a readout's bias.
    growing = axes.get(role, (0,) if shape and shape[0] % width == 0 else ())
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


def _layer(name: str, shape: Sequence[int], role: Role, turned: bool, residual: bool) -> Layer:
    """The parameter as a matrix [d_out, d_in]."""
    if len(shape) < 2:
        return Layer(name, role, 1, shape[0] if shape else 1, residual)
    d_out, d_in = (shape[1], shape[0]) if turned else (shape[0], shape[1])
    for extra in shape[2:]:
        d_in *= extra
    return Layer(name, role, d_in, d_out, residual)
