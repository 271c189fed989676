"""The code that data classes would make at every start, made while an image is built."""

from __future__ import annotations

import marshal
import sys
from types import ModuleType

from tallystick.device.boot.archive import GENERATED
from tallystick.manager.factory.build import ENTRIES, Release
from tallystick.manager.factory.closure import closure
from tallystick.manager.factory.generated import generated
from tallystick.wire.firmware import ImageRole

_SOURCE = '''
from __future__ import annotations
from dataclasses import dataclass, field
from typing import ClassVar, Self
from tallystick.base import Base as Below
raise SystemExit("I ran")

@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value."""
    name: str
    size: int = compute()
    rows: list[int] = field(default_factory=list, repr=False)
    LIMIT: ClassVar[int] = 3

    def __post_init__(self) -> None:
        pass

@dataclass(order=True)
class Other(Below):
    second: Self | None = None

@dataclass(frozen=unknown())
class Strange:
    first: int
'''
_BASE = '''
from dataclasses import dataclass

@dataclass
class Base:
    """What lies below."""
    first: int
'''


def _written(folder):
    for name, text in {"__init__": "", "values": _SOURCE, "base": _BASE}.items():
        path = folder / "tallystick" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


def _compiled_at_import(source: str, names: dict[str, object]) -> set[str]:
    """Run a module with the standard library listening: return the texts that it compiles."""
    import dataclasses

    heard: set[str] = set()

    def listen(text, *rest):
        heard.add(text)
        exec(text, *rest)

    vars(dataclasses)["exec"] = listen
    try:
        exec(source, names)
    finally:
        del vars(dataclasses)["exec"]
    return heard


def test_what_is_made_is_what_a_start_would_compile(tmp_path, monkeypatch):
    """The texts of a module's classes are, letter by letter, those that the standard library writes when it is imported."""
    made = generated(closure(["tallystick.values"], source=_written(tmp_path)))
    assert set(made) == {f"tallystick.base{GENERATED}", f"tallystick.values{GENERATED}"}
    found = {name: marshal.loads(raw) for name, raw in made.items()}
    base = ModuleType("base")
    monkeypatch.setitem(sys.modules, "base", base)
    texts = _compiled_at_import(_BASE, vars(base))
    assert texts == set(found[f"tallystick.base{GENERATED}"])
    source = _SOURCE.replace('raise SystemExit("I ran")', "").replace("from tallystick.base import Base as Below", "")
    values = ModuleType("values")
    monkeypatch.setitem(sys.modules, "values", values)
    vars(values).update(Below=base.Base, compute=lambda: 5, unknown=lambda: True)
    expected = _compiled_at_import(source, vars(values))
    mine = set(found[f"tallystick.values{GENERATED}"])
    assert mine < expected
    assert all("first" in text for text in expected - mine)  # the strange one's, whose shape no source tells
    assert len(mine) > 10


def test_the_code_does_what_the_text_says(tmp_path):
    """The kept code of a text makes the method that the text would."""
    made = generated(closure(["tallystick.base"], source=_written(tmp_path)))
    table = marshal.loads(made[f"tallystick.base{GENERATED}"])
    text = next(text for text in table if "def __eq__" in text)
    ours: dict[str, object] = {}
    exec(table[text], {}, ours)
    theirs: dict[str, object] = {}
    exec(compile(text, "<string>", "exec", dont_inherit=True), {}, theirs)
    assert ours["__create_fn__"].__code__ == theirs["__create_fn__"].__code__


def test_equal_sources_give_equal_bytes(tmp_path):
    """Made twice, with the interpreter's caches filled in between, the members are the same."""
    found = closure([ENTRIES[ImageRole.NORMAL_WORLD]], source=Release(version="1.0.0", security_version=1).source)
    assert generated(found) == generated(found)
    assert generated(found)
