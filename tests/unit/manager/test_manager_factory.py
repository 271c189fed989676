"""The factory's parts: keys, the closure of imports, the archive."""

from __future__ import annotations

import importlib.util
import marshal
import stat
import subprocess
import sys
import zipfile
from io import BytesIO

import pytest

from tallystick.errors import StateError, TrustError, UsageError
from tallystick.manager.factory.closure import closure
from tallystick.manager.factory.key import FactoryKeys, read_public
from tallystick.manager.factory.pack import archive, compiled


def _files(folder, contents):
    for name, text in {"tallystick/__init__.py": "", **contents}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def _house(found):
    return sorted(name for name in found.sources if name.startswith("tallystick"))


def test_the_closure_follows_every_form_of_import(tmp_path):
    """Absolute, relative, in functions, modules taken from packages; parents come along; what only types need does not."""
    source = _files(
        tmp_path,
        {
            "tallystick/main.py": "import tallystick.one\nfrom tallystick import two\nfrom .deep import here\n"
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from tallystick import never\nelse:\n    from . import other\n"
            "def late():\n    from tallystick.deep.there import name\n",
            "tallystick/one.py": "", "tallystick/two.py": "", "tallystick/never.py": "", "tallystick/other.py": "",
            "tallystick/deep/__init__.py": "", "tallystick/deep/here.py": "from .. import three\n",
            "tallystick/deep/there.py": "name = 1\n", "tallystick/three.py": "", "tallystick/unused.py": "",
        },
    )  # fmt: skip
    assert _house(closure(["tallystick.main"], source=source)) == [
        "tallystick", "tallystick.deep", "tallystick.deep.here", "tallystick.deep.there", "tallystick.main", "tallystick.one",
        "tallystick.other", "tallystick.three", "tallystick.two",
    ]  # fmt: skip


def test_the_closure_runs_nothing(tmp_path):
    """Sources are read, never imported: a module that would end the process does not."""
    source = _files(tmp_path, {"tallystick/main.py": "raise SystemExit('I ran')\n"})
    assert "tallystick.main" in closure(["tallystick.main"], source=source).sources
    assert "tallystick.main" not in sys.modules


def test_the_closure_takes_the_standard_library_and_listed_third_parties_alone(tmp_path):
    """What is installed by chance, or written for developers, gets into no image; native code is told apart."""
    source = _files(
        tmp_path,
        {"tallystick/main.py": "import json, pytest, click, hypothesis, construct, fcntl, re\nimport nothing\n"},
    )
    found = closure(["tallystick.main"], source=source)
    tops = {name.partition(".")[0] for name in found.sources}
    assert {"json", "construct"} <= tops
    assert not tops & {"pytest", "click", "hypothesis", "nothing", "pdb", "unittest", "email"}
    assert all(path.suffix == ".so" for path in found.native.values())


def test_a_missing_entry_is_refused(tmp_path):
    """An image without its entry is not built."""
    with pytest.raises(UsageError, match="there is no module"):
        closure(["tallystick.nowhere"], source=_files(tmp_path, {}))


def test_a_third_party_that_is_not_installed_is_told_when_an_image_is_built(tmp_path, monkeypatch):
    """Not when the device runs."""
    source = _files(tmp_path, {"tallystick/main.py": "import construct\n"})
    monkeypatch.setattr("sysconfig.get_path", lambda _name: str(tmp_path / "empty"))
    with pytest.raises(UsageError, match="construct is not installed"):
        closure(["tallystick.main"], source=source)


def test_an_archive_depends_on_its_contents_alone():
    """Order does not matter; members are stored, dated 1980 and readable."""
    one = archive({"b": b"2", "a": b"1"})
    assert one == archive({"a": b"1", "b": b"2"})
    with zipfile.ZipFile(BytesIO(one)) as file:
        assert file.namelist() == ["a", "b"]
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        assert {info.date_time for info in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_compiled_code_depends_on_source_and_name_alone():
    """Whoever else holds its texts, whatever the order of hashes: the same bytes; and they are the module."""
    text = b"WORDS = {'one', 'two', 'three'}\ndef has(word):\n    return word in {'alpha', 'beta', 'gamma', 'delta'}\n"
    script = f"import sys; from tallystick.manager.factory.pack import compiled; sys.stdout.buffer.write(compiled({text!r}, 'm.py'))"
    made = {
        subprocess.run(
            [sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("0", "1", "77")
    }
    held = [compile(text, "m.py", "exec") for _ in range(3)]
    assert made == {compiled(text, "m.py")}
    assert held
    raw = made.pop()
    assert raw[:4] == importlib.util.MAGIC_NUMBER
    assert raw[4:8] == b"\1\0\0\0"
    names: dict = {}
    exec(marshal.loads(raw[16:]), names)
    assert names["has"]("beta")


def test_keys_are_written_once_read_back_and_hidden(tmp_path):
    """All six round trip; nothing is replaced; repr tells no secret; secret files are the owner's."""
    keys = FactoryKeys.generate()
    keys.write(tmp_path / "keys")
    again = FactoryKeys.read(tmp_path / "keys")
    assert again.key_table == keys.key_table
    assert len(keys.key_table) == 168
    assert again.config.public_key == keys.config.public_key == read_public(tmp_path / "keys" / "config.pub")
    assert again.normal.public_key == keys.normal.public_key
    assert keys.normal.seed.reveal().hex() not in repr(keys)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()}
    assert {mode for name, mode in modes.items() if name.endswith(".key")} == {0o600}
    with pytest.raises(UsageError, match="there are keys"):
        FactoryKeys.generate().write(tmp_path / "keys")
    assert FactoryKeys.read(tmp_path / "keys").key_table == keys.key_table


def test_six_keys_are_six_keys():
    """Every key of a factory differs from the others, and from those of another factory."""
    one, other = FactoryKeys.generate(), FactoryKeys.generate()
    made = [key.public_key for keys in (one, other) for key in (*keys.rom, keys.config, keys.normal)]
    assert len({key.to_bytes() for key in made}) == 12


def test_keys_that_are_missing_or_damaged_are_refused(tmp_path):
    """A missing file is a wrong use, a damaged one is not trusted, a folder that cannot be written says so."""
    with pytest.raises(UsageError, match="cannot be read"):
        FactoryKeys.read(tmp_path)
    FactoryKeys.generate().write(tmp_path / "keys")
    path = tmp_path / "keys" / "config.key"
    path.write_text(path.read_text()[:-20] + "\n")
    with pytest.raises(TrustError):
        FactoryKeys.read(tmp_path / "keys")
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError):
        FactoryKeys.generate().write(tmp_path / "file" / "keys")


def test_a_module_that_is_built_into_the_interpreter_needs_no_place(tmp_path):
    """Interpreters differ in what they have built in; such a module may be asked for, and nothing is packed for it."""
    found = closure(["marshal"], source=_files(tmp_path, {}))
    assert not found.sources
    assert not found.native
