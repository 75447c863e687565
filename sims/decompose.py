"""The command ``hptheory decompose``: does a width-stable top-k part of the loss decide the learning rate
(or another hyperparameter, where that was swept)?

For observed sweeps: how faithful the linearisation is, the truncation of every width (Algorithm 1), how
invariant the top-kappa losses are, how flat the residuals, and the bounds on the HP gap.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from hptheory.decomposition import format_hp_gap_table, hp_gap_table, select_truncation, top_loss
from hptheory.decomposition.bound_table import HPGapRow
from hptheory.errors import DomainError, MissingExtraError
from sims.errors import DataError
from sims.requirements import require

if TYPE_CHECKING:
    from sims.observed import ObservedSweep

WINDOW = 2  # grid steps around a minimum within which flatness is judged


@dataclass(frozen=True)
class Choices:
    """What Algorithm 1 leaves open; the paper prints none of these numbers.

    Attributes:
        scale: Slopes and distances are in the HP itself, as in the paper, or its logarithm; betas as windows.
        taus: The candidates, in units of the HP's range, so that a slope times tau is a loss.
        convexity_tol: The share of interior points that may be bent downwards.
        argmin_steps: How far minima may lie from each other, in grid steps.
    """

    scale: Literal["log", "raw"] = "log"
    taus: tuple[float, ...] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 0.1, 0.3, 1.0)
    convexity_tol: float = 0.25
    argmin_steps: float = 1.0

    def axis(self, sweep: ObservedSweep) -> np.ndarray:
        """The HPs as Algorithm 1 gets them.

        Domain: a value that is not positive has no place on a logarithmic scale: ``DomainError``.
        """
        if self.scale == "raw":
            return np.array(sweep.lrs)
        if (least := min(sweep.lrs)) <= 0:
            raise DomainError(
                sweep.hp, least, "> 0 on a logarithmic scale", "use `hptheory decompose --scale raw`"
            )
        return np.log(sweep.lrs)


DEFAULTS = Choices()


LEGEND = (
    "    invariance: how far the top parts of the two widths lie apart, over how far the whole losses do;",
    "    flatness: the residual's span near the top part's minimum, over the top part's; below 1 is good",
)


@dataclass(frozen=True)
class WidthRow:
    """What the decomposition says of one width, against the widest.

    ``share`` of the loss change that the top-kappa part has, at the best rate of the width; ``invariance``:
    mean distance of the top-kappa losses of the two widths, relative to that of the whole losses (below 1:
    the top part depends less on width); ``flatness``: the span of the residual within two grid steps of
    the top-kappa minimum, relative to that of the top-kappa loss (below 1: the residual decides less).
    None where Algorithm 1 fails.
    """

    width: int
    kappa: tuple[int, ...] | None
    share: float | None
    invariance: float | None
    flatness: float | None
    best_lr: float


def truncations_of(sweep: ObservedSweep, choices: Choices) -> dict[int, np.ndarray | None]:
    """kappa-hat(n) of every width but the widest, by Algorithm 1; None is Fail.

    With the paper's coordinate descent: on six widths up to 1,024 it takes a second, the exact minimiser of
    ``minimize_proxy`` minutes.

    Domain: that of ``select_truncation``.
    """
    x = choices.axis(sweep)
    taus = [tau * float(np.ptp(x)) for tau in choices.taus]
    tolerance = choices.argmin_steps * float(np.max(np.diff(x), initial=0.0)) * (1 + 1e-9)
    return select_truncation(
        sweep.profiles(), x, taus, convexity_tol=choices.convexity_tol, argmin_tol=tolerance
    )


def width_rows(sweep: ObservedSweep, truncations: dict[int, np.ndarray | None]) -> list[WidthRow]:
    """A row for every width."""
    profiles = sweep.profiles()
    widest = profiles[max(profiles)]
    rows = []
    for width, phi in profiles.items():
        kappa, best = truncations.get(width), sweep.best_lr(width)
        if kappa is None:
            rows.append(WidthRow(width, None, None, None, None, best))
            continue
        top, limit = top_loss(phi, kappa), top_loss(widest, kappa)
        place = sweep.lrs.index(best)
        apart = float(np.mean(np.abs(phi[:, -1] - widest[:, -1])))
        near = slice(max(0, int(np.argmin(top)) - WINDOW), int(np.argmin(top)) + WINDOW + 1)
        rows.append(
            WidthRow(
                width,
                tuple(int(k) for k in kappa),
                float(top[place] / phi[place, -1]),
                float(np.mean(np.abs(top - limit))) / apart,
                float(np.ptp((phi[:, -1] - top)[near]) / np.ptp(top[near])),
                best,
            )
        )
    return rows


def summary(
    sweep: ObservedSweep, choices: Choices, truncations: dict[int, np.ndarray | None]
) -> dict[str, Any]:
    """Everything that ``hptheory decompose`` prints, as plain data."""
    worst = sweep.worst()
    unfaithful = sum(not result.faithful for result in sweep.results.values())
    return {
        "setting": f"{sweep.setting.name}, preset {sweep.setting.preset}",
        "runs": len(sweep.results),
        "observed_on": worst.data,
        "observations": len(worst.steps) - 1,
        "worst_linearisation_error": worst.relative_error,
        "unfaithful": unfaithful,
        "widths": list(sweep.widths),
        "seeds": list(sweep.seeds),
        "lrs": list(sweep.lrs),
        "left_out_lrs": list(sweep.left_out),
        "hp": sweep.hp,
        "choices": asdict(choices),
        "rows": [asdict(row) for row in width_rows(sweep, truncations)],
        "bounds": [asdict(row) for row in hp_gap_table(sweep.profiles(), choices.axis(sweep), truncations)],
    }


def decompose(
    runs: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="RUNS ...")],
    *,
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None,
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None,
    choices: tyro.conf.OmitArgPrefixes[Choices] = DEFAULTS,
    json: bool = False,
) -> None:
    """Split the loss of observed runs into a top-k part and a residual: which of them decides the best rate?

    Args:
        runs: Directories that `hptheory sweep --observe` wrote, of one training; a sweep of another HP alone.
        out: A folder for the figures and their numbers; without it none is drawn.
        data_dir: The folder of data sets, for the gallery of images; by default HPTHEORY_DATA.
        choices: What Algorithm 1 leaves open.
        json: Print one JSON object instead of text.
    """
    require("`hptheory decompose`", "torch", "jaxtyping", "xarray", "h5netcdf", "h5py")
    from sims.observed_axis import read_swept

    sweep = read_swept(runs)
    truncations = truncations_of(sweep, choices)
    found = summary(sweep, choices, truncations)
    if json:
        from json import dumps

        print(dumps(finite(found), indent=2, allow_nan=False))
    else:
        print(as_text(sweep, found, choices))
    if out is not None:
        for path in draw_all(sweep, truncations, out, data_dir):
            if not json:
                print(f"figure: {path}")


def as_text(sweep: ObservedSweep, found: dict[str, Any], choices: Choices) -> str:
    """The report in words and two tables."""
    left_out = f"; left out: {', '.join(f'{lr:.3g}' for lr in sweep.left_out)}" if sweep.left_out else ""
    lines = [
        f"{found['setting']}: {found['runs']} observed runs, {found['observations']} observations each, "
        f"on {found['observed_on']}",
        f"linearisation: off by at most {found['worst_linearisation_error']:.1%} of the loss change; "
        f"{found['unfaithful']} runs beyond their tolerance",
        f"{sweep.hp}: {len(sweep.lrs)} values of {len(sweep.lrs) + len(sweep.left_out)}{left_out}",
        "",
        f"{'width':>8} {'best':>10} {'kappa-hat':>22} {'top share':>10} {'invariance':>10} {'flatness':>8}",
    ]
    for row in found["rows"]:
        lines.append(_row_text(row, widest=row["width"] == sweep.widths[-1]))
    lines += LEGEND
    table = [HPGapRow(**row) for row in found["bounds"]]
    unit = f"ln({sweep.hp})" if choices.scale == "log" else f"the {sweep.hp}"
    lines += ["", f"bounds on the HP gap b_n, both parts too in {unit}:", format_hp_gap_table(table)]
    return "\n".join(lines)


def draw_all(
    sweep: ObservedSweep,
    truncations: dict[int, np.ndarray | None],
    out: Path,
    data_dir: Path | None = None,
) -> list[Path]:
    """Draw all figures that the runs allow, with these truncations; the pictures' paths.

    Data that are not there cost the gallery of images alone, which is told.
    """
    from hptheory.figures.style import save_figure
    from sims import observed_figures as draw
    from sims.figures import figure_name

    figures: dict[str, Callable[[], draw.Drawn]] = {
        "1": partial(draw.draw_over_time, sweep),
        "8": partial(draw.draw_truncated, sweep, truncations),
        "9": partial(draw.draw_residuals, sweep, truncations),
        "10": partial(draw.draw_profile, sweep, truncations),
    }
    if all("mci" in result.extra for result in sweep.results.values()):
        figures["14"] = partial(draw.draw_consistency, sweep)
        figures["16"] = partial(draw.draw_easy_and_hard, sweep)
        if sweep.setting.training.task.name != "language":  # a gallery of images
            figures["15"] = partial(draw.draw_gallery, sweep, data_dir)
    paths = []
    for number, function in sorted(figures.items(), key=lambda item: int(item[0])):
        try:
            figure, numbers = function()
        except (DataError, MissingExtraError) as error:
            print(f"figure {number} is left out: {error}", file=sys.stderr)
            continue
        paths.append(save_figure(figure, numbers, out, figure_name(number))[0])
    return paths


def finite(content: Any) -> Any:
    """The same data with numbers that are not finite as None, as JSON wants it.

    >>> finite({"a": [1.0, float("inf")]})
    {'a': [1.0, None]}
    """
    if isinstance(content, dict):
        return {name: finite(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return None if isinstance(content, float) and not np.isfinite(content) else content


def _row_text(row: dict[str, Any], *, widest: bool) -> str:
    start = f"{row['width']:>8} {row['best_lr']:>10.3g} "
    if row["kappa"] is None:
        return start + f"{'(stands for infinity)' if widest else 'Fail':>22}"
    kappa = sorted(set(row["kappa"]))
    words = f"{kappa[0]}" if len(kappa) == 1 else f"{kappa[0]} to {kappa[-1]}"
    return start + f"{words:>22} {row['share']:>10.1%} {row['invariance']:>10.2f} {row['flatness']:>8.2f}"
