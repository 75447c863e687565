"""With what a run was made: code, libraries, machine."""

from __future__ import annotations

import hashlib
import platform
import socket
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hptheory

if TYPE_CHECKING:
    import torch

LIBRARIES = ("torch", "numpy")


@cache
def code_version() -> str:
    """The version of hptheory with a hash of the trainer's source, which tells apart what a version number
    does not.

    >>> code_version() == f"{hptheory.__version__}+{code_version()[-12:]}"
    True
    """
    total = hashlib.sha256()
    for package in ("sims", "hptheory/parameterization"):
        root = Path(hptheory.__file__).parents[1] / package
        for path in sorted(root.rglob("*.py")):
            total.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return f"{hptheory.__version__}+{total.hexdigest()[:12]}"


def environment(device: torch.device) -> dict[str, Any]:
    """Code, libraries, machine and device of this process, for a record."""
    import torch

    from sims.devices import describe_device

    return {
        "hptheory": hptheory.__version__,
        "code": code_version(),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "host": socket.gethostname(),
        "device": describe_device(device),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
    }
