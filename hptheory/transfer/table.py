"""The sweep table: one row a training run, held as NumPy columns.

A run is (scale, HPs, seed) -> loss, and perhaps a cost. A run that diverged is data: its loss is infinite.
Rows that cannot be used are set aside and counted with the reason; everything else that is wrong is a
`TableError`.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptheory.errors import MissingExtraError
from hptheory.transfer.errors import TableError

Floats = NDArray[np.float64]
DIVERGED_WORDS = frozenset(
    {"diverged", "divergence", "nan", "-nan", "+nan", "inf", "+inf", "-inf", "infinity"}
)


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
    `seed` holds integer codes. `log_axes` says of each HP whether analyses use ln HP (the default) or the HP
    itself.

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

    @classmethod
    def from_csv(cls, path: str | Path, **names: Any) -> SweepTable:
        """The table in a CSV file with a header line (comma, semicolon or tab separated, UTF-8).

        Keyword arguments are those of `from_columns`. A loss may be a number, `nan`, `inf` or `diverged`; a
        row whose loss is empty is set aside (the run did not finish).
        """
        source = Path(path).name
        header, columns, lines = _read_csv(Path(path), source)
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
        absent. `log=False` marks linear HP axes. `lines` gives the line of each row for messages.
        """
        place = _Place(source, lines)
        known = list(columns)
        for name in (scale, loss):
            if name not in known:
                raise _missing(source, name, known)
        hp_names = _hp_names(hp, known, {scale, loss, seed, cost}, source)
        log_axes = tuple([log] * len(hp_names) if isinstance(log, bool) else log)
        if len(log_axes) != len(hp_names):
            raise TableError(source, f"{len(log_axes)} axis kinds for {len(hp_names)} HPs", "give one a HP")
        size = len(columns[loss])
        for name in (scale, *hp_names):
            if len(columns[name]) != size:
                raise TableError(
                    source,
                    f"column '{name}' has {len(columns[name])} rows, '{loss}' {size}",
                    "make them equal",
                )
        if size == 0:
            raise TableError(source, "there is no row below the header", "add at least one run")
        losses, unfinished = _losses(columns[loss], loss, place)
        keep = np.flatnonzero(~unfinished)
        if keep.size == 0:
            raise TableError(
                source, f"column '{loss}' is empty in every row", "add the losses of finished runs"
            )
        place = _Place(source, [place.number(int(i)) for i in keep], place.word)

        def pick(name: str) -> Any:
            return [columns[name][i] for i in keep] if unfinished.any() else columns[name]

        hps = np.column_stack(
            [_positive(pick(n), n, place, need=log_axes[j]) for j, n in enumerate(hp_names)]
        )
        table = cls(
            scale_name=scale,
            hp_names=hp_names,
            scale=_positive(pick(scale), scale, place, need=True),
            hp=hps,
            seed=_codes(pick(seed)) if seed in known else np.zeros(keep.size, dtype=np.int64),
            loss=losses[keep],
            cost=_positive(pick(cost), cost, place, need=True) if cost in known else None,
            log_axes=log_axes,
            source=source,
            set_aside=_unfinished(unfinished, loss, _Place(source, lines)),
        )
        _refuse_duplicates(table, place, seed if seed in known else None)
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
                raise _missing(source, name, [str(v) for v in dataset.variables])
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


class _Place:
    """Where a row stands: `sweep.csv, line 7`."""

    def __init__(self, source: str, lines: Sequence[int] | None, word: str | None = None) -> None:
        self.source, self.lines = source, lines
        self.word = word or ("row" if lines is None else "line")

    def number(self, index: int) -> int:
        return int(index) + 1 if self.lines is None else self.lines[index]

    def __call__(self, index: int) -> str:
        return f"{self.source}, {self.word} {self.number(index)}"


def _read_csv(path: Path, source: str) -> tuple[list[str], list[Sequence[str]], list[int]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            first = stream.readline()
            if not first.strip():
                raise TableError(source, "the file is empty", "write a header line and one line a run")
            stream.seek(0)
            reader = csv.reader(stream, delimiter=max(",;\t", key=first.count), skipinitialspace=True)
            header = [name.strip() for name in next(reader)]
            rows, lines = [], []
            for row in reader:
                if any(cell.strip() for cell in row):
                    if len(row) != len(header):
                        problem = f"it has {len(row)} cells, the header {len(header)}"
                        raise TableError(f"{source}, line {reader.line_num}", problem, "make them equal")
                    rows.append(row)
                    lines.append(reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(source, "it is not UTF-8 text", "save it as CSV in UTF-8") from error
    except IsADirectoryError as error:
        raise TableError(str(path), "it is a directory", "give a CSV file") from error
    except FileNotFoundError as error:
        raise TableError(str(path), "there is no such file", "check the path") from error
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise TableError(f"{source}, line 1", f"column '{repeated[0]}' appears twice", "keep one of them")
    columns: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return header, columns, lines


def _missing(source: str, name: str, known: Sequence[str]) -> TableError:
    return TableError(
        source,
        f"column '{name}' is missing (there are: {', '.join(known)})",
        "add it, or name the column to use",
    )


def _hp_names(
    hp: str | Sequence[str] | None, known: list[str], others: set[str], source: str
) -> tuple[str, ...]:
    left = [name for name in known if name not in others]
    if hp is None:
        hp = "lr" if "lr" in left or len(left) != 1 else left[0]
    names = (hp,) if isinstance(hp, str) else tuple(hp)
    for name in names:
        if name not in known:
            raise _missing(source, name, known)
    return names


def _numbers(values: Any, name: str, place: _Place) -> Floats:
    """The column as floats; the first cell that is no number is an error."""
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        for index, value in enumerate(values):
            try:
                float(value)
            except (ValueError, TypeError):
                problem = f"column '{name}' holds '{value}', which is no number"
                raise TableError(place(index), problem, "write plain numbers, without units") from None
        raise TableError(
            place.source, f"column '{name}' is not one-dimensional", "give one number a row"
        ) from None


def _positive(values: Any, name: str, place: _Place, need: bool) -> Floats:
    """The column as finite floats, positive where `need` says so."""
    numbers = _numbers(values, name, place)
    bad = ~np.isfinite(numbers) | ((numbers <= 0) if need else False)
    if bad.any():
        index = int(np.argmax(bad))
        bound = "positive and finite" if need else "finite"
        remedy = "correct it, or mark the axis as linear (log=False)" if need else "correct it"
        raise TableError(place(index), f"{name} = {numbers[index]:g} must be {bound}", remedy)
    return numbers


def _losses(values: Any, name: str, place: _Place) -> tuple[Floats, NDArray[np.bool_]]:
    """Losses with +inf for diverged runs, and which rows have none (an empty cell, or None)."""
    unfinished = np.zeros(len(values), dtype=bool)
    if getattr(values, "dtype", None) != np.float64:
        words = ["" if value is None else str(value).strip().lower() for value in values]
        unfinished = np.array([word == "" for word in words])
        values = [np.inf if word in DIVERGED_WORDS or word == "" else word for word in words]
    losses = _loss_numbers(values, name, place)
    return np.where(np.isfinite(losses), losses, np.inf), unfinished


def _loss_numbers(values: Any, name: str, place: _Place) -> Floats:
    try:
        return np.array(values, dtype=np.float64)
    except ValueError:
        pass
    for index, value in enumerate(values):
        try:
            float(value)
        except ValueError:
            problem = f"column '{name}' holds '{value}', which is no number"
            raise TableError(place(index), problem, "write a number, nan or diverged") from None
    raise TableError(place.source, f"column '{name}' is not one-dimensional", "give one number a row")


def _codes(values: Any) -> NDArray[np.int64]:
    return np.unique(np.array([str(value) for value in values]), return_inverse=True)[1].astype(np.int64)


def _unfinished(unfinished: NDArray[np.bool_], name: str, place: _Place) -> tuple[SetAside, ...]:
    if not unfinished.any():
        return ()
    return (SetAside(f"'{name}' is empty", int(unfinished.sum()), place(int(np.argmax(unfinished)))),)


def _refuse_duplicates(table: SweepTable, place: _Place, seed: str | None) -> None:
    keys = np.column_stack([table.scale, table.hp, table.seed])
    order = np.lexsort(keys.T[::-1])
    same = np.all(keys[order][1:] == keys[order][:-1], axis=1)
    if same.any():
        # lexsort is stable, so the second of a pair is the later row.
        at = int(np.argmax(same))
        first, second = int(order[at]), int(order[at + 1])
        what = ", ".join(
            f"{n} = {v:g}" for n, v in zip((table.scale_name, *table.hp_names), keys[second], strict=False)
        )
        remedy = (
            "remove one, or name a further hyperparameter by hp=[...]"
            if seed
            else "add a 'seed' column to tell repeats apart"
        )
        raise TableError(
            place(second), f"the run {what} stands already in {place.word} {place.number(first)}", remedy
        )
