"""Which engine trains a width, and in packs of how many: by measurement, kept with the sweep."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sims import capacity, placement
from sims.placement import FILE, Choice, Site, choose, fastest, keep_compile, read_speeds
from sims.settings import ObserveConfig, get_setting
from sims.store import runs_of
from sims.train import Member, Pack
from tests.sims.engines.work import Pretender

SETTING = replace(get_setting("multi_index", "smoke"), widths=(8,), seeds=(0, 1, 2, 3))
LONG = replace(SETTING.training, steps=10**6)
RUNS = runs_of(SETTING)  # three rates, four seeds
ONE, TWO = Pretender([0.0], "1 process of 2 threads"), Pretender([0.0, 0.0], "2 processes of 1 thread")
SPEEDS = {
    ONE.label: {2: 300.0, 3: 500.0, 6: 700.0, 9: 900.0, 12: 600.0},
    TWO.label: {2: 400.0, 3: 1000.0, 9: 800.0, 12: 9900.0},
}
SITE = Site(LONG, "cpu", None, [ONE, TWO])


@pytest.fixture
def measured(monkeypatch):
    """Made-up speeds; which sizes were measured on which engine for long enough to count."""
    asked = []

    def speed(site, engine, width, runs, seconds):
        if seconds:
            asked.append((engine.label, len(runs)))
        return SPEEDS[engine.label][len(runs)]

    monkeypatch.setattr(Site, "speed", speed)
    return asked


def test_the_fastest_is_chosen_and_kept(tmp_path, measured):
    """Larger packs are tried until they are slower: 12 on two processes, which would win, is never seen."""
    assert choose(SITE, {8: RUNS}, tmp_path) == {8: Choice(TWO, 3)}
    assert measured == [(ONE.label, size) for size in (2, 3, 9, 12)] + [
        (TWO.label, size) for size in (2, 3, 9)
    ]
    found = json.loads((tmp_path / FILE).read_text())["speeds"]["8"]
    assert found[ONE.label] == {"2": 300.0, "3": 500.0, "9": 900.0, "12": 600.0}
    assert read_speeds(tmp_path)[8][TWO.label] == {2: 400.0, 3: 1000.0, 9: 800.0}


def test_a_sweep_that_goes_on_makes_the_same_choices_and_measures_nothing_again(tmp_path, measured):
    before = choose(SITE, {8: RUNS}, tmp_path)
    measured.clear()
    assert choose(SITE, {8: RUNS}, tmp_path) == before
    assert choose(SITE, {8: RUNS[:2]}, tmp_path) == {8: Choice(TWO, 2)}
    assert choose(replace(SITE, engines=[ONE]), {8: RUNS}, tmp_path) == {8: Choice(ONE, 9)}
    assert measured == []
    (tmp_path / FILE).write_text("[")
    assert choose(SITE, {8: RUNS}, tmp_path) == before
    assert measured


@pytest.mark.parametrize(
    "content",
    ["[", "[]", '{"8": 9}', '{"speeds": {"8": 9}}', '{"speeds": {"8": {"x": {"one": 1}}}}', '{"speeds": []}'],
)
def test_a_file_that_cannot_be_read_holds_nothing(tmp_path, content):
    (tmp_path / FILE).write_text(content)
    assert read_speeds(tmp_path) == {}


def test_short_sweeps_are_not_measured(tmp_path, measured):
    """Twelve runs of 64 steps at 500 member-steps a second take 1.5 s."""
    short = replace(SITE, training=SETTING.training)
    assert placement.total_seconds(short, {8: RUNS}) == pytest.approx(12 * 64 / 500)
    assert choose(short, {8: RUNS}, tmp_path) == {8: Choice(ONE, len(RUNS))}
    assert measured == []
    assert not (tmp_path / FILE).exists()


def test_the_first_engine_wins_unless_another_is_clearly_faster():
    assert fastest([ONE, TWO], {ONE.label: {3: 100.0}, TWO.label: {9: 104.0}}) == (ONE, 3)
    assert fastest([ONE, TWO], {ONE.label: {3: 100.0}, TWO.label: {9: 106.0}}) == (TWO, 9)
    assert fastest([TWO, ONE], {ONE.label: {3: 100.0}, TWO.label: {9: 106.0}}) == (TWO, 9)
    assert fastest([ONE], {TWO.label: {9: 106.0}}) is None
    assert fastest([ONE], {ONE.label: {9: 0.0}}) is None


def test_choices_fit_into_the_memory(tmp_path, measured, monkeypatch):
    task = SITE.task()
    monkeypatch.setattr(capacity, "memory", lambda device: 13 * capacity.member_bytes(LONG, 8, task))
    assert choose(SITE, {8: RUNS}, tmp_path)[8].pack == 3  # half of it for two processes: 3 each
    assert max(size for label, size in measured if label == ONE.label) <= 6


def sizes_tried(monkeypatch, site: Site, speed: float, place) -> list[int]:
    """The sizes that are measured of a width at which every pack has this speed."""
    asked = []

    def always(site, engine, width, runs, seconds):
        if seconds:
            asked.append(len(runs))
        return speed

    monkeypatch.setattr(Site, "speed", always)
    choose(replace(site, engines=[ONE]), {8: RUNS}, place)
    return asked


def test_packs_whose_step_takes_too_long_are_not_tried(tmp_path, monkeypatch):
    """0.4 member-steps a second: a step of three takes about eight seconds, of a sweep of ten minutes."""
    short = replace(SITE, training=replace(LONG, steps=20))
    assert sizes_tried(monkeypatch, short, 0.4, tmp_path) == [2]


def test_slow_steps_do_not_end_the_search_in_a_sweep_of_hours(tmp_path, monkeypatch):
    """Two member-steps a second: 1.7 hours for 12 x 1,024 of them, a step of nine in 4.5 seconds."""
    hours, days = (replace(SITE, training=replace(LONG, steps=steps)) for steps in (1024, 10_000))
    places = [tmp_path / name for name in ("hours", "days")]
    for place in places:
        place.mkdir()
    assert sizes_tried(monkeypatch, hours, 2.0, places[0]) == [2, 3]
    assert sizes_tried(monkeypatch, days, 2.0, places[1]) == [2, 3, 9, 12]


@pytest.mark.parametrize(
    ("width", "observe", "smallest"), [(8, None, 2), (256, None, 1), (256, ObserveConfig(), 2)]
)
def test_a_lone_run_is_tried_only_where_it_has_no_twin(width, observe, smallest):
    """Networks of large matrices pass members one by one; what observers compute doesn't."""
    site = replace(SITE, training=replace(LONG, observe=observe))
    members = [Member(0.1, 0)]
    pack = Pack(site.training, width, members, site.task())
    assert len(pack.running) == smallest
    assert site.sizes(width, 12) == [smallest, 3, 9, 12]
    assert site.sizes(width, 1) == [1]


def test_missing_data_are_the_affair_of_the_units(tmp_path):
    missing = replace(get_setting("cifar_mlp", "smoke").training)
    site = Site(missing, "cpu", tmp_path / "nowhere", [ONE, TWO])
    assert choose(site, {8: RUNS}, tmp_path) == {8: Choice(ONE, len(RUNS))}


def test_compilation_is_kept_beside_the_speeds(tmp_path, measured):
    assert keep_compile(None, tmp_path) == (False, False)
    assert not list(tmp_path.iterdir())
    choose(SITE, {8: RUNS}, tmp_path)
    speeds = read_speeds(tmp_path)
    assert keep_compile(True, tmp_path) == (False, True)
    assert keep_compile(None, tmp_path) == (True, True)
    assert read_speeds(tmp_path) == speeds
    assert keep_compile(False, tmp_path) == (True, False)
    assert keep_compile(None, tmp_path) == (False, False)
