"""Run every benchmark and print its table: `python -m benchmarks [NAME ...]`."""

from __future__ import annotations

import importlib
import platform
import sys
import time

from benchmarks.harness import HEADER, report

# calibration takes an hour and writes a page of its own: `python -m benchmarks.calibration`.
MODULES = (
    "random_features",
    "startup",
    "optimizers",
    "sweep_analysis",
    "sweeps",
    "passes",
    "step_model",
    "llama_sweep",
    "store",
    "observer",
)
# Train wide networks first, or compile, which takes many minutes, or need a GPU; run when named.
SLOW = ("low_rank", "compiled", "llama_gpu")


def main(names: list[str]) -> int:
    """Print the rows of the benchmarks named (default: all); exit code 1 if a number is not reached, 2 if one
    cannot be measured here."""
    unknown = set(names) - {*MODULES, *SLOW}
    if unknown:
        print(
            f"unknown benchmark {', '.join(sorted(unknown))}; known: {', '.join((*MODULES, *SLOW))}",
            file=sys.stderr,
        )
        return 2
    machine = f"{platform.platform()}, Python {platform.python_version()}"
    print(f"{machine}; one thread where a row says nothing else\n\n{HEADER}")
    start = time.perf_counter()
    codes = [report(importlib.import_module(f"benchmarks.{name}").rows()) for name in names or MODULES]
    print(f"\n{time.perf_counter() - start:.0f} s")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
