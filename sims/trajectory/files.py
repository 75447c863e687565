"""A stored trajectory: a result as the bytes of one file (NumPy's zipped arrays, which hold checksums)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from sims.errors import CorruptRecordError
from sims.trajectory.result import TrajectoryResult


def to_bytes(result: TrajectoryResult) -> bytes:
    """The result as a file; what was summed in double precision is stored in single, curves and psi too.

    *Laws*: ``from_bytes`` gives it back, up to the rounding to single precision.

    >>> result = from_bytes(to_bytes(example()), Path("x.npz"))
    >>> result.width, result.profile.tolist()
    (2, [-0.5, -0.75])
    """
    stream = io.BytesIO()
    small: dict[str, Any] = {
        name.replace("/", "|"): values.astype(np.float32) if values.dtype == np.float64 else values
        for name, values in result.to_arrays().items()
    }
    np.savez_compressed(stream, **small)
    return stream.getvalue()


def from_bytes(content: bytes, path: Path) -> TrajectoryResult:
    """The result in a file.

    Domain: a file that is not what was written raises ``CorruptRecordError``, which names ``path``.
    """
    try:
        with np.load(io.BytesIO(content)) as stored:
            arrays = {name.replace("|", "/"): stored[name] for name in stored.files}
        return TrajectoryResult.from_arrays(arrays)
    except (zipfile.BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise CorruptRecordError(
            f"the trajectory {path} is damaged; delete the run's record as well and run the sweep again"
        ) from error


def example() -> TrajectoryResult:
    """A small result, for examples."""
    some = np.array([-0.5, -0.75])
    return TrajectoryResult(
        width=2,
        steps=np.array([0, 5]),
        loss=np.array([2.0, 1.25]),
        phi=np.array([0.0, -0.75]),
        layers={"readout.weight": some},
        sides={"readout.weight": "columns"},
        rest={},
        curve_steps=np.array([0, 5]),
        curve=np.stack([0 * some, some]),
        example_losses=np.array([1.0, 1.5]),
        tolerance=0.1,
    )
