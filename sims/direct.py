"""When a formula of this package may stand in for torch's own operations.

Some passes are written by hand, forward and backward, because on the CPU they then read memory half as often
(``sims.models.norm``, ``sims.tasks.cross_entropy``). Whoever transforms, compiles or casts operations has to
meet torch's own instead, which say how.
"""

from __future__ import annotations

import torch
from torch import Tensor


def may_stand_in(x: Tensor) -> bool:
    """Whether nobody transforms what is done with x on a CPU: no compiler, no autocast, no ``torch.func``.

    >>> x, seen = torch.ones(3), []
    >>> _ = torch.func.vmap(lambda one: seen.append(may_stand_in(one)) or one)(x)
    >>> may_stand_in(x), seen
    (True, [False])
    """
    return (
        x.device.type == "cpu"
        and not torch.compiler.is_compiling()
        and not torch.is_autocast_enabled("cpu")
        and torch._C._functorch.peek_interpreter_stack() is None
    )
