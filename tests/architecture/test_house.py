"""The rules of the house that no linter knows: sizes and names of modules, what the wheel holds, what stays unsaid."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Sequence
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tallystick"
MODULES = sorted(SOURCE.rglob("*.py"))
#: names that say nothing, and so collect everything
DRAWERS = {"util", "utils", "helper", "helpers", "common", "misc", "tools", "stuff"}
MAX_LINES = 400
#: modules that a process begins with, which may speak on its stderr
ENTRIES = {"device/sandbox/entry.py"}
#: what carries a value to people: logs, terminals, texts
_TELLING = {
    "debug",
    "info",
    "warning",
    "error",
    "exception",
    "critical",
    "log",
    "echo",
    "print",
    "str",
    "repr",
    "format",
}
#: third parties of the optional extras
EXTRAS = (
    "starlette", "uvicorn", "PIL", "segno", "textual", "pytest",
    "sqlalchemy", "alembic", "structlog", "websockets", "psycopg",
)  # fmt: skip
#: the rooms of the manager that are no part of its service
PLAIN_MANAGER = {"__init__.py", "factory", "hsm", "provisioning"}


def named(module: Path) -> str:
    """Return a module's path as test ids have it."""
    return module.relative_to(SOURCE).as_posix()


def tree(module: Path) -> ast.Module:
    """Return a module's syntax tree."""
    return ast.parse(module.read_text(encoding="utf-8"), filename=str(module))


def test_there_are_no_drawers():
    """No module or folder is called by a name that says nothing."""
    names = {part for module in MODULES for part in module.relative_to(SOURCE).with_suffix("").parts}
    assert not names & DRAWERS
    assert "wire" in names


def test_no_module_is_too_long():
    """No module has more than 400 lines: a longer one is two."""
    assert not [named(module) for module in MODULES if len(module.read_text(encoding="utf-8").splitlines()) > MAX_LINES]


def offenders(finds: Callable[[ast.Module], Sequence[object]]) -> list[str]:
    """Return the modules in which `finds` finds something, with what it found."""
    return [f"{named(module)}: {found}" for module in MODULES if (found := finds(tree(module)))]


def test_every_module_says_what_it_is():
    """Every module begins with a docstring."""
    assert not [named(module) for module in MODULES if not ast.get_docstring(tree(module))]


def test_nothing_depends_on_assert():
    """`assert` vanishes under -O, so nothing in the package relies on it."""

    def asserts(root: ast.Module) -> list[int]:
        return [node.lineno for node in ast.walk(root) if isinstance(node, ast.Assert)]

    assert asserts(ast.parse("assert True"))
    assert not offenders(asserts)


def test_the_library_does_not_print():
    """`print` is for the command line, which uses click, and for the first module of a process."""

    def prints(root: ast.Module) -> list[int]:
        calls = [node for node in ast.walk(root) if isinstance(node, ast.Call)]
        return [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"]

    assert prints(ast.parse("print(1)"))
    assert not [one for one in offenders(prints) if one.partition(":")[0] not in ENTRIES]


def revealing(node: ast.AST) -> list[int]:
    """Return the lines below `node` that take the bytes of a secret."""
    return [
        inner.lineno
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call)
        and (inner.func.attr if isinstance(inner.func, ast.Attribute) else getattr(inner.func, "id", "")) == "reveal"
    ]


def told_secrets(root: ast.AST) -> list[int]:
    """Return the lines that put the bytes of a secret into a log, a text or an exception."""
    found = []
    for node in ast.walk(root):
        if isinstance(node, ast.JoinedStr | ast.Raise):
            found += revealing(node)
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in _TELLING:
                found += [line for argument in (*node.args, *node.keywords) for line in revealing(argument)]
    return sorted(set(found))


def test_no_secret_is_told():
    """What `reveal` gives goes into no log, no text and no exception."""
    assert not offenders(told_secrets)


@pytest.mark.parametrize(
    "line",
    [
        "log.info('%s', pin.reveal())",
        "text = f'{pin.reveal()!r}'",
        "raise ValueError(pin.reveal())",
        "print(reveal(pin))",
        "str(pin.reveal(), 'ascii')",
    ],
)
def test_a_told_secret_is_found(line):
    """The check above sees each way of telling a secret, so that it can fail."""
    assert told_secrets(ast.parse(line)) == [1]


def needs_extra(parts: Sequence[str]) -> bool:
    """Say whether a module belongs to the panel or to the manager's service."""
    return parts[0] == "ui" or (parts[0] == "manager" and parts[1] not in PLAIN_MANAGER)


def test_the_modules_load_without_the_extras():
    """Everything but the panel, the manager's service and the pytest plugin itself can be imported where no optional extra is installed."""
    names = [
        ".".join(("tallystick", *module.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
        for module in MODULES
        if module.name not in {"__main__.py", "plugin.py"} and not needs_extra(module.relative_to(SOURCE).parts)
    ]
    program = f"""
import importlib, sys
from importlib.abc import MetaPathFinder
class Blocker(MetaPathFinder):
    def find_spec(self, fullname, path=None, target=None):
        if fullname.partition(".")[0] in {EXTRAS!r}:
            raise ModuleNotFoundError(f"blocked: {{fullname}}", name=fullname)
sys.meta_path.insert(0, Blocker())
for name in {names!r}:
    importlib.import_module(name)
print(len({names!r}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 100


@pytest.fixture(scope="session")
def wheel(tmp_path_factory, pytestconfig):
    """Give the wheel of this checkout, built once."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--disable-pip-version-check"]
    subprocess.run([*command, "--wheel-dir", str(folder), str(pytestconfig.rootpath)], check=True)
    (file,) = folder.glob("*.whl")
    with zipfile.ZipFile(file) as archive:
        yield archive


def test_the_wheel_holds_all_that_the_package_reads(wheel):
    """Every file of the package that is kept in the repository is in the wheel: modules, manifests, page, rule, fonts."""
    kept = [path for path in SOURCE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    files = {path.relative_to(SOURCE.parent).as_posix() for path in kept}
    names = set(wheel.namelist())
    assert not files - names
    assert names >= {
        "tallystick/py.typed",
        "tallystick/apps/cosmos/manifest.json",
        "tallystick/host/udev/70-tallystick.rules",
        "tallystick/ui/web/static/index.html",
        "tallystick/ui/font/pixel.json",
        "tallystick/ui/font/LICENSE.inter.txt",
        "tallystick/ui/font/LICENSE.pixel.txt",
    }


def test_the_wheel_holds_nothing_else(wheel):
    """No test, cache or file of a person's machine is in the wheel."""
    for name in wheel.namelist():
        assert name.startswith(("tallystick/", "tallystick-")), name
        assert "__pycache__" not in name


def test_the_wheel_says_its_licence_and_its_commands(wheel):
    """The wheel has licence and notice, the command `tally`, the pytest plugin and the extras."""
    (metadata_name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(wheel.read(metadata_name))
    assert metadata["License-Expression"] == "MIT"
    assert set(metadata.get_all("License-File")) == {"LICENSE", "NOTICE"}
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(metadata.get_all("Provides-Extra")) == set(declared["optional-dependencies"])
    entry_points = wheel.read(metadata_name.replace("METADATA", "entry_points.txt")).decode()
    assert "tally = tallystick.cli.main:main" in entry_points
    assert "tallystick = tallystick.testing.plugin" in entry_points
