"""The commands ``hptheory sweep`` and ``hptheory status``: torch is imported when they are called."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from hptheory.errors import DomainError
from hptheory.files import output_folder
from sims.display import watching
from sims.requirements import require
from sims.settings import ObserveConfig, Setting, get_setting
from sims.training_options import TrainingOptions

if TYPE_CHECKING:
    from sims.engines import Engine

STORE_PACKAGES = ("xarray", "h5netcdf", "h5py")
TRAINER_PACKAGES = ("torch", "sklearn", "jaxtyping", "tqdm", "safetensors", *STORE_PACKAGES)
FAILED = 1
INTERRUPTED = 130  # the exit code that shells give to Ctrl-C
PRESET = TrainingOptions()

TEXT_WINDOWS = {"samples": 64, "tokens": 16}
"""On how many windows of a text single examples are followed: what flows through a model is held for all."""


def sweep(
    setting: tyro.conf.Positional[str] = "digits",
    *,
    preset: str = "cpu",
    out: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None,
    widths: tuple[int, ...] | None = None,
    lrs: tuple[float, ...] | None = None,
    seeds: tuple[int, ...] | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    observe: Literal["no", "profiles", "samples", "tokens"] = "no",
    subset: int | None = None,
    training: tyro.conf.OmitArgPrefixes[TrainingOptions] = PRESET,
    data_dir: Annotated[Path | None, tyro.conf.arg(metavar="DIR")] = None,
    device: str = "auto",
    engine: Literal["auto", "local", "ray"] = "auto",
    workers: int | None = None,
    address: str | None = None,
    pack_members: int | None = None,
    checkpoint_every: float = 60.0,
    compile: Annotated[bool | None, tyro.conf.arg(metavar="{True,False}")] = None,
    estimate: bool = False,
) -> None:
    """Train a setting on its grid of widths, learning rates and seeds; finished runs are not trained again.

    Stop it as you like: the same command goes on from the last checkpoint. Start it several times on one
    directory, also from other machines, and the processes share the runs.

    Args:
        setting: What is trained: digits, multi_index, ball_indicator, ...
        preset: How much: smoke (seconds), cpu (minutes on two cores), cpu-long (hours; of texts), paper
            (for a GPU).
        out: The run directory; by default runs/SETTING-PRESET.
        widths: Other widths than the preset's.
        lrs: Other peak learning rates than the preset's.
        seeds: Other seeds than the preset's.
        epochs: Another length of the runs than the preset's, in passes over the training set.
        steps: Another length of the runs than the preset's, in optimizer steps. The window of the averaged
            weights stays that of the preset.
        observe: What is watched along the runs, for `hptheory decompose`: top-k profiles, or single
            examples as well; of a text, windows, or every token of them (exact and slow).
        subset: On how many validation examples, drawn once; by default 1,024. Of a text: windows, by default
            those of two batches, 64 where samples are followed and 16 where tokens are.
        training: Another training than the preset's.
        data_dir: The folder of data sets, for settings that need one; by default HPTHEORY_DATA.
        device: Where to train: cpu, cuda, cuda:N, mps, or auto (a GPU if there is one).
        engine: auto: on this machine, by one process with all threads or several with one thread each,
            whichever a short measurement finds faster; local: by one process; ray: on a Ray cluster.
        workers: auto, local: by so many processes of one thread each, unmeasured; ray: CPUs of a Ray that
            is started here.
        address: The Ray cluster (HOST:PORT, or auto); by default RAY_ADDRESS, else a Ray started here.
        pack_members: How many runs are trained together at most; by default as many as is measured to be
            fastest.
        checkpoint_every: Seconds of training between checkpoints.
        compile: Compile forward and backward pass (torch.compile; needs a C++ compiler), which rounds in
            another way; by default as earlier runs of the directory, else not.
        estimate: Train nothing; say what the sweep costs, here by a short measurement, and on an H100 by a
            model.
    """
    chosen = changed(
        get_setting(setting, preset), widths=widths, lrs=lrs, seeds=seeds, epochs=epochs, steps=steps
    )
    chosen = watched(training.applied(chosen), observe, subset)
    require("`hptheory sweep`", *TRAINER_PACKAGES)
    let_threads_sleep()
    if estimate:
        from sims import estimate as estimates

        with ExitStack() as stack:
            here = choose_engines("local" if engine == "ray" else engine, workers, "cpu", None)
            places = [stack.enter_context(place) for place in here]
            print(estimates.describe(estimates.estimate(chosen, data_dir, places)))
        return
    directory = output_folder(out or Path("runs") / f"{setting}-{preset}")
    places = choose_engines(engine, workers, device, address)
    from sims.sweep import run

    with stoppable(directory), watching(chosen) as progress:
        dataset = run(
            chosen,
            directory,
            progress,
            engine=places,
            device=device,
            data_dir=data_dir,
            pack_members=pack_members,
            checkpoint_every=checkpoint_every,
            compile=compile,
        )
    from sims.status import describe, failures_in_words
    from sims.store import Store

    print(describe(dataset))
    print(f"table: {directory / 'results.csv'} and {directory / 'results.nc'}")
    if not dataset.finished.all():
        print(*failures_in_words(Store(directory).failures(chosen)), sep="\n", file=sys.stderr)
        print("the same command tries them again, and nothing else", file=sys.stderr)
        raise SystemExit(FAILED)


def status(runs: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUNS")]) -> None:
    """Print what is done, running, diverged, failed and left in a run directory.

    Args:
        runs: A directory that `hptheory sweep` wrote, or writes to just now.
    """
    require("`hptheory status`", *STORE_PACKAGES)
    from sims.status import read_status

    print(read_status(runs))


def choose_engines(name: str, workers: int | None, device: str, address: str | None) -> list[Engine]:
    """The engines of that name, of which a sweep takes the fastest; on a cluster, a unit needs a GPU if that
    is the device.

    Domain: workers < 1 raises ``DomainError``; Ray absent, ``MissingExtraError``.
    """
    if workers is not None and workers < 1:
        raise DomainError("workers", workers, "an integer >= 1")
    import torch

    from sims.devices import choose_device
    from sims.engines import InProcess, Workers

    if name == "ray":
        from sims.engines.cluster import RayCluster

        return [RayCluster(address, cpus=workers, unit_gpus=float(device.startswith("cuda")))]
    if workers is not None:
        return [Workers(workers)]
    # As many processes as torch would have threads: it knows cores, affinity and OMP_NUM_THREADS.
    cores = torch.get_num_threads()
    alone = name == "local" or cores == 1 or choose_device(device).type != "cpu"
    return [InProcess()] if alone else [InProcess(), Workers(cores)]


@contextmanager
def stoppable(directory: Path) -> Iterator[None]:
    """Ctrl-C (and a polite kill, as Slurm sends) ends with a sentence on how to go on."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print(
            f"stopped; what is done is in {directory}, and the same command goes on from there",
            file=sys.stderr,
        )
        raise SystemExit(INTERRUPTED) from None
    finally:
        signal.signal(signal.SIGTERM, before)


def changed(
    setting: Setting,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    **grid: tuple[Any, ...] | None,
) -> Setting:
    """The setting with another grid or length where one is given, checked like the old."""
    given: dict[str, Any] = {axis: tuple(values) for axis, values in grid.items() if values is not None}
    training = setting.training
    if epochs is not None or steps is not None:
        training = replace(training, epochs=epochs, steps=steps)
    return replace(setting, training=training, **given)


def watched(setting: Setting, observe: str, subset: int | None) -> Setting:
    """The setting with its trajectories observed, if they are to be.

    Domain: a subset of nothing, or the tokens of no text, raise ``DomainError``.
    """
    if observe == "no":
        if subset is not None:
            raise DomainError(
                "subset", subset, "left out where nothing is observed", "add --observe profiles"
            )
        return setting
    text = setting.training.task.name == "language"
    if observe == "tokens" and not text:
        raise DomainError("observe", "tokens", "samples for a setting without text")
    if subset is None:
        subset = TEXT_WINDOWS.get(observe, 2 * setting.training.batch_size) if text else 1024
    config = ObserveConfig(subset, samples="tokens" if observe == "tokens" else observe == "samples")
    return replace(setting, training=replace(setting.training, observe=config))


def let_threads_sleep() -> None:
    """Ask OpenMP, before torch is loaded, to let idle threads sleep instead of spin; the user's choice wins.

    On two cores shared with other programs a sweep then takes a fifth of the time (85 s against 440 s).
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
