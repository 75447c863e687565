"""Member-steps a second against the size of packs and the width, and the roofline of this machine.

    python -m benchmarks.throughput --out docs/_static

writes throughput.png and throughput.csv; on all cores, on an idle machine, in some minutes. Flops and bytes
of a step are counted on the step itself; peak and bandwidth are those of a product of large matrices and of
a large copy.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.sweeps import all_cores
from hptheory.figures.style import save_figure
from hptheory.figures.throughput import COLUMNS, throughput
from sims.capacity import most_members
from sims.engines import Engine, InProcess, Workers
from sims.machine import peak_bandwidth, peak_flops
from sims.placement import Site
from sims.settings import Setting, get_setting
from sims.step_cost import step_cost
from sims.store import Run

WIDTHS = (32, 128, 512, 1024, 2048, 4096)
PACKS = (1, 3, 9, 27)
REPEATS = 3


def measured(setting: Setting, engines: Sequence[Engine], seconds: float) -> dict[str, list[Any]]:
    """A row for every engine, width and size of pack: the best of a few speeds, flops and bytes."""
    site = Site(setting.training, "cpu", None, engines)
    table: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for width in setting.widths:
        for pack in PACKS:
            runs = [Run(width, 2.0**-6, number % 3) for number in range(pack)]
            cost = step_cost(setting.training, width, pack, site.task())
            for engine in engines:
                if pack > most_members(setting.training, width, site.task(), engine.slots):
                    continue
                speed = max(site.speed(engine, width, runs, seconds) for _ in range(REPEATS))
                row = (engine.label, width, pack, speed, cost.flops / pack, cost.bytes / pack)
                for name, value in zip(COLUMNS, row, strict=True):
                    table[name].append(value)
                print(f"width {width}, packs of {pack}, {engine.label}: {speed:,.0f} member-steps a second")
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--setting", default="multi_index")
    parser.add_argument("--widths", type=int, nargs="+", default=WIDTHS)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each measurement")
    parser.add_argument("--out", type=Path, default=Path("build"))
    options = parser.parse_args(arguments)
    setting = replace(get_setting(options.setting, "cpu"), widths=tuple(options.widths))
    with all_cores() as cores:
        peak, bandwidth = peak_flops(), peak_bandwidth()
        print(f"{cores} cores: {peak / 1e9:.0f} Gflop/s, {bandwidth / 1e9:.1f} GB/s")
        with Workers(cores) as workers:
            table = measured(setting, [InProcess(), workers] if cores > 1 else [InProcess()], options.seconds)
    for path in save_figure(*throughput(table, peak, bandwidth), options.out, "throughput"):
        print(path)


if __name__ == "__main__":
    main()
