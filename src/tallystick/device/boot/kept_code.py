"""Code that `dataclasses` would compile at every start, kept beside the compiled modules of this installation.

A data class gets its methods from text that the standard library writes and compiles when the class is defined; in a start
that takes a quarter of the time. An image has that code inside (`archive`); a program that runs from an installation keeps it
in a file of the package's ``__pycache__``, one for each program, and takes it from there the next time. Whoever can write
that file can write the modules beside it, so it is trusted as they are, and no more. Code is found by a digest of its text:
a class that was changed is compiled as ever.

Nothing depends on the file. It is not written where the interpreter may not write bytecode, and one that cannot be read is
as good as none.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import marshal
import os
import sys
from _blake2 import blake2b  # `hashlib` loads more than a start can spare
from pathlib import Path
from types import CodeType
from typing import Any

__all__ = ["KeptCode"]

_DIGEST_BYTES = 16
#: a file that is longer is none of ours
_MAX_BYTES = 8 << 20
_PACKAGE = Path(__file__).parents[2] / "__init__.py"


class KeptCode:
    """The code of one program, such as ``emulate``: to be used from its first imports on, and kept when all are done."""

    def __init__(self, program: str, *, package: Path = _PACKAGE) -> None:
        compiled = importlib.util.cache_from_source(package)
        self._path = Path(compiled).with_name(f"{program}.{sys.implementation.cache_tag}.methods")
        self._kept = self._read()
        self._used: dict[bytes, CodeType] = {}
        self._is_new = False

    def use(self) -> None:
        """Have `dataclasses` take code from here from now on; what is not here it compiles, as ever."""
        vars(dataclasses)["exec"] = self._run

    def keep(self) -> None:
        """Write what was used, if any of it is new, and let go of it; `dataclasses` is as it was."""
        vars(dataclasses).pop("exec", None)
        if self._is_new and not sys.dont_write_bytecode:
            self._write(marshal.dumps((importlib.util.MAGIC_NUMBER, self._used)))
        self._kept, self._used, self._is_new = {}, {}, False

    def _run(self, text: str, names: dict[str, Any], into: dict[str, Any]) -> None:
        digest = blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
        code = self._kept.get(digest)
        if code is None:
            code = compile(text, "<string>", "exec", dont_inherit=True)
            self._is_new = True
        self._used[digest] = code
        exec(code, names, into)  # noqa: S102 -- what `dataclasses` does itself

    def _read(self) -> dict[bytes, CodeType]:
        try:
            with self._path.open("rb") as file:
                magic, kept = marshal.loads(file.read(_MAX_BYTES))  # noqa: S302 -- as the compiled modules beside it
        except (OSError, EOFError, ValueError, TypeError):
            return {}
        return kept if magic == importlib.util.MAGIC_NUMBER and isinstance(kept, dict) else {}

    def _write(self, data: bytes) -> None:
        """Put the file there at once, as a whole; where that cannot be, there is none."""
        making = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            making.parent.mkdir(exist_ok=True)
            making.write_bytes(data)
            making.replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                making.unlink()
