"""How the documentation becomes pages: `make docs`, which is `sphinx-build -W -b html docs dist/docs`."""

# ruff: noqa: INP001 -- Sphinx reads this file by its path

from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

project = "tallystick"
author = "The tallystick authors"
copyright = "2026, the tallystick authors"  # noqa: A001 -- the name Sphinx reads
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "tallystick"
exclude_patterns = ["images"]
myst_heading_anchors = 3


def setup(app: Sphinx) -> None:
    """Show what is typed into gdb as text: Pygments does not know it, and whatever else it does not know is still an error."""
    app.add_lexer("gdb", TextLexer)
