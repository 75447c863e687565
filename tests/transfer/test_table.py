from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from hptheory.transfer import SweepTable
from hptheory.transfer.errors import TableError

GOOD = "width,lr,seed,loss\n64,0.1,0,1.5\n64,0.2,0,1.25\n128,0.1,0,1.0\n"


def read(tmp_path: Path, text: str | bytes, **names: object) -> SweepTable:
    path = tmp_path / "sweep.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return SweepTable.from_csv(path, **names)


def test_csv_becomes_columns(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD)
    assert table.scale.tolist() == [64, 64, 128]
    assert table.hp[:, 0].tolist() == [0.1, 0.2, 0.1]
    assert table.loss.tolist() == [1.5, 1.25, 1.0]
    assert table.x[:, 0].tolist() == np.log([0.1, 0.2, 0.1]).tolist()
    assert (table.hp_names, table.scale_name, table.cost, table.set_aside) == (("lr",), "width", None, ())


DIALECTS = [GOOD.replace(",", ";"), GOOD.replace(",", "\t"), "\ufeff" + GOOD, GOOD + "\n,,,\n"]


@pytest.mark.parametrize("text", DIALECTS)
def test_csv_dialects_mean_the_same(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).loss.tolist() == read(tmp_path, GOOD).loss.tolist()


@pytest.mark.parametrize("word", ["nan", "NaN", "inf", "-inf", "diverged", "Diverged", "Infinity"])
def test_divergence_is_data(tmp_path: Path, word: str) -> None:
    table = read(tmp_path, GOOD.replace("1.25", word))
    assert table.diverged.tolist() == [False, True, False]
    assert np.isposinf(table.loss[1])


def test_unfinished_runs_are_set_aside_and_counted(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD.replace("1.25", "  "))
    (item,) = table.set_aside
    assert len(table) == 2
    assert (item.count, item.first) == (1, "sweep.csv, line 3")
    assert "empty" in item.reason


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["sweep.csv", "empty", "header"]),
        ("width,lr,seed,loss\n", ["no row", "at least one run"]),
        (GOOD.replace("loss", "value"), ["column 'loss' is missing", "value"]),
        (GOOD.replace("width", "depth"), ["'width' is missing"]),
        (GOOD.replace("1.25", "high"), ["line 3", "'loss' holds 'high'", "nan or diverged"]),
        (GOOD.replace("0.2", "0.2/s"), ["line 3", "'lr' holds '0.2/s'", "without units"]),
        (GOOD.replace("0.2", "-0.2"), ["line 3", "lr = -0.2", "positive", "log=False"]),
        (GOOD.replace("0.2", "0"), ["line 3", "lr = 0", "positive"]),
        (GOOD.replace("128", "inf"), ["line 4", "width = inf", "finite"]),
        (GOOD.replace("0.2", "0.1"), ["line 3", "line 2", "width = 64, lr = 0.1", "remove one"]),
        ("width,lr,loss\n64,0.1,1\n64,0.1,2\n", ["line 3", "line 2", "'seed' column"]),
        (
            "width,lr,wd,seed,loss\n64,0.1,0,0,1\n64,0.1,1,0,2\n",
            ["line 3", "line 2", "'wd' differs", "--hp lr wd", "hp=['lr', 'wd']", "--seed wd", "seed='wd'"],
        ),
        (GOOD + "x" * 200_000, ["line 5", "field larger than", "one line a run"]),
        (GOOD + "64,0.4,0\n", ["line 5", "3 cells", "4"]),
        (GOOD.replace("seed", "lr"), ["line 1", "'lr' appears twice"]),
        (b"\xff\xfe\x00w", ["UTF-8"]),
    ],
)
def test_bad_files_are_refused_in_one_sentence(tmp_path: Path, text: str | bytes, says: list[str]) -> None:
    with pytest.raises(TableError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith("sweep.csv")
    assert "\n" not in message
    for part in says:
        assert part in message


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ({"hp": ["lr", "lr"]}, "'lr' is named as hyperparameter and as hyperparameter"),
        ({"hp": "loss"}, "'loss' is named as loss and as hyperparameter"),
        ({"hp": "seed"}, "'seed' is named as seed and as hyperparameter"),
        ({"loss": "lr"}, "'lr' is named as loss and as hyperparameter"),
        ({"scale": "lr"}, "'lr' is named as scale and as hyperparameter"),
        ({"seed": "width"}, "'width' is named as scale and as seed"),
        ({"seed": "run"}, "column 'run' is missing"),
        ({"cost": "flops"}, "column 'flops' is missing"),
    ],
)
def test_a_column_has_one_role_and_is_there(tmp_path: Path, names: dict[str, str], says: str) -> None:
    with pytest.raises(TableError, match=re.escape(says)):
        read(tmp_path, GOOD, **names)


def test_the_cost_may_be_the_scale(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD.replace("width", "cost"), scale="cost")
    assert table.scale.tolist() == table.cost.tolist() == [64, 64, 128]


@pytest.mark.parametrize("row", ["0,0.1,1,1.5", "64,0.1,0,1.5"])
def test_only_a_hyperparameter_can_be_linear(tmp_path: Path, row: str) -> None:
    with pytest.raises(TableError, match=r"= 0 must be positive and finite; correct it$"):
        read(tmp_path, f"width,lr,cost,loss\n{row}\n")


def test_columns_of_other_lengths_are_refused() -> None:
    columns = {"width": [64, 64], "lr": [0.1, 0.2], "loss": [1.0, 2.0]}
    with pytest.raises(TableError, match="column 'seed' has 1 rows, 'loss' 2; make them equal"):
        SweepTable.from_columns({**columns, "seed": [0]})


def test_the_labels_of_a_data_frame_do_not_matter() -> None:
    """Sorted and filtered frames keep their labels; a row is its position, by both doors."""
    import pandas as pd

    loss = np.array([4.0, None, 2.0, 1.0], dtype=object)
    frame = pd.DataFrame({"width": [64, 64, 128, 128], "lr": [0.4, 0.3, 0.2, 0.1], "loss": loss})
    mixed = frame.sort_values("lr")
    one, two = SweepTable.from_columns(mixed), SweepTable.from_pandas(mixed)
    assert one.hp[:, 0].tolist() == two.hp[:, 0].tolist() == [0.1, 0.2, 0.4]
    assert one.loss.tolist() == two.loss.tolist() == [1.0, 2.0, 4.0]
    twice = pd.concat([frame[2:], frame[3:]]).assign(run=[0, 1, 2])
    for door in (SweepTable.from_columns, SweepTable.from_pandas):
        with pytest.raises(TableError, match=r"row 3: the run .* stands already in row 2; 'run' differs"):
            door(twice)


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        SweepTable.from_csv(tmp_path / "none.csv")
    with pytest.raises(TableError, match="directory"):
        SweepTable.from_csv(tmp_path)


def test_linear_axis_takes_any_sign(tmp_path: Path) -> None:
    table = read(tmp_path, GOOD.replace("0.2", "-0.2"), log=False)
    assert table.x[:, 0].tolist() == [0.1, -0.2, 0.1]


def test_names_can_be_chosen(tmp_path: Path) -> None:
    text = "depth,wd,lr,err\n2,0.1,1e-3,3\n2,0.2,1e-3,2\n"
    table = read(tmp_path, text, scale="depth", loss="err", hp=["lr", "wd"], log=[True, False])
    assert (table.scale_name, table.hp_names) == ("depth", ("lr", "wd"))
    np.testing.assert_array_equal(table.x, [[np.log(1e-3), 0.1], [np.log(1e-3), 0.2]])


def test_the_only_other_column_is_the_hp(tmp_path: Path) -> None:
    assert read(tmp_path, "width,ridge,loss\n2,0.1,3\n").hp_names == ("ridge",)


def test_pandas_parquet_and_xarray_say_the_same(tmp_path: Path) -> None:
    import pandas as pd
    import xarray as xr

    loss = [4, 3, np.nan, 1.0]
    frame = pd.DataFrame({"width": [64, 64, 128, 128], "lr": [0.1, 0.2] * 2, "seed": 0, "loss": loss})
    frame.to_parquet(tmp_path / "sweep.parquet")
    cube = frame["loss"].to_numpy().reshape(2, 2, 1)
    dims = ("width", "lr", "seed")
    dataset = xr.Dataset({"loss": (dims, cube)}, {"width": [64, 128], "lr": [0.1, 0.2], "seed": [0]})
    tables = [
        SweepTable.from_pandas(frame),
        SweepTable.from_parquet(tmp_path / "sweep.parquet"),
        SweepTable.from_xarray(dataset),
    ]
    for table in tables:
        np.testing.assert_array_equal(table.scale, frame["width"])
        np.testing.assert_array_equal(table.hp[:, 0], frame["lr"])
        np.testing.assert_array_equal(table.loss, [4, 3, np.inf, 1])


def test_xarray_grid_may_move_with_width() -> None:
    import xarray as xr

    dataset = xr.Dataset(
        {"loss": (("width", "point"), [[3.0, 2.0], [1.0, 4.0]])},
        {"width": [64, 128], "lr": (("width", "point"), [[0.1, 0.2], [0.3, 0.4]])},
    )
    assert SweepTable.from_xarray(dataset).hp[:, 0].tolist() == [0.1, 0.2, 0.3, 0.4]


def test_xarray_with_steps_asks_to_choose_one() -> None:
    import xarray as xr

    coordinates = {"width": [64], "lr": [0.1], "step": [0, 1, 2]}
    dataset = xr.Dataset({"loss": (("width", "lr", "step"), np.zeros((1, 1, 3)))}, coordinates)
    with pytest.raises(TableError, match=r"isel\(step=-1\)"):
        SweepTable.from_xarray(dataset)


def test_a_no_parquet_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.parquet").write_text("width,lr,loss\n")
    with pytest.raises(TableError, match="no Parquet file"):
        SweepTable.from_parquet(tmp_path / "x.parquet")


def test_runs_that_are_not_finished_are_set_aside() -> None:
    import xarray as xr

    dims = ("width", "lr")
    dataset = xr.Dataset(
        {
            "loss": (dims, [[3.0, np.nan], [np.inf, np.nan]]),
            "finished": (dims, [[True, True], [True, False]]),
        },
        {"width": [64, 128], "lr": [0.1, 0.2]},
    )
    table = SweepTable.from_xarray(dataset)
    assert table.loss.tolist() == [3.0, np.inf, np.inf]
    assert [item.count for item in table.set_aside] == [1]


def test_a_missing_value_is_not_divergence() -> None:
    table = SweepTable.from_columns({"width": [64, 64, 128], "lr": [0.1, 0.2, 0.1], "loss": [1.0, None, 2.0]})
    assert table.loss.tolist() == [1.0, 2.0]
    assert table.set_aside[0].first == "table, row 2"
