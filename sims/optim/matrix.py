"""The one optimizer behind all matrix rules: it batches equal shapes, keeps their memory, steps, decays."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping
from itertools import accumulate, pairwise
from typing import Any, TypedDict

import torch
from torch import Tensor, nn
from torch.optim.optimizer import ParamsT

from hptheory.errors import DomainError
from sims.errors import CheckpointError, FallbackWarning, NotAMatrixError
from sims.optim.base import Stepping, dropped_if_refused
from sims.optim.eigen import fallbacks_in
from sims.optim.graft import PREFIX, Graft
from sims.optim.parts import cache_parts, matrices_at_once
from sims.optim.rule import Number, Rule, State, check_name, check_not_negative, in_precision_of
from sims.optim.spectral import SpectralNorm
from sims.settings.checks import check_one_size

WRAPPED = {PREFIX: "graft=", "spectral_": "spectral_norm=True", "rms_": "a rule within RMSNorm"}
"""What an optimizer needs that is to have constants so named."""
SHAPE_FACTORS = ("mup", "capped", "rms")
Bucket = list[tuple[nn.Parameter, dict[str, Any]]]


def shape_factor(kind: str | None, rows: int, columns: int) -> float:
    """What a direction of a [rows, columns] matrix is multiplied by: 1, unless a convention is named.

    ``mup``: sqrt(rows/columns), the paper's (App. A.2 and A.3), which makes lr the size of the change of an
    output. ``capped``: sqrt(max(1, rows/columns)), Keller Jordan's and the default of ``torch.optim.Muon``;
    no muP rule where rows < columns. ``rms``: 0.2 sqrt(max(rows, columns)), which gives an orthogonal matrix
    the usual RMS of an Adam update (arXiv 2502.16982).

    >>> [shape_factor(kind, 256, 1024) for kind in (None, "mup", "capped", "rms")]
    [1.0, 0.5, 1.0, 6.4]
    """
    if kind is None:
        return 1.0
    ratio = rows / columns
    return {"mup": ratio**0.5, "capped": max(1.0, ratio) ** 0.5, "rms": 0.2 * math.sqrt(max(rows, columns))}[
        kind
    ]


class Options(TypedDict, total=False):
    """What every matrix optimizer takes besides its rate and its own constants."""

    weight_decay: Number
    shape_factor: str | None
    graft: Rule | None
    spectral_norm: bool


class MatrixOptimizer(Stepping):
    """p <- (1 - weight_decay) p - lr * shape_factor * direction, the direction by a rule, for every matrix.

    Parameters are [d_out, d_in], or stacked [member, d_out, d_in] and then treated member by member. ``lr``
    and ``weight_decay`` are floats or tensors that broadcast against the parameters ([member, 1, 1]); with
    such tensors torch's schedulers fail, so keep the peak and set ``group["lr"] = peak * factor``. Decay
    is independent: not multiplied by lr, so a schedule has to multiply both (arXiv 2512.05620); but where lr
    is 0 nothing decays, so that a step at rate 0, by which torch's checkpoints make an optimizer's state,
    moves no weight. No shape factor is applied unless one is named: scaling rules give the rate's ratio to a
    base shape, and are applied to ``lr``.

    ``graft`` is a rule whose norm the direction is given; with ``spectral_norm`` it is brought to spectral
    norm sqrt(d_out/d_in), by power iteration, after grafting if both are asked for. The rule's constants
    stand in the parameter groups by name (the graft's with ``graft_`` before them), and each group may have
    its own.

    Matrices of one shape and of the same constants are stacked and go through the rule as one batch,
    whichever group they are in; on a CPU as many at a time as its cache holds. No step waits for the device,
    except those that make eigendecompositions.

    Domain: parameters are float32 or float64 matrices with both dimensions >= 2, else ``NotAMatrixError``; so
    are groups whose ``role`` is ``embedding`` or ``vector``, which Adam should train. A third axis is always
    members: flatten a Conv1d kernel to [d_out, d_in k], or give it to Adam (those in groups of
    ``param_groups`` are refused). Constants are checked by the rules; a group's ``graft_*`` or ``spectral_*``
    without a graft or norm are a ``DomainError``.

    *Laws*: a stack trains as its members one by one; going on from a saved state changes nothing.
    """

    def __init__(
        self,
        params: ParamsT,
        rule: Rule,
        lr: Number,
        *,
        weight_decay: Number = 0.0,
        shape_factor: str | None = None,
        graft: Rule | None = None,
        spectral_norm: bool = False,
    ) -> None:
        check_one_size(shape_factor, spectral_norm)
        if not isinstance(graft, Rule | None):
            raise DomainError("graft", repr(graft), "None or a rule with its constants, as AdamRule()")
        rule = rule if graft is None else Graft(rule, graft)
        self.rule: Rule = SpectralNorm(rule) if spectral_norm else rule
        self._fallbacks_told = 0
        own = {"lr": lr, "weight_decay": weight_decay, "shape_factor": shape_factor}
        super().__init__(params, {**own, **self.rule.hyperparameters()})

    def __getstate__(self) -> dict[str, Any]:
        """What a copy or a pickle needs; torch's own keeps the groups and the state alone."""
        return {**super().__getstate__(), "rule": self.rule, "_fallbacks_told": self._fallbacks_told}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group, whose parameters and constants are checked; one that does not pass is not added."""
        super().add_param_group(param_group)
        with dropped_if_refused(self) as group:
            self._check_group(group)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what ``state_dict`` gave.

        Domain: that of an optimizer with another rule raises ``CheckpointError``, and nothing is changed.
        """
        wanted = self.rule.hyperparameters().keys()
        for group in state_dict["param_groups"]:
            others = {name for name in group.keys() - wanted if name.startswith(tuple(WRAPPED))}
            if differing := sorted(others | (wanted - group.keys())):
                raise CheckpointError(
                    f"the state is that of another rule than {type(self).__name__}'s here, by the constants "
                    f"{', '.join(differing)}; load it into an optimizer made as the saved one was"
                )
        super().load_state_dict(state_dict)

    def _check_group(self, group: dict[str, Any]) -> None:
        """Nothing, if the group's parameters and constants are what they have to be."""
        check_wrapped(self.rule, group)
        for name in self.rule.hyperparameters():
            if isinstance(group[name], list):
                group[name] = tuple(group[name])
        check_not_negative("lr", group["lr"])
        check_not_negative("weight_decay", group["weight_decay"])
        if group["shape_factor"] is not None:
            check_name("shape factor", group["shape_factor"], SHAPE_FACTORS)
        names = group.get("param_names", [None] * len(group["params"]))
        for name, p in zip(names, group["params"], strict=True):
            check_matrix(name, p, group.get("role"))
            # In groups of ``param_groups``, whose models are no stacks, what has three axes is Adam's.
            if p.ndim == 3 and group.get("optimizer") == "adam":
                raise NotAMatrixError(f"the kernel of a convolution, of shape {list(p.shape)}, is no stack")
            rows, columns = p.shape[-2:]
            self.rule.rebuilt(group).check(rows, columns)

    def _update_all(self) -> None:
        for bucket in self._buckets():
            self._step_together(bucket)

    @property
    def fallbacks(self) -> int:
        """How often an eigendecomposition or a statistic was not finite, so that the one before was kept."""
        return fallbacks_in(self.state.values())

    def _buckets(self) -> Iterator[Bucket]:
        """The parameters that have a gradient, those together that can go through the rule as one batch."""
        buckets: dict[Any, Bucket] = {}
        for group in self.param_groups:
            constants = tuple(
                id(value) if isinstance(value, Tensor) else value
                for value in (group[name] for name in self.rule.hyperparameters())
            )
            for p in group["params"]:
                if p.grad is not None:
                    step = self.state[p].get("step", 0)
                    key = (p.shape, p.dtype, p.device, step, constants)
                    buckets.setdefault(key, []).append((p, group))
        for bucket in buckets.values():
            # On a CPU, stacking large matrices costs more than it saves.
            first = bucket[0][0]
            many = max(1, matrices_at_once(first) // max(1, first[..., 0, 0].numel()))
            yield from (bucket[start : start + many] for start in range(0, len(bucket), many))

    def _step_together(self, bucket: Bucket) -> None:
        """One step of parameters of one shape with the same constants."""
        rule = self.rule.rebuilt(bucket[0][1])
        params = [p for p, _ in bucket]
        for p in params:
            if not self.state[p]:
                self.state[p] = {"step": 0, **rule.start(p.detach())}
        step = self.state[params[0]]["step"] + 1
        memory = [{name: value for name, value in self.state[p].items() if name != "step"} for p in params]
        stacked = {name: _stacked([each[name] for each in memory]) for name in memory[0]}
        directions = direction_in_parts(rule, _stacked([_gradient(p) for p in params]), stacked, step)
        for name, values in stacked.items():
            if len(params) > 1:  # a stack of one is a view
                torch._foreach_copy_([each[name] for each in memory], list(values.unbind(0)))
        for (p, group), direction in zip(bucket, directions, strict=True):
            self.state[p]["step"] = step
            _decay(p, group["weight_decay"], group["lr"])
            rows, columns = p.shape[-2:]
            p.sub_(direction * (group["lr"] * shape_factor(group["shape_factor"], rows, columns)))
        if rule.decomposes(step):
            self._tell_fallbacks()

    def _tell_fallbacks(self) -> None:
        """Warn, once for each further fallback; eigendecompositions have waited for the device anyway."""
        found = self.fallbacks
        if found > self._fallbacks_told:
            warnings.warn(FallbackWarning(type(self).__name__, found), stacklevel=3)
        self._fallbacks_told = found


def direction_in_parts(rule: Rule, grads: Tensor, state: State, step: int) -> Tensor:
    """The directions for gradients [parameter, (member,) m, n]; on a CPU, for some members at a time."""
    if grads.ndim == 3 or len(grads) > 1:
        return rule.direction(grads, state, step)
    bounds = list(accumulate([0, *(len(part) for part in cache_parts(grads[0]))]))
    directions = torch.empty_like(grads)
    for start, end in pairwise(bounds):
        # Slices write through: the rule changes its memory in place.
        own = {name: value[:, start:end] for name, value in state.items()}
        part = rule.rebuilt({name: _members(v, start, end) for name, v in rule.hyperparameters().items()})
        directions[:, start:end] = part.direction(grads[:, start:end], own, step)
    return directions


def _members(value: Any, start: int, end: int) -> Any:
    """A constant's entries for some members, if it has one for each ([member, 1, 1])."""
    if isinstance(value, Tensor) and value.ndim >= 3 and len(value) > 1:
        return value[start:end]
    return value


def check_wrapped(rule: Rule, group: Mapping[str, Any]) -> None:
    """Nothing, if the rule has the graft and the norm that a group's constants are for; else ``DomainError``.

    Without them the group's rate would be that of another algorithm.
    """
    for name in group.keys() - rule.hyperparameters().keys():
        for prefix, needed in WRAPPED.items():
            if name.startswith(prefix):
                advice = f"give {needed} to the optimizer as well, as for the group's rate"
                raise DomainError(f"a group's {name}", group[name], "left out for this optimizer", advice)


def check_matrix(name: str | None, p: Tensor, role: str | None = None) -> None:
    """Nothing, if a matrix optimizer can train the parameter; else ``NotAMatrixError``."""
    what = f"parameter '{name}' of shape {list(p.shape)}" if name else f"a parameter of shape {list(p.shape)}"
    if role in ("embedding", "vector"):
        raise NotAMatrixError(f"{what} has the role {role}")
    if p.ndim not in (2, 3) or min(p.shape[-2:]) < 2:
        raise NotAMatrixError(f"{what} is no matrix [d_out, d_in] nor a stack [member, d_out, d_in] of them")
    if p.dtype not in (torch.float32, torch.float64):
        raise NotAMatrixError(f"{what} is {p.dtype}, and weights must be kept in float32 or float64")


def _gradient(p: nn.Parameter) -> Tensor:
    assert p.grad is not None  # buckets hold no others
    return p.grad


def _stacked(tensors: list[Tensor]) -> Tensor:
    """The tensors along a new first axis; of a single one, a view that writes through."""
    return tensors[0].unsqueeze(0) if len(tensors) == 1 else torch.stack(tensors)


def _decay(p: nn.Parameter, rate: Number, lr: Number) -> None:
    """p <- (1 - rate) p, but p where lr is 0; what is on the device is not looked at."""
    if not isinstance(rate, Tensor) and rate == 0:
        return
    kept = in_precision_of(p, 1 - rate)
    if isinstance(lr, Tensor):
        moves = (lr != 0).to(p.dtype)
        p.mul_(moves * kept + (1 - moves))  # exactly 1 - rate, or exactly 1
    elif lr != 0:
        p.mul_(kept)
