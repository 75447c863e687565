"""The training pass of stacked two-layer networks, written out: losses and gradients in a dozen calls.

Torch's own way is slow here for three reasons. Its graph costs more calls than the pass has products; every
step makes all activations anew; and a stacked pass writes the activations of all members before it reads the
first again. Here some members at a time go forward and back in buffers that stay, few enough for a CPU's
cache: all of them where they are small, one where one fills it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from sims.models.mlp import TwoLayerMLP
from sims.tasks.base import Batch, Task

CACHED_NUMBERS = 2**17
"""Of hidden activations, worked on at once: with their gradients one megabyte in float32."""


class TwoLayerStep:
    """Of f(x) = c2 * W2 relu(c1 * W1 x + b): every member's mean loss on a batch, and its gradients in
    ``grad``.

    ``rows`` says which row of a batch each member takes. The parameters stay the same tensors; batches have
    one size.

    *Laws*: losses and gradients are those of autograd, within rounding; a member's bits depend on no other.
    """

    def __init__(self, model: TwoLayerMLP, task: Task, rows: Sequence[int], batch: Batch) -> None:
        self.task = task
        self.gradients = [(p, torch.empty_like(p)) for p in model.parameters()]
        grads = [grad for _, grad in self.gradients]
        hidden, bias, readout = model.hidden.weight.detach(), model.hidden.bias, model.readout.weight.detach()
        examples, width = batch.x.shape[1], hidden.shape[1]
        spans = list(_spans(hidden, examples, alone=model.stands_alone))
        most = max(end - start for start, end in spans)
        active, back = (hidden.new_empty(most, examples, width) for _ in range(2))
        inputs = hidden.new_empty(most, examples, hidden.shape[2])
        outputs = hidden.new_empty(most, readout.shape[1], examples)
        multipliers = (model.hidden.scaling.multiplier, model.readout.scaling.multiplier)
        self.parts = []
        for start, end in spans:
            # A member that stands alone loses the axis: its products are calls of their own.
            at: int | slice = start if model.stands_alone else slice(start, end)
            here: int | slice = 0 if model.stands_alone else slice(end - start)
            self.parts.append(
                Part(
                    rows=torch.tensor(rows[start:end], device=hidden.device),
                    one_row=rows[start] if len(set(rows[start:end])) == 1 else None,
                    hidden=hidden[at],
                    bias=None if bias is None else bias.detach()[at].unsqueeze(-2),
                    readout=readout[at],
                    of_hidden=grads[0][at],
                    of_bias=None if bias is None else grads[1][at].unsqueeze(-2),
                    of_readout=grads[-1][at],
                    active=active[here],
                    back=back[here],
                    inputs=inputs[: end - start],
                    outputs=outputs[here],
                    multipliers=multipliers,
                )
            )

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Float[Tensor, " member"]:
        """The losses of the members on their rows of the batch."""
        for parameter, grad in self.gradients:
            parameter.grad = grad
        losses = []
        for part in self.parts:
            x, y = part.taken(batch)
            outputs = part.forward(x)
            stack = outputs if outputs.ndim == 3 else outputs.unsqueeze(0)
            loss, slopes = self.task.losses_and_slopes(stack, y)
            part.backward(x, slopes if outputs.ndim == 3 else slopes.squeeze(0))
            losses.append(loss)
        return losses[0] if len(losses) == 1 else torch.cat(losses)


def _spans(hidden: Tensor, examples: int, *, alone: bool) -> Iterator[tuple[int, int]]:
    """Where the parts of a stack start and end; of two members at least, for equal rounding, or one by one.

    A batched product of a single matrix takes another route than one of several.
    """
    members, width, _ = hidden.shape
    at_once = members if hidden.device.type != "cpu" else max(2, CACHED_NUMBERS // (examples * width))
    parts = members if alone else max(1, members // at_once)
    for part in range(parts):
        yield members * part // parts, members * (part + 1) // parts


@dataclass(frozen=True)
class Part:
    """Some members of a stack, or one: views of their weights and gradients, and the buffers of a pass.

    Shapes: with a leading axis of members, or without it; bias [1, width]; active and back [batch, width];
    outputs [d_out, batch], since losses of few classes are faster so.
    """

    rows: Tensor
    one_row: int | None
    hidden: Tensor
    bias: Tensor | None
    readout: Tensor
    of_hidden: Tensor
    of_bias: Tensor | None
    of_readout: Tensor
    active: Tensor
    back: Tensor
    inputs: Tensor
    outputs: Tensor
    multipliers: tuple[float, float]

    def taken(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """The members' inputs, and their labels with the axis of members."""
        if self.one_row is None:
            return torch.index_select(batch.x, 0, self.rows, out=self.inputs), batch.y[self.rows]
        x, y = batch.x[self.one_row], batch.y[self.one_row]
        stack = self.hidden.shape[:-2]
        return x.expand(*stack, *x.shape), y.expand(len(self.rows), *y.shape)

    def forward(self, x: Tensor) -> Tensor:
        """The outputs; the activations stay for the way back."""
        first, second = self.multipliers
        if self.bias is None:
            _product(x, self.hidden.mT, self.active)
            if first != 1:
                self.active.mul_(first)
        else:
            affine = torch.addmm if x.ndim == 2 else torch.baddbmm
            affine(self.bias, x, self.hidden.mT, alpha=first, out=self.active)
        self.active.relu_()
        _product(self.readout, self.active.mT, self.outputs)
        if second != 1:
            self.outputs.mul_(second)
        return self.outputs.mT

    def backward(self, x: Tensor, delta: Tensor) -> None:
        """The gradients, from that with respect to the outputs."""
        first, second = self.multipliers
        if second != 1:
            delta = delta * second
        _product(delta.mT, self.active, self.of_readout)
        _product(delta, self.readout, self.back)
        torch.ops.aten.threshold_backward.grad_input(self.back, self.active, 0, grad_input=self.back)
        if self.of_bias is not None:
            torch.sum(self.back, -2, keepdim=True, out=self.of_bias)
        _product(self.back.mT, x, self.of_hidden)
        if first != 1:
            self.of_hidden.mul_(first)


def _product(a: Tensor, b: Tensor, out: Tensor) -> None:
    """out <- a b, for matrices or stacks of them."""
    (torch.mm if a.ndim == 2 else torch.bmm)(a, b, out=out)
