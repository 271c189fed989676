"""Which modules an image needs: everything its entry imports, at any depth, found in the sources without importing one.

The house's own modules come from the source tree that is built; the standard library and the few third parties of the
import table come from the interpreter that builds. What is native cannot lie in an archive: it goes on the list.
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from pathlib import Path

from tallystick.errors import UsageError

HOUSE = "tallystick"
#: third parties that images may hold (design 3)
THIRD_PARTIES = frozenset(
    ("construct", "cryptography", "coincurve", "mnemonic", "_cffi_backend", "h2", "hpack", "hyperframe")
)
#: tools of the standard library that running devices never need, though modules mention them
_TOOLS = frozenset(
    [
        "__main__",
        "_pydatetime",
        "_pydecimal",
        "_pyio",
        "antigravity",
        "argparse",
        "bdb",
        "bz2",
        "calendar",
        "cgi",
        "cmd",
        "code",
        "codeop",
        "cProfile",
        "csv",
        "curses",
        "distutils",
        "doctest",
        "email",
        "ensurepip",
        "ftplib",
        "getopt",
        "getpass",
        "gettext",
        "gzip",
        "html",
        "http",
        "idlelib",
        "imaplib",
        "lib2to3",
        "lzma",
        "mailcap",
        "mimetypes",
        "multiprocessing",
        "nturl2path",
        "optparse",
        "pdb",
        "pickletools",
        "platform",
        "plistlib",
        "profile",
        "pstats",
        "pydoc",
        "pydoc_data",
        "quopri",
        "readline",
        "rlcompleter",
        "site",
        "smtplib",
        "socketserver",
        "sqlite3",
        "ssl",
        "statistics",
        "tarfile",
        "telnetlib",
        "test",
        "this",
        "timeit",
        "tkinter",
        "trace",
        "tracemalloc",
        "turtle",
        "unittest",
        "uu",
        "venv",
        "webbrowser",
        "xml",
        "xmlrpc",
    ]
)
#: what native code imports, which no source tells: a package stands for everything below it
_HIDDEN = {
    "cryptography.hazmat.bindings._rust": ("_cffi_backend", "cryptography.hazmat.primitives", "cryptography.utils"),
    "coincurve._libsecp256k1": ("coincurve._cffi_backend", "_cffi_backend"),
}


@dataclass(slots=True)
class Closure:
    """The modules of one image: name -> source file, whether it is a package; native ones apart; names left out."""

    sources: dict[str, tuple[Path, bool]] = field(default_factory=dict)
    native: dict[str, Path] = field(default_factory=dict)


def closure(entries: Sequence[str], *, source: Path) -> Closure:
    """Return everything that `entries` (module names) import; `source` is the folder that holds the house's package.

    Raises UsageError when an entry, or a third party that is imported, is not there.
    """
    found = Closure()
    finder = _Finder(source)
    waiting = list(entries)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        spec = finder.find(name)
        if spec is None or spec.origin is None:
            if name in entries and name not in sys.builtin_module_names:  # some interpreters have it built in
                raise UsageError(f"there is no module {name} to build an image from")
            if name in THIRD_PARTIES:
                raise UsageError(f"{name} is not installed where images take it from: {sysconfig.get_path('platlib')}")
            continue
        parent = name.rpartition(".")[0]
        if parent:
            waiting.append(parent)
        origin = Path(spec.origin)
        if origin.name.endswith(tuple(EXTENSION_SUFFIXES)):
            found.native[name] = origin
            waiting.extend(one for hidden in _HIDDEN.get(name, ()) for one in (hidden, *finder.below(hidden)))
        elif origin.suffix == ".py":
            found.sources[name] = (origin, spec.submodule_search_locations is not None)
            names = _imports(origin.read_bytes(), name, is_package=spec.submodule_search_locations is not None)
            waiting.extend(one for one in names if _is_needed(one, by=name))
    return found


def _is_needed(name: str, *, by: str) -> bool:
    """Tell whether an import is followed: not from library code to a tool, which it mentions for developers."""
    top, own = name.partition(".")[0], by.partition(".")[0]
    return top not in _TOOLS or own in (top, HOUSE)


class _Finder:
    """Finds modules by the files alone: nothing is imported, so nothing runs while an image is built."""

    def __init__(self, source: Path) -> None:
        self._house = [str(source)]
        standard = [sysconfig.get_path("stdlib"), f"{sysconfig.get_path('platstdlib')}/lib-dynload"]
        self._standard = [*standard, f"{standard[0]}/lib-dynload"]
        self._libraries = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        self._found: dict[str, ModuleSpec | None] = {}

    def find(self, name: str) -> ModuleSpec | None:
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def below(self, name: str) -> Iterator[str]:
        """Yield every module of a package, at any depth."""
        spec = self.find(name)
        for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
            for path in sorted(Path(folder).rglob("*.py")):
                parts = path.relative_to(folder).with_suffix("").parts
                yield ".".join((name, *parts)).removesuffix(".__init__")

    def _find(self, name: str) -> ModuleSpec | None:
        top, parent = name.partition(".")[0], name.rpartition(".")[0]
        if name in sys.builtin_module_names:
            return None
        if parent:
            above = self.find(parent)
            where = above.submodule_search_locations if above is not None else None
            return PathFinder.find_spec(name, where) if where else None
        if top == HOUSE:
            return PathFinder.find_spec(name, self._house)
        if top in THIRD_PARTIES:
            return PathFinder.find_spec(name, self._libraries)
        return PathFinder.find_spec(name, self._standard) if top in sys.stdlib_module_names else None


@lru_cache(maxsize=4096)  # by content: images share most of their modules
def _imports(source: bytes, name: str, *, is_package: bool) -> tuple[str, ...]:
    """Return every name that may be a module and that the source imports; what only type checkers see is left out."""
    return tuple(_imported(ast.parse(source, filename=name), name, is_package=is_package))


def _imported(tree: ast.AST, name: str, *, is_package: bool) -> Iterator[str]:
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            waiting.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, name, is_package=is_package)
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
        waiting.extend(ast.iter_child_nodes(node))


def _base(node: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join((*parts, node.module) if node.module else parts)
