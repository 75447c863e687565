"""``hptheory rules``: a row a layer, JSON that other programs read, one sentence on bad input."""

from __future__ import annotations

import json

import pytest

from hptheory.cli import main
from hptheory.parameterization import model_rules, rules_text


def test_it_prints_every_layer(capsys):
    assert main(["rules", "--optimizer", "soap", "--model", "llama", "--width", "1024", "--depth", "16"]) == 0
    table, forward = capsys.readouterr().out.split("\n\nin the forward pass, besides:\n")
    assert table == rules_text(model_rules("soap", "llama", 1024, depth=16))
    scores, branches = forward.splitlines()
    assert scores.endswith("sqrt(16) / 128 = 0.03125")
    assert branches.endswith("times 4 / 16 = 0.25")


def test_an_mlp_has_no_factors_in_its_forward_pass(capsys):
    assert main(["rules", "--model", "mlp", "--width", "1024"]) == 0
    assert capsys.readouterr().out == rules_text(model_rules("adam", "mlp", 1024)) + "\n"


def test_json_holds_the_same_numbers_with_options(capsys):
    options = ["--exponents", "0.5", "0.5", "--block", "64", "--depth", "8", "--width", "512"]
    assert main(["rules", "--optimizer", "shampoo", "--model", "gpt2", "--json", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    shape = {"depth": 8, "exponents": (0.5, 0.5), "block": 64}
    expected = model_rules("shampoo", "gpt2", 512, relative_damping=True, **shape)
    assert found == [rule.to_dict() for rule in expected]


@pytest.mark.parametrize("options", [["--block", "128"], ["--depth", "16"]])
def test_shampoos_damping_is_relative_by_default_as_in_the_trainer(capsys, options):
    command = ["rules", "--optimizer", "shampoo", "--model", "llama", "--width", "1024", *options]

    def epsilon(*more: str) -> float:
        assert main([*command, *more, "--json"]) == 0
        rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
        return rows["blocks.*.attention.query.weight"]["epsilon"]

    assert epsilon() == epsilon("--damping", "relative") == 1
    assert epsilon("--damping", "absolute") == (1 / 64 if "--block" in options else 1 / 16)
    assert main(command) == 0
    assert "epsilon is relative to the largest eigenvalue" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--optimizer", "muoon"], "did you mean muon"),
        (["--model", "lama"], "did you mean llama"),
        (["--optimizer", "soap", "--block", "0"], "block = 0"),
        (["--optimizer", "muon", "--parameterization", "ntk"], "sgd or adam"),
        (["--damping", "absolute"], "damping = absolute"),
        (["--width", "0"], "width = 0"),
        (
            ["--width", "1001", "--model", "llama"],
            "width = 1001 is outside its domain: it must be a multiple of",
        ),
        (["--width", "1032", "--model", "llama"], "16 times an integer: rotary heads are even"),
        (["--base-width", "100", "--model", "gpt2"], "width = 100"),
    ],
)
def test_bad_input_is_one_sentence(capsys, options, words):
    assert main(["rules", *options]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (sentence,) = printed.err.splitlines()
    assert words in sentence
