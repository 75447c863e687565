"""Settings of the documentation: executed examples, strict cross-references, nothing from the network."""

from __future__ import annotations

import re

from numpy.typing import ArrayLike
from sphinx.util.typing import stringify_annotation

import hptheory

project = "hptheory"
author = "The hptheory developers"
copyright = author
release = version = hptheory.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx-mathjax-offline",  # copies MathJax and its fonts into _static: formulas render without a network
    "sphinxcontrib.bibtex",
    "sphinx_copybutton",
]
default_role = "code"  # `name` in a docstring is code
exclude_patterns = ["_build", "_templates", "jupyter_execute", ".jupyter_cache"]
templates_path = ["_templates"]

# Pages. Every example runs in every build, and one that fails stops it.
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 60
nb_merge_streams = True

# Formulas. The bundled MathJax is version 3; the options under this name are the ones that it reads.
mathjax3_config = {"tex": {"tags": "none"}}

# Citations.
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"
bibtex_reference_style = "author_year"

# Reference. Docstrings are plain text with ``literals``, *emphasis* and doctest blocks.
autosummary_generate = True
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
    (r"py:.*", r"(torch|xarray|xr|pandas|pd|sklearn|jaxtyping|tqdm|tyro)(\..*)?"),
    # The same for the standard library: Sphinx itself knows only built-in types and `typing`.
    (r"py:.*", r"(collections|dataclasses|enum|fractions|pathlib|types)\..*"),
]

nitpick_ignore = [
    # A signature that names a type which is imported for type checkers only stays as it is written.
    *(("py:class", name) for name in ("Figure", "Path", "Positional", "Tensor")),
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


def _read_as_plain_text(app, what, name, obj, options, lines) -> None:  # type: ignore[no-untyped-def]
    """In the prose of a docstring |x| is a modulus, a*b a product, x_ a name: no reStructuredText marks.

    An underlined heading (Parameters, Notes) is a rubric: a docstring may not have sections.
    """
    for number, line in enumerate(lines):
        if line.startswith("---") and number:
            lines[number - 1 : number + 1] = [f".. rubric:: {lines[number - 1]}", ""]
        elif not line.startswith((" ", ">>>")):  # indented lines are formulas and code
            parts = _MARKED.split(line)
            parts[::2] = [_MARK.sub(r"\\\1", prose) for prose in parts[::2]]
            lines[number] = "".join(parts)


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


def setup(app) -> None:  # type: ignore[no-untyped-def]
    """Hook into autodoc."""
    app.connect("autodoc-process-docstring", _read_as_plain_text)
    app.connect("autodoc-process-signature", _name_array_types)
