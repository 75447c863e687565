"""The command ``hptheory``: arguments in, calls out. Exit code 0: done; 1: a check failed; 2: bad input.

The only module here that may reach into ``sims`` and ``proofs_check``. What is heavy (matplotlib, torch, the
trainer) is imported when a command needs it.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

import hptheory
from hptheory.errors import DomainError, HPTheoryError, UnknownNameError
from hptheory.files import output_folder, write_atomically
from hptheory.transfer import Plan, SweepTable, analyse
from sims.commands import INTERRUPTED, status, sweep
from sims.decompose import decompose
from sims.demo import demo
from sims.figures import EXPERIMENTS, NoRunsError, draw, figure_name

BAD_INPUT = 2
STDOUT, STDERR = 1, 2
FIGURES = {"3": "figure_03", "4": "figure_04", "theorem-2": "theorem_2"}
"""What can be drawn: the module of `hptheory.figures`, which has a function of the same name."""


@dataclass(frozen=True)
class Columns:
    """The columns of a table.

    Attributes:
        hp: The hyperparameter's column, or several; by default lr, or the only column that is nothing else.
        scale: The column of the model's size.
        loss: The column of the final loss.
        seed: The column that tells repeats of a run apart; it may be absent.
        cost: The column of a run's cost; it may be absent.
        linear: Analyse the hyperparameter itself, not its logarithm.
    """

    hp: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    scale: Annotated[str, tyro.conf.arg(metavar="NAME")] = "width"
    loss: Annotated[str, tyro.conf.arg(metavar="NAME")] = "loss"
    seed: Annotated[str, tyro.conf.arg(metavar="NAME")] = "seed"
    cost: Annotated[str, tyro.conf.arg(metavar="NAME")] = "cost"
    linear: bool = False


Table = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="TABLE.csv|RUNS")]


def figure(
    number: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="N")],
    *,
    runs: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="DIR ...")] = (),
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None,
    loss: Annotated[str | None, tyro.conf.arg(metavar="COLUMN")] = None,
    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("figures"),
) -> None:
    """Draw a figure of arXiv 2512.22768, or a comparison of optimizers; the plotted numbers lie beside it.

    Args:
        number: Which figure: 3, 4, theorem-2, or that of an experiment (1 to 35, replay, drift, ...).
        runs: For the figure of an experiment, the run directories to draw it from.
        data_dir: The folder of data sets, for a figure that reads them again (15, stable-rank); by default
            HPTHEORY_DATA.
        loss: For a comparison (drift, standard, decay, batch, depth, multiplier), the loss to judge by: loss
            (of the last weights), ema_loss (of the averaged ones) or train_loss.
        out: The folder for the PNG and the CSV.
    """
    if number not in (*FIGURES, *EXPERIMENTS):
        raise UnknownNameError("figure", number, [*FIGURES, *EXPERIMENTS])
    from hptheory.figures.style import save_figure

    if number in EXPERIMENTS and not runs:
        raise NoRunsError(number)
    folder, name = output_folder(out), FIGURES.get(number, figure_name(number))
    print(f"drawing figure {number} ...", file=sys.stderr)
    if number in EXPERIMENTS:
        drawn, numbers = draw(number, runs, data_dir, loss)
    else:
        drawn, numbers = getattr(import_module(f"hptheory.figures.{name}"), name)()
    for path in save_figure(drawn, numbers, folder, name):
        print(path)


def analyse_table(
    table: Table,
    columns: tyro.conf.OmitArgPrefixes[Columns] = Columns(),
    *,
    json: bool = False,
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None,
) -> None:
    """Say whether transfer is fast: the optimum of every width, the rates of the gaps, and a verdict.

    Args:
        table: A table (CSV or Parquet): a row a run; columns width, lr, loss, perhaps seed and cost. Or a
            directory that `hptheory sweep` wrote.
        columns: The columns of a table.
        json: Print one JSON object instead of text.
        html: Write a report with the curves to this file.
    """
    if html is not None:
        output_folder(html.parent)
    from hptheory.reports.next_runs_text import next_runs_text
    from hptheory.transfer.sweep_costs import next_runs_if_open

    report = analyse(read_table(table, columns))
    if html is not None:
        from hptheory.reports import sweep_page

        page = sweep_page(report, title=f"Hyperparameter transfer: {table.name}", what_was_run=_origin(table))
        write_atomically(html, page.encode())
        print(f"report: {html}", file=sys.stderr if json else sys.stdout)
    runs = next_runs_if_open(report)
    if json:
        from dataclasses import asdict
        from json import dumps

        found = {**report.to_dict(), "next_runs": [asdict(one) for one in runs]}
        print(dumps(found, indent=2, allow_nan=False))
    else:
        print("\n".join([str(report), *next_runs_text(runs, report.table.scale_name)]))


def plan(
    table: Table,
    columns: tyro.conf.OmitArgPrefixes[Columns] = Columns(),
    *,
    budget: Annotated[float, tyro.conf.arg(metavar="F")],
    target_width: Annotated[float | None, tyro.conf.arg(metavar="M")] = None,
    cost_exponent: Annotated[float | None, tyro.conf.arg(metavar="R")] = None,
    json: bool = False,
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None,
) -> None:
    """Plan a budget: how wide a proxy and how fine a grid, or direct tuning, and the loss to expect.

    Args:
        table: A table (CSV or Parquet) as for `analyse`, or a directory that `hptheory sweep` wrote.
        columns: The columns of a table.
        budget: In runs at width 1 or, where the table has a cost column, in its unit.
        target_width: The width of the final model; by default the best one for the budget.
        cost_exponent: A run at width n costs n**R; by default as its cost column grows, or n**2 without one.
        json: Print one JSON object instead of text.
        html: Write the plan, and those for other budgets, to this file.
    """
    if html is not None:
        output_folder(html.parent)
    report = analyse(read_table(table, columns))

    def plan_of(budget: float) -> Plan:
        return report.plan(budget, target_width, cost_exponent)

    found, choices = plan_of(budget), report.proxy_choices(budget, target_width, cost_exponent)
    if html is not None:
        from hptheory.reports import plan_page

        scale = report.table.scale_name
        unit = f"runs at {scale} 1" if report.table.cost is None else "in the unit of the cost column"
        title, origin = f"How to spend a budget: {table.name}", _origin(table)
        page = plan_page(
            plan_of, budget, title=title, unit=unit, scale=scale, what_was_run=origin, proxies=choices
        )
        write_atomically(html, page.encode())
        print(f"report: {html}", file=sys.stderr if json else sys.stdout)
    if json:
        from dataclasses import asdict
        from json import dumps

        proxies = [asdict(choice) for choice in choices]
        answer = {**asdict(found), "better": found.better, "proxy_choices": proxies}
        print(dumps(answer, indent=2, allow_nan=False))
    else:
        from hptheory.reports.plan_text import plan_text, proxies_text

        print("\n".join([plan_text(found), *proxies_text(choices, report.table.scale_name)]))


@dataclass(frozen=True)
class OptimizerOptions:
    """What some optimizers have.

    Attributes:
        exponents: Shampoo's exponents, of the output and the input side.
        block: The size of Shampoo's and SOAP's blocks.
        sides: Which sides SOAP rotates, output and input: 1 1, 1 0 or 0 1.
        damping: What Shampoo's epsilon is: relative (to the largest eigenvalue), the default, or absolute.
        graft: The optimizer whose norm the update is given.
        spectral_norm: The update is scaled to a spectral norm.
    """

    exponents: tuple[float, float] | None = None
    block: int | None = None
    sides: tuple[int, int] = (1, 1)
    damping: Literal["relative", "absolute"] | None = None
    graft: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    spectral_norm: bool = False

    def of(self, optimizer: str) -> dict[str, Any]:
        """The options of ``scaling_rule``; Shampoo's damping is by default that of ``param_groups``."""
        options = dict(vars(self))
        damping = options.pop("damping")
        if optimizer == "shampoo":
            return {**options, "relative_damping": damping != "absolute"}
        if damping is not None:
            raise DomainError("damping", damping, f"left out for {optimizer}", "only shampoo has it")
        return options


def rules(
    further: tyro.conf.OmitArgPrefixes[OptimizerOptions] = OptimizerOptions(),
    *,
    optimizer: Annotated[str, tyro.conf.arg(metavar="NAME")] = "adam",
    model: Annotated[str, tyro.conf.arg(metavar="NAME")] = "mlp",
    width: int = 1024,
    base_width: int = 128,
    depth: int = 4,
    base_depth: int = 4,
    vocabulary: int | None = None,
    parameterization: Annotated[str, tyro.conf.arg(metavar="NAME")] = "mup",
    json: bool = False,
) -> None:
    """Print how every layer's rate, epsilon, initial scale and decay follow its shape, and why.

    All numbers are ratios to the same layer of the base model.

    Args:
        further: What some optimizers have.
        optimizer: sgd, adam, muon, adamuon, shampoo, soap or dion; matrix optimizers train hidden matrices.
        model: mlp, llama or gpt2.
        width: The width of the model.
        base_width: The width at which the hyperparameters were tuned.
        depth: The number of blocks of a transformer.
        base_depth: The number of blocks of the base model.
        vocabulary: The number of tokens of a transformer.
        parameterization: mup, standard or ntk.
        json: Print one JSON list instead of text.
    """
    from hptheory.parameterization import forward_text, model_rules, rules_text
    from sims.settings.models import MODEL_CONFIGS
    from sims.settings.transformers import TransformerConfig

    network = MODEL_CONFIGS[model]() if model in MODEL_CONFIGS else None
    if network is not None:
        for some in (width, base_width):
            network.check_width(some)
    found = model_rules(
        optimizer,
        model,
        width,
        base_width=base_width,
        depth=depth,
        base_depth=base_depth,
        vocabulary=vocabulary,
        parameterization=parameterization,
        **further.of(optimizer),
    )
    if json:
        from json import dumps

        print(dumps([rule.to_dict() for rule in found], indent=2, allow_nan=False))
        return
    print(rules_text(found))
    if isinstance(network, TransformerConfig):
        d_head, base_d_head = width // network.heads, base_width // network.heads
        print("\n" + forward_text(d_head, depth, base_d_head=base_d_head, base_depth=base_depth))


def coordinate_check(
    setting: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SETTING")] = "digits",
    *,
    preset: str = "cpu",
    parameterization: Literal["mup", "standard", "ntk"] | None = None,
    axis: Literal["width", "depth"] = "width",
    scales: tuple[int, ...] | None = None,
    seeds: int = 8,
    steps: int = 4,
    lr: float | None = None,
    data_dir: Path | None = None,
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None,
    json: bool = False,
) -> int:
    """Measure how activations, and what a few steps do to them, grow with width or depth; 1 if they do.

    Args:
        setting: What is trained: digits, multi_index, ball_indicator, llama_adam, ...
        preset: The preset of the setting.
        parameterization: mup, standard or ntk; by default the setting's.
        axis: Width, or depth of a transformer.
        scales: Three or more different widths, or depths; by default those of the setting from 64 on.
        seeds: How many seeds.
        steps: How many optimizer steps.
        lr: The learning rate at the base width; by default the lowest of the setting.
        data_dir: The folder of data sets; by default HPTHEORY_DATA.
        out: A folder for a figure and its numbers.
        json: Print one JSON object instead of text.
    """
    from sims.commands import TRAINER_PACKAGES
    from sims.requirements import require
    from sims.settings import get_setting

    chosen = get_setting(setting, preset)
    require("`hptheory coordinate-check`", *TRAINER_PACKAGES)
    from sims import coordinate_check as checks

    found = checks.coordinate_check(
        chosen,
        parameterization=parameterization,
        axis=axis,
        scales=scales,
        seeds=range(seeds),
        steps=steps,
        lr=lr,
        data_dir=data_dir,
    )
    if out is not None:
        from hptheory.figures.coordinate_check import coordinate_check_figure
        from hptheory.figures.style import save_figure

        title = f"{setting}, {found.parameterization}, {found.optimizer}"
        drawn, numbers = coordinate_check_figure(found.table(), axis, title)
        name = f"coordinate_check_{setting}_{found.parameterization}_{axis}"
        for path in save_figure(drawn, numbers, out, name):
            print(path, file=sys.stderr)
    if json:
        from json import dumps

        print(dumps(found.to_dict(), indent=2, allow_nan=False))
    else:
        print(found)
    return 0 if found.passed else 1


def check(
    claims: Annotated[tyro.conf.Positional[tuple[str, ...]], tyro.conf.arg(metavar="[CLAIM ...]")] = (),
    *,
    fast: bool = False,
    explain: bool = False,
    time_limit: int | None = None,
) -> int:
    """Check the register of the papers' claims now: every verdict, and every certificate.

    Args:
        claims: Ids of claims, such as thm-3 or eq-16; by default all.
        fast: Leave out the checks that take long; they are counted as left out.
        explain: Print the argument of each claim.
        time_limit: Seconds that the enclosures of one claim may take; what they did not decide is no success.
    """
    from proofs_check.command import check as run

    return run(claims, fast=fast, explain=explain, limit=time_limit)


def read_table(path: Path, columns: Columns = Columns()) -> SweepTable:
    """The sweep table in a file, or in a directory that ``hptheory sweep`` wrote."""
    names: dict[str, Any] = {**vars(columns), "hp": list(columns.hp) or None, "log": not columns.linear}
    del names["linear"]
    if path.is_dir():
        from sims.report import read_runs

        return read_runs(path, **names)
    read = SweepTable.from_parquet if path.suffix == ".parquet" else SweepTable.from_csv
    return read(path, **names)


def _origin(path: Path) -> dict[str, str]:
    """Where the numbers of a report come from."""
    if path.is_dir():
        from sims.report import what_was_run

        return what_was_run(path)
    return {"table": str(path), "analysed with": f"hptheory {hptheory.__version__}"}


COMMANDS: dict[str, Callable[..., Any]] = {
    "demo": demo,
    "figure": figure,
    "sweep": sweep,
    "status": status,
    "analyse": analyse_table,
    "plan": plan,
    "decompose": decompose,
    "rules": rules,
    "coordinate-check": coordinate_check,
    "check": check,
}


def main(args: Sequence[str] | None = None) -> int:
    """Run the command; its exit code comes back. Bad input is one sentence on stderr."""
    given = list(sys.argv[1:] if args is None else args)
    try:
        return _run(given)
    except HPTheoryError as error:
        print(f"hptheory: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("hptheory: stopped", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if isinstance(error, BrokenPipeError) and _reader_has_gone():
            os.dup2(os.open(os.devnull, os.O_WRONLY), STDOUT)
            return 1
        print(f"hptheory: {error}", file=sys.stderr)
        return BAD_INPUT


def _reader_has_gone() -> bool:
    """Whether nobody reads our output any more, as after `head`; nothing is left to say then.

    Other pipes break too, and that must be said.
    """
    outputs = select.poll()
    for output in (STDOUT, STDERR):
        outputs.register(output, 0)  # asks for nothing but errors
    return bool(outputs.poll(0))


def _run(args: list[str]) -> int:
    if args == ["--version"]:
        print(f"hptheory {hptheory.__version__}")
        return 0
    if args and not args[0].startswith("-") and args[0] not in COMMANDS:
        raise UnknownNameError("command", args[0], list(COMMANDS))
    code = tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="hptheory",
        description="Does a learning rate tuned on a small model work on a large one, how fast, and why?",
        args=args,
        config=(tyro.conf.FlagCreatePairsOff,),
    )
    sys.stdout.flush()
    return code or 0
