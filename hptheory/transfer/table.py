"""The sweep table: one row a training run, held as NumPy columns.

A run is (scale, HPs, seed) -> loss, and perhaps a cost. A run that diverged is data: its loss is infinite.
Rows that cannot be used are set aside and counted with the reason; everything else that is wrong is a
`TableError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import MissingExtraError
from hptheory.transfer.errors import TableError
from hptheory.transfer.table_input import (
    Place,
    arrays_of,
    codes_of,
    costs_in,
    hp_names_of,
    losses_in,
    missing,
    plain_numbers,
    positive_in,
    read_csv,
    refuse_two_roles,
)
from hptheory.transfer.unnamed_hps import is_outcome

Floats = NDArray[np.float64]
LINEAR = "correct it, or mark the axis as linear (--linear; log=False)"


@dataclass(frozen=True)
class SetAside:
    """Rows that were not used: why, how many, and where the first one stands."""

    reason: str
    count: int
    first: str


@dataclass(frozen=True, eq=False)
class SweepTable:
    """Losses of a sweep over a scale (width by default), one or several HPs, and seeds.

    Every array has one entry a row; `hp` is [rows, number of HPs]; `loss` is +inf where the run diverged;
    `seed` holds integer codes; `cost` is nan where a diverged run has none. `log_axes` says of each HP
    whether analyses use ln HP (the default) or the HP itself. `further` holds the numbers in columns that no
    one has named.

    >>> table = SweepTable.from_columns({"width": [64, 64], "lr": [0.1, 0.2], "loss": [1.0, float("nan")]})
    >>> len(table), int(table.diverged.sum()) == int(np.isinf(table.loss).sum()) == 1
    (2, True)
    """

    scale_name: str
    hp_names: tuple[str, ...]
    scale: Floats
    hp: Floats
    seed: NDArray[np.int64]
    loss: Floats
    cost: Floats | None
    log_axes: tuple[bool, ...]
    source: str
    set_aside: tuple[SetAside, ...] = ()
    further: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.loss)

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """True for the runs whose loss is not finite."""
        return ~np.isfinite(self.loss)

    @property
    def widths(self) -> Floats:
        """The distinct values of the scale, ascending."""
        return np.unique(self.scale)

    @property
    def x(self) -> Floats:
        """The HPs on their axis of analysis, [rows, number of HPs]: ln HP on a log axis, HP on a linear
        one."""
        return np.where(np.array(self.log_axes), np.log(np.where(self.log_axes, self.hp, 1.0)), self.hp)

    def take(self, rows: NDArray[np.bool_]) -> SweepTable:
        """Some of the rows."""
        cost = None if self.cost is None else self.cost[rows]
        return replace(
            self,
            scale=self.scale[rows],
            hp=self.hp[rows],
            seed=self.seed[rows],
            loss=self.loss[rows],
            cost=cost,
            further={name: values[rows] for name, values in self.further.items()},
        )

    def of_hps(self, indices: Sequence[int]) -> SweepTable:
        """The same rows with some of the HPs only; what varies beside them is then no longer asked about."""
        return replace(
            self,
            hp_names=tuple(self.hp_names[j] for j in indices),
            hp=self.hp[:, indices],
            log_axes=tuple(self.log_axes[j] for j in indices),
            further=self.further if len(indices) == len(self.hp_names) else {},
        )

    @classmethod
    def from_csv(cls, path: str | Path, **names: Any) -> SweepTable:
        """The table in a CSV file with a header line (comma, semicolon or tab separated, UTF-8).

        Keyword arguments are those of `from_columns`. A loss may be a number, `nan`, `inf` or `diverged`; a
        row whose loss is empty is set aside (the run did not finish).
        """
        source = Path(path).name
        header, columns, lines = read_csv(Path(path), source)
        return cls.from_columns(dict(zip(header, columns, strict=True)), source=source, lines=lines, **names)

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Any],
        *,
        hp: str | Sequence[str] | None = None,
        scale: str = "width",
        loss: str = "loss",
        seed: str = "seed",
        cost: str = "cost",
        log: bool | Sequence[bool] = True,
        source: str = "table",
        lines: Sequence[int] | None = None,
    ) -> SweepTable:
        """The table made of named columns (a dict, or anything with `columns[name]` of equal lengths).

        `hp` names one HP or several (default `lr`, or the only column left over); `seed` and `cost` may be
        absent under their default names. `log=False` marks linear HP axes. `lines` gives the line of each
        row for messages.
        """
        place = Place(source, lines)
        known = list(columns)
        for name, given in ((scale, True), (loss, True), (seed, seed != "seed"), (cost, cost != "cost")):
            if given and name not in known:
                raise missing(source, name, known)
        hp_names = hp_names_of(hp, known, {scale, loss, seed, cost}, source)
        hps = [(name, "hyperparameter") for name in hp_names]
        others = [(scale, "scale"), (loss, "loss"), (seed, "seed"), (cost, "cost")]
        refuse_two_roles([*others, *hps], source)
        log_axes = tuple([log] * len(hp_names) if isinstance(log, bool) else log)
        if len(log_axes) != len(hp_names):
            raise TableError(source, f"{len(log_axes)} axis kinds for {len(hp_names)} HPs", "give one a HP")
        arrays = arrays_of(columns, loss, source)
        if len(arrays[loss]) == 0:
            raise TableError(source, "there is no row below the header", "add at least one run")
        losses, unfinished = losses_in(arrays[loss], loss, place)
        keep = np.flatnonzero(~unfinished)
        if keep.size == 0:
            raise TableError(
                source, f"column '{loss}' is empty in every row", "add the losses of finished runs"
            )
        place = Place(source, [place.number(int(i)) for i in keep], place.word)

        def pick(name: str) -> Any:
            return [arrays[name][i] for i in keep] if unfinished.any() else arrays[name]

        further = {n: pick(n) for n in known if n not in {scale, loss, seed, cost, *hp_names}}
        numbers = {name: plain_numbers(values) for name, values in further.items()}
        table = cls(
            scale_name=scale,
            hp_names=hp_names,
            scale=positive_in(pick(scale), scale, place),
            hp=np.column_stack(
                [
                    positive_in(pick(name), name, place, need=log, remedy=LINEAR if log else "correct it")
                    for name, log in zip(hp_names, log_axes, strict=True)
                ]
            ),
            seed=codes_of(pick(seed)) if seed in known else np.zeros(keep.size, dtype=np.int64),
            loss=losses[keep],
            cost=costs_in(pick(cost), cost, place, np.isinf(losses[keep])) if cost in known else None,
            log_axes=log_axes,
            source=source,
            set_aside=_unfinished(unfinished, loss, Place(source, lines)),
            further={name: values for name, values in numbers.items() if values is not None},
        )
        _refuse_duplicates(table, place, seed in known, further)
        return table

    @classmethod
    def from_pandas(cls, frame: Any, **names: Any) -> SweepTable:
        """The table in a pandas DataFrame (or any object with `.columns` and `frame[name].to_numpy()`)."""
        columns = {str(name): frame[name].to_numpy() for name in frame.columns}
        return cls.from_columns(columns, **{"source": "data frame", **names})

    @classmethod
    def from_parquet(cls, path: str | Path, **names: Any) -> SweepTable:
        """The table in a Parquet file; needs pyarrow."""
        try:
            from pyarrow import parquet
        except ImportError as error:
            raise MissingExtraError("pyarrow", "all", "reading Parquet") from error
        if not Path(path).is_file():
            raise TableError(str(path), "there is no such file", "check the path")
        try:
            # pandas writes nan as null, so a null loss is nan: a diverged run
            found = parquet.read_table(path)
            columns = {name: found[name].to_numpy(zero_copy_only=False) for name in found.column_names}
        except (ValueError, OSError) as error:
            raise TableError(
                Path(path).name, "it is no Parquet file", "give a Parquet or a CSV file"
            ) from error
        return cls.from_columns(columns, **{"source": Path(path).name, **names})

    @classmethod
    def from_xarray(
        cls, dataset: Any, *, hp: str | Sequence[str] = "lr", scale: str = "width", loss: str = "loss",
        seed: str = "seed", cost: str = "cost", **names: Any,
    ) -> SweepTable:  # fmt: skip
        """The table in an xarray Dataset whose `loss` lies on coordinates scale, HPs and perhaps seed.

        A coordinate may itself depend on another (a grid of learning rates that moves with width). Runs that
        a variable `finished` marks as not done are set aside: a sweep can be analysed while it runs.
        """
        source = names.pop("source", "dataset")
        hps = [hp] if isinstance(hp, str) else list(hp)
        wanted = [
            scale,
            *hps,
            *([seed] if seed in dataset.coords else []),
            *([cost] if cost in dataset else []),
        ]
        for name in (loss, scale, *hps):
            if name not in dataset.variables:
                raise missing(source, name, [str(v) for v in dataset.variables])
        allowed = {dim for name in wanted for dim in dataset[name].dims}
        extra = [str(dim) for dim in dataset[loss].dims if dim not in allowed]
        if extra:
            raise TableError(
                source,
                f"'{loss}' has the further dimension '{extra[0]}'",
                f"select one, e.g. .isel({extra[0]}=-1)",
            )
        template = dataset[loss]
        columns = {loss: template.to_numpy().ravel()}
        if "finished" in dataset:
            finished = (
                dataset["finished"].broadcast_like(template).transpose(*template.dims).to_numpy().ravel()
            )
            columns[loss] = np.where(finished, columns[loss].astype(object), None)
        for name in wanted:
            columns[name] = (
                dataset[name].broadcast_like(template).transpose(*template.dims).to_numpy().ravel()
            )
        return cls.from_columns(
            columns, hp=hps, scale=scale, loss=loss, seed=seed, cost=cost, source=source, **names
        )


def _unfinished(unfinished: NDArray[np.bool_], name: str, place: Place) -> tuple[SetAside, ...]:
    if not unfinished.any():
        return ()
    return (SetAside(f"'{name}' is empty", int(unfinished.sum()), place(int(np.argmax(unfinished)))),)


def _refuse_duplicates(table: SweepTable, place: Place, seed: bool, further: Mapping[str, Any]) -> None:
    """Two rows of one run are an error; `further` are the columns, by name, that no one has named."""
    keys = np.column_stack([table.scale, table.hp, table.seed])
    order = np.lexsort(keys.T[::-1])
    same = np.all(keys[order][1:] == keys[order][:-1], axis=1)
    if same.any():
        # lexsort is stable, so the second of a pair is the later row.
        at = int(np.argmax(same))
        first, second = int(order[at]), int(order[at + 1])
        names = (table.scale_name, *table.hp_names)
        what = ", ".join(f"{n} = {v:g}" for n, v in zip(names, keys[second], strict=False))
        problem = f"the run {what} stands already in {place.word} {place.number(first)}"
        raise TableError(place(second), problem, _remedy(table, further, first, second, seed))


def _remedy(table: SweepTable, further: Mapping[str, Any], first: int, second: int, seed: bool) -> str:
    """What to do about two rows of one run: name the column that tells them apart, if there is one."""
    given = {name: column for name, column in further.items() if not is_outcome(name)}
    apart = [name for name, column in given.items() if str(column[first]) != str(column[second])]
    if apart:
        names = [*table.hp_names, apart[0]]
        also = f"name it too (--hp {' '.join(names)}; hp={names})"
        repeat = f"if it tells repeats apart, name it as the seed (--seed {apart[0]}; seed='{apart[0]}')"
        return f"'{apart[0]}' differs: if it is a hyperparameter, {also}; {repeat}"
    return "remove one" if seed else "add a 'seed' column to tell repeats apart"
