"""Settings of the documentation: executed examples, strict cross-references, nothing from the network."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import shutil
from pathlib import Path
from types import ModuleType

from numpy.typing import ArrayLike
from sphinx.util.typing import stringify_annotation

import hptheory
import proofs_check
import sims

project = "hptheory"
author = "The hptheory developers"
copyright = author
release = version = hptheory.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # copies MathJax and its fonts into _static: formulas render without a network
    "sphinxcontrib.bibtex",
    "sphinx_copybutton",
]
default_role = "code"  # `name` in a docstring is code
exclude_patterns = ["_build", "jupyter_execute", ".jupyter_cache"]

# Pages. Every example runs in every build, and one that fails stops it.
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 60
nb_merge_streams = True
nb_render_markdown_format = "myst"  # CommonMark has no tables

# Formulas. The bundled MathJax is version 3; the options under this name are the ones that it reads.
mathjax3_config = {"tex": {"tags": "none"}}

# Citations.
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"
bibtex_reference_style = "author_year"

# Reference. Docstrings are plain text with ``literals``, *emphasis* and doctest blocks.
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
add_module_names = False
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 130

nitpicky = True
nitpick_ignore_regex = [
    # Other projects: their inventories lie on the network, and this build does not use it.
    (r"py:.*", r"(np|numpy|scipy|mpmath|sympy|matplotlib|jax|flint)(\..*)?"),
    (
        r"py:.*",
        r"(torch|xarray|xr|pandas|pd|sklearn|jaxtyping|tqdm|tyro|tokenizers|datasets|ray|safetensors)(\..*)?",
    ),
    # The same for the standard library: Sphinx itself knows only built-in types and `typing`.
    (r"py:.*", r"(collections|dataclasses|enum|fractions|multiprocessing|pathlib|random|types)\..*"),
    # Type variables, which have no page; and pieces of annotations with the shapes of jaxtyping.
    (r"py:.*", r"sims\.(engines\.base|trajectory\.objective)\.(Unit|Result)"),
    (r"py:.*", r"(tuple\[.*|Float|Int|Bool|ndarray)"),
]

nitpick_ignore = [
    ("py:class", "Tensor"),  # a signature with the shapes of jaxtyping stays as it is written
    ("py:class", "Fraction"),  # so do the fields of a NamedTuple
]

# Looks.
html_theme = "furo"
html_title = f"hptheory {release}"
html_static_path = ["_static"]
html_css_files = ["hptheory.css"]
html_copy_source = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True


_MARK = re.compile(r"([|*`]|(?<=\w)_(?!\w))")
_MARKED = re.compile(r"(`+.*?`+|(?<!\w)\*{1,2}[A-Za-z](?:[^*]*[^*\s])?\*{1,2}(?!\w))")


def _plain_text(prose: str) -> str:
    """In prose |x| is a modulus, a*b a product, x_ a name: no reStructuredText marks."""
    parts = _MARKED.split(prose)
    parts[::2] = [_MARK.sub(r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def _read_as_plain_text(app, what, name, obj, options, lines) -> None:  # type: ignore[no-untyped-def]
    """Docstrings are plain text; an underlined heading is a rubric, as a docstring may not have sections."""
    for number, line in enumerate(lines):
        if line.startswith("---") and number:
            lines[number - 1 : number + 1] = [f".. rubric:: {lines[number - 1]}", ""]
        elif not line.startswith((" ", ">>>")):  # indented lines are formulas and code
            lines[number] = _plain_text(line)


_ARRAY_LIKE = stringify_annotation(ArrayLike, "smart")
_ARRAY = re.compile(r"~numpy\.ndarray\[~?tuple\[[^]]*\], ~numpy\.dtype\[([^]]*)\]\]")


def _name_array_types(app, what, name, obj, options, arguments, returns):  # type: ignore[no-untyped-def]
    """Show ArrayLike and NDArray by their names, not by the unions that they stand for."""

    def rename(text: str | None) -> str | None:
        if text is None:
            return None
        text = text.replace(_ARRAY_LIKE, "~numpy.typing.ArrayLike")
        return _ARRAY.sub(r"~numpy.typing.NDArray[\1]", text)

    return rename(arguments), rename(returns)


def _import_types(module: ModuleType) -> None:
    """Run the imports that a module makes for type checkers only, so that its annotations have a meaning."""
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(compile(ast.Module(node.body, []), module.__file__ or "", "exec"), module.__dict__)


def _modules() -> list[ModuleType]:
    """Every public module, packages before what they hold; the commands have pages of their own."""
    packages = (hptheory, proofs_check, sims)
    found = [(p.__name__, *pkgutil.walk_packages(p.__path__, f"{p.__name__}.")) for p in packages]
    names = [name if isinstance(name, str) else name.name for group in found for name in group]
    return [importlib.import_module(n) for n in names if not re.search(r"\._|\.(cli|commands|demo)$", n)]


def _write_reference(modules: list[ModuleType]) -> None:
    """Write reference/<module>.rst: a package lists its modules, a module documents its members."""
    folder = Path(__file__).parent / "reference"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for module in modules:
        name = module.__name__
        inside = [m for m in modules if m.__name__.rpartition(".")[0] == name]
        own = ["   :members:", "   :ignore-module-all:", ""]  # not what a package takes from its modules
        lines = [name, "=" * len(name), "", f".. automodule:: {name}", *own]
        if inside:
            lines += [".. list-table::", ""]
            for m in inside:
                summary = " ".join(inspect.cleandoc(m.__doc__ or "").split("\n\n")[0].split())
                lines += [f"   * - :doc:`{m.__name__}`", f"     - {_plain_text(summary)}"]
            lines += ["", ".. toctree::", "   :hidden:", "", *(f"   {m.__name__}" for m in inside)]
        (folder / f"{name}.rst").write_text("\n".join(lines), encoding="utf-8")


def setup(app) -> None:  # type: ignore[no-untyped-def]
    """Write the pages of the reference and hook into autodoc."""
    modules = _modules()
    for module in modules:
        _import_types(module)
    _write_reference(modules)
    app.connect("autodoc-process-docstring", _read_as_plain_text)
    app.connect("autodoc-process-signature", _name_array_types)
