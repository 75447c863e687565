"""The sample-wise decomposition: in which components a trajectory lowers the loss of each example.

For a matrix used by linear layers and tables, whose gradient by example is G_i = sum_p l_ip r_ip^T (inputs
and derivatives at the outputs, position by position: ``sims.trajectory.capture``),

    delta psi_ij = u_j^T G_i^T dW u_j = sum_p (r_ip . u_j) (l_ip . dW u_j):

two matrix products for all examples and components at once; on the other side (the "row version") l and r
swap their places.

Source: 2512.22768, Sec. 4.2.3, (6).
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from hptheory.decomposition import mean_component_index
from hptheory.decomposition.arrays import full_precision
from hptheory.errors import DomainError
from sims.trajectory.capture import Flow, project
from sims.trajectory.coverage import Calls, Layers, covered_layers, flows_of, forward_passes, outputs_of
from sims.trajectory.directional import Directions, directional_changes
from sims.trajectory.eigenvectors import alignment_eigenvectors
from sims.trajectory.errors import ObservationWarning
from sims.trajectory.matrices import Matrix
from sims.trajectory.objective import Losses, Weights, add_up
from sims.trajectory.observer import TrajectoryObserver


class SampleObserver(TrajectoryObserver):
    """A ``TrajectoryObserver`` that also follows single examples: ``psi`` and the mean component index.

    ``losses(model, *batch)`` gives [example, ...] (stacked: [member, example, ...]), the loss of an example
    being the mean over what follows. An example's loss must depend on that example alone (no batch
    statistics), and the rows that go through a layer be grouped by example; both are checked at the start.
    An example may hold several positions: of a language model, it is a window of text.

    ``psi`` sums over the matrices used by linear layers and tables alone, which may be tied; the other
    parameters are in the profiles but not in psi, and ``uncovered`` names them. Inputs, derivatives and psi
    of all examples are held in memory, for every position and layer covered: with text, watch few windows.

    ``directional``: all other matrices are followed as well, exactly, in n forward passes an observation
    (``sims.trajectory.directional``). So the examples may be single tokens, whose losses depend on the rows
    of others.

    *Laws*: psi is that of per-example gradients formed one by one; its mean over the examples is the
    sum of the eigenvalues in each component, and its sum over components an example's linearised loss change.
    """

    psi: Float[Tensor, "member example n"]
    uncovered: tuple[str, ...]

    def __init__(self, losses: Losses, *, directional: bool = False, **options: Any) -> None:
        super().__init__(losses, **options)
        self.directional = directional
        self._directions: list[Directions] = []

    def prepare(self, model: nn.Module) -> None:
        """Attach to a model at the start of its trajectory (see ``TrajectoryObserver.prepare``)."""
        self._layers: Layers | None = None
        super().prepare(model)
        some = next(iter(self._snapshot.values()))
        self.psi = torch.zeros(
            len(self._alive), sum(self._sizes), self.parts.width, dtype=some.dtype, device=some.device
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
        model, weights = self._attached(), self._snapshot
        if self._layers is None:
            self._layers = self._covered(model, weights)
        loose = [name for name in weights if name not in self._layers]
        leaves = {name: values.detach().requires_grad_() for name, values in weights.items()}
        total, self._sizes = torch.zeros(()), list[int]()  # of the batches, in examples
        self._flows: dict[str, list[list[Flow]]] = {name: [] for name in self._layers}
        gradient = {name: torch.zeros_like(values) for name, values in weights.items()}

        def backward(losses: Tensor, calls: Calls) -> tuple[Tensor, ...]:
            wanted = [*(leaves[name] for name in loose), *outputs_of(calls)]
            return torch.autograd.grad(losses.sum(), wanted, materialize_grads=True)

        for losses, calls, found in forward_passes(self.objective, model, leaves, self._layers, backward):
            deltas = found[len(loose) :]
            for name, flows in flows_of(calls, deltas, losses.shape[1], stacked=self.stacked).items():
                self._flows[name].append([flow for flow in flows if flow is not None])
            for name, part in zip(loose, found[: len(loose)], strict=True):
                gradient[name] += part
            total = add_up(total, losses)
            self._sizes.append(losses.shape[1])
        with full_precision(self._alive):
            for name, batches in self._flows.items():
                for flow in (flow for flows in batches for flow in flows):
                    part = flow.gradient(weights[name].shape[-2])
                    gradient[name] += part if self.stacked else part[0]
        examples = sum(self._sizes)
        self._gradient = {name: values.div_(examples) for name, values in gradient.items()}
        return total / examples

    def _covered(self, model: nn.Module, weights: Weights) -> Layers:
        """The layers that examples can be followed through; a warning where a matrix is not among them."""
        matrices = [matrix.name for matrix in self.parts.matrices]
        layers = covered_layers(self.objective, model, weights, matrices)
        if self.directional:
            self.uncovered = tuple(name for name in weights if name not in matrices)
            return layers
        self.uncovered = tuple(name for name in weights if name not in layers)
        if not layers:
            raise DomainError(
                "layers", "none",
                "layers (nn.Linear, nn.Embedding, StackedLinear, StackedEmbedding) through which the rows of "
                "the examples go in the order of the losses, each example by itself",
                "or pass directional=True, which is slower",
            )  # fmt: skip
        left_out = [name for name in matrices if name not in layers]
        if left_out:
            warnings.warn(
                f"examples are not followed through {', '.join(left_out)}: used by more than linear layers "
                "and tables, or by several examples at once",
                ObservationWarning,
                stacklevel=2,
            )
        return layers

    def _top_k(
        self, matrix: Matrix, gradient: Float[Tensor, "member m n"], update: Float[Tensor, "member m n"]
    ) -> Float[Tensor, "member n"]:
        """phi^k of one layer and one observation; psi grows by the same."""
        values, vectors = alignment_eigenvectors(gradient, update)
        moved, first = update @ vectors, 0
        for flows, size in zip(self._flows.get(matrix.name, ()), self._sizes, strict=False):
            for flow in flows:
                left, right = flow if matrix.side == "columns" else (flow.right, flow.left)
                change = (project(left, moved) * project(right, vectors)).sum(2)
                examples = slice(first, first + size)
                self.psi[self._alive, examples, : values.shape[1]] += change[self._alive]
            first += size  # also where the layer was not used
        if matrix.name not in self._flows and self.directional:
            self._directions.append(Directions(matrix, vectors, moved))
        n = self.parts.width
        return nn.functional.pad(values, (0, n - values.shape[1])).cumsum(1)

    def _follow(self, update: Weights) -> None:
        """psi grows by the part of the matrices through which no example goes by itself."""
        if not self._directions:
            return
        model = self._attached()
        before = {name: self._current[name] - change for name, change in update.items()}
        for examples, j, change in directional_changes(self.objective, model, before, self._directions):
            self.psi[self._alive, examples, j] += change[self._alive]
        self._directions = []

    def _gradient_state(self) -> dict[str, Tensor]:
        return {"psi": self.psi.clone()}

    def _restore_gradient(self, state: Mapping[str, Tensor]) -> None:
        self.psi.copy_(state["psi"])
        self._evaluate()

    def _select_gradient(self, kept: Int[Tensor, " kept"]) -> None:
        super()._select_gradient(kept)
        self.psi = self.psi[kept]
        self._flows = {
            name: [[flow.select(kept) for flow in flows] for flows in batches]
            for name, batches in self._flows.items()
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
