"""Sphinx: the site from these pages; command line, settings and Python interface are read from the code at build time."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent / "_extensions")]

from CardioScarLib import __version__  # noqa: E402

project, author, release = "CardioScar", "CardioScar contributors", __version__
copyright = "CardioScar contributors, MIT license"  # noqa: A001
extensions = [
    "myst_parser",
    "sphinx_click",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "library_pages",
    "plain_docstrings",
    "settings_tables",
]
exclude_patterns = ["_*"]
# Generated pages begin their tables at the third level. Classes of two rooms may have one name, as far as type hints are links.
suppress_warnings = ["myst.header", "ref.python"]

myst_enable_extensions = ["deflist"]
myst_heading_anchors = 4

autodoc_default_options = {"ignore-module-all": True}  # what a package hands on is described where it is written
autosummary_generate = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# The site is built without PyTorch and without 3D Slicer.
autodoc_mock_imports = ["torch", "safetensors", "matplotlib", "surface_distance", "slicer"]
default_role = "literal"  # single backticks in docstrings

# No fonts, scripts or pictures of other hosts: the site can be read without a network, and tells nobody who reads it.
html_theme = "furo"
html_title = f"CardioScar {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True, "announcement": "For research use only. Not for diagnosis or treatment."}
