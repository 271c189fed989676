"""Where tests look for files that are not ours: apps in TALLYSTICK_ELFS, shared libraries where commands look for them.

A folder `speculos` beside the apps stands in for an environment that names none: TALLYSTICK_SPECULOS goes before it, and it goes
before a Speculos that is installed.
"""

import os
from pathlib import Path

_ELFS = os.environ.get("TALLYSTICK_ELFS", "")
if _ELFS and (Path(_ELFS) / "speculos").is_dir():
    os.environ.setdefault("TALLYSTICK_SPECULOS", str(Path(_ELFS) / "speculos"))
