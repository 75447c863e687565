"""What `import hptheory` loads: nothing heavy, so that it is quick (`benchmarks` has the time)."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "jax", "matplotlib", "sympy", "sklearn", "xarray", "pandas", "pyarrow", "flint", "tqdm")
LIGHT = (
    "hptheory", "hptheory.random_features", "hptheory.transfer", "hptheory.parameterization",
    "hptheory.decomposition",
    "hptheory.figures", "hptheory.figures.figure_04", "hptheory.reports", "hptheory.cli",
    "sims.settings", "sims.commands", "sims.demo",
)  # fmt: skip


def heavy_modules(statement: str) -> set[str]:
    """The heavy packages, and the submodules of scipy, that a fresh interpreter holds after a statement."""
    code = f"{statement}; import sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = run.stdout.split()
    roots = {name.partition(".")[0] for name in loaded}
    return (roots & set(HEAVY)) | {name for name in loaded if name.startswith("scipy.")}


@pytest.mark.parametrize("module", LIGHT)
def test_import_is_light(module: str) -> None:
    assert heavy_modules(f"import {module}") == set()


@pytest.mark.parametrize("package", ["matplotlib", "scipy.special", "sympy"])
def test_what_is_heavy_is_noticed(package: str) -> None:
    assert package in heavy_modules(f"import {package}")
