"""The command: exit codes, one sentence on bad input, what it prints and writes, Ctrl-C."""

from __future__ import annotations

import csv
import json
import math
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest

import hptheory
from benchmarks.synthetic_sweeps import sweep as synthetic_sweep
from hptheory.cli import FIGURES, Columns, main, read_table
from hptheory.figures.figure_04 import Figure4Setting, figure_04
from hptheory.transfer import SweepTable, analyse
from sims.errors import RunDirectoryError
from sims.figures import EXPERIMENTS
from tests.reports.test_page import Reading

# What `analyse --json` promises (DESIGN.md); further keys are free.
PROMISED = {
    "hp", "scale", "optimum", "loss_limit", "hp_limit", "loss_exponent", "hp_exponent", "suboptimality",
    "verdict", "probability_fast", "reason", "warnings",
}  # fmt: skip
OPTIMUM = {"width", "hp", "hp_low", "hp_high", "loss", "curvature", "at_grid_edge", "minima"}
SMALL = ["--preset", "smoke", "--epochs", "1", "--widths", "32", "--seeds", "0"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep whose transfer is fast, as a CSV file."""
    path = tmp_path_factory.mktemp("table") / "sweep.csv"
    found = synthetic_sweep(0.5, 1.0, noise=0.002)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["width", "lr", "seed", "loss"])
        writer.writerows(zip(found.scale, found.hp[:, 0], found.seed, found.loss, strict=True))
    return path


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run directory with three finished runs."""
    directory = tmp_path_factory.mktemp("runs") / "digits"
    assert main(["sweep", "digits", *SMALL, "--out", str(directory)]) == 0
    return directory


def refused(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    """The sentence with which the command refuses; it is one, and the exit code is 2."""
    assert main(args) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (sentence,) = printed.err.splitlines()
    assert sentence.startswith("hptheory: ")
    return sentence


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"hptheory {hptheory.__version__}\n"


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["analyze", "x.csv"], "unknown command 'analyze'; did you mean analyse?"),
        (["figure", "x"], f"unknown figure 'x'; known: {', '.join(sorted([*FIGURES, *EXPERIMENTS]))}"),
        (["sweep", "digts"], "unknown setting 'digts'; did you mean digits?"),
        (["sweep", "digits", "--preset", "smok"], "unknown preset of digits 'smok'; did you mean smoke?"),
        (["demo", "--preset", "smok"], "unknown preset of digits 'smok'; did you mean smoke?"),
        (
            ["sweep", "digits", "--lrs", "-1"],
            "lr = -1.0 is outside its domain: it must be positive and finite",
        ),
        (["analyse", "no.csv"], "no.csv: there is no such file; check the path"),
    ],
)
def test_bad_input_is_one_sentence(
    capsys: pytest.CaptureFixture[str], args: list[str], sentence: str
) -> None:
    assert refused(capsys, *args) == f"hptheory: {sentence}"


@pytest.mark.parametrize(
    "args", [[], ["figure"], ["figure", "4", "--inches", "3"], ["sweep", "digits", "--epochs", "many"]]
)
def test_wrong_usage_exits_with_2(capsys: pytest.CaptureFixture[str], args: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(args)
    assert stopped.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "hptheory" in printed.err
    assert "--help" in printed.err


@pytest.mark.parametrize(
    "command", ["figure 4 --out", "sweep digits --out", "demo --out", "analyse {} --html"]
)
def test_a_place_that_cannot_be_written_is_named_before_any_work(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: Path,
    command: str,
) -> None:
    def worked(*args: object, **options: object) -> None:
        raise AssertionError("work was done for a place that cannot be written")

    for work in ("hptheory.figures.figure_04.figure_04", "sims.sweep.train_unit", "hptheory.cli.analyse"):
        monkeypatch.setattr(work, worked)
    (tmp_path / "file").touch()
    place = tmp_path / "file" / "below"
    sentence = refused(capsys, *command.format(table).split(), str(place))
    assert sentence.startswith(f"hptheory: cannot write {tmp_path / 'file'}")
    assert "Not a directory" in sentence or "File exists" in sentence


@pytest.mark.parametrize("command", ["demo", "sweep digits"])
def test_a_missing_extra_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)  # as if it were not installed
    monkeypatch.chdir(tmp_path)
    sentence = refused(capsys, *command.split())
    assert "needs torch, which is not installed; run: pip install 'hptheory[sims]'" in sentence
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_file_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(path: Path, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(SweepTable, "from_csv", denied)
    assert "Permission denied: 'mine.csv'" in refused(capsys, "analyse", "mine.csv")


def test_figures_are_written_with_their_numbers(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = partial(figure_04, Figure4Setting(psi2=(1.0, 4.0), d=10, trials=2))
    monkeypatch.setattr("hptheory.figures.figure_04.figure_04", small)
    for number, name in (("3", "figure_03"), ("4", "figure_04")):
        assert main(["figure", number, "--out", str(tmp_path / "new")]) == 0
        paths = [tmp_path / "new" / f"{name}.{suffix}" for suffix in ("png", "csv")]
        assert capsys.readouterr().out.splitlines() == list(map(str, paths))
        assert all(path.stat().st_size > 1000 for path in paths)


def test_analyse_prints_the_report(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    assert main(["analyse", str(table)]) == 0
    assert capsys.readouterr().out == f"{analyse(SweepTable.from_csv(table))}\n"


def test_json_is_the_contract(capsys: pytest.CaptureFixture[str], table: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "report.html"
    assert main(["analyse", str(table), "--json", "--html", str(page)]) == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found.keys() >= PROMISED
    assert found["verdict"] == "fast"
    assert all(row.keys() >= OPTIMUM for row in found["optimum"])
    assert found.pop("next_runs") == []
    assert found == json.loads(json.dumps(analyse(SweepTable.from_csv(table)).to_dict()))
    assert printed.err == f"report: {page}\n"
    text = Reading(page.read_text(encoding="utf-8"))
    assert text.external == []
    assert "Transfer is fast" in text.text
    assert str(table) in text.text


def test_columns_can_be_named(capsys: pytest.CaptureFixture[str], table: Path, tmp_path: Path) -> None:
    renamed = tmp_path / "renamed.csv"
    renamed.write_text(table.read_text().replace("width,lr,seed,loss", "depth,wd,seed,error"))
    assert "column 'width' is missing" in refused(capsys, "analyse", str(renamed))
    names = ["--scale", "depth", "--hp", "wd", "--loss", "error"]
    for flags, same in (([], True), (["--linear"], False)):
        assert main(["analyse", str(renamed), "--json", *names, *flags]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["hp"], found["scale"]) == ("wd", "depth")
        curvature = analyse(SweepTable.from_csv(table)).to_dict()["optimum"][0]["curvature"]
        assert (found["optimum"][0]["curvature"] == curvature) == same


def test_seed_and_cost_can_be_named(capsys: pytest.CaptureFixture[str], table: Path, tmp_path: Path) -> None:
    """The way out that the sentence names leads to what the table says under the usual names."""
    header, *rows = table.read_text().splitlines()
    cost = [f"{row},{float(row.split(',')[0]) ** 2}" for row in rows]
    usual, own = tmp_path / "usual.csv", tmp_path / "own.csv"
    usual.write_text("\n".join([f"{header},cost", *cost]))
    own.write_text("\n".join([f"{header.replace('seed', 'run')},flops", *cost]))
    assert "name it as the seed (--seed run; seed='run')" in refused(capsys, "analyse", str(own))
    for command in (["analyse", "{}"], ["plan", "{}", "--budget", "1e9"]):
        assert main([part.format(usual) for part in command] + ["--json"]) == 0
        expected = capsys.readouterr().out
        named = ["--json", "--seed", "run", "--cost", "flops"]
        assert main([part.format(own) for part in command] + named) == 0
        assert capsys.readouterr().out == expected


def test_two_hps_are_named_and_followed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    axis = [0.25, 0.5, 1, 2, 4]
    rows = [
        f"{n},{lr},{wd},{1 / n + (math.log(lr) - 20 / n) ** 2 + math.log(wd) ** 2}"
        for n in (64, 128, 256, 512)
        for lr in axis
        for wd in axis
    ]
    path.write_text("\n".join(["width,lr,wd,loss", *rows]))
    assert "'wd' differs: if it is a hyperparameter, name it too (--hp lr wd" in refused(
        capsys, "analyse", str(path)
    )
    assert main(["analyse", str(path), "--json", "--hp", "lr", "wd"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["hp"] == ["lr", "wd"]
    for row in found["optimum"]:
        assert row["hp"] == pytest.approx([math.exp(20 / row["width"]), 1.0], abs=1e-6)


def test_an_open_verdict_comes_with_the_runs_that_could_settle_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path, found = tmp_path / "open.csv", synthetic_sweep(1.0, 0.5, amplitude=0.2, noise=0.004)
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["width", "lr", "seed", "loss"])
        writer.writerows(zip(found.scale, found.hp[:, 0], found.seed, found.loss, strict=True))
    page = tmp_path / "report.html"
    assert main(["analyse", str(path), "--html", str(page)]) == 0
    assert "runs that could settle the verdict: at width 64, 27 runs" in capsys.readouterr().out
    assert "What to run next" in Reading(page.read_text(encoding="utf-8")).text
    assert main(["analyse", str(path), "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["next_runs"]
    assert [row["width"] for row in runs] == [64, 4096, 8192, 16384]
    assert all(0 <= row["probability_settled"] <= 1 for row in runs)


def test_plan_prints_what_the_report_plans(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    expected = analyse(SweepTable.from_csv(table)).plan(1e8, 4096.0)
    command = ["plan", str(table), "--budget", "1e8", "--target-width", "4096"]
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    proxies = found.pop("proxy_choices")
    assert [row["transfer"]["proxy_width"] for row in proxies] == [128, 256, 512, 1024, 2048]
    assert proxies[0]["gain"] is None
    assert found == json.loads(json.dumps({**asdict(expected), "better": expected.better}))
    assert main(command) == 0
    direct, transfer, prices, words, buys, *widths = capsys.readouterr().out.splitlines()[1:]
    assert prices == "prices: a run at width n costs 1 n^2."
    assert buys.startswith("what one more proxy width buys")
    assert [line.split()[0] for line in widths] == ["128", "256", "512", "1024", "2048"]
    for line, strategy in ((direct, expected.direct), (transfer, expected.transfer)):
        cells = line.split()
        assert [float(cell) for cell in cells[1:4]] == [
            strategy.proxy_width, strategy.grid_points, strategy.target_width,
        ]  # fmt: skip
        assert float(cells[4]) == pytest.approx(strategy.loss, rel=1e-3)
    assert words.startswith(f"better: {expected.better}. ")


def test_a_plan_is_written_as_a_page(capsys: pytest.CaptureFixture[str], table: Path, tmp_path: Path) -> None:
    page = tmp_path / "new" / "plan.html"
    assert main(["plan", str(table), "--budget", "1e8", "--json", "--html", str(page)]) == 0
    out, err = capsys.readouterr()
    assert str(page) in err
    expected = analyse(SweepTable.from_csv(table)).plan(1e8)
    assert json.loads(out)["transfer"]["proxy_width"] == expected.transfer.proxy_width
    text = Reading(page.read_text(encoding="utf-8")).text
    for words in (f"better: {expected.better}.", "1e+08 runs at width 1", "Other budgets", str(table)):
        assert words in text


def test_the_page_of_a_plan_keeps_the_target_and_the_unit(table: Path, tmp_path: Path) -> None:
    priced, page = tmp_path / "priced.csv", tmp_path / "plan.html"
    header, *rows = table.read_text(encoding="utf-8").splitlines()
    width = header.split(",").index("width")
    cost = [f"{row},{0.5 * float(row.split(',')[width]) ** 2}" for row in rows]
    priced.write_text("\n".join([f"{header},cost", *cost]), encoding="utf-8")
    assert main(["plan", str(priced), "--budget", "1e8", "--target-width", "4096", "--html", str(page)]) == 0
    expected = analyse(SweepTable.from_csv(priced)).plan(1e8, 4096.0)
    text = Reading(page.read_text(encoding="utf-8")).text
    assert "1e+08 in the unit of the cost column" in text
    assert f"{expected.transfer.proxy_width:.4g}" in text
    assert "4096" in text


def test_a_plan_that_cannot_be_made_is_a_sentence(
    capsys: pytest.CaptureFixture[str], table: Path, runs: Path
) -> None:
    assert "budget = 1.0 is outside its domain" in refused(capsys, "plan", str(table), "--budget", "1")
    assert "interior optimum" in refused(capsys, "plan", str(runs), "--budget", "1e15")


def test_a_run_directory_is_analysed(capsys: pytest.CaptureFixture[str], runs: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    capsys.readouterr()
    assert main(["analyse", str(runs), "--json", "--html", str(page)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["diverged"], found["verdict"]) == (3, 0, "undetermined")
    text = Reading(page.read_text(encoding="utf-8")).text
    for words in ("digits, preset smoke", "3 of 3 done, 0 diverged", "learning rates", "seeds 0", "torch 2."):
        assert words in text


def test_the_columns_of_a_run_directory_can_be_named(capsys: pytest.CaptureFixture[str], runs: Path) -> None:
    """What is asked of a directory is what its results.csv says under the same names."""
    assert "column 'wd' is missing" in refused(capsys, "analyse", str(runs), "--hp", "wd")
    assert "column 'depth' is missing" in refused(
        capsys, "plan", str(runs), "--budget", "1", "--scale", "depth"
    )
    for names in (["--loss", "ema_loss"], ["--linear"], ["--loss", "train_loss", "--cost", "step"]):
        answers = []
        for place in (runs, runs / "results.csv"):
            assert main(["analyse", str(place), "--json", *names]) == 0
            answers.append(json.loads(capsys.readouterr().out))
        assert answers[0] == answers[1]
    without = read_table(runs)
    assert read_table(runs, Columns(loss="ema_loss")).loss.tolist() != without.loss.tolist()


def test_a_loss_that_was_not_measured_is_refused(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sims.table.columns", lambda dataset: {"loss": [1.0], "ema_loss": [math.nan]})
    with pytest.raises(RunDirectoryError, match="did not measure 'ema_loss'"):
        read_table(runs, Columns(loss="ema_loss"))


def test_unfinished_runs_are_not_divergent(
    capsys: pytest.CaptureFixture[str], runs: Path, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    (part / "runs").mkdir(parents=True)
    (part / "setting.json").write_bytes((runs / "setting.json").read_bytes())
    assert "no run of" in refused(capsys, "analyse", str(part))
    record = sorted((runs / "runs").iterdir())[0]
    (part / "runs" / record.name).write_bytes(record.read_bytes())
    assert main(["analyse", str(part), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["diverged"]) == (1, 0)
    assert main(["status", str(part)]) == 0
    assert "1 of 3 runs done, 2 left" in capsys.readouterr().out


def test_a_directory_without_a_sweep_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for command in ("analyse", "status"):
        assert "holds no sweep" in refused(capsys, command, str(tmp_path))


def test_ctrl_c_leaves_what_was_finished(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    # A shell may start us with SIGINT ignored; the command must hear it all the same.
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from hptheory.cli import main; sys.exit(main())"
    )
    endless = ["sweep", "digits", *SMALL[:2], "--widths", "32", "--epochs", "30", "--pack-members", "1"]
    command = [sys.executable, "-c", code, *endless, "--seeds", *map(str, range(100)), "--out", str(tmp_path)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    stderr = process.communicate(timeout=120)[1]
    assert process.returncode == 130
    assert "Traceback" not in stderr
    assert stderr.splitlines()[-1] == (
        f"stopped; what is done is in {tmp_path}, and the same command goes on from there"
    )
    assert main(["status", str(tmp_path)]) == 0
    assert " of 300 runs done, " in capsys.readouterr().out
    assert main(["analyse", str(tmp_path)]) == 0


def test_ctrl_c_anywhere_else_is_one_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, table: Path
) -> None:
    def interrupted(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("hptheory.cli.analyse", interrupted)
    assert main(["analyse", str(table)]) == 130
    assert capsys.readouterr().err == "hptheory: stopped\n"


def test_a_reader_that_leaves_causes_no_traceback(table: Path) -> None:
    command = [sys.executable, "-m", "hptheory", "analyse", str(table), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1


def test_a_pipe_that_breaks_elsewhere_is_told(monkeypatch, capsys) -> None:
    def broken(args: list[str]) -> int:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("hptheory.cli._run", broken)
    assert main(["--version"]) == 2
    assert capsys.readouterr().err == "hptheory: [Errno 32] Broken pipe\n"
