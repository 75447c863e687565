"""The observer of a trajectory: linearised loss changes along it, decomposed, in anyone's training loop.

Between observations of the (averaged) weights w_0, w_1, ... the loss is linearised at the earlier ones,

    delta phi = <grad L(w_i), w_(i+1) - w_i>,

and split: a matrix's part into the eigenvalues of the alignment matrix of its gradient and its update
(``hptheory.decomposition``), every other parameter's part as it is. The sum over observations is phi; how
far it is from the measured change of L says whether the decomposition is one of the loss at all.

Source: 2512.22768, Sec. 4.1, (1) to (4).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from hptheory.decomposition import top_k_loss_change
from hptheory.decomposition.arrays import full_precision
from hptheory.errors import HPTheoryError
from sims.settings.schedules import EMAConfig
from sims.trajectory.account import Account
from sims.trajectory.ema import single_or_more
from sims.trajectory.errors import (
    LinearisationWarning,
    NonFiniteError,
    ObservationWarning,
    ObserverError,
    ParameterChangedError,
    check_same_parameters,
)
from sims.trajectory.finite import products_are_finite
from sims.trajectory.left_out import left_out, with_running_statistics
from sims.trajectory.matrices import Matrix, Parts, Side, split_parameters
from sims.trajectory.objective import Losses, Objective, Weights
from sims.trajectory.result import TrajectoryResult

PUBLISHED = EMAConfig()
OnProblem = Literal["warn", "raise", "record"]


class TrajectoryObserver:
    """Watches one training run, or all members of a stacked one, and decomposes its loss change.

    In a loop of one's own::

        average = WeightAverage(EMAConfig(), model)
        observer = TrajectoryObserver(lambda model: F.cross_entropy(model(x_val), y_val))
        observer.prepare(model)
        for step, batch in enumerate(batches):
            ...  # the user's own step of training
            average.update(step)
            observer.step(average.weights, step)
        result = observer.result()

    To resume, save ``average.state()`` and ``observer.state()`` with the checkpoint; make both anew on the
    model that was read back, ``prepare`` the observer, ``restore`` both, and go on counting the steps.

    ``losses(model, *batch)`` and ``batches`` say on which examples the loss is evaluated (see ``Objective``);
    ``data`` describes them in the result. ``cadence`` says when to look (``EMAConfig.is_snapshot``).
    ``width`` is n, over which k runs, and ``sides`` the side of single matrices (``split_parameters``).
    ``stacked``: parameters and losses have a leading member axis. A trajectory whose ``relative_error`` is
    above ``tolerance`` is warned of (``LinearisationWarning``).

    Only parameters are averaged and linearised. A layer that normalises with running statistics (BatchNorm)
    is evaluated with those that the module has at the observation, which are of the raw weights: what their
    changes do to the loss is in none of the parts. ``prepare`` warns of such layers, and of matrices without
    a side of length n, which are not decomposed (``ObservationWarning``).

    The parameters trained at ``prepare`` are followed to the end; those frozen later count with the updates
    that they still get. One frozen at ``prepare`` is not followed: unfreeze it before if it is to be trained.

    When the trajectory cannot be followed any further (a parameter vanishes or changes its shape, one that is
    not followed is trained, a gradient is not finite) the observer warns (``ObservationWarning``), keeps what
    it has and lets the run go on; ``on_problem="raise"`` raises the named error instead, "record" leaves it
    to the result, without warnings.

    *Laws*: all parts sum to phi; interrupted (``state``, ``restore``) equals uninterrupted; a member's result
    is that of the same run alone; memory: three copies of the weights, the sums, and a few n x n matrices.
    """

    def __init__(
        self,
        losses: Losses,
        *,
        batches: Sequence[Sequence[Any]] = ((),),
        data: str = "",
        cadence: EMAConfig = PUBLISHED,
        width: int | None = None,
        sides: Mapping[str, Side] | None = None,
        stacked: bool = False,
        tolerance: float = 0.1,
        on_problem: OnProblem = "warn",
    ) -> None:
        self.objective = Objective(losses, batches, stacked=stacked)
        self.data, self.cadence, self.width, self.sides = data, cadence, width, dict(sides or {})
        self.stacked, self.tolerance, self.on_problem = stacked, tolerance, on_problem
        self._model: nn.Module | None = None
        self._stopped: str | None = None
        self._done = 0

    def prepare(self, model: nn.Module) -> None:
        """Attach to a model at the start of its trajectory, or before ``restore`` at any step of it.

        Domain: an observer watches one run: a second call is an ``ObserverError``, unless ``detach`` came
        before. See ``split_parameters`` for what the shapes must allow.
        """
        if self._model is not None:
            raise ObserverError(
                "this observer is attached already; it watches one run, so make another one for another run"
            )
        weights = trainable(model)
        self._frozen = {name for name, _ in model.named_parameters() if name not in weights}
        self.shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
        own = {name: shape[1:] if self.stacked else shape for name, shape in self.shapes.items()}
        self.parts: Parts = split_parameters(own, self.width, self.sides)
        first = next(iter(weights.values()))
        members = first.shape[0] if self.stacked else 1
        self._alive = torch.ones(members, dtype=torch.bool, device=first.device)
        self._ends: list[int | None] = [None] * members
        self._account = Account(members, self.parts, first.device)
        self._model, self._current = model, weights
        # In single precision or more, as averages are: phi would gather what is lost in rounding to bf16.
        self._snapshot = {name: single_or_more(weight, copy=True) for name, weight in weights.items()}
        self._running = with_running_statistics(model)
        for words in left_out(self.parts, self._running) if self.on_problem != "record" else ():
            warnings.warn(words, ObservationWarning, stacklevel=2)
        self._linearise()

    def detach(self) -> None:
        """Let go of the model and forget its run, so that ``prepare`` can begin another one."""
        self._model, self._stopped, self._done = None, None, 0

    def step(self, weights: Weights | None = None, step: int | None = None) -> None:
        """Take note of step ``step`` of training (from 0; the next one by default), after it was taken.

        ``weights`` is the average to be watched, by the names of the model's parameters, in tensors that are
        updated in place from call to call. Without it the model's own weights are watched. Steps at which
        ``cadence`` does not look may be left out, but for the last of the run.
        """
        model = self._attached()
        if self._stopped is not None:
            return
        own = {name: weight.detach() for name, weight in model.named_parameters()}
        current: Weights = own if weights is None else weights
        changed = self._what_changed(own) or self._what_came(model) or self._what_changed(current)
        if changed is not None:
            self._stop(ParameterChangedError(f"{changed} after step {self._done}; the trajectory ends there"))
            return
        self._current = {name: current[name] for name in self.shapes}
        self._done = self._done + 1 if step is None else step + 1
        if self.cadence.is_snapshot(self._done - 1):
            self._observe()

    def result(self) -> TrajectoryResult:
        """The decomposition of the run so far, the last step included.

        Domain: a stacked model has ``results()``, one a member; ``ObserverError`` says so.
        """
        results = self.results()
        if self.stacked:
            raise ObserverError("a stacked model has a result for each member; call results()")
        return results[0]

    def results(self) -> list[TrajectoryResult]:
        """The results of all members (of a plain model: one), in order."""
        self._attached()
        if self._stopped is None and self._done > self._account.steps[-1]:
            self._observe()
        entries = self._example_losses()
        results = [self._result(member, entries) for member in range(len(self._alive))]
        unfaithful = [result.relative_error for result in results if not result.faithful]
        if unfaithful and self.on_problem != "record":
            advice = "observe more often, or average over more steps"
            if self._running:
                advice = f"it does not follow the running statistics of {', '.join(self._running)}"
            warnings.warn(
                f"the linearised loss change misses the measured one by up to {max(unfaithful):.0%} of it in "
                f"{len(unfaithful)} of {len(results)} trajectories (allowed: {self.tolerance:.0%}); {advice}",
                LinearisationWarning,
                stacklevel=2,
            )
        return results

    def state(self) -> dict[str, Tensor]:
        """All that ``restore`` needs to go on, as flat named tensors."""
        self._attached()
        ends = [-1 if end is None else end for end in self._ends]
        stopped = {} if self._stopped is None else {"stopped": as_bytes(self._stopped)}
        # Between two observations the last weights are needed as well, in case that ``result`` comes next.
        between = {} if self._done == self._account.steps[-1] else self._current
        return {
            "done": torch.tensor(self._done),
            **stopped,
            **{f"current/{name}": values.detach().clone() for name, values in between.items()},
            "alive": self._alive.clone(),
            "ends": torch.tensor(ends),
            **{f"account/{name}": values for name, values in self._account.state().items()},
            **{f"snapshot/{name}": values.clone() for name, values in self._snapshot.items()},
            **self._gradient_state(),
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a state, after ``prepare`` on a model at the same step.

        Domain: a state of a model with other parameters raises ``ObserverError``.
        """
        self._attached()
        advice = "prepare the observer on the model that it was taken from, with the same parameters frozen"
        check_same_parameters(under("snapshot/", state), self.shapes, "observer", advice)
        self._done = int(state["done"])
        self._stopped = bytes(state["stopped"].tolist()).decode() if "stopped" in state else None
        for name, values in under("current/", state).items():
            self._current[name] = values.to(self._snapshot[name].device, copy=True)
        self._alive.copy_(state["alive"])
        self._ends = [None if end < 0 else end for end in state["ends"].tolist()]
        self._account.restore(under("account/", state))
        for name, values in under("snapshot/", state).items():
            self._snapshot[name].copy_(values)
        self._restore_gradient(state)

    def select(self, kept: Int[Tensor, " kept"]) -> None:
        """Forget all members but those at these positions, as the stacked model does."""
        self._alive, self._ends = self._alive[kept], [self._ends[index] for index in kept.tolist()]
        self._account.select(kept)
        self._snapshot = {name: values[kept] for name, values in self._snapshot.items()}
        self._current = {name: values[kept] for name, values in self._current.items()}
        self.shapes = {name: (len(kept), *shape[1:]) for name, shape in self.shapes.items()}
        self._select_gradient(kept)

    # What the observer of single examples (sims.trajectory.samples) does in another way.

    def _linearise(self) -> None:
        """The loss and its gradient at the snapshot."""
        weights = self._snapshot
        loss, self._gradient = self.objective.gradient(self._attached(), weights, list(weights))
        self._account.loss.append(loss)

    def _top_k(
        self, matrix: Matrix, gradient: Float[Tensor, "member m n"], update: Float[Tensor, "member m n"]
    ) -> Float[Tensor, "member n"]:
        """phi^k of one layer and one observation."""
        return top_k_loss_change(gradient, update)

    def _follow(self, update: Weights) -> None:
        """What is left to do once all layers are decomposed."""

    def _gradient_state(self) -> dict[str, Tensor]:
        return {f"gradient/{name}": values.clone() for name, values in self._gradient.items()}

    def _restore_gradient(self, state: Mapping[str, Tensor]) -> None:
        for name, values in under("gradient/", state).items():
            self._gradient[name].copy_(values)

    def _select_gradient(self, kept: Int[Tensor, " kept"]) -> None:
        self._gradient = {name: values[kept] for name, values in self._gradient.items()}

    def _extra(self, member: int) -> dict[str, np.ndarray]:
        return {}

    # Common to both.

    @torch.no_grad()
    def _observe(self) -> None:
        """Close the interval since the snapshot, and take the next one."""
        update = self._snapshot
        for name, snapshot in update.items():  # in place: the update takes the snapshot's memory
            snapshot.neg_().add_(self._current[name])
        broken = self._find_broken(update)
        if broken is not None:
            self._mask(update, broken)
        layers = {}
        with full_precision(self._alive):  # a user's autocast is for the user's losses
            for matrix in self.parts.matrices:
                gradient, change = (
                    matrix.oriented(self._with_members(each[matrix.name]))
                    for each in (self._gradient, update)
                )
                layers[matrix.name] = self._top_k(matrix, gradient, change)
        self._follow(update)
        rest = {
            name: (self._rows(self._gradient[name]) * self._rows(update[name])).double().sum(1)
            for name in self.parts.rest
        }
        self._account.add(self._done, layers, rest)
        for name, snapshot in self._snapshot.items():
            snapshot.copy_(self._current[name])
        self._gradient = {}  # before the next one is computed: memory for one gradient only
        self._linearise()

    def _find_broken(self, update: Weights) -> Bool[Tensor, " member"] | None:
        """The members to be left out, or None: those stopped before, or without a finite alignment now.

        A sum is not finite if one of its terms is not; looking at sums costs no memory.
        """
        sums = [self._rows(each).sum(1) for each in (*self._gradient.values(), *update.values())]
        fine = torch.stack([*sums, self._account.loss[-1].to(sums[0])]).isfinite().all(0)
        names = [matrix.name for matrix in self.parts.matrices]
        fine &= products_are_finite(self._gradient, update, names, len(self._alive))
        stopping = self._alive & ~fine
        self._alive &= fine
        if bool(self._alive.all()):
            return None
        for member in stopping.nonzero().flatten().tolist():
            self._ends[member] = len(self._account.steps)
        if bool(stopping.any()):
            self._say(
                NonFiniteError(
                    f"the gradient or the update is not finite, or too large, between steps "
                    f"{self._account.steps[-1]} and {self._done}{self._which(stopping)}; the trajectory "
                    "ends before"
                )
            )
        return ~self._alive

    def _mask(self, update: dict[str, Tensor], broken: Bool[Tensor, " member"]) -> None:
        for tensors in (self._gradient, update):
            for tensor in tensors.values():
                self._with_members(tensor)[broken] = 0

    def _which(self, members: Bool[Tensor, " member"]) -> str:
        return f" (members {members.nonzero().flatten().tolist()})" if self.stacked else ""

    def _stop(self, error: HPTheoryError) -> None:
        self._stopped = str(error)
        self._say(error)

    def _say(self, error: HPTheoryError) -> None:
        if self.on_problem == "raise":
            raise error
        if self.on_problem == "warn":
            warnings.warn(str(error), ObservationWarning, stacklevel=4)

    def _what_changed(self, current: Weights) -> str | None:
        """In words how the parameters followed differ from those at the start, or None."""
        for name, shape in self.shapes.items():
            if name not in current:
                return f"the parameter {name} has vanished"
            if tuple(current[name].shape) != shape:
                return f"the parameter {name} changed its shape from {shape} to {tuple(current[name].shape)}"
        return None

    def _what_came(self, model: nn.Module) -> str | None:
        """In words which parameter is trained and not followed, or None."""
        new = next((name for name in trainable(model) if name not in self.shapes), None)
        if new in self._frozen:
            return f"the parameter {new}, which is followed only if it is not frozen at prepare, is trained"
        return None if new is None else f"the parameter {new} has come"

    def _attached(self) -> nn.Module:
        if self._model is None:
            raise ObserverError("this observer is not attached to a model yet; call prepare(model) first")
        return self._model

    def _with_members(self, tensor: Tensor) -> Tensor:
        return tensor if self.stacked else tensor.unsqueeze(0)

    def _rows(self, tensor: Tensor) -> Float[Tensor, "member entry"]:
        """All entries of each member's parameter, be it a scalar."""
        return tensor.reshape(len(self._alive), -1)

    def _example_losses(self) -> Float[np.ndarray, "member example"]:
        """The losses of all entries at the snapshot; of none, if the model is another one by now."""
        if self._stopped is not None:
            return np.zeros((len(self._alive), 0))
        _, entries = self.objective.loss(self._attached(), self._snapshot)
        return np.nan_to_num(entries.float().cpu().numpy(), nan=np.inf)

    def _result(self, member: int, entries: Float[np.ndarray, "member example"]) -> TrajectoryResult:
        account, end = self._account, self._ends[member]
        stopped = self._stopped
        if end is not None:
            stopped = (
                f"the gradient or the update is not finite, or too large, after step {account.steps[end - 1]}"
            )
        last = account.steps[-1 if end is None else end - 1]
        kept = [index for index, step in enumerate(account.curve_steps) if step <= last]
        host = lambda values: torch.stack(list(values)).cpu().numpy()  # noqa: E731
        return TrajectoryResult(
            width=self.parts.width,
            steps=np.array(account.steps[:end]),
            loss=host(loss[member] for loss in account.loss[:end]),
            phi=host(phi[member] for phi in account.phi[:end]),
            layers={name: values[member].cpu().numpy() for name, values in account.layers.items()},
            sides={matrix.name: matrix.side for matrix in self.parts.matrices},
            rest={name: float(values[member]) for name, values in account.rest.items()},
            curve_steps=np.array([account.curve_steps[index] for index in kept]),
            curve=host(account.curve[index][member] for index in kept),
            example_losses=entries[member],
            tolerance=self.tolerance,
            data=self.data,
            stopped=stopped,
            undecomposed=list(self.parts.undecomposed),
            extra=self._extra(member),
        )


def trainable(model: nn.Module) -> dict[str, Tensor]:
    """The parameters of a model that are trained, by name, each tied one once."""
    return {name: weight.detach() for name, weight in model.named_parameters() if weight.requires_grad}


def as_bytes(text: str) -> Tensor:
    """A text as a tensor."""
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def under(prefix: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The entries whose names begin with the prefix, without it."""
    return {name.removeprefix(prefix): values for name, values in state.items() if name.startswith(prefix)}
