"""How the documentation becomes pages: `make docs`, which is `sphinx-build -W -b html docs dist/docs`."""

# ruff: noqa: INP001 -- Sphinx reads this file by its path

project = "tallystick"
author = "The tallystick authors"
copyright = "2026, the tallystick authors"  # noqa: A001 -- the name Sphinx reads
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "tallystick"
exclude_patterns = ["images"]
myst_heading_anchors = 3
