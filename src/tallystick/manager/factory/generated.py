"""Code that `dataclasses` would make at every start, made once while an image is built.

A data class gets its methods from text that the standard library writes and compiles when the class is defined; in a start
that takes a quarter of the time. Here the very same machinery is given classes of the same shape, read from the sources
without importing one, and what it compiles is kept: text and code go into the image, beside their module. A running image
takes code for a text that is equal, letter by letter, and compiles any other as ever, so a class that is not understood here
costs time and nothing else.
"""

from __future__ import annotations

import ast
import dataclasses
import importlib.util
import marshal
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from types import CodeType, ModuleType
from typing import Any

from tallystick.manager.factory.closure import HOUSE, Closure
from tallystick.wire.firmware import GENERATED

#: as for compiled modules: equal code gives equal bytes
_MARSHAL = 2
#: the module that stands for a class's own: annotations that are read as text find `ClassVar` there
_MODULE = "typing"
#: methods of a class that decide which others it gets
_TELLING = frozenset(
    [
        "__post_init__", "__init__", "__eq__", "__hash__", "__repr__",
        "__lt__", "__le__", "__gt__", "__ge__", "__setattr__", "__delattr__", "__getstate__", "__setstate__",
    ]
)  # fmt: skip


def generated(closure: Closure) -> dict[str, bytes]:
    """Return the members that hold the generated code of a closure's own modules, by their names in the archive."""
    trees = {
        name: ast.parse(path.read_bytes())
        for name, (path, _is_package) in closure.sources.items()
        if name.startswith(f"{HOUSE}.") and b"@dataclass" in path.read_bytes()
    }
    shapes = _Shapes(trees)
    made = {name: shapes.texts(name) for name in sorted(trees)}
    return {
        f"{name}{GENERATED}": marshal.dumps({text: _code(text) for text in texts}, _MARSHAL)
        for name, texts in made.items()
        if texts
    }


@lru_cache(maxsize=8192)
def _code(text: str) -> CodeType:
    return compile(text, "<string>", "exec", dont_inherit=True, optimize=0)


class _Shapes:
    """Classes shaped like the data classes of these sources, made by a copy of the standard library's module."""

    def __init__(self, trees: Mapping[str, ast.Module]) -> None:
        self._trees = trees
        self._machine, self._heard = _machine()
        self._made: dict[tuple[str, str], type | None] = {}
        self._imports = {name: dict(_imported(tree)) for name, tree in trees.items()}

    def texts(self, module: str) -> list[str]:
        """Return what is compiled for the data classes of a module, each text once, in order."""
        texts: dict[str, None] = {}
        for node in self._trees[module].body:
            if isinstance(node, ast.ClassDef) and (decorator := _decorator(node)) is not None:
                self._make(module, node, decorator)
                texts |= dict.fromkeys(self._heard)
        return list(texts)

    def _find(self, module: str, name: str) -> type | None:
        """Return the shape of the data class that `name` is in `module`, None when it is none."""
        if name in self._imports.get(module, {}):
            module, name = self._imports[module][name]
        if (module, name) not in self._made:
            self._made[module, name] = None
            for node in self._trees[module].body if module in self._trees else ():
                if isinstance(node, ast.ClassDef) and node.name == name and (decorator := _decorator(node)) is not None:
                    self._make(module, node, decorator)
        return self._made[module, name]

    def _make(self, module: str, node: ast.ClassDef, decorator: ast.expr) -> None:
        bases = [self._find(module, base.id) for base in node.bases if isinstance(base, ast.Name)]
        self._heard.clear()
        self._made[module, node.name] = None
        try:
            shape = type(node.name, tuple(base for base in bases if base is not None), self._namespace(node))
            made = self._machine.dataclass(**_settings(decorator))(shape)
        except (TypeError, ValueError, AttributeError):  # not understood: it is compiled at the start
            return
        self._made[module, node.name] = made

    def _namespace(self, node: ast.ClassDef) -> dict[str, Any]:
        """Return what decides about the methods of a class: its fields, whether they have defaults, and some methods."""
        names: dict[str, Any] = {"__module__": _MODULE, "__doc__": node.name, "__annotations__": {}}
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                names["__annotations__"][one.target.id] = ast.unparse(one.annotation)
                if one.value is not None:
                    names[one.target.id] = self._default(one.value)
            elif isinstance(one, ast.FunctionDef) and one.name in _TELLING:
                names[one.name] = lambda _self, *_rest: None
        return names

    def _default(self, value: ast.expr) -> object:
        if not (isinstance(value, ast.Call) and ast.unparse(value.func) in ("field", "dataclasses.field")):
            return object()
        known: dict[str, Any] = {}
        for keyword in value.keywords:
            name = keyword.arg or ""
            if name in ("default", "default_factory"):
                known[name] = object if name == "default_factory" else object()
            elif name != "metadata":
                known[name] = ast.literal_eval(keyword.value)
        return self._machine.field(**known)


def _machine() -> tuple[Any, list[str]]:
    """Return a copy of the module `dataclasses`, and the list of what it compiles from now on."""
    heard: list[str] = []
    spec = importlib.util.find_spec("dataclasses")
    if spec is None or spec.loader is None:
        raise ImportError("this interpreter has no dataclasses")
    machine = ModuleType(dataclasses.__name__)  # the name by which it finds its own types
    own: Callable[..., None] = exec

    def listening(text: str, *rest: Any) -> None:
        heard.append(text)
        own(text, *rest)

    spec.loader.exec_module(machine)
    vars(machine)["exec"] = listening
    return machine, heard


def _decorator(node: ast.ClassDef) -> ast.expr | None:
    for one in node.decorator_list:
        name = one.func if isinstance(one, ast.Call) else one
        if ast.unparse(name) in ("dataclass", "dataclasses.dataclass"):
            return one
    return None


def _settings(decorator: ast.expr) -> dict[str, Any]:
    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
    return {keyword.arg or "": ast.literal_eval(keyword.value) for keyword in keywords}


def _imported(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((alias.asname or alias.name, (node.module, alias.name)) for alias in node.names)
