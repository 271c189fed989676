"""Modules to an image: a ZIP archive with compiled code, equal for equal input.

Members are stored, sorted and dated 1980-01-01. Code is compiled for the Python that builds, with paths relative to the
image, and marked to be taken as it is: the image was checked as a whole, its members need no second check.
"""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from tallystick.manager.factory.closure import Closure
from tallystick.manager.factory.serial import to_bytes

_EPOCH = (1980, 1, 1, 0, 0, 0)
#: hash-based, and not checked against a source that is not there
_UNCHECKED = (1).to_bytes(4, "little")
#: members of third parties that are data and needed
_DATA = {"mnemonic": ("wordlist/english.txt",)}


@lru_cache(maxsize=4096)  # the three images of a release share most of their modules, and so do releases
def compiled(source: bytes, name: str) -> bytes:
    """Return the compiled form of a module's `source`, to be found under the path `name`; raise SyntaxError."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    header = importlib.util.MAGIC_NUMBER + _UNCHECKED + importlib.util.source_hash(source)
    return header + to_bytes(code)


def members(closure: Closure) -> dict[str, bytes]:
    """Return the compiled modules of a closure by their names in the archive, and the data that some need."""
    made: dict[str, bytes] = {}
    for name, (path, is_package) in closure.sources.items():
        stem = name.replace(".", "/") + ("/__init__" if is_package else "")
        made[f"{stem}.pyc"] = compiled(path.read_bytes(), f"{stem}.py")
        made |= _data(name, path.parent)
    return made


def _data(name: str, folder: Path) -> dict[str, bytes]:
    return {f"{name}/{one}": (folder / one).read_bytes() for one in _DATA.get(name, ())}


def archive(contents: Mapping[str, bytes]) -> bytes:
    """Return the archive of `contents` (member name to bytes)."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as file:
        for name, data in sorted(contents.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.external_attr = 0o644 << 16
            member.create_system = 3
            file.writestr(member, data)
    return buffer.getvalue()
