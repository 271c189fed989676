"""The front panel: a device's screen and buttons as a web page, a REST API, automation rules and a terminal.

The panel stands for the world outside the case. It is told frames and sends gestures; it has no other way in.
Importing this package costs nothing: starlette, uvicorn, Pillow, segno and textual are imported by the modules that
draw or serve, and a missing one is a `UsageError` that names the extra to install (see `extra.py`).
"""
