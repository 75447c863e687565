"""The sample-wise decomposition: in which components a trajectory lowers the loss of each example.

For a linear layer with inputs x, output derivatives delta (per example i and position p) and update dW, in
the orientation of the layer (``Matrix``),

    delta psi_ij = u_j^T G_i^T dW u_j = sum_p (r_ip . u_j) (l_ip . dW u_j),

where G_i = sum_p l_ip r_ip^T: two matrix products for all examples and components at once. On the input side
l = delta and r = x; on the output side (the "row version") l = x and r = delta.

Source: 2512.22768, Sec. 4.2.3, (6).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hptheory.decomposition import mean_component_index
from hptheory.errors import DomainError
from sims.trajectory.capture import Calls, linear_layers, recorded
from sims.trajectory.eigenvectors import alignment_eigenvectors
from sims.trajectory.errors import ObservationWarning
from sims.trajectory.matrices import Matrix
from sims.trajectory.objective import add_up, evaluation_mode
from sims.trajectory.observer import TrajectoryObserver

ROUNDING = 1e-3  # of a gradient computed in two ways in single precision


class Flow(NamedTuple):
    """What goes through a layer for a batch: its inputs and the derivatives at its outputs, by position.

    Shapes: x [member or 1, example, position, d_in]; delta [member, example, position, d_out].
    """

    x: Tensor
    delta: Tensor

    def gradient(self) -> Float[Tensor, "member d_out d_in"]:
        """The sum of the gradients of the examples."""
        return self.delta.flatten(1, 2).mT @ self.x.flatten(1, 2)


class SampleObserver(TrajectoryObserver):
    """A ``TrajectoryObserver`` that also follows single examples: ``psi`` and the mean component index.

    ``losses(model, *batch)`` gives [example, ...] (stacked: [member, example, ...]), the loss of an example
    being the mean over what follows; inputs of linear layers have the same leading axes. An example's loss
    must depend on that example alone (no batch statistics).

    ``psi`` sums over the matrices used by linear layers alone; the other parameters are in the profiles but
    not in psi, and ``uncovered`` names them. Members follow each other's memory: inputs, derivatives and psi
    of all examples are held for the layers covered.

    *Laws*: psi is that of per-example gradients formed one by one; its mean over the examples is the
    sum of the eigenvalues in each component, and its sum over components an example's linearised loss change.
    """

    psi: Float[Tensor, "member example n"]
    uncovered: tuple[str, ...]

    def prepare(self, model: nn.Module) -> None:
        """Attach to a model at the start of its trajectory (see ``TrajectoryObserver.prepare``)."""
        self._layers: dict[str, list[nn.Module]] | None = None
        super().prepare(model)
        flows = next(iter(self._flows.values()))
        examples = sum(flow.delta.shape[1] for flow in flows)
        delta = flows[0].delta
        self.psi = torch.zeros(
            len(self._alive), examples, self.parts.width, dtype=delta.dtype, device=delta.device
        )

    def mean_component_index(self, member: int = 0) -> Float[Tensor, " example"]:
        """MCI of every example, (6).

        Domain: at least one observation, and a loss change of every example, else ``DomainError``.
        """
        index: Tensor = mean_component_index(self.psi[member])
        return index

    def _linearise(self) -> None:
        self._account.loss.append(self._evaluate())

    def _evaluate(self) -> Float[Tensor, " member"]:
        """The loss at the snapshot; its gradient and the flows through the layers are kept."""
        model, weights = self._attached(), self._evaluated()
        if self._layers is None:
            self._layers = self._covered(model, weights)
        loose = [name for name in weights if name not in self._layers]
        leaves = {name: values.detach().requires_grad_() for name, values in weights.items()}
        total, examples = torch.zeros(()), 0
        self._flows: dict[str, list[Flow]] = {name: [] for name in self._layers}
        gradient = {name: torch.zeros_like(weights[name]) for name in loose}
        with evaluation_mode(model), torch.enable_grad():
            for batch in self.objective.batches:
                with recorded(self._layers) as calls:
                    values = self.objective.values(model, leaves, batch)
                losses = values.flatten(2).mean(2) if values.ndim > 2 else values
                outputs = [output for each in calls.values() for output in each.outputs]
                wanted = [*outputs, *(leaves[name] for name in loose)]
                found = list(torch.autograd.grad(losses.sum(), wanted, materialize_grads=True))
                for name, each in calls.items():
                    deltas = [found.pop(0) for _ in each.outputs]
                    self._flows[name].append(self._flow(name, each, deltas, losses.shape[1]))
                for name, part in zip(loose, found, strict=True):
                    gradient[name] += part
                total, examples = add_up(total, losses), examples + losses.shape[1]
        for name, flows in self._flows.items():
            whole = sum((flow.gradient() for flow in flows[1:]), flows[0].gradient())
            gradient[name] = whole if self.stacked else whole[0]
        self._gradient = {name: gradient[name].div_(examples) for name in weights}
        return total / examples

    def _flow(self, name: str, calls: Calls, deltas: list[Tensor], examples: int) -> Flow:
        """The flow through a layer, all of its calls side by side as positions."""
        x, delta = ([self._with_members(each) for each in some] for some in (calls.inputs, deltas))
        for each in delta:
            if each.shape[1] != examples:
                raise DomainError(
                    f"examples in the layer of {name}", each.shape[1], f"{examples}, as in the losses",
                    "keep the examples as an axis of their own",
                )  # fmt: skip
        by_position = [
            torch.cat([each.reshape(*each.shape[:2], -1, each.shape[-1]) for each in some], dim=2)
            for some in (x, delta)
        ]
        return Flow(by_position[0], by_position[1] * calls.multiplier)

    def _covered(self, model: nn.Module, weights: Mapping[str, Tensor]) -> dict[str, list[nn.Module]]:
        """The layers whose flows give the gradient of their weights, found by comparing the two once."""
        layers = linear_layers(model, [matrix.name for matrix in self.parts.matrices])
        if layers:
            self._layers = layers
            self._evaluate()
            by_flows = {name: self._gradient[name] for name in layers}
            _, gradient = self.objective.gradient(model, weights, list(layers))
            for name, expected in gradient.items():
                scale = float(expected.abs().amax())
                if not torch.allclose(by_flows[name], expected, rtol=0, atol=ROUNDING * scale):
                    del layers[name]
        self.uncovered = tuple(name for name in weights if name not in layers)
        if not layers:
            raise DomainError("layers", "none", "linear layers (nn.Linear or StackedLinear) of that width")
        matrices = [matrix.name for matrix in self.parts.matrices if matrix.name not in layers]
        if matrices:
            warnings.warn(
                f"examples are not followed through {', '.join(matrices)}: not used by linear layers alone",
                ObservationWarning,
                stacklevel=2,
            )
        return layers

    def _top_k(
        self, matrix: Matrix, gradient: Float[Tensor, "member m n"], update: Float[Tensor, "member m n"]
    ) -> Float[Tensor, "member n"]:
        """phi^k of one layer and one observation; psi grows by the same."""
        values, vectors = alignment_eigenvectors(gradient, update)
        if matrix.name in self._flows:
            moved = update @ vectors
            first = 0
            for flow in self._flows[matrix.name]:
                left, right = (flow.delta, flow.x) if matrix.side == "columns" else (flow.x, flow.delta)
                change = _project(left, moved) * _project(right, vectors)
                examples = slice(first, first := first + flow.delta.shape[1])
                self.psi[self._alive, examples, : values.shape[1]] += change.sum(2)[self._alive]
        n = self.parts.width
        return nn.functional.pad(values, (0, n - values.shape[1])).cumsum(1)

    def _gradient_state(self) -> dict[str, Tensor]:
        return {"psi": self.psi.clone()}

    def _restore_gradient(self, state: Mapping[str, Tensor]) -> None:
        self.psi.copy_(state["psi"])
        self._evaluate()

    def _select_gradient(self, kept: Int[Tensor, " kept"]) -> None:
        super()._select_gradient(kept)
        self.psi = self.psi[kept]
        shared_or_own = lambda x: x if x.shape[0] == 1 else x[kept]  # noqa: E731
        self._flows = {
            name: [Flow(shared_or_own(flow.x), flow.delta[kept]) for flow in flows]
            for name, flows in self._flows.items()
        }

    def _extra(self, member: int) -> dict[str, np.ndarray]:
        if not bool((self.psi[member] != 0).any(1).all()):
            return {}
        return sample_summary(self.psi[member])


def sample_summary(
    psi: Float[Tensor, "example n"], extremes: int = 5, components: int = 50
) -> dict[str, np.ndarray]:
    """What is stored of psi: MCI of every example, and psi of the easiest and the hardest ones.

    ``mci`` [example]; ``extreme`` [2 extremes], the indices of the examples with the smallest and the largest
    MCI, in order; ``extreme_psi`` [2 extremes, components].
    """
    index = mean_component_index(psi)
    order = index.argsort(stable=True)
    few = min(extremes, len(order) // 2)
    chosen = torch.cat([order[:few], order[len(order) - few :]])
    host = {"mci": index, "extreme": chosen, "extreme_psi": psi[chosen, :components]}
    return {name: values.cpu().numpy() for name, values in host.items()}


def _project(
    flow: Float[Tensor, "#member example position d"], directions: Float[Tensor, "member d r"]
) -> Float[Tensor, "member example position r"]:
    """The components of what flows at each position."""
    product = flow.flatten(1, 2) @ directions
    return product.unflatten(1, flow.shape[1:3])
