import pytest

from hptheory.figures.style import save_figure
from hptheory.figures.theorem_2 import search_model, theorem_2
from hptheory.transfer import zoo
from hptheory.transfer.grid_search import transfer_optimum
from hptheory.transfer.simulate import Simulation, simulate_direct


def test_numbers_are_those_of_simulation_and_model(tmp_path):
    seen, how = [], Simulation(placements=4, width_factor=1.5)
    figure, numbers = theorem_2(budgets=(1e2, 1e3, 1e4), how=how, on_family=seen.append)
    assert seen == ["fast", "tied", "slow"]
    rows = list(zip(*numbers.values(), strict=True))
    exponents = {row[:2]: row[4] for row in rows if row[2] == "exponent"}
    assert exponents["slow", "transfer"] == pytest.approx(-2 / 9)
    assert exponents["fast", "direct"] == pytest.approx(-2 / 5)
    simulated = {(row[0], row[1], row[3]): row[4] for row in rows if row[2] == "simulated"}
    assert len(simulated) == 18
    assert simulated["tied", "direct", 1e3] == simulate_direct(zoo.tied(), 1e3, how).loss
    model = {(row[0], row[1], row[3]): row[4] for row in rows if row[2] == "model"}
    (last,) = [value for key, value in model.items() if key[:2] == ("slow", "transfer") and key[2] > 9.9e3]
    assert last == pytest.approx(transfer_optimum(search_model(zoo.slow()), 1e4).loss, rel=1e-9)
    assert [axes.get_title(loc="left")[:4] for axes in figure.axes] == ["fast", "tied", "slow"]
    picture, _ = save_figure(figure, numbers, tmp_path, "theorem_2")
    assert picture.stat().st_size > 10_000
