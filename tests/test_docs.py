"""The documentation can be built offline and is whole: what is quick to see without building it."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.glob("*.md"))
SCRIPT_SETTINGS = ("mathjax_path", "html_js_files", "html_css_files", "html_favicon", "html_logo")
REMOTE = re.compile(r"^\s*(https?:)?//")


def strings(value: Any) -> Iterator[str]:
    """Every string inside nested lists, tuples and dictionaries."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from strings(list(value.items()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def remote_sources(settings: dict[str, Any]) -> list[str]:
    """Addresses that a page or the build would load from the network."""
    loaded = [text for name in SCRIPT_SETTINGS for text in strings(settings.get(name, []))]
    found = [text for text in loaded if REMOTE.match(text)]
    found += [f"intersphinx: {name}" for name in settings.get("intersphinx_mapping", {})]
    if "sphinx.ext.mathjax" in settings["extensions"] and "mathjax_path" not in settings:
        bundled = "sphinx-mathjax-offline" in settings["extensions"]
        found += [] if bundled else ["MathJax from Sphinx's default address"]
    return found


def toctree_entries(page: str) -> list[str]:
    """Documents that the toctrees of a MyST page name."""
    blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", page, re.S | re.M)
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line and not line.startswith(":")]


def test_no_setting_loads_from_the_network() -> None:
    assert remote_sources(runpy.run_path(str(DOCS / "conf.py"))) == []


@pytest.mark.parametrize(
    "settings",
    [
        {"extensions": ["sphinx.ext.mathjax"]},
        {"extensions": [], "html_js_files": [("https://cdn.example/x.js", {"async": "async"})]},
        {"extensions": [], "mathjax_path": "//cdn.example/mathjax.js"},
        {"extensions": [], "intersphinx_mapping": {"python": ("https://docs.python.org/3", None)}},
    ],
)
def test_the_check_of_remote_sources_objects(settings: dict[str, Any]) -> None:
    assert len(remote_sources(settings)) == 1


def test_mathjax_and_its_fonts_are_installed() -> None:
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    assert spec is not None
    assert spec.origin is not None
    mathjax = Path(spec.origin).parent / "static" / "mathjax"
    assert (mathjax / "tex-chtml.js").is_file()
    assert list(mathjax.rglob("MathJax_Math-Italic.woff"))


def test_no_page_embeds_a_remote_script_or_image() -> None:
    embedded = re.compile(
        r"<(script|iframe|link)\b[^>]*https?:|!\[[^]]*\]\(https?:|\{(image|figure)\} https?:"
    )
    assert [path.name for path in PAGES if embedded.search(path.read_text(encoding="utf-8"))] == []


def test_every_page_is_in_one_toctree_and_every_entry_is_a_page() -> None:
    entries = [entry for path in PAGES for entry in toctree_entries(path.read_text(encoding="utf-8"))]
    written = [entry for entry in entries if not entry.startswith("reference/")]  # the others conf.py makes
    assert sorted([*written, "index"]) == [path.stem for path in PAGES]


def paper_map_names() -> list[str]:
    """Dotted names that the paper map links to."""
    text = (DOCS / "paper-map.md").read_text(encoding="utf-8")
    return re.findall(r"\{(?:class|func|meth|mod|attr|data)\}`~?([\w.]+)`", text)


def paper_map_tests() -> list[str]:
    """Test ids, path::name, that the paper map names."""
    text = (DOCS / "paper-map.md").read_text(encoding="utf-8")
    return re.findall(r"`(tests/[\w/]+\.py::\w+)`", text)


def resolve(name: str) -> Any:
    """The object of a dotted name: the longest importable prefix, then attributes."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        module_name = ".".join(parts[:size])
        try:
            value = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if not module_name.startswith(str(error.name)):
                raise
            continue
        for part in parts[size:]:
            value = getattr(value, part)
        return value
    raise AttributeError(name)


def test_the_paper_map_names_what_exists() -> None:
    assert paper_map_names()
    for name in paper_map_names():
        assert resolve(name) is not None, name


@pytest.mark.parametrize("name", ["hptheory.errors.NoSuchError", "no_such_package.thing"])
def test_resolving_an_unknown_name_fails(name: str) -> None:
    with pytest.raises(AttributeError):
        resolve(name)


def test_the_paper_map_names_tests_that_exist() -> None:
    for test_id in paper_map_tests():
        path, name = test_id.split("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test_id


def test_the_notation_table_names_files_that_exist() -> None:
    tables = re.findall(
        r"file in `([\w/]+)` \|\n(.*?)(?:\n\n|\Z)", (DOCS / "notation.md").read_text("utf-8"), re.S
    )
    files = [
        ROOT / folder / name for folder, rows in tables for name in re.findall(r"`(\w+\.py)` \|$", rows, re.M)
    ]
    assert len(files) == sum(rows.strip().count("\n") for _, rows in tables)  # every row but the ruler
    assert [path for path in files if not path.is_file()] == []
