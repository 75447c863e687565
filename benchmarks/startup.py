"""The weight of `import hptheory`, against the import of NumPy in the same run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

from benchmarks.harness import Row


def _seconds(statement: str, repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def rows() -> Iterator[Row]:
    """Import times of the package and of its theory, interpreter start included."""
    numpy = _seconds("import numpy")
    for module in ("hptheory", "hptheory.random_features"):
        ours = _seconds(f"import {module}")
        yield Row(
            f"import {module}",
            f"{ours:.2f} s",
            f"import numpy: {numpy:.2f} s",
            f"{ours / numpy:.1f}x",
            "< 0.5 s" if module == "hptheory" else "",
            ours < 0.5 if module == "hptheory" else None,
        )
