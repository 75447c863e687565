"""Reading a sweep table: CSV text and columns of anything become arrays, or an error that names the place."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hptheory.transfer.errors import TableError

Floats = NDArray[np.float64]
DIVERGED_WORDS = frozenset(
    {"diverged", "divergence", "nan", "-nan", "+nan", "inf", "+inf", "-inf", "infinity"}
)


class Place:
    """Where a row stands: `sweep.csv, line 7`."""

    def __init__(self, source: str, lines: Sequence[int] | None, word: str | None = None) -> None:
        self.source, self.lines = source, lines
        self.word = word or ("row" if lines is None else "line")

    def number(self, index: int) -> int:
        """The number of the row's line."""
        return int(index) + 1 if self.lines is None else self.lines[index]

    def __call__(self, index: int) -> str:
        """The place in words."""
        return f"{self.source}, {self.word} {self.number(index)}"


def read_csv(path: Path, source: str) -> tuple[list[str], list[Sequence[str]], list[int]]:
    """The header, the columns as text, and the line of each row."""
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
    except UnicodeDecodeError as error:
        raise TableError(source, "it is not UTF-8 text", "save it as CSV in UTF-8") from error
    except csv.Error as error:
        place = f"{source}, line {reader.line_num}"
        raise TableError(place, f"it is no CSV ({error})", "write one line a run") from error
    except IsADirectoryError as error:
        raise TableError(str(path), "it is a directory", "give a CSV file") from error
    except FileNotFoundError as error:
        raise TableError(str(path), "there is no such file", "check the path") from error
    repeated = [name for name in header if header.count(name) > 1]
    if repeated:
        raise TableError(f"{source}, line 1", f"column '{repeated[0]}' appears twice", "keep one of them")
    columns: list[Sequence[str]] = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return header, columns, lines


def missing(source: str, name: str, known: Sequence[str]) -> TableError:
    """The error that a column is missing."""
    return TableError(
        source,
        f"column '{name}' is missing (there are: {', '.join(known)})",
        "add it, or name the column to use (--scale, --hp, --loss, --seed, --cost)",
    )


def arrays_of(columns: Any, loss: str, source: str) -> dict[str, Any]:
    """The columns by position and of one length: a pandas column is indexed by its labels, an array is
    not."""
    found = {name: _sequence(columns[name]) for name in columns}
    size = len(found[loss])
    for name, values in found.items():
        if len(values) != size:
            problem = f"column '{name}' has {len(values)} rows, '{loss}' {size}"
            raise TableError(source, problem, "make them equal")
    return found


def _sequence(values: Any) -> Any:
    return values if isinstance(values, list | tuple) else np.atleast_1d(np.asarray(values))


def refuse_two_roles(roles: Sequence[tuple[str, str]], source: str) -> None:
    """A column has one role: `roles` are pairs (column, role). The cost alone may be the scale: a scale in
    floating-point operations is one."""
    first: dict[str, str] = {}
    for name, role in roles:
        if name in first and (first[name], role) != ("scale", "cost"):
            problem = f"column '{name}' is named as {first[name]} and as {role}"
            raise TableError(
                source, problem, "name a column for each (--scale, --hp, --loss, --seed, --cost)"
            )
        first.setdefault(name, role)


def hp_names_of(
    hp: str | Sequence[str] | None, known: list[str], others: set[str], source: str
) -> tuple[str, ...]:
    """The HPs' columns: those named, else `lr`, else the only column left over."""
    left = [name for name in known if name not in others]
    if hp is None:
        hp = "lr" if "lr" in known or len(left) != 1 else left[0]
    names = (hp,) if isinstance(hp, str) else tuple(hp)
    for name in names:
        if name not in known:
            raise missing(source, name, known)
    return names


def numbers_in(values: Any, name: str, place: Place) -> Floats:
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


def positive_in(
    values: Any, name: str, place: Place, need: bool = True, remedy: str = "correct it"
) -> Floats:
    """The column as finite floats, positive where `need` says so; `remedy` for one that is not."""
    numbers = numbers_in(values, name, place)
    bad = ~np.isfinite(numbers) | ((numbers <= 0) if need else False)
    if bad.any():
        index = int(np.argmax(bad))
        bound = "positive and finite" if need else "finite"
        raise TableError(place(index), f"{name} = {numbers[index]:g} must be {bound}", remedy)
    return numbers


def plain_numbers(values: Any) -> Floats | None:
    """The column as floats, nan for empty cells; None where a cell holds anything else."""
    if getattr(values, "dtype", np.dtype(float)).kind in "mM":
        return None
    try:
        numbers = np.array(
            [np.nan if value is None or str(value).strip() == "" else value for value in values],
            dtype=np.float64,
        )
    except (ValueError, TypeError):
        return None
    return numbers if numbers.ndim == 1 else None


def costs_in(values: Any, name: str, place: Place, diverged: NDArray[np.bool_]) -> Floats:
    """Positive costs; nan where a diverged run has none (an empty cell, None, nan)."""
    words = ["" if value is None else str(value).strip().lower() for value in values]
    empty = diverged & np.isin(words, ["", "nan", "<na>"])
    filled = [1.0 if none else value for none, value in zip(empty, values, strict=True)]
    return np.where(empty, np.nan, positive_in(filled, name, place))


def losses_in(values: Any, name: str, place: Place) -> tuple[Floats, NDArray[np.bool_]]:
    """Losses with +inf for diverged runs, and which rows have none (an empty cell, or None)."""
    unfinished = np.zeros(len(values), dtype=bool)
    if getattr(values, "dtype", None) != np.float64:
        words = ["" if value is None else str(value).strip().lower() for value in values]
        unfinished = np.array([word == "" for word in words])
        values = [np.inf if word in DIVERGED_WORDS or word == "" else word for word in words]
    losses = _loss_numbers(values, name, place)
    return np.where(np.isfinite(losses), losses, np.inf), unfinished


def _loss_numbers(values: Any, name: str, place: Place) -> Floats:
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


def codes_of(values: Any) -> NDArray[np.int64]:
    """One integer a distinct value."""
    return np.unique(np.array([str(value) for value in values]), return_inverse=True)[1].astype(np.int64)
