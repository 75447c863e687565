"""Scaling rules on anyone's module: parameter groups for an optimizer, by the role of each parameter.

Roles (``sims.param_roles``) come from a copy of the module at the base width (which dimensions grow), from
patterns of names, or from the kind of module (embeddings, vectors); what none of them settles is an error
before training starts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from fractions import Fraction
from numbers import Real
from typing import Any

import torch
from torch import nn

from hptheory.errors import DomainError, HPTheoryError, UnknownNameError
from hptheory.parameterization.layers import ROLES
from hptheory.parameterization.model_rules import MATRIX_OPTIMIZERS, LayerRule, layer_rule
from sims.param_epsilons import group_constants
from sims.param_roles import (
    Kinds,
    TiedRolesError,
    UnknownRoleError,
    as_matrix,
    check_growth,
    shape_at_base,
    tensor_role,
)
from sims.settings.checks import check_count, check_known, check_not_negative

__all__ = [
    "TiedRolesError",
    "UnknownRoleError",
    "UnmatchedPatternError",
    "param_groups",
    "parameter_rules",
    "scale_initial_weights",
]

Shapes = Mapping[str, Sequence[int]]


class UnmatchedPatternError(HPTheoryError):
    """A pattern matches the name of no parameter; the message lists names that are near."""

    def __init__(self, argument: str, pattern: str, names: Sequence[str]) -> None:
        near = get_close_matches(pattern, names, n=3, cutoff=0.4)
        some = ", ".join(names[:6]) + (f", ... ({len(names)} in all)" if len(names) > 6 else "")
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {some}"
        super().__init__(f"the pattern '{pattern}' in {argument} matches the name of no parameter; {hint}")


def parameter_rules(
    model: nn.Module,
    optimizer: str,
    base_width: int,
    *,
    width: int | None = None,
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
    dimensions grow, and so the width: by default as many times base_width as most growing dimensions are
    times theirs. Without it, dimensions grow as the role says: both of ``hidden``, the output of ``input``
    and ``embedding``, the input of ``readout``, that of a ``vector`` if it is a multiple of the width.
    ``roles`` maps patterns of names to roles, the first match wins. ``residual`` are patterns of parameters
    in branches that are multiplied by base_depth/depth. ``options`` are those of ``scaling_rule``.

    Weights are [d_out, d_in, ...], as ``nn.Linear`` has them; those of ``nn.Embedding`` and
    ``nn.EmbeddingBag`` are [rows, d_out], as are bare parameters of role ``embedding`` ([..., d_out]); those
    of transposed convolutions [d_in, d_out, ...]. A bare parameter whose first axis does not grow may be a
    table or a readout, which only ``roles`` can tell. The further axes of a convolution count as inputs that
    do not grow: the fan-in includes the kernel. A depthwise one has a fixed fan-in, and is an ``input``.
    Beside an optimizer of matrices Adam trains convolutions.

    At the base width nothing grows, and no base tells a role. All roles then have one rule, and those not
    told are ``unknown``; but a matrix optimizer trains ``hidden`` ones alone, so that it needs ``roles``.

    Domain: a role that cannot be told raises ``UnknownRoleError``; an unknown one, ``UnknownNameError``; a
    pattern that matches no name, ``UnmatchedPatternError``; a role whose axes are not those that grow (a bare
    readout kept as [d_in, d_out]), ``DomainError``; a tensor of several names and different roles,
    ``TiedRolesError``; a base of other names or numbers of axes, a width at odds with the shapes (none grows
    like it, or, without a base, is a multiple of it), one that base_width does not divide into whole sizes,
    or a depth without ``residual``, ``DomainError``.

    *Laws*: the rules of the trainer's own transformers are found from a base copy alone; roles and a base
    agree. (Optimizers of matrices train the first layer of its two-layer network, an ``input`` here unless
    ``roles`` has it as ``hidden``.)

    >>> net = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 3, bias=False))
    >>> base = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3, bias=False))
    >>> found = parameter_rules(net, "adam", 16, base=base)
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
    _check_patterns(kinds, {"roles": list(roles or {}), "residual": residual})
    width = _width(width, base_width, shapes, bases)
    found = {}
    for name, shape in shapes.items():
        old = None if bases is None else bases[name]
        by_adam = len(shape) > 2 and optimizer in MATRIX_OPTIMIZERS
        # Where nothing grows all roles have the same rule; but a matrix optimizer trains one of them alone.
        any_role = shapes == bases and (by_adam or optimizer not in MATRIX_OPTIMIZERS)
        role = tensor_role(kinds, name, shape, old, roles or {}, any_role=any_role)
        axes = kinds.axes(name, shape, old, role)
        if old is None:
            old = shape_at_base(name, shape, role, axes, width, base_width)
        elif any(fnmatchcase(same, pattern) for same in kinds.names[name] for pattern in roles or {}):
            check_growth(kinds, name, shape, old, role, axes)
        inside = any(fnmatchcase(same, pattern) for same in kinds.names[name] for pattern in residual)
        layer, small = (as_matrix(name, some, role, axes, inside) for some in (shape, old))
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
    width: int | None = None,
    lr: float | Mapping[str, float],
    epsilon: float | Mapping[str, float] | None = None,
    weight_decay: float | Mapping[str, float] = 0.0,
    independent_decay: bool | Mapping[str, bool] | None = None,
    **options: Any,
) -> list[dict[str, Any]]:
    """Groups for ``torch.optim`` or ``sims.optim``: hyperparameters of the base model, scaled to this module.

    A group a parameter: ``params``, ``lr``, ``eps``, ``weight_decay``, and for the reader ``name``, ``role``,
    ``optimizer``. A matrix optimizer trains the hidden matrices; the groups of ``optimizer`` "adam" beside it
    are for an Adam of its own. So every hyperparameter may be one for each, {"muon": 0.02, "adam": 0.003};
    an optimizer that is left out has the default. There is none of ``lr``.

    No group can hold the rest of the rule: initial scales, which ``scale_initial_weights`` sets, and the
    forward pass, which is the module's own business (multipliers, ``attention_scale``, 1/depth of branches).

    ``weight_decay`` is the base model's, as its optimizer means it, and those beside each other may not mean
    the same. ``sims.optim``'s matrix optimizers shrink a weight by it, whatever the rate (independent), so
    that it is scaled by itself. Adam and all of ``torch.optim``, its Muon too, shrink a weight by it times
    the rate (coupled): there it is divided by the rate's ratio. ``independent_decay`` says which it is; by
    default matrix optimizers decay independently, Adam and SGD do not. A step then decays every matrix by
    base_width/width of the base's share. (In the trainer's settings a coupled decay stays one number, as in
    torch, and a step's share goes as the rate: for Adam's embeddings it is the same at every width.) Vectors
    do not decay.

    ``epsilon`` is by default that of ``sims.optim``, for each optimizer its own. ``eps`` has the ratio of the
    rule that gives the direction; with ``graft``, ``graft_eps`` that of the grafted optimizer, whose epsilon
    goes by its name, and ``graft_norm_eps`` that of the norm. Shampoo's damping is relative unless
    ``relative_damping=False``, and its groups say so (``damping``).

    The rate is for the algorithm that ``options`` name, and the groups hold what they can of it:
    ``exponents``, ``block`` and ``sides``, which count before the optimizer's own. A rule to graft from and
    ``spectral_norm`` no group can hold: give ``graft=`` and ``spectral_norm=`` to the optimizer as well. One
    without them refuses the groups by their ``graft_*`` and ``spectral_*`` entries.

    Domain: that of ``parameter_rules``; a missing rate, or a rate, epsilon or decay that is no number,
    negative or not finite, raises ``DomainError``; one for another optimizer, ``UnknownNameError``.

    *Laws*: at the base width every group has the given numbers; a decay a step scales like 1/width; epsilons
    are the trainer's.

    >>> net = nn.Linear(256, 256, bias=False)
    >>> rate = {"lr": 0.02, "weight_decay": 0.1, "roles": {"weight": "hidden"}}
    >>> (group,) = param_groups(net, "muon", 64, width=256, **rate)
    >>> group["optimizer"], group["lr"], group["weight_decay"]
    ('muon', 0.02, 0.025)
    """
    if optimizer == "shampoo":
        options = {"relative_damping": True, **options}
    both, graft = dict.fromkeys([optimizer, "adam"]), options.get("graft")
    rates = _by_optimizer("lr", lr, both)
    decays = _by_optimizer("weight_decay", weight_decay, both)
    epsilons = _by_optimizer("epsilon", epsilon, both if graft is None else {**both, graft: None})
    for argument, given in (("lr", rates), ("weight_decay", decays), ("epsilon", epsilons)):
        for number in given.values():
            _check_number(argument, number)
    independent = dict.fromkeys(MATRIX_OPTIMIZERS, True)
    independent |= _by_optimizer("independent_decay", independent_decay, both)
    for told in independent.values():
        if not isinstance(told, bool):
            raise DomainError("independent_decay", repr(told), "True or False")
    rules = parameter_rules(model, optimizer, base_width, width=width, **options)
    parameters = dict(model.named_parameters())
    groups = []
    for name, rule in rules.items():
        scaling, chosen = rule.scaling, rule.scaling.optimizer
        if chosen not in rates:
            raise DomainError("lr", lr, f"a rate for {chosen}, which trains '{name}', too")
        coupling = 1.0 if independent.get(chosen, False) else scaling.lr
        groups.append(
            {
                "params": [parameters[name]],
                "lr": rates[chosen] * scaling.lr,
                **group_constants(rule, optimizer, epsilons, options),
                "weight_decay": decays.get(chosen, 0.0) * scaling.weight_decay / coupling,
                "name": name,
                "role": rule.layer.role,
                "optimizer": chosen,
            }
        )
    return groups


def scale_initial_weights(model: nn.Module, base: nn.Module, rules: Mapping[str, LayerRule]) -> None:
    """Give every parameter the rule's initial scale, in place, before training: a factor for each.

    Afterwards its root mean square is that of the same parameter of ``base``, times the rule's ratio. So no
    convention of initialisation is assumed: gains of 1 stay 1, zeros stay zero, and a weight drawn with
    1/sqrt(fan-in) gets what muP wants, whatever the factor before it. ``base`` is the module at the base
    width with its initial weights, ``rules`` those of ``parameter_rules`` for the same two.

    The base's root mean square is measured on as many weights as it has: of n normal ones, within
    1/sqrt(2 n) of their standard deviation.

    Domain: a parameter that the base or the rules lack, a base without values (device "meta"), or zeros in
    the place of weights that should not be zero, raise ``DomainError``, and nothing is changed.

    *Laws*: scaled twice is scaled once; a readout's first outputs fall like n^(-1/2) under muP.

    >>> net, base = nn.Linear(256, 10, bias=False), nn.Linear(64, 10, bias=False)
    >>> rules = parameter_rules(net, "adam", 64, base=base)
    >>> scale_initial_weights(net, base, rules)
    >>> ratio = net.weight.square().mean().sqrt() / base.weight.square().mean().sqrt()
    >>> rules["weight"].scaling.init_std, round(ratio.item(), 6)
    (0.25, 0.25)
    """
    sizes = dict(base.named_parameters())
    factors: list[tuple[nn.Parameter, float]] = []
    for name, parameter in model.named_parameters():
        if name not in sizes or name not in rules:
            raise DomainError("base", f"a module without '{name}'", "a copy at the base width, as the rules'")
        if sizes[name].is_meta or parameter.is_meta:
            raise DomainError("base", "on the device meta", "a module with its initial weights")
        here, wanted = _root_mean_square(parameter), _root_mean_square(sizes[name])
        wanted *= rules[name].scaling.init_std
        if here == 0 < wanted:
            raise DomainError(
                f"'{name}'", "all zeros", f"weights of root mean square {wanted:.3g}, as the base's"
            )
        factors.append((parameter, wanted / here if here else 1.0))
    with torch.no_grad():
        for parameter, factor in factors:
            parameter.mul_(factor)


def _by_optimizer(argument: str, given: Any, known: Mapping[str, object]) -> dict[str, Any]:
    """What is given for each optimizer; nothing for those to have the default."""
    if isinstance(given, Mapping):
        for name in given:
            check_known(f"optimizer in {argument}", name, known)
        return dict(given)
    return {} if given is None else dict.fromkeys(known, given)


def _check_number(name: str, value: object) -> None:
    """Nothing, if the value is a number, zero or positive, and finite; else ``DomainError``."""
    if isinstance(value, torch.Tensor) and value.ndim == 0:
        value = value.item()
    if not isinstance(value, Real):
        raise DomainError(name, repr(value), "a number, zero or positive")
    check_not_negative(name, float(value))


def _root_mean_square(parameter: nn.Parameter) -> float:
    return float(parameter.detach().double().square().mean().sqrt())


def _check_patterns(kinds: Kinds, given: Mapping[str, Sequence[str]]) -> None:
    """Nothing, if every pattern matches a name; else ``UnmatchedPatternError``."""
    names = [name for same in kinds.names.values() for name in same]
    for argument, patterns in given.items():
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names):
                raise UnmatchedPatternError(argument, pattern, names)


def _width(
    given: int | None,
    base_width: int,
    shapes: Mapping[str, tuple[int, ...]],
    bases: Mapping[str, tuple[int, ...]] | None,
) -> int:
    """The width, from what is given or from the growth of the dimensions, which must agree.

    Some dimensions may grow otherwise (a feed-forward part rounded to a multiple of 256), so that one in
    agreement is enough.
    """
    check_count("base_width", base_width)
    if given is not None:
        check_count("width", given)
    if bases is None:
        if given is None:
            raise DomainError("width", None, "given where there is no base to tell it")
        if not any(size % given == 0 for shape in shapes.values() for size in shape):
            raise DomainError("width", given, "the module's: no dimension of a parameter is a multiple of it")
        return given
    pairs = [pair for name, shape in shapes.items() for pair in zip(shape, bases[name], strict=True)]
    growth = Counter(Fraction(size, small) for size, small in pairs if size != small and small)
    told = [base_width * ratio for ratio, _ in growth.most_common()] or [Fraction(base_width)]
    if given is None and told[0].denominator > 1:
        advice = f"most dimensions are {told[0] / base_width} times those of the base"
        raise DomainError("base_width", base_width, "the width of the base", advice)
    if given is not None and given not in told:
        advice = f"dimensions are {told[0] / base_width} times those of the base"
        raise DomainError("width", given, f"{told[0]} for base_width = {base_width}", advice)
    return int(told[0]) if given is None else given


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
