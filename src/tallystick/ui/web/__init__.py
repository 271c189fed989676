"""The panel as a web page and REST API, in a process of its own (see `__main__.py` for how it is started)."""
