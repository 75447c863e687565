"""What an observed trajectory says about one run, as NumPy arrays that can be stored and read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class TrajectoryResult:
    """The linearised loss change of one run along its averaged trajectory, split by layer and component.

    - ``width``: n, the number of components; ``steps`` [o]: when the trajectory was observed, 0 first.
    - ``loss`` [o]: L at the averaged weights then; ``phi`` [o]: the sum of <gradient, update> up to then.
    - ``layers``: of each matrix the top-k loss change phi^k for k = 1..n, summed over the observations;
      ``sides`` says on which side. ``rest``: of every other parameter its part of phi; ``undecomposed`` names
      the matrices among these, which have no side of length n.
    - ``curve`` [c, n]: phi^k summed over the matrices, after the steps ``curve_steps`` [c]; those that are
      not decomposed count at k = n.
    - ``example_losses``: the losses of all entries at the last observation.
    - ``data``: which examples the loss is evaluated on. ``stopped``: why the trajectory ends before the run
      did, or None.

    *Laws*: ``top_k[-1] + sum(rest.values()) == phi[-1]``, up to rounding.
    """

    width: int
    steps: Int[np.ndarray, " o"]
    loss: Float[np.ndarray, " o"]
    phi: Float[np.ndarray, " o"]
    layers: dict[str, Float[np.ndarray, " n"]]
    sides: dict[str, str]
    rest: dict[str, float]
    curve_steps: Int[np.ndarray, " c"]
    curve: Float[np.ndarray, "c n"]
    example_losses: Float[np.ndarray, " example"]
    tolerance: float
    data: str = ""
    stopped: str | None = None
    undecomposed: list[str] = field(default_factory=list)
    extra: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def top_k(self) -> Float[np.ndarray, " n"]:
        """The top-k loss change phi^k of all matrices together, for k = 1..n."""
        return np.sum(list(self.layers.values()), axis=0)

    @property
    def profile(self) -> Float[np.ndarray, " n"]:
        """phi^k with the parts of vectors and scalars in it, so that ``profile[-1]`` is phi.

        A vector is a matrix of one column, whose alignment matrix has the one eigenvalue <g, dw>: it counts
        from k = 1 on. A matrix that is not decomposed counts at k = n only.
        """
        whole = self.top_k + sum(part for name, part in self.rest.items() if name not in self.undecomposed)
        whole[-1] += sum(self.rest[name] for name in self.undecomposed)
        return whole

    @property
    def profile_curve(self) -> Float[np.ndarray, "p n"]:
        """The profile along the run, after the steps ``profile_curve_steps``, the end of the run included.

        ``curve`` holds the matrices alone; the parts of vectors and scalars are the rest of phi.
        """
        rest = self.phi[np.searchsorted(self.steps, self.curve_steps)] - self.curve[:, -1]
        along = self.curve + rest[:, None]
        whole = self.curve_steps[-1] == self.steps[-1]
        return np.concatenate([along[:-1] if whole else along, self.profile[None]])

    @property
    def profile_curve_steps(self) -> Int[np.ndarray, " p"]:
        """The steps of ``profile_curve``."""
        return np.union1d(self.curve_steps, self.steps[-1:])

    @property
    def linearisation_error(self) -> Float[np.ndarray, " o"]:
        """|phi - (L - L at the start)| along the run, in the unit of the loss."""
        return np.abs(self.phi - (self.loss - self.loss[0]))

    @property
    def relative_error(self) -> float:
        """The largest linearisation error so far, relative to the largest change of the loss.

        Infinite where the loss has not changed and phi has.
        """
        change = float(np.max(np.abs(self.loss - self.loss[0])))
        if not np.isfinite(change):
            return float("inf")
        worst = float(np.max(self.linearisation_error))
        if change == 0:
            return float("inf") if worst > 0 else 0.0
        return worst / change

    @property
    def faithful(self) -> bool:
        """Whether the linearisation follows the loss: the relative error is at most ``tolerance``."""
        return bool(self.relative_error <= self.tolerance)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """The result as flat named arrays, for a file; ``from_arrays`` reads them."""
        head = {
            "width": self.width,
            "sides": self.sides,
            "rest": self.rest,
            "tolerance": self.tolerance,
            "data": self.data,
            "stopped": self.stopped,
            "undecomposed": self.undecomposed,
        }
        named = {name: getattr(self, name) for name in ARRAYS}
        layers = {f"layers/{name}": values for name, values in self.layers.items()}
        extra = {f"extra/{name}": values for name, values in self.extra.items()}
        text = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
        return {"head": text, **named, **layers, **extra}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> TrajectoryResult:
        """The result that ``to_arrays`` took apart."""
        head = json.loads(arrays["head"].tobytes())

        def under(prefix: str) -> dict[str, np.ndarray]:
            return {
                name.removeprefix(prefix): a for name, a in sorted(arrays.items()) if name.startswith(prefix)
            }

        named: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
        return cls(**head, **named, layers=under("layers/"), extra=under("extra/"))


ARRAYS = ("steps", "loss", "phi", "curve_steps", "curve", "example_losses")
