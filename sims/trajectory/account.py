"""The sums that a trajectory leaves behind: top-k changes by layer, the rest, and their course over time."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int
from torch import Tensor

from sims.trajectory.matrices import Parts

CURVE_POINTS = 64


class Account:
    """What has been summed over the observations so far, in double precision, for every member.

    ``layers`` [member, n] of each matrix and ``rest`` [member] of each other parameter are sums over time;
    ``steps``, ``loss`` and ``phi`` have one entry an observation; ``curve`` holds phi^k of all matrices
    after some of them: at most ``CURVE_POINTS``, every second being dropped whenever there are more; the
    matrices of the rest (``undecomposed``) count in its last column.
    """

    def __init__(self, members: int, parts: Parts, device: torch.device) -> None:
        def zeros(*shape: int) -> Tensor:
            return torch.zeros(members, *shape, dtype=torch.float64, device=device)

        self.layers = {matrix.name: zeros(parts.width) for matrix in parts.matrices}
        self.rest = {name: zeros() for name in parts.rest}
        self.undecomposed = parts.undecomposed
        self.steps: list[int] = [0]
        self.loss: list[Tensor] = []
        self.phi: list[Tensor] = [zeros()]
        self.curve_steps: list[int] = [0]
        self.curve: list[Tensor] = [zeros(parts.width)]
        self.stride = 1

    def add(self, step: int, layers: Mapping[str, Tensor], rest: Mapping[str, Tensor]) -> None:
        """Count the changes of one observation: [member, n] of each matrix, [member] of the others."""
        for name, change in layers.items():
            self.layers[name] += change
        for name, change in rest.items():
            self.rest[name] += change
        self.steps.append(step)
        self.phi.append(self.top_k()[:, -1] + sum(self.rest.values()))
        if (len(self.steps) - 1) % self.stride == 0:
            self._extend_curve(step)

    def top_k(self) -> Float[Tensor, "member n"]:
        """phi^k of all decomposed matrices together."""
        return torch.stack(list(self.layers.values())).sum(0)

    def _extend_curve(self, step: int) -> None:
        if len(self.curve_steps) > CURVE_POINTS:
            self.curve_steps, self.curve = self.curve_steps[::2], self.curve[::2]
            self.stride *= 2
            if (len(self.steps) - 1) % self.stride:
                return
        top_k = self.top_k()
        for name in self.undecomposed:
            top_k[:, -1] += self.rest[name]
        self.curve_steps.append(step)
        self.curve.append(top_k)

    def state(self) -> dict[str, Tensor]:
        """All of it as flat named tensors."""
        lists = {"loss": self.loss, "phi": self.phi, "curve": self.curve}
        counts = {"steps": self.steps, "curve_steps": self.curve_steps, "stride": [self.stride]}
        return {
            **{name: torch.stack(values, dim=1) for name, values in lists.items()},
            **{name: torch.tensor(values) for name, values in counts.items()},
            **{f"layers/{name}": values.clone() for name, values in self.layers.items()},
            **{f"rest/{name}": values.clone() for name, values in self.rest.items()},
        }

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from what ``state`` gave."""
        device = self.phi[0].device
        self.loss, self.phi, self.curve = (
            [column.clone() for column in state[name].to(device).unbind(1)]
            for name in ("loss", "phi", "curve")
        )
        self.steps, self.curve_steps = state["steps"].tolist(), state["curve_steps"].tolist()
        self.stride = int(state["stride"])
        for kind, sums in (("layers", self.layers), ("rest", self.rest)):
            for name in sums:
                sums[name] = state[f"{kind}/{name}"].to(device, copy=True)

    def select(self, kept: Int[Tensor, " kept"]) -> None:
        """Forget all members but those at these positions."""
        for sums in (self.layers, self.rest):
            for name in sums:
                sums[name] = sums[name][kept]
        for values in (self.loss, self.phi, self.curve):
            values[:] = [value[kept] for value in values]
